//! Good allocations broken in each way: the checker names what is broken. And random programs: what
//! the allocator finds, the checker accepts.

use p4rmt_ir::build::{GressBuilder, add, apply, assign, constant, param, program, stmt};
use p4rmt_ir::{
    Arch, Expr, FieldId, FieldKind, GressRole, Id, MatchKind, PipeId, Program, StmtKind,
};
use p4rmt_mau::phv::checker::{PhvViolation, check_allocation};
use p4rmt_mau::phv::{Container, ContainerKind, ContainerSize, PhvAllocation, Residence};
use p4rmt_mau::{Fit, Target, place};

fn pipe() -> PipeId {
    PipeId::from_index(0)
}

/// A header that is extracted and emitted, with two nibbles in one byte; sums and moves between it
/// and metadata; two tables that may share a stage and write different fields.
fn sample() -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let fields = [
        ("high", 4),
        ("low", 4),
        ("a", 8),
        ("b", 16),
        ("c", 32),
        ("d", 32),
    ];
    let (header, fields) = builder.header("hdr.h", &fields);
    builder.extract(header);
    let emit = stmt(StmtKind::Emit { header });
    builder.gress.deparser.body.push(emit);
    let x = builder.metadata("md.x", 32);
    let y = builder.metadata("md.y", 16);
    let z = builder.metadata("md.z", 12);
    // Widened into a sum, summed over two containers, taken by the device, found beside the header.
    let short = builder.metadata("md.short", 8);
    let sum = builder.metadata("md.sum", 16);
    let long = builder.metadata("md.long", 64);
    let queue = builder.intrinsic("ingress_intrinsic_metadata_for_tm_t.qid", 5);
    let ahead = builder.metadata("md.ahead", 4);
    let peek = Expr::Lookahead {
        offset: 4,
        width: 4,
    };
    let start = builder.gress.parser.start;
    let found = assign(ahead, peek);
    builder.gress.parser.states[start].body.insert(0, found);
    let read = Expr::Field;
    let key = [(read(fields[2]), MatchKind::Exact)];
    let first = builder.action(
        "first",
        &[16],
        vec![
            assign(x, add(read(fields[4]), read(fields[5]))),
            assign(y, param(0, 16)),
            assign(z, add(read(z), constant(12, 1))),
            assign(sum, add(read(sum), widened(short, 16))),
            assign(long, add(read(long), constant(64, 1))),
        ],
    );
    let first = builder.table("first", &key, &[first]);
    let second = builder.action(
        "second",
        &[4],
        vec![
            assign(fields[1], param(0, 4)),
            assign(queue, constant(5, 1)),
        ],
    );
    let keys = [
        (read(fields[2]), MatchKind::Exact),
        (read(ahead), MatchKind::Exact),
    ];
    let second = builder.table("second", &keys, &[second]);
    let third = builder.action(
        "third",
        &[],
        vec![
            assign(fields[4], read(x)),
            assign(fields[3], add(read(y), constant(16, 1))),
        ],
    );
    let third = builder.table("third", &key, &[third]);
    let fourth = builder.action("fourth", &[8], vec![assign(fields[2], param(0, 8))]);
    let fourth = builder.table(
        "fourth",
        &[z, sum, long].map(|key| (read(key), MatchKind::Exact)),
        &[fourth],
    );
    let body = [first, second, third, fourth].map(|table| apply(table, []));
    let structured = program("sample", Arch::Tna, [builder.structured(body.into())]);
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}

/// A field with zeros above it.
fn widened(field: FieldId, width: u32) -> Expr {
    Expr::Resize {
        arg: Box::new(Expr::Field(field)),
        width,
        is_signed: false,
    }
}

fn placed(program: &Program, target: &Target) -> Fit {
    place(program, pipe(), target).expect("it is sound")
}

fn field(program: &Program, name: &str) -> FieldId {
    let fields = program.pipes[pipe()].gresses[Id::from_index(0)]
        .fields
        .iter();
    let mut named = fields.filter(|(_, field)| field.name == name);
    named.next().expect("the sample has it").0
}

/// Changes the allocation of the sample on Tofino 1, and expects a violation.
#[track_caller]
fn check_broken(
    change: impl FnOnce(&mut Vec<Residence>, &dyn Fn(&str) -> usize),
    is_expected: impl Fn(&PhvViolation) -> bool,
) {
    let program = sample();
    let target = Target::built_in("tofino1").expect("built in");
    let fit = placed(&program, &target);
    assert_eq!(fit.problems, vec![]);
    let of = &program.pipes[pipe()];
    let check = |allocation: &PhvAllocation| {
        check_allocation(of, &fit.graph.units, &fit.placement, allocation, &target)
    };
    assert_eq!(check(&fit.phv), vec![]);
    let mut broken = fit.phv.clone();
    let homes = fit.phv.residences.clone();
    let find = |name: &str| {
        let field = field(&program, name);
        let position = homes.iter().position(|of| of.slice.field == field);
        position.expect("it has a container")
    };
    change(&mut broken.residences, &find);
    let violations = check(&broken);
    assert!(violations.iter().any(is_expected), "{violations:#?}");
}

#[test]
fn a_field_that_is_nowhere() {
    check_broken(
        |homes, find| {
            homes.remove(find("md.x"));
        },
        |of| matches!(of, PhvViolation::Missing { field, .. } if field == "md.x"),
    );
}

#[test]
fn a_field_that_comes_too_late() {
    check_broken(
        |homes, find| homes[find("md.x")].life.from += 1,
        |of| matches!(of, PhvViolation::Missing { field, .. } if field == "md.x"),
    );
}

#[test]
fn two_fields_in_one_place() {
    check_broken(
        |homes, find| homes[find("md.x")].container = homes[find("hdr.h.d")].container,
        |of| matches!(of, PhvViolation::Overlap { .. }),
    );
}

#[test]
fn a_field_beyond_its_container() {
    check_broken(
        |homes, find| homes[find("md.x")].lo = 1,
        |of| matches!(of, PhvViolation::OutOfBounds { field, .. } if field == "md.x"),
    );
}

#[test]
fn a_container_of_the_other_gress() {
    check_broken(
        // The second group is pinned to the egress.
        |homes, find| homes[find("md.x")].container.index = 16,
        |of| matches!(of, PhvViolation::WrongGress { field, .. } if field == "md.x"),
    );
}

#[test]
fn a_container_that_no_stage_sees() {
    check_broken(
        |homes, find| homes[find("md.x")].container.kind = ContainerKind::Tagalong,
        |of| matches!(of, PhvViolation::WrongKind { field, .. } if field == "md.x"),
    );
}

#[test]
fn bytes_that_are_not_as_on_the_wire() {
    check_broken(
        |homes, find| {
            let (high, low) = (find("hdr.h.high"), find("hdr.h.low"));
            let lo = homes[high].lo;
            homes[high].lo = homes[low].lo;
            homes[low].lo = lo;
        },
        |of| matches!(of, PhvViolation::NotAsOnTheWire { .. }),
    );
}

#[test]
fn something_else_among_the_bytes_of_a_header() {
    check_broken(
        |homes, find| {
            let valid = find("hdr.h.$valid");
            homes[valid].container = homes[find("hdr.h.d")].container;
        },
        |of| matches!(of, PhvViolation::ForeignBits { .. }),
    );
}

#[test]
fn a_source_that_the_alu_does_not_see() {
    check_broken(
        |homes, find| homes[find("md.x")].container.index = 32,
        |of| matches!(of, PhvViolation::OutOfReach { .. }),
    );
}

#[test]
fn a_neighbour_of_a_sum() {
    check_broken(
        |homes, find| {
            let valid = find("hdr.h.$valid");
            homes[valid].container = homes[find("md.z")].container;
            homes[valid].lo = 14;
        },
        |of| matches!(of, PhvViolation::Disturbs { .. }),
    );
}

#[test]
fn something_above_a_value_that_is_widened() {
    check_broken(
        |homes, find| {
            let valid = find("hdr.h.$valid");
            homes[valid].container = homes[find("md.short")].container;
            homes[valid].lo = 9;
        },
        |of| matches!(of, PhvViolation::Disturbs { neighbour, .. } if neighbour == "hdr.h.$valid"),
    );
}

#[test]
fn an_operand_that_is_not_where_the_result_is() {
    check_broken(
        |homes, find| homes[find("md.short")].lo = 3,
        |of| matches!(of, PhvViolation::Misaligned { action, .. } if action == "first"),
    );
}

#[test]
fn a_sum_over_containers_that_are_not_neighbours() {
    check_broken(
        |homes, find| homes[find("md.long")].container.index += 2,
        |of| matches!(of, PhvViolation::Divided { action, .. } if action == "first"),
    );
}

#[test]
fn a_value_that_the_device_does_not_find() {
    check_broken(
        |homes, find| {
            let queue = &mut homes[find("ingress_intrinsic_metadata_for_tm_t.qid")];
            queue.container.size = ContainerSize::B16;
            queue.container.index = 80;
            queue.lo = 8;
        },
        |of| matches!(of, PhvViolation::Scattered { .. }),
    );
}

#[test]
fn bits_that_the_parser_finds_elsewhere_in_their_byte() {
    check_broken(
        |homes, find| homes[find("md.ahead")].lo += 1,
        |of| matches!(of, PhvViolation::NotAsOnTheWire { field, .. } if field == "md.ahead"),
    );
}

#[test]
fn something_beside_bits_that_the_parser_finds() {
    check_broken(
        |homes, find| {
            let valid = find("hdr.h.$valid");
            homes[valid].container = homes[find("md.ahead")].container;
            homes[valid].lo = 7;
        },
        |of| matches!(of, PhvViolation::ForeignBits { field, .. } if field == "md.ahead"),
    );
}

#[test]
fn three_sources_of_one_container() {
    check_broken(
        |homes, find| {
            // What `third` moves, and what it leaves, side by side with what it computes.
            let (b, c) = (find("hdr.h.b"), find("hdr.h.c"));
            homes[b].container = homes[c].container;
        },
        |of| matches!(of, PhvViolation::TooManySources { .. }),
    );
}

#[test]
fn two_tables_of_a_stage_that_write_one_container() {
    check_broken(
        |homes, find| homes[find("md.y")].container = homes[find("hdr.h.low")].container,
        |of| matches!(of, PhvViolation::Conflict { .. }),
    );
}

/// Two values that go side by side into one container, from two others.
fn side_by_side() -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = builder.header("hdr.h", &[("key", 8)]);
    builder.extract(header);
    let names = ["md.from_a", "md.from_b", "md.to_a", "md.to_b"];
    let [from_a, from_b, to_a, to_b] = names.map(|name| builder.metadata(name, 4));
    let key = [(Expr::Field(fields[0]), MatchKind::Exact)];
    let set = vec![assign(from_a, param(0, 4)), assign(from_b, param(1, 4))];
    let set = builder.action("set", &[4, 4], set);
    let set = builder.table("set", &key, &[set]);
    let moves = vec![
        assign(to_a, Expr::Field(from_a)),
        assign(to_b, Expr::Field(from_b)),
    ];
    let moves = builder.action("moves", &[], moves);
    let moves = builder.table("moves", &key, &[moves]);
    let both = [to_a, to_b].map(|field| (Expr::Field(field), MatchKind::Exact));
    let found = builder.action("found", &[8], vec![assign(fields[0], param(0, 8))]);
    let found = builder.table("found", &both, &[found]);
    let body = [set, moves, found].map(|table| apply(table, []));
    let structured = program("side_by_side", Arch::Tna, [builder.structured(body.into())]);
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}

/// The values at bits 0 and 4 of one container, each from a container of its own, where they stand at these
/// bits: what is wrong with that.
fn two_sources(first_at: u32, second_at: u32) -> Vec<PhvViolation> {
    let program = side_by_side();
    let target = Target::built_in("tofino1").expect("built in");
    let fit = placed(&program, &target);
    assert_eq!(fit.problems, vec![]);
    let mut allocation = fit.phv.clone();
    let homes = [
        ("md.from_a", 9, first_at),
        ("md.from_b", 10, second_at),
        ("md.to_a", 11, 0),
        ("md.to_b", 11, 4),
    ];
    for (name, index, lo) in homes {
        let wanted = field(&program, name);
        let home = allocation.residences.iter_mut();
        let home = home.into_iter().find(|of| of.slice.field == wanted);
        let home = home.expect("it has a container");
        home.container = Container {
            kind: ContainerKind::Normal,
            size: ContainerSize::B8,
            index,
        };
        home.lo = lo;
    }
    let of = &program.pipes[pipe()];
    check_allocation(of, &fit.graph.units, &fit.placement, &allocation, &target)
}

/// One instruction takes two containers, and rotates one of them.
#[test]
fn a_move_from_two_containers_that_are_both_rotated() {
    assert_eq!(two_sources(0, 4), []);
    assert_eq!(two_sources(0, 1), []);
    assert_eq!(two_sources(2, 4), []);
    let found = two_sources(2, 1);
    let is_expected = |of: &PhvViolation| matches!(of, PhvViolation::Misaligned { action, .. } if action == "moves");
    assert!(found.iter().any(is_expected), "{found:#?}");
}

/// Numbers that look random, the same for a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % n
    }
}

/// Headers and metadata of random widths, and tables whose actions set, move and add them at random.
fn random_program(random: &mut Random) -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let mut fields: Vec<(FieldId, u32)> = Vec::new();
    for number in 0..1 + random.below(3) {
        let mut widths: Vec<u32> = Vec::new();
        for _ in 0..1 + random.below(4) {
            match random.below(5) {
                0 => widths.extend([4, 4]),
                1 => widths.extend([3, 13]),
                2 => widths.push(8),
                3 => widths.push(16),
                _ => widths.push(32),
            }
        }
        let names: Vec<String> = (0..widths.len()).map(|field| format!("f{field}")).collect();
        let named: Vec<(&str, u32)> = names
            .iter()
            .map(String::as_str)
            .zip(widths.clone())
            .collect();
        let (header, own) = builder.header(&format!("hdr.h{number}"), &named);
        if random.below(4) > 0 {
            builder.extract(header);
        }
        builder
            .gress
            .deparser
            .body
            .push(stmt(StmtKind::Emit { header }));
        fields.extend(own.into_iter().zip(widths));
    }
    for number in 0..random.below(8) {
        let width = [1, 3, 8, 9, 16, 32][random.below(6)];
        let field = builder.field(&format!("md.m{number}"), width, FieldKind::Metadata);
        fields.push((field, width));
    }
    let mut tables = Vec::new();
    for number in 0..1 + random.below(6) {
        let mut body = Vec::new();
        let mut written = Vec::new();
        for _ in 0..1 + random.below(3) {
            let (dst, width) = fields[random.below(fields.len())];
            if written.contains(&dst) {
                continue;
            }
            written.push(dst);
            let alike: Vec<FieldId> = fields
                .iter()
                .filter(|(_, of)| *of == width)
                .map(|(field, _)| *field)
                .collect();
            let source = Expr::Field(alike[random.below(alike.len())]);
            let value = match random.below(4) {
                0 => source,
                1 if width >= 8 => add(source, constant(width, 1)),
                _ => constant(width, 1),
            };
            body.push(assign(dst, value));
        }
        let action = builder.action(&format!("act{number}"), &[], body);
        let key = Expr::Field(fields[random.below(fields.len())].0);
        tables.push(builder.table(&format!("t{number}"), &[(key, MatchKind::Exact)], &[action]));
    }
    let body = tables.into_iter().map(|table| apply(table, [])).collect();
    let structured = program("random", Arch::Tna, [builder.structured(body)]);
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}

#[test]
fn random_programs_are_allocated_soundly_and_breaks_are_found() {
    let mut n_allocated = 0;
    for seed in 0..150 {
        let mut random = Random(seed);
        let program = random_program(&mut random);
        for name in ["tofino1", "tofino2"] {
            let target = Target::built_in(name).expect("built in");
            let fit = place(&program, pipe(), &target);
            let fit = fit.unwrap_or_else(|error| panic!("seed {seed} on {name}: {error:?}"));
            if !fit.fits() || !fit.unallocated.is_empty() || fit.phv.residences.is_empty() {
                continue;
            }
            n_allocated += 1;
            let of = &program.pipes[pipe()];
            let check = |allocation: &PhvAllocation| {
                check_allocation(of, &fit.graph.units, &fit.placement, allocation, &target)
            };
            let mut without = fit.phv.clone();
            let victim = random.below(without.residences.len());
            let removed = without.residences.remove(victim);
            assert!(
                !check(&without).is_empty(),
                "seed {seed} on {name}: {removed:?}"
            );
            let mut beyond = fit.phv.clone();
            beyond.residences[victim].container = Container {
                kind: ContainerKind::Normal,
                size: ContainerSize::B8,
                index: 1_000,
            };
            assert!(
                !check(&beyond).is_empty(),
                "seed {seed} on {name}: {removed:?}"
            );
        }
    }
    assert!(
        n_allocated > 100,
        "only {n_allocated} had an allocation to break"
    );
}

/// By its name, so that each is listed.
fn kind_of(violation: &PhvViolation) -> &'static str {
    match violation {
        PhvViolation::Missing { .. } => "missing",
        PhvViolation::Overlap { .. } => "overlap",
        PhvViolation::OutOfBounds { .. } => "out of bounds",
        PhvViolation::WrongGress { .. } => "wrong gress",
        PhvViolation::WrongKind { .. } => "wrong kind",
        PhvViolation::NotAsOnTheWire { .. } => "not as on the wire",
        PhvViolation::Scattered { .. } => "scattered",
        PhvViolation::ForeignBits { .. } => "foreign bits",
        PhvViolation::TooManySources { .. } => "too many sources",
        PhvViolation::OutOfReach { .. } => "out of reach",
        PhvViolation::Misaligned { .. } => "misaligned",
        PhvViolation::Divided { .. } => "divided",
        PhvViolation::Disturbs { .. } => "disturbs",
        PhvViolation::ClotLimit { .. } => "clot limit",
        PhvViolation::TornClot { .. } => "torn clot",
        PhvViolation::Conflict { .. } => "conflict",
    }
}

const KINDS: [&str; 16] = [
    "missing",
    "overlap",
    "out of bounds",
    "wrong gress",
    "wrong kind",
    "not as on the wire",
    "scattered",
    "foreign bits",
    "too many sources",
    "out of reach",
    "misaligned",
    "divided",
    "disturbs",
    "clot limit",
    "torn clot",
    "conflict",
];

/// Breaks an allocation somewhere.
fn break_somewhere(random: &mut Random, allocation: &mut PhvAllocation) {
    let number = |random: &mut Random, bound: usize| random.below(bound) as u32;
    let n_clots = allocation.clots.len();
    if n_clots > 0 && random.below(4) == 0 {
        let at = random.below(n_clots);
        let clot = &mut allocation.clots[at].1;
        match random.below(4) {
            0 => clot.first_byte = number(random, 64),
            1 => clot.bytes = number(random, 100),
            2 => {
                clot.fields.pop();
            }
            _ => {
                let same = allocation.clots[at].clone();
                let times = random.below(80);
                allocation.clots.extend(std::iter::repeat_n(same, times));
            }
        }
        return;
    }
    let n = allocation.residences.len();
    let at = random.below(n);
    let other = allocation.residences[random.below(n)];
    let home = &mut allocation.residences[at];
    match random.below(9) {
        0 => {
            allocation.residences.remove(at);
        }
        1 => home.container = other.container,
        2 => (home.container, home.lo) = (other.container, number(random, 32)),
        3 => home.container.index = number(random, 100),
        4 => home.container.kind = ContainerKind::ALL[random.below(4)],
        5 => home.container.size = ContainerSize::ALL[random.below(3)],
        6 => home.lo = number(random, 16),
        7 => home.life.from += number(random, 4),
        _ => home.life.to = home.life.to.saturating_sub(number(random, 12)),
    }
}

/// Every kind of violation that the checker knows comes up in allocations that are broken at random. Half of
/// the breaks at the least are found; others move what has room elsewhere.
#[test]
fn every_kind_of_violation_is_reached_and_found() {
    let mut random = Random(1);
    let mut reached = std::collections::BTreeMap::new();
    let (mut n_found, mut n_harmless) = (0, 0);
    let mut programs = vec![sample(), side_by_side(), passing()];
    programs.extend((0..6).map(|seed| random_program(&mut Random(seed))));
    for program in &programs {
        for name in ["tofino1", "tofino2"] {
            let target = Target::built_in(name).expect("built in");
            let fit = placed(program, &target);
            if !fit.fits() || fit.phv.residences.is_empty() {
                continue;
            }
            let of = &program.pipes[pipe()];
            for _ in 0..250 {
                let mut broken = fit.phv.clone();
                break_somewhere(&mut random, &mut broken);
                let found =
                    check_allocation(of, &fit.graph.units, &fit.placement, &broken, &target);
                if found.is_empty() {
                    n_harmless += 1;
                } else {
                    n_found += 1;
                }
                for violation in &found {
                    *reached.entry(kind_of(violation)).or_insert(0) += 1;
                }
            }
        }
    }
    let missed: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| !reached.contains_key(kind))
        .collect();
    assert!(missed.is_empty(), "{missed:?} of {reached:#?}");
    assert!(n_found > n_harmless, "{n_found} found, {n_harmless} not");
}

/// A header of which most bytes go from parser to deparser untouched.
fn passing() -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let names: Vec<String> = (0..10).map(|n| format!("f{n}")).collect();
    let fields: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 32)).collect();
    let (header, fields) = builder.header("hdr.h", &fields);
    builder.extract(header);
    let emit = stmt(StmtKind::Emit { header });
    builder.gress.deparser.body.push(emit);
    let action = builder.action("act", &[32], vec![assign(fields[0], param(0, 32))]);
    let key = [(Expr::Field(fields[0]), MatchKind::Exact)];
    let table = builder.table("t", &key, &[action]);
    let structured = program(
        "passing",
        Arch::Tna,
        [builder.structured(vec![apply(table, [])])],
    );
    p4rmt_midend::to_tables(&structured).expect("it has a tables form")
}
