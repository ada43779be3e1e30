//! What became of packets, for the summaries of those who run many of them.

use comfy_table::{CellAlignment, Table, presets};
use p4rmt_driver::Compiled;
use p4rmt_mau::counted::counted;
use p4rmt_pipeline::DeviceCounters;
use serde::Serialize;

/// Packets that ended inside, for one reason.
#[derive(Debug, Serialize)]
pub(crate) struct Dropped {
    pub(crate) packets: u64,
    pub(crate) reason: String,
    /// `file:line:column`, where the program says so.
    pub(crate) at: Option<String>,
}

/// How often a table had an entry for a packet.
#[derive(Debug, Serialize)]
pub(crate) struct TableLookups {
    pub(crate) name: String,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

/// Why packets ended, and at which lines of the program.
pub(crate) fn dropped(compiled: &Compiled, counters: &DeviceCounters) -> Vec<Dropped> {
    let dropped = counters.dropped.iter().map(|(reason, packets)| Dropped {
        packets: *packets,
        reason: reason.describe(&compiled.program.errors),
        at: compiled
            .sources
            .locate(reason.span())
            .map(|place| place.to_string()),
    });
    dropped.collect()
}

/// The tables with keys that packets have asked: of `tables` by name, with hits and misses.
pub(crate) fn table_lookups<'a>(
    compiled: &Compiled,
    tables: impl Iterator<Item = (&'a str, u64, u64)>,
) -> Vec<TableLookups> {
    let is_declared = |name: &str| {
        let gresses = compiled
            .program
            .pipes
            .values()
            .flat_map(|pipe| pipe.gresses.values());
        let mut tables = gresses.flat_map(|gress| gress.tables.values());
        tables.any(|table| table.name == name && !table.keys.is_empty())
    };
    tables
        .filter(|(name, hits, misses)| (*hits > 0 || *misses > 0) && is_declared(name))
        .map(|(name, hits, misses)| TableLookups {
            name: name.to_owned(),
            hits,
            misses,
        })
        .collect()
}

/// Where a program runs: in the stages of a target, or without, and why.
pub(crate) fn how(
    target: Option<&str>,
    stages_used: Option<u32>,
    why_unplaced: Option<&str>,
) -> String {
    match (target, stages_used, why_unplaced) {
        (Some(target), Some(stages), _) => {
            format!("placed in {} of {target}", counted(stages, "stages"))
        }
        (_, _, Some(why)) => format!("without stages: {why}"),
        (_, _, None) => "without stages".to_owned(),
    }
}

/// The end of a summary for people.
pub(crate) fn render(dropped: &[Dropped], tables: &[TableLookups]) -> String {
    let total: u64 = dropped.iter().map(|dropped| dropped.packets).sum();
    let mut text = format!("{:<18}{total:>9}\n", "dropped");
    for dropped in dropped {
        let at = dropped.at.as_ref();
        let at = at.map_or_else(String::new, |at| format!(", at {at}"));
        text += &format!("  {:>25}  {}{at}\n", dropped.packets, dropped.reason);
    }
    if !tables.is_empty() {
        text += &format!("\n{}\n", render_tables(tables));
    }
    text
}

fn render_tables(tables: &[TableLookups]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["table", "hits", "misses"]);
    for TableLookups { name, hits, misses } in tables {
        table.add_row([name.clone(), hits.to_string(), misses.to_string()]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}
