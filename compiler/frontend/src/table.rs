//! Tables: keys, default action, entries, size.
//!
//! A table is lowered when it is first applied; one that is never applied is dropped.

mod action;
mod property;

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_ir::{
    ActionCall, ActionId, ActionRef, Arm, Block, GressRole, Key, MatchKind, StmtKind, Table,
    TableId,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ExprKind, PropertyKind};
use p4rmt_typing::DeclId;

use crate::error::ErrorKind;
use crate::fold;
use crate::inline::named;
use crate::lower::{Lower, Unit};
use crate::scope::ScopeId;
use crate::types::Type;
use crate::value::Value;

pub(crate) use action::Listed;

use property::{attach_direct, complete_partitions};

/// Entries of a table that does not say its size: as the public Tofino compiler and, for v1model, that of
/// bmv2 have it.
const DEFAULT_SIZE: u64 = 512;
const DEFAULT_SIZE_V1MODEL: u64 = 1024;
/// The largest size that a table may ask for.
const MAX_SIZE: u64 = 1 << 32;

/// A table and the scope that it sees.
#[derive(Debug)]
pub(crate) struct TableObject<'a> {
    /// Its declaration.
    pub(crate) decl: &'a ast::Table,
    /// The scope around it.
    pub(crate) scope: ScopeId,
    /// Its dotted name.
    pub(crate) path: String,
    /// The dotted name of its control.
    pub(crate) parent: String,
}

/// A table that has been lowered.
#[derive(Clone, Debug)]
pub(crate) struct LoweredTable {
    /// Which.
    pub(crate) id: TableId,
    /// Its actions by declaration.
    actions: Vec<(DeclId, ActionId)>,
    /// What its keys need done before every `apply`.
    before: Block,
}

impl LoweredTable {
    /// The action with this declaration.
    pub(crate) fn action(&self, decl: DeclId) -> Option<ActionId> {
        self.actions
            .iter()
            .find(|(action, _)| *action == decl)
            .map(|(_, id)| *id)
    }
}

impl<'a> Lower<'a> {
    /// Applies a table, with what follows under its outcomes.
    pub(crate) fn apply_table(&mut self, table: &Rc<TableObject<'a>>, arms: Vec<Arm>, span: Span) {
        if self.unit != Unit::Control {
            return self.misplaced("`apply` of a table", span);
        }
        let Some(lowered) = self.lower_table(table) else {
            return self.lost(span);
        };
        let mut before = lowered.before;
        let mut labels = HashMap::new();
        self.relabel(&mut before, &mut labels);
        self.block().extend(before);
        self.emit(
            span,
            StmtKind::Apply {
                table: lowered.id,
                arms,
            },
        );
    }

    /// The lowered table, made when it is first needed.
    pub(crate) fn lower_table(&mut self, table: &Rc<TableObject<'a>>) -> Option<LoweredTable> {
        let key = (std::ptr::from_ref(table.decl), table.scope);
        if let Some(lowered) = self.lowered_tables.get(&key) {
            return lowered.clone();
        }
        let outer_scope = std::mem::replace(&mut self.scope, table.scope);
        let outer_path = std::mem::replace(&mut self.path, table.parent.clone());
        let outer_unit = std::mem::replace(&mut self.unit, Unit::Control);
        let lowered = self.make_table(table);
        self.scope = outer_scope;
        self.path = outer_path;
        self.unit = outer_unit;
        self.lowered_tables.insert(key, lowered.clone());
        lowered
    }

    fn make_table(&mut self, table: &Rc<TableObject<'a>>) -> Option<LoweredTable> {
        let decl = table.decl;
        let mut ir = Table {
            name: table.path.clone(),
            keys: Vec::new(),
            actions: Vec::new(),
            default_action: ActionCall {
                action: p4rmt_ir::Id::from_index(0),
                args: Vec::new(),
            },
            is_default_const: false,
            entries: Vec::new(),
            are_entries_const: false,
            size: match self.role {
                GressRole::Whole => DEFAULT_SIZE_V1MODEL,
                GressRole::Ingress | GressRole::Egress => DEFAULT_SIZE,
            },
            is_size_given: false,
            direct_counters: Vec::new(),
            direct_meters: Vec::new(),
            direct_registers: Vec::new(),
            implementation: None,
            has_idle_timeout: false,
            proxy_hash: None,
            partitions: None,
            stage_pragma: pragma_number(&decl.annotations, "stage"),
            ways_pragma: pragma_number(&decl.annotations, "ways"),
            pack_pragma: pragma_number(&decl.annotations, "pack"),
            is_declared: true,
            span: decl.span,
        };
        let mut key_types = Vec::new();
        let mut before = Block::new();
        let mut listed: Vec<Listed> = Vec::new();
        let mut is_good = true;
        let mut are_keys_good = true;
        for property in &decl.properties {
            match &property.kind {
                PropertyKind::Key(elements) => {
                    let mut keys = Vec::new();
                    before = self.block_of(|lower| {
                        let mut values: Vec<Value> = Vec::new();
                        for element in elements {
                            let mark = lower.block().len();
                            let value = lower.expr(&element.expr);
                            for earlier in &mut values {
                                lower.settle(earlier, mark, element.span);
                            }
                            values.push(value);
                        }
                        for (element, value) in elements.iter().zip(values) {
                            match lower.key(element, value) {
                                Some((key, ty)) => {
                                    key_types.push((ty, key.kind));
                                    keys.push(key);
                                }
                                None => are_keys_good = false,
                            }
                        }
                    });
                    ir.keys = keys;
                }
                PropertyKind::Actions(actions) => {
                    for action in actions {
                        match self.listed_action(action) {
                            Some(entry) => {
                                let says = |name: &str| {
                                    action
                                        .annotations
                                        .iter()
                                        .any(|annotation| annotation.name.text == name)
                                };
                                ir.actions.push(ActionRef {
                                    action: entry.id,
                                    in_entries: !says("defaultonly"),
                                    as_default: !says("tableonly"),
                                });
                                listed.push(entry);
                            }
                            None => is_good = false,
                        }
                    }
                }
                PropertyKind::Size(expr) => match self.size(expr, 0, MAX_SIZE) {
                    Some(size) => {
                        ir.size = size.max(1);
                        ir.is_size_given = true;
                    }
                    None => is_good = false,
                },
                PropertyKind::Other { name, value } => {
                    is_good &= self.other_property(property, name, value, &mut ir);
                }
                PropertyKind::Entries(_) | PropertyKind::DefaultAction(_) => {}
            }
        }
        let mut has_default = false;
        for property in &decl.properties {
            match &property.kind {
                PropertyKind::DefaultAction(expr) => {
                    has_default = true;
                    ir.is_default_const = property.is_const;
                    let call = self.typed.call(expr);
                    match call.and_then(|call| self.action_call(call, &listed)) {
                        Some(call) => ir.default_action = call,
                        None => is_good = false,
                    }
                }
                PropertyKind::Entries(entries) => {
                    ir.are_entries_const = property.is_const;
                    if are_keys_good {
                        match self.entries(entries, &key_types, &listed, table) {
                            Some(entries) => ir.entries = entries,
                            None => is_good = false,
                        }
                    }
                }
                _ => {}
            }
        }
        let mut actions: Vec<(DeclId, ActionId)> =
            listed.iter().map(|entry| (entry.decl, entry.id)).collect();
        if !has_default {
            let (declared, no_action) = self.no_action();
            actions.extend(declared.map(|declared| (declared, no_action)));
            ir.default_action = ActionCall {
                action: no_action,
                args: Vec::new(),
            };
            if !ir.actions.iter().any(|entry| entry.action == no_action) {
                ir.actions.push(ActionRef {
                    action: no_action,
                    in_entries: false,
                    as_default: true,
                });
            }
        }
        if !is_good || !are_keys_good {
            return None;
        }
        for entry in &listed {
            let body = self.gress.actions[entry.id].body.clone();
            attach_direct(&body, &self.gress.register_actions, &mut ir);
        }
        if let Some(size) = entry_count(&ir)
            && !ir.is_size_given
            && ir.are_entries_const
        {
            ir.size = size.max(1);
        }
        complete_partitions(decl, &decl.annotations, &self.gress.fields, &mut ir);
        let id = self.gress.tables.push(ir);
        Some(LoweredTable {
            id,
            actions,
            before,
        })
    }

    /// A part of the key.
    fn key(&mut self, element: &'a ast::KeyElement, value: Value) -> Option<(Key, Type)> {
        if value.is_poison() {
            return None;
        }
        let kind = match element.match_kind.text.as_str() {
            "exact" => MatchKind::Exact,
            "ternary" => MatchKind::Ternary,
            "lpm" => MatchKind::Lpm,
            "range" => MatchKind::Range,
            "optional" => MatchKind::Optional,
            // The partition of an algorithmic TCAM is matched like any exact key.
            "atcam_partition_index" => MatchKind::Exact,
            "selector" => MatchKind::Selector,
            other => {
                let name = other.to_owned();
                self.error(element.match_kind.span, ErrorKind::MatchKind { name });
                return None;
            }
        };
        let mut expr = self.read(&value, element.expr.span)?;
        // The language leaves open what a field of an invalid header reads as; to a key of bmv2 it is
        // zero.
        if self.role == GressRole::Whole
            && let Some(valid) = self.validity_around(&value)
        {
            let zero = fold::constant(expr.width_in(&self.gress.fields), 0);
            expr = fold::mux(valid, expr, zero);
        }
        Some((
            Key {
                name: named(&element.annotations, &expr_text(&element.expr))
                    .trim_start_matches('.')
                    .to_owned(),
                expr,
                kind,
                span: element.span,
            },
            value.ty,
        ))
    }
}

/// The first number of a pragma: `@stage(n)`.
fn pragma_number(annotations: &[ast::Annotation], name: &str) -> Option<u32> {
    annotations
        .iter()
        .filter(|annotation| annotation.name.text == name)
        .find_map(|annotation| {
            pragma_text(annotation)?
                .split(|letter: char| !letter.is_ascii_digit())
                .find(|part| !part.is_empty())?
                .parse()
                .ok()
        })
}

/// What a pragma says, as it is written.
fn pragma_text(annotation: &ast::Annotation) -> Option<&str> {
    match &annotation.body {
        ast::AnnotationBody::Unstructured(text) | ast::AnnotationBody::Pragma(text) => Some(text),
        ast::AnnotationBody::Empty
        | ast::AnnotationBody::Expressions(_)
        | ast::AnnotationBody::Fields(_) => None,
    }
}

/// How many entries the program brings, if any.
fn entry_count(table: &Table) -> Option<u64> {
    (!table.entries.is_empty()).then_some(table.entries.len() as u64)
}

/// An expression of a key as the control plane names it.
fn expr_text(expr: &ast::Expr) -> String {
    match &expr.kind {
        ExprKind::Path(path) => path.name.text.clone(),
        ExprKind::Member { base, name } => format!("{}.{}", expr_text(base), name.text),
        ExprKind::Int(literal) => literal.text.clone(),
        ExprKind::Index { base, index } => format!("{}[{}]", expr_text(base), expr_text(index)),
        ExprKind::Slice { base, hi, lo } => {
            format!("{}[{}:{}]", expr_text(base), expr_text(hi), expr_text(lo))
        }
        ExprKind::Call { callee, args, .. } if args.is_empty() => {
            format!("{}()", expr_text(callee))
        }
        ExprKind::Binary {
            op: ast::BinaryOp::BitAnd,
            left,
            right,
        } => format!("{} & {}", expr_text(left), expr_text(right)),
        ExprKind::Cast { operand, .. } => expr_text(operand),
        _ => "key".to_owned(),
    }
}
