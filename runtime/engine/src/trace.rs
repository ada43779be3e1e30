//! What an engine tells about a packet, step by step, to whoever asks.
//!
//! A run without a trace makes no events. Ids belong to the gress that runs; names and spans are in
//! the program.

use p4rmt_ir::{ActionId, Bits, FieldId, GatewayId, HeaderId, RegisterId, StateId, TableId};
use p4rmt_source::Span;

/// Receives the events of a run, in order.
pub trait Trace {
    /// Takes one event.
    fn event(&mut self, event: Event<'_>);
}

/// A step of a packet.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The run turns to this packet of the batch.
    Packet {
        /// Position in the batch.
        index: usize,
    },
    /// The parser enters a state.
    ParserState {
        /// The state.
        state: StateId,
        /// Where the cursor is, in bits from the start of the prefix.
        cursor_bits: u64,
    },
    /// The parser extracted a header.
    Extract {
        /// The header.
        header: HeaderId,
        /// Where it starts, in bits from the start of the prefix.
        cursor_bits: u64,
    },
    /// Parsing failed.
    ParserError {
        /// Position among the program's errors.
        error: u32,
        /// What raised it.
        span: Span,
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
    /// An `if` of the structured form was tested.
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
        key: &'a [Bits],
        /// The slot of the entry that matched; none on a miss.
        entry: Option<usize>,
        /// What runs; nothing where the entry leads to a group without members.
        action: Option<ActionId>,
        /// Its action data.
        args: &'a [Bits],
    },
    /// A field was written.
    Write {
        /// Which.
        field: FieldId,
        /// Its value before.
        before: &'a Bits,
        /// Its value after.
        after: &'a Bits,
        /// The statement.
        span: Span,
    },
    /// An element of a register was read or written.
    Register {
        /// Which register.
        register: RegisterId,
        /// Which element.
        index: u64,
        /// The element's values before.
        before: &'a [Bits],
        /// The element's values after.
        after: &'a [Bits],
        /// The call.
        span: Span,
    },
    /// The deparser emitted a header.
    Emit {
        /// Which.
        header: HeaderId,
    },
}
