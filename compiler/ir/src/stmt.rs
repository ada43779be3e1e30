//! Statements of the structured form: what parsers, controls, deparsers and actions do, in order.
//!
//! Functions, sub-controls and directly called actions have been inlined, with copy-in and
//! copy-out through fields of kind [`crate::FieldKind::Local`]; `return`, `break` and `continue`
//! have become [`StmtKind::Leave`] of a label. Which kinds may stand where is a rule of the
//! validator.

use p4rmt_source::Span;

use crate::{
    ActionId, ChecksumId, CounterId, DigestId, Expr, HashId, HeaderId, LabelId, MeterId, Place,
    RandomId, RegisterActionId, RegisterId, TableId, V1Call,
};

/// Statements that run one after the other.
pub type Block = Vec<Stmt>;

/// A statement and the source that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Where it stands in the program.
    pub span: Span,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StmtKind {
    /// Stores the value. The expression is evaluated whole before the place is written.
    Assign {
        /// Where to.
        dst: Place,
        /// What; as wide as the place.
        value: Expr,
    },
    /// Runs one of two blocks.
    If {
        /// One bit.
        cond: Expr,
        /// Where it is 1.
        then: Block,
        /// Where it is 0.
        otherwise: Block,
    },
    /// Looks the table up, runs the action that it selects, then the first arm that fits.
    Apply {
        /// The table.
        table: TableId,
        /// At most one of them runs.
        arms: Vec<Arm>,
    },
    /// Calls an extern.
    Call(Call),
    /// Runs the block; a `Leave` of the label inside it continues after it.
    ///
    /// It also says what belongs together: an action that is called directly is inlined as one of
    /// these, with the call as its span, even where nothing leaves it. The step to tables keeps
    /// its statements in one table where it can.
    Labeled {
        /// The label, unique in its gress.
        label: LabelId,
        /// The statements.
        body: Block,
    },
    /// Runs the block for ever; only `Leave` and `Exit` end it.
    Loop {
        /// A `Leave` of this label ends the loop.
        label: LabelId,
        /// The statements of one turn.
        body: Block,
    },
    /// Continues after the innermost enclosing statement with this label.
    Leave(LabelId),
    /// Ends the control (not the gress: deparser or checksum controls still run).
    Exit,
    /// Parser: reads the fields of the header from the packet, makes it valid, advances the
    /// cursor. `PacketTooShort` if the packet ends before the header does.
    Extract {
        /// The header.
        header: HeaderId,
        /// Width in bits of its varbit field in this packet; none where it has no such field.
        varbit_bits: Option<Expr>,
    },
    /// Parser: moves the cursor. `PacketTooShort` if the packet ends before.
    Advance {
        /// By how many bits; unsigned.
        bits: Expr,
    },
    /// Parser: raises the error and goes to reject where the condition is 0.
    Verify {
        /// One bit.
        cond: Expr,
        /// Position of the error among [`crate::Program::errors`]; 32 bits or narrower.
        error: Expr,
    },
    /// Deparser: appends the header to the packet if it is valid.
    Emit {
        /// The header.
        header: HeaderId,
    },
}

/// A block that runs after a table, depending on the table's outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// When.
    pub on: Outcome,
    /// What; in the structured form.
    pub body: Block,
}

/// What looking up a table can lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An entry matched.
    Hit,
    /// No entry matched.
    Miss,
    /// This action ran, by an entry or by default.
    Action(ActionId),
    /// None of the arms before fits (`default` of a `switch`).
    Otherwise,
}

/// A call of an extern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Of what.
    pub kind: CallKind,
    /// Where its results go, in the order that the kind defines; `None` drops one.
    pub outs: Vec<Option<Place>>,
}

impl Call {
    /// The arguments, in order.
    #[must_use]
    pub fn args(&self) -> Vec<&Expr> {
        match &self.kind {
            CallKind::RegisterAction { index, .. } | CallKind::Count { index, .. } => {
                index.iter().collect()
            }
            CallKind::RegisterRead { index, .. } => vec![index],
            CallKind::RegisterWrite { index, values, .. } => {
                std::iter::once(index).chain(values).collect()
            }
            CallKind::Meter { index, color, .. } => index.iter().chain(color).collect(),
            CallKind::Filter { index, value, .. } => index.iter().chain([value]).collect(),
            CallKind::Hash { args, .. } | CallKind::Checksum { args, .. } => args.iter().collect(),
            CallKind::Random { .. } => Vec::new(),
            CallKind::Mirror {
                session, header, ..
            } => std::iter::once(session).chain(header).collect(),
            CallKind::Resubmit { header, .. } | CallKind::Generate { header } => {
                header.iter().collect()
            }
            CallKind::Digest {
                fields, receiver, ..
            } => receiver.iter().chain(fields).collect(),
            CallKind::V1(call) => call.args(),
        }
    }

    /// The arguments, in order, to change in place.
    pub fn args_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            CallKind::RegisterAction { index, .. } | CallKind::Count { index, .. } => {
                index.iter_mut().collect()
            }
            CallKind::RegisterRead { index, .. } => vec![index],
            CallKind::RegisterWrite { index, values, .. } => {
                std::iter::once(index).chain(values).collect()
            }
            CallKind::Meter { index, color, .. } => index.iter_mut().chain(color).collect(),
            CallKind::Filter { index, value, .. } => index.iter_mut().chain([value]).collect(),
            CallKind::Hash { args, .. } | CallKind::Checksum { args, .. } => {
                args.iter_mut().collect()
            }
            CallKind::Random { .. } => Vec::new(),
            CallKind::Mirror {
                session, header, ..
            } => std::iter::once(session).chain(header).collect(),
            CallKind::Resubmit { header, .. } | CallKind::Generate { header } => {
                header.iter_mut().collect()
            }
            CallKind::Digest {
                fields, receiver, ..
            } => receiver.iter_mut().chain(fields).collect(),
            CallKind::V1(call) => call.args_mut(),
        }
    }
}

/// The externs. Results are written to [`Call::outs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallKind {
    /// Runs a program of a stateful ALU on one element. Results: its outputs.
    RegisterAction {
        /// Which program.
        action: RegisterActionId,
        /// Which element; none for the entry's own (direct).
        index: Option<Expr>,
    },
    /// Reads an element. Results: its fields. Beyond the array: zeros.
    RegisterRead {
        /// The register.
        register: RegisterId,
        /// Which element.
        index: Expr,
    },
    /// Writes an element, each field of it. Beyond the array: nothing happens.
    RegisterWrite {
        /// The register.
        register: RegisterId,
        /// Which element.
        index: Expr,
        /// A value a field of the element.
        values: Vec<Expr>,
    },
    /// Counts this packet.
    Count {
        /// The counter.
        counter: CounterId,
        /// Which cell; none for the entry's own (direct).
        index: Option<Expr>,
    },
    /// Meters this packet. Result: colour, 0 green, 1 yellow, 3 red (TNA) or 2 red (v1model).
    Meter {
        /// The meter.
        meter: MeterId,
        /// Which cell; none for the entry's own (direct).
        index: Option<Expr>,
        /// The colour that the packet comes with, for a colour-aware meter.
        color: Option<Expr>,
    },
    /// Gives a value to a filter. Result: what comes out, as [`crate::FilterKind`] says.
    Filter {
        /// The meter that is a filter.
        meter: MeterId,
        /// Which cell; none for the entry's own (direct).
        index: Option<Expr>,
        /// The value, of the filter's width.
        value: Expr,
    },
    /// Hashes the concatenation of the arguments. Result: the hash.
    Hash {
        /// The function.
        hash: HashId,
        /// What is hashed, the first argument in the highest bits.
        args: Vec<Expr>,
    },
    /// Draws a value. Result: the value.
    Random {
        /// The source.
        random: RandomId,
    },
    /// Parser and deparser: a checksum unit. Results depend on the operation.
    Checksum {
        /// The unit.
        unit: ChecksumId,
        /// What is done.
        op: ChecksumOp,
        /// The data, a multiple of 16 bits in all.
        args: Vec<Expr>,
    },
    /// Deparser: asks for a mirrored copy with these bytes in front.
    Mirror {
        /// The mirror type of the extern instance; none where the extern was made without one.
        mirror_type: Option<u32>,
        /// The session.
        session: Expr,
        /// The mirror header, a multiple of 8 bits in all.
        header: Vec<Expr>,
    },
    /// Ingress deparser: sends the packet as received back to the parser, these bytes in front.
    Resubmit {
        /// The resubmit type of the extern instance.
        resubmit_type: Option<u32>,
        /// The resubmit header, a multiple of 8 bits in all.
        header: Vec<Expr>,
    },
    /// Ingress deparser (T2NA): tells the packet generator to send, these bytes in front.
    Generate {
        /// The header, a multiple of 8 bits in all.
        header: Vec<Expr>,
    },
    /// Deparser, and ingress of v1model: sends a message to the control plane.
    Digest {
        /// Which.
        digest: DigestId,
        /// Who is to have it; 32 bits, v1model only.
        receiver: Option<Expr>,
        /// Its fields.
        fields: Vec<Expr>,
    },
    /// What v1model alone has.
    V1(V1Call),
}

/// What a checksum unit does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumOp {
    /// Adds the arguments to the running one's-complement sum.
    Add,
    /// Subtracts them.
    Subtract,
    /// Result: one bit, 1 if the running sum is not that of correct data. (The architecture file says
    /// the opposite, but the published programs and the tests that pass on the chip's model use the
    /// result as an error flag, and so does the compiler's advice: `err = ck.verify() || err`.)
    Verify,
    /// Result: 16 bits. In a deparser the checksum of what was added; in a parser the residual: the
    /// running sum itself, which a deparser adds to new headers.
    Get,
    /// Result: 16 bits, the checksum of the arguments alone.
    Update {
        /// A result of zero becomes all ones, as UDP wants.
        zeros_as_ones: bool,
    },
    /// Subtracts every header that is extracted after the call. Result: 16 bits, the running sum,
    /// written when parsing ends.
    SubtractAllAndDeposit,
}
