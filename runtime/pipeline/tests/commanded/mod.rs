//! A T2NA program by hand that does what each packet tells it, for tests of what is around a pipe.
//!
//! A packet begins with ten bytes of commands: ingress `drop_ctl`, unicast port (two bytes, `ffff` to
//! write none), multicast group, copy to CPU, bypass of the egress, session of an ingress mirror (its
//! header is `aaaa`), resubmit (1 once, 2 for ever, header `77`), egress `drop_ctl`, session of an
//! egress mirror (header `bbbb`; 9 mirrors its own copies for ever). The egress puts eight bytes in
//! front: egress port, replication id, `pkt_length`, and the mirror header that it found. Table
//! `count` matches the unicast port in the ingress, counts hits in `hits`, and `note(value)` writes
//! register `noted`.

use p4rmt_ir::build::{GressBuilder, assign, branch, call, constant, eq, program, stmt};
use p4rmt_ir::{
    Arch, BinaryOp, Bits, CallKind, Case, CountKind, Counter, Expr, FieldId, Gress, GressRole,
    HeaderId, KeySet, MatchKind, Program, State, StmtKind, Target, Transition, UnaryOp,
};
use p4rmt_source::Span;

const COMMANDS: [(&str, u32); 9] = [
    ("in_drop", 8),
    ("port", 16),
    ("group", 8),
    ("cpu", 8),
    ("bypass", 8),
    ("in_mirror", 8),
    ("resubmit", 8),
    ("eg_drop", 8),
    ("eg_mirror", 8),
];

/// The span of the statement that writes `drop_ctl` in the ingress.
pub(crate) const DROP_SPAN: Span = Span { lo: 10, hi: 20 };

/// The program.
pub(crate) fn commanded() -> Program {
    program("commanded", Arch::T2na, [ingress(), egress()])
}

fn field(field: FieldId) -> Expr {
    Expr::Field(field)
}

fn is_set(field: FieldId, width: u32) -> Expr {
    let zero = eq(Expr::Field(field), constant(width, 0));
    Expr::unary(UnaryOp::Not, zero)
}

fn both(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::And, lhs, rhs)
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

fn mirror(session: FieldId, header: u64) -> p4rmt_ir::Stmt {
    let kind = CallKind::Mirror {
        mirror_type: None,
        session: Expr::resize(field(session), 8, false),
        header: vec![constant(16, header)],
    };
    call(kind, [])
}

fn ingress() -> Gress {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let intrinsic = [
        ("resubmit_flag", 1),
        ("pad1", 1),
        ("packet_version", 2),
        ("pad2", 3),
        ("ingress_port", 9),
        ("ingress_mac_tstamp", 48),
    ];
    let (intr, intr_fields) = gress.header("ingress_intrinsic_metadata", &intrinsic);
    let (meta, _) = gress.header("meta", &[("kind", 8), ("rest", 184)]);
    let (cmd, cmds) = gress.header("cmd", &COMMANDS);
    let for_tm = |gress: &mut GressBuilder, name: &str, width| {
        gress.intrinsic(
            &format!("ingress_intrinsic_metadata_for_tm_t.{name}"),
            width,
        )
    };
    let ucast = for_tm(&mut gress, "ucast_egress_port", 9);
    let group = for_tm(&mut gress, "mcast_grp_a", 16);
    let cpu = for_tm(&mut gress, "copy_to_cpu", 1);
    let bypass = for_tm(&mut gress, "bypass_egress", 1);
    let drop_ctl = gress.intrinsic("ingress_intrinsic_metadata_for_deparser_t.drop_ctl", 3);
    let register = gress.register("Ingress.noted", 4, &[16, 32]);
    let write = CallKind::RegisterWrite {
        register,
        index: constant(32, 1),
        values: vec![p4rmt_ir::build::param(0, 16), constant(32, 0xabcd)],
    };
    let counter = gress.gress.counters.push(Counter {
        name: "Ingress.hits".to_owned(),
        kind: CountKind::PacketsAndBytes,
        width: 64,
        size: 0,
        adjust_bytes: 0,
        span: Span::NONE,
    });
    let count = || {
        let kind = CallKind::Count {
            counter,
            index: None,
        };
        call(kind, [])
    };
    let note = gress.action("Ingress.note", &[16], vec![call(write, []), count()]);
    let nothing = gress.action("Ingress.nothing", &[], Vec::new());
    let keys = [(field(cmds[1]), MatchKind::Ternary)];
    let table = gress.table("Ingress.count", &keys, &[nothing, note]);
    gress
        .gress
        .tables
        .get_mut(table)
        .expect("just made")
        .direct_counters = vec![counter];
    let parser = &mut gress.gress.parser;
    let start = parser.start;
    let state = parser.states.get_mut(start).expect("there is a start");
    state.body = vec![extract(intr), extract(meta), extract(cmd)];
    let resubmit = CallKind::Resubmit {
        resubmit_type: None,
        header: vec![constant(8, 0x77)],
    };
    let first_pass = eq(field(intr_fields[0]), constant(1, 0));
    let once = both(eq(field(cmds[6]), constant(8, 1)), first_pass);
    let for_ever = eq(field(cmds[6]), constant(8, 2));
    gress.gress.deparser.body = vec![
        emit(cmd),
        branch(
            is_set(cmds[5], 8),
            vec![mirror(cmds[5], 0xaaaa)],
            Vec::new(),
        ),
        branch(
            Expr::binary(BinaryOp::Or, once, for_ever),
            vec![call(resubmit, [])],
            Vec::new(),
        ),
    ];
    let bit = |from: FieldId| Expr::slice(field(from), 0, 0);
    let mut drop = assign(drop_ctl, Expr::slice(field(cmds[0]), 2, 0));
    drop.span = DROP_SPAN;
    let has_port = Expr::unary(UnaryOp::Not, eq(field(cmds[1]), constant(16, 0xffff)));
    let set_port = assign(ucast, Expr::slice(field(cmds[1]), 8, 0));
    gress.structured(vec![
        branch(is_set(cmds[0], 8), vec![drop], Vec::new()),
        branch(has_port, vec![set_port], Vec::new()),
        assign(group, Expr::resize(field(cmds[2]), 16, false)),
        assign(cpu, bit(cmds[3])),
        assign(bypass, bit(cmds[4])),
        p4rmt_ir::build::apply(table, []),
    ])
}

fn egress() -> Gress {
    let mut gress = GressBuilder::new(GressRole::Egress);
    let intrinsic = [
        ("pad0", 7),
        ("egress_port", 9),
        ("queues", 136),
        ("egress_rid", 16),
        ("rest", 32),
        ("pkt_length", 16),
        ("pad9", 8),
    ];
    let (intr, intr_fields) = gress.header("egress_intrinsic_metadata", &intrinsic);
    let fields = [("port", 16), ("rid", 16), ("length", 16), ("mirror", 16)];
    let (stamp, stamps) = gress.header("stamp", &fields);
    let (found, founds) = gress.header("found", &[("mirror", 16)]);
    let (cmd, cmds) = gress.header("cmd", &COMMANDS);
    let drop_ctl = gress.intrinsic("egress_intrinsic_metadata_for_deparser_t.drop_ctl", 3);
    let stamp_valid = gress.gress.headers[stamp].valid;
    let found_valid = gress.gress.headers[found].valid;
    let parser = &mut gress.gress.parser;
    let mut add = |name: &str, body, transition| {
        parser.states.push(State {
            name: name.to_owned(),
            body,
            transition,
            span: Span::NONE,
        })
    };
    let to = |state| Transition::Goto(Target::State(state));
    let accept = Transition::Goto(Target::Accept);
    let commands = add("commands", vec![extract(cmd)], accept);
    let deparsed = add(
        "deparsed",
        vec![extract(found), extract(stamp)],
        to(commands),
    );
    let received = add("received", vec![extract(found)], to(commands));
    let case = |keyset, target| Case {
        keysets: vec![keyset],
        target: Target::State(target),
        span: Span::NONE,
    };
    let select = Transition::Select {
        keys: vec![Expr::Lookahead {
            offset: 0,
            width: 16,
        }],
        cases: vec![
            case(KeySet::Exact(Bits::from_u64(16, 0xaaaa)), received),
            case(KeySet::Exact(Bits::from_u64(16, 0xbbbb)), deparsed),
            case(KeySet::Any, commands),
        ],
    };
    let start = parser.start;
    let state = parser.states.get_mut(start).expect("there is a start");
    state.body = vec![extract(intr)];
    state.transition = select;
    let is_original = Expr::unary(UnaryOp::Not, field(found_valid));
    let wants_copy = both(is_set(cmds[8], 8), is_original.clone());
    let loops = eq(field(cmds[8]), constant(8, 9));
    gress.gress.deparser.body = vec![
        emit(stamp),
        emit(cmd),
        branch(
            Expr::binary(BinaryOp::Or, wants_copy, loops),
            vec![mirror(cmds[8], 0xbbbb)],
            Vec::new(),
        ),
    ];
    gress.structured(vec![
        assign(stamp_valid, constant(1, 1)),
        assign(stamps[0], Expr::resize(field(intr_fields[1]), 16, false)),
        assign(stamps[1], field(intr_fields[3])),
        assign(stamps[2], field(intr_fields[5])),
        assign(stamps[3], field(founds[0])),
        branch(
            is_original,
            vec![assign(drop_ctl, Expr::slice(field(cmds[7]), 2, 0))],
            Vec::new(),
        ),
    ])
}
