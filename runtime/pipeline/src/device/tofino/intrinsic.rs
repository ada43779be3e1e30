//! Intrinsic metadata: the bytes that a parser finds in front of a packet, and the fields that the
//! device writes and reads beside them.
//!
//! The bytes are laid out as the program's own header type says, field by field and by name, so that
//! a program that was written for the other machine's widths still gets what it expects. Where a
//! program has no such header, the published layout counts.

use p4rmt_engine::{GressInterface, WordLayout};
use p4rmt_ir::{Arch, Gress};

/// A header that the device fills in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IntrinsicHeader<const N: usize> {
    /// Those that the device knows a value for; all others are zero.
    places: [IntrinsicPlace; N],
    n_bytes: usize,
    /// The values that were written last.
    values: [u64; N],
    /// [`MARGIN`] bytes, and the header with them. Most values are those of the packet before.
    image: Vec<u8>,
}

/// Where a field lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct IntrinsicPlace {
    /// Where the nine bytes begin that end with its lowest bit, from [`MARGIN`] bytes before the header on: it lies in
    /// the last eight, and what does not fit there in the first.
    at: usize,
    /// Bits below it in the last of them.
    below: u32,
    /// As many low bits as it has; none if there is no such field.
    mask: u64,
}

/// Bytes before a header that are written with it.
pub(crate) const MARGIN: usize = 8;

/// Name and width; an empty name is padding.
type Declared = (&'static str, u32);

const INGRESS: &[Declared] = &[
    ("resubmit_flag", 1),
    ("", 1),
    ("packet_version", 2),
    ("", 3),
    ("ingress_port", 9),
    ("ingress_mac_tstamp", 48),
];

const EGRESS_TOFINO1: &[Declared] = &[
    ("", 7),
    ("egress_port", 9),
    ("", 5),
    ("enq_qdepth", 19),
    ("", 6),
    ("enq_congest_stat", 2),
    ("", 14),
    ("enq_tstamp", 18),
    ("", 5),
    ("deq_qdepth", 19),
    ("", 6),
    ("deq_congest_stat", 2),
    ("app_pool_congest_stat", 8),
    ("", 14),
    ("deq_timedelta", 18),
    ("egress_rid", 16),
    ("", 7),
    ("egress_rid_first", 1),
    ("", 3),
    ("egress_qid", 5),
    ("", 5),
    ("egress_cos", 3),
    ("", 7),
    ("deflection_flag", 1),
    ("pkt_length", 16),
];

const EGRESS_TOFINO2: &[Declared] = &[
    ("", 7),
    ("egress_port", 9),
    ("", 5),
    ("enq_qdepth", 19),
    ("", 6),
    ("enq_congest_stat", 2),
    ("enq_tstamp", 32),
    ("", 5),
    ("deq_qdepth", 19),
    ("", 6),
    ("deq_congest_stat", 2),
    ("app_pool_congest_stat", 8),
    ("deq_timedelta", 32),
    ("egress_rid", 16),
    ("", 7),
    ("egress_rid_first", 1),
    ("", 1),
    ("egress_qid", 7),
    ("", 5),
    ("egress_cos", 3),
    ("", 7),
    ("deflection_flag", 1),
    ("pkt_length", 16),
    ("", 8),
];

const TIMER_TOFINO1: &[Declared] = &[
    ("", 3),
    ("pipe_id", 2),
    ("app_id", 3),
    ("", 8),
    ("batch_id", 16),
    ("packet_id", 16),
];

const TIMER_TOFINO2: &[Declared] = &[
    ("", 2),
    ("pipe_id", 2),
    ("app_id", 4),
    ("", 8),
    ("batch_id", 16),
    ("packet_id", 16),
];

/// What the device tells in `ingress_intrinsic_metadata_t`.
const INGRESS_VALUES: [&str; 3] = ["resubmit_flag", "ingress_port", "ingress_mac_tstamp"];

/// What the device tells in `egress_intrinsic_metadata_t`.
const EGRESS_VALUES: [&str; 10] = [
    "egress_port",
    "enq_tstamp",
    "egress_rid",
    "egress_rid_first",
    "egress_qid",
    "egress_cos",
    "pkt_length",
    "enq_qdepth",
    "deq_qdepth",
    "deq_timedelta",
];

/// What the device tells in `pktgen_timer_header_t`.
const TIMER_VALUES: [&str; 3] = ["app_id", "batch_id", "packet_id"];

impl IntrinsicHeader<{ INGRESS_VALUES.len() }> {
    /// `ingress_intrinsic_metadata_t`, with the values of `resubmit_flag`, `ingress_port` and
    /// `ingress_mac_tstamp`.
    pub(crate) fn ingress(gress: &Gress) -> Self {
        Self::of_type(
            gress,
            "ingress_intrinsic_metadata_t",
            INGRESS,
            INGRESS_VALUES,
        )
    }
}

impl IntrinsicHeader<{ EGRESS_VALUES.len() }> {
    /// `egress_intrinsic_metadata_t`, with the values of [`EGRESS_VALUES`].
    pub(crate) fn egress(gress: &Gress, arch: Arch) -> Self {
        let published = match arch {
            Arch::Tna => EGRESS_TOFINO1,
            Arch::T2na | Arch::V1model => EGRESS_TOFINO2,
        };
        Self::of_type(
            gress,
            "egress_intrinsic_metadata_t",
            published,
            EGRESS_VALUES,
        )
    }
}

impl IntrinsicHeader<{ TIMER_VALUES.len() }> {
    /// `pktgen_timer_header_t`, with the values of `app_id`, `batch_id` and `packet_id`.
    pub(crate) fn generator_timer(gress: &Gress, arch: Arch) -> Self {
        let published = match arch {
            Arch::Tna => TIMER_TOFINO1,
            Arch::T2na | Arch::V1model => TIMER_TOFINO2,
        };
        Self::of_type(gress, "pktgen_timer_header_t", published, TIMER_VALUES)
    }
}

impl<const N: usize> IntrinsicHeader<N> {
    fn of_type(gress: &Gress, type_name: &str, published: &[Declared], values: [&str; N]) -> Self {
        let header = gress
            .headers
            .values()
            .find(|header| header.type_name == type_name);
        match header {
            Some(header) => {
                let fields = header.fields.iter().map(|field| {
                    let field = &gress.fields[*field];
                    let name = field.name.rsplit('.').next().unwrap_or_default();
                    (name, field.width)
                });
                Self::new(fields, values)
            }
            None => Self::new(published.iter().copied(), values),
        }
    }

    fn new<'a>(declared: impl Iterator<Item = (&'a str, u32)>, values: [&str; N]) -> Self {
        let mut places = [IntrinsicPlace::default(); N];
        let mut offset_bits = 0;
        for (name, width) in declared {
            let end = offset_bits + width as usize;
            let value = values.iter().position(|value| *value == name);
            if let Some(value) = value.filter(|_| width > 0) {
                places[value] = IntrinsicPlace {
                    at: MARGIN + end.div_ceil(8) - 9,
                    below: (end.next_multiple_of(8) - end) as u32,
                    mask: u64::MAX >> (64 - width.min(64)),
                };
            }
            offset_bits = end;
        }
        let n_bytes = offset_bits.div_ceil(8);
        Self {
            places,
            n_bytes,
            values: [0; N],
            image: vec![0; MARGIN + n_bytes],
        }
    }

    /// The place of a value in bits: the first, and behind the last. None if there is no such field.
    pub(crate) fn bits_of(&self, value: usize) -> Option<(u32, u32)> {
        let place = self.places.get(value).filter(|place| place.mask != 0)?;
        let end = (place.at + 9 - MARGIN) as u32 * 8 - place.below;
        Some((end - place.mask.count_ones(), end))
    }

    /// Bytes of the header.
    #[inline]
    pub(crate) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Writes the header behind [`MARGIN`] bytes of `room`, which has no more. Values are cut to their fields.
    #[inline]
    pub(crate) fn write(&mut self, room: &mut [u8], values: [u64; N]) {
        for (position, value) in values.into_iter().enumerate() {
            if self.values[position] != value {
                self.change(position, value);
            }
        }
        room.copy_from_slice(&self.image);
    }

    /// A value is not that of the packet before.
    fn change(&mut self, position: usize, value: u64) {
        self.values[position] = value;
        self.places[position].write(&mut self.image, value);
    }

    /// The header.
    pub(crate) fn bytes(&self, values: [u64; N]) -> Vec<u8> {
        let mut room = vec![0; MARGIN + self.n_bytes];
        self.clone().write(&mut room, values);
        room.split_off(MARGIN)
    }
}

impl IntrinsicPlace {
    /// Writes a value to its place in a header with its margin.
    #[inline]
    fn write(&self, image: &mut [u8], value: u64) {
        let (value, mask) = (value & self.mask, self.mask);
        if mask > 0
            && let Some([first, last @ ..]) = image[self.at..].first_chunk_mut::<9>()
        {
            let others = u64::from_be_bytes(*last) & !(mask << self.below);
            *last = (others | value << self.below).to_be_bytes();
            let beyond = |bits: u64| (bits >> 1 >> (63 - self.below)) as u8;
            if beyond(mask) != 0 {
                *first = *first & !beyond(mask) | beyond(value);
            }
        }
    }
}

/// What the device reads behind the ingress.
pub(crate) const INGRESS_WATCHED: [&str; 12] = [
    "ingress_intrinsic_metadata_for_tm_t.ucast_egress_port",
    "ingress_intrinsic_metadata_for_tm_t.bypass_egress",
    "ingress_intrinsic_metadata_for_tm_t.copy_to_cpu",
    "ingress_intrinsic_metadata_for_tm_t.mcast_grp_a",
    "ingress_intrinsic_metadata_for_tm_t.mcast_grp_b",
    "ingress_intrinsic_metadata_for_tm_t.qid",
    "ingress_intrinsic_metadata_for_tm_t.ingress_cos",
    "ingress_intrinsic_metadata_for_deparser_t.drop_ctl",
    "ingress_intrinsic_metadata_for_deparser_t.mirror_io_select",
    "ingress_intrinsic_metadata_for_tm_t.icos_for_copy_to_cpu",
    "ingress_intrinsic_metadata_for_deparser_t.mirror_type",
    "ingress_intrinsic_metadata_for_deparser_t.resubmit_type",
];

/// Positions in [`INGRESS_WATCHED`].
pub(crate) mod ingress {
    pub(crate) const UCAST_EGRESS_PORT: usize = 0;
    pub(crate) const BYPASS_EGRESS: usize = 1;
    pub(crate) const COPY_TO_CPU: usize = 2;
    pub(crate) const MCAST_GRP_A: usize = 3;
    pub(crate) const MCAST_GRP_B: usize = 4;
    pub(crate) const QID: usize = 5;
    pub(crate) const COS: usize = 6;
    pub(crate) const DROP_CTL: usize = 7;
    pub(crate) const MIRROR_IO_SELECT: usize = 8;
    pub(crate) const COS_FOR_CPU: usize = 9;
    pub(crate) const MIRROR_TYPE: usize = 10;
    pub(crate) const RESUBMIT_TYPE: usize = 11;
}

/// What the device reads behind the egress.
pub(crate) const EGRESS_WATCHED: [&str; 3] = [
    "egress_intrinsic_metadata_for_deparser_t.drop_ctl",
    "egress_intrinsic_metadata_for_deparser_t.mirror_io_select",
    "egress_intrinsic_metadata_for_deparser_t.mirror_type",
];

/// Positions in [`EGRESS_WATCHED`].
pub(crate) mod egress {
    pub(crate) const DROP_CTL: usize = 0;
    pub(crate) const MIRROR_IO_SELECT: usize = 1;
    pub(crate) const MIRROR_TYPE: usize = 2;
}

/// What the device writes before a gress: its timestamp, where the program has the field.
#[derive(Clone, Debug)]
pub(crate) struct Timestamp {
    /// Words of the field.
    n_words: usize,
}

impl Timestamp {
    /// Finds the field of the gress and puts it on the interface's list.
    pub(crate) fn new(gress: &Gress, name: &str, interface: &mut GressInterface) -> Self {
        let field = gress.intrinsics.get(name);
        interface.inputs.extend(field);
        Self {
            n_words: WordLayout::new(gress, &interface.inputs).n_words(),
        }
    }

    /// The inputs of a packet.
    #[inline]
    pub(crate) fn inputs(&self, ns: u64, inputs: &mut Vec<u64>) {
        if inputs.len() != self.n_words {
            inputs.resize(self.n_words, 0);
        }
        if let Some(first) = inputs.first_mut() {
            *first = ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_as_published() {
        let header = IntrinsicHeader::new(INGRESS.iter().copied(), INGRESS_VALUES);
        let bytes = header.bytes([1, 0x144, 0x0102_0304_0506]);
        assert_eq!(bytes, [0x81, 0x44, 1, 2, 3, 4, 5, 6]);
        let sizes = [EGRESS_TOFINO1, EGRESS_TOFINO2, TIMER_TOFINO1, TIMER_TOFINO2]
            .map(|declared| IntrinsicHeader::new(declared.iter().copied(), []).n_bytes);
        assert_eq!(sizes, [27, 28, 6, 6]);
    }

    #[test]
    fn lengths_and_ports_of_egress_are_where_tofino2_has_them() {
        let header = IntrinsicHeader::new(EGRESS_TOFINO2.iter().copied(), EGRESS_VALUES);
        let bytes = header.bytes([0x1ff, 0, 0, 0, 0xff, 0, 0x1234, 3, 2, 1]);
        assert_eq!(bytes[..2], [1, 0xff]);
        assert_eq!(bytes[22], 0x7f, "the queue id is cut to seven bits");
        assert_eq!(bytes[25..27], [0x12, 0x34]);
        assert_eq!(bytes[2..5], [0, 0, 3], "the depth of the queue on entry");
        assert_eq!(bytes[10..13], [0, 0, 2], "and behind it");
    }

    #[test]
    fn a_field_that_no_eight_bytes_hold_is_whole() {
        let declared = [("", 4), ("wide", 64), ("", 60), ("last", 64)];
        let header = IntrinsicHeader::new(declared.into_iter(), ["wide", "last"]);
        let bytes = header.bytes([0xa1a2_a3a4_a5a6_a7a8, u64::MAX]);
        assert_eq!(
            bytes[..9],
            [0x0a, 0x1a, 0x2a, 0x3a, 0x4a, 0x5a, 0x6a, 0x7a, 0x80]
        );
        assert_eq!(bytes[9..16], [0; 7]);
        assert_eq!(bytes[16..], [0xff; 8]);
        let mut header = header;
        let mut room = vec![0; MARGIN + 24];
        header.write(&mut room, [u64::MAX; 2]);
        header.write(&mut room, [0x50, 0]);
        let bytes = &room[MARGIN..];
        assert_eq!(bytes[..9], [0, 0, 0, 0, 0, 0, 0, 5, 0]);
        assert_eq!(bytes[9..], [0; 15], "what was there is gone");
    }
}
