//! Each limit of a stage on either side: a program that just fits, and what is said where it just does
//! not.

use p4rmt_ir::build::{
    GressBuilder, apply, assign, assign_slice, branch, call, constant, eq, param, program, stmt,
};
use p4rmt_ir::{
    Arch, BinaryOp, Bits, Block, Call, CallKind, CountKind, Counter, Entry, Expr, GressRole, Id,
    Match, MatchKind, PipeId, Place, Program, StmtKind,
};
use p4rmt_mau::counted::counted;
use p4rmt_mau::target::StageLimits;
use p4rmt_mau::{Fit, Target, place};
use p4rmt_source::Span;

/// A gress with fields `a` to `d` of 32 bits that leave on the wire.
struct Maker {
    builder: GressBuilder,
    fields: Vec<p4rmt_ir::FieldId>,
}

fn maker() -> Maker {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names = ["a", "b", "c", "d"].map(|name| (name, 32));
    let (header, fields) = builder.header("hdr.h", &names);
    builder.extract(header);
    Maker { builder, fields }
}

impl Maker {
    fn read(&self, field: usize) -> Expr {
        Expr::Field(self.fields[field])
    }

    fn program(self, body: Block) -> Program {
        let structured = program("limits", Arch::T2na, [self.builder.structured(body)]);
        p4rmt_midend::to_tables(&structured).expect("the program has a tables form")
    }

    /// One table that matches on `a` and `b` and sets `c`.
    fn table(mut self, kind: MatchKind) -> Program {
        let body = vec![assign(self.fields[2], param(0, 32))];
        let action = self.builder.action("set_c", &[32], body);
        let keys = [(self.read(0), kind), (self.read(1), kind)];
        let table = self.builder.table("t", &keys, &[action]);
        self.program(vec![apply(table, [])])
    }

    /// One table whose action reaches a register at `b`.
    fn register(mut self) -> Program {
        let register = self.builder.register("reg", 4096, &[32]);
        let action = self.builder.register_action("read", register, vec![]);
        let index = Some(self.read(1));
        let kind = CallKind::RegisterAction { action, index };
        let action = self
            .builder
            .action("act", &[], vec![call(kind, [self.fields[2]])]);
        let keys = [(self.read(0), MatchKind::Exact)];
        let table = self.builder.table("t", &keys, &[action]);
        self.program(vec![apply(table, [])])
    }

    /// One table whose action counts at `b`.
    fn counter(mut self) -> Program {
        let counter = self.builder.gress.counters.push(Counter {
            name: "counter".to_owned(),
            kind: CountKind::Packets,
            width: 32,
            size: 4096,
            adjust_bytes: 0,
            span: Span::default(),
        });
        let index = Some(self.read(1));
        let kind = CallKind::Count { counter, index };
        let action = self.builder.action("act", &[], vec![call(kind, [])]);
        let keys = [(self.read(0), MatchKind::Exact)];
        let table = self.builder.table("t", &keys, &[action]);
        self.program(vec![apply(table, [])])
    }

    /// A table under a condition that holds for `n` values of `b`.
    fn alternatives(mut self, n: u64) -> Program {
        let action =
            self.builder
                .action("set_c", &[32], vec![assign(self.fields[2], param(0, 32))]);
        let keys = [(self.read(0), MatchKind::Exact)];
        let table = self.builder.table("t", &keys, &[action]);
        let values = (0..n).map(|value| eq(self.read(1), constant(32, value)));
        let cond = values.reduce(|one, other| Expr::binary(BinaryOp::Or, one, other));
        let cond = cond.expect("there is a value");
        self.program(vec![branch(cond, vec![apply(table, [])], vec![])])
    }

    /// A table with this many constant entries.
    fn constant_entries(mut self, n: u64) -> Program {
        let action =
            self.builder
                .action("set_c", &[], vec![assign(self.fields[2], constant(32, 1))]);
        let keys = [(self.read(0), MatchKind::Exact)];
        let table = self.builder.table("t", &keys, &[action]);
        let of = &mut self.builder.gress.tables[table];
        of.are_entries_const = true;
        of.entries = (0..n)
            .map(|value| Entry {
                matches: vec![Match::Exact(Bits::from_u64(32, value))],
                priority: 0,
                action: of.default_action.clone(),
                span: Span::default(),
            })
            .collect();
        self.program(vec![apply(table, [])])
    }

    /// A table without a key, whose action sets `c` to what was hashed, or to a constant.
    fn keyless(mut self, is_hashed: bool) -> Program {
        let hash = self.builder.hash("hash", 16);
        let args = vec![self.read(0)];
        let body = if is_hashed {
            let place = Place::FieldSlice {
                field: self.fields[2],
                hi: 15,
                lo: 0,
            };
            vec![stmt(StmtKind::Call(Call {
                kind: CallKind::Hash { hash, args },
                outs: vec![Some(place)],
            }))]
        } else {
            vec![assign(self.fields[2], constant(32, 1))]
        };
        let action = self.builder.action("act", &[], body);
        let table = self.builder.table("t", &[], &[action]);
        self.program(vec![apply(table, [])])
    }

    /// A table in TCAM of this many entries, of each of which nine bits are said beside it.
    fn many_entries(mut self, n: u64) -> Program {
        let actions = [("set_c", 2), ("set_d", 3)].map(|(name, field)| {
            let body = vec![assign_slice(self.fields[field], 7, 0, param(0, 8))];
            self.builder.action(name, &[8], body)
        });
        let keys = [(self.read(0), MatchKind::Ternary)];
        let table = self.builder.table("t", &keys, &actions);
        self.builder.gress.tables[table].size = n;
        self.program(vec![apply(table, [])])
    }

    /// A table under a condition.
    fn condition(mut self) -> Program {
        let body = vec![assign(self.fields[2], param(0, 32))];
        let action = self.builder.action("set_c", &[32], body);
        let keys = [(self.read(0), MatchKind::Exact)];
        let table = self.builder.table("t", &keys, &[action]);
        let cond = eq(self.read(1), constant(32, 1));
        self.program(vec![branch(cond, vec![apply(table, [])], vec![])])
    }
}

fn fit_with(program: &Program, limit: u32, set: fn(&mut StageLimits) -> &mut u32) -> Fit {
    let mut target = Target::built_in("tofino2").expect("it comes with the compiler");
    *set(&mut target.stage) = limit;
    place(program, PipeId::from_index(0), &target).expect("it is in the tables form")
}

/// With `needed` of a resource the program fits; with one less the message names what needs it.
#[track_caller]
fn check(
    program: &Program,
    set: fn(&mut StageLimits) -> &mut u32,
    needed: u32,
    (unit, what): (&str, &str),
) {
    let fits = fit_with(program, needed, set);
    assert_eq!(fits.problems, [], "{needed} {what} are enough");
    assert_eq!(fits.placement.stages_used, 1);
    let refused = fit_with(program, needed - 1, set);
    let message = format!(
        "`{unit}` needs {} in one stage, which has {}",
        counted(needed, what),
        needed - 1
    );
    let messages: Vec<String> = refused
        .problems
        .iter()
        .map(|of| of.problem.to_string())
        .collect();
    assert!(messages.contains(&message), "{message}: {messages:#?}");
}

#[test]
fn exact_tables() {
    let program = maker().table(MatchKind::Exact);
    let check = |set: fn(&mut StageLimits) -> &mut u32, needed, what| {
        check(&program, set, needed, ("t", what));
    };
    check(|of| &mut of.sram_blocks, 4, "SRAM blocks");
    check(
        |of| &mut of.exact_xbar_bytes,
        8,
        "bytes of the exact match crossbar",
    );
    check(|of| &mut of.hash_bits, 40, "hash bits");
    check(|of| &mut of.hash_functions, 1, "hash functions");
    check(|of| &mut of.search_buses, 1, "search buses");
    check(|of| &mut of.result_buses, 1, "result buses");
    check(|of| &mut of.vliw_rows, 1, "instruction rows");
    check(
        |of| &mut of.action_bus_bytes,
        4,
        "bytes of the action data bus",
    );
    check(|of| &mut of.logical_tables, 1, "logical tables");
}

#[test]
fn ternary_tables() {
    let program = maker().table(MatchKind::Ternary);
    let check = |set: fn(&mut StageLimits) -> &mut u32, needed, what| {
        check(&program, set, needed, ("t", what));
    };
    check(|of| &mut of.tcam_blocks, 2, "TCAM blocks");
    check(
        |of| &mut of.ternary_xbar_bytes,
        8,
        "bytes of the ternary match crossbar",
    );
    check(|of| &mut of.ternary_tables, 1, "tables in TCAM");
    check(|of| &mut of.ternary_result_buses, 1, "ternary result buses");
}

#[test]
fn registers() {
    let program = maker().register();
    // What the table and its register need together.
    let check = |set: fn(&mut StageLimits) -> &mut u32, needed, what| {
        check(&program, set, needed, ("t` with `reg", what));
    };
    check(|of| &mut of.map_rams, 2, "map RAM blocks");
    check(|of| &mut of.meter_alus, 1, "stateful and meter ALUs");
    check(|of| &mut of.hash_dist_units, 1, "hash distribution units");
}

#[test]
fn counters() {
    check(
        &maker().counter(),
        |of| &mut of.stats_alus,
        1,
        ("t` with `counter", "counter ALUs"),
    );
}

/// A gateway has four rows.
#[test]
fn alternatives_of_a_condition() {
    let check = |n, needed| {
        let program = maker().alternatives(n);
        check(
            &program,
            |of| &mut of.gateways,
            needed,
            ("cond-0", "gateways"),
        );
    };
    check(4, 1);
    check(5, 2);
    check(9, 3);
}

/// A gateway has the entries of a small table that never changes; a larger one takes memory.
#[test]
fn constant_entries() {
    let blocks = |n| {
        let program = maker().constant_entries(n);
        let fit = fit_with(&program, 16, |of| &mut of.gateways);
        assert_eq!(fit.problems, []);
        let parts = &fit.placement.gresses[Id::from_index(0)].tables[Id::from_index(0)];
        (parts[0].entries, parts[0].memory.sram)
    };
    assert_eq!(blocks(1), (1, 0));
    assert_eq!(blocks(4), (4, 0));
    assert_eq!(blocks(5).1, 4);
}

#[test]
fn conditions() {
    let program = maker().condition();
    check(&program, |of| &mut of.gateways, 1, ("cond-0", "gateways"));
}

/// What a gateway runs with a hash comes like an entry of SRAM, another default action like one of TCAM.
#[test]
fn actions_without_a_key() {
    let hashed = maker().keyless(true);
    check(&hashed, |of| &mut of.result_buses, 1, ("t", "result buses"));
    let plain = maker().keyless(false);
    check(
        &plain,
        |of| &mut of.ternary_result_buses,
        1,
        ("t", "ternary result buses"),
    );
}

/// Blocks of one row share a bus, and 8,192 entries of nine bits take a block.
#[test]
fn what_entries_of_tcam_do_takes_a_bus_a_row() {
    let messages = |n, buses| -> Vec<String> {
        let mut target = Target::built_in("tofino2").expect("it comes with the compiler");
        target.tcam.indirection_row_blocks = 1;
        target.stage.ternary_result_buses = buses;
        let program = maker().many_entries(n);
        let fit = place(&program, PipeId::from_index(0), &target).expect("it has a tables form");
        let problems = fit.problems.iter();
        problems.map(|of| of.problem.to_string()).collect()
    };
    assert_eq!(messages(8192, 1), [""; 0]);
    assert_eq!(messages(8193, 2), [""; 0]);
    let refused = "`t` needs 2 ternary result buses in one stage, which has 1";
    assert_eq!(messages(8193, 1), [refused]);
}
