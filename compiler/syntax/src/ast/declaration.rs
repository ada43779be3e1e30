//! Declarations as written: those of the top level and those within parsers, controls and instances.

use p4rmt_source::Span;

use crate::ast::{Argument, Block, Expr, Name, NamedExpr, ParserState, Table, Type};

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Its declarations, those of included files in their places.
    pub declarations: Vec<Declaration>,
}

/// A declaration of the top level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Which one.
    pub kind: DeclarationKind,
    /// Where, annotations included.
    pub span: Span,
}

/// The kinds of declarations of the top level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclarationKind {
    /// `const T x = a;`
    Const(Const),
    /// `extern X { … }`
    Extern(Extern),
    /// `extern X;`, which says only that `X` is a type.
    ExternForward(Name),
    /// `extern T f(…);`
    ExternFunction(FunctionPrototype),
    /// `T f(…) { … }`
    Function(Function),
    /// `action a(…) { … }`
    Action(Action),
    /// `parser P(…) { … }`
    Parser(Parser),
    /// `parser P(…);`
    ParserType(ParserType),
    /// `control C(…) { … }`
    Control(Control),
    /// `control C(…);`
    ControlType(ControlType),
    /// `package P(…);`
    Package(Package),
    /// `header h { … }`
    Header(FieldList),
    /// `header_union h { … }`
    HeaderUnion(FieldList),
    /// `struct s { … }`
    Struct(FieldList),
    /// `enum e { … }`
    Enum(Enum),
    /// `enum bit<8> e { … }`
    SerializableEnum(SerializableEnum),
    /// `error { … }`
    Error(Vec<Name>),
    /// `match_kind { … }`
    MatchKind(MatchKinds),
    /// `typedef T x;`
    Typedef(Typedef),
    /// `type T x;`
    NewType(Typedef),
    /// `T(…) x;`
    Instantiation(Instantiation),
}

/// An annotation: `@name`, with or without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its name.
    pub name: Name,
    /// What follows.
    pub body: AnnotationBody,
    /// Where.
    pub span: Span,
}

/// The body of an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnnotationBody {
    /// None.
    Empty,
    /// `(…)`: any tokens, as the text between the parentheses.
    Unstructured(String),
    /// `[a, b]`
    Expressions(Vec<Expr>),
    /// `[x = a, y = b]`
    Fields(Vec<NamedExpr>),
    /// `@pragma name …`: the text up to the end of the line.
    Pragma(String),
}

/// The direction of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// None is written.
    None,
    /// `in`
    In,
    /// `out`
    Out,
    /// `inout`
    InOut,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Before it, such as `@optional`.
    pub annotations: Vec<Annotation>,
    /// Its direction.
    pub direction: Direction,
    /// Its type.
    pub ty: Type,
    /// Its name.
    pub name: Name,
    /// Its value when no argument is given.
    pub default: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// `const T x = a;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Const {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its type.
    pub ty: Type,
    /// Its name.
    pub name: Name,
    /// Its value.
    pub value: Expr,
    /// Where.
    pub span: Span,
}

/// `T x;`, `T x = a;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its type.
    pub ty: Type,
    /// Its name.
    pub name: Name,
    /// Its first value.
    pub init: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// `T(…) x;`, `T(…) x = { … };`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instantiation {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// The type.
    pub ty: Type,
    /// The constructor's arguments.
    pub args: Vec<Argument>,
    /// The instance's name.
    pub name: Name,
    /// The methods and instances that the block after `=` declares; `None` without a block.
    pub body: Option<Vec<ObjectDeclaration>>,
    /// Where.
    pub span: Span,
}

/// What the block of an instantiation declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectDeclaration {
    /// An abstract method's body.
    Function(Function),
    /// An instance.
    Instantiation(Instantiation),
}

/// The head of a function or method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionPrototype {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// What it returns.
    pub result: Type,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Where.
    pub span: Span,
}

/// A function with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its head.
    pub prototype: FunctionPrototype,
    /// Its body.
    pub body: Block,
}

/// An extern type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extern {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// Constructors and methods, in order.
    pub methods: Vec<Method>,
    /// Where.
    pub span: Span,
}

/// A method or constructor of an extern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// Which one.
    pub kind: MethodKind,
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name; a constructor's is the extern's.
    pub name: Name,
    /// Its type parameters; a constructor has none of its own.
    pub type_params: Vec<Name>,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Where.
    pub span: Span,
}

/// The kinds of methods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodKind {
    /// `X(…);`
    Constructor,
    /// `T m(…);`
    Method {
        /// What it returns.
        result: Type,
        /// Whether it says `abstract`, so that an instance must give the body.
        is_abstract: bool,
    },
}

/// An action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Its body.
    pub body: Block,
    /// Where.
    pub span: Span,
}

/// The head of a parser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParserType {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Where.
    pub span: Span,
}

/// A parser with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parser {
    /// Its head.
    pub head: ParserType,
    /// The constructor's parameters.
    pub constructor_params: Vec<Parameter>,
    /// What it declares before its states.
    pub locals: Vec<ParserLocal>,
    /// Its states.
    pub states: Vec<ParserState>,
    /// Where.
    pub span: Span,
}

/// What a parser declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParserLocal {
    /// A constant.
    Const(Const),
    /// A variable.
    Variable(Variable),
    /// An instance.
    Instantiation(Instantiation),
    /// A value set.
    ValueSet(ValueSet),
}

/// `value_set<T>(size) name;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueSet {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// The type of its elements.
    pub element: Type,
    /// How many it holds.
    pub size: Expr,
    /// Its name.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// The head of a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlType {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// Its parameters.
    pub params: Vec<Parameter>,
    /// Where.
    pub span: Span,
}

/// A control with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its head.
    pub head: ControlType,
    /// The constructor's parameters.
    pub constructor_params: Vec<Parameter>,
    /// What it declares before `apply`.
    pub locals: Vec<ControlLocal>,
    /// `apply { … }`
    pub apply: Block,
    /// Where.
    pub span: Span,
}

/// What a control declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlLocal {
    /// A constant.
    Const(Const),
    /// A variable.
    Variable(Variable),
    /// An instance.
    Instantiation(Instantiation),
    /// An action.
    Action(Action),
    /// A table.
    Table(Table),
}

/// `package P<T>(…);`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// The constructor's parameters.
    pub params: Vec<Parameter>,
    /// Where.
    pub span: Span,
}

/// A struct, header, or header union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldList {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its type parameters.
    pub type_params: Vec<Name>,
    /// Its fields, in order.
    pub fields: Vec<StructField>,
    /// Where.
    pub span: Span,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructField {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its type.
    pub ty: Type,
    /// Its name.
    pub name: Name,
    /// Where.
    pub span: Span,
}

/// `enum e { a, b }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enum {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// Its name.
    pub name: Name,
    /// Its members, in order.
    pub members: Vec<Name>,
    /// Where.
    pub span: Span,
}

/// `enum bit<8> e { a = 1, b = 2 }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerializableEnum {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// The type of its values.
    pub ty: Type,
    /// Its name.
    pub name: Name,
    /// Its members, in order.
    pub members: Vec<NamedExpr>,
    /// Where.
    pub span: Span,
}

/// `match_kind { a, b }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchKinds {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// The kinds, in order.
    pub names: Vec<Name>,
}

/// `typedef T x;`, `type T x;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Typedef {
    /// Before it.
    pub annotations: Vec<Annotation>,
    /// The type.
    pub ty: Type,
    /// The new name.
    pub name: Name,
    /// Where.
    pub span: Span,
}
