//! Tables: keys, actions with their bound arguments, default action, entries and properties.
//!
//! A table is lowered when it is first applied; tables that are never applied are checked and
//! dropped.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_ir::{
    Action, ActionCall, ActionId, ActionRef, Arm, Block, CallKind, CounterId, Expr, GressRole, Key,
    MatchKind, MeterId, Param, RegisterId, StmtKind, Table, TableId,
};
use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, ArgumentValue, Direction, ExprKind, PropertyKind};

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::externs::ExternKind;
use crate::fold;
use crate::inline::named;
use crate::lower::{Lower, Unit};
use crate::scope::{ActionObject, Binding, Object, ScopeId};
use crate::types::{RecordKind, Type};
use crate::value::Value;

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
    /// Its actions by name in the program.
    actions: Vec<(String, ActionId)>,
    /// What its keys need done before every `apply`.
    before: Block,
}

impl LoweredTable {
    /// The action of this name.
    pub(crate) fn action(&self, name: &str) -> Option<ActionId> {
        self.actions
            .iter()
            .find(|(action, _)| action == name)
            .map(|(_, id)| *id)
    }
}

/// An action that has been lowered and the types of its action data; nothing for one with errors.
pub(crate) type LoweredAction = Option<(ActionId, Vec<Type>)>;

/// An action in a table's list.
pub(crate) struct Listed<'a> {
    /// Which.
    pub(crate) object: ActionObject<'a>,
    /// Which in the IR.
    pub(crate) id: ActionId,
    /// How many of its parameters the list binds.
    pub(crate) n_bound: usize,
    /// The types of its action data.
    pub(crate) types: Vec<Type>,
}

impl<'a> Lower<'a> {
    /// Applies a table, with what follows under its outcomes.
    pub(crate) fn apply_table(
        &mut self,
        table: &Rc<TableObject<'a>>,
        args: &'a [ast::Argument],
        arms: Vec<Arm>,
        span: Span,
    ) {
        if self.unit != Unit::Control {
            self.misplaced("`apply` of a table", span);
            return;
        }
        if !args.is_empty() {
            self.error(
                span,
                &ErrorKind::ArgumentCount {
                    callee: format!("{}.apply", table.decl.name.text),
                    needed: 0,
                    available: args.len(),
                },
            );
        }
        let Some(lowered) = self.lower_table(table) else {
            return;
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
            stage_pragma: stage_pragma(&decl.annotations),
            is_declared: true,
            span: decl.span,
        };
        self.check_properties(decl);
        let mut key_types = Vec::new();
        let mut before = Block::new();
        let mut listed: Vec<Listed<'a>> = Vec::new();
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
                            let value = lower.expr(&element.expr, None);
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
                    match self.action_call(expr, &listed) {
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
        if !has_default {
            let no_action = self.no_action();
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
        let mut actions: Vec<(String, ActionId)> = listed
            .iter()
            .map(|entry| (entry.object.decl.name.text.clone(), entry.id))
            .collect();
        if !has_default {
            actions.push(("NoAction".to_owned(), ir.default_action.action));
        }
        let is_taken = self
            .gress
            .tables
            .values()
            .any(|other| other.name == ir.name);
        // Of two tables with one name, all but one may never be applied.
        if is_taken && !self.checks_only {
            self.error(
                decl.name.span,
                &ErrorKind::DuplicateName {
                    name: ir.name.clone(),
                },
            );
        }
        let id = self.gress.tables.push(ir);
        Some(LoweredTable {
            id,
            actions,
            before,
        })
    }

    /// Complains about properties that are given twice, and about missing actions.
    fn check_properties(&mut self, decl: &'a ast::Table) {
        let mut seen: Vec<&str> = Vec::new();
        for property in &decl.properties {
            let name = match &property.kind {
                PropertyKind::Key(_) => "key",
                PropertyKind::Actions(_) => "actions",
                PropertyKind::Entries(_) => "entries",
                PropertyKind::DefaultAction(_) => "default_action",
                PropertyKind::Size(_) => "size",
                PropertyKind::Other { name, .. } => &name.text,
            };
            if seen.contains(&name) {
                self.error(
                    property.span,
                    &ErrorKind::DuplicateName {
                        name: name.to_owned(),
                    },
                );
            }
            seen.push(name);
        }
        if !seen.contains(&"actions") {
            self.error(
                decl.name.span,
                &ErrorKind::MissingArgument {
                    callee: decl.name.text.clone(),
                    name: "actions".to_owned(),
                },
            );
        }
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
                self.error(
                    element.match_kind.span,
                    &ErrorKind::MatchKind {
                        name: other.to_owned(),
                    },
                );
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

    /// An action in the list of a table.
    fn listed_action(&mut self, action: &'a ast::ActionRef) -> Option<Listed<'a>> {
        let object = match self.lookup(&action.path) {
            Binding::Object(Object::Action(object)) => object,
            Binding::Poison => return None,
            _ => {
                self.error(
                    action.path.span,
                    &ErrorKind::WrongKind {
                        name: action.path.name.text.clone(),
                        expected: "an action",
                    },
                );
                return None;
            }
        };
        let args = action.args.as_deref().unwrap_or_default();
        let n_directed = object
            .decl
            .params
            .iter()
            .filter(|param| param.direction != Direction::None)
            .count();
        if args.len() != n_directed {
            self.error(
                action.span,
                &ErrorKind::ArgumentCount {
                    callee: object.decl.name.text.clone(),
                    needed: n_directed,
                    available: args.len(),
                },
            );
            return None;
        }
        let (id, types) = self.table_action(&object, args, action.span)?;
        Some(Listed {
            object,
            id,
            n_bound: n_directed,
            types,
        })
    }

    /// The action of the structured form: one for all tables, unless arguments are bound to it.
    fn table_action(
        &mut self,
        object: &ActionObject<'a>,
        bound: &'a [ast::Argument],
        span: Span,
    ) -> LoweredAction {
        let is_shared = bound.is_empty();
        let key = (std::ptr::from_ref(object.decl), object.scope);
        if is_shared && let Some(known) = self.lowered_actions.get(&key) {
            return known.clone();
        }
        let made = self.make_action(object, bound, span);
        if is_shared {
            self.lowered_actions.insert(key, made.clone());
        }
        made
    }

    fn make_action(
        &mut self,
        object: &ActionObject<'a>,
        bound: &'a [ast::Argument],
        span: Span,
    ) -> LoweredAction {
        let mut args = Vec::new();
        let mut params = Vec::new();
        let mut types = Vec::new();
        let mut bound = bound.iter();
        let mut is_good = true;
        let mut before = Block::new();
        for param in &object.decl.params {
            let ty = self.type_in(object.scope, &param.ty);
            if ty.is_poison() {
                is_good = false;
                continue;
            }
            if param.direction == Direction::None {
                match self.action_data(&param.name.text, &ty, &mut params) {
                    Some(value) => {
                        args.push(Arg::Value(value));
                        types.push(ty);
                    }
                    None => {
                        self.mismatch_text(
                            param.span,
                            "action data: numbers, or structs of them",
                            &ty,
                        );
                        is_good = false;
                    }
                }
                continue;
            }
            let Some(ArgumentValue::Expr(expr)) = bound.next().map(|arg| &arg.value) else {
                args.push(Arg::Omitted);
                continue;
            };
            let mut arg = Arg::Omitted;
            let outer = std::mem::replace(&mut self.unit, Unit::Action);
            let statements = self.block_of(|lower| {
                arg = if crate::call::is_written(param) {
                    match lower.place(expr) {
                        Some((found, storage)) if found == ty => Arg::Place(found, storage),
                        Some((found, _)) => {
                            lower.mismatch(expr.span, &ty, &found);
                            Arg::Omitted
                        }
                        None => Arg::Omitted,
                    }
                } else {
                    Arg::Value(lower.expr_as(expr, &ty))
                };
            });
            self.unit = outer;
            let mark = before.len();
            before.extend(statements);
            self.blocks.push(std::mem::take(&mut before));
            for earlier in &mut args {
                if let Arg::Value(value) = earlier {
                    self.settle(value, mark, span);
                }
            }
            before = self.blocks.pop().unwrap_or_default();
            is_good &= match &arg {
                Arg::Omitted => false,
                Arg::Value(value) => !value.is_poison(),
                Arg::Place(..) | Arg::Object(_) => true,
            };
            args.push(arg);
        }
        if !is_good {
            return None;
        }
        let inlined = self.inline_action(object, (&args, &[]), span)?;
        let mut body = before;
        body.extend(inlined);
        let id = self.gress.actions.push(Action {
            name: object.path.clone(),
            params,
            body,
            span: object.decl.span,
        });
        Some((id, types))
    }

    /// What stands for action data in the body: a parameter for each scalar of it.
    fn action_data(&mut self, name: &str, ty: &Type, params: &mut Vec<Param>) -> Option<Value> {
        if let Some(width) = ty.scalar_width() {
            let index = u32::try_from(params.len()).ok()?;
            params.push(Param {
                name: name.to_owned(),
                width,
            });
            return Some(Value::scalar(ty.clone(), Expr::Param { index, width }));
        }
        let names: Vec<String> = match ty.without_newtypes() {
            Type::Record(record) if record.kind == RecordKind::Struct => record
                .fields
                .iter()
                .map(|field| format!("{name}.{}", field.name))
                .collect(),
            Type::Tuple(types) => (0..types.len()).map(|at| format!("{name}[{at}]")).collect(),
            _ => return None,
        };
        let types = self.element_types(ty)?;
        let mut fields = Vec::new();
        for (name, ty) in names.iter().zip(&types) {
            fields.push(self.action_data(name, ty, params)?);
        }
        Some(self.assemble(ty, fields))
    }

    /// `NoAction`, declared or not.
    fn no_action(&mut self) -> ActionId {
        if let Some(id) = self.no_action {
            return id;
        }
        let declared = self.globals.get("NoAction").and_then(|found| found.first());
        if let Some(ast::Declaration {
            kind: ast::DeclarationKind::Action(decl),
            ..
        }) = declared
        {
            let object = ActionObject {
                decl,
                scope: self.global,
                path: decl.name.text.clone(),
            };
            if let Some((id, _)) = self.table_action(&object, &[], decl.span) {
                return id;
            }
        }
        let id = self.gress.actions.push(Action {
            name: "NoAction".to_owned(),
            params: Vec::new(),
            body: Block::new(),
            span: Span::NONE,
        });
        self.no_action = Some(id);
        id
    }

    /// The extern that a property names or makes. One that is made there is called as `@name` of the
    /// property says, or by table and property.
    fn property_object(
        &mut self,
        property: &'a ast::Property,
        name: &'a ast::Name,
        value: &'a ast::Expr,
        table: &Table,
    ) -> Binding<'a> {
        let ExprKind::Call {
            callee,
            type_args,
            args,
        } = &value.kind
        else {
            return self.object_argument(value);
        };
        let given = named(&property.annotations, "");
        let name = if given.is_empty() {
            format!("{}.{}", table.name, name.text)
        } else {
            self.control_plane_name(&property.annotations, &name.text)
        };
        self.anonymous_instance(callee, type_args, args, name, value.span)
    }

    /// A property that the language does not define. Returns whether it could be taken.
    fn other_property(
        &mut self,
        property: &'a ast::Property,
        name: &'a ast::Name,
        value: &'a ast::Expr,
        table: &mut Table,
    ) -> bool {
        match name.text.as_str() {
            "counters" | "meters" | "registers" | "filters" => {
                let object = match self.property_object(property, name, value, table) {
                    Binding::Object(Object::Extern(object)) => object,
                    Binding::Poison => return false,
                    _ => {
                        self.mismatch_text(value.span, "a direct extern", &Type::Void);
                        return false;
                    }
                };
                match &object.kind {
                    ExternKind::Counter(counter) => add(&mut table.direct_counters, *counter),
                    ExternKind::Meter(meter) | ExternKind::Filter(meter, _)
                        if self.gress.meters[*meter].size == 0 =>
                    {
                        add(&mut table.direct_meters, *meter);
                    }
                    // Said for the reader: an index finds its cells.
                    ExternKind::Filter(..) => {}
                    ExternKind::Register(register, _) => {
                        add(&mut table.direct_registers, *register);
                    }
                    _ => {
                        self.mismatch_text(value.span, "a direct extern", &Type::Void);
                        return false;
                    }
                }
                true
            }
            "proxy_hash" => match self.property_object(property, name, value, table) {
                Binding::Object(Object::Extern(object)) => match object.kind {
                    ExternKind::Hash(hash, _) => {
                        table.proxy_hash = Some(hash);
                        self.warning(
                            "W5005",
                            name.span,
                            "entries match by the whole key, never by its hash alone",
                        );
                        true
                    }
                    _ => {
                        self.mismatch_text(value.span, "a `Hash`", &Type::Void);
                        false
                    }
                },
                Binding::Poison => false,
                _ => {
                    self.mismatch_text(value.span, "a `Hash`", &Type::Void);
                    false
                }
            },
            // How a table is laid out does not change what it does.
            "alpm"
            | "atcam"
            | "requires_versioning"
            | "largest_priority_wins"
            | "priority_delta" => true,
            "implementation" => {
                let object = self.property_object(property, name, value, table);
                match &object {
                    Binding::Object(Object::Extern(object))
                        if matches!(object.kind, ExternKind::Profile(_)) =>
                    {
                        if let ExternKind::Profile(profile) = object.kind {
                            table.implementation = Some(profile);
                        }
                        true
                    }
                    Binding::Object(Object::Extern(object))
                        if matches!(object.kind, ExternKind::Layout) =>
                    {
                        true
                    }
                    // What is not supported has been refused where it is declared.
                    Binding::Poison => false,
                    _ => {
                        self.error(
                            name.span,
                            &ErrorKind::TableProperty {
                                name: name.text.clone(),
                            },
                        );
                        false
                    }
                }
            }
            "support_timeout" if self.role == GressRole::Whole => {
                match self.const_of_type(value, &Type::Bool) {
                    Some(bits) => {
                        table.has_idle_timeout = bits.is_true();
                        true
                    }
                    None => false,
                }
            }
            "idle_timeout" | "support_timeout" => {
                table.has_idle_timeout = true;
                self.warning(
                    "W5001",
                    name.span,
                    "entries do not age: idle times are not kept",
                );
                true
            }
            // A property that the architecture does not declare means nothing to it.
            other if self.role == GressRole::Whole => {
                let message = format!("v1model has no table property `{other}`: it does nothing");
                self.warning("W5002", name.span, &message);
                true
            }
            other => {
                self.error(
                    name.span,
                    &ErrorKind::TableProperty {
                        name: other.to_owned(),
                    },
                );
                false
            }
        }
    }
}

/// Adds an element that is not there yet.
fn add<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// `@stage(n)`.
fn stage_pragma(annotations: &[ast::Annotation]) -> Option<u32> {
    annotations
        .iter()
        .filter(|annotation| annotation.name.text == "stage")
        .find_map(|annotation| match &annotation.body {
            ast::AnnotationBody::Unstructured(text) | ast::AnnotationBody::Pragma(text) => text
                .split(|letter: char| !letter.is_ascii_digit())
                .find(|part| !part.is_empty())?
                .parse()
                .ok(),
            ast::AnnotationBody::Empty
            | ast::AnnotationBody::Expressions(_)
            | ast::AnnotationBody::Fields(_) => None,
        })
}

/// How many entries the program brings, if any.
fn entry_count(table: &Table) -> Option<u64> {
    (!table.entries.is_empty()).then_some(table.entries.len() as u64)
}

/// Attaches the direct counters, meters and registers that an action uses.
fn attach_direct(
    block: &Block,
    register_actions: &p4rmt_ir::Arena<p4rmt_ir::RegisterActionId, p4rmt_ir::RegisterAction>,
    table: &mut Table,
) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Call(call) => match &call.kind {
                CallKind::Count {
                    counter,
                    index: None,
                } => add::<CounterId>(&mut table.direct_counters, *counter),
                CallKind::Meter {
                    meter, index: None, ..
                }
                | CallKind::Filter {
                    meter, index: None, ..
                } => add::<MeterId>(&mut table.direct_meters, *meter),
                CallKind::RegisterAction {
                    action,
                    index: None,
                } => {
                    let register = register_actions[*action].register;
                    add::<RegisterId>(&mut table.direct_registers, register);
                }
                _ => {}
            },
            StmtKind::If {
                then, otherwise, ..
            } => {
                attach_direct(then, register_actions, table);
                attach_direct(otherwise, register_actions, table);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                attach_direct(body, register_actions, table);
            }
            _ => {}
        }
    }
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
