//! A device as bytes, and back: its state with the time at which it stands.
//!
//! Numbers are little-endian. The order:
//!
//! 1. `p4rmt-dv`, version of the format (4 bytes), clock (8 bytes).
//! 2. Whether captures have been replayed (1 byte), what clock 0 is in their time, and when their last
//!    packet arrived (8 bytes each).
//! 3. How many applications the packet generator runs (1 byte); of each its number, whether it will be
//!    triggered again (1 byte each), and at which clock (8 bytes).
//! 4. The state as [`State::to_bytes`] writes it.
//!
//! Ports, mirror sessions, multicast groups, and what the packet generator makes are the setup's: whoever
//! goes on sets them up as before.

use p4rmt_engine::{State, StateError};

use crate::{CaptureTime, Device};

const MAGIC: &[u8; 8] = b"p4rmt-dv";
const VERSION: u32 = 1;

/// The time at which a device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) clock: u64,
    pub(crate) capture_time: Option<CaptureTime>,
    /// Next triggers of the packet generator.
    pub(crate) triggers: Vec<(u8, Option<u64>)>,
}

impl Device {
    /// The state, and the time at which the device stands.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(self.clock().to_le_bytes());
        let time = self.capture_time();
        let times = [
            time.map(|time| time.epoch_ns),
            time.map(|time| time.last_ns),
        ];
        bytes.push(u8::from(time.is_some()));
        for ns in times {
            bytes.extend(ns.unwrap_or_default().to_le_bytes());
        }
        let triggers = self.triggers();
        bytes.push(triggers.len() as u8);
        for (id, next) in triggers {
            bytes.extend([id, u8::from(next.is_some())]);
            bytes.extend(next.unwrap_or_default().to_le_bytes());
        }
        bytes.extend(self.state().to_bytes());
        bytes
    }

    /// Goes on where the device stood that [`Device::to_bytes`] saved. Packets of captures that were made
    /// later arrive when they would have arrived there.
    ///
    /// # Errors
    /// Bytes that are no saved device, or one of another program. The device stays as it was.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let mut input = Input { bytes, offset: 0 };
        if input.take::<8>()? != *MAGIC {
            return Err(damaged(0, "it does not start with `p4rmt-dv`"));
        }
        if u32::from_le_bytes(input.take()?) != VERSION {
            return Err(damaged(MAGIC.len(), "a version that is not known"));
        }
        let clock = input.u64()?;
        let is_known = input.flag()?;
        let time = CaptureTime {
            epoch_ns: input.u64()?,
            last_ns: input.u64()?,
        };
        let [n_triggers] = input.take()?;
        let mut triggers = Vec::new();
        for _ in 0..n_triggers {
            let [id] = input.take()?;
            let is_triggered = input.flag()?;
            let next = input.u64()?;
            triggers.push((id, is_triggered.then_some(next)));
        }
        let state = State::from_bytes(self.state().layout(), input.rest())?;
        let moment = Moment {
            clock,
            capture_time: is_known.then_some(time),
            triggers,
        };
        self.resume(state, &moment);
        Ok(())
    }
}

/// Bytes that are read from the front.
struct Input<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Input<'a> {
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        let taken = self.rest().first_chunk();
        let taken = taken.ok_or_else(|| damaged(self.offset, "more bytes"))?;
        self.offset += N;
        Ok(*taken)
    }

    fn u64(&mut self) -> Result<u64, StateError> {
        self.take().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Result<bool, StateError> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [_] => Err(damaged(self.offset - 1, "0 or 1")),
        }
    }
}

fn damaged(offset: usize, reason: &'static str) -> StateError {
    StateError::Damaged { reason, offset }
}
