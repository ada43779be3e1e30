//! What the check found out, beside the tree: side tables keyed by the nodes of the tree.
//!
//! A node is named by its address, which stays the same as long as the tree is borrowed.

use std::collections::HashMap;
use std::rc::Rc;

use p4rmt_syntax::ast;

use crate::decl::{Decl, DeclId, Detail, Signature};
use crate::hash::FastMap;
use crate::scope::Overloads;
use crate::types::{Type, Types};
use crate::value::{Known, Value};

/// The address of a node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address(usize);

impl Address {
    pub(crate) fn of<T>(node: &T) -> Self {
        Self(std::ptr::from_ref(node).addr())
    }
}

/// A program whose names, types and constants are known.
#[derive(Debug)]
pub struct Typed<'a> {
    /// All types.
    pub types: Types,
    /// All declarations.
    pub decls: Vec<Decl<'a>>,
    pub(crate) tables: Tables<'a>,
    pub(crate) top_level: HashMap<&'a str, Overloads>,
}

/// The side tables.
#[derive(Debug, Default)]
pub(crate) struct Tables<'a> {
    pub(crate) exprs: FastMap<Address, ExprFacts>,
    pub(crate) conversions: FastMap<Address, (Type, Option<Value>)>,
    pub(crate) paths: FastMap<Address, DeclId>,
    pub(crate) members: FastMap<Address, MemberOf>,
    pub(crate) calls: FastMap<Address, Rc<Call<'a>>>,
    pub(crate) types: FastMap<Address, Type>,
    pub(crate) declared: FastMap<Address, DeclId>,
}

/// What is known about an expression.
#[derive(Clone, Debug)]
pub struct ExprFacts {
    /// Its own type, before it is converted to what its place asks for.
    pub ty: Type,
    /// Its value, if that follows from the program's text.
    pub value: Option<Value>,
    /// How much is known of it before a packet arrives.
    pub known: Known,
}

/// What a member expression names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberOf {
    /// A field of a struct, header or header union, by position.
    Field(usize),
    /// A member of an enumeration, by position.
    EnumMember(DeclId, usize),
    /// A member of `error`.
    Error(DeclId),
    /// `next` of a header stack.
    StackNext,
    /// `last` of a header stack.
    StackLast,
    /// `lastIndex` of a header stack.
    StackLastIndex,
    /// `size` of a stack.
    StackSize,
    /// `hit` of what a table's `apply` gives.
    Hit,
    /// `miss` of it.
    Miss,
    /// `action_run` of it.
    ActionRun,
}

/// What the language itself gives every value of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// `isValid`
    IsValid,
    /// `setValid`
    SetValid,
    /// `setInvalid`
    SetInvalid,
    /// `push_front`
    PushFront,
    /// `pop_front`
    PopFront,
    /// `minSizeInBits`
    MinSizeInBits,
    /// `minSizeInBytes`
    MinSizeInBytes,
    /// `maxSizeInBits`
    MaxSizeInBits,
    /// `maxSizeInBytes`
    MaxSizeInBytes,
    /// `size` of a list.
    ListSize,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callee {
    /// A function with a body.
    Function(DeclId),
    /// An extern function.
    ExternFunction(DeclId),
    /// A method of an extern, by its declaration there.
    Method(DeclId),
    /// An action.
    Action(DeclId),
    /// A constructor of an extern, by its declaration there.
    ExternConstructor(DeclId),
    /// The constructor of a parser, control or package.
    Constructor(DeclId),
    /// `apply` of an instance of a parser or control, by the type's declaration.
    Apply(DeclId),
    /// `apply` of a parser or control that is named by its type: an instance is made for it.
    ApplyDirectly(DeclId),
    /// `apply` of a table.
    ApplyTable(DeclId),
    /// What the language gives.
    Builtin(Builtin),
}

/// Where a parameter's value comes from.
#[derive(Clone, Copy, Debug)]
pub enum ArgSource<'a> {
    /// An argument.
    Given(&'a ast::Argument),
    /// The parameter's default value.
    Default(&'a ast::Expr),
    /// Nowhere: the parameter is optional, or its value comes from the control plane.
    Omitted,
}

/// A call or instantiation.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// What is called.
    pub callee: Callee,
    /// What each type parameter stands for, those of the object first.
    pub type_args: Vec<(DeclId, Type)>,
    /// For each parameter its argument.
    pub args: Vec<ArgSource<'a>>,
    /// The type of each parameter, with the type arguments in place.
    pub param_types: Vec<Type>,
    /// The type of the result.
    pub result: Type,
}

impl<'a> Typed<'a> {
    /// What is known about an expression; `None` for what is not a value, such as the name of a type.
    #[must_use]
    pub fn expr(&self, expr: &ast::Expr) -> Option<&ExprFacts> {
        self.tables.exprs.get(&Address::of(expr))
    }

    /// The type of an expression as its place sees it: after the implicit conversion, if there is one.
    #[must_use]
    pub fn type_of(&self, expr: &ast::Expr) -> Option<Type> {
        let address = Address::of(expr);
        match self.tables.conversions.get(&address) {
            Some((to, _)) => Some(*to),
            None => self.tables.exprs.get(&address).map(|facts| facts.ty),
        }
    }

    /// The value of an expression as its place sees it, if it follows from the program's text.
    #[must_use]
    pub fn value_of(&self, expr: &ast::Expr) -> Option<&Value> {
        let address = Address::of(expr);
        match self.tables.conversions.get(&address) {
            Some((_, value)) => value.as_ref(),
            None => self.tables.exprs.get(&address)?.value.as_ref(),
        }
    }

    /// The type that an expression is implicitly converted to, if it is.
    #[must_use]
    pub fn conversion(&self, expr: &ast::Expr) -> Option<Type> {
        let conversion = self.tables.conversions.get(&Address::of(expr));
        conversion.map(|(to, _)| *to)
    }

    /// The declaration that a path leads to: for an overloaded function the one that is called.
    #[must_use]
    pub fn path(&self, path: &ast::Path) -> Option<DeclId> {
        self.tables.paths.get(&Address::of(path)).copied()
    }

    /// The declaration that a name which is no path leads to: a state, match kind or action.
    #[must_use]
    pub fn name(&self, name: &ast::Name) -> Option<DeclId> {
        self.tables.paths.get(&Address::of(name)).copied()
    }

    /// What a member expression names.
    #[must_use]
    pub fn member(&self, expr: &ast::Expr) -> Option<MemberOf> {
        self.tables.members.get(&Address::of(expr)).copied()
    }

    /// What a call expression calls, and with what.
    #[must_use]
    pub fn call(&self, expr: &ast::Expr) -> Option<&Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(expr))
    }

    /// What an instantiation constructs, and with what.
    #[must_use]
    pub fn instantiation(&self, instance: &ast::Instantiation) -> Option<&Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(instance))
    }

    /// The bound call of an action in a table's list or in an entry.
    #[must_use]
    pub fn action_call(&self, action: &ast::ActionRef) -> Option<&Rc<Call<'a>>> {
        self.tables.calls.get(&Address::of(action))
    }

    /// The type that a type of the tree means.
    #[must_use]
    pub fn ty(&self, ty: &ast::Type) -> Option<Type> {
        self.tables.types.get(&Address::of(ty)).copied()
    }

    /// The declaration that this name declares.
    #[must_use]
    pub fn declared(&self, name: &ast::Name) -> Option<DeclId> {
        self.tables.declared.get(&Address::of(name)).copied()
    }

    /// A type as the program would write it.
    #[must_use]
    pub fn show(&self, ty: Type) -> String {
        crate::show::show(&self.types, &self.decls, ty)
    }

    /// The first declaration of the top level with this name.
    #[must_use]
    pub fn top_level(&self, name: &str) -> Option<DeclId> {
        self.top_level.get(name)?.first().copied()
    }

    /// The head of what is called; none of a table's `apply` and of what the language gives.
    #[must_use]
    pub fn signature(&self, callee: Callee) -> Option<&Signature<'a>> {
        match callee {
            Callee::Function(id)
            | Callee::ExternFunction(id)
            | Callee::Method(id)
            | Callee::Action(id)
            | Callee::ExternConstructor(id) => match &self.decl(id).detail {
                Detail::Function(signature) => Some(signature),
                _ => None,
            },
            Callee::Constructor(id) => match &self.decl(id).detail {
                Detail::Block { constructor, .. } => constructor.as_deref(),
                Detail::Package(constructor) => Some(constructor),
                _ => None,
            },
            Callee::Apply(id) | Callee::ApplyDirectly(id) => match &self.decl(id).detail {
                Detail::Block { apply, .. } => Some(apply),
                _ => None,
            },
            Callee::ApplyTable(_) | Callee::Builtin(_) => None,
        }
    }

    /// A declaration.
    #[must_use]
    pub fn decl(&self, id: DeclId) -> &Decl<'a> {
        &self.decls[id.0 as usize]
    }
}
