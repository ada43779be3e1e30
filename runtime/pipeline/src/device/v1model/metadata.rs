//! Standard metadata and the fields of a packet between two parts of the gress.

use p4rmt_engine::{PacketHeaders, WordLayout};
use p4rmt_ir::{Bits, FieldId, FieldKind, Gress, Id};

/// Every field of a gress as a buffer of words, and which of them the machine knows.
#[derive(Debug)]
pub(super) struct Metadata {
    words: WordLayout,
    standard: [Option<usize>; STANDARD.len()],
    /// Those that do not belong to a header.
    metadata: Vec<usize>,
    headers: PacketHeaders,
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

impl Metadata {
    pub(super) fn new(gress: &Gress) -> Self {
        let fields: Vec<FieldId> = gress.fields.ids().collect();
        let standard = STANDARD.map(|name| {
            let field = gress.intrinsics.get(&format!("standard_metadata_t.{name}"));
            field.map(|field| field.index())
        });
        let is_metadata = |kind| match kind {
            FieldKind::Metadata | FieldKind::Intrinsic | FieldKind::Local => true,
            FieldKind::Header(_) | FieldKind::Validity(_) | FieldKind::VarbitWidth(_) => false,
        };
        let metadata = gress.fields.iter();
        let metadata = metadata.filter(|(_, field)| is_metadata(field.kind));
        Self {
            words: WordLayout::new(gress, &fields),
            standard,
            metadata: metadata.map(|(id, _)| id.index()).collect(),
            headers: PacketHeaders::new(gress),
        }
    }

    /// Every field zero.
    pub(super) fn zeros(&self) -> Vec<u64> {
        vec![0; self.words.n_words()]
    }

    /// Sets a field of the standard metadata, where the program has it; the value is cut to it.
    pub(super) fn set(&self, phv: &mut [u64], field: Standard, value: u64) {
        if let Some(position) = self.standard[field as usize] {
            self.words.set(phv, position, &Bits::from_u64(64, value));
        }
    }

    /// The value of a field of the standard metadata; zero where the program has it not.
    pub(super) fn standard(&self, phv: &[u64], field: Standard) -> u64 {
        let position = self.standard[field as usize];
        position.map_or(0, |position| self.words.get(phv, position).low_u64())
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
        self.headers
            .n_bits(|field| self.words.get(phv, field.index()).low_u64())
    }
}
