//! What a set of vectors reached of a program, and what it did not.
//!
//! [`Coverage`] watches vectors run. What there is to reach is what the program has, and the entries
//! that setups and vectors add; an entry that several vectors add is one.

mod report;

use std::collections::BTreeMap;

use indexmap::IndexMap;
use p4rmt_engine::{Event, InstalledEntry, Ref};
use p4rmt_ir::{
    ActionId, Arena, Block, Body, GatewayId, Gress, GressId, Id, Pipe, RegisterActionId, StateId,
    StmtKind, TableId,
};
use p4rmt_pipeline::{Device, TraceRecord};
use p4rmt_source::{Sources, Span};
use p4rmt_stf::{Observer, Place, StatementKind};

use crate::trace::names;
pub(crate) use report::Report;

/// How often each thing was reached.
pub(crate) struct Coverage<'a> {
    pipe: &'a Pipe,
    sources: &'a Sources,
    gresses: Arena<GressId, GressCoverage>,
}

/// The same for one gress.
#[derive(Default)]
struct GressCoverage {
    states: Vec<u64>,
    /// By state and case, 0 where the state does not select.
    transitions: BTreeMap<(StateId, usize), u64>,
    /// By table: hits and misses.
    tables: Vec<[u64; 2]>,
    /// By table, then by what it says: its entries.
    entries: Vec<IndexMap<String, EntryCoverage>>,
    actions: BTreeMap<(TableId, ActionId), u64>,
    /// By gateway: how often it held, and how often not.
    gateways: Vec<[u64; 2]>,
    /// By `if`: the same.
    conditions: IndexMap<Span, [u64; 2]>,
    register_actions: Vec<u64>,
    /// By register action and `if`: the same.
    register_branches: IndexMap<(RegisterActionId, Span), [u64; 2]>,
}

/// An entry.
struct EntryCoverage {
    /// Where it was brought in.
    at: Option<String>,
    /// Whether the program brings it.
    is_const: bool,
    hits: u64,
}

impl<'a> Coverage<'a> {
    /// Nothing has been reached.
    pub(crate) fn new(pipe: &'a Pipe, sources: &'a Sources) -> Self {
        Self {
            pipe,
            sources,
            gresses: pipe.gresses.values().map(GressCoverage::new).collect(),
        }
    }

    /// Takes in an entry of a table, if it is new.
    fn add_entry(
        &mut self,
        table: Ref<TableId>,
        slot: usize,
        entry: &InstalledEntry,
        place: Option<&Place>,
    ) {
        let gress = &self.pipe.gresses[table.gress];
        let text = entry_text(self.sources, gress, table.id, slot, entry);
        let at = names::place(self.sources, entry.span);
        self.gresses[table.gress].entries[table.id.index()]
            .entry(text)
            .or_insert_with(|| EntryCoverage {
                is_const: place.is_none(),
                at: at.or_else(|| place.map(ToString::to_string)),
                hits: 0,
            });
    }

    /// Takes in the entries that the program brings.
    fn add_const_entries(&mut self, device: &Device) {
        let pipe = self.pipe;
        for (gress, declared) in pipe.gresses.iter() {
            for id in declared.tables.ids() {
                let table = Ref { gress, id };
                let Ok(entries) = device.state().table(table) else {
                    continue;
                };
                for (slot, entry) in entries.iter().filter(|(_, entry)| !entry.span.is_none()) {
                    self.add_entry(table, slot, entry, None);
                }
            }
        }
    }

    fn count(&mut self, gress_id: GressId, events: &[Event<'_>]) {
        let (pipe, sources) = (self.pipe, self.sources);
        let gress = &pipe.gresses[gress_id];
        let coverage = &mut self.gresses[gress_id];
        let mut register_action = None;
        for event in events {
            match event {
                Event::ParserState { state, .. } => coverage.states[state.index()] += 1,
                Event::Transition { state, case, .. } => {
                    let key = (*state, case.unwrap_or(0));
                    *coverage.transitions.entry(key).or_default() += 1;
                }
                Event::Gateway { gateway, holds } => {
                    coverage.gateways[gateway.index()][usize::from(!holds)] += 1;
                }
                Event::Condition { span, holds } => {
                    let counts = match register_action {
                        Some(action) => coverage.register_branches.entry((action, *span)),
                        None => {
                            let counts = coverage.conditions.entry(*span).or_default();
                            counts[usize::from(!holds)] += 1;
                            continue;
                        }
                    };
                    counts.or_default()[usize::from(!holds)] += 1;
                }
                Event::Table {
                    table,
                    entry,
                    action,
                    ..
                } => {
                    coverage.tables[table.index()][usize::from(entry.is_none())] += 1;
                    if let Some(action) = action {
                        *coverage.actions.entry((*table, *action)).or_default() += 1;
                    }
                    if let Some(hit) = entry {
                        let text = entry_text(sources, gress, *table, hit.slot, &hit.entry);
                        if let Some(entry) = coverage.entries[table.index()].get_mut(&text) {
                            entry.hits += 1;
                        }
                    }
                }
                Event::RegisterAction { action, .. } => {
                    register_action = Some(*action);
                    coverage.register_actions[action.index()] += 1;
                }
                Event::Register { .. } => register_action = None,
                Event::Packet { .. }
                | Event::Extract { .. }
                | Event::ParserError { .. }
                | Event::Control { .. }
                | Event::Stage { .. }
                | Event::Write { .. }
                | Event::Counted { .. }
                | Event::Computed { .. }
                | Event::Deparser
                | Event::Emit { .. } => {}
            }
        }
    }
}

impl GressCoverage {
    fn new(gress: &Gress) -> Self {
        let mut coverage = Self {
            states: vec![0; gress.parser.states.len()],
            tables: vec![[0; 2]; gress.tables.len()],
            entries: gress.tables.values().map(|_| IndexMap::new()).collect(),
            gateways: vec![[0; 2]; gress.as_tables().map_or(0, |body| body.gateways.len())],
            register_actions: vec![0; gress.register_actions.len()],
            ..Self::default()
        };
        let mut add = |span| {
            coverage.conditions.entry(span).or_default();
        };
        for state in gress.parser.states.values() {
            conditions(&state.body, &mut add);
        }
        if let Body::Structured(body) = &gress.body {
            for control in &body.controls {
                conditions(&control.body, &mut add);
            }
            for action in body.actions.values() {
                conditions(&action.body, &mut add);
            }
        }
        conditions(&gress.deparser.body, &mut add);
        for (id, action) in gress.register_actions.iter() {
            conditions(&action.body, &mut |span| {
                coverage.register_branches.entry((id, span)).or_default();
            });
        }
        coverage
    }

    fn gateway(&self, id: GatewayId) -> [u64; 2] {
        self.gateways[id.index()]
    }
}

/// The places of all `if`s of a block.
fn conditions(block: &Block, add: &mut impl FnMut(Span)) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => {
                add(stmt.span);
                conditions(then, add);
                conditions(otherwise, add);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => conditions(body, add),
            StmtKind::Apply { arms, .. } => {
                arms.iter().for_each(|arm| conditions(&arm.body, add));
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

/// What tells an entry from the others of its table: what it wants of keys, where it wants anything,
/// and its priority.
fn entry_text(
    sources: &Sources,
    gress: &Gress,
    table: TableId,
    slot: usize,
    entry: &InstalledEntry,
) -> String {
    let text = names::entry(sources, gress, table, slot, entry);
    let matches: Vec<String> = text
        .matches
        .iter()
        .filter(|wanted| wanted.value != "_")
        .map(|wanted| format!("{}: {}", wanted.name, wanted.value))
        .collect();
    let priority = text
        .priority
        .map_or_else(String::new, |priority| format!(", priority {priority}"));
    let matches = if matches.is_empty() {
        "anything".to_owned()
    } else {
        matches.join(", ")
    };
    format!("{matches}{priority}")
}

impl Observer for Coverage<'_> {
    fn before(&mut self, _: &Place, _: &StatementKind, device: &mut Device) {
        if !device.is_tracing() {
            device.record_trace(true);
            self.add_const_entries(device);
        }
    }

    fn after(&mut self, place: &Place, added: Option<(Ref<TableId>, usize)>, device: &mut Device) {
        if let Some((table, slot)) = added
            && let Ok(entries) = device.state().table(table)
            && let Some(entry) = entries.get(slot)
        {
            self.add_entry(table, slot, entry, Some(place));
        }
        for record in device.take_trace() {
            match record {
                TraceRecord::Pass(pass) => self.count(pass.gress, &pass.events),
                TraceRecord::Fate(_) => {}
            }
        }
    }
}
