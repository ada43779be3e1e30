//! What an instance finds out about each gress before the first packet.

use p4rmt_engine::{
    EngineError, GressInterface, Hasher, Mode, OnParserError, PacketHeaders, Schedule,
    StandardErrors, WordLayout, schedule_of, watched_positions,
};
use p4rmt_ir::salu::StatefulUnit;
use p4rmt_ir::{Arena, Bits, Gress, GressId, GressRole, HashId, Program, RegisterActionId};

use crate::action::orderless_actions;

/// What is known about a gress once and for all.
pub(crate) struct LoadedGress {
    /// Its id.
    pub(crate) id: GressId,
    /// Its hash functions.
    pub(crate) hashers: Arena<HashId, Hasher>,
    /// Its stages, where it is placed.
    pub(crate) schedule: Option<Schedule>,
    /// Where it is placed, its stateful ALUs.
    pub(crate) stateful: Vec<StatefulUnit>,
    /// By register action: the unit and the instruction that it is, where it is one.
    pub(crate) instructions: Vec<Option<(usize, usize)>>,
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
        let mut stateful = Vec::new();
        if let Mode::Placed(placement) = mode
            && let Some(placed) = placement.gresses.get(id)
        {
            stateful.clone_from(&placed.stateful);
        }
        Ok(Self {
            id,
            instructions: instructions(gress, &stateful),
            stateful,
            hashers: gress.hashes.values().map(Hasher::new).collect(),
            schedule: schedule_of(id, gress, mode)?,
            is_orderless: gress.as_tables().map_or_else(Vec::new, orderless_actions),
            zeros: gress
                .fields
                .values()
                .map(|field| Bits::zero(field.width))
                .collect(),
            watched_at: watched_positions(id, gress, interface)?,
            inputs: WordLayout::new(gress, &interface.inputs),
            phv: WordLayout::new(gress, &gress.fields.ids().collect::<Vec<_>>()),
            headers: PacketHeaders::new(gress),
            on_error: OnParserError::new(program, gress),
            errors: StandardErrors::new(program),
        })
    }
}

/// By register action: its unit and instruction.
fn instructions(gress: &Gress, units: &[StatefulUnit]) -> Vec<Option<(usize, usize)>> {
    let of = |action: RegisterActionId| {
        units.iter().enumerate().find_map(|(position, unit)| {
            let mut instructions = unit.instructions.iter();
            let found = instructions.position(|instruction| instruction.action == action);
            found.map(|found| (position, found))
        })
    };
    gress.register_actions.ids().map(of).collect()
}
