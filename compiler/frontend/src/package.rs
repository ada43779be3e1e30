//! The program as a whole: `main`, its pipelines, and the blocks of each gress.
//!
//! Parser, control and deparser of a gress share storage: the headers, the metadata, and each struct
//! that the architecture declares, whatever the blocks call them. Fields bear the names that the
//! control gives.

use std::rc::Rc;

use indexmap::IndexMap;
use p4rmt_ir::{
    Arch, Arena, Body, Control, ControlRole, Deparser, FieldKind, Gress, GressRole, Pipe, PipeId,
    Structured,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, DeclarationKind, ExprKind, TypeKind};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::gress::GressBuilder;
use crate::lower::{Lower, Unit};
use crate::scope::{Binding, Instance, Object};
use crate::storage::{Base, Storage};
use crate::types::Type;

/// A parser or control that a package is given.
#[derive(Clone)]
pub(crate) struct Block<'a> {
    head_name: &'a ast::Name,
    params: &'a [ast::Parameter],
    decl: BlockDecl<'a>,
    args: Vec<(&'a str, Binding<'a>)>,
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
            self.error(Span::NONE, &ErrorKind::NoMain);
            return None;
        };
        let package = type_path(&main.ty).map(|path| path.name.text.as_str());
        let has = |name: &str| self.globals.contains_key(name);
        let arch = match package {
            Some("Switch") if has("ghost_intrinsic_metadata_t") => Arch::T2na,
            Some("Switch") if has("ingress_intrinsic_metadata_t") => Arch::Tna,
            Some("V1Switch") if has("standard_metadata_t") && self.is_package("V1Switch", 6) => {
                self.is_structured = true;
                let pipe = self.v1_pipe(main)?;
                return Some((Arch::V1model, [pipe].into_iter().collect()));
            }
            _ => {
                self.unknown_package(main);
                return None;
            }
        };
        let mut pipes = Arena::new();
        let mut is_good = !main.args.is_empty();
        for arg in &main.args {
            match self.pipeline(arg, main) {
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
    pub(crate) fn unknown_package(&mut self, main: &'a ast::Instantiation) {
        self.lacks_machine = true;
        let package = type_path(&main.ty).map(|path| path.name.text.as_str());
        let name = package.unwrap_or("?").to_owned();
        self.error(main.ty.span, &ErrorKind::UnknownPackage { name });
    }

    /// Whether a package of this name takes so many blocks.
    fn is_package(&self, name: &str, n_blocks: usize) -> bool {
        let declarations = self.globals.get(name).map_or(&[][..], Vec::as_slice);
        declarations.iter().any(|declaration| {
            matches!(&declaration.kind, DeclarationKind::Package(package)
                if package.params.len() == n_blocks)
        })
    }

    /// An argument of `Switch`.
    fn pipeline(&mut self, arg: &'a ast::Argument, main: &'a ast::Instantiation) -> Option<Pipe> {
        let ArgumentValue::Expr(expr) = &arg.value else {
            self.unknown_package(main);
            return None;
        };
        let (name, span, callee, args): (&str, Span, &'a ast::Path, &'a [ast::Argument]) =
            match &expr.kind {
                ExprKind::Path(path) => {
                    let declarations = self.globals.get(path.name.text.as_str());
                    match declarations
                        .and_then(|found| found.first())
                        .map(|found| &found.kind)
                    {
                        Some(DeclarationKind::Instantiation(instance)) => {
                            let Some(callee) = type_path(&instance.ty) else {
                                self.unknown_package(main);
                                return None;
                            };
                            (&instance.name.text, instance.span, callee, &instance.args)
                        }
                        Some(_) => {
                            self.unknown_package(main);
                            return None;
                        }
                        None => {
                            self.error(
                                path.span,
                                &ErrorKind::UnknownName {
                                    name: path.name.text.clone(),
                                },
                            );
                            return None;
                        }
                    }
                }
                ExprKind::Call { callee, args, .. } => match &callee.kind {
                    ExprKind::Path(path) => ("pipe", expr.span, path, args),
                    _ => {
                        self.unknown_package(main);
                        return None;
                    }
                },
                _ => {
                    self.unknown_package(main);
                    return None;
                }
            };
        let package = self
            .globals
            .get("Pipeline")
            .and_then(|declarations| declarations.first())
            .and_then(|declaration| match &declaration.kind {
                DeclarationKind::Package(package) => Some(package),
                _ => None,
            });
        let Some(package) = package.filter(|_| callee.name.text == "Pipeline") else {
            self.unknown_package(main);
            return None;
        };
        let matched = self.match_args("Pipeline", &package.params, args, span)?;
        if let Some(Some(ghost)) = matched.get(6) {
            self.unsupported(
                ghost.span,
                "the ghost thread",
                "leave out the control of the ghost thread",
            );
            return None;
        }
        let mut blocks = Vec::new();
        for position in 0..6 {
            let arg = matched.get(position).copied().flatten();
            let block = arg.and_then(|arg| self.block_arg(arg, position % 3 == 0));
            let Some(block) = block else {
                self.unknown_package(main);
                return None;
            };
            blocks.push(block);
        }
        const PARTS: [BlockRole; 3] = [
            BlockRole::Parser,
            BlockRole::Control(ControlRole::Sole),
            BlockRole::Deparser,
        ];
        let declared = &package.params;
        let ingress = self.gress_of(GressRole::Ingress, &PARTS, &blocks[..3], &declared[..3]);
        let egress = self.gress_of(GressRole::Egress, &PARTS, &blocks[3..], &declared[3..6]);
        let mut gresses = Arena::new();
        gresses.push(ingress?);
        gresses.push(egress?);
        Some(Pipe {
            name: name.to_owned(),
            gresses,
            span,
        })
    }

    /// A parser or control as an argument of a package.
    pub(crate) fn block_arg(
        &mut self,
        arg: &'a ast::Argument,
        is_parser: bool,
    ) -> Option<Block<'a>> {
        let ArgumentValue::Expr(expr) = &arg.value else {
            return None;
        };
        let (path, args, span): (&'a ast::Path, &'a [ast::Argument], Span) = match &expr.kind {
            ExprKind::Call { callee, args, .. } => match &callee.kind {
                ExprKind::Path(path) => (path, args, expr.span),
                _ => return None,
            },
            ExprKind::Path(path) => {
                let found = self.globals.get(path.name.text.as_str())?.first()?;
                match &found.kind {
                    DeclarationKind::Instantiation(instance) => {
                        (type_path(&instance.ty)?, &instance.args, instance.span)
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        let declaration = *self.globals.get(path.name.text.as_str())?.first()?;
        self.visited.insert(declaration);
        match &declaration.kind {
            DeclarationKind::Parser(decl) if is_parser => {
                let args = self.constructor_args(
                    &decl.head.name.text,
                    &decl.constructor_params,
                    args,
                    span,
                )?;
                Some(Block {
                    head_name: &decl.head.name,
                    params: &decl.head.params,
                    decl: BlockDecl::Parser(decl),
                    args,
                    span: decl.span,
                })
            }
            DeclarationKind::Control(decl) if !is_parser => {
                let args = self.constructor_args(
                    &decl.head.name.text,
                    &decl.constructor_params,
                    args,
                    span,
                )?;
                Some(Block {
                    head_name: &decl.head.name,
                    params: &decl.head.params,
                    decl: BlockDecl::Control(decl),
                    args,
                    span: decl.span,
                })
            }
            _ => None,
        }
    }

    /// A gress, made of the blocks that have these parts in it.
    pub(crate) fn gress_of(
        &mut self,
        role: GressRole,
        parts: &[BlockRole],
        blocks: &[Block<'a>],
        declared: &'a [ast::Parameter],
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
        self.inlining.clear();
        let mut params = Vec::new();
        let mut types: IndexMap<Role, (Type, Span)> = IndexMap::new();
        for (block, declared) in blocks.iter().zip(declared) {
            params.push(self.block_params(block, declared, &mut types)?);
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
            self.path.clone_from(&block.head_name.text);
            match block.decl {
                BlockDecl::Parser(decl) => {
                    let global = self.global;
                    parser = self.in_scope(global, |lower| {
                        let scope = lower.scope;
                        for (name, binding) in &block.args {
                            lower.scopes.bind(scope, name, binding.clone());
                        }
                        lower.bind_block(block.params, args);
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
        self.check_unused();
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
        let instance = Rc::new(Instance {
            decl,
            path: decl.head.name.text.clone(),
            types: Vec::new(),
            args: block.args.clone(),
        });
        let name = decl.head.name.text.clone();
        let body = self.nested_call(&name, block.span, |lower| {
            lower.block_of(|lower| lower.block_body(&instance, args))
        });
        body.unwrap_or_default()
    }

    /// What the parameters of a block stand for. Nothing if they
    /// are not those of the architecture, which the package's types have shown.
    fn block_params(
        &mut self,
        block: &Block<'a>,
        declared: &'a ast::Parameter,
        types: &mut IndexMap<Role, (Type, Span)>,
    ) -> Option<Vec<BlockParam>> {
        let declaration = type_path(&declared.ty)
            .and_then(|path| self.globals.get(path.name.text.as_str()))
            .and_then(|found| found.first())
            .copied()?;
        let (vars, expected): (&'a [ast::Name], &'a [ast::Parameter]) = match &declaration.kind {
            DeclarationKind::ParserType(decl) => (&decl.type_params, &decl.params),
            DeclarationKind::ControlType(decl) => (&decl.type_params, &decl.params),
            _ => return None,
        };
        let scope = self.type_scope(&block.head_name.text, vars, &[], self.global, block.span)?;
        let mut params = Vec::new();
        let mut is_good = true;
        for (param, expected) in block.params.iter().zip(expected) {
            let wanted = self.type_in(scope, &expected.ty);
            let global = self.global;
            let found = self.type_in(global, &param.ty);
            let role = match &wanted {
                Type::Object { .. } => Role::Packet,
                Type::Var(name) => Role::Var(name.to_string()),
                other => Role::Intrinsic(other.to_string()),
            };
            if found.is_poison() {
                is_good = false;
                continue;
            }
            let expected = match &role {
                Role::Var(_) => {
                    &types
                        .entry(role.clone())
                        .or_insert((found.clone(), param.span))
                        .0
                }
                Role::Packet | Role::Intrinsic(_) => &wanted,
            };
            is_good &= *expected == found;
            params.push(BlockParam {
                role,
                ty: found,
                name: param.name.text.clone(),
                span: param.span,
            });
        }
        // What the block leaves out exists all the same.
        for expected in expected.iter().skip(block.params.len()) {
            let ty = self.type_in(scope, &expected.ty);
            if matches!(ty, Type::Record(_)) {
                params.push(BlockParam {
                    role: Role::Intrinsic(ty.to_string()),
                    ty,
                    name: expected.name.text.clone(),
                    span: expected.span,
                });
            }
        }
        is_good.then_some(params)
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
                self.mismatch_text(param.span, "a type with values", &param.ty);
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
    pub(crate) fn block_body(
        &mut self,
        instance: &Rc<Instance<'a, ast::Control>>,
        args: Vec<Arg<'a>>,
    ) {
        let decl = instance.decl;
        self.scope = self.scopes.open(Some(self.global));
        let scope = self.scope;
        for (name, binding) in &instance.args {
            self.scopes.bind(scope, name, binding.clone());
        }
        self.bind_block(&decl.head.params, args);
        self.scope = self.scopes.open(Some(scope));
        for local in &decl.locals {
            self.control_local(local);
        }
        let (block, _) = self.returning(Type::Void, &decl.apply, decl.span);
        let block = self.closed(block, decl.span);
        self.block().extend(block);
        self.note_unused(decl);
        self.scope = self.global;
    }
}

/// The path of a type that is a name, with or without arguments.
pub(crate) fn type_path(ty: &ast::Type) -> Option<&ast::Path> {
    match &ty.kind {
        TypeKind::Named(path) | TypeKind::Specialized { base: path, .. } => Some(path),
        _ => None,
    }
}
