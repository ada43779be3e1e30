//! Scopes: what declarations stand for, from the innermost block out to the top level.
//!
//! A declaration is lowered once for each instance and each call of what it stands in, and stands for
//! something else each time. Scopes live in one vector and are named by position, so that an action
//! keeps the scope of its control, and a parser state that is left in its middle finds its variables
//! again.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_ir::ValueSetId;
use p4rmt_syntax::ast;
use p4rmt_typing::{DeclId, Signature};

use crate::externs::ExternObject;
use crate::storage::Storage;
use crate::table::TableObject;
use crate::types::Type;
use crate::value::Value;

/// Identifies a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ScopeId(usize);

/// What a declaration stands for.
#[derive(Clone, Debug)]
pub(crate) enum Binding<'a> {
    /// Something that has been complained about.
    Poison,
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
    ValueSet(ValueSetId),
}

/// An instance of a parser or control.
#[derive(Debug)]
pub(crate) struct Instance<'a, T> {
    /// Its declaration.
    pub(crate) decl: &'a T,
    /// The head of its `apply`: that of its own type, whatever type it is known by where it is applied.
    pub(crate) head: &'a Signature<'a>,
    /// What its type parameters stand for, as far as its construction says.
    pub(crate) types: Vec<(DeclId, Type)>,
    /// Its dotted name.
    pub(crate) path: String,
    /// What its constructor was given, by parameter.
    pub(crate) args: Vec<(DeclId, Binding<'a>)>,
}

/// An action and the scope that its body sees.
#[derive(Clone, Debug)]
pub(crate) struct ActionObject<'a> {
    /// Its declaration.
    pub(crate) decl: &'a ast::Action,
    /// Its head.
    pub(crate) head: &'a Signature<'a>,
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
    bindings: HashMap<DeclId, Binding<'a>>,
}

impl<'a> Scopes<'a> {
    /// A new scope inside another one.
    pub(crate) fn open(&mut self, parent: Option<ScopeId>) -> ScopeId {
        self.scopes.push(Scope {
            parent,
            bindings: HashMap::new(),
        });
        ScopeId(self.scopes.len() - 1)
    }

    /// Says what a declaration stands for in this scope.
    pub(crate) fn bind(&mut self, scope: ScopeId, decl: DeclId, binding: Binding<'a>) {
        self.scopes[scope.0].bindings.insert(decl, binding);
    }

    /// What the declaration stands for, seen from this scope.
    pub(crate) fn lookup(&self, scope: ScopeId, decl: DeclId) -> Option<&Binding<'a>> {
        let mut scope = &self.scopes[scope.0];
        loop {
            if let Some(binding) = scope.bindings.get(&decl) {
                return Some(binding);
            }
            scope = &self.scopes[scope.parent?.0];
        }
    }

    /// What the declaration stands for in this scope alone.
    pub(crate) fn lookup_here(&self, scope: ScopeId, decl: DeclId) -> Option<&Binding<'a>> {
        self.scopes[scope.0].bindings.get(&decl)
    }
}
