//! Register actions as instructions of a stateful ALU.
//!
//! In: a register and the register actions that tables call. Out: what its unit is set up for, an
//! instruction each ([`p4rmt_ir::salu`]), or what the unit can't do, at the line that wants it.
//!
//! 1. A body is run symbolically: each value becomes a choice of expressions over memory and fields as
//!    they were before the call (`symbolic`).
//! 2. Conditions become functions of comparators (`truth`, of wide values `wide`), which get numbers
//!    (`arrange`). With those, every value is one expression
//!    in each case of what the comparators say (`cases`), in a normal form (`normal`).
//! 3. What a half takes becomes at most two operations, each with the cases in which it runs
//!    (`operation`, `plan`); what comes out becomes words with a source (`output`).
//! 4. A search in lanes takes the place of operations (`search`).
//! 5. Operands and constants, which all instructions of the register share, get their places (`pool`).
//!
//! Elements of one bit have instructions of their own (`bit`).

mod arrange;
mod bit;
mod cases;
mod fault;
mod halves;
mod normal;
mod operation;
mod output;
mod plan;
mod pool;
mod search;
mod symbolic;
mod truth;
mod wide;

use p4rmt_ir::salu::{InstructionKind, LayoutKind, StatefulInstruction, StatefulUnit};
use p4rmt_ir::{Expr, Gress, RegisterActionId, RegisterId};
use p4rmt_source::Span;

use self::bit::bit_instruction;
use self::fault::{Available, Fault};
use self::halves::{Halves, layout_of};
use self::plan::{Plan, plan};
use self::pool::Pool;
use crate::problem::{LocatedProblem, Problem};
use crate::target::{SaluLimits, Target};

/// A register whose actions are instructions.
#[derive(Clone, Debug)]
pub struct MappedRegister {
    /// What its unit is set up for.
    pub unit: StatefulUnit,
    /// Comparisons of sums that the unit takes exactly where the language would let them wrap: the
    /// register actions and the places.
    pub inexact: Vec<(RegisterActionId, Span)>,
}

/// Makes instructions of register actions.
///
/// # Errors
///
/// What the unit can't do for them.
pub fn map_register(
    register_id: RegisterId,
    actions: &[RegisterActionId],
    gress: &Gress,
    target: &Target,
) -> Result<MappedRegister, Vec<LocatedProblem>> {
    let register = &gress.registers[register_id];
    let salu = &target.salu;
    let Some(layout) = layout_of(register, salu) else {
        return Err(vec![element_shape(register, salu)]);
    };
    let mut problems = Vec::new();
    let n_actions = u32::try_from(actions.len()).unwrap_or(u32::MAX);
    if let Some(beyond) = actions.get(salu.actions_per_register as usize) {
        problems.push(LocatedProblem {
            problem: Problem::TooManyRegisterActions {
                register: register.name.clone(),
                needed: n_actions,
                available: salu.actions_per_register,
            },
            span: gress.register_actions[*beyond].span,
        });
    }
    let available = Available {
        comparators: salu.comparators,
        alternatives: salu.slots_per_value,
        values: salu.computed_values,
        words: salu.outputs,
        arithmetic_bits: salu.arithmetic_bits_max,
        constant_bits: salu.register_file_bits,
        has_masks: salu.has_comparator_masks,
        has_divider: salu.has_divider,
        wide_comparators: salu.wide_comparators,
    };
    let mut pool = Pool::new(salu, layout);
    let mut instructions = Vec::new();
    let mut inexact = Vec::new();
    for id in actions {
        let action = &gress.register_actions[*id];
        let mut made = || {
            if layout.half_bits == 1 && layout.kind == LayoutKind::Single {
                return Ok(InstructionKind::Bit(bit_instruction(action, gress)?));
            }
            let halves = Halves::new(layout, action, register)
                .ok_or_else(|| Fault::TooDeep.at(action.span))?;
            let masks = pool.masks.clone();
            let plan =
                exact_or_not(|is_exact| plan(action, halves, gress, salu, &masks, is_exact))?;
            inexact.extend(plan.inexact.iter().map(|span| (*id, *span)));
            Ok(InstructionKind::Arithmetic(pool.instruction(&plan)?))
        };
        match made() {
            Ok(kind) => instructions.push(StatefulInstruction { action: *id, kind }),
            Err(fault) => {
                let fault: fault::Located = fault;
                problems.push(fault.problem(&action.name, &available));
            }
        }
    }
    match pool.settle() {
        Some(places) => {
            let of = |place: u32| places.get(place as usize).copied().unwrap_or(place);
            let kinds = instructions.iter_mut().map(|instruction| &mut instruction.kind);
            kinds.for_each(|kind| kind.move_operands(of));
        }
        None => problems.push(LocatedProblem {
            problem: Problem::LaneSearch {
                action: register.name.clone(),
                what: "has actions that want their two fields in different places: the mask of lanes is the first, what they change by the second",
            },
            span: register.span,
        }),
    }
    check_pool(
        register,
        &pool,
        layout.half_bits,
        gress,
        salu,
        &mut problems,
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(MappedRegister {
        unit: StatefulUnit {
            register: register_id,
            layout,
            operands: pool.operands.into_iter().map(|(expr, _)| expr).collect(),
            rows: pool.rows.into_iter().map(|(row, _)| row).collect(),
            math_unit: pool.math_unit,
            instructions,
        },
        inexact,
    })
}

/// The exact plan; where only comparators are too few for it, the other one.
fn exact_or_not(
    plan: impl Fn(bool) -> Result<Plan, fault::Located>,
) -> Result<Plan, fault::Located> {
    plan(true).or_else(|fault| match fault.fault {
        Fault::Comparisons(_) | Fault::Predicate(_) => plan(false).map_err(|_| fault),
        _ => Err(fault),
    })
}

fn element_shape(register: &p4rmt_ir::Register, salu: &SaluLimits) -> LocatedProblem {
    let widths: Vec<u32> = register.element.iter().map(|value| value.width).collect();
    let shape = match widths[..] {
        [width] => format!("{width} bits"),
        [lo, hi] => format!("a pair of {lo} and {hi} bits"),
        _ => format!("{} values", widths.len()),
    };
    LocatedProblem {
        problem: Problem::ElementShape {
            register: register.name.clone(),
            shape,
            possible: format!(
                "{} bits, and pairs of equal values of {} bits",
                in_words(&salu.element_bits),
                in_words(&salu.pair_bits)
            ),
        },
        span: register.span,
    }
}

fn in_words(numbers: &[u32]) -> String {
    let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
    words.join(", ")
}

/// Whether the unit has what its instructions share.
fn check_pool(
    register: &p4rmt_ir::Register,
    pool: &Pool<'_>,
    half_bits: u32,
    gress: &Gress,
    salu: &SaluLimits,
    problems: &mut Vec<LocatedProblem>,
) {
    let name = || register.name.clone();
    let widest = salu.phv_operand_bits_max.min(half_bits.max(8));
    for (operand, span) in &pool.operands {
        let needed = operand.width(gress);
        if needed > widest {
            problems.push(LocatedProblem {
                problem: Problem::OperandTooWide {
                    register: name(),
                    field: operand_name(operand, gress),
                    needed,
                    available: widest,
                },
                span: *span,
            });
        }
    }
    if let Some((_, span)) = pool.operands.get(salu.phv_operands as usize) {
        let names: Vec<String> = pool
            .operands
            .iter()
            .map(|(operand, _)| format!("`{}`", operand_name(operand, gress)))
            .collect();
        problems.push(LocatedProblem {
            problem: Problem::TooManyOperands {
                register: name(),
                fields: names.join(", "),
                needed: u32::try_from(pool.operands.len()).unwrap_or(u32::MAX),
                available: salu.phv_operands,
            },
            span: *span,
        });
    }
    if let Some((_, span)) = pool.rows.get(salu.register_file_rows as usize) {
        let values: Vec<String> = pool.rows.iter().map(|(row, _)| row.to_string()).collect();
        problems.push(LocatedProblem {
            problem: Problem::TooManyConstants {
                register: name(),
                values: values.join(", "),
                needed: u32::try_from(pool.rows.len()).unwrap_or(u32::MAX),
                available: salu.register_file_rows,
                inline_bits: salu.inline_constant_bits,
            },
            span: *span,
        });
    }
}

/// An operand as the program might have written it.
fn operand_name(operand: &Expr, gress: &Gress) -> String {
    match operand {
        Expr::Field(field) => gress.fields[*field].name.clone(),
        Expr::Slice { arg, hi, lo } => format!("{}[{hi}:{lo}]", operand_name(arg, gress)),
        Expr::Resize { arg, width, .. } => format!("({width} bits){}", operand_name(arg, gress)),
        Expr::Binary { lhs, rhs, .. } => {
            format!(
                "{} ++ {}",
                operand_name(lhs, gress),
                operand_name(rhs, gress)
            )
        }
        Expr::Const(bits) => bits.to_string(),
        Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => "…".to_owned(),
    }
}
