//! Parsers: their states, what `select` looks at, and value sets (clauses 13.2, 13.6, 13.11).

use p4rmt_syntax::ast::{self, ParserLocal, ParserState, StatementKind, TransitionKind};

use crate::check::Checker;
use crate::error::ErrorKind;
use crate::hash::FastMap;
use crate::rules::violation::Violation;
use crate::types::{Sort, Type, TypeKind};
use crate::walk::{self, Site, Visitor};

/// Looks at all parsers of a program.
pub(crate) fn check<'a>(check: &mut Checker<'a>, program: &'a ast::Program) {
    for declaration in &program.declarations {
        if let ast::DeclarationKind::Parser(parser) = &declaration.kind {
            check_parser(check, parser);
        }
    }
}

fn check_parser<'a>(check: &mut Checker<'a>, parser: &'a ast::Parser) {
    let name = &parser.head.name;
    if !parser.states.iter().any(|state| state.name.text == "start") {
        let violation = Violation::NoStart {
            name: name.text.clone(),
        };
        check.violate(name.span, violation);
    } else if is_endless(parser) {
        let violation = Violation::EndlessParser {
            name: name.text.clone(),
        };
        check.violate(name.span, violation);
    }
    distinct(check, parser);
    for local in &parser.locals {
        if let ParserLocal::ValueSet(set) = local {
            let ty = check.written(&set.element);
            if !is_matched(check, ty, true) {
                let ty = check.show(ty);
                check.violate(set.element.span, Violation::ValueSetType { ty });
            }
        }
    }
    for state in &parser.states {
        if matches!(state.name.text.as_str(), "accept" | "reject") {
            let violation = Violation::ReservedState {
                name: state.name.text.clone(),
            };
            check.violate(state.name.span, violation);
        }
        let Some(ast::Transition {
            kind: TransitionKind::Select { subjects, .. },
            ..
        }) = &state.transition
        else {
            continue;
        };
        for subject in subjects {
            let ty = check.type_of(subject);
            if !is_matched(check, ty, false) {
                let ty = check.show(ty);
                check.violate(subject.span, Violation::SelectType { ty });
            }
        }
    }
}

/// States and what is declared before them have names of their own.
fn distinct(check: &mut Checker<'_>, parser: &ast::Parser) {
    let mut seen: FastMap<&str, p4rmt_source::Span> = FastMap::default();
    let locals = parser.locals.iter().map(|local| match local {
        ParserLocal::Const(constant) => &constant.name,
        ParserLocal::Variable(variable) => &variable.name,
        ParserLocal::Instantiation(instance) => &instance.name,
        ParserLocal::ValueSet(set) => &set.name,
    });
    for name in locals.chain(parser.states.iter().map(|state| &state.name)) {
        if let Some(first) = seen.insert(&name.text, name.span) {
            let kind = ErrorKind::DuplicateName {
                name: name.text.clone(),
            };
            check.error_with(name.span, kind, first, "first declared here");
        }
    }
}

/// Whether `select` can look at values of a type, or a value set hold them.
fn is_matched(check: &mut Checker<'_>, ty: Type, is_set: bool) -> bool {
    match check.types.kind(ty).clone() {
        TypeKind::Poison | TypeKind::Param(_) | TypeKind::Bool | TypeKind::Bits { .. } => true,
        // `select` looks at a member of `error` as at one of an enumeration.
        TypeKind::Error => !is_set,
        TypeKind::Tuple(parts) => parts.iter().all(|part| is_matched(check, *part, is_set)),
        TypeKind::Named { sort, .. } => match sort {
            Sort::Enum | Sort::SerializableEnum | Sort::NewType => true,
            Sort::Struct => {
                is_set
                    && match check.fields_of(ty) {
                        Some(fields) => fields
                            .iter()
                            .all(|field| is_matched(check, field.ty, is_set)),
                        None => true,
                    }
            }
            Sort::Header
            | Sort::Union
            | Sort::Extern
            | Sort::Parser
            | Sort::Control
            | Sort::Package => false,
        },
        _ => false,
    }
}

/// Whether neither `accept` nor `reject` can be reached from `start`. A call may fail, and so reject.
fn is_endless(parser: &ast::Parser) -> bool {
    let states: FastMap<&str, &ParserState> = parser
        .states
        .iter()
        .map(|state| (state.name.text.as_str(), state))
        .collect();
    let mut seen: Vec<&str> = vec!["start"];
    let mut at = 0;
    while let Some(name) = seen.get(at).copied() {
        at += 1;
        let Some(state) = states.get(name) else {
            // `accept`, `reject`, or a name that has been complained about.
            return false;
        };
        let Some(transition) = &state.transition else {
            return false;
        };
        if may_fail(state) {
            return false;
        }
        let mut targets: Vec<&ast::Name> = Vec::new();
        match &transition.kind {
            TransitionKind::Direct(target) => targets.push(target),
            TransitionKind::Select { cases, .. } => {
                if !cases.iter().any(|case| is_catch_all(&case.keyset)) {
                    return false;
                }
                targets.extend(cases.iter().map(|case| &case.state));
            }
        }
        for target in targets {
            if !seen.contains(&target.text.as_str()) {
                seen.push(&target.text);
            }
        }
    }
    true
}

/// Whether a keyset holds every value.
pub(crate) fn is_catch_all(keyset: &ast::KeysetTuple) -> bool {
    keyset.elements.iter().all(|element| {
        matches!(
            element.kind,
            ast::KeysetKind::Default | ast::KeysetKind::DontCare
        )
    })
}

/// Whether something is called in a state.
fn may_fail(state: &ParserState) -> bool {
    struct FindCall(bool);
    impl<'a> Visitor<'a> for FindCall {
        fn statement(&mut self, _at: Site<'a>, statement: &'a ast::Statement) {
            self.0 |= matches!(statement.kind, StatementKind::Call(_));
        }
        fn expr(&mut self, _at: Site<'a>, expr: &'a ast::Expr) {
            self.0 |= matches!(expr.kind, ast::ExprKind::Call { .. });
        }
    }
    let mut find = FindCall(false);
    for statement in &state.statements {
        walk::walk_statement(&mut find, Site::TOP, statement);
    }
    if let Some(ast::Transition {
        kind: TransitionKind::Select { subjects, .. },
        ..
    }) = &state.transition
    {
        for subject in subjects {
            walk::walk_expr(&mut find, Site::TOP, subject);
        }
    }
    find.0
}
