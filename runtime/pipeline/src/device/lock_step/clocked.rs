//! Clock by clock: at each clock the steps that packets enter then, whichever packet they belong to.

use p4rmt_engine::{StateError, Step, Trace};
use p4rmt_ir::GressId;

use super::line::{Item, Waiting};
use super::write::{ControlWrite, Versions};
use super::{Due, EGRESS, INGRESS, LockStep};
use crate::DeviceError;

impl LockStep {
    pub(super) fn run_clocked(&mut self, until: u64) -> Result<(), DeviceError> {
        loop {
            let next = self.agenda.keys().next().copied();
            let lines = self.sides.iter();
            let entries = lines.filter_map(|side| side.line.next_clock(side.done));
            let Some(clock) = next.into_iter().chain(entries).min() else {
                return Ok(());
            };
            if clock >= until {
                return Ok(());
            }
            for due in self.agenda.remove(&clock).unwrap_or_default() {
                self.carry_out(due)?;
            }
            for side in [INGRESS, EGRESS] {
                if self.sides[side].line.next_clock(self.sides[side].done) == Some(clock)
                    && let Some(waiting) = self.turn(side, clock)
                {
                    self.admit(side, waiting, clock)?;
                }
                self.sides[side].done = self.sides[side].done.max(clock + 1);
            }
        }
    }

    /// Something enters a gress: its steps are put on the agenda, and its first is made.
    fn admit(&mut self, side: usize, waiting: Waiting, clock: u64) -> Result<(), DeviceError> {
        let entry = match waiting.item {
            Item::Packet(entry) => entry,
            Item::Write(write) => {
                self.schedule_write(side, write, clock);
                return Ok(());
            }
        };
        let flight = self.enter(entry, waiting.n_passes, clock);
        let flights = &mut self.sides[side].flights;
        let slot = flights.iter().position(Option::is_none);
        let slot = slot.unwrap_or(flights.len());
        if slot == flights.len() {
            flights.push(None);
        }
        flights[slot] = Some(flight);
        let leaves = clock.saturating_add(self.sides[side].total);
        for (offset, step) in self.sides[side].steps.iter().skip(1) {
            let due = Due::Step {
                side,
                slot,
                step: *step,
            };
            let at = clock.saturating_add(*offset);
            self.agenda.entry(at).or_default().push(due);
        }
        let leave = Due::Leave { side, slot };
        self.agenda.entry(leaves).or_default().push(leave);
        self.step(side, slot, Step::Parser)
    }

    fn schedule_write(&mut self, side: usize, write: ControlWrite, clock: u64) {
        let side = &self.sides[side];
        let stages = side.homes.stages(&write);
        let n_parts = stages.len();
        for (part, stage) in stages.into_iter().enumerate() {
            let offset = side
                .steps
                .iter()
                .find(|(_, step)| *step == Step::Stage(stage))
                .map_or(0, |(offset, _)| *offset);
            let due = Due::Write {
                entered: clock,
                write: write.clone(),
                stage,
                is_first: part == 0,
                is_last: part + 1 == n_parts,
            };
            let at = clock.saturating_add(offset);
            self.agenda.entry(at).or_default().push(due);
        }
    }

    fn carry_out(&mut self, due: Due) -> Result<(), DeviceError> {
        match due {
            Due::Step { side, slot, step } => self.step(side, slot, step),
            Due::Leave { side, slot } => {
                if let Some(flight) = self.sides[side].flights[slot].take() {
                    self.leave(side, flight);
                }
                Ok(())
            }
            Due::Write {
                entered,
                write,
                stage,
                is_first,
                is_last,
            } => {
                let result = match write.table() {
                    Some(_) if !(is_first && is_last) => {
                        self.write_part(&write, stage, is_first, is_last)
                    }
                    Some(_) | None => write.apply(&mut self.device.chassis.state),
                };
                if let Err(error) = result
                    && is_last
                {
                    self.refused.push((entered, error));
                }
                Ok(())
            }
        }
    }

    /// A packet makes a step. A table that lies in several stages shows what it holds in this one.
    fn step(&mut self, side: usize, slot: usize, step: Step) -> Result<(), DeviceError> {
        let gress = self.sides[side].gress;
        let Some(flight) = &mut self.sides[side].flights[slot] else {
            return Ok(());
        };
        let chassis = &mut self.device.chassis;
        swap_versions(&mut self.versions, gress, step, &mut chassis.state);
        let job = flight.entry.job(&flight.head, flight.clock);
        let trace: Option<&mut dyn Trace> = match &chassis.trace {
            Some(_) => Some(&mut flight.events),
            None => None,
        };
        let outcome = &mut flight.outcome;
        let state = &mut chassis.state;
        let result = chassis
            .instance
            .step(gress, slot, step, &job, outcome, state, trace);
        swap_versions(&mut self.versions, gress, step, &mut chassis.state);
        Ok(result?)
    }

    /// A write comes to one of several parts of its table.
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
        let known = self
            .versions
            .iter()
            .position(|versions| versions.table == table);
        let at = match known {
            Some(at) => at,
            None => {
                let side = self.sides.iter().find(|side| side.gress == table.gress);
                let stages = side.map_or_else(Vec::new, |side| side.homes.stages(write));
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
        if is_first {
            versions.n_passing += 1;
        }
        let mut result = Ok(());
        for (_, entries) in versions.parts.iter_mut().filter(|(at, _)| *at == stage) {
            state.swap_entries(table, entries)?;
            result = write.apply(state);
            state.swap_entries(table, entries)?;
        }
        if is_last {
            versions.n_passing -= 1;
            if versions.n_passing == 0
                && let Some((_, mut newest)) = self.versions.swap_remove(at).parts.pop()
            {
                state.swap_entries(table, &mut newest)?;
            }
        }
        result
    }
}

/// Puts what tables hold in a stage in the place of what they held before, or back.
fn swap_versions(
    versions: &mut [Versions],
    gress: GressId,
    step: Step,
    state: &mut p4rmt_engine::State,
) {
    let Step::Stage(stage) = step else { return };
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
