//! A register action as comparators, slots and words whose sources have no place yet.

use p4rmt_ir::salu::{Half, LayoutKind, Predicate, SlotUnit};
use p4rmt_ir::{BinaryOp, Expr, Gress, Id, RegisterAction};
use p4rmt_source::Span;

use super::cases::{Cases, all_asked, decide, predicate, sliced};
use super::fault::{Fault, Located};
use super::halves::Halves;
use super::operation::{Operation, Operations, Source};
use super::output::{OutputPlan, Outputs, PlannedWord, plan_outputs};
use super::search::{PlannedSearch, plan_search};
use super::symbolic;
use super::truth::{Conditions, Test};
use crate::target::SaluLimits;

/// A register action, divided.
pub(super) struct Plan {
    pub(super) tests: Vec<(Test, Span)>,
    pub(super) slots: Vec<PlannedSlot>,
    /// What is divided by what.
    pub(super) divider: Option<([Source; 2], Span)>,
    pub(super) search: Option<(PlannedSearch, Span)>,
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

/// Divides a register action. If `is_exact`, sums that wrap are compared as the language says. `masks`:
/// what other actions of the register have comparators of wide values compare under.
pub(super) fn plan(
    action: &RegisterAction,
    halves: Halves,
    gress: &Gress,
    salu: &SaluLimits,
    masks: &[Option<u64>],
    is_exact: bool,
) -> Result<Plan, Located> {
    let trees = symbolic::run(action)?;
    let mut conditions = Conditions::new(gress, halves, salu, is_exact);
    let mut asked = Vec::new();
    for local in action.memory.iter().chain(&action.outputs) {
        all_asked(&trees[local.index()], &mut asked);
    }
    if let Some((_, span)) = asked.get(1) {
        let what = "gives `predicate()` different comparisons in different cases; a write before the call makes them differ, too";
        return Err(Fault::Predicate(what).at(*span));
    }
    if let Some((answers, span)) = asked.first() {
        conditions.ask(answers, *span)?;
    }
    let mut memory = Vec::new();
    for local in &action.memory {
        memory.push(decide(&trees[local.index()], &mut conditions)?);
    }
    let mut outputs = Vec::new();
    for local in &action.outputs {
        let decided = decide(&trees[local.index()], &mut conditions)?;
        outputs.push((decided, action.locals[*local].width));
    }
    if let Some(span) = conditions.beyond_asked().filter(|_| !asked.is_empty()) {
        let what =
            "makes a comparison that it does not give to `predicate()`, which shows all of them";
        return Err(Fault::Predicate(what).at(span));
    }
    conditions.arrange(masks)?;
    let memory: Vec<Cases> = memory
        .iter()
        .map(|value| value.cases(&conditions))
        .collect();
    let outputs: Vec<(Cases, u32)> = outputs
        .iter()
        .map(|(value, width)| (value.cases(&conditions), *width))
        .collect();
    let operations = Operations {
        gress,
        halves,
        arithmetic_bits_max: salu.arithmetic_bits_max,
        is_spare: false,
        is_low: false,
    };
    let values = outputs.iter().map(|(cases, _)| cases).chain(&memory);
    let leaves = values.flatten().collect::<Vec<_>>();
    let search = plan_search(action, &memory, &leaves, operations, salu)?;
    let dividing = leaves.iter().find(|leaf| divides(&leaf.expr));
    if let Some(leaf) = dividing.filter(|_| !salu.has_divider) {
        let what = "divides, and the stateful ALU of this machine has no divider";
        return Err(Fault::Division(what).at(leaf.span));
    }
    let new = match &search {
        None => new_halves(&memory, halves, gress),
        Some(_) => [None, None],
    };
    let mut slots = Vec::new();
    for (half, cases) in [Half::Lo, Half::Hi].into_iter().zip(&new) {
        let Some(cases) = cases else { continue };
        let old = halves.old(half);
        // Beside a divider, what the upper half keeps is computed.
        let keeps = dividing.is_none() || half == Half::Lo;
        add_slots(
            half,
            cases,
            |expr| *expr != old || !keeps,
            operations,
            salu,
            &mut slots,
        )?;
    }
    let is_possible = |case| conditions.is_possible(case);
    let wanted = Outputs {
        values: &outputs,
        new: &new,
        search: search.as_ref().map(|(search, _)| search),
        asks: !asked.is_empty(),
        is_possible: &is_possible,
    };
    let planned = plan_outputs(&wanted, operations, salu, &mut slots)?;
    let OutputPlan {
        words,
        outputs,
        divider,
    } = planned;
    let second_hi = |slot: &&PlannedSlot| slot.unit.half == Half::Hi && slot.unit.is_second;
    if let (Some(slot), Some(_)) = (slots.iter().find(second_hi), &divider) {
        let what =
            "has two alternatives for the value that is computed where its stateful ALU divides";
        return Err(Fault::Division(what).at(slot.span));
    }
    Ok(Plan {
        tests: conditions.tests,
        slots,
        divider,
        search,
        words,
        outputs,
        inexact: conditions.inexact,
    })
}

/// Whether an expression divides.
fn divides(expr: &Expr) -> bool {
    let mut divides = false;
    expr.walk(&mut |part| {
        divides |= matches!(
            part,
            Expr::Binary {
                op: BinaryOp::DivU | BinaryOp::RemU,
                ..
            }
        );
    });
    divides
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
