//! A v1model program by hand that does what each packet tells it, for tests of what is around it.
//!
//! A packet begins with eleven bytes of commands: `egress_spec` (two bytes), `mcast_grp`, session of a
//! clone in the ingress, resubmit (1 once, 2 for ever), `truncate` in the ingress, 1 to drop in the
//! egress, session of a clone in the egress (9 clones its own clones for ever), recirculate (1 once, 2
//! for ever), something to say in the ingress (1 a wrong claim, 2 a line, 3 a digest), and a one to set
//! `extra` valid in the ingress, two bytes that the deparser emits in front of the commands.
//!
//! Metadata `kept` and `lost` count passes of the ingress; requests keep `kept`. The egress puts thirteen
//! bytes in front: `ee`, `instance_type` in the ingress and in the egress, egress port, `egress_rid`,
//! `packet_length`, `ingress_port`, `kept`, `lost`.

use p4rmt_ir::build::{GressBuilder, add, assign, branch, call, constant, eq, program, stmt};
use p4rmt_ir::{
    Arch, BinaryOp, Bits, CallKind, Case, ClaimKind, Cloned, Digest, Expr, FieldId, GressRole,
    HeaderId, KeySet, Program, State, StmtKind, Target, Transition, UnaryOp, V1Call,
};
use p4rmt_source::Span;

const COMMANDS: [(&str, u32); 10] = [
    ("port", 16),
    ("group", 8),
    ("session", 8),
    ("again", 8),
    ("truncate", 8),
    ("eg_drop", 8),
    ("eg_session", 8),
    ("around", 8),
    ("say", 8),
    ("extra", 8),
];

const STAMPS: [(&str, u32); 9] = [
    ("mark", 8),
    ("seen", 8),
    ("instance", 8),
    ("port", 16),
    ("rid", 16),
    ("length", 16),
    ("ingress_port", 16),
    ("kept", 8),
    ("lost", 8),
];

/// The span of the statement that drops in the egress.
pub(crate) const DROP_SPAN: Span = Span { lo: 10, hi: 20 };

/// The span of the wrong claim.
pub(crate) const CLAIM_SPAN: Span = Span { lo: 30, hi: 40 };

fn field(field: FieldId) -> Expr {
    Expr::Field(field)
}

fn is(field: FieldId, width: u32, value: u64) -> Expr {
    eq(Expr::Field(field), constant(width, value))
}

fn not(expr: Expr) -> Expr {
    Expr::unary(UnaryOp::Not, expr)
}

fn both(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::And, lhs, rhs)
}

fn either(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::Or, lhs, rhs)
}

fn to(expr: Expr, width: u32) -> Expr {
    Expr::resize(expr, width, false)
}

fn v1(kind: V1Call) -> p4rmt_ir::Stmt {
    call(CallKind::V1(kind), [])
}

fn when(cond: Expr, then: p4rmt_ir::Stmt) -> p4rmt_ir::Stmt {
    branch(cond, vec![then], Vec::new())
}

fn extract(header: HeaderId) -> p4rmt_ir::Stmt {
    stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    })
}

fn emit(header: HeaderId) -> p4rmt_ir::Stmt {
    stmt(StmtKind::Emit { header })
}

/// The program.
pub(crate) fn switched() -> Program {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (stamp, stamps) = gress.header("stamp", &STAMPS);
    let (extra, _) = gress.header("extra", &[("value", 16)]);
    let (cmd, cmds) = gress.header("cmd", &COMMANDS);
    let [
        port,
        group,
        session,
        again,
        truncate,
        eg_drop,
        eg_session,
        around,
        say,
        with_extra,
    ] = cmds[..]
    else {
        panic!("there are ten commands");
    };
    let mut standard =
        |name: &str, width| gress.intrinsic(&format!("standard_metadata_t.{name}"), width);
    let ingress_port = standard("ingress_port", 9);
    let egress_spec = standard("egress_spec", 9);
    let egress_port = standard("egress_port", 9);
    let instance = standard("instance_type", 32);
    let length = standard("packet_length", 32);
    let mcast_grp = standard("mcast_grp", 16);
    let rid = standard("egress_rid", 16);
    let kept = gress.metadata("kept", 8);
    let lost = gress.metadata("lost", 8);
    let seen = gress.metadata("seen", 8);
    let digest = gress.gress.digests.push(Digest {
        name: "told".to_owned(),
        fields: vec![("kept".to_owned(), 8), ("port".to_owned(), 16)],
        span: Span::NONE,
    });
    let parser = &mut gress.gress.parser;
    let mut state = |name: &str, body, transition| {
        parser.states.push(State {
            name: name.to_owned(),
            body,
            transition,
            span: Span::NONE,
        })
    };
    let accept = Transition::Goto(Target::Accept);
    let commands = state("commands", vec![extract(cmd)], accept);
    let after_stamp = Transition::Goto(Target::State(commands));
    let stamped = state("stamped", vec![extract(stamp)], after_stamp);
    let case = |keyset, target| Case {
        keysets: vec![keyset],
        target: Target::State(target),
        span: Span::NONE,
    };
    let start = parser.start;
    let start = parser.states.get_mut(start).expect("there is a start");
    start.transition = Transition::Select {
        keys: vec![Expr::Lookahead {
            offset: 0,
            width: 8,
        }],
        cases: vec![
            case(KeySet::Exact(Bits::from_u64(8, 0xee)), stamped),
            case(KeySet::Any, commands),
        ],
    };
    let valid = |header| gress.gress.headers[header].valid;
    let (stamp_valid, extra_valid) = (valid(stamp), valid(extra));
    gress.gress.deparser.body = vec![emit(stamp), emit(extra), emit(cmd)];

    let first = || is(kept, 8, 1);
    let clone = |of, session| {
        v1(V1Call::Clone {
            of,
            session: to(field(session), 32),
            kept: vec![kept],
        })
    };
    let mut claim = v1(V1Call::Claim {
        kind: ClaimKind::Assert,
        cond: not(is(say, 8, 1)),
    });
    claim.span = CLAIM_SPAN;
    let line = V1Call::Log {
        format: "to {}, {} of {}".to_owned(),
        values: vec![field(port), field(kept)],
    };
    let message = CallKind::Digest {
        digest,
        receiver: Some(constant(32, 1)),
        fields: vec![field(kept), field(port)],
    };
    let ingress = vec![
        assign(kept, add(field(kept), constant(8, 1))),
        assign(lost, add(field(lost), constant(8, 1))),
        assign(seen, to(field(instance), 8)),
        assign(egress_spec, to(field(port), 9)),
        assign(mcast_grp, to(field(group), 16)),
        claim,
        when(is(say, 8, 2), v1(line)),
        when(is(say, 8, 3), call(message, [])),
        // What is digested and kept: the value at the call, and that at the end.
        when(is(say, 8, 3), assign(kept, constant(8, 0x50))),
        when(is(with_extra, 8, 1), assign(extra_valid, constant(1, 1))),
        when(not(is(session, 8, 0)), clone(Cloned::Received, session)),
        when(
            either(both(is(again, 8, 1), first()), is(again, 8, 2)),
            v1(V1Call::Resubmit { kept: vec![kept] }),
        ),
        when(
            not(is(truncate, 8, 0)),
            v1(V1Call::Truncate {
                length: to(field(truncate), 32),
            }),
        ),
    ];
    let is_clone = is(instance, 32, 2);
    let mut drop = assign(egress_spec, constant(9, 511));
    drop.span = DROP_SPAN;
    let egress = vec![
        assign(stamp_valid, constant(1, 1)),
        assign(stamps[0], constant(8, 0xee)),
        assign(stamps[1], field(seen)),
        assign(stamps[2], to(field(instance), 8)),
        assign(stamps[3], to(field(egress_port), 16)),
        assign(stamps[4], field(rid)),
        assign(stamps[5], to(field(length), 16)),
        assign(stamps[6], to(field(ingress_port), 16)),
        assign(stamps[7], field(kept)),
        assign(stamps[8], field(lost)),
        when(both(is(eg_drop, 8, 1), not(is_clone.clone())), drop),
        when(
            both(
                not(is(eg_session, 8, 0)),
                either(not(is_clone.clone()), is(eg_session, 8, 9)),
            ),
            clone(Cloned::Deparsed, eg_session),
        ),
        when(
            either(
                both(both(is(around, 8, 1), first()), not(is_clone)),
                is(around, 8, 2),
            ),
            v1(V1Call::Recirculate { kept: vec![kept] }),
        ),
    ];
    let gress = gress.whole(Vec::new(), ingress, egress, Vec::new());
    let program = program("switched", Arch::V1model, [gress]);
    p4rmt_ir::validate(&program).expect("the program is valid");
    program
}
