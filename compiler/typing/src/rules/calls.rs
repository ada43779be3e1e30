//! What can be called where, and with what the core library's methods can be called (clauses 12.8,
//! 13.7, 13.8, 14, 16, appendix F).
//!
//! * Parsers are applied in states; controls and tables in the `apply` of a control.
//! * Actions are called in the `apply` of a control and in actions, by nothing else than tables.
//! * `verify` and the methods that read the packet are the parser's.
//! * `next`, `last` and `lastIndex` of a stack are the parser's; `action_run` is a `switch`'s.

use p4rmt_source::Span;
use p4rmt_syntax::ast::{self, Expr, ExprKind, Statement, StatementKind, TransitionKind};

use crate::check::Checker;
use crate::decl::DeclId;
use crate::rules::instances::place_name;
use crate::rules::violation::Violation;
use crate::typed::{Builtin, Call, Callee, MemberOf};
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Body, Site, Visitor};

/// Looks at all calls of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    let mut calls = Calls {
        check,
        switched: Vec::new(),
    };
    walk::program(&mut calls, program);
}

struct Calls<'c, 'a> {
    check: &'c mut Checker<'a>,
    /// Where `switch` statements have their `action_run`.
    switched: Vec<Span>,
}

impl<'a> Calls<'_, 'a> {
    fn misplaced(&mut self, what: impl Into<String>, body: Body, span: Span) {
        let violation = Violation::CallPlace {
            what: what.into(),
            place: place_name(body),
        };
        self.check.violate(span, violation);
    }

    fn call(&mut self, at: Site<'a>, expr: &'a Expr, call: &Call<'a>) {
        let body = at.body;
        match call.callee {
            Callee::Action(decl) => {
                if !matches!(body, Body::Apply | Body::Action | Body::Table) {
                    let what = self.named("the action", decl);
                    self.misplaced(what, body, expr.span);
                }
            }
            Callee::ApplyTable(decl) => {
                if !matches!(body, Body::Apply | Body::Key) {
                    let what = self.named("the table", decl);
                    self.misplaced(what, body, expr.span);
                }
            }
            Callee::Apply(decl) | Callee::ApplyDirectly(decl) => {
                let is_parser = matches!(
                    self.check.types.kind(self.check.decl(decl).ty),
                    TypeKind::Named {
                        sort: Sort::Parser,
                        ..
                    }
                );
                let needed = if is_parser { Body::State } else { Body::Apply };
                if body != needed {
                    let what = self.named(
                        if is_parser {
                            "the parser"
                        } else {
                            "the control"
                        },
                        decl,
                    );
                    self.misplaced(what, body, expr.span);
                }
            }
            Callee::ExternFunction(decl) => {
                if self.check.decl(decl).name == "verify" && at.parser.is_none() {
                    self.misplaced("`verify`", body, expr.span);
                }
            }
            Callee::Method(decl) => self.method(expr, decl, call),
            Callee::Function(_)
            | Callee::ExternConstructor(_)
            | Callee::Constructor(_)
            | Callee::Builtin(_) => {}
        }
    }

    fn named(&self, kind: &str, decl: DeclId) -> String {
        format!("{kind} `{}`", self.check.decl(decl).name)
    }

    /// A method of the core library.
    fn method(&mut self, expr: &Expr, decl: DeclId, call: &Call<'a>) {
        let name = self.check.decl(decl).name;
        let Some(owner) = self.check.decl(decl).owner else {
            return;
        };
        match (
            self.check.decl(owner).name,
            name,
            call.param_types.as_slice(),
        ) {
            ("packet_in", "extract", [header]) => {
                let is_fit = self.is_header(*header) && !self.has_varbit(*header);
                self.argument(
                    is_fit,
                    "extract",
                    "a header without `varbit` fields",
                    *header,
                    expr,
                );
            }
            ("packet_in", "extract", [header, _]) => {
                let is_fit = self.is_header(*header) && self.n_varbits(*header) == 1;
                self.argument(
                    is_fit,
                    "extract",
                    "a header with one `varbit` field",
                    *header,
                    expr,
                );
            }
            ("packet_in", "lookahead", []) => {
                let is_fit = self.has_fixed_size(call.result);
                self.argument(
                    is_fit,
                    "lookahead",
                    "a type of fixed size",
                    call.result,
                    expr,
                );
            }
            ("packet_out", "emit", [value]) => {
                let is_fit = self.is_emitted(*value);
                let needed = "headers, or structs, stacks and unions of them";
                self.argument(is_fit, "emit", needed, *value, expr);
            }
            _ => {}
        }
    }

    fn argument(
        &mut self,
        is_fit: bool,
        method: &'static str,
        needed: &'static str,
        found: Type,
        expr: &Expr,
    ) {
        if is_fit {
            return;
        }
        let found = self.check.show(found);
        let violation = Violation::CoreArgument {
            method,
            needed,
            found,
        };
        self.check.violate(expr.span, violation);
    }

    /// Whether a type is a header, or one that is not known here.
    fn is_header(&self, ty: Type) -> bool {
        matches!(
            self.check.types.kind(ty),
            TypeKind::Poison
                | TypeKind::Param(_)
                | TypeKind::Any
                | TypeKind::Named {
                    sort: Sort::Header,
                    ..
                }
        )
    }

    fn has_varbit(&mut self, ty: Type) -> bool {
        self.n_varbits(ty) > 0
    }

    /// How many `varbit` fields a header has; one for a type that is not known here.
    fn n_varbits(&mut self, ty: Type) -> usize {
        match self.check.fields_of(ty) {
            Some(fields) => {
                let fields = fields.iter();
                let varbits = fields
                    .filter(|field| matches!(self.check.types.kind(field.ty), TypeKind::Varbit(_)));
                varbits.count()
            }
            None => 0,
        }
    }

    fn has_fixed_size(&mut self, ty: Type) -> bool {
        match self.check.types.kind(ty).clone() {
            TypeKind::Poison
            | TypeKind::Bool
            | TypeKind::Bits { .. }
            | TypeKind::Param(_)
            | TypeKind::Any => true,
            TypeKind::Tuple(parts) => parts.iter().all(|part| self.has_fixed_size(*part)),
            TypeKind::Stack(element, _) => self.has_fixed_size(element),
            TypeKind::Named { sort, .. } => match sort {
                Sort::Header | Sort::Struct => match self.check.fields_of(ty) {
                    Some(fields) => fields.iter().all(|field| self.has_fixed_size(field.ty)),
                    None => true,
                },
                Sort::SerializableEnum | Sort::NewType => true,
                Sort::Union
                | Sort::Enum
                | Sort::Extern
                | Sort::Parser
                | Sort::Control
                | Sort::Package => false,
            },
            _ => false,
        }
    }

    fn is_emitted(&mut self, ty: Type) -> bool {
        match self.check.types.kind(ty).clone() {
            TypeKind::Poison | TypeKind::Param(_) | TypeKind::Any => true,
            TypeKind::Tuple(parts) => parts.iter().all(|part| self.is_emitted(*part)),
            TypeKind::Stack(element, _) => self.is_emitted(element),
            TypeKind::Named { sort, .. } => match sort {
                Sort::Header | Sort::Union => true,
                Sort::Struct => match self.check.fields_of(ty) {
                    Some(fields) => fields.iter().all(|field| self.is_emitted(field.ty)),
                    None => true,
                },
                Sort::Enum
                | Sort::SerializableEnum
                | Sort::NewType
                | Sort::Extern
                | Sort::Parser
                | Sort::Control
                | Sort::Package => false,
            },
            _ => false,
        }
    }

    fn member(&mut self, at: Site<'a>, expr: &'a Expr, member: MemberOf) {
        let name = match member {
            MemberOf::StackNext => "next",
            MemberOf::StackLast => "last",
            MemberOf::StackLastIndex => "lastIndex",
            MemberOf::ActionRun => {
                if !self.switched.contains(&expr.span) {
                    self.check.violate(expr.span, Violation::ActionRun);
                }
                return;
            }
            MemberOf::Field(_)
            | MemberOf::EnumMember(..)
            | MemberOf::Error(_)
            | MemberOf::StackSize
            | MemberOf::Hit
            | MemberOf::Miss => return,
        };
        if at.parser.is_none() {
            self.check
                .violate(expr.span, Violation::StackMember { member: name });
        }
    }
}

impl<'a> Visitor<'a> for Calls<'_, 'a> {
    fn statement(&mut self, at: Site<'a>, statement: &'a Statement) {
        if let StatementKind::Switch { subject, .. } = &statement.kind
            && at.body == Body::Apply
        {
            self.switched.push(subject.span);
        }
    }

    fn expr(&mut self, at: Site<'a>, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Call { .. } => {
                if let Some(call) = self.check.call_of(expr) {
                    self.call(at, expr, &call);
                }
            }
            ExprKind::Member { .. } => {
                if let Some(member) = self.check.member_of(expr) {
                    self.member(at, expr, member);
                }
            }
            _ => {}
        }
    }

    fn state(&mut self, at: Site<'a>, state: &'a ast::ParserState) {
        let Some(transition) = &state.transition else {
            return;
        };
        let TransitionKind::Select { cases, .. } = &transition.kind else {
            return;
        };
        for case in cases {
            for keyset in &case.keyset.elements {
                let mut calls = KeysetCalls { calls: self };
                calls.keyset(at, keyset);
            }
        }
    }
}

/// The walk over a keyset, in which nothing but what the language gives is called.
struct KeysetCalls<'v, 'c, 'a> {
    calls: &'v mut Calls<'c, 'a>,
}

impl<'a> KeysetCalls<'_, '_, 'a> {
    fn keyset(&mut self, at: Site<'a>, keyset: &'a ast::Keyset) {
        match &keyset.kind {
            ast::KeysetKind::Default | ast::KeysetKind::DontCare => {}
            ast::KeysetKind::Expr(expr) => walk::walk_expr(self, at, expr),
            ast::KeysetKind::Mask(first, second) | ast::KeysetKind::Range(first, second) => {
                walk::walk_expr(self, at, first);
                walk::walk_expr(self, at, second);
            }
        }
    }
}

impl<'a> Visitor<'a> for KeysetCalls<'_, '_, 'a> {
    fn expr(&mut self, _at: Site<'a>, expr: &'a Expr) {
        let Some(call) = self.calls.check.call_of(expr) else {
            return;
        };
        let is_pure = matches!(
            call.callee,
            Callee::Builtin(
                Builtin::IsValid
                    | Builtin::MinSizeInBits
                    | Builtin::MinSizeInBytes
                    | Builtin::MaxSizeInBits
                    | Builtin::MaxSizeInBytes
                    | Builtin::ListSize
            )
        );
        if !is_pure {
            let violation = Violation::CallPlace {
                what: "a function or method".to_owned(),
                place: "a keyset",
            };
            self.calls.check.violate(expr.span, violation);
        }
    }
}
