//! What is printed: a row for each work on each engine, and one for each step of the compiler.

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::{CompileRow, EngineName};

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

/// All of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// A row a work and engine.
    pub rows: Vec<Row>,
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
