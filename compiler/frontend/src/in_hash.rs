//! `@in_hash { … }`: assignments whose values come from the hash matrix, not from action ALUs.
//!
//! The matrix gives each bit as the exclusive or of some bits of the crossbars, and hash distribution
//! brings it to the action like data of an entry: wherever it is wanted, from fields anywhere. So fields
//! and slices of them put together, exclusive ors, and masks by constants become an identity hash. Of
//! any other operation, one operand comes this way, as the vendor's compiler has it. `@in_vliw` ends it.

use p4rmt_ir::{BinaryOp, Call, CallKind, Expr, GressRole, Hash, HashAlgorithm, HashId, StmtKind};
use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::lower::{Lower, Unit};
use crate::storage::{Slot, Storage};
use crate::types::Type;

/// The name of the hashes that the annotation makes.
const NAME: &str = "in_hash";

impl Lower<'_> {
    /// Whether the statements of a block get their values from the hash matrix.
    pub(crate) fn is_in_hash(&self, block: &ast::Block) -> bool {
        let has = |name: &str| {
            let mut annotations = block.annotations.iter();
            annotations.any(|annotation| annotation.name.text == name)
        };
        let has_matrix =
            self.role != GressRole::Whole && matches!(self.unit, Unit::Control | Unit::Action);
        (self.in_hash || (has_matrix && has(NAME))) && !has("in_vliw")
    }

    /// Assigns a value that comes from the hash matrix, as far as it can.
    pub(crate) fn assign_in_hash(&mut self, slot: Slot, value: Expr, span: Span) {
        if is_of_matrix(&value) {
            self.emit_hash(slot, value, span);
            return;
        }
        let value = match value {
            Expr::Binary { op, lhs, rhs } => match hashed_operand(&lhs, &rhs, &slot.read()) {
                Some(Side::Left) => Expr::binary(op, self.hashed(*lhs, span), *rhs),
                Some(Side::Right) => Expr::binary(op, *lhs, self.hashed(*rhs, span)),
                None => Expr::binary(op, *lhs, *rhs),
            },
            value => value,
        };
        self.emit_assign(span, slot.place(), value);
    }

    /// The value of an expression as the matrix gives it.
    fn hashed(&mut self, value: Expr, span: Span) -> Expr {
        let width = value.width_in(&self.gress.fields);
        match self.temporary(NAME, &Type::bit(width), span) {
            Some(Storage::Leaf(slot)) => {
                self.emit_hash(slot, value, span);
                slot.read()
            }
            _ => value,
        }
    }

    fn emit_hash(&mut self, slot: Slot, value: Expr, span: Span) {
        let hash = self.identity(slot.width(), span);
        let args = vec![value];
        let kind = CallKind::Hash { hash, args };
        let outs = vec![Some(slot.place())];
        self.emit(span, StmtKind::Call(Call { kind, outs }));
    }

    /// The identity of so many bits.
    fn identity(&mut self, width: u32, span: Span) -> HashId {
        let is_it = |hash: &Hash| hash.width == width && hash.name == NAME;
        let known = self.gress.hashes.iter().find(|(_, hash)| is_it(hash));
        match known.map(|(id, _)| id) {
            Some(id) => id,
            None => self.gress.hashes.push(Hash {
                name: NAME.to_owned(),
                algorithm: HashAlgorithm::Identity,
                width,
                span,
            }),
        }
    }
}

/// An operand of two.
enum Side {
    Left,
    Right,
}

/// The operand that comes from the matrix: one that has a field, rather the right one, but not what the
/// result takes the place of.
fn hashed_operand(lhs: &Expr, rhs: &Expr, own: &Expr) -> Option<Side> {
    let suits = |side: &Expr| is_of_matrix(side) && side != own;
    if suits(rhs) {
        Some(Side::Right)
    } else if suits(lhs) {
        Some(Side::Left)
    } else {
        None
    }
}

/// Whether the hash matrix can give a value: it has a field, and nothing that is not on a crossbar.
fn is_of_matrix(value: &Expr) -> bool {
    let mut has_field = false;
    is_linear(value, &mut has_field) && has_field
}

/// Whether each bit is an exclusive or of bits of fields and a constant.
fn is_linear(value: &Expr, has_field: &mut bool) -> bool {
    match value {
        Expr::Const(_) => true,
        Expr::Field(_) => {
            *has_field = true;
            true
        }
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => is_linear(arg, has_field),
        Expr::Binary { op, lhs, rhs } => {
            let is_masked = matches!(**lhs, Expr::Const(_)) || matches!(**rhs, Expr::Const(_));
            let is_possible = match op {
                BinaryOp::Xor | BinaryOp::Concat => true,
                BinaryOp::And | BinaryOp::Or => is_masked,
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::DivU
                | BinaryOp::RemU
                | BinaryOp::AddSatU
                | BinaryOp::SubSatU
                | BinaryOp::AddSatS
                | BinaryOp::SubSatS
                | BinaryOp::Shl
                | BinaryOp::ShrU
                | BinaryOp::ShrS
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::LtU
                | BinaryOp::LeU
                | BinaryOp::LtS
                | BinaryOp::LeS => false,
            };
            is_possible && is_linear(lhs, has_field) && is_linear(rhs, has_field)
        }
        Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::Lane(_)
        | Expr::MathUnit { .. } => false,
    }
}
