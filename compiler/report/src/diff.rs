//! Two fits compared: which table moved, and what pushed it there.

use p4rmt_mau::counted::counted;
use serde::Serialize;

use crate::columns::columns;
use crate::schema::{BlockedByReport, FitReport, TableReport};

/// What differs between two fits.
#[derive(Debug, Serialize)]
pub struct FitDiff {
    /// The program before.
    old: Side,
    /// The program now.
    new: Side,
    /// Tables of both that are in other stages now.
    moved: Vec<Moved>,
    /// Tables of the new program only.
    added: Vec<Placed>,
    /// Tables of the old program only.
    removed: Vec<Placed>,
}

#[derive(Debug, Serialize)]
struct Side {
    program: String,
    fits: bool,
    stages_used: u32,
    critical_path: u32,
}

#[derive(Debug, Serialize)]
struct Moved {
    name: String,
    gress: &'static str,
    before: Vec<u32>,
    now: Vec<u32>,
    /// Why it is not one stage earlier now.
    blocked_by: Option<BlockedByReport>,
}

#[derive(Debug, Serialize)]
struct Placed {
    name: String,
    gress: &'static str,
    stages: Vec<u32>,
}

impl FitDiff {
    /// Compares the fits of two programs.
    #[must_use]
    pub fn new(old: &FitReport, new: &FitReport) -> Self {
        let twin = |table: &TableReport, of: &FitReport| {
            let mut tables = of.tables.iter();
            tables
                .find(|other| other.name == table.name && other.gress == table.gress)
                .cloned()
        };
        let moved = new.tables.iter().filter_map(|table| {
            let before = twin(table, old)?.stages;
            (before != table.stages).then(|| Moved {
                name: table.name.clone(),
                gress: table.gress,
                before,
                now: table.stages.clone(),
                blocked_by: table.blocked_by.clone(),
            })
        });
        let only = |of: &FitReport, not: &FitReport| {
            let tables = of.tables.iter().filter(|table| twin(table, not).is_none());
            tables
                .map(|table| Placed {
                    name: table.name.clone(),
                    gress: table.gress,
                    stages: table.stages.clone(),
                })
                .collect()
        };
        let side = |report: &FitReport| Side {
            program: report.program.clone(),
            fits: report.fits,
            stages_used: report.stages_used,
            critical_path: report.critical_path,
        };
        Self {
            old: side(old),
            new: side(new),
            moved: moved.collect(),
            added: only(new, old),
            removed: only(old, new),
        }
    }

    /// The difference for people.
    #[must_use]
    pub fn text(&self) -> String {
        let side = |side: &Side| {
            let fits = if side.fits { "fits" } else { "does not fit" };
            let Side {
                program,
                stages_used,
                critical_path,
                ..
            } = side;
            let stages = counted(*stages_used, "stages");
            format!("{program} {fits}: {stages}, {critical_path} by dependencies")
        };
        let mut text = format!("before  {}\nnow     {}\n", side(&self.old), side(&self.new));
        if self.moved.is_empty() && self.added.is_empty() && self.removed.is_empty() {
            return text + "\nevery table is where it was\n";
        }
        let none = || "-".to_owned();
        let why = |by: &Option<BlockedByReport>| {
            let by = by.as_ref();
            by.map_or_else(String::new, |by| format!("{}: {}", by.kind, by.detail))
        };
        let row = |name: &str, gress: &str, before: String, now: String, why: String| {
            vec![name.to_owned(), gress.to_owned(), before, now, why]
        };
        let moved = self.moved.iter().map(|moved| {
            let (before, now) = (stages(&moved.before), stages(&moved.now));
            row(
                &moved.name,
                moved.gress,
                before,
                now,
                why(&moved.blocked_by),
            )
        });
        let added = self.added.iter().map(|added| {
            let now = stages(&added.stages);
            row(&added.name, added.gress, none(), now, String::new())
        });
        let removed = self.removed.iter().map(|removed| {
            let before = stages(&removed.stages);
            row(&removed.name, removed.gress, before, none(), String::new())
        });
        let titles = ["table", "gress", "before", "now", "why not earlier"];
        let rows = moved.chain(added).chain(removed);
        text += &format!("\n{}\n", columns(&titles, rows, &[0, 1, 4]));
        text
    }
}

fn stages(stages: &[u32]) -> String {
    stages
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
