//! The tables form, placed: stage by stage.

use std::sync::Arc;

use p4rmt_engine::{Engine, EngineError, Interface, Mode};
use p4rmt_interp::Interp;
use p4rmt_ir::build::{GressBuilder, add, constant};
use p4rmt_ir::{
    ActionCall, Arch, Entry, Expr, Gress, GressPlacement, GressRole, Id, Match, MatchKind,
    MemoryUse, Node, Outcome, PipeId, Place, Placement, Slot, TablePart,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits, whole};
use crate::tables::{keyless, node, parallel, set, tables_form, with_exit};

fn slot(stage: u32, logical_id: u32) -> Slot {
    Slot { stage, logical_id }
}

fn part(slot: Slot, entries: u64) -> TablePart {
    TablePart {
        slot,
        entries,
        memory: MemoryUse::default(),
    }
}

/// A placement of one gress, by table and gateway.
fn placement(tables: Vec<Vec<TablePart>>, gateways: Vec<Slot>) -> Mode {
    Mode::Placed(Arc::new(Placement {
        target: "test".into(),
        stages_available: 20,
        stages_used: 20,
        gresses: std::iter::once(GressPlacement {
            tables: tables.into_iter().collect(),
            gateways: gateways.into_iter().collect(),
            stateful: Vec::new(),
        })
        .collect(),
    }))
}

fn placed(gress: Gress, tables: &[Slot], gateways: &[Slot]) -> Bench {
    let tables = tables.iter().map(|slot| vec![part(*slot, 512)]).collect();
    Bench::load(
        whole(Arch::T2na, gress),
        placement(tables, gateways.to_vec()),
        &[],
    )
}

#[test]
fn units_of_a_stage_read_what_entered_it() {
    // x = 1; y = x: an illegal placement shows that the second does not see the first.
    let make = || {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
        let tables = [0, 1].map(|action| keyless(&mut gress, action));
        let actions = vec![set(x, constant(8, 1)), set(y, Expr::Field(x))];
        let seq = tables.map(node).into();
        (tables_form(gress, seq, Vec::new(), actions), y)
    };
    let (gress, y) = make();
    let mut bench = placed(gress, &[slot(0, 0), slot(0, 1)], &[]);
    assert_eq!(bench.run_for(y), bits(8, 0));
    let (gress, y) = make();
    let mut bench = placed(gress, &[slot(0, 0), slot(1, 0)], &[]);
    assert_eq!(bench.run_for(y), bits(8, 1));
}

#[test]
fn a_read_before_a_write_may_share_a_stage() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let tables = [0, 1, 2].map(|action| keyless(&mut gress, action));
    let actions = vec![
        set(x, constant(8, 5)),
        set(y, Expr::Field(x)),
        set(x, constant(8, 9)),
    ];
    let gress = tables_form(gress, tables.map(node).into(), Vec::new(), actions);
    let mut bench = placed(gress, &[slot(0, 0), slot(1, 0), slot(1, 1)], &[]);
    assert_eq!(bench.run_for(y), bits(8, 5));
    assert_eq!(bench.value(x), bits(8, 9));
}

#[test]
fn branches_and_exits_reach_later_stages() {
    for exits in [false, true] {
        let (gress, x, y) = with_exit(exits);
        let mut unplaced = Bench::new(gress.clone());
        // The gateway shares the logical table of the table behind it.
        let slots = [slot(0, 0), slot(1, 0), slot(1, 1), slot(2, 0)];
        let mut placed = placed(gress, &slots, &[slot(1, 0)]);
        for field in [x, y] {
            assert_eq!(placed.run_for(field), unplaced.run_for(field));
        }
        assert_eq!(placed.values(), unplaced.values());
    }
}

#[test]
fn a_split_table_runs_each_entry_in_its_part() {
    // A table in three parts; a counter of stages in between shows where an entry ran.
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (key, stage, seen) = (
        gress.intrinsic("key", 8),
        gress.metadata("stage", 8),
        gress.metadata("seen", 16),
    );
    let nop = gress.action("placeholder", &[], Vec::new());
    let table = gress.table("split", &[(Expr::Field(key), MatchKind::Exact)], &[nop]);
    let default = Id::from_index(1);
    gress.gress.tables[table].actions.push(p4rmt_ir::ActionRef {
        action: default,
        in_entries: false,
        as_default: true,
    });
    gress.gress.tables[table].default_action.action = default;
    gress.gress.tables[table].entries = (0..6)
        .map(|value| Entry {
            matches: vec![Match::Exact(bits(8, value))],
            priority: 0,
            action: ActionCall {
                action: nop,
                args: vec![bits(8, value)],
            },
            span: Span::NONE,
        })
        .collect();
    gress.gress.tables[table].default_action.args = Vec::new();
    let counters = [2, 3].map(|action| keyless(&mut gress, action));
    let concat = |high, low| Expr::binary(p4rmt_ir::BinaryOp::Concat, high, low);
    let param = Expr::Param { index: 0, width: 8 };
    let entry_action = parallel(
        "entry",
        &[8],
        &[],
        Vec::new(),
        vec![(Place::Field(seen), concat(Expr::Field(stage), param))],
    );
    let actions = vec![
        entry_action,
        set(seen, concat(Expr::Field(stage), constant(8, 0xff))),
        set(stage, add(Expr::Field(stage), constant(8, 1))),
        set(stage, add(Expr::Field(stage), constant(8, 1))),
    ];
    let seq = vec![node(table), node(counters[0]), node(counters[1])];
    let gress = tables_form(gress, seq, Vec::new(), actions);
    let tables = vec![
        vec![
            part(slot(0, 0), 2),
            part(slot(1, 0), 3),
            part(slot(2, 0), 3),
        ],
        vec![part(slot(0, 1), 1)],
        vec![part(slot(1, 1), 1)],
    ];
    let program = whole(Arch::T2na, gress);
    let mut bench = Bench::load(program, placement(tables, Vec::new()), &[key]);
    for (value, stage) in [(0, 0), (1, 0), (2, 1), (4, 1), (5, 2)] {
        bench.run_with(&[], &[], 0, &[bits(8, value)]);
        assert_eq!(
            bench.value(seen),
            bits(16, stage << 8 | value),
            "entry {value}"
        );
    }
    bench.run_with(&[], &[], 0, &[bits(8, 77)]);
    assert_eq!(
        bench.value(seen),
        bits(16, 0x2ff),
        "the default action runs last, once"
    );
    assert_eq!((bench.counts()[0].hits, bench.counts()[0].misses), (5, 1));
}

#[test]
fn tables_in_arms_run_where_they_are_placed() {
    // A keyless table with an action arm, whose table lies three stages later.
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let tables = [0, 1, 2].map(|action| keyless(&mut gress, action));
    let actions = vec![
        set(x, constant(8, 1)),
        set(y, add(Expr::Field(x), constant(8, 1))),
        set(y, constant(8, 0x77)),
    ];
    let first = Node::Table {
        table: tables[0],
        arms: vec![
            (Outcome::Action(Id::from_index(1)), vec![node(tables[2])]),
            (Outcome::Action(Id::from_index(0)), vec![node(tables[1])]),
        ],
    };
    let gress = tables_form(gress, vec![first], Vec::new(), actions);
    let mut bench = placed(gress, &[slot(0, 0), slot(3, 0), slot(1, 0)], &[]);
    assert_eq!(bench.run_for(y), bits(8, 2));
}

#[test]
fn a_placement_that_does_not_fit_is_refused() {
    let (gress, ..) = with_exit(false);
    let program = whole(Arch::T2na, gress);
    let load = |mode| {
        let interface = Interface::default();
        let pipe = PipeId::from_index(0);
        Interp
            .load(Arc::clone(&program), pipe, mode, interface)
            .err()
    };
    let one = vec![part(slot(0, 0), 1)];
    let error = load(placement(vec![one.clone(); 3], vec![slot(0, 0)]));
    assert!(
        matches!(
            error,
            Some(EngineError::PlacementMismatch {
                what: "tables",
                needed: 4,
                available: 3,
                ..
            })
        ),
        "{error:?}"
    );
    let error = load(placement(vec![one.clone(); 4], Vec::new()));
    assert!(
        matches!(
            error,
            Some(EngineError::PlacementMismatch {
                what: "gateways",
                ..
            })
        ),
        "{error:?}"
    );
    let error = load(placement(
        vec![one.clone(), one.clone(), one, Vec::new()],
        vec![slot(0, 0)],
    ));
    assert!(
        matches!(
            error,
            Some(EngineError::PlacementMismatch {
                what: "parts of a table",
                ..
            })
        ),
        "{error:?}"
    );
    let structured = whole(
        Arch::T2na,
        GressBuilder::new(GressRole::Ingress).structured(vec![]),
    );
    let mode = placement(Vec::new(), Vec::new());
    let error = Interp.load(
        structured,
        PipeId::from_index(0),
        mode,
        Interface::default(),
    );
    assert!(matches!(error.err(), Some(EngineError::NotTables { .. })));
}
