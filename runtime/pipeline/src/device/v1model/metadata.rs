//! Standard metadata and the fields of a packet between two parts of the gress.

use p4rmt_engine::{Crossing, Given, PacketHeaders, WordLayout};
use p4rmt_ir::{Bits, FieldId, FieldKind, Gress, Id};

use super::DROP_PORT;

/// Every field of a gress as a buffer of words, and which of them the machine knows.
#[derive(Debug)]
pub(super) struct Metadata {
    words: WordLayout,
    standard: [Option<StandardPlace>; STANDARD.len()],
    multicast_group: Option<FieldId>,
    /// Those that do not belong to a header.
    metadata: Vec<usize>,
    headers: PacketHeaders,
}

/// Where a field of the standard metadata lies: all of them are at most a word.
#[derive(Clone, Copy, Debug)]
struct StandardPlace {
    field: FieldId,
    word: usize,
    mask: u64,
}

/// Fields of `standard_metadata_t` that the machine writes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standard {
    IngressPort,
    EgressPort,
    EgressSpec,
    InstanceType,
    PacketLength,
    IngressGlobalTimestamp,
    EgressGlobalTimestamp,
    EgressRid,
    EnqTimestamp,
    DeqTimedelta,
}

/// Their names, in order.
const STANDARD: [&str; 10] = [
    "ingress_port",
    "egress_port",
    "egress_spec",
    "instance_type",
    "packet_length",
    "ingress_global_timestamp",
    "egress_global_timestamp",
    "egress_rid",
    "enq_timestamp",
    "deq_timedelta",
];

/// What a packet is given that arrives.
const BEFORE: [(Standard, Given); 3] = [
    (Standard::IngressPort, Given::Port),
    (Standard::PacketLength, Given::Length),
    (Standard::IngressGlobalTimestamp, Given::EntryTime),
];

/// What it is given at the egress, beside its port and length.
const BEHIND: [(Standard, Given); 3] = [
    (Standard::EgressGlobalTimestamp, Given::ExitTime),
    (Standard::EnqTimestamp, Given::EntryTime),
    (Standard::DeqTimedelta, Given::TimeBetween),
];

impl Metadata {
    pub(super) fn new(gress: &Gress) -> Self {
        let fields: Vec<FieldId> = gress.fields.ids().collect();
        let words = WordLayout::new(gress, &fields);
        let standard = STANDARD.map(|name| {
            let name = format!("standard_metadata_t.{name}");
            let field = *gress.intrinsics.get(&name)?;
            let width = gress.fields[field].width;
            (1..=64).contains(&width).then(|| StandardPlace {
                field,
                word: words.first_word(field.index()),
                mask: u64::MAX >> (64 - width),
            })
        });
        let is_metadata = |kind| match kind {
            FieldKind::Metadata | FieldKind::Intrinsic | FieldKind::Local => true,
            FieldKind::Header(_) | FieldKind::Validity(_) | FieldKind::VarbitWidth(_) => false,
        };
        let metadata = gress.fields.iter();
        let metadata = metadata.filter(|(_, field)| is_metadata(field.kind));
        Self {
            words,
            multicast_group: gress
                .intrinsics
                .get("standard_metadata_t.mcast_grp")
                .copied(),
            standard,
            metadata: metadata.map(|(id, _)| id.index()).collect(),
            headers: PacketHeaders::new(gress),
        }
    }

    /// The way of a packet across the traffic manager that asks for nothing but a port; none where the
    /// program has not the fields in which it would ask.
    pub(super) fn crossing(&self) -> Option<Crossing> {
        let field = |field: Standard| Some(self.standard[field as usize]?.field);
        let given = |list: [(Standard, Given); 3]| {
            let list = list.into_iter();
            let given = list.filter_map(|(name, given)| Some((field(name)?, given)));
            given.collect()
        };
        let cleared = [Standard::EgressSpec, Standard::InstanceType];
        Some(Crossing {
            before: given(BEFORE),
            port: field(Standard::EgressSpec)?,
            no_port: DROP_PORT,
            zeros: vec![self.multicast_group?],
            cleared: cleared.into_iter().filter_map(field).collect(),
            taken_port: field(Standard::EgressPort),
            length: field(Standard::PacketLength),
            behind: given(BEHIND),
        })
    }

    /// Makes every field zero.
    pub(super) fn clear(&self, phv: &mut Vec<u64>) {
        phv.clear();
        phv.resize(self.words.n_words(), 0);
    }

    /// Sets a field of the standard metadata, where the program has it; the value is cut to it.
    pub(super) fn set(&self, phv: &mut [u64], field: Standard, value: u64) {
        if let Some(place) = self.standard[field as usize] {
            phv[place.word] = value & place.mask;
        }
    }

    /// The value of a field of the standard metadata; zero where the program has it not.
    pub(super) fn standard(&self, phv: &[u64], field: Standard) -> u64 {
        let place = self.standard[field as usize];
        place.map_or(0, |place| phv[place.word])
    }

    /// The value of a field.
    pub(super) fn get(&self, phv: &[u64], field: FieldId) -> Bits {
        self.words.get(phv, field.index())
    }

    /// The values of the fields that a packet keeps.
    pub(super) fn keep(&self, phv: &[u64], kept: &[FieldId]) -> Vec<(FieldId, Bits)> {
        kept.iter()
            .map(|field| (*field, self.get(phv, *field)))
            .collect()
    }

    /// Sets fields to the values that a packet kept.
    pub(super) fn restore(&self, phv: &mut [u64], kept: &[(FieldId, Bits)]) {
        for (field, value) in kept {
            self.words.set(phv, field.index(), value);
        }
    }

    /// Sets every field that does not belong to a header to zero.
    pub(super) fn reset(&self, phv: &mut [u64]) {
        for position in &self.metadata {
            self.words.set(phv, *position, &Bits::zero(1));
        }
    }

    /// The bits of all valid headers.
    pub(super) fn header_bits(&self, phv: &[u64]) -> u64 {
        self.headers.n_bits(|field| {
            // Validity and the widths of varbit fields are at most a word.
            let first = self.words.first_word(field.index());
            phv.get(first).copied().unwrap_or_default()
        })
    }
}
