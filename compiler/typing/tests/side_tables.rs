//! What the side tables say about the nodes of the tree.

mod support;

use p4rmt_syntax::ast::{
    ArgumentValue, ControlLocal, DeclarationKind, Expr, ExprKind, Program, Statement, StatementKind,
};
use p4rmt_typing::{ArgSource, Callee, Known, MemberOf, Node, TypeKind, Typed, Value};

/// The statements of the `apply` of the last control of a program.
fn apply(program: &Program) -> &[Statement] {
    let controls = program.declarations.iter().rev();
    let mut controls = controls.filter_map(|declaration| match &declaration.kind {
        DeclarationKind::Control(control) => Some(control),
        _ => None,
    });
    &controls.next().expect("a control").apply.statements
}

/// The value that the statement assigns, or the call that it is.
#[track_caller]
fn value(statement: &Statement) -> &Expr {
    match &statement.kind {
        StatementKind::Assign { value, .. } => value,
        StatementKind::Call(call) => call,
        StatementKind::Variable(variable) => variable.init.as_ref().expect("a value"),
        _ => panic!("no value"),
    }
}

#[track_caller]
fn with_program(text: &str, look: impl FnOnce(&Program, &Typed<'_>)) {
    let parsed = support::parse(text);
    let (typed, diagnostics) = p4rmt_typing::check(&parsed.program);
    assert!(
        !diagnostics.has_errors(),
        "{:?}",
        support::shown(&parsed, &diagnostics)
    );
    look(&parsed.program, &typed);
}

#[test]
fn number_is_converted_to_the_width_of_the_other_operand() {
    with_program(
        "control c(inout bit<8> a) { apply { a = a + 300; } }",
        |program, typed| {
            let sum = value(&apply(program)[0]);
            let ExprKind::Binary { right, .. } = &sum.kind else {
                panic!("no sum")
            };
            let facts = typed.expr(right).expect("looked at");
            assert_eq!(*typed.types.kind(facts.ty), TypeKind::Int);
            assert_eq!(facts.value, Some(Value::Int(300.into())));
            assert_eq!(facts.known, Known::Local);
            let to = typed.conversion(right).expect("converted");
            assert_eq!(
                *typed.types.kind(to),
                TypeKind::Bits {
                    width: 8,
                    is_signed: false
                }
            );
            assert_eq!(typed.value_of(right), Some(&Value::Int(44.into())));
            assert_eq!(typed.expr(sum).map(|facts| facts.known), Some(Known::No));
        },
    );
}

#[test]
fn call_says_what_is_called_with_which_types_and_arguments() {
    with_program(
        "extern T f<T>(in T x); extern T f<T>(in T x, in bit<8> y, in bit<4> z = 3);
         control c(inout bit<16> a) { apply { a = f(y = 2, x = a); } }",
        |program, typed| {
            let expr = value(&apply(program)[0]);
            let call = typed.call(expr).expect("a call");
            let Callee::ExternFunction(id) = call.callee else {
                panic!("{:?}", call.callee)
            };
            let DeclarationKind::ExternFunction(second) = &program.declarations[1].kind else {
                panic!("no function")
            };
            assert!(
                matches!(typed.decl(id).node, Node::ExternFunction(found) if std::ptr::eq(found, second))
            );
            let bit16 = TypeKind::Bits {
                width: 16,
                is_signed: false,
            };
            assert_eq!(*typed.types.kind(call.result), bit16);
            let [(_, arg)] = call.type_args[..] else {
                panic!("one type argument")
            };
            assert_eq!(*typed.types.kind(arg), bit16);
            let sources: Vec<&str> = call
                .args
                .iter()
                .map(|source| match source {
                    ArgSource::Given(arg) => match &arg.value {
                        ArgumentValue::Expr(_) => "given",
                        ArgumentValue::DontCare => "_",
                    },
                    ArgSource::Default(_) => "default",
                    ArgSource::Omitted => "omitted",
                })
                .collect();
            assert_eq!(sources, ["given", "given", "default"]);
            let ArgSource::Given(x) = call.args[0] else {
                panic!("given")
            };
            assert_eq!(x.name.as_ref().map(|name| name.text.as_str()), Some("x"));
        },
    );
}

#[test]
fn list_and_its_parts_have_the_types_of_the_struct() {
    with_program(
        "struct S { bit<8> x; bool y; }
         control c(inout bool t) { apply { S s = { 7, t }; } }",
        |program, typed| {
            let list = value(&apply(program)[0]);
            let ExprKind::List(items) = &list.kind else {
                panic!("no list")
            };
            let to = typed.type_of(list).expect("a type");
            assert!(matches!(typed.types.kind(to), TypeKind::Named { .. }));
            assert_eq!(typed.value_of(&items[0]), Some(&Value::Int(7.into())));
            let first = typed.type_of(&items[0]).expect("a type");
            assert!(matches!(
                typed.types.kind(first),
                TypeKind::Bits { width: 8, .. }
            ));
            assert_eq!(
                typed.value_of(list),
                Some(&Value::Composite([Some(Value::Int(7.into())), None].into()))
            );
        },
    );
}

#[test]
fn names_lead_to_the_declaration_in_the_innermost_scope() {
    with_program(
        "const bit<8> k = 1; control c(inout bit<8> a) { const bit<8> k = 2; apply { a = k; a = .k; } }",
        |program, typed| {
            let values: Vec<_> = apply(program)
                .iter()
                .map(|statement| {
                    let expr = value(statement);
                    let ExprKind::Path(path) = &expr.kind else {
                        panic!("no path")
                    };
                    let id = typed.path(path).expect("declared");
                    assert_eq!(typed.decl(id).name, "k");
                    typed.value_of(expr).cloned()
                })
                .collect();
            assert_eq!(
                values,
                [Some(Value::Int(2.into())), Some(Value::Int(1.into()))]
            );
        },
    );
}

#[test]
fn types_within_a_generic_declaration_mention_its_parameters() {
    with_program(
        "struct P<A> { A x; } control c<T>(inout P<T> p, in T v) { apply { p.x = v; } }",
        |program, typed| {
            let StatementKind::Assign { target, value, .. } = &apply(program)[0].kind else {
                panic!("no assignment")
            };
            assert_eq!(typed.member(target), Some(MemberOf::Field(0)));
            let ty = typed.type_of(value).expect("a type");
            assert!(typed.types.has_params(ty));
            let TypeKind::Param(id) = *typed.types.kind(ty) else {
                panic!("no parameter")
            };
            assert_eq!(typed.decl(id).name, "T");
            assert_eq!(typed.type_of(target), Some(ty));
        },
    );
}

#[test]
fn table_binds_its_actions() {
    with_program(
        "action a(in bit<8> x, bit<8> y) {}
         control c(in bit<8> v) { table t { actions = { a(v); } default_action = a(v, 4); } apply { t.apply(); } }",
        |program, typed| {
            let DeclarationKind::Control(control) = &program.declarations[1].kind else {
                panic!("no control")
            };
            let ControlLocal::Table(table) = &control.locals[0] else {
                panic!("no table")
            };
            for property in &table.properties {
                match &property.kind {
                    p4rmt_syntax::ast::PropertyKind::Actions(actions) => {
                        let call = typed.action_call(&actions[0]).expect("bound");
                        assert!(matches!(call.args[1], ArgSource::Omitted));
                    }
                    p4rmt_syntax::ast::PropertyKind::DefaultAction(action) => {
                        let call = typed.call(action).expect("bound");
                        assert!(matches!(call.args[1], ArgSource::Given(_)));
                    }
                    _ => {}
                }
            }
            let call = typed.call(value(&apply(program)[0])).expect("a call");
            assert_eq!(
                Some(call.callee),
                typed.declared(&table.name).map(Callee::ApplyTable)
            );
        },
    );
}
