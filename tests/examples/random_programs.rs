//! Compares engines and forms on random programs, as many as wanted:
//! `cargo run --release -p p4rmt-tests --example random_programs -- FIRST_SEED PROGRAMS [v1model|t2na] [FOLDER]`.
//! What differs is written to the folder as a program and a vector, and so is a single program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use p4rmt_ir::Arch;
use p4rmt_tests::random_program::{Compared, compare, random_program};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |position: usize, otherwise: u64| {
        let given = args.get(position);
        given.map_or(otherwise, |given| given.parse().expect("a number"))
    };
    let (first, n) = (number(0, 0), number(1, 1000));
    let archs: &[Arch] = match args.get(2).map(String::as_str) {
        Some("v1model") => &[Arch::V1model],
        Some("t2na") => &[Arch::T2na],
        _ => &[Arch::V1model, Arch::T2na],
    };
    let folder = args.get(3).map(PathBuf::from);
    let next = AtomicU64::new(first);
    let totals = Mutex::new((BTreeMap::<String, u64>::new(), 0_usize, 0_u64, 0_u64));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + n {
                        return;
                    }
                    let arch = archs[(seed % archs.len() as u64) as usize];
                    let random = random_program(arch, seed);
                    let found = std::panic::catch_unwind(|| compare(&random));
                    let write = |folder: &PathBuf| {
                        let file = |ending| folder.join(format!("{seed}.{ending}"));
                        std::fs::write(file("p4"), &random.text).expect("a folder");
                        std::fs::write(file("stf"), &random.vector).expect("a folder");
                    };
                    if n == 1 {
                        folder.iter().for_each(write);
                    }
                    let mut totals = totals.lock().expect("no thread panics with it");
                    let kind = match found {
                        Ok(Ok(Compared::Same {
                            n_departures,
                            n_hits,
                            is_placed,
                        })) => {
                            totals.1 += n_departures;
                            totals.3 += n_hits;
                            let placed = if is_placed { ", placed" } else { "" };
                            format!("{arch:?} the same{placed}")
                        }
                        Ok(Ok(Compared::Refused(code))) => format!("{arch:?} refused: {code}"),
                        other => {
                            let what = match other {
                                Ok(Err(found)) => found.to_string(),
                                _ => "a panic".to_owned(),
                            };
                            println!("seed {seed} ({arch:?}): {what}");
                            folder.iter().for_each(write);
                            totals.2 += 1;
                            format!("{arch:?} DIFFERENT")
                        }
                    };
                    *totals.0.entry(kind).or_default() += 1;
                }
            });
        }
    });
    let (kinds, n_departures, n_different, n_hits) =
        totals.into_inner().expect("all threads are done");
    for (kind, n) in kinds {
        println!("{n:8} {kind}");
    }
    println!("{n_departures:8} packets left, {n_hits} lookups found an entry");
    ExitCode::from(u8::from(n_different > 0))
}
