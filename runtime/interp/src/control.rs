//! Control flow, unplaced: controls of the structured form, and tables and gateways in the order of
//! the tables form, each seeing what those before it wrote.

use p4rmt_engine::Event;
use p4rmt_ir::{Body, ControlRole, Node, Outcome, Seq, Structured, TableId, Tables};

use crate::packet::Packet;
use crate::statement::Flow;
use crate::table::Applied;

impl<'a> Packet<'a> {
    /// Runs the match-action part.
    pub(crate) fn run_body(&mut self) {
        let gress = self.gress;
        match (&gress.body, &self.loaded.schedule) {
            (Body::Structured(body), _) => self.run_controls(body),
            (Body::Tables(body), Some(schedule)) => self.run_stages(body, schedule),
            (Body::Tables(body), None) => {
                self.run_seq(body, &body.seq);
            }
        }
    }

    /// Each control runs, however the one before it ended.
    fn run_controls(&mut self, body: &'a Structured) {
        for control in &body.controls {
            if self.run_block(&control.body) == Flow::Stop {
                return;
            }
        }
    }

    /// Runs one control of a whole gress; returns whether the packet goes on.
    pub(crate) fn run_control(&mut self, role: ControlRole) -> bool {
        let gress = self.gress;
        let body = gress.as_structured();
        self.tell(|| Event::Control { role });
        match body.and_then(|body| body.control(role)) {
            Some(control) => self.run_block(&control.body) != Flow::Stop,
            None => true,
        }
    }

    /// Applies a table of the structured form.
    pub(crate) fn apply_structured(&mut self, table: TableId) -> (Applied, Flow) {
        let hit = self.look_up(table);
        let applied = self.select(table, hit);
        let gress = self.gress;
        let flow = match &gress.body {
            Body::Structured(body) => match applied.action {
                Some(action) => self.run_block(&body.actions[action].body),
                None => Flow::Next,
            },
            Body::Tables(_) => Flow::Next,
        };
        (applied, flow)
    }

    /// Runs a sequence of the tables form.
    fn run_seq(&mut self, body: &'a Tables, seq: &'a Seq) -> Flow {
        for node in seq {
            let flow = match node {
                Node::Table { table, arms } => {
                    let hit = self.look_up(*table);
                    let applied = self.select(*table, hit);
                    let action = applied.action.map(|id| (id, &body.actions[id]));
                    if let Some((id, action)) = action {
                        self.run_parallel_and_land(id, action);
                    }
                    match first_arm(arms.iter().map(|(on, _)| *on), applied) {
                        _ if action.is_some_and(|(_, action)| action.exits) => Flow::Exit,
                        Some(position) => self.run_seq(body, &arms[position].1),
                        None => Flow::Next,
                    }
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let holds = self.holds(&body.gateways[*gateway].cond);
                    self.tell(|| Event::Gateway {
                        gateway: *gateway,
                        holds,
                    });
                    self.run_seq(body, if holds { then } else { otherwise })
                }
            };
            if flow != Flow::Next {
                return flow;
            }
        }
        Flow::Next
    }
}

/// The position of the first arm that fits.
pub(crate) fn first_arm(
    mut arms: impl Iterator<Item = Outcome>,
    applied: Applied,
) -> Option<usize> {
    arms.position(|on| match on {
        Outcome::Hit => applied.is_hit,
        Outcome::Miss => !applied.is_hit,
        Outcome::Action(action) => Some(action) == applied.action,
        Outcome::Otherwise => true,
    })
}
