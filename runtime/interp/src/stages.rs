//! Control flow, placed: stage by stage.
//!
//! A unit ([`Schedule`]) runs if its parent in the control flow led to it. All units of a stage read the
//! fields as they entered the stage; what they write lands between two stages.
//!
//! A table that lies in several stages is looked up in each: a part runs the action if the winning
//! entry is one of its own, and the last part runs the default action if none did.

use p4rmt_engine::{Event, OTHERWISE, Schedule, THEN, TablePart, UnitKind};
use p4rmt_ir::Tables;

use crate::control::first_arm;
use crate::packet::Packet;

/// The branch of a node that ran and leads nowhere.
const NOWHERE: usize = usize::MAX;

impl<'a> Packet<'a> {
    /// Runs all stages.
    pub(crate) fn run_stages(&mut self, body: &'a Tables, schedule: &'a Schedule) {
        self.enter_stages(schedule);
        for stage in 0..schedule.n_stages() {
            self.run_stage(body, schedule, stage);
        }
    }

    /// Before the first stage: no node has led anywhere.
    pub(crate) fn enter_stages(&mut self, schedule: &Schedule) {
        self.work.taken.clear();
        self.work.taken.resize(schedule.n_nodes(), None);
    }

    /// Runs one stage. What its units write lands when all of them have read.
    pub(crate) fn run_stage(&mut self, body: &'a Tables, schedule: &'a Schedule, stage: u32) {
        let units = schedule.units(stage);
        if units.is_empty() {
            return;
        }
        self.tell(|| Event::Stage { stage });
        for unit in units {
            let is_led_to = unit
                .parent
                .is_none_or(|(parent, branch)| self.work.taken[parent] == Some(branch));
            if !is_led_to || unit.node > self.work.last_node || self.work.taken[unit.node].is_some()
            {
                continue;
            }
            match &unit.kind {
                UnitKind::Gateway(gateway) => {
                    let holds = self.holds(&body.gateways[*gateway].cond);
                    self.work.taken[unit.node] = Some(if holds { THEN } else { OTHERWISE });
                    self.tell(|| Event::Gateway {
                        gateway: *gateway,
                        holds,
                    });
                }
                UnitKind::Table(part) => {
                    if self.run_part(body, unit.node, part) {
                        self.work.last_node = self.work.last_node.min(unit.node);
                    }
                }
            }
        }
        self.land();
    }

    /// Runs a part of a table; returns whether its action ends the control.
    fn run_part(&mut self, body: &'a Tables, node: usize, part: &TablePart) -> bool {
        let hit = self.look_up(part.table).filter(|slot| {
            let rank = self.work.tables[part.table].rank_of(*slot) as u64;
            (part.first_rank..part.end_rank).contains(&rank)
        });
        if hit.is_none() && !part.is_last {
            return false;
        }
        let applied = self.select(part.table, hit);
        let action = applied.action.map(|id| &body.actions[id]);
        if let Some(action) = action {
            self.run_parallel(action);
        }
        let branch = first_arm(part.arms.iter().copied(), applied);
        self.work.taken[node] = Some(branch.unwrap_or(NOWHERE));
        action.is_some_and(|action| action.exits)
    }
}
