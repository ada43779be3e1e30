//! What can stand in the way of a program, each with its code and the way out.

use p4rmt_source::{Code, Diagnostic, Span};

use crate::counted::counted;
use crate::parde::PardeProblem;
use crate::phv::PhvProblem;

/// A [`Problem`] and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedProblem {
    /// What.
    pub problem: Problem,
    /// Where.
    pub span: Span,
}

impl LocatedProblem {
    /// The problem as a diagnostic.
    #[must_use]
    pub fn diagnostic(&self) -> Diagnostic {
        Diagnostic::error(self.problem.code(), self.span, self.problem.to_string())
            .with_help(self.problem.help())
    }
}

/// Why a program does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Fields do not fit into containers.
    #[error(transparent)]
    Phv(PhvProblem),
    /// A parser or deparser does not fit.
    #[error(transparent)]
    Parde(PardeProblem),
    /// More stages than the machine has.
    #[error("the program needs {}, the machine has {available}", counted(*needed, "stages"))]
    TooManyStages {
        /// Stages up to the last table.
        needed: u32,
        /// Stages of the machine.
        available: u32,
        /// Stages of the longest chain of dependencies.
        critical_path: u32,
    },
    /// Units that must stand in one stage need more than a stage has.
    #[error(
        "`{unit}`{} needs {} in one stage, which has {available}",
        with(memories),
        counted(*needed, what)
    )]
    StageOverflow {
        /// The first of the units.
        unit: String,
        /// The registers, counters, meters and profiles that stand with it.
        memories: Vec<String>,
        /// What of.
        what: &'static str,
        /// How many.
        needed: u32,
        /// How many a stage has.
        available: u32,
    },
    /// No word holds one entry.
    #[error("an entry of `{table}` with {} of key is wider than a word of the machine", counted(*bits, "bits"))]
    EntryTooWide {
        /// The table.
        table: String,
        /// Bits of its key.
        bits: u64,
    },
    /// A range key is too wide.
    #[error("the range key `{key}` has {}, at most {available} are possible", counted(*needed, "bits"))]
    RangeTooWide {
        /// The key.
        key: String,
        /// Its width.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Users of one memory that cannot be in one stage.
    #[error("`{memory}` is used by `{first}` and by `{second}`, which needs a later stage")]
    SharedOverStages {
        /// The register, counter or meter.
        memory: String,
        /// A table that uses it.
        first: String,
        /// A table that uses it and depends on the first.
        second: String,
    },
    /// One table that uses two memories with one kind of ALU.
    #[error(
        "`{table}` uses both `{first}` and `{second}`; a table reaches one register or meter, and one counter"
    )]
    TwoMemories {
        /// The table.
        table: String,
        /// A memory.
        first: String,
        /// Another one.
        second: String,
    },
    /// An action that calls one memory twice.
    #[error("`{action}` calls `{memory}` twice, and a packet reaches one cell of it")]
    CalledTwice {
        /// The action.
        action: String,
        /// The register, counter or meter.
        memory: String,
    },
    /// Two indices that both come from fields or hashes.
    #[error(
        "the actions of `{table}` reach `{memory}` by two different indices; hash distribution gives a table one"
    )]
    TwoIndices {
        /// The table.
        table: String,
        /// The register, counter or meter.
        memory: String,
    },
    /// One index from fields or a hash, another one from the entry.
    #[error(
        "the actions of `{table}` reach `{memory}` both by an index from fields or a hash and by one of the entry; a table is wired for one of them"
    )]
    MixedIndex {
        /// The table.
        table: String,
        /// The register, counter or meter.
        memory: String,
    },
    /// An index that is computed.
    #[error("`{action}` computes the index of `{memory}`, and hash distribution only moves bits")]
    IndexComputed {
        /// The action.
        action: String,
        /// The register, counter or meter.
        memory: String,
    },
    /// `@stage` asks for a stage that is not possible.
    #[error("`{table}` can't be in stage {wanted} as its `@stage` wants")]
    StageNotPossible {
        /// The table.
        table: String,
        /// The stage of the pragma.
        wanted: u32,
    },
    /// The next-table rule of a machine without long branches can't be kept.
    #[error(
        "`{unit}` can't be reached: without long branches, all that `{open}` leads to comes before anything else"
    )]
    NextTable {
        /// The unit.
        unit: String,
        /// The unit whose branches are not all placed.
        open: String,
    },
    /// An assignment is more than one operation of an action ALU.
    #[error("expression too deep: `{action}` needs more than one operation for an assignment")]
    ExpressionTooDeep {
        /// The action.
        action: String,
    },
    /// An operator that no action ALU has.
    #[error("`{action}` uses {operator}, which no action ALU can do")]
    NoSuchOperation {
        /// The action.
        action: String,
        /// What it uses.
        operator: &'static str,
    },
    /// Two operands that both come over the action data bus.
    #[error("`{action}` combines two values that are not fields; an action ALU takes one of them")]
    TwoDataOperands {
        /// The action.
        action: String,
    },
    /// A condition that a gateway can't compute.
    #[error("the condition uses {operator}, and a gateway only compares fields")]
    ConditionComputes {
        /// What it uses.
        operator: &'static str,
    },
    /// A condition that orders two fields.
    #[error("the condition orders two fields, and a gateway orders a field and a constant")]
    ConditionOrdersFields,
    /// A condition that orders more bits than a gateway does.
    #[error("the condition orders {}, and a gateway orders {available}", counted(*needed, "bits"))]
    ConditionOrdersTooMuch {
        /// Bits down to the lowest one of the bound.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many actions on a register.
    #[error("`{register}` has {}, its stateful ALU holds {available}", counted(*needed, "register actions"))]
    TooManyRegisterActions {
        /// The register.
        register: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many fields that the actions of a register read.
    #[error(
        "the actions of `{register}` read {} ({fields}), its stateful ALU takes {available}", counted(*needed, "different fields")
    )]
    TooManyOperands {
        /// The register.
        register: String,
        /// Which fields, in words.
        fields: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A field that is too wide for the stateful ALU.
    #[error("`{field}` has {}, an operand of `{register}` at most {available}", counted(*needed, "bits"))]
    OperandTooWide {
        /// The register.
        register: String,
        /// The field.
        field: String,
        /// Its bits.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A shape of element that no stateful ALU has.
    #[error("an element of `{register}` is {shape}")]
    ElementShape {
        /// The register.
        register: String,
        /// What it is, in words.
        shape: String,
        /// What is possible, in words.
        possible: String,
    },
    /// Too many comparisons.
    #[error(
        "the register action `{action}` makes {}, its stateful ALU has {available}", counted(*needed, "comparisons")
    )]
    TooManyComparisons {
        /// The register action.
        action: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A comparison that a comparator can't make.
    #[error(
        "a comparison in the register action `{action}` is more than memory, a field and a constant"
    )]
    ComparisonTooDeep {
        /// The register action.
        action: String,
    },
    /// Too many values computed by one call.
    #[error(
        "the register action `{action}` computes {}, its stateful ALU {available}; one written back unchanged counts", counted(*needed, "values")
    )]
    TooManyValues {
        /// The register action.
        action: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many values returned by one call.
    #[error("the register action `{action}` returns {}, its stateful ALU {available}", counted(*needed, "values"))]
    TooManyOutputs {
        /// The register action.
        action: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Too many alternatives of a value.
    #[error(
        "the register action `{action}` has {} for a value, its stateful ALU {available}", counted(*needed, "alternatives")
    )]
    TooManyAlternatives {
        /// The register action.
        action: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// A value that is more than one operation.
    #[error("the register action `{action}` needs more than one operation for a value")]
    ValueTooDeep {
        /// The register action.
        action: String,
    },
    /// An operator that no stateful ALU has.
    #[error("the register action `{action}` uses {operator}, which no stateful ALU can do")]
    NoSuchStatefulOperation {
        /// The register action.
        action: String,
        /// What it uses.
        operator: &'static str,
    },
    /// Two sources where an instruction has one.
    #[error("the register action `{action}` {what}, its stateful ALU takes one of them")]
    TwoSources {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
    },
    /// Bits of a value of which the unit has only the whole.
    #[error("the register action `{action}` {what}, its stateful ALU takes the whole")]
    SlicedValue {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
        /// Whether comparators can mask what they compare.
        has_masks: bool,
    },
    /// More large constants than the register file has rows.
    #[error(
        "the actions of `{register}` use {} that are too large for an instruction ({values}), its register file has {}", counted(*needed, "constants"), counted(*available, "rows")
    )]
    TooManyConstants {
        /// The register.
        register: String,
        /// Which, in words.
        values: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
        /// Bits of a constant that stands in an instruction.
        inline_bits: u32,
    },
    /// A constant that no row of the register file holds.
    #[error(
        "the register action `{action}` uses a constant that does not fit into {} with its sign", counted(*available, "bits")
    )]
    ConstantTooWide {
        /// The register action.
        action: String,
        /// The limit.
        available: u32,
    },
    /// More than an element of one bit can do.
    #[error(
        "the register action `{action}` {what}; an element of one bit can be read, set and cleared"
    )]
    OneBitElement {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
    },
    /// The math unit where it does not lead.
    #[error("the register action `{action}` {what}")]
    MathUnitMisplaced {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
    },
    /// A division that no divider does.
    #[error("the register action `{action}` {what}")]
    Division {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
        /// Whether there is a divider.
        has_divider: bool,
    },
    /// `predicate()` of something else than the comparisons of the register action.
    #[error("the register action `{action}` {what}")]
    PredicateOutput {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
    },
    /// A search for the smallest or largest lane that no unit does.
    #[error("the register action `{action}` {what}")]
    LaneSearch {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
    },
    /// A comparison of more bits than sums have, which is none of equality with a field.
    #[error(
        "the register action `{action}` {what}; of more than {} its stateful ALU only says whether memory and a field are equal", counted(*available, "bits")
    )]
    WideComparison {
        /// The register action.
        action: String,
        /// What it does, with its verb.
        what: &'static str,
        /// Bits of a sum.
        available: u32,
    },
    /// More comparisons of wide values, or masks of them, than there are comparators for those.
    #[error(
        "the register action `{action}` and those of its register before it make {} of wide values with different masks, their stateful ALU has {available}", counted(*needed, "comparisons")
    )]
    TooManyWideComparisons {
        /// The register action.
        action: String,
        /// How many.
        needed: u32,
        /// The limit.
        available: u32,
    },
    /// Arithmetic that is too wide.
    #[error(
        "the register action `{action}` computes or compares {}, its stateful ALU {available}; wider values can only be moved", counted(*needed, "bits")
    )]
    ArithmeticTooWide {
        /// The register action.
        action: String,
        /// The width.
        needed: u32,
        /// The limit.
        available: u32,
    },
}

/// What a table brings with it, in words.
fn with(memories: &[String]) -> String {
    if memories.is_empty() {
        return String::new();
    }
    let names: Vec<String> = memories.iter().map(|name| format!("`{name}`")).collect();
    format!(" with {}", names.join(", "))
}

impl Problem {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> Code {
        Code(match self {
            Self::Phv(problem) => return problem.code(),
            Self::Parde(problem) => return problem.code(),
            Self::TooManyStages { .. } => "E0501",
            Self::StageOverflow { .. } => "E0502",
            Self::EntryTooWide { .. } => "E0503",
            Self::RangeTooWide { .. } => "E0504",
            Self::SharedOverStages { .. } => "E0505",
            Self::TwoMemories { .. } => "E0506",
            Self::StageNotPossible { .. } => "E0507",
            Self::NextTable { .. } => "E0508",
            Self::ExpressionTooDeep { .. } => "E0510",
            Self::NoSuchOperation { .. } => "E0511",
            Self::TwoDataOperands { .. } => "E0512",
            Self::ConditionComputes { .. } => "E0513",
            Self::ConditionOrdersFields => "E0514",
            Self::ConditionOrdersTooMuch { .. } => "E0515",
            Self::TooManyRegisterActions { .. } => "E0520",
            Self::TooManyOperands { .. } => "E0521",
            Self::OperandTooWide { .. } => "E0522",
            Self::ElementShape { .. } => "E0524",
            Self::TooManyComparisons { .. } => "E0525",
            Self::ComparisonTooDeep { .. } => "E0526",
            Self::TooManyValues { .. } => "E0527",
            Self::TooManyOutputs { .. } => "E0528",
            Self::TooManyAlternatives { .. } => "E0529",
            Self::ValueTooDeep { .. } => "E0530",
            Self::NoSuchStatefulOperation { .. } => "E0531",
            Self::ArithmeticTooWide { .. } => "E0532",
            Self::TwoSources { .. } => "E0533",
            Self::SlicedValue { .. } => "E0534",
            Self::TooManyConstants { .. } => "E0535",
            Self::ConstantTooWide { .. } => "E0536",
            Self::OneBitElement { .. } => "E0537",
            Self::MathUnitMisplaced { .. } => "E0538",
            Self::Division { .. } => "E0560",
            Self::PredicateOutput { .. } => "E0561",
            Self::LaneSearch { .. } => "E0562",
            Self::WideComparison { .. } => "E0563",
            Self::TooManyWideComparisons { .. } => "E0564",
            Self::CalledTwice { .. } => "E0570",
            Self::TwoIndices { .. } => "E0571",
            Self::MixedIndex { .. } => "E0572",
            Self::IndexComputed { .. } => "E0573",
        })
    }

    /// What would help.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Phv(problem) => problem.help(),
            Self::Parde(problem) => problem.help(),
            Self::TooManyStages {
                available,
                critical_path,
                ..
            } if critical_path > available => {
                format!(
                    "the longest chain of dependencies alone needs {critical_path}: shorten it by computing values earlier or side by side"
                )
            }
            Self::TooManyStages { .. } => {
                "the longest chain of dependencies would fit: make tables smaller or merge them"
                    .to_owned()
            }
            Self::StageOverflow { .. } => {
                "make it smaller, or let fewer tables share one register, counter or meter"
                    .to_owned()
            }
            Self::EntryTooWide { .. } => "match on a hash of the key, or in two tables".to_owned(),
            Self::RangeTooWide { available, .. } => {
                format!(
                    "match on the highest {}, or use a ternary key",
                    counted(*available, "bits")
                )
            }
            Self::SharedOverStages { .. } => {
                "let one table do both, or compute what the second needs before the first"
                    .to_owned()
            }
            Self::TwoMemories { .. } => "reach them from two tables".to_owned(),
            Self::CalledTwice { .. } => {
                "call it once, and let two tables do what needs two cells".to_owned()
            }
            Self::TwoIndices { .. } => {
                "bring the index into one field before, and use that in all actions".to_owned()
            }
            Self::MixedIndex { .. } => {
                "put what the entry says into a field in a table before, and take the index from that field in all actions"
                    .to_owned()
            }
            Self::IndexComputed { .. } => {
                "compute it into a metadata field in an action of an earlier table".to_owned()
            }
            Self::StageNotPossible { .. } => {
                "take the pragma away or give a later stage".to_owned()
            }
            Self::NextTable { .. } => {
                "move the tables that it needs out of the branch, or in front of it".to_owned()
            }
            Self::ExpressionTooDeep { .. } => {
                "compute a part of it into a metadata field in an action of an earlier table"
                    .to_owned()
            }
            Self::NoSuchOperation { .. } => {
                "let a table with entries for the cases do it, or a stateful ALU".to_owned()
            }
            Self::TwoDataOperands { .. } => {
                "store one of them in a metadata field in an earlier table".to_owned()
            }
            Self::ConditionComputes { .. } => {
                "compute it into a metadata field in an action before, and test that field"
                    .to_owned()
            }
            Self::ConditionOrdersFields => {
                "subtract one from the other in an action before, and test the sign".to_owned()
            }
            Self::ConditionOrdersTooMuch { .. } => {
                "compare with a power of two, order the highest bits, or match on it as a range in a table"
                    .to_owned()
            }
            Self::TooManyRegisterActions { .. } => {
                "merge actions that differ only in a constant: pass it in a field".to_owned()
            }
            Self::TooManyOperands { .. } => {
                "compute the operands into the same two metadata fields for all of its actions"
                    .to_owned()
            }
            Self::OperandTooWide { .. } => {
                "pass a slice of it, or divide the register into two".to_owned()
            }
            Self::ElementShape { possible, .. } => format!("possible are {possible}"),
            Self::TooManyComparisons { .. } => {
                "compute a comparison that needs no memory into a field before".to_owned()
            }
            Self::ComparisonTooDeep { .. } => {
                "compute the part without memory into a metadata field before".to_owned()
            }
            Self::TooManyValues { .. } => {
                "return the memory's old or new value, and compute from it in a later table"
                    .to_owned()
            }
            Self::TooManyOutputs { .. } => {
                "return fewer, or divide the register into two".to_owned()
            }
            Self::TooManyAlternatives { .. } => {
                "let an earlier table choose the operand, so that fewer cases are left".to_owned()
            }
            Self::ValueTooDeep { .. } => {
                "compute the part without memory into a metadata field before".to_owned()
            }
            Self::NoSuchStatefulOperation { .. } => {
                "compute it before, or approximate it by a math unit".to_owned()
            }
            Self::TwoSources { .. } => {
                "compute one of them into a metadata field before, or compare and add in a later table"
                    .to_owned()
            }
            Self::SlicedValue {
                has_masks: true, ..
            } => {
                "return the whole and take the bits in the action, compare it under a mask (`v & 0xff == …`), or keep the parts as a pair"
                    .to_owned()
            }
            Self::SlicedValue { .. } => {
                "return the whole and take the bits in the action, or keep the parts as a pair; the highest bit is set where the value as `int` is less than 0"
                    .to_owned()
            }
            Self::TooManyConstants { inline_bits, .. } => {
                let most = 1_u64 << inline_bits.saturating_sub(1).min(40);
                format!(
                    "pass some of them in a field, or use constants from -{most} to {}",
                    most - 1
                )
            }
            Self::ConstantTooWide { .. } => {
                "compare as signed numbers, or pass the constant in a field".to_owned()
            }
            Self::OneBitElement { .. } => {
                "use an element of 8 bits, or decide in a table before whether to set, clear or read"
                    .to_owned()
            }
            Self::MathUnitMisplaced { .. } => {
                "let it give the register's first value, from memory or a field, once, and compute with it in a later table"
                    .to_owned()
            }
            Self::Division {
                has_divider: true, ..
            } => {
                "divide once, return quotient and remainder, and write them to a register of a later table"
                    .to_owned()
            }
            Self::Division { .. } => {
                "approximate it by a math unit (`MathUnit` with `MathOp_t.DIV`), or return the value and shift it in the action if the divisor is a power of two"
                    .to_owned()
            }
            Self::PredicateOutput { .. } => {
                "call `predicate` before memory is written, and give it each comparison of the register action, once"
                    .to_owned()
            }
            Self::LaneSearch { .. } => {
                "let a `MinMaxAction` do the search and nothing else: find, return number and index, and change the lane by a constant from -255 to 255"
                    .to_owned()
            }
            Self::WideComparison { .. } => {
                "bring a constant into a metadata field before, mask both sides alike (`v & K == md.x & K`), and order the parts of a pair instead"
                    .to_owned()
            }
            Self::TooManyWideComparisons { .. } => {
                "compare under the same masks in all actions of the register, or divide the register into two"
                    .to_owned()
            }
            Self::ArithmeticTooWide { .. } => {
                "divide the element into a pair and carry in the next table".to_owned()
            }
        }
    }
}
