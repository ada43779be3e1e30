//! Declarations that name types, constants, errors and match kinds, and the heads of what is called.

use std::rc::Rc;

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, DeclarationKind, Direction};

use crate::check::Checker;
use crate::decl::{
    DeclId, Detail, Field, Member, Node, Param, ParamRole, Signature, SignatureKind,
};
use crate::error::ErrorKind;
use crate::resolve::Generic;
use crate::rules::Violation;
use crate::types::{Sort, Type, TypeKind};
use crate::value::Known;

/// What the head of something is made from.
pub(crate) struct Head<'a> {
    pub(crate) kind: SignatureKind,
    pub(crate) decl: DeclId,
    pub(crate) name: &'a str,
    pub(crate) type_params: Rc<[DeclId]>,
    pub(crate) params: &'a [ast::Parameter],
    pub(crate) result: Option<&'a ast::Type>,
    pub(crate) is_abstract: bool,
}

impl<'a> Checker<'a> {
    /// Checks the declarations of the top level in order.
    pub(crate) fn program(&mut self, program: &'a ast::Program) {
        self.note_names(program);
        for declaration in &program.declarations {
            self.top_level(declaration);
        }
    }

    fn top_level(&mut self, declaration: &'a ast::Declaration) {
        match &declaration.kind {
            DeclarationKind::Const(constant) => {
                self.constant(constant);
            }
            DeclarationKind::ExternForward(name) => self.extern_forward(name),
            DeclarationKind::Extern(object) => self.extern_type(object),
            DeclarationKind::ExternFunction(prototype) => {
                let id = self.declare(&prototype.name, Node::ExternFunction(prototype));
                self.bind_overload(id);
                self.function_head(id, SignatureKind::ExternFunction, prototype);
            }
            DeclarationKind::Function(function) => self.function(function),
            DeclarationKind::Action(action) => self.action(action),
            DeclarationKind::Parser(parser) => self.parser(parser),
            DeclarationKind::ParserType(head) => {
                let id = self.declare(&head.name, Node::ParserType(head));
                self.bind(id);
                self.block_type(id, Sort::Parser, &head.type_params, &head.params);
            }
            DeclarationKind::Control(control) => self.control(control),
            DeclarationKind::ControlType(head) => {
                let id = self.declare(&head.name, Node::ControlType(head));
                self.bind(id);
                self.block_type(id, Sort::Control, &head.type_params, &head.params);
            }
            DeclarationKind::Package(package) => self.package(package),
            DeclarationKind::Header(_)
            | DeclarationKind::HeaderUnion(_)
            | DeclarationKind::Struct(_)
            | DeclarationKind::Enum(_)
            | DeclarationKind::SerializableEnum(_)
            | DeclarationKind::Typedef(_)
            | DeclarationKind::NewType(_) => {
                self.declare_type(declaration);
            }
            DeclarationKind::Error(members) => {
                for name in members {
                    let id = self.declare(name, Node::ErrorMember(name));
                    self.member_value(id, Type::ERROR);
                    if let Some(first) = self.errors.get(name.text.as_str()).copied() {
                        self.duplicate(id, first);
                    } else {
                        self.errors.insert(&name.text, id);
                    }
                }
            }
            DeclarationKind::MatchKind(kinds) => {
                for name in &kinds.names {
                    let id = self.declare(name, Node::MatchKindMember(name));
                    self.member_value(id, Type::MATCH_KIND);
                    if let Some(first) = self.match_kinds.get(name.text.as_str()).copied() {
                        self.duplicate(id, first);
                    } else {
                        self.match_kinds.insert(&name.text, id);
                        self.bind(id);
                    }
                }
            }
            DeclarationKind::Instantiation(instance) => {
                self.instantiation(instance);
            }
        }
    }

    /// The value of a member of `error` or `match_kind` is the member.
    fn member_value(&mut self, id: DeclId, ty: Type) {
        let value = if ty == Type::ERROR {
            crate::value::Value::Error(id)
        } else {
            crate::value::Value::MatchKind(id)
        };
        let decl = self.decl_mut(id);
        decl.ty = ty;
        decl.value = Some(value);
        decl.known = Known::Local;
    }

    /// `const T x = a;`
    pub(crate) fn constant(&mut self, constant: &'a ast::Const) {
        let ty = self.resolve(&constant.ty);
        let (value, known) = self.check_value(&constant.value, ty);
        if known < Known::Local {
            self.error(constant.value.span, ErrorKind::NotConstant);
        }
        let id = self.declare(&constant.name, Node::Const(constant));
        let decl = self.decl_mut(id);
        decl.ty = ty;
        decl.value = value;
        decl.known = Known::Local;
        self.bind(id);
    }

    /// Declares type parameters in the innermost scope.
    pub(crate) fn type_params(&mut self, names: &'a [ast::Name]) -> Rc<[DeclId]> {
        let mut params = Vec::with_capacity(names.len());
        for name in names {
            let id = self.declare(name, Node::TypeParam(name));
            self.decl_mut(id).ty = self.types.make(TypeKind::Param(id));
            self.bind(id);
            params.push(id);
        }
        params.into()
    }

    /// The type that a generic declaration stands for, its own parameters as arguments.
    fn own_type(&mut self, sort: Sort, id: DeclId, params: &Rc<[DeclId]>) -> Type {
        let args = params.iter().map(|param| self.decl(*param).ty).collect();
        let ty = self.types.make(TypeKind::Named {
            sort,
            decl: id,
            args,
        });
        let decl = self.decl_mut(id);
        decl.ty = ty;
        decl.type_params = Rc::clone(params);
        ty
    }

    /// Declares a type of the top level, or one within a `typedef`.
    pub(crate) fn declare_type(&mut self, declaration: &'a ast::Declaration) -> Option<DeclId> {
        match &declaration.kind {
            DeclarationKind::Header(record) => Some(self.record_type(record, Sort::Header)),
            DeclarationKind::HeaderUnion(record) => Some(self.record_type(record, Sort::Union)),
            DeclarationKind::Struct(record) => Some(self.record_type(record, Sort::Struct)),
            DeclarationKind::Enum(enumeration) => {
                let id = self.declare(&enumeration.name, Node::Enum(enumeration));
                self.bind(id);
                self.own_type(Sort::Enum, id, &Rc::from([]));
                let names: Vec<&'a ast::Name> = enumeration.members.iter().collect();
                self.check_distinct(&names);
                let members = names.iter().map(|name| Member {
                    name: &name.text,
                    value: None,
                });
                self.decl_mut(id).detail = Detail::Members(members.collect());
                Some(id)
            }
            DeclarationKind::SerializableEnum(enumeration) => {
                Some(self.serializable_enum(enumeration))
            }
            DeclarationKind::Typedef(typedef) => {
                let ty = self.resolve(&typedef.ty);
                let id = self.declare(&typedef.name, Node::Typedef(typedef));
                self.decl_mut(id).ty = ty;
                self.bind(id);
                Some(id)
            }
            DeclarationKind::NewType(typedef) => {
                let underlying = self.resolve(&typedef.ty);
                let id = self.declare(&typedef.name, Node::NewType(typedef));
                self.own_type(Sort::NewType, id, &Rc::from([]));
                self.decl_mut(id).detail = Detail::Underlying(underlying);
                if underlying.is_poison() {
                    self.decl_mut(id).ty = Type::POISON;
                }
                self.bind(id);
                Some(id)
            }
            _ => None,
        }
    }

    fn record_type(&mut self, record: &'a ast::FieldList, sort: Sort) -> DeclId {
        let id = self.declare(&record.name, Node::Record(record));
        self.bind(id);
        let fields: Vec<Field<'a>> = self.scoped(|check| {
            let params = check.type_params(&record.type_params);
            check.own_type(sort, id, &params);
            let fields = record.fields.iter();
            fields
                .map(|field| Field {
                    name: &field.name.text,
                    ty: check.resolve(&field.ty),
                    span: field.span,
                })
                .collect()
        });
        let names: Vec<&'a ast::Name> = record.fields.iter().map(|field| &field.name).collect();
        self.check_distinct(&names);
        self.decl_mut(id).detail = Detail::Fields(fields.into());
        self.check_depth(id, record.name.span);
        id
    }

    /// Says which of these names is there twice.
    pub(crate) fn check_distinct(&mut self, names: &[&'a ast::Name]) {
        let mut seen = std::collections::HashMap::with_capacity(names.len());
        for name in names {
            if let Some(first) = seen.insert(name.text.as_str(), name.span) {
                let kind = ErrorKind::DuplicateName {
                    name: name.text.clone(),
                };
                self.error_with(name.span, kind, first, "first declared here");
            }
        }
    }

    fn serializable_enum(&mut self, enumeration: &'a ast::SerializableEnum) -> DeclId {
        let underlying = self.resolve(&enumeration.ty);
        let id = self.declare(&enumeration.name, Node::SerializableEnum(enumeration));
        let is_number = matches!(self.types.kind(underlying), TypeKind::Bits { .. });
        if !is_number && !underlying.is_poison() {
            let ty = self.show(underlying);
            let violation = Violation::EnumUnderlying { ty };
            self.error(enumeration.ty.span, ErrorKind::Rule(violation));
        }
        let underlying = if is_number { underlying } else { Type::POISON };
        let names: Vec<&'a ast::Name> = enumeration.members.iter().map(|m| &m.name).collect();
        self.check_distinct(&names);
        let mut members: Vec<Member<'a>> = Vec::new();
        self.scopes.push();
        for member in &enumeration.members {
            let (value, known) = self.check_value(&member.value, underlying);
            if known < Known::Local {
                self.error(member.value.span, ErrorKind::NotConstant);
            }
            // Later members may be made from earlier ones.
            let member_id = self.declare(&member.name, Node::EnumMember(member));
            let decl = self.decl_mut(member_id);
            decl.ty = underlying;
            decl.value = value.clone();
            decl.known = Known::Local;
            if self.scopes.here(&member.name.text).is_none() {
                self.scopes.add(&member.name.text, member_id);
            }
            members.push(Member {
                name: &member.name.text,
                value,
            });
        }
        self.scopes.pop();
        self.bind(id);
        self.own_type(Sort::SerializableEnum, id, &Rc::from([]));
        self.decl_mut(id).detail = Detail::SerializableEnum {
            underlying,
            members: members.into(),
        };
        id
    }

    fn extern_forward(&mut self, name: &'a ast::Name) {
        let id = self.declare(name, Node::ExternForward(name));
        self.own_type(Sort::Extern, id, &Rc::from([]));
        self.decl_mut(id).detail = Detail::Extern {
            constructors: Rc::from([]),
            methods: Rc::from([]),
        };
        if self.scopes.here(&name.text).is_none() {
            self.scopes.add(&name.text, id);
        }
    }

    fn extern_type(&mut self, object: &'a ast::Extern) {
        let id = self.declare(&object.name, Node::Extern(object));
        let first = self.scopes.here(&object.name.text);
        match first.and_then(|others| others.first().copied()) {
            Some(other) if matches!(self.decl(other).node, Node::ExternForward(_)) => {
                self.scopes.replace(&object.name.text, id);
            }
            _ => self.bind(id),
        }
        let place = crate::check::Place {
            owner: Some(id),
            ..self.place.clone()
        };
        self.at(place, |check| {
            check.scoped(|check| {
                let params = check.type_params(&object.type_params);
                check.own_type(Sort::Extern, id, &params);
                check.decl_mut(id).detail = Detail::Extern {
                    constructors: Rc::from([]),
                    methods: Rc::from([]),
                };
                check.extern_methods(id, object, &params);
            });
        });
    }

    fn extern_methods(&mut self, id: DeclId, object: &'a ast::Extern, params: &Rc<[DeclId]>) {
        let mut constructors = Vec::new();
        let mut methods = Vec::new();
        for method in &object.methods {
            let method_id = self.declare(&method.name, Node::Method(method));
            self.scoped(|check| {
                let own = check.type_params(&method.type_params);
                let (result, is_abstract) = match &method.kind {
                    ast::MethodKind::Constructor => (None, false),
                    ast::MethodKind::Method {
                        result,
                        is_abstract,
                    } => (Some(result), *is_abstract),
                };
                let is_constructor = result.is_none();
                let signature = check.signature(Head {
                    kind: if is_constructor {
                        SignatureKind::Constructor
                    } else {
                        SignatureKind::Method
                    },
                    decl: method_id,
                    name: &method.name.text,
                    type_params: if is_constructor {
                        Rc::clone(params)
                    } else {
                        own
                    },
                    params: &method.params,
                    result,
                    is_abstract,
                });
                let mut signature = signature;
                if is_constructor {
                    signature.result = check.decl(id).ty;
                    constructors.push(method_id);
                } else {
                    methods.push(method_id);
                }
                let decl = check.decl_mut(method_id);
                decl.type_params = Rc::clone(&signature.type_params);
                decl.detail = Detail::Function(Rc::new(signature));
            });
        }
        self.decl_mut(id).detail = Detail::Extern {
            constructors: constructors.into(),
            methods: methods.into(),
        };
    }

    /// The head of something that is called; its type parameters are in scope.
    pub(crate) fn signature(&mut self, head: Head<'a>) -> Signature<'a> {
        let role = match head.kind {
            SignatureKind::Action => ParamRole::Action,
            SignatureKind::Constructor => ParamRole::Constructor,
            SignatureKind::Function
            | SignatureKind::ExternFunction
            | SignatureKind::Method
            | SignatureKind::ParserApply
            | SignatureKind::ControlApply => ParamRole::Apply,
        };
        let result = head.result.map_or(Type::VOID, |ty| self.resolve(ty));
        let params = self.params(head.params, role);

        Signature {
            kind: head.kind,
            decl: head.decl,
            name: head.name,
            type_params: head.type_params,
            params,
            result,
            is_abstract: head.is_abstract,
        }
    }

    fn params(&mut self, params: &'a [ast::Parameter], role: ParamRole) -> Rc<[Param<'a>]> {
        let names: Vec<&'a ast::Name> = params.iter().map(|param| &param.name).collect();
        self.check_distinct(&names);
        // What a package or constructor takes may be a generic block of any kind.
        let generic = match role {
            ParamRole::Constructor => Generic::Open,
            ParamRole::Action | ParamRole::Apply => Generic::Specialized,
        };
        let params = params.iter().map(|param| {
            let ty = self.resolve_as(&param.ty, generic);
            let id = self.declare(&param.name, Node::Param(param, role));
            let known = match (role, param.direction) {
                (ParamRole::Constructor, Direction::None) => Known::Instantiated,
                (_, Direction::None) if self.is_object(ty) => Known::Instantiated,
                _ => Known::No,
            };
            let decl = self.decl_mut(id);
            decl.ty = ty;
            decl.known = known;
            if let Some(default) = &param.default {
                // A generic package's or control's default need not be generic.
                let ty = self.without_params(ty);
                let (_, known) = self.check_value(default, ty);
                if known < Known::Instantiated {
                    self.error(default.span, ErrorKind::NotConstant);
                }
            }
            Param {
                decl: id,
                name: &param.name.text,
                direction: param.direction,
                ty,
                default: param.default.as_ref(),
                is_optional: param.annotations.iter().any(|a| a.name.text == "optional"),
                span: param.span,
            }
        });
        params.collect()
    }

    /// Puts parameters into the innermost scope.
    pub(crate) fn bind_params(&mut self, params: &[Param<'a>]) {
        for param in params {
            if self.scopes.here(param.name).is_none() {
                self.scopes.add(param.name, param.decl);
            }
        }
    }

    /// The head of a function or extern function.
    pub(crate) fn function_head(
        &mut self,
        id: DeclId,
        kind: SignatureKind,
        prototype: &'a ast::FunctionPrototype,
    ) -> Rc<Signature<'a>> {
        self.scopes.push();
        let type_params = self.type_params(&prototype.type_params);
        let signature = Rc::new(self.signature(Head {
            kind,
            decl: id,
            name: &prototype.name.text,
            type_params: Rc::clone(&type_params),
            params: &prototype.params,
            result: Some(&prototype.result),
            is_abstract: false,
        }));
        self.scopes.pop();
        let decl = self.decl_mut(id);
        decl.type_params = type_params;
        decl.detail = Detail::Function(Rc::clone(&signature));
        signature
    }

    /// `parser P(…);`, `control C(…);`
    fn block_type(
        &mut self,
        id: DeclId,
        sort: Sort,
        type_params: &'a [ast::Name],
        params: &'a [ast::Parameter],
    ) {
        self.scoped(|check| {
            let type_params = check.type_params(type_params);
            check.block_head(id, sort, type_params, params, None);
        });
    }

    /// The heads of a parser or control, whose type parameters are in scope.
    pub(crate) fn block_head(
        &mut self,
        id: DeclId,
        sort: Sort,
        type_params: Rc<[DeclId]>,
        params: &'a [ast::Parameter],
        constructor_params: Option<&'a [ast::Parameter]>,
    ) -> (Rc<Signature<'a>>, Option<Rc<Signature<'a>>>) {
        let ty = self.own_type(sort, id, &type_params);
        let name = self.decl(id).name;
        let kind = match sort {
            Sort::Parser => SignatureKind::ParserApply,
            _ => SignatureKind::ControlApply,
        };
        let apply = Rc::new(self.signature(Head {
            kind,
            decl: id,
            name,
            type_params: Rc::from([]),
            params,
            result: None,
            is_abstract: false,
        }));
        let constructor = constructor_params.map(|params| {
            let mut constructor = self.signature(Head {
                kind: SignatureKind::Constructor,
                decl: id,
                name,
                type_params,
                params,
                result: None,
                is_abstract: false,
            });
            constructor.result = ty;
            Rc::new(constructor)
        });
        self.decl_mut(id).detail = Detail::Block {
            apply: Rc::clone(&apply),
            constructor: constructor.clone(),
        };
        (apply, constructor)
    }

    fn package(&mut self, package: &'a ast::Package) {
        let id = self.declare(&package.name, Node::Package(package));
        self.bind(id);
        self.scoped(|check| {
            let type_params = check.type_params(&package.type_params);
            let ty = check.own_type(Sort::Package, id, &type_params);
            let mut constructor = check.signature(Head {
                kind: SignatureKind::Constructor,
                decl: id,
                name: &package.name.text,
                type_params,
                params: &package.params,
                result: None,
                is_abstract: false,
            });
            constructor.result = ty;
            check.decl_mut(id).detail = Detail::Package(Rc::new(constructor));
        });
    }

    /// Refuses a type whose fields nest too deep to be walked.
    fn check_depth(&mut self, id: DeclId, span: Span) {
        let depth = self.depth_of_fields(id);
        self.depths.insert(id, depth);
        if depth > MAX_DEPTH {
            self.error(span, ErrorKind::TooDeep { limit: MAX_DEPTH });
            self.decl_mut(id).ty = Type::POISON;
            self.decl_mut(id).detail = Detail::Fields(Rc::from([]));
        }
    }

    fn depth_of_fields(&self, id: DeclId) -> usize {
        let Detail::Fields(fields) = &self.decl(id).detail else {
            return 0;
        };
        let depths = fields.iter().map(|field| self.depth_of(field.ty));
        1 + depths.max().unwrap_or(0)
    }

    fn depth_of(&self, ty: Type) -> usize {
        match self.types.kind(ty) {
            TypeKind::Named { decl, args, .. } => {
                let own = self.depths.get(decl).copied().unwrap_or(0);
                own + args
                    .iter()
                    .map(|arg| self.depth_of(*arg))
                    .max()
                    .unwrap_or(0)
            }
            TypeKind::Tuple(parts) => {
                1 + parts
                    .iter()
                    .map(|part| self.depth_of(*part))
                    .max()
                    .unwrap_or(0)
            }
            TypeKind::Stack(element, _) | TypeKind::List(element) => 1 + self.depth_of(*element),
            _ => 0,
        }
    }
}

/// How deep fields may nest.
const MAX_DEPTH: usize = 128;
