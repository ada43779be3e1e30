//! A walk over the tree in the order of its text, for the rules and warnings that look at every
//! expression, type or statement, and the place that each stands in.

use p4rmt_syntax::ast::{
    self, Annotation, ArgumentValue, ControlLocal, DeclarationKind, Expr, ExprKind, ForCollection,
    KeysetKind, ObjectDeclaration, ParserLocal, PropertyKind, Statement, StatementKind,
    SwitchLabel, TransitionKind, Type, TypeKind,
};

/// The kind of body that something stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The top level.
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
    /// A key of a table.
    Key,
    /// The other properties of a table.
    Table,
}

/// The place that something stands in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    /// The kind of body.
    pub(crate) body: Body,
    /// The parser around.
    pub(crate) parser: Option<&'a ast::Parser>,
    /// The name of the parser or control around.
    pub(crate) owner: Option<&'a ast::Name>,
}

impl Site<'_> {
    /// The top level.
    pub(crate) const TOP: Self = Self {
        body: Body::TopLevel,
        parser: None,
        owner: None,
    };

    fn with(self, body: Body) -> Self {
        Self { body, ..self }
    }
}

/// What a walk comes by; each before its parts.
pub(crate) trait Visitor<'a> {
    /// An expression.
    fn expr(&mut self, _at: Site<'a>, _expr: &'a Expr) {}
    /// A statement.
    fn statement(&mut self, _at: Site<'a>, _statement: &'a Statement) {}
    /// A type, but those that it is made of come with it only once, as its parts.
    fn ty(&mut self, _at: Site<'a>, _ty: &'a Type) {}
    /// The annotations of one element.
    fn annotations(&mut self, _annotations: &'a [Annotation]) {}
    /// An instance.
    fn instantiation(&mut self, _at: Site<'a>, _instance: &'a ast::Instantiation) {}
    /// A function with its body, or the body of an abstract method.
    fn function(&mut self, _at: Site<'a>, _function: &'a ast::Function) {}
    /// A variable.
    fn variable(&mut self, _at: Site<'a>, _variable: &'a ast::Variable) {}
    /// A constant.
    fn constant(&mut self, _constant: &'a ast::Const) {}
    /// A table.
    fn table(&mut self, _at: Site<'a>, _table: &'a ast::Table) {}
    /// An action.
    fn action(&mut self, _at: Site<'a>, _action: &'a ast::Action) {}
    /// The annotations of a type or of the head of something, and where it stands.
    fn annotated(&mut self, _annotations: &'a [Annotation], _span: p4rmt_source::Span) {}
    /// A control.
    fn control(&mut self, _control: &'a ast::Control) {}
    /// A parser.
    fn parser(&mut self, _parser: &'a ast::Parser) {}
    /// A state.
    fn state(&mut self, _at: Site<'a>, _state: &'a ast::ParserState) {}
}

/// Walks over a whole program.
pub(crate) fn program<'a>(visitor: &mut impl Visitor<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        top_level(visitor, declaration);
    }
}

/// Walks over a declaration of the top level.
pub(crate) fn top_level<'a>(visitor: &mut impl Visitor<'a>, declaration: &'a ast::Declaration) {
    let at = Site::TOP;
    match &declaration.kind {
        DeclarationKind::Const(constant) => walk_const(visitor, at, constant),
        DeclarationKind::Extern(object) => {
            visitor.annotations(&object.annotations);
            for method in &object.methods {
                visitor.annotations(&method.annotations);
                match &method.kind {
                    ast::MethodKind::Constructor => {}
                    ast::MethodKind::Method { result, .. } => walk_type(visitor, at, result),
                }
                walk_params(visitor, at, &method.params);
            }
        }
        DeclarationKind::ExternForward(_) | DeclarationKind::Error(_) => {}
        DeclarationKind::ExternFunction(prototype) => walk_prototype(visitor, at, prototype),
        DeclarationKind::Function(function) => walk_function(visitor, at, Body::Function, function),
        DeclarationKind::Action(action) => walk_action(visitor, at, action),
        DeclarationKind::Parser(parser) => walk_parser(visitor, parser),
        DeclarationKind::ParserType(head) => {
            visitor.annotations(&head.annotations);
            walk_params(visitor, at, &head.params);
        }
        DeclarationKind::Control(control) => walk_control(visitor, control),
        DeclarationKind::ControlType(head) => {
            visitor.annotations(&head.annotations);
            walk_params(visitor, at, &head.params);
        }
        DeclarationKind::Package(package) => {
            visitor.annotations(&package.annotations);
            walk_params(visitor, at, &package.params);
        }
        DeclarationKind::Header(record)
        | DeclarationKind::HeaderUnion(record)
        | DeclarationKind::Struct(record) => {
            visitor.annotations(&record.annotations);
            visitor.annotated(&record.annotations, record.span);
            for field in &record.fields {
                visitor.annotations(&field.annotations);
                walk_type(visitor, at, &field.ty);
            }
        }
        DeclarationKind::Enum(enumeration) => visitor.annotations(&enumeration.annotations),
        DeclarationKind::SerializableEnum(enumeration) => {
            visitor.annotations(&enumeration.annotations);
            walk_type(visitor, at, &enumeration.ty);
            for member in &enumeration.members {
                walk_expr(visitor, at, &member.value);
            }
        }
        DeclarationKind::MatchKind(kinds) => visitor.annotations(&kinds.annotations),
        DeclarationKind::Typedef(typedef) | DeclarationKind::NewType(typedef) => {
            visitor.annotations(&typedef.annotations);
            walk_type(visitor, at, &typedef.ty);
        }
        DeclarationKind::Instantiation(instance) => walk_instance(visitor, at, instance),
    }
}

fn walk_const<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, constant: &'a ast::Const) {
    visitor.annotations(&constant.annotations);
    visitor.constant(constant);
    walk_type(visitor, at, &constant.ty);
    walk_expr(visitor, at, &constant.value);
}

fn walk_variable<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, variable: &'a ast::Variable) {
    visitor.annotations(&variable.annotations);
    visitor.variable(at, variable);
    walk_type(visitor, at, &variable.ty);
    if let Some(init) = &variable.init {
        walk_expr(visitor, at, init);
    }
}

fn walk_params<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, params: &'a [ast::Parameter]) {
    for param in params {
        visitor.annotations(&param.annotations);
        walk_type(visitor, at, &param.ty);
        if let Some(default) = &param.default {
            walk_expr(visitor, at, default);
        }
    }
}

fn walk_prototype<'a>(
    visitor: &mut impl Visitor<'a>,
    at: Site<'a>,
    prototype: &'a ast::FunctionPrototype,
) {
    visitor.annotations(&prototype.annotations);
    walk_type(visitor, at, &prototype.result);
    walk_params(visitor, at, &prototype.params);
}

fn walk_function<'a>(
    visitor: &mut impl Visitor<'a>,
    at: Site<'a>,
    body: Body,
    function: &'a ast::Function,
) {
    let at = at.with(body);
    visitor.function(at, function);
    walk_prototype(visitor, at, &function.prototype);
    walk_block(visitor, at, &function.body);
}

fn walk_action<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, action: &'a ast::Action) {
    visitor.annotations(&action.annotations);
    visitor.action(at, action);
    let at = at.with(Body::Action);
    walk_params(visitor, at, &action.params);
    walk_block(visitor, at, &action.body);
}

fn walk_instance<'a>(
    visitor: &mut impl Visitor<'a>,
    at: Site<'a>,
    instance: &'a ast::Instantiation,
) {
    visitor.annotations(&instance.annotations);
    visitor.instantiation(at, instance);
    walk_type(visitor, at, &instance.ty);
    walk_args(visitor, at, &instance.args);
    for item in instance.body.iter().flatten() {
        match item {
            ObjectDeclaration::Function(function) => {
                walk_function(visitor, at, Body::Method, function);
            }
            ObjectDeclaration::Instantiation(inner) => walk_instance(visitor, at, inner),
        }
    }
}

fn walk_parser<'a>(visitor: &mut impl Visitor<'a>, parser: &'a ast::Parser) {
    visitor.annotations(&parser.head.annotations);
    visitor.parser(parser);
    let at = Site {
        body: Body::ParserLocals,
        parser: Some(parser),
        owner: Some(&parser.head.name),
    };
    walk_params(visitor, at, &parser.head.params);
    walk_params(visitor, at, &parser.constructor_params);
    for local in &parser.locals {
        match local {
            ParserLocal::Const(constant) => walk_const(visitor, at, constant),
            ParserLocal::Variable(variable) => walk_variable(visitor, at, variable),
            ParserLocal::Instantiation(instance) => walk_instance(visitor, at, instance),
            ParserLocal::ValueSet(set) => {
                visitor.annotations(&set.annotations);
                walk_type(visitor, at, &set.element);
                walk_expr(visitor, at, &set.size);
            }
        }
    }
    for state in &parser.states {
        let at = at.with(Body::State);
        visitor.annotations(&state.annotations);
        visitor.state(at, state);
        for statement in &state.statements {
            walk_statement(visitor, at, statement);
        }
        let Some(transition) = &state.transition else {
            continue;
        };
        match &transition.kind {
            TransitionKind::Direct(_) => {}
            TransitionKind::Select { subjects, cases } => {
                for subject in subjects {
                    walk_expr(visitor, at, subject);
                }
                for case in cases {
                    walk_keysets(visitor, at, &case.keyset);
                }
            }
        }
    }
}

fn walk_control<'a>(visitor: &mut impl Visitor<'a>, control: &'a ast::Control) {
    visitor.annotations(&control.head.annotations);
    visitor.control(control);
    let at = Site {
        body: Body::ControlLocals,
        owner: Some(&control.head.name),
        ..Site::TOP
    };
    walk_params(visitor, at, &control.head.params);
    walk_params(visitor, at, &control.constructor_params);
    for local in &control.locals {
        match local {
            ControlLocal::Const(constant) => walk_const(visitor, at, constant),
            ControlLocal::Variable(variable) => walk_variable(visitor, at, variable),
            ControlLocal::Instantiation(instance) => walk_instance(visitor, at, instance),
            ControlLocal::Action(action) => walk_action(visitor, at, action),
            ControlLocal::Table(table) => walk_table(visitor, at, table),
        }
    }
    walk_block(visitor, at.with(Body::Apply), &control.apply);
}

fn walk_table<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, table: &'a ast::Table) {
    visitor.annotations(&table.annotations);
    visitor.table(at, table);
    let at = at.with(Body::Table);
    for property in &table.properties {
        visitor.annotations(&property.annotations);
        match &property.kind {
            PropertyKind::Key(elements) => {
                for element in elements {
                    visitor.annotations(&element.annotations);
                    walk_expr(visitor, at.with(Body::Key), &element.expr);
                }
            }
            PropertyKind::Actions(actions) => {
                for action in actions {
                    visitor.annotations(&action.annotations);
                    walk_args(visitor, at, action.args.as_deref().unwrap_or_default());
                }
            }
            PropertyKind::Entries(entries) => {
                for entry in entries {
                    visitor.annotations(&entry.annotations);
                    if let Some(priority) = &entry.priority {
                        walk_expr(visitor, at, priority);
                    }
                    walk_keysets(visitor, at, &entry.keyset);
                    walk_args(
                        visitor,
                        at,
                        entry.action.args.as_deref().unwrap_or_default(),
                    );
                }
            }
            PropertyKind::DefaultAction(value)
            | PropertyKind::Size(value)
            | PropertyKind::Other { value, .. } => walk_expr(visitor, at, value),
        }
    }
}

fn walk_keysets<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, tuple: &'a ast::KeysetTuple) {
    for keyset in &tuple.elements {
        match &keyset.kind {
            KeysetKind::Default | KeysetKind::DontCare => {}
            KeysetKind::Expr(value) => walk_expr(visitor, at, value),
            KeysetKind::Mask(left, right) | KeysetKind::Range(left, right) => {
                walk_expr(visitor, at, left);
                walk_expr(visitor, at, right);
            }
        }
    }
}

/// Walks over a block.
pub(crate) fn walk_block<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, block: &'a ast::Block) {
    visitor.annotations(&block.annotations);
    for statement in &block.statements {
        walk_statement(visitor, at, statement);
    }
}

/// Walks over a statement.
pub(crate) fn walk_statement<'a>(
    visitor: &mut impl Visitor<'a>,
    at: Site<'a>,
    statement: &'a Statement,
) {
    visitor.statement(at, statement);
    match &statement.kind {
        StatementKind::Empty
        | StatementKind::Exit
        | StatementKind::Break
        | StatementKind::Continue
        | StatementKind::Return(None) => {}
        StatementKind::Return(Some(value)) | StatementKind::Call(value) => {
            walk_expr(visitor, at, value);
        }
        StatementKind::Assign { target, value, .. } => {
            walk_expr(visitor, at, target);
            walk_expr(visitor, at, value);
        }
        StatementKind::If {
            condition,
            then,
            otherwise,
        } => {
            walk_expr(visitor, at, condition);
            walk_statement(visitor, at, then);
            if let Some(otherwise) = otherwise {
                walk_statement(visitor, at, otherwise);
            }
        }
        StatementKind::Block(block) => walk_block(visitor, at, block),
        StatementKind::Switch { subject, cases } => {
            walk_expr(visitor, at, subject);
            for case in cases {
                match &case.label {
                    SwitchLabel::Default(_) => {}
                    SwitchLabel::Expr(label) => walk_expr(visitor, at, label),
                }
                if let Some(block) = &case.body {
                    walk_block(visitor, at, block);
                }
            }
        }
        StatementKind::For {
            annotations,
            init,
            condition,
            update,
            body,
        } => {
            visitor.annotations(annotations);
            for statement in init {
                walk_statement(visitor, at, statement);
            }
            walk_expr(visitor, at, condition);
            for statement in update {
                walk_statement(visitor, at, statement);
            }
            walk_statement(visitor, at, body);
        }
        StatementKind::ForIn {
            annotations,
            variable_annotations,
            ty,
            name: _,
            collection,
            body,
        } => {
            visitor.annotations(annotations);
            visitor.annotations(variable_annotations);
            walk_type(visitor, at, ty);
            match collection {
                ForCollection::Expr(value) => walk_expr(visitor, at, value),
                ForCollection::Range(first, last) => {
                    walk_expr(visitor, at, first);
                    walk_expr(visitor, at, last);
                }
            }
            walk_statement(visitor, at, body);
        }
        StatementKind::Variable(variable) => walk_variable(visitor, at, variable),
        StatementKind::Const(constant) => walk_const(visitor, at, constant),
        StatementKind::Instantiation(instance) => walk_instance(visitor, at, instance),
    }
}

fn walk_args<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, args: &'a [ast::Argument]) {
    for arg in args {
        match &arg.value {
            ArgumentValue::Expr(value) => walk_expr(visitor, at, value),
            ArgumentValue::DontCare => {}
        }
    }
}

/// Walks over an expression.
pub(crate) fn walk_expr<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, expr: &'a Expr) {
    visitor.expr(at, expr);
    match &expr.kind {
        ExprKind::Bool(_)
        | ExprKind::Int(_)
        | ExprKind::String(_)
        | ExprKind::Path(_)
        | ExprKind::This
        | ExprKind::Dots
        | ExprKind::Invalid => {}
        ExprKind::List(elements) => {
            for element in elements {
                walk_expr(visitor, at, element);
            }
        }
        ExprKind::Struct { fields, .. } => {
            for field in fields {
                walk_expr(visitor, at, &field.value);
            }
        }
        ExprKind::Unary { operand, .. } => walk_expr(visitor, at, operand),
        ExprKind::Binary { left, right, .. } => {
            walk_expr(visitor, at, left);
            walk_expr(visitor, at, right);
        }
        ExprKind::Conditional {
            condition,
            then,
            otherwise,
        } => {
            walk_expr(visitor, at, condition);
            walk_expr(visitor, at, then);
            walk_expr(visitor, at, otherwise);
        }
        ExprKind::Cast { ty, operand } => {
            walk_type(visitor, at, ty);
            walk_expr(visitor, at, operand);
        }
        ExprKind::Member { base, .. } => walk_expr(visitor, at, base),
        ExprKind::TypeMember { ty, .. } => walk_type(visitor, at, ty),
        ExprKind::Index { base, index } => {
            walk_expr(visitor, at, base);
            walk_expr(visitor, at, index);
        }
        ExprKind::Slice { base, hi, lo } => {
            walk_expr(visitor, at, base);
            walk_expr(visitor, at, hi);
            walk_expr(visitor, at, lo);
        }
        ExprKind::PlusSlice { base, lo, width } => {
            walk_expr(visitor, at, base);
            walk_expr(visitor, at, lo);
            walk_expr(visitor, at, width);
        }
        ExprKind::Call {
            callee,
            type_args,
            args,
        } => {
            walk_expr(visitor, at, callee);
            for ty in type_args {
                walk_type(visitor, at, ty);
            }
            walk_args(visitor, at, args);
        }
    }
}

fn walk_type<'a>(visitor: &mut impl Visitor<'a>, at: Site<'a>, ty: &'a Type) {
    visitor.ty(at, ty);
    match &ty.kind {
        TypeKind::Void
        | TypeKind::Bool
        | TypeKind::Error
        | TypeKind::MatchKind
        | TypeKind::String
        | TypeKind::Bit(None)
        | TypeKind::Integer
        | TypeKind::Named(_)
        | TypeKind::DontCare => {}
        TypeKind::Bit(Some(width)) | TypeKind::Int(width) | TypeKind::Varbit(width) => {
            walk_expr(visitor, at, width);
        }
        TypeKind::Specialized { args, .. } | TypeKind::Tuple(args) => {
            for arg in args {
                walk_type(visitor, at, arg);
            }
        }
        TypeKind::Array { element, size } => {
            walk_type(visitor, at, element);
            walk_expr(visitor, at, size);
        }
        TypeKind::List(element) => walk_type(visitor, at, element),
        TypeKind::Derived(declaration) => top_level(visitor, declaration),
    }
}
