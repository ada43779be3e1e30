//! What one stateful ALU can do for a register and its register actions.
//!
//! In: a register and the register actions that tables call. Out: what of them the unit can't do, a
//! rule a line:
//!
//! * An element is one value, or a pair of equal ones, of a width that the unit has.
//! * Four register actions; two fields as operands, the same for all of them; none of action data.
//! * A comparison is of memory, one operand and constants; so many of them an action.
//! * A value is one operation on memory and an operand, from the values before the call; two
//!   alternatives each; two values a call, those written back unchanged included.
//! * Arithmetic is on at most 32 bits.
//!
//! Phase 1 runs a body symbolically, so that each value is an expression over memory and fields as
//! they were before the call ([`Symbolic`]); phase 2 counts what is in these expressions.

use p4rmt_ir::{
    BinaryOp, Block, Expr, FieldId, Gress, Id, LocalId, Place, RegisterAction, RegisterActionId,
    RegisterId, StmtKind, UnaryOp,
};
use p4rmt_source::Span;

use crate::problem::{LocatedProblem, Problem};
use crate::target::Target;
use crate::unit::field_slices;

/// Nodes beyond which an expression is certainly more than the unit can do.
const NODES_MAX: usize = 2_000;

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
        if let Err(problem) = check_register_action(action, gress, target) {
            problems.push(LocatedProblem {
                problem,
                span: action.span,
            });
        }
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

/// The fields that the actions read: few, narrow, and no action data.
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
        let mut reads_parameter = None;
        for_each_expr(&action.body, &mut |expr, span| {
            for slice in field_slices(expr, gress) {
                if !operands.iter().any(|(known, _)| *known == slice) {
                    operands.push((slice, span));
                }
            }
            expr.walk(&mut |expr| {
                if matches!(expr, Expr::Param { .. }) {
                    reads_parameter = Some(span);
                }
            });
        });
        if let Some(span) = reads_parameter {
            let problem = Problem::ParameterInRegisterAction {
                action: action.name.clone(),
            };
            problems.push(LocatedProblem { problem, span });
        }
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

/// The values of the variables of a register action, as expressions over the memory's and fields'
/// values before the call.
#[derive(Clone)]
struct Symbolic<'a> {
    action: &'a RegisterAction,
    values: Vec<Expr>,
}

impl<'a> Symbolic<'a> {
    fn new(action: &'a RegisterAction) -> Self {
        let values = action
            .locals
            .iter()
            .map(|(local, variable)| {
                if action.memory.contains(&local) {
                    Expr::Local {
                        local,
                        width: variable.width,
                    }
                } else {
                    Expr::Const(p4rmt_ir::Bits::zero(variable.width))
                }
            })
            .collect();
        Self { action, values }
    }

    fn too_deep(&self) -> Problem {
        Problem::ValueTooDeep {
            action: self.action.name.clone(),
        }
    }

    fn run(&mut self, block: &Block) -> Result<(), Problem> {
        for stmt in block {
            match &stmt.kind {
                StmtKind::Assign {
                    dst: Place::Local(local),
                    value,
                } => {
                    self.values[local.index()] = self.substitute(value)?;
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => self.branch(cond, then, otherwise)?,
                StmtKind::Assign { .. } => {
                    return Err(Problem::NoSuchStatefulOperation {
                        action: self.action.name.clone(),
                        operator: "an assignment to a part of a value",
                    });
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
                | StmtKind::Emit { .. } => return Err(self.too_deep()),
            }
        }
        Ok(())
    }

    fn branch(&mut self, cond: &Expr, then: &Block, otherwise: &Block) -> Result<(), Problem> {
        let cond = self.substitute(cond)?;
        let mut taken = self.clone();
        taken.run(then)?;
        self.run(otherwise)?;
        for (value, taken) in self.values.iter_mut().zip(taken.values) {
            if *value != taken {
                let untaken = std::mem::replace(value, Expr::Const(p4rmt_ir::Bits::zero(1)));
                *value = Expr::mux(cond.clone(), taken, untaken);
            }
        }
        if self.values.iter().any(|value| n_nodes(value) > NODES_MAX) {
            return Err(self.too_deep());
        }
        Ok(())
    }

    fn substitute(&self, expr: &Expr) -> Result<Expr, Problem> {
        let value = self.with_values(expr.clone());
        if n_nodes(&value) > NODES_MAX {
            return Err(self.too_deep());
        }
        Ok(value)
    }

    fn with_values(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Local { local, .. } => self.values[local.index()].clone(),
            expr => expr.map_args(&mut |arg| self.with_values(arg)),
        }
    }
}

fn n_nodes(expr: &Expr) -> usize {
    let mut n = 0;
    expr.walk(&mut |_| n += 1);
    n
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
) -> Result<(), Problem> {
    let name = || action.name.clone();
    let problem_of = |fault: Fault| match fault {
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
    let over = |needed: usize, available: u32, problem: fn(String, u32, u32) -> Problem| {
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        if needed > available {
            Err(problem(name(), needed, available))
        } else {
            Ok(())
        }
    };
    let mut symbolic = Symbolic::new(action);
    symbolic.run(&action.body)?;
    let value = |local: &LocalId| &symbolic.values[local.index()];

    over(
        action.outputs.len(),
        target.salu.outputs,
        |action, needed, available| Problem::TooManyOutputs {
            action,
            needed,
            available,
        },
    )?;
    let mut contents = Contents::default();
    let mut written: Vec<&Expr> = Vec::new();
    for local in &action.memory {
        let mut leaves = Vec::new();
        contents
            .take_value(value(local), &mut leaves)
            .map_err(problem_of)?;
        leaves.retain(|leaf| **leaf != unchanged(action, *local));
        over(
            leaves.len(),
            target.salu.slots_per_value,
            |action, needed, available| Problem::TooManyAlternatives {
                action,
                needed,
                available,
            },
        )?;
        written.extend(leaves);
    }
    let mut extra: Vec<&Expr> = Vec::new();
    for local in &action.outputs {
        let mut leaves = Vec::new();
        contents
            .take_value(value(local), &mut leaves)
            .map_err(problem_of)?;
        for leaf in leaves {
            if !is_at_hand(leaf, &written) && !extra.contains(&leaf) {
                extra.push(leaf);
            }
        }
    }
    for leaf in written.iter().chain(&extra) {
        check_operation(leaf, gress, target).map_err(problem_of)?;
    }
    over(
        contents.comparisons.len(),
        target.salu.comparators,
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

/// What a register action needs, while it is collected.
#[derive(Default)]
struct Contents {
    /// Comparisons, each once, as operator and sides; negations and mirror images are one.
    comparisons: Vec<(BinaryOp, Expr, Expr)>,
}

impl Contents {
    /// Divides a value into its alternatives, each once, and takes the comparisons that choose.
    fn take_value<'a>(&mut self, value: &'a Expr, leaves: &mut Vec<&'a Expr>) -> Result<(), Fault> {
        match value {
            Expr::Mux {
                cond,
                then,
                otherwise,
            } if !is_minimum(cond, then, otherwise) => {
                self.take_condition(cond)?;
                self.take_value(then, leaves)?;
                self.take_value(otherwise, leaves)
            }
            leaf => {
                if is_truth(without_casts(leaf)) {
                    self.take_condition(without_casts(leaf))?;
                }
                if !leaves.contains(&leaf) {
                    leaves.push(leaf);
                }
                Ok(())
            }
        }
    }

    fn take_condition(&mut self, cond: &Expr) -> Result<(), Fault> {
        match cond {
            Expr::Const(_) => Ok(()),
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.take_condition(arg),
            Expr::Binary {
                op: BinaryOp::And | BinaryOp::Or | BinaryOp::Xor,
                lhs,
                rhs,
            } => {
                self.take_condition(lhs)?;
                self.take_condition(rhs)
            }
            Expr::Binary { op, lhs, rhs } if op.is_comparison() => {
                self.take_comparison(*op, lhs, rhs)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                self.take_condition(cond)?;
                self.take_condition(then)?;
                self.take_condition(otherwise)
            }
            // A bit by itself is compared with zero.
            Expr::Field(_) | Expr::Local { .. } | Expr::Slice { .. } | Expr::Resize { .. } => {
                let zero = Expr::Const(p4rmt_ir::Bits::zero(1));
                self.take_comparison(BinaryOp::Ne, cond, &zero)
            }
            Expr::Param { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. } => Err(Fault::ComparisonTooDeep),
        }
    }

    fn take_comparison(&mut self, op: BinaryOp, lhs: &Expr, rhs: &Expr) -> Result<(), Fault> {
        let mut terms = Terms::default();
        terms.take(lhs)?;
        terms.take(rhs)?;
        if terms.memory.len() > 1 || terms.fields.len() > 1 {
            return Err(Fault::ComparisonTooDeep);
        }
        let (op, lhs, rhs) = match op {
            BinaryOp::Ne => (BinaryOp::Eq, lhs, rhs),
            BinaryOp::LeU => (BinaryOp::LtU, rhs, lhs),
            BinaryOp::LeS => (BinaryOp::LtS, rhs, lhs),
            op => (op, lhs, rhs),
        };
        let known = |(o, a, b): &(BinaryOp, Expr, Expr)| {
            let mirrored = op == BinaryOp::Eq && (a, b) == (rhs, lhs);
            *o == op && ((a, b) == (lhs, rhs) || mirrored)
        };
        if !self.comparisons.iter().any(known) {
            self.comparisons.push((op, lhs.clone(), rhs.clone()));
        }
        Ok(())
    }
}

/// Whether a choice is the smaller or larger of its two sides, which is one operation.
fn is_minimum(cond: &Expr, then: &Expr, otherwise: &Expr) -> bool {
    match cond {
        Expr::Binary {
            op: BinaryOp::LtU | BinaryOp::LeU | BinaryOp::LtS | BinaryOp::LeS,
            lhs,
            rhs,
        } => {
            let sides = (&**lhs, &**rhs);
            let is_simple = |expr: &Expr| operand(expr).is_some();
            (sides == (then, otherwise) || sides == (otherwise, then))
                && is_simple(then)
                && is_simple(otherwise)
        }
        _ => false,
    }
}

/// The terms of a comparison.
#[derive(Default)]
struct Terms {
    memory: Vec<Expr>,
    fields: Vec<Expr>,
}

impl Terms {
    fn take(&mut self, expr: &Expr) -> Result<(), Fault> {
        match expr {
            Expr::Const(_) => Ok(()),
            Expr::Local { .. } => {
                if !self.memory.contains(expr) {
                    self.memory.push(expr.clone());
                }
                Ok(())
            }
            Expr::Field(_) => {
                if !self.fields.contains(expr) {
                    self.fields.push(expr.clone());
                }
                Ok(())
            }
            Expr::Slice { arg, .. } if matches!(**arg, Expr::Field(_)) => {
                if !self.fields.contains(expr) {
                    self.fields.push(expr.clone());
                }
                Ok(())
            }
            Expr::Slice { arg, .. } | Expr::Resize { arg, .. } | Expr::Unary { arg, .. } => {
                self.take(arg)
            }
            Expr::Binary {
                op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::And,
                lhs,
                rhs,
            } => {
                self.take(lhs)?;
                self.take(rhs)
            }
            Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Param { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. } => Err(Fault::ComparisonTooDeep),
        }
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
