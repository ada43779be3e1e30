//! The state of the check, and how it complains.

use std::rc::Rc;

use p4rmt_source::{Code, Diagnostic, Diagnostics, Span};
use p4rmt_syntax::ast;

use crate::capability::Capability;
use crate::decl::{Decl, DeclId, Detail, Field, Node};
use crate::error::ErrorKind;
use crate::explain;
use crate::hash::{FastMap, FastSet};
use crate::scope::Scopes;
use crate::typed::{Address, ExprFacts, Tables};
use crate::types::{Type, TypeKind, Types};
use crate::value::{Known, Value};

/// The state of the check.
pub(crate) struct Checker<'a> {
    pub(crate) types: Types,
    pub(crate) decls: Vec<Decl<'a>>,
    pub(crate) scopes: Scopes<'a>,
    pub(crate) tables: Tables<'a>,
    pub(crate) diagnostics: Diagnostics,
    /// Where what has been reported, so that nothing is reported twice.
    reported: FastSet<(u32, u32, &'static str)>,
    /// What inference found for each `TypeKind::Infer`.
    pub(crate) found: Vec<Option<Type>>,
    /// The fields of struct-like types, with their arguments in place.
    pub(crate) fields: FastMap<Type, Rc<[Field<'a>]>>,
    /// How many bits types have, least and most.
    pub(crate) sizes: FastMap<Type, Option<(u64, u64)>>,
    /// What types can do because their parts can.
    pub(crate) capabilities: FastMap<(Capability, Type), bool>,
    /// Default values of types.
    pub(crate) defaults: FastMap<Type, Option<Value>>,
    /// How deep the fields of declared types nest.
    pub(crate) depths: FastMap<DeclId, usize>,
    /// Where the names of the top level are declared.
    pub(crate) top_names: std::collections::HashMap<&'a str, Span>,
    /// Members of `error`.
    pub(crate) errors: std::collections::HashMap<&'a str, DeclId>,
    /// Members of `match_kind`.
    pub(crate) match_kinds: std::collections::HashMap<&'a str, DeclId>,
    /// What is being looked at.
    pub(crate) place: Place,
    /// Whether only the type of an expression matters, not what it gives.
    pub(crate) is_unevaluated: bool,
}

/// The kind of body that is being looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing: the top level.
    TopLevel,
    /// What a parser declares before its states.
    ParserLocals,
    /// A state of a parser.
    State,
    /// What a control declares before its `apply`.
    ControlLocals,
    /// The `apply` of a control.
    Apply,
    /// An action.
    Action,
    /// A function.
    Function,
    /// The body of an abstract method.
    Method,
}

/// What is being looked at.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The kind of body.
    pub(crate) body: Body,
    /// What it returns.
    pub(crate) result: Type,
    /// How many loops are around.
    pub(crate) n_loops: usize,
    /// The parser or control around.
    pub(crate) owner: Option<DeclId>,
    /// The function or action around, whose name is not in scope within it.
    pub(crate) within: Option<DeclId>,
    /// The type of `this`.
    pub(crate) this: Option<Type>,
}

/// What is known about an expression that has just been looked at.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    pub(crate) ty: Type,
    pub(crate) value: Option<Value>,
    pub(crate) known: Known,
}

impl Operand {
    pub(crate) fn poison() -> Self {
        Self {
            ty: Type::POISON,
            value: None,
            known: Known::Local,
        }
    }

    /// What is computed for each packet.
    pub(crate) fn runtime(ty: Type) -> Self {
        Self {
            ty,
            value: None,
            known: Known::No,
        }
    }

    /// What has this value.
    pub(crate) fn constant(ty: Type, value: Value) -> Self {
        Self {
            ty,
            value: Some(value),
            known: Known::Local,
        }
    }

    /// What has this value, or one that could not be computed but is known.
    pub(crate) fn known(ty: Type, value: Option<Value>, known: Known) -> Self {
        Self { ty, value, known }
    }
}

impl<'a> Checker<'a> {
    pub(crate) fn new() -> Self {
        Self {
            types: Types::new(),
            decls: Vec::new(),
            scopes: Scopes::new(),
            tables: Tables::default(),
            diagnostics: Diagnostics::new(),
            reported: FastSet::default(),
            found: Vec::new(),
            fields: FastMap::default(),
            sizes: FastMap::default(),
            capabilities: FastMap::default(),
            defaults: FastMap::default(),
            depths: FastMap::default(),
            top_names: std::collections::HashMap::new(),
            errors: std::collections::HashMap::new(),
            match_kinds: std::collections::HashMap::new(),
            place: Place {
                body: Body::TopLevel,
                result: Type::VOID,
                n_loops: 0,
                owner: None,
                within: None,
                this: None,
            },
            is_unevaluated: false,
        }
    }

    /// Reports an error. Returns the type of what it is about.
    pub(crate) fn error(&mut self, span: Span, kind: ErrorKind) -> Type {
        self.report(span, &kind, None, None);
        Type::POISON
    }

    /// Reports an error; `near` says what was meant, if that is known.
    pub(crate) fn error_near(&mut self, span: Span, kind: &ErrorKind, near: Option<String>) {
        self.report(span, kind, None, near);
    }

    /// Reports an error that another place has to do with.
    pub(crate) fn error_with(
        &mut self,
        span: Span,
        kind: ErrorKind,
        note_at: Span,
        note: impl Into<String>,
    ) -> Type {
        self.report(span, &kind, Some((Some(note_at), note.into())), None);
        Type::POISON
    }

    /// Reports an error with a note, at a place or not, and another remedy than that of its page.
    pub(crate) fn report(
        &mut self,
        span: Span,
        kind: &ErrorKind,
        note: Option<(Option<Span>, String)>,
        remedy: Option<String>,
    ) {
        if !self.reported.insert((span.lo, span.hi, kind.code())) {
            return;
        }
        let mut diagnostic = Diagnostic::error(Code(kind.code()), span, kind.to_string());
        if let Some((at, note)) = note {
            diagnostic.notes.push((at, note));
        }
        let page = explain::explanation(kind.code());
        let help = remedy.or_else(|| page.map(|page| page.help.to_owned()));
        if let Some(help) = help.filter(|help| !help.is_empty()) {
            diagnostic = diagnostic.with_help(help);
        }
        self.diagnostics.push(diagnostic);
    }

    /// Whether an error has been reported inside a place.
    pub(crate) fn has_error_in(&self, place: Span) -> bool {
        let mut reported = self.reported.iter();
        reported.any(|(lo, hi, code)| place.lo <= *lo && *hi <= place.hi && code.starts_with('E'))
    }

    /// A new declaration, in no scope yet.
    pub(crate) fn declare(&mut self, name: &'a ast::Name, node: Node<'a>) -> DeclId {
        let id = DeclId(u32::try_from(self.decls.len()).unwrap_or(u32::MAX));
        self.decls.push(Decl {
            name: &name.text,
            span: name.span,
            node,
            ty: Type::POISON,
            value: None,
            known: Known::No,
            type_params: Rc::from([]),
            detail: Detail::None,
            owner: self.place.owner,
        });
        self.tables.declared.insert(Address::of(name), id);
        id
    }

    /// A declaration.
    pub(crate) fn decl(&self, id: DeclId) -> &Decl<'a> {
        &self.decls[id.0 as usize]
    }

    /// A declaration that is still being put together.
    pub(crate) fn decl_mut(&mut self, id: DeclId) -> &mut Decl<'a> {
        &mut self.decls[id.0 as usize]
    }

    /// Puts a declaration into the innermost scope, where nothing else has its name.
    pub(crate) fn bind(&mut self, id: DeclId) {
        let name = self.decl(id).name;
        if let Some(first) = self
            .scopes
            .here(name)
            .and_then(|others| others.first().copied())
        {
            self.duplicate(id, first);
            return;
        }
        self.shadows_param(id);
        self.scopes.add(name, id);
    }

    /// Refuses what hides a parameter: the reference compiler does, where the specification would let
    /// it pass.
    fn shadows_param(&mut self, id: DeclId) {
        let hides = matches!(
            self.decl(id).node,
            Node::Const(_) | Node::Variable(_) | Node::LoopVariable(_) | Node::Instance(_)
        );
        // What a block declares before its body stands beside its parameters.
        if matches!(self.place.body, Body::ParserLocals | Body::ControlLocals) {
            return;
        }
        let name = self.decl(id).name;
        let hidden = self
            .scopes
            .all(name)
            .next()
            .and_then(|ids| ids.first().copied());
        if let Some(hidden) = hidden.filter(|_| hides)
            && matches!(self.decl(hidden).node, Node::Param(..))
        {
            self.duplicate(id, hidden);
        }
    }

    /// Says that two declarations have one name.
    pub(crate) fn duplicate(&mut self, second: DeclId, first: DeclId) {
        let (span, name) = (self.decl(second).span, self.decl(second).name.to_owned());
        let other = self.decl(first).span;
        self.error_with(
            span,
            ErrorKind::DuplicateName { name },
            other,
            "first declared here",
        );
    }

    /// Puts a function into the innermost scope, beside others of its name.
    pub(crate) fn bind_overload(&mut self, id: DeclId) {
        let name = self.decl(id).name;
        let others = self
            .scopes
            .here(name)
            .cloned()
            .unwrap_or_else(|| Rc::from([]));
        let clash = others.iter().copied().find(|other| {
            !matches!(
                self.decl(*other).node,
                Node::Function(_) | Node::ExternFunction(_)
            )
        });
        if let Some(first) = clash {
            self.duplicate(id, first);
            return;
        }
        self.scopes.add(name, id);
    }

    /// Remembers what is known about an expression.
    pub(crate) fn record(&mut self, expr: &ast::Expr, operand: &Operand) {
        self.tables.exprs.insert(
            Address::of(expr),
            ExprFacts {
                ty: operand.ty,
                value: operand.value.clone(),
                known: operand.known,
            },
        );
    }

    /// Remembers what a path leads to.
    pub(crate) fn record_path(&mut self, path: &ast::Path, decl: DeclId) {
        self.tables.paths.insert(Address::of(path), decl);
    }

    /// Remembers what a name leads to.
    pub(crate) fn record_name(&mut self, name: &ast::Name, decl: DeclId) {
        self.tables.paths.insert(Address::of(name), decl);
    }

    /// The fields of a struct-like type, with its type arguments in place.
    pub(crate) fn fields_of(&mut self, ty: Type) -> Option<Rc<[Field<'a>]>> {
        if let Some(fields) = self.fields.get(&ty) {
            return Some(Rc::clone(fields));
        }
        let TypeKind::Named { decl, args, .. } = self.types.kind(ty).clone() else {
            return None;
        };
        let Detail::Fields(fields) = &self.decl(decl).detail else {
            return None;
        };
        let mut fields: Rc<[Field<'a>]> = Rc::clone(fields);
        if !args.is_empty() {
            let subst = self.substitution(decl, &args);
            fields = fields
                .iter()
                .map(|field| Field {
                    ty: self.types.substitute(field.ty, &subst),
                    ..*field
                })
                .collect();
        }
        self.fields.insert(ty, Rc::clone(&fields));
        Some(fields)
    }

    /// What a declaration's type parameters stand for, given its type arguments.
    pub(crate) fn substitution(&self, decl: DeclId, args: &[Type]) -> Vec<(DeclId, Type)> {
        let params = &self.decl(decl).type_params;
        params.iter().copied().zip(args.iter().copied()).collect()
    }

    /// A type as the program would write it.
    pub(crate) fn show(&self, ty: Type) -> String {
        crate::show::show(&self.types, &self.decls, ty)
    }

    /// Does something within a scope of its own.
    pub(crate) fn scoped<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        self.scopes.push();
        let result = f(self);
        self.scopes.pop();
        result
    }

    /// Does something at another place.
    pub(crate) fn at<R>(&mut self, place: Place, f: impl FnOnce(&mut Self) -> R) -> R {
        let before = std::mem::replace(&mut self.place, place);
        let result = f(self);
        self.place = before;
        result
    }
}
