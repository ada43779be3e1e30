//! Good placements broken in each way: the checker names what is broken.

use p4rmt_ir::build::{GressBuilder, apply, assign, branch, call, constant, eq, param, program};
use p4rmt_ir::{
    Arch, CallKind, Expr, GressRole, Id, MatchKind, MemoryUse, Pipe, PipeId, Placement, Program,
    Slot, TableId,
};
use p4rmt_mau::checker::{Violation, check_placement};
use p4rmt_mau::unit::UnitKind;
use p4rmt_mau::{Target, place};

/// Tables of [`sample`] in the order in which they are made.
const WRITER: usize = 0;
const READER: usize = 1;
const UNDER: usize = 2;
const FIRST_USER: usize = 3;
const SECOND_USER: usize = 4;
const LARGE: usize = 5;
const OVERWRITER: usize = 6;

/// Writer and reader of a field, a table under a gateway, two users of a register in branches that
/// exclude each other, a table that is divided, and one that writes what the first one reads.
fn sample() -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names = ["a", "b", "c", "d", "e", "f", "g"].map(|name| (name, 32));
    let (header, fields) = builder.header("hdr.h", &names);
    builder.extract(header);
    let read = |field: usize| Expr::Field(fields[field]);
    let table = |builder: &mut GressBuilder, name: &str, key: usize, write: usize| {
        let action = builder.action(
            &format!("{name}_act"),
            &[32],
            vec![assign(fields[write], param(0, 32))],
        );
        builder.table(name, &[(read(key), MatchKind::Exact)], &[action])
    };
    let writer = table(&mut builder, "writer", 0, 1);
    let reader = table(&mut builder, "reader", 1, 2);
    let under = table(&mut builder, "under", 3, 4);
    let register = builder.register("reg", 4096, &[32]);
    let users = ["first_user", "second_user"].map(|name| {
        let action = builder.register_action(name, register, vec![]);
        let kind = CallKind::RegisterAction {
            action,
            index: Some(read(0)),
        };
        let act = builder.action(&format!("{name}_act"), &[], vec![call(kind, [fields[5]])]);
        builder.table(name, &[(read(3), MatchKind::Exact)], &[act])
    });
    let large = table(&mut builder, "large", 3, 6);
    builder.gress.tables[large].size = 300_000;
    let overwriter = table(&mut builder, "overwriter", 3, 0);
    let run = |table| apply(table, []);
    let body = vec![
        run(writer),
        run(reader),
        branch(eq(read(3), constant(32, 1)), vec![run(under)], vec![]),
        branch(
            eq(read(3), constant(32, 2)),
            vec![run(users[0])],
            vec![run(users[1])],
        ),
        run(large),
        run(overwriter),
    ];
    let structured = program("sample", Arch::T2na, [builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("the program has a tables form")
}

fn target() -> Target {
    Target::built_in("tofino2").expect("it comes with the compiler")
}

fn pipe(program: &Program) -> &Pipe {
    &program.pipes[PipeId::from_index(0)]
}

fn parts(placement: &mut Placement, table: usize) -> &mut Vec<p4rmt_ir::TablePart> {
    let gress = &mut placement.gresses[Id::from_index(0)];
    &mut gress.tables[TableId::from_index(table)]
}

/// Breaks the placement of the sample and expects a violation that `is_named` knows, on a target that
/// `limit` may have changed.
#[track_caller]
fn check(
    breaking: impl FnOnce(&mut Placement),
    limit: impl FnOnce(&mut Target),
    is_named: impl Fn(&Violation) -> bool,
) {
    let program = sample();
    let mut target = target();
    let fit = place(&program, PipeId::from_index(0), &target).expect("it is in the tables form");
    assert_eq!(fit.problems, []);
    let mut placement = fit.placement;
    assert_eq!(check_placement(pipe(&program), &placement, &target), []);
    breaking(&mut placement);
    limit(&mut target);
    let violations = check_placement(pipe(&program), &placement, &target);
    assert!(violations.iter().any(is_named), "{violations:#?}");
}

fn same(_: &mut Target) {}

fn keep(_: &mut Placement) {}

#[test]
fn a_table_that_is_not_placed() {
    check(
        |placement| parts(placement, READER).clear(),
        same,
        |violation| {
            *violation
                == Violation::NotPlaced {
                    unit: "reader".to_owned(),
                }
        },
    );
}

#[test]
fn a_stage_or_logical_table_that_is_not_there() {
    let is_named = |violation: &Violation| matches!(violation, Violation::NoSuchSlot { .. });
    check(
        |placement| parts(placement, READER)[0].slot.stage = 20,
        same,
        is_named,
    );
    check(
        |placement| parts(placement, READER)[0].slot.logical_id = 16,
        same,
        is_named,
    );
}

#[test]
fn two_tables_in_one_logical_table() {
    check(
        |placement| {
            let slot = parts(placement, WRITER)[0].slot;
            parts(placement, UNDER)[0].slot = slot;
        },
        same,
        |violation| matches!(violation, Violation::SlotTaken { .. }),
    );
}

#[test]
fn a_reader_in_the_stage_of_the_writer() {
    check(
        |placement| {
            let slot = parts(placement, WRITER)[0].slot;
            parts(placement, READER)[0].slot = Slot {
                logical_id: 15,
                ..slot
            };
        },
        same,
        |violation| {
            let expected = Violation::TooEarly {
                first: "writer".to_owned(),
                second: "reader".to_owned(),
                field: "hdr.h.b".to_owned(),
            };
            *violation == expected
        },
    );
}

#[test]
fn an_overwriter_in_front_of_the_reader() {
    check(
        |placement| {
            let writer = parts(placement, WRITER)[0].slot;
            let overwriter = parts(placement, OVERWRITER)[0].slot;
            parts(placement, WRITER)[0].slot = overwriter;
            parts(placement, OVERWRITER)[0].slot = writer;
        },
        same,
        |violation| {
            let expected = Violation::OutOfOrder {
                first: "writer".to_owned(),
                second: "overwriter".to_owned(),
            };
            *violation == expected
        },
    );
}

#[test]
fn a_gateway_behind_what_it_decides() {
    check(
        |placement| {
            for slot in placement.gresses[Id::from_index(0)].gateways.values_mut() {
                *slot = Slot {
                    stage: 19,
                    logical_id: slot.logical_id,
                };
            }
        },
        same,
        |violation| matches!(violation, Violation::OutOfOrder { second, .. } if second == "under"),
    );
}

#[test]
fn parts_in_the_wrong_order() {
    check(
        |placement| parts(placement, LARGE).reverse(),
        same,
        |violation| {
            *violation
                == Violation::PartsOutOfOrder {
                    table: "large".to_owned(),
                }
        },
    );
}

#[test]
fn parts_that_hold_too_little() {
    check(
        |placement| {
            parts(placement, LARGE).pop();
        },
        same,
        |violation| {
            matches!(
                violation,
                Violation::TooFewEntries {
                    wanted: 300_000,
                    ..
                }
            )
        },
    );
}

#[test]
fn a_part_without_memory() {
    check(
        |placement| parts(placement, LARGE)[0].memory = MemoryUse::default(),
        same,
        |violation| matches!(violation, Violation::TooLittleMemory { table, .. } if table == "large"),
    );
}

#[test]
fn more_than_a_stage_has_of_each_resource() {
    #[track_caller]
    fn check_limit(what: &str, limit: impl FnOnce(&mut Target)) {
        check(
            keep,
            limit,
            |violation| matches!(violation, Violation::OverLimit { what: over, .. } if *over == what),
        );
    }
    check_limit("SRAM blocks", |target| target.stage.sram_blocks = 3);
    check_limit("map RAM blocks", |target| target.stage.map_rams = 1);
    check_limit("gateways", |target| target.stage.gateways = 0);
    check_limit("stateful and meter ALUs", |target| {
        target.stage.meter_alus = 0
    });
    check_limit("logical tables", |target| target.stage.logical_tables = 1);
    check_limit("bytes of the exact match crossbar", |target| {
        target.stage.exact_xbar_bytes = 3;
    });
    check_limit("instruction rows", |target| target.stage.vliw_rows = 0);
    check_limit("hash bits", |target| target.stage.hash_bits = 39);
    check_limit("hash functions", |target| target.stage.hash_functions = 0);
    check_limit("hash distribution units", |target| {
        target.stage.hash_dist_units = 0;
    });
    check_limit("bytes of the action data bus", |target| {
        target.stage.action_bus_bytes = 3;
    });
    check(
        |placement| parts(placement, READER)[0].memory.tcam = 25,
        same,
        |violation| {
            matches!(
                violation,
                Violation::OverLimit {
                    what: "TCAM blocks",
                    used: 25,
                    ..
                }
            )
        },
    );
}

#[test]
fn a_register_without_memory() {
    check(
        |placement| {
            for user in [FIRST_USER, SECOND_USER] {
                parts(placement, user)[0].memory.map_ram = 0;
            }
        },
        same,
        |violation| {
            matches!(
                violation,
                Violation::UncountedMemory {
                    what: "map RAM blocks",
                    ..
                }
            )
        },
    );
}

#[test]
fn a_register_in_two_stages() {
    check(
        |placement| {
            parts(placement, SECOND_USER)[0].slot = Slot {
                stage: 19,
                logical_id: 0,
            }
        },
        same,
        |violation| matches!(violation, Violation::SharedOverStages { memory, .. } if memory == "reg"),
    );
}

#[test]
fn a_table_in_between_without_long_branches() {
    check(
        |placement| {
            // The users of the register move away from the gateway that decides on them.
            for user in [FIRST_USER, SECOND_USER] {
                parts(placement, user)[0].slot = Slot {
                    stage: 19,
                    logical_id: user as u32,
                };
            }
        },
        |target| target.machine.long_branch_tags = 0,
        |violation| matches!(violation, Violation::InBetween { .. }),
    );
}

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// Tables that match on one field and set another, some under conditions.
fn random_program(dice: &mut Dice) -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names = ["a", "b", "c", "d", "e", "f"].map(|name| (name, 32));
    let (header, fields) = builder.header("hdr.h", &names);
    builder.extract(header);
    let mut body = Vec::new();
    for index in 0..3 + dice.below(6) {
        let (key, write) = (dice.below(fields.len()), dice.below(fields.len()));
        let action = builder.action(
            &format!("act{index}"),
            &[32],
            vec![assign(fields[write], param(0, 32))],
        );
        let keys = [(Expr::Field(fields[key]), MatchKind::Exact)];
        let table = builder.table(&format!("t{index}"), &keys, &[action]);
        let run = apply(table, []);
        body.push(match dice.below(3) {
            0 => {
                let tested = Expr::Field(fields[dice.below(fields.len())]);
                branch(eq(tested, constant(32, 1)), vec![run], vec![])
            }
            _ => run,
        });
    }
    let structured = program("random", Arch::T2na, [builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("the program has a tables form")
}

/// Placements of random programs are sound, and each way to break one is found.
#[test]
fn every_break_of_a_random_placement_is_found() {
    let target = target();
    let last_id = target.stage.logical_tables - 1;
    let (mut n_moved, mut n_gateways) = (0, 0);
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let program = random_program(&mut dice);
        let fit =
            place(&program, PipeId::from_index(0), &target).expect("it is in the tables form");
        assert_eq!(fit.problems, [], "seed {seed}");
        let found = |breaking: &dyn Fn(&mut Placement), what: &str| {
            let mut placement = fit.placement.clone();
            breaking(&mut placement);
            let violations = check_placement(pipe(&program), &placement, &target);
            assert!(!violations.is_empty(), "seed {seed}: {what}");
        };
        let n_tables = fit.placement.gresses[Id::from_index(0)].tables.len();
        let table = dice.below(n_tables);
        let other = (table + 1 + dice.below(n_tables - 1)) % n_tables;
        found(&|of| parts(of, table).clear(), "a table without a place");
        found(
            &|of| parts(of, table)[0].slot.stage = 20,
            "a stage that is not there",
        );
        found(
            &|of| parts(of, table)[0].slot.logical_id = 16,
            "no such logical table",
        );
        found(&|of| parts(of, table)[0].entries = 1, "too few entries");
        found(
            &|of| parts(of, table)[0].memory = MemoryUse::default(),
            "no memory",
        );
        found(
            &|of| parts(of, table)[0].memory.sram = 81,
            "more memory than there is",
        );
        found(
            &|of| {
                let slot = parts(of, other)[0].slot;
                parts(of, table)[0].slot = slot;
            },
            "two tables in one place",
        );
        for edge in fit
            .graph
            .edges
            .iter()
            .filter(|edge| edge.kind.distance() > 0)
        {
            let kinds = [edge.from, edge.to].map(|unit| fit.graph.units[unit.index()].kind);
            let [UnitKind::Table(from), UnitKind::Table(to)] = kinds else {
                continue;
            };
            n_moved += 1;
            found(
                &|of| {
                    let stage = parts(of, from.index())[0].slot.stage;
                    let logical_id = last_id;
                    parts(of, to.index())[0].slot = Slot { stage, logical_id };
                },
                "a table in the stage of one that it depends on",
            );
        }
        for (gateway, _) in fit.placement.gresses[Id::from_index(0)].gateways.iter() {
            n_gateways += 1;
            found(
                &|of| {
                    let slot = &mut of.gresses[Id::from_index(0)].gateways[gateway];
                    (slot.stage, slot.logical_id) = (19, last_id);
                },
                "a condition behind what it decides",
            );
        }
    }
    assert!(n_moved > 20 && n_gateways > 20, "{n_moved}, {n_gateways}");
}
