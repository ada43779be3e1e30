//! Programs of stateful ALUs as the machine has them: what a placed engine runs in place of the
//! statements of a [`crate::RegisterAction`].
//!
//! The unit of a register sees the old element as one or two *halves*, two operands from the crossbar,
//! and constants. A call happens at one instant:
//!
//! 1. Each comparator says whether the sum of a half, an operand and a constant is so to zero.
//! 2. Predicates are tables over what the comparators say.
//! 3. Each slot whose predicate holds computes a value from what was there before the call; what the
//!    two slots of a half compute is joined by *or*.
//! 4. A half takes its value, or keeps the old one if no slot of it ran.
//! 5. Each word of output whose predicate holds shows its source; the others show zero.
//!
//! Beside the slots there may be a divider, whose quotient and remainder words can show, and a search in
//! the lanes of a whole word of memory, which takes the place of all slots.
//!
//! An element of one bit has instructions of its own ([`BitInstruction`]).

use crate::{Expr, MathUnitId, RegisterActionId, RegisterId};

/// What the stateful ALU of a register is set up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatefulUnit {
    /// The register.
    pub register: RegisterId,
    /// How the element lies in the halves.
    pub layout: ElementLayout,
    /// What stands at `phv_lo` and `phv_hi`: expressions over fields, at most as wide as a half.
    pub operands: Vec<Expr>,
    /// The rows of the register file, which all instructions share.
    pub rows: Vec<i64>,
    /// The math unit.
    pub math_unit: Option<MathUnitId>,
    /// The instructions.
    pub instructions: Vec<StatefulInstruction>,
}

/// How an element lies in the halves of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementLayout {
    /// Width of a half in bits.
    pub half_bits: u32,
    /// What the halves hold.
    pub kind: LayoutKind,
}

impl ElementLayout {
    /// Width of what an upper half without memory computes: sums of narrow elements keep their carry.
    /// Inferred: a published program (FCM sketches) counts on it.
    #[must_use]
    pub fn spare_bits(self) -> u32 {
        self.half_bits.max(32)
    }
}

/// What the halves hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutKind {
    /// The only value is in the lower half; the upper one reads as zero, is not kept, and can compute
    /// an output of [`ElementLayout::spare_bits`].
    Single,
    /// The first value is in the lower half, the second in the upper one.
    Pair,
    /// The only value is as wide as both halves together.
    Split,
}

/// A half of the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Half {
    /// The lower one.
    Lo,
    /// The upper one.
    Hi,
}

impl Half {
    /// 0 or 1.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Lo => 0,
            Self::Hi => 1,
        }
    }
}

/// What the unit does for one register action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatefulInstruction {
    /// The register action.
    pub action: RegisterActionId,
    /// What it does.
    pub kind: InstructionKind,
}

/// What an instruction does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstructionKind {
    /// On elements of 8 bits and more.
    Arithmetic(ArithmeticInstruction),
    /// On elements of one bit.
    Bit(BitInstruction),
}

/// An instruction on elements of 8 bits and more.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ArithmeticInstruction {
    /// By number of the comparator.
    pub comparators: Vec<Comparator>,
    /// At most one for each [`SlotUnit`].
    pub slots: Vec<Slot>,
    /// What is divided.
    pub divider: Option<Divider>,
    /// What is looked for in the lanes of the word.
    pub search: Option<LaneSearch>,
    /// Words of output, each with its own number.
    pub words: Vec<OutputWord>,
    /// By output of the register action: the words of 32 bits that hold it, from the lowest. None is
    /// zero.
    pub outputs: Vec<Vec<Option<u32>>>,
}

/// An instruction on elements of one bit: it reads the bit, and may set or clear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitInstruction {
    /// What is written; none keeps the bit.
    pub write: Option<bool>,
    /// What comes out; none where the register action has no output.
    pub output: Option<BitOutput>,
}

/// What comes out of an element of one bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOutput {
    /// The bit before the call.
    Old,
    /// Its complement.
    OldComplement,
    /// Always the same.
    Constant(bool),
}

/// Says whether a sum is so to zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparator {
    /// The half of the old element.
    pub memory: Option<Term<Half>>,
    /// The operand, by its position.
    pub operand: Option<Term<u32>>,
    /// The constant.
    pub constant: Constant,
    /// How the sum is compared with zero.
    pub relation: Relation,
    /// How the sum is taken.
    pub sum: SumKind,
}

/// A term of a comparator's sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term<T> {
    /// What.
    pub source: T,
    /// Whether it is subtracted.
    pub is_negated: bool,
    /// The bits of it that count; all ones on a machine without masks.
    pub mask: u64,
}

/// How a sum is compared with zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It is zero.
    Equal,
    /// It is not.
    NotEqual,
    /// It is less.
    Less,
    /// It is not more.
    LessOrEqual,
    /// It is more.
    Greater,
    /// It is not less.
    GreaterOrEqual,
}

impl Relation {
    /// The relation of `b` to `a` where this is that of `a` to `b`.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Equal | Self::NotEqual => self,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// The relation that holds where this does not.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }
}

/// How a comparator takes its sum. The constant is always signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SumKind {
    /// Modulo 2^(width of a half): equality, which has no sign.
    Modular,
    /// Exactly, of unsigned terms (`.u`).
    Unsigned,
    /// Exactly, of signed terms (`.s`).
    Signed,
    /// Modulo 2^(width of a half), the result signed (`.uus`).
    Wrapped,
    /// No sum at all: a half and an operand of any width are equal where their mask is 1 (`tmatch`).
    Match,
}

/// A constant of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// In the instruction itself.
    Inline(i64),
    /// A row of the register file.
    Row(u32),
}

/// A set of cases: bit `i` is the case in which comparator `c` holds if bit `c` of `i` is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Predicate(pub u16);

impl Predicate {
    /// In every case.
    pub const ALWAYS: Self = Self(u16::MAX);
    /// The most comparators that a predicate can look at.
    pub const COMPARATORS_MAX: usize = 4;

    /// Whether it holds in the case where exactly the comparators of this set hold.
    #[must_use]
    pub fn holds(self, case: usize) -> bool {
        self.0 >> (case & 0xf) & 1 == 1
    }
}

/// Where a slot computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotUnit {
    /// The half that it computes for.
    pub half: Half,
    /// Whether it is the second ALU of the half, the one that the math unit feeds in the lower half.
    pub is_second: bool,
}

/// One operation of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where.
    pub unit: SlotUnit,
    /// When.
    pub predicate: Predicate,
    /// What.
    pub opcode: Opcode,
    /// The first source, where the operation has one.
    pub a: Option<SourceA>,
    /// The second source, where the operation has one.
    pub b: Option<SourceB>,
    /// Whether it computes [`Slot::LOW_BITS`] bits of a wider half, and what is above them passes by from
    /// this half of memory, which is the first source if memory is one.
    pub passes: Option<Half>,
}

impl Slot {
    /// Bits that a slot computes where the rest passes by.
    pub const LOW_BITS: u32 = 32;
}

/// The first source of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceA {
    /// A half of the old element.
    Memory(Half),
    /// A constant.
    Constant(Constant),
}

/// The second source of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceB {
    /// An operand, by its position.
    Operand(u32),
    /// A constant.
    Constant(Constant),
    /// The math unit, of this input.
    Math(MathInput),
}

/// The input of the math unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MathInput {
    /// A half of the old element.
    Memory(Half),
    /// An operand, by its position.
    Operand(u32),
}

/// An operation of a slot, at the width of its half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in the assembler")]
pub enum Opcode {
    Add,
    Sub,
    SubR,
    SAddU,
    SAddS,
    SSubU,
    SSubS,
    SSubRU,
    SSubRS,
    MinU,
    MinS,
    MaxU,
    MaxS,
    SetZ,
    Nor,
    AndCA,
    NotA,
    AndCB,
    NotB,
    Xor,
    Nand,
    And,
    Xnor,
    AluB,
    OrCA,
    AluA,
    OrCB,
    Or,
    SetHi,
}

impl Opcode {
    /// Its name in the assembler.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::SubR => "subr",
            Self::SAddU => "saddu",
            Self::SAddS => "sadds",
            Self::SSubU => "ssubu",
            Self::SSubS => "ssubs",
            Self::SSubRU => "ssubru",
            Self::SSubRS => "ssubrs",
            Self::MinU => "minu",
            Self::MinS => "mins",
            Self::MaxU => "maxu",
            Self::MaxS => "maxs",
            Self::SetZ => "setz",
            Self::Nor => "nor",
            Self::AndCA => "andca",
            Self::NotA => "nota",
            Self::AndCB => "andcb",
            Self::NotB => "notb",
            Self::Xor => "xor",
            Self::Nand => "nand",
            Self::And => "and",
            Self::Xnor => "xnor",
            Self::AluB => "alu_b",
            Self::OrCA => "orca",
            Self::AluA => "alu_a",
            Self::OrCB => "orcb",
            Self::Or => "or",
            Self::SetHi => "sethi",
        }
    }

    /// Whether it has a first source.
    #[must_use]
    pub fn takes_a(self) -> bool {
        !matches!(self, Self::SetZ | Self::SetHi | Self::AluB | Self::NotB)
    }

    /// Whether it has a second source.
    #[must_use]
    pub fn takes_b(self) -> bool {
        !matches!(self, Self::SetZ | Self::SetHi | Self::AluA | Self::NotA)
    }

    /// Whether what it does depends on the width of its sources, which is that of the element: it
    /// saturates, or orders them.
    #[must_use]
    pub fn knows_width(self) -> bool {
        matches!(
            self,
            Self::SAddU
                | Self::SAddS
                | Self::SSubU
                | Self::SSubS
                | Self::SSubRU
                | Self::SSubRS
                | Self::MinU
                | Self::MinS
                | Self::MaxU
                | Self::MaxS
        )
    }

    /// Whether it only moves its source, which it can at any width.
    #[must_use]
    pub fn is_move(self) -> bool {
        matches!(self, Self::SetZ | Self::SetHi | Self::AluA | Self::AluB)
    }
}

/// Quotient and remainder of unsigned numbers. It stands where the second ALU of the upper half would,
/// which then always gives zero: with memory there, the first one has to give what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divider {
    /// What is divided.
    pub dividend: DividerSource,
    /// By what.
    pub divisor: DividerSource,
}

/// A source of the divider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DividerSource {
    /// A half of the old element.
    Memory(Half),
    /// An operand, by its position.
    Operand(u32),
    /// A constant.
    Constant(Constant),
}

/// The smallest or largest lane of a word of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSearch {
    /// Whether it is the largest.
    pub is_largest: bool,
    /// Bits of a lane: 8 or 16.
    pub lane_bits: u32,
    /// A row that holds the mask, and above it how much a lane is changed by; each of them where it is
    /// a constant.
    pub row: Option<u32>,
    /// Whether the mask is the first operand, not that of the row.
    pub masks_by_operand: bool,
    /// How the lane that is found changes.
    pub change: LaneChange,
    /// Whether the change is subtracted.
    pub is_decrement: bool,
}

/// How a lane that is found changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneChange {
    /// It does not.
    None,
    /// By what the row holds.
    Row,
    /// By the second operand.
    Operand,
}

impl LaneSearch {
    /// Bits of a change.
    pub const CHANGE_BITS: u32 = 8;
}

/// A word of 32 bits that comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputWord {
    /// Which: words 0 and 1 show bits 31 to 0 of their source, 2 and 3 bits 63 to 32.
    pub word: u32,
    /// When; otherwise it is zero.
    pub predicate: Predicate,
    /// What.
    pub source: OutputSource,
}

/// What a word of output shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutputSource {
    /// A half of the old element.
    Memory(Half),
    /// An operand, by its position.
    Operand(u32),
    /// What a half takes.
    Alu(Half),
    /// That the predicate holds, as this bit.
    Predicate {
        /// The bit.
        shift: u32,
    },
    /// The case, as the bit with its number.
    Case,
    /// What the divider gives.
    Quotient,
    /// What it leaves.
    Remainder,
    /// The lane that was found, as it was.
    LaneNumber,
    /// Which lane it is.
    LaneIndex,
}

impl InstructionKind {
    /// Gives operands other places: `place` says of each where it stands now.
    pub fn move_operands(&mut self, place: impl Fn(u32) -> u32) {
        let Self::Arithmetic(instruction) = self else {
            return;
        };
        for comparator in &mut instruction.comparators {
            if let Some(term) = &mut comparator.operand {
                term.source = place(term.source);
            }
        }
        for slot in &mut instruction.slots {
            if let Some(SourceB::Operand(operand) | SourceB::Math(MathInput::Operand(operand))) =
                &mut slot.b
            {
                *operand = place(*operand);
            }
        }
        if let Some(divider) = &mut instruction.divider {
            for source in [&mut divider.dividend, &mut divider.divisor] {
                if let DividerSource::Operand(operand) = source {
                    *operand = place(*operand);
                }
            }
        }
        for word in &mut instruction.words {
            if let OutputSource::Operand(operand) = &mut word.source {
                *operand = place(*operand);
            }
        }
    }
}

impl StatefulUnit {
    /// What the unit does for a register action.
    #[must_use]
    pub fn instruction(&self, action: RegisterActionId) -> Option<&InstructionKind> {
        let found = self.instructions.iter().find(|of| of.action == action);
        found.map(|found| &found.kind)
    }
}
