//! What a vector says, statement by statement. Names are as written; nothing is looked up yet.

use crate::value::{Pattern, Value};

/// A file of statements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    /// The file's name, for messages.
    pub file: String,
    /// Its statements in order.
    pub statements: Vec<Statement>,
}

/// A statement and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// From 1.
    pub line: u32,
    /// What it says.
    pub kind: StatementKind,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementKind {
    /// `add`: a table entry.
    Add(AddEntry),
    /// `setdefault`: what a table does without a match.
    SetDefault {
        /// The table.
        table: String,
        /// The action.
        action: ActionText,
    },
    /// `remove all`: every entry that a statement added.
    RemoveAll,
    /// `packet`: a packet arrives.
    Packet {
        /// Where.
        port: u16,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// `expect`: a packet leaves.
    Expect {
        /// Where.
        port: u16,
        /// What it is; none for any packet.
        pattern: Option<Pattern>,
    },
    /// `no_packet`: nothing that is not expected leaves, which is so anyway.
    NoPacket,
    /// `wait`: nothing to wait for, since all that a packet causes is over when it is over.
    Wait,
    /// `check_counter`, in both dialects.
    CheckCounter {
        /// The counter.
        counter: String,
        /// Which cell.
        index: CellIndex,
        /// What it must have counted; none if it only has to be there.
        check: Option<CounterCheck>,
    },
    /// `counter_read`: the cell must be there; its value goes to the report.
    CounterRead {
        /// The counter.
        counter: String,
        /// Which cell.
        index: CellIndex,
    },
    /// `counter_write`.
    CounterWrite {
        /// The counter.
        counter: String,
        /// Which cell.
        index: CellIndex,
        /// Its packets from now on.
        packets: u64,
        /// Its bytes from now on.
        bytes: u64,
    },
    /// `register_read`: the element must be there; its value goes to the report.
    RegisterRead(Element),
    /// `register_write`.
    RegisterWrite {
        /// Where.
        element: Element,
        /// What.
        value: Value,
    },
    /// `register_reset`: all elements get their initial values.
    RegisterReset {
        /// The register.
        register: String,
    },
    /// `check_register`.
    CheckRegister {
        /// Where.
        element: Element,
        /// What must be there.
        value: Value,
    },
    /// `meter_get_rates`: the cell must be there; its rates go to the report.
    MeterGetRates {
        /// The meter.
        meter: String,
        /// Which cell.
        index: CellIndex,
    },
    /// `meter_set_rates`, or `meter_array_set_rates` for all cells.
    MeterSetRates {
        /// The meter.
        meter: String,
        /// Which cell; none for all.
        index: Option<CellIndex>,
        /// Committed, then peak.
        rates: Vec<MeterRate>,
    },
    /// `filter_set`, for one cell of a filter or for all.
    FilterSet {
        /// The filter.
        filter: String,
        /// Which cell; none for all.
        index: Option<CellIndex>,
        /// The time constant in clocks.
        time_constant: u64,
        /// Early drop: thresholds, and the probability between them in hundredths.
        thresholds: Option<(u32, u32, u8)>,
    },
    /// `mirroring_add`.
    MirrorAdd {
        /// The session.
        session: u16,
        /// Where copies go.
        port: u16,
        /// At how many bytes they are cut, mirror header included.
        truncate: Option<u16>,
    },
    /// `mirroring_add_mc`.
    MirrorAddGroup {
        /// The session.
        session: u16,
        /// The multicast group that copies go to.
        group: u16,
        /// At how many bytes they are cut, mirror header included.
        truncate: Option<u16>,
    },
    /// `mirroring_delete`.
    MirrorDelete {
        /// The session.
        session: u16,
    },
    /// `mirroring_get`: tells nothing that is compared.
    MirrorGet {
        /// The session.
        session: u16,
    },
    /// `mc_mgrp_create`.
    GroupCreate {
        /// The group.
        group: u16,
    },
    /// `mc_node_create`: nodes are numbered from 0 in order of creation.
    NodeCreate {
        /// Its replication id.
        rid: u16,
        /// Its ports.
        ports: Vec<u16>,
    },
    /// `mc_node_update`.
    NodeUpdate {
        /// Which node.
        node: u32,
        /// Its ports from now on.
        ports: Vec<u16>,
    },
    /// `mc_node_associate`.
    NodeAssociate {
        /// The group.
        group: u16,
        /// The node.
        node: u32,
    },
    /// `port_unit`.
    PortUnit {
        /// The port.
        port: u16,
        /// What it has.
        unit: PortUnitName,
    },
    /// `hold mirror`.
    HoldMirror,
    /// `release mirror`.
    ReleaseMirror {
        /// How many copies; none for all that are held.
        count: Option<u64>,
    },
    /// `drop mirror`.
    DropMirror {
        /// How many copies; none for all that are held.
        count: Option<u64>,
    },
    /// `tick`.
    Tick {
        /// How many clocks pass.
        clocks: u64,
    },
    /// `ignore`.
    Ignore {
        /// The port that is not compared.
        port: u16,
    },
    /// `pktgen`: configures and starts an application of the packet generator.
    PacketGenerator(GeneratorText),
    /// `value_set_add`: a member of a value set of the parser.
    ValueSetAdd {
        /// The value set.
        set: String,
        /// A value, or a range, for each of its keys.
        values: Vec<(Value, Option<Value>)>,
    },
    /// `value_set_clear`.
    ValueSetClear {
        /// The value set.
        set: String,
    },
    /// `profile_member`: makes a member of an action profile, or gives one another action.
    ProfileMember {
        /// The profile.
        profile: String,
        /// The member's number.
        member: u32,
        /// What it does.
        action: ActionText,
    },
    /// `profile_member_delete`.
    ProfileMemberDelete {
        /// The profile.
        profile: String,
        /// The member's number.
        member: u32,
    },
    /// `profile_group`: makes a group of an action selector, or gives one other members.
    ProfileGroup {
        /// The profile.
        profile: String,
        /// The group's number.
        group: u32,
        /// The numbers of its members.
        members: Vec<u32>,
    },
    /// `profile_group_delete`.
    ProfileGroupDelete {
        /// The profile.
        profile: String,
        /// The group's number.
        group: u32,
    },
    /// `check_digest`: the oldest message of this digest that was not checked before.
    CheckDigest {
        /// The digest.
        digest: String,
        /// What its fields must be, in order; none for any.
        values: Vec<Value>,
    },
    /// `pktgen_stop`.
    PacketGeneratorStop {
        /// The application.
        app: u8,
    },
}

/// An `add` statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddEntry {
    /// The table.
    pub table: String,
    /// The larger wins.
    pub priority: Option<u32>,
    /// Key fields by name.
    pub matches: Vec<MatchText>,
    /// What the entry does.
    pub target: TargetText,
    /// The name by which later statements find its cell of direct counters and meters.
    pub id: Option<String>,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetText {
    /// An action of its own.
    Action(ActionText),
    /// A member of the table's action profile: `member(N)`.
    Member(u32),
    /// A group of the table's action selector: `group(N)`.
    Group(u32),
}

/// A key field and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchText {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: Value,
    /// Behind a slash: the length of the prefix.
    pub prefix_len: Option<u32>,
    /// Behind two dots: the upper end of a range that the value begins.
    pub range_hi: Option<Value>,
}

/// An action with its arguments by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionText {
    /// The action.
    pub name: String,
    /// Parameter and value.
    pub args: Vec<(String, Value)>,
}

/// A cell of a counter or meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CellIndex {
    /// This one.
    Number(u64),
    /// That of the entry with this id.
    Entry(String),
}

/// What a counter must have counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterCheck {
    /// Bytes, else packets.
    pub is_bytes: bool,
    /// How the count is compared.
    pub op: CompareOp,
    /// With what.
    pub value: u64,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `==`, in the Tofino dialect `=`.
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// An element of a register, or one half of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The register.
    pub register: String,
    /// Which element.
    pub index: u64,
    /// Which half; none means `lo`.
    pub half: Option<Half>,
}

/// Half of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// The first.
    Lo,
    /// The second.
    Hi,
}

/// A rate and a burst, `RATE:BURST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterRate {
    /// Packets or bytes a microsecond, in millionths of a millionth.
    pub rate_e12: u64,
    /// Packets or bytes.
    pub burst: u64,
}

/// The fixed-function units of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortUnitName {
    /// `roce`
    Roce,
    /// `tcp_checksum`
    TcpChecksum,
}

/// An application of the packet generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorText {
    /// Which application.
    pub app: u8,
    /// On which port its packets arrive.
    pub port: u16,
    /// Clocks to the first trigger, and between two where it repeats.
    pub period: u64,
    /// Whether it repeats.
    pub is_periodic: bool,
    /// Batches a trigger.
    pub batches: u32,
    /// Packets a batch.
    pub packets: u32,
    /// What follows the generator's header.
    pub payload: Vec<u8>,
}

impl CompareOp {
    /// As it is written.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// Whether it holds.
    #[must_use]
    pub fn holds(self, left: u64, right: u64) -> bool {
        match self {
            Self::Eq => left == right,
            Self::Ne => left != right,
            Self::Lt => left < right,
            Self::Le => left <= right,
            Self::Gt => left > right,
            Self::Ge => left >= right,
        }
    }
}
