//! The program as a whole: `main`, its pipelines, and the blocks of each gress.
//!
//! Parser, control and deparser of a gress share storage: the headers, the metadata, and each struct
//! that the architecture declares, whatever the blocks call them. Fields bear the names that the
//! control gives.

use indexmap::IndexMap;
use p4rmt_ir::{
    Arch, Arena, Body, Control, ControlRole, Deparser, FieldKind, Gress, GressRole, Pipe, PipeId,
    Structured,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, DeclarationKind};
use p4rmt_typing::{ArgSource, Call, Callee, DeclId, Node, Param, Signature, Sort, TypeKind};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::gress::GressBuilder;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Object};
use crate::storage::{Base, Storage};
use crate::types::Type;

/// How many parsers and controls a pipeline has, and a switch of v1model.
const N_BLOCKS: usize = 6;

/// A parser or control that a package is given.
#[derive(Clone)]
pub(crate) struct Block<'a> {
    decl: BlockDecl<'a>,
    apply: &'a Signature<'a>,
    /// The head that the architecture gives it.
    expected: &'a Signature<'a>,
    /// The constructor call.
    call: &'a Call<'a>,
    args: Vec<(DeclId, Binding<'a>)>,
    span: Span,
}

#[derive(Clone, Copy)]
enum BlockDecl<'a> {
    Parser(&'a ast::Parser),
    Control(&'a ast::Control),
}

/// What a block is in its gress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockRole {
    /// Its parser.
    Parser,
    /// A control of its body.
    Control(ControlRole),
    /// Its deparser.
    Deparser,
}

impl BlockRole {
    /// Where its parameters stand among those of all blocks when the fields are named.
    fn naming_order(self) -> u32 {
        match self {
            Self::Control(ControlRole::Sole | ControlRole::Ingress) => 0,
            Self::Parser => 1,
            Self::Control(ControlRole::Verify | ControlRole::Egress | ControlRole::Compute) => 2,
            Self::Deparser => 3,
        }
    }
}

/// What a parameter of a block stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Role {
    /// The packet.
    Packet,
    /// A type parameter of the architecture: headers, or metadata.
    Var(String),
    /// A struct that the architecture declares.
    Intrinsic(String),
}

/// A parameter of a block.
struct BlockParam {
    role: Role,
    ty: Type,
    name: String,
    span: Span,
}

impl<'a> Lower<'a> {
    /// Lowers what `main` names.
    pub(crate) fn program(
        &mut self,
        program: &'a ast::Program,
    ) -> Option<(Arch, Arena<PipeId, Pipe>)> {
        let main = program
            .declarations
            .iter()
            .find_map(|declaration| match &declaration.kind {
                DeclarationKind::Instantiation(instance) if instance.name.text == "main" => {
                    Some(instance)
                }
                _ => None,
            });
        let Some(main) = main else {
            self.lacks_machine = true;
            self.error(Span::NONE, ErrorKind::NoMain);
            return None;
        };
        let package = self.typed.instantiation(main);
        let package = package.and_then(|call| match call.callee {
            Callee::Constructor(id) => Some((self.typed.decl(id).name, &**call)),
            _ => None,
        });
        let has = |name: &str| self.typed.top_level(name).is_some();
        let (arch, call) = match package {
            Some(("Switch", call)) if has("ghost_intrinsic_metadata_t") => (Arch::T2na, call),
            Some(("Switch", call)) if has("ingress_intrinsic_metadata_t") => (Arch::Tna, call),
            Some(("V1Switch", call))
                if has("standard_metadata_t") && call.args.len() == N_BLOCKS =>
            {
                self.is_structured = true;
                let pipe = self.v1_pipe(main, call)?;
                return Some((Arch::V1model, [pipe].into_iter().collect()));
            }
            _ => {
                self.unknown_package(main);
                return None;
            }
        };
        let mut pipes = Arena::new();
        let mut is_good = true;
        let given = call.args.iter();
        for source in given.filter(|source| matches!(source, ArgSource::Given(_))) {
            match self.pipeline(source, main) {
                Some(pipe) => {
                    pipes.push(pipe);
                }
                None => is_good = false,
            }
        }
        is_good.then_some((arch, pipes))
    }

    /// Says that no machine has this package. One of the program's own may have the name of one that
    /// a machine has, and other arguments.
    fn unknown_package(&mut self, main: &'a ast::Instantiation) {
        self.lacks_machine = true;
        let package = type_path(&main.ty).map(|path| path.name.text.as_str());
        let name = package.unwrap_or("?").to_owned();
        self.error(main.ty.span, ErrorKind::UnknownPackage { name });
    }

    /// What an argument of a package constructs, the name of the instance if it has one, and where.
    fn constructed(&self, source: &ArgSource<'a>) -> Option<(&'a Call<'a>, Option<&'a str>, Span)> {
        let ArgSource::Given(ast::Argument {
            value: ArgumentValue::Expr(expr),
            ..
        }) = source
        else {
            return None;
        };
        if let Some(call) = self.typed.call(expr) {
            return Some((call, None, expr.span));
        }
        let ast::ExprKind::Path(path) = &expr.kind else {
            return None;
        };
        let Node::Instance(instance) = self.typed.decl(self.typed.path(path)?).node else {
            return None;
        };
        let call = self.typed.instantiation(instance)?;
        Some((call, Some(&instance.name.text), instance.span))
    }

    /// An argument of `Switch`.
    fn pipeline(&mut self, source: &ArgSource<'a>, main: &'a ast::Instantiation) -> Option<Pipe> {
        let made = self.constructed(source).filter(|(call, ..)| {
            matches!(call.callee, Callee::Constructor(package)
                if self.typed.decl(package).name == "Pipeline")
        });
        let Some((call, name, span)) = made else {
            self.unknown_package(main);
            return None;
        };
        if let Some(ArgSource::Given(ghost)) = call.args.get(6) {
            self.unsupported(
                ghost.span,
                "the ghost thread",
                "leave out the control of the ghost thread",
            );
            return None;
        }
        const PARTS: [BlockRole; 3] = [
            BlockRole::Parser,
            BlockRole::Control(ControlRole::Sole),
            BlockRole::Deparser,
        ];
        let blocks = self.blocks(call, &PARTS, main)?;
        let ingress = self.gress_of(GressRole::Ingress, &PARTS, &blocks[..3]);
        let egress = self.gress_of(GressRole::Egress, &PARTS, &blocks[3..]);
        let mut gresses = Arena::new();
        gresses.push(ingress?);
        gresses.push(egress?);
        Some(Pipe {
            name: name.unwrap_or("pipe").to_owned(),
            gresses,
            span,
        })
    }

    /// The parsers and controls that a package is given.
    pub(crate) fn blocks(
        &mut self,
        call: &'a Call<'a>,
        parts: &[BlockRole],
        main: &'a ast::Instantiation,
    ) -> Option<Vec<Block<'a>>> {
        let params = &self.typed.signature(call.callee)?.params;
        let given = call.args.iter().zip(params.iter()).take(N_BLOCKS);
        let blocks: Vec<Block<'a>> = given
            .zip(parts.iter().cycle())
            .map_while(|((source, declared), part)| self.block_given(source, declared, *part))
            .collect();
        if blocks.len() != N_BLOCKS {
            self.unknown_package(main);
            return None;
        }
        Some(blocks)
    }

    /// A parser or control as an argument of a package.
    fn block_given(
        &mut self,
        source: &ArgSource<'a>,
        declared: &Param<'a>,
        part: BlockRole,
    ) -> Option<Block<'a>> {
        let (call, _, span) = self.constructed(source)?;
        let Callee::Constructor(id) = call.callee else {
            return None;
        };
        let decl = self.typed.decl(id);
        let is_parser = part == BlockRole::Parser;
        let (block, declared_at) = match decl.node {
            Node::Parser(decl) if is_parser => (BlockDecl::Parser(decl), decl.span),
            Node::Control(decl) if !is_parser => (BlockDecl::Control(decl), decl.span),
            _ => return None,
        };
        let TypeKind::Named { decl: head, .. } = self.typed.types.kind(declared.ty) else {
            return None;
        };
        Some(Block {
            decl: block,
            apply: self.typed.signature(Callee::Apply(id))?,
            expected: self.typed.signature(Callee::Apply(*head))?,
            call,
            args: self.constructor_args(call, span).unwrap_or_default(),
            span: declared_at,
        })
    }

    /// A gress, made of the blocks that have these parts in it.
    pub(crate) fn gress_of(
        &mut self,
        role: GressRole,
        parts: &[BlockRole],
        blocks: &[Block<'a>],
    ) -> Option<Gress> {
        self.role = role;
        self.gress = GressBuilder::default();
        self.gress.fills_bytes = role != GressRole::Whole;
        self.global_objects.clear();
        self.applied.clear();
        self.lowered_tables.clear();
        self.lowered_actions.clear();
        self.no_action = None;
        self.flagged_actions.clear();
        self.exit_flag = None;
        let mut params = Vec::new();
        let mut types: IndexMap<Role, (Type, Span)> = IndexMap::new();
        for block in blocks {
            params.push(self.block_params(block, &mut types));
        }
        let storage = self.shared_storage(parts, &params)?;
        if let Some((ty, _)) = types.get(&Role::Var("M".to_owned()))
            && let Some(storage) = storage.get(&Role::Var("M".to_owned()))
        {
            self.field_lists = self.field_lists_of(ty, storage);
        }
        let mut parser = None;
        let mut controls = Vec::new();
        let mut deparser = None;
        for ((block, params), part) in blocks.iter().zip(&params).zip(parts) {
            let args: Vec<Arg<'a>> = params
                .iter()
                .map(|param| match (&param.role, storage.get(&param.role)) {
                    (Role::Packet, _) => Arg::Object(Binding::Object(Object::Packet)),
                    (_, Some(storage)) => Arg::Place(param.ty.clone(), storage.clone()),
                    (_, None) => Arg::Omitted,
                })
                .collect();
            (self.unit, self.control) = match part {
                BlockRole::Parser => (Unit::Parser, None),
                BlockRole::Control(role) => (Unit::Control, Some(*role)),
                BlockRole::Deparser => (Unit::Deparser, None),
            };
            self.path = block.apply.name.to_owned();
            match block.decl {
                BlockDecl::Parser(decl) => {
                    let types = self.type_scope(&block.call.type_args, self.global, block.span);
                    parser = self.in_scope(types, |lower| {
                        lower.bind_block(block, args);
                        lower.parser(decl)
                    });
                }
                BlockDecl::Control(decl) => {
                    let body = self.block_control(decl, block, args);
                    let name = decl.head.name.text.clone();
                    let span = block.span;
                    match *part {
                        BlockRole::Control(role) => controls.push(Control {
                            name,
                            role,
                            body,
                            span,
                        }),
                        BlockRole::Parser | BlockRole::Deparser => {
                            deparser = Some(Deparser { name, body, span });
                        }
                    }
                }
            }
            self.unit = Unit::Top;
            self.control = None;
            self.path.clear();
        }
        let built = std::mem::take(&mut self.gress);
        let mut gress = Gress {
            role,
            fields: built.fields,
            headers: built.headers,
            intrinsics: built.intrinsics,
            parser: parser?,
            body: Body::Structured(Structured {
                controls,
                actions: built.actions,
            }),
            deparser: deparser?,
            tables: built.tables,
            registers: built.registers,
            register_actions: built.register_actions,
            math_units: built.math_units,
            counters: built.counters,
            meters: built.meters,
            hashes: built.hashes,
            randoms: built.randoms,
            checksums: built.checksums,
            digests: built.digests,
            profiles: built.profiles,
            value_sets: built.value_sets,
            inlined: built.inlined,
        };
        crate::compact::drop_unused(&mut gress, &built.local_headers);
        Some(gress)
    }

    /// The body of a control or deparser of the pipe.
    fn block_control(
        &mut self,
        decl: &'a ast::Control,
        block: &Block<'a>,
        args: Vec<Arg<'a>>,
    ) -> p4rmt_ir::Block {
        let body = self.nested_call(block.span, |lower| {
            lower.block_of(|lower| lower.block_body(decl, block, args))
        });
        body.unwrap_or_default()
    }

    /// What the parameters of a block stand for.
    fn block_params(
        &mut self,
        block: &Block<'a>,
        types: &mut IndexMap<Role, (Type, Span)>,
    ) -> Vec<BlockParam> {
        let expected = &block.expected.params[..];
        let scope = self.type_scope(&block.call.type_args, self.global, block.span);
        let outer = std::mem::replace(&mut self.scope, scope);
        let mut params = Vec::new();
        for (param, expected) in block.apply.params.iter().zip(expected) {
            let ty = self.concrete(param.ty, param.span);
            let role = match self.typed.types.kind(expected.ty) {
                TypeKind::Named {
                    sort: Sort::Extern, ..
                } => Role::Packet,
                TypeKind::Param(param) => Role::Var(self.typed.decl(*param).name.to_owned()),
                _ => Role::Intrinsic(ty.to_string()),
            };
            types
                .entry(role.clone())
                .or_insert_with(|| (ty.clone(), param.span));
            params.push(BlockParam {
                role,
                ty,
                name: param.name.to_owned(),
                span: param.span,
            });
        }
        // What the block leaves out exists all the same.
        for expected in expected.iter().skip(block.apply.params.len()) {
            let ty = self.concrete(expected.ty, expected.span);
            if matches!(ty, Type::Record(_)) {
                params.push(BlockParam {
                    role: Role::Intrinsic(ty.to_string()),
                    ty,
                    name: expected.name.to_owned(),
                    span: expected.span,
                });
            }
        }
        self.scope = outer;
        params
    }

    /// Storage for all that the blocks share, named as the control names it.
    fn shared_storage(
        &mut self,
        parts: &[BlockRole],
        params: &[Vec<BlockParam>],
    ) -> Option<IndexMap<Role, Storage>> {
        let mut storage = IndexMap::new();
        let mut by_name: Vec<_> = parts.iter().zip(params).collect();
        by_name.sort_by_key(|(part, _)| part.naming_order());
        for param in by_name.into_iter().flat_map(|(_, params)| params) {
            if param.role == Role::Packet || storage.contains_key(&param.role) {
                continue;
            }
            let kind = match param.role {
                Role::Intrinsic(_) => FieldKind::Intrinsic,
                Role::Packet | Role::Var(_) => FieldKind::Metadata,
            };
            let Some(made) = self.gress.storage(&param.name, &param.ty, kind, param.span) else {
                self.mismatch(param.span, "a type with values", &param.ty);
                return None;
            };
            if let (Role::Intrinsic(_), Type::Record(record), Storage::Record(fields)) =
                (&param.role, &param.ty, &made)
            {
                for (field, storage) in record.fields.iter().zip(&fields.fields) {
                    if let Storage::Leaf(slot) = storage
                        && let Base::Field(id) = slot.base
                    {
                        self.gress
                            .intrinsics
                            .insert(format!("{}.{}", record.name, field.name), id);
                    }
                }
            }
            storage.insert(param.role.clone(), made);
        }
        Some(storage)
    }

    /// Declarations and `apply` of a control of the pipe, its parameters bound to shared storage.
    fn block_body(&mut self, decl: &'a ast::Control, block: &Block<'a>, args: Vec<Arg<'a>>) {
        let types = self.type_scope(&block.call.type_args, self.global, block.span);
        self.in_scope(types, |lower| {
            lower.bind_block(block, args);
            lower.in_scope(lower.scope, |lower| {
                for local in &decl.locals {
                    lower.control_local(local);
                }
                let (body, _) = lower.returning(Type::Void, &decl.apply, decl.span);
                let body = lower.closed(body, decl.span);
                lower.block().extend(body);
            });
        });
    }

    /// Binds the parameters of a block in the current scope: those of its constructor to what it was
    /// given, the others to what the gress shares.
    fn bind_block(&mut self, block: &Block<'a>, args: Vec<Arg<'a>>) {
        for (param, binding) in &block.args {
            self.scopes.bind(self.scope, *param, binding.clone());
        }
        for (param, arg) in block.apply.params.iter().zip(args) {
            let binding = match arg {
                Arg::Place(ty, storage) => Binding::Place { ty, storage },
                Arg::Object(binding) => binding,
                Arg::Value(value) => Binding::Value(value),
                Arg::Omitted => Binding::Poison,
            };
            self.scopes.bind(self.scope, param.decl, binding);
        }
    }
}

/// The path of a type that is a name, with or without arguments.
fn type_path(ty: &ast::Type) -> Option<&ast::Path> {
    match &ty.kind {
        ast::TypeKind::Named(path) | ast::TypeKind::Specialized { base: path, .. } => Some(path),
        _ => None,
    }
}
