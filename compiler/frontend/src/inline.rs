//! Inlining: functions and controls; actions have [a file of their own](crate::action).
//!
//! Arguments are passed by copying in and out, as the language says, except where nobody can tell
//! the difference: then a parameter *is* its argument. Functions and controls see nothing but their
//! parameters, so it is enough that no two arguments overlap.

use std::rc::Rc;

use p4rmt_ir::{Block, Expr, LabelId, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ControlLocal, Direction, StatementKind};
use p4rmt_typing::{Call, Param};

use crate::args::{Arg, written_order};
use crate::error::ErrorKind;
use crate::expr::value_bases;
use crate::leaves::{has_leave, trim_tail};
use crate::lower::{Frame, Lower, MAX_DEPTH};
use crate::scope::{Binding, Instance, Object, ScopeId};
use crate::storage::{Base, Storage};
use crate::table::TableObject;
use crate::types::Type;
use crate::value::{Data, Value};

/// What is copied back in the end: the argument, its type, and the parameter.
pub(crate) type Copy = (Storage, Type, Storage);

/// An instance of a control that has been applied: a second `apply` shares its tables.
#[derive(Clone, Debug)]
pub(crate) struct Applied {
    /// The scope of its parameters.
    pub(crate) params: ScopeId,
    /// The scope of its declarations.
    pub(crate) scope: ScopeId,
    /// What its parameters stood for.
    pub(crate) args: Vec<Option<Storage>>,
}

impl<'a> Lower<'a> {
    /// Runs `inner` as the inlined body of a declaration; nothing if calls nest too deeply.
    pub(crate) fn nested_call<R>(
        &mut self,
        span: Span,
        inner: impl FnOnce(&mut Self) -> R,
    ) -> Option<R> {
        if self.n_inlined >= MAX_DEPTH {
            self.error(span, ErrorKind::TooDeep { limit: MAX_DEPTH });
            return None;
        }
        self.n_inlined += 1;
        let result = inner(self);
        self.n_inlined -= 1;
        Some(result)
    }

    /// Lowers a body that can `return`, and labels it if it does so early. The value is what a
    /// function returns.
    pub(crate) fn returning(
        &mut self,
        result: Type,
        body: &'a ast::Block,
        span: Span,
    ) -> (Block, Value) {
        let loops = std::mem::take(&mut self.loops);
        self.frames.push(Frame {
            result: result.clone(),
            storage: None,
            label: None,
        });
        let mut value = Value::void();
        let (body_statements, tail) = match body.statements.split_last() {
            Some((
                ast::Statement {
                    kind: StatementKind::Return(Some(tail)),
                    ..
                },
                others,
            )) if result != Type::Void => (others, Some(tail)),
            _ => (&body.statements[..], None),
        };
        let block = self.block_of(|lower| {
            lower.in_scope(lower.scope, |lower| {
                lower.statements(body_statements);
                if let Some(tail) = tail {
                    let is_early = lower
                        .frames
                        .last()
                        .is_some_and(|frame| frame.storage.is_some());
                    let result = lower.expr(tail);
                    if is_early {
                        lower.store_result(&result, tail.span);
                    } else {
                        value = result;
                    }
                }
            });
        });
        self.loops = loops;
        let frame = self.frames.pop().expect("it was pushed above");
        if let Some(storage) = frame.storage {
            value = Value::place(result, storage);
        } else if tail.is_none() && result != Type::Void {
            // Lowering was cut short before a `return`.
            value = self.default_value(&result).unwrap_or_else(Value::poison);
        }
        match frame.label {
            Some(label) => {
                let block = self.block_of(|lower| lower.emit_labeled(label, block, span));
                (block, value)
            }
            None => (block, value),
        }
    }

    /// Adds a block that a label ends, without the label if nothing leaves it early.
    pub(crate) fn emit_labeled(&mut self, label: LabelId, mut body: Block, span: Span) {
        trim_tail(&mut body, label);
        if has_leave(&body, label) {
            self.emit(span, StmtKind::Labeled { label, body });
        } else {
            self.block().extend(body);
        }
    }

    /// Calls a function.
    pub(crate) fn call_function(
        &mut self,
        function: &'a ast::Function,
        call: &'a Call<'a>,
        span: Span,
    ) -> Value {
        let Some(head) = self.typed.signature(call.callee) else {
            return Value::poison();
        };
        let Some(evaluated) = self.arguments(call, span) else {
            return Value::poison();
        };
        let types = self.type_scope(&call.type_args, self.global, span);
        let result = self.concrete(call.result, span);
        let path = self.dotted(head.name);
        let lowered = self.nested_call(span, |lower| {
            lower.in_scope(types, |lower| {
                let outer_path = std::mem::replace(&mut lower.path, path);
                let order = written_order(call);
                let copies = lower.bind_params(&head.params, (&evaluated, &order), span);
                let (block, mut value) = lower.returning(result, &function.body, span);
                lower.block().extend(block);
                let mark = lower.block().len();
                lower.copy_out(&copies, span);
                lower.settle(&mut value, mark, span);
                lower.path = outer_path;
                value
            })
        });
        lowered.unwrap_or_else(Value::poison)
    }

    /// Binds the parameters of a function or control to their arguments in the current scope, by
    /// reference where no two overlap. Returns what must be copied out in the end, in the order in which
    /// the arguments are written.
    pub(crate) fn bind_params(
        &mut self,
        params: &[Param<'a>],
        (args, order): (&[Arg<'a>], &[usize]),
        span: Span,
    ) -> Vec<Copy> {
        let mut copies = Vec::new();
        let used: Vec<Vec<Base>> = args.iter().map(arg_bases).collect();
        for (position, (param, arg)) in params.iter().zip(args).enumerate() {
            // A value that overlaps is copied before the callee runs: then what it was read from may be
            // passed by reference, unless passing it writes to it at once, as it makes headers invalid.
            let is_reset = param.direction == Direction::Out && has_headers(arg);
            let overlaps = used.iter().enumerate().any(|(other, bases)| {
                let is_place = matches!(args[other], Arg::Place(..));
                other != position
                    && (is_place || is_reset)
                    && bases.iter().any(|base| used[position].contains(base))
            });
            let binding = match arg {
                Arg::Object(binding) => binding.clone(),
                Arg::Omitted => {
                    let ty = self.concrete(param.ty, param.span);
                    match self.variable(param.name, &ty, param.span) {
                        Some(storage) => Binding::Place { ty, storage },
                        None => Binding::Poison,
                    }
                }
                Arg::Value(value) => match &value.data {
                    Data::Place(storage) if !overlaps && !self.copies_all => Binding::Place {
                        ty: value.ty.clone(),
                        storage: storage.clone(),
                    },
                    _ if crate::convert::is_constant(value)
                        && (!self.copies_all || param.direction == Direction::None) =>
                    {
                        Binding::Value(value.clone())
                    }
                    // Computing it where it is read is no dearer than a variable.
                    Data::Expr(expr) if !overlaps && !self.copies_all && is_small(expr) => {
                        Binding::Value(value.clone())
                    }
                    _ => match self.variable(param.name, &value.ty, param.span) {
                        Some(storage) => {
                            self.assign_storage(&storage, value, span);
                            Binding::Place {
                                ty: value.ty.clone(),
                                storage,
                            }
                        }
                        None => Binding::Value(value.clone()),
                    },
                },
                Arg::Place(ty, storage) => {
                    let is_direct = !overlaps
                        && !self.copies_all
                        && !matches!(storage, Storage::Choice { .. })
                        && !self.gress.is_union_member(storage);
                    let bound = if is_direct {
                        Some(storage.clone())
                    } else {
                        self.variable(param.name, ty, param.span)
                    };
                    match bound {
                        Some(bound) => {
                            if param.direction == Direction::Out {
                                self.invalidate(&bound, span);
                            } else if !is_direct {
                                let value = Value::place(ty.clone(), storage.clone());
                                self.assign_storage(&bound, &value, span);
                            }
                            if !is_direct {
                                copies
                                    .push((position, (storage.clone(), ty.clone(), bound.clone())));
                            }
                            Binding::Place {
                                ty: ty.clone(),
                                storage: bound,
                            }
                        }
                        None => Binding::Poison,
                    }
                }
            };
            self.scopes.bind(self.scope, param.decl, binding);
        }
        in_order(copies, order)
    }

    /// Copies `out` and `inout` parameters back, in order.
    pub(crate) fn copy_out(&mut self, copies: &[Copy], span: Span) {
        for (target, ty, source) in copies {
            let value = Value::place(ty.clone(), source.clone());
            self.assign_storage(target, &value, span);
        }
    }

    /// Applies an instance of a control.
    pub(crate) fn apply_control(
        &mut self,
        instance: &Rc<Instance<'a, ast::Control>>,
        call: &'a Call<'a>,
        span: Span,
    ) {
        let Some(evaluated) = self.arguments(call, span) else {
            return;
        };
        let types = self.instance_scope(instance, call, span);
        self.nested_call(span, |lower| {
            let block = lower.block_of(|lower| {
                lower.control_body(instance, call, &evaluated, types, span);
            });
            lower.block().extend(block);
        });
    }

    /// A scope in which the type parameters of an instance stand for what its construction says of them,
    /// and this call of its `apply`.
    pub(crate) fn instance_scope<T>(
        &mut self,
        instance: &Instance<'a, T>,
        call: &'a Call<'a>,
        span: Span,
    ) -> ScopeId {
        let applied = self.concrete_args(&call.type_args, span);
        let types = instance.types.iter().cloned().chain(applied);
        self.scope_of(types, self.global)
    }

    /// The declarations of an instance, once, and what its `apply` does.
    pub(crate) fn control_body(
        &mut self,
        instance: &Rc<Instance<'a, ast::Control>>,
        call: &'a Call<'a>,
        args: &[Arg<'a>],
        types: ScopeId,
        span: Span,
    ) {
        let decl = instance.decl;
        let params_of = &instance.head.params;
        let order = written_order(call);
        let passed = (args, order.as_slice());
        let outer_path = std::mem::replace(&mut self.path, instance.path.clone());
        let outer_scope = self.scope;
        let places: Vec<Option<Storage>> = args
            .iter()
            .map(|arg| match arg {
                Arg::Place(_, storage) => Some(storage.clone()),
                Arg::Value(Value {
                    data: Data::Place(storage),
                    ..
                }) => Some(storage.clone()),
                _ => None,
            })
            .collect();
        let copies_all = self.by_copy.contains(&instance.path);
        let applied = self.applied.get(&instance.path).cloned();
        let copies = match applied {
            Some(applied) => {
                let is_same = applied.args == places
                    && args
                        .iter()
                        .zip(&places)
                        .all(|(arg, place)| place.is_some() || matches!(arg, Arg::Object(_)));
                if !copies_all && !is_same {
                    // Its tables know the arguments of the first `apply`: the next round copies.
                    self.by_copy.insert(instance.path.clone());
                    self.must_restart = true;
                    self.path = outer_path;
                    return;
                }
                let copies = if copies_all {
                    self.pass_again(params_of, passed, applied.params, span)
                } else {
                    Vec::new()
                };
                self.scope = applied.scope;
                for local in &decl.locals {
                    if let ControlLocal::Variable(variable) = local {
                        self.initialize_again(variable);
                    }
                }
                copies
            }
            None => {
                self.scope = self.scopes.open(Some(types));
                let params = self.scope;
                for (param, binding) in &instance.args {
                    self.scopes.bind(params, *param, binding.clone());
                }
                let outer = std::mem::replace(&mut self.copies_all, copies_all);
                let copies = self.bind_params(params_of, passed, span);
                self.copies_all = outer;
                self.scope = self.scopes.open(Some(params));
                self.applied.insert(
                    instance.path.clone(),
                    Applied {
                        params,
                        scope: self.scope,
                        args: places,
                    },
                );
                for local in &decl.locals {
                    self.control_local(local);
                }
                copies
            }
        };
        let (block, _) = self.returning(Type::Void, &decl.apply, span);
        let block = self.copied_out(block, &copies, span);
        self.block().extend(block);
        self.scope = outer_scope;
        self.path = outer_path;
    }

    /// Copies the arguments of a further `apply` to the parameters of the first. Returns what must be
    /// copied out in the end.
    fn pass_again(
        &mut self,
        params: &[Param<'a>],
        (args, order): (&[Arg<'a>], &[usize]),
        scope: ScopeId,
        span: Span,
    ) -> Vec<Copy> {
        let mut copies = Vec::new();
        for (position, (param, arg)) in params.iter().zip(args).enumerate() {
            let Some(Binding::Place { ty, storage }) =
                self.scopes.lookup_here(scope, param.decl).cloned()
            else {
                continue;
            };
            match arg {
                Arg::Value(value) => self.assign_storage(&storage, value, span),
                Arg::Place(_, place) => {
                    if param.direction == Direction::Out {
                        self.invalidate(&storage, span);
                    } else {
                        let value = Value::place(ty.clone(), place.clone());
                        self.assign_storage(&storage, &value, span);
                    }
                    copies.push((position, (place.clone(), ty, storage)));
                }
                Arg::Omitted => self.invalidate(&storage, span),
                Arg::Object(_) => {}
            }
        }
        in_order(copies, order)
    }

    /// A variable of a control that is applied again starts anew.
    fn initialize_again(&mut self, variable: &'a ast::Variable) {
        let bound = self.typed.declared(&variable.name);
        let bound = bound.and_then(|decl| self.scopes.lookup_here(self.scope, decl));
        let Some(Binding::Place { storage, .. }) = bound.cloned() else {
            return;
        };
        match &variable.init {
            Some(init) => {
                let value = self.expr(init);
                self.assign_storage(&storage, &value, init.span);
            }
            None => self.invalidate(&storage, variable.span),
        }
    }

    /// A declaration of a control.
    pub(crate) fn control_local(&mut self, local: &'a ControlLocal) {
        match local {
            // Typing knows its value.
            ControlLocal::Const(_) => {}
            ControlLocal::Variable(variable) => self.variable_declaration(variable),
            ControlLocal::Instantiation(instance) => {
                let binding = self.instance(instance);
                self.bind(&instance.name, binding);
            }
            ControlLocal::Action(action) => {
                let path = self.control_plane_name(&action.annotations, &action.name.text);
                let id = self.typed.declared(&action.name);
                let object = id.and_then(|id| self.action_object(id, action, path));
                if let Some(object) = object {
                    self.bind(&action.name, Binding::Object(Object::Action(object)));
                }
            }
            ControlLocal::Table(table) => {
                let path = self.control_plane_name(&table.annotations, &table.name.text);
                let object = TableObject {
                    decl: table,
                    scope: self.scope,
                    path,
                    parent: self.path.clone(),
                };
                self.bind(&table.name, Binding::Object(Object::Table(Rc::new(object))));
            }
        }
    }
}

/// Whether an argument is a place that has headers in it.
fn has_headers(arg: &Arg<'_>) -> bool {
    let mut found = false;
    if let Arg::Place(_, storage) = arg {
        storage.visit_headers(&mut |_, _| found = true);
    }
    found
}

/// Copies of parameters in the order in which their arguments are written, or in that of the
/// parameters where that is not known.
pub(crate) fn in_order(mut copies: Vec<(usize, Copy)>, order: &[usize]) -> Vec<Copy> {
    copies.sort_by_key(|(position, _)| order.get(*position).copied().unwrap_or(*position));
    copies.into_iter().map(|(_, copy)| copy).collect()
}

/// The name that `@name` gives, or the declared one.
pub(crate) fn named(annotations: &[ast::Annotation], name: &str) -> String {
    let given = annotations
        .iter()
        .find(|annotation| annotation.name.text == "name")
        .and_then(p4rmt_typing::string_of)
        .filter(|text| !text.is_empty());
    given.unwrap_or(name).to_owned()
}

/// What an argument reads or writes.
pub(crate) fn arg_bases(arg: &Arg<'_>) -> Vec<Base> {
    match arg {
        Arg::Value(value) => value_bases(value),
        Arg::Place(_, storage) => storage.bases(),
        Arg::Object(_) | Arg::Omitted => Vec::new(),
    }
}

/// Whether an expression is at most one operator on plain operands.
fn is_small(expr: &Expr) -> bool {
    let mut n_parts = 0;
    expr.walk(&mut |_| n_parts += 1);
    n_parts <= 3
}
