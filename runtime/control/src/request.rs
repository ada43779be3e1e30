//! What a control plane asks of a switch, and what it hears.

use serde::{Deserialize, Serialize};

use crate::{Description, Number};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Adds an entry.
    Insert {
        /// To which table.
        table: String,
        /// The entry.
        entry: Entry,
    },
    /// Gives the entry with these keys (and this priority, where the table has priorities) another action.
    Modify {
        /// In which table.
        table: String,
        /// The entry from now on.
        entry: Entry,
    },
    /// Removes the entry with these keys (and this priority, where the table has priorities).
    Delete {
        /// From which table.
        table: String,
        /// Its keys by name.
        keys: Vec<(String, KeyMatch)>,
        /// Its priority; 0 where the table has none.
        #[serde(default)]
        priority: u32,
    },
    /// Removes all entries.
    Clear {
        /// Of which table.
        table: String,
    },
    /// Sets what a table does without a match.
    SetDefault {
        /// Which table.
        table: String,
        /// What it does.
        call: Call,
    },
    /// Reads the entries of a table, and what it does without a match: [`Reply::Entries`].
    Entries {
        /// Which table.
        table: String,
    },
    /// Reads elements of a register: [`Reply::Elements`].
    ReadRegister {
        /// Which register.
        register: String,
        /// The first element.
        index: u64,
        /// How many.
        #[serde(default = "one")]
        count: u64,
    },
    /// Writes an element of a register, all of its values at once.
    WriteRegister {
        /// Which register.
        register: String,
        /// Which element.
        index: u64,
        /// A value, or two of a pair: low, then high.
        values: Vec<Number>,
    },
    /// Writes one of the values of an element of a register; the other stays.
    WriteRegisterValue {
        /// Which register.
        register: String,
        /// Which element.
        index: u64,
        /// Which value, from 0: of a pair, low is first.
        position: u8,
        /// The value.
        value: Number,
    },
    /// Gives all elements of a register the values that they began with.
    ResetRegister {
        /// Which register.
        register: String,
    },
    /// Reads cells of a counter: [`Reply::Counts`].
    ReadCounter {
        /// Which counter.
        counter: String,
        /// The first cell.
        index: u64,
        /// How many.
        #[serde(default = "one")]
        count: u64,
    },
    /// Writes a cell of a counter, as far as it counts packets and bytes.
    WriteCounter {
        /// Which counter.
        counter: String,
        /// Which cell.
        index: u64,
        /// Packets from now on.
        packets: u64,
        /// Bytes from now on.
        bytes: u64,
    },
    /// Reads the rates of a cell of a meter: [`Reply::Rates`].
    ReadMeter {
        /// Which meter.
        meter: String,
        /// Which cell.
        index: u64,
    },
    /// Sets the rates of a cell of a meter, and fills its buckets.
    WriteMeter {
        /// Which meter.
        meter: String,
        /// Which cell.
        index: u64,
        /// Its rates.
        rates: Rates,
    },
    /// Sets what a cell of a filter averages over and when it drops, and forgets what it has seen.
    WriteFilter {
        /// Which filter, by the name of its meter.
        meter: String,
        /// Which cell.
        index: u64,
        /// What it does from now on.
        filter: Filter,
    },
    /// Makes a member of an action profile, or gives one another action.
    SetMember {
        /// Which profile.
        profile: String,
        /// The number of the member.
        member: u32,
        /// What it does.
        call: Call,
    },
    /// Removes a member of an action profile that nothing names.
    DeleteMember {
        /// Which profile.
        profile: String,
        /// The number of the member.
        member: u32,
    },
    /// Makes a group of an action selector, or gives one other members.
    SetMemberGroup {
        /// Which selector.
        profile: String,
        /// The number of the group.
        group: u32,
        /// The numbers of its members.
        members: Vec<u32>,
    },
    /// Removes a group of an action selector that nothing names.
    DeleteMemberGroup {
        /// Which selector.
        profile: String,
        /// The number of the group.
        group: u32,
    },
    /// Reads an action profile: [`Reply::Profile`].
    Profile {
        /// Which.
        profile: String,
    },
    /// Adds a member to a value set of the parser.
    InsertValue {
        /// Which value set.
        set: String,
        /// What each of its values must be.
        values: Vec<KeyMatch>,
    },
    /// Removes all members of a value set of the parser.
    ClearValues {
        /// Which value set.
        set: String,
    },
    /// Reads the members of a value set: [`Reply::Values`].
    Values {
        /// Which value set.
        set: String,
    },
    /// Makes a mirror session, or replaces it.
    SetSession {
        /// Its number.
        session: u16,
        /// What it is.
        to: Session,
    },
    /// Removes a mirror session.
    DeleteSession {
        /// Its number.
        session: u16,
    },
    /// Reads a mirror session: [`Reply::Session`].
    Session {
        /// Its number.
        session: u16,
    },
    /// Makes an empty multicast group; one that is there keeps its nodes.
    CreateGroup {
        /// Its number.
        group: u16,
    },
    /// Makes a node with a replication id and ports, in no group yet: [`Reply::Node`].
    CreateLooseNode {
        /// The replication id of its copies.
        rid: u16,
        /// Where they go.
        ports: Vec<u16>,
    },
    /// Makes a node with a replication id and ports, in a group: [`Reply::Node`].
    CreateNode {
        /// The group.
        group: u16,
        /// The replication id of its copies.
        rid: u16,
        /// Where they go.
        ports: Vec<u16>,
    },
    /// Gives a node other ports.
    UpdateNode {
        /// Its number.
        node: u32,
        /// Where its copies go from now on.
        ports: Vec<u16>,
    },
    /// Puts a node into one more group.
    AddNode {
        /// The group.
        group: u16,
        /// The number of the node.
        node: u32,
    },
    /// Removes a node, from all groups. Its number is not given again.
    DeleteNode {
        /// Its number.
        node: u32,
    },
    /// Removes a group; its nodes stay.
    DeleteGroup {
        /// Its number.
        group: u16,
    },
    /// Reads a multicast group: [`Reply::Group`].
    Group {
        /// Its number.
        group: u16,
    },
    /// Gives a port a fixed-function unit, or takes it away.
    SetPortUnit {
        /// The port.
        port: u16,
        /// What it has; none for nothing.
        unit: Option<Unit>,
    },
    /// Starts an application of the packet generator, or starts it anew.
    StartGenerator {
        /// Its number.
        app: u8,
        /// What it does.
        timer: Timer,
    },
    /// Stops an application of the packet generator.
    StopGenerator {
        /// Its number.
        app: u8,
    },
    /// Sends a packet into the switch, as one that arrives at a port.
    Send {
        /// The port.
        port: u16,
        /// Its bytes; two hexadecimal digits each as text.
        #[serde(with = "crate::hexadecimal")]
        bytes: Vec<u8>,
    },
    /// Asks what there is to be named: [`Reply::Description`].
    Describe,
    /// Asks for the time: [`Reply::Time`].
    Time,
    /// Says what the control plane listens to from now on: [`Event`]s. What runs a device answers this, not the device.
    Subscribe(Subscription),
    /// Several requests with no packet between them: [`Reply::All`]. The first that is refused is the last that is
    /// carried out; what came before it stays done.
    All(Vec<Request>),
}

fn one() -> u64 {
    1
}

/// An entry of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its keys by name. One that is not named matches anything; an exact key must be named.
    pub keys: Vec<(String, KeyMatch)>,
    /// The larger wins, where the table has a ternary, range or optional key.
    #[serde(default)]
    pub priority: u32,
    /// What it does.
    pub target: EntryTarget,
}

/// What a key must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum KeyMatch {
    /// This.
    Exact(Number),
    /// Equal under the mask.
    Ternary {
        /// To what.
        value: Number,
        /// Where bits count.
        mask: Number,
    },
    /// Equal in the highest bits.
    Lpm {
        /// To what.
        value: Number,
        /// How many bits count.
        prefix_len: u32,
    },
    /// From `lo` to `hi`, both included.
    Range {
        /// Least.
        lo: Number,
        /// Greatest.
        hi: Number,
    },
    /// Anything.
    Any,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EntryTarget {
    /// Runs an action.
    Action(Call),
    /// Runs a member of the table's action profile.
    Member(u32),
    /// Runs a member that is picked from a group of the table's action selector.
    Group(u32),
}

/// An action and its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The action.
    pub action: String,
    /// All of its parameters by name.
    #[serde(default)]
    pub args: Vec<(String, Number)>,
}

/// The rates and bursts of a meter's cell, as [`p4rmt_engine::MeterConfig`] has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Committed information rate.
    pub cir: u64,
    /// Committed burst size.
    pub cbs: u64,
    /// Peak information rate.
    pub pir: u64,
    /// Peak burst size.
    pub pbs: u64,
}

/// What a filter does, as [`p4rmt_engine::FilterConfig`] has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The time constant in clocks.
    pub time_constant: u64,
    /// Early drop: the average below which nothing is dropped.
    #[serde(default)]
    pub min: u32,
    /// Early drop: the average from which on all is dropped.
    #[serde(default)]
    pub max: u32,
    /// Early drop: how probable a drop is just below `max`, in hundredths, at most 100.
    #[serde(default)]
    pub percent: u8,
}

/// A fixed-function unit of a port, as [`p4rmt_pipeline::PortUnit`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// RoCE: lengths, checksums and ICRC.
    Roce,
    /// TCP checksums.
    TcpChecksum,
}

/// A mirror session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Session {
    /// Copies go to a port.
    Port {
        /// Which.
        port: u16,
        /// At how many bytes they are cut, mirror header included; none for whole copies.
        truncate: Option<u16>,
    },
    /// Copies go to a multicast group.
    Group {
        /// Which.
        group: u16,
        /// At how many bytes they are cut, mirror header included; none for whole copies.
        truncate: Option<u16>,
    },
}

/// What an application of the packet generator does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timer {
    /// On which port its packets arrive.
    pub port: u16,
    /// Nanoseconds until the first trigger, and between two.
    pub period_ns: u64,
    /// Whether it triggers again and again.
    pub is_periodic: bool,
    /// Batches a trigger.
    pub batches: u32,
    /// Packets a batch.
    pub packets: u32,
    /// What follows the timer header; two hexadecimal digits a byte as text.
    #[serde(with = "crate::hexadecimal")]
    pub payload: Vec<u8>,
}

/// What a switch answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// It is done.
    Done,
    /// The entries of a table.
    Entries {
        /// In the order of their slots.
        entries: Vec<Entry>,
        /// What it does without a match.
        default: Call,
    },
    /// Elements of a register: of each a value, or two of a pair, low, then high.
    Elements(Vec<Vec<Number>>),
    /// Cells of a counter: packets and bytes, as far as it counts them.
    Counts(Vec<(Option<u64>, Option<u64>)>),
    /// The rates of a cell of a meter.
    Rates(Rates),
    /// A mirror session; none if it is not there.
    Session(Option<Session>),
    /// The number of a multicast node.
    Node(u32),
    /// The nodes of a multicast group in the order in which they were put there; none if the group is not there.
    Group(Option<Vec<Node>>),
    /// An action profile.
    Profile {
        /// Its members by number.
        members: Vec<(u32, Call)>,
        /// Its groups by number: the numbers of their members.
        groups: Vec<(u32, Vec<u32>)>,
    },
    /// The members of a value set: what each of its values must be.
    Values(Vec<Vec<KeyMatch>>),
    /// What there is to be named.
    Description(Description),
    /// The time.
    Time {
        /// The clock of the next entry into a gress.
        clock: u64,
        /// The same in nanoseconds.
        ns: u64,
    },
    /// The replies to several requests, in order.
    All(Vec<Reply>),
}

/// A node of a multicast group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Its number.
    pub node: u32,
    /// The replication id of its copies.
    pub rid: u16,
    /// Where they go, ascending.
    pub ports: Vec<u16>,
}

/// What a control plane listens to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscription {
    /// Ports whose packets it sees when they leave.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Whether it hears the program's digests.
    #[serde(default)]
    pub digests: bool,
}

/// What a switch says of its own accord.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A packet left on a port that the control plane listens to.
    Packet {
        /// The port.
        port: u16,
        /// Its bytes; two hexadecimal digits each as text.
        #[serde(with = "crate::hexadecimal")]
        bytes: Vec<u8>,
        /// When, in nanoseconds since clock 0.
        ns: u64,
    },
    /// The program sent a digest.
    Digest {
        /// Its name.
        digest: String,
        /// Its fields, in order.
        fields: Vec<Number>,
        /// When, in nanoseconds since clock 0.
        ns: u64,
    },
}
