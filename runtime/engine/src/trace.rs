//! What an engine tells about a packet, step by step, to whoever asks.
//!
//! A run without a trace makes no events. Ids belong to the gress that runs; names and spans are in
//! the program. An event borrows what it shows; [`Event::into_owned`] keeps it.

use std::borrow::Cow;

use p4rmt_ir::{
    ActionId, Bits, ChecksumId, ControlRole, CounterId, FieldId, GatewayId, HashId, HeaderId,
    MeterId, RandomId, RegisterActionId, RegisterId, StateId, TableId, Target,
};
use p4rmt_source::Span;

use crate::InstalledEntry;

/// Receives the events of a run, in order.
pub trait Trace {
    /// Takes one event.
    fn event(&mut self, event: Event<'_>);
}

/// Keeps all events.
impl Trace for Vec<Event<'static>> {
    fn event(&mut self, event: Event<'_>) {
        self.push(event.into_owned());
    }
}

/// A step of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The run turns to this packet of the batch.
    Packet {
        /// Position in the batch.
        index: usize,
        /// The value of each field as the packet enters, with what the device has written.
        fields: Cow<'a, [Bits]>,
    },
    /// The parser enters a state.
    ParserState {
        /// The state.
        state: StateId,
        /// Where the cursor is, in bits from the start of the prefix.
        cursor_bits: u64,
    },
    /// The parser extracted a header; writes of its fields follow.
    Extract {
        /// The header.
        header: HeaderId,
        /// Where it starts, in bits from the start of the prefix.
        cursor_bits: u64,
    },
    /// The parser leaves a state.
    Transition {
        /// The state.
        state: StateId,
        /// The values that it selects by; none where it does not select.
        key: Cow<'a, [Bits]>,
        /// The case that matched, by position.
        case: Option<usize>,
        /// Where it leads.
        target: Target,
    },
    /// Parsing failed.
    ParserError {
        /// Position among the program's errors.
        error: u32,
        /// What raised it.
        span: Span,
    },
    /// A control of a whole gress begins.
    Control {
        /// Which.
        role: ControlRole,
    },
    /// The packet enters a stage (placed only).
    Stage {
        /// The stage.
        stage: u32,
    },
    /// A gateway was tested.
    Gateway {
        /// Which.
        gateway: GatewayId,
        /// What came out.
        holds: bool,
    },
    /// An `if` of the structured form, of a parser, deparser or register action was tested.
    Condition {
        /// The statement.
        span: Span,
        /// What came out.
        holds: bool,
    },
    /// A table was looked up.
    Table {
        /// Which.
        table: TableId,
        /// The values of its keys, in order.
        key: Cow<'a, [Bits]>,
        /// The entry that matched; none on a miss.
        entry: Option<HitEntry<'a>>,
        /// What runs; nothing where the entry leads to a group without members.
        action: Option<ActionId>,
        /// Its action data.
        args: Cow<'a, [Bits]>,
    },
    /// A field was written.
    Write {
        /// Which.
        field: FieldId,
        /// Its value before.
        before: Cow<'a, Bits>,
        /// Its value after.
        after: Cow<'a, Bits>,
        /// The statement.
        span: Span,
    },
    /// A program of a stateful ALU begins; its conditions follow, then the register.
    RegisterAction {
        /// Which.
        action: RegisterActionId,
        /// The call.
        span: Span,
    },
    /// An element of a register was read or written.
    Register {
        /// Which register.
        register: RegisterId,
        /// Which element.
        index: u64,
        /// The element's values before.
        before: Cow<'a, [Bits]>,
        /// The element's values after.
        after: Cow<'a, [Bits]>,
        /// The call.
        span: Span,
    },
    /// A counter counted the packet.
    Counted {
        /// Which.
        counter: CounterId,
        /// Which cell.
        index: u64,
        /// The call; [`Span::NONE`] where the table counts by itself.
        span: Span,
    },
    /// A unit gave a value.
    Computed {
        /// Which.
        unit: Unit,
        /// The value.
        value: Cow<'a, Bits>,
        /// The call.
        span: Span,
    },
    /// The deparser begins.
    Deparser,
    /// The deparser emitted a header.
    Emit {
        /// Which.
        header: HeaderId,
    },
}

/// The entry that a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HitEntry<'a> {
    /// Its slot.
    pub slot: usize,
    /// The entry.
    pub entry: Cow<'a, InstalledEntry>,
}

/// A unit that gives values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A hash function.
    Hash(HashId),
    /// A source of random values.
    Random(RandomId),
    /// A meter or filter.
    Meter(MeterId),
    /// A checksum unit.
    Checksum(ChecksumId),
}

impl Event<'_> {
    /// The event with all that it shows.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        match self {
            Self::Packet { index, fields } => Event::Packet {
                index,
                fields: keep(fields),
            },
            Self::ParserState { state, cursor_bits } => Event::ParserState { state, cursor_bits },
            Self::Extract {
                header,
                cursor_bits,
            } => Event::Extract {
                header,
                cursor_bits,
            },
            Self::Transition {
                state,
                key,
                case,
                target,
            } => Event::Transition {
                state,
                key: keep(key),
                case,
                target,
            },
            Self::ParserError { error, span } => Event::ParserError { error, span },
            Self::Control { role } => Event::Control { role },
            Self::Stage { stage } => Event::Stage { stage },
            Self::Gateway { gateway, holds } => Event::Gateway { gateway, holds },
            Self::Condition { span, holds } => Event::Condition { span, holds },
            Self::Table {
                table,
                key,
                entry,
                action,
                args,
            } => Event::Table {
                table,
                key: keep(key),
                entry: entry.map(|hit| HitEntry {
                    slot: hit.slot,
                    entry: keep(hit.entry),
                }),
                action,
                args: keep(args),
            },
            Self::Write {
                field,
                before,
                after,
                span,
            } => Event::Write {
                field,
                before: keep(before),
                after: keep(after),
                span,
            },
            Self::RegisterAction { action, span } => Event::RegisterAction { action, span },
            Self::Register {
                register,
                index,
                before,
                after,
                span,
            } => Event::Register {
                register,
                index,
                before: keep(before),
                after: keep(after),
                span,
            },
            Self::Counted {
                counter,
                index,
                span,
            } => Event::Counted {
                counter,
                index,
                span,
            },
            Self::Computed { unit, value, span } => Event::Computed {
                unit,
                value: keep(value),
                span,
            },
            Self::Deparser => Event::Deparser,
            Self::Emit { header } => Event::Emit { header },
        }
    }
}

/// What is borrowed becomes its own.
fn keep<T: ToOwned + ?Sized>(shown: Cow<'_, T>) -> Cow<'static, T> {
    Cow::Owned(shown.into_owned())
}
