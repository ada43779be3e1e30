//! libTOE behind `laminar.p4`, in front of a TCP that nobody here wrote: 100 KB each way, and more, arrive intact under
//! loss and reordering in the network, and loss between host and switch.

use p4rmt_tests::laminar::exchange::{Conditions, Exchange, Outcome};
use p4rmt_tests::laminar::toe_host::ToeHost;
use p4rmt_tests::mutation::Random;
use p4rmt_tests::rig::{Form, compile_program};

const N_BYTES: usize = 100 << 10;

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

/// Exchanges so many bytes each way; of a thousand transmissions, so many are lost before they reach the switch.
#[track_caller]
fn check(conditions: Conditions, lost_per_mille: usize, n_bytes: usize) -> Outcome {
    let compiled = compile_program("laminar.p4");
    let from_host = bytes(conditions.seed ^ 0xaaaa, n_bytes);
    let from_peer = bytes(conditions.seed ^ 0x5555, n_bytes);
    let exchange = Exchange::with_host(
        ToeHost::new(conditions.seed, lost_per_mille),
        &compiled,
        Form::Tables,
        conditions,
        from_host.clone(),
        from_peer.clone(),
    );
    let outcome = exchange.run(120_000_000);
    let (n_host, n_peer) = (outcome.at_host.len(), outcome.at_peer.len());
    let summary = format!(
        "{conditions:?}: {n_host} bytes at the host, {n_peer} at the peer; {} ms, {} restarts, {} timeouts",
        outcome.micros / 1000,
        outcome.n_restarts,
        outcome.n_timeouts,
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
    let outcome = check(CALM, 0, 10 * N_BYTES);
    assert_eq!(outcome.n_restarts, 0, "nothing is sent twice");
}

#[test]
fn lost_and_reordered_in_the_network() {
    for seed in [2, 3] {
        let conditions = Conditions {
            seed,
            loss_per_mille: 20,
            late_per_mille: 50,
            lost_copies_per_mille: 20,
            ..CALM
        };
        let outcome = check(conditions, 0, N_BYTES);
        assert!(outcome.n_restarts > 0, "lost data are sent again");
    }
}

#[test]
fn lost_between_host_and_switch() {
    let conditions = Conditions { seed: 4, ..CALM };
    let outcome = check(conditions, 50, N_BYTES);
    assert!(outcome.n_restarts > 0, "lost data are sent again");
}

#[test]
fn lost_everywhere() {
    let conditions = Conditions {
        seed: 5,
        loss_per_mille: 50,
        late_per_mille: 100,
        lost_copies_per_mille: 50,
        ..CALM
    };
    check(conditions, 30, N_BYTES);
}

/// The window closes and breaks, and is mended.
#[test]
fn slow_reader() {
    let conditions = Conditions {
        seed: 6,
        loss_per_mille: 5,
        late_per_mille: 20,
        reads_per_ms: Some(12),
        lost_copies_per_mille: 300,
    };
    let outcome = check(conditions, 5, 128 << 10);
    assert!(outcome.n_resets > 0, "a window broke and was mended");
}
