//! Calls: what is called, and where it leads.

use p4rmt_ir::{Arm, BinaryOp, Outcome};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, DeclarationKind, Direction, ExprKind};

use crate::error::ErrorKind;
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Instance, Object};
use crate::storage::{Slot, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// The value of a call. `dest` is where a scalar result may be stored at once; the value is then
    /// that place.
    pub(crate) fn call(
        &mut self,
        callee: &'a ast::Expr,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        match &callee.kind {
            ExprKind::Path(path) => self.call_name(path, type_args, args, want, span),
            ExprKind::Member { base, name } => {
                self.call_member(base, name, type_args, args, want, dest, span)
            }
            ExprKind::TypeMember { .. } => {
                self.unsupported(
                    span,
                    "`apply` of a generic type",
                    "declare an instance, and apply that",
                );
                Value::poison()
            }
            _ => {
                self.error(
                    callee.span,
                    &ErrorKind::NotCallable {
                        name: "this".to_owned(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// `f(a)`.
    fn call_name(
        &mut self,
        path: &'a ast::Path,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        span: Span,
    ) -> Value {
        let mut binding = self.lookup(path);
        if let Binding::Object(Object::Action(action)) = &binding
            && self.inlining.contains(&action.path)
            && self
                .scopes
                .lookup_here(self.global, &path.name.text)
                .is_some()
        {
            // Its own name is not known yet within its body: it means what it did before.
            binding = self
                .scopes
                .lookup_here(self.global, &path.name.text)
                .cloned()
                .unwrap_or(Binding::Poison);
        }
        match binding {
            Binding::Poison => return Value::poison(),
            Binding::Object(Object::Action(action)) => {
                if !matches!(self.unit, Unit::Control | Unit::Action | Unit::Deparser) {
                    self.misplaced("a call of an action", span);
                    return Value::poison();
                }
                self.call_action(&action, args, span);
                return Value::void();
            }
            Binding::Declaration(_) => {
                if let Some(declaration) = self.overload(&path.name.text, args.len()) {
                    self.visited.insert(declaration);
                    match &declaration.kind {
                        DeclarationKind::Function(function) => {
                            return self.call_function(function, type_args, args, span);
                        }
                        DeclarationKind::ExternFunction(function) => {
                            return self
                                .call_extern_function(function, type_args, args, want, span);
                        }
                        _ => {}
                    }
                }
            }
            Binding::Type(_) | Binding::Value(_) | Binding::Place { .. } | Binding::Object(_) => {}
        }
        self.error(
            path.span,
            &ErrorKind::NotCallable {
                name: path.name.text.clone(),
            },
        );
        Value::poison()
    }

    /// The function of this name that takes so many arguments, or else any of this name.
    fn overload(&self, name: &str, n_args: usize) -> Option<&'a ast::Declaration> {
        let declarations = self.globals.get(name)?;
        let params = |declaration: &&'a ast::Declaration| -> &'a [ast::Parameter] {
            match &declaration.kind {
                DeclarationKind::Function(function) => &function.prototype.params,
                DeclarationKind::ExternFunction(function) => &function.params,
                _ => &[],
            }
        };
        declarations
            .iter()
            .find(|declaration| {
                let params = params(declaration);
                let n_needed = params
                    .iter()
                    .filter(|param| !crate::args::is_optional(param))
                    .count();
                (n_needed..=params.len()).contains(&n_args)
            })
            .or(declarations.first())
            .copied()
    }

    /// `x.m(a)`.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of a call")]
    fn call_member(
        &mut self,
        base: &'a ast::Expr,
        name: &'a ast::Name,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        if let ExprKind::Path(path) = &base.kind {
            if let Some(object) = self.path_object(path) {
                return self.call_object(&object, path, name, type_args, args, want, dest, span);
            }
            if matches!(
                self.scopes.lookup(self.scope, &path.name.text),
                Some(Binding::Poison)
            ) || self.is_broken_instance(path)
            {
                return Value::poison();
            }
            if name.text == "apply" {
                return self.apply_type(path, args, span);
            }
            if let Some(ty) = self.path_as_type(path) {
                return match size_by_name(&ty, &name.text) {
                    Some(size) => Value::int(size.into()),
                    None => {
                        self.error(
                            name.span,
                            &ErrorKind::UnknownMember {
                                ty: ty.to_string(),
                                member: name.text.clone(),
                            },
                        );
                        Value::poison()
                    }
                };
            }
        }
        let value = self.expr(base, None);
        if value.is_poison() {
            return Value::poison();
        }
        self.call_value(&value, base, name, args, span)
    }

    /// `x.m(a)` where `x` is an instance.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of a call")]
    fn call_object(
        &mut self,
        object: &Object<'a>,
        path: &'a ast::Path,
        name: &'a ast::Name,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        want: Option<&Type>,
        dest: Option<Slot>,
        span: Span,
    ) -> Value {
        match (object, name.text.as_str()) {
            (Object::Extern(object), _) => {
                self.call_method(&object.clone(), name, type_args, args, dest, span)
            }
            (Object::Packet, _) => self.call_packet(name, type_args, args, want, span),
            (Object::Control(instance), "apply") => {
                self.apply_control(&instance.clone(), args, span);
                Value::void()
            }
            (Object::Parser(_), "apply") => {
                // A state is cut in two around it; where that is impossible it ends up here.
                self.misplaced("`apply` of a parser within a statement", span);
                Value::poison()
            }
            (Object::Table(table), "apply") => {
                let table = table.clone();
                self.apply_table(&table, args, Vec::new(), span);
                Value::void()
            }
            _ => {
                self.error(
                    name.span,
                    &ErrorKind::UnknownMember {
                        ty: path.name.text.clone(),
                        member: name.text.clone(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// Whether a path names an instance of the top level that has been complained about.
    fn is_broken_instance(&mut self, path: &'a ast::Path) -> bool {
        match self.scopes.lookup(self.scope, &path.name.text).cloned() {
            Some(binding @ Binding::Declaration(_)) => {
                matches!(self.settle_binding(binding), Binding::Poison)
            }
            _ => false,
        }
    }

    /// `C.apply(a)` where `C` is the name of a control: an instance without a name of its own.
    fn apply_type(&mut self, path: &'a ast::Path, args: &'a [ast::Argument], span: Span) -> Value {
        if let Binding::Declaration(declaration) = self.lookup(path)
            && let DeclarationKind::Control(control) = &declaration.kind
            && control.constructor_params.is_empty()
        {
            self.visited.insert(declaration);
            // Every such call is an instance of its own.
            let base = self.dotted(&control.head.name.text);
            let mut path = base.clone();
            let mut number = 0;
            while self.applied.contains_key(&path) {
                path = format!("{base}_{number}");
                number += 1;
            }
            let instance = std::rc::Rc::new(Instance {
                decl: control,
                path,
                types: Vec::new(),
                args: Vec::new(),
            });
            self.apply_control(&instance, args, span);
            return Value::void();
        }
        self.error(
            path.span,
            &ErrorKind::NotCallable {
                name: format!("{}.apply", path.name.text),
            },
        );
        Value::poison()
    }

    /// `hdr.isValid()` and the like.
    fn call_value(
        &mut self,
        value: &Value,
        base: &'a ast::Expr,
        name: &'a ast::Name,
        args: &'a [ast::Argument],
        span: Span,
    ) -> Value {
        let is_header = value.ty.as_header().is_some();
        let is_place = matches!(value.data, Data::Place(_));
        match name.text.as_str() {
            "isValid" if (is_header || value.ty.is_union()) && args.is_empty() => {
                match self.validity(value) {
                    Some(valid) => Value::scalar(Type::Bool, valid),
                    None => Value::poison(),
                }
            }
            "setValid" | "setInvalid" if is_header && is_place && args.is_empty() => {
                let Some((_, storage)) = self.place(base) else {
                    return Value::poison();
                };
                self.set_validity(&storage, name.text == "setValid", span);
                Value::void()
            }
            "push_front" | "pop_front" if value.ty.is_header_stack() && is_place => {
                self.shift_stack(base, name, args, span);
                Value::void()
            }
            member if size_by_name(&value.ty, member).is_some() => {
                let size = size_by_name(&value.ty, member).unwrap_or_default();
                Value::int(size.into())
            }
            _ => {
                self.error(
                    name.span,
                    &ErrorKind::UnknownMember {
                        ty: value.ty.to_string(),
                        member: name.text.clone(),
                    },
                );
                Value::poison()
            }
        }
    }

    /// `push_front(n)`, `pop_front(n)`.
    fn shift_stack(
        &mut self,
        base: &'a ast::Expr,
        name: &'a ast::Name,
        args: &'a [ast::Argument],
        span: Span,
    ) {
        let count = match args {
            [
                ast::Argument {
                    value: ast::ArgumentValue::Expr(expr),
                    ..
                },
            ] => self.size(expr, 0, u64::from(u32::MAX)),
            _ => {
                self.error(
                    span,
                    &ErrorKind::ArgumentCount {
                        callee: name.text.clone(),
                        needed: 1,
                        available: args.len(),
                    },
                );
                None
            }
        };
        let Some((Type::Stack(element, size), Storage::Stack(stack))) = self.place(base) else {
            return;
        };
        let Some(count) = count else { return };
        let most = u64::from(size);
        let by = count.min(most);
        let size = size as usize;
        let count = usize::try_from(count).unwrap_or(size).min(size);
        let is_push = name.text == "push_front";
        let mut moves: Vec<(usize, Option<usize>)> = (0..size)
            .map(|to| {
                let from = if is_push {
                    to.checked_sub(count)
                } else {
                    Some(to + count).filter(|from| *from < size)
                };
                (to, from)
            })
            .collect();
        if is_push {
            moves.reverse();
        }
        for (to, from) in moves {
            let target = &stack.elements[to];
            match from {
                Some(from) => {
                    let value = Value::place((*element).clone(), stack.elements[from].clone());
                    self.assign_storage(target, &value, span);
                }
                None => self.invalidate(target, span),
            }
        }
        if self.unit == Unit::Parser && self.is_structured {
            let next = self.gress.next_index(&stack, span);
            let (by, most) = (
                fold::constant(next.width(), by),
                fold::constant(next.width(), most),
            );
            let moved = if is_push {
                // Neither is more than the size: the sum does not overflow.
                let sum = fold::binary(BinaryOp::Add, next.read(), by);
                let is_over = fold::binary(BinaryOp::LtU, most.clone(), sum.clone());
                fold::mux(is_over, most, sum)
            } else {
                fold::binary(BinaryOp::SubSatU, next.read(), by)
            };
            self.emit_assign(span, next.place(), moved);
        }
    }

    /// `t.apply().hit` and `.miss` in the middle of an expression.
    pub(crate) fn apply_outcome(
        &mut self,
        table: &std::rc::Rc<crate::table::TableObject<'a>>,
        args: &'a [ast::Argument],
        name: &'a ast::Name,
        span: Span,
    ) -> Value {
        let is_hit = match name.text.as_str() {
            "hit" => true,
            "miss" => false,
            "action_run" => {
                self.misplaced("`action_run` outside of `switch`", span);
                return Value::poison();
            }
            _ => {
                self.error(
                    name.span,
                    &ErrorKind::UnknownMember {
                        ty: "apply_result".to_owned(),
                        member: name.text.clone(),
                    },
                );
                return Value::poison();
            }
        };
        let Some(Storage::Leaf(slot)) = self.temporary("hit", &Type::Bool, span) else {
            return Value::poison();
        };
        let arms = [(Outcome::Hit, is_hit), (Outcome::Miss, !is_hit)]
            .into_iter()
            .map(|(on, value)| Arm {
                on,
                body: self.block_of(|lower| {
                    lower.emit_assign(span, slot.place(), fold::truth(value));
                }),
            })
            .collect();
        self.apply_table(table, args, arms, span);
        Value::slot(Type::Bool, slot)
    }
}

/// What `minSizeInBits` and its kin yield.
fn size_by_name(ty: &Type, member: &str) -> Option<u32> {
    let is_least = member.starts_with("min");
    match member {
        "minSizeInBits" | "maxSizeInBits" => size_in_bits(ty, is_least),
        "minSizeInBytes" | "maxSizeInBytes" => Some(size_in_bits(ty, is_least)?.div_ceil(8)),
        _ => None,
    }
}

/// The size of a type in bits, varbits empty or full.
fn size_in_bits(ty: &Type, is_least: bool) -> Option<u32> {
    let full = ty.width()?;
    if !is_least {
        return Some(full);
    }
    let varbits = match ty {
        Type::Record(record) => record
            .fields
            .iter()
            .map(|field| match field.ty.without_newtypes() {
                Type::Varbit(max) => *max,
                _ => 0,
            })
            .sum(),
        _ => 0,
    };
    Some(full - varbits)
}

/// Whether a parameter is written by what it is given to.
pub(crate) fn is_written(param: &ast::Parameter) -> bool {
    matches!(param.direction, Direction::Out | Direction::InOut)
}
