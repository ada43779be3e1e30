//! Clock by clock: at each clock the steps that packets enter then, whichever packet they belong to.
//!
//! A packet that makes a step finds what it brought along, and what those before it left in this step; nothing
//! else. So all that happens in some clocks comes to the same in any order that leaves the packets of a step, and the
//! steps of a packet, one behind the other. Time goes in strides that are no longer than the shortest way through a
//! gress: what leaves in a stride was there before it, so that all that enters in it is known by then. In each
//!
//! 1. packets leave, and what they cause gets in line;
//! 2. those that stay move on up to the end of the stride, each to the step where it stands then;
//! 3. others enter, and do the same;
//!
//! and those that are near one another make each step one after the other: a stage has its tables at hand for all
//! of them. Writes of the control plane stand among the packets.

use std::collections::VecDeque;
use std::ops::Range;

use p4rmt_engine::{Outcome, StateError, Stepping, Trace};
use p4rmt_ir::GressId;

use super::line::{Item, Waiting};
use super::write::{ControlWrite, Versions};
use super::{EGRESS, Flight, INGRESS, LockStep};
use crate::DeviceError;

/// Packets that enter or leave within so many clocks move together: what they touch stays in the nearest cache.
const SPAN: u64 = 32;

/// What is in a gress, in the order in which it entered.
#[derive(Default)]
pub(super) struct Inside {
    all: VecDeque<Passing>,
    /// Slots of the engine that are free; the one that was used last at the end.
    free_slots: Vec<usize>,
    n_slots: usize,
}

/// Something on its way through a gress.
struct Passing {
    /// When it entered.
    clock: u64,
    /// How many steps it has made; of a write, to how many parts of what it changes it has come.
    n_made: u32,
    what: What,
}

enum What {
    Packet(Walker),
    Write(ControlWrite),
}

/// A packet that makes steps.
struct Walker {
    flight: Flight,
    slot: usize,
    /// What it leads to; there once its deparser has it.
    outcome: Option<Box<Outcome>>,
}

impl Inside {
    fn take_slot(&mut self) -> usize {
        self.free_slots.pop().unwrap_or_else(|| {
            self.n_slots += 1;
            self.n_slots - 1
        })
    }
}

impl LockStep {
    pub(super) fn run_clocked(&mut self, until: u64) -> Result<(), DeviceError> {
        let ways = self.sides.iter().map(|side| side.total);
        let stride = ways.min().unwrap_or(1);
        loop {
            let Some(from) = self.next_event().filter(|clock| *clock < until) else {
                return Ok(());
            };
            let end = from.saturating_add(stride).min(until);
            self.let_out(end)?;
            for side in [INGRESS, EGRESS] {
                let all = 0..self.sides[side].inside.all.len();
                self.move_on(side, all, end)?;
            }
            self.let_in(end)?;
            for side in &mut self.sides {
                side.done = side.done.max(end);
            }
        }
    }

    /// The first clock at which anything happens.
    fn next_event(&self) -> Option<u64> {
        let events = self.sides.iter().filter_map(|side| {
            let line = side.line.next_clock(side.done);
            let inside = side.inside.all.iter().map(|passing| {
                let next = match &passing.what {
                    What::Packet(_) => side.steps.get(passing.n_made as usize),
                    What::Write(_) => None,
                };
                passing.clock.saturating_add(*next.unwrap_or(&side.total))
            });
            line.into_iter().chain(inside).min()
        });
        events.min()
    }

    /// What leaves before `end` does so, in the order of clocks, the ingress first.
    fn let_out(&mut self, end: u64) -> Result<(), DeviceError> {
        while let Some((_, first)) = self.next_to_leave().filter(|(_, exit)| *exit < end) {
            let end = end.min(first.saturating_add(SPAN));
            for side in [INGRESS, EGRESS] {
                let total = self.sides[side].total;
                let all = &self.sides[side].inside.all;
                let n_leaving =
                    all.partition_point(|passing| passing.clock.saturating_add(total) < end);
                self.move_on(side, 0..n_leaving, end)?;
            }
            while let Some((side, _)) = self.next_to_leave().filter(|(_, exit)| *exit < end) {
                let inside = &mut self.sides[side].inside;
                if let Some(Passing {
                    what: What::Packet(walker),
                    ..
                }) = inside.all.pop_front()
                {
                    let Walker {
                        flight,
                        slot,
                        outcome,
                    } = walker;
                    inside.free_slots.push(slot);
                    let mut outcome = outcome.unwrap_or_default();
                    self.leave(side, flight, &mut outcome);
                    self.outcomes.push(outcome);
                }
            }
        }
        Ok(())
    }

    /// Who leaves next: from which side, and when.
    fn next_to_leave(&self) -> Option<(usize, u64)> {
        let exit = |side: &usize| {
            let first = self.sides[*side].inside.all.front();
            first.map(|passing| passing.clock.saturating_add(self.sides[*side].total))
        };
        let exits = [INGRESS, EGRESS].into_iter();
        exits
            .filter_map(|side| Some((side, exit(&side)?)))
            .min_by_key(|(_, exit)| *exit)
    }

    /// What enters before `end` does so, and moves on up to then.
    fn let_in(&mut self, end: u64) -> Result<(), DeviceError> {
        for side in [INGRESS, EGRESS] {
            let mut clock = self.sides[side].done;
            while let Some(first) = self.sides[side].line.next_clock(clock)
                && first < end
            {
                let n_before = self.sides[side].inside.all.len();
                let group_end = end.min(first.saturating_add(SPAN));
                while let Some(next) = self.sides[side].line.next_clock(clock)
                    && next < group_end
                {
                    if let Some(waiting) = self.turn(side, next) {
                        self.admit(side, waiting, next);
                    }
                    clock = next + 1;
                }
                let n_behind = self.sides[side].inside.all.len();
                self.move_on(side, n_before..n_behind, end)?;
            }
        }
        Ok(())
    }

    /// Something enters a gress.
    fn admit(&mut self, side: usize, waiting: Waiting, clock: u64) {
        let what = match waiting.item {
            Item::Packet(entry) => What::Packet(Walker {
                flight: self.enter(entry, waiting.n_passes, clock),
                slot: self.sides[side].inside.take_slot(),
                outcome: None,
            }),
            Item::Write(write) => What::Write(write),
        };
        self.sides[side].inside.all.push_back(Passing {
            clock,
            n_made: 0,
            what,
        });
    }

    /// Some of what is in a gress makes all steps that it enters before `end`.
    fn move_on(&mut self, side: usize, some: Range<usize>, end: u64) -> Result<(), DeviceError> {
        let mut start = some.start;
        while start < some.end {
            let rest = self.sides[side].inside.all.range(start..some.end);
            let mut packets = rest.take_while(|passing| matches!(passing.what, What::Packet(_)));
            let n_packets = packets.by_ref().take(SPAN as usize).count();
            if n_packets == 0 {
                self.pass_write(side, start, end);
            } else {
                self.move_packets(side, start..start + n_packets, end)?;
            }
            start += n_packets.max(1);
        }
        Ok(())
    }

    /// The same for packets that no write stands between.
    fn move_packets(
        &mut self,
        side: usize,
        some: Range<usize>,
        end: u64,
    ) -> Result<(), DeviceError> {
        let Self {
            device,
            sides,
            versions,
            outcomes,
            ..
        } = self;
        let (side, chassis) = (&mut sides[side], &mut device.chassis);
        let gress = side.gress;
        let is_divided = versions
            .iter()
            .any(|versions| versions.table.gress == gress);
        let n_steps = side.steps.len();
        let mut n_made = n_steps;
        let mut packets = Vec::with_capacity(some.len());
        for passing in side.inside.all.range_mut(some) {
            // Who entered later has not come further.
            while n_made > 0 && passing.clock.saturating_add(side.steps[n_made - 1]) >= end {
                n_made -= 1;
            }
            let steps = passing.n_made..n_made as u32;
            let What::Packet(walker) = &mut passing.what else {
                continue;
            };
            if steps.is_empty() {
                continue;
            }
            passing.n_made = steps.end;
            let Walker {
                flight,
                slot,
                outcome,
            } = walker;
            let is_deparsed = n_made == n_steps;
            let mut stepping = Stepping {
                slot: *slot,
                steps,
                job: flight.entry.job(&flight.head, passing.clock),
                outcome: is_deparsed.then(|| {
                    &mut **outcome.get_or_insert_with(|| outcomes.pop().unwrap_or_default())
                }),
            };
            let trace = chassis.trace.is_some().then_some(&mut flight.events);
            if trace.is_none() && !is_divided {
                packets.push(stepping);
                continue;
            }
            // Somebody looks at this packet, or its tables show something else in each stage.
            let steps = stepping.steps.clone();
            let trace = &mut trace.map(|events| -> &mut dyn Trace { events });
            for step in steps {
                stepping.steps = step..step + 1;
                swap_versions(versions, gress, step, &mut chassis.state);
                let packet = std::slice::from_mut(&mut stepping);
                let (instance, state) = (&mut chassis.instance, &mut chassis.state);
                let trace: Option<&mut dyn Trace> = match trace {
                    Some(trace) => Some(&mut **trace),
                    None => None,
                };
                let result = instance.advance(gress, packet, state, trace);
                swap_versions(versions, gress, step, &mut chassis.state);
                result?;
            }
        }
        let state = &mut chassis.state;
        Ok(chassis.instance.advance(gress, &mut packets, state, None)?)
    }

    /// A write comes to the parts of what it changes that lie on its way up to `end`.
    fn pass_write(&mut self, side: usize, at: usize, end: u64) {
        let side = &mut self.sides[side];
        let passing = &mut side.inside.all[at];
        let What::Write(write) = &passing.what else {
            return;
        };
        let (write, clock) = (write.clone(), passing.clock);
        let stages = side.homes.stages(&write);
        let mut due = Vec::new();
        while let Some(stage) = stages.get(passing.n_made as usize) {
            // The parser comes first.
            let offset = side.steps.get(*stage as usize + 1).copied();
            if clock.saturating_add(offset.unwrap_or_default()) >= end {
                break;
            }
            due.push((*stage, passing.n_made as usize));
            passing.n_made += 1;
        }
        for (stage, part) in due {
            let (is_first, is_last) = (part == 0, part + 1 == stages.len());
            let result = match write.table() {
                Some(_) if !(is_first && is_last) => {
                    self.write_part(&write, stage, is_first, is_last)
                }
                Some(_) | None => write.apply(&mut self.device.chassis.state),
            };
            if let Err(error) = result
                && is_last
            {
                self.refused.push((clock, error));
            }
        }
    }

    /// A write comes to one of several parts of its table. The state holds what the last part holds.
    fn write_part(
        &mut self,
        write: &ControlWrite,
        stage: u32,
        is_first: bool,
        is_last: bool,
    ) -> Result<(), StateError> {
        let Some(table) = write.table() else {
            return Ok(());
        };
        let state = &mut self.device.chassis.state;
        let mut known = self.versions.iter();
        let known = known.position(|versions| versions.table == table);
        let at = match known {
            Some(at) => at,
            None => {
                let side = self.sides.iter().find(|side| side.gress == table.gress);
                let mut stages = side.map_or_else(Vec::new, |side| side.homes.stages(write));
                stages.pop();
                let entries = state.table(table)?.clone();
                let parts = stages.into_iter().map(|stage| (stage, entries.clone()));
                self.versions.push(Versions {
                    table,
                    parts: parts.collect(),
                    n_passing: 0,
                });
                self.versions.len() - 1
            }
        };
        let versions = &mut self.versions[at];
        versions.n_passing += u32::from(is_first);
        if is_last {
            versions.n_passing -= 1;
            if versions.n_passing == 0 {
                self.versions.swap_remove(at);
            }
            return write.apply(state);
        }
        let mut result = Ok(());
        for (_, entries) in versions.parts.iter_mut().filter(|(at, _)| *at == stage) {
            state.swap_entries(table, entries)?;
            result = write.apply(state);
            state.swap_entries(table, entries)?;
        }
        result
    }
}

/// Puts what tables hold at a step in the place of what they held before, or back.
fn swap_versions(
    versions: &mut [Versions],
    gress: GressId,
    step: u32,
    state: &mut p4rmt_engine::State,
) {
    let Some(stage) = step.checked_sub(1) else {
        return;
    };
    for versions in versions {
        if versions.table.gress != gress {
            continue;
        }
        for (_, entries) in versions.parts.iter_mut().filter(|(at, _)| *at == stage) {
            state
                .swap_entries(versions.table, entries)
                .expect("the table is there: its versions are copies");
        }
    }
}
