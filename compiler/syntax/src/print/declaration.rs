//! Declarations and tables as P4.

use crate::ast::{
    Action, ActionRef, Annotation, Const, Control, ControlLocal, Declaration, DeclarationKind,
    Entry, Enum, ExprKind, Extern, FieldList, Function, FunctionPrototype, Instantiation,
    KeyElement, MatchKinds, Method, MethodKind, Name, ObjectDeclaration, Parameter, Parser,
    ParserLocal, Property, PropertyKind, SerializableEnum, StructField, Table, TypeKind, Typedef,
    ValueSet,
};
use crate::print::Printer;

impl Printer {
    pub(super) fn declaration(&mut self, declaration: &Declaration) {
        match &declaration.kind {
            DeclarationKind::Const(constant) => self.constant(constant),
            DeclarationKind::Extern(declared) => self.extern_type(declared),
            DeclarationKind::ExternForward(name) => {
                self.put("extern ");
                self.name(name);
                self.put(";");
            }
            DeclarationKind::ExternFunction(prototype) => {
                self.annotations(&prototype.annotations);
                self.put("extern ");
                self.prototype(prototype);
                self.put(";");
            }
            DeclarationKind::Function(function) => self.function(function),
            DeclarationKind::Action(action) => self.action(action),
            DeclarationKind::Parser(parser) => self.parser(parser),
            DeclarationKind::ParserType(head) => {
                let params = (head.type_params.as_slice(), head.params.as_slice());
                self.head("parser", &head.annotations, &head.name, params);
                self.put(";");
            }
            DeclarationKind::Control(control) => self.control(control),
            DeclarationKind::ControlType(head) => {
                let params = (head.type_params.as_slice(), head.params.as_slice());
                self.head("control", &head.annotations, &head.name, params);
                self.put(";");
            }
            DeclarationKind::Package(head) => {
                let params = (head.type_params.as_slice(), head.params.as_slice());
                self.head("package", &head.annotations, &head.name, params);
                self.put(";");
            }
            DeclarationKind::Header(fields) => self.fields("header", fields),
            DeclarationKind::HeaderUnion(fields) => self.fields("header_union", fields),
            DeclarationKind::Struct(fields) => self.fields("struct", fields),
            DeclarationKind::Enum(declared) => self.enumeration(declared),
            DeclarationKind::SerializableEnum(declared) => self.serializable_enum(declared),
            DeclarationKind::Error(names) => self.name_group("error", names),
            DeclarationKind::MatchKind(MatchKinds { annotations, names }) => {
                self.annotations(annotations);
                self.name_group("match_kind", names);
            }
            DeclarationKind::Typedef(declared) => self.typedef("typedef", declared),
            DeclarationKind::NewType(declared) => self.typedef("type", declared),
            DeclarationKind::Instantiation(instance) => self.instantiation(instance),
        }
    }

    pub(super) fn constant(&mut self, constant: &Const) {
        self.annotations(&constant.annotations);
        self.put("const ");
        self.ty(&constant.ty);
        self.put(" ");
        self.name(&constant.name);
        self.initializer(Some(&constant.value));
        self.put(";");
    }

    /// `word name<A>(params)`.
    fn head(
        &mut self,
        word: &str,
        annotations: &[Annotation],
        name: &Name,
        (type_params, params): (&[Name], &[Parameter]),
    ) {
        self.annotations(annotations);
        self.put(word);
        self.put(" ");
        self.name(name);
        self.type_params(type_params);
        self.parameters(params);
    }

    fn prototype(&mut self, prototype: &FunctionPrototype) {
        self.ty(&prototype.result);
        self.put(" ");
        self.name(&prototype.name);
        self.type_params(&prototype.type_params);
        self.parameters(&prototype.params);
    }

    fn function(&mut self, function: &Function) {
        self.annotations(&function.prototype.annotations);
        self.prototype(&function.prototype);
        self.put(" ");
        self.block(&function.body);
    }

    pub(super) fn instantiation(&mut self, instance: &Instantiation) {
        self.annotations(&instance.annotations);
        self.ty(&instance.ty);
        self.arguments(&instance.args);
        self.put(" ");
        self.name(&instance.name);
        if let Some(body) = &instance.body {
            self.put(" = ");
            self.braced(body, |printer, declaration| match declaration {
                ObjectDeclaration::Function(function) => printer.function(function),
                ObjectDeclaration::Instantiation(instance) => printer.instantiation(instance),
            });
        }
        self.put(";");
    }

    fn extern_type(&mut self, declared: &Extern) {
        self.annotations(&declared.annotations);
        self.put("extern ");
        self.name(&declared.name);
        self.type_params(&declared.type_params);
        self.put(" ");
        self.braced(&declared.methods, Self::method);
    }

    fn method(&mut self, method: &Method) {
        self.annotations(&method.annotations);
        if let MethodKind::Method {
            result,
            is_abstract,
        } = &method.kind
        {
            if *is_abstract {
                self.put("abstract ");
            }
            self.ty(result);
            self.put(" ");
        }
        self.name(&method.name);
        self.type_params(&method.type_params);
        self.parameters(&method.params);
        self.put(";");
    }

    fn action(&mut self, action: &Action) {
        self.head(
            "action",
            &action.annotations,
            &action.name,
            (&[], &action.params),
        );
        self.put(" ");
        self.block(&action.body);
    }

    fn parser(&mut self, parser: &Parser) {
        let head = &parser.head;
        let params = (head.type_params.as_slice(), head.params.as_slice());
        self.head("parser", &head.annotations, &head.name, params);
        if !parser.constructor_params.is_empty() {
            self.parameters(&parser.constructor_params);
        }
        self.put(" {");
        self.indent += 1;
        for local in &parser.locals {
            self.line_end();
            match local {
                ParserLocal::Const(constant) => self.constant(constant),
                ParserLocal::Variable(variable) => {
                    self.variable(variable);
                    self.put(";");
                }
                ParserLocal::Instantiation(instance) => self.instantiation(instance),
                ParserLocal::ValueSet(set) => self.value_set(set),
            }
        }
        for state in &parser.states {
            self.line_end();
            self.state(state);
        }
        self.indent -= 1;
        self.line_end();
        self.put("}");
    }

    fn value_set(&mut self, set: &ValueSet) {
        self.annotations(&set.annotations);
        self.put("value_set");
        self.type_args(std::slice::from_ref(&set.element));
        self.parenthesized(&set.size);
        self.put(" ");
        self.name(&set.name);
        self.put(";");
    }

    fn control(&mut self, control: &Control) {
        let head = &control.head;
        let params = (head.type_params.as_slice(), head.params.as_slice());
        self.head("control", &head.annotations, &head.name, params);
        if !control.constructor_params.is_empty() {
            self.parameters(&control.constructor_params);
        }
        self.put(" {");
        self.indent += 1;
        for local in &control.locals {
            self.line_end();
            match local {
                ControlLocal::Const(constant) => self.constant(constant),
                ControlLocal::Variable(variable) => {
                    self.variable(variable);
                    self.put(";");
                }
                ControlLocal::Instantiation(instance) => self.instantiation(instance),
                ControlLocal::Action(action) => self.action(action),
                ControlLocal::Table(table) => self.table(table),
            }
        }
        self.line_end();
        self.put("apply ");
        self.block(&control.apply);
        self.indent -= 1;
        self.line_end();
        self.put("}");
    }

    fn fields(&mut self, word: &str, list: &FieldList) {
        self.annotations(&list.annotations);
        self.put(word);
        self.put(" ");
        self.name(&list.name);
        self.type_params(&list.type_params);
        self.put(" ");
        self.braced(&list.fields, |printer, field: &StructField| {
            printer.annotations(&field.annotations);
            printer.ty(&field.ty);
            printer.put(" ");
            printer.name(&field.name);
            printer.put(";");
        });
    }

    fn enumeration(&mut self, declared: &Enum) {
        self.annotations(&declared.annotations);
        self.put("enum ");
        self.name_group(&declared.name.text, &declared.members);
    }

    fn serializable_enum(&mut self, declared: &SerializableEnum) {
        self.annotations(&declared.annotations);
        self.put("enum ");
        self.ty(&declared.ty);
        self.put(" ");
        self.name(&declared.name);
        self.put(" ");
        self.braced(&declared.members, |printer, member| {
            printer.named_expr(member);
            printer.put(",");
        });
    }

    /// `word { a, b, }`
    fn name_group(&mut self, word: &str, names: &[Name]) {
        self.put(word);
        self.put(" ");
        self.braced(names, |printer, name| {
            printer.name(name);
            printer.put(",");
        });
    }

    fn typedef(&mut self, word: &str, declared: &Typedef) {
        self.annotations(&declared.annotations);
        self.put(word);
        self.put(" ");
        // A struct's own annotations come behind the word.
        match &declared.ty.kind {
            TypeKind::Derived(inner) => self.declaration(inner),
            _ => self.ty(&declared.ty),
        }
        self.put(" ");
        self.name(&declared.name);
        self.put(";");
    }

    fn table(&mut self, table: &Table) {
        self.annotations(&table.annotations);
        self.put("table ");
        self.name(&table.name);
        self.put(" ");
        self.braced(&table.properties, Self::property);
    }

    fn property(&mut self, property: &Property) {
        self.annotations(&property.annotations);
        if property.is_const {
            self.put("const ");
        }
        match &property.kind {
            PropertyKind::Key(elements) => {
                self.put("key = ");
                self.braced(elements, Self::key_element);
            }
            PropertyKind::Actions(actions) => {
                self.put("actions = ");
                self.braced(actions, |printer, action| {
                    printer.action_ref(action);
                    printer.put(";");
                });
            }
            PropertyKind::Entries(entries) => {
                self.put("entries = ");
                self.braced(entries, Self::entry);
            }
            PropertyKind::DefaultAction(value) => self.plain_property("default_action", value),
            PropertyKind::Size(value) => self.plain_property("size", value),
            PropertyKind::Other { name, value } => self.plain_property(&name.text, value),
        }
    }

    fn plain_property(&mut self, name: &str, value: &crate::ast::Expr) {
        self.put(name);
        self.initializer(Some(value));
        self.put(";");
    }

    fn key_element(&mut self, element: &KeyElement) {
        self.expr(&element.expr);
        self.put(": ");
        self.name(&element.match_kind);
        self.trailing_annotations(&element.annotations);
        self.put(";");
    }

    fn action_ref(&mut self, action: &ActionRef) {
        self.annotations(&action.annotations);
        self.path(&action.path);
        if let Some(args) = &action.args {
            self.arguments(args);
        }
    }

    fn entry(&mut self, entry: &Entry) {
        if entry.is_const {
            self.put("const ");
        }
        if let Some(priority) = &entry.priority {
            self.put("priority = ");
            match priority.kind {
                ExprKind::Int(_) => self.expr(priority),
                _ => self.parenthesized(priority),
            }
            self.put(": ");
        }
        self.keyset(&entry.keyset);
        self.put(": ");
        self.action_ref(&entry.action);
        self.trailing_annotations(&entry.annotations);
        self.put(";");
    }
}
