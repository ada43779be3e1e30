//! What parsers raise by themselves, and what an error does to the packet.

use p4rmt_ir::{Arch, FieldId, Gress, GressRole, Program};

use crate::reads::reads_field;

/// What a parser error does.
#[derive(Clone, Debug)]
pub struct OnParserError {
    /// The packet is dropped before the first stage.
    pub drops: bool,
    /// Where the error is written, and what for each error of the program.
    pub report: Option<(FieldId, Vec<u64>)>,
}

/// Positions of the errors that the parser raises by itself.
#[derive(Clone, Copy, Debug)]
pub struct StandardErrors {
    /// The packet ended.
    pub packet_too_short: u32,
    /// No transition matched.
    pub no_match: u32,
    /// More bits than a varbit field has.
    pub header_too_short: u32,
    /// Too many states.
    pub parser_timeout: u32,
    /// A length that the machine does not have.
    pub parser_invalid_argument: u32,
}

impl StandardErrors {
    /// Those of a program; the first error where it has not one of this name.
    #[must_use]
    pub fn new(program: &Program) -> Self {
        let position = |name: &str| {
            let found = program.errors.iter().position(|error| error == name);
            found.unwrap_or(0) as u32
        };
        Self {
            packet_too_short: position("PacketTooShort"),
            no_match: position("NoMatch"),
            header_too_short: position("HeaderTooShort"),
            parser_timeout: position("ParserTimeout"),
            parser_invalid_argument: position("ParserInvalidArgument"),
        }
    }
}

impl OnParserError {
    /// What an error does in this gress of the program.
    #[must_use]
    pub fn new(program: &Program, gress: &Gress) -> Self {
        let intrinsic = |name: &str| gress.intrinsics.get(name).copied();
        match (program.arch, gress.role) {
            (Arch::V1model, _) => {
                let values = (0..program.errors.len() as u64).collect();
                let field = intrinsic("standard_metadata_t.parser_error");
                Self {
                    drops: false,
                    report: field.map(|field| (field, values)),
                }
            }
            (Arch::Tna | Arch::T2na, role) => {
                let is_egress = role == GressRole::Egress;
                let field = if is_egress {
                    intrinsic("egress_intrinsic_metadata_from_parser_t.parser_err")
                } else {
                    intrinsic("ingress_intrinsic_metadata_from_parser_t.parser_err")
                };
                let values = program
                    .errors
                    .iter()
                    .map(|error| tofino_error(error))
                    .collect();
                Self {
                    drops: !is_egress && !field.is_some_and(|field| reads_field(gress, field)),
                    report: field.map(|field| (field, values)),
                }
            }
        }
    }
}

/// What TNA shows for an error of the program (`PARSER_ERROR_…` in `tna.p4`). The language's errors
/// have no exact counterpart there; the nearest is taken, and a rejection without an error of its own
/// counts as one that no transition matched.
fn tofino_error(error: &str) -> u64 {
    match error {
        "PacketTooShort" => 0x0002,
        "StackOutOfBounds" => 0x0004,
        "ParserTimeout" => 0x0010,
        "HeaderTooShort" | "ParserInvalidArgument" => 0x0040,
        _ => 0x0001,
    }
}

/// States that a parser may visit beyond one for each bit of the packet: what keeps states that go
/// round without reading anything from hanging.
pub const MAX_IDLE_STATES: u64 = 256;

/// Turns that all loops of a packet may take together. The language has endless loops; a pipeline
/// has not, so one that comes here is broken, and ends.
pub const MAX_TURNS: u32 = 1 << 16;
