//! Small programs placed: each dependency, resource and refusal once.

use p4rmt_ir::build::{GressBuilder, add, apply, assign, branch, call, constant, eq, program};
use p4rmt_ir::{
    Arch, Block, CallKind, Expr, FieldId, GressRole, MatchKind, Outcome, PipeId, Program, TableId,
};
use p4rmt_mau::unit::UnitKind;
use p4rmt_mau::{BlockedBy, Fit, PlaceError, Target, place};
use p4rmt_report::{FitReport, report, text};
use p4rmt_source::Sources;

/// The only pipe.
fn pipe() -> PipeId {
    p4rmt_ir::Id::from_index(0)
}

/// A gress in the making with fields that leave on the wire, so that no write is dead.
struct Maker {
    builder: GressBuilder,
    fields: Vec<FieldId>,
}

impl Maker {
    fn new() -> Self {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let (header, fields) = builder.header(
            "hdr.h",
            &[("a", 32), ("b", 32), ("c", 32), ("d", 32), ("e", 32)],
        );
        builder.extract(header);
        Self { builder, fields }
    }

    fn read(&self, field: usize) -> Expr {
        Expr::Field(self.fields[field])
    }

    /// A table that matches on some fields and sets others to action data.
    fn table(&mut self, name: &str, keys: &[usize], writes: &[usize]) -> TableId {
        let params: Vec<u32> = writes.iter().map(|_| 32).collect();
        let body = (0..)
            .zip(writes)
            .map(|(index, field)| assign(self.fields[*field], p4rmt_ir::build::param(index, 32)))
            .collect();
        let keys: Vec<(Expr, MatchKind)> = keys
            .iter()
            .map(|field| (self.read(*field), MatchKind::Exact))
            .collect();
        let action = self.builder.action(&format!("{name}_act"), &params, body);
        self.builder.table(name, &keys, &[action])
    }

    fn program_of(&self, body: Block) -> Program {
        let builder = self.builder.clone();
        let fields = self.fields.clone();
        Self { builder, fields }.program(body)
    }

    fn program(self, body: Block) -> Program {
        let structured = program("small", Arch::T2na, [self.builder.structured(body)]);
        p4rmt_midend::to_tables(&structured).expect("the program has a tables form")
    }
}

fn run(table: TableId) -> p4rmt_ir::Stmt {
    apply(table, [])
}

fn target(name: &str) -> Target {
    Target::built_in(name).expect("it comes with the compiler")
}

#[track_caller]
fn fit(program: &Program) -> Fit {
    place(program, pipe(), &target("tofino2")).expect("the pipe is in the tables form")
}

/// First stages of tables by name.
fn stages(fit: &Fit) -> Vec<(String, u32)> {
    let of = |unit: &p4rmt_mau::unit::Unit| match unit.kind {
        UnitKind::Table(table) => {
            let parts = &fit.placement.gresses[unit.gress].tables[table];
            Some((unit.name.clone(), parts.first()?.slot.stage))
        }
        UnitKind::Gateway(_) => None,
    };
    fit.graph.units.iter().filter_map(of).collect()
}

#[track_caller]
fn check_stages(fit: &Fit, expected: &[(&str, u32)]) {
    let found = stages(fit);
    let found: Vec<(&str, u32)> = found
        .iter()
        .map(|(name, stage)| (name.as_str(), *stage))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(fit.problems, [], "it fits");
}

fn report_of(fit: &Fit, program: &Program) -> FitReport {
    report(fit, program, pipe(), &target("tofino2"), &Sources::new())
}

#[test]
fn a_match_on_what_a_table_writes_needs_a_later_stage() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[1], &[2]);
    let program = maker.program(vec![run(first), run(second)]);
    let fit = fit(&program);
    check_stages(&fit, &[("first", 0), ("second", 1)]);
    assert_eq!(fit.critical_path_stages, 2);
    let report = report_of(&fit, &program);
    assert_eq!(report.tables[0].blocked_by, None);
    let blocked_by = report.tables[1]
        .blocked_by
        .as_ref()
        .expect("it is in stage 1");
    assert_eq!(
        (blocked_by.kind, blocked_by.on.as_str()),
        ("match", "first")
    );
    assert!(
        blocked_by.detail.starts_with("`first` writes `hdr.h.b`"),
        "{}",
        blocked_by.detail
    );
}

#[test]
fn two_writes_of_one_field_need_two_stages() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[0], &[1]);
    let fit = fit(&maker.program(vec![run(first), run(second)]));
    check_stages(&fit, &[("first", 0), ("second", 1)]);
}

#[test]
fn a_write_after_a_read_shares_the_stage_in_order() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[2], &[0]);
    let fit = fit(&maker.program(vec![run(first), run(second)]));
    check_stages(&fit, &[("first", 0), ("second", 0)]);
    let gress = &fit.placement.gresses[p4rmt_ir::Id::from_index(0)];
    assert!(gress.tables[first][0].slot < gress.tables[second][0].slot);
}

#[test]
fn branches_that_exclude_each_other_share_a_stage() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[1], &[1]);
    let cond = eq(maker.read(3), constant(32, 7));
    let body = vec![branch(cond, vec![run(first)], vec![run(second)])];
    let fit = fit(&maker.program(body));
    check_stages(&fit, &[("first", 0), ("second", 0)]);
}

#[test]
fn a_gateway_shares_the_logical_table_of_the_table_under_it() {
    let mut maker = Maker::new();
    let only = maker.table("only", &[0], &[1]);
    let cond = eq(maker.read(3), constant(32, 7));
    let program = maker.program(vec![branch(cond, vec![run(only)], vec![])]);
    let fit = fit(&program);
    let report = report_of(&fit, &program);
    assert_eq!(
        (report.stages[0].logical_tables, report.stages[0].gateway),
        (1, 1)
    );
    let gress = &fit.placement.gresses[p4rmt_ir::Id::from_index(0)];
    assert_eq!(
        gress.gateways[p4rmt_ir::Id::from_index(0)],
        gress.tables[only][0].slot
    );
}

#[test]
fn a_table_under_a_hit_follows_its_parent() {
    let mut maker = Maker::new();
    let above = maker.table("above", &[0], &[1]);
    let below = maker.table("below", &[2], &[3]);
    let body = vec![apply(above, [(Outcome::Hit, vec![run(below)])])];
    let fit = fit(&maker.program(body));
    check_stages(&fit, &[("above", 0), ("below", 0)]);
}

/// A program that counts up `n` registers, each by its own table and the same index.
fn registers(n: usize) -> Program {
    let mut maker = Maker::new();
    let mut body = Vec::new();
    for index in 0..n {
        let register = maker
            .builder
            .register(&format!("reg{index}"), 32_768, &[32]);
        let value = Expr::Local {
            local: p4rmt_ir::Id::from_index(0),
            width: 32,
        };
        let increment = vec![p4rmt_ir::build::assign_local(
            0,
            add(value, constant(32, 1)),
        )];
        let action = maker
            .builder
            .register_action(&format!("count{index}"), register, increment);
        let kind = CallKind::RegisterAction {
            action,
            index: Some(maker.read(0)),
        };
        let act = maker.builder.action(
            &format!("act{index}"),
            &[],
            vec![p4rmt_ir::build::stmt(p4rmt_ir::StmtKind::Call(
                p4rmt_ir::Call {
                    kind,
                    outs: vec![None],
                },
            ))],
        );
        let key = [(maker.read(1), MatchKind::Exact)];
        let table = maker.builder.table(&format!("table{index}"), &key, &[act]);
        body.push(run(table));
    }
    maker.program(body)
}

#[test]
fn a_stage_has_four_stateful_alus() {
    let program = registers(5);
    let fit = fit(&program);
    let report = report_of(&fit, &program);
    assert_eq!(fit.problems, []);
    assert_eq!(report.stages[0].meter_alu, 4);
    assert_eq!(report.stages[1].meter_alu, 1);
    // A register of 32,768 times 32 bits: eight blocks and a spare one; and four for the table.
    assert_eq!((report.tables[0].sram, report.tables[0].map_ram), (13, 9));
    let late: Vec<&str> = report
        .tables
        .iter()
        .filter_map(|table| table.blocked_by.as_ref().map(|by| by.on.as_str()))
        .collect();
    assert_eq!(late, ["meter_alu"]);
}

#[test]
fn users_of_one_register_share_a_stage_and_its_memory() {
    let mut maker = Maker::new();
    let register = maker.builder.register("reg", 1024, &[32]);
    let mut tables = Vec::new();
    for name in ["one", "two"] {
        let action = maker.builder.register_action(name, register, vec![]);
        let kind = CallKind::RegisterAction {
            action,
            index: Some(maker.read(0)),
        };
        let act = maker
            .builder
            .action(name, &[], vec![call(kind, [maker.fields[1]])]);
        tables.push(
            maker
                .builder
                .table(name, &[(maker.read(2), MatchKind::Exact)], &[act]),
        );
    }
    // The second one could be in stage 0, the first one not.
    let before = maker.table("before", &[3], &[2]);
    let cond = eq(maker.read(4), constant(32, 0));
    let body = vec![branch(
        cond,
        vec![run(before), run(tables[0])],
        vec![run(tables[1])],
    )];
    let program = maker.program(body);
    let fit = fit(&program);
    check_stages(&fit, &[("before", 0), ("one", 1), ("two", 1)]);
    assert_eq!(report_of(&fit, &program).stages[1].meter_alu, 1);
    assert!(matches!(
        fit.blocked_by.last(),
        Some(Some(BlockedBy::SharedMemory { .. }))
    ));
}

#[test]
fn a_table_larger_than_a_stage_is_divided() {
    let mut maker = Maker::new();
    let large = maker.table("large", &[0, 1, 2], &[3]);
    maker.builder.gress.tables[large].size = 150_000;
    let after = maker.table("after", &[3], &[4]);
    let program = maker.program(vec![run(large), run(after)]);
    let fit = fit(&program);
    let parts = &fit.placement.gresses[p4rmt_ir::Id::from_index(0)].tables[large];
    assert!(parts.len() > 1, "{parts:?}");
    assert!(parts.iter().map(|part| part.entries).sum::<u64>() >= 150_000);
    check_stages(
        &fit,
        &[
            ("large", 0),
            ("after", parts.last().expect("it has parts").slot.stage + 1),
        ],
    );
}

#[test]
fn a_chain_longer_than_the_machine_does_not_fit() {
    let mut maker = Maker::new();
    let tables: Vec<TableId> = (0..21)
        .map(|index| maker.table(&format!("t{index}"), &[index % 2], &[(index + 1) % 2]))
        .collect();
    let program = maker.program(tables.into_iter().map(run).collect());
    let fit = fit(&program);
    let report = report_of(&fit, &program);
    assert!(!report.fits);
    assert_eq!((report.stages_used, report.critical_path), (21, 21));
    assert_eq!(report.problems[0].code, "E0501");
    assert_eq!(
        report.problems[0].message,
        "the program needs 21 stages, the machine has 20"
    );
}

#[test]
fn a_register_touched_before_and_after_a_match_does_not_fit() {
    let mut maker = Maker::new();
    let register = maker.builder.register("reg", 1024, &[32]);
    let mut tables = Vec::new();
    for (name, key, out) in [("one", 0, 1), ("two", 1, 2)] {
        let action = maker.builder.register_action(name, register, vec![]);
        let kind = CallKind::RegisterAction {
            action,
            index: Some(maker.read(3)),
        };
        let act = maker
            .builder
            .action(name, &[], vec![call(kind, [maker.fields[out]])]);
        tables.push(
            maker
                .builder
                .table(name, &[(maker.read(key), MatchKind::Exact)], &[act]),
        );
    }
    let body = vec![run(tables[0]), run(tables[1])];
    let structured = program("small", Arch::T2na, [maker.builder.structured(body)]);
    // The middle end refuses it too, since a packet could touch the register twice.
    if let Ok(program) = p4rmt_midend::to_tables(&structured) {
        let fit = fit(&program);
        assert_eq!(fit.problems[0].problem.code().0, "E0505");
    }
}

#[test]
fn without_long_branches_branches_are_placed_whole() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[1], &[2]);
    let other = maker.table("other", &[3], &[4]);
    let cond = eq(maker.read(3), constant(32, 7));
    let program = maker.program(vec![
        branch(cond, vec![run(first), run(second)], vec![]),
        run(other),
    ]);
    let fit = place(&program, pipe(), &target("tofino1")).expect("it is in the tables form");
    assert_eq!(fit.problems, []);
    let gress = &fit.placement.gresses[p4rmt_ir::Id::from_index(0)];
    let slot = |table: TableId| gress.tables[table][0].slot;
    assert!(slot(other) < slot(first) || slot(other) > slot(second));
}

#[test]
fn the_report_has_every_key_and_reads_well() {
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[1], &[2]);
    let program = maker.program(vec![run(first), run(second)]);
    let report = report_of(&fit(&program), &program);
    let json = serde_json::to_value(&report).expect("the report is plain data");
    let keys = [
        "program",
        "target",
        "pipe",
        "fits",
        "stages_used",
        "stages_available",
        "critical_path",
        "tables",
        "stages",
        "totals",
        "phv",
        "parser",
        "latency",
        "power_w_per_pipe",
        "problems",
    ];
    for key in keys {
        assert!(json.get(key).is_some(), "`{key}` is missing");
    }
    assert_eq!(json["stages"].as_array().map(Vec::len), Some(20));
    assert_eq!(json["totals"]["sram"]["available"], 1600);
    let text = text(&report);
    assert!(
        text.starts_with("small fits tofino2\n2 of 20 stages used, 2 needed by"),
        "{text}"
    );
    assert!(text.contains("match: `first` writes `hdr.h.b`"), "{text}");
}

#[test]
fn what_runs_after_another_action_shares_the_stage() {
    let mut maker = Maker::new();
    let read = maker.read(0);
    let nothing = maker.builder.action("nothing", &[], vec![]);
    let write = vec![assign(maker.fields[1], p4rmt_ir::build::param(0, 32))];
    let writes = maker.builder.action("writes", &[32], write);
    let above = maker
        .builder
        .table("above", &[(read, MatchKind::Exact)], &[nothing, writes]);
    let below = maker.table("below", &[2], &[1]);
    let arms = |on| [(Outcome::Action(on), vec![run(below)])];
    let free = maker.program_of(vec![apply(above, arms(nothing))]);
    check_stages(&fit(&free), &[("above", 0), ("below", 0)]);
    let bound = maker.program(vec![apply(above, arms(writes))]);
    check_stages(&fit(&bound), &[("above", 0), ("below", 1)]);
}

#[test]
fn a_table_of_absurd_size_is_refused_at_once() {
    let mut maker = Maker::new();
    let absurd = maker.table("absurd", &[0, 1], &[2]);
    maker.builder.gress.tables[absurd].size = u64::MAX;
    let fit = fit(&maker.program(vec![run(absurd)]));
    assert_eq!(fit.problems[0].problem.code().0, "E0501");
}

#[test]
fn a_machine_with_next_to_nothing_answers_at_once() {
    let text = Target::BUILT_IN[1].1;
    let mut maker = Maker::new();
    let first = maker.table("first", &[0], &[1]);
    let second = maker.table("second", &[1], &[2]);
    let program = maker.program(vec![run(first), run(second)]);
    for (from, to, fits) in [
        ("sram_blocks = 80", "sram_blocks = 0", false),
        ("depth_words = 1024", "depth_words = 1", true),
        ("width_bits = 128", "width_bits = 1", false),
        ("stages = 20", "stages = 1", false),
        ("stages = 20", "stages = 65536", true),
    ] {
        let target = Target::from_toml(&text.replacen(from, to, 1)).expect("it is well formed");
        let fit = place(&program, pipe(), &target).expect("it is in the tables form");
        assert_eq!(fit.fits(), fits, "{to}");
    }
}

#[test]
fn v1model_has_no_stages() {
    let builder = GressBuilder::new(GressRole::Whole);
    let gress = builder.whole(vec![], vec![], vec![], vec![]);
    let program = program("small", Arch::V1model, [gress]);
    let target = Target::built_in("tofino2").expect("the target is built in");
    assert_eq!(
        place(&program, pipe(), &target).err(),
        Some(PlaceError::NoStages)
    );
}
