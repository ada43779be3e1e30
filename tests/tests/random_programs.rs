//! One meaning, on programs that nobody wrote: random ones, in every form, on every engine, with entries
//! that come and go. `examples/random_programs.rs` runs as many more as are wanted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use p4rmt_ir::Arch;
use p4rmt_tests::random_program::{Compared, compare, random_program};

/// What a number of programs came to.
#[derive(Debug, Default)]
struct Totals {
    n_departures: usize,
    n_hits: u64,
    n_placed: usize,
    n_refused: usize,
    different: Vec<String>,
}

fn run(arch: Arch, n_programs: u64) -> Totals {
    let next = AtomicU64::new(0);
    let totals = Mutex::new(Totals::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= n_programs {
                return;
            }
            let random = random_program(arch, seed);
            let compared = std::panic::catch_unwind(|| compare(&random));
            let mut totals = totals.lock().expect("nothing panics that has it");
            match compared {
                Ok(Ok(Compared::Same {
                    n_departures,
                    n_hits,
                    is_placed,
                })) => {
                    totals.n_departures += n_departures;
                    totals.n_hits += n_hits;
                    totals.n_placed += usize::from(is_placed);
                }
                Ok(Ok(Compared::Refused(_))) => totals.n_refused += 1,
                Ok(Err(found)) => totals.different.push(format!("seed {seed}: {found}")),
                Err(_) => totals.different.push(format!("seed {seed}: a panic")),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    totals.into_inner().expect("all threads are done")
}

#[test]
fn of_v1model() {
    let totals = run(Arch::V1model, 1_200);
    assert_eq!(totals.different, Vec::<String>::new());
    assert_eq!(totals.n_refused, 0);
    assert!(totals.n_departures > 25_000, "{totals:?}");
    assert!(totals.n_hits > 25_000, "{totals:?}");
}

#[test]
fn of_a_machine_of_stages() {
    let totals = run(Arch::T2na, 800);
    assert_eq!(totals.different, Vec::<String>::new());
    // What takes more than an action of one stage can do, or touches a register twice.
    assert!(totals.n_refused < 80, "{totals:?}");
    assert!(totals.n_placed > 600, "{totals:?}");
    assert!(totals.n_departures > 15_000, "{totals:?}");
    assert!(totals.n_hits > 15_000, "{totals:?}");
}
