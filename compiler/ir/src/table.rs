//! Tables, their keys, entries, and actions, as far as both forms share them.

use p4rmt_source::Span;

use crate::{
    ActionId, Arena, Bits, Block, Call, CounterId, Expr, HashId, Local, LocalId, MeterId, Place,
    ProfileId, RegisterId,
};

/// A match-action table. Without keys it always runs its default action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name towards the control plane, dotted (`SwitchIngress.forward`).
    pub name: String,
    /// What it matches.
    pub keys: Vec<Key>,
    /// What it can do.
    pub actions: Vec<ActionRef>,
    /// What it does without a match.
    pub default_action: ActionCall,
    /// Whether the control plane may not change the default action.
    pub is_default_const: bool,
    /// Entries that the program brings.
    pub entries: Vec<Entry>,
    /// Whether the control plane may not change the entries.
    pub are_entries_const: bool,
    /// Capacity in entries. Where the program does not say: 512, as the public Tofino compiler takes it;
    /// 1,024 in v1model, as that of bmv2 does.
    pub size: u64,
    /// Whether the program gave the size.
    pub is_size_given: bool,
    /// Counters with one cell an entry.
    pub direct_counters: Vec<CounterId>,
    /// Meters with one cell an entry.
    pub direct_meters: Vec<MeterId>,
    /// Registers with one element an entry.
    pub direct_registers: Vec<RegisterId>,
    /// Where the actions of its entries are kept; none where each entry has its own (v1model).
    pub implementation: Option<ProfileId>,
    /// Whether entries that nothing matches for a while are told of (`support_timeout` of v1model).
    pub has_idle_timeout: bool,
    /// `proxy_hash`: a hash of the key that the memory holds in its place. It changes the size of the
    /// table, not what it matches: that two keys have one hash is left to the control plane to prevent.
    pub proxy_hash: Option<HashId>,
    /// Where entries with wildcards stand in SRAM: how. It changes the size of the table, not what it
    /// matches.
    pub partitions: Option<Partitions>,
    /// `@stage(n)`: where the program wants it.
    pub stage_pragma: Option<u32>,
    /// `@ways(n)`: in how many hashed ways the program wants its entries.
    pub ways_pragma: Option<u32>,
    /// `@pack(n)`: how many entries the program wants in a word.
    pub pack_pragma: Option<u32>,
    /// Whether the program wrote it; a step made it otherwise, of a loose statement.
    pub is_declared: bool,
    /// Its declaration.
    pub span: Span,
}

/// How entries with wildcards stand in SRAM (`Atcam`, `Alpm`): in partitions, of which a packet looks
/// through one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partitions {
    /// How many.
    pub count: u64,
    /// The key that names the partition; none where a table in front of it finds it.
    pub index: Option<usize>,
    /// Without such a key: how the table in front finds the partition.
    pub classifier: Option<Classifier>,
}

/// A table in TCAM that finds the partition of a longest prefix (`Alpm`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Classifier {
    /// Prefixes that lead to one partition.
    pub subtrees: u64,
    /// Bits of the prefix key that a partition stores; none for all.
    pub subset_bits: Option<u32>,
    /// Steps, in bits, in which those may lie.
    pub step_bits: Option<u32>,
    /// Highest bits of the key that need not be stored, since a partition has them in common.
    pub excluded_bits: u32,
}

/// A part of a table's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name towards the control plane (`hdr.ipv4.dst_addr`, or as `@name` says).
    pub name: String,
    /// What is looked up. In the tables form: a field, a slice of one, or either under a constant
    /// mask.
    pub expr: Expr,
    /// How.
    pub kind: MatchKind,
    /// Its place in the program.
    pub span: Span,
}

/// How a key is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchKind {
    /// Equal.
    Exact,
    /// Equal under a mask of the entry.
    Ternary,
    /// Equal in the highest bits; the longest wins.
    Lpm,
    /// Between two bounds.
    Range,
    /// Equal, or left out by the entry.
    Optional,
    /// Not compared: input of the hash of the table's action selector, if it has one.
    Selector,
}

/// An action in the list of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionRef {
    /// Which.
    pub action: ActionId,
    /// Whether entries may name it (`@defaultonly` if not).
    pub in_entries: bool,
    /// Whether it may be the default (`@tableonly` if not).
    pub as_default: bool,
}

/// An action with its action data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCall {
    /// Which.
    pub action: ActionId,
    /// A value for each parameter, of its width.
    pub args: Vec<Bits>,
}

/// An entry of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A match for each key.
    pub matches: Vec<Match>,
    /// The larger wins, among entries of a table with a ternary, range or optional key.
    pub priority: u32,
    /// What it does.
    pub action: ActionCall,
    /// Its place in the program.
    pub span: Span,
}

/// What an entry wants of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// Exact, or optional and present.
    Exact(Bits),
    /// Equal under the mask.
    Ternary {
        /// To be equal to.
        value: Bits,
        /// Where bits count.
        mask: Bits,
    },
    /// Equal in the highest bits.
    Lpm {
        /// To be equal to.
        value: Bits,
        /// How many of the highest bits count.
        prefix_len: u32,
    },
    /// From `lo` to `hi`, both included.
    Range {
        /// Least.
        lo: Bits,
        /// Greatest.
        hi: Bits,
    },
    /// Anything.
    Any,
}

/// A parameter that the control plane gives with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name in the program.
    pub name: String,
    /// Its width in bits.
    pub width: u32,
}

/// An action of the structured form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// Its action data.
    pub params: Vec<Param>,
    /// Statements, in order.
    pub body: Block,
    /// Its declaration.
    pub span: Span,
}

/// An action of the tables form: all at once, in two steps.
///
/// 1. The calls run. They read fields as the packet entered the stage, parameters, and the results
///    of calls before them (a hash that is an index), and write locals, each once.
/// 2. The assignments run in parallel. They read fields as the packet entered the stage,
///    parameters and locals, and write fields; no bit is written twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParallelAction {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// Its action data.
    pub params: Vec<Param>,
    /// Results of the calls.
    pub locals: Arena<LocalId, Local>,
    /// Calls of stateful units and hashes.
    pub calls: Vec<(Call, Span)>,
    /// What the action ALUs do.
    pub assigns: Vec<ParallelAssign>,
    /// Whether control ends after this action.
    pub exits: bool,
    /// Its declaration.
    pub span: Span,
}

/// One assignment of a [`ParallelAction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParallelAssign {
    /// A field or a slice of one.
    pub dst: Place,
    /// As wide as the place.
    pub value: Expr,
    /// Where it stands in the program.
    pub span: Span,
}

/// The control flow of the tables form: nodes in order.
pub type Seq = Vec<Node>;

/// A node of the control flow of the tables form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Applies a table, then the sequence of the first arm that fits. Each table stands in the
    /// control flow once.
    Table {
        /// The table.
        table: crate::TableId,
        /// What follows under its result.
        arms: Vec<(crate::Outcome, Seq)>,
    },
    /// Tests a condition.
    Gateway {
        /// The condition.
        gateway: crate::GatewayId,
        /// Where it holds.
        then: Seq,
        /// Where it does not.
        otherwise: Seq,
    },
}

/// A condition that steers the control flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// `cond-3` or the like, for reports.
    pub name: String,
    /// One bit; reads fields as the packet entered the stage.
    pub cond: Expr,
    /// Where it stands in the program.
    pub span: Span,
}
