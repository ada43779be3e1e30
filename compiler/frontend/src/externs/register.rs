//! Registers and the programs of stateful ALUs.

use std::rc::Rc;

use p4rmt_ir::{
    Arena, Bits, Call, CallKind, ElementField, Expr, Place, Register, RegisterAction, StmtKind,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ObjectDeclaration};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::{Construction, ExternKind, ExternObject};
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Object};
use crate::storage::{Base, Slot, Storage};
use crate::types::Type;
use crate::value::Value;

impl<'a> Lower<'a> {
    /// `Register<T, I>(size)`, `Register<T, I>(size, initial)`, and direct ones without a size.
    pub(super) fn make_register(&mut self, made: &Construction<'a, '_>) -> Option<ExternKind> {
        let is_direct = made.decl.name.text == "DirectRegister";
        let ty = made.types.first()?.clone();
        let element = self.register_element(&ty, made.span)?;
        let (size, initial) = if is_direct {
            (0, made.args.first())
        } else {
            let size = made.args.first()?.value()?.as_number()?;
            (
                self.bounded(&size, made.span, 1, 1 << 32)?,
                made.args.get(1),
            )
        };
        let initial = match initial.and_then(Arg::value) {
            Some(value) => {
                let value = value.clone();
                let exprs = self.flatten(&value, made.span)?;
                let mut bits = Vec::new();
                for expr in exprs {
                    let Expr::Const(value) = expr else {
                        self.not_constant(made.span);
                        return None;
                    };
                    bits.push(value);
                }
                bits
            }
            None => element
                .iter()
                .map(|field| Bits::zero(field.width))
                .collect(),
        };
        let id = self.gress.registers.push(Register {
            name: made.name.clone(),
            size,
            element,
            initial,
            span: made.span,
        });
        Some(ExternKind::Register(id, ty))
    }

    /// The values of an element of this type.
    fn register_element(&mut self, ty: &Type, span: Span) -> Option<Vec<ElementField>> {
        let field = |name: &str, ty: &Type| {
            Some(ElementField {
                name: name.to_owned(),
                width: ty.scalar_width()?,
                is_signed: ty.is_signed(),
            })
        };
        let element = match ty.without_newtypes() {
            Type::Record(record) if (1..=2).contains(&record.fields.len()) => record
                .fields
                .iter()
                .map(|declared| field(&declared.name, &declared.ty))
                .collect::<Option<Vec<_>>>(),
            Type::Record(_) => None,
            ty => field("", ty).map(|field| vec![field]),
        };
        if element.is_none() && !ty.is_poison() {
            self.error(span, ErrorKind::RegisterElement { ty: ty.to_string() });
        }
        element
    }

    /// `RegisterAction<…>(reg) name = { void apply(…) { … } };`
    pub(super) fn make_register_action(
        &mut self,
        made: &Construction<'a, '_>,
    ) -> Option<ExternKind> {
        let Some(Arg::Object(Binding::Object(Object::Extern(register)))) = made.args.first() else {
            return None;
        };
        let ExternKind::Register(register, element) = &register.kind else {
            return None;
        };
        let (register, element) = (*register, element.clone());
        let mut apply = None;
        for declaration in made
            .instance
            .and_then(|instance| instance.body.as_deref())
            .unwrap_or_default()
        {
            match declaration {
                ObjectDeclaration::Function(function)
                    if function.prototype.name.text == "apply" =>
                {
                    apply = Some(function);
                }
                ObjectDeclaration::Function(function) => self.error(
                    function.prototype.name.span,
                    ErrorKind::ExternMethod {
                        object: made.decl.name.text.clone(),
                        method: function.prototype.name.text.clone(),
                    },
                ),
                ObjectDeclaration::Instantiation(instance) => {
                    self.misplaced("an instance", instance.span);
                }
            }
        }
        let apply = apply?;
        let action = self.register_program(made, register, &element, apply)?;
        Some(ExternKind::RegisterAction(
            self.gress.register_actions.push(action),
        ))
    }

    /// The program of a register action.
    fn register_program(
        &mut self,
        made: &Construction<'a, '_>,
        register: p4rmt_ir::RegisterId,
        element: &Type,
        apply: &'a ast::Function,
    ) -> Option<RegisterAction> {
        let params = &apply.prototype.params;
        let outer_locals = self.locals.replace(Arena::new());
        let outer_unit = std::mem::replace(&mut self.unit, Unit::RegisterAction);
        let outer_action = self.own_action.take();
        let sees_words = made.decl.name.text.starts_with("MinMaxAction");
        let mut memory = Vec::new();
        let mut outputs = Vec::new();
        let mut is_good = true;
        let mut body = Vec::new();
        let mut word = None;
        self.in_scope(self.scope, |lower| {
            for (position, param) in params.iter().enumerate() {
                let ty = lower.ty(&param.ty);
                // The element, and then the outputs, as the abstract method has them.
                let is_memory = position == 0;
                let Some(storage) = lower.variable(&param.name.text, &ty, param.span) else {
                    lower.mismatch(param.ty.span, "a number or a struct of two", &ty);
                    is_good = false;
                    continue;
                };
                let into = if is_memory { &mut memory } else { &mut outputs };
                storage.visit_leaves(&mut |slot| {
                    if let Base::Local(local) = slot.base {
                        into.push(local);
                    }
                });
                if is_memory {
                    lower.own_action = Some(Rc::new(ExternObject {
                        decl: made.decl,
                        kind: ExternKind::OwnAction(storage.clone()),
                    }));
                }
                if is_memory && sees_words {
                    word = match memory[..] {
                        [local] => lower.word_of_elements(register, local, made.span),
                        _ => None,
                    };
                    is_good &= word.is_some();
                } else if is_memory {
                    let found = storage.leaf_widths();
                    let declared: Vec<u32> = lower.gress.registers[register]
                        .element
                        .iter()
                        .map(|field| field.width)
                        .collect();
                    // Numbers of the same widths are the same memory, whatever they are called.
                    if found != declared {
                        lower.mismatch(param.ty.span, &element.to_string(), &ty);
                        is_good = false;
                    }
                }
                lower.bind(&param.name, Binding::Place { ty, storage });
            }
            if is_good {
                (body, _) = lower.returning(Type::Void, &apply.body, made.span);
            }
        });
        if let Some(word) = word {
            memory = word.memory;
            body.splice(0..0, word.prologue);
            body.extend(word.epilogue);
        }
        self.unit = outer_unit;
        self.own_action = outer_action;
        let locals = std::mem::replace(&mut self.locals, outer_locals)?;
        let Some(body) = crate::leaves::without_labels(body) else {
            self.unsupported(
                made.span,
                "a loop or so many early ends in a register action",
                "write it with `if` and `else`, and one end",
            );
            return None;
        };
        is_good.then(|| RegisterAction {
            name: made.name.clone(),
            register,
            locals,
            memory,
            outputs,
            body,
            span: made.span,
        })
    }

    /// `action.execute(index, …)`.
    pub(super) fn execute(
        &mut self,
        action: p4rmt_ir::RegisterActionId,
        args: &[Arg<'a>],
        result: &Type,
        dest: Option<Slot>,
        is_direct: bool,
        span: Span,
    ) -> Value {
        let mut args = args;
        let mut index = None;
        if !is_direct {
            let Some((first, others)) = args.split_first() else {
                return Value::poison();
            };
            args = others;
            match first {
                Arg::Value(value) => match self.read_index(value, span) {
                    Some(read) => index = Some(read),
                    None => return Value::poison(),
                },
                // Without an index the first element is meant.
                Arg::Omitted | Arg::Place(..) | Arg::Object(_) => {
                    index = Some(Expr::Const(Bits::zero(32)));
                }
            }
        }
        let program = &self.gress.register_actions[action];
        let widths: Vec<u32> = program
            .outputs
            .iter()
            .map(|output| program.locals[*output].width)
            .collect();
        let mut outs: Vec<Option<Place>> = Vec::new();
        let mut copies: Vec<(Storage, Type, Slot)> = Vec::new();
        let mut value = Value::void();
        if *result != Type::Void {
            let Some(width) = result.scalar_width() else {
                self.mismatch(span, "a number", result);
                return Value::poison();
            };
            match widths.first() {
                None => value = Value::constant(result.clone(), Bits::zero(width)),
                Some(output) if *output == width => {
                    let slot = match dest.filter(|dest| dest.width() == width) {
                        Some(dest) => Some(dest),
                        None => self.scalar_temporary("out", result, span),
                    };
                    let Some(slot) = slot else {
                        return Value::poison();
                    };
                    outs.push(Some(slot.place()));
                    value = Value::slot(result.clone(), slot);
                }
                Some(output) => {
                    self.mismatch(span, &Type::bit(*output).to_string(), result);
                    return Value::poison();
                }
            }
        } else if !widths.is_empty() {
            outs.push(None);
        }
        for (position, arg) in args.iter().enumerate() {
            let Some(width) = widths.get(position + 1) else {
                break;
            };
            match arg {
                Arg::Place(_, Storage::Leaf(slot)) if slot.width() == *width => {
                    outs.push(Some(slot.place()));
                }
                Arg::Place(ty, storage) => match self.scalar_temporary("out", ty, span) {
                    Some(slot) if slot.width() == *width => {
                        outs.push(Some(slot.place()));
                        copies.push((storage.clone(), ty.clone(), slot));
                    }
                    _ => {
                        self.mismatch(span, &Type::bit(*width).to_string(), ty);
                        return Value::poison();
                    }
                },
                Arg::Value(_) | Arg::Object(_) | Arg::Omitted => outs.push(None),
            }
        }
        while outs.len() < widths.len() {
            outs.push(None);
        }
        self.emit(
            span,
            StmtKind::Call(Call {
                kind: CallKind::RegisterAction { action, index },
                outs,
            }),
        );
        for (target, ty, slot) in copies {
            let value = Value::slot(ty, slot);
            self.assign_storage(&target, &value, span);
        }
        value
    }

    /// An index: a number without a width becomes one of 32 bits.
    pub(super) fn read_index(&mut self, value: &Value, span: Span) -> Option<Expr> {
        let value = if matches!(value.ty, Type::Int) {
            self.converted(value.clone(), &Type::bit(32), span)
        } else {
            value.clone()
        };
        self.read(&value, span)
    }

    /// A scalar that the program does not name.
    pub(super) fn scalar_temporary(&mut self, what: &str, ty: &Type, span: Span) -> Option<Slot> {
        match self.temporary(what, ty, span)? {
            Storage::Leaf(slot) => Some(slot),
            _ => None,
        }
    }
}
