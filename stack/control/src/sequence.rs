//! Sequence numbers that nobody can guess: initial ones after RFC 6528, and cookies that hold what a SYN said.
//!
//! A cookie is an initial sequence number of 32 bits: 2 of the time, in periods of 64 seconds; 4 of the peer's window
//! scale (15: none); 2 of a class of MSS; 24 of a hash of all that, of who speaks to whom, and of the peer's number. It is
//! good for the period that it was made in and the next one, so it keeps MSS to a class, the scale exactly, and
//! lets one guess in eight million through; and it is only taken while SYNs came faster than they can be remembered.

use crate::connection::Tuple;
use crate::siphash::SipKey;

/// Nanoseconds of a period.
const PERIOD_NS: u64 = 64_000_000_000;
/// The MSS of each class. A larger one counts as the last.
const CLASSES: [u16; 4] = [536, 1220, 1400, 1460];
/// In the place of a scale: there is none.
const NO_SCALE: u32 = 15;

/// What a cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Baked {
    /// The peer's MSS, rounded down.
    pub(crate) mss: u16,
    /// The peer's window scale.
    pub(crate) scale: Option<u8>,
}

/// The initial sequence number of a connection.
pub(crate) fn initial(key: SipKey, tuple: &Tuple, now_ns: u64) -> u32 {
    // A clock of four microseconds, so that those of one pair of addresses increase.
    let clock = (now_ns / 4096) as u32;
    clock.wrapping_add(key.hash(&message(0, tuple, 0, 0)) as u32)
}

/// A port to begin the search for a free one at.
pub(crate) fn first_port(key: SipKey, tuple: &Tuple, n_asked: u32) -> u16 {
    (key.hash(&message(1, tuple, n_asked, 0)) >> 16) as u16
}

/// The cookie for a SYN; none if its MSS is too small to be held.
pub(crate) fn bake(
    key: SipKey,
    tuple: &Tuple,
    peer_first: u32,
    baked: Baked,
    now_ns: u64,
) -> Option<u32> {
    let class = CLASSES.iter().rposition(|mss| *mss <= baked.mss)?;
    let scale = baked
        .scale
        .map_or(NO_SCALE, |scale| u32::from(scale.min(14)));
    let period = now_ns / PERIOD_NS;
    Some(cookie(
        key,
        tuple,
        peer_first,
        period,
        scale << 2 | class as u32,
    ))
}

/// What a cookie holds, if it is one.
pub(crate) fn eat(
    key: SipKey,
    tuple: &Tuple,
    peer_first: u32,
    found: u32,
    now_ns: u64,
) -> Option<Baked> {
    let period = now_ns / PERIOD_NS;
    let what = found >> 24 & 0x3f;
    [Some(period), period.checked_sub(1)]
        .into_iter()
        .flatten()
        .find(|period| cookie(key, tuple, peer_first, *period, what) == found)?;
    let scale = what >> 2;
    Some(Baked {
        mss: CLASSES[(what & 3) as usize],
        scale: (scale != NO_SCALE).then_some(scale as u8),
    })
}

/// How long a cookie may be good, in nanoseconds.
pub(crate) const fn longest_life() -> u64 {
    2 * PERIOD_NS
}

fn cookie(key: SipKey, tuple: &Tuple, peer_first: u32, period: u64, what: u32) -> u32 {
    let hash = key.hash(&message(
        2,
        tuple,
        peer_first,
        period << 8 | u64::from(what),
    ));
    (period as u32 & 3) << 30 | what << 24 | hash as u32 & 0xff_ffff
}

/// All that a hash is of, behind a number of what it is for.
fn message(purpose: u8, tuple: &Tuple, number: u32, more: u64) -> [u8; 25] {
    let mut message = [0; 25];
    message[0] = purpose;
    message[1..5].copy_from_slice(&tuple.local.ip().octets());
    message[5..9].copy_from_slice(&tuple.remote.ip().octets());
    message[9..11].copy_from_slice(&tuple.local.port().to_be_bytes());
    message[11..13].copy_from_slice(&tuple.remote.port().to_be_bytes());
    message[13..17].copy_from_slice(&number.to_be_bytes());
    message[17..].copy_from_slice(&more.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    const KEY: SipKey = SipKey([1, 2]);

    fn tuple(port: u16) -> Tuple {
        Tuple {
            local: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 80),
            remote: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port),
        }
    }

    #[test]
    fn a_cookie_keeps_the_scale_and_the_class_of_the_mss() {
        for scale in [None, Some(0), Some(7), Some(14)] {
            for (mss, class) in [(536, 536), (1219, 536), (1460, 1460), (8960, 1460)] {
                let baked = Baked { mss, scale };
                let cookie = bake(KEY, &tuple(1), 77, baked, 0).expect("it is large enough");
                let eaten = eat(KEY, &tuple(1), 77, cookie, 100_000_000_000);
                assert_eq!(eaten, Some(Baked { mss: class, scale }));
            }
        }
        let small = Baked {
            mss: 535,
            scale: None,
        };
        assert_eq!(bake(KEY, &tuple(1), 77, small, 0), None);
    }

    #[test]
    fn a_cookie_is_of_one_peer_one_number_and_one_time() {
        let baked = Baked {
            mss: 1460,
            scale: Some(7),
        };
        let cookie = bake(KEY, &tuple(1), 77, baked, 0).expect("it is large enough");
        assert_eq!(eat(KEY, &tuple(2), 77, cookie, 0), None, "another port");
        assert_eq!(eat(KEY, &tuple(1), 78, cookie, 0), None, "another number");
        assert_eq!(eat(SipKey([1, 3]), &tuple(1), 77, cookie, 0), None);
        assert_eq!(
            eat(KEY, &tuple(1), 77, cookie, 128_000_000_000),
            None,
            "old"
        );
        for bit in 0..32 {
            assert_eq!(eat(KEY, &tuple(1), 77, cookie ^ 1 << bit, 0), None, "{bit}");
        }
    }

    #[test]
    fn initial_numbers_of_one_pair_increase_with_time_and_those_of_others_are_unrelated() {
        let at = |port, now| initial(KEY, &tuple(port), now);
        assert_eq!(at(1, 4_096_000).wrapping_sub(at(1, 0)), 1000);
        assert_ne!(
            at(2, 0).wrapping_sub(at(1, 0)),
            at(3, 0).wrapping_sub(at(2, 0))
        );
    }
}
