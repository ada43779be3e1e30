//! The report that tests of the page look at.

use p4rmt_ir::build::{GressBuilder, apply, assign, branch, constant, eq, param, program};
use p4rmt_ir::{Arch, Expr, GressRole, Id, MatchKind, PipeId};
use p4rmt_mau::{Target, place};
use p4rmt_report::{FitReport, report};
use p4rmt_source::Sources;

/// The report of `n_tables` tables, each matching on what the one before wrote, the last under a
/// condition, on a machine of `n_stages`.
pub(crate) fn chain(n_tables: usize, n_stages: u32) -> FitReport {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names: Vec<String> = (0..=n_tables).map(|index| format!("f{index}")).collect();
    let fields: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 32)).collect();
    let (header, fields) = builder.header("hdr.h", &fields);
    builder.extract(header);
    let mut body = Vec::new();
    for index in 0..n_tables {
        let write = vec![assign(fields[index + 1], param(0, 32))];
        // What a page must escape.
        let action = builder.action(&format!("set<{index}>&"), &[32], write);
        let key = [(Expr::Field(fields[index]), MatchKind::Exact)];
        let name = format!("Ingress.t<{index}>&");
        body.push(apply(builder.table(&name, &key, &[action]), []));
    }
    let last = body.pop().expect("there is a table");
    let condition = eq(Expr::Field(fields[n_tables - 1]), constant(32, 7));
    body.push(branch(condition, vec![last], vec![]));
    let structured = program("chain", Arch::T2na, [builder.structured(body)]);
    let program = p4rmt_midend::to_tables(&structured).expect("it has a tables form");
    let mut target = Target::built_in("tofino2").expect("it comes with the compiler");
    target.machine.stages = n_stages;
    let pipe = PipeId::from_index(0);
    let fit = place(&program, pipe, &target).expect("it is in the tables form");
    report(&fit, &program, pipe, &target, &Sources::new())
}
