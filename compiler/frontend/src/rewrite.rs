//! What a block reads and writes, and putting other storage in the place of its variables.
//!
//! Used when a call is inlined: a parameter starts as a variable of its own, and where nobody can
//! tell the difference it is replaced by its argument, which saves the copies.

use std::collections::{HashMap, HashSet};

use p4rmt_ir::{Block, CallKind, Expr, FieldId, Place, StmtKind};

use crate::fold;
use crate::storage::{Base, Slot};

/// What takes the place of a variable.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    /// Where it is read.
    pub(crate) read: Expr,
    /// Where it is written; a variable that is written needs one.
    pub(crate) write: Option<Slot>,
}

/// The fields that a block touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accesses {
    /// Fields read, and validity bits that an emission depends on.
    pub(crate) reads: HashSet<FieldId>,
    /// Fields written.
    pub(crate) writes: HashSet<FieldId>,
    /// Whether the block applies a table, which reads and writes what it likes.
    pub(crate) applies: bool,
    /// Whether it defines a label, so that it cannot stand in two places.
    pub(crate) has_labels: bool,
    /// Whether it calls an extern.
    pub(crate) calls: bool,
}

impl Accesses {
    /// What this block touches.
    pub(crate) fn of(block: &Block) -> Self {
        let mut accesses = Self::default();
        accesses.add_block(block);
        accesses
    }

    /// Whether the field is read or written, or could be.
    pub(crate) fn touches(&self, field: FieldId) -> bool {
        self.applies || self.reads.contains(&field) || self.writes.contains(&field)
    }

    /// Whether the field is written, or could be.
    pub(crate) fn may_write(&self, field: FieldId) -> bool {
        self.applies || self.writes.contains(&field)
    }

    /// Adds what a block touches.
    pub(crate) fn add_block(&mut self, block: &Block) {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign { dst, value } => {
                    self.add_expr(value);
                    self.add_place(dst);
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    self.add_expr(cond);
                    self.add_block(then);
                    self.add_block(otherwise);
                }
                StmtKind::Apply { arms, .. } => {
                    self.applies = true;
                    for arm in arms {
                        self.add_block(&arm.body);
                    }
                }
                StmtKind::Call(call) => {
                    self.calls = true;
                    for arg in call.args() {
                        self.add_expr(arg);
                    }
                    if let CallKind::V1(call) = &call.kind {
                        self.reads.extend(call.fields());
                    }
                    for place in call.outs.iter().flatten() {
                        self.add_place(place);
                    }
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                    self.has_labels = true;
                    self.add_block(body);
                }
                StmtKind::Leave(_) | StmtKind::Exit => {}
                StmtKind::Extract { varbit_bits, .. } => {
                    self.applies = true;
                    if let Some(bits) = varbit_bits {
                        self.add_expr(bits);
                    }
                }
                StmtKind::Advance { bits } => self.add_expr(bits),
                StmtKind::Verify { cond, error } => {
                    self.add_expr(cond);
                    self.add_expr(error);
                }
                StmtKind::Emit { .. } => self.applies = true,
            }
        }
    }

    /// Adds what an expression reads.
    pub(crate) fn add_expr(&mut self, expr: &Expr) {
        expr.walk(&mut |part| {
            if let Expr::Field(field) = part {
                self.reads.insert(*field);
            }
        });
    }

    /// Adds a place that is written.
    fn add_place(&mut self, place: &Place) {
        if let Some(field) = place.field() {
            self.writes.insert(field);
        }
    }
}

/// Whether an expression reads one of these fields or variables.
pub(crate) fn reads_any(expr: &Expr, bases: &[Base]) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        found |= match part {
            Expr::Field(field) => bases.contains(&Base::Field(*field)),
            Expr::Local { local, .. } => bases.contains(&Base::Local(*local)),
            _ => false,
        };
    });
    found
}

/// Puts the replacements in the place of the fields that they are for.
pub(crate) fn replace(block: &mut Block, by: &HashMap<FieldId, Replacement>) {
    if by.is_empty() {
        return;
    }
    for stmt in block {
        match &mut stmt.kind {
            StmtKind::Assign { dst, value } => {
                replace_expr(value, by);
                replace_place(dst, by);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                replace_expr(cond, by);
                replace(then, by);
                replace(otherwise, by);
            }
            StmtKind::Apply { arms, .. } => {
                for arm in arms {
                    replace(&mut arm.body, by);
                }
            }
            StmtKind::Call(call) => {
                for arg in call.args_mut() {
                    replace_expr(arg, by);
                }
                if let CallKind::V1(call) = &mut call.kind {
                    for field in call.fields_mut() {
                        replace_field(field, by);
                    }
                }
                for place in call.outs.iter_mut().flatten() {
                    replace_place(place, by);
                }
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => replace(body, by),
            StmtKind::Leave(_) | StmtKind::Exit | StmtKind::Emit { .. } => {}
            StmtKind::Extract { varbit_bits, .. } => {
                if let Some(bits) = varbit_bits {
                    replace_expr(bits, by);
                }
            }
            StmtKind::Advance { bits } => replace_expr(bits, by),
            StmtKind::Verify { cond, error } => {
                replace_expr(cond, by);
                replace_expr(error, by);
            }
        }
    }
}

/// The same in an expression.
pub(crate) fn replace_expr(expr: &mut Expr, by: &HashMap<FieldId, Replacement>) {
    let old = std::mem::replace(expr, fold::truth(false));
    *expr = replaced(old, by);
}

/// The expression with the replacements in it, constants computed again.
fn replaced(expr: Expr, by: &HashMap<FieldId, Replacement>) -> Expr {
    match expr {
        Expr::Field(field) => match by.get(&field) {
            Some(replacement) => replacement.read.clone(),
            None => Expr::Field(field),
        },
        Expr::Slice { arg, hi, lo } => match replaced(*arg, by) {
            Expr::Const(bits) => Expr::Const(bits.slice(hi, lo)),
            Expr::Slice { arg, lo: inner, .. } => Expr::slice(*arg, hi + inner, lo + inner),
            arg => Expr::slice(arg, hi, lo),
        },
        Expr::Binary { op, lhs, rhs } => fold::binary(op, replaced(*lhs, by), replaced(*rhs, by)),
        Expr::Unary { op, arg } => fold::unary(op, replaced(*arg, by)),
        Expr::Mux {
            cond,
            then,
            otherwise,
        } => fold::mux(
            replaced(*cond, by),
            replaced(*then, by),
            replaced(*otherwise, by),
        ),
        Expr::Resize {
            arg,
            width,
            is_signed,
        } => match replaced(*arg, by) {
            Expr::Const(bits) => Expr::Const(bits.resize(width, is_signed)),
            arg => Expr::resize(arg, width, is_signed),
        },
        other => other.map_args(&mut |arg| replaced(arg, by)),
    }
}

/// The same in what names a whole field.
fn replace_field(field: &mut FieldId, by: &HashMap<FieldId, Replacement>) {
    if let Some(replacement) = by.get(field)
        && let Expr::Field(new) = replacement.read
    {
        *field = new;
    }
}

/// The same in a place.
fn replace_place(place: &mut Place, by: &HashMap<FieldId, Replacement>) {
    let Some(slot) = place
        .field()
        .and_then(|field| by.get(&field))
        .and_then(|replacement| replacement.write)
    else {
        return;
    };
    *place = match *place {
        Place::FieldSlice { hi, lo, .. } => slot.slice(hi, lo).place(),
        _ => slot.place(),
    };
}
