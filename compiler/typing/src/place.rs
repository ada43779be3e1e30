//! Places: what can be written to (clause 6.6).

use p4rmt_syntax::ast::{Direction, Expr, ExprKind};

use crate::check::{Body, Checker};
use crate::decl::{DeclId, Node, ParamRole};
use crate::error::ErrorKind;
use crate::typed::{Address, MemberOf};

impl<'a> Checker<'a> {
    /// Reports if an expression that has been looked at cannot be written to.
    pub(crate) fn check_place(&mut self, expr: &'a Expr) {
        if self.operand(expr).ty.is_poison() {
            return;
        }
        match &expr.kind {
            ExprKind::Path(path) => {
                let Some(id) = self.tables.paths.get(&Address::of(path)).copied() else {
                    return;
                };
                if !self.is_writable(id) {
                    let name = path.name.text.clone();
                    let at = self.decl(id).span;
                    self.error_with(expr.span, ErrorKind::ReadOnly { name }, at, "declared here");
                }
            }
            ExprKind::Member { base, .. } => match self.tables.members.get(&Address::of(expr)) {
                Some(MemberOf::Field(_) | MemberOf::StackNext) => self.check_place(base),
                _ => {
                    self.error(expr.span, ErrorKind::NotAssignable);
                }
            },
            ExprKind::Index { base, .. }
            | ExprKind::Slice { base, .. }
            | ExprKind::PlusSlice { base, .. } => {
                self.check_place(base);
            }
            _ => {
                self.error(expr.span, ErrorKind::NotAssignable);
            }
        }
    }

    fn is_writable(&self, id: DeclId) -> bool {
        match self.decl(id).node {
            Node::Variable(_) => true,
            Node::Param(param, role) => match param.direction {
                Direction::Out | Direction::InOut => true,
                Direction::In => false,
                // Action data is the action's own.
                Direction::None => role == ParamRole::Action && self.place.body == Body::Action,
            },
            _ => false,
        }
    }
}
