//! Scopes: what names stand for, from the innermost block out to the top level.
//!
//! Scopes live in one vector and are named by position, so that an action keeps the scope of its
//! control, and a parser state that is left in its middle finds its variables again.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_ir::ValueSetId;
use p4rmt_syntax::ast;

use crate::externs::ExternObject;
use crate::storage::Storage;
use crate::table::TableObject;
use crate::types::Type;
use crate::value::Value;

/// Identifies a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScopeId(usize);

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Binding<'a> {
    /// Something that has been complained about.
    Poison,
    /// A declaration of the top level.
    Declaration(&'a ast::Declaration),
    /// A type argument.
    Type(Type),
    /// A value that cannot change.
    Value(Value),
    /// A variable or parameter.
    Place {
        /// Its type.
        ty: Type,
        /// Where it is.
        storage: Storage,
        /// Whether it may be written.
        is_writable: bool,
    },
    /// An instance, or what is like one.
    Object(Object<'a>),
}

/// What can be applied, executed, or called by its methods.
#[derive(Clone, Debug)]
pub(crate) enum Object<'a> {
    /// The packet of a parser or deparser.
    Packet,
    /// An extern.
    Extern(Rc<ExternObject<'a>>),
    /// An instance of a control.
    Control(Rc<Instance<'a, ast::Control>>),
    /// An instance of a parser.
    Parser(Rc<Instance<'a, ast::Parser>>),
    /// A table.
    Table(Rc<TableObject<'a>>),
    /// An action.
    Action(ActionObject<'a>),
    /// A value set of a parser.
    ValueSet(ValueSetId, Type),
}

/// An instance of a parser or control.
#[derive(Debug)]
pub(crate) struct Instance<'a, T> {
    /// Its declaration.
    pub(crate) decl: &'a T,
    /// Its dotted name.
    pub(crate) path: String,
    /// Its type arguments; none where they are left to be inferred.
    pub(crate) types: Vec<Type>,
    /// What its constructor was given.
    pub(crate) args: Vec<(&'a str, Binding<'a>)>,
}

/// An action and the scope that its body sees.
#[derive(Clone, Debug)]
pub(crate) struct ActionObject<'a> {
    /// Its declaration.
    pub(crate) decl: &'a ast::Action,
    /// The scope around it.
    pub(crate) scope: ScopeId,
    /// Its dotted name.
    pub(crate) path: String,
}

/// All scopes of a program.
#[derive(Debug, Default)]
pub(crate) struct Scopes<'a> {
    scopes: Vec<Scope<'a>>,
}

#[derive(Debug)]
struct Scope<'a> {
    parent: Option<ScopeId>,
    names: HashMap<&'a str, Binding<'a>>,
}

impl<'a> Scopes<'a> {
    /// A new scope inside another one.
    pub(crate) fn open(&mut self, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope {
            parent,
            names: HashMap::new(),
        });
        ScopeId(self.scopes.len() - 1)
    }

    /// Binds a name in this scope; returns whether the scope did not have it yet.
    pub(crate) fn bind(&mut self, scope: ScopeId, name: &'a str, binding: Binding<'a>) -> bool {
        self.scopes[scope.0].names.insert(name, binding).is_none()
    }

    /// What the name stands for, seen from this scope.
    pub(crate) fn lookup(&self, scope: ScopeId, name: &str) -> Option<&Binding<'a>> {
        let mut scope = &self.scopes[scope.0];
        loop {
            if let Some(binding) = scope.names.get(name) {
                return Some(binding);
            }
            scope = &self.scopes[scope.parent?.0];
        }
    }

    /// What the name stands for in this scope alone.
    pub(crate) fn lookup_here(&self, scope: ScopeId, name: &str) -> Option<&Binding<'a>> {
        self.scopes[scope.0].names.get(name)
    }
}

impl<'a> Scopes<'a> {
    /// The type parameters of this scope that have no value yet.
    pub(crate) fn open_type_params(&self, scope: ScopeId) -> Vec<&'a str> {
        self.scopes[scope.0]
            .names
            .iter()
            .filter(|(name, binding)| {
                matches!(binding, Binding::Type(Type::Var(var)) if **var == ***name)
            })
            .map(|(name, _)| *name)
            .collect()
    }
}
