//! From the structured form of the IR to the tables form.
//!
//! [`to_tables`] takes the match-action part of each gress through these steps:
//!
//! 1. Actions that tables name become parallel actions: jumps out (`jumps`), then forward
//!    substitution of the statements before into each statement (`action`, `symbolic`).
//! 2. The control loses its jumps likewise; a table applied on several branches gets one place behind
//!    them (`share`); then the control becomes a sequence of tables and gateways; loose
//!    statements become keyless tables (`flow`).
//! 3. Writes that nothing reads go (`dead`), then writes of zero to local fields that still hold it
//!    (`zeroing`); what is read of a copy is read of its source (`copies`); once more what nothing reads
//!    goes, and what is empty without it (`compact`).
//! 4. Assignments that are more than one operation are divided over tables before and behind (`divide`).
//! 5. Generated tables are split where some of their work could be done earlier (`spread`).
//! 6. A register that one packet can touch twice is refused: the machine has each in one stage.
//!
//! Parsers and deparsers stay as they are. Both forms mean the same; a packet cannot tell which one it
//! runs through.

mod action;
mod bytes;
mod compact;
mod copies;
mod dead;
mod divide;
mod error;
mod explain;
mod flow;
mod jumps;
mod naming;
mod share;
mod simplify;
mod spread;
mod step;
mod symbolic;
mod zeroing;

use std::collections::{HashMap, HashSet};

use crate::naming::TableNames;
use indexmap::IndexMap;
use p4rmt_ir::validate::double_touches;
use p4rmt_ir::{
    ActionId, Arch, Arena, Body, CallKind, Gress, Id, ParallelAction, Program, RegisterId, Stmt,
    StmtKind, Structured, TableId, Tables,
};

pub use error::MidendError;
pub use explain::explanations;

/// The program, which the validator takes, with every gress in the tables form. A gress that has it already stays as it is, and so
/// does a program for v1model, which runs structured.
///
/// # Errors
///
/// Everything in the program that has no tables form.
pub fn to_tables(program: &Program) -> Result<Program, Vec<MidendError>> {
    let mut program = program.clone();
    if program.arch == Arch::V1model {
        return Ok(program);
    }
    let mut errors = Vec::new();
    for pipe in program.pipes.values_mut() {
        for gress in pipe.gresses.values_mut() {
            lower_gress(gress, &mut errors);
        }
    }
    if errors.is_empty() {
        Ok(program)
    } else {
        Err(errors)
    }
}

fn lower_gress(gress: &mut Gress, errors: &mut Vec<MidendError>) {
    let nothing = Body::Structured(Structured::default());
    let Structured { controls, actions } = match std::mem::replace(&mut gress.body, nothing) {
        Body::Structured(structured) => structured,
        tables @ Body::Tables(_) => {
            gress.body = tables;
            return;
        }
    };
    // The validator asks for one control in a gress of a pipeline.
    let Ok([control]) = <[_; 1]>::try_from(controls) else {
        return;
    };

    let n_declared = actions.len();
    let runnable = runnable_actions(&control.body, gress);
    let mut fields = gress.fields.clone();
    let mut parallel: Arena<ActionId, ParallelAction> = Arena::new();
    for mut action in actions {
        let id = ActionId::from_index(parallel.len());
        // What no applied table names never runs, and has no reason to be refused.
        if !runnable.contains(&id) {
            action.body.clear();
        }
        parallel.push(action::parallel_action(action, gress, &mut fields, errors));
    }

    let mut body = jumps::without_jumps(control.body, false, &mut fields, errors);
    let registers = registers_of_tables(gress, &parallel);
    share::share_tables(&mut body, &mut fields, &registers);
    let mut flow = flow::Flow {
        control: &control.name,
        inlined: &gress.inlined,
        register_actions: &gress.register_actions,
        hashes: &gress.hashes,
        fields: &mut fields,
        names: TableNames::of(&gress.tables),
        shared_bytes: bytes::SharedBytes::of(gress),
        tables: &mut gress.tables,
        actions: &mut parallel,
        gateways: Arena::new(),
        applied: IndexMap::new(),
        errors,
    };
    let seq = flow.seq(&body);
    let gateways = flow.gateways;
    gress.fields = fields;

    let mut tables = Tables {
        seq,
        gateways,
        actions: parallel,
    };
    // A zero may follow a write that nothing reads.
    dead::remove_dead(&mut tables, gress);
    zeroing::remove_zeroing(&mut tables, gress);
    copies::forward_copies(&mut tables, gress);
    dead::remove_dead(&mut tables, gress);
    divide::divide(&mut tables, gress);
    spread::spread(&mut tables, gress);
    compact::compact(&mut tables, &mut gress.tables, n_declared);
    gress.body = Body::Tables(tables);
    for touch in double_touches(gress) {
        errors.push(MidendError::TouchedTwice {
            register: gress.registers[touch.register].name.clone(),
            first: touch.first,
            span: touch.second,
        });
    }
}

/// By table: the registers that its actions touch.
fn registers_of_tables(
    gress: &Gress,
    actions: &Arena<ActionId, ParallelAction>,
) -> HashMap<TableId, HashSet<RegisterId>> {
    let register = |kind: &CallKind| match kind {
        CallKind::RegisterAction { action, .. } => Some(gress.register_actions[*action].register),
        CallKind::RegisterRead { register, .. } | CallKind::RegisterWrite { register, .. } => {
            Some(*register)
        }
        CallKind::Count { .. }
        | CallKind::Meter { .. }
        | CallKind::Filter { .. }
        | CallKind::Hash { .. }
        | CallKind::Random { .. }
        | CallKind::Checksum { .. }
        | CallKind::Mirror { .. }
        | CallKind::Resubmit { .. }
        | CallKind::Generate { .. }
        | CallKind::Digest { .. }
        | CallKind::V1(_) => None,
    };
    let mut of_tables = HashMap::new();
    for (id, table) in gress.tables.iter() {
        let named = table.actions.iter().map(|named| named.action);
        let all = named.chain([table.default_action.action]);
        let calls = all.flat_map(|action| &actions[action].calls);
        let touched: HashSet<RegisterId> =
            calls.filter_map(|(call, _)| register(&call.kind)).collect();
        if !touched.is_empty() {
            of_tables.insert(id, touched);
        }
    }
    of_tables
}

/// The actions of the tables that the control applies.
fn runnable_actions(body: &[Stmt], gress: &Gress) -> HashSet<ActionId> {
    let mut applied = HashSet::new();
    applied_tables(body, &mut applied);
    applied
        .into_iter()
        .map(|table| &gress.tables[table])
        .flat_map(|table| {
            let named = table.actions.iter().map(|named| named.action);
            named.chain([table.default_action.action])
        })
        .collect()
}

fn applied_tables(body: &[Stmt], applied: &mut HashSet<TableId>) {
    for stmt in body {
        match &stmt.kind {
            StmtKind::Apply { table, arms } => {
                applied.insert(*table);
                for arm in arms {
                    applied_tables(&arm.body, applied);
                }
            }
            StmtKind::If {
                then, otherwise, ..
            } => {
                applied_tables(then, applied);
                applied_tables(otherwise, applied);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                applied_tables(body, applied);
            }
            StmtKind::Assign { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}
