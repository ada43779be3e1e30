//! What actions take of the bus that brings them data, and of instruction rows.

use p4rmt_ir::build::{GressBuilder, apply, assign, constant, param, program};
use p4rmt_ir::{
    ActionProfile, Arch, Classifier, Expr, FieldId, GressRole, MatchKind, Partitions, Program,
    TableId,
};
use p4rmt_ir::{Id, PipeId};
use p4rmt_mau::resource::{Resource, Usage};
use p4rmt_mau::{Target, place};
use p4rmt_source::Span;

/// A gress with a key of 32 bits.
fn maker() -> (GressBuilder, Expr) {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = builder.header("hdr.h", &[("key", 32)]);
    builder.extract(header);
    (builder, Expr::Field(fields[0]))
}

fn program_of(builder: GressBuilder, tables: &[TableId]) -> Program {
    let body = tables.iter().map(|table| apply(*table, [])).collect();
    let structured = program("wires", Arch::T2na, [builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}

/// What the stages of a program use on Tofino 2.
#[track_caller]
fn stages(program: &Program) -> Vec<Usage> {
    let target = Target::built_in("tofino2").expect("built in");
    let fit = place(program, PipeId::from_index(0), &target).expect("it is sound");
    assert_eq!(fit.problems, []);
    fit.stages
}

fn bus_bytes(program: &Program) -> Vec<u32> {
    let stages = stages(program);
    let used = stages.iter().map(|of| of[Resource::ActionBusBytes]);
    used.collect()
}

/// A field of this width that is set to this constant takes so many bytes of the bus.
#[track_caller]
fn check_constant(width: u32, value: u64, expected: u32) {
    let (mut builder, key) = maker();
    let field = builder.metadata("md.x", width);
    let action = builder.action("set", &[], vec![assign(field, constant(width, value))]);
    let table = builder.table("t", &[(key, MatchKind::Exact)], &[action]);
    assert_eq!(bus_bytes(&program_of(builder, &[table])), [expected]);
}

#[test]
fn an_instruction_that_fills_a_container_has_the_constant() {
    check_constant(8, 0xa5, 0);
    check_constant(16, 0x0800, 0);
    check_constant(32, (1 << 21) - 1, 0);
    check_constant(32, 1 << 21, 4);
    // The upper half is small.
    check_constant(64, 0xffff_ffff, 4);
}

#[test]
fn a_part_of_a_container_is_set_to_a_small_number_at_its_place() {
    check_constant(12, 7, 0);
    check_constant(12, 7 << 6, 0);
    check_constant(12, 0xffd, 0);
    check_constant(12, 0x455, 2);
}

/// Bits that say that two values for the traffic manager are there are set under a mask, of a byte each.
#[test]
fn two_values_for_the_traffic_manager_are_set_under_a_mask() {
    let bytes = |names: &[&str]| {
        let (mut builder, key) = maker();
        let set = |builder: &mut GressBuilder, name: &str| -> FieldId {
            builder.intrinsic(&format!("ingress_intrinsic_metadata_for_tm_t.{name}"), 3)
        };
        let fields: Vec<FieldId> = names.iter().map(|name| set(&mut builder, name)).collect();
        let body = fields.iter().map(|field| assign(*field, constant(3, 1)));
        let action = builder.action("set", &[], body.collect());
        let table = builder.table("t", &[(key, MatchKind::Exact)], &[action]);
        bus_bytes(&program_of(builder, &[table]))
    };
    assert_eq!(bytes(&["ingress_cos"]), [0]);
    assert_eq!(bytes(&["ingress_cos", "icos_for_copy_to_cpu"]), [2]);
}

#[test]
fn tables_that_lead_to_one_profile_bring_its_data_once() {
    let (mut builder, key) = maker();
    let field = builder.metadata("md.x", 32);
    let action = builder.action("set", &[32], vec![assign(field, param(0, 32))]);
    let profile = builder.gress.profiles.push(ActionProfile {
        name: "profile".to_owned(),
        size: 64,
        selector: None,
        span: Span::NONE,
    });
    let tables = ["t", "u"].map(|name| {
        let table = builder.table(name, &[(key.clone(), MatchKind::Exact)], &[action]);
        builder.gress.tables[table].implementation = Some(profile);
        table
    });
    let branches = p4rmt_ir::build::branch(
        p4rmt_ir::build::eq(key, constant(32, 1)),
        vec![apply(tables[0], [])],
        vec![apply(tables[1], [])],
    );
    let structured = program("wires", Arch::T2na, [builder.structured(vec![branches])]);
    let program = p4rmt_midend::to_tables(&structured).expect("it has a tables form");
    assert_eq!(bus_bytes(&program), [4]);
}

/// Each of two tables that find a partition has an action for every offset of the prefix, and those of one
/// stand in rows with those of the other. The tables behind them wait for nobody but their own.
#[test]
fn what_finds_partitions_shares_rows_and_brings_the_partition_alone() {
    let (mut builder, key) = maker();
    let tables = ["t", "u"].map(|name| {
        let field = builder.metadata(&format!("md.{name}"), 32);
        let action = builder.action(name, &[32], vec![assign(field, param(0, 32))]);
        let table = builder.table(name, &[(key.clone(), MatchKind::Lpm)], &[action]);
        builder.gress.tables[table].partitions = Some(Partitions {
            count: 1024,
            index: None,
            classifier: Some(Classifier {
                subtrees: 2,
                excluded_bits: 0,
                subset_bits: Some(18),
                step_bits: Some(1),
            }),
        });
        table
    });
    let stages = stages(&program_of(builder, &tables));
    let used = |resource: Resource| -> Vec<u32> { stages.iter().map(|of| of[resource]).collect() };
    // Fifteen offsets each; of the first row one place does nothing.
    assert_eq!(used(Resource::Vliw), [16, 2]);
    // A partition of ten bits and the number of a subtree, of each; then what the entries say.
    assert_eq!(used(Resource::ActionBusBytes), [6, 8]);
}
