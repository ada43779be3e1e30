//! The packet generator: rounds of SYNCs, one for each number of a connection up to the largest that is granted
//! anything.
//!
//! The pipe takes its time for every packet of a round, whether its connection is granted anything or not, so
//! rounds of many are further apart. Sizes are powers of two: a connection more is seldom another round.

use p4rmt_control::{Request, Timer};

use crate::PlaneError;
use crate::config::Timing;
use crate::now::Now;
use crate::tables::GENERATOR_PORT;

/// The application that makes the rounds.
const APP: u8 = 0;
/// What follows the timer header, up to the shortest frame.
const PAYLOAD_BYTES: usize = 58;

/// The rounds as they are now.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    /// Packets of a round; 0 while there are none.
    n_packets: u32,
    /// Between two of them, in nanoseconds.
    period_ns: u64,
}

impl Rounds {
    /// Between two rounds, in nanoseconds; 0 while there are none.
    pub(crate) fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// Rounds are to reach this number; none if nobody is granted anything. Whether they have another period now.
    pub(crate) fn reach(
        &mut self,
        now: &mut Now<'_>,
        last: Option<u16>,
        timing: &Timing,
    ) -> Result<bool, PlaneError> {
        let n_packets = last.map_or(0, |last| (u32::from(last) + 1).next_power_of_two());
        // A few numbers less are no reason to begin anew.
        let is_enough = n_packets <= self.n_packets && 4 * n_packets > self.n_packets;
        if n_packets == self.n_packets || is_enough {
            return Ok(false);
        }
        let before = self.period_ns;
        self.n_packets = n_packets;
        if n_packets == 0 {
            self.period_ns = 0;
            now.switch.call(&Request::StopGenerator { app: APP })?;
            return Ok(false);
        }
        let all = timing.sync_ns_per_packet.saturating_mul(n_packets.into());
        self.period_ns = timing.sync_ns.max(all).max(1000);
        let timer = Timer {
            port: GENERATOR_PORT,
            period_ns: self.period_ns,
            is_periodic: true,
            batches: 1,
            packets: n_packets,
            payload: vec![0; PAYLOAD_BYTES],
        };
        let app = APP;
        now.switch.call(&Request::StartGenerator { app, timer })?;
        Ok(self.period_ns != before)
    }
}
