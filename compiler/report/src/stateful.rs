//! The stateful ALUs in the report: what of each unit is used.

use p4rmt_ir::salu::{InstructionKind, LayoutKind, StatefulUnit};
use p4rmt_ir::{CallKind, Gress, GressId, Pipe};
use p4rmt_mau::{Fit, Target};
use p4rmt_source::Span;

use crate::columns::columns;
use crate::schema::{InstructionReport, Share, SpanReport, StatefulReport};

/// The units in the order of the control flow, ingress first.
pub(crate) fn stateful_units(
    fit: &Fit,
    pipe: &Pipe,
    target: &Target,
    place: &dyn Fn(Span) -> Option<SpanReport>,
) -> Vec<StatefulReport> {
    let mut reports = Vec::new();
    for (gress_id, gress) in pipe.gresses.iter() {
        for unit in &fit.placement.gresses[gress_id].stateful {
            reports.push(report(fit, gress_id, gress, unit, target, place));
        }
    }
    reports
}

fn report(
    fit: &Fit,
    gress_id: GressId,
    gress: &Gress,
    unit: &StatefulUnit,
    target: &Target,
    place: &dyn Fn(Span) -> Option<SpanReport>,
) -> StatefulReport {
    let register = &gress.registers[unit.register];
    let salu = &target.salu;
    let bits = unit.layout.half_bits;
    let actions: Vec<InstructionReport> = unit
        .instructions
        .iter()
        .map(|instruction| {
            let action = &gress.register_actions[instruction.action];
            let (comparators, slots, words) = match &instruction.kind {
                InstructionKind::Arithmetic(of) => {
                    let slots = match of.search {
                        Some(_) => 2 * salu.slots_per_value as usize,
                        None => of.slots.len() + usize::from(of.divider.is_some()),
                    };
                    (of.comparators.len(), slots, of.words.len())
                }
                InstructionKind::Bit(of) => (0, 1, usize::from(of.output.is_some())),
            };
            let inexact = fit.inexact.iter();
            InstructionReport {
                name: action.name.clone(),
                comparators: count(comparators),
                slots: count(slots),
                outputs: count(words),
                without_wrapping: inexact
                    .filter(|of| of.gress == gress_id && of.action == instruction.action)
                    .filter_map(|of| place(of.span))
                    .collect(),
                span: place(action.span),
            }
        })
        .collect();
    let most = |of: fn(&InstructionReport) -> u32| actions.iter().map(of).max().unwrap_or(0);
    StatefulReport {
        register: register.name.clone(),
        gress: crate::build::gress_name(gress.role),
        stage: stage_of(fit, gress_id, gress, unit),
        element: match unit.layout.kind {
            LayoutKind::Single => format!("{bits}"),
            LayoutKind::Pair => format!("{bits}x2"),
            LayoutKind::Split => format!("{}", 2 * bits),
        },
        instructions: share(actions.len(), salu.actions_per_register),
        comparators: Share {
            used: most(|action| action.comparators),
            available: salu.comparators,
        },
        slots: Share {
            used: most(|action| action.slots),
            available: 2 * salu.slots_per_value,
        },
        outputs: Share {
            used: most(|action| action.outputs),
            available: salu.outputs,
        },
        operands: share(unit.operands.len(), salu.phv_operands),
        constants: share(unit.rows.len(), salu.register_file_rows),
        actions,
        span: place(register.span),
    }
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn share(used: usize, available: u32) -> Share {
    Share {
        used: count(used),
        available,
    }
}

/// The stage of the tables that call the unit's actions.
fn stage_of(fit: &Fit, gress_id: GressId, gress: &Gress, unit: &StatefulUnit) -> Option<u32> {
    let tables = gress.as_tables()?;
    let calls_it = |action: p4rmt_ir::ActionId| {
        tables.actions[action].calls.iter().any(|(call, _)| {
            matches!(call.kind, CallKind::RegisterAction { action, .. }
                if unit.instruction(action).is_some())
        })
    };
    gress.tables.iter().find_map(|(id, table)| {
        let mut actions = table.actions.iter().map(|named| named.action);
        let uses = actions.any(calls_it) || calls_it(table.default_action.action);
        let parts = &fit.placement.gresses[gress_id].tables[id];
        parts.first().filter(|_| uses).map(|first| first.slot.stage)
    })
}

/// The section of the text: a row a unit, then the comparisons that do not wrap.
pub(crate) fn text(units: &[StatefulReport]) -> String {
    let titles = [
        "stateful ALU",
        "gress",
        "stage",
        "bits",
        "actions",
        "comparators",
        "slots",
        "outputs",
        "operands",
        "constants",
    ];
    let of = |share: Share| format!("{} of {}", share.used, share.available);
    let rows = units.iter().map(|unit| {
        vec![
            unit.register.clone(),
            unit.gress.to_owned(),
            unit.stage
                .map_or_else(String::new, |stage| stage.to_string()),
            unit.element.clone(),
            of(unit.instructions),
            of(unit.comparators),
            of(unit.slots),
            of(unit.outputs),
            of(unit.operands),
            of(unit.constants),
        ]
    });
    let mut text = columns(&titles, rows, &[0, 1]);
    for unit in units {
        for action in &unit.actions {
            for at in &action.without_wrapping {
                text.push_str(&format!(
                    "\nnote: `{}` compares a sum at {}:{} as if it did not wrap: comparators for more are not left",
                    action.name, at.file, at.line
                ));
            }
        }
    }
    text
}
