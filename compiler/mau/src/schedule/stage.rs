//! Placing units in the stage at hand: what each takes of it, what shares a logical table, what of a
//! table fits.

use p4rmt_ir::{Id, MemoryUse, Slot, TablePart};

use super::{Partial, Placer, Position, Refusal, UnitDemand};
use crate::demand::TableDemand;
use crate::resource::{Resource, Usage};
use crate::sizing::{MatchShape, TableLayout, lay_out};
use crate::unit::UnitId;

impl Placer<'_> {
    /// Places all of these units in the stage at hand, or none; of the last one perhaps only a part.
    pub(super) fn place_all(&mut self, closure: &[UnitId]) -> Result<(), Refusal> {
        let mark = self.state.mark();
        let n_before = mark.n_occupants;
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
                break;
            }
        }
        let result = result.and_then(|()| self.check_wires(n_before, &placed));
        if result.is_err() {
            for (unit, _) in &self.state.occupants[n_before..] {
                self.partials[unit.index()] = partials_before(&self.partials, *unit, self.stage);
            }
            self.state.go_back(mark);
            self.take_back(placed);
        }
        result
    }

    /// Crossbars, hash functions, buses and instruction rows of the stage, all occupants together, of which
    /// the first so many were there before.
    fn check_wires(&mut self, n_before: usize, placed: &[UnitId]) -> Result<(), Refusal> {
        let job = self.job;
        if self.is_forced || self.state.wires.first_over(job.target).is_none() {
            return Ok(());
        }
        let (n_counted, census) = &mut self.census;
        for occupant in &self.state.occupants[*n_counted..n_before] {
            census.add(&job.occupant(*occupant));
        }
        *n_counted = n_before;
        let mut with_new = census.clone();
        for occupant in &self.state.occupants[n_before..] {
            with_new.add(&job.occupant(*occupant));
        }
        let mut now = Usage::default();
        with_new.count(&mut now);
        let Some((resource, used)) = now.first_over(job.target) else {
            self.census = (self.state.occupants.len(), with_new);
            return Ok(());
        };
        let mut before = Usage::default();
        census.count(&mut before);
        let others = before[resource];
        let new = self.state.occupants[n_before..].iter();
        let greediest = new.max_by_key(|(unit, _)| job.own_wires[unit.index()][resource]);
        let unit = greediest.map(|(unit, _)| *unit).or(placed.first().copied());
        Err(Refusal::Resource {
            unit: unit.expect("what is refused was to be placed"),
            resource,
            needed: used - others,
            available: resource.limit(job.target).saturating_sub(others),
        })
    }

    /// Notes that a unit, or a part of it, is in the stage at hand.
    fn occupy(&mut self, unit: UnitId, layout: Option<TableLayout>) {
        self.state.occupants.push((unit, layout));
        self.state.wires.add(&self.job.own_wires[unit.index()]);
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
            let mark = self.state.mark();
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
            self.occupy(gateway, None);
            let may_split = closure.last() == Some(&partner);
            if self
                .place_table((partner, demand), Some(n_gateways), may_split, placed)
                .is_ok()
            {
                return Ok(());
            }
            self.state.go_back(mark);
            let taken_back = placed.split_off(n_before);
            self.take_back(taken_back);
        }
        let mut usage = Usage::default();
        usage[Resource::LogicalTables] = n_gateways;
        usage[Resource::Gateway] = n_gateways;
        let slot = self.slot(n_gateways - 1);
        self.take(gateway, &usage)?;
        self.occupy(gateway, None);
        self.state.lone_gateways.push(gateway);
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
            let is_table = matches!(
                &self.job.demands[unit.index()],
                UnitDemand::Table(demand) if !demand.is_in_gateway
            );
            let is_new =
                self.positions[unit.index()].is_none() && self.partials[unit.index()].is_none();
            is_child && is_table && is_new && self.earliest_now(unit) <= self.stage
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

    /// The gateway directly above a table whose logical table it may share although that was taken before:
    /// what else the table must follow has earlier ones.
    fn host_of(&self, unit: UnitId) -> Option<(UnitId, Slot)> {
        let graph = &self.job.graph;
        let gateway = graph.units[unit.index()].parent()?.unit;
        let is_taken = match &self.job.demands[unit.index()] {
            UnitDemand::Table(demand) => demand.is_in_gateway || demand.classifier.is_some(),
            UnitDemand::Gateway { .. } => true,
        };
        if is_taken || !self.state.lone_gateways.contains(&gateway) {
            return None;
        }
        let slot = self.positions[gateway.index()].as_ref()?.first;
        let mut others = graph.edges_to(unit).filter(|edge| edge.from != gateway);
        let is_free = others.all(|edge| {
            let position = self.positions[edge.from.index()].as_ref();
            position.is_some_and(|position| position.last < slot)
        });
        is_free.then_some((gateway, slot))
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
        if !self.places_front(unit) {
            self.check_containers(unit)?;
        }
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
        let partial = self.partials[unit.index()].clone();
        let host = self
            .host_of(unit)
            .filter(|_| n_gateways.is_none() && partial.is_none());
        if let Some((gateway, _)) = host {
            self.state.lone_gateways.retain(|lone| *lone != gateway);
            usage[Resource::LogicalTables] = 0;
            usage[Resource::Gateway] = 0;
        }
        if partial.is_none()
            && let Some((shape, entries)) = &demand.classifier
        {
            return self.place_classifier(unit, (shape, *entries), usage, may_split);
        }
        let (mut parts, rest) = match partial {
            Some(partial) => (partial.parts, partial.rest_entries),
            None => (Vec::new(), demand.entries),
        };
        let layout = job.layout(unit, rest).unwrap_or(TableLayout {
            capacity_entries: rest,
            pack: 0,
            width: 0,
            memory: MemoryUse::default(),
            reads: 0,
            logical_tables: 1,
            action_data_bytes: 0,
            immediate_bytes: 0,
            independent_ways: 0,
            hash_bits: 0,
            hash_dist_units: 0,
            indirection_blocks: 0,
        });
        let whole = of_layout(usage, &layout);
        let (layout, is_last) = match self.take(unit, &whole) {
            Ok(()) => (layout, true),
            Err(refusal) => {
                let part = self
                    .largest_part((unit, demand), &usage, rest)
                    .filter(|_| may_split);
                let layout = part.ok_or(refusal)?;
                self.take(unit, &of_layout(usage, &layout))?;
                (layout, false)
            }
        };
        let own = Slot {
            stage: self.stage,
            logical_id: self.state.usage[Resource::LogicalTables].saturating_sub(1),
        };
        let slot = host.map_or(own, |(_, slot)| slot);
        self.state.shared.extend(newly_shared);
        self.occupy(unit, Some(layout));
        let memory = MemoryUse {
            sram: layout.memory.sram.saturating_add(shared_memory.sram),
            tcam: layout.memory.tcam,
            map_ram: layout.memory.map_ram.saturating_add(shared_memory.map_ram),
        };
        parts.push(TablePart {
            slot,
            entries: if demand.is_in_gateway {
                demand.entries
            } else {
                layout.capacity_entries
            },
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

    /// Places the table in TCAM that finds the partition for another: that comes in a later stage.
    fn place_classifier(
        &mut self,
        unit: UnitId,
        (shape, entries): (&MatchShape, u64),
        mut usage: Usage,
        may_split: bool,
    ) -> Result<(), Refusal> {
        let layout = lay_out(shape, entries, self.job.target).filter(|_| may_split);
        let layout = layout.ok_or(Refusal::NextTable { open: unit })?;
        for resource in [Resource::MeterAlu, Resource::StatsAlu] {
            usage[resource] = 0;
        }
        self.take(unit, &of_layout(usage, &layout))?;
        let slot = Slot {
            stage: self.stage,
            logical_id: self.state.usage[Resource::LogicalTables] - 1,
        };
        self.occupy(unit, Some(layout));
        let part = TablePart {
            slot,
            entries: 0,
            memory: layout.memory,
        };
        let UnitDemand::Table(demand) = &self.job.demands[unit.index()] else {
            return Ok(());
        };
        self.partials[unit.index()] = Some(Partial {
            parts: vec![part],
            rest_entries: demand.entries,
        });
        Ok(())
    }

    /// The largest part of a table that fits beside what the stage has, if it may be divided and
    /// dividing it helps.
    fn largest_part(
        &self,
        (unit, demand): (UnitId, &TableDemand),
        usage: &Usage,
        rest: u64,
    ) -> Option<TableLayout> {
        let job = self.job;
        if !demand.is_splittable() || self.is_forced {
            return None;
        }
        let fits_alone = job
            .layout(unit, rest)
            .is_some_and(|layout| of_layout(*usage, &layout).first_over(job.target).is_none());
        if fits_alone && !self.strategy.splits_eagerly {
            return None;
        }
        let fitting = |entries: u64| {
            let layout = lay_out(&demand.shape, entries, job.target)?;
            let mut total = self.state.usage;
            total.add(&of_layout(*usage, &layout));
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

    /// No packet runs two tables in one stage that write one container, unless they must be together.
    fn check_containers(&self, unit: UnitId) -> Result<(), Refusal> {
        if self.is_forced {
            return Ok(());
        }
        let graph = self.job.graph;
        let wanted = |unit: UnitId| self.pragma(&self.job.demands[unit.index()]);
        let own_wish = wanted(unit);
        let own = &graph.units[unit.index()];
        let group = &self.job.groups[unit.index()];
        for &(other, layout) in &self.state.occupants {
            let of_other = &graph.units[other.index()];
            // What only finds the partition for a table runs none of its actions.
            let is_front =
                self.job.has_classifier(other) && layout.is_some_and(|of| of.memory.tcam > 0);
            if is_front {
                continue;
            }
            // A container belongs to one gress.
            if own.gress != of_other.gress
                || group.contains(&other)
                || own.is_exclusive_with(of_other)
            {
                continue;
            }
            // Fields of tables that the program wants in one stage are never packed together.
            let is_wanted = own_wish.is_some() && own_wish == wanted(other);
            let may_divide = is_wanted || !self.strategy.keeps_containers;
            let conflict = self.job.sharing.conflict(unit, other, may_divide);
            if let Some((own_field, other_field)) = conflict {
                return Err(Refusal::Container {
                    other,
                    own_field,
                    other_field,
                });
            }
        }
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

/// What was placed of a table before this stage.
fn partials_before(partials: &[Option<Partial>], unit: UnitId, stage: u32) -> Option<Partial> {
    let mut partial = partials[unit.index()].clone()?;
    while let Some(part) = partial.parts.pop_if(|part| part.slot.stage == stage) {
        partial.rest_entries += part.entries;
    }
    (!partial.parts.is_empty()).then_some(partial)
}

/// What a table takes with this layout, beside what it takes in any.
fn of_layout(mut usage: Usage, layout: &TableLayout) -> Usage {
    usage.add(&Usage::of_memory(layout.memory));
    usage[Resource::LogicalTables] += layout.logical_tables - 1;
    usage
}
