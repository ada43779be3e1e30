//! Arguments, evaluated in the order in which they are written.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, Direction, ExprKind};
use p4rmt_typing::{ArgSource, Call};

use crate::lower::Lower;
use crate::scope::{Binding, Object};
use crate::storage::Storage;
use crate::types::Type;
use crate::value::Value;

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

    /// Whether it could not be lowered.
    pub(crate) fn is_poison(&self) -> bool {
        match self {
            Self::Value(value) => value.is_poison(),
            Self::Place(ty, _) => ty.is_poison(),
            Self::Object(binding) => matches!(binding, Binding::Poison),
            Self::Omitted => false,
        }
    }
}

/// For each parameter where its argument is written; beyond them all for one without.
pub(crate) fn written_order(call: &Call<'_>) -> Vec<usize> {
    let place = |source: &ArgSource<'_>| match source {
        // Arguments lie in the tree one behind the other.
        ArgSource::Given(arg) => std::ptr::from_ref(*arg).addr(),
        ArgSource::Default(_) | ArgSource::Omitted => usize::MAX,
    };
    call.args.iter().map(place).collect()
}

impl<'a> Lower<'a> {
    /// The arguments of a call, by parameter; nothing if one of them cannot be lowered.
    pub(crate) fn arguments(&mut self, call: &'a Call<'a>, span: Span) -> Option<Vec<Arg<'a>>> {
        let params = &self.typed.signature(call.callee)?.params;
        let order = written_order(call);
        let mut positions: Vec<usize> = (0..params.len()).collect();
        positions.sort_by_key(|position| order[*position]);
        let mut evaluated: Vec<Arg<'a>> = vec![Arg::Omitted; params.len()];
        for position in positions {
            let ty = self.concrete(call.param_types[position], span);
            let mark = self.block().len();
            let arg = match call.args[position] {
                ArgSource::Given(arg) => self.argument(params[position].direction, arg, &ty),
                ArgSource::Default(default) => Arg::Value(self.expr(default)),
                ArgSource::Omitted => Arg::Omitted,
            };
            for earlier in &mut evaluated {
                if let Arg::Value(value) = earlier {
                    self.settle(value, mark, span);
                }
            }
            evaluated[position] = arg;
        }
        if evaluated.iter().any(Arg::is_poison) {
            self.lost(span);
            return None;
        }
        Some(evaluated)
    }

    /// One argument.
    pub(crate) fn argument(
        &mut self,
        direction: Direction,
        arg: &'a ast::Argument,
        ty: &Type,
    ) -> Arg<'a> {
        let expr = match &arg.value {
            ArgumentValue::Expr(expr) => expr,
            ArgumentValue::DontCare => return Arg::Omitted,
        };
        if matches!(ty, Type::Object(_)) {
            return Arg::Object(self.object(expr));
        }
        match direction {
            Direction::None | Direction::In => Arg::Value(self.expr(expr)),
            Direction::Out | Direction::InOut => match self.place(expr) {
                Some((ty, storage)) => Arg::Place(ty, storage),
                None => Arg::Value(Value::poison()),
            },
        }
    }

    /// The instance that an expression names or makes.
    pub(crate) fn object(&mut self, expr: &'a ast::Expr) -> Binding<'a> {
        match (&expr.kind, self.typed.call(expr)) {
            (ExprKind::Path(path), _) => self.lookup(path),
            (ExprKind::Call { callee, .. }, Some(call)) => {
                let name = match &callee.kind {
                    ExprKind::Path(path) => self.dotted(&path.name.text),
                    _ => String::new(),
                };
                self.construct(call, None, name, expr.span)
            }
            (ExprKind::This, _) if self.own_action.is_some() => {
                let own = self.own_action.clone();
                own.map_or(Binding::Poison, |own| Binding::Object(Object::Extern(own)))
            }
            _ => {
                self.unsupported(
                    expr.span,
                    "an instance that is neither named nor made here",
                    "give it a name, and use that",
                );
                Binding::Poison
            }
        }
    }
}
