//! Expressions.

use p4rmt_ir::{Expr, Id, LanePart, Place};
use p4rmt_source::Span;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::error::EmitError;
use crate::gress::{GressWriter, Part, Scope, count, span_code};
use crate::value::{Repr, Value};

impl GressWriter<'_> {
    /// The value of an expression.
    pub(crate) fn expr(&self, expr: &Expr, scope: &Scope) -> Result<Value, EmitError> {
        Ok(match expr {
            Expr::Const(value) => Value::constant(value),
            Expr::Field(field) => {
                Value::stored(self.gress.fields[*field].width, &self.fields[*field])
            }
            Expr::Param { index, width } => match scope.params.get(*index as usize) {
                Some((name, _)) => Value::stored(*width, &quote!(#name)),
                None => return Err(unsupported("data of another action", scope.span)),
            },
            Expr::Local { local, width } => match scope.locals.get(local.index()) {
                Some((name, _)) => Value::stored(*width, &quote!(#name)),
                None => return Err(unsupported("a variable of another action", scope.span)),
            },
            Expr::Slice { arg, hi, lo } => self.expr(arg, scope)?.slice(*hi, *lo),
            Expr::Unary { op, arg } => Value::unary(*op, &self.expr(arg, scope)?),
            Expr::Binary { op, lhs, rhs } => {
                Value::binary(*op, &self.expr(lhs, scope)?, &self.expr(rhs, scope)?)
            }
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => self.expr(arg, scope)?.resize(*width, *is_signed),
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => Value::mux(
                &self.expr(cond, scope)?,
                &self.expr(then, scope)?,
                &self.expr(otherwise, scope)?,
            ),
            Expr::Lookahead { offset, width } => {
                if scope.part != Part::Parser {
                    return Err(unsupported("a lookahead outside a parser", scope.span));
                }
                let fail = self.fail(self.errors.packet_too_short, scope.span);
                let ty = Repr::of(*width).ty();
                let (offset, width_token) = (
                    Literal::u32_unsuffixed(*offset),
                    Literal::u32_unsuffixed(*width),
                );
                let ahead = quote!(cx.ahead(#offset, #width_token).ok_or(#fail)?);
                match Repr::of(*width) {
                    Repr::Wide => Value::simple(*width, ahead),
                    _ => Value::simple(*width, quote!(rt::narrow::<#ty>(&#ahead))),
                }
            }
            Expr::MathUnit { unit, arg, width } => {
                let (arg, ty) = (self.expr(arg, scope)?.as_bits(), Repr::of(*width).ty());
                let (unit, token) = (
                    &self.math_units[unit.index()],
                    Literal::u32_unsuffixed(*width),
                );
                Value::simple(
                    *width,
                    quote!(rt::math::<#ty>(&g.math_units.#unit, &#arg, #token)),
                )
            }
            Expr::Lane(lane) => {
                let (width, is_largest) = (lane.op.width(), lane.op.is_largest);
                let ty = Repr::of(width).ty();
                let bits = Literal::u32_unsuffixed(lane.op.lane_bits);
                let part = match lane.op.part {
                    LanePart::Number => quote!(Number),
                    LanePart::Index => quote!(Index),
                    LanePart::Word => quote!(Word),
                };
                let op = quote!(rt::LaneOp {
                    is_largest: #is_largest, lane_bits: #bits, part: rt::LanePart::#part,
                });
                let args = lane.args().map(|arg| self.expr(arg, scope));
                let [word, mask, change] = args.map(|arg| arg.map(|arg| arg.as_bits()));
                let (word, mask, change) = (word?, mask?, change?);
                Value::simple(
                    width,
                    quote!(rt::lane::<#ty>(#op, &#word, &#mask, &#change)),
                )
            }
        })
    }

    /// A parser error.
    pub(crate) fn fail(&self, error: u32, span: Span) -> TokenStream {
        let (error, span) = (Literal::u32_unsuffixed(error), span_code(span));
        quote!(rt::Context::fail(#error, #span))
    }

    /// The arguments as one number, the first in the highest bits.
    pub(crate) fn pieces(&self, args: &[Expr], scope: &Scope) -> Result<Vec<Value>, EmitError> {
        args.iter().map(|arg| self.expr(arg, scope)).collect()
    }

    /// Writes a place.
    pub(crate) fn store(
        &self,
        place: &Place,
        value: &Value,
        span: Span,
        scope: &Scope,
    ) -> TokenStream {
        let (path, width, slice, watched) = match place {
            Place::Field(field) | Place::FieldSlice { field, .. } => {
                let slice = match place {
                    Place::FieldSlice { hi, lo, .. } => Some((*hi, *lo)),
                    _ => None,
                };
                let width = self.gress.fields[*field].width;
                let path = self.fields[*field].clone();
                (path, width, slice, self.watched_at[field.index()])
            }
            Place::Local(local) | Place::LocalSlice { local, .. } => {
                let slice = match place {
                    Place::LocalSlice { hi, lo, .. } => Some((*hi, *lo)),
                    _ => None,
                };
                let (name, width) = &scope.locals[local.index()];
                (quote!(#name), *width, slice, None)
            }
        };
        let value = match slice {
            Some((hi, lo)) => Value::stored(width, &path).with_slice(hi, lo, value),
            None => value.resize(width, false),
        };
        let code = &value.code;
        let wrote = watched.map(|position| {
            let (position, span) = (count(position), span_code(span));
            quote!(cx.wrote(#position, #span);)
        });
        quote!(#path = #code; #wrote)
    }
}

pub(crate) fn unsupported(construct: &'static str, span: Span) -> EmitError {
    EmitError::Unsupported { construct, span }
}

/// Whether an expression looks ahead.
pub(crate) fn looks_ahead(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |expr| found |= matches!(expr, Expr::Lookahead { .. }));
    found
}
