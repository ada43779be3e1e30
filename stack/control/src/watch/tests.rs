//! Timers and grants, look by look.

use super::*;

const MS: u64 = 1_000_000;
const TIMING: Timing = Timing {
    watch_ns: MS,
    watch_ns_per_connection: 0,
    sync_ns: MS,
    sync_ns_per_packet: 0,
    first_rto_ns: 1000 * MS,
    min_rto_ns: 50 * MS,
    max_rto_ns: 400 * MS,
    max_probe_ns: 200 * MS,
    syn_ns: MS,
    time_wait_ns: MS,
    rest_ns: MS,
    challenge_ns: MS,
    arp_ns: MS,
    neighbour_ns: MS,
};
const MSS: u16 = 1000;

fn limits() -> Limits {
    Limits {
        retries: 3,
        ..Limits::default()
    }
}

fn watched() -> Watched {
    let mut rtt = RoundTrip::default();
    rtt.sample(MS);
    Watched::new(0, 100, MSS, rtt)
}

fn state(tx_next_ack: u32, tx_avail: u32, tx_remote_avail: u32) -> Snapshot {
    Snapshot {
        tx_next_ack,
        tx_avail,
        tx_remote_avail,
        ..Snapshot::default()
    }
}

/// Looks every millisecond up to a time, and tells when anything was due.
fn run(watched: &mut Watched, ms: std::ops::Range<u64>, state: &Snapshot) -> Vec<(u64, Due)> {
    let looks = ms.map(|at| (at, watched.look(at * MS, state, MSS, &TIMING, &limits())));
    looks.filter(|(_, due)| *due != Due::Nothing).collect()
}

#[test]
fn round_trip_times_become_a_timeout_with_a_floor_and_a_ceiling() {
    let mut rtt = RoundTrip::default();
    assert_eq!(rtt.timeout_ns(&TIMING), 400 * MS, "the ceiling");
    rtt.sample(40 * MS);
    assert_eq!(rtt.timeout_ns(&TIMING), 120 * MS, "R + 4 R/2");
    rtt.sample(48 * MS);
    assert_eq!(rtt.smoothed_ns(), 41 * MS);
    assert_eq!(rtt.timeout_ns(&TIMING), (41 + 4 * 17) * MS);
    for _ in 0..100 {
        rtt.sample(MS);
    }
    assert_eq!(rtt.timeout_ns(&TIMING), 50 * MS, "the floor");
}

#[test]
fn a_timeout_doubles_up_to_the_ceiling_and_then_it_is_given_up() {
    let due = run(&mut watched(), 0..2000, &state(100, 1000, 5000));
    let expected = [
        (50, Due::Timeout),
        (150, Due::Timeout),
        (350, Due::Timeout),
        (750, Due::GiveUp),
    ];
    assert_eq!(due[..4], expected);
}

#[test]
fn progress_begins_the_time_anew() {
    let mut watched = watched();
    assert_eq!(run(&mut watched, 0..51, &state(100, 1000, 5000)).len(), 1);
    assert_eq!(run(&mut watched, 51..100, &state(101, 999, 5000)), []);
    let due = run(&mut watched, 100..120, &state(101, 999, 5000));
    assert_eq!(due, [(101, Due::Timeout)], "50 ms, not 100");
    assert_eq!(
        run(&mut watched, 120..1000, &state(1100, 0, 5000)),
        [],
        "nothing is out"
    );
}

#[test]
fn a_closed_window_is_probed_and_a_peer_that_answers_is_not_given_up() {
    let mut watched = watched();
    let mut n_probes = 0;
    for at in 0..20_000 {
        let closed = Snapshot {
            // Each probe is answered.
            tx_dupack_cnt: n_probes,
            ..state(100, 3000, 0)
        };
        match watched.look(at * MS, &closed, MSS, &TIMING, &limits()) {
            Due::Nothing => {}
            Due::Probe => n_probes += 1,
            due => panic!("{due:?} at {at} ms"),
        }
    }
    assert!(
        (98..=104).contains(&n_probes),
        "{n_probes} probes, one each 200 ms"
    );
    let silent = run(&mut watched, 20_000..30_000, &state(100, 3000, 0));
    assert_eq!(
        silent
            .iter()
            .find(|(_, due)| *due != Due::Probe)
            .map(|(_, due)| *due),
        Some(Due::GiveUp)
    );
}

#[test]
fn what_the_window_stopped_is_sent_again_as_soon_as_it_opens() {
    let mut watched = watched();
    // 5000 bytes were handed over; the window takes 3000.
    assert_eq!(run(&mut watched, 0..2, &state(100, 5000, 3000)), []);
    assert_eq!(
        run(&mut watched, 2..4, &state(1100, 4000, 2000)),
        [],
        "more is on its way"
    );
    assert_eq!(
        run(&mut watched, 4..6, &state(3100, 2000, 0)),
        [],
        "all has come, and it is shut"
    );
    let due = run(&mut watched, 6..10, &state(3100, 2000, 9000));
    assert_eq!(due, [(6, Due::Unblocked)], "once");
}

#[test]
fn a_grant_follows_rate_window_and_buffer() {
    let mut watched = watched();
    let mut check = |rate: u64, window: u32, buffer: u32, period_ms: u64, expected: (u32, u32)| {
        watched.rate = rate;
        let grant = watched.grant(0, &state(100, 1000, window), MSS, buffer, period_ms * MS);
        assert_eq!(
            grant,
            Some(expected),
            "{rate} B/s, {window} B, {buffer} B, {period_ms} ms"
        );
    };
    check(
        10_000_000,
        1 << 20,
        1 << 20,
        1,
        (10_000, (1 << 19) - 10_000),
    );
    check(10_000_000, 10_000, 1 << 20, 1, (5_000, 0));
    check(10_000_000, 1 << 20, 4_000, 1, (4_000, 0));
    check(1, 1 << 20, 4_000, 1, (1000, 3_000));
    check(u64::MAX, u32::MAX, u32::MAX, 10, (u32::MAX / 2, 0));
    check(10_000_000, 0, 4_000, 1, (1000, 0));
}

#[test]
fn who_has_nothing_to_do_is_passed_by_until_it_has() {
    let mut watched = watched();
    let idle = Snapshot {
        tx_credits: 10_000,
        ..state(100, 0, 1 << 20)
    };
    assert!(watched.grant(10 * MS, &idle, MSS, 1 << 20, MS).is_some());
    assert_eq!(watched.grant(30 * MS, &idle, MSS, 1 << 20, MS), None);
    let poor = Snapshot {
        tx_credits: 9_999,
        ..idle
    };
    assert!(watched.grant(31 * MS, &poor, MSS, 1 << 20, MS).is_some());
    assert_eq!(watched.grant(60 * MS, &idle, MSS, 1 << 20, MS), None);
    let beat = watched.grant(240 * MS, &idle, MSS, 1 << 20, MS);
    assert!(beat.is_some(), "it may have lost its credits");
    assert_eq!(watched.grant(260 * MS, &idle, MSS, 1 << 20, MS), None);
    assert!(
        watched
            .grant(261 * MS, &state(100, 1, 1 << 20), MSS, 1 << 20, MS)
            .is_some()
    );
}
