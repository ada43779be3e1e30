//! Places: which one an expression names, what is known of one that is declared or written, and what
//! lies on the way to it.

use p4rmt_syntax::ast::{self, Direction, Expr, ExprKind};

use crate::decl::{DeclId, Node};
use crate::typed::MemberOf;
use crate::types::{Sort, Type, TypeKind};
use crate::warnings::flow::Flow;
use crate::warnings::state::{Fact, Place, State};

/// The most parts of a variable that are told apart.
const MAX_PARTS: usize = 256;

impl<'a> Flow<'_, '_, '_, 'a> {
    /// Whether a value of the type is set as a whole.
    pub(super) fn is_single(&self, ty: Type) -> bool {
        match self.check.types.kind(ty) {
            TypeKind::Bool | TypeKind::Bits { .. } | TypeKind::Error => true,
            TypeKind::Named { sort, .. } => {
                matches!(sort, Sort::Enum | Sort::SerializableEnum | Sort::NewType)
            }
            _ => false,
        }
    }

    /// Whether it is the type of a header.
    pub(super) fn is_header(&self, ty: Type) -> bool {
        matches!(
            self.check.types.kind(ty),
            TypeKind::Named {
                sort: Sort::Header,
                ..
            }
        )
    }

    /// Declares what comes in by `out` parameters: nothing.
    pub(super) fn out_params(&mut self, params: &'a [ast::Parameter], state: &mut State) {
        for param in params {
            if param.direction == Direction::Out
                && let Some(root) = self.check.declared(&param.name)
            {
                self.declare(root, state);
            }
        }
    }

    /// Declares a variable without a value.
    pub(super) fn declare(&mut self, root: DeclId, state: &mut State) {
        let ty = self.check.decl(root).ty;
        let place = Place {
            root,
            path: Vec::new(),
        };
        let mut n_parts = 0;
        self.parts(ty, place, state, &mut n_parts);
    }

    /// Declares a place, and what it consists of.
    fn parts(&mut self, ty: Type, place: Place, state: &mut State, n_parts: &mut usize) {
        *n_parts += 1;
        if *n_parts > MAX_PARTS {
            return;
        }
        if self.is_single(ty) {
            state.set_value(place, Fact::BAD);
            return;
        }
        let TypeKind::Named { sort, .. } = self.check.types.kind(ty) else {
            return;
        };
        match sort {
            Sort::Header => state.set_header(place, Fact::BAD),
            Sort::Struct => {
                if let Some(fields) = self.check.fields_of(ty) {
                    for (position, field) in fields.iter().enumerate() {
                        self.parts(field.ty, place.field(position), state, n_parts);
                    }
                }
            }
            Sort::Union
            | Sort::Enum
            | Sort::SerializableEnum
            | Sort::NewType
            | Sort::Extern
            | Sort::Parser
            | Sort::Control
            | Sort::Package => {}
        }
    }

    /// The place that an expression names, if it is one that is known of.
    pub(super) fn place(&mut self, expr: &Expr) -> Option<Place> {
        match &expr.kind {
            ExprKind::Path(path) => {
                let root = self.check.path_of(path)?;
                match self.check.decl(root).node {
                    Node::Variable(_) | Node::Param(..) => Some(Place {
                        root,
                        path: Vec::new(),
                    }),
                    _ => None,
                }
            }
            ExprKind::Member { base, .. } => {
                let Some(MemberOf::Field(position)) = self.check.member_of(expr) else {
                    return None;
                };
                // A member of a union changes with the others.
                let of = self.check.type_of(base);
                if let TypeKind::Named {
                    sort: Sort::Union, ..
                } = self.check.types.kind(of)
                {
                    return None;
                }
                Some(self.place(base)?.field(position))
            }
            _ => None,
        }
    }

    /// Looks at the way to a place: indices are read, and headers on it are valid.
    pub(super) fn way(&mut self, expr: &'a Expr, state: &mut State, is_write: bool) {
        match &expr.kind {
            ExprKind::Member { base, .. } => {
                let is_field = matches!(self.check.member_of(expr), Some(MemberOf::Field(_)));
                if is_field && self.is_header(self.check.type_of(base)) {
                    self.not_valid(expr, base, state, is_write);
                }
                self.way(base, state, is_write);
            }
            ExprKind::Index { base, index } => {
                self.way(base, state, is_write);
                self.read(index, state);
            }
            ExprKind::Slice { base, .. } => self.way(base, state, is_write),
            ExprKind::PlusSlice { base, lo, .. } => {
                self.way(base, state, is_write);
                self.read(lo, state);
            }
            ExprKind::Path(_) => {}
            _ => self.read(expr, state),
        }
    }

    /// Writes to a place, from a value if there is one.
    pub(super) fn write(&mut self, target: &'a Expr, value: Option<&'a Expr>, state: &mut State) {
        self.way(target, state, true);
        let mut whole = target;
        let mut is_part = false;
        while let ExprKind::Slice { base, .. } | ExprKind::PlusSlice { base, .. } = &whole.kind {
            whole = base;
            is_part = true;
        }
        let Some(place) = self.place(whole) else {
            return;
        };
        match value {
            Some(value) if !is_part => {
                let ty = self.check.type_of(whole);
                self.store(&place, ty, value, state);
            }
            _ => {
                state.set_all(&place);
                state.forget_headers(&place);
            }
        }
    }

    /// What is known of a place once it has a value.
    pub(super) fn store(&mut self, place: &Place, ty: Type, value: &Expr, state: &mut State) {
        state.set_all(place);
        let from = self.place(value);
        match (&value.kind, from) {
            (_, Some(from)) => state.copy_headers(place, &from),
            (ExprKind::Invalid, _) if self.is_header(ty) => {
                state.set_header(place.clone(), Fact::BAD);
            }
            (ExprKind::List(_) | ExprKind::Struct { .. }, _) if self.is_header(ty) => {
                state.set_header(place.clone(), Fact::GOOD);
            }
            _ => state.forget_headers(place),
        }
    }
}
