//! What left: packets in the order in which they did, until somebody takes them.

use p4rmt_engine::{Departures, Left};
use p4rmt_ir::{GressId, HeaderId};

use crate::{DeviceConfig, Packet};

/// A packet that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Where.
    pub port: u16,
    /// When its last pass began, in nanoseconds since clock 0.
    pub timestamp_ns: u64,
    /// The clock at which it left; without lock step that at which its last pass began.
    pub clock: u64,
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The packet.
    pub bytes: Packet,
    /// What the headers in its front are, if records of fates are kept.
    pub headers: Option<EmittedHeaders>,
}

/// The headers that a deparser emitted, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedHeaders {
    /// Of which gress.
    pub gress: GressId,
    /// The headers.
    pub headers: Vec<HeaderId>,
}

/// A packet that left, where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Departing<'a> {
    /// Where.
    pub port: u16,
    /// As [`Departure::clock`] has it.
    pub clock: u64,
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The packet.
    pub bytes: &'a [u8],
    config: &'a DeviceConfig,
}

impl<'a> Departing<'a> {
    pub(super) fn new((left, bytes): (Left, &'a [u8]), config: &'a DeviceConfig) -> Self {
        Self {
            port: left.port,
            clock: left.clock,
            arrival: left.arrival,
            bytes,
            config,
        }
    }

    pub(super) fn of(departure: &'a Departure, config: &'a DeviceConfig) -> Self {
        Self {
            port: departure.port,
            clock: departure.clock,
            arrival: departure.arrival,
            bytes: &departure.bytes,
            config,
        }
    }

    /// As [`Departure::timestamp_ns`] has it.
    #[must_use]
    pub fn timestamp_ns(&self) -> u64 {
        self.config.nanoseconds(self.clock)
    }
}

/// Takes all, with the headers of those that somebody wanted to know them of, by position.
pub(super) fn take_all(
    departures: &mut Departures,
    headers: &mut Vec<(usize, EmittedHeaders)>,
    config: &DeviceConfig,
) -> Vec<Departure> {
    let mut known = headers.drain(..).peekable();
    let all = departures.iter().enumerate();
    let all = all.map(|(position, left)| {
        let departing = Departing::new(left, config);
        Departure {
            port: departing.port,
            timestamp_ns: departing.timestamp_ns(),
            clock: departing.clock,
            arrival: departing.arrival,
            bytes: Packet::new(departing.bytes),
            headers: known
                .next_if(|(of, _)| *of == position)
                .map(|(_, headers)| headers),
        }
    });
    let all = all.collect();
    departures.clear();
    all
}
