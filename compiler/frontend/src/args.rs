//! Arguments: matching them with parameters, and evaluating them in order.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, Direction, ExprKind};

use crate::error::ErrorKind;
use crate::lower::Lower;
use crate::scope::{Binding, ScopeId};
use crate::storage::Storage;
use crate::types::Type;
use crate::value::{Data, Value};

/// An argument, evaluated as its parameter wants it.
#[derive(Clone, Debug)]
pub(crate) enum Arg<'a> {
    /// For `in` and parameters without a direction.
    Value(Value),
    /// For `out` and `inout`.
    Place(Type, Storage),
    /// An instance, a type, or the like.
    Object(Binding<'a>),
    /// Left out, or not wanted.
    Omitted,
}

impl Arg<'_> {
    /// The value, if it is one.
    pub(crate) fn value(&self) -> Option<&Value> {
        match self {
            Self::Value(value) => Some(value),
            Self::Place(..) | Self::Object(_) | Self::Omitted => None,
        }
    }
}

/// Whether a parameter may go without an argument.
pub(crate) fn is_optional(param: &ast::Parameter) -> bool {
    param.default.is_some()
        || param
            .annotations
            .iter()
            .any(|annotation| annotation.name.text == "optional")
}

/// For each parameter where its argument is written; beyond them all for one without.
pub(crate) fn written_order(params: &[ast::Parameter], args: &[ast::Argument]) -> Vec<usize> {
    let position_of = |(position, param): (usize, &ast::Parameter)| {
        let named = args.iter().position(|arg| {
            arg.name
                .as_ref()
                .is_some_and(|name| name.text == param.name.text)
        });
        let is_positional = args.get(position).is_some_and(|arg| arg.name.is_none());
        named
            .or(is_positional.then_some(position))
            .unwrap_or(usize::MAX)
    };
    params.iter().enumerate().map(position_of).collect()
}

impl<'a> Lower<'a> {
    /// For each parameter the argument that it is given; complains and returns nothing if they do not
    /// match.
    pub(crate) fn match_args(
        &mut self,
        callee: &str,
        params: &'a [ast::Parameter],
        args: &'a [ast::Argument],
        span: Span,
    ) -> Option<Vec<Option<&'a ast::Argument>>> {
        let mut matched: Vec<Option<&'a ast::Argument>> = vec![None; params.len()];
        for (position, arg) in args.iter().enumerate() {
            let position = match &arg.name {
                None => position,
                Some(name) => {
                    let found = params.iter().position(|param| param.name.text == name.text);
                    let Some(found) = found.filter(|found| matched[*found].is_none()) else {
                        self.error(
                            name.span,
                            &ErrorKind::UnknownParameter {
                                callee: callee.to_owned(),
                                name: name.text.clone(),
                            },
                        );
                        return None;
                    };
                    found
                }
            };
            match matched.get_mut(position) {
                Some(slot) if slot.is_none() => *slot = Some(arg),
                _ => {
                    self.error(
                        span,
                        &ErrorKind::ArgumentCount {
                            callee: callee.to_owned(),
                            needed: params.len(),
                            available: args.len(),
                        },
                    );
                    return None;
                }
            }
        }
        for (param, arg) in params.iter().zip(&matched) {
            if arg.is_none() && !is_optional(param) {
                self.error(
                    span,
                    &ErrorKind::MissingArgument {
                        callee: callee.to_owned(),
                        name: param.name.text.clone(),
                    },
                );
                return None;
            }
        }
        Some(matched)
    }

    /// Matches arguments and evaluates them in the order in which they are written; what is left out
    /// comes last. Parameter types are looked up in `types`, where type parameters that are still open
    /// are bound to what the arguments say.
    pub(crate) fn arguments(
        &mut self,
        callee: &str,
        params: &'a [ast::Parameter],
        args: &'a [ast::Argument],
        types: ScopeId,
        span: Span,
    ) -> Option<Vec<Arg<'a>>> {
        let matched = self.match_args(callee, params, args, span)?;
        let order = written_order(params, args);
        let mut positions: Vec<usize> = (0..params.len()).collect();
        positions.sort_by_key(|position| order[*position]);
        let mut evaluated: Vec<Arg<'a>> = vec![Arg::Omitted; params.len()];
        let mut is_good = true;
        for position in positions {
            let param = &params[position];
            let ty = self.type_in(types, &param.ty);
            let mark = self.block().len();
            let arg = match matched[position] {
                None => match &param.default {
                    Some(default) => Arg::Value(self.expr_as(default, &ty)),
                    None => Arg::Omitted,
                },
                Some(arg) => self.argument(param, arg, &ty),
            };
            for earlier in &mut evaluated {
                if let Arg::Value(value) = earlier {
                    self.settle(value, mark, span);
                }
            }
            match &arg {
                Arg::Value(value) => {
                    is_good &= !value.is_poison();
                    self.infer(types, &ty, &value.ty);
                }
                Arg::Place(found, _) => {
                    is_good &= !found.is_poison();
                    self.infer(types, &ty, found);
                }
                Arg::Object(Binding::Poison) => is_good = false,
                Arg::Object(_) | Arg::Omitted => {}
            }
            evaluated[position] = arg;
        }
        is_good.then_some(evaluated)
    }

    /// One argument.
    fn argument(
        &mut self,
        param: &'a ast::Parameter,
        arg: &'a ast::Argument,
        ty: &Type,
    ) -> Arg<'a> {
        let expr = match &arg.value {
            ArgumentValue::Expr(expr) => expr,
            ArgumentValue::DontCare => return Arg::Omitted,
        };
        if matches!(ty, Type::Object { .. }) {
            return Arg::Object(self.object_argument(expr));
        }
        match param.direction {
            Direction::None | Direction::In => {
                let value = self.expr(expr, Some(ty));
                Arg::Value(self.coerce(value, ty, expr.span))
            }
            Direction::Out | Direction::InOut => match self.place(expr) {
                Some((found, storage)) => {
                    if !matches!(ty, Type::Var(_)) && found != *ty {
                        self.mismatch(expr.span, ty, &found);
                        return Arg::Place(Type::Poison, storage);
                    }
                    Arg::Place(found, storage)
                }
                None => Arg::Value(Value::poison()),
            },
        }
    }

    /// An argument that is an instance.
    pub(crate) fn object_argument(&mut self, expr: &'a ast::Expr) -> Binding<'a> {
        match &expr.kind {
            ExprKind::Path(path) => self.lookup(path),
            ExprKind::Call {
                callee,
                type_args,
                args,
            } => {
                let name = match &callee.kind {
                    ExprKind::Path(path) => self.dotted(&path.name.text),
                    _ => String::new(),
                };
                self.anonymous_instance(callee, type_args, args, name, expr.span)
            }
            _ => {
                self.mismatch_text(expr.span, "an instance", &Type::Void);
                Binding::Poison
            }
        }
    }

    /// A type as written, its names looked up in this scope.
    pub(crate) fn type_in(&mut self, scope: ScopeId, ty: &'a ast::Type) -> Type {
        let outer = std::mem::replace(&mut self.scope, scope);
        let ty = self.ty(ty);
        self.scope = outer;
        ty
    }

    /// Binds the type parameters of `wanted` to what stands in their place in `found`.
    fn infer(&mut self, scope: ScopeId, wanted: &Type, found: &Type) {
        match (wanted, found) {
            (Type::Var(name), found) => {
                if let Some(name) = self.var_name(scope, name) {
                    self.scopes.bind(scope, name, Binding::Type(found.clone()));
                }
            }
            (Type::Object { args: wanted, .. }, Type::Object { args: found, .. })
            | (Type::Tuple(wanted), Type::Tuple(found)) => {
                for (wanted, found) in wanted.iter().zip(found.iter()) {
                    self.infer(scope, wanted, found);
                }
            }
            _ => {}
        }
    }

    /// The name under which an open type parameter is bound in a scope.
    fn var_name(&self, scope: ScopeId, name: &str) -> Option<&'a str> {
        self.scopes
            .open_type_params(scope)
            .into_iter()
            .find(|open| *open == name)
    }

    /// A place that an expression names, with its type; complains if it cannot be written.
    pub(crate) fn place(&mut self, expr: &'a ast::Expr) -> Option<(Type, Storage)> {
        if let Some(name) = self.read_only_root(expr) {
            self.error(expr.span, &ErrorKind::ReadOnly { name });
            return None;
        }
        let value = self.expr(expr, None);
        match value.data {
            Data::Place(storage) => Some((value.ty, storage)),
            Data::Poison => None,
            _ => {
                self.error(expr.span, &ErrorKind::NotAssignable);
                None
            }
        }
    }

    /// The name that a place begins with, if it may not be written.
    fn read_only_root(&mut self, expr: &'a ast::Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Path(path) => match self.scopes.lookup(self.scope, &path.name.text)? {
                Binding::Place {
                    is_writable: false, ..
                }
                | Binding::Value(_) => Some(path.name.text.clone()),
                _ => None,
            },
            ExprKind::Member { base, .. }
            | ExprKind::Index { base, .. }
            | ExprKind::Slice { base, .. }
            | ExprKind::PlusSlice { base, .. } => self.read_only_root(base),
            _ => None,
        }
    }
}
