//! Externs: instances, and what their methods mean.
//!
//! The included `.p4` files declare them, with types; what they do is known here by name.

mod hash;
mod math_unit;
mod methods;
mod own_action;
mod packet;
mod parser_counter;
mod register;
mod selector;
mod tna;
mod v1;

use std::rc::Rc;

use p4rmt_ir::{
    ChecksumId, CounterId, CrcPolynomial, DigestId, GressRole, HashId, MathUnitId, MeterId,
    Partitions, ProfileId, RandomId, RegisterActionId, RegisterId,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, TypeKind};
use p4rmt_typing::{Call, Callee, DeclId, Node};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::parser_counter::ParserCounter;
pub(crate) use crate::externs::tna::{ALPM_PARTITIONS, ALPM_SUBTREES};
use crate::lower::Lower;
use crate::scope::{Binding, Instance, Object};
use crate::storage::Storage;
use crate::types::Type;

/// An instance of an extern.
#[derive(Debug)]
pub(crate) struct ExternObject<'a> {
    /// The declaration of its type.
    pub(crate) decl: &'a ast::Extern,
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
    /// `this` in the method of a register action, and where the element is.
    OwnAction(Storage),
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
    /// `Alpm`, `Atcam`, `IdleTimeout`: how a table is laid out, not what it does; of the first two, in
    /// what partitions.
    Layout(Option<Partitions>),
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
        let Some(call) = self.typed.instantiation(instance) else {
            return Binding::Poison;
        };
        if matches!(instance.ty.kind, TypeKind::Array { .. }) {
            self.unsupported(
                instance.span,
                "an array of instances",
                "declare each of them",
            );
            return Binding::Poison;
        }
        let name = self.control_plane_name(&instance.annotations, &instance.name.text);
        self.construct(call, Some(instance), name, instance.span)
    }

    /// An instance of the top level, made once a gress.
    pub(crate) fn global_instance(
        &mut self,
        id: DeclId,
        instance: &'a ast::Instantiation,
    ) -> Binding<'a> {
        if let Some(binding) = self.global_objects.get(&id) {
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
            let owner = *self.global_owners.entry(id).or_insert(role);
            if owner != role {
                let name = instance.name.text.clone();
                self.error(instance.span, ErrorKind::SharedExtern { name });
            }
        }
        self.global_objects.insert(id, binding.clone());
        binding
    }

    /// What a constructor call makes.
    pub(crate) fn construct(
        &mut self,
        call: &'a Call<'a>,
        instance: Option<&'a ast::Instantiation>,
        name: String,
        span: Span,
    ) -> Binding<'a> {
        let made = match call.callee {
            Callee::ExternConstructor(method) => self
                .construct_extern(method, call, instance, name, span)
                .map(|object| Object::Extern(Rc::new(object))),
            Callee::Constructor(id) => {
                let args = self.constructor_args(call, span);
                let head = self.typed.signature(Callee::Apply(id));
                let types = self.concrete_args(&call.type_args, span);
                args.zip(head)
                    .and_then(|(args, head)| match self.typed.decl(id).node {
                        Node::Control(decl) => Some(Object::Control(Rc::new(Instance {
                            decl,
                            head,
                            types,
                            path: name,
                            args,
                        }))),
                        Node::Parser(decl) => Some(Object::Parser(Rc::new(Instance {
                            decl,
                            head,
                            types,
                            path: name,
                            args,
                        }))),
                        _ => None,
                    })
            }
            _ => None,
        };
        made.map_or(Binding::Poison, Binding::Object)
    }

    /// What a constructor is given, which is known by now.
    fn evaluated_args(&mut self, call: &'a Call<'a>, span: Span) -> Option<Vec<Arg<'a>>> {
        let mut evaluated = None;
        let block = self.block_of(|lower| evaluated = lower.arguments(call, span));
        if !block.is_empty() {
            self.not_constant(span);
            return None;
        }
        evaluated
    }

    /// What the constructor of a parser or control is given, by parameter.
    pub(crate) fn constructor_args(
        &mut self,
        call: &'a Call<'a>,
        span: Span,
    ) -> Option<Vec<(DeclId, Binding<'a>)>> {
        let evaluated = self.evaluated_args(call, span)?;
        let params = &self.typed.signature(call.callee)?.params;
        let mut bindings = Vec::new();
        for (param, arg) in params.iter().zip(evaluated) {
            let binding = match arg {
                Arg::Value(value) if crate::convert::is_constant(&value) => Binding::Value(value),
                Arg::Value(_) => {
                    self.not_constant(span);
                    return None;
                }
                Arg::Object(binding) => binding,
                Arg::Place(..) | Arg::Omitted => Binding::Poison,
            };
            bindings.push((param.decl, binding));
        }
        Some(bindings)
    }

    /// An instance of an extern.
    fn construct_extern(
        &mut self,
        method: DeclId,
        call: &'a Call<'a>,
        instance: Option<&'a ast::Instantiation>,
        name: String,
        span: Span,
    ) -> Option<ExternObject<'a>> {
        let Node::Extern(decl) = self.typed.decl(self.typed.decl(method).owner?).node else {
            return None;
        };
        let args = self.evaluated_args(call, span)?;
        let types = call.type_args.iter();
        let types: Vec<Type> = types.map(|(_, ty)| self.concrete(*ty, span)).collect();
        let construction = Construction {
            decl,
            types: &types,
            args: &args,
            instance,
            name,
            span,
        };
        let kind = self.make_extern(&construction)?;
        Some(ExternObject { decl, kind })
    }
}
