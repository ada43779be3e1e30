//! `laminar.p4` between a TCP peer that nobody here wrote and a minimal host: a megabyte each way,
//! over links that lose and reorder, arrives intact, in bounded time.

use p4rmt_tests::laminar::exchange::{Conditions, Exchange, Outcome};
use p4rmt_tests::mutation::Random;
use p4rmt_tests::rig::{Form, compile_program};

/// A megabyte.
const N_BYTES: usize = 1 << 20;

const CALM: Conditions = Conditions {
    seed: 1,
    loss_per_mille: 0,
    late_per_mille: 0,
    lost_copies_per_mille: 0,
    reads_per_ms: None,
};

fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| (random.any() >> 56) as u8).collect()
}

/// Exchanges so many bytes each way, within so many seconds of the simulation.
#[track_caller]
fn check(form: Form, conditions: Conditions, n_bytes: usize, seconds: u64) -> Outcome {
    let compiled = compile_program("laminar.p4");
    let from_host = bytes(conditions.seed ^ 0xaaaa, n_bytes);
    let from_peer = bytes(conditions.seed ^ 0x5555, n_bytes);
    let exchange = Exchange::new(
        &compiled,
        form,
        conditions,
        from_host.clone(),
        from_peer.clone(),
    );
    let outcome = exchange.run(seconds * 1_000_000);
    let (n_host, n_peer) = (outcome.at_host.len(), outcome.at_peer.len());
    let summary = format!(
        "{conditions:?}: {n_host} bytes at the host, {n_peer} at the peer; {} ms, lost {} packets and {} copies; {} restarts, {} timeouts, {} resets",
        outcome.micros / 1000,
        outcome.n_lost,
        outcome.n_lost_copies,
        outcome.n_restarts,
        outcome.n_timeouts,
        outcome.n_resets
    );
    println!("{summary}");
    assert!(
        outcome.at_host == from_peer,
        "what the host has read: {summary}"
    );
    assert!(
        outcome.at_peer == from_host,
        "what the peer has read: {summary}"
    );
    outcome
}

#[test]
fn calm() {
    let outcome = check(Form::Tables, CALM, N_BYTES, 1);
    assert_eq!(outcome.n_restarts, 0, "nothing is sent twice");
}

#[test]
fn one_percent_lost() {
    let conditions = Conditions {
        loss_per_mille: 10,
        late_per_mille: 30,
        lost_copies_per_mille: 10,
        ..CALM
    };
    for seed in [2, 3] {
        let outcome = check(
            Form::Placed("tofino2"),
            Conditions { seed, ..conditions },
            N_BYTES,
            120,
        );
        assert!(outcome.n_restarts > 0, "lost data are sent again");
    }
}

#[test]
fn five_percent_lost() {
    let conditions = Conditions {
        seed: 4,
        loss_per_mille: 50,
        late_per_mille: 100,
        lost_copies_per_mille: 50,
        ..CALM
    };
    check(Form::Tables, conditions, N_BYTES, 600);
}

#[test]
fn only_reordered() {
    let conditions = Conditions {
        seed: 5,
        late_per_mille: 200,
        ..CALM
    };
    check(Form::Tables, conditions, N_BYTES, 60);
}

/// A host that reads slowly closes its window; the peer's probes break it, and it is mended.
#[test]
fn slow_reader() {
    let conditions = Conditions {
        seed: 6,
        loss_per_mille: 5,
        late_per_mille: 20,
        reads_per_ms: Some(12),
        lost_copies_per_mille: 300,
    };
    let outcome = check(Form::Tables, conditions, N_BYTES / 8, 60);
    assert!(outcome.n_resets > 0, "a window broke and was mended");
}

/// So much is lost that retransmissions are too: only the control plane's timer goes on from there.
#[test]
fn much_lost() {
    let conditions = Conditions {
        loss_per_mille: 120,
        late_per_mille: 100,
        lost_copies_per_mille: 50,
        ..CALM
    };
    let outcomes = [28, 32, 37].map(|seed| {
        let conditions = Conditions { seed, ..conditions };
        check(Form::Tables, conditions, N_BYTES / 16, 600)
    });
    let n_timeouts: u64 = outcomes.iter().map(|outcome| outcome.n_timeouts).sum();
    assert!(n_timeouts > 0, "a retransmission was lost");
}
