//! What has a body: functions, actions, parsers, controls; and instances.

use std::rc::Rc;

use p4rmt_syntax::ast::{self, ControlLocal, ObjectDeclaration, ParserLocal};

use crate::args::Binding;
use crate::check::{Body, Checker, Place};
use crate::decl::{DeclId, Detail, Node, Signature, SignatureKind};
use crate::declare::Head;
use crate::error::ErrorKind;
use crate::resolve::Generic;
use crate::states;
use crate::tables;
use crate::typed::Address;
use crate::types::{Sort, Type, TypeKind};
use crate::value::Known;

/// What parsers and controls have alike.
struct Block<'a> {
    node: Node<'a>,
    sort: Sort,
    name: &'a ast::Name,
    type_params: &'a [ast::Name],
    params: &'a [ast::Parameter],
    constructor_params: &'a [ast::Parameter],
    /// Where its declarations stand.
    locals: Body,
}

impl<'a> Checker<'a> {
    /// A function with its body.
    pub(crate) fn function(&mut self, function: &'a ast::Function) {
        let id = self.declare(&function.prototype.name, Node::Function(function));
        let signature = self.function_head(id, SignatureKind::Function, &function.prototype);
        self.function_body(function, &signature, Body::Function);
        self.bind_overload(id);
    }

    fn function_body(
        &mut self,
        function: &'a ast::Function,
        signature: &Rc<Signature<'a>>,
        body: Body,
    ) {
        let place = Place {
            body,
            result: signature.result,
            n_loops: 0,
            within: Some(signature.decl),
            ..self.place.clone()
        };
        self.at(place, |check| {
            check.scoped(|check| {
                for param in signature.type_params.iter() {
                    check.bind(*param);
                }
                check.bind_params(&signature.params);
                check.block(&function.body);
            });
        });
    }

    /// An action.
    pub(crate) fn action(&mut self, action: &'a ast::Action) {
        let id = self.declare(&action.name, Node::Action(action));
        let signature = Rc::new(self.signature(Head {
            kind: SignatureKind::Action,
            decl: id,
            name: &action.name.text,
            type_params: Rc::from([]),
            params: &action.params,
            result: None,
            is_abstract: false,
        }));
        self.decl_mut(id).detail = Detail::Function(Rc::clone(&signature));
        let place = Place {
            body: Body::Action,
            result: Type::VOID,
            n_loops: 0,
            within: Some(id),
            ..self.place.clone()
        };
        self.at(place, |check| {
            check.scoped(|check| {
                check.bind_params(&signature.params);
                check.block(&action.body);
            });
        });
        self.bind(id);
    }

    /// A parser with its body.
    pub(crate) fn parser(&mut self, parser: &'a ast::Parser) {
        let block = Block {
            node: Node::Parser(parser),
            sort: Sort::Parser,
            name: &parser.head.name,
            type_params: &parser.head.type_params,
            params: &parser.head.params,
            constructor_params: &parser.constructor_params,
            locals: Body::ParserLocals,
        };
        self.block_with_body(&block, |check| {
            for local in &parser.locals {
                match local {
                    ParserLocal::Const(constant) => check.constant(constant),
                    ParserLocal::Variable(variable) => check.variable(variable),
                    ParserLocal::Instantiation(instance) => check.instantiation(instance),
                    ParserLocal::ValueSet(set) => check.value_set(set),
                }
            }
            check.place.body = Body::State;
            states::check_states(check, parser);
        });
    }

    /// A control with its body.
    pub(crate) fn control(&mut self, control: &'a ast::Control) {
        let block = Block {
            node: Node::Control(control),
            sort: Sort::Control,
            name: &control.head.name,
            type_params: &control.head.type_params,
            params: &control.head.params,
            constructor_params: &control.constructor_params,
            locals: Body::ControlLocals,
        };
        self.block_with_body(&block, |check| {
            for local in &control.locals {
                match local {
                    ControlLocal::Const(constant) => check.constant(constant),
                    ControlLocal::Variable(variable) => check.variable(variable),
                    ControlLocal::Instantiation(instance) => check.instantiation(instance),
                    ControlLocal::Action(action) => check.action(action),
                    ControlLocal::Table(table) => check.table(table),
                }
            }
            check.place.body = Body::Apply;
            check.block(&control.apply);
        });
    }

    /// A parser or control: its parameters are in scope in its whole body, what it declares hides them.
    fn block_with_body(&mut self, block: &Block<'a>, body: impl FnOnce(&mut Self)) {
        let id = self.declare(block.name, block.node);
        self.bind(id);
        self.scopes.push();
        let type_params = self.type_params(block.type_params);
        let constructor_params = Some(block.constructor_params);
        let (apply, constructor) = self.block_head(
            id,
            block.sort,
            type_params,
            block.params,
            constructor_params,
        );
        self.bind_params(&apply.params);
        if let Some(constructor) = constructor {
            self.bind_params(&constructor.params);
        }
        self.scopes.push();
        let place = Place {
            body: block.locals,
            result: Type::VOID,
            n_loops: 0,
            owner: Some(id),
            within: None,
            this: None,
        };
        self.at(place, body);
        self.scopes.pop();
        self.scopes.pop();
    }

    /// `value_set<T>(size) name;`
    fn value_set(&mut self, set: &'a ast::ValueSet) {
        let element = self.resolve(&set.element);
        let size = self.infer(&set.size);
        if !size.ty.is_poison() && !self.is_integral(size.ty) {
            self.mismatch_with(set.size.span, "a number", size.ty);
        } else if size.known < Known::Instantiated {
            self.error(set.size.span, ErrorKind::NotConstant);
        }
        let id = self.declare(&set.name, Node::ValueSet(set));
        self.decl_mut(id).ty = if element.is_poison() {
            element
        } else {
            self.types.make(TypeKind::ValueSet(element))
        };
        self.bind(id);
    }

    fn table(&mut self, table: &'a ast::Table) {
        let id = self.declare(&table.name, Node::Table(table));
        let ty = self.types.make(TypeKind::Table(id));
        let decl = self.decl_mut(id);
        decl.ty = ty;
        decl.known = Known::Local;
        self.bind(id);
        tables::check_table(self, table, id);
    }

    /// `T x;`, `T x = a;`
    pub(crate) fn variable(&mut self, variable: &'a ast::Variable) {
        let ty = self.resolve(&variable.ty);
        if let Some(init) = &variable.init {
            self.check_value(init, ty);
        }
        let id = self.declare(&variable.name, Node::Variable(variable));
        self.decl_mut(id).ty = ty;
        self.bind(id);
    }

    /// `T(…) x;`, `T(…) x = { … };`
    pub(crate) fn instantiation(&mut self, instance: &'a ast::Instantiation) {
        let ty = self.resolve_as(&instance.ty, Generic::Open);
        // An array of instances, all made alike.
        let (element, size) = match *self.types.kind(ty) {
            TypeKind::Stack(element, size) => (element, Some(size)),
            _ => (ty, None),
        };
        let call = self.construct(element, &instance.args, instance.span);
        let element = call.as_ref().map_or(Type::POISON, |call| call.result);
        if let Some(call) = call {
            self.tables.calls.insert(Address::of(instance), call);
        }
        let ty = match size {
            Some(size) if !element.is_poison() => self.types.make(TypeKind::Stack(element, size)),
            _ => element,
        };
        let id = self.declare(&instance.name, Node::Instance(instance));
        let decl = self.decl_mut(id);
        decl.ty = ty;
        decl.known = Known::Local;
        if let Some(body) = &instance.body {
            self.object_body(body, ty);
        }
        self.abstract_methods(instance, ty);
        self.bind(id);
    }

    /// What the block of an instantiation declares.
    fn object_body(&mut self, body: &'a [ObjectDeclaration], ty: Type) {
        let place = Place {
            this: Some(ty),
            ..self.place.clone()
        };
        self.at(place, |check| {
            check.scoped(|check| {
                for declaration in body {
                    match declaration {
                        ObjectDeclaration::Instantiation(inner) => check.instantiation(inner),
                        ObjectDeclaration::Function(function) => {
                            let name = &function.prototype.name;
                            let id = check.declare(name, Node::Function(function));
                            let prototype = &function.prototype;
                            let signature =
                                check.function_head(id, SignatureKind::Function, prototype);
                            check.implements(ty, function);
                            check.function_body(function, &signature, Body::Method);
                        }
                    }
                }
            });
        });
    }

    /// The abstract methods of an extern's type.
    pub(crate) fn abstract_of(&self, ty: Type) -> Vec<(DeclId, Rc<Signature<'a>>)> {
        let TypeKind::Named {
            sort: Sort::Extern,
            decl,
            ..
        } = self.types.kind(ty)
        else {
            return Vec::new();
        };
        let Detail::Extern { methods, .. } = &self.decl(*decl).detail else {
            return Vec::new();
        };
        let methods = methods
            .iter()
            .filter_map(|id| match &self.decl(*id).detail {
                Detail::Function(signature) if signature.is_abstract => {
                    Some((*id, Rc::clone(signature)))
                }
                _ => None,
            });
        methods.collect()
    }

    /// Notes which abstract method the body that an instance gives is of.
    fn implements(&mut self, ty: Type, function: &'a ast::Function) {
        let name = &function.prototype.name;
        let methods = self.abstract_of(ty);
        let method = methods
            .iter()
            .find(|(_, signature)| signature.name == name.text);
        if let Some((id, _)) = method {
            self.record_name(name, *id);
        }
    }

    /// Every abstract method has a body.
    fn abstract_methods(&mut self, instance: &'a ast::Instantiation, ty: Type) {
        let methods = self.abstract_of(ty);
        let bodies = instance.body.iter().flatten();
        let given: Vec<&str> = bodies
            .filter_map(|declaration| match declaration {
                ObjectDeclaration::Function(function) => Some(&*function.prototype.name.text),
                ObjectDeclaration::Instantiation(_) => None,
            })
            .collect();
        let is_method = |name: &&str| methods.iter().any(|(_, method)| method.name == *name);
        // A body of another name is told by itself, and may be meant for the one that is missing.
        if !given.iter().all(is_method) {
            return;
        }
        for (_, signature) in &methods {
            let is_optional = match self.decl(signature.decl).node {
                Node::Method(method) => method
                    .annotations
                    .iter()
                    .any(|annotation| annotation.name.text == "optional"),
                _ => false,
            };
            if !given.contains(&signature.name) && !is_optional {
                let kind = ErrorKind::MissingMethod {
                    name: instance.name.text.clone(),
                    method: signature.name.to_owned(),
                };
                self.error(instance.name.span, kind);
            }
        }
    }

    /// An action of a table's list, with the arguments that the list gives.
    pub(crate) fn listed_action(
        &mut self,
        action: &'a ast::ActionRef,
        binding: Binding,
    ) -> Option<DeclId> {
        let args = action.args.as_deref().unwrap_or(&[]);
        let (id, call) = self.bind_action(&action.path, args, binding, action.span)?;
        self.tables.calls.insert(Address::of(action), call);
        Some(id)
    }
}
