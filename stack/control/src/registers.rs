//! The registers of a connection, as a control plane reads and writes them.

use p4rmt_control::{Number, Reply, Request};

use crate::PlaneError;
use crate::now::Now;

/// What is known of a connection at one time, between two packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) rx_next_seq: u32,
    pub(crate) rx_avail: u32,
    /// Bytes by which `rx_next_seq` went on since the window broke.
    pub(crate) rx_broken: u32,
    pub(crate) tx_next_ack: u32,
    pub(crate) tx_dupack_cnt: u32,
    pub(crate) tx_avail: u32,
    pub(crate) tx_credits: u32,
    pub(crate) tx_remote_avail: u32,
    pub(crate) acked_bytes: u32,
    pub(crate) marked_bytes: u32,
    pub(crate) fast_retransmits: u32,
    /// Nanoseconds of all samples, and how many they are.
    pub(crate) rtt_ns: u32,
    pub(crate) rtt_samples: u32,
}

/// The registers of a snapshot, in its order.
const READ: [&str; 11] = [
    "rx_next_seq",
    "rx_avail",
    "tx_next_ack",
    "tx_dupack_cnt",
    "tx_avail",
    "tx_credits",
    "tx_remote_avail",
    "acked_bytes",
    "marked_bytes",
    "fast_retransmits",
    "rtt_samples",
];

/// What a connection begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    pub(crate) rx_next_seq: u32,
    pub(crate) rx_avail: u32,
    pub(crate) tx_next_ack: u32,
    pub(crate) tx_credits: u32,
    pub(crate) tx_remote_avail: u32,
}

impl Snapshot {
    /// Of one connection.
    pub(crate) fn read(now: &mut Now<'_>, connection: u16) -> Result<Self, PlaneError> {
        Self::read_range(now, connection, 1)?
            .pop()
            .ok_or(PlaneError::Answer)
    }

    /// Of `count` connections from `first` on, all at one time.
    pub(crate) fn read_range(
        now: &mut Now<'_>,
        first: u16,
        count: u16,
    ) -> Result<Vec<Self>, PlaneError> {
        let requests = READ.map(|register| Request::ReadRegister {
            register: register.to_owned(),
            index: first.into(),
            count: count.into(),
        });
        let Reply::All(replies) = now.switch.call(&Request::All(requests.into()))? else {
            return Err(PlaneError::Answer);
        };
        let mut snapshots = vec![Self::default(); count.into()];
        if replies.len() != READ.len() {
            return Err(PlaneError::Answer);
        }
        for (at, reply) in replies.into_iter().enumerate() {
            let Reply::Elements(elements) = reply else {
                return Err(PlaneError::Answer);
            };
            if elements.len() != snapshots.len() {
                return Err(PlaneError::Answer);
            }
            for (snapshot, values) in snapshots.iter_mut().zip(elements) {
                snapshot.set(at, &values).ok_or(PlaneError::Answer)?;
            }
        }
        Ok(snapshots)
    }

    /// Sets what the register of this place in [`READ`] has.
    fn set(&mut self, at: usize, values: &[Number]) -> Option<()> {
        let value = |at: usize| u32::try_from(values.get(at)?.to_u64()?).ok();
        let field = match at {
            0 => &mut self.rx_next_seq,
            1 => {
                self.rx_broken = value(1)?;
                &mut self.rx_avail
            }
            2 => &mut self.tx_next_ack,
            3 => &mut self.tx_dupack_cnt,
            4 => &mut self.tx_avail,
            5 => &mut self.tx_credits,
            6 => &mut self.tx_remote_avail,
            7 => &mut self.acked_bytes,
            8 => &mut self.marked_bytes,
            9 => &mut self.fast_retransmits,
            _ => {
                self.rtt_samples = value(1)?;
                &mut self.rtt_ns
            }
        };
        *field = value(0)?;
        Some(())
    }

    /// The next sequence number that we take: nothing behind the place where a window broke counts.
    pub(crate) fn rcv_next(&self) -> u32 {
        self.rx_next_seq.wrapping_sub(self.rx_broken)
    }

    /// What the window field says with this scale.
    pub(crate) fn window(&self, scale: u8) -> u16 {
        let free = if self.rx_broken == 0 {
            self.rx_avail
        } else {
            0
        };
        u16::try_from(free >> scale.min(14)).unwrap_or(u16::MAX)
    }

    /// The sequence number of an acknowledgment: behind all that the peer may have seen of us.
    pub(crate) fn snd_next(&self) -> u32 {
        let in_flight = self.tx_avail.min(self.tx_remote_avail);
        self.tx_next_ack.wrapping_add(in_flight)
    }
}

impl Fresh {
    /// What sets every register of a connection, whatever was in them.
    pub(crate) fn requests(&self, connection: u16) -> impl Iterator<Item = Request> {
        let single = [
            ("rx_next_seq", self.rx_next_seq),
            ("rx_ooo_tail", 0),
            ("rx_ooo_head", 0),
            ("tx_next_ack", self.tx_next_ack),
            ("tx_dupack_cnt", 0),
            ("tx_avail", 0),
            ("tx_credits", self.tx_credits),
            ("tx_remote_avail", self.tx_remote_avail),
            ("acked_bytes", 0),
            ("marked_bytes", 0),
            ("fast_retransmits", 0),
        ];
        let pairs = [
            ("rx_avail", self.rx_avail),
            ("rtt_timed", 0),
            ("rtt_samples", 0),
        ];
        let single = single.map(|(register, value)| write(register, connection, &[value]));
        let pairs = pairs.map(|(register, low)| write(register, connection, &[low, 0]));
        single.into_iter().chain(pairs)
    }
}

/// Writes an element of a register.
pub(crate) fn write(register: &str, connection: u16, values: &[u32]) -> Request {
    Request::WriteRegister {
        register: register.to_owned(),
        index: connection.into(),
        values: values.iter().map(|value| Number::from(*value)).collect(),
    }
}
