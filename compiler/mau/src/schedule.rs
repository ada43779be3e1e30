//! The placer: list scheduling of units into stages.
//!
//! In: a [`Job`]. Out: a [`Schedule`]: a place for each unit and, for the report, what kept it from
//! being placed earlier. Stages are filled one after the other. In a stage, of the units whose
//! dependencies allow it, the one with the longest chain behind it goes first; what must stand in
//! the same stage (gateways above it, users of its registers) goes with it or not at all
//! ([`Placer::closure`]). A gateway goes only when something under it does, and shares the logical
//! table of a table directly under it where one can go too.
//!
//! One order of priorities can be unlucky, so several are tried, and the best result is taken:
//! fewest problems, then fewest stages ([`schedule`]).

mod stage;

use p4rmt_ir::{FieldId, Id, Pipe, Slot, TablePart};

use crate::bounds::{Direction, grouped_bounds};
use crate::census::{Census, Occupant};
use crate::demand::{SharedKey, TableDemand};
use crate::graph::{DependencyGraph, DependencyKind, Edge};
use crate::problem::Problem;
use crate::resource::{Resource, Usage};
use crate::sharing::Sharing;
use crate::sizing::{TableLayout, lay_out};
use crate::target::Target;
use crate::unit::UnitId;
use crate::wiring::Compared;

/// Everything that placement depends on.
pub(crate) struct Job<'a> {
    pub(crate) graph: &'a DependencyGraph,
    /// By unit.
    pub(crate) demands: Vec<UnitDemand>,
    /// By unit: how a table is laid out that has all of its entries in one stage.
    pub(crate) whole: Vec<Option<TableLayout>>,
    /// Memories that tables reach by an index, with what each asks of its stage.
    pub(crate) shared_usage: Vec<(SharedKey, Usage)>,
    /// By unit: all units that must be in its stage, itself included.
    pub(crate) groups: Vec<Vec<UnitId>>,
    /// Which units write one container.
    pub(crate) sharing: Sharing,
    /// What conditions compare.
    pub(crate) compared: Compared,
    /// By unit: what it alone takes of the wires of a stage.
    pub(crate) own_wires: Vec<Usage>,
    pub(crate) pipe: &'a Pipe,
    pub(crate) target: &'a Target,
}

impl<'a> Job<'a> {
    /// What a stage takes of wires that nothing is in.
    fn empty_census(&self) -> Census<'_> {
        Census::new(self)
    }

    /// How so many entries of a table are laid out.
    fn layout(&self, unit: UnitId, entries: u64) -> Option<TableLayout> {
        match &self.demands[unit.index()] {
            UnitDemand::Table(demand) if demand.entries == entries => self.whole[unit.index()],
            UnitDemand::Table(demand) => lay_out(&demand.shape, entries, self.target),
            UnitDemand::Gateway { .. } => None,
        }
    }

    /// A unit in a stage.
    fn occupant(&self, (unit, layout): (UnitId, Option<TableLayout>)) -> Occupant<'a> {
        Occupant {
            unit: &self.graph.units[unit.index()],
            layout,
        }
    }

    /// Whether a table in front of this one finds the partition of a packet.
    pub(crate) fn has_classifier(&self, unit: UnitId) -> bool {
        match &self.demands[unit.index()] {
            UnitDemand::Table(demand) => demand.classifier.is_some(),
            UnitDemand::Gateway { .. } => false,
        }
    }

    /// Stages between two units at the least. What a table matches on reaches the one in front of it.
    pub(crate) fn distance(&self, edge: &Edge) -> u32 {
        let in_front = precedes_classifier(edge) && self.has_classifier(edge.to);
        edge.kind.distance() + u32::from(in_front)
    }
}

/// Whether what finds the partition for a table waits for the same as its match does.
fn precedes_classifier(edge: &Edge) -> bool {
    match edge.kind {
        DependencyKind::Match | DependencyKind::Control => true,
        DependencyKind::Action | DependencyKind::Output | DependencyKind::Anti => false,
    }
}

/// What a unit asks of its stage.
pub(crate) enum UnitDemand {
    Table(Box<TableDemand>),
    Gateway {
        /// Gateways that the condition takes.
        n_gateways: u32,
    },
}

/// Where everything goes.
#[derive(Clone)]
pub(crate) struct Schedule {
    /// By unit.
    pub(crate) positions: Vec<Option<Position>>,
    /// By stage.
    pub(crate) stages: Vec<Usage>,
    /// By unit: the last stage in which it was its turn and it did not fit, and why.
    pub(crate) refusals: Vec<Option<(u32, Refusal)>>,
    /// What could not be kept.
    pub(crate) problems: Vec<(UnitId, Problem)>,
}

/// What is wrong with a schedule: its problems, then its stages.
type Cost = (usize, usize);

impl Schedule {
    fn cost(&self) -> Cost {
        (self.problems.len(), self.stages.len())
    }
}

/// The place of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) first: Slot,
    pub(crate) last: Slot,
    /// Of a table.
    pub(crate) parts: Vec<TablePart>,
}

impl Position {
    /// The stages that it is in.
    pub(crate) fn stages(&self) -> Vec<u32> {
        if self.parts.is_empty() {
            return vec![self.first.stage];
        }
        self.parts.iter().map(|part| part.slot.stage).collect()
    }
}

/// Why a unit could not go into a stage although its dependencies allowed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Resource {
        /// The unit for which it ran out: the unit itself or one that must go with it.
        unit: UnitId,
        resource: Resource,
        needed: u32,
        available: u32,
    },
    /// Without long branches: what this unit leads to must be placed first.
    NextTable { open: UnitId },
    /// A unit in the stage writes a container that this one writes too.
    Container {
        other: UnitId,
        /// What this unit writes there.
        own_field: FieldId,
        /// What the other one does.
        other_field: FieldId,
    },
}

/// An order in which units get their turn.
#[derive(Clone, Copy)]
struct Strategy {
    /// What decides between units with chains of equal length.
    tie_break: TieBreak,
    /// Whether a table that would fit into the next stage whole is divided to fill this one.
    splits_eagerly: bool,
    /// Whether the next-table rule of a machine without long branches is kept.
    keeps_next_table_rule: bool,
    /// Whether fields that stand together by default are taken to do so.
    keeps_containers: bool,
}

#[derive(Clone, Copy)]
enum TieBreak {
    /// The vendor's compiler decides so: of equals the last one.
    LastFirst,
    ProgramOrder,
    LargerFirst,
    MoreDependentsFirst,
    /// Pseudo-random by this seed, also between chains that differ by one.
    Shuffled(u64),
}

/// Shuffled orders that are tried while the result is above its lower bound.
const N_SHUFFLES: u64 = 12;

/// Stages above the bound from which containers are taken to be divided otherwise: up to there the
/// vendor's compiler accepts what containers cost (`mau/table_summary.cpp`).
const CONTAINER_STAGES: usize = 2;

/// Places all units. `bound` is a number of stages below which no placement can be.
///
/// Which small fields share a container is decided before tables are placed. If that costs too many
/// stages, containers are divided by where the tables are.
pub(crate) fn schedule(job: &Job<'_>, bound: u32) -> Schedule {
    let shared =
        best_schedule(job, bound, true, None).expect("the first order is tried to its end");
    let n_stages = shared.stages.len();
    let accepted = bound as usize + CONTAINER_STAGES;
    if shared.problems.is_empty()
        && n_stages <= accepted
        && n_stages <= job.target.machine.stages as usize
    {
        return shared;
    }
    best_schedule(job, bound, false, Some(shared.cost())).unwrap_or(shared)
}

/// The best of several orders; nothing if none costs less than `ceiling`.
fn best_schedule(
    job: &Job<'_>,
    bound: u32,
    keeps_containers: bool,
    mut ceiling: Option<Cost>,
) -> Option<Schedule> {
    let keeps_next_table_rule = job.target.machine.long_branch_tags == 0;
    let fixed = [
        TieBreak::LastFirst,
        TieBreak::ProgramOrder,
        TieBreak::LargerFirst,
        TieBreak::MoreDependentsFirst,
    ];
    let tie_breaks = fixed
        .into_iter()
        .chain((0..N_SHUFFLES).map(TieBreak::Shuffled));
    let mut best: Option<Schedule> = None;
    for tie_break in tie_breaks {
        for splits_eagerly in [false, true] {
            let strategy = Strategy {
                tie_break,
                splits_eagerly,
                keeps_next_table_rule,
                keeps_containers,
            };
            let Some(found) = Placer::new(job, strategy).run(ceiling) else {
                continue;
            };
            let cost = found.cost();
            if ceiling.is_none_or(|ceiling| cost < ceiling) {
                ceiling = Some(cost);
                best = Some(found);
            }
            if ceiling <= Some((0, bound as usize)) {
                return best;
            }
        }
    }
    best
}

/// A stage while it is filled. Lists only grow, but for that of gateways.
#[derive(Default)]
struct StageState {
    usage: Usage,
    shared: Vec<SharedKey>,
    /// Gateways that have a logical table of their own.
    lone_gateways: Vec<UnitId>,
    /// Units of which a part is here, in the order in which they came, with its layout if they are tables.
    occupants: Vec<(UnitId, Option<TableLayout>)>,
    /// What the occupants take of wires, each one alone: at least what they take together.
    wires: Usage,
}

/// A stage at some time before.
struct Mark {
    usage: Usage,
    wires: Usage,
    n_shared: usize,
    n_occupants: usize,
    lone_gateways: Vec<UnitId>,
}

impl StageState {
    fn mark(&self) -> Mark {
        Mark {
            usage: self.usage,
            wires: self.wires,
            n_shared: self.shared.len(),
            n_occupants: self.occupants.len(),
            lone_gateways: self.lone_gateways.clone(),
        }
    }

    fn go_back(&mut self, mark: Mark) {
        self.usage = mark.usage;
        self.wires = mark.wires;
        self.shared.truncate(mark.n_shared);
        self.occupants.truncate(mark.n_occupants);
        self.lone_gateways = mark.lone_gateways;
    }
}

/// A table of which only a part is placed.
#[derive(Clone)]
struct Partial {
    parts: Vec<TablePart>,
    rest_entries: u64,
}

struct Placer<'a> {
    job: &'a Job<'a>,
    strategy: Strategy,
    /// Units that get a turn, in order.
    order: Vec<UnitId>,
    /// By unit: the first stage that dependencies and groups leave it.
    earliest: Vec<u32>,
    /// By unit: stages that must follow its own.
    tails: Vec<u32>,
    stage: u32,
    state: StageState,
    /// What the first so many occupants of the stage take of wires together.
    census: (usize, Census<'a>),
    finished: Vec<Usage>,
    positions: Vec<Option<Position>>,
    partials: Vec<Option<Partial>>,
    n_unplaced_under: Vec<usize>,
    refusals: Vec<Option<(u32, Refusal)>>,
    problems: Vec<(UnitId, Problem)>,
    /// Whether limits are ignored for the unit at hand, which no stage has room for.
    is_forced: bool,
}

impl<'a> Placer<'a> {
    fn new(job: &'a Job<'a>, strategy: Strategy) -> Self {
        let n_units = job.graph.units.len();
        let mut placer = Self {
            job,
            strategy,
            order: Vec::new(),
            earliest: grouped_bounds(job, Direction::FromStart)
                .unwrap_or_else(|| job.graph.earliest_stages()),
            tails: grouped_bounds(job, Direction::FromEnd).unwrap_or_else(|| job.graph.tails()),
            stage: 0,
            state: StageState::default(),
            census: (0, job.empty_census()),
            finished: Vec::new(),
            positions: vec![None; n_units],
            partials: vec![None; n_units],
            n_unplaced_under: job
                .graph
                .units
                .iter()
                .map(|unit| unit.n_descendants)
                .collect(),
            refusals: vec![None; n_units],
            problems: Vec::new(),
            is_forced: false,
        };
        placer.order = placer.priorities();
        placer
    }

    /// Units that get a turn: tables, and gateways that lead to none.
    fn priorities(&self) -> Vec<UnitId> {
        let mut order: Vec<UnitId> = self
            .job
            .graph
            .unit_ids()
            .filter(|unit| {
                let is_table =
                    |unit: UnitId| matches!(self.job.demands[unit.index()], UnitDemand::Table(_));
                let n_under = self.job.graph.units[unit.index()].n_descendants;
                let mut under = (unit.index() + 1..=unit.index() + n_under).map(UnitId::from_index);
                is_table(*unit) || !under.any(is_table)
            })
            .collect();
        let memory = |unit: UnitId| match &self.job.demands[unit.index()] {
            UnitDemand::Table(_) => self.job.whole[unit.index()].map_or(u32::MAX, |layout| {
                layout.memory.sram.saturating_add(layout.memory.tcam)
            }),
            UnitDemand::Gateway { .. } => 0,
        };
        order.sort_by_cached_key(|unit| {
            let tail = u64::from(self.tails[unit.index()]);
            let (chain, tie) = match self.strategy.tie_break {
                TieBreak::LastFirst => (tail, unit.index() as u64),
                TieBreak::ProgramOrder => (tail, 0),
                TieBreak::LargerFirst => (tail, u64::from(memory(*unit))),
                TieBreak::MoreDependentsFirst => {
                    (tail, self.job.graph.succs[unit.index()].len() as u64)
                }
                TieBreak::Shuffled(seed) => {
                    let noise = mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ unit.index() as u64);
                    (2 * tail + (noise & 1) + ((noise >> 1) & 1), noise >> 2)
                }
            };
            // What the program wants in a stage goes there before anything can take its place.
            let wanted = self.pragma(&self.job.demands[unit.index()]);
            let has_no_wish = wanted.is_none();
            (has_no_wish, wanted, std::cmp::Reverse((chain, tie)), *unit)
        });
        order
    }

    /// Places everything; nothing if it can't come to less than `ceiling`.
    fn run(mut self, ceiling: Option<Cost>) -> Option<Schedule> {
        let mut n_empty_stages = 0;
        while self.has_unplaced() && self.stage < self.last_stage() {
            if ceiling.is_some_and(|ceiling| self.least_cost() >= ceiling) {
                return None;
            }
            self.fill_stage();
            if self.state.usage == Usage::default() {
                // All that earlier stages can give is given: only pragmas are worth waiting for.
                n_empty_stages += 1;
                if !self.force_one() && n_empty_stages > self.longest_wait() && !self.give_up_rule()
                {
                    break;
                }
            }
            self.next_stage();
        }
        while self.finished.last() == Some(&Usage::default()) {
            self.finished.pop();
        }
        Some(Schedule {
            positions: self.positions,
            stages: self.finished,
            refusals: self.refusals,
            problems: self.problems,
        })
    }

    /// What it will come to at the least: the problems so far, and the stages that are left to the units that
    /// have no place yet, and to what must follow them.
    fn least_cost(&self) -> Cost {
        let unplaced = self.positions.iter().enumerate();
        let unplaced = unplaced.filter(|(_, position)| position.is_none());
        let last_stage =
            unplaced.map(|(unit, _)| self.earliest[unit].max(self.stage) + self.tails[unit]);
        (
            self.problems.len(),
            last_stage.max().map_or(0, |last| last as usize + 1),
        )
    }

    /// Where it is given up: no program that is of any use is larger, but the size of a table is only a
    /// number.
    fn last_stage(&self) -> u32 {
        let n_units = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        let n_stages = self.job.target.machine.stages;
        n_stages
            .saturating_mul(8)
            .saturating_add(256)
            .saturating_add(n_units)
    }

    /// Stages that nothing may be placed in although all is well: the largest `@stage`.
    fn longest_wait(&self) -> u32 {
        self.job
            .demands
            .iter()
            .filter_map(|demand| self.pragma(demand))
            .max()
            .unwrap_or(0)
    }

    /// The stage that a table wants, if the machine has it.
    fn pragma(&self, demand: &UnitDemand) -> Option<u32> {
        match demand {
            UnitDemand::Table(demand) => demand
                .stage_pragma
                .filter(|stage| *stage < self.job.target.machine.stages),
            UnitDemand::Gateway { .. } => None,
        }
    }

    fn has_unplaced(&self) -> bool {
        self.positions.iter().any(Option::is_none)
    }

    fn next_stage(&mut self) {
        let state = std::mem::take(&mut self.state);
        self.finished.push(state.usage);
        self.census = (0, self.job.empty_census());
        self.stage += 1;
    }

    /// The stage stayed empty although the dependencies of some unit allow it: no stage has room for
    /// it. Places it all the same, and says so. Returns whether there is such a unit.
    fn force_one(&mut self) -> bool {
        let refused =
            self.order
                .iter()
                .copied()
                .find_map(|unit| match &self.refusals[unit.index()] {
                    Some((
                        stage,
                        Refusal::Resource {
                            unit: of,
                            resource,
                            needed,
                            available,
                        },
                    )) => {
                        let is_now = *stage == self.stage && self.positions[unit.index()].is_none();
                        is_now.then_some((unit, *of, *resource, *needed, *available))
                    }
                    Some((_, Refusal::NextTable { .. } | Refusal::Container { .. })) | None => None,
                });
        let Some((unit, of, resource, needed, available)) = refused else {
            return false;
        };
        let Some(closure) = self.closure(unit) else {
            return false;
        };
        let problem = Problem::StageOverflow {
            unit: self.job.graph.units[of.index()].name.clone(),
            memories: Vec::new(),
            what: resource.words(),
            needed,
            available,
        };
        self.problems.push((of, problem));
        self.is_forced = true;
        let result = self.place_all(&closure);
        self.is_forced = false;
        result.is_ok()
    }

    /// Gives up the next-table rule, if it is kept, and says for which unit.
    fn give_up_rule(&mut self) -> bool {
        let refused =
            self.order
                .iter()
                .copied()
                .find_map(|unit| match &self.refusals[unit.index()] {
                    Some((_, Refusal::NextTable { open }))
                        if self.positions[unit.index()].is_none() =>
                    {
                        Some((unit, *open))
                    }
                    Some(_) | None => None,
                });
        let Some((unit, open)) = refused.filter(|_| self.strategy.keeps_next_table_rule) else {
            return false;
        };
        let name = |unit: UnitId| self.job.graph.units[unit.index()].name.clone();
        self.problems.push((
            unit,
            Problem::NextTable {
                unit: name(unit),
                open: name(open),
            },
        ));
        self.strategy.keeps_next_table_rule = false;
        true
    }

    /// Places in the stage at hand what has its turn and fits.
    fn fill_stage(&mut self) {
        let mut turn = 0;
        let mut refused = vec![false; self.positions.len()];
        while let Some(&unit) = self.order.get(turn) {
            turn += 1;
            if self.positions[unit.index()].is_some()
                || self.earliest_now(unit) > self.stage
                || refused[unit.index()]
                || self.has_part_here(unit)
            {
                continue;
            }
            let Some(closure) = self.closure(unit) else {
                continue;
            };
            match self.place_all(&closure) {
                Ok(()) => turn = 0,
                Err(refusal) => {
                    // In one stage use only grows; only what needs others may need fewer later.
                    refused[unit.index()] =
                        closure.len() == 1 && !matches!(refusal, Refusal::NextTable { .. });
                    self.refusals[unit.index()] = Some((self.stage, refusal));
                }
            }
        }
    }

    fn has_part_here(&self, unit: UnitId) -> bool {
        let partial = self.partials[unit.index()].as_ref();
        partial.is_some_and(|partial| {
            partial
                .parts
                .last()
                .is_some_and(|part| part.slot.stage == self.stage)
        })
    }

    /// Whether the next part of a unit is the table in front of it.
    fn places_front(&self, unit: UnitId) -> bool {
        self.job.has_classifier(unit) && self.partials[unit.index()].is_none()
    }

    /// The first stage that is left to a unit, or to what stands in front of it.
    fn earliest_now(&self, unit: UnitId) -> u32 {
        if self.places_front(unit) {
            // What it waits for is looked at one by one.
            0
        } else {
            self.earliest[unit.index()]
        }
    }

    /// All that must be placed in this stage with the unit, in the order of the control flow;
    /// nothing if something in it needs a later stage.
    fn closure(&self, unit: UnitId) -> Option<Vec<UnitId>> {
        let mut closure = Vec::new();
        let mut pending = vec![unit];
        while let Some(unit) = pending.pop() {
            if closure.contains(&unit) || self.positions[unit.index()].is_some() {
                continue;
            }
            if self.earliest_now(unit) > self.stage
                || self
                    .pragma(&self.job.demands[unit.index()])
                    .is_some_and(|stage| self.stage < stage)
            {
                return None;
            }
            closure.push(unit);
            pending.extend(self.job.groups[unit.index()].iter().copied());
            let is_front = self.places_front(unit);
            let edges = self.job.graph.edges_to(unit);
            for edge in edges.filter(|edge| !is_front || precedes_classifier(edge)) {
                match &self.positions[edge.from.index()] {
                    Some(position) => {
                        if position.last.stage + edge.kind.distance() > self.stage {
                            return None;
                        }
                    }
                    None if edge.kind.distance() > 0
                        || self.partials[edge.from.index()].is_some() =>
                    {
                        return None;
                    }
                    None => pending.push(edge.from),
                }
            }
        }
        closure.sort_unstable();
        Some(closure)
    }
}

/// A fixed scrambling of bits.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
