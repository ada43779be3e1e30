//! Packets that run through a whole gress, one behind the other: each is read where it lies, and what leaves is
//! written behind what has left before.

use p4rmt_engine::{Arriving, DroppedPacket, Given, Last, Outcome, Passage, Passed, Writer};
use p4rmt_ir::GressRole;

use crate::call::Call;
use crate::frame::Way;
use crate::machine_code::Function;

impl Call<'_> {
    /// Runs packets with a function for [`crate::compile::Section::Through`], up to the first that is not gone then.
    pub(crate) fn run_through(
        &mut self,
        function: Function,
        packets: &[Arriving<'_>],
        passage: &mut Passage,
    ) -> Passed {
        let loaded = self.loaded;
        self.make_ready(packets, passage);
        let outcome: *mut Outcome = &raw mut passage.outcome;
        // SAFETY: the frame belongs to the gress, which is borrowed as long as the call is; compiled code and
        // callbacks have it only while a function runs.
        let frame = unsafe { &mut *self.frame };
        let (mut clock, mut time) = (passage.clock, passage.time.clone());
        let (mut arrival, mut last) = (passage.arrival, Last::Gone);
        let mut n_packets = 0;
        for packet in packets {
            n_packets += 1;
            let entry = packet.not_before.max(clock);
            let exit = entry.saturating_add(1);
            let (entry_time, exit_time) = (time.at(entry), time.at(exit));
            let n_bytes = packet.bytes.len() as u64;
            frame.given[Given::Port as usize] = packet.port.into();
            frame.given[Given::Length as usize] = n_bytes;
            frame.given[Given::EntryTime as usize] = entry_time;
            frame.given[Given::ExitTime as usize] = exit_time;
            frame.given[Given::TimeBetween as usize] = exit_time.wrapping_sub(entry_time);
            (frame.clock, frame.exit_clock) = (entry, exit);
            frame.bytes = packet.bytes.as_ptr();
            frame.n_bits = n_bytes * 8;
            frame.packet_bytes = n_bytes;
            frame.is_told = 0;
            let out = passage.departures.bytes_mut();
            let start = out.len();
            frame.out = out.spare_capacity_mut().as_mut_ptr().cast();
            // SAFETY: the code belongs to this gress; all buffers are as long as it was compiled for, and outlive
            // the call.
            unsafe { function.run(frame) };
            let way = frame.way;
            if way == Way::Left as u64 {
                // SAFETY: there was room for so many bytes, and the code wrote them.
                unsafe { out.set_len(start + frame.out_bytes as usize) };
            }
            let mut truncate = None;
            if frame.is_told != 0 {
                // SAFETY: the call is over; nothing else reaches the outcome.
                let outcome = unsafe { &mut *outcome };
                passage.n_digests += outcome.digests.len() as u64;
                if outcome.wrong_claim.is_some() {
                    // Compiled code has set the clock on where the packet crossed.
                    (clock, last) = (frame.clock, Last::Claimed);
                    out.truncate(start);
                    break;
                }
                if way != Way::Waits as u64 {
                    truncate = outcome.requests.truncate;
                    if way == Way::Left as u64 {
                        out.extend_from_slice(&outcome.bytes);
                    }
                    outcome.begin(loaded.watched.n_words(), loaded.watched_fields.len());
                }
            }
            if way == Way::Left as u64 {
                let payload = packet.bytes.get(frame.payload_offset as usize..);
                out.extend_from_slice(payload.unwrap_or_default());
                if let Some(length) = truncate {
                    let length = usize::try_from(length).unwrap_or(usize::MAX);
                    out.truncate(start.saturating_add(length));
                }
                let port = frame.taken_port as u16;
                passage.departures.push_written(arrival, exit, port);
                clock = exit.saturating_add(1);
            } else if way == Way::Waits as u64 {
                // SAFETY: as above.
                let outcome = unsafe { &mut *outcome };
                outcome.payload_offset = frame.payload_offset as usize;
                outcome.parsed_bits = frame.parsed_bits;
                (clock, last) = (entry, Last::Waits);
                break;
            } else {
                let is_behind = way == Way::DroppedBehind as u64;
                // SAFETY: as above.
                let written = unsafe { &(*outcome).written };
                let by = loaded.port_at.and_then(|position| written.get(position));
                passage.dropped.push(DroppedPacket {
                    arrival,
                    gress: if is_behind {
                        GressRole::Egress
                    } else {
                        GressRole::Ingress
                    },
                    by: by.copied().unwrap_or(Writer::NONE),
                });
                let behind = if is_behind { exit } else { entry };
                clock = behind.saturating_add(1);
            }
            arrival += 1;
        }
        (passage.clock, passage.time) = (clock, time);
        Passed { n_packets, last }
    }

    /// Room for all that may come of packets, and what is the same for each.
    fn make_ready(&mut self, packets: &[Arriving<'_>], passage: &mut Passage) {
        let loaded = self.loaded;
        let n_bytes: usize = packets.iter().map(|packet| packet.bytes.len()).sum();
        let most = loaded.n_out_bytes * packets.len() + n_bytes;
        passage.departures.reserve(packets.len(), most);
        let outcome = &mut passage.outcome;
        outcome.begin(loaded.watched.n_words(), loaded.watched_fields.len());
        outcome.phv.resize(loaded.phv.n_words(), 0);
        // SAFETY: as long as the call is, the frame and what callbacks work on belong to it.
        let (frame, run) = unsafe { (&mut *self.frame, &mut *self.run) };
        frame.phv_out = outcome.phv.as_mut_ptr();
        frame.fields = frame.phv_out;
        frame.values = outcome.values.as_mut_ptr();
        frame.written = outcome.written.as_mut_ptr().cast();
        run.outcome = outcome;
    }
}
