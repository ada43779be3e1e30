//! `cargo run --release -p p4rmt-bench -- [WORK…] [--engine NAME] [--jobs N] [--format text|json]`

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use p4rmt_bench::{
    Bench, BenchError, EngineName, Report, Skipped, WORKS, Work, measure_compile, measure_cores,
    measure_rust,
};

/// What engines take for a packet, beside hand-written Rust that does the same work.
#[derive(Parser)]
#[command(
    name = "p4rmt-bench",
    after_help = "Example: cargo run --release -p p4rmt-bench -- laminar-rx-1k --engine jit"
)]
struct Args {
    /// Which works; all of them without any. `compile` stands for the times of the compiler.
    #[arg(value_name = "WORK")]
    works: Vec<String>,
    /// Which engine runs them.
    #[arg(long, value_name = "ENGINE", default_value = "all")]
    engine: Engines,
    /// How rows are written.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Packets in a round, instead of as many as suit the work.
    #[arg(long, value_name = "N")]
    packets: Option<usize>,
    /// About how long each work is timed on each engine.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Replay each work on one core and on so many, and say how many times faster that is.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: u32,
    /// Says which works there are.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engines {
    /// The interpreter.
    Interp,
    /// Machine code.
    Jit,
    /// The interpreter, clock by clock.
    InterpClocked,
    /// Machine code, clock by clock.
    JitClocked,
    /// Rust that is emitted and built by cargo, which must be there, into a program of its own.
    Rust,
    /// All of them; emitted Rust where there is a cargo.
    All,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables.
    Text,
    /// One object: `rows` and `compile`.
    Json,
}

impl Engines {
    /// The engines that run a work.
    fn of(self, work: &Work) -> Vec<EngineName> {
        match self {
            Self::Interp => vec![EngineName::Interp],
            Self::Jit => vec![EngineName::Jit],
            Self::InterpClocked => vec![EngineName::InterpClocked],
            Self::JitClocked => vec![EngineName::JitClocked],
            Self::Rust => vec![EngineName::Rust],
            Self::All => {
                let all = EngineName::value_variants().iter().copied();
                all.filter(|engine| work.is_clocked || !engine.is_clocked())
                    .collect()
            }
        }
    }
}

/// The name that stands for the times of the compiler.
const COMPILE: &str = "compile";

/// Rounds of the compiler.
const COMPILE_ROUNDS: usize = 5;

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is the command"
)]
fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        for work in WORKS {
            println!("{:<16}  {}", work.name, work.about);
        }
        println!("{COMPILE:<16}  what the compiler takes for laminar.p4");
        return ExitCode::SUCCESS;
    }
    let report = match run(&args) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match args.format {
        Format::Text => println!("{}", report.render()),
        Format::Json => {
            let text = serde_json::to_string_pretty(&report);
            println!("{}", text.expect("a report is plain data"));
        }
    }
    ExitCode::SUCCESS
}

fn run(args: &Args) -> Result<Report, BenchError> {
    let names = args.works.iter().filter(|name| *name != COMPILE);
    let mut works = names
        .map(|name| Work::find(name))
        .collect::<Result<Vec<_>, _>>()?;
    let mut is_compile_wanted = works.len() < args.works.len();
    if args.works.is_empty() {
        works = WORKS.iter().collect();
        is_compile_wanted = true;
    }
    let budget = Duration::try_from_secs_f64(args.seconds).unwrap_or_default();
    let mut report = Report::default();
    for work in works {
        let mut prepared = work.prepare(args.packets.unwrap_or(work.n_packets))?;
        for engine in args.engine.of(work) {
            if args.jobs > 1 {
                if !engine.is_clocked() && engine != EngineName::Rust {
                    let row = measure_cores(work, &prepared, engine, args.jobs)?;
                    report.cores.push(row);
                }
                continue;
            }
            if engine == EngineName::Rust {
                match measure_rust(work, &prepared, budget) {
                    Ok(row) => report.rows.push(row),
                    Err(error) if args.engine == Engines::All => {
                        report.skipped.push(Skipped {
                            work: work.name,
                            engine,
                            reason: error.to_string(),
                        });
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            let mut bench = Bench::new(work, &mut prepared, engine)?;
            bench.check()?;
            report.rows.push(bench.measure(budget)?);
        }
    }
    if is_compile_wanted {
        report.compile = measure_compile(COMPILE_ROUNDS)?;
    }
    Ok(report)
}
