//! Which tree an expression is: how tight operators bind, and what is a type and what is not.

use crate::common::{parse_text, render};
use p4rmt_syntax::ast::{
    ArgumentValue, DeclarationKind, Expr, ExprKind, Statement, StatementKind, TypeKind,
};
use p4rmt_syntax::print_type;

/// The tree with a parenthesis for each node.
fn tree(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Binary { op, left, right } => format!("({op:?} {} {})", tree(left), tree(right)),
        ExprKind::Unary { op, operand } => format!("({op:?} {})", tree(operand)),
        ExprKind::Cast { ty, operand } => format!("(as {} {})", print_type(ty), tree(operand)),
        ExprKind::Conditional {
            condition,
            then,
            otherwise,
        } => format!("(? {} {} {})", tree(condition), tree(then), tree(otherwise)),
        ExprKind::Member { base, name } => format!("{}.{name}", tree(base)),
        ExprKind::TypeMember { ty, name } => format!("[{}].{name}", print_type(ty)),
        ExprKind::Index { base, index } => format!("{}[{}]", tree(base), tree(index)),
        ExprKind::Slice { base, hi, lo } => format!("{}[{}:{}]", tree(base), tree(hi), tree(lo)),
        ExprKind::PlusSlice { base, lo, width } => {
            format!("{}[{}+:{}]", tree(base), tree(lo), tree(width))
        }
        ExprKind::Call {
            callee,
            type_args,
            args,
        } => {
            let types: Vec<String> = type_args.iter().map(print_type).collect();
            let args: Vec<String> = args
                .iter()
                .map(|arg| match &arg.value {
                    ArgumentValue::Expr(expr) => tree(expr),
                    ArgumentValue::DontCare => "_".to_owned(),
                })
                .collect();
            format!(
                "call({}|{}|{})",
                tree(callee),
                types.join(","),
                args.join(",")
            )
        }
        ExprKind::List(list) => {
            let list: Vec<String> = list.iter().map(tree).collect();
            format!("{{{}}}", list.join(","))
        }
        ExprKind::Struct { fields, has_dots } => format!("struct{}{has_dots}", fields.len()),
        ExprKind::Int(literal) => literal.text.clone(),
        ExprKind::Path(path) => path.name.text.clone(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::String(text) => format!("{text:?}"),
        ExprKind::This => "this".to_owned(),
        ExprKind::Dots => "...".to_owned(),
        ExprKind::Invalid => "{#}".to_owned(),
    }
}

/// The tree of an expression where `T` and `G` are types, `G` a generic one.
#[track_caller]
fn check(text: &str, expected: &str) {
    let text = format!(
        "typedef bit<8> T; extern G<X> {{ }} header H {{ }} enum E {{ a }} action a() {{ x = {text}; }}"
    );
    let parsed = parse_text(&text).unwrap_or_else(|rejected| panic!("{}", render(&rejected)));
    let last = parsed.program.declarations.last().expect("the action");
    let DeclarationKind::Action(action) = &last.kind else {
        panic!("not an action: {last:?}");
    };
    let StatementKind::Assign { value, .. } = &action.body.statements[0].kind else {
        panic!("not an assignment");
    };
    assert_eq!(tree(value), expected);
}

#[test]
fn operators_bind_as_specified() {
    check("a + b * c - d", "(Sub (Add a (Mul b c)) d)");
    check(
        "a || b && c == d < e | f ^ g & h << i ++ j / k",
        "(Or a (And b (Eq c (Lt d (BitOr e (BitXor f (BitAnd g (Shl h (Concat i (Div j k))))))))))",
    );
    check("a >> b > c", "(Gt (Shr a b) c)");
    check("a - b - c", "(Sub (Sub a b) c)");
    check("a |+| b |-| c", "(SubSat (AddSat a b) c)");
    check("a ? b : c ? d : e", "(? a b (? c d e))");
    check("a || b ? c : d + e", "(? (Or a b) c (Add d e))");
    check("-a.b[1] + !c", "(Add (Negate a.b[1]) (Not c))");
    check("a[b+:4][7:0]", "a[b+:4][7:0]");
    check("a[b + c + : 4]", "a[(Add b c)+:4]");
    check("a & b && c", "(And (BitAnd a b) c)");
}

#[test]
fn space_behind_an_operator_changes_nothing() {
    check("! a", "(Not a)");
    check("~ a & - b", "(BitAnd (Complement a) (Negate b))");
    check("! /* not */ a && b", "(And (Not a) b)");
}

#[test]
fn name_in_parentheses_is_a_cast_only_of_a_type() {
    check("(T) - b", "(as T (Negate b))");
    check("(c) - b", "(Sub c b)");
    check("(T) (b)", "(as T b)");
    check("(c)(b)", "call(c||b)");
    check("(unknown) b", "(as unknown b)");
    check("(T) b + c", "(Add (as T b) c)");
    check("(bit<8>) (T) -b.c", "(as bit<8> (as T (Negate b.c)))");
    check("(G<T>) {1}", "(as G<T> {1})");
    check(
        "(tuple<bit<(1 + 2)>>) {a, b}",
        "(as tuple<bit<(1 + 2)>> {a,b})",
    );
    check("(E.a)", "E.a");
    check("(H) {#}", "(as H {#})");
    check("(T[2]) {1, 2}", "(as T[2] {1,2})");
    check("(error) e", "(as error e)");
    check("(error.a)", "[error].a");
}

#[test]
fn angles_are_type_arguments_only_around_types() {
    check("f<T>(b)", "call(f|T|b)");
    check("f(a < b, c > (d))", "call(f||(Lt a b),(Gt c d))");
    check("a < b", "(Lt a b)");
    check("a < E.a", "(Lt a E.a)");
    check("a < T_ && b > (c)", "(And (Lt a T_) (Gt b c))");
    check("f<bit<8>>(x >> 1)", "call(f|bit<8>|(Shr x 1))");
    check("f<G<G<T>>>(x)", "call(f|G<G<T>>|x)");
    check("f<_>(x)", "call(f|_|x)");
    check(
        "g.f<T, bit<(4 > 3 ? 1 : 2)>>(x)",
        "call(g.f|T,bit<(4 > 3 ? 1 : 2)>|x)",
    );
    check("G<T>(1)", "call(G|T|1)");
    check("b.lookahead<unknown>()", "call(b.lookahead|unknown|)");
    check("a < b >> (c)", "(Lt a (Shr b c))");
    check("a < b + 1 > (c)", "(Gt (Lt a (Add b 1)) c)");
    check("G<T>.x", "[G<T>].x");
}

#[test]
fn braces_are_lists_or_structs() {
    check("{a, b,}", "{a,b}");
    check("{}", "{}");
    check("{...}", "{...}");
    check("{a == b}", "{(Eq a b)}");
    check("{a = b, ...}", "struct1true");
    check("{a = b, c = d,}", "struct2false");
    check("{#}", "{#}");
}

#[test]
fn soft_keywords_are_names_of_values() {
    check(
        "key + state.apply(type, entries).actions",
        "(Add key call(state.apply||type,entries).actions)",
    );
    check("list + priority", "(Add list priority)");
}

#[test]
fn arguments_may_be_named_or_not_wanted() {
    check("f(a = 1, b = _)", "call(f||1,_)");
    check("f(_, a == b)", "call(f||_,(Eq a b))");
}

#[test]
fn numbers_have_value_and_width() {
    let cases = [
        ("0", 0_u32, None),
        ("1_000", 1000, None),
        ("0xFF_ff", 0xffff, None),
        ("0B101", 5, None),
        ("0o17", 15, None),
        ("0d19", 19, None),
        ("8w255", 255, Some((8, false))),
        ("8s0b1", 1, Some((8, true))),
        ("16w0xBEEF", 0xbeef, Some((16, false))),
        ("0w0", 0, Some((0, false))),
    ];
    for (text, value, width) in cases {
        let parsed = parse_text(&format!("const int x = {text};")).expect(text);
        let DeclarationKind::Const(constant) = &parsed.program.declarations[0].kind else {
            panic!("{text}: not a constant");
        };
        let ExprKind::Int(literal) = &constant.value.kind else {
            panic!("{text}: not a number");
        };
        assert_eq!(literal.value, value.into(), "{text}");
        assert_eq!(literal.width, width, "{text}");
        assert_eq!(literal.text, text);
    }
}

#[test]
fn declarators_with_brackets_are_array_types() {
    let parsed = parse_text("struct s { bit<8> a[2][3]; bit<8>[4] b; }").expect("parses");
    let DeclarationKind::Struct(list) = &parsed.program.declarations[0].kind else {
        panic!("not a struct");
    };
    let types: Vec<String> = list
        .fields
        .iter()
        .map(|field| print_type(&field.ty))
        .collect();
    assert_eq!(types, ["bit<8>[2][3]", "bit<8>[4]"]);
    assert!(matches!(list.fields[0].ty.kind, TypeKind::Array { .. }));
}

/// The kinds of the statements of an action.
#[track_caller]
fn check_statements(text: &str, expected: &[&str]) {
    let text = format!("typedef bit<8> T; extern G<X> {{ }} action a() {{ {text} }}");
    let parsed = parse_text(&text).unwrap_or_else(|rejected| panic!("{}", render(&rejected)));
    let last = parsed.program.declarations.last().expect("the action");
    let DeclarationKind::Action(action) = &last.kind else {
        panic!("not an action");
    };
    let kind = |statement: &Statement| match &statement.kind {
        StatementKind::Variable(_) => "variable",
        StatementKind::Instantiation(_) => "instance",
        StatementKind::Call(_) => "call",
        StatementKind::Assign { .. } => "assign",
        StatementKind::Block(_) => "block",
        StatementKind::Const(_) => "const",
        _ => "other",
    };
    let found: Vec<&str> = action.body.statements.iter().map(kind).collect();
    assert_eq!(found, expected);
}

#[test]
fn statements_that_begin_alike_are_told_apart() {
    check_statements(
        "T x; x = 1; x[3:0] = 1; T[2] y; G<T>(1) z; f<T>(1); f(1); f(1) g; a.b.c(); x.y += 1; unknown u; @a T v; @b { } const T w = 1; G<T> t;",
        &[
            "variable", "assign", "assign", "variable", "instance", "call", "call", "instance",
            "call", "assign", "variable", "variable", "block", "const", "variable",
        ],
    );
}
