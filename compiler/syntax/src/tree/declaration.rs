//! Trees of declarations.

use p4rmt_source::Span;
use pest::iterators::Pair;

use crate::ast::{
    Action, Annotation, Const, Control, ControlLocal, ControlType, Declaration, DeclarationKind,
    Enum, Extern, FieldList, Function, FunctionPrototype, Instantiation, MatchKinds, Method,
    MethodKind, ObjectDeclaration, Package, Parser, ParserLocal, ParserType, SerializableEnum,
    StructField, Type, TypeKind, Typedef, ValueSet, Variable,
};
use crate::grammar::Rule;
use crate::tree::{Builder, Parts};

impl Builder<'_> {
    /// A `declaration` or a `derived_type`.
    pub(super) fn declaration(&mut self, pair: Pair<'_, Rule>) -> Declaration {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let span = parts.span;
        let body = parts.take();
        let kind = match body.as_rule() {
            Rule::constant => DeclarationKind::Const(self.constant(body, annotations, span)),
            Rule::extern_declaration => self.extern_declaration(body, annotations, span),
            Rule::action => DeclarationKind::Action(self.action(body, annotations, span)),
            Rule::parser => self.parser(body, annotations, span),
            Rule::control => self.control(body, annotations, span),
            Rule::package => self.package(body, annotations, span),
            Rule::header => DeclarationKind::Header(self.field_group(body, annotations, span)),
            Rule::header_union => {
                DeclarationKind::HeaderUnion(self.field_group(body, annotations, span))
            }
            Rule::structure => DeclarationKind::Struct(self.field_group(body, annotations, span)),
            Rule::enumeration => self.enumeration(body, annotations, span),
            Rule::error_declaration => {
                let list = self.parts(body).take();
                DeclarationKind::Error(self.names(list))
            }
            Rule::match_kind_declaration => {
                let list = self.parts(body).take();
                let names = self.names(list);
                DeclarationKind::MatchKind(MatchKinds { annotations, names })
            }
            Rule::typedef => DeclarationKind::Typedef(self.typedef(body, annotations, span)),
            Rule::new_type => DeclarationKind::NewType(self.typedef(body, annotations, span)),
            _ => match self.function_or_instance(body, annotations, span) {
                ObjectDeclaration::Function(function) => DeclarationKind::Function(function),
                ObjectDeclaration::Instantiation(instance) => {
                    DeclarationKind::Instantiation(instance)
                }
            },
        };
        Declaration { kind, span }
    }

    pub(super) fn constant(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> Const {
        let mut parts = self.parts(pair);
        parts.has(Rule::k_const);
        let ty = self.type_ref(parts.take());
        let (ty, name) = self.declarator(ty, parts.take());
        let value = self.expr(parts.take());
        Const {
            annotations,
            ty,
            name,
            value,
            span,
        }
    }

    /// A variable, or else an instance.
    pub(super) fn variable_or_instance(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> Result<Variable, Box<Instantiation>> {
        let mut parts = self.parts(pair);
        let ty = self.type_ref(parts.take());
        if let Some(args) = parts.take_if(Rule::arguments) {
            let instance = self.instance(ty, args, parts, annotations, span);
            return Err(Box::new(instance));
        }
        let (ty, name) = self.declarator(ty, parts.take());
        let init = self.optional_expr(&mut parts);
        Ok(Variable {
            annotations,
            ty,
            name,
            init,
            span,
        })
    }

    fn instance(
        &mut self,
        ty: Type,
        args: Pair<'_, Rule>,
        mut parts: Parts<'_>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> Instantiation {
        let args = self.arguments(args);
        let (ty, name) = self.declarator(ty, parts.take());
        let body = parts.next().map(|body| {
            let mut body = self.parts(body);
            let mut declarations = Vec::new();
            while let Some(declaration) = body.next() {
                let mut parts = self.parts(declaration);
                let span = parts.span;
                let annotations = self.annotations(&mut parts);
                let inner = parts.take();
                let declaration = self.deeper(1, span, |builder| {
                    builder.function_or_instance(inner, annotations, span)
                });
                declarations.extend(declaration);
            }
            declarations
        });
        Instantiation {
            annotations,
            ty,
            args,
            name,
            body,
            span,
        }
    }

    fn function_or_instance(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> ObjectDeclaration {
        let mut parts = self.parts(pair);
        let ty = self.type_ref(parts.take());
        if let Some(args) = parts.take_if(Rule::arguments) {
            let instance = self.instance(ty, args, parts, annotations, span);
            return ObjectDeclaration::Instantiation(instance);
        }
        let name = self.name(&parts.take());
        let type_params = self.type_params(&mut parts);
        let params = self.parameters(parts.take());
        let body = self.block(parts.take());
        let prototype = FunctionPrototype {
            annotations,
            result: ty,
            name,
            type_params,
            params,
            span: Span::new(span.lo, body.span.lo),
        };
        ObjectDeclaration::Function(Function { prototype, body })
    }

    fn prototype(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> FunctionPrototype {
        let mut parts = self.parts(pair);
        FunctionPrototype {
            annotations,
            result: self.type_ref(parts.take()),
            name: self.name(&parts.take()),
            type_params: self.type_params(&mut parts),
            params: self.parameters(parts.take()),
            span,
        }
    }

    fn extern_declaration(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> DeclarationKind {
        let body = self.parts(pair).take();
        match body.as_rule() {
            Rule::extern_forward => {
                let name = self.parts(body).take();
                DeclarationKind::ExternForward(self.name(&name))
            }
            Rule::prototype => {
                DeclarationKind::ExternFunction(self.prototype(body, annotations, span))
            }
            _ => {
                let mut parts = self.parts(body);
                let name = self.name(&parts.take());
                let type_params = self.type_params(&mut parts);
                let mut methods = Vec::new();
                while let Some(method) = parts.next() {
                    methods.push(self.method(method));
                }
                DeclarationKind::Extern(Extern {
                    annotations,
                    name,
                    type_params,
                    methods,
                    span,
                })
            }
        }
    }

    fn method(&mut self, pair: Pair<'_, Rule>) -> Method {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let annotations = self.annotations(&mut parts);
        if let Some(constructor) = parts.take_if(Rule::constructor) {
            let mut parts = self.parts(constructor);
            return Method {
                kind: MethodKind::Constructor,
                annotations,
                name: self.name(&parts.take()),
                type_params: Vec::new(),
                params: self.parameters(parts.take()),
                span,
            };
        }
        let is_abstract = parts.has(Rule::k_abstract);
        let prototype = self.prototype(parts.take(), annotations, span);
        Method {
            kind: MethodKind::Method {
                result: prototype.result,
                is_abstract,
            },
            annotations: prototype.annotations,
            name: prototype.name,
            type_params: prototype.type_params,
            params: prototype.params,
            span,
        }
    }

    fn action(&mut self, pair: Pair<'_, Rule>, annotations: Vec<Annotation>, span: Span) -> Action {
        let mut parts = self.parts(pair);
        Action {
            annotations,
            name: self.name(&parts.take()),
            params: self.parameters(parts.take()),
            body: self.block(parts.take()),
            span,
        }
    }

    fn parser(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> DeclarationKind {
        let mut parts = self.parts(pair);
        let mut head = ParserType {
            annotations,
            name: self.name(&parts.take()),
            type_params: self.type_params(&mut parts),
            params: self.parameters(parts.take()),
            span,
        };
        let Some(body) = parts.next() else {
            return DeclarationKind::ParserType(head);
        };
        let mut parts = self.parts(body);
        head.span = Span::new(span.lo, parts.span.lo);
        let constructor_params = self.constructor_params(&mut parts);
        let mut locals = Vec::new();
        while let Some(local) = parts.take_if(Rule::parser_local) {
            locals.push(self.parser_local(local));
        }
        let mut states = Vec::new();
        while let Some(state) = parts.next() {
            states.push(self.state(state));
        }
        DeclarationKind::Parser(Parser {
            head,
            constructor_params,
            locals,
            states,
            span,
        })
    }

    fn constructor_params(&mut self, parts: &mut Parts<'_>) -> Vec<crate::ast::Parameter> {
        let params = parts.take_if(Rule::parameters);
        params.map_or_else(Vec::new, |params| self.parameters(params))
    }

    fn parser_local(&mut self, pair: Pair<'_, Rule>) -> ParserLocal {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let annotations = self.annotations(&mut parts);
        let local = parts.take();
        match local.as_rule() {
            Rule::constant => ParserLocal::Const(self.constant(local, annotations, span)),
            Rule::value_set => {
                let mut parts = self.parts(local);
                ParserLocal::ValueSet(ValueSet {
                    annotations,
                    element: self.type_arg(parts.take()),
                    size: self.expr(parts.take()),
                    name: self.name(&parts.take()),
                    span,
                })
            }
            _ => match self.variable_or_instance(local, annotations, span) {
                Ok(variable) => ParserLocal::Variable(variable),
                Err(instance) => ParserLocal::Instantiation(*instance),
            },
        }
    }

    fn control(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> DeclarationKind {
        let mut parts = self.parts(pair);
        let mut head = ControlType {
            annotations,
            name: self.name(&parts.take()),
            type_params: self.type_params(&mut parts),
            params: self.parameters(parts.take()),
            span,
        };
        let Some(body) = parts.next() else {
            return DeclarationKind::ControlType(head);
        };
        let mut parts = self.parts(body);
        head.span = Span::new(span.lo, parts.span.lo);
        let constructor_params = self.constructor_params(&mut parts);
        let mut locals = Vec::new();
        while let Some(local) = parts.take_if(Rule::control_local) {
            locals.push(self.control_local(local));
        }
        DeclarationKind::Control(Control {
            head,
            constructor_params,
            locals,
            apply: self.block(parts.take()),
            span,
        })
    }

    fn control_local(&mut self, pair: Pair<'_, Rule>) -> ControlLocal {
        let mut parts = self.parts(pair);
        let span = parts.span;
        let annotations = self.annotations(&mut parts);
        let local = parts.take();
        match local.as_rule() {
            Rule::constant => ControlLocal::Const(self.constant(local, annotations, span)),
            Rule::action => ControlLocal::Action(self.action(local, annotations, span)),
            Rule::table => ControlLocal::Table(self.table(local, annotations, span)),
            _ => match self.variable_or_instance(local, annotations, span) {
                Ok(variable) => ControlLocal::Variable(variable),
                Err(instance) => ControlLocal::Instantiation(*instance),
            },
        }
    }

    fn package(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> DeclarationKind {
        let mut parts = self.parts(pair);
        DeclarationKind::Package(Package {
            annotations,
            name: self.name(&parts.take()),
            type_params: self.type_params(&mut parts),
            params: self.parameters(parts.take()),
            span,
        })
    }

    /// A struct, header, or header union.
    fn field_group(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> FieldList {
        let mut parts = self.parts(pair);
        let name = self.name(&parts.take());
        let type_params = self.type_params(&mut parts);
        let mut parts = self.parts(parts.take());
        let mut fields = Vec::new();
        while let Some(field) = parts.next() {
            fields.push(self.struct_field(field));
        }
        FieldList {
            annotations,
            name,
            type_params,
            fields,
            span,
        }
    }

    fn struct_field(&mut self, pair: Pair<'_, Rule>) -> StructField {
        let mut parts = self.parts(pair);
        let annotations = self.annotations(&mut parts);
        let ty = self.type_ref(parts.take());
        let (ty, name) = self.declarator(ty, parts.take());
        StructField {
            annotations,
            ty,
            name,
            span: parts.span,
        }
    }

    fn enumeration(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> DeclarationKind {
        let body = self.parts(pair).take();
        let is_plain = body.as_rule() == Rule::plain_enum;
        let mut parts = self.parts(body);
        if is_plain {
            let name = self.name(&parts.take());
            let members = parts.take();
            return DeclarationKind::Enum(Enum {
                annotations,
                name,
                members: self.names(members),
                span,
            });
        }
        let ty = self.type_ref(parts.take());
        let name = self.name(&parts.take());
        let mut members = Vec::new();
        while let Some(member) = parts.next() {
            members.push(self.named_expr(member));
        }
        DeclarationKind::SerializableEnum(SerializableEnum {
            annotations,
            ty,
            name,
            members,
            span,
        })
    }

    /// A `typedef` or a `new_type`.
    fn typedef(
        &mut self,
        pair: Pair<'_, Rule>,
        annotations: Vec<Annotation>,
        span: Span,
    ) -> Typedef {
        let mut parts = self.parts(pair);
        let ty = match parts.take_if(Rule::derived_type) {
            Some(derived) => {
                let declaration = self.declaration(derived);
                let span = declaration.span;
                let kind = TypeKind::Derived(Box::new(declaration));
                Type { kind, span }
            }
            None => self.type_ref(parts.take()),
        };
        let (ty, name) = self.declarator(ty, parts.take());
        Typedef {
            annotations,
            ty,
            name,
            span,
        }
    }
}
