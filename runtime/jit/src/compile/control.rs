//! Control flow of the tables form, unplaced, and its actions: all at once.

use cranelift_codegen::ir::{Block, InstBuilder};
use p4rmt_engine::EngineError;
use p4rmt_ir::{Node, Outcome, ParallelAction, Place, Seq, Tables};
use p4rmt_source::Span;

use super::Compiler;
use super::number::Number;
use super::table::Share;

impl Compiler<'_> {
    /// A sequence of tables and gateways; returns whether its end can be reached.
    pub(super) fn seq(&mut self, body: &Tables, seq: &Seq) -> Result<bool, EngineError> {
        for node in seq {
            let join = self.b.create_block();
            match node {
                Node::Table { table, arms } => {
                    let blocks: Vec<Block> = arms.iter().map(|_| self.b.create_block()).collect();
                    let outcomes: Vec<Outcome> = arms.iter().map(|(on, _)| *on).collect();
                    let exit = self.exits.expect("a control has an end").exit;
                    let share = Share {
                        ranks: None,
                        elsewhere: None,
                    };
                    self.apply(*table, share, &mut |this, applied| {
                        let action = applied.action.map(|action| &body.actions[action]);
                        if let Some(action) = action {
                            this.run_parallel(action)?;
                            if action.exits {
                                this.jump(exit);
                                return Ok(());
                            }
                        }
                        this.choose_arm(&outcomes, applied, &blocks, join);
                        Ok(())
                    })?;
                    for ((_, seq), block) in arms.iter().zip(blocks) {
                        self.enter(block);
                        if self.seq(body, seq)? {
                            self.jump(join);
                        }
                    }
                }
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let cond = self.condition(&body.gateways[*gateway].cond);
                    let (then_block, else_block) = (self.b.create_block(), self.b.create_block());
                    self.b.ins().brif(cond, then_block, &[], else_block, &[]);
                    for (block, seq) in [(then_block, then), (else_block, otherwise)] {
                        self.enter(block);
                        if self.seq(body, seq)? {
                            self.jump(join);
                        }
                    }
                }
            }
            self.enter(join);
        }
        Ok(true)
    }

    /// An action on the fields as they are: calls in order, then all assignments. In a stage, what it
    /// writes shows behind the stage.
    pub(super) fn run_parallel(&mut self, action: &ParallelAction) -> Result<(), EngineError> {
        self.locals = self.new_locals(action.locals.values().map(|local| local.width));
        for (call, span) in &action.calls {
            self.run_call(call, *span)?;
        }
        let mut writes: Vec<(&Place, Number, Span)> = Vec::new();
        for assign in &action.assigns {
            let value = self.expr(&assign.value);
            match assign.dst {
                Place::Local(_) | Place::LocalSlice { .. } => {
                    self.write(&assign.dst, value, assign.span);
                }
                Place::Field(_) | Place::FieldSlice { .. } => {
                    writes.push((&assign.dst, value, assign.span));
                }
            }
        }
        for (place, value, span) in writes {
            self.write_later(place, value, span);
        }
        Ok(())
    }
}
