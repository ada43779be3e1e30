//! The fit report as text: the answer and what stands in the way, the tables with the reason for their
//! place, the stages, the memories, the stateful ALUs, latency and power.

use std::fmt::Write as _;

use p4rmt_mau::counted::counted;

use crate::columns::columns;
use crate::resources::RESOURCES;
use crate::schema::{FitReport, MemoryReport, PhvReport, ProblemReport, TableReport};
use crate::stateful;

/// The report as a person reads it; lines end with a newline.
#[must_use]
pub fn text(report: &FitReport) -> String {
    let mut text = String::new();
    let verdict = if report.fits { "fits" } else { "does not fit" };
    line(
        &mut text,
        &format!("{} {verdict} {}", report.program, report.target),
    );
    line(
        &mut text,
        &format!(
            "{} of {} used, {} needed by the longest chain of dependencies",
            report.stages_used,
            counted(report.stages_available, "stages"),
            report.critical_path
        ),
    );
    if !report.problems.is_empty() {
        let _ = write!(text, "\n{}", problems(&report.problems));
    }
    if !report.tables.is_empty() {
        let _ = write!(text, "\n{}\n\n{}\n", tables(&report.tables), stages(report));
    }
    if !report.memories.is_empty() {
        let _ = write!(text, "\n{}\n", memories(&report.memories));
    }
    if !report.stateful.is_empty() {
        let _ = write!(text, "\n{}\n", stateful::text(&report.stateful));
    }
    if let Some(phv) = &report.phv {
        let _ = write!(text, "\n{}\n", containers(phv));
    }
    let _ = write!(text, "\n{}\n", ends(report));
    text.push('\n');
    latency_and_power(&mut text, report);
    text
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

/// What stands in the way, with an empty line between two problems.
pub(crate) fn problems(problems: &[ProblemReport]) -> String {
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        render_problem(&mut text, problem);
    }
    text
}

fn render_problem(text: &mut String, problem: &ProblemReport) {
    line(
        text,
        &format!("error[{}]: {}", problem.code, problem.message),
    );
    if let Some(span) = &problem.span {
        line(
            text,
            &format!("  --> {}:{}:{}", span.file, span.line, span.column),
        );
    }
    line(text, &format!("  help: {}", problem.help));
}

fn tables(tables: &[TableReport]) -> String {
    let titles = [
        "table",
        "gress",
        "stage",
        "match",
        "entries",
        "SRAM",
        "TCAM",
        "why not earlier",
    ];
    let rows = tables.iter().map(|table| {
        let stages: Vec<String> = table.stages.iter().map(u32::to_string).collect();
        let why = table.blocked_by.as_ref();
        vec![
            table.name.clone(),
            table.gress.to_owned(),
            stages.join(","),
            table.match_kind.to_owned(),
            blank_zero(table.entries),
            blank_zero(u64::from(table.sram)),
            blank_zero(u64::from(table.tcam)),
            why.map_or_else(String::new, |by| format!("{}: {}", by.kind, by.detail)),
        ]
    });
    columns(&titles, rows, &[0, 1, 3, 7])
}

/// A row a resource: what each stage uses, and what all use of what there is.
fn stages(report: &FitReport) -> String {
    let used = report.stages.iter().take(report.stages_used as usize);
    let numbers: Vec<String> = used.clone().map(|stage| stage.stage.to_string()).collect();
    let mut titles = vec!["stage"];
    titles.extend(numbers.iter().map(String::as_str));
    titles.extend(["each has", "all", "of", "%"]);
    let rows = RESOURCES.iter().filter_map(|resource| {
        let total = report.totals.get(resource.key)?;
        let mut row = vec![resource.words.to_owned()];
        row.extend(used.clone().map(|stage| match (resource.of)(stage) {
            Some(count) => blank_zero(count.into()),
            None => String::new(),
        }));
        row.push(resource.limit(report).to_string());
        row.push(total.used?.to_string());
        row.push(total.available.to_string());
        row.push(format!("{:.1}", total.percent?));
        Some(row)
    });
    columns(&titles, rows, &[0])
}

/// A line of sums, then a row a gress and kind of container.
fn containers(phv: &PhvReport) -> String {
    let used: u32 = phv.containers.iter().map(|of| of.used).sum();
    let bits: u32 = phv.containers.iter().map(|of| of.bits_used).sum();
    let bytes: u32 = phv.clots.iter().map(|clot| clot.bytes).sum();
    let titles = ["containers", "kind", "bits", "used", "of", "bits used"];
    let rows = phv.containers.iter().map(|of| {
        vec![
            of.gress.to_owned(),
            of.kind.to_owned(),
            of.size_bits.to_string(),
            blank_zero(of.used.into()),
            of.available.to_string(),
            blank_zero(of.bits_used.into()),
        ]
    });
    format!(
        "{} hold {} of fields, {} pass outside them\n{}{}",
        counted(used, "containers"),
        counted(bits, "bits"),
        counted(bytes, "bytes"),
        columns(&titles, rows, &[0, 1]),
        unallocated(&phv.unallocated)
    )
}

/// What found no container.
fn unallocated(fields: &[ProblemReport]) -> String {
    let lines = fields.iter().map(|of| {
        let at = of.span.as_ref();
        let at = at.map_or_else(String::new, |at| format!(" at {}:{}", at.file, at.line));
        format!("\nno container was found [{}]: {}{at}", of.code, of.message)
    });
    lines.collect()
}

/// Parsers and deparsers: what they use, of what there is.
fn ends(report: &FitReport) -> String {
    let of = |used: u32, available: u32| format!("{used}/{available}");
    let mut lines: Vec<String> = Vec::new();
    for parser in &report.parser {
        let depth = parser.max_depth_bytes;
        let depth = depth.map_or_else(|| "unbounded".to_owned(), |bytes| counted(bytes, "bytes"));
        lines.push(format!(
            "{} parser: {}, rows {}, match bytes {}, {} a state at most, depth {depth}, checksum units {}",
            parser.gress,
            counted(parser.states, "states"),
            of(parser.tcam_rows, parser.tcam_rows_available),
            of(parser.match_bytes, parser.match_bytes_available),
            counted(parser.extract_cycles, "cycles"),
            of(parser.checksum_units, parser.checksum_units_available),
        ));
    }
    for deparser in &report.deparser {
        lines.push(format!(
            "{} deparser: dictionary entries {}, validity bits {}, checksum units {}",
            deparser.gress,
            of(
                deparser.dictionary_entries,
                deparser.dictionary_entries_available
            ),
            of(deparser.validity_bits, deparser.validity_bits_available),
            of(deparser.checksum_units, deparser.checksum_units_available),
        ));
    }
    lines.join("\n")
}

fn memories(memories: &[MemoryReport]) -> String {
    let titles = [
        "memory", "kind", "gress", "stage", "cells", "SRAM", "map RAM", "tables",
    ];
    let rows = memories.iter().map(|memory| {
        vec![
            memory.name.clone(),
            memory.kind.to_owned(),
            memory.gress.to_owned(),
            memory
                .stage
                .map_or_else(String::new, |stage| stage.to_string()),
            memory.size.to_string(),
            blank_zero(memory.sram.into()),
            blank_zero(memory.map_ram.into()),
            memory.tables.len().to_string(),
        ]
    });
    columns(&titles, rows, &[0, 1, 2])
}

fn latency_and_power(text: &mut String, report: &FitReport) {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let cycles = |cycles: Option<u32>| or_dash(cycles.map(|cycles| cycles.to_string()));
    let watts = |watts: Option<f64>| or_dash(watts.map(|watts| format!("{watts:.2}")));
    let (latency, power) = (&report.latency, &report.power_w_per_pipe);
    let _ = writeln!(
        text,
        "latency of the stages: ingress {} cycles, egress {} cycles, {} ns together",
        cycles(latency.ingress_cycles),
        cycles(latency.egress_cycles),
        latency.mau_ns
    );
    let _ = writeln!(
        text,
        "power in the worst case: ingress {} W, egress {} W",
        watts(power.ingress),
        watts(power.egress)
    );
}

fn blank_zero(count: u64) -> String {
    if count == 0 {
        String::new()
    } else {
        count.to_string()
    }
}
