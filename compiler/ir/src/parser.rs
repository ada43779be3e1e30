//! Parsers: states over a cursor into the packet.

use p4rmt_source::Span;

use crate::{Arena, Bits, Block, Expr, StateId, ValueSetId};

/// A parser, its sub-parsers inlined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parser {
    /// Its name in the program.
    pub name: String,
    /// Its states.
    pub states: Arena<StateId, State>,
    /// The first.
    pub start: StateId,
    /// Its declaration.
    pub span: Span,
}

/// A state: statements, then a way on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its name, with those of the sub-parsers around it.
    pub name: String,
    /// What it does.
    pub body: Block,
    /// Where it goes.
    pub transition: Transition,
    /// Its declaration.
    pub span: Span,
}

/// The way on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// Without a condition.
    Goto(Target),
    /// To the first case that matches; error `NoMatch` if there is none.
    Select {
        /// What is looked at.
        keys: Vec<Expr>,
        /// In order.
        cases: Vec<Case>,
    },
}

/// One line of a `select`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// A key set for each key, or a single [`KeySet::ValueSet`] for all of them.
    pub keysets: Vec<KeySet>,
    /// Where it leads.
    pub target: Target,
    /// Its place in the program.
    pub span: Span,
}

/// Where a transition leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// To a state.
    State(StateId),
    /// The packet is parsed; the rest of it is payload.
    Accept,
    /// Parsing failed.
    Reject,
}

/// The values that a case matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySet {
    /// All.
    Any,
    /// One.
    Exact(Bits),
    /// Those equal under the mask.
    Mask {
        /// To be equal to.
        value: Bits,
        /// Where bits count.
        mask: Bits,
    },
    /// From `lo` to `hi`, both included, unsigned.
    Range {
        /// Least.
        lo: Bits,
        /// Greatest.
        hi: Bits,
    },
    /// Those that the control plane put in the set.
    ValueSet(ValueSetId),
}

/// A set of values that the control plane fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueSet {
    /// Its name in the program.
    pub name: String,
    /// The widths in bits of the keys that it stands for.
    pub widths: Vec<u32>,
    /// How many members it holds.
    pub size: u64,
    /// Its declaration.
    pub span: Span,
}
