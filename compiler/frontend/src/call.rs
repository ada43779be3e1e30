//! Calls: where what is called leads.

use p4rmt_ir::{Arm, BinaryOp, Outcome};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, ExprKind};
use p4rmt_typing::{ArgSource, Builtin, Call, Callee, DeclId, Node};

use crate::fold;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Instance, Object};
use crate::storage::{Slot, Storage};
use crate::types::Type;
use crate::value::Value;

impl<'a> Lower<'a> {
    /// The value of a call. `dest` is where a scalar result may be stored at once; the value is then
    /// that place.
    pub(crate) fn call(&mut self, expr: &'a ast::Expr, dest: Option<Slot>) -> Value {
        let span = expr.span;
        let (Some(call), ExprKind::Call { callee, .. }) = (self.typed.call(expr), &expr.kind)
        else {
            return Value::poison();
        };
        let base = match &callee.kind {
            ExprKind::Member { base, .. } => Some(&**base),
            _ => None,
        };
        match call.callee {
            Callee::Function(id) => match self.typed.decl(id).node {
                Node::Function(function) => self.call_function(function, call, span),
                _ => Value::poison(),
            },
            Callee::ExternFunction(id) => match self.typed.decl(id).node {
                Node::ExternFunction(function) => self.call_extern_function(function, call, span),
                _ => Value::poison(),
            },
            Callee::Method(id) => {
                let name = self.typed.decl(id).name;
                match base.map(|base| self.object(base)) {
                    Some(Binding::Object(Object::Packet)) => self.call_packet(name, call, span),
                    Some(Binding::Object(Object::Extern(object))) => {
                        self.call_method(&object, name, call, dest, span)
                    }
                    _ => Value::poison(),
                }
            }
            Callee::Action(id) => {
                if let Binding::Object(Object::Action(action)) = self.binding(id) {
                    self.call_action(&action, call, span);
                }
                Value::void()
            }
            Callee::Apply(_) => match base.map(|base| self.object(base)) {
                Some(Binding::Object(Object::Control(instance))) => {
                    self.apply_control(&instance, call, span);
                    Value::void()
                }
                Some(Binding::Object(Object::Parser(_))) => {
                    // A state is cut in two around it; where that is impossible it ends up here.
                    self.parser_in_statement(span);
                    Value::poison()
                }
                _ => Value::poison(),
            },
            Callee::ApplyDirectly(id) => {
                self.apply_type(id, call, span);
                Value::void()
            }
            Callee::ApplyTable(_) => {
                if let Some(table) = self.applied_table(expr) {
                    self.apply_table(&table, Vec::new(), span);
                }
                Value::void()
            }
            Callee::Builtin(builtin) => match base {
                Some(base) => self.call_builtin(builtin, base, call, span),
                None => Value::poison(),
            },
            Callee::ExternConstructor(_) | Callee::Constructor(_) => {
                self.unsupported(
                    span,
                    "an instance as a value",
                    "declare it, and use its name",
                );
                Value::poison()
            }
        }
    }

    fn parser_in_statement(&mut self, span: Span) {
        self.unsupported(
            span,
            "`apply` of a parser within this statement",
            "apply it in a state of its own",
        );
    }

    /// The table that a call applies, if it does.
    pub(crate) fn applied_table(
        &mut self,
        expr: &'a ast::Expr,
    ) -> Option<std::rc::Rc<crate::table::TableObject<'a>>> {
        let Callee::ApplyTable(id) = self.typed.call(expr)?.callee else {
            return None;
        };
        match self.binding(id) {
            Binding::Object(Object::Table(table)) => Some(table),
            _ => None,
        }
    }

    /// `C.apply(a)` where `C` is the name of a control: an instance without a name of its own.
    fn apply_type(&mut self, id: DeclId, call: &'a Call<'a>, span: Span) {
        let head = self.typed.signature(call.callee);
        let (Node::Control(control), Some(head)) = (self.typed.decl(id).node, head) else {
            return self.parser_in_statement(span);
        };
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
            head,
            types: Vec::new(),
            path,
            args: Vec::new(),
        });
        self.apply_control(&instance, call, span);
    }

    /// `hdr.isValid()` and the like.
    fn call_builtin(
        &mut self,
        builtin: Builtin,
        base: &'a ast::Expr,
        call: &'a Call<'a>,
        span: Span,
    ) -> Value {
        match builtin {
            Builtin::IsValid => {
                let value = self.expr(base);
                match self.validity(&value) {
                    Some(valid) => Value::scalar(Type::Bool, valid),
                    None => Value::poison(),
                }
            }
            Builtin::SetValid | Builtin::SetInvalid => {
                if let Some((_, storage)) = self.place(base) {
                    self.set_validity(&storage, builtin == Builtin::SetValid, span);
                }
                Value::void()
            }
            Builtin::PushFront | Builtin::PopFront => {
                if let [ArgSource::Given(arg)] = call.args[..]
                    && let ArgumentValue::Expr(count) = &arg.value
                {
                    self.shift_stack(base, builtin == Builtin::PushFront, count, span);
                }
                Value::void()
            }
            Builtin::MinSizeInBits => self.size_of(base, true, 1),
            Builtin::MinSizeInBytes => self.size_of(base, true, 8),
            Builtin::MaxSizeInBits => self.size_of(base, false, 1),
            Builtin::MaxSizeInBytes => self.size_of(base, false, 8),
            Builtin::ListSize => {
                let value = self.expr(base);
                let parts = self.parts(&value);
                parts.map_or_else(Value::poison, |parts| Value::int(parts.len().into()))
            }
        }
    }

    /// The size of a type that type arguments give, in units of so many bits; varbits empty or full.
    fn size_of(&mut self, base: &'a ast::Expr, is_least: bool, unit: u32) -> Value {
        let ty = match (&base.kind, self.typed.expr(base)) {
            (_, Some(facts)) => Some(facts.ty),
            (ExprKind::Path(path), None) => {
                let decl = self.typed.path(path);
                decl.map(|decl| self.typed.decl(decl).ty)
            }
            _ => None,
        };
        let ty = ty.map(|ty| self.concrete(ty, base.span));
        match ty.and_then(|ty| size_in_bits(&ty, is_least)) {
            Some(size) => Value::int(size.div_ceil(unit).into()),
            None => {
                self.unsupported(
                    base.span,
                    "the size of this type",
                    "write the number of its bits",
                );
                Value::poison()
            }
        }
    }

    /// `push_front(n)`, `pop_front(n)`.
    fn shift_stack(
        &mut self,
        base: &'a ast::Expr,
        is_push: bool,
        count: &'a ast::Expr,
        span: Span,
    ) {
        let count = self.size(count, 0, u64::from(u32::MAX));
        let Some((Type::Stack(element, size), Storage::Stack(stack))) = self.place(base) else {
            return;
        };
        let Some(count) = count else { return };
        let most = u64::from(size);
        let by = count.min(most);
        let size = size as usize;
        let count = usize::try_from(count).unwrap_or(size).min(size);
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
        is_hit: bool,
        span: Span,
    ) -> Value {
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
        self.apply_table(table, arms, span);
        Value::slot(Type::Bool, slot)
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
