//! `cargo xtask CHORE`: chores of the repository.

use std::path::Path;
use std::process::ExitCode;

const USAGE: &str =
    "usage: cargo xtask tidy\n\n  tidy   check crate edges, pinned versions, and module docs";

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line talks to a person"
)]
fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let chore = std::env::args().nth(1);
    match chore.as_deref() {
        Some("tidy") => {
            let untidy = xtask::tidy::check(&root);
            for problem in &untidy {
                eprintln!("{problem}");
            }
            if untidy.is_empty() {
                println!("tidy");
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Some("--help" | "-h" | "help") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
