//! The fit report as text: the answer first, then the tables with the reason for their place, then
//! the stages, then what stands in the way.

use std::fmt::Write as _;

use crate::schema::{FitReport, ProblemReport, TableReport};

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
            "{} of {} stages used, {} needed by the longest chain of dependencies",
            report.stages_used, report.stages_available, report.critical_path
        ),
    );
    for problem in &report.problems {
        text.push('\n');
        render_problem(&mut text, problem);
    }
    if !report.tables.is_empty() {
        text.push('\n');
        text.push_str(&columns(&table_rows(&report.tables), &[0, 7]));
        text.push('\n');
        text.push_str(&columns(&stage_rows(report), &[]));
    }
    text.push('\n');
    render_totals(&mut text, report);
    text
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
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

fn table_rows(tables: &[TableReport]) -> Vec<Vec<String>> {
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
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for table in tables {
        let stages: Vec<String> = table.stages.iter().map(u32::to_string).collect();
        let why = match &table.blocked_by {
            Some(by) => format!("{}: {}", by.kind, by.detail),
            None => String::new(),
        };
        rows.push(vec![
            table.name.clone(),
            table.gress.to_owned(),
            stages.join(","),
            table.match_kind.to_owned(),
            blank_zero(table.entries),
            blank_zero(u64::from(table.sram)),
            blank_zero(u64::from(table.tcam)),
            why,
        ]);
    }
    rows
}

fn blank_zero(count: u64) -> String {
    if count == 0 {
        String::new()
    } else {
        count.to_string()
    }
}

fn stage_rows(report: &FitReport) -> Vec<Vec<String>> {
    let titles = [
        "stage", "tables", "SRAM", "map RAM", "TCAM", "gateways", "stateful", "counters",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for stage in report.stages.iter().take(report.stages_used as usize) {
        let counts = [
            stage.logical_tables,
            stage.sram,
            stage.map_ram,
            stage.tcam,
            stage.gateway,
            stage.meter_alu,
            stage.stats_alu,
        ];
        let cells = counts.iter().map(|count| blank_zero(u64::from(*count)));
        rows.push(
            std::iter::once(stage.stage.to_string())
                .chain(cells)
                .collect(),
        );
    }
    rows
}

fn render_totals(text: &mut String, report: &FitReport) {
    for (name, total) in &report.totals {
        if let (Some(used), Some(percent)) = (total.used, total.percent) {
            let _ = writeln!(
                text,
                "{name}: {used} of {} ({percent:.2} %)",
                total.available
            );
        }
    }
    let cycles = |cycles: Option<u32>| cycles.map_or("-".to_owned(), |cycles| cycles.to_string());
    let _ = writeln!(
        text,
        "latency of the stages: ingress {} cycles, egress {} cycles, {} ns together",
        cycles(report.latency.ingress_cycles),
        cycles(report.latency.egress_cycles),
        report.latency.mau_ns
    );
}

/// Rows in columns as wide as their widest cell; `left` are set to the left, the others to the right.
fn columns(rows: &[Vec<String>], left: &[usize]) -> String {
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if left.contains(&column) {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        let cells: Vec<String> = cells.collect();
        line(&mut text, cells.join("  ").trim_end());
    }
    text
}
