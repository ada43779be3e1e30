//! Experiments with Laminar, in emulated time: `cargo run --release -p p4rmt-experiments -- NAME [-o DIR]`. Each
//! writes a table (CSV) and a picture (SVG), and prints what it found.

mod event;
mod fabric;
mod flows;
mod link;
mod output;
mod tcp;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Experiments with Laminar, in emulated time: each writes a table and a picture
#[derive(Parser)]
#[command(
    name = "p4rmt-experiments",
    after_help = "Example: cargo run --release -p p4rmt-experiments -- flows -o results"
)]
struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
    /// Where the files go
    #[arg(
        short,
        long,
        global = true,
        default_value = "results",
        value_name = "DIR"
    )]
    output: PathBuf,
}

#[derive(Subcommand)]
enum Experiment {
    /// Flow completion times by how many intervals a receiver remembers (0, 1, 2, all)
    Flows {
        /// How many workloads, each of its own seed
        #[arg(long, default_value_t = 4)]
        seeds: u64,
        /// Milliseconds in which flows begin
        #[arg(long, default_value_t = 60)]
        millis: u64,
    },
}

fn main() -> ExitCode {
    let Arguments { experiment, output } = Arguments::parse();
    let done = match experiment {
        Experiment::Flows { seeds, millis } => flows::run(&output, seeds, millis),
    };
    let (text, code) = match done {
        Ok(text) => (text, ExitCode::SUCCESS),
        Err(error) => (format!("error: {error}\n"), ExitCode::FAILURE),
    };
    // Nobody reads on: nothing is left to be said.
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}
