//! A context: a queue pair to the pipe, and the memory that the pipe may write to.

use std::ops::Range;

use p4rmt_wire::{ContextSettings, MASK_24_BITS, Path, RdmaWrite, Ready, Report, SwitchSide};

use crate::error::ToeError;
use crate::inbound::Inbound;

/// Connections of a pipe; each has a slot for its report.
const N_CONNECTIONS: u64 = 1 << 15;
/// Bytes of the reports of a context.
const REPORTS_BYTES: u64 = N_CONNECTIONS * Report::BYTES as u64;
/// A quarter of the smallest buffer may be unknown to the pipe, and a segment is kept back; some window is left.
const MIN_BUFFER_BYTES: u32 = 1 << 12;
/// What the 17 bits of a ready position can tell apart.
const MAX_BUFFER_BYTES: u32 = 1 << 17;
const MAX_TRANSMIT_BYTES: u32 = 1 << 30;

/// Where a write to a context's memory goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// To the report of a connection.
    Report { connection: u16 },
    /// To a receive buffer, at a place below its size.
    Buffer { buffer: u32, place: u64 },
}

/// A receive buffer of a context.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) inbound: Inbound,
    /// The connection that has it.
    pub(crate) owner: Option<u16>,
    /// What became ready before anybody said whose buffer it is: packets may be faster than the control plane.
    pub(crate) early: Option<Ready>,
}

/// A queue pair and its memory.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) settings: ContextSettings,
    /// Its number, once the control plane has given it one.
    pub(crate) number: Option<u16>,
    pub(crate) switch: Option<SwitchSide>,
    /// One a buffer of the region; memory is there from the first use on.
    buffers: Vec<Option<Box<Buffer>>>,
    /// Packet sequence number of the next write to come; none before the first.
    next_in: Option<u32>,
    /// Packet sequence number of the next write to go.
    next_out: u32,
}

/// Whether a packet came when it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It is the next.
    Next,
    /// So many are missing before it.
    Gap(u32),
    /// It comes after a later one.
    Late,
}

impl Context {
    pub(crate) fn new(settings: ContextSettings) -> Result<Self, ToeError> {
        check(&settings)?;
        let mut buffers = Vec::new();
        buffers.resize_with(settings.receive.n_buffers as usize, || None);
        Ok(Self {
            settings,
            number: None,
            switch: None,
            buffers,
            next_in: None,
            next_out: 0,
        })
    }

    /// Takes note of a packet sequence number.
    pub(crate) fn order(&mut self, sequence: u32) -> Order {
        let expected = self.next_in.unwrap_or(sequence);
        let ahead = sequence.wrapping_sub(expected) & MASK_24_BITS;
        if ahead > MASK_24_BITS / 2 {
            return Order::Late;
        }
        self.next_in = Some(sequence.wrapping_add(1) & MASK_24_BITS);
        if ahead == 0 {
            Order::Next
        } else {
            Order::Gap(ahead)
        }
    }

    /// Where a write of so many bytes goes; no part of it may lie elsewhere.
    pub(crate) fn target(&self, address: u64, len: usize) -> Result<Target, ToeError> {
        let outside = Err(ToeError::OutsideOfMemory { address, len });
        let receive = &self.settings.receive;
        let size = u64::from(receive.buffer_bytes);
        if let Some(offset) = address.checked_sub(self.settings.reports)
            && offset < REPORTS_BYTES
        {
            let slot = Report::BYTES as u64;
            if offset % slot != 0 || len != Report::BYTES {
                return outside;
            }
            return Ok(Target::Report {
                connection: (offset / slot) as u16,
            });
        }
        let Some(offset) = address.checked_sub(receive.base) else {
            return outside;
        };
        let buffer = offset / (2 * size);
        let place = offset % (2 * size);
        let len = len as u64;
        if buffer >= u64::from(receive.n_buffers) || len > size || place + len > 2 * size {
            return outside;
        }
        Ok(Target::Buffer {
            buffer: buffer as u32,
            place: place % size,
        })
    }

    /// A buffer of the region, whose memory is there from now on.
    pub(crate) fn buffer(&mut self, buffer: u32) -> Option<&mut Buffer> {
        let size = self.settings.receive.buffer_bytes as usize;
        let slot = self.buffers.get_mut(buffer as usize)?;
        Some(slot.get_or_insert_with(|| {
            Box::new(Buffer {
                inbound: Inbound::new(size),
                owner: None,
                early: None,
            })
        }))
    }

    /// A buffer that is in use.
    pub(crate) fn used_buffer(&self, buffer: u32) -> Option<&Buffer> {
        self.buffers.get(buffer as usize)?.as_deref()
    }

    /// The next write to the pipe; `None` before the control plane has said where it is.
    pub(crate) fn next_write(&mut self, address: u64, immediate: Option<u32>) -> Option<RdmaWrite> {
        let switch = self.switch?;
        let sequence = self.next_out;
        self.next_out = self.next_out.wrapping_add(1) & MASK_24_BITS;
        let path = Path {
            src_mac: self.settings.mac,
            dst_mac: switch.mac,
            src_ip: self.settings.ip,
            dst_ip: switch.ip,
        };
        Some(RdmaWrite {
            path,
            queue_pair: self.settings.queue_pair,
            sequence,
            address,
            remote_key: 0,
            immediate,
        })
    }
}

/// That the pipe can work with settings, and that no memory is used twice.
fn check(settings: &ContextSettings) -> Result<(), ToeError> {
    let receive = &settings.receive;
    let rule = |holds: bool, setting, found: u64, rule| {
        if holds {
            Ok(())
        } else {
            Err(ToeError::BadSettings {
                setting,
                found,
                rule,
            })
        }
    };
    let size = receive.buffer_bytes;
    rule(
        size.is_power_of_two() && (MIN_BUFFER_BYTES..=MAX_BUFFER_BYTES).contains(&size),
        "buffer_bytes",
        size.into(),
        "not a power of two from 4 KiB to 128 KiB",
    )?;
    rule(
        (1..=MAX_TRANSMIT_BYTES).contains(&settings.transmit_bytes),
        "transmit_bytes",
        settings.transmit_bytes.into(),
        "not a number from 1 to 2^30",
    )?;
    rule(
        settings.queue_pair <= MASK_24_BITS,
        "queue_pair",
        settings.queue_pair.into(),
        "not a number of 24 bits",
    )?;
    rule(
        u64::from(receive.n_buffers) <= N_CONNECTIONS,
        "n_buffers",
        receive.n_buffers.into(),
        "more than the 32768 connections of a pipe",
    )?;
    let region_bytes = u64::from(receive.n_buffers) * 2 * u64::from(size);
    let region = span(receive.base, region_bytes);
    rule(
        receive.base.is_multiple_of(2 * u64::from(size)) && region.is_some(),
        "receive base",
        receive.base,
        "not a multiple of twice the size of a buffer, or too near the end of all addresses",
    )?;
    let reports = span(settings.reports, REPORTS_BYTES);
    rule(
        settings.reports.is_multiple_of(REPORTS_BYTES) && reports.is_some(),
        "reports",
        settings.reports,
        "not a multiple of 512 KiB, or too near the end of all addresses",
    )?;
    let is_apart = match (region, reports) {
        (Some(region), Some(reports)) => region.end <= reports.start || reports.end <= region.start,
        _ => false,
    };
    rule(
        is_apart,
        "reports",
        settings.reports,
        "among the receive buffers",
    )
}

fn span(base: u64, len: u64) -> Option<Range<u64>> {
    Some(base..base.checked_add(len)?)
}
