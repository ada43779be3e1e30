//! Trees of expressions: chains of operators become trees by how tight they bind.

use num_bigint::BigUint;
use p4rmt_source::Span;
use pest::iterators::Pair;

use crate::ast::{BinaryOp, Expr, ExprKind, IntLiteral, NamedExpr, Type, TypeKind, UnaryOp};
use crate::codes;
use crate::grammar::Rule;
use crate::tree::{Builder, Parts};

/// The digits that a number may have: more than the widest type (2,048 bits) needs, in any base.
const MAX_DIGITS: usize = 4096;

/// What stands before an operand.
enum Prefix {
    Operator(UnaryOp, Span),
    Cast(Type, Span),
}

impl Builder<'_> {
    /// An `expr` or a `width`.
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        // Each operator makes the tree one level deeper, at worst.
        let n_levels = 1 + pair
            .clone()
            .into_inner()
            .filter(|pair| pair.as_rule() == Rule::infix)
            .count();
        self.deeper(n_levels, span, |builder| builder.chain(pair))
            .unwrap_or_else(|| cut_off(span))
    }

    fn chain(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts = self.parts(pair);
        let mut operands = vec![self.operand(parts.take())];
        let mut operators: Vec<BinaryOp> = Vec::new();
        while let Some(infix) = parts.take_if(Rule::infix) {
            let op = binary_op(infix.as_str());
            reduce(&mut operands, &mut operators, tightness(op));
            operators.push(op);
            operands.push(self.operand(parts.take()));
        }
        reduce(&mut operands, &mut operators, 0);
        let chain = operands
            .pop()
            .expect("there is one operand more than operators");
        let Some(then) = parts.next() else {
            return chain;
        };
        let then = self.expr(then);
        let otherwise = self.expr(parts.take());
        let span = chain.span.join(otherwise.span);
        let kind = ExprKind::Conditional {
            condition: Box::new(chain),
            then: Box::new(then),
            otherwise: Box::new(otherwise),
        };
        Expr { kind, span }
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let n_levels = pair.clone().into_inner().count();
        self.deeper(n_levels, span, |builder| builder.shallow_operand(pair))
            .unwrap_or_else(|| cut_off(span))
    }

    fn shallow_operand(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts = self.parts(pair);
        let mut prefixes = Vec::new();
        loop {
            if let Some(prefix) = parts.take_if(Rule::prefix) {
                prefixes.push(Prefix::Operator(
                    unary_op(prefix.as_str()),
                    self.span(&prefix),
                ));
            } else if let Some(cast) = parts.take_if(Rule::cast) {
                let span = self.span(&cast);
                let ty = self.parts(cast).take();
                prefixes.push(Prefix::Cast(self.type_ref(ty), span));
            } else {
                break;
            }
        }
        let primary = parts.take();
        let primary = self.primary(primary);
        let operand = self.postfixes(primary, &mut parts);
        prefixes.into_iter().rev().fold(operand, |operand, prefix| {
            let operand = Box::new(operand);
            let (kind, span) = match prefix {
                Prefix::Operator(op, at) => {
                    let span = at.join(operand.span);
                    (ExprKind::Unary { op, operand }, span)
                }
                Prefix::Cast(ty, at) => {
                    let span = at.join(operand.span);
                    (ExprKind::Cast { ty, operand }, span)
                }
            };
            Expr { kind, span }
        })
    }

    pub(super) fn lvalue(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let n_levels = pair.clone().into_inner().count();
        self.deeper(n_levels, span, |builder| {
            let mut parts = builder.parts(pair);
            let primary = parts.take();
            let primary = builder.primary(primary);
            builder.postfixes(primary, &mut parts)
        })
        .unwrap_or_else(|| cut_off(span))
    }

    fn primary(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::integer => ExprKind::Int(self.int_literal(span)),
            Rule::string => ExprKind::String(unescape(self.text_of(span))),
            Rule::k_true => ExprKind::Bool(true),
            Rule::k_false => ExprKind::Bool(false),
            Rule::k_this => ExprKind::This,
            Rule::dots => ExprKind::Dots,
            Rule::invalid => ExprKind::Invalid,
            Rule::parenthesized => {
                let inner = self.parts(pair).take();
                self.expr(inner).kind
            }
            Rule::lvalue_parens => {
                let inner = self.parts(pair).take();
                self.lvalue(inner).kind
            }
            Rule::struct_literal => {
                let mut parts = self.parts(pair);
                let fields = self.field_list(parts.take());
                let has_dots = parts.has(Rule::dots);
                ExprKind::Struct { fields, has_dots }
            }
            Rule::list_literal => {
                let list = self.parts(pair).next();
                ExprKind::List(list.map_or_else(Vec::new, |list| self.expr_list(list)))
            }
            Rule::error_member => {
                let ty = Type {
                    kind: TypeKind::Error,
                    span: Span::new(span.lo, span.lo + 5),
                };
                let name = self.name(&self.parts(pair).take());
                ExprKind::TypeMember { ty, name }
            }
            _ => ExprKind::Path(self.path(pair)),
        };
        Expr { kind, span }
    }

    /// A number on its own.
    pub(super) fn integer(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        let span = self.span(pair);
        Expr {
            kind: ExprKind::Int(self.int_literal(span)),
            span,
        }
    }

    /// `( … )` on its own.
    pub(super) fn parenthesized(&mut self, pair: Pair<'_, Rule>) -> Expr {
        self.primary(pair)
    }

    /// The operand with all that follows it.
    fn postfixes(&mut self, operand: Expr, parts: &mut Parts<'_>) -> Expr {
        let mut expr = operand;
        let mut type_args = Vec::new();
        while let Some(postfix) = parts.next() {
            let span = expr.span.join(self.span(&postfix));
            let rule = postfix.as_rule();
            let mut inner = self.parts(postfix);
            let kind = match rule {
                Rule::call_type_args => {
                    type_args = self.type_args(inner.take());
                    continue;
                }
                Rule::member => {
                    let name = self.name(&inner.take());
                    let args = std::mem::take(&mut type_args);
                    match expr.kind {
                        ExprKind::Path(base) if !args.is_empty() => {
                            let kind = TypeKind::Specialized { base, args };
                            let ty = Type {
                                kind,
                                span: expr.span,
                            };
                            ExprKind::TypeMember { ty, name }
                        }
                        kind => {
                            let base = Expr {
                                kind,
                                span: expr.span,
                            };
                            ExprKind::Member {
                                base: Box::new(base),
                                name,
                            }
                        }
                    }
                }
                Rule::arguments => ExprKind::Call {
                    callee: Box::new(expr),
                    type_args: std::mem::take(&mut type_args),
                    args: self.argument_list(inner),
                },
                _ => self.subscript(Box::new(expr), inner),
            };
            expr = Expr { kind, span };
        }
        expr
    }

    fn subscript(&mut self, base: Box<Expr>, mut inner: Parts<'_>) -> ExprKind {
        let first = Box::new(self.expr(inner.take()));
        let is_plus = inner.has(Rule::plus_colon);
        match self.optional_expr(&mut inner).map(Box::new) {
            None => ExprKind::Index { base, index: first },
            Some(width) if is_plus => ExprKind::PlusSlice {
                base,
                lo: first,
                width,
            },
            Some(lo) => ExprKind::Slice {
                base,
                hi: first,
                lo,
            },
        }
    }

    pub(super) fn field_list(&mut self, pair: Pair<'_, Rule>) -> Vec<NamedExpr> {
        let mut parts = self.parts(pair);
        let mut fields = Vec::new();
        while let Some(field) = parts.next() {
            fields.push(self.named_expr(field));
        }
        fields
    }

    /// `name = value`.
    pub(super) fn named_expr(&mut self, pair: Pair<'_, Rule>) -> NamedExpr {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.take());
        let value = self.expr(parts.take());
        NamedExpr { name, value }
    }

    pub(super) fn expr_list(&mut self, pair: Pair<'_, Rule>) -> Vec<Expr> {
        let mut parts = self.parts(pair);
        let mut list = Vec::new();
        while let Some(expr) = parts.next() {
            list.push(self.expr(expr));
        }
        list
    }

    fn int_literal(&mut self, span: Span) -> IntLiteral {
        let text = self.text_of(span);
        match parse_integer(text) {
            Ok((value, width)) => IntLiteral {
                value,
                width,
                text: text.to_owned(),
            },
            Err(reason) => {
                let shown: String = text.chars().take(40).collect();
                let message = format!("`{shown}` is not a number: {reason}");
                let help = "write digits, `0x…`, `0b…` or `0o…`, with a width in front if need be: `8w0xff`, `8s1`";
                self.error(codes::BAD_NUMBER, span, message, help);
                IntLiteral {
                    value: BigUint::ZERO,
                    width: None,
                    text: "0".to_owned(),
                }
            }
        }
    }
}

/// What stands for a tree that would be too deep.
fn cut_off(span: Span) -> Expr {
    Expr {
        kind: ExprKind::Dots,
        span,
    }
}

/// Why a number has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum NumberError {
    #[error("it has no digits")]
    NoDigits,
    #[error("`{0}` is no digit of its base")]
    BadDigit(char),
    #[error("its width does not fit 32 bits")]
    BadWidth,
    #[error("it has more than {MAX_DIGITS} digits")]
    TooLong,
}

/// The value of a number, and its width with whether it is signed.
fn parse_integer(text: &str) -> Result<(BigUint, Option<(u32, bool)>), NumberError> {
    let (width, rest) = match text.split_once(['w', 's']) {
        Some((width, rest)) if width.bytes().all(|byte| byte.is_ascii_digit()) => {
            let is_signed = text.as_bytes().get(width.len()) == Some(&b's');
            let width = width.parse().map_err(|_| NumberError::BadWidth)?;
            (Some((width, is_signed)), rest)
        }
        _ => (None, text),
    };
    let base = rest.get(..2).map(str::to_ascii_lowercase);
    let (digits, radix) = match base.as_deref() {
        Some("0x") => (&rest[2..], 16),
        Some("0d") => (&rest[2..], 10),
        Some("0o") => (&rest[2..], 8),
        Some("0b") => (&rest[2..], 2),
        _ => (rest, 10),
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() {
        return Err(NumberError::NoDigits);
    }
    if digits.len() > MAX_DIGITS {
        return Err(NumberError::TooLong);
    }
    if let Some(bad) = digits.chars().find(|digit| !digit.is_digit(radix)) {
        return Err(NumberError::BadDigit(bad));
    }
    let value = BigUint::parse_bytes(digits.as_bytes(), radix);
    Ok((value.expect("every digit is one of the base"), width))
}

/// The text that a string stands for. `\"`, `\\` and `\n` are escapes; any other backslash is one.
fn unescape(quoted: &str) -> String {
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(quoted);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = match (c, chars.peek()) {
            ('\\', Some('"')) => '"',
            ('\\', Some('\\')) => '\\',
            ('\\', Some('n')) => '\n',
            _ => {
                text.push(c);
                continue;
            }
        };
        chars.next();
        text.push(escaped);
    }
    text
}

/// Joins the last operands by operators that bind at least as tight as this.
fn reduce(operands: &mut Vec<Expr>, operators: &mut Vec<BinaryOp>, tight: u8) {
    while let Some(op) = operators.pop_if(|op| tightness(*op) >= tight) {
        let right = operands.pop().expect("an operator has a right operand");
        let left = operands.pop().expect("an operator has a left operand");
        let span = left.span.join(right.span);
        let kind = ExprKind::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        };
        operands.push(Expr { kind, span });
    }
}

/// How tight an operator binds; all of them group from the left.
pub(crate) fn tightness(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::Eq | BinaryOp::Ne => 3,
        BinaryOp::Lt | BinaryOp::Gt | BinaryOp::Le | BinaryOp::Ge => 4,
        BinaryOp::BitOr => 5,
        BinaryOp::BitXor => 6,
        BinaryOp::BitAnd => 7,
        BinaryOp::Shl | BinaryOp::Shr => 8,
        BinaryOp::Concat | BinaryOp::Add | BinaryOp::Sub | BinaryOp::AddSat | BinaryOp::SubSat => 9,
        BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 10,
    }
}

pub(super) fn binary_op(text: &str) -> BinaryOp {
    match text {
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Mod,
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "|+|" => BinaryOp::AddSat,
        "|-|" => BinaryOp::SubSat,
        "<<" => BinaryOp::Shl,
        ">>" => BinaryOp::Shr,
        "<=" => BinaryOp::Le,
        ">=" => BinaryOp::Ge,
        "<" => BinaryOp::Lt,
        ">" => BinaryOp::Gt,
        "!=" => BinaryOp::Ne,
        "==" => BinaryOp::Eq,
        "&" => BinaryOp::BitAnd,
        "^" => BinaryOp::BitXor,
        "|" => BinaryOp::BitOr,
        "++" => BinaryOp::Concat,
        "&&" => BinaryOp::And,
        _ => BinaryOp::Or,
    }
}

/// The operator that a text begins with; blanks may follow it.
fn unary_op(text: &str) -> UnaryOp {
    match text.as_bytes().first() {
        Some(b'!') => UnaryOp::Not,
        Some(b'~') => UnaryOp::Complement,
        Some(b'-') => UnaryOp::Negate,
        _ => UnaryOp::Plus,
    }
}
