//! Assignments: to scalars, and part by part to everything else.

use p4rmt_ir::{Expr, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind};

use crate::coerce::is_index;
use crate::lower::Lower;
use crate::rewrite;
use crate::storage::{Base, Slot, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// `target = value;`, `target op= value;`
    pub(crate) fn assignment(
        &mut self,
        target: &'a ast::Expr,
        op: Option<ast::BinaryOp>,
        value: &'a ast::Expr,
        span: Span,
    ) {
        let Some((ty, storage)) = self.place(target) else {
            self.expr(value, None);
            return;
        };
        let value = match op {
            Some(op) => {
                let mut old = Value::place(ty.clone(), storage.clone());
                let mark = self.block().len();
                let rhs = self.expr(value, None);
                self.settle(&mut old, mark, span);
                let result = self.binary_values(op, old, rhs, span);
                self.coerce(result, &ty, span)
            }
            None => {
                if let (
                    Storage::Leaf(slot),
                    ExprKind::Call {
                        callee,
                        type_args,
                        args,
                    },
                ) = (&storage, &value.kind)
                {
                    let result =
                        self.call(callee, type_args, args, Some(&ty), Some(*slot), value.span);
                    self.coerce(result, &ty, value.span)
                } else {
                    self.expr_as(value, &ty)
                }
            }
        };
        self.assign_storage(&storage, &value, span);
    }

    /// Stores a value of the storage's own type.
    pub(crate) fn assign_storage(&mut self, storage: &Storage, value: &Value, span: Span) {
        if value.is_poison() || matches!(&value.data, Data::Place(from) if from == storage) {
            return;
        }
        if let Storage::Choice { index, options } = storage {
            let (index, options) = (index.clone(), options.clone());
            for (position, option) in options.iter().enumerate() {
                let then = self.block_of(|lower| lower.assign_storage(option, value, span));
                self.emit(
                    span,
                    StmtKind::If {
                        cond: is_index(&index, position),
                        then,
                        otherwise: Vec::new(),
                    },
                );
            }
            return;
        }
        let mut pairs = Vec::new();
        if self.pair_up(storage, value, span, &mut pairs).is_some() {
            self.assign_all(pairs, span);
        }
    }

    /// The scalars of a storage with what each is assigned.
    fn pair_up(
        &mut self,
        storage: &Storage,
        value: &Value,
        span: Span,
        pairs: &mut Vec<(Slot, Expr)>,
    ) -> Option<()> {
        match storage {
            Storage::Leaf(slot) => pairs.push((*slot, self.read(value, span)?)),
            Storage::Record(record) => {
                if let Some((_, valid)) = record.header {
                    pairs.push((valid, self.validity(value)?));
                    if is_invalid(value) {
                        // The fields of an invalid header are undefined: nothing is written.
                        return Some(());
                    }
                }
                if let (Some((to, _)), Data::Place(Storage::Record(from))) =
                    (record.header, &value.data)
                    && let Some((from, _)) = from.header
                {
                    let widths = (
                        self.gress.headers[to].varbit,
                        self.gress.headers[from].varbit,
                    );
                    if let (Some((_, to)), Some((_, from))) = widths {
                        pairs.push((Slot::whole(Base::Field(to), 32), Expr::Field(from)));
                    }
                }
                let parts = self.parts(value)?;
                for (field, part) in record.fields.iter().zip(&parts) {
                    self.pair_up(field, part, span, pairs)?;
                }
            }
            Storage::Stack(stack) => {
                let parts = self.parts(value)?;
                for (element, part) in stack.elements.iter().zip(&parts) {
                    self.pair_up(element, part, span, pairs)?;
                }
            }
            Storage::Choice { .. } => {
                self.unsupported(span, "this use of a stack element chosen at run time");
                return None;
            }
        }
        Some(())
    }

    /// Assigns all at once: a value that reads what an earlier assignment writes is saved before.
    fn assign_all(&mut self, pairs: Vec<(Slot, Expr)>, span: Span) {
        let mut written: Vec<Base> = Vec::new();
        let mut settled = Vec::new();
        for (slot, value) in pairs {
            let value = if rewrite::reads_any(&value, &written) {
                match self.temporary("saved", &Type::bit(slot.width()), span) {
                    Some(Storage::Leaf(saved)) => {
                        self.emit_assign(span, saved.place(), value);
                        saved.read()
                    }
                    _ => value,
                }
            } else {
                value
            };
            written.push(slot.base);
            settled.push((slot, value));
        }
        for (slot, value) in settled {
            if value != slot.read() {
                self.emit_assign(span, slot.place(), value);
            }
        }
    }
}

/// Whether a value is a header that is known to be invalid.
fn is_invalid(value: &Value) -> bool {
    match &value.data {
        Data::Header { valid, .. } => {
            crate::fold::as_const(valid).is_some_and(p4rmt_ir::Bits::is_zero)
        }
        _ => false,
    }
}
