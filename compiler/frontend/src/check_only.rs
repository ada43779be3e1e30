//! What no pipe reaches is checked all the same, and dropped: tables that are never applied, actions
//! that nothing calls, parsers, controls and functions that nothing uses.
//!
//! Only mistakes are reported of these. What they use of the architecture or the language that is not
//! supported does no harm.

use std::rc::Rc;

use p4rmt_ir::FieldKind;
use p4rmt_source::Severity;
use p4rmt_syntax::ast::{self, ControlLocal, DeclarationKind};

use crate::args::Arg;
use crate::lower::{Lower, Unit};
use crate::scope::{ActionObject, Binding, Instance, Object};
use crate::table::TableObject;
use crate::types::Type;
use crate::value::Value;

/// How the codes of mistakes begin, as opposed to what is not supported, or is out of place only
/// because nothing says what the block is for.
const MISTAKES: [&str; 6] = ["E1", "E2", "E3", "E4008", "E4010", "E4012"];

/// A declaration of a control that is checked in the end, with where it stands.
pub(crate) struct Unused<'a> {
    object: UnusedObject<'a>,
    unit: Unit,
    path: String,
}

enum UnusedObject<'a> {
    Table(Rc<TableObject<'a>>),
    Action(ActionObject<'a>),
}

impl<'a> Lower<'a> {
    /// Lowers something for its mistakes alone: all that it made is taken back.
    pub(crate) fn check_only(&mut self, check: impl FnOnce(&mut Self)) {
        let gress = self.gress.clone();
        let tables = self.lowered_tables.clone();
        let actions = self.lowered_actions.clone();
        let no_action = self.no_action;
        let applied = self.applied.clone();
        let global_objects = self.global_objects.clone();
        let global_owners = self.global_owners.clone();
        let frames = self.frames.clone();
        let locals = self.locals.clone();
        let deparser_end = self.deparser_end;
        let exit_flag = self.exit_flag;
        let flagged_actions = self.flagged_actions.clone();
        let n_unused = self.unused.len();
        let n_statements = self.n_statements;
        let diagnostics = std::mem::take(&mut self.diagnostics);
        let seen = self.seen.clone();
        let outer = std::mem::replace(&mut self.checks_only, true);
        self.block_of(check);
        self.checks_only = outer;
        let found = std::mem::replace(&mut self.diagnostics, diagnostics);
        self.seen = seen;
        for diagnostic in &found {
            let is_mistake = diagnostic.severity == Severity::Error
                && MISTAKES
                    .iter()
                    .any(|prefix| diagnostic.code.0.starts_with(prefix));
            if is_mistake {
                self.seen
                    .insert((diagnostic.span, diagnostic.message.clone()));
                self.diagnostics.push(diagnostic.clone());
            }
        }
        self.gress = gress;
        self.lowered_tables = tables;
        self.lowered_actions = actions;
        self.no_action = no_action;
        self.applied = applied;
        self.global_objects = global_objects;
        self.global_owners = global_owners;
        self.frames = frames;
        self.locals = locals;
        self.deparser_end = deparser_end;
        self.exit_flag = exit_flag;
        self.flagged_actions = flagged_actions;
        self.unused.truncate(n_unused);
        self.n_statements = n_statements;
    }

    /// Remembers the tables and actions of the current scope's control.
    pub(crate) fn note_unused(&mut self, decl: &'a ast::Control) {
        let scope = self.scope;
        for local in &decl.locals {
            let name = match local {
                ControlLocal::Table(table) => &table.name,
                ControlLocal::Action(action) => &action.name,
                ControlLocal::Const(_)
                | ControlLocal::Variable(_)
                | ControlLocal::Instantiation(_) => continue,
            };
            let object = match self.scopes.lookup_here(scope, &name.text) {
                Some(Binding::Object(Object::Table(table))) => UnusedObject::Table(table.clone()),
                Some(Binding::Object(Object::Action(action))) => {
                    UnusedObject::Action(action.clone())
                }
                _ => continue,
            };
            self.unused.push(Unused {
                object,
                unit: self.unit,
                path: self.path.clone(),
            });
        }
    }

    /// Checks what has been remembered and is still unused.
    pub(crate) fn check_unused(&mut self) {
        let unused = std::mem::take(&mut self.unused);
        if self.is_exhausted() {
            return;
        }
        self.check_only(|lower| {
            for item in unused {
                lower.unit = item.unit;
                lower.path = item.path;
                match item.object {
                    UnusedObject::Table(table) => {
                        lower.lower_table(&table);
                    }
                    UnusedObject::Action(action) => {
                        let known = lower
                            .lowered_actions
                            .contains_key(&(std::ptr::from_ref(action.decl), action.scope));
                        if !known {
                            lower.check_action(&action);
                        }
                    }
                }
            }
            lower.unit = Unit::Top;
            lower.path.clear();
        });
    }

    /// Checks an action with arguments that are good enough for it.
    fn check_action(&mut self, action: &ActionObject<'a>) {
        let outer = std::mem::replace(&mut self.scope, action.scope);
        let args: Option<Vec<Arg<'a>>> = action
            .decl
            .params
            .iter()
            .map(|param| self.stand_in(param))
            .collect();
        if let Some(args) = args {
            self.inline_action(action, (&args, &[]), action.decl.span);
        }
        self.scope = outer;
    }

    /// Checks the parsers, controls and functions of the top level that nothing used.
    pub(crate) fn check_unreached(&mut self, program: &'a ast::Program) {
        for declaration in &program.declarations {
            let is_generic = !crate::resolve::type_params(declaration).is_empty();
            let pointer = std::ptr::from_ref(declaration);
            if is_generic || self.visited.contains(&pointer) || self.is_exhausted() {
                continue;
            }
            self.gress = crate::gress::GressBuilder::default();
            self.global_objects.clear();
            self.global_owners.clear();
            self.applied.clear();
            self.lowered_tables.clear();
            self.lowered_actions.clear();
            self.no_action = None;
            self.scope = self.global;
            self.check_only(|lower| lower.check_declaration(declaration));
            self.unit = Unit::Top;
            self.path.clear();
            self.scope = self.global;
        }
    }

    /// Checks a declaration of the top level.
    fn check_declaration(&mut self, declaration: &'a ast::Declaration) {
        let global = self.global;
        match &declaration.kind {
            DeclarationKind::Function(function) => {
                self.unit = Unit::Action;
                self.in_scope(global, |lower| {
                    for param in &function.prototype.params {
                        lower.stand_in_binding(param);
                    }
                    let result = lower.ty(&function.prototype.result);
                    lower.returning(result, &function.body, function.prototype.span);
                });
            }
            DeclarationKind::Action(action) => {
                self.unit = Unit::Control;
                self.check_action(&ActionObject {
                    decl: action,
                    scope: global,
                    path: action.name.text.clone(),
                });
            }
            DeclarationKind::Control(control) if control.constructor_params.is_empty() => {
                let is_deparser = control
                    .head
                    .params
                    .iter()
                    .any(|param| matches!(self.ty(&param.ty), Type::Object { .. }));
                self.unit = if is_deparser {
                    Unit::Deparser
                } else {
                    Unit::Control
                };
                self.path.clone_from(&control.head.name.text);
                let args = control
                    .head
                    .params
                    .iter()
                    .map(|param| self.stand_in(param).unwrap_or(Arg::Omitted))
                    .collect();
                let instance = Rc::new(Instance {
                    decl: control,
                    path: self.path.clone(),
                    types: Vec::new(),
                    args: Vec::new(),
                });
                self.block_body(&instance, args);
                self.check_unused();
            }
            DeclarationKind::Parser(parser) if parser.constructor_params.is_empty() => {
                self.unit = Unit::Parser;
                self.path.clone_from(&parser.head.name.text);
                self.in_scope(global, |lower| {
                    for param in &parser.head.params {
                        lower.stand_in_binding(param);
                    }
                    lower.parser(parser);
                });
            }
            _ => {}
        }
    }

    /// Binds a parameter to something that is good enough to check with.
    fn stand_in_binding(&mut self, param: &'a ast::Parameter) {
        let binding = match self.stand_in(param) {
            Some(Arg::Place(ty, storage)) => Binding::Place {
                ty,
                storage,
                is_writable: true,
            },
            Some(Arg::Value(value)) => Binding::Value(value),
            Some(Arg::Object(binding)) => binding,
            Some(Arg::Omitted) | None => Binding::Poison,
        };
        self.bind(&param.name, binding);
    }

    /// An argument that is good enough to check with.
    fn stand_in(&mut self, param: &'a ast::Parameter) -> Option<Arg<'a>> {
        let ty = self.ty(&param.ty);
        if ty.is_poison() {
            return None;
        }
        if let Type::Object { name, .. } = &ty {
            let is_packet = matches!(&**name, "packet_in" | "packet_out");
            return is_packet.then_some(Arg::Object(Binding::Object(Object::Packet)));
        }
        let name = self.dotted(&param.name.text);
        let storage = self
            .gress
            .storage(&name, &ty, FieldKind::Local, param.span)?;
        Some(if crate::call::is_written(param) {
            Arg::Place(ty, storage)
        } else {
            Arg::Value(Value::place(ty, storage))
        })
    }
}
