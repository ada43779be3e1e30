//! What one stateful ALU can do for a register and its register actions.
//!
//! In: a register and the register actions that tables call. Out: what of them the unit can't do, a
//! rule a line:
//!
//! * An element is one value, or a pair of equal ones, of a width that the unit has.
//! * Four register actions; two fields as operands, the same for all of them.
//! * A comparison is of memory, one operand and constants; so many of them an action.
//! * A value is one operation on memory and an operand, from the values before the call; two
//!   alternatives each; two values a call, those written back unchanged included.
//! * Arithmetic is on at most 32 bits.
//!
//! Phase 1 runs a body symbolically, so that each value is an expression over memory and fields as
//! they were before the call ([`Symbolic`]); phase 2 counts what is in these expressions.

mod comparison;
mod symbolic;

use p4rmt_ir::{
    BinaryOp, Block, Expr, FieldId, Gress, Id, LocalId, RegisterAction, RegisterActionId,
    RegisterId, StmtKind, UnaryOp,
};
use p4rmt_source::Span;

use self::comparison::Contents;
use self::symbolic::Symbolic;
use crate::problem::{LocatedProblem, Problem};
use crate::target::Target;
use crate::unit::field_slices;

/// What the stateful ALU can't do for these actions on this register.
#[must_use]
pub fn check_register(
    register_id: RegisterId,
    actions: &[RegisterActionId],
    gress: &Gress,
    target: &Target,
) -> Vec<LocatedProblem> {
    let register = &gress.registers[register_id];
    if let Some(problem) = check_element(register, target) {
        let span = register.span;
        return vec![LocatedProblem { problem, span }];
    }
    let mut problems = Vec::new();
    let n_actions = u32::try_from(actions.len()).unwrap_or(u32::MAX);
    if n_actions > target.salu.actions_per_register {
        problems.push(LocatedProblem {
            problem: Problem::TooManyRegisterActions {
                register: register.name.clone(),
                needed: n_actions,
                available: target.salu.actions_per_register,
            },
            span: register.span,
        });
    }
    check_operands(register_id, actions, gress, target, &mut problems);
    for action in actions {
        let action = &gress.register_actions[*action];
        problems.extend(check_register_action(action, gress, target).err());
    }
    problems
}

fn check_element(register: &p4rmt_ir::Register, target: &Target) -> Option<Problem> {
    let widths: Vec<u32> = register.element.iter().map(|value| value.width).collect();
    let salu = &target.salu;
    let (is_possible, shape) = match widths[..] {
        [width] => (salu.element_bits.contains(&width), format!("{width} bits")),
        [lo, hi] => (
            lo == hi && salu.pair_bits.contains(&lo),
            format!("a pair of {lo} and {hi} bits"),
        ),
        _ => (false, format!("{} values", widths.len())),
    };
    if is_possible {
        return None;
    }
    Some(Problem::ElementShape {
        register: register.name.clone(),
        shape,
        possible: format!(
            "{} bits, and pairs of equal values of {} bits",
            in_words(&salu.element_bits),
            in_words(&salu.pair_bits)
        ),
    })
}

fn in_words(numbers: &[u32]) -> String {
    let words: Vec<String> = numbers.iter().map(u32::to_string).collect();
    words.join(", ")
}

/// The fields that the actions read: few and narrow.
fn check_operands(
    register_id: RegisterId,
    actions: &[RegisterActionId],
    gress: &Gress,
    target: &Target,
    problems: &mut Vec<LocatedProblem>,
) {
    let register = &gress.registers[register_id];
    let mut operands: Vec<((FieldId, u32, u32), Span)> = Vec::new();
    for action in actions {
        let action = &gress.register_actions[*action];
        for_each_expr(&action.body, &mut |expr, span| {
            for slice in field_slices(expr, gress) {
                if !operands.iter().any(|(known, _)| *known == slice) {
                    operands.push((slice, span));
                }
            }
        });
    }
    let element_bits = register.element.first().map_or(1, |value| value.width);
    let available = target.salu.phv_operand_bits_max.min(element_bits.max(8));
    for ((field, hi, lo), span) in &operands {
        let needed = hi - lo + 1;
        if needed > available {
            let problem = Problem::OperandTooWide {
                register: register.name.clone(),
                field: gress.fields[*field].name.clone(),
                needed,
                available,
            };
            problems.push(LocatedProblem {
                problem,
                span: *span,
            });
        }
    }
    let n_allowed = target.salu.phv_operands as usize;
    if let Some((_, span)) = operands.get(n_allowed) {
        let names: Vec<String> = operands
            .iter()
            .map(|(slice, _)| slice_name(*slice, gress))
            .collect();
        let problem = Problem::TooManyOperands {
            register: register.name.clone(),
            fields: names.join(", "),
            needed: u32::try_from(operands.len()).unwrap_or(u32::MAX),
            available: target.salu.phv_operands,
        };
        problems.push(LocatedProblem {
            problem,
            span: *span,
        });
    }
}

fn slice_name((field, hi, lo): (FieldId, u32, u32), gress: &Gress) -> String {
    let field = &gress.fields[field];
    if lo == 0 && hi + 1 == field.width {
        format!("`{}`", field.name)
    } else {
        format!("`{}[{hi}:{lo}]`", field.name)
    }
}

fn for_each_expr<'a>(block: &'a Block, visit: &mut impl FnMut(&'a Expr, Span)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { value, .. } => visit(value, stmt.span),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                visit(cond, stmt.span);
                for_each_expr(then, visit);
                for_each_expr(otherwise, visit);
            }
            // The validator keeps these out of register actions.
            StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Labeled { .. }
            | StmtKind::Loop { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}

/// Why an expression is not one instruction.
enum Fault {
    TooDeep,
    ComparisonTooDeep,
    NoSuchOperation(&'static str),
    TooWide(u32),
}

fn check_register_action(
    action: &RegisterAction,
    gress: &Gress,
    target: &Target,
) -> Result<(), LocatedProblem> {
    let name = || action.name.clone();
    let problem_of = |fault: Fault, span: Span| {
        let problem = match fault {
            Fault::TooDeep => Problem::ValueTooDeep { action: name() },
            Fault::ComparisonTooDeep => Problem::ComparisonTooDeep { action: name() },
            Fault::NoSuchOperation(operator) => Problem::NoSuchStatefulOperation {
                action: name(),
                operator,
            },
            Fault::TooWide(needed) => Problem::ArithmeticTooWide {
                action: name(),
                needed,
                available: target.salu.arithmetic_bits_max,
            },
        };
        LocatedProblem { problem, span }
    };
    let over = |needed: usize, available: u32, span, problem: fn(String, u32, u32) -> Problem| {
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        if needed > available {
            let problem = problem(name(), needed, available);
            Err(LocatedProblem { problem, span })
        } else {
            Ok(())
        }
    };
    let mut symbolic = Symbolic::new(action);
    symbolic.run(&action.body)?;
    let value = |local: &LocalId| &symbolic.values[local.index()];
    let place = |local: &LocalId| symbolic.spans[local.index()];

    over(
        action.outputs.len(),
        target.salu.outputs,
        action.span,
        |action, needed, available| Problem::TooManyOutputs {
            action,
            needed,
            available,
        },
    )?;
    let mut contents = Contents::default();
    let mut written: Vec<&Expr> = Vec::new();
    let mut computed: Vec<(&Expr, Span)> = Vec::new();
    for local in &action.memory {
        let mut leaves = Vec::new();
        contents
            .take_value(value(local), &mut leaves)
            .map_err(|fault| problem_of(fault, place(local)))?;
        leaves.retain(|leaf| **leaf != unchanged(action, *local));
        over(
            leaves.len(),
            target.salu.slots_per_value,
            place(local),
            |action, needed, available| Problem::TooManyAlternatives {
                action,
                needed,
                available,
            },
        )?;
        computed.extend(leaves.iter().map(|leaf| (*leaf, place(local))));
        written.extend(leaves);
    }
    let mut extra: Vec<&Expr> = Vec::new();
    for local in &action.outputs {
        let mut leaves = Vec::new();
        contents
            .take_value(value(local), &mut leaves)
            .map_err(|fault| problem_of(fault, place(local)))?;
        for leaf in leaves {
            if !is_at_hand(leaf, &written) && !extra.contains(&leaf) {
                extra.push(leaf);
                computed.push((leaf, place(local)));
            }
        }
    }
    for (leaf, span) in computed {
        check_operation(leaf, gress, target).map_err(|fault| problem_of(fault, span))?;
    }
    over(
        contents.comparisons.len(),
        target.salu.comparators,
        action.span,
        |action, needed, available| Problem::TooManyComparisons {
            action,
            needed,
            available,
        },
    )?;
    let slots = (target.salu.slots_per_value as usize).max(1);
    let n_values = action.memory.len() + extra.len().div_ceil(slots);
    over(
        n_values,
        target.salu.computed_values,
        action.span,
        |action, needed, available| Problem::TooManyValues {
            action,
            needed,
            available,
        },
    )
}

/// The memory's value before the call.
fn unchanged(action: &RegisterAction, local: LocalId) -> Expr {
    Expr::Local {
        local,
        width: action.locals[local].width,
    }
}

/// Whether an output can take the value without computing it: memory, an operand, zero, a comparison,
/// one (which is a condition that holds), or what is written to memory anyway.
fn is_at_hand(leaf: &Expr, written: &[&Expr]) -> bool {
    let bare = without_casts(leaf);
    let is_truth_value =
        matches!(bare, Expr::Const(bits) if bits.low_u128() < 2 && bits.width() <= 128);
    let is_comparison = is_truth(bare);
    let is_input = matches!(bare, Expr::Local { .. } | Expr::Field(_));
    is_truth_value || is_comparison || is_input || written.iter().any(|w| without_casts(w) == bare)
}

fn without_casts(expr: &Expr) -> &Expr {
    match expr {
        Expr::Resize { arg, .. } | Expr::Slice { arg, .. } => without_casts(arg),
        expr => expr,
    }
}

/// Whether the expression is a comparison or joins some.
fn is_truth(expr: &Expr) -> bool {
    match expr {
        Expr::Binary { op, .. } if op.is_comparison() => true,
        Expr::Binary {
            op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
            lhs,
            rhs,
        } => is_truth(lhs) && is_truth(rhs),
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => is_truth(arg),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Slice { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Resize { .. }
        | Expr::Mux { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. } => false,
    }
}

/// A source of an instruction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operand {
    Memory,
    Field,
    Constant,
    MathUnit,
}

fn operand(expr: &Expr) -> Option<Operand> {
    match expr {
        Expr::Const(_) => Some(Operand::Constant),
        Expr::Local { .. } => Some(Operand::Memory),
        Expr::Field(_) => Some(Operand::Field),
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => operand(arg),
        Expr::MathUnit { arg, .. } => operand(arg).map(|_| Operand::MathUnit),
        Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::Param { .. }
        | Expr::Lookahead { .. } => None,
    }
}

/// Whether a value is one instruction.
fn check_operation(value: &Expr, gress: &Gress, target: &Target) -> Result<(), Fault> {
    if operand(value).is_some() || is_truth(without_casts(value)) {
        return Ok(());
    }
    match value {
        Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => check_operation(arg, gress, target),
        Expr::Unary { arg, .. } => match &**arg {
            Expr::Binary {
                op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
                lhs,
                rhs,
            } => check_operands_of(lhs, rhs),
            arg => operand(arg).map(|_| ()).ok_or(Fault::TooDeep),
        },
        Expr::Binary { op, lhs, rhs } => match op {
            BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::AddSatU
            | BinaryOp::SubSatU
            | BinaryOp::AddSatS
            | BinaryOp::SubSatS => {
                let width = value.width(gress);
                if width > target.salu.arithmetic_bits_max {
                    return Err(Fault::TooWide(width));
                }
                check_operands_of(lhs, rhs)
            }
            BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
                check_operands_of(uncomplemented(lhs), uncomplemented(rhs))
            }
            BinaryOp::Shl | BinaryOp::ShrU | BinaryOp::ShrS => {
                Err(Fault::NoSuchOperation("a shift"))
            }
            BinaryOp::Mul | BinaryOp::DivU | BinaryOp::RemU => {
                Err(Fault::NoSuchOperation("multiplication or division"))
            }
            BinaryOp::Concat => Err(Fault::NoSuchOperation("a concatenation")),
            BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::LtU
            | BinaryOp::LeU
            | BinaryOp::LtS
            | BinaryOp::LeS => Ok(()),
        },
        Expr::Mux {
            then, otherwise, ..
        } => check_operands_of(then, otherwise),
        Expr::Const(_)
        | Expr::Field(_)
        | Expr::Local { .. }
        | Expr::Param { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. } => Err(Fault::TooDeep),
    }
}

fn uncomplemented(expr: &Expr) -> &Expr {
    match expr {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => arg,
        expr => expr,
    }
}

/// One side comes from memory or a constant, the other from a field, a constant or the math unit.
fn check_operands_of(lhs: &Expr, rhs: &Expr) -> Result<(), Fault> {
    match (operand(lhs), operand(rhs)) {
        (Some(a), Some(b)) if a != b || a == Operand::Constant => Ok(()),
        _ => Err(Fault::TooDeep),
    }
}
