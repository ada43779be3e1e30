//! The limits of what stands around the stages: containers, parser, deparser.

use serde::Deserialize;

/// A number of a target with its key and the least that it may be.
pub(super) type Number = (&'static str, u32, u32);

/// The packet header vector. A list has a number for containers of 8, 16 and 32 bits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhvLimits {
    /// Groups, by size. An action ALU reads containers of its own group only.
    pub group_counts: [u32; 3],
    /// Containers of a group that do everything.
    pub normal_per_group: u32,
    /// Containers of a group that an action writes whole, from one source.
    pub mocha_per_group: u32,
    /// The same, but from a container only, and out of reach of parser, deparser and crossbars.
    pub dark_per_group: u32,
    /// Collections of containers that go from parser to deparser, past the stages. Each belongs to
    /// one gress.
    pub tagalong_collections: u32,
    /// Containers of a collection, by size.
    pub tagalong_per_collection: [u32; 3],
    /// Groups of each size that belong to the ingress; as many behind them belong to the egress.
    pub pinned_groups: u32,
    /// Neighbours that belong to one gress together, by size.
    pub granule_containers: [u32; 3],
    /// Sources that an action ALU combines.
    pub sources_max: u32,
    /// Validity bits that the deparser of a gress looks at.
    pub validity_bits_max: u32,
}

/// Runs of bytes that go from parser to deparser outside containers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClotLimits {
    /// How many a gress has; 0 where there are none.
    pub per_gress: u32,
    /// How many one packet has.
    pub live_max: u32,
    /// Bytes of one.
    pub bytes_max: u32,
    /// Bytes between two of them.
    pub gap_bytes: u32,
    /// Where the last byte may be.
    pub position_bytes_max: u32,
}

/// The parser of a gress.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParserLimits {
    /// Rows: transitions of all states.
    pub tcam_rows: u32,
    /// Bytes of the packet that a state sees.
    pub input_window_bytes: u32,
    /// Extractors of a cycle, by width. A wider container takes several, a narrower one takes one.
    pub extractors: [u32; 3],
    /// Bytes of each register that a transition matches on.
    pub match_register_bytes: Vec<u32>,
    /// Bytes of a packet that are parsed in the ingress.
    pub ingress_depth_bytes_max: u32,
    /// The same in the egress.
    pub egress_depth_bytes_max: u32,
    /// Bytes of metadata of the port that stand in front of a packet in the ingress.
    pub port_metadata_bytes: u32,
    /// Checksum units.
    pub parser_checksum_units: u32,
}

/// The deparser of a gress.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeparserLimits {
    /// Checksum units.
    pub deparser_checksum_units: u32,
    /// Entries of the field dictionary.
    pub dictionary_entries: u32,
    /// Bytes of one header that an entry holds; 0 where an entry is a container.
    pub chunk_bytes: u32,
    /// Digests that can be told apart.
    pub digest_types: u32,
    /// Bytes of a digest.
    pub digest_bytes_max: u32,
    /// Resubmissions that can be told apart.
    pub resubmit_types: u32,
    /// Bytes that go with one.
    pub resubmit_bytes_max: u32,
    /// Mirror headers of the ingress that can be told apart.
    pub ingress_mirror_types: u32,
    /// The same of the egress.
    pub egress_mirror_types: u32,
}

impl PhvLimits {
    pub(super) fn numbers(&self) -> Vec<Number> {
        let mut numbers = vec![
            ("normal_per_group", self.normal_per_group, 1),
            ("mocha_per_group", self.mocha_per_group, 0),
            ("dark_per_group", self.dark_per_group, 0),
            ("tagalong_collections", self.tagalong_collections, 0),
            ("pinned_groups", self.pinned_groups, 0),
            ("sources_max", self.sources_max, 1),
            ("validity_bits_max", self.validity_bits_max, 0),
        ];
        let lists = [
            ("group_counts", self.group_counts, 0),
            ("tagalong_per_collection", self.tagalong_per_collection, 0),
            ("granule_containers", self.granule_containers, 1),
        ];
        for (key, list, least) in lists {
            numbers.extend(list.map(|value| (key, value, least)));
        }
        numbers
    }
}

impl ClotLimits {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("per_gress", self.per_gress, 0),
            ("live_max", self.live_max, 0),
            ("bytes_max", self.bytes_max, 0),
            ("gap_bytes", self.gap_bytes, 0),
            ("position_bytes_max", self.position_bytes_max, 0),
        ]
    }
}

impl ParserLimits {
    pub(super) fn numbers(&self) -> Vec<Number> {
        let mut numbers = vec![
            ("tcam_rows", self.tcam_rows, 1),
            ("input_window_bytes", self.input_window_bytes, 1),
            ("ingress_depth_bytes_max", self.ingress_depth_bytes_max, 0),
            ("egress_depth_bytes_max", self.egress_depth_bytes_max, 0),
            ("port_metadata_bytes", self.port_metadata_bytes, 0),
            ("parser_checksum_units", self.parser_checksum_units, 0),
        ];
        numbers.extend(self.extractors.map(|value| ("extractors", value, 0)));
        let registers = self.match_register_bytes.iter();
        numbers.extend(registers.map(|&bytes| ("match_register_bytes", bytes, 1)));
        numbers
    }
}

impl DeparserLimits {
    pub(super) fn numbers(&self) -> Vec<Number> {
        vec![
            ("deparser_checksum_units", self.deparser_checksum_units, 0),
            ("dictionary_entries", self.dictionary_entries, 0),
            ("chunk_bytes", self.chunk_bytes, 0),
            ("digest_types", self.digest_types, 0),
            ("digest_bytes_max", self.digest_bytes_max, 0),
            ("resubmit_types", self.resubmit_types, 0),
            ("resubmit_bytes_max", self.resubmit_bytes_max, 0),
            ("ingress_mirror_types", self.ingress_mirror_types, 0),
            ("egress_mirror_types", self.egress_mirror_types, 0),
        ]
    }
}
