//! A packet between two steps of a placed gress: one record in memory, read and written by the code of all steps.
//!
//! It is small, since a gress holds hundreds of packets at a time: a field takes as few bytes as a load can
//! read, and of the nodes of the control flow only those are kept that a later stage asks about. All of it is zero
//! before the parser runs.

use std::mem::size_of;

use p4rmt_engine::{Schedule, UnitKind};
use p4rmt_ir::{FieldId, Gress, HeaderId, Id};

/// What stands first in the record of a packet.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct FlightHead {
    /// Bytes of prefix and packet together.
    pub(crate) n_bytes: u64,
    /// Bytes of the packet without prefix.
    pub(crate) packet_bytes: u64,
    /// When it entered the gress.
    pub(crate) clock: u64,
    /// Where its payload starts, in bytes.
    pub(crate) payload_offset: u64,
    /// How parsing failed, as in the frame.
    pub(crate) failure: u64,
    /// Whether its parser dropped it.
    pub(crate) is_dropped: u64,
}

/// Where everything lies in the record of a packet, in bytes.
pub(crate) struct FlightLayout {
    /// By watched field: what wrote it last, a word each.
    pub(crate) written: usize,
    /// By source of random values: how often the packet has drawn, a word each.
    pub(crate) draws: usize,
    /// The complement of the node that ended the control.
    pub(crate) last_node: usize,
    /// By header: 1 more than where it was extracted, four bytes each.
    pub(crate) headers: usize,
    /// By node: 1 more than the branch, four bytes; none if no other stage asks about it.
    nodes: Vec<Option<usize>>,
    fields: Vec<usize>,
    n_lines: usize,
}

/// The bytes that a field takes.
fn n_bytes(width: u32) -> usize {
    match width {
        0 => 0,
        1..=8 => 1,
        9..=16 => 2,
        17..=32 => 4,
        33.. => width.div_ceil(64) as usize * 8,
    }
}

impl FlightLayout {
    pub(crate) fn new(gress: &Gress, schedule: &Schedule, n_watched: usize) -> Self {
        let mut end = size_of::<FlightHead>();
        let mut take = |n_bytes: usize, alignment: usize| {
            let start = end.next_multiple_of(alignment.max(1));
            end = start + n_bytes;
            start
        };
        let written = take(n_watched * 8, 8);
        let draws = take(gress.randoms.len() * 8, 8);
        let last_node = take(8, 8);
        let headers = take(gress.headers.len() * 4, 4);
        let nodes = kept_nodes(schedule);
        let nodes = nodes
            .into_iter()
            .map(|is_kept| is_kept.then(|| take(4, 4)))
            .collect();
        let widths = gress.fields.values().map(|field| field.width);
        let fields = widths
            .map(|width| take(n_bytes(width), n_bytes(width).min(8)))
            .collect();
        Self {
            written,
            draws,
            last_node,
            headers,
            nodes,
            fields,
            n_lines: end.div_ceil(size_of::<Line>()),
        }
    }

    /// Where a field lies: in as many bytes as a load can read of up to 32 bits, in words if it is wider.
    pub(crate) fn field(&self, field: FieldId) -> usize {
        self.fields[field.index()]
    }

    /// Where a header was extracted.
    pub(crate) fn header(&self, header: HeaderId) -> usize {
        self.headers + header.index() * 4
    }

    /// Where a node has led, if any other stage asks.
    pub(crate) fn node(&self, node: usize) -> Option<usize> {
        self.nodes[node]
    }
}

/// By node: whether a stage asks about it that is not the one in which it runs.
fn kept_nodes(schedule: &Schedule) -> Vec<bool> {
    let units = || (0..schedule.n_stages()).flat_map(|stage| schedule.units(stage));
    let mut stages: Vec<Vec<u32>> = vec![Vec::new(); schedule.n_nodes()];
    units().for_each(|unit| stages[unit.node].push(unit.slot.stage));
    let mut is_kept = vec![false; schedule.n_nodes()];
    for unit in units() {
        if let Some((parent, _)) = unit.parent {
            is_kept[parent] |= stages[parent].iter().any(|stage| *stage != unit.slot.stage);
        }
        if let UnitKind::Table(part) = &unit.kind {
            is_kept[unit.node] |= part.is_divided;
        }
    }
    is_kept
}

/// The records of packets, one a slot.
#[derive(Default)]
pub(crate) struct Flights(Vec<Line>);

/// What a cache takes from memory at a time.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u64; 8]);

impl Flights {
    /// Room for a slot: records may move.
    pub(crate) fn make_room(&mut self, layout: &FlightLayout, slot: usize) {
        let n_lines = (slot + 1) * layout.n_lines;
        if self.0.len() < n_lines {
            self.0.resize(n_lines, Line([0; 8]));
        }
    }

    /// Forgets the packet in a slot that there is room for.
    pub(crate) fn clear(&mut self, layout: &FlightLayout, slot: usize) {
        let start = slot * layout.n_lines;
        self.0[start..start + layout.n_lines].fill(Line([0; 8]));
    }

    /// Where they lie, until there is room for more.
    pub(crate) fn records(&mut self, layout: &FlightLayout) -> Records {
        Records {
            first: self.0.as_mut_ptr(),
            n_lines: self.0.len(),
            lines_each: layout.n_lines,
        }
    }
}

/// Where records lie.
#[derive(Clone, Copy)]
pub(crate) struct Records {
    first: *mut Line,
    n_lines: usize,
    lines_each: usize,
}

impl Records {
    /// The record of a slot, if there is one.
    #[inline]
    pub(crate) fn at(&self, slot: usize) -> Option<*mut u8> {
        let start = slot.checked_mul(self.lines_each)?;
        let end = start.checked_add(self.lines_each)?;
        // SAFETY: it does not end behind the last line.
        (end <= self.n_lines).then(|| unsafe { self.first.add(start) }.cast())
    }
}
