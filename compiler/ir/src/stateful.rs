//! Memory that outlives a packet, and the units that compute on it: registers with their stateful
//! ALU programs, counters, meters; and stateless units: hashes, random values, checksums.

use p4rmt_source::Span;

use crate::{Arena, Bits, Block, LocalId, MathUnitId, RegisterId};

/// An array of elements, each of one or two values (v1model: of any number).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// How many elements; 0 for a direct register, which has one an entry of its table.
    pub size: u64,
    /// The values of an element: the first is `lo`, the second `hi`.
    pub element: Vec<ElementField>,
    /// What each element starts with, a value a field.
    pub initial: Vec<Bits>,
    /// Its declaration.
    pub span: Span,
}

/// A value of a register's element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElementField {
    /// Its name in the struct; empty where the element is a scalar.
    pub name: String,
    /// Its width in bits.
    pub width: u32,
    /// Whether the program declared it `int`.
    pub is_signed: bool,
}

/// A program of a stateful ALU, in the language's own terms: statements that run in order on a copy
/// of the element, which is then written back, all at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterAction {
    /// Its name in the program.
    pub name: String,
    /// What it works on.
    pub register: RegisterId,
    /// Its variables: the element's values, the outputs, and what it declares itself.
    pub locals: Arena<LocalId, Local>,
    /// The variables that hold the element, a value each; several elements one behind the other where
    /// the program works on a whole word of memory, which an index then counts.
    pub memory: Vec<LocalId>,
    /// The variables that it returns; they start at zero.
    pub outputs: Vec<LocalId>,
    /// `Assign` to locals and `If`; it reads fields as the packet entered the stage, and the
    /// parameters of the action that calls it, which are all the same for all calls.
    pub body: Block,
    /// Its declaration.
    pub span: Span,
}

impl RegisterAction {
    /// How many elements of its register it works on at once.
    #[must_use]
    pub fn n_elements(&self, register: &Register) -> u64 {
        (self.memory.len() / register.element.len().max(1)) as u64
    }
}

/// A variable of an action or register action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its name in the program.
    pub name: String,
    /// Its width in bits.
    pub width: u32,
}

/// The math unit of a stateful ALU: an approximate function by a table of sixteen values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MathUnit {
    /// Its name in the program.
    pub name: String,
    /// Whether the exponent of the input counts downwards (for 1/x).
    pub is_inverted: bool,
    /// By how much the exponent is shifted: 1 doubles it (x^2), -1 halves it (square root).
    pub shift: i8,
    /// Added to the exponent of the result, -32 to 31.
    pub scale: i8,
    /// The values, by the four highest bits of the normalised input.
    pub table: [u8; 16],
    /// Its declaration.
    pub span: Span,
}

/// What a counter or meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CountKind {
    /// Packets.
    Packets,
    /// Bytes.
    Bytes,
    /// Both.
    PacketsAndBytes,
}

/// An array of counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// What it counts.
    pub kind: CountKind,
    /// Width of a count in bits.
    pub width: u32,
    /// How many cells; 0 for a direct counter, which has one an entry of its table.
    pub size: u64,
    /// Bytes that a packet counts less than it has; more where it is negative.
    pub adjust_bytes: i32,
    /// Its declaration.
    pub span: Span,
}

/// An array of two-rate three-colour meters (RFC 2698), or of filters, which have the same memory and
/// ALU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its name towards the control plane, dotted.
    pub name: String,
    /// What it meters.
    pub kind: CountKind,
    /// How many cells; 0 for a direct meter, which has one an entry of its table.
    pub size: u64,
    /// What green, yellow and red read as.
    pub colors: [Bits; 3],
    /// Bytes that a packet counts less than it has; more where it is negative.
    pub adjust_bytes: i32,
    /// What its cells do with values, where they do not mark packets.
    pub filter: Option<Filter>,
    /// Its declaration.
    pub span: Span,
}

/// What the cells of a filter do with the values that they are given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Width of a value in bits, at most [`Filter::WIDTH_MAX`].
    pub width: u32,
    /// What comes out.
    pub kind: FilterKind,
}

/// What comes out of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterKind {
    /// The average of the values over time (`Lpf`), as wide as they are.
    LowPass,
    /// Whether the packet is to be dropped: never while the average is below a threshold, always above
    /// another, at random between them (`Wred`). 8 bits.
    EarlyDrop {
        /// What a drop reads as.
        drop: Bits,
        /// What no drop reads as.
        no_drop: Bits,
    },
}

impl Filter {
    /// The widest value that a cell can take, in bits.
    pub const WIDTH_MAX: u32 = 32;

    /// Width of what comes out, in bits.
    #[must_use]
    pub fn result_width(&self) -> u32 {
        match &self.kind {
            FilterKind::LowPass => self.width,
            FilterKind::EarlyDrop { drop, .. } => drop.width(),
        }
    }
}

/// A hash function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hash {
    /// Its name in the program.
    pub name: String,
    /// How it is computed.
    pub algorithm: HashAlgorithm,
    /// Width of the result in bits: the low bits of what the algorithm gives.
    pub width: u32,
    /// Its declaration.
    pub span: Span,
}

/// How a hash is computed over a string of bits, the first argument in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// The low bits of the data themselves.
    Identity,
    /// A fixed pseudo-random linear function.
    Random,
    /// Exclusive or of pieces of this many bits.
    Xor(u32),
    /// A cyclic redundancy check.
    Crc(CrcPolynomial),
    /// The one's-complement sum of RFC 1071.
    Csum16,
}

/// Parameters of a CRC, named as in the catalogue of parametrised CRC algorithms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrcPolynomial {
    /// Width in bits: 8, 16, 32 or 64.
    pub width: u32,
    /// The polynomial without its highest term.
    pub poly: u64,
    /// Start value.
    pub init: u64,
    /// Exclusive or on the result.
    pub xor_out: u64,
    /// Whether bits go in and out lowest first.
    pub is_reflected: bool,
}

/// A source of random values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    /// Its name in the program.
    pub name: String,
    /// Width of a value in bits.
    pub width: u32,
    /// Its declaration.
    pub span: Span,
}

/// A checksum unit of a parser or deparser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// Its name in the program.
    pub name: String,
    /// Its declaration.
    pub span: Span,
}

/// A message of a deparser to the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Its name in the program.
    pub name: String,
    /// Names and widths in bits of its fields.
    pub fields: Vec<(String, u32)>,
    /// Its declaration.
    pub span: Span,
}

/// The math units of a gress.
pub type MathUnits = Arena<MathUnitId, MathUnit>;
