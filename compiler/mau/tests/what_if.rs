//! Questions to a placement: other limits, other sizes, and what it would take.

use p4rmt_ir::build::{GressBuilder, apply, assign, param, program};
use p4rmt_ir::{Arch, Expr, GressRole, Id, MatchKind, PipeId, Program};
use p4rmt_mau::what_if::{Relief, WhatIfError, change_target, resize, what_it_takes};
use p4rmt_mau::{Target, place};

const TOFINO2: &str = Target::BUILT_IN[1].1;

fn changed(changes: &[(&str, u32)]) -> Result<Target, WhatIfError> {
    let changes: Vec<(String, u32)> = changes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), *value))
        .collect();
    change_target(TOFINO2, &changes)
}

#[test]
fn a_number_is_named_by_its_key_or_with_its_section() {
    let target = changed(&[("stages", 8), ("stage.sram_blocks", 40)]).expect("both are numbers");
    assert_eq!((target.machine.stages, target.stage.sram_blocks), (8, 40));
    let mut back = target;
    (back.machine.stages, back.stage.sram_blocks) = (20, 80);
    assert_eq!(back, Target::built_in("tofino2").expect("it is built in"));
}

#[track_caller]
fn check_refused(changes: &[(&str, u32)], expected: &str) {
    let error = changed(changes).expect_err("it is refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_no_number_of_a_target_is_refused() {
    check_refused(
        &[("sram_bloks", 1)],
        "there is no number of a target `sram_bloks`; did you mean `sram_blocks`?",
    );
    check_refused(
        &[("machine", 1)],
        "there is no number of a target `machine`",
    );
    check_refused(&[("stages", 0)], "`stages` can't be 0, but 1 to 65536");
}

/// Two tables side by side, of these sizes, each a few blocks wide.
fn two_tables(sizes: [u64; 2]) -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = builder.header("hdr.h", &[("a", 128), ("b", 32), ("c", 32)]);
    builder.extract(header);
    let mut body = Vec::new();
    for (index, size) in sizes.into_iter().enumerate() {
        let write = vec![assign(fields[index + 1], param(0, 32))];
        let action = builder.action(&format!("set{index}"), &[32], write);
        let key = [(Expr::Field(fields[0]), MatchKind::Exact)];
        let table = builder.table(&format!("Ingress.t{index}"), &key, &[action]);
        builder.gress.tables[table].size = size;
        body.push(apply(table, []));
    }
    let structured = program("two", Arch::T2na, [builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}

const PIPE: usize = 0;

#[test]
fn a_table_is_named_by_the_end_of_its_name() {
    let mut program = two_tables([1024, 1024]);
    let pipe = PipeId::from_index(PIPE);
    resize(&mut program, pipe, "t1", 4096).expect("there is one `t1`");
    let gress = program.pipes[pipe].gresses.values().next().expect("one");
    let sizes: Vec<u64> = gress.tables.values().map(|table| table.size).collect();
    assert_eq!(sizes, [1024, 4096]);
    let error = resize(&mut program, pipe, "t2", 1).expect_err("there is no `t2`");
    assert!(matches!(error, WhatIfError::NoSuch { .. }), "{error}");
}

#[test]
fn what_it_takes_is_the_most_that_fits() {
    let pipe = PipeId::from_index(PIPE);
    let target = changed(&[("stages", 2)]).expect("it is a number");
    let fits = |program: &Program| place(program, pipe, &target).expect("tables").fits();
    let sizes = [120_000, 80_000];
    let program = two_tables(sizes);
    assert!(!fits(&program));
    let relief = what_it_takes(&program, pipe, &target).expect("tables");
    let percent = relief.table_percent.expect("small tables fit");
    let at = |percent: u32| two_tables(sizes.map(|size| size * u64::from(percent) / 100));
    assert!(fits(&at(percent)) && !fits(&at(percent + 1)), "{percent} %");
}

#[test]
fn where_no_size_helps_none_is_named() {
    let pipe = PipeId::from_index(PIPE);
    let target = changed(&[("stage.logical_tables", 1), ("stages", 1)]).expect("numbers");
    let relief = what_it_takes(&two_tables([10, 10]), pipe, &target).expect("tables");
    assert_eq!(
        relief,
        Relief {
            table_percent: None
        }
    );
}
