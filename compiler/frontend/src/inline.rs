//! Inlining: functions and controls; actions have [a file of their own](crate::action).
//!
//! Arguments are passed by copying in and out, as the language says, except where nobody can tell
//! the difference: then a parameter *is* its argument. Functions and controls see nothing but their
//! parameters, so it is enough that no two arguments overlap.

use std::rc::Rc;

use p4rmt_ir::{Block, Expr, LabelId, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ControlLocal, Direction, StatementKind};

use crate::args::{Arg, written_order};
use crate::error::ErrorKind;
use crate::expr::value_bases;
use crate::leaves::{has_leave, trim_tail};
use crate::lower::{Frame, Lower, MAX_DEPTH, Unit};
use crate::scope::{ActionObject, Binding, Instance, Object, ScopeId};
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
    /// Runs `inner` as the inlined body of a declaration; nothing if calls nest too deeply or the
    /// declaration calls itself.
    pub(crate) fn nested_call<R>(
        &mut self,
        name: &str,
        span: Span,
        inner: impl FnOnce(&mut Self) -> R,
    ) -> Option<R> {
        if self.inlining.iter().any(|outer| outer == name) {
            self.error(
                span,
                &ErrorKind::Recursive {
                    name: name.to_owned(),
                },
            );
            return None;
        }
        if self.inlining.len() >= MAX_DEPTH {
            self.error(span, &ErrorKind::TooDeep { limit: MAX_DEPTH });
            return None;
        }
        self.inlining.push(name.to_owned());
        let result = inner(self);
        self.inlining.pop();
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
                    let result = lower.expr_as(tail, &result);
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
            self.error(span, &ErrorKind::Return);
            value = Value::poison();
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
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        span: Span,
    ) -> Value {
        let prototype = &function.prototype;
        let name = &prototype.name.text;
        let global = self.global;
        let Some(types) = self.type_scope(name, &prototype.type_params, type_args, global, span)
        else {
            return Value::poison();
        };
        let Some(evaluated) = self.arguments(name, &prototype.params, args, types, span) else {
            return Value::poison();
        };
        let result = self.type_in(types, &prototype.result);
        let path = self.dotted(name);
        let lowered = self.nested_call(name, span, |lower| {
            lower.in_scope(types, |lower| {
                let outer_path = std::mem::replace(&mut lower.path, path);
                let order = written_order(&prototype.params, args);
                let copies =
                    lower.bind_params(&prototype.params, (&evaluated, &order), types, span);
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

    /// A scope in which type parameters stand for their arguments, or are open.
    pub(crate) fn type_scope(
        &mut self,
        callee: &str,
        params: &'a [ast::Name],
        args: &'a [ast::Type],
        parent: ScopeId,
        span: Span,
    ) -> Option<ScopeId> {
        if !args.is_empty() && args.len() != params.len() {
            self.error(
                span,
                &ErrorKind::TypeArgumentCount {
                    name: callee.to_owned(),
                    needed: params.len(),
                    available: args.len(),
                },
            );
            return None;
        }
        let given: Vec<Type> = args.iter().map(|arg| self.ty(arg)).collect();
        let scope = self.scopes.open(Some(parent));
        for (position, param) in params.iter().enumerate() {
            let ty = match given.get(position) {
                Some(Type::Var(_)) | None => Type::Var(param.text.as_str().into()),
                Some(ty) => ty.clone(),
            };
            self.scopes.bind(scope, &param.text, Binding::Type(ty));
        }
        Some(scope)
    }

    /// The same for an instance, whose type arguments are types already.
    pub(crate) fn instance_types(
        &mut self,
        callee: &str,
        params: &'a [ast::Name],
        given: &[Type],
        span: Span,
    ) -> Option<ScopeId> {
        let global = self.global;
        let scope = self.type_scope(callee, params, &[], global, span)?;
        for (param, ty) in params.iter().zip(given) {
            self.scopes
                .bind(scope, &param.text, Binding::Type(ty.clone()));
        }
        Some(scope)
    }

    /// Binds the parameters of a function or control to their arguments in the current scope, by
    /// reference where no two overlap. Returns what must be copied out in the end, in the order in which
    /// the arguments are written.
    pub(crate) fn bind_params(
        &mut self,
        params: &'a [ast::Parameter],
        (args, order): (&[Arg<'a>], &[usize]),
        types: ScopeId,
        span: Span,
    ) -> Vec<Copy> {
        let mut copies = Vec::new();
        let used: Vec<Vec<Base>> = args.iter().map(arg_bases).collect();
        for (position, (param, arg)) in params.iter().zip(args).enumerate() {
            // A value that overlaps is copied before the callee runs: then what it was read from may be
            // passed by reference, unless passing it writes to it at once.
            let is_out = param.direction == Direction::Out;
            let overlaps = used.iter().enumerate().any(|(other, bases)| {
                let is_place = matches!(args[other], Arg::Place(..));
                other != position
                    && (is_place || is_out && matches!(arg, Arg::Place(..)))
                    && bases.iter().any(|base| used[position].contains(base))
            });
            let binding = match arg {
                Arg::Object(binding) => binding.clone(),
                Arg::Omitted => {
                    let ty = self.type_in(types, &param.ty);
                    match self.variable(&param.name.text, &ty, param.span) {
                        Some(storage) => Binding::Place {
                            ty,
                            storage,
                            is_writable: true,
                        },
                        None => Binding::Poison,
                    }
                }
                Arg::Value(value) => match &value.data {
                    Data::Place(storage) if !overlaps && !self.copies_all => Binding::Place {
                        ty: value.ty.clone(),
                        storage: storage.clone(),
                        is_writable: false,
                    },
                    _ if crate::coerce::is_constant(value)
                        && (!self.copies_all || param.direction == Direction::None) =>
                    {
                        Binding::Value(value.clone())
                    }
                    // Computing it where it is read is no dearer than a variable.
                    Data::Expr(expr) if !overlaps && !self.copies_all && is_small(expr) => {
                        Binding::Value(value.clone())
                    }
                    _ => match self.variable(&param.name.text, &value.ty, param.span) {
                        Some(storage) => {
                            self.assign_storage(&storage, value, span);
                            Binding::Place {
                                ty: value.ty.clone(),
                                storage,
                                is_writable: false,
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
                        self.variable(&param.name.text, ty, param.span)
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
                                is_writable: true,
                            }
                        }
                        None => Binding::Poison,
                    }
                }
            };
            self.bind(&param.name, binding);
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
        args: &'a [ast::Argument],
        span: Span,
    ) {
        if !matches!(self.unit, Unit::Control | Unit::Deparser) {
            self.misplaced("`apply` of a control", span);
            return;
        }
        let head = &instance.decl.head;
        let name = &head.name.text;
        let Some(types) = self.instance_types(name, &head.type_params, &instance.types, span)
        else {
            return;
        };
        let Some(evaluated) = self.arguments(name, &head.params, args, types, span) else {
            return;
        };
        self.nested_call(name, span, |lower| {
            let block = lower.block_of(|lower| {
                let order = written_order(&head.params, args);
                lower.control_body(instance, (&evaluated, &order), types, span);
            });
            lower.block().extend(block);
        });
    }

    /// The declarations of an instance, once, and what its `apply` does.
    pub(crate) fn control_body(
        &mut self,
        instance: &Rc<Instance<'a, ast::Control>>,
        (args, order): (&[Arg<'a>], &[usize]),
        types: ScopeId,
        span: Span,
    ) {
        let decl = instance.decl;
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
                    self.pass_again(&decl.head.params, (args, order), applied.params, span)
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
                for (name, binding) in &instance.args {
                    self.scopes.bind(params, name, binding.clone());
                }
                let outer = std::mem::replace(&mut self.copies_all, copies_all);
                let copies = self.bind_params(&decl.head.params, (args, order), types, span);
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
        self.note_unused(decl);
        self.scope = outer_scope;
        self.path = outer_path;
    }

    /// Copies the arguments of a further `apply` to the parameters of the first. Returns what must be
    /// copied out in the end.
    fn pass_again(
        &mut self,
        params: &'a [ast::Parameter],
        (args, order): (&[Arg<'a>], &[usize]),
        scope: ScopeId,
        span: Span,
    ) -> Vec<Copy> {
        let mut copies = Vec::new();
        for (position, (param, arg)) in params.iter().zip(args).enumerate() {
            let Some(Binding::Place { ty, storage, .. }) =
                self.scopes.lookup_here(scope, &param.name.text).cloned()
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
        let Some(Binding::Place { ty, storage, .. }) = self
            .scopes
            .lookup_here(self.scope, &variable.name.text)
            .cloned()
        else {
            return;
        };
        match &variable.init {
            Some(init) => {
                let value = self.expr_as(init, &ty);
                self.assign_storage(&storage, &value, init.span);
            }
            None => self.invalidate(&storage, variable.span),
        }
    }

    /// A declaration of a control.
    pub(crate) fn control_local(&mut self, local: &'a ControlLocal) {
        match local {
            ControlLocal::Const(constant) => {
                let value = self.constant_declaration(constant);
                self.bind(&constant.name, Binding::Value(value));
            }
            ControlLocal::Variable(variable) => self.variable_declaration(variable),
            ControlLocal::Instantiation(instance) => {
                let binding = self.instance(instance);
                self.bind(&instance.name, binding);
            }
            ControlLocal::Action(action) => {
                self.check_param_order(&action.params);
                let path = self.control_plane_name(&action.annotations, &action.name.text);
                let object = ActionObject {
                    decl: action,
                    scope: self.scope,
                    path,
                };
                self.bind(&action.name, Binding::Object(Object::Action(object)));
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
        .and_then(|annotation| match &annotation.body {
            ast::AnnotationBody::Unstructured(text) => {
                Some(text.trim().trim_matches('"').to_owned())
            }
            ast::AnnotationBody::Expressions(exprs) => match exprs.first().map(|expr| &expr.kind) {
                Some(ast::ExprKind::String(text)) => Some(text.to_owned()),
                _ => None,
            },
            ast::AnnotationBody::Empty
            | ast::AnnotationBody::Fields(_)
            | ast::AnnotationBody::Pragma(_) => None,
        })
        .filter(|text| !text.is_empty());
    given.unwrap_or_else(|| name.to_owned())
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
