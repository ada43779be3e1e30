//! Actions of the structured form as parallel actions.
//!
//! 1. `exit` at the end becomes a property of the action.
//! 2. Jumps become structure.
//! 3. The statements run symbolically, in order; where an `if` ends, a field that either branch wrote
//!    holds a [`Mux`](p4rmt_ir::Expr::Mux) of both values. Calls of units with memory may not stand
//!    under a condition, since an action runs all of its calls; a hash may, since it does nothing but
//!    give a value.

use p4rmt_ir::{
    Action, Arena, Block, Call, CallKind, Expr, Field, FieldId, Gress, LabelId, ParallelAction,
    Stmt, StmtKind,
};
use p4rmt_source::Span;

use crate::error::MidendError;
use crate::jumps::without_jumps;
use crate::step::{Step, Unfit, Units};
use crate::symbolic::{MAX_SIZE, TooLarge, Values};

/// Makes a parallel action of an action. New local fields may be added to `fields`; `gress` is asked
/// for everything else.
pub(crate) fn parallel_action(
    action: Action,
    gress: &Gress,
    fields: &mut Arena<FieldId, Field>,
    errors: &mut Vec<MidendError>,
) -> ParallelAction {
    let Action {
        name,
        params,
        body,
        span,
    } = action;
    let (body, exits) = without_last_exit(body);
    if let Some(span) = find_exit(&body) {
        let action = name.clone();
        errors.push(MidendError::ConditionalExit { action, span });
    }
    let body = without_jumps(body, true, fields, errors);
    let mut run = Run {
        name: &name,
        gress,
        units: Units {
            fields,
            register_actions: &gress.register_actions,
            hashes: &gress.hashes,
        },
        step: Step::default(),
        errors,
        is_too_large: false,
    };
    run.block(&body, false);
    let step = run.step;
    step.into_action(name, params, exits, span, fields)
}

struct Run<'a> {
    name: &'a str,
    gress: &'a Gress,
    units: Units<'a>,
    step: Step,
    errors: &'a mut Vec<MidendError>,
    /// Whether it has been said that a value is too large.
    is_too_large: bool,
}

impl Run<'_> {
    fn block(&mut self, block: &[Stmt], is_conditional: bool) {
        for stmt in block {
            self.stmt(stmt, is_conditional);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, is_conditional: bool) {
        let span = stmt.span;
        match &stmt.kind {
            StmtKind::Assign { dst, value } => {
                if let Err(unfit) = self.step.assign(dst, value, span, self.units) {
                    self.refuse(unfit, None, span);
                }
            }
            StmtKind::Call(call) => self.call(call, is_conditional, span),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => self.branch(cond, then, otherwise, is_conditional, span),
            StmtKind::Labeled { body, .. } => self.block(body, is_conditional),
            // Refused when jumps were removed.
            StmtKind::Loop { .. } | StmtKind::Leave(_) | StmtKind::Exit => {}
            // The validator keeps these out of actions.
            StmtKind::Apply { .. }
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }

    fn branch(
        &mut self,
        cond: &Expr,
        then: &[Stmt],
        otherwise: &[Stmt],
        is_conditional: bool,
        span: Span,
    ) {
        let fields = self.units.fields;
        let cond = match self.step.values.over_entry(cond.clone(), fields) {
            Ok(cond) => cond,
            Err(TooLarge) => return self.refuse(Unfit::TooLarge, None, span),
        };
        if let Expr::Const(bits) = &cond {
            let taken = if bits.is_true() { then } else { otherwise };
            return self.block(taken, is_conditional);
        }
        let before = self.step.values.clone();
        self.block(then, true);
        let after_then = std::mem::replace(&mut self.step.values, before);
        self.block(otherwise, true);
        self.step.values = Values::merged(&cond, &after_then, &self.step.values, fields);
        if self.step.values.is_too_large() {
            self.refuse(Unfit::TooLarge, None, span);
        }
    }

    fn call(&mut self, call: &Call, is_conditional: bool, span: Span) {
        if is_conditional && !matches!(call.kind, CallKind::Hash { .. }) {
            self.errors.push(MidendError::ConditionalCall {
                action: self.name.to_owned(),
                callee: callee(&call.kind, self.gress),
                span,
            });
            return;
        }
        if let Err(unfit) = self.step.call(call, span, self.units) {
            self.refuse(unfit, Some(call), span);
        }
    }

    fn refuse(&mut self, unfit: Unfit, call: Option<&Call>, span: Span) {
        self.errors.push(match unfit {
            Unfit::TooLarge | Unfit::NotAtOnce => {
                // What follows is as large only because of it.
                self.step.values = Values::default();
                if std::mem::replace(&mut self.is_too_large, true) {
                    return;
                }
                let limit = MAX_SIZE;
                MidendError::ValueTooLarge { limit, span }
            }
            Unfit::ReadsWritten(field) => MidendError::ReadsWritten {
                action: self.name.to_owned(),
                callee: call.map_or_else(String::new, |call| callee(&call.kind, self.gress)),
                field: self.units.fields[field].name.clone(),
                span,
            },
        });
    }
}

/// What a call calls, for people.
fn callee(kind: &CallKind, gress: &Gress) -> String {
    let name = match kind {
        CallKind::RegisterAction { action, .. } => &gress.register_actions[*action].name,
        CallKind::RegisterRead { register, .. } | CallKind::RegisterWrite { register, .. } => {
            &gress.registers[*register].name
        }
        CallKind::Count { counter, .. } => &gress.counters[*counter].name,
        CallKind::Meter { meter, .. } | CallKind::Filter { meter, .. } => {
            &gress.meters[*meter].name
        }
        CallKind::Hash { hash, .. } => &gress.hashes[*hash].name,
        CallKind::Random { random } => &gress.randoms[*random].name,
        CallKind::Checksum { unit, .. } => &gress.checksums[*unit].name,
        CallKind::Digest { digest, .. } => &gress.digests[*digest].name,
        CallKind::Mirror { .. } => return "a mirror".to_owned(),
        CallKind::Resubmit { .. } => return "a resubmission".to_owned(),
        CallKind::Generate { .. } => return "the packet generator".to_owned(),
        CallKind::V1(call) => return call.name().to_owned(),
    };
    format!("`{name}`")
}

/// The body up to an `exit` that always runs, and whether there was one.
fn without_last_exit(body: Block) -> (Block, bool) {
    let mut kept = Vec::new();
    for stmt in body {
        match stmt.kind {
            StmtKind::Exit => return (kept, true),
            StmtKind::Labeled { label, body } if !leaves(&body, label) => {
                let (body, exits) = without_last_exit(body);
                kept.push(Stmt {
                    kind: StmtKind::Labeled { label, body },
                    span: stmt.span,
                });
                if exits {
                    return (kept, true);
                }
            }
            kind => kept.push(Stmt {
                kind,
                span: stmt.span,
            }),
        }
    }
    (kept, false)
}

fn leaves(body: &[Stmt], label: LabelId) -> bool {
    any_stmt(body, &mut |stmt| stmt.kind == StmtKind::Leave(label)).is_some()
}

fn find_exit(body: &[Stmt]) -> Option<Span> {
    any_stmt(body, &mut |stmt| stmt.kind == StmtKind::Exit)
}

/// The span of the first statement with the property, at any depth.
fn any_stmt(body: &[Stmt], has_it: &mut impl FnMut(&Stmt) -> bool) -> Option<Span> {
    body.iter().find_map(|stmt| {
        if has_it(stmt) {
            return Some(stmt.span);
        }
        match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => any_stmt(then, has_it).or_else(|| any_stmt(otherwise, has_it)),
            StmtKind::Apply { arms, .. } => arms.iter().find_map(|arm| any_stmt(&arm.body, has_it)),
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => any_stmt(body, has_it),
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => None,
        }
    })
}
