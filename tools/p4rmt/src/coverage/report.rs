//! Coverage as data and as text. The types are the JSON; their names are stable.

use p4rmt_ir::{Body, Gress, GressRole, Id, Transition};
use serde::Serialize;

use super::{Coverage, GressCoverage};
use crate::trace::explain::{case_text, target_name};
use crate::trace::explanation::At;
use crate::trace::names;

/// What was reached of a program.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// How much of each kind.
    pub(crate) summary: Summary,
    pub(crate) parser_states: Vec<Reached>,
    pub(crate) transitions: Vec<Reached>,
    pub(crate) tables: Vec<TableReached>,
    pub(crate) branches: Vec<BranchReached>,
    pub(crate) register_actions: Vec<RegisterActionReached>,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Summary {
    parser_states: Share,
    transitions: Share,
    /// Those that were applied.
    tables: Share,
    /// The program's and added ones, those that were hit.
    entries: Share,
    /// Of each table.
    actions: Share,
    /// Two of each condition.
    branches: Share,
    register_actions: Share,
    register_branches: Share,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Share {
    reached: usize,
    total: usize,
}

/// Something that is reached or not.
#[derive(Debug, Serialize)]
pub(crate) struct Reached {
    gress: &'static str,
    name: String,
    /// How often.
    count: u64,
    at: At,
}

#[derive(Debug, Serialize)]
pub(crate) struct TableReached {
    gress: &'static str,
    name: String,
    hits: u64,
    misses: u64,
    at: At,
    entries: Vec<EntryReached>,
    actions: Vec<Reached>,
}

#[derive(Debug, Serialize)]
pub(crate) struct EntryReached {
    /// What it wants of the key.
    entry: String,
    /// `const` for the program's, `added` for those of setups and vectors.
    origin: &'static str,
    hits: u64,
    /// Where it was brought in.
    at: At,
}

#[derive(Debug, Serialize)]
pub(crate) struct BranchReached {
    gress: &'static str,
    condition: String,
    #[serde(rename = "true")]
    held: u64,
    #[serde(rename = "false")]
    failed: u64,
    at: At,
}

#[derive(Debug, Serialize)]
pub(crate) struct RegisterActionReached {
    gress: &'static str,
    name: String,
    count: u64,
    at: At,
    branches: Vec<BranchReached>,
}

impl Share {
    fn of(counts: impl Iterator<Item = u64>) -> Self {
        let mut share = Self::default();
        for count in counts {
            share.total += 1;
            share.reached += usize::from(count > 0);
        }
        share
    }
}

impl Report {
    pub(crate) fn new(coverage: &Coverage<'_>) -> Self {
        let mut report = Self {
            summary: Summary::default(),
            parser_states: Vec::new(),
            transitions: Vec::new(),
            tables: Vec::new(),
            branches: Vec::new(),
            register_actions: Vec::new(),
        };
        for (id, gress) in coverage.pipe.gresses.iter() {
            let of = Of {
                coverage,
                gress,
                counts: &coverage.gresses[id],
                role: match gress.role {
                    GressRole::Ingress => "ingress",
                    GressRole::Egress => "egress",
                    GressRole::Whole => "program",
                },
            };
            of.parser(&mut report);
            report.tables.extend(of.tables());
            report.branches.extend(of.branches());
            report.register_actions.extend(of.register_actions());
        }
        report.summary = report.sum_up();
        report
    }

    fn sum_up(&self) -> Summary {
        let both = |branches: &[BranchReached]| -> Vec<u64> {
            branches
                .iter()
                .flat_map(|branch| [branch.held, branch.failed])
                .collect()
        };
        let counts = |reached: &[Reached]| Share::of(reached.iter().map(|reached| reached.count));
        let tables = self.tables.iter();
        let actions = self.register_actions.iter();
        Summary {
            parser_states: counts(&self.parser_states),
            transitions: counts(&self.transitions),
            tables: Share::of(tables.clone().map(|table| table.hits + table.misses)),
            entries: Share::of(
                tables
                    .clone()
                    .flat_map(|table| table.entries.iter().map(|entry| entry.hits)),
            ),
            actions: Share::of(
                tables.flat_map(|table| table.actions.iter().map(|action| action.count)),
            ),
            branches: Share::of(both(&self.branches).into_iter()),
            register_actions: Share::of(actions.clone().map(|action| action.count)),
            register_branches: Share::of(actions.flat_map(|action| both(&action.branches))),
        }
    }

    /// The summary, and what was not reached, for people.
    pub(crate) fn render(&self) -> String {
        let summary = &self.summary;
        let mut text = String::from("coverage           reached    of\n");
        for (name, share) in [
            ("parser states", summary.parser_states),
            ("transitions", summary.transitions),
            ("tables", summary.tables),
            ("entries", summary.entries),
            ("actions", summary.actions),
            ("branches", summary.branches),
            ("register actions", summary.register_actions),
            ("  their branches", summary.register_branches),
        ] {
            let Share { reached, total } = share;
            if let Some(percent) = (reached * 100).checked_div(total) {
                text += &format!("{name:<18}{reached:>8}{total:>6}  {percent:>3} %\n");
            }
        }
        let mut missing = Vec::new();
        for (kind, reached) in [
            ("state", &self.parser_states),
            ("transition", &self.transitions),
        ] {
            for reached in reached.iter().filter(|reached| reached.count == 0) {
                let line = format!("{} {kind} {}", reached.gress, reached.name);
                missing.push((line, &reached.at));
            }
        }
        for table in &self.tables {
            if table.hits + table.misses == 0 {
                missing.push((format!("table {} is not applied", table.name), &table.at));
                continue;
            }
            for entry in table.entries.iter().filter(|entry| entry.hits == 0) {
                let line = format!("entry of {}: {}", table.name, entry.entry);
                missing.push((line, &entry.at));
            }
            for action in table.actions.iter().filter(|action| action.count == 0) {
                let line = format!("action {} of {}", action.name, table.name);
                missing.push((line, &action.at));
            }
        }
        for branch in &self.branches {
            missing.extend(branch.missing("").map(|line| (line, &branch.at)));
        }
        for action in &self.register_actions {
            if action.count == 0 {
                missing.push((format!("register action {}", action.name), &action.at));
                continue;
            }
            let prefix = format!("{}: ", action.name);
            for branch in &action.branches {
                missing.extend(branch.missing(&prefix).map(|line| (line, &branch.at)));
            }
        }
        if missing.is_empty() {
            return text.trim_end().to_owned();
        }
        text += "\nnot reached\n";
        for (line, at) in missing {
            let at = at.as_ref().map_or("", String::as_str);
            text += format!("{:<88}  {at}", format!("  {line}")).trim_end();
            text.push('\n');
        }
        text.trim_end().to_owned()
    }
}

impl BranchReached {
    /// The branch that was not taken, if one was not.
    fn missing(&self, prefix: &str) -> Option<String> {
        let never = match (self.held, self.failed) {
            (0, 0) => "is never tested",
            (0, _) => "never holds",
            (_, 0) => "always holds",
            (_, _) => return None,
        };
        Some(format!("{prefix}if ({}) {never}", self.condition))
    }
}

/// A gress and its counts.
struct Of<'a> {
    coverage: &'a Coverage<'a>,
    gress: &'a Gress,
    counts: &'a GressCoverage,
    role: &'static str,
}

impl Of<'_> {
    fn at(&self, span: p4rmt_source::Span) -> At {
        names::place(self.coverage.sources, span)
    }

    fn reached(&self, name: String, count: u64, span: p4rmt_source::Span) -> Reached {
        Reached {
            gress: self.role,
            name,
            count,
            at: self.at(span),
        }
    }

    fn parser(&self, report: &mut Report) {
        for (id, state) in self.gress.parser.states.iter() {
            let count = self.counts.states[id.index()];
            let name = state.name.clone();
            report
                .parser_states
                .push(self.reached(name, count, state.span));
            let count = |case| {
                let count = self.counts.transitions.get(&(id, case));
                count.copied().unwrap_or_default()
            };
            match &state.transition {
                Transition::Goto(target) => {
                    let name = format!("{} → {}", state.name, target_name(self.gress, *target));
                    let transition = self.reached(name, count(0), state.span);
                    report.transitions.push(transition);
                }
                Transition::Select { cases, .. } => {
                    for (position, case) in cases.iter().enumerate() {
                        let name = format!(
                            "{}: {} → {}",
                            state.name,
                            case_text(self.gress, &case.keysets),
                            target_name(self.gress, case.target)
                        );
                        let transition = self.reached(name, count(position), case.span);
                        report.transitions.push(transition);
                    }
                }
            }
        }
    }

    fn tables(&self) -> impl Iterator<Item = TableReached> {
        let declared = self.gress.tables.iter();
        let declared = declared.filter(|(_, table)| table.is_declared);
        declared.map(|(id, table)| {
            let [hits, misses] = self.counts.tables[id.index()];
            let entries = self.counts.entries[id.index()].iter();
            TableReached {
                gress: self.role,
                name: table.name.clone(),
                hits,
                misses,
                at: self.at(table.span),
                entries: entries
                    .map(|(text, entry)| EntryReached {
                        entry: text.clone(),
                        origin: if entry.is_const { "const" } else { "added" },
                        hits: entry.hits,
                        at: entry.at.clone(),
                    })
                    .collect(),
                actions: table
                    .actions
                    .iter()
                    .map(|action| {
                        let (name, _, span) = names::action(self.gress, action.action);
                        let count = self.counts.actions.get(&(id, action.action));
                        self.reached(name.to_owned(), count.copied().unwrap_or_default(), span)
                    })
                    .collect(),
            }
        })
    }

    fn branch(&self, span: p4rmt_source::Span, [held, failed]: [u64; 2]) -> BranchReached {
        BranchReached {
            gress: self.role,
            condition: names::condition(self.coverage.sources, span),
            held,
            failed,
            at: self.at(span),
        }
    }

    fn branches(&self) -> Vec<BranchReached> {
        let mut branches: Vec<BranchReached> = match &self.gress.body {
            Body::Tables(body) => body
                .gateways
                .iter()
                .map(|(id, gateway)| self.branch(gateway.span, self.counts.gateway(id)))
                .collect(),
            Body::Structured(_) => Vec::new(),
        };
        let conditions = self.counts.conditions.iter();
        branches.extend(conditions.map(|(span, counts)| self.branch(*span, *counts)));
        branches
    }

    fn register_actions(&self) -> impl Iterator<Item = RegisterActionReached> {
        self.gress.register_actions.iter().map(|(id, action)| {
            let branches = self.counts.register_branches.iter();
            let branches = branches.filter(|((of, _), _)| *of == id);
            RegisterActionReached {
                gress: self.role,
                name: action.name.clone(),
                count: self.counts.register_actions[id.index()],
                at: self.at(action.span),
                branches: branches
                    .map(|((_, span), counts)| self.branch(*span, *counts))
                    .collect(),
            }
        })
    }
}
