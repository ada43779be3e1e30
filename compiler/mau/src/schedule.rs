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

use p4rmt_ir::{Id, MemoryUse, Slot, TablePart};

use crate::demand::{SharedKey, TableDemand};
use crate::graph::DependencyGraph;
use crate::problem::Problem;
use crate::resource::{Resource, Usage};
use crate::sizing::{TableLayout, lay_out};
use crate::target::Target;
use crate::unit::UnitId;

/// Everything that placement depends on.
pub(crate) struct Job<'a> {
    pub(crate) graph: &'a DependencyGraph,
    /// By unit.
    pub(crate) demands: Vec<UnitDemand>,
    /// Memories that tables reach by an index, with what each asks of its stage.
    pub(crate) shared_usage: Vec<(SharedKey, Usage)>,
    /// By unit: all units that must be in its stage, itself included.
    pub(crate) groups: Vec<Vec<UnitId>>,
    pub(crate) target: &'a Target,
}

/// What a unit asks of its stage.
pub(crate) enum UnitDemand {
    Table(TableDemand),
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

/// The place of a unit.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) first: Slot,
    pub(crate) last: Slot,
    /// Of a table.
    pub(crate) parts: Vec<TablePart>,
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
}

#[derive(Clone, Copy)]
enum TieBreak {
    ProgramOrder,
    LargerFirst,
    MoreDependentsFirst,
    /// Pseudo-random by this seed, also between chains that differ by one.
    Shuffled(u64),
}

/// Shuffled orders that are tried while the result is above its lower bound.
const N_SHUFFLES: u64 = 12;

/// Places all units. `bound` is a number of stages below which no placement can be.
pub(crate) fn schedule(job: &Job<'_>, bound: u32) -> Schedule {
    let keeps_next_table_rule = job.target.machine.long_branch_tags == 0;
    let fixed = [
        TieBreak::ProgramOrder,
        TieBreak::LargerFirst,
        TieBreak::MoreDependentsFirst,
    ];
    let tie_breaks = fixed
        .into_iter()
        .chain((0..N_SHUFFLES).map(TieBreak::Shuffled));
    let mut best: Option<Schedule> = None;
    'search: for tie_break in tie_breaks {
        for splits_eagerly in [false, true] {
            let strategy = Strategy {
                tie_break,
                splits_eagerly,
                keeps_next_table_rule,
            };
            let found = Placer::new(job, strategy).run();
            let cost = |schedule: &Schedule| (schedule.problems.len(), schedule.stages.len());
            if best.as_ref().is_none_or(|best| cost(&found) < cost(best)) {
                best = Some(found);
            }
            if best
                .as_ref()
                .is_some_and(|best| cost(best) <= (0, bound as usize))
            {
                break 'search;
            }
        }
    }
    best.expect("at least one order is tried")
}

/// A stage while it is filled.
#[derive(Clone, Default)]
struct StageState {
    usage: Usage,
    shared: Vec<SharedKey>,
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
    stage: u32,
    state: StageState,
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
            stage: 0,
            state: StageState::default(),
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
        let tails =
            grouped_bounds(self.job, Direction::FromEnd).unwrap_or_else(|| self.job.graph.tails());
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
            UnitDemand::Table(demand) => lay_out(&demand.shape, demand.entries, self.job.target)
                .map_or(u32::MAX, |layout| {
                    layout.memory.sram.saturating_add(layout.memory.tcam)
                }),
            UnitDemand::Gateway { .. } => 0,
        };
        order.sort_by_cached_key(|unit| {
            let tail = u64::from(tails[unit.index()]);
            let (chain, tie) = match self.strategy.tie_break {
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
            (std::cmp::Reverse((chain, tie)), *unit)
        });
        order
    }

    fn run(mut self) -> Schedule {
        let mut n_empty_stages = 0;
        while self.has_unplaced() {
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
        Schedule {
            positions: self.positions,
            stages: self.finished,
            refusals: self.refusals,
            problems: self.problems,
        }
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
                    Some((_, Refusal::NextTable { .. })) | None => None,
                });
        let Some((unit, of, resource, needed, available)) = refused else {
            return false;
        };
        let Some(closure) = self.closure(unit) else {
            return false;
        };
        let problem = Problem::StageOverflow {
            unit: self.job.graph.units[of.index()].name.clone(),
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
                || self.earliest[unit.index()] > self.stage
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
                        closure.len() == 1 && matches!(refusal, Refusal::Resource { .. });
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

    /// All that must be placed in this stage with the unit, in the order of the control flow;
    /// nothing if something in it needs a later stage.
    fn closure(&self, unit: UnitId) -> Option<Vec<UnitId>> {
        let mut closure = Vec::new();
        let mut pending = vec![unit];
        while let Some(unit) = pending.pop() {
            if closure.contains(&unit) || self.positions[unit.index()].is_some() {
                continue;
            }
            if self.earliest[unit.index()] > self.stage
                || self
                    .pragma(&self.job.demands[unit.index()])
                    .is_some_and(|stage| self.stage < stage)
            {
                return None;
            }
            closure.push(unit);
            pending.extend(self.job.groups[unit.index()].iter().copied());
            for edge in self.job.graph.edges_to(unit) {
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

    /// Places all of these units in the stage at hand, or none; of the last one perhaps only a part.
    fn place_all(&mut self, closure: &[UnitId]) -> Result<(), Refusal> {
        let state = self.state.clone();
        let mut placed = Vec::new();
        let mut result = Ok(());
        for &unit in closure {
            if self.positions[unit.index()].is_some() || self.has_part_here(unit) {
                continue;
            }
            result = match &self.job.demands[unit.index()] {
                UnitDemand::Table(demand) => {
                    let may_split = closure.last() == Some(&unit);
                    self.place_table((unit, demand), None, may_split, &mut placed)
                }
                UnitDemand::Gateway { n_gateways } => {
                    self.place_gateway(unit, *n_gateways, closure, &mut placed)
                }
            };
            if result.is_err() {
                self.state = state;
                self.take_back(placed);
                break;
            }
        }
        result
    }

    fn set_position(&mut self, unit: UnitId, position: Position, placed: &mut Vec<UnitId>) {
        self.positions[unit.index()] = Some(position);
        for decision in &self.job.graph.units[unit.index()].path {
            self.n_unplaced_under[decision.unit.index()] -= 1;
        }
        placed.push(unit);
    }

    fn take_back(&mut self, placed: impl IntoIterator<Item = UnitId>) {
        for unit in placed {
            self.positions[unit.index()] = None;
            for decision in &self.job.graph.units[unit.index()].path {
                self.n_unplaced_under[decision.unit.index()] += 1;
            }
        }
    }

    fn place_gateway(
        &mut self,
        gateway: UnitId,
        n_gateways: u32,
        closure: &[UnitId],
        placed: &mut Vec<UnitId>,
    ) -> Result<(), Refusal> {
        self.check_next_table(gateway)?;
        for partner in self.partners(gateway, closure) {
            let UnitDemand::Table(demand) = &self.job.demands[partner.index()] else {
                continue;
            };
            let state = self.state.clone();
            let n_before = placed.len();
            let slot = self.slot(n_gateways - 1);
            self.set_position(
                gateway,
                Position {
                    first: slot,
                    last: slot,
                    parts: Vec::new(),
                },
                placed,
            );
            let may_split = closure.last() == Some(&partner);
            if self
                .place_table((partner, demand), Some(n_gateways), may_split, placed)
                .is_ok()
            {
                return Ok(());
            }
            self.state = state;
            let taken_back = placed.split_off(n_before);
            self.take_back(taken_back);
        }
        let mut usage = Usage::default();
        usage[Resource::LogicalTables] = n_gateways;
        usage[Resource::Gateway] = n_gateways;
        let slot = self.slot(n_gateways - 1);
        self.take(gateway, &usage)?;
        self.set_position(
            gateway,
            Position {
                first: slot,
                last: slot,
                parts: Vec::new(),
            },
            placed,
        );
        Ok(())
    }

    /// The tables directly under a gateway with which it could share a logical table, those that must
    /// be placed anyway first.
    fn partners(&self, gateway: UnitId, closure: &[UnitId]) -> Vec<UnitId> {
        let can_follow = |unit: UnitId| {
            let is_child = self.job.graph.units[unit.index()]
                .parent()
                .is_some_and(|d| d.unit == gateway);
            let is_table = matches!(self.job.demands[unit.index()], UnitDemand::Table(_));
            let is_new =
                self.positions[unit.index()].is_none() && self.partials[unit.index()].is_none();
            is_child && is_table && is_new && self.earliest[unit.index()] <= self.stage
        };
        let is_ready = |unit: UnitId| {
            self.job.graph.edges_to(unit).all(|edge| {
                edge.from == gateway
                    || self.positions[edge.from.index()]
                        .as_ref()
                        .is_some_and(|position| {
                            position.last.stage + edge.kind.distance() <= self.stage
                        })
            })
        };
        let mut partners: Vec<UnitId> = closure
            .iter()
            .copied()
            .filter(|unit| can_follow(*unit) && is_ready(*unit))
            .collect();
        let is_free = |unit: &UnitId| {
            let waits = self
                .pragma(&self.job.demands[unit.index()])
                .is_some_and(|stage| self.stage < stage);
            let opens = self.strategy.keeps_next_table_rule
                && self.job.graph.units[unit.index()].n_descendants > 0;
            self.job.groups[unit.index()].len() == 1 && !waits && !opens && !closure.contains(unit)
        };
        let n_under = self.job.graph.units[gateway.index()].n_descendants;
        let under = gateway.index() + 1..=gateway.index() + n_under;
        let more = self.order.iter().copied().filter(|unit| {
            under.contains(&unit.index()) && can_follow(*unit) && is_free(unit) && is_ready(*unit)
        });
        if partners.is_empty() {
            partners.extend(more);
        }
        partners
    }

    fn slot(&self, offset: u32) -> Slot {
        Slot {
            stage: self.stage,
            logical_id: self.state.usage[Resource::LogicalTables] + offset,
        }
    }

    /// Places a table, or as much of it as fits, with the gateways that share its logical table.
    fn place_table(
        &mut self,
        (unit, demand): (UnitId, &TableDemand),
        n_gateways: Option<u32>,
        may_split: bool,
        placed: &mut Vec<UnitId>,
    ) -> Result<(), Refusal> {
        let job = self.job;
        self.check_next_table(unit)?;
        let mut usage = demand.direct_alus;
        usage[Resource::LogicalTables] = n_gateways.unwrap_or(1);
        usage[Resource::Gateway] = n_gateways.unwrap_or(u32::from(demand.needs_gateway));
        let mut shared_memory = MemoryUse::default();
        let gress = job.graph.units[unit.index()].gress;
        let mut newly_shared = Vec::new();
        for memory in &demand.shared {
            let key = (gress, *memory);
            if !self.state.shared.contains(&key) {
                let of_memory = job.shared_usage.iter().find(|(known, _)| *known == key);
                let of_memory = of_memory.expect("the job lists every memory").1;
                shared_memory.sram = shared_memory.sram.saturating_add(of_memory[Resource::Sram]);
                shared_memory.map_ram = shared_memory
                    .map_ram
                    .saturating_add(of_memory[Resource::MapRam]);
                usage.add(&of_memory);
                newly_shared.push(key);
            }
        }
        let slot = self.slot(usage[Resource::LogicalTables] - 1);
        let partial = self.partials[unit.index()].clone();
        let (mut parts, rest) = match partial {
            Some(partial) => (partial.parts, partial.rest_entries),
            None => (Vec::new(), demand.entries),
        };
        let layout = lay_out(&demand.shape, rest, job.target).unwrap_or(TableLayout {
            capacity_entries: rest,
            pack: 0,
            width: 0,
            memory: MemoryUse::default(),
        });
        let whole = with_memory(usage, layout.memory);
        let (layout, is_last) = match self.take(unit, &whole) {
            Ok(()) => (layout, true),
            Err(refusal) => {
                let part = self
                    .largest_part(demand, &usage, rest)
                    .filter(|_| may_split);
                let layout = part.ok_or(refusal)?;
                self.take(unit, &with_memory(usage, layout.memory))?;
                (layout, false)
            }
        };
        self.state.shared.extend(newly_shared);
        let memory = MemoryUse {
            sram: layout.memory.sram.saturating_add(shared_memory.sram),
            tcam: layout.memory.tcam,
            map_ram: layout.memory.map_ram.saturating_add(shared_memory.map_ram),
        };
        parts.push(TablePart {
            slot,
            entries: layout.capacity_entries,
            memory,
        });
        if is_last {
            let first = parts.first().map_or(slot, |part| part.slot);
            self.set_position(
                unit,
                Position {
                    first,
                    last: slot,
                    parts,
                },
                placed,
            );
        } else {
            let rest_entries = rest - layout.capacity_entries;
            self.partials[unit.index()] = Some(Partial {
                parts,
                rest_entries,
            });
        }
        Ok(())
    }

    /// The largest part of a table that fits beside what the stage has, if it may be divided and
    /// dividing it helps.
    fn largest_part(&self, demand: &TableDemand, usage: &Usage, rest: u64) -> Option<TableLayout> {
        let job = self.job;
        if !demand.is_splittable() || self.is_forced {
            return None;
        }
        let fits_alone = lay_out(&demand.shape, rest, job.target).is_some_and(|layout| {
            with_memory(*usage, layout.memory)
                .first_over(job.target)
                .is_none()
        });
        if fits_alone && !self.strategy.splits_eagerly {
            return None;
        }
        let fitting = |entries: u64| {
            let layout = lay_out(&demand.shape, entries, job.target)?;
            let mut total = self.state.usage;
            total.add(&with_memory(*usage, layout.memory));
            let is_part = layout.capacity_entries < rest;
            (total.first_over(job.target).is_none() && is_part).then_some(layout)
        };
        let (mut fits, mut fails) = (0, rest);
        while fails - fits > 1 {
            let middle = fits + (fails - fits) / 2;
            if fitting(middle).is_some() {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        if fits == 0 { None } else { fitting(fits) }
    }

    /// Takes what a unit uses from the stage at hand.
    fn take(&mut self, unit: UnitId, usage: &Usage) -> Result<(), Refusal> {
        let mut total = self.state.usage;
        total.add(usage);
        if let Some((resource, used)) = total
            .first_over(self.job.target)
            .filter(|_| !self.is_forced)
        {
            let limit = resource.limit(self.job.target);
            let needed = usage[resource];
            let available = limit.saturating_sub(used - needed);
            return Err(Refusal::Resource {
                unit,
                resource,
                needed,
                available,
            });
        }
        self.state.usage = total;
        Ok(())
    }

    /// Without long branches a table leads only to the next one that the packet runs: what a unit leads
    /// to must be placed before anything else that may run with it, so all that it waits for must be
    /// there before it.
    fn check_next_table(&self, unit: UnitId) -> Result<(), Refusal> {
        if !self.strategy.keeps_next_table_rule || self.is_forced {
            return Ok(());
        }
        let graph = self.job.graph;
        let own = &graph.units[unit.index()];
        let is_open = |other: &UnitId| {
            let unit = &graph.units[other.index()];
            self.positions[other.index()].is_some()
                && self.n_unplaced_under[other.index()] > 0
                && unit.gress == own.gress
                && !own.is_under(*other)
                && !own.is_exclusive_with(unit)
        };
        if let Some(open) = graph.unit_ids().find(is_open) {
            return Err(Refusal::NextTable { open });
        }
        let subtree = unit.index()..=unit.index() + own.n_descendants;
        let waits_outside = subtree.clone().skip(1).any(|under| {
            graph.edges_to(UnitId::from_index(under)).any(|edge| {
                !subtree.contains(&edge.from.index()) && self.positions[edge.from.index()].is_none()
            })
        });
        if waits_outside {
            Err(Refusal::NextTable { open: unit })
        } else {
            Ok(())
        }
    }
}

fn with_memory(mut usage: Usage, memory: MemoryUse) -> Usage {
    for (resource, count) in [
        (Resource::Sram, memory.sram),
        (Resource::Tcam, memory.tcam),
        (Resource::MapRam, memory.map_ram),
    ] {
        usage[resource] = usage[resource].saturating_add(count);
    }
    usage
}

/// A fixed scrambling of bits.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Which way chains of dependencies are followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Stages before each unit.
    FromStart,
    /// Stages after each unit.
    FromEnd,
}

/// By unit: stages that must lie before or after it, where units of a group share a stage. Nothing if
/// no placement keeps the groups together.
pub(crate) fn grouped_bounds(job: &Job<'_>, direction: Direction) -> Option<Vec<u32>> {
    let graph = job.graph;
    let n_units = graph.units.len();
    let mut bounds = vec![0_u32; n_units];
    let units: Vec<UnitId> = match direction {
        Direction::FromStart => graph.unit_ids().collect(),
        Direction::FromEnd => graph.unit_ids().rev().collect(),
    };
    loop {
        let mut has_changed = false;
        for &unit in &units {
            let mut bound = bounds[unit.index()];
            match direction {
                Direction::FromStart => {
                    for edge in graph.edges_to(unit) {
                        bound = bound.max(bounds[edge.from.index()] + edge.kind.distance());
                    }
                }
                Direction::FromEnd => {
                    for edge in graph.edges_from(unit) {
                        bound = bound.max(bounds[edge.to.index()] + edge.kind.distance());
                    }
                }
            }
            for member in &job.groups[unit.index()] {
                if bounds[member.index()] < bound {
                    bounds[member.index()] = bound;
                    has_changed = true;
                }
            }
        }
        if bounds.iter().any(|bound| *bound as usize > n_units) {
            return None;
        }
        if !has_changed {
            return Some(bounds);
        }
    }
}
