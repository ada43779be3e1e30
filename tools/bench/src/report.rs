//! What is printed: a row for each work on each engine, and one for each step of the compiler.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::{CompileRow, CoresRow, EngineName};

/// What one work takes on one engine. Names and order are a contract.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The work.
    pub work: &'static str,
    /// The engine.
    pub engine: EngineName,
    /// Packets that arrive in a round.
    pub packets: u64,
    /// Of an arriving packet, with all that it causes.
    pub ns_per_packet: f64,
    /// Arriving packets.
    pub packets_per_second: f64,
    /// The same by hand.
    pub native_ns_per_packet: f64,
    /// How many times longer the engine takes: the median of the rounds.
    pub ratio_to_native: f64,
}

/// A work that was not measured on an engine.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// The work.
    pub work: &'static str,
    /// The engine.
    pub engine: EngineName,
    /// Why.
    pub reason: String,
}

/// All of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// A row a work and engine.
    pub rows: Vec<Row>,
    /// A row a work that was run on several cores, too.
    pub cores: Vec<CoresRow>,
    /// What was not measured.
    pub skipped: Vec<Skipped>,
    /// What the compiler takes.
    pub compile: Vec<CompileRow>,
}

impl Report {
    /// The report for people.
    #[must_use]
    pub fn render(&self) -> String {
        let mut parts = Vec::new();
        if !self.rows.is_empty() {
            let mut table = table(&[
                "work",
                "engine",
                "packets",
                "ns_per_packet",
                "packets_per_second",
                "native_ns_per_packet",
                "ratio_to_native",
            ]);
            for row in &self.rows {
                table.add_row([
                    row.work.to_owned(),
                    row.engine.name().to_owned(),
                    row.packets.to_string(),
                    format!("{:.1}", row.ns_per_packet),
                    format!("{:.0}", row.packets_per_second),
                    format!("{:.1}", row.native_ns_per_packet),
                    format!("{:.2}", row.ratio_to_native),
                ]);
            }
            parts.push(finished(table, 2));
        }
        if !self.cores.is_empty() {
            let mut table = table(&[
                "work",
                "engine",
                "packets",
                "cores",
                "one_core_packets_per_second",
                "packets_per_second",
                "speedup",
            ]);
            for row in &self.cores {
                table.add_row([
                    row.work.to_owned(),
                    row.engine.name().to_owned(),
                    row.packets.to_string(),
                    row.cores.to_string(),
                    format!("{:.0}", row.one_core_packets_per_second),
                    format!("{:.0}", row.packets_per_second),
                    format!("{:.2}", row.speedup),
                ]);
            }
            parts.push(finished(table, 2));
            let reasons = self.cores.iter().filter_map(|row| {
                let reason = row.reason.as_ref()?;
                Some(format!("{} on one core: {reason}", row.work))
            });
            parts.extend(reasons);
        }
        if !self.skipped.is_empty() {
            let skipped = self.skipped.iter().map(|skipped| {
                let Skipped {
                    work,
                    engine,
                    reason,
                } = skipped;
                format!("{work} on {}: {reason}", engine.name())
            });
            let skipped: Vec<String> = skipped.collect();
            parts.push(format!(
                "{} skipped:\n{}",
                skipped.len(),
                skipped.join("\n")
            ));
        }
        if !self.compile.is_empty() {
            let mut table = table(&["compile", "program", "milliseconds"]);
            for row in &self.compile {
                let milliseconds = format!("{:.1}", row.milliseconds);
                table.add_row([row.step, row.program, milliseconds.as_str()]);
            }
            parts.push(finished(table, 2));
        }
        parts.join("\n\n")
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

/// The text of a table whose columns hold numbers, but for the first ones.
fn finished(mut table: Table, n_names: usize) -> String {
    for column in table.column_iter_mut().skip(n_names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}
