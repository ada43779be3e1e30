//! Expressions, types and arguments as P4, with the parentheses that the tree needs.

use crate::ast::{
    Argument, ArgumentValue, Direction, Expr, ExprKind, NamedExpr, Parameter, Path, Type, TypeKind,
    UnaryOp,
};
use crate::print::Printer;
use crate::tree::tightness;

/// Binds tighter than every operator of two operands.
const UNARY: u8 = 11;
/// Binds tighter than every operator: what postfixes may follow.
const PRIMARY: u8 = 12;

impl Printer {
    pub(super) fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            ExprKind::Int(literal) => self.put(&literal.text),
            ExprKind::String(text) => self.string(text),
            ExprKind::Path(path) => self.path(path),
            ExprKind::This => self.put("this"),
            ExprKind::Dots => self.put("..."),
            ExprKind::Invalid => self.put("{#}"),
            ExprKind::List(list) => {
                self.put("{");
                self.list(list, Self::expr);
                self.put("}");
            }
            ExprKind::Struct { fields, has_dots } => {
                self.put("{");
                self.list(fields, Self::named_expr);
                self.put(if *has_dots { ", ...}" } else { "}" });
            }
            ExprKind::Unary { op, operand } => {
                self.put(match op {
                    UnaryOp::Not => "!",
                    UnaryOp::Complement => "~",
                    UnaryOp::Negate => "-",
                    UnaryOp::Plus => "+",
                });
                self.bound(operand, UNARY);
            }
            ExprKind::Binary { op, left, right } => {
                // Operators group from the left.
                self.bound(left, tightness(*op));
                self.put(" ");
                self.put(op.sign());
                self.put(" ");
                self.bound(right, tightness(*op) + 1);
            }
            ExprKind::Conditional {
                condition,
                then,
                otherwise,
            } => {
                self.bound(condition, 1);
                self.put(" ? ");
                self.expr(then);
                self.put(" : ");
                self.expr(otherwise);
            }
            ExprKind::Cast { ty, operand } => {
                self.put("(");
                self.ty(ty);
                self.put(") ");
                self.bound(operand, UNARY);
            }
            ExprKind::Member { base, name } => {
                self.bound(base, PRIMARY);
                self.put(".");
                self.name(name);
            }
            ExprKind::TypeMember { ty, name } => {
                self.ty(ty);
                self.put(".");
                self.name(name);
            }
            ExprKind::Index { base, index } => self.subscript(base, index, None),
            ExprKind::Slice { base, hi, lo } => self.subscript(base, hi, Some((" : ", lo))),
            ExprKind::PlusSlice { base, lo, width } => {
                self.subscript(base, lo, Some((" +: ", width)));
            }
            ExprKind::Call {
                callee,
                type_args,
                args,
            } => {
                self.bound(callee, PRIMARY);
                if !type_args.is_empty() {
                    self.type_args(type_args);
                }
                self.arguments(args);
            }
        }
    }

    /// An expression, in parentheses if it does not bind this tight.
    fn bound(&mut self, expr: &Expr, tight: u8) {
        let own = match &expr.kind {
            ExprKind::Conditional { .. } => 0,
            ExprKind::Binary { op, .. } => tightness(*op),
            ExprKind::Unary { .. } | ExprKind::Cast { .. } => UNARY,
            ExprKind::Bool(_)
            | ExprKind::Int(_)
            | ExprKind::String(_)
            | ExprKind::Path(_)
            | ExprKind::This
            | ExprKind::Dots
            | ExprKind::Invalid
            | ExprKind::List(_)
            | ExprKind::Struct { .. }
            | ExprKind::Member { .. }
            | ExprKind::TypeMember { .. }
            | ExprKind::Index { .. }
            | ExprKind::Slice { .. }
            | ExprKind::PlusSlice { .. }
            | ExprKind::Call { .. } => PRIMARY,
        };
        if own < tight {
            self.parenthesized(expr);
        } else {
            self.expr(expr);
        }
    }

    pub(super) fn parenthesized(&mut self, expr: &Expr) {
        self.put("(");
        self.expr(expr);
        self.put(")");
    }

    fn subscript(&mut self, base: &Expr, first: &Expr, second: Option<(&str, &Expr)>) {
        self.bound(base, PRIMARY);
        self.put("[");
        self.expr(first);
        if let Some((sign, second)) = second {
            self.put(sign);
            self.expr(second);
        }
        self.put("]");
    }

    fn string(&mut self, text: &str) {
        self.put("\"");
        for c in text.chars() {
            match c {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                _ => self.text.push(c),
            }
        }
        self.put("\"");
    }

    pub(super) fn path(&mut self, path: &Path) {
        if path.is_absolute {
            self.put(".");
        }
        self.name(&path.name);
    }

    pub(super) fn named_expr(&mut self, field: &NamedExpr) {
        self.name(&field.name);
        self.put(" = ");
        self.expr(&field.value);
    }

    pub(super) fn arguments(&mut self, args: &[Argument]) {
        self.put("(");
        self.list(args, |printer, arg| {
            if let Some(name) = &arg.name {
                printer.name(name);
                printer.put(" = ");
            }
            match &arg.value {
                ArgumentValue::Expr(expr) => printer.expr(expr),
                ArgumentValue::DontCare => printer.put("_"),
            }
        });
        self.put(")");
    }

    pub(super) fn parameters(&mut self, params: &[Parameter]) {
        self.put("(");
        self.list(params, |printer, param| {
            printer.annotations(&param.annotations);
            printer.put(match param.direction {
                Direction::None => "",
                Direction::In => "in ",
                Direction::Out => "out ",
                Direction::InOut => "inout ",
            });
            printer.ty(&param.ty);
            printer.put(" ");
            printer.name(&param.name);
            printer.initializer(param.default.as_ref());
        });
        self.put(")");
    }

    /// ` = value`, if there is one.
    pub(super) fn initializer(&mut self, value: Option<&Expr>) {
        if let Some(value) = value {
            self.put(" = ");
            self.expr(value);
        }
    }

    pub(super) fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Void => self.put("void"),
            TypeKind::Bool => self.put("bool"),
            TypeKind::Error => self.put("error"),
            TypeKind::MatchKind => self.put("match_kind"),
            TypeKind::String => self.put("string"),
            TypeKind::Bit(width) => self.sized("bit", width.as_deref()),
            TypeKind::Int(width) => self.sized("int", Some(width)),
            TypeKind::Integer => self.put("int"),
            TypeKind::Varbit(width) => self.sized("varbit", Some(width)),
            TypeKind::Named(path) => self.path(path),
            TypeKind::Specialized { base, args } => {
                self.path(base);
                self.type_args(args);
            }
            TypeKind::Array { element, size } => {
                self.ty(element);
                self.put("[");
                self.expr(size);
                self.put("]");
            }
            TypeKind::Tuple(args) => {
                self.put("tuple");
                self.type_args(args);
            }
            TypeKind::List(element) => {
                self.put("list");
                self.type_args(std::slice::from_ref(element));
            }
            TypeKind::DontCare => self.put("_"),
            TypeKind::Derived(declaration) => self.declaration(declaration),
        }
    }

    fn sized(&mut self, word: &str, width: Option<&Expr>) {
        self.put(word);
        let Some(width) = width else {
            return;
        };
        self.put("<");
        match width.kind {
            ExprKind::Int(_) | ExprKind::Path(_) => self.expr(width),
            // A `>` in the width must not end the type.
            _ => self.parenthesized(width),
        }
        self.put(">");
    }

    pub(super) fn type_args(&mut self, args: &[Type]) {
        self.put("<");
        self.list(args, Self::ty);
        self.put(">");
    }
}
