//! Expressions and places: ids, widths, slices, and where each kind may stand.

use super::{Checker, Part, Rule, Scope};
use crate::{BinaryOp, Expr, Id, LaneExpr, LaneOp, Place};

impl Checker<'_> {
    /// Checks an expression; its width if that can be told.
    pub(super) fn expr(&mut self, expr: &Expr, scope: Scope<'_>) -> Option<u32> {
        match expr {
            Expr::Const(bits) => {
                self.width(bits.width());
                Some(bits.width())
            }
            Expr::Field(field) => {
                let fields = &self.gress.fields;
                self.known(fields, *field).map(|field| field.width)
            }
            Expr::Param { index, width } => self.param(*index, *width, scope),
            Expr::Local { local, width } => {
                let found = self.local(*local, scope);
                self.same_width("a local", Some(*width), found);
                Some(*width)
            }
            Expr::Slice { arg, hi, lo } => {
                let width = self.expr(arg, scope);
                self.slice(*hi, *lo, width)
            }
            Expr::Unary { arg, .. } => self.expr(arg, scope),
            Expr::Binary { op, lhs, rhs } => self.binary(*op, lhs, rhs, scope),
            Expr::Resize { arg, width, .. } => {
                self.expr(arg, scope);
                self.width(*width);
                Some(*width)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                self.condition(cond, scope);
                let then = self.expr(then, scope);
                let otherwise = self.expr(otherwise, scope);
                self.same_width("a choice", otherwise, then);
                then
            }
            Expr::Lookahead { width, .. } => {
                if scope.part != Part::Parser {
                    self.misplaced("a look ahead", scope.part);
                }
                self.width(*width);
                Some(*width)
            }
            Expr::MathUnit { unit, arg, width } => {
                if scope.part != Part::RegisterAction {
                    self.misplaced("a math unit", scope.part);
                }
                let units = &self.gress.math_units;
                self.known(units, *unit);
                self.expr(arg, scope);
                self.width(*width);
                Some(*width)
            }
            Expr::Lane(lane) => {
                if scope.part != Part::RegisterAction {
                    self.misplaced("a search in lanes", scope.part);
                }
                let LaneExpr {
                    op,
                    word,
                    mask,
                    change,
                } = &**lane;
                let bits = if op.lane_bits == 16 { 16 } else { 8 };
                self.same_width("a lane", Some(op.lane_bits), Some(bits));
                let wanted = [LaneOp::WORD_BITS, LaneOp::WORD_BITS / bits, bits];
                let args = [("a word", word), ("a mask", mask), ("a change", change)];
                for ((what, arg), wanted) in args.into_iter().zip(wanted) {
                    let width = self.expr(arg, scope);
                    self.same_width(what, width, Some(wanted));
                }
                Some(op.width())
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr, scope: Scope<'_>) -> Option<u32> {
        let left = self.expr(lhs, scope);
        let right = self.expr(rhs, scope);
        if op == BinaryOp::Concat {
            let width = left?.saturating_add(right?);
            self.width(width);
            return Some(width);
        }
        if !op.is_shift() {
            self.same_width("a right operand", right, left);
        }
        if op.is_comparison() { Some(1) } else { left }
    }

    fn param(&mut self, index: u32, width: u32, scope: Scope<'_>) -> Option<u32> {
        self.width(width);
        if let Some(params) = scope.params {
            match params.get(index as usize) {
                Some(param) => {
                    self.same_width("a parameter", Some(width), Some(param.width));
                }
                None => self.fail(Rule::UnknownId {
                    id: format!("p{index}"),
                }),
            }
        }
        Some(width)
    }

    fn local(&mut self, local: crate::LocalId, scope: Scope<'_>) -> Option<u32> {
        let width = scope.locals.get(local.index()).copied();
        if width.is_none() {
            self.fail(Rule::UnknownId {
                id: local.to_string(),
            });
        }
        width
    }

    fn slice(&mut self, hi: u32, lo: u32, width: Option<u32>) -> Option<u32> {
        let width = width?;
        if lo > hi || hi >= width {
            self.fail(Rule::BadSlice { hi, lo, width });
            return None;
        }
        Some(hi - lo + 1)
    }

    /// Checks an expression of one bit.
    pub(super) fn condition(&mut self, cond: &Expr, scope: Scope<'_>) {
        let width = self.expr(cond, scope);
        self.same_width("a condition", width, Some(1));
    }

    /// Checks what is written; its width if that can be told.
    pub(super) fn place(&mut self, place: &Place, scope: Scope<'_>) -> Option<u32> {
        if place.field().is_some() && scope.part == Part::RegisterAction {
            self.misplaced("a write to a field", scope.part);
        }
        match place {
            Place::Field(field) => {
                let fields = &self.gress.fields;
                self.known(fields, *field).map(|field| field.width)
            }
            Place::FieldSlice { field, hi, lo } => {
                let fields = &self.gress.fields;
                let width = self.known(fields, *field).map(|field| field.width);
                self.slice(*hi, *lo, width)
            }
            Place::Local(local) => self.local(*local, scope),
            Place::LocalSlice { local, hi, lo } => {
                let width = self.local(*local, scope);
                self.slice(*hi, *lo, width)
            }
        }
    }
}
