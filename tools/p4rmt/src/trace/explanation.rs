//! What a trace says, as data. The types are the JSON; their names are stable.

use serde::Serialize;

/// The trace of some packets through a program.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation {
    /// The program.
    pub(crate) program: String,
    /// `interp`.
    pub(crate) engine: &'static str,
    /// The machine whose stages it ran in; none if it ran without stages.
    pub(crate) target: Option<String>,
    /// How many of them it uses.
    pub(crate) stages_used: Option<u32>,
    /// The packets, in the order in which they arrived.
    pub(crate) packets: Vec<PacketTrace>,
    /// With `--clock`: who stands where, clock by clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clock: Option<super::grid::Grid>,
}

/// One packet and all that it caused.
#[derive(Debug, Serialize)]
pub(crate) struct PacketTrace {
    /// Its number in the vector or capture, from 1.
    pub(crate) packet: u64,
    /// Where it comes from: `file:line`, `file, packet N`, or `the command line`.
    pub(crate) from: String,
    /// Where it arrived.
    pub(crate) port: u16,
    /// Its bytes, in hexadecimal.
    pub(crate) data: String,
    /// What became of it before it entered a gress.
    pub(crate) before: Vec<FateTrace>,
    /// Its passes through a gress and those of its copies, in order.
    pub(crate) passes: Vec<PassTrace>,
}

/// A pass through a gress, or through a part of a v1model program.
#[derive(Debug, Serialize)]
pub(crate) struct PassTrace {
    /// Its number, from 1.
    pub(crate) pass: u64,
    /// The pass that made this packet; none for one that arrived.
    pub(crate) made_by: Option<u64>,
    /// `ingress`, `egress` or `parser`.
    pub(crate) gress: &'static str,
    /// What entered: `arrived`, `resubmitted`, `recirculated`, `forwarded`, `replicated`, `mirrored`,
    /// or `parsed for a clone`.
    pub(crate) entered_as: &'static str,
    /// The replication id of a copy of a multicast group.
    pub(crate) rid: Option<u16>,
    /// Where it came in, or where it is to leave.
    pub(crate) port: u16,
    /// The clock at which it entered.
    pub(crate) clock: u64,
    /// The packet as it entered, in hexadecimal, metadata that the device put in front not counted.
    pub(crate) data: String,
    /// Parser, stages or controls, deparser.
    pub(crate) sections: Vec<Section>,
    /// The packet as the deparser left it, in hexadecimal; none if it did not come so far.
    pub(crate) deparsed: Option<String>,
    /// What the device then did with it, and with copies.
    pub(crate) then: Vec<FateTrace>,
}

/// Steps that belong together.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    /// `parser`, `stage`, `control` or `deparser`.
    pub(crate) section: &'static str,
    /// The stage, or the name of the parser, control or deparser.
    pub(crate) name: String,
    /// What happened, in order.
    pub(crate) steps: Vec<Step>,
}

/// Something that happened to a packet in a gress.
#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// The parser entered a state.
    State { name: String, at: At },
    /// A header was extracted.
    Extract {
        header: String,
        /// From the front of what the parser sees, in bits.
        offset_bits: u64,
        fields: Vec<Value>,
    },
    /// The parser went on.
    Transition {
        /// What it selected by.
        select: Vec<Value>,
        to: String,
        at: At,
    },
    /// Parsing failed.
    ParserError { error: String, at: At },
    /// A condition was tested: a gateway, or an `if` where there are none.
    Condition {
        text: String,
        holds: bool,
        /// The fields that it reads.
        values: Vec<Value>,
        at: At,
    },
    /// A table was looked up.
    Table {
        name: String,
        /// Whether the program has it; if not, it holds a loose statement.
        is_declared: bool,
        key: Vec<KeyValue>,
        /// `hit`, `miss`, or `always` for a table without a key.
        result: &'static str,
        /// What hit.
        entry: Option<EntryText>,
        /// What ran; nothing where an entry leads to an empty group.
        action: Option<ActionText>,
        at: At,
    },
    /// A field was written.
    Write {
        field: String,
        before: String,
        after: String,
        at: At,
    },
    /// A register was read or written.
    Register {
        name: String,
        index: u64,
        /// The register action; none for plain reads and writes.
        action: Option<String>,
        /// The branches that it took.
        conditions: Vec<BranchText>,
        before: Vec<Value>,
        after: Vec<Value>,
        at: At,
    },
    /// A counter counted the packet.
    Counter { name: String, index: u64, at: At },
    /// A unit gave a value: `hash`, `random`, `meter` or `checksum`.
    Computed {
        unit: &'static str,
        name: String,
        value: String,
        at: At,
    },
    /// The deparser emitted a header.
    Emit { header: String },
    /// The deparser asked for something: `mirror`, `resubmit` or `digest`.
    Request {
        what: &'static str,
        detail: String,
        at: At,
    },
}

/// `file:line`, where the program says so.
pub(crate) type At = Option<String>;

/// A value with its name.
#[derive(Debug, Serialize)]
pub(crate) struct Value {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// A key of a table.
#[derive(Debug, Serialize)]
pub(crate) struct KeyValue {
    pub(crate) name: String,
    pub(crate) value: String,
    /// `exact`, `ternary`, `lpm`, `range`, `optional` or `selector`.
    pub(crate) kind: &'static str,
}

/// An entry of a table.
#[derive(Debug, Serialize)]
pub(crate) struct EntryText {
    /// Its place in the table.
    pub(crate) slot: usize,
    /// What it wants of each key.
    pub(crate) matches: Vec<Value>,
    /// Where the table has priorities.
    pub(crate) priority: Option<u32>,
    /// `member N` or `group N`; none where it has an action of its own.
    pub(crate) leads_to: Option<String>,
    /// Its place in the program; none if the control plane brought it.
    pub(crate) at: At,
}

/// An action with its data.
#[derive(Debug, Serialize)]
pub(crate) struct ActionText {
    pub(crate) name: String,
    pub(crate) data: Vec<Value>,
    pub(crate) at: At,
}

/// A branch of a register action.
#[derive(Debug, Serialize)]
pub(crate) struct BranchText {
    pub(crate) text: String,
    pub(crate) holds: bool,
    pub(crate) at: At,
}

/// What the device did.
#[derive(Debug, Serialize)]
pub(crate) struct FateTrace {
    /// In words.
    pub(crate) event: String,
    /// Whether the packet, or a copy of it, ended here inside the device.
    pub(crate) is_drop: bool,
    pub(crate) at: At,
}
