//! Filters, adjusted byte counts, proxy hashes, triggers of the packet generator: each rule with a gress
//! that keeps it and one that breaks it, and how they read as text.

use p4rmt_ir::build::{GressBuilder, apply, call, constant, program};
use p4rmt_ir::validate::validate;
use p4rmt_ir::{
    Arch, Bits, CallKind, CountKind, Counter, Expr, Filter, FilterKind, Gress, GressRole,
    GroupLimits, Id, MatchKind, Meter, Place, Selector,
};
use p4rmt_source::Span;

#[track_caller]
fn accept(gress: Gress) {
    check(gress, &[]);
}

#[track_caller]
fn refuse(gress: Gress, expected: &str) {
    check(gress, &[expected]);
}

#[track_caller]
fn check(gress: Gress, expected: &[&str]) {
    let found: Vec<String> = match validate(&program("test", Arch::Tna, [gress])) {
        Ok(()) => Vec::new(),
        Err(violations) => violations.iter().map(|v| v.rule.to_string()).collect(),
    };
    assert_eq!(found, expected);
}

fn meter(size: u64, filter: Option<Filter>) -> Meter {
    Meter {
        name: "Ingress.m".to_owned(),
        kind: CountKind::Bytes,
        size,
        colors: [0, 1, 3].map(|color| Bits::from_u64(8, color)),
        adjust_bytes: 0,
        filter,
        span: Span::NONE,
    }
}

fn low_pass(width: u32) -> Filter {
    Filter {
        width,
        kind: FilterKind::LowPass,
    }
}

/// A control that gives a value of `width` bits to a meter, by an index.
fn filtering(filter: Option<Filter>, width: u32, result_width: u32) -> Gress {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let out = builder.metadata("out", result_width);
    let meter = builder.gress.meters.push(meter(4, filter));
    let kind = CallKind::Filter {
        meter,
        index: Some(constant(8, 1)),
        value: constant(width, 1),
    };
    builder.structured(vec![call(kind, [out])])
}

#[test]
fn filters_take_values_of_their_width() {
    accept(filtering(Some(low_pass(8)), 8, 8));
    refuse(
        filtering(Some(low_pass(8)), 9, 8),
        "a value is 9 bits wide where 8 are needed",
    );
}

#[test]
fn filters_are_no_wider_than_their_alu() {
    accept(filtering(Some(low_pass(32)), 32, 32));
    refuse(
        filtering(Some(low_pass(33)), 33, 33),
        "a filter takes values of 33 bits: at most 32",
    );
}

#[test]
fn early_drop_gives_what_it_says() {
    let drop = |no_drop_width| {
        let kind = FilterKind::EarlyDrop {
            drop: Bits::from_u64(8, 1),
            no_drop: Bits::zero(no_drop_width),
        };
        filtering(Some(Filter { width: 16, kind }), 16, 8)
    };
    accept(drop(8));
    refuse(drop(4), "no drop is 4 bits wide where 8 are needed");
}

#[test]
fn meters_mark_and_filters_filter() {
    refuse(
        filtering(None, 8, 8),
        "`m0` is not the kind of meter that is called",
    );
    let marking = |filter| {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let out = builder.metadata("out", 8);
        let meter = builder.gress.meters.push(meter(4, filter));
        let kind = CallKind::Meter {
            meter,
            index: Some(constant(8, 1)),
            color: None,
        };
        builder.structured(vec![call(kind, [out])])
    };
    accept(marking(None));
    refuse(
        marking(Some(low_pass(8))),
        "`m0` is not the kind of meter that is called",
    );
}

#[test]
fn direct_filters_belong_to_the_table() {
    let with = |is_attached: bool| {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let key = builder.metadata("key", 8);
        let meter = builder.gress.meters.push(meter(0, Some(low_pass(8))));
        let kind = CallKind::Filter {
            meter,
            index: None,
            value: Expr::Field(key),
        };
        let action = builder.action("filter", &[], vec![call(kind, [key])]);
        let table = builder.table("t", &[(Expr::Field(key), MatchKind::Exact)], &[action]);
        if is_attached {
            builder.gress.tables[table].direct_meters.push(meter);
        }
        builder.structured(vec![apply(table, [])])
    };
    accept(with(true));
    refuse(
        with(false),
        "`m0` is used as direct where it is not, or not as direct where it is",
    );
}

#[test]
fn the_generator_is_triggered_by_whole_bytes_in_the_ingress_deparser() {
    let with = |role, width| {
        let mut builder = GressBuilder::new(role);
        let header = vec![constant(width, 1)];
        builder.gress.deparser.body = vec![call(CallKind::Generate { header }, [])];
        builder.structured(Vec::new())
    };
    accept(with(GressRole::Ingress, 16));
    refuse(
        with(GressRole::Ingress, 12),
        "the header of a generated packet are 12 bits in all, not a multiple of 8",
    );
    refuse(
        with(GressRole::Egress, 16),
        "a trigger of the packet generator has no meaning in a deparser",
    );
}

#[test]
fn proxy_hashes_are_there() {
    let with = |is_there: bool| {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let key = builder.metadata("key", 8);
        let hash = builder.hash("proxy", 16);
        let action = builder.action("nop", &[], Vec::new());
        let table = builder.table("t", &[(Expr::Field(key), MatchKind::Exact)], &[action]);
        let other = Id::from_index(9);
        builder.gress.tables[table].proxy_hash = Some(if is_there { hash } else { other });
        builder.structured(vec![apply(table, [])])
    };
    accept(with(true));
    refuse(with(false), "`hash9` does not exist");
}

#[test]
fn they_have_their_spelling() {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let field = builder.metadata("a", 8);
    builder.gress.counters.push(Counter {
        name: "Ingress.c".to_owned(),
        kind: CountKind::Bytes,
        width: 32,
        size: 4,
        adjust_bytes: -20,
        span: Span::NONE,
    });
    builder.gress.meters.push(meter(4, Some(low_pass(8))));
    let kind = FilterKind::EarlyDrop {
        drop: Bits::from_u64(8, 0xDD),
        no_drop: Bits::zero(8),
    };
    let drop = builder
        .gress
        .meters
        .push(meter(4, Some(Filter { width: 8, kind })));
    let hash = builder.hash("proxy", 16);
    let groups = Some(GroupLimits {
        max_size: 120,
        n_groups: 4,
    });
    builder.gress.profiles.push(p4rmt_ir::ActionProfile {
        name: "Ingress.p".to_owned(),
        size: 480,
        selector: Some(Selector { hash, groups }),
        span: Span::NONE,
    });
    let action = builder.action("nop", &[], Vec::new());
    let table = builder.table("t", &[(Expr::Field(field), MatchKind::Exact)], &[action]);
    builder.gress.tables[table].proxy_hash = Some(hash);
    let mut body = vec![call(
        CallKind::Filter {
            meter: drop,
            index: Some(constant(8, 1)),
            value: Expr::Field(field),
        },
        [field],
    )];
    assert_eq!(
        call_outs(&body),
        Some(Place::Field(field)),
        "the result goes to the field"
    );
    body.push(apply(table, []));
    let header = vec![constant(8, 5)];
    builder.gress.deparser.body = vec![call(CallKind::Generate { header }, [])];
    let gress = builder.structured(body);
    let text = p4rmt_ir::text::program_text(&program("test", Arch::T2na, [gress]));
    for line in [
        "counter c0: 4 x bytes bit<32> less -20",
        "meter m0: 4 x average of bit<8>",
        "meter m1: 4 x drop 8w0xdd or 8w0x0 by bit<8>",
        "480, 4 groups of 120 by hash0",
        "stores hash0",
        "f0 = filter f0 by m1[8w0x1]",
        "generate with [8w0x5]",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

fn call_outs(body: &[p4rmt_ir::Stmt]) -> Option<Place> {
    match &body.first()?.kind {
        p4rmt_ir::StmtKind::Call(call) => call.outs.first()?.clone(),
        _ => None,
    }
}
