//! The text form of a small program.

use p4rmt_ir::build::{
    GressBuilder, add, apply, assign, assign_local, branch, call, constant, labeled, leave, local,
    param, program, stmt,
};
use p4rmt_ir::text::program_text;
use p4rmt_ir::{
    Arch, Bits, CallKind, Case, Entry, Expr, GressRole, KeySet, Match, MatchKind, Outcome, State,
    StmtKind, Target, Transition,
};
use p4rmt_source::Span;

#[test]
fn text_shows_all_there_is() {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let port = builder.intrinsic("ig_tm_md.ucast_egress_port", 9);
    let (header, fields) = builder.header("hdr.h", &[("x", 16), ("y", 8)]);
    let (x, y) = (fields[0], fields[1]);
    let register = builder.register("Ingress.seen", 1024, &[16]);
    let body = vec![assign_local(0, add(local(0, 16), Expr::Field(x)))];
    let count = builder.register_action("count", register, body);
    let act = builder.action("Ingress.act", &[9], vec![assign(port, param(0, 9))]);
    let table = builder.table("Ingress.t", &[(Expr::Field(x), MatchKind::Lpm)], &[act]);
    let mut action = builder.gress.tables[table].default_action.clone();
    action.args = vec![Bits::from_u64(9, 3)];
    builder.gress.tables[table].entries.push(Entry {
        matches: vec![Match::Lpm {
            value: Bits::from_u64(16, 0x800),
            prefix_len: 8,
        }],
        priority: 1,
        action,
        span: Span::NONE,
    });
    let extract = stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    });
    let start = builder.gress.parser.start;
    let deep = builder.gress.parser.states.push(State {
        name: "deep".to_owned(),
        body: vec![extract],
        transition: Transition::Goto(Target::Accept),
        span: Span::NONE,
    });
    builder.gress.parser.states[start].transition = Transition::Select {
        keys: vec![Expr::Lookahead {
            offset: 0,
            width: 8,
        }],
        cases: vec![Case {
            keysets: vec![KeySet::Exact(Bits::from_u64(8, 1))],
            target: Target::State(deep),
            span: Span::NONE,
        }],
    };
    builder.gress.deparser.body = vec![stmt(StmtKind::Emit { header })];
    let label = builder.label();
    let index = Some(Expr::slice(Expr::Field(x), 9, 0));
    let action = count;
    let counting = call(CallKind::RegisterAction { action, index }, [x]);
    let is_small = Expr::slice(Expr::Field(y), 7, 7);
    let gress = builder.structured(vec![labeled(
        label,
        vec![
            branch(is_small, vec![counting], vec![leave(label)]),
            apply(table, [(Outcome::Hit, vec![assign(y, constant(8, 1))])]),
        ],
    )]);
    let text = program_text(&program("small", Arch::T2na, [gress]));
    let expected = include_str!("text/small.ir");
    assert_eq!(text, expected, "\n{text}");
}
