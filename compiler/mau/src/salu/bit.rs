//! Register actions on elements of one bit, which have instructions of their own: read, set, clear,
//! with the old bit or its complement as output.

use p4rmt_ir::salu::{BitInstruction, BitOutput};
use p4rmt_ir::{Expr, Gress, Id, RegisterAction, UnaryOp};
use p4rmt_source::Span;

use super::fault::{Fault, Located};
use super::normal::{bare_operand, normal};
use super::symbolic::{self, Tree};

/// The instruction that does what the register action says.
pub(super) fn bit_instruction(
    action: &RegisterAction,
    gress: &Gress,
) -> Result<BitInstruction, Located> {
    let trees = symbolic::run(action)?;
    let leaf = |tree: &Tree| -> Result<(Expr, Span), Located> {
        match tree {
            Tree::Leaf { expr, span } => Ok((normal(expr.clone(), gress), *span)),
            Tree::Choice { span, .. } => Err(Fault::OneBit("has a condition").at(*span)),
        }
    };
    let is_old = |expr: &Expr| matches!(expr, Expr::Local { local, .. } if Some(local) == action.memory.first());
    let mut instruction = BitInstruction {
        write: None,
        output: None,
    };
    for local in &action.memory {
        let (expr, span) = leaf(&trees[local.index()])?;
        instruction.write = match &expr {
            Expr::Const(bits) => Some(bits.is_true()),
            expr if is_old(expr) => None,
            _ => return Err(Fault::OneBit("writes something that is no constant").at(span)),
        };
    }
    if let Some(second) = action.outputs.get(1) {
        let (_, span) = leaf(&trees[second.index()])?;
        return Err(Fault::OneBit("returns more than one value").at(span));
    }
    for local in &action.outputs {
        let (expr, span) = leaf(&trees[local.index()])?;
        let output = match &bare_operand(&expr) {
            Expr::Const(bits) if bits.is_zero() => BitOutput::Constant(false),
            Expr::Const(bits) if bits.to_u64() == Some(1) => BitOutput::Constant(true),
            expr if is_old(expr) => BitOutput::Old,
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } if is_old(arg) => BitOutput::OldComplement,
            _ => return Err(Fault::OneBit("returns more than the bit or its complement").at(span)),
        };
        instruction.output = Some(output);
    }
    Ok(instruction)
}
