//! A good mapping of register actions broken in each way: the checker names what is broken.

use p4rmt_ir::build::{
    GressBuilder, add, apply, assign_local, branch, call, constant, eq, local, program,
};
use p4rmt_ir::salu::{
    ArithmeticInstruction, BitInstruction, Constant, Divider, DividerSource, Half, InstructionKind,
    LaneChange, LaneSearch, LayoutKind, MathInput, Opcode, OutputSource, Predicate, Relation,
    SourceA, SourceB, StatefulUnit, SumKind,
};
use p4rmt_ir::{
    Arch, BinaryOp, CallKind, Expr, GressId, GressRole, Id, PipeId, Program, RegisterActionId,
};
use p4rmt_mau::checker::{Violation, check_placement};
use p4rmt_mau::{Target, place};

/// A register action with comparators, slots in both halves, a row of constants, an operand and an
/// output.
fn sample() -> Program {
    let mut builder = GressBuilder::new(GressRole::Ingress);
    let (_, fields) = builder.header("hdr.h", &[("x", 32), ("y", 32)]);
    let register = builder.register("reg", 64, &[32]);
    let x = Expr::Field(fields[0]);
    let less = Expr::binary(BinaryOp::LtU, local(0, 32), x.clone());
    let body = vec![
        assign_local(1, add(local(0, 32), constant(32, 1))),
        branch(
            eq(local(0, 32), constant(32, 1000)),
            vec![assign_local(0, constant(32, 0))],
            vec![branch(
                less,
                vec![assign_local(0, add(local(0, 32), x))],
                vec![],
            )],
        ),
    ];
    let action = builder.register_action("act", register, body);
    let kind = CallKind::RegisterAction {
        action,
        index: Some(constant(6, 0)),
    };
    let run = builder.action("run", &[], vec![call(kind, [fields[1]])]);
    let table = builder.table("t", &[], &[run]);
    let gress = builder.structured(vec![apply(table, [])]);
    p4rmt_midend::to_tables(&program("sample", Arch::T2na, [gress])).expect("it has a tables form")
}

fn arithmetic(unit: &mut StatefulUnit) -> &mut ArithmeticInstruction {
    match &mut unit.instructions[0].kind {
        InstructionKind::Arithmetic(of) => of,
        InstructionKind::Bit(_) => panic!("the element has 32 bits"),
    }
}

/// Breaks the unit of the sample, on a target that `limit` may have changed, and expects this.
#[track_caller]
fn check(
    breaking: impl FnOnce(&mut Vec<StatefulUnit>),
    limit: impl FnOnce(&mut Target),
    expected: &str,
) {
    let program = sample();
    let mut target = Target::built_in("tofino2").expect("it comes with the compiler");
    let pipe = PipeId::from_index(0);
    let fit = place(&program, pipe, &target).expect("it is in the tables form");
    assert_eq!(fit.problems, []);
    let mut placement = fit.placement;
    breaking(&mut placement.gresses[GressId::from_index(0)].stateful);
    limit(&mut target);
    let violations = check_placement(&program.pipes[pipe], &placement, &target);
    let texts: Vec<String> = violations
        .iter()
        .filter(|violation| matches!(violation, Violation::StatefulUnit { .. }))
        .map(ToString::to_string)
        .collect();
    let expected = format!("the stateful ALU of `reg`: {expected}");
    assert!(texts.contains(&expected), "{texts:#?}");
}

#[track_caller]
fn check_broken(breaking: impl FnOnce(&mut StatefulUnit), expected: &str) {
    check(|units| breaking(&mut units[0]), |_| {}, expected);
}

#[test]
fn an_action_without_an_instruction() {
    check(Vec::clear, |_| {}, "`act` is no instruction");
    check_broken(|unit| unit.instructions.clear(), "`act` is no instruction");
}

#[test]
fn an_element_in_the_wrong_halves() {
    let expected = "the element does not lie in the halves";
    check_broken(|unit| unit.layout.kind = LayoutKind::Pair, expected);
    check_broken(|unit| unit.layout.half_bits = 16, expected);
}

#[test]
fn more_than_the_unit_has() {
    let keep = |_: &mut Vec<StatefulUnit>| {};
    check(
        keep,
        |target| target.salu.comparators = 1,
        "it uses 2 comparators, and has 1",
    );
    check(
        keep,
        |target| target.salu.slots_per_value = 1,
        "it uses 2 slots of a half, and has 1",
    );
    check(
        keep,
        |target| target.salu.phv_operands = 0,
        "it uses 1 operand, and has 0",
    );
    check(
        keep,
        |target| target.salu.register_file_rows = 0,
        "it uses 1 row of constants, and has 0",
    );
    check(
        keep,
        |target| target.salu.actions_per_register = 0,
        "it uses 1 instruction, and has 0",
    );
    check(
        keep,
        |target| target.salu.outputs = 0,
        "`act` names a word of output that is not there",
    );
    check(
        keep,
        |target| target.salu.arithmetic_bits_max = 16,
        "`act` computes with halves that are too wide",
    );
    check(
        keep,
        |target| target.salu.register_file_bits = 8,
        "`act` has the constant 1000 where it does not fit",
    );
}

#[test]
fn operands_that_the_crossbar_does_not_make() {
    let expected = "operand 0 is not made by the crossbar, or too wide";
    check_broken(
        |unit| unit.operands[0] = Expr::resize(unit.operands[0].clone(), 64, false),
        expected,
    );
    check_broken(
        |unit| unit.operands[0] = add(unit.operands[0].clone(), constant(32, 1)),
        expected,
    );
}

#[test]
fn names_of_what_is_not_there() {
    check_broken(
        |unit| unit.operands.clear(),
        "`act` names an operand that is not there",
    );
    check_broken(
        |unit| unit.rows.clear(),
        "`act` names a row of constants that is not there",
    );
    check_broken(
        |unit| arithmetic(unit).comparators.truncate(1),
        "`act` names a comparator that is not there",
    );
    check_broken(
        |unit| arithmetic(unit).words.clear(),
        "`act` names a word of output that is not there",
    );
    check_broken(
        |unit| arithmetic(unit).outputs.clear(),
        "`act` names an output that is not there",
    );
    check_broken(
        |unit| arithmetic(unit).slots[0].a = Some(SourceA::Memory(Half::Hi)),
        "`act` names an upper half of memory that is not there",
    );
    check_broken(
        |unit| unit.instructions[0].action = RegisterActionId::from_index(9),
        "`ra9` names a register action that is not there",
    );
}

#[test]
fn constants_that_do_not_fit_where_they_stand() {
    check_broken(
        |unit| arithmetic(unit).comparators[0].constant = Constant::Inline(32),
        "`act` has the constant 32 where it does not fit",
    );
    check_broken(
        |unit| arithmetic(unit).slots[1].b = Some(SourceB::Constant(Constant::Inline(8))),
        "`act` has the constant 8 where it does not fit",
    );
}

#[test]
fn masks_are_not_on_every_machine() {
    check(
        |units| {
            for comparator in &mut arithmetic(&mut units[0]).comparators {
                if let Some(term) = &mut comparator.memory {
                    term.mask = 0xff;
                }
            }
        },
        |target| target.salu.has_comparator_masks = false,
        "`act` masks what it compares",
    );
}

#[test]
fn slots_that_are_impossible() {
    check_broken(
        |unit| {
            let slots = &mut arithmetic(unit).slots;
            slots[1].unit = slots[0].unit;
        },
        "`act` does two operations in one slot",
    );
    check_broken(
        |unit| arithmetic(unit).slots[1].opcode = Opcode::SetZ,
        "`act` has an operation with the wrong sources",
    );
    check_broken(
        |unit| {
            let slot = &mut arithmetic(unit).slots[1];
            slot.b = Some(SourceB::Math(MathInput::Memory(Half::Lo)));
        },
        "`act` names a math unit that is not there",
    );
    check_broken(
        |unit| {
            let slot = &mut arithmetic(unit).slots[1];
            slot.unit.half = Half::Hi;
            slot.b = Some(SourceB::Math(MathInput::Memory(Half::Lo)));
        },
        "`act` has the math unit where it does not lead",
    );
    check_broken(
        |unit| {
            let slot = &mut arithmetic(unit).slots[1];
            slot.a = Some(SourceA::Constant(Constant::Inline(1)));
            slot.b = Some(SourceB::Constant(Constant::Inline(2)));
        },
        "`act` has two constants in one operation",
    );
}

#[test]
fn words_that_are_impossible() {
    check_broken(
        |unit| {
            let words = &mut arithmetic(unit).words;
            words.push(words[0]);
        },
        "`act` shows two things in one word",
    );
    check_broken(
        |unit| {
            let words = &mut arithmetic(unit).words;
            let mut other = words[0];
            other.word = 1;
            words[0].source = OutputSource::Predicate { shift: 0 };
            other.source = OutputSource::Predicate { shift: 1 };
            words.push(other);
        },
        "`act` shows two predicates",
    );
    check_broken(
        |unit| arithmetic(unit).outputs[0].push(None),
        "`act` has an output with too few or too many words",
    );
}

#[test]
fn predicates_look_at_comparators_that_are_there() {
    check_broken(
        |unit| arithmetic(unit).words[0].predicate = Predicate(0xff00),
        "`act` names a comparator that is not there",
    );
}

#[test]
fn an_instruction_is_for_its_element() {
    check_broken(
        |unit| {
            unit.instructions[0].kind = InstructionKind::Bit(BitInstruction {
                write: None,
                output: None,
            });
        },
        "`act` is an instruction for another element",
    );
}

const HALVED: Divider = Divider {
    dividend: DividerSource::Memory(Half::Lo),
    divisor: DividerSource::Constant(Constant::Inline(2)),
};

const SEARCH: LaneSearch = LaneSearch {
    is_largest: true,
    lane_bits: 8,
    row: Some(0),
    masks_by_operand: false,
    change: LaneChange::None,
    is_decrement: false,
};

#[test]
fn a_divider_has_its_place() {
    let broken = |breaking: fn(&mut ArithmeticInstruction), expected| {
        check_broken(|unit| breaking(arithmetic(unit)), expected);
    };
    broken(
        |of| of.words[0].source = OutputSource::Quotient,
        "`act` names a divider that is not there",
    );
    broken(
        |of| {
            of.divider = Some(HALVED);
            of.slots[0].unit.half = Half::Hi;
            of.slots[0].unit.is_second = true;
        },
        "`act` does an operation where it divides",
    );
    broken(
        |of| {
            of.divider = Some(Divider {
                dividend: DividerSource::Constant(Constant::Inline(1)),
                ..HALVED
            });
        },
        "`act` has two constants in one operation",
    );
    broken(
        |of| {
            of.divider = Some(Divider {
                divisor: DividerSource::Operand(7),
                ..HALVED
            });
        },
        "`act` names an operand that is not there",
    );
    let divide = |units: &mut Vec<StatefulUnit>| arithmetic(&mut units[0]).divider = Some(HALVED);
    check(
        divide,
        |target| target.salu.has_divider = false,
        "`act` names a divider that is not there",
    );
    check(
        divide,
        |target| target.salu.arithmetic_bits_max = 16,
        "`act` divides halves that are too wide",
    );
}

#[test]
fn a_search_takes_the_place_of_all_slots() {
    let broken = |breaking: fn(&mut ArithmeticInstruction), expected| {
        check_broken(|unit| breaking(arithmetic(unit)), expected);
    };
    broken(
        |of| of.words[0].source = OutputSource::LaneIndex,
        "`act` names a search in lanes that is not there",
    );
    broken(
        |of| of.search = Some(SEARCH),
        "`act` does an operation beside a search in lanes",
    );
    broken(
        |of| of.search = Some(SEARCH),
        "`act` searches in something else than a word of memory",
    );
    broken(
        |of| {
            of.search = Some(LaneSearch {
                row: None,
                ..SEARCH
            })
        },
        "`act` has a search with the wrong sources",
    );
    broken(
        |of| {
            of.search = Some(LaneSearch {
                row: Some(3),
                ..SEARCH
            })
        },
        "`act` names a row of constants that is not there",
    );
    broken(
        |of| {
            of.search = Some(LaneSearch {
                change: LaneChange::Operand,
                ..SEARCH
            });
        },
        "`act` names an operand that is not there",
    );
    broken(
        |of| {
            of.search = Some(SEARCH);
            of.words[0].source = OutputSource::Memory(Half::Lo);
        },
        "`act` shows memory beside a search in lanes",
    );
    check(
        |units| arithmetic(&mut units[0]).search = Some(SEARCH),
        |target| target.salu.has_lane_search = false,
        "`act` names a search in lanes that is not there",
    );
}

#[test]
fn wide_comparisons_are_of_equality_under_one_mask() {
    let wide = |of: &mut ArithmeticInstruction, mask| {
        let comparator = &mut of.comparators[1];
        let memory = comparator.memory.as_mut().expect("it compares memory");
        memory.mask = mask;
        let operand = comparator.operand.as_mut().expect("with a field");
        operand.mask = mask;
        comparator.sum = SumKind::Match;
        comparator.relation = Relation::Equal;
    };
    check_broken(
        |unit| {
            wide(arithmetic(unit), 0xff);
            arithmetic(unit).comparators[1].relation = Relation::Less;
        },
        "`act` compares wide values otherwise than for equality",
    );
    check_broken(
        |unit| {
            wide(arithmetic(unit), 0xff);
            arithmetic(unit).comparators[1].operand = None;
        },
        "`act` compares wide values of which one is not there",
    );
    check(
        |units| wide(arithmetic(&mut units[0]), 0xff),
        |target| target.salu.wide_comparators = 1,
        "`act` names a comparator of wide values that is not there",
    );
    check_broken(
        |unit| {
            wide(arithmetic(unit), 0xff);
            let mut other = unit.instructions[0].clone();
            if let InstructionKind::Arithmetic(of) = &mut other.kind {
                wide(of, 0xf0);
            }
            unit.instructions.push(other);
        },
        "`act` compares wide values under another mask",
    );
}

#[test]
fn the_case_is_shown_alone() {
    check_broken(
        |unit| {
            let words = &mut arithmetic(unit).words;
            let mut other = words[0];
            other.word = 1;
            words[0].source = OutputSource::Case;
            other.source = OutputSource::Predicate { shift: 0 };
            words.push(other);
        },
        "`act` shows two predicates",
    );
}
