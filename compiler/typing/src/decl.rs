//! Declarations, numbered in the order in which they are found, and what is known about each.

use std::rc::Rc;

use p4rmt_source::Span;
use p4rmt_syntax::ast;

use crate::types::Type;
use crate::value::{Known, Value};

/// A declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeclId(pub(crate) u32);

/// The place of a declaration in the syntax tree.
#[derive(Clone, Copy, Debug)]
pub enum Node<'a> {
    /// `const T x = a;`
    Const(&'a ast::Const),
    /// A variable.
    Variable(&'a ast::Variable),
    /// The variable of a `for … in` loop.
    LoopVariable(&'a ast::Statement),
    /// A parameter of something that is called.
    Param(&'a ast::Parameter, ParamRole),
    /// A type parameter.
    TypeParam(&'a ast::Name),
    /// A struct, header or header union.
    Record(&'a ast::FieldList),
    /// `enum`
    Enum(&'a ast::Enum),
    /// `enum bit<…>`
    SerializableEnum(&'a ast::SerializableEnum),
    /// `typedef`
    Typedef(&'a ast::Typedef),
    /// `type`
    NewType(&'a ast::Typedef),
    /// `extern X { … }`
    Extern(&'a ast::Extern),
    /// `extern X;`
    ExternForward(&'a ast::Name),
    /// A constructor or method of an extern.
    Method(&'a ast::Method),
    /// `extern T f(…);`
    ExternFunction(&'a ast::FunctionPrototype),
    /// A function, or the body of an abstract method.
    Function(&'a ast::Function),
    /// An action.
    Action(&'a ast::Action),
    /// A parser with its body.
    Parser(&'a ast::Parser),
    /// `parser P(…);`
    ParserType(&'a ast::ParserType),
    /// A control with its body.
    Control(&'a ast::Control),
    /// `control C(…);`
    ControlType(&'a ast::ControlType),
    /// `package P(…);`
    Package(&'a ast::Package),
    /// An instance.
    Instance(&'a ast::Instantiation),
    /// `value_set<T>(…) x;`
    ValueSet(&'a ast::ValueSet),
    /// A table.
    Table(&'a ast::Table),
    /// A state of a parser.
    State(&'a ast::ParserState),
    /// A member of a serializable enumeration.
    EnumMember(&'a ast::NamedExpr),
    /// A member of `error`.
    ErrorMember(&'a ast::Name),
    /// A member of `match_kind`.
    MatchKindMember(&'a ast::Name),
}

/// What a parameter belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamRole {
    /// An action.
    Action,
    /// A constructor.
    Constructor,
    /// A function, a method, or the `apply` of a parser or control.
    Apply,
}

/// A declaration and what is known about it.
#[derive(Clone, Debug)]
pub struct Decl<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where its name stands.
    pub span: Span,
    /// Its place in the syntax tree.
    pub node: Node<'a>,
    /// The type of a constant, variable, parameter, instance, table or value set; the type itself,
    /// with its own parameters as arguments, of what declares a type.
    pub ty: Type,
    /// The value of a constant.
    pub value: Option<Value>,
    /// How much is known of its value.
    pub known: Known,
    /// Its type parameters.
    pub type_params: Rc<[DeclId]>,
    /// What else there is to it.
    pub detail: Detail<'a>,
    /// The parser, control or extern that it is declared in.
    pub owner: Option<DeclId>,
}

/// What there is to some kinds of declarations.
#[derive(Clone, Debug)]
pub enum Detail<'a> {
    /// Nothing more.
    None,
    /// The fields of a struct, header or header union.
    Fields(Rc<[Field<'a>]>),
    /// The members of an enumeration; values for those of a serializable one.
    Members(Rc<[Member<'a>]>),
    /// What a new type is made of.
    Underlying(Type),
    /// The head of a function, method, action or extern function.
    Function(Rc<Signature<'a>>),
    /// The heads of a parser or control.
    Block {
        /// Its `apply`.
        apply: Rc<Signature<'a>>,
        /// Its constructor; `None` of a mere type.
        constructor: Option<Rc<Signature<'a>>>,
    },
    /// The constructor of a package.
    Package(Rc<Signature<'a>>),
    /// What an extern has.
    Extern {
        /// Its constructors.
        constructors: Rc<[DeclId]>,
        /// Its methods, in order.
        methods: Rc<[DeclId]>,
    },
    /// A serializable enumeration.
    SerializableEnum {
        /// The type of its values.
        underlying: Type,
        /// Its members.
        members: Rc<[Member<'a>]>,
    },
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its type.
    pub ty: Type,
    /// Its declaration.
    pub span: Span,
}

/// A member of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, where the program gives one.
    pub value: Option<Value>,
}

/// What a signature is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureKind {
    /// A function with a body.
    Function,
    /// An extern function.
    ExternFunction,
    /// A method of an extern.
    Method,
    /// An action.
    Action,
    /// A constructor.
    Constructor,
    /// `apply` of a parser.
    ParserApply,
    /// `apply` of a control.
    ControlApply,
}

/// The head of something that can be called.
#[derive(Clone, Debug)]
pub struct Signature<'a> {
    /// What it is of.
    pub kind: SignatureKind,
    /// The declaration: of the function, method or action; of the type for a constructor or `apply`
    /// of a parser, control or package.
    pub decl: DeclId,
    /// Its name.
    pub name: &'a str,
    /// Its own type parameters; those of the type for a constructor.
    pub type_params: Rc<[DeclId]>,
    /// Its parameters.
    pub params: Rc<[Param<'a>]>,
    /// What it returns.
    pub result: Type,
    /// Whether it is an abstract method.
    pub is_abstract: bool,
}

/// A parameter.
#[derive(Clone, Copy, Debug)]
pub struct Param<'a> {
    /// Its declaration.
    pub decl: DeclId,
    /// Its name.
    pub name: &'a str,
    /// Its direction.
    pub direction: ast::Direction,
    /// Its type.
    pub ty: Type,
    /// Its value when no argument is given.
    pub default: Option<&'a ast::Expr>,
    /// Whether it may be left out (`@optional`).
    pub is_optional: bool,
    /// Where.
    pub span: Span,
}
