//! Every work runs on every engine, and what is written by hand does the same, byte for byte.

use std::time::Duration;

use p4rmt_bench::{Bench, EngineName, Prepared, WORKS, Work, prepare_anything};

const ENGINES: [EngineName; 2] = [EngineName::Interp, EngineName::Jit];

#[track_caller]
fn check(work: &Work, prepared: &mut Prepared, engine: EngineName) {
    let bench = Bench::new(work, prepared, engine);
    let mut bench = bench.unwrap_or_else(|error| panic!("{}: {error}", work.name));
    bench.check().unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_row_has_what_was_measured() {
    let work = Work::find("l3-v1model").unwrap();
    let mut prepared = work.prepare(64).unwrap();
    let mut bench = Bench::new(work, &mut prepared, EngineName::Jit).unwrap();
    let row = bench.measure(Duration::ZERO).unwrap();
    assert_eq!(
        (row.work, row.engine, row.packets),
        (work.name, EngineName::Jit, 64)
    );
    assert!(row.native_ns_per_packet > 0.0 && row.ratio_to_native > 0.0);
    let expected = 1e9 / row.ns_per_packet;
    assert!((row.packets_per_second - expected).abs() < 1.0);
}

#[test]
fn engines_and_hands_do_the_same_work() {
    for work in WORKS {
        // As many packets as show each work's second packet of a connection.
        let mut prepared = work.prepare(1100).unwrap();
        for engine in ENGINES {
            check(work, &mut prepared, engine);
        }
    }
}

#[test]
fn clock_by_clock_it_is_the_same_work() {
    let work = Work::find("laminar-rx-1k").unwrap();
    let mut prepared = work.prepare(1100).unwrap();
    check(work, &mut prepared, EngineName::InterpClocked);
}

#[test]
fn every_case_of_both_directions_is_done_by_hand() {
    for seed in 0..4 {
        let mut prepared = prepare_anything(2000, seed).unwrap();
        let work = Work::find("laminar-rx-1").unwrap();
        let mut bench = Bench::new(work, &mut prepared, EngineName::Jit).unwrap();
        bench
            .check()
            .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
    }
}

#[test]
fn unknown_works_are_named_with_the_known() {
    let error = Work::find("l4").err().expect("there is none").to_string();
    assert!(
        error.contains("`l4`") && error.contains("laminar-rx-1k"),
        "{error}"
    );
}
