//! Calls of every kind: functions, methods, constructors, actions, `apply`, and what the language
//! gives.

use std::rc::Rc;

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Argument, ArgumentValue, Direction, Expr, ExprKind};

use crate::args::Binding;
use crate::check::{Checker, Operand};
use crate::decl::{DeclId, Detail, Node, Param, Signature, SignatureKind};
use crate::error::ErrorKind;
use crate::typed::{Address, ArgSource, Call, Callee};
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};

/// What is called, and what is known of its type arguments.
pub(crate) struct Target<'a> {
    pub(crate) signature: Rc<Signature<'a>>,
    pub(crate) callee: Callee,
    /// What the type parameters of the object stand for.
    pub(crate) object: Vec<(DeclId, Type)>,
}

impl<'a> Checker<'a> {
    /// `f(a)`, `f<T>(a)`, `x.m(a)`, `C(a)`.
    pub(crate) fn infer_call(
        &mut self,
        expr: &'a Expr,
        callee: &'a Expr,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        match &callee.kind {
            ExprKind::Path(path) => {
                let Some(ids) = self.lookup(path) else {
                    return self.infer_anyway(args);
                };
                self.call_declared(expr, path, &ids, type_args, args)
            }
            ExprKind::Member { base, name } => {
                self.call_member(expr, callee, base, name, type_args, args)
            }
            ExprKind::TypeMember { ty, name } => {
                let object = self.resolve_as(ty, crate::resolve::Generic::Open);
                self.call_on_type(expr, object, name, type_args, args)
            }
            _ => {
                let operand = self.infer(callee);
                if !operand.ty.is_poison() {
                    let name = self.show(operand.ty);
                    self.error(callee.span, ErrorKind::NotCallable { name });
                }
                self.infer_anyway(args)
            }
        }
    }

    /// Looks at arguments of what cannot be called, so that what is wrong in them is said too.
    pub(crate) fn infer_anyway(&mut self, args: &'a [Argument]) -> Operand {
        for arg in args {
            if let ArgumentValue::Expr(expr) = &arg.value {
                self.infer(expr);
            }
        }
        Operand::poison()
    }

    /// A call of what a name means.
    fn call_declared(
        &mut self,
        expr: &'a Expr,
        path: &'a ast::Path,
        ids: &[DeclId],
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        let Some(first) = ids.first().copied() else {
            return self.infer_anyway(args);
        };
        match self.decl(first).node {
            Node::Function(_) | Node::ExternFunction(_) => {
                let Some(chosen) = self.overload(ids, args, path.span) else {
                    return self.infer_anyway(args);
                };
                self.record_path(path, chosen);
                let Detail::Function(signature) = &self.decl(chosen).detail else {
                    // Called in its own parameters.
                    return self.infer_anyway(args);
                };
                let signature = Rc::clone(signature);
                let callee = match signature.kind {
                    SignatureKind::ExternFunction => Callee::ExternFunction(chosen),
                    _ => Callee::Function(chosen),
                };
                let target = Target {
                    signature,
                    callee,
                    object: Vec::new(),
                };
                self.invoke_expr(expr, &target, type_args, args)
            }
            Node::Action(_) => {
                self.record_path(path, first);
                let Detail::Function(signature) = &self.decl(first).detail else {
                    return self.infer_anyway(args);
                };
                let target = Target {
                    signature: Rc::clone(signature),
                    callee: Callee::Action(first),
                    object: Vec::new(),
                };
                self.invoke_expr(expr, &target, type_args, args)
            }
            _ if self.is_type(first) => {
                let generic = crate::resolve::Generic::Open;
                self.record_path(path, first);
                let ty = if type_args.is_empty() {
                    self.named_type(first, path, generic)
                } else {
                    let given = type_args.iter();
                    let given = given.map(|arg| self.resolve_as(arg, generic)).collect();
                    self.specialized_type(first, path, given)
                };
                match self.construct(ty, args, expr.span) {
                    Some(call) => {
                        let ty = call.result;
                        if let Some((_, method)) = self.abstract_of(ty).first() {
                            let kind = ErrorKind::MissingMethod {
                                name: path.name.text.clone(),
                                method: method.name.to_owned(),
                            };
                            self.error(expr.span, kind);
                        }
                        self.tables.calls.insert(Address::of(expr), call);
                        Operand::known(ty, None, Known::Local)
                    }
                    None => Operand::poison(),
                }
            }
            _ => {
                let name = path.name.text.clone();
                self.error(path.span, ErrorKind::NotCallable { name });
                self.infer_anyway(args)
            }
        }
    }

    /// Which of several functions of one name is meant.
    pub(crate) fn overload(
        &mut self,
        ids: &[DeclId],
        args: &[Argument],
        span: Span,
    ) -> Option<DeclId> {
        if let [only] = ids {
            return Some(*only);
        }
        let mut fitting: Vec<(DeclId, usize)> = Vec::new();
        for id in ids {
            if let Detail::Function(signature) = &self.decl(*id).detail
                && Self::accepts(signature, args)
            {
                fitting.push((*id, signature.params.len()));
            }
        }
        if fitting.len() > 1 {
            // Parameters that need no argument make several fit; the one that needs none of that wins.
            let exact: Vec<_> = fitting
                .iter()
                .filter(|(_, n)| *n == args.len())
                .copied()
                .collect();
            if exact.len() == 1 {
                fitting = exact;
            }
        }
        let name = || {
            ids.first()
                .map(|id| self.decl(*id).name.to_owned())
                .unwrap_or_default()
        };
        match fitting[..] {
            [(only, _)] => Some(only),
            [] => {
                let kind = ErrorKind::NoOverload {
                    callee: name(),
                    available: args.len(),
                };
                self.error(span, kind);
                None
            }
            _ => {
                let callee = name();
                self.error(span, ErrorKind::AmbiguousCall { callee });
                None
            }
        }
    }

    /// The constructor call of a type.
    pub(crate) fn construct(
        &mut self,
        ty: Type,
        args: &'a [Argument],
        span: Span,
    ) -> Option<Rc<Call<'a>>> {
        let TypeKind::Named {
            sort,
            decl,
            args: type_args,
        } = self.types.kind(ty).clone()
        else {
            if !ty.is_poison() {
                let name = self.show(ty);
                self.error(span, ErrorKind::NotCallable { name });
            }
            self.infer_anyway(args);
            return None;
        };
        let (signature, callee) = match &self.decl(decl).detail {
            Detail::Block {
                constructor: Some(constructor),
                ..
            } => (Rc::clone(constructor), Callee::Constructor(decl)),
            Detail::Package(constructor) => (Rc::clone(constructor), Callee::Constructor(decl)),
            Detail::Extern { constructors, .. } if sort == Sort::Extern => {
                let constructors = Rc::clone(constructors);
                if constructors.is_empty() {
                    let name = self.decl(decl).name.to_owned();
                    self.error(span, ErrorKind::NotCallable { name });
                    self.infer_anyway(args);
                    return None;
                }
                let Some(chosen) = self.overload(&constructors, args, span) else {
                    self.infer_anyway(args);
                    return None;
                };
                let Detail::Function(signature) = &self.decl(chosen).detail else {
                    return None;
                };
                (Rc::clone(signature), Callee::ExternConstructor(chosen))
            }
            _ => {
                let name = self.show(ty);
                self.error(span, ErrorKind::NotCallable { name });
                self.infer_anyway(args);
                return None;
            }
        };
        let opened: Vec<Type> = type_args.iter().map(|arg| self.open(*arg)).collect();
        let object = self.substitution(decl, &opened);
        let target = Target {
            signature,
            callee,
            object,
        };
        self.invoke(&target, &[], args, Binding::Full, span)
    }

    /// A call whose target is known, as an expression.
    pub(crate) fn invoke_expr(
        &mut self,
        expr: &'a Expr,
        target: &Target<'a>,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        let Some(call) = self.invoke(target, type_args, args, Binding::Full, expr.span) else {
            return Operand::poison();
        };
        let result = call.result;
        let operand = match target.callee {
            Callee::ExternFunction(_) if target.signature.name == "static_assert" => {
                self.static_assert(expr, &call)
            }
            Callee::ExternFunction(_) if self.is_pure(&call) => {
                Operand::known(result, None, Known::Instantiated)
            }
            _ => Operand::runtime(result),
        };
        self.tables.calls.insert(Address::of(expr), call);
        operand
    }

    /// Whether an extern function is called with nothing but what is known: its result may serve as a
    /// constructor's argument.
    fn is_pure(&self, call: &Call<'a>) -> bool {
        call.args.iter().all(|source| match source {
            ArgSource::Given(Argument {
                value: ArgumentValue::Expr(expr),
                ..
            }) => self.operand(expr).known >= Known::Instantiated,
            ArgSource::Given(_) => false,
            ArgSource::Default(_) | ArgSource::Omitted => true,
        })
    }

    /// `static_assert(condition, message)`.
    fn static_assert(&mut self, expr: &'a Expr, call: &Call<'a>) -> Operand {
        if call.result != Type::BOOL {
            return Operand::runtime(call.result);
        }
        let condition = match call.args.first() {
            Some(ArgSource::Given(Argument {
                value: ArgumentValue::Expr(condition),
                ..
            })) => self.tables.exprs.get(&Address::of(condition)),
            _ => None,
        };
        let value = condition.and_then(|facts| facts.value.as_ref().and_then(Value::as_bool));
        if value == Some(false) {
            self.error(expr.span, ErrorKind::AssertionFailed);
        }
        Operand::constant(Type::BOOL, Value::Bool(true))
    }

    /// Matches arguments with parameters, finds type arguments, converts arguments. `None` after an
    /// error that leaves nothing to say about the result.
    pub(crate) fn invoke(
        &mut self,
        target: &Target<'a>,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
        binding: Binding,
        span: Span,
    ) -> Option<Rc<Call<'a>>> {
        let signature = &target.signature;
        let mut subst = target.object.clone();
        if signature.kind != SignatureKind::Constructor {
            subst.extend(self.own_type_args(signature, type_args, span)?);
        }
        let Some(sources) = self.match_args(signature, args, binding, span) else {
            self.infer_anyway(args);
            return None;
        };
        let params = Rc::clone(&signature.params);
        let expected: Vec<Type> = params
            .iter()
            .map(|param| self.types.substitute(param.ty, &subst))
            .collect();
        let expected: Vec<Type> = expected.into_iter().map(|ty| self.open(ty)).collect();
        let operands: Vec<Option<Operand>> = sources
            .iter()
            .map(|source| match source {
                ArgSource::Given(arg) => match &arg.value {
                    ArgumentValue::Expr(expr) => Some(self.infer(expr)),
                    ArgumentValue::DontCare => None,
                },
                ArgSource::Default(expr) => self.operand_of(expr),
                ArgSource::Omitted => None,
            })
            .collect();
        // A method takes the arguments of its object as they are, also those that were left open: a
        // number without a width says nothing about them.
        let n_object = target.object.len();
        let is_constructor = signature.kind == SignatureKind::Constructor;
        let is_open_object = |param: &Param<'a>| match self.types.kind(param.ty) {
            TypeKind::Param(id) => {
                !is_constructor && subst[..n_object].iter().any(|(object, _)| object == id)
            }
            _ => false,
        };
        let stay_open: Vec<bool> = params.iter().map(is_open_object).collect();
        for with_numbers in [false, true] {
            for ((expected, operand), stays_open) in expected.iter().zip(&operands).zip(&stay_open)
            {
                if let Some(operand) = operand
                    && !(with_numbers && *stays_open)
                {
                    self.unify(*expected, operand.ty, with_numbers);
                }
            }
        }
        // A package may be left with blocks, and blocks with parameters, whose types nothing says; an
        // extern with what its program writes as `_`, beside type arguments that it does say.
        let allows_open = match target.callee {
            Callee::Constructor(_) => true,
            Callee::ExternConstructor(_) => (target.object.iter())
                .any(|(_, ty)| !matches!(self.types.kind(*ty), TypeKind::Infer(_))),
            _ => false,
        };
        let is_poisoned = operands
            .iter()
            .flatten()
            .any(|operand| operand.ty.is_poison());
        let mut is_inferred = true;
        for (position, (param, ty)) in subst.iter_mut().enumerate() {
            let allows_open = allows_open || (position < n_object && !is_constructor);
            let settled = self.settle(*ty);
            let is_left_out = || {
                let mut omitted = params.iter().zip(&sources).filter(|(candidate, _)| {
                    matches!(self.types.kind(candidate.ty), TypeKind::Param(id) if id == param)
                });
                omitted
                    .next()
                    .is_some_and(|(_, source)| matches!(source, ArgSource::Omitted))
            };
            if settled == Type::ANY && !is_left_out() && !allows_open {
                // What an argument has wrong has been said.
                if !is_poisoned {
                    let name = self.decl(*param).name.to_owned();
                    self.error(span, ErrorKind::CannotInfer { name });
                }
                *ty = Type::POISON;
                is_inferred = false;
            } else if type_args.is_empty() && self.has_numbers(settled) && !self.has_numbers(*ty) {
                // Which width is meant cannot be told.
                let at = self.number_in(&sources, span);
                self.error(at, ErrorKind::NeedsWidth);
                *ty = Type::POISON;
                is_inferred = false;
            } else {
                *ty = settled;
            }
        }
        let mut param_types = Vec::with_capacity(params.len());
        for ((param, source), expected) in params.iter().zip(&sources).zip(expected) {
            let ty = if is_inferred {
                self.settle(expected)
            } else {
                self.types.substitute(param.ty, &subst)
            };
            param_types.push(ty);
            if let ArgSource::Given(arg) = source {
                self.check_arg(signature.kind, param, ty, arg);
            }
        }
        let result = self.types.substitute(signature.result, &subst);
        Some(Rc::new(Call {
            callee: target.callee,
            type_args: subst,
            args: sources,
            param_types,
            result,
        }))
    }

    /// Where a number without a width is given.
    fn number_in(&self, sources: &[ArgSource<'a>], span: Span) -> Span {
        let given = sources.iter().filter_map(|source| match source {
            ArgSource::Given(Argument {
                value: ArgumentValue::Expr(expr),
                ..
            }) => Some(expr),
            _ => None,
        });
        let mut numbers = given.filter(|expr| self.has_numbers(self.operand(expr).ty));
        numbers.next().map_or(span, |expr| expr.span)
    }

    /// What a callee's own type parameters stand for: what is written, or unknowns.
    fn own_type_args(
        &mut self,
        signature: &Signature<'a>,
        type_args: &'a [ast::Type],
        span: Span,
    ) -> Option<Vec<(DeclId, Type)>> {
        let params = Rc::clone(&signature.type_params);
        if type_args.is_empty() {
            return Some(params.iter().map(|param| (*param, self.fresh())).collect());
        }
        let given: Vec<Type> = type_args
            .iter()
            .map(|arg| self.resolve_as(arg, crate::resolve::Generic::Open))
            .collect();
        if given.len() != params.len() {
            let kind = ErrorKind::TypeArgumentCount {
                name: signature.name.to_owned(),
                needed: params.len(),
                available: given.len(),
            };
            self.error(span, kind);
            return None;
        }
        Some(
            params
                .iter()
                .zip(given)
                .map(|(param, ty)| (*param, self.open(ty)))
                .collect(),
        )
    }

    /// What is known of an expression that has been looked at.
    fn operand_of(&self, expr: &Expr) -> Option<Operand> {
        let facts = self.tables.exprs.get(&Address::of(expr))?;
        Some(Operand {
            ty: facts.ty,
            value: facts.value.clone(),
            known: facts.known,
        })
    }

    /// Checks an argument against its parameter.
    fn check_arg(
        &mut self,
        kind: SignatureKind,
        param: &crate::decl::Param<'a>,
        ty: Type,
        arg: &'a Argument,
    ) {
        let expr = match &arg.value {
            ArgumentValue::Expr(expr) => expr,
            ArgumentValue::DontCare => {
                if param.direction != Direction::Out && !param.is_optional {
                    self.error(arg.span, ErrorKind::NotAssignable);
                }
                return;
            }
        };
        match param.direction {
            Direction::Out | Direction::InOut => {
                let found = self
                    .operand_of(expr)
                    .map_or(Type::POISON, |operand| operand.ty);
                if !self.agrees(ty, found) {
                    self.mismatch(expr.span, ty, found);
                }
                self.check_place(expr);
            }
            Direction::In => {
                self.convert(expr, ty);
            }
            Direction::None => {
                let known = self.convert(expr, ty);
                // What functions and externs take without direction should be known too, but
                // published programs pass what packets bring.
                let must_be_known = kind == SignatureKind::Constructor;
                if must_be_known && known < Known::Instantiated {
                    self.error(expr.span, ErrorKind::NotConstant);
                }
            }
        }
    }

    /// Whether values of a type are objects, which are passed by reference.
    pub(crate) fn is_object(&self, ty: Type) -> bool {
        match self.types.kind(ty) {
            TypeKind::Poison => true,
            TypeKind::Named { sort, .. } => matches!(
                sort,
                Sort::Extern | Sort::Parser | Sort::Control | Sort::Package
            ),
            _ => false,
        }
    }
}
