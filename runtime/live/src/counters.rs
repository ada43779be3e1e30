//! What a run counts beside what its device counts.

use std::collections::BTreeMap;

use p4rmt_source::Span;

/// Counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveCounters {
    /// By port, of those to which something is attached.
    pub ports: BTreeMap<u16, PortCounters>,
    /// Packets that left on ports to which nothing is attached.
    pub unattached: BTreeMap<u16, u64>,
    /// Packets that the device refused.
    pub refused: Vec<Refusal>,
    /// Time that the device could not keep up with, in nanoseconds: the packet generator made more than can be run.
    pub lost_ns: u64,
    /// Requests of clients.
    pub requests: u64,
}

/// Counts of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// What is attached.
    pub name: String,
    /// Packets that came in.
    pub packets_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Packets that went out.
    pub packets_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Packets that were lost because there was no room for them.
    pub full: u64,
    /// Packets that were lost because the interface was down.
    pub down: u64,
    /// Packets that were lost because they are too short or too long for the interface.
    pub unfit: u64,
}

/// Packets that the device refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: String,
    /// The statement of the program, where there is one.
    pub span: Option<Span>,
    /// How many.
    pub packets: u64,
}

/// So many reasons are told apart.
const MAX_REASONS: usize = 64;

impl LiveCounters {
    /// Counts a packet that the device refused.
    pub(crate) fn refuse(&mut self, reason: String, span: Option<Span>) {
        let is_known = |known: &&mut Refusal| known.reason == reason && known.span == span;
        if let Some(known) = self.refused.iter_mut().find(is_known) {
            known.packets += 1;
        } else if self.refused.len() < MAX_REASONS {
            self.refused.push(Refusal {
                reason,
                span,
                packets: 1,
            });
        }
    }
}
