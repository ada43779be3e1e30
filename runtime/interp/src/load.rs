//! What an instance finds out about each gress before the first packet.

use p4rmt_engine::{EngineError, GressInterface, Hasher, Mode, PacketHeaders, WordLayout};
use p4rmt_ir::{Arch, Arena, Bits, Body, FieldId, Gress, GressId, GressRole, HashId, Id, Program};

use crate::action::orderless_actions;
use crate::reads::reads_field;
use crate::stages::Schedule;

/// What is known about a gress once and for all.
pub(crate) struct LoadedGress {
    /// Its id.
    pub(crate) id: GressId,
    /// Its hash functions.
    pub(crate) hashers: Arena<HashId, Hasher>,
    /// Its stages, where it is placed.
    pub(crate) schedule: Option<Schedule>,
    /// By action of the tables form: whether its assignments may as well run in order.
    pub(crate) is_orderless: Vec<bool>,
    /// The fields as a packet starts.
    pub(crate) zeros: Vec<Bits>,
    /// By field: its position among the watched ones.
    pub(crate) watched_at: Vec<Option<usize>>,
    /// The words of a job's inputs.
    pub(crate) inputs: WordLayout,
    /// The words of all fields.
    pub(crate) phv: WordLayout,
    /// The headers that packets are made of.
    pub(crate) headers: PacketHeaders,
    /// What a parser error does.
    pub(crate) on_error: OnParserError,
    /// The standard errors.
    pub(crate) errors: StandardErrors,
}

/// What a parser error does.
pub(crate) struct OnParserError {
    /// The packet is dropped before the first stage.
    pub(crate) drops: bool,
    /// Where the error is written, and what for each error of the program.
    pub(crate) report: Option<(FieldId, Vec<u64>)>,
}

/// Positions of the errors that the parser raises by itself.
#[derive(Clone, Copy)]
pub(crate) struct StandardErrors {
    pub(crate) packet_too_short: u32,
    pub(crate) no_match: u32,
    pub(crate) header_too_short: u32,
    pub(crate) parser_timeout: u32,
    pub(crate) parser_invalid_argument: u32,
}

impl LoadedGress {
    pub(crate) fn new(
        program: &Program,
        id: GressId,
        gress: &Gress,
        mode: &Mode,
        interface: &GressInterface,
    ) -> Result<Self, EngineError> {
        if gress.role == GressRole::Whole && gress.as_tables().is_some() {
            return Err(EngineError::Unsupported {
                construct: "a gress of v1model in the tables form",
                span: gress.parser.span,
            });
        }
        let mut watched_at = vec![None; gress.fields.len()];
        for field in interface.inputs.iter().chain(&interface.watched) {
            if gress.fields.get(*field).is_none() {
                return Err(EngineError::NoField {
                    gress: id,
                    field: *field,
                });
            }
        }
        for (position, field) in interface.watched.iter().enumerate() {
            watched_at[field.index()] = Some(position);
        }
        let schedule = match (mode, &gress.body) {
            (Mode::Unplaced, _) => None,
            (Mode::Placed(_), Body::Structured(_)) => {
                return Err(EngineError::NotTables { gress: id });
            }
            (Mode::Placed(placement), Body::Tables(tables)) => {
                let placed = placement.gresses.get(id);
                let placed = placed.ok_or(EngineError::PlacementMismatch {
                    gress: id,
                    what: "gresses",
                    needed: id.index() + 1,
                    available: placement.gresses.len(),
                })?;
                Some(Schedule::new(id, gress, tables, placed)?)
            }
        };
        Ok(Self {
            id,
            hashers: gress.hashes.values().map(Hasher::new).collect(),
            schedule,
            is_orderless: gress.as_tables().map_or_else(Vec::new, orderless_actions),
            zeros: gress
                .fields
                .values()
                .map(|field| Bits::zero(field.width))
                .collect(),
            watched_at,
            inputs: WordLayout::new(gress, &interface.inputs),
            phv: WordLayout::new(gress, &gress.fields.ids().collect::<Vec<_>>()),
            headers: PacketHeaders::new(gress),
            on_error: OnParserError::new(program, gress),
            errors: StandardErrors::new(program),
        })
    }
}

impl StandardErrors {
    fn new(program: &Program) -> Self {
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
    fn new(program: &Program, gress: &Gress) -> Self {
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
