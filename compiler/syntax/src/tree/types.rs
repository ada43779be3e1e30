//! Trees of types, parameters, arguments and annotations.

use pest::iterators::Pair;

use crate::ast::{
    Annotation, AnnotationBody, Argument, ArgumentValue, Direction, Expr, Name, Parameter, Type,
    TypeKind,
};
use crate::grammar::Rule;
use crate::tree::{Builder, Parts};

impl Builder<'_> {
    pub(super) fn type_ref(&mut self, pair: Pair<'_, Rule>) -> Type {
        let mut parts = self.parts(pair);
        let base = parts.take();
        let span = self.span(&base);
        let ty = self
            .deeper(1, span, |builder| builder.type_base(base))
            .unwrap_or(Type {
                kind: TypeKind::Void,
                span,
            });
        self.array_suffixes(ty, &mut parts)
    }

    /// `T[a][b]` of `T` and what follows it.
    fn array_suffixes(&mut self, mut ty: Type, parts: &mut Parts<'_>) -> Type {
        let mut n_suffixes = 0;
        while let Some(suffix) = parts.take_if(Rule::array_suffix) {
            let suffix_span = self.span(&suffix);
            n_suffixes += 1;
            let size = self.deeper(n_suffixes, suffix_span, |builder| {
                let size = builder.parts(suffix).take();
                builder.expr(size)
            });
            let Some(size) = size else {
                return ty;
            };
            let span = ty.span.join(suffix_span);
            let kind = TypeKind::Array {
                element: Box::new(ty),
                size: Box::new(size),
            };
            ty = Type { kind, span };
        }
        ty
    }

    /// A declared name and its type: `T x[4]` is `T[4] x`.
    pub(super) fn declarator(&mut self, ty: Type, pair: Pair<'_, Rule>) -> (Type, Name) {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.take());
        (self.array_suffixes(ty, &mut parts), name)
    }

    fn type_base(&mut self, pair: Pair<'_, Rule>) -> Type {
        let rule = pair.as_rule();
        let mut parts = self.parts(pair);
        let span = parts.span;
        let mut width = || {
            let width = parts.take_if(Rule::width)?;
            Some(Box::new(self.expr(width)))
        };
        let kind = match rule {
            Rule::type_bool => TypeKind::Bool,
            Rule::type_error => TypeKind::Error,
            Rule::type_match_kind => TypeKind::MatchKind,
            Rule::type_string => TypeKind::String,
            Rule::type_void => TypeKind::Void,
            Rule::type_bit => TypeKind::Bit(width()),
            Rule::type_int => width().map_or(TypeKind::Integer, TypeKind::Int),
            Rule::type_varbit => TypeKind::Varbit(width().expect("`varbit` has a width")),
            Rule::type_tuple => TypeKind::Tuple(self.type_args(parts.take())),
            Rule::type_list => TypeKind::List(Box::new(self.type_arg(parts.take()))),
            _ => {
                let base = self.path(parts.take());
                match parts.take_if(Rule::type_args) {
                    Some(args) => TypeKind::Specialized {
                        base,
                        args: self.type_args(args),
                    },
                    None => TypeKind::Named(base),
                }
            }
        };
        Type { kind, span }
    }

    pub(super) fn type_args(&mut self, pair: Pair<'_, Rule>) -> Vec<Type> {
        let mut parts = self.parts(pair);
        let mut args = Vec::new();
        while let Some(arg) = parts.next() {
            args.push(self.type_arg(arg));
        }
        args
    }

    pub(super) fn type_arg(&mut self, pair: Pair<'_, Rule>) -> Type {
        match pair.as_rule() {
            Rule::dont_care => Type {
                kind: TypeKind::DontCare,
                span: self.span(&pair),
            },
            _ => self.type_ref(pair),
        }
    }

    pub(super) fn parameters(&mut self, pair: Pair<'_, Rule>) -> Vec<Parameter> {
        let mut parts = self.parts(pair);
        let mut params = Vec::new();
        while let Some(param) = parts.take_if(Rule::parameter) {
            params.push(self.parameter(param));
        }
        params
    }

    fn parameter(&mut self, pair: Pair<'_, Rule>) -> Parameter {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let direction = if parts.has(Rule::k_inout) {
            Direction::InOut
        } else if parts.has(Rule::k_in) {
            Direction::In
        } else if parts.has(Rule::k_out) {
            Direction::Out
        } else {
            Direction::None
        };
        let ty = self.type_ref(parts.take());
        let (ty, name) = self.declarator(ty, parts.take());
        let default = self.optional_expr(&mut parts);
        Parameter {
            annotations,
            direction,
            ty,
            name,
            default,
            span: parts.span,
        }
    }

    pub(super) fn optional_expr(&mut self, parts: &mut Parts<'_>) -> Option<Expr> {
        parts.take_if(Rule::expr).map(|expr| self.expr(expr))
    }

    pub(super) fn arguments(&mut self, pair: Pair<'_, Rule>) -> Vec<Argument> {
        let parts = self.parts(pair);
        self.argument_list(parts)
    }

    pub(super) fn argument_list(&mut self, mut parts: Parts<'_>) -> Vec<Argument> {
        let mut args = Vec::new();
        while let Some(arg) = parts.take_if(Rule::argument) {
            let mut parts = self.parts(arg);
            let name = parts.take_if(Rule::name).map(|name| self.name(&name));
            let value = match parts.take_if(Rule::expr) {
                Some(expr) => ArgumentValue::Expr(self.expr(expr)),
                None => ArgumentValue::DontCare,
            };
            args.push(Argument {
                name,
                value,
                span: parts.span,
            });
        }
        args
    }

    /// The annotations that are next.
    pub(super) fn annotations(&mut self, parts: &mut Parts<'_>) -> Vec<Annotation> {
        let mut annotations = Vec::new();
        while let Some(annotation) = parts.take_if(Rule::annotation) {
            annotations.push(self.annotation(annotation));
        }
        annotations
    }

    fn annotation(&mut self, pair: Pair<'_, Rule>) -> Annotation {
        let mut parts = self.parts(pair);
        let span = parts.span;
        if let Some(pragma) = parts.take_if(Rule::pragma) {
            let mut parts = self.parts(pragma);
            let name = self.name(&parts.take());
            let text = self.span(&parts.take());
            let text = self.text_of(text).trim().to_owned();
            return Annotation {
                name,
                body: AnnotationBody::Pragma(text),
                span,
            };
        }
        let name = self.name(&parts.take());
        let body = match parts.next() {
            None => AnnotationBody::Empty,
            Some(tokens) if tokens.as_rule() == Rule::annotation_tokens => {
                let text = self.parts(tokens).take();
                let text = self.text_of(self.span(&text));
                AnnotationBody::Unstructured(text.trim().to_owned())
            }
            Some(list) => {
                let mut parts = self.parts(list);
                match parts.next() {
                    Some(fields) if fields.as_rule() == Rule::field_list => {
                        AnnotationBody::Fields(self.field_list(fields))
                    }
                    Some(list) => AnnotationBody::Expressions(self.expr_list(list)),
                    None => AnnotationBody::Expressions(Vec::new()),
                }
            }
        };
        Annotation { name, body, span }
    }
}
