//! A search for the smallest or largest lane of a word of memory, which takes the place of all slots.
//!
//! The word is all of the memory that the register action sees, as it was before the call. Mask and change
//! are constants, which share a row of the register file, or the first and the second operand. The change
//! has eight bits beside its sign, and happens in every case.

use p4rmt_ir::salu::LaneSearch;
use p4rmt_ir::{BinaryOp, Bits, Expr, Gress, LaneExpr, LaneOp, LanePart, RegisterAction};
use p4rmt_source::Span;

use super::cases::{Cases, Leaf, is_zero};
use super::fault::{Fault, Located};
use super::normal::{bare_operand, is_operand, normal, slice};
use super::operation::Operations;
use crate::target::SaluLimits;

/// A search whose operands and row have no place yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlannedSearch {
    pub(super) is_largest: bool,
    pub(super) lane_bits: u32,
    /// The mask, if it is a field.
    pub(super) mask: Option<Expr>,
    /// The change, if it is a field.
    pub(super) change: Option<Expr>,
    /// Mask and change, where they are constants; nothing if none of them is.
    pub(super) row: Option<u32>,
    /// Whether the row holds a change.
    pub(super) has_row_change: bool,
    pub(super) is_decrement: bool,
}

/// The search that the values of a register action ask for. `leaves`: all of its values.
pub(super) fn plan_search(
    action: &RegisterAction,
    memory: &[Cases],
    leaves: &[&Leaf],
    operations: Operations<'_>,
    salu: &SaluLimits,
) -> Result<Option<(PlannedSearch, Span)>, Located> {
    let mut wanted: Option<(&LaneExpr, Span)> = None;
    for leaf in leaves {
        let mut is_other = false;
        leaf.expr.walk(&mut |part| {
            if let Expr::Lane(lane) = part {
                let (known, _) = *wanted.get_or_insert((lane, leaf.span));
                is_other |= !is_same_search(known, lane);
            }
        });
        if is_other {
            let what = "searches twice, and its stateful ALU finds one lane a call";
            return Err(Fault::Search(what).at(leaf.span));
        }
    }
    let old = word_of(action, operations);
    let Some((lane, span)) = wanted else {
        if old.width(operations.gress) > element_bits(action, operations) {
            let what =
                "sees a whole word of memory, but does not look for its smallest or largest lane";
            return Err(Fault::Search(what).at(action.span));
        }
        return Ok(None);
    };
    let fault = |what: &'static str| Fault::Search(what).at(span);
    if !salu.has_lane_search {
        return Err(fault(
            "looks for the smallest or largest lane, which the stateful ALU of this machine can't do",
        ));
    }
    if lane.word != old {
        return Err(fault(
            "looks for the smallest or largest lane of something else than its memory before the call",
        ));
    }
    check_memory(action, memory, (lane, span), &old, operations)?;
    Ok(Some((sources(lane, operations.gress, fault)?, span)))
}

fn is_same_search(a: &LaneExpr, b: &LaneExpr) -> bool {
    let part = LanePart::Number;
    LaneOp { part, ..a.op } == LaneOp { part, ..b.op } && a.args() == b.args()
}

/// The memory that the register action sees, in its normal form.
fn word_of(action: &RegisterAction, operations: Operations<'_>) -> Expr {
    let values = action.memory.iter().rev().map(|local| Expr::Local {
        local: *local,
        width: action.locals[*local].width,
    });
    let word = values.reduce(|high, low| Expr::binary(BinaryOp::Concat, high, low));
    let word = word.unwrap_or(Expr::Const(Bits::zero(0)));
    normal(operations.halves.in_halves(word), operations.gress)
}

/// Bits of an element of the register.
fn element_bits(action: &RegisterAction, operations: Operations<'_>) -> u32 {
    let register = &operations.gress.registers[action.register];
    register.element.iter().map(|value| value.width).sum()
}

/// Memory is kept, or one lane of it changes in every case.
fn check_memory(
    action: &RegisterAction,
    memory: &[Cases],
    (lane, span): (&LaneExpr, Span),
    old: &Expr,
    operations: Operations<'_>,
) -> Result<(), Located> {
    let gress = operations.gress;
    let changed = Expr::Lane(Box::new(LaneExpr {
        op: LaneOp {
            part: LanePart::Word,
            ..lane.op
        },
        ..lane.clone()
    }));
    let is_changed = !is_zero(&lane.change);
    let mut lo = 0;
    for (local, cases) in action.memory.iter().zip(memory) {
        let hi = lo + action.locals[*local].width - 1;
        let [kept, changed] = [old, &changed].map(|word| slice(word.clone(), hi, lo, gress));
        for leaf in cases {
            if leaf.expr != kept && leaf.expr != changed {
                let what = "writes more to its memory than the change of the lane that it finds";
                return Err(Fault::Search(what).at(leaf.span));
            }
            if (leaf.expr == changed) != is_changed {
                let what = "changes the lane that it finds under a condition";
                return Err(Fault::Search(what).at(span));
            }
        }
        lo = hi + 1;
    }
    Ok(())
}

/// Where mask and change come from.
fn sources(
    lane: &LaneExpr,
    gress: &Gress,
    fault: impl Fn(&'static str) -> Located,
) -> Result<PlannedSearch, Located> {
    let mut planned = PlannedSearch {
        is_largest: lane.op.is_largest,
        lane_bits: lane.op.lane_bits,
        mask: None,
        change: None,
        row: None,
        has_row_change: false,
        is_decrement: false,
    };
    match &lane.mask {
        Expr::Const(mask) => planned.row = Some(mask.low_u64() as u32),
        mask if is_operand(mask) => planned.mask = Some(bare_operand(mask)),
        _ => {
            return Err(fault(
                "computes the mask of lanes, which is a constant or a field",
            ));
        }
    }
    match &lane.change {
        Expr::Const(change) if change.is_zero() => {}
        Expr::Const(change) => {
            let by = i64::try_from(change.to_bigint_signed()).unwrap_or(i64::MAX);
            if by.unsigned_abs() >> LaneSearch::CHANGE_BITS != 0 {
                return Err(fault("changes a lane by more than 255"));
            }
            let by = by.unsigned_abs() as u32;
            planned.is_decrement = change.bit(change.width() - 1);
            planned.row = Some(planned.row.unwrap_or(0) | by << lane.op.n_lanes());
            planned.has_row_change = true;
        }
        change => {
            let bare = bare_operand(change);
            if !is_operand(change) || bare.width(gress) > LaneSearch::CHANGE_BITS {
                return Err(fault(
                    "changes a lane by something else than a constant or a field of 8 bits without a sign",
                ));
            }
            planned.change = Some(bare);
        }
    }
    Ok(planned)
}
