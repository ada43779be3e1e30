//! Two fits compared: which table moved, and what pushed it there.

use comfy_table::{Table, presets};
use serde::Serialize;

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
            format!("{program} {fits}: {stages_used} stages, {critical_path} by dependencies")
        };
        let mut text = format!("before  {}\nnow     {}\n", side(&self.old), side(&self.new));
        if self.moved.is_empty() && self.added.is_empty() && self.removed.is_empty() {
            return text + "\nevery table is where it was\n";
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header([
            "table",
            "gress",
            "before",
            "now",
            "why not earlier",
        ]);
        for moved in &self.moved {
            let why = moved.blocked_by.as_ref();
            let why = why.map_or_else(String::new, |why| format!("{}: {}", why.kind, why.detail));
            let (before, now) = (stages(&moved.before), stages(&moved.now));
            table.add_row([moved.name.clone(), moved.gress.to_owned(), before, now, why]);
        }
        let none = || "-".to_owned();
        for added in &self.added {
            let now = stages(&added.stages);
            table.add_row([
                added.name.clone(),
                added.gress.to_owned(),
                none(),
                now,
                String::new(),
            ]);
        }
        for removed in &self.removed {
            let before = stages(&removed.stages);
            let (name, gress) = (removed.name.clone(), removed.gress.to_owned());
            table.add_row([name, gress, before, none(), String::new()]);
        }
        text += &format!("\n{}\n", table.trim_fmt());
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
