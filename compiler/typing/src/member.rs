//! Members: fields, members of enumerations and errors, and the methods that the language gives.

use std::rc::Rc;

use p4rmt_syntax::ast::{self, Argument, Expr, ExprKind, Name};

use crate::args::Binding;
use crate::call::Target;
use crate::check::{Checker, Operand};
use crate::decl::{DeclId, Detail, Node};
use crate::error::ErrorKind;
use crate::resolve::Generic;
use crate::typed::{Address, Builtin, Call, Callee, MemberOf};
use crate::types::{Sort, Type, TypeKind};
use crate::value::{Known, Value};

/// What stands before a dot.
enum Base {
    /// A value.
    Value(Operand),
    /// A type.
    Type(Type),
    /// A table.
    Table(DeclId),
}

impl<'a> Checker<'a> {
    /// What stands before a dot.
    fn base(&mut self, base: &'a Expr) -> Base {
        if let ExprKind::Path(path) = &base.kind {
            let Some(ids) = self.lookup(path) else {
                return Base::Value(Operand::poison());
            };
            if let Some(id) = ids.first().copied() {
                if self.is_type(id) {
                    self.record_path(path, id);
                    return Base::Type(self.named_type(id, path, Generic::Open));
                }
                if matches!(self.decl(id).node, Node::Table(_)) {
                    self.record_path(path, id);
                    return Base::Table(id);
                }
            }
        }
        Base::Value(self.infer(base))
    }

    fn unknown_member(&mut self, ty: Type, name: &Name) -> Operand {
        if !ty.is_poison() {
            let kind = ErrorKind::UnknownMember {
                ty: self.show(ty),
                member: name.text.clone(),
            };
            let near = self.near_member(ty, &name.text);
            self.error_near(name.span, &kind, near);
        }
        Operand::poison()
    }

    fn member_is(&mut self, expr: &Expr, member: MemberOf) {
        self.tables.members.insert(Address::of(expr), member);
    }

    /// `a.x`
    pub(crate) fn infer_member(
        &mut self,
        expr: &'a Expr,
        base: &'a Expr,
        name: &'a Name,
    ) -> Operand {
        match self.base(base) {
            Base::Type(ty) => self.static_member(expr, ty, name),
            Base::Table(id) => {
                let kind = ErrorKind::UnknownMember {
                    ty: format!("table {}", self.decl(id).name),
                    member: name.text.clone(),
                };
                self.error(name.span, kind);
                Operand::poison()
            }
            Base::Value(operand) => self.value_member(expr, &operand, name),
        }
    }

    /// `error.x`, `T<A>.x`
    pub(crate) fn infer_type_member(
        &mut self,
        expr: &'a Expr,
        ty: &'a ast::Type,
        name: &'a Name,
    ) -> Operand {
        let ty = self.resolve_as(ty, Generic::Open);
        self.static_member(expr, ty, name)
    }

    /// A member of a type.
    fn static_member(&mut self, expr: &Expr, ty: Type, name: &'a Name) -> Operand {
        if ty == Type::ERROR {
            let Some(id) = self.errors.get(name.text.as_str()).copied() else {
                return self.unknown_member(ty, name);
            };
            self.member_is(expr, MemberOf::Error(id));
            return Operand::constant(ty, Value::Error(id));
        }
        let TypeKind::Named { sort, decl, .. } = *self.types.kind(ty) else {
            return self.unknown_member(ty, name);
        };
        let members = match &self.decl(decl).detail {
            Detail::Members(members) | Detail::SerializableEnum { members, .. } => {
                Rc::clone(members)
            }
            _ => return self.unknown_member(ty, name),
        };
        let Some(position) = members.iter().position(|member| member.name == name.text) else {
            return self.unknown_member(ty, name);
        };
        self.member_is(expr, MemberOf::EnumMember(decl, position));
        let value = if sort == Sort::Enum {
            Some(Value::Enum(position))
        } else {
            let value = members[position].value.as_ref().and_then(Value::as_int);
            value.cloned().map(Value::SerializableEnum)
        };
        Operand::known(ty, value, Known::Local)
    }

    /// A member of a value.
    fn value_member(&mut self, expr: &Expr, base: &Operand, name: &Name) -> Operand {
        match self.types.kind(base.ty).clone() {
            TypeKind::Poison => Operand::poison(),
            TypeKind::Named {
                sort: Sort::Struct | Sort::Header | Sort::Union,
                ..
            } => {
                let fields = self.fields_of(base.ty).unwrap_or_else(|| Rc::from([]));
                let Some(position) = fields.iter().position(|field| field.name == name.text) else {
                    return self.unknown_member(base.ty, name);
                };
                self.member_is(expr, MemberOf::Field(position));
                let value = match &base.value {
                    Some(Value::Composite(parts)) => parts.get(position).cloned().flatten(),
                    _ => None,
                };
                Operand::known(fields[position].ty, value, base.known)
            }
            TypeKind::Stack(element, size) => {
                let bit32 = self.types.bit(32);
                let (member, operand) = match name.text.as_str() {
                    "next" => (MemberOf::StackNext, Operand::runtime(element)),
                    "last" => (MemberOf::StackLast, Operand::runtime(element)),
                    "lastIndex" => (MemberOf::StackLastIndex, Operand::runtime(bit32)),
                    "size" => (
                        MemberOf::StackSize,
                        Operand::constant(bit32, Value::Int(size.into())),
                    ),
                    _ => return self.unknown_member(base.ty, name),
                };
                self.member_is(expr, member);
                operand
            }
            TypeKind::ApplyResult(table) => {
                let (member, ty) = match name.text.as_str() {
                    "hit" => (MemberOf::Hit, Type::BOOL),
                    "miss" => (MemberOf::Miss, Type::BOOL),
                    "action_run" => (
                        MemberOf::ActionRun,
                        self.types.make(TypeKind::ActionRun(table)),
                    ),
                    _ => return self.unknown_member(base.ty, name),
                };
                self.member_is(expr, member);
                Operand::runtime(ty)
            }
            TypeKind::Fields(fields) => {
                // A struct expression of its own: its fields are as written.
                let position = fields.iter().position(|(field, _)| **field == *name.text);
                match position {
                    Some(position) => {
                        self.member_is(expr, MemberOf::Field(position));
                        Operand::known(fields[position].1, None, base.known)
                    }
                    None => self.unknown_member(base.ty, name),
                }
            }
            _ => self.unknown_member(base.ty, name),
        }
    }

    /// `x.m(a)`
    pub(crate) fn call_member(
        &mut self,
        expr: &'a Expr,
        callee: &'a Expr,
        base: &'a Expr,
        name: &'a Name,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        let was_unevaluated = self.is_unevaluated;
        self.is_unevaluated =
            name.text.ends_with("SizeInBits") || name.text.ends_with("SizeInBytes");
        let looked_at = self.base(base);
        self.is_unevaluated = was_unevaluated;
        let operand = match looked_at {
            Base::Type(ty) => return self.call_on_type(expr, ty, name, type_args, args),
            Base::Table(id) => return self.apply_table(expr, id, name, args),
            Base::Value(operand) => operand,
        };
        let ty = operand.ty;
        match self.types.kind(ty).clone() {
            TypeKind::Poison => self.infer_anyway(args),
            TypeKind::Named {
                sort: Sort::Extern,
                decl,
                args: object_args,
            } => {
                let object = self.substitution(decl, &object_args);
                self.call_method(expr, decl, object, name, type_args, args)
            }
            TypeKind::Named {
                sort: Sort::Parser | Sort::Control,
                decl,
                ..
            } => {
                if name.text != "apply" {
                    self.infer_anyway(args);
                    return self.unknown_member(ty, name);
                }
                self.apply_block(expr, ty, Callee::Apply(decl), type_args, args)
            }
            _ => match self.builtin(ty, name) {
                Some(builtin) => self.call_builtin(expr, (builtin, name), Some(base), ty, args),
                None => {
                    self.infer_anyway(args);
                    let _ = callee;
                    self.unknown_member(ty, name)
                }
            },
        }
    }

    /// `T.apply(…)`, `T.minSizeInBits()`
    pub(crate) fn call_on_type(
        &mut self,
        expr: &'a Expr,
        ty: Type,
        name: &'a Name,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        match *self.types.kind(ty) {
            TypeKind::Poison => self.infer_anyway(args),
            TypeKind::Named {
                sort: Sort::Parser | Sort::Control,
                decl,
                ..
            } if name.text == "apply" => {
                if self.construct(ty, &[], expr.span).is_none() {
                    return self.infer_anyway(args);
                }
                self.apply_block(expr, ty, Callee::ApplyDirectly(decl), type_args, args)
            }
            _ => match self.builtin(ty, name) {
                Some(
                    builtin @ (Builtin::MinSizeInBits
                    | Builtin::MinSizeInBytes
                    | Builtin::MaxSizeInBits
                    | Builtin::MaxSizeInBytes),
                ) => self.call_builtin(expr, (builtin, name), None, ty, args),
                _ => {
                    self.infer_anyway(args);
                    self.unknown_member(ty, name)
                }
            },
        }
    }

    /// `apply` of a parser or control.
    fn apply_block(
        &mut self,
        expr: &'a Expr,
        ty: Type,
        callee: Callee,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        let Some((signature, object)) = self.block_apply(ty) else {
            return self.infer_anyway(args);
        };
        let object = object
            .into_iter()
            .map(|(param, ty)| (param, self.open(ty)))
            .collect();
        let target = Target {
            signature,
            callee,
            object,
        };
        self.invoke_expr(expr, &target, type_args, args)
    }

    /// `t.apply()`
    fn apply_table(
        &mut self,
        expr: &'a Expr,
        id: DeclId,
        name: &'a Name,
        args: &'a [Argument],
    ) -> Operand {
        if name.text != "apply" {
            self.infer_anyway(args);
            let kind = ErrorKind::UnknownMember {
                ty: format!("table {}", self.decl(id).name),
                member: name.text.clone(),
            };
            self.error(name.span, kind);
            return Operand::poison();
        }
        if !args.is_empty() {
            self.infer_anyway(args);
            let kind = ErrorKind::ArgumentCount {
                callee: format!("{}.apply", self.decl(id).name),
                needed: 0,
                available: args.len(),
            };
            self.error(expr.span, kind);
        }
        let result = self.types.make(TypeKind::ApplyResult(id));
        self.tables.calls.insert(
            Address::of(expr),
            Rc::new(Call {
                callee: Callee::ApplyTable(id),
                type_args: Vec::new(),
                args: Vec::new(),
                param_types: Vec::new(),
                result,
            }),
        );
        Operand::runtime(result)
    }

    /// A method of an extern.
    fn call_method(
        &mut self,
        expr: &'a Expr,
        object_decl: DeclId,
        object: Vec<(DeclId, Type)>,
        name: &'a Name,
        type_args: &'a [ast::Type],
        args: &'a [Argument],
    ) -> Operand {
        let Detail::Extern { methods, .. } = &self.decl(object_decl).detail else {
            return self.infer_anyway(args);
        };
        let ids: Vec<DeclId> = methods
            .iter()
            .copied()
            .filter(|id| self.decl(*id).name == name.text)
            .collect();
        if ids.is_empty() {
            self.infer_anyway(args);
            let ty = self.decl(object_decl).ty;
            return self.unknown_member(ty, name);
        }
        let Some(chosen) = self.overload(&ids, args, name.span) else {
            return self.infer_anyway(args);
        };
        let Detail::Function(signature) = &self.decl(chosen).detail else {
            return self.infer_anyway(args);
        };
        let target = Target {
            signature: Rc::clone(signature),
            callee: Callee::Method(chosen),
            object,
        };
        self.invoke_expr(expr, &target, type_args, args)
    }

    /// What the language gives values of a type under a name.
    fn builtin(&mut self, ty: Type, name: &Name) -> Option<Builtin> {
        let size = match name.text.as_str() {
            "minSizeInBits" => Some(Builtin::MinSizeInBits),
            "minSizeInBytes" => Some(Builtin::MinSizeInBytes),
            "maxSizeInBits" => Some(Builtin::MaxSizeInBits),
            "maxSizeInBytes" => Some(Builtin::MaxSizeInBytes),
            _ => None,
        };
        if size.is_some() {
            return size;
        }
        match (self.types.kind(ty), name.text.as_str()) {
            (
                TypeKind::Named {
                    sort: Sort::Header | Sort::Union,
                    ..
                },
                "isValid",
            ) => Some(Builtin::IsValid),
            (
                TypeKind::Named {
                    sort: Sort::Header, ..
                },
                "setValid",
            ) => Some(Builtin::SetValid),
            (
                TypeKind::Named {
                    sort: Sort::Header | Sort::Union,
                    ..
                },
                "setInvalid",
            ) => Some(Builtin::SetInvalid),
            (TypeKind::Stack(..), "push_front") => Some(Builtin::PushFront),
            (TypeKind::Stack(..), "pop_front") => Some(Builtin::PopFront),
            (TypeKind::List(_), "size") => Some(Builtin::ListSize),
            _ => None,
        }
    }

    fn call_builtin(
        &mut self,
        expr: &'a Expr,
        (builtin, name): (Builtin, &Name),
        base: Option<&'a Expr>,
        ty: Type,
        args: &'a [Argument],
    ) -> Operand {
        let n_args = usize::from(matches!(builtin, Builtin::PushFront | Builtin::PopFront));
        for arg in args {
            if let ast::ArgumentValue::Expr(value) = &arg.value {
                let (_, known) = self.check_value(value, Type::INT);
                if known < Known::Instantiated {
                    self.error(value.span, ErrorKind::NotConstant);
                }
            }
        }
        if args.len() != n_args {
            let kind = ErrorKind::ArgumentCount {
                callee: name.text.clone(),
                needed: n_args,
                available: args.len(),
            };
            self.error(expr.span, kind);
        }
        let operand = match builtin {
            Builtin::IsValid => Operand::runtime(Type::BOOL),
            Builtin::SetValid | Builtin::SetInvalid | Builtin::PushFront | Builtin::PopFront => {
                if let Some(base) = base {
                    self.check_place(base);
                }
                Operand::runtime(Type::VOID)
            }
            Builtin::MinSizeInBits
            | Builtin::MinSizeInBytes
            | Builtin::MaxSizeInBits
            | Builtin::MaxSizeInBytes => self.size_of(expr, builtin, ty),
            Builtin::ListSize => {
                let value = base.and_then(|base| self.operand(base).value);
                let value = match value {
                    Some(Value::Composite(parts)) => Some(Value::Int(parts.len().into())),
                    _ => None,
                };
                Operand::known(Type::INT, value, Known::Instantiated)
            }
        };
        self.tables.calls.insert(
            Address::of(expr),
            Rc::new(Call {
                callee: Callee::Builtin(builtin),
                type_args: Vec::new(),
                args: args.iter().map(crate::typed::ArgSource::Given).collect(),
                param_types: vec![Type::INT; args.len()],
                result: operand.ty,
            }),
        );
        operand
    }

    /// The action that a path names, with its arguments bound as a table does.
    pub(crate) fn bind_action(
        &mut self,
        path: &'a ast::Path,
        args: &'a [Argument],
        binding: Binding,
        span: p4rmt_source::Span,
    ) -> Option<(DeclId, Rc<Call<'a>>)> {
        let id = self.lookup(path)?.first().copied()?;
        self.record_path(path, id);
        let (Node::Action(_), Detail::Function(signature)) =
            (self.decl(id).node, &self.decl(id).detail)
        else {
            let name = path.name.text.clone();
            let expected = "an action";
            self.error(path.span, ErrorKind::WrongKind { name, expected });
            self.infer_anyway(args);
            return None;
        };
        let target = Target {
            signature: Rc::clone(signature),
            callee: Callee::Action(id),
            object: Vec::new(),
        };
        let call = self.invoke(&target, &[], args, binding, span)?;
        Some((id, call))
    }
}
