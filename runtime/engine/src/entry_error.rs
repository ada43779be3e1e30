//! Why the control plane's change of a table is refused.

use p4rmt_ir::Bits;
use thiserror::Error;

/// Why an entry, or a default action, does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// The pipe has no such table.
    #[error("there is no such table")]
    NoTable,
    /// An entry has a match for each key.
    #[error("an entry of table `{table}` has {needed} keys, not {available}")]
    WrongKeyCount {
        /// The table.
        table: String,
        /// How many keys the table has.
        needed: usize,
        /// How many the entry has.
        available: usize,
    },
    /// A value, mask or bound is not as wide as the key.
    #[error("key `{key}` of table `{table}` has {needed} bits, not {available}")]
    WrongKeyWidth {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The key's width in bits.
        needed: u32,
        /// The value's.
        available: u32,
    },
    /// The key is not compared that way.
    #[error("key `{key}` of table `{table}` is {needed}: it takes no {available} match")]
    WrongMatchKind {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// How the key is compared.
        needed: &'static str,
        /// What came.
        available: &'static str,
    },
    /// A prefix longer than the key.
    #[error("key `{key}` of table `{table}` has {needed} bits: a prefix of {available} is longer")]
    PrefixTooLong {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The key's width in bits.
        needed: u32,
        /// The prefix's.
        available: u32,
    },
    /// A range that ends before it starts.
    #[error("the range {} to {} of key `{key}` of table `{table}` is empty", bounds[0], bounds[1])]
    EmptyRange {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// Least and greatest.
        bounds: Box<[Bits; 2]>,
    },
    /// Another entry matches the same.
    #[error("table `{table}` has an entry with these keys already")]
    Duplicate {
        /// The table.
        table: String,
    },
    /// There is no such entry.
    #[error("table `{table}` has no such entry")]
    NoEntry {
        /// The table.
        table: String,
    },
    /// As many entries as the table has room for.
    #[error("table `{table}` is full: it has room for {size} entries")]
    TableFull {
        /// The table.
        table: String,
        /// Its capacity.
        size: u64,
    },
    /// The program fixed the entries.
    #[error("the entries of table `{table}` are constant")]
    ConstEntries {
        /// The table.
        table: String,
    },
    /// The program fixed the default action.
    #[error("the default action of table `{table}` is constant")]
    ConstDefault {
        /// The table.
        table: String,
    },
    /// A table without keys has no entries.
    #[error("table `{table}` has no keys: it takes a default action, not entries")]
    NoKeys {
        /// The table.
        table: String,
    },
    /// The action is not one of the table's.
    #[error("table `{table}` has no action `{action}`")]
    NoAction {
        /// The table.
        table: String,
        /// The action.
        action: String,
    },
    /// The program keeps the action to default actions.
    #[error("action `{action}` of table `{table}` can only be the default action")]
    DefaultOnly {
        /// The table.
        table: String,
        /// The action.
        action: String,
    },
    /// The program keeps the action to entries.
    #[error("action `{action}` of table `{table}` cannot be the default action")]
    EntriesOnly {
        /// The table.
        table: String,
        /// The action.
        action: String,
    },
    /// An action takes a value for each parameter.
    #[error("action `{action}` takes {needed} parameters, not {available}")]
    WrongArgCount {
        /// The action.
        action: String,
        /// How many it takes.
        needed: usize,
        /// How many came.
        available: usize,
    },
    /// A value is not as wide as its parameter.
    #[error("parameter `{param}` of action `{action}` has {needed} bits, not {available}")]
    WrongArgWidth {
        /// The action.
        action: String,
        /// The parameter.
        param: String,
        /// Its width in bits.
        needed: u32,
        /// The value's.
        available: u32,
    },
    /// The pipe has no such profile.
    #[error("there is no such action profile")]
    NoProfile,
    /// No table uses the profile, so no action can be a member.
    #[error("no table has the action profile `{profile}`: it takes no members")]
    UnusedProfile {
        /// The profile.
        profile: String,
    },
    /// The table keeps its actions in its entries.
    #[error("table `{table}` has no action profile: its entries name actions")]
    NoImplementation {
        /// The table.
        table: String,
    },
    /// The profile has no groups.
    #[error("action profile `{profile}` has no selector: it takes no groups")]
    NoSelector {
        /// The profile.
        profile: String,
    },
    /// A member or group that is not there.
    #[error("action profile `{profile}` has no {what} {number}")]
    NoMember {
        /// The profile.
        profile: String,
        /// `member` or `group`.
        what: &'static str,
        /// Its number.
        number: u32,
    },
    /// As many members as the profile has room for.
    #[error("action profile `{profile}` is full: it has room for {size} members")]
    ProfileFull {
        /// The profile.
        profile: String,
        /// Its capacity.
        size: u64,
    },
    /// A member or group that something leads to.
    #[error("{what} {number} of action profile `{profile}` is in use")]
    InUse {
        /// The profile.
        profile: String,
        /// `member` or `group`.
        what: &'static str,
        /// Its number.
        number: u32,
    },
}
