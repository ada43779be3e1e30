//! `p4rmt`: the command line.
//!
//! One file a subcommand. Each subcommand returns what to print and how the process ends; only this
//! crate prints. Exit status: 0 done; 1 the program, vector or capture is at fault; 2 wrong usage;
//! 70 a bug of ours.

mod args;
mod check;
#[cfg(target_os = "linux")]
mod control_socket;
mod corpus;
mod coverage;
#[cfg(target_os = "linux")]
mod ctl;
mod demo;
mod emit;
mod explain;
mod failure;
mod fit;
mod machine;
mod outcome;
mod program;
mod replay;
#[cfg(target_os = "linux")]
mod run;
mod rust;
mod test;
mod trace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;

/// P4-16 to match-action pipelines: check, place, test and run programs for Tofino-like machines.
#[derive(Parser)]
#[command(
    name = "p4rmt",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    /// Memory that this process may take, in MiB: how the corpus commands start others.
    #[arg(long, value_name = "MIB", default_value_t = 0, hide = true)]
    limit_memory: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Parse, type-check and lower a program.
    Check(check::Args),
    /// Place a program in the stages of a machine and report what it uses.
    Fit(fit::Args),
    /// Run packet vectors (STF) against a program.
    Test(test::Args),
    /// Send captures through a program.
    Replay(replay::Args),
    /// Run a program on interfaces of this machine.
    #[cfg(target_os = "linux")]
    Run(run::Args),
    /// Read and write what a running program has.
    #[cfg(target_os = "linux")]
    Ctl(ctl::Args),
    /// Explain what a program does with a packet, step by step.
    Trace(trace::Args),
    /// Write a program out again: as P4, as IR text, as a graph.
    Emit(emit::Args),
    /// Show a TCP stack in the pipe at work: a host behind it, and a peer that is not ours in front.
    Demo(demo::Args),
    /// Say what an error code means.
    Explain(explain::Args),
}

fn main() -> ExitCode {
    install_bug_report();
    let cli = Cli::parse();
    corpus::limit_memory(cli.limit_memory);
    let result = match cli.command {
        Command::Check(args) => check::run(&args),
        Command::Fit(args) => fit::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Replay(args) => replay::run(&args),
        #[cfg(target_os = "linux")]
        Command::Run(args) => run::run(&args),
        #[cfg(target_os = "linux")]
        Command::Ctl(args) => ctl::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Emit(args) => emit::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Explain(args) => explain::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Makes a panic, which is always a bug of ours, end with status 70 and say what to report.
#[expect(clippy::print_stderr, reason = "the last words of the process")]
fn install_bug_report() {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!(
            "p4rmt {}: this is a bug in p4rmt, not in your program\n  {panic}\n\
             please report these lines with the program and the command that led here",
            env!("CARGO_PKG_VERSION"),
        );
        std::process::exit(Failure::BUG_STATUS.into());
    }));
}
