//! Placements broken at random: the checker finds every break that is one, and every kind of violation that
//! it knows comes up.
//!
//! What a break does not make a violation of is shown to be harmless where that can be shown otherwise (units
//! that move and keep what the dependency graph asks for; memory that is more than before), and counted
//! everywhere.

mod program;

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::salu::{Constant, InstructionKind, SourceA, StatefulUnit};
use p4rmt_ir::{Arena, GatewayId, GressId, Id, Pipe, PipeId, Placement, Slot, TableId, TablePart};
use p4rmt_mau::checker::{UnitFault, Violation, check_ends, check_placement};
use p4rmt_mau::graph::DependencyGraph;
use p4rmt_mau::parde::PardeUse;
use p4rmt_mau::resource::Resource;
use p4rmt_mau::unit::{UnitId, UnitKind};
use p4rmt_mau::{Fit, Target, place, place_tables};

use self::program::{Dice, move_by_value, random_program};

/// The kind of a violation, by a name that says of what it is.
fn kind_of(violation: &Violation) -> String {
    match violation {
        Violation::NotPlaced { .. } => "not placed".to_owned(),
        Violation::NoSuchSlot { .. } => "no such slot".to_owned(),
        Violation::SlotTaken { .. } => "slot taken".to_owned(),
        Violation::TooEarly { .. } => "too early".to_owned(),
        Violation::OutOfOrder { .. } => "out of order".to_owned(),
        Violation::PartsOutOfOrder { .. } => "parts out of order".to_owned(),
        Violation::TooFewEntries { .. } => "too few entries".to_owned(),
        Violation::TooLittleMemory { .. } => "too little memory".to_owned(),
        Violation::OverLimit { what, .. } => format!("over: {what}"),
        Violation::UncountedMemory { what, .. } => format!("uncounted: {what}"),
        Violation::SharedOverStages { .. } => "shared over stages".to_owned(),
        Violation::StatefulUnit { fault, .. } => format!("stateful: {}", kind_of_fault(fault)),
        Violation::EndOverLimit { what, .. } => format!("end: {what}"),
        Violation::EndMiscounted { what, .. } => format!("miscounted: {what}"),
        Violation::MovesByValue { .. } => "moves by value".to_owned(),
        Violation::RangeTooWide { .. } => "range too wide".to_owned(),
        Violation::OrdersTooMuch { .. } => "orders too much".to_owned(),
        Violation::InBetween { .. } => "in between".to_owned(),
    }
}

fn kind_of_fault(fault: &UnitFault) -> &'static str {
    match fault {
        UnitFault::NoInstruction { .. } => "no instruction",
        UnitFault::Layout => "layout",
        UnitFault::TooMany { .. } => "too many",
        UnitFault::NotThere { .. } => "not there",
        UnitFault::Operand { .. } => "operand",
        UnitFault::Constant { .. } => "constant",
        UnitFault::Impossible { .. } => "impossible",
    }
}

/// Every kind there is.
fn all_kinds() -> BTreeSet<String> {
    let plain = [
        "not placed",
        "no such slot",
        "slot taken",
        "too early",
        "out of order",
        "parts out of order",
        "too few entries",
        "too little memory",
        "shared over stages",
        "moves by value",
        "range too wide",
        "orders too much",
        "in between",
        "uncounted: SRAM blocks",
        "uncounted: map RAM blocks",
        "uncounted: TCAM blocks",
        "stateful: no instruction",
        "stateful: layout",
        "stateful: too many",
        "stateful: not there",
        "stateful: operand",
        "stateful: constant",
        "stateful: impossible",
    ];
    let of_both = [
        "rows",
        "checksum units",
        "bytes of depth",
        "entries of the field dictionary",
        "validity bits",
        "kinds of digests",
        "bytes of a digest",
        "kinds of resubmissions",
        "bytes of a resubmission",
        "kinds of mirror headers",
    ];
    let of_fit = [
        "states",
        "cycles of a state",
        "bytes of a transition",
        "bytes of a mirror header",
    ];
    let of_states = ["bytes ahead", "bytes of a member"];
    let mut all: BTreeSet<String> = plain.map(str::to_owned).into();
    all.extend(Resource::ALL.map(|resource| format!("over: {}", resource.words())));
    all.extend(
        of_both
            .iter()
            .chain(&of_states)
            .map(|what| format!("end: {what}")),
    );
    all.extend(
        of_both
            .iter()
            .chain(&of_fit)
            .map(|what| format!("miscounted: {what}")),
    );
    all
}

/// What became of the breaks of a run.
#[derive(Default)]
struct Outcome {
    reached: BTreeMap<String, usize>,
    /// By kind of break: how many were found, and how many were none.
    breaks: BTreeMap<&'static str, [usize; 2]>,
}

impl Outcome {
    fn note(&mut self, name: &'static str, violations: &[Violation]) {
        let counts = self.breaks.entry(name).or_default();
        counts[usize::from(violations.is_empty())] += 1;
        for violation in violations {
            *self.reached.entry(kind_of(violation)).or_default() += 1;
        }
    }
}

/// A break of a placement.
type Break = fn(&mut Dice, &mut Placement, &Target);

const BREAKS: [(&str, Break); 12] = [
    ("a table without a place", |dice, placement, _| {
        parts(dice, placement).clear();
    }),
    ("a table somewhere", |dice, placement, target| {
        let slot = any_slot(dice, target);
        parts(dice, placement)[0].slot = slot;
    }),
    ("a condition somewhere", |dice, placement, target| {
        let slot = any_slot(dice, target);
        let gateways = &mut gress(placement).gateways;
        let at = GatewayId::from_index(dice.below(gateways.len()));
        gateways[at] = slot;
    }),
    ("a table where another is", |dice, placement, _| {
        let slot = parts(dice, placement)[0].slot;
        parts(dice, placement)[0].slot = slot;
    }),
    ("a table beyond the machine", |dice, placement, target| {
        let part = &mut parts(dice, placement)[0];
        if dice.below(2) == 0 {
            part.slot.stage = target.machine.stages + dice.small(4);
        } else {
            part.slot.logical_id = target.stage.logical_tables + dice.small(4);
        }
    }),
    ("parts in another order", |dice, placement, _| {
        for parts in gress(placement).tables.values_mut() {
            if parts.len() > 1 && dice.below(2) == 0 {
                parts.reverse();
            }
        }
    }),
    ("another number of entries", |dice, placement, _| {
        let part = &mut parts(dice, placement)[0];
        part.entries = part.entries * dice.below(400) as u64 / 100;
    }),
    ("less memory", |dice, placement, _| {
        let memory = &mut parts(dice, placement)[0].memory;
        memory.sram = memory.sram * dice.small(100) / 100;
        memory.tcam = memory.tcam * dice.small(100) / 100;
        memory.map_ram = memory.map_ram * dice.small(100) / 100;
    }),
    ("more memory", |dice, placement, _| {
        let memory = &mut parts(dice, placement)[0].memory;
        memory.sram += dice.small(100);
        memory.tcam += dice.small(30);
        memory.map_ram += dice.small(60);
    }),
    ("many units in one stage", |dice, placement, target| {
        let stage = dice.small(target.machine.stages);
        let one_of = 1 + dice.below(4);
        let mut logical_id = 0;
        let gress = gress(placement);
        let slots = gress.gateways.values_mut();
        let of_tables = gress.tables.values_mut().flat_map(|parts| {
            parts.truncate(1);
            parts.iter_mut().map(|part| &mut part.slot)
        });
        for slot in slots.chain(of_tables) {
            if dice.below(one_of) == 0 {
                *slot = Slot { stage, logical_id };
                logical_id += 1;
            }
        }
    }),
    ("another stateful ALU", |dice, placement, _| {
        let units = &mut gress(placement).stateful;
        let at = dice.below(units.len());
        break_unit(dice, &mut units[at]);
    }),
    ("a stateful ALU less", |dice, placement, _| {
        let units = &mut gress(placement).stateful;
        units.remove(dice.below(units.len()));
    }),
];

fn gress(placement: &mut Placement) -> &mut p4rmt_ir::GressPlacement {
    &mut placement.gresses[GressId::from_index(0)]
}

fn parts<'a>(dice: &mut Dice, placement: &'a mut Placement) -> &'a mut Vec<TablePart> {
    let tables = &mut gress(placement).tables;
    let at = TableId::from_index(dice.below(tables.len()));
    &mut tables[at]
}

fn any_slot(dice: &mut Dice, target: &Target) -> Slot {
    Slot {
        stage: dice.small(target.machine.stages),
        logical_id: dice.small(target.stage.logical_tables),
    }
}

fn break_unit(dice: &mut Dice, unit: &mut StatefulUnit) {
    match dice.below(7) {
        0 => unit.instructions.clear(),
        1 => unit.layout.half_bits = 1 << dice.below(8),
        2 => {
            for _ in 0..dice.below(4) {
                unit.operands.extend(unit.operands.clone());
            }
        }
        3 => unit.operands.clear(),
        4 => unit.rows.push(i64::MAX >> dice.below(40)),
        5 => {
            let wide = unit.operands.iter_mut();
            wide.for_each(|operand| {
                let both = (Box::new(operand.clone()), Box::new(operand.clone()));
                *operand = p4rmt_ir::Expr::Binary {
                    op: p4rmt_ir::BinaryOp::Add,
                    lhs: both.0,
                    rhs: both.1,
                };
            });
        }
        _ => {
            for instruction in &mut unit.instructions {
                if let InstructionKind::Arithmetic(of) = &mut instruction.kind {
                    for slot in &mut of.slots {
                        let value = i64::from(dice.small(64));
                        slot.a = Some(SourceA::Constant(Constant::Inline(value)));
                    }
                }
            }
        }
    }
}

/// Whether each unit is in a stage that is late enough for all that the graph has it wait for.
fn keeps_graph(graph: &DependencyGraph, placement: &Placement) -> bool {
    let of = &placement.gresses[GressId::from_index(0)];
    let place = |unit: UnitId| match graph.units[unit.index()].kind {
        UnitKind::Table(table) => {
            let parts = &of.tables[table];
            Some((parts.first()?.slot.stage, parts.last()?.slot.stage))
        }
        UnitKind::Gateway(gateway) => {
            Some((of.gateways[gateway].stage, of.gateways[gateway].stage))
        }
    };
    graph.edges.iter().all(|edge| {
        let (Some((_, last)), Some((first, _))) = (place(edge.from), place(edge.to)) else {
            return false;
        };
        first >= last + edge.kind.distance()
    })
}

fn pipe_of(program: &p4rmt_ir::Program) -> &Pipe {
    &program.pipes[PipeId::from_index(0)]
}

/// Breaks the placement of a program in many ways.
fn break_placement(dice: &mut Dice, target: &Target, outcome: &mut Outcome) {
    let program = random_program(dice, 48);
    let fit = place_tables(&program, PipeId::from_index(0), target).expect("it is sound");
    assert_eq!(fit.problems, []);
    let pipe = pipe_of(&program);
    for _ in 0..25 {
        for (name, make) in BREAKS {
            let mut placement = fit.placement.clone();
            make(dice, &mut placement, target);
            let violations = check_placement(pipe, &placement, target);
            let moves = [
                "a table somewhere",
                "a condition somewhere",
                "many units in one stage",
            ];
            if violations.is_empty() && moves.contains(&name) {
                assert!(keeps_graph(&fit.graph, &placement), "{name} went unnoticed");
            }
            outcome.note(name, &violations);
        }
    }
    break_target(dice, &fit, pipe, target, outcome);
}

/// The same placement on a machine that has less of something.
fn break_target(dice: &mut Dice, fit: &Fit, pipe: &Pipe, target: &Target, outcome: &mut Outcome) {
    for _ in 0..20 {
        let mut less = target.clone();
        let fields: [&mut u32; 3] = [
            &mut less.tcam.range_key_bits_max,
            &mut less.gateway.hash_bits,
            &mut less.gateway.rows,
        ];
        let at = dice.below(fields.len());
        let field = fields
            .into_iter()
            .nth(at)
            .expect("it is below their number");
        *field = 1 + dice.small(*field);
        let violations = check_placement(pipe, &fit.placement, &less);
        outcome.note("a machine with less", &violations);
    }
}

/// Breaks what a fit says of parser and deparser, and the machine that they are on.
fn break_ends(dice: &mut Dice, target: &Target, outcome: &mut Outcome) {
    let mut program = random_program(dice, 3);
    let fit = place(&program, PipeId::from_index(0), target).expect("it is sound");
    assert_eq!(fit.problems, []);
    let sound = check_ends(pipe_of(&program), &fit.phv, &fit.parde, target);
    assert_eq!(sound, []);
    for _ in 0..120 {
        let mut claimed: Arena<GressId, PardeUse> = fit.parde.clone();
        let of = &mut claimed[GressId::from_index(0)];
        let (parser, deparser) = (&mut of.parser, &mut of.deparser);
        let mut depth = parser.depth_bytes.unwrap_or(0);
        let fields = [
            &mut parser.states,
            &mut parser.rows,
            &mut parser.match_bytes,
            &mut parser.cycles_max,
            &mut depth,
            &mut parser.checksum_units,
            &mut deparser.dictionary_entries,
            &mut deparser.checksum_units,
            &mut deparser.validity_bits,
            &mut deparser.digest_types,
            &mut deparser.digest_bytes,
            &mut deparser.resubmit_types,
            &mut deparser.resubmit_bytes,
            &mut deparser.mirror_types,
            &mut deparser.mirror_bytes,
        ];
        let at = dice.below(fields.len());
        let field = fields
            .into_iter()
            .nth(at)
            .expect("it is below their number");
        // Without those the program would do less than it does: none of them is more than it takes.
        *field = dice.small((*field).max(1));
        parser.depth_bytes = Some(depth);
        let violations = check_ends(pipe_of(&program), &fit.phv, &claimed, target);
        assert!(
            !violations.is_empty(),
            "a number too small at {at}: {claimed:?}"
        );
        outcome.note("a number too small", &violations);
        let less = smaller(dice, target);
        let violations = check_ends(pipe_of(&program), &fit.phv, &fit.parde, &less);
        outcome.note("ends with less", &violations);
    }
    move_by_value(&mut program);
    let violations = check_ends(pipe_of(&program), &fit.phv, &fit.parde, target);
    assert!(!violations.is_empty());
    outcome.note("a parser that moves by a value", &violations);
}

/// A machine whose parser or deparser has little of something.
fn smaller(dice: &mut Dice, target: &Target) -> Target {
    let mut less = target.clone();
    let deparser = &mut less.deparser;
    let fields = [
        &mut less.parser.tcam_rows,
        &mut less.parser.input_window_bytes,
        &mut less.parser.match_register_bytes[0],
        &mut less.parser.ingress_depth_bytes_max,
        &mut less.parser.parser_checksum_units,
        &mut deparser.deparser_checksum_units,
        &mut deparser.dictionary_entries,
        &mut deparser.digest_types,
        &mut deparser.digest_bytes_max,
        &mut deparser.resubmit_types,
        &mut deparser.resubmit_bytes_max,
        &mut deparser.ingress_mirror_types,
        &mut less.phv.validity_bits_max,
    ];
    let at = dice.below(fields.len());
    let field = fields
        .into_iter()
        .nth(at)
        .expect("it is below their number");
    *field = dice.small((*field).min(6));
    if at == 2 {
        less.parser.match_register_bytes.truncate(1);
    }
    less
}

#[test]
fn every_kind_of_violation_is_reached_and_found() {
    let mut outcome = Outcome::default();
    for seed in 0..2 {
        let mut dice = Dice(seed);
        let mut target = Target::built_in("tofino2").expect("built in");
        if seed % 2 == 1 {
            target.machine.long_branch_tags = 0;
        }
        break_placement(&mut dice, &target, &mut outcome);
        break_ends(&mut dice, &target, &mut outcome);
    }
    let reached: BTreeSet<String> = outcome.reached.keys().cloned().collect();
    let all = all_kinds();
    let missed: Vec<&String> = all.difference(&reached).collect();
    let unknown: Vec<&String> = reached.difference(&all).collect();
    assert!(
        missed.is_empty() && unknown.is_empty(),
        "never reached: {missed:#?}\nnot in the list: {unknown:#?}\n{:#?}",
        outcome.breaks
    );
    // What is always a break is always found; the others are mostly.
    for (name, [found, harmless]) in &outcome.breaks {
        let always = [
            "a table without a place",
            "a table beyond the machine",
            "a stateful ALU less",
            "a number too small",
        ];
        if always.contains(name) {
            assert_eq!(*harmless, 0, "{name}");
        }
        assert!(*found > 0, "{name}: {found} found, {harmless} harmless");
    }
    let sum = |at: usize| {
        outcome
            .breaks
            .values()
            .map(|counts| counts[at])
            .sum::<usize>()
    };
    assert!(sum(0) > 2 * sum(1), "{:#?}", outcome.breaks);
}
