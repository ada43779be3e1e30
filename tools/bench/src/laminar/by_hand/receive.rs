//! A segment of a peer: its payload becomes a write to the host, its arrival an acknowledgment.

use super::connection::{Cold, Hot};
use super::frame::{Write, be16, be32, fold, raw_sum};
use super::lookup::Segments;
use super::{ByHand, nanoseconds};
use crate::Sink;
use crate::laminar::{CONTROL_PORT, HOST_PORT, NETWORK_PORT};

/// Headers of a segment: Ethernet, IPv4, TCP.
const HEADERS: usize = 54;

const IP: usize = 14;
const TCP: usize = 34;

/// Where a segment lies against the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    InOrder,
    Duplicate,
    Ahead,
    Current,
    Probe,
    Elsewhere,
}

/// What its acknowledgment is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ack {
    New,
    Current,
    Duplicate,
    Old,
}

/// What becomes of a segment.
struct Verdict {
    /// Whether its payload is written, and up to where that is notified.
    written: Option<Option<u32>>,
    is_fast: bool,
    /// What is said of `tx_next_ack` in a report.
    tx_next: u32,
    copy: Option<Copy>,
}

/// A copy that becomes an acknowledgment, a notice, or both.
struct Copy {
    /// The range that it merges.
    start: u32,
    end: u32,
    is_broken: bool,
    is_beyond: bool,
    to_peer: bool,
}

/// A segment that may pass, and its connection: lengths and checksum are right, and it is of those that
/// are received.
#[inline]
pub(super) fn find(segments: &Segments, frame: &[u8]) -> Option<u32> {
    let headers: &[u8; HEADERS] = frame.first_chunk()?;
    let total_len = usize::from(be16(headers, IP + 2));
    let is_tcp = headers[12..14] == [8, 0]
        && headers[IP] == 0x45
        && be16(headers, IP + 6) & 0x3fff == 0
        && headers[IP + 9] == 6;
    let is_established = headers[TCP + 12] >> 4 == 5 && headers[TCP + 13] & 0x17 == 0x10;
    if !is_tcp || !is_established || total_len < 40 {
        return None;
    }
    let segment = frame.get(TCP..IP + total_len)?;
    let pseudo = u64::from((6 + (total_len - 20) as u16).swap_bytes());
    if fold(raw_sum(&headers[IP + 12..IP + 20]) + pseudo + raw_sum(segment)) != 0xffff {
        return None;
    }
    segments.find(headers[IP + 12..TCP + 4].first_chunk()?)
}

impl ByHand {
    /// All that a segment causes.
    #[inline]
    pub(super) fn receive(&mut self, number: u32, frame: &[u8], sink: &mut Sink) {
        self.clock += 1;
        let now = self.clock;
        let connection = &mut self.connections[number as usize];
        let payload = &frame[HEADERS..IP + usize::from(be16(frame, IP + 2))];
        let cold = &mut self.cold[number as usize];
        let verdict = advance(connection, cold, frame, payload.len() as u32, now);
        let host = &mut self.hosts[usize::from(connection.context)];
        let out = &mut *self.frame;
        if let Some(notified) = verdict.written {
            let seq = be32(frame, TCP + 4);
            let offset = seq.wrapping_sub(connection.first_rx) & connection.buffer_mask;
            let write = Write {
                address_high: connection.buffer_high,
                address_low: offset.wrapping_add(connection.buffer_low),
                immediate: notified.map(|position| number << 17 | position & 0x1_ffff),
                payload,
            };
            let len = host.fill(&write, out);
            sink.packet(HOST_PORT, &out[..len]);
        } else if verdict.is_fast {
            let mut report = [0; 16];
            report[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            report[4..8].copy_from_slice(&verdict.tx_next.to_be_bytes());
            report[15] = 4;
            let write = Write {
                address_high: (host.reports >> 32) as u32,
                address_low: host.reports as u32 | number << 4,
                immediate: None,
                payload: &report,
            };
            let len = host.fill(&write, out);
            sink.packet(HOST_PORT, &out[..len]);
        }
        self.clock += 1;
        let Some(copy) = verdict.copy else { return };
        if copy.to_peer {
            let merged = merge(connection, &copy);
            let is_marked = frame[IP + 1] & 3 == 3;
            let out = out.first_chunk_mut().expect("longer than that");
            acknowledge(frame, connection, &merged, is_marked, out);
            sink.packet(NETWORK_PORT, out);
            self.clock += 1;
        }
        if copy.is_broken || copy.is_beyond {
            let merged = merge(connection, &copy);
            let notice = notice(frame, connection, number, &copy, &merged);
            sink.packet(CONTROL_PORT, &notice);
            self.clock += 1;
        }
    }
}

/// Both halves of the transport logic.
#[inline]
fn advance(connection: &mut Hot, cold: &mut Cold, frame: &[u8], len: u32, clock: u64) -> Verdict {
    let seq = be32(frame, TCP + 4);
    let before = connection.rx_next;
    let start = seq.wrapping_sub(before);
    let end = start.wrapping_add(len);
    let place = if len == 0 {
        match start as i32 {
            ..0 => Place::Probe,
            0 => Place::Current,
            1.. => Place::Elsewhere,
        }
    } else if end as i32 <= 0 {
        Place::Duplicate
    } else if start as i32 <= 0 {
        Place::InOrder
    } else {
        Place::Ahead
    };
    let is_shut = connection.rx_broken != 0;
    let (mut tail, mut head, mut placed) = (0, 0, 0);
    let (mut taken, mut position) = (0, before);
    match place {
        Place::InOrder => {
            connection.rx_next = before.wrapping_add(end);
            if !is_shut && end <= connection.rx_free {
                connection.rx_free -= end;
                taken = end;
            } else {
                connection.rx_broken = connection.rx_broken.wrapping_add(end);
            }
            position = before.wrapping_add(taken);
            connection.ooo_tail = connection.ooo_tail.saturating_sub(taken);
            connection.ooo_head = connection.ooo_head.saturating_sub(taken);
            (tail, head) = (connection.ooo_tail, connection.ooo_head);
        }
        Place::Duplicate => (tail, head) = (connection.ooo_tail, connection.ooo_head),
        Place::Ahead => {
            if !is_shut && end <= connection.rx_free {
                taken = end;
            }
            let tail_before = connection.ooo_tail;
            if tail_before == 0 || start <= tail_before {
                connection.ooo_tail = tail_before.max(taken);
                tail = connection.ooo_tail;
            }
            if tail != 0 && tail_before == 0 {
                connection.ooo_head = start;
                (head, placed) = (start, taken);
            } else if tail != 0 && taken >= connection.ooo_head {
                connection.ooo_head = connection.ooo_head.min(start);
                (head, placed) = (connection.ooo_head, taken);
            }
        }
        Place::Current | Place::Probe | Place::Elsewhere => {}
    }
    let ready = position.wrapping_add(tail);

    let tx_next = connection.tx_next;
    let (is_fast, is_beyond) = acknowledged(connection, cold, frame, len, place, clock);

    let is_closed = head == 0;
    let is_waiting = tail != 0 && is_closed;
    let notified = if is_closed { ready } else { position };
    let written = match place {
        Place::InOrder => (taken != 0).then_some(Some(notified)),
        Place::Ahead => (placed != 0).then_some(is_waiting.then_some(notified)),
        Place::Duplicate | Place::Current | Place::Probe | Place::Elsewhere => None,
    };
    let is_broken = match place {
        Place::InOrder => taken == 0,
        Place::Duplicate => is_shut,
        Place::Ahead | Place::Current | Place::Probe | Place::Elsewhere => false,
    };
    let merges = match place {
        Place::InOrder | Place::Duplicate => is_waiting && !is_broken,
        Place::Ahead => placed != 0 && is_waiting,
        Place::Current | Place::Probe | Place::Elsewhere => false,
    };
    let to_peer = match place {
        Place::InOrder | Place::Duplicate | Place::Ahead | Place::Probe => true,
        Place::Current | Place::Elsewhere => false,
    };
    let copy = (to_peer || is_beyond).then_some(Copy {
        start: position,
        end: if merges { ready } else { position },
        is_broken,
        is_beyond,
        to_peer,
    });
    Verdict {
        written,
        is_fast,
        tx_next,
        copy,
    }
}

/// What the segment acknowledges: whether it is the third duplicate, and whether it is of what was
/// never handed over.
#[inline]
fn acknowledged(
    connection: &mut Hot,
    cold: &mut Cold,
    frame: &[u8],
    len: u32,
    place: Place,
    clock: u64,
) -> (bool, bool) {
    let newly = be32(frame, TCP + 8).wrapping_sub(connection.tx_next);
    let ack = match newly as i32 {
        ..0 => Ack::Old,
        0 if len == 0 => Ack::Duplicate,
        0 => Ack::Current,
        1.. => Ack::New,
    };
    let (mut is_fast, mut is_beyond) = (false, false);
    match ack {
        Ack::New => {
            connection.tx_next = connection.tx_next.wrapping_add(newly);
            connection.duplicates = 0;
            is_beyond = newly > connection.tx_handed;
            if !is_beyond {
                connection.tx_handed -= newly;
                cold.acked = cold.acked.wrapping_add(newly);
                if frame[TCP + 13] & 0x40 != 0 {
                    cold.marked = cold.marked.wrapping_add(newly);
                }
                end_timing(cold, newly, clock);
            }
        }
        Ack::Duplicate => {
            connection.duplicates = connection.duplicates.saturating_add(1);
            is_fast = connection.duplicates == 3 && connection.tx_handed != 0;
            if is_fast {
                connection.tx_credits = half(connection.tx_credits);
                cold.fast = cold.fast.wrapping_add(1);
                cold.timed_since = 0;
            }
        }
        Ack::Current | Ack::Old => {}
    }
    let is_at_stream = match place {
        Place::InOrder | Place::Duplicate | Place::Current => true,
        Place::Ahead | Place::Probe | Place::Elsewhere => false,
    };
    if is_at_stream && ack != Ack::Old {
        connection.tx_window = u32::from(be16(frame, TCP + 14)) << connection.peer_scale;
    }
    (is_fast, is_beyond)
}

fn end_timing(cold: &mut Cold, newly: u32, clock: u64) {
    if cold.timed_end > newly {
        cold.timed_end -= newly;
        return;
    }
    let since = std::mem::take(&mut cold.timed_since);
    if since != 0 {
        cold.rtt_ns = cold
            .rtt_ns
            .wrapping_add(nanoseconds(clock).wrapping_sub(since));
        cold.rtt_samples = cold.rtt_samples.wrapping_add(1);
    }
}

/// Half, of the four highest bits that count: what a stateful ALU can do.
fn half(credits: u32) -> u32 {
    let n_below = (u32::BITS - credits.leading_zeros()).saturating_sub(4);
    (credits >> n_below << n_below) >> 1
}

/// What a copy found on its way.
struct Merged {
    rx_next: u32,
    broken: u32,
    free: u32,
    acknowledged: u32,
    is_shut: bool,
}

/// A copy passes the state: its range, if it has one, advances the stream.
#[inline]
fn merge(connection: &mut Hot, copy: &Copy) -> Merged {
    let before = connection.rx_next;
    let start = copy.start.wrapping_sub(before);
    let end = copy.end.wrapping_sub(before);
    let broken = connection.rx_broken;
    let free = connection.rx_free;
    let whole = before.wrapping_sub(broken);
    if end as i32 <= 0 || start as i32 > 0 {
        return Merged {
            rx_next: before,
            broken,
            free,
            acknowledged: whole,
            is_shut: broken != 0,
        };
    }
    connection.rx_next = copy.end;
    let mut taken = 0;
    if broken == 0 && end <= free {
        connection.rx_free -= end;
        taken = end;
    } else {
        connection.rx_broken = broken.wrapping_add(end);
    }
    connection.ooo_tail = connection.ooo_tail.saturating_sub(taken);
    connection.ooo_head = connection.ooo_head.saturating_sub(taken);
    Merged {
        rx_next: before,
        broken,
        free: free - taken,
        acknowledged: whole.wrapping_add(taken),
        is_shut: broken != 0 || taken == 0,
    }
}

/// The answer to a segment. Checksums are made of what is about to be written, not of what was: reading
/// back what has just been written in other pieces makes the processor wait.
#[inline]
fn acknowledge(
    segment: &[u8],
    connection: &Hot,
    merged: &Merged,
    is_marked: bool,
    frame: &mut [u8; 54],
) {
    let segment: &[u8; HEADERS] = segment.first_chunk().expect("it was found by its headers");
    *frame = ACKNOWLEDGMENT;
    frame[..6].copy_from_slice(&segment[6..12]);
    frame[6..12].copy_from_slice(&segment[..6]);
    frame[IP + 12..IP + 16].copy_from_slice(&segment[IP + 16..IP + 20]);
    frame[IP + 16..IP + 20].copy_from_slice(&segment[IP + 12..IP + 16]);
    let addresses = raw_sum(&segment[IP + 12..IP + 20]);
    let constant = u64::from((0x4500u16 + 40).swap_bytes())
        + u64::from(0x4000u16.swap_bytes())
        + u64::from(0x4006u16.swap_bytes());
    let checksum = !fold(constant + addresses);
    frame[IP + 10..IP + 12].copy_from_slice(&checksum.to_le_bytes());
    let ports = u32::from_le_bytes([
        segment[TCP + 2],
        segment[TCP + 3],
        segment[TCP],
        segment[TCP + 1],
    ]);
    let in_flight = connection.tx_handed.min(connection.tx_window);
    let seq = connection.tx_next.wrapping_add(in_flight).to_be();
    let acknowledged = merged.acknowledged.to_be();
    let flags = if is_marked { 0x5050_0000 } else { 0x5010_0000 };
    let word = (flags | window(connection, merged.free, merged.is_shut)).to_be();
    let words = [ports, seq, acknowledged, word];
    let sum: u64 = words.into_iter().map(u64::from).sum();
    let pseudo = u64::from((6u16 + 20).swap_bytes());
    let checksum = !fold(addresses + pseudo + sum);
    for (bytes, word) in frame[TCP..].chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
    frame[TCP + 16..TCP + 18].copy_from_slice(&checksum.to_le_bytes());
}

/// What is the same in every acknowledgment: 40 bytes, not to be fragmented, 64 hops at most, TCP.
const ACKNOWLEDGMENT: [u8; 54] = {
    let mut frame = [0; 54];
    frame[12] = 8;
    frame[IP] = 0x45;
    frame[IP + 3] = 40;
    frame[IP + 6] = 0x40;
    frame[IP + 8] = 64;
    frame[IP + 9] = 6;
    frame
};

/// The window that is advertised.
#[inline]
pub(super) fn window(connection: &Hot, free: u32, is_shut: bool) -> u32 {
    if is_shut {
        return 0;
    }
    (free >> connection.own_scale).min(0xffff)
}

/// The control plane's copy.
fn notice(segment: &[u8], connection: &Hot, number: u32, copy: &Copy, merged: &Merged) -> [u8; 38] {
    let mut frame = [0; 38];
    frame[..6].copy_from_slice(&segment[..6]);
    frame[6..12].copy_from_slice(&segment[6..12]);
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    frame[14] = u8::from(copy.is_broken) | u8::from(copy.is_beyond) << 1;
    frame[16..18].copy_from_slice(&(number as u16).to_be_bytes());
    let values = [
        merged.rx_next,
        merged.broken,
        merged.free,
        connection.tx_next,
        connection.tx_handed,
    ];
    for (bytes, value) in frame[18..].chunks_exact_mut(4).zip(values) {
        bytes.copy_from_slice(&value.to_be_bytes());
    }
    frame
}
