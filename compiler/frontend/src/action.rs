//! Actions that are called directly: their bodies with arguments in the place of parameters.
//!
//! Actions see the variables of their control, so their body is lowered with variables of its own for
//! the parameters, and these are replaced where the body does not touch the argument by another way.

use std::collections::HashMap;

use p4rmt_ir::{Block, Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_typing::Call;

use crate::args::{Arg, written_order};
use crate::inline::{Copy, arg_bases, in_order};
use crate::lower::{Lower, Unit};
use crate::rewrite::{self, Accesses, Replacement};
use crate::scope::{ActionObject, Binding};
use crate::storage::{Base, Slot, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// Calls an action directly: its statements, labelled as belonging together.
    pub(crate) fn call_action(
        &mut self,
        action: &ActionObject<'a>,
        call: &'a Call<'a>,
        span: Span,
    ) {
        let Some(evaluated) = self.arguments(call, span) else {
            return;
        };
        let order = written_order(call);
        let Some(body) = self.inline_action(action, (&evaluated, &order), span) else {
            return;
        };
        if body.is_empty() {
            return;
        }
        let label = self.gress.label();
        self.gress.inlined.insert(label, action.path.clone());
        self.emit(span, StmtKind::Labeled { label, body });
    }

    /// The statements of an action on these arguments.
    pub(crate) fn inline_action(
        &mut self,
        action: &ActionObject<'a>,
        (args, order): (&[Arg<'a>], &[usize]),
        span: Span,
    ) -> Option<Block> {
        let path = action.path.clone();
        self.nested_call(span, |lower| {
            let outer_unit = std::mem::replace(&mut lower.unit, Unit::Action);
            let outer_path = std::mem::replace(&mut lower.path, path);
            let block = lower.in_scope(action.scope, |lower| {
                let params = lower.action_params(action, args);
                let (mut body, _) = lower.returning(Type::Void, &action.decl.body, span);
                lower.pass_args(&mut body, &params, (args, order), span)
            });
            lower.path = outer_path;
            lower.unit = outer_unit;
            block
        })
    }

    /// Binds the parameters of an action to variables of their own, or to constants.
    pub(crate) fn action_params(
        &mut self,
        action: &ActionObject<'a>,
        args: &[Arg<'a>],
    ) -> Vec<Option<Storage>> {
        let mut params = Vec::new();
        for (param, arg) in action.head.params.iter().zip(args) {
            let (binding, storage) = match arg {
                Arg::Value(value) if crate::convert::is_constant(value) || is_param(value) => {
                    (Binding::Value(value.clone()), None)
                }
                Arg::Value(Value { ty, .. }) | Arg::Place(ty, _) => {
                    match self.variable(param.name, ty, param.span) {
                        Some(storage) => (
                            Binding::Place {
                                ty: ty.clone(),
                                storage: storage.clone(),
                            },
                            Some(storage),
                        ),
                        None => (Binding::Poison, None),
                    }
                }
                Arg::Omitted => {
                    let ty = self.concrete(param.ty, param.span);
                    match self.variable(param.name, &ty, param.span) {
                        Some(storage) => (Binding::Place { ty, storage }, None),
                        None => (Binding::Poison, None),
                    }
                }
                Arg::Object(binding) => (binding.clone(), None),
            };
            self.scopes.bind(self.scope, param.decl, binding);
            params.push(storage);
        }
        params
    }

    /// The body with its parameters replaced by their arguments where nobody can tell, and with
    /// copies around it where somebody could.
    pub(crate) fn pass_args(
        &mut self,
        body: &mut Block,
        params: &[Option<Storage>],
        (args, order): (&[Arg<'a>], &[usize]),
        span: Span,
    ) -> Block {
        let accesses = Accesses::of(body);
        let used: Vec<Vec<Base>> = args.iter().map(arg_bases).collect();
        let mut replacements = HashMap::new();
        let mut before: Vec<(Storage, Value)> = Vec::new();
        let mut after: Vec<(usize, Copy)> = Vec::new();
        for (position, (param, arg)) in params.iter().zip(args).enumerate() {
            let Some(param) = param else { continue };
            let overlaps = used.iter().enumerate().any(|(other, bases)| {
                other != position
                    && (matches!(arg, Arg::Place(..)) || matches!(args[other], Arg::Place(..)))
                    && bases.iter().any(|base| used[position].contains(base))
            });
            let is_private = |base: &Base, is_written: bool| match base {
                Base::Field(field) if is_written => !accesses.touches(*field),
                Base::Field(field) => !accesses.may_write(*field),
                Base::Local(_) => true,
            };
            match arg {
                Arg::Value(value) => {
                    let is_free = !overlaps
                        && used[position].iter().all(|base| is_private(base, false))
                        && is_plain(value);
                    match self.leaf_values(param, value).filter(|_| is_free) {
                        Some(leaves) => {
                            for (slot, read) in leaves {
                                insert(&mut replacements, slot, read, None);
                            }
                        }
                        None => before.push((param.clone(), value.clone())),
                    }
                }
                Arg::Place(ty, storage) => {
                    let is_free = !overlaps
                        && !matches!(storage, Storage::Choice { .. })
                        && !self.gress.is_union_member(storage)
                        && used[position].iter().all(|base| is_private(base, true));
                    let mut from = Vec::new();
                    param.visit_leaves(&mut |slot| from.push(slot));
                    let mut to = Vec::new();
                    storage.visit_leaves(&mut |slot| to.push(slot));
                    if is_free && from.len() == to.len() {
                        for (slot, target) in from.into_iter().zip(to) {
                            insert(&mut replacements, slot, target.read(), Some(target));
                        }
                    } else {
                        before.push((param.clone(), Value::place(ty.clone(), storage.clone())));
                        after.push((position, (storage.clone(), ty.clone(), param.clone())));
                    }
                }
                Arg::Object(_) | Arg::Omitted => {}
            }
        }
        rewrite::replace(body, &replacements);
        let body = std::mem::take(body);
        self.block_of(|lower| {
            for (param, value) in before {
                lower.assign_storage(&param, &value, span);
            }
            let after = in_order(after, order);
            let body = lower.copied_out(body, &after, span);
            lower.block().extend(body);
        })
    }

    /// Each scalar of a parameter with the scalar of its argument.
    pub(crate) fn leaf_values(
        &mut self,
        param: &Storage,
        value: &Value,
    ) -> Option<Vec<(Slot, Expr)>> {
        match (param, &value.data) {
            (Storage::Leaf(slot), _) => Some(vec![(*slot, self.read(value, Span::NONE)?)]),
            (param, Data::Place(storage)) => {
                let mut from = Vec::new();
                param.visit_leaves(&mut |slot| from.push(slot));
                let mut to = Vec::new();
                storage.visit_leaves(&mut |slot| to.push(slot));
                (from.len() == to.len()).then(|| {
                    from.into_iter()
                        .zip(to.into_iter().map(Slot::read))
                        .collect()
                })
            }
            _ => None,
        }
    }
}

/// Whether a value can be read again and again at no cost: a variable or a slice of one.
fn is_plain(value: &Value) -> bool {
    match &value.data {
        Data::Place(storage) => !matches!(storage, Storage::Choice { .. }),
        Data::Expr(expr) => match expr {
            Expr::Const(_) | Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. } => true,
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => {
                matches!(
                    **arg,
                    Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. }
                )
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a value is action data.
fn is_param(value: &Value) -> bool {
    matches!(&value.data, Data::Expr(Expr::Param { .. }))
}

/// Adds a replacement for a variable.
fn insert(
    replacements: &mut HashMap<p4rmt_ir::FieldId, Replacement>,
    slot: Slot,
    read: Expr,
    write: Option<Slot>,
) {
    if let Base::Field(field) = slot.base {
        replacements.insert(field, Replacement { read, write });
    }
}
