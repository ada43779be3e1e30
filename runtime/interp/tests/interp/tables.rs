//! The tables form, unplaced: actions all at once, control flow, exits.

use p4rmt_ir::build::{GressBuilder, add, assign_local, constant, eq, local, param};
use p4rmt_ir::{
    ActionCall, Arena, Body, Call, CallKind, Entry, Expr, FieldId, Gateway, GatewayId, Gress,
    GressRole, Id, Local, Match, MatchKind, Node, Outcome, ParallelAction, ParallelAssign, Param,
    Place, Seq, TableId, Tables,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits};

/// An action of the tables form.
pub(crate) fn parallel(
    name: &str,
    params: &[u32],
    locals: &[u32],
    calls: Vec<Call>,
    assigns: Vec<(Place, Expr)>,
) -> ParallelAction {
    ParallelAction {
        name: name.into(),
        params: params
            .iter()
            .map(|width| Param {
                name: "p".into(),
                width: *width,
            })
            .collect(),
        locals: locals
            .iter()
            .map(|width| Local {
                name: "l".into(),
                width: *width,
            })
            .collect(),
        calls: calls.into_iter().map(|call| (call, Span::NONE)).collect(),
        assigns: assigns
            .into_iter()
            .map(|(dst, value)| ParallelAssign {
                dst,
                value,
                span: Span::NONE,
            })
            .collect(),
        exits: false,
        span: Span::NONE,
    }
}

/// `field = value` as a whole action.
pub(crate) fn set(field: FieldId, value: Expr) -> ParallelAction {
    parallel(
        "set",
        &[],
        &[],
        Vec::new(),
        vec![(Place::Field(field), value)],
    )
}

/// The gress in the tables form.
pub(crate) fn tables_form(
    builder: GressBuilder,
    seq: Seq,
    conditions: Vec<Expr>,
    actions: Vec<ParallelAction>,
) -> Gress {
    let mut gress = builder.gress;
    let gateways: Arena<GatewayId, Gateway> = conditions
        .into_iter()
        .map(|cond| Gateway {
            name: "cond".into(),
            cond,
            span: Span::NONE,
        })
        .collect();
    gress.body = Body::Tables(Tables {
        seq,
        gateways,
        actions: actions.into_iter().collect(),
    });
    gress
}

/// A table without keys that runs action number `action`, once its actions are in the gress.
pub(crate) fn keyless(gress: &mut GressBuilder, action: usize) -> TableId {
    let nop = gress.action("placeholder", &[], Vec::new());
    let table = gress.table("t", &[], &[nop]);
    let action = Id::from_index(action);
    gress.gress.tables[table].default_action.action = action;
    gress.gress.tables[table].actions[0].action = action;
    table
}

pub(crate) fn node(table: TableId) -> Node {
    Node::Table {
        table,
        arms: Vec::new(),
    }
}

#[test]
fn an_action_reads_what_was_before_it() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let first = keyless(&mut gress, 0);
    let second = keyless(&mut gress, 1);
    let start = parallel(
        "start",
        &[],
        &[],
        Vec::new(),
        vec![
            (Place::Field(x), constant(8, 0x12)),
            (Place::Field(y), constant(8, 0x34)),
        ],
    );
    let swap = parallel(
        "swap",
        &[],
        &[],
        Vec::new(),
        vec![
            (Place::Field(x), Expr::Field(y)),
            (
                Place::FieldSlice {
                    field: y,
                    hi: 7,
                    lo: 4,
                },
                Expr::slice(Expr::Field(x), 3, 0),
            ),
            (
                Place::FieldSlice {
                    field: y,
                    hi: 3,
                    lo: 0,
                },
                Expr::slice(Expr::Field(x), 7, 4),
            ),
        ],
    );
    let seq = vec![node(first), node(second)];
    let mut bench = Bench::new(tables_form(gress, seq, Vec::new(), vec![start, swap]));
    assert_eq!(bench.run_for(x), bits(8, 0x34));
    assert_eq!(bench.value(y), bits(8, 0x21));
}

#[test]
fn calls_come_before_assignments_and_feed_each_other() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, out) = (gress.metadata("x", 8), gress.metadata("out", 8));
    let register = gress.register("r", 8, &[8]);
    let hash = gress.hash("h", 3);
    // The element takes the parameter; the output is what was there.
    let body = vec![
        assign_local(1, local(0, 8)),
        assign_local(0, add(param(0, 8), Expr::Field(x))),
    ];
    let action = gress.register_action("ra", register, body);
    let table = keyless(&mut gress, 0);
    gress.gress.tables[table].default_action.args = vec![bits(8, 0x40)];
    let calls = vec![
        Call {
            kind: CallKind::Hash {
                hash,
                args: vec![constant(8, 0xfd)],
            },
            outs: vec![Some(Place::Local(Id::from_index(0)))],
        },
        Call {
            kind: CallKind::RegisterAction {
                action,
                index: Some(local(0, 3)),
            },
            outs: vec![Some(Place::Local(Id::from_index(1)))],
        },
    ];
    let assigns = vec![
        (Place::Field(out), add(local(1, 8), constant(8, 1))),
        (Place::Field(x), constant(8, 9)),
    ];
    let action = parallel("a", &[8], &[3, 8], calls, assigns);
    let mut bench = Bench::new(tables_form(
        gress,
        vec![node(table)],
        Vec::new(),
        vec![action],
    ));
    let place = p4rmt_engine::Ref {
        gress: crate::support::gress_id(),
        id: register,
    };
    bench
        .state
        .write_register(place, 5, &[bits(8, 7)])
        .expect("in range");
    assert_eq!(bench.run_for(out), bits(8, 8));
    let element = bench.state.register(place, 5).expect("in range");
    assert_eq!(element, [bits(8, 0x40)], "x was zero before the action");
}

/// One keyed table whose entry for 1 runs `hit`, in front of arms that set `arm` to 1, 2, 3.
fn with_arms(on: [Outcome; 3]) -> (Gress, FieldId, FieldId) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (key, arm) = (gress.intrinsic("key", 8), gress.metadata("arm", 8));
    let nop = gress.action("placeholder", &[], Vec::new());
    let table = gress.table("keyed", &[(Expr::Field(key), MatchKind::Exact)], &[nop]);
    let hit = Id::from_index(1);
    gress.gress.tables[table].actions.push(p4rmt_ir::ActionRef {
        action: hit,
        in_entries: true,
        as_default: false,
    });
    gress.gress.tables[table].entries = vec![Entry {
        matches: vec![Match::Exact(bits(8, 1))],
        priority: 0,
        action: ActionCall {
            action: hit,
            args: Vec::new(),
        },
        span: Span::NONE,
    }];
    let followers = [2, 3, 4].map(|action| keyless(&mut gress, action));
    let arms = on
        .into_iter()
        .zip(followers)
        .map(|(on, table)| (on, vec![node(table)]))
        .collect();
    let actions = vec![
        parallel("miss", &[], &[], Vec::new(), Vec::new()),
        parallel("hit", &[], &[], Vec::new(), Vec::new()),
        set(arm, constant(8, 1)),
        set(arm, constant(8, 2)),
        set(arm, constant(8, 3)),
    ];
    let seq = vec![Node::Table { table, arms }];
    (tables_form(gress, seq, Vec::new(), actions), key, arm)
}

#[track_caller]
fn check_arms(on: [Outcome; 3], on_hit: u64, on_miss: u64) {
    let (gress, key, arm) = with_arms(on);
    let program = crate::support::whole(p4rmt_ir::Arch::Tna, gress);
    let mut bench = Bench::load(program, p4rmt_engine::Mode::Unplaced, &[key]);
    bench.run_with(&[], &[], 0, &[bits(8, 1)]);
    assert_eq!(bench.value(arm), bits(8, on_hit), "{on:?}");
    bench.run_with(&[], &[], 0, &[bits(8, 2)]);
    assert_eq!(bench.value(arm), bits(8, on_miss), "{on:?}");
    assert_eq!((bench.counts()[0].hits, bench.counts()[0].misses), (1, 1));
}

#[test]
fn the_first_arm_that_fits_runs() {
    let [miss, hit] = [0, 1].map(|action| Outcome::Action(Id::from_index(action)));
    check_arms([Outcome::Hit, Outcome::Miss, Outcome::Otherwise], 1, 2);
    check_arms([Outcome::Miss, Outcome::Otherwise, Outcome::Hit], 2, 1);
    check_arms([hit, miss, Outcome::Otherwise], 1, 2);
    check_arms([hit, Outcome::Otherwise, miss], 1, 2);
    check_arms([hit, hit, hit], 1, 0);
}

/// `x` starts at 1; a gateway on it; a table with an exit behind `then`; a last table.
pub(crate) fn with_exit(exits: bool) -> (Gress, FieldId, FieldId) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let tables = [0, 1, 2, 3].map(|action| keyless(&mut gress, action));
    let mut leaving = set(y, constant(8, 0x10));
    leaving.exits = exits;
    let actions = vec![
        set(x, constant(8, 1)),
        leaving,
        set(y, constant(8, 0x20)),
        set(x, add(Expr::Field(x), Expr::Field(y))),
    ];
    let seq = vec![
        node(tables[0]),
        Node::Gateway {
            gateway: Id::from_index(0),
            then: vec![node(tables[1])],
            otherwise: vec![node(tables[2])],
        },
        node(tables[3]),
    ];
    let cond = eq(Expr::Field(x), constant(8, 1));
    (tables_form(gress, seq, vec![cond], actions), x, y)
}

#[test]
fn an_exit_ends_the_control() {
    let (gress, x, y) = with_exit(false);
    let mut bench = Bench::new(gress);
    assert_eq!(bench.run_for(x), bits(8, 0x11));
    assert_eq!(bench.value(y), bits(8, 0x10));
    let (gress, x, y) = with_exit(true);
    let mut bench = Bench::new(gress);
    assert_eq!(bench.run_for(x), bits(8, 1));
    assert_eq!(bench.value(y), bits(8, 0x10));
}
