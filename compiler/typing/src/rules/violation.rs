//! The rules of the language beside typing that a program can break: one variant a kind of mistake.
//!
//! E1xxx names, E2xxx types, E3xxx constants, E6xxx declarations, blocks, statements and calls,
//! E7xxx tables.

/// A rule that a program breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Two things under one name of the control plane.
    #[error("the control plane already has {what} named `{name}`")]
    ControlPlaneName {
        /// What has the name, with its article.
        what: &'static str,
        /// The name.
        name: String,
    },

    /// A type within a type that cannot hold it.
    #[error("{container} cannot hold `{ty}`")]
    Nesting {
        /// What should hold it, with its article.
        container: &'static str,
        /// What it should hold.
        ty: String,
    },
    /// A type that a declaration's values cannot have.
    #[error("{what} cannot have the type `{ty}`")]
    DeclaredType {
        /// What is declared, with its article.
        what: &'static str,
        /// Its type.
        ty: String,
    },
    /// A type that `typedef` or `type` cannot give a name.
    #[error("`{keyword}` cannot name `{ty}`")]
    Renamed {
        /// `typedef` or `type`.
        keyword: &'static str,
        /// The type.
        ty: String,
    },
    /// A type that an enumeration cannot store its members as.
    #[error("an enumeration cannot be stored as `{ty}`")]
    EnumUnderlying {
        /// The type.
        ty: String,
    },
    /// A parameter's direction that its type or place does not allow.
    #[error("{what} cannot have a direction")]
    Direction {
        /// What the parameter is, with its article.
        what: String,
    },
    /// A type that a parameter of a callable cannot have.
    #[error("{callable} cannot take `{ty}`")]
    ParameterType {
        /// What has the parameter, with its article.
        callable: &'static str,
        /// The parameter's type.
        ty: String,
    },
    /// A type that a function or method cannot return.
    #[error("{callable} cannot return `{ty}`")]
    ResultType {
        /// What returns it, with its article.
        callable: &'static str,
        /// The type.
        ty: String,
    },
    /// An argument of a core method that it is not defined on.
    #[error("`{method}` needs {needed}, found `{found}`")]
    CoreArgument {
        /// The method.
        method: &'static str,
        /// What it needs, with its article.
        needed: &'static str,
        /// The argument's type.
        found: String,
    },

    /// A member of an enumeration whose value its type cannot hold.
    #[error("{value} does not fit into `{ty}`")]
    EnumValue {
        /// The value.
        value: String,
        /// The type.
        ty: String,
    },

    /// A parameter of an action without direction before one with a direction.
    #[error("`{name}` has a direction and follows action data")]
    ActionDataFirst {
        /// The parameter.
        name: String,
    },
    /// A default value of a parameter that can have none.
    #[error("{what} cannot have a default value")]
    DefaultValue {
        /// What the parameter is, with its article.
        what: &'static str,
    },
    /// `@optional` on a parameter that must be given.
    #[error("parameters of {callable} cannot be optional")]
    Optional {
        /// What has the parameter, with its article.
        callable: &'static str,
    },

    /// An instance where its kind cannot be.
    #[error("{what} cannot be instantiated in {place}")]
    InstancePlace {
        /// What it is an instance of, with its article.
        what: &'static str,
        /// Where, with its article.
        place: &'static str,
    },
    /// A block after the instantiation of something that has no abstract methods.
    #[error("`{name}` has no abstract methods that could be defined here")]
    NoAbstractMethods {
        /// What is instantiated.
        name: String,
    },
    /// A method in an instance's block that its extern does not ask for.
    #[error("`{object}` has no abstract method `{method}`")]
    UnknownAbstractMethod {
        /// The extern.
        object: String,
        /// The method.
        method: String,
    },
    /// A method in an instance's block whose head is not the declared one.
    #[error("`{method}` differs from its declaration: {difference}")]
    MethodSignature {
        /// The method.
        method: String,
        /// In what.
        difference: String,
    },
    /// A constructor call of an extern that has abstract methods.
    #[error("`{name}` has abstract methods, so that it needs a declaration of its own")]
    AbstractConstructor {
        /// The extern.
        name: String,
    },
    /// A method that is named as its extern, and returns something.
    #[error("the constructor of `{name}` cannot return anything")]
    ConstructorResult {
        /// The extern.
        name: String,
    },
    /// A method without a result that is not named as its extern.
    #[error("`{method}` has no result type, and is not the constructor of `{object}`")]
    NoResultType {
        /// The method.
        method: String,
        /// The extern.
        object: String,
    },
    /// Two functions or methods of one name that no call can tell apart.
    #[error("no call could tell this `{name}` from the other")]
    SameOverload {
        /// The function or method.
        name: String,
    },
    /// A function that can end without returning a value.
    #[error("`{name}` can end without returning a value")]
    MissingReturn {
        /// The function.
        name: String,
    },

    /// A parser without a state `start`.
    #[error("parser `{name}` has no state `start`")]
    NoStart {
        /// The parser.
        name: String,
    },
    /// A state `accept` or `reject` with a body.
    #[error("the state `{name}` is part of the language")]
    ReservedState {
        /// The state.
        name: String,
    },
    /// A parser whose states never end.
    #[error("parser `{name}` reaches neither `accept` nor `reject`")]
    EndlessParser {
        /// The parser.
        name: String,
    },
    /// A value that `select` cannot look at.
    #[error("`select` cannot look at a value of type `{ty}`")]
    SelectType {
        /// The type.
        ty: String,
    },
    /// A value set of a type that it cannot have.
    #[error("a value set cannot hold `{ty}`")]
    ValueSetType {
        /// The type.
        ty: String,
    },

    /// Something called where it cannot be.
    #[error("{what} cannot be called in {place}")]
    CallPlace {
        /// What is called, with its article.
        what: String,
        /// Where, with its article.
        place: &'static str,
    },
    /// A statement where its kind cannot be.
    #[error("{what} cannot stand in {place}")]
    StatementPlace {
        /// The statement, with its article.
        what: &'static str,
        /// Where, with its article.
        place: &'static str,
    },
    /// Something of a header stack that only parsers have.
    #[error("`{member}` of a header stack exists in parsers only")]
    StackMember {
        /// `next`, `last` or `lastIndex`.
        member: &'static str,
    },
    /// `action_run` elsewhere than in a switch.
    #[error("`action_run` can only be the expression of a `switch` in an `apply`")]
    ActionRun,
    /// A label of a switch that is there twice.
    #[error("this label is there twice")]
    DuplicateLabel,
    /// A label after `default`.
    #[error("`default` is the last label of a `switch`")]
    DefaultNotLast,
    /// A label of a switch over actions that is not one of them.
    #[error("the label is not an action of the table `{table}`")]
    ActionLabel {
        /// The table.
        table: String,
    },
    /// A `main` that is no package.
    #[error("`main` is not an instance of a package")]
    Main,

    /// An annotation whose body is not what it should be.
    #[error("`@{name}` takes {needed}")]
    AnnotationBody {
        /// The annotation.
        name: String,
        /// What it takes.
        needed: &'static str,
    },
    /// A structured annotation beside another of its name.
    #[error("`@{name}` is there twice, once in brackets")]
    AnnotationTwice {
        /// The annotation.
        name: String,
    },
    /// A value in a structured annotation that it cannot hold.
    #[error("an annotation holds constants of type `int`, `bool` or `string`")]
    AnnotationValue,

    /// A table without a list of actions.
    #[error("table `{name}` has no `actions`")]
    NoActions {
        /// The table.
        name: String,
    },
    /// A property of a table that is there twice.
    #[error("`{name}` is there twice")]
    PropertyTwice {
        /// The property.
        name: String,
    },
    /// A property of a table that needs another one before it.
    #[error("`{later}` stands before `{earlier}`")]
    PropertyOrder {
        /// The one that must come first.
        earlier: &'static str,
        /// The other.
        later: &'static str,
    },
    /// A property of a table with a value that it cannot have.
    #[error("`{name}` is {needed}")]
    PropertyValue {
        /// The property.
        name: String,
        /// What it must be.
        needed: &'static str,
    },
    /// An action that a table lists twice.
    #[error("the table lists `{name}` twice")]
    ActionTwice {
        /// The action.
        name: String,
    },
    /// An action that the table does not list.
    #[error("the table does not list `{name}`")]
    UnlistedAction {
        /// The action.
        name: String,
    },
    /// An argument for action data in a table's list.
    #[error("`{name}` is action data, which entries give")]
    ActionDataBound {
        /// The parameter.
        name: String,
    },
    /// An argument that differs from the one in the table's list.
    #[error("the argument for `{name}` differs from the one in the list of actions")]
    OtherArgument {
        /// The parameter.
        name: String,
    },
    /// Action data that is not a constant.
    #[error("the argument for `{name}` is action data, which must be a constant")]
    ActionDataValue {
        /// The parameter.
        name: String,
    },
    /// An action where its annotation does not allow it.
    #[error("`{name}` is marked `@{annotation}`")]
    ActionMarked {
        /// The action.
        name: String,
        /// `tableonly` or `defaultonly`.
        annotation: &'static str,
    },
    /// A `NoAction` that tables without a default action cannot run.
    #[error("`NoAction` is what a table does by default, so it is an action without parameters")]
    NoAction,
    /// A key of a type that cannot be looked up.
    #[error("a table cannot look up a key of type `{ty}`")]
    KeyType {
        /// The type.
        ty: String,
    },
    /// A key of a type that its match kind is not defined on.
    #[error("a key of type `{ty}` cannot be matched `{kind}`")]
    KeyMatchKind {
        /// The type.
        ty: String,
        /// The match kind.
        kind: String,
    },
    /// A computed key that the control plane has no name for.
    #[error("this key needs a name for the control plane")]
    KeyName,

    /// Entries of a table that has no key.
    #[error("table `{name}` has entries, but no key")]
    EntriesWithoutKey {
        /// The table.
        name: String,
    },
    /// A keyset of a form that its match kind does not have.
    #[error("{form} cannot stand for a key that is matched `{kind}`")]
    EntryForm {
        /// The form, with its article.
        form: &'static str,
        /// The match kind.
        kind: String,
    },
    /// A mask of a prefix that is no prefix.
    #[error("the mask of a prefix is ones, then zeros")]
    NotPrefix,
    /// A range whose bounds are in the wrong order.
    #[error("the range from {first} to {last} is empty")]
    EmptyRange {
        /// First value.
        first: String,
        /// Last value.
        last: String,
    },
    /// Two entries with the same key where each key has one entry.
    #[error("an entry above has the same key")]
    SameKey,
    /// A priority where there are none.
    #[error("an entry of this table has no priority: {reason}")]
    NoPriority {
        /// Why.
        reason: &'static str,
    },
    /// A first entry without a priority where others have one.
    #[error("the first entry needs a priority, since others have one")]
    FirstPriority,
    /// A priority that is no priority.
    #[error("{value} is not a priority")]
    PriorityRange {
        /// As evaluated.
        value: String,
    },
}

impl Violation {
    /// The code that `p4rmt explain` knows.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ControlPlaneName { .. } => "E1007",
            Self::Nesting { .. } => "E2030",
            Self::DeclaredType { .. } => "E2031",
            Self::Renamed { .. } => "E2032",
            Self::EnumUnderlying { .. } => "E2033",
            Self::Direction { .. } => "E2034",
            Self::ParameterType { .. } => "E2035",
            Self::ResultType { .. } => "E2036",
            Self::CoreArgument { .. } => "E2037",
            Self::EnumValue { .. } => "E3010",
            Self::ActionDataFirst { .. } => "E6001",
            Self::DefaultValue { .. } => "E6002",
            Self::Optional { .. } => "E6003",
            Self::InstancePlace { .. } => "E6010",
            Self::NoAbstractMethods { .. } => "E6011",
            Self::UnknownAbstractMethod { .. } => "E6012",
            Self::MethodSignature { .. } => "E6013",
            Self::AbstractConstructor { .. } => "E6014",
            Self::ConstructorResult { .. } | Self::NoResultType { .. } => "E6015",
            Self::SameOverload { .. } => "E6016",
            Self::MissingReturn { .. } => "E6017",
            Self::NoStart { .. } => "E6020",
            Self::ReservedState { .. } => "E6021",
            Self::EndlessParser { .. } => "E6022",
            Self::SelectType { .. } => "E6023",
            Self::ValueSetType { .. } => "E6024",
            Self::CallPlace { .. } => "E6030",
            Self::StatementPlace { .. } => "E6031",
            Self::StackMember { .. } => "E6032",
            Self::ActionRun => "E6033",
            Self::DuplicateLabel => "E6041",
            Self::DefaultNotLast => "E6042",
            Self::ActionLabel { .. } => "E6043",
            Self::Main => "E6050",
            Self::AnnotationBody { .. } => "E6060",
            Self::AnnotationTwice { .. } => "E6061",
            Self::AnnotationValue => "E6062",
            Self::NoActions { .. } => "E7001",
            Self::PropertyTwice { .. } => "E7002",
            Self::PropertyOrder { .. } => "E7003",
            Self::PropertyValue { .. } => "E7004",
            Self::ActionTwice { .. } => "E7005",
            Self::UnlistedAction { .. } => "E7006",
            Self::ActionDataBound { .. } => "E7007",
            Self::OtherArgument { .. } => "E7008",
            Self::ActionDataValue { .. } => "E7009",
            Self::ActionMarked { .. } => "E7010",
            Self::NoAction => "E7014",
            Self::KeyType { .. } => "E7011",
            Self::KeyMatchKind { .. } => "E7012",
            Self::KeyName => "E7013",
            Self::EntriesWithoutKey { .. } => "E7020",
            Self::EntryForm { .. } => "E7022",
            Self::NotPrefix => "E7023",
            Self::EmptyRange { .. } => "E7024",
            Self::SameKey => "E7025",
            Self::NoPriority { .. } => "E7026",
            Self::FirstPriority => "E7027",
            Self::PriorityRange { .. } => "E7028",
        }
    }
}
