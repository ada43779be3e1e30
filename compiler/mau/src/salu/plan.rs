//! A register action as comparators, slots and words whose sources have no place yet.

use p4rmt_ir::salu::{Half, LayoutKind, Predicate, SlotUnit};
use p4rmt_ir::{Expr, Gress, Id, RegisterAction};
use p4rmt_source::Span;

use super::cases::{Cases, decide, predicate, sliced};
use super::fault::{Fault, Located};
use super::halves::Halves;
use super::operation::{Operation, Operations, Source};
use super::output::{PlannedWord, plan_outputs};
use super::symbolic;
use super::truth::{Conditions, Test};
use crate::target::SaluLimits;

/// A register action, divided.
pub(super) struct Plan {
    pub(super) tests: Vec<(Test, Span)>,
    pub(super) slots: Vec<PlannedSlot>,
    pub(super) words: Vec<PlannedWord>,
    /// By output: the words that hold it.
    pub(super) outputs: Vec<Vec<Option<u32>>>,
    /// Where a sum is compared as if it did not wrap.
    pub(super) inexact: Vec<Span>,
}

/// An operation and where it is done.
pub(super) struct PlannedSlot {
    pub(super) unit: SlotUnit,
    pub(super) predicate: Predicate,
    pub(super) operation: Operation,
    pub(super) span: Span,
}

/// Divides a register action. If `is_exact`, sums that wrap are compared as the language says.
pub(super) fn plan(
    action: &RegisterAction,
    halves: Halves,
    gress: &Gress,
    salu: &SaluLimits,
    is_exact: bool,
) -> Result<Plan, Located> {
    let trees = symbolic::run(action)?;
    let mut conditions = Conditions::new(gress, halves, salu.has_comparator_masks, is_exact);
    let mut memory = Vec::new();
    for local in &action.memory {
        memory.push(decide(&trees[local.index()], &mut conditions)?);
    }
    let mut outputs = Vec::new();
    for local in &action.outputs {
        let decided = decide(&trees[local.index()], &mut conditions)?;
        outputs.push((decided, action.locals[*local].width));
    }
    let limit = (salu.comparators as usize).min(Predicate::COMPARATORS_MAX);
    if let Some((_, span)) = conditions.tests.get(limit) {
        let needed = u32::try_from(conditions.tests.len()).unwrap_or(u32::MAX);
        return Err(Fault::Comparisons(needed).at(*span));
    }
    let memory: Vec<Cases> = memory
        .iter()
        .map(|value| value.cases(&conditions))
        .collect();
    let new = new_halves(&memory, halves, gress);
    let outputs: Vec<(Cases, u32)> = outputs
        .iter()
        .map(|(value, width)| (value.cases(&conditions), *width))
        .collect();
    let operations = Operations {
        gress,
        halves,
        arithmetic_bits_max: salu.arithmetic_bits_max,
        is_spare: false,
    };
    let mut slots = Vec::new();
    for (half, cases) in [Half::Lo, Half::Hi].into_iter().zip(&new) {
        let Some(cases) = cases else { continue };
        let old = halves.old(half);
        add_slots(
            half,
            cases,
            |expr| *expr != old,
            operations,
            salu,
            &mut slots,
        )?;
    }
    let (words, outputs) = plan_outputs(&outputs, &new, operations, salu, &mut slots)?;
    Ok(Plan {
        tests: conditions.tests,
        slots,
        words,
        outputs,
        inexact: conditions.inexact,
    })
}

/// The new values of the halves that are memory.
fn new_halves(memory: &[Cases], halves: Halves, gress: &Gress) -> [Option<Cases>; 2] {
    let half_bits = halves.layout.half_bits;
    match (halves.layout.kind, memory) {
        (LayoutKind::Single, [whole, ..]) => [Some(whole.clone()), None],
        (LayoutKind::Pair, [lo, hi, ..]) => [Some(lo.clone()), Some(hi.clone())],
        (LayoutKind::Split, [whole, ..]) => [
            Some(sliced(whole, half_bits - 1, 0, gress)),
            Some(sliced(whole, 2 * half_bits - 1, half_bits, gress)),
        ],
        (LayoutKind::Single | LayoutKind::Split, []) | (LayoutKind::Pair, [] | [_]) => [None, None],
    }
}

/// The slots that make a half take its values in the cases in which they are to be computed.
pub(super) fn add_slots(
    half: Half,
    cases: &Cases,
    is_computed: impl Fn(&Expr) -> bool,
    operations: Operations<'_>,
    salu: &SaluLimits,
    slots: &mut Vec<PlannedSlot>,
) -> Result<(), Located> {
    let mut made: Vec<(Operation, Span, Vec<usize>)> = Vec::new();
    for (case, leaf) in cases.iter().enumerate() {
        if !is_computed(&leaf.expr) {
            continue;
        }
        let of_leaf = operations
            .of(&leaf.expr)
            .map_err(|fault| fault.at(leaf.span))?;
        for operation in of_leaf {
            match made.iter_mut().find(|(known, ..)| *known == operation) {
                Some((.., cases)) => cases.push(case),
                None => made.push((operation, leaf.span, vec![case])),
            }
        }
    }
    let limit = (salu.slots_per_value as usize).min(2);
    if made.len() > limit {
        // The one that the program has last.
        let last = made
            .iter()
            .map(|(_, span, _)| *span)
            .max_by_key(|span| span.lo);
        let needed = u32::try_from(made.len()).unwrap_or(u32::MAX);
        return Err(Fault::Alternatives(needed).at(last.unwrap_or(Span::NONE)));
    }
    let uses_math = |operation: &Operation| matches!(operation.b, Some(Source::Math(..)));
    // The math unit leads to the second ALU of the lower half.
    made.sort_by_key(|(operation, ..)| uses_math(operation));
    let n_math = made
        .iter()
        .filter(|(operation, ..)| uses_math(operation))
        .count();
    if let Some((_, span, _)) = made.iter().find(|(operation, ..)| uses_math(operation)) {
        if half == Half::Hi {
            let what =
                "writes what the math unit gives to the second value of a pair, or returns it only";
            return Err(Fault::MathUnit(what).at(*span));
        }
        if n_math > 1 {
            return Err(Fault::MathUnit("uses the math unit twice").at(*span));
        }
    }
    for (position, (operation, span, holds)) in made.into_iter().enumerate() {
        let is_second = position == 1 || uses_math(&operation);
        slots.push(PlannedSlot {
            unit: SlotUnit { half, is_second },
            predicate: predicate(cases.len(), |case| holds.contains(&case)),
            operation,
            span,
        });
    }
    Ok(())
}
