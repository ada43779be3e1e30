//! Externs: instances, and what their methods mean.
//!
//! The included `.p4` files declare them, with types; what they do is known here by name.

mod hash;
mod math_unit;
mod methods;
mod packet;
mod parser_counter;
mod register;
mod selector;
mod tna;
mod v1;

use p4rmt_ir::{
    ChecksumId, CounterId, CrcPolynomial, DigestId, GressRole, HashId, MathUnitId, MeterId,
    ProfileId, RandomId, RegisterActionId, RegisterId,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, DeclarationKind, ExprKind, TypeKind};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::parser_counter::ParserCounter;
use crate::lower::Lower;
use crate::scope::{Binding, Instance, Object, ScopeId};
use crate::types::Type;

/// An instance of an extern.
#[derive(Debug)]
pub(crate) struct ExternObject<'a> {
    /// The declaration of its type.
    pub(crate) decl: &'a ast::Extern,
    /// Its type arguments.
    pub(crate) args: Vec<Type>,
    /// What it is.
    pub(crate) kind: ExternKind,
}

/// What an instance of an extern is.
#[derive(Clone, Debug)]
pub(crate) enum ExternKind {
    /// `Register`, `DirectRegister`, and the type of an element.
    Register(RegisterId, Type),
    /// `RegisterAction` and its kin.
    RegisterAction(RegisterActionId),
    /// `RegisterParam`: what a register action reads as a constant.
    RegisterParam(crate::value::Value),
    /// `Counter`, `DirectCounter`.
    Counter(CounterId),
    /// `Meter`, `DirectMeter`.
    Meter(MeterId),
    /// `Hash`, and the type of its result.
    Hash(HashId, Type),
    /// `CRCPolynomial`.
    Polynomial(CrcPolynomial),
    /// `Random`, and the type of its result.
    Random(RandomId, Type),
    /// `MathUnit`.
    MathUnit(MathUnitId),
    /// `Checksum`.
    Checksum(ChecksumId),
    /// `Mirror`, with its mirror type.
    Mirror(Option<u32>),
    /// `Resubmit`, with its resubmit type.
    Resubmit(Option<u32>),
    /// `Digest`.
    Digest(DigestId),
    /// `action_profile`, `action_selector`, `ActionProfile`, `ActionSelector`.
    Profile(ProfileId),
    /// `Checksum16`.
    Checksum16(HashId),
    /// `Lpf`, `Wred` and their direct kin, and the type of the result.
    Filter(MeterId, Type),
    /// `ParserCounter`.
    ParserCounter(ParserCounter),
    /// `ParserPriority`: which of several packets is parsed first, where one at a time is.
    ParserPriority,
    /// `Pktgen`.
    PacketGenerator,
    /// `Alpm`, `Atcam`, `IdleTimeout`: how a table is laid out, not what it does.
    Layout,
}

/// A constructor call, matched and evaluated.
pub(crate) struct Construction<'a, 'i> {
    /// The declaration of the type.
    pub(crate) decl: &'a ast::Extern,
    /// Its type arguments.
    pub(crate) types: &'i [Type],
    /// The arguments, one a parameter of the chosen constructor.
    pub(crate) args: &'i [Arg<'a>],
    /// The instance, where it has a name.
    pub(crate) instance: Option<&'a ast::Instantiation>,
    /// Its dotted name.
    pub(crate) name: String,
    /// Where.
    pub(crate) span: Span,
}

impl<'a> Lower<'a> {
    /// What an instantiation makes.
    pub(crate) fn instance(&mut self, instance: &'a ast::Instantiation) -> Binding<'a> {
        let (path, type_args): (&'a ast::Path, &'a [ast::Type]) = match &instance.ty.kind {
            TypeKind::Named(path) => (path, &[]),
            TypeKind::Specialized { base, args } => (base, args),
            _ => {
                let ty = self.ty(&instance.ty);
                self.mismatch_text(instance.ty.span, "an extern, parser or control", &ty);
                return Binding::Poison;
            }
        };
        let name = self.control_plane_name(&instance.annotations, &instance.name.text);
        self.construct(
            path,
            type_args,
            &instance.args,
            Some(instance),
            name,
            instance.span,
        )
    }

    /// `C(a)` as an argument: an instance without a name.
    pub(crate) fn anonymous_instance(
        &mut self,
        callee: &'a ast::Expr,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        name: String,
        span: Span,
    ) -> Binding<'a> {
        let ExprKind::Path(path) = &callee.kind else {
            self.mismatch_text(span, "an instance", &Type::Void);
            return Binding::Poison;
        };
        self.construct(path, type_args, args, None, name, span)
    }

    /// An instance of the top level, made once a gress.
    pub(crate) fn global_instance(&mut self, instance: &'a ast::Instantiation) -> Binding<'a> {
        let key = std::ptr::from_ref(instance);
        if let Some(binding) = self.global_objects.get(&key) {
            return binding.clone();
        }
        let outer_scope = std::mem::replace(&mut self.scope, self.global);
        let outer_path = std::mem::take(&mut self.path);
        let binding = self.instance(instance);
        self.scope = outer_scope;
        self.path = outer_path;
        if let Binding::Object(Object::Extern(object)) = &binding
            && matches!(
                object.kind,
                ExternKind::Register(..)
                    | ExternKind::Counter(_)
                    | ExternKind::Meter(_)
                    | ExternKind::Filter(..)
                    | ExternKind::Profile(_)
            )
        {
            let role: GressRole = self.role;
            let owner = *self.global_owners.entry(key).or_insert(role);
            if owner != role {
                self.error(
                    instance.span,
                    &ErrorKind::SharedExtern {
                        name: instance.name.text.clone(),
                    },
                );
            }
        }
        self.global_objects.insert(key, binding.clone());
        binding
    }

    /// What a constructor call makes.
    fn construct(
        &mut self,
        path: &'a ast::Path,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        instance: Option<&'a ast::Instantiation>,
        name: String,
        span: Span,
    ) -> Binding<'a> {
        let Binding::Declaration(declaration) = self.lookup(path) else {
            let wrong = ErrorKind::WrongKind {
                name: path.name.text.clone(),
                expected: "an extern, parser or control",
            };
            if self
                .scopes
                .lookup(self.scope, &path.name.text)
                .is_some_and(|binding| !matches!(binding, Binding::Poison))
            {
                self.error(path.span, &wrong);
            }
            return Binding::Poison;
        };
        let declaration = self.constructed(&path.name.text, declaration, args);
        self.visited.insert(declaration);
        match &declaration.kind {
            DeclarationKind::Extern(decl) => {
                self.construct_extern(decl, type_args, args, instance, name, span)
            }
            DeclarationKind::Control(decl) => {
                match self.constructor_args(
                    &decl.head.name.text,
                    &decl.constructor_params,
                    args,
                    span,
                ) {
                    Some(args) => Binding::Object(Object::Control(std::rc::Rc::new(Instance {
                        decl,
                        path: name,
                        types: type_args.iter().map(|ty| self.ty(ty)).collect(),
                        args,
                    }))),
                    None => Binding::Poison,
                }
            }
            DeclarationKind::Parser(decl) => {
                match self.constructor_args(
                    &decl.head.name.text,
                    &decl.constructor_params,
                    args,
                    span,
                ) {
                    Some(args) => Binding::Object(Object::Parser(std::rc::Rc::new(Instance {
                        decl,
                        path: name,
                        types: type_args.iter().map(|ty| self.ty(ty)).collect(),
                        args,
                    }))),
                    None => Binding::Poison,
                }
            }
            DeclarationKind::Typedef(decl)
                if type_args.is_empty() && self.resolving.len() < crate::lower::MAX_DEPTH =>
            {
                let (path, type_args): (&'a ast::Path, &'a [ast::Type]) = match &decl.ty.kind {
                    TypeKind::Named(path) => (path, &[]),
                    TypeKind::Specialized { base, args } => (base, args),
                    _ => {
                        let ty = self.ty(&decl.ty);
                        self.mismatch_text(span, "an extern, parser or control", &ty);
                        return Binding::Poison;
                    }
                };
                self.resolving.push(declaration);
                let made = self.construct(path, type_args, args, instance, name, span);
                self.resolving.pop();
                made
            }
            _ => {
                self.error(
                    path.span,
                    &ErrorKind::WrongKind {
                        name: path.name.text.clone(),
                        expected: "an extern, parser or control",
                    },
                );
                Binding::Poison
            }
        }
    }

    /// Of several parsers or controls with one name, the one whose constructor takes these arguments.
    fn constructed(
        &self,
        name: &str,
        first: &'a ast::Declaration,
        args: &[ast::Argument],
    ) -> &'a ast::Declaration {
        let namesakes = self.globals.get(name).map_or(&[][..], Vec::as_slice);
        if !namesakes.iter().any(|other| std::ptr::eq(*other, first)) {
            return first;
        }
        let fits = |declaration: &ast::Declaration| {
            let params = match &declaration.kind {
                DeclarationKind::Control(decl) => &decl.constructor_params,
                DeclarationKind::Parser(decl) => &decl.constructor_params,
                _ => return false,
            };
            let n_needed = params
                .iter()
                .filter(|param| !crate::args::is_optional(param))
                .count();
            (n_needed..=params.len()).contains(&args.len())
                && args.iter().all(|arg| match &arg.name {
                    Some(name) => params.iter().any(|param| param.name.text == name.text),
                    None => true,
                })
        };
        namesakes
            .iter()
            .find(|declaration| fits(declaration))
            .copied()
            .unwrap_or(first)
    }

    /// What the constructor of a parser or control is given.
    pub(crate) fn constructor_args(
        &mut self,
        callee: &str,
        params: &'a [ast::Parameter],
        args: &'a [ast::Argument],
        span: Span,
    ) -> Option<Vec<(&'a str, Binding<'a>)>> {
        let types = self.scopes.open(Some(self.global));
        let mut evaluated = None;
        let block = self.block_of(|lower| {
            evaluated = lower.arguments(callee, params, args, types, span);
        });
        if !block.is_empty() {
            self.error(span, &ErrorKind::NotConstant);
            return None;
        }
        let mut bindings = Vec::new();
        for (param, arg) in params.iter().zip(evaluated?) {
            let binding = match arg {
                Arg::Value(value) => {
                    if !crate::coerce::is_constant(&value) {
                        self.error(span, &ErrorKind::NotConstant);
                        return None;
                    }
                    Binding::Value(value)
                }
                Arg::Object(binding) => binding,
                Arg::Place(..) | Arg::Omitted => Binding::Poison,
            };
            bindings.push((param.name.text.as_str(), binding));
        }
        Some(bindings)
    }

    /// An instance of an extern.
    fn construct_extern(
        &mut self,
        decl: &'a ast::Extern,
        type_args: &'a [ast::Type],
        args: &'a [ast::Argument],
        instance: Option<&'a ast::Instantiation>,
        name: String,
        span: Span,
    ) -> Binding<'a> {
        let Some(scope) = self.type_scope(
            &decl.name.text,
            &decl.type_params,
            type_args,
            self.scope,
            span,
        ) else {
            return Binding::Poison;
        };
        let Some(method) = self.method(decl, &decl.name.text, args, true) else {
            return Binding::Poison;
        };
        let mut evaluated = None;
        let block = self.block_of(|lower| {
            evaluated = lower.arguments(&decl.name.text, &method.params, args, scope, span);
        });
        let Some(evaluated) = evaluated else {
            return Binding::Poison;
        };
        if !block.is_empty() {
            self.error(span, &ErrorKind::NotConstant);
            return Binding::Poison;
        }
        let types = self.bound_types(scope, &decl.type_params);
        let construction = Construction {
            decl,
            types: &types,
            args: &evaluated,
            instance,
            name,
            span,
        };
        match self.make_extern(&construction) {
            Some(kind) => Binding::Object(Object::Extern(std::rc::Rc::new(ExternObject {
                decl,
                args: types,
                kind,
            }))),
            None => Binding::Poison,
        }
    }

    /// What the type parameters of a scope stand for.
    fn bound_types(&self, scope: ScopeId, params: &'a [ast::Name]) -> Vec<Type> {
        params
            .iter()
            .map(|param| match self.scopes.lookup_here(scope, &param.text) {
                Some(Binding::Type(ty)) => ty.clone(),
                _ => Type::Poison,
            })
            .collect()
    }

    /// The method (or constructor) of this name that takes these arguments: all argument names must
    /// be its parameters', and of several that do, the one with the most parameters that are needed
    /// is taken.
    pub(crate) fn method(
        &self,
        decl: &'a ast::Extern,
        name: &str,
        args: &[ast::Argument],
        is_constructor: bool,
    ) -> Option<&'a ast::Method> {
        decl.methods
            .iter()
            .filter(|method| {
                method.name.text == name
                    && matches!(method.kind, ast::MethodKind::Constructor) == is_constructor
            })
            .filter(|method| {
                let by_position = args.iter().take_while(|arg| arg.name.is_none()).count();
                let is_given = |position: usize, param: &ast::Parameter| {
                    let mut names = args.iter().filter_map(|arg| arg.name.as_ref());
                    position < by_position || names.any(|name| name.text == param.name.text)
                };
                let mut params = method.params.iter().enumerate();
                args.len() <= method.params.len()
                    && params.all(|(position, param)| {
                        crate::args::is_optional(param) || is_given(position, param)
                    })
                    && args.iter().all(|arg| match &arg.name {
                        Some(name) => method
                            .params
                            .iter()
                            .any(|param| param.name.text == name.text),
                        None => true,
                    })
            })
            .max_by_key(|method| {
                method
                    .params
                    .iter()
                    .filter(|param| !crate::args::is_optional(param))
                    .count()
            })
    }
}
