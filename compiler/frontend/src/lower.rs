//! The state of lowering: what is being built, what declarations stand for, and the complaints.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use p4rmt_ir::{
    ActionId, Arena, Block, ControlRole, Expr, FieldId, GressRole, LabelId, Local, LocalId, Place,
    Stmt, StmtKind,
};
use p4rmt_source::{Code, Diagnostic, Diagnostics, Span};
use p4rmt_syntax::ast;
use p4rmt_typing::{self as typing, DeclId, Node, Typed};

use crate::convert::is_constant;
use crate::error::ErrorKind;
use crate::explain::explanation;
use crate::externs::ExternObject;
use crate::gress::GressBuilder;
use crate::inline::Applied;
use crate::scope::{ActionObject, Binding, Object, ScopeId, Scopes};
use crate::storage::{Base, Slot, Storage};
use crate::table::LoweredTable;
use crate::types::Type;
use crate::value::Value;

/// How deep calls may nest when they are inlined.
pub(crate) const MAX_DEPTH: usize = 64;

/// How deep statements and expressions may nest, those of inlined calls included: each level takes
/// stack.
const MAX_NESTING: usize = 500;

/// How many statements and expressions are looked at, those of each inlined call anew: the work that
/// a program may cause.
const MAX_STEPS: usize = 1_000_000;

/// How many statements a program may have when everything is inlined.
pub(crate) const MAX_STATEMENTS: usize = 200_000;

/// Which part of a program is being lowered: it says what may stand there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Declarations of the top level.
    Top,
    /// States of a parser.
    Parser,
    /// A match-action control.
    Control,
    /// A deparser.
    Deparser,
    /// An action.
    Action,
    /// A method of a register action.
    RegisterAction,
}

impl Unit {
    /// Some of them, with articles.
    pub(crate) fn names(units: &[Self]) -> String {
        let names: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
        names.join(" or ")
    }

    /// With its article.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Top => "a declaration",
            Self::Parser => "a parser",
            Self::Control => "a control",
            Self::Deparser => "a deparser",
            Self::Action => "an action",
            Self::RegisterAction => "a register action",
        }
    }
}

/// A call that is being inlined.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The type of what it returns.
    pub(crate) result: Type,
    /// Where its result is stored, once an early return needed it.
    pub(crate) storage: Option<Storage>,
    /// What a `return` leaves, once one needed it.
    pub(crate) label: Option<LabelId>,
}

/// A loop that is being lowered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoopFrame {
    /// What `break` leaves.
    pub(crate) on_break: LabelId,
    /// What `continue` leaves.
    pub(crate) on_continue: LabelId,
}

/// The state of lowering.
pub(crate) struct Lower<'a> {
    /// What is known of the program.
    pub(crate) typed: &'a Typed<'a>,
    pub(crate) diagnostics: Diagnostics,
    /// Places and messages of what has been reported.
    seen: HashSet<(Span, String)>,
    /// Whether nothing is reported: what is evaluated may turn out to be no constant.
    is_quiet: bool,
    pub(crate) scopes: Scopes<'a>,
    pub(crate) global: ScopeId,
    pub(crate) scope: ScopeId,
    /// All errors by position.
    pub(crate) errors: Vec<String>,
    /// Types without type parameters, as values have them.
    pub(crate) types: HashMap<typing::Type, Type>,
    /// Structs, headers and header unions by declaration and arguments.
    pub(crate) records: HashMap<(DeclId, Vec<Type>), Type>,
    /// Instances of the top level that this gress has.
    pub(crate) global_objects: HashMap<DeclId, Binding<'a>>,
    /// Which gress first used an instance of the top level.
    pub(crate) global_owners: HashMap<DeclId, GressRole>,
    /// Instances of controls that have been applied, by name.
    pub(crate) applied: HashMap<String, Applied>,
    /// Tables that have been lowered, by declaration and the scope around it; nothing for those with
    /// errors.
    pub(crate) lowered_tables: HashMap<(*const ast::Table, ScopeId), Option<LoweredTable>>,
    /// Actions without bound arguments that have been lowered, likewise.
    pub(crate) lowered_actions: HashMap<(*const ast::Action, ScopeId), Option<ActionId>>,
    /// What a table does where nothing else is said, if the program does not declare it.
    pub(crate) no_action: Option<ActionId>,
    pub(crate) role: GressRole,
    /// The control of the gress's body that is being lowered.
    pub(crate) control: Option<ControlRole>,
    /// The fields of the user metadata by the numbers of their `@field_list`.
    pub(crate) field_lists: HashMap<u64, Vec<FieldId>>,
    pub(crate) gress: GressBuilder,
    /// Blocks that are being filled, the innermost last.
    pub(crate) blocks: Vec<Block>,
    pub(crate) unit: Unit,
    /// Calls that are being inlined, the innermost last.
    pub(crate) frames: Vec<Frame>,
    /// Loops around the current statement, the innermost last.
    pub(crate) loops: Vec<LoopFrame>,
    /// Whether the program runs in the structured form: loops stay loops, and stacks are counted at
    /// run time.
    pub(crate) is_structured: bool,
    /// Whether nothing says on which machine the program runs.
    pub(crate) lacks_machine: bool,
    /// Whether values that are assigned come from the hash matrix (`@in_hash`).
    pub(crate) in_hash: bool,
    /// What `exit` leaves in a deparser, once one needed it.
    pub(crate) deparser_end: Option<LabelId>,
    /// Instances of controls that are applied with different arguments, so that theirs are passed by
    /// copies.
    pub(crate) by_copy: HashSet<String>,
    /// Actions of tables that set a flag where they exit.
    pub(crate) flagged_actions: HashSet<ActionId>,
    /// That flag.
    pub(crate) exit_flag: Option<Slot>,
    /// Whether parameters are bound by copies in any case.
    pub(crate) copies_all: bool,
    /// Whether one was found only after it had been lowered the other way.
    pub(crate) must_restart: bool,
    /// How many loops of the structured form are open, those around inlined calls included.
    pub(crate) n_loops: usize,
    /// The dotted name of the instance that is being lowered.
    pub(crate) path: String,
    /// The variables of the register action that is being lowered.
    pub(crate) locals: Option<Arena<LocalId, Local>>,
    /// `this` of that register action.
    pub(crate) own_action: Option<Rc<ExternObject<'a>>>,
    /// In a parser: how many blocks are open around the statements of a state.
    pub(crate) state_depth: usize,
    /// In a parser: the next free element of each stack.
    pub(crate) stack_next: Vec<(usize, u32)>,
    /// How many calls are being inlined.
    pub(crate) n_inlined: usize,
    pub(crate) n_statements: usize,
    /// How many statements and expressions have been looked at.
    n_steps: usize,
    /// How deep statements and expressions nest, those of inlined calls included.
    depth: usize,
}

impl<'a> Lower<'a> {
    /// Before anything is known.
    pub(crate) fn new(typed: &'a Typed<'a>) -> Self {
        let mut scopes = Scopes::default();
        let global = scopes.open(None);
        Self {
            typed,
            diagnostics: Diagnostics::new(),
            seen: HashSet::new(),
            is_quiet: false,
            scopes,
            global,
            scope: global,
            errors: Vec::new(),
            types: HashMap::new(),
            records: HashMap::new(),
            global_objects: HashMap::new(),
            global_owners: HashMap::new(),
            applied: HashMap::new(),
            lowered_tables: HashMap::new(),
            lowered_actions: HashMap::new(),
            no_action: None,
            role: GressRole::Ingress,
            control: None,
            field_lists: HashMap::new(),
            gress: GressBuilder::default(),
            blocks: vec![Block::new()],
            unit: Unit::Top,
            frames: Vec::new(),
            loops: Vec::new(),
            is_structured: false,
            lacks_machine: false,
            in_hash: false,
            deparser_end: None,
            by_copy: HashSet::new(),
            flagged_actions: HashSet::new(),
            exit_flag: None,
            copies_all: false,
            must_restart: false,
            n_loops: 0,
            path: String::new(),
            locals: None,
            own_action: None,
            state_depth: 0,
            stack_next: Vec::new(),
            n_inlined: 0,
            n_statements: 0,
            n_steps: 0,
            depth: 0,
        }
    }

    /// Reports an error, once a place and message.
    pub(crate) fn error(&mut self, span: Span, kind: impl Into<ErrorKind>) {
        let kind = kind.into();
        let message = kind.to_string();
        if !self.is_quiet && self.seen.insert((span, message.clone())) {
            let diagnostic = Diagnostic::error(Code(kind.code()), span, message);
            self.diagnostics.push(diagnostic.with_help(kind.help()));
        }
    }

    /// Reports something that is worth knowing.
    pub(crate) fn warning(&mut self, code: &'static str, span: Span, message: &str) {
        if !self.is_quiet && self.seen.insert((span, message.to_owned())) {
            let help = explanation(code).map_or("", |page| page.help);
            self.diagnostics
                .push(Diagnostic::warning(Code(code), span, message).with_help(help));
        }
    }

    /// Reports a part of the language that is not supported, and says what to write instead.
    pub(crate) fn unsupported(&mut self, span: Span, what: &'static str, instead: &'static str) {
        self.error(span, ErrorKind::Construct { what, instead });
    }

    /// What has no lowering, though nothing has been said about it, is refused: typing lets more pass
    /// than is carried, and nothing may be left out in silence.
    pub(crate) fn lost(&mut self, span: Span) {
        if !self.diagnostics.has_errors() {
            self.unsupported(span, "what stands here", "write it in other terms");
        }
    }

    /// A constant that needs nothing done; nothing, and no complaint, if it is none.
    pub(crate) fn quiet(
        &mut self,
        evaluate: impl FnOnce(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        let outer = std::mem::replace(&mut self.is_quiet, true);
        let mut value = None;
        let block = self.block_of(|lower| value = evaluate(lower));
        self.is_quiet = outer;
        value.filter(|value| block.is_empty() && is_constant(value))
    }

    /// Reports a type that the machine cannot take where it stands.
    pub(crate) fn mismatch(&mut self, span: Span, expected: &str, found: &Type) {
        if !found.is_poison() {
            let (expected, found) = (expected.to_owned(), found.to_string());
            self.error(span, typing::ErrorKind::Mismatch { expected, found });
        }
    }

    /// Reports a value that is not known once everything is instantiated.
    pub(crate) fn not_constant(&mut self, span: Span) {
        self.error(span, typing::ErrorKind::NotConstant);
    }

    /// Complains about a statement that may not stand here.
    pub(crate) fn misplaced(&mut self, what: &'static str, span: Span) {
        let place = self.unit.name();
        self.error(span, typing::ErrorKind::Misplaced { what, place });
    }

    /// The block that is being filled.
    pub(crate) fn block(&mut self) -> &mut Block {
        self.blocks
            .last_mut()
            .expect("the outermost block is never closed")
    }

    /// Adds a statement to the block that is being filled.
    pub(crate) fn emit(&mut self, span: Span, kind: StmtKind) {
        self.n_statements += 1;
        if self.n_statements > MAX_STATEMENTS {
            let (what, limit) = ("statements", MAX_STATEMENTS);
            self.error(span, ErrorKind::TooMany { what, limit });
            return;
        }
        if let StmtKind::Assign { dst, .. } = &kind
            && self.unit == Unit::RegisterAction
            && dst.field().is_some()
        {
            return self.misplaced("a write beyond the element and the outputs", span);
        }
        self.block().push(Stmt { kind, span });
    }

    /// Whether the program has grown beyond bounds, so that lowering it further is in vain.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.n_statements > MAX_STATEMENTS || self.n_steps > MAX_STEPS
    }

    /// Runs `inner` one level deeper; nothing, with a complaint, where that is too deep.
    pub(crate) fn deeper<R>(
        &mut self,
        span: Span,
        inner: impl FnOnce(&mut Self) -> R,
    ) -> Option<R> {
        self.n_steps += 1;
        if self.n_steps > MAX_STEPS {
            let (what, limit) = ("statements and expressions", MAX_STEPS);
            self.error(span, ErrorKind::TooMany { what, limit });
            return None;
        }
        if self.depth >= MAX_NESTING {
            self.error(span, ErrorKind::TooDeep { limit: MAX_NESTING });
            return None;
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        Some(result)
    }

    /// Adds an assignment.
    pub(crate) fn emit_assign(&mut self, span: Span, dst: Place, value: Expr) {
        self.emit(span, StmtKind::Assign { dst, value });
    }

    /// What `fill` adds to a block of its own.
    pub(crate) fn block_of(&mut self, fill: impl FnOnce(&mut Self)) -> Block {
        self.blocks.push(Block::new());
        fill(self);
        self.blocks.pop().expect("it was opened above")
    }

    /// Runs `inner` in a scope inside `parent`, and comes back.
    pub(crate) fn in_scope<R>(&mut self, parent: ScopeId, inner: impl FnOnce(&mut Self) -> R) -> R {
        let outer = self.scope;
        self.scope = self.scopes.open(Some(parent));
        let result = inner(self);
        self.scope = outer;
        result
    }

    /// Says what the declaration of a name stands for in the innermost scope.
    pub(crate) fn bind(&mut self, name: &ast::Name, binding: Binding<'a>) {
        if let Some(decl) = self.typed.declared(name) {
            self.scopes.bind(self.scope, decl, binding);
        }
    }

    /// What a path stands for.
    pub(crate) fn lookup(&mut self, path: &'a ast::Path) -> Binding<'a> {
        match self.typed.path(path) {
            Some(decl) => self.binding(decl),
            None => Binding::Poison,
        }
    }

    /// What a declaration stands for here; constants and what the top level declares are in no scope.
    pub(crate) fn binding(&mut self, id: DeclId) -> Binding<'a> {
        if let Some(binding) = self.scopes.lookup(self.scope, id) {
            return binding.clone();
        }
        match self.typed.decl(id).node {
            Node::Const(constant) => Binding::Value(self.constant_value(id, constant)),
            Node::Instance(instance) => self.global_instance(id, instance),
            Node::Action(decl) => match self.action_object(id, decl, decl.name.text.clone()) {
                Some(object) => Binding::Object(Object::Action(ActionObject {
                    scope: self.global,
                    ..object
                })),
                None => Binding::Poison,
            },
            _ => Binding::Poison,
        }
    }

    /// An action that sees the current scope.
    pub(crate) fn action_object(
        &self,
        id: DeclId,
        decl: &'a ast::Action,
        path: String,
    ) -> Option<ActionObject<'a>> {
        Some(ActionObject {
            decl,
            head: self.typed.signature(typing::Callee::Action(id))?,
            scope: self.scope,
            path,
        })
    }

    /// A dotted name inside the instance that is being lowered.
    pub(crate) fn dotted(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The name towards the control plane: as `@name` says, from the top where that begins with a dot.
    pub(crate) fn control_plane_name(&self, annotations: &[ast::Annotation], name: &str) -> String {
        let name = crate::inline::named(annotations, name);
        match name.strip_prefix('.') {
            Some(absolute) => absolute.to_owned(),
            None => self.dotted(&name),
        }
    }

    /// Storage for a variable of the program, or for a temporary; nothing for a type without values.
    pub(crate) fn variable(&mut self, name: &str, ty: &Type, span: Span) -> Option<Storage> {
        if self.locals.is_some() {
            return self.local_storage(name, ty);
        }
        let dotted = self.dotted(name);
        self.gress
            .storage(&dotted, ty, p4rmt_ir::FieldKind::Local, span)
    }

    /// Storage made of variables of the register action.
    fn local_storage(&mut self, name: &str, ty: &Type) -> Option<Storage> {
        match ty.without_newtypes() {
            Type::Record(record) if record.kind == crate::types::RecordKind::Struct => {
                let fields = record
                    .fields
                    .iter()
                    .map(|field| self.local_storage(&format!("{name}.{}", field.name), &field.ty))
                    .collect::<Option<_>>()?;
                Some(Storage::Record(std::rc::Rc::new(
                    crate::storage::RecordStorage {
                        fields,
                        header: None,
                    },
                )))
            }
            scalar => {
                let width = scalar.scalar_width()?;
                let local = self.locals.as_mut()?.push(Local {
                    name: name.to_owned(),
                    width,
                });
                Some(Storage::Leaf(Slot::whole(Base::Local(local), width)))
            }
        }
    }

    /// Storage for something that the program does not name.
    pub(crate) fn temporary(&mut self, what: &str, ty: &Type, span: Span) -> Option<Storage> {
        let name = self.gress.temporary_name("", what);
        self.variable(&name, ty, span)
    }
}
