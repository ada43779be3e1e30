//! Registers, counters and meters.

use p4rmt_engine::{METER_FRACTION_BITS, MeterConfig, Ref};
use p4rmt_ir::build::{
    GressBuilder, add, apply, assign, assign_local, branch, call, constant, eq, local, stmt,
};
use p4rmt_ir::{
    ActionCall, Call, CallKind, CountKind, Counter, CounterId, Entry, Expr, GressRole, Id, Match,
    MatchKind, Meter, MeterId, RegisterId, Stmt, StmtKind,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits, gress_id};

fn register(id: usize) -> Ref<RegisterId> {
    Ref {
        gress: gress_id(),
        id: RegisterId::from_index(id),
    }
}

fn call_without_results(kind: CallKind) -> Stmt {
    stmt(StmtKind::Call(Call {
        kind,
        outs: Vec::new(),
    }))
}

/// A register of 4 pairs of 16 bits, and an action on element `index`: where `lo` is 2, the output
/// is `lo`, and `lo` and `hi` change places; otherwise `lo` is counted up and `hi` takes the new
/// `lo`. Locals 0 and 1 are the element, 2 is the output.
fn swapping(index: u64) -> Bench {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let out = gress.metadata("out", 16);
    let id = gress.register("r", 4, &[16, 16]);
    let body = vec![branch(
        eq(local(0, 16), constant(16, 2)),
        vec![
            assign_local(2, local(0, 16)),
            assign_local(0, local(1, 16)),
            assign_local(1, local(2, 16)),
        ],
        vec![
            assign_local(0, add(local(0, 16), constant(16, 1))),
            assign_local(1, local(0, 16)),
        ],
    )];
    let action = gress.register_action("ra", id, body);
    let index = Some(constant(16, index));
    let run = call(CallKind::RegisterAction { action, index }, [out]);
    Bench::new(gress.structured(vec![run]))
}

#[test]
fn a_register_action_works_on_a_copy_and_writes_it_back() {
    let mut bench = swapping(3);
    let out = p4rmt_ir::FieldId::from_index(0);
    let element = [bits(16, 2), bits(16, 9)];
    bench
        .state
        .write_register(register(0), 3, &element)
        .expect("in range");
    assert_eq!(bench.run_for(out), bits(16, 2), "the output is set");
    let swapped = bench.state.register(register(0), 3).expect("in range");
    assert_eq!(swapped, [bits(16, 9), bits(16, 2)]);
    assert_eq!(
        bench.run_for(out),
        bits(16, 0),
        "an output that is not set is zero"
    );
    let counted = bench.state.register(register(0), 3).expect("in range");
    assert_eq!(counted, [bits(16, 10), bits(16, 10)]);
    for other in 0..3 {
        let element = bench.state.register(register(0), other).expect("in range");
        assert_eq!(element, [bits(16, 0), bits(16, 0)]);
    }
}

#[test]
fn an_index_beyond_the_register_touches_nothing() {
    let mut bench = swapping(4);
    let before = bench.state.clone();
    let out = p4rmt_ir::FieldId::from_index(0);
    assert_eq!(bench.run_for(out), bits(16, 0));
    assert_eq!(bench.state, before);
}

#[test]
fn elements_are_cut_to_their_width() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let id = gress.register("r", 2, &[5]);
    let body = vec![assign_local(0, add(local(0, 5), constant(5, 1)))];
    let action = gress.register_action("ra", id, body);
    let index = Some(constant(1, 1));
    let run = call(CallKind::RegisterAction { action, index }, []);
    let mut bench = Bench::new(gress.structured(vec![run]));
    for turn in 1..70 {
        bench.run(&[]);
        let element = bench.state.register(register(0), 1).expect("in range");
        assert_eq!(element, [bits(5, turn)]);
    }
}

#[test]
fn reads_and_writes() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (index, lo, hi) = (
        gress.intrinsic("index", 8),
        gress.metadata("lo", 8),
        gress.metadata("hi", 70),
    );
    let id = gress.register("r", 3, &[8, 70]);
    let read = CallKind::RegisterRead {
        register: id,
        index: Expr::Field(index),
    };
    let write = CallKind::RegisterWrite {
        register: id,
        index: Expr::Field(index),
        values: vec![
            add(Expr::Field(lo), constant(8, 1)),
            Expr::binary(p4rmt_ir::BinaryOp::Sub, Expr::Field(hi), constant(70, 1)),
        ],
    };
    let body = vec![call(read, [lo, hi]), call_without_results(write)];
    let program = crate::support::whole(p4rmt_ir::Arch::Tna, gress.structured(body));
    let mut bench = Bench::load(program, p4rmt_engine::Mode::Unplaced, &[index]);
    for _ in 0..2 {
        bench.run_with(&[], &[], 0, &[bits(8, 2)]);
    }
    assert_eq!(bench.value(lo), bits(8, 1));
    assert_eq!(bench.value(hi), p4rmt_ir::Bits::ones(70));
    let element = bench.state.register(register(0), 2).expect("in range");
    assert_eq!(element[0], bits(8, 2));
    let before = bench.state.clone();
    bench.run_with(&[], &[], 0, &[bits(8, 3)]);
    assert_eq!(
        bench.value(lo),
        bits(8, 0),
        "beyond the register there are zeros"
    );
    assert_eq!(bench.state, before);
}

fn counter(kind: CountKind, size: u64) -> Counter {
    Counter {
        name: "c".into(),
        kind,
        width: 10,
        size,
        adjust_bytes: 0,
        span: Span::NONE,
    }
}

#[test]
fn counters_count_packets_and_bytes_of_the_packet_without_its_prefix() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let id: CounterId = gress
        .gress
        .counters
        .push(counter(CountKind::PacketsAndBytes, 2));
    let count = |index| {
        call_without_results(CallKind::Count {
            counter: id,
            index: Some(constant(8, index)),
        })
    };
    let body = vec![count(1), count(2)];
    let mut bench = Bench::new(gress.structured(body));
    bench.run_with(&[0; 16], &[0; 600], 0, &[]);
    bench.run(&[0; 500]);
    let place = Ref {
        gress: gress_id(),
        id,
    };
    let counts = bench.state.counter(place, 1).expect("in range");
    assert_eq!(counts.packets, Some(2));
    assert_eq!(counts.bytes, Some(1100 - 1024), "a count of 10 bits wraps");
    let others = bench.state.counter(place, 0).expect("in range");
    assert_eq!((others.packets, others.bytes), (Some(0), Some(0)));
}

#[test]
fn direct_cells_belong_to_the_entry() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let key = gress.intrinsic("key", 8);
    let out = gress.metadata("out", 8);
    let id: CounterId = gress.gress.counters.push(counter(CountKind::Packets, 0));
    let per_entry = gress.register("d", 0, &[8]);
    let up = vec![
        assign_local(0, add(local(0, 8), constant(8, 1))),
        assign_local(1, local(0, 8)),
    ];
    let action = gress.register_action("up", per_entry, up);
    let body = vec![
        call_without_results(CallKind::Count {
            counter: id,
            index: None,
        }),
        call(
            CallKind::RegisterAction {
                action,
                index: None,
            },
            [out],
        ),
    ];
    let counting = gress.action("counting", &[], body);
    let table = gress.table("t", &[(Expr::Field(key), MatchKind::Exact)], &[counting]);
    gress.gress.tables[table].direct_counters = vec![id];
    gress.gress.tables[table].direct_registers = vec![per_entry];
    gress.gress.tables[table].entries = [7, 8]
        .map(|value| Entry {
            matches: vec![Match::Exact(bits(8, value))],
            priority: 0,
            action: ActionCall {
                action: counting,
                args: Vec::new(),
            },
            span: Span::NONE,
        })
        .into();
    let body = vec![apply(table, [])];
    let program = crate::support::whole(p4rmt_ir::Arch::Tna, gress.structured(body));
    let mut bench = Bench::load(program, p4rmt_engine::Mode::Unplaced, &[key]);
    for (key, expected) in [(8, 1), (8, 2), (7, 1), (1, 1), (2, 2)] {
        bench.run_with(&[], &[], 0, &[bits(8, key)]);
        assert_eq!(bench.value(out), bits(8, expected), "key {key}");
    }
    let place = Ref {
        gress: gress_id(),
        id,
    };
    let packets = |slot| bench.state.counter(place, slot).expect("in range").packets;
    assert_eq!((packets(0), packets(1)), (Some(1), Some(2)));
    assert_eq!(packets(512), Some(2), "the cell of the default action");
}

#[test]
fn meters_follow_rfc_2698_on_the_clock_of_entry() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let color = gress.metadata("color", 8);
    let id: MeterId = gress.gress.meters.push(Meter {
        name: "m".into(),
        kind: CountKind::Packets,
        size: 1,
        colors: [bits(8, 0), bits(8, 1), bits(8, 3)],
        adjust_bytes: 0,
        filter: None,
        span: Span::NONE,
    });
    let meter = CallKind::Meter {
        meter: id,
        index: Some(constant(1, 0)),
        color: None,
    };
    let body = vec![call(meter, [color])];
    let mut bench = Bench::new(gress.structured(body));
    let colors = |bench: &mut Bench, clocks: &[u64]| -> Vec<u64> {
        let run = |clock: &u64| {
            bench.run_with(&[], &[0; 64], *clock, &[]);
            bench.value(color).low_u64()
        };
        clocks.iter().map(run).collect()
    };
    assert_eq!(colors(&mut bench, &[0; 5]), [0; 5], "not configured: green");
    let place = Ref {
        gress: gress_id(),
        id,
    };
    let one = 1 << METER_FRACTION_BITS;
    // One packet in ten clocks, two at once; twice as much at the peak.
    let config = MeterConfig {
        cir: one / 10 + 1,
        cbs: 2 * one,
        pir: one / 5 + 1,
        pbs: 3 * one,
    };
    bench
        .state
        .configure_meter(place, 0, config)
        .expect("in range");
    assert_eq!(colors(&mut bench, &[0; 5]), [0, 0, 1, 3, 3]);
    assert_eq!(
        colors(&mut bench, &[5, 5]),
        [1, 3],
        "five clocks: one peak token"
    );
    assert_eq!(colors(&mut bench, &[10, 10]), [0, 3], "five more: both");
    assert_eq!(colors(&mut bench, &[1000; 4]), [0, 0, 1, 3], "full again");
}

#[test]
fn fields_in_a_register_action_are_those_of_the_call() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, out) = (gress.metadata("x", 8), gress.metadata("out", 8));
    let id = gress.register("r", 1, &[8]);
    let body = vec![
        assign_local(0, Expr::Field(x)),
        assign_local(1, Expr::Field(x)),
    ];
    let action = gress.register_action("ra", id, body);
    let index = Some(constant(1, 0));
    let run = call(CallKind::RegisterAction { action, index }, [out]);
    let body = vec![assign(x, constant(8, 3)), run, assign(x, constant(8, 4))];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run_for(out), bits(8, 3));
}
