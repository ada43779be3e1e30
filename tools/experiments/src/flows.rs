//! Flow completion times by how much a receiver remembers of what comes out of order: Table 5.3 of the published
//! design, in a smaller network.
//!
//! Queries (short answers of many hosts to one, all at once) run beside a background of long flows, in a leaf-spine
//! network. Receivers remember 0, 1, 2 or all intervals ahead of a stream, and name them in their acknowledgments.

mod run;
mod workload;

use std::path::Path;

use crate::output::{self, OutputError};
use crate::tcp::{Congestion, Fidelity};
use run::Outcome;
use workload::Workload;

/// A row: one way to answer congestion, one receiver.
#[derive(Clone, Debug)]
struct Row {
    congestion: Congestion,
    fidelity: Fidelity,
    outcome: Outcome,
}

/// What a receiver remembers, the reference first.
const FIDELITIES: [Fidelity; 4] = [
    Fidelity(None),
    Fidelity(Some(0)),
    Fidelity(Some(1)),
    Fidelity(Some(2)),
];

/// Runs the experiment for so many seeds, each over so many milliseconds of arrivals; writes `flows.csv` and
/// `flows.svg`, and returns what is to be printed.
///
/// # Errors
/// Files that cannot be written.
pub(crate) fn run(folder: &Path, n_seeds: u64, millis: u64) -> Result<String, OutputError> {
    let bar = output::progress(8 * n_seeds);
    let mut rows = Vec::new();
    for congestion in [Congestion::NewReno, Congestion::Dctcp] {
        for fidelity in FIDELITIES {
            let mut outcome = Outcome::default();
            for seed in 0..n_seeds {
                let workload = Workload::new(seed, millis);
                outcome.add(run::run(&workload, congestion, fidelity));
                bar.inc(1);
            }
            rows.push(Row {
                congestion,
                fidelity,
                outcome,
            });
        }
    }
    bar.finish_and_clear();
    write_table(folder, &rows)?;
    draw(folder, &rows)?;
    Ok(shown(&rows))
}

/// The percentiles of the table, of queries and of the background.
const PERCENTILES: [f64; 2] = [90.0, 99.9];

impl Row {
    fn congestion_name(&self) -> &'static str {
        match self.congestion {
            Congestion::NewReno => "NewReno",
            Congestion::Dctcp => "DCTCP",
        }
    }

    fn fidelity_name(&self) -> String {
        let Fidelity(fidelity) = self.fidelity;
        fidelity.map_or_else(|| "max".to_owned(), |most| most.to_string())
    }

    /// Milliseconds: both percentiles of queries, then of the background.
    fn times(&self) -> [f64; 4] {
        let Outcome {
            queries,
            background,
            ..
        } = &self.outcome;
        let [p, q] = PERCENTILES;
        [
            output::percentile(queries, p),
            output::percentile(queries, q),
            output::percentile(background, p),
            output::percentile(background, q),
        ]
        .map(|ns| ns as f64 / 1e6)
    }
}

fn write_table(folder: &Path, rows: &[Row]) -> Result<(), OutputError> {
    let header = [
        "congestion_control",
        "intervals",
        "query_p90_ms",
        "query_p99.9_ms",
        "background_p90_ms",
        "background_p99.9_ms",
        "queries",
        "background_flows",
        "lost_packets",
        "timeouts",
    ];
    let lines = rows.iter().map(|row| {
        let mut line = vec![row.congestion_name().to_owned(), row.fidelity_name()];
        line.extend(row.times().map(|ms| format!("{ms:.3}")));
        line.extend([
            row.outcome.queries.len().to_string(),
            row.outcome.background.len().to_string(),
            row.outcome.n_lost.to_string(),
            row.outcome.n_timeouts.to_string(),
        ]);
        line
    });
    output::table(&folder.join("flows.csv"), &header, lines)
}

/// Times against those of a receiver that remembers all.
fn draw(folder: &Path, rows: &[Row]) -> Result<(), OutputError> {
    let columns = [
        "query 90 %",
        "query 99.9 %",
        "background 90 %",
        "background 99.9 %",
    ];
    let mut series = Vec::new();
    for group in rows.chunks(FIDELITIES.len()) {
        let reference = group[0].times();
        for (column, name) in columns.iter().enumerate() {
            let points = group[1..].iter().map(|row| {
                let Fidelity(fidelity) = row.fidelity;
                let most = fidelity.unwrap_or_default() as f64;
                (most, row.times()[column] / reference[column])
            });
            series.push(output::Series {
                name: format!("{}, {name}", group[0].congestion_name()),
                points: points.collect(),
            });
        }
    }
    let chart = output::Chart {
        title: "Flow completion times by intervals that a receiver remembers",
        x: "intervals",
        y: "time, of that with all intervals",
        is_log_x: false,
        series: &series,
    };
    output::draw(&folder.join("flows.svg"), &chart)
}

fn shown(rows: &[Row]) -> String {
    let mut text = String::from(
        "flow completion times, ms (and against a receiver that remembers all)\n\n\
         congestion  intervals  query 90 %      99.9 %          background 90 % 99.9 %\n",
    );
    for group in rows.chunks(FIDELITIES.len()) {
        let reference = group[0].times();
        for row in group {
            let cells = row
                .times()
                .into_iter()
                .zip(reference)
                .map(|(ms, reference)| {
                    format!("{:<16}", format!("{ms:.2} x{:.2}", ms / reference))
                });
            let cells: String = cells.collect();
            let line = format!(
                "{:<12}{:<11}{cells}",
                row.congestion_name(),
                row.fidelity_name()
            );
            text += line.trim_end();
            text.push('\n');
        }
    }
    text
}
