//! Assignments: to scalars, and part by part to everything else; validity of headers.

use p4rmt_ir::{Expr, GressRole, UnaryOp};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind};

use crate::convert::{is_index, read_storage};
use crate::fold;
use crate::lower::{Lower, Unit};
use crate::rewrite;
use crate::storage::{Base, RecordStorage, Slot, Storage};
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
            return;
        };
        let value = match op {
            Some(op) => {
                let mut old = Value::place(ty.clone(), storage.clone());
                if let Some(number) = self.typed.conversion(target) {
                    let number = self.concrete(number, span);
                    old = self.converted(old, &number, span);
                }
                let mark = self.block().len();
                let rhs = self.expr(value);
                self.settle(&mut old, mark, span);
                let result = self.binary_values(op, &old, &rhs, span);
                self.converted(result, &ty, span)
            }
            None => match (&storage, &value.kind) {
                (Storage::Leaf(slot), ExprKind::Call { .. }) => {
                    let result = self.call(value, Some(*slot));
                    self.converted(result, &ty, value.span)
                }
                _ => self.expr(value),
            },
        };
        self.assign_storage(&storage, &value, span);
    }

    /// Stores a value of the storage's own type.
    pub(crate) fn assign_storage(&mut self, storage: &Storage, value: &Value, span: Span) {
        if value.is_poison() {
            return;
        }
        let is_itself = matches!(&value.data, Data::Place(from) if from == storage);
        if is_itself && !self.gress.is_union_member(storage) {
            return;
        }
        if let Storage::Choice { index, options } = storage {
            let (index, options) = (index.clone(), options.clone());
            // The value may be one of the options: it is taken before any of them is written.
            let value = self.taken(value, storage, span);
            return self.choose(&index, &options, span, &mut |lower, option| {
                lower.assign_storage(option, &value, span);
            });
        }
        let mut pairs = Vec::new();
        if self.pair_up(storage, value, span, &mut pairs).is_some() {
            if let Storage::Record(record) = storage
                && let Some((header, _)) = record.header
            {
                let rivals = self.gress.rivals(header).iter();
                pairs.extend(rivals.map(|valid| (*valid, fold::truth(false))));
            }
            self.assign_all(pairs, span);
        }
    }

    /// The value, out of reach of writes to this storage.
    fn taken(&mut self, value: &Value, storage: &Storage, span: Span) -> Value {
        let written = storage.bases();
        let is_read = crate::expr::value_bases(value)
            .iter()
            .any(|base| written.contains(base));
        if !is_read {
            return value.clone();
        }
        match self.temporary("taken", &value.ty, span) {
            Some(taken) => {
                self.assign_storage(&taken, value, span);
                Value::place(value.ty.clone(), taken)
            }
            None => value.clone(),
        }
    }

    /// Does something with the option that an index says at run time; nothing where it says none.
    pub(crate) fn choose(
        &mut self,
        index: &Expr,
        options: &[Storage],
        span: Span,
        with: &mut impl FnMut(&mut Self, &Storage),
    ) {
        for (position, option) in options.iter().enumerate() {
            let then = self.block_of(|lower| with(lower, option));
            self.emit_if(is_index(index, position), then, Vec::new(), span);
        }
    }

    /// Makes a header valid or invalid, and the other headers of its union invalid.
    pub(crate) fn set_validity(&mut self, storage: &Storage, is_valid: bool, span: Span) {
        match storage {
            Storage::Choice { index, options } => {
                let (index, options) = (index.clone(), options.clone());
                self.choose(&index, &options, span, &mut |lower, option| {
                    lower.set_validity(option, is_valid, span);
                });
            }
            Storage::Record(record) => {
                if let Some((header, valid)) = record.header {
                    if is_valid && self.role == GressRole::Whole {
                        self.clear_if_invalid(record, valid, span);
                    }
                    self.emit_assign(span, valid.place(), fold::truth(is_valid));
                    self.retire_rivals(header, span);
                }
            }
            Storage::Leaf(_) | Storage::Varbit { .. } | Storage::Stack(_) => {}
        }
    }

    /// v1model: a header that becomes valid has zeros until it is written, whatever it held before.
    /// The specification leaves open what it has; bmv2 gives it zeros.
    fn clear_if_invalid(&mut self, record: &RecordStorage, valid: Slot, span: Span) {
        let clear = self.block_of(|lower| {
            for field in &record.fields {
                field.visit_leaves(&mut |slot| {
                    let zero = fold::constant(slot.width(), 0);
                    lower.emit_assign(span, slot.place(), zero);
                });
            }
        });
        let is_invalid = fold::unary(UnaryOp::Not, valid.read());
        self.emit_if(is_invalid, clear, Vec::new(), span);
    }

    /// Makes the other headers of a header's union invalid.
    pub(crate) fn retire_rivals(&mut self, header: p4rmt_ir::HeaderId, span: Span) {
        for valid in self.gress.rivals(header).to_vec() {
            self.emit_assign(span, valid.place(), fold::truth(false));
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
            Storage::Varbit {
                value: to,
                width: to_width,
            } => match &value.data {
                Data::Place(from) => {
                    let (from, from_width) = from.varbit()?;
                    pairs.push((*to, read_storage(&from)?));
                    pairs.push((*to_width, read_storage(&from_width)?));
                }
                // The default: empty.
                _ => {
                    pairs.push((*to, self.read(value, span)?));
                    pairs.push((*to_width, fold::constant(to_width.width(), 0)));
                }
            },
            Storage::Record(record) => {
                if let Some((_, valid)) = record.header {
                    pairs.push((valid, self.validity(value)?));
                    if is_invalid(value) {
                        // The fields of an invalid header are undefined: nothing is written.
                        return Some(());
                    }
                }
                let parts = self.parts(value)?;
                for (field, part) in record.fields.iter().zip(&parts) {
                    self.pair_up(field, part, span, pairs)?;
                }
            }
            Storage::Stack(stack) => {
                if let Data::Place(Storage::Stack(from)) = &value.data
                    && self.is_structured
                    && self.unit == Unit::Parser
                    && value.ty.is_header_stack()
                {
                    let next = self.gress.next_index(from, span).read();
                    pairs.push((self.gress.next_index(stack, span), next));
                }
                let parts = self.parts(value)?;
                for (element, part) in stack.elements.iter().zip(&parts) {
                    self.pair_up(element, part, span, pairs)?;
                }
            }
            Storage::Choice { .. } => {
                self.unsupported(
                    span,
                    "this use of a stack element chosen at run time",
                    "use its fields one by one, or a constant index",
                );
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
            if value == slot.read() {
                continue;
            }
            if self.in_hash {
                self.assign_in_hash(slot, value, span);
            } else {
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
