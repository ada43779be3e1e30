//! Containers, parsers and deparsers in the report: their part of the JSON, and how they are counted.

use std::collections::BTreeMap;

use p4rmt_ir::{GressId, Pipe};
use p4rmt_mau::phv::{Container, ContainerKind, ContainerSize, Residence};
use p4rmt_mau::{Fit, Target};
use serde::Serialize;

use crate::build::gress_name;
use crate::schema::ProblemReport;

/// The packet header vector.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PhvReport {
    /// By gress, kind and size.
    pub containers: Vec<ContainersReport>,
    /// The containers that hold something, in order, with what they hold.
    pub map: Vec<ContainerReport>,
    /// Bytes that go from parser to deparser outside containers.
    pub clots: Vec<ClotReport>,
    /// Fields for which the search found no container. That alone does not say that the program does
    /// not fit.
    pub unallocated: Vec<ProblemReport>,
}

/// Containers of one kind and size in one gress.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainersReport {
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// `normal`, `tagalong`, `mocha` or `dark`.
    pub kind: &'static str,
    /// 8, 16 or 32.
    pub size_bits: u32,
    /// Containers that hold something at some time.
    pub used: u32,
    /// Containers that the gress may have; most of them the other gress may have, too.
    pub available: u32,
    /// Bits that hold something at some time.
    pub bits_used: u32,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContainerReport {
    /// Its name, as the vendor has it: `W3`, `TH7`.
    pub container: String,
    /// `normal`, `tagalong`, `mocha` or `dark`.
    pub kind: &'static str,
    /// 8, 16 or 32.
    pub size_bits: u32,
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// What it holds, by position, then by time.
    pub slices: Vec<SliceReport>,
}

/// Bits of a field in a container.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SliceReport {
    /// The field.
    pub field: String,
    /// Highest bit of the field.
    pub hi: u32,
    /// Lowest bit of the field.
    pub lo: u32,
    /// Where that is in the container.
    pub at: u32,
    /// The stage that writes it first; nothing where it comes from the parser.
    pub from_stage: Option<u32>,
    /// The last stage that needs it; nothing where the deparser does.
    pub to_stage: Option<u32>,
}

/// Bytes outside containers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClotReport {
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// The header.
    pub header: String,
    /// The first byte of it.
    pub first_byte: u32,
    /// How many.
    pub bytes: u32,
}

/// The parser of a gress.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParserReport {
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// States of the program that a packet can reach.
    pub states: u32,
    /// Rows for transitions.
    pub tcam_rows: u32,
    /// Rows that there are.
    pub tcam_rows_available: u32,
    /// Bytes that the widest transition matches on.
    pub match_bytes: u32,
    /// Bytes of match registers.
    pub match_bytes_available: u32,
    /// Cycles of the slowest state.
    pub extract_cycles: u32,
    /// Bytes that are parsed of a packet at the most; nothing behind a loop.
    pub max_depth_bytes: Option<u32>,
    /// Checksum units at work for one packet.
    pub checksum_units: u32,
    /// Checksum units that there are.
    pub checksum_units_available: u32,
}

/// The deparser of a gress.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeparserReport {
    /// `ingress` or `egress`.
    pub gress: &'static str,
    /// Entries of the field dictionary.
    pub dictionary_entries: u32,
    /// Entries that there are.
    pub dictionary_entries_available: u32,
    /// Validity bits.
    pub validity_bits: u32,
    /// Validity bits that there are.
    pub validity_bits_available: u32,
    /// Checksum units.
    pub checksum_units: u32,
    /// Checksum units that there are.
    pub checksum_units_available: u32,
    /// Kinds of digests.
    pub digest_types: u32,
    /// Bytes of the longest digest.
    pub digest_bytes: u32,
    /// Kinds of resubmissions.
    pub resubmit_types: u32,
    /// Bytes of the longest one.
    pub resubmit_bytes: u32,
    /// Kinds of mirror headers.
    pub mirror_types: u32,
    /// Bytes of the longest one.
    pub mirror_bytes: u32,
}

/// The containers of a fit; none where its stages do not fit.
pub(crate) fn phv(
    fit: &Fit,
    pipe: &Pipe,
    target: &Target,
    unallocated: Vec<ProblemReport>,
) -> Option<PhvReport> {
    if fit.phv.residences.is_empty() {
        return None;
    }
    let n_stages = fit
        .placement
        .stages_available
        .max(fit.placement.stages_used);
    let mut map: BTreeMap<(usize, Container), Vec<&Residence>> = BTreeMap::new();
    for of in &fit.phv.residences {
        let key = (p4rmt_ir::Id::index(of.gress), of.container);
        map.entry(key).or_default().push(of);
    }
    let mut containers = Vec::new();
    for (id, gress) in pipe.gresses.iter() {
        for kind in ContainerKind::ALL {
            for size in ContainerSize::ALL {
                let all = Container::all(&target.phv).into_iter();
                let of_kind = all.filter(|of| (of.kind, of.size) == (kind, size));
                let available = of_kind.filter(|of| of.may_be_of(gress.role, &target.phv));
                let held = map.iter().filter(|((of, container), _)| {
                    *of == p4rmt_ir::Id::index(id)
                        && (container.kind, container.size) == (kind, size)
                });
                let report = ContainersReport {
                    gress: gress_name(gress.role),
                    kind: kind.name(),
                    size_bits: size.bits(),
                    used: count(held.clone().count()),
                    available: count(available.count()),
                    bits_used: held.map(|(_, slices)| bits_of(slices)).sum(),
                };
                if report.available > 0 {
                    containers.push(report);
                }
            }
        }
    }
    let map = map.into_iter().map(|((gress, container), mut slices)| {
        slices.sort_by_key(|of| (std::cmp::Reverse(of.lo), of.life.from));
        let gress = &pipe.gresses[<GressId as p4rmt_ir::Id>::from_index(gress)];
        let slices = slices.into_iter().map(|of| SliceReport {
            field: gress.fields[of.slice.field].name.clone(),
            hi: of.slice.hi,
            lo: of.slice.lo,
            at: of.lo,
            from_stage: of.life.from.checked_sub(1),
            to_stage: (of.life.to < n_stages).then_some(of.life.to),
        });
        ContainerReport {
            container: container.to_string(),
            kind: container.kind.name(),
            size_bits: container.size.bits(),
            gress: gress_name(gress.role),
            slices: slices.collect(),
        }
    });
    let clots = fit.phv.clots.iter().map(|(gress, clot)| {
        let gress = &pipe.gresses[*gress];
        ClotReport {
            gress: gress_name(gress.role),
            header: gress.headers[clot.header].name.clone(),
            first_byte: clot.first_byte,
            bytes: clot.bytes,
        }
    });
    Some(PhvReport {
        containers,
        map: map.collect(),
        clots: clots.collect(),
        unallocated,
    })
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Bits of a container that hold something.
fn bits_of(slices: &[&Residence]) -> u32 {
    let mut held = [false; 32];
    for of in slices {
        let bits = held.iter_mut().skip(of.lo as usize);
        bits.take(of.slice.width() as usize)
            .for_each(|bit| *bit = true);
    }
    count(held.iter().filter(|bit| **bit).count())
}

/// The parsers of a fit.
pub(crate) fn parsers(fit: &Fit, pipe: &Pipe, target: &Target) -> Vec<ParserReport> {
    let limits = &target.parser;
    let of_gress = |(id, gress): (GressId, &p4rmt_ir::Gress)| {
        let used = fit.parde[id].parser;
        ParserReport {
            gress: gress_name(gress.role),
            states: used.states,
            tcam_rows: used.rows,
            tcam_rows_available: limits.tcam_rows,
            match_bytes: used.match_bytes,
            match_bytes_available: limits.match_register_bytes.iter().sum(),
            extract_cycles: used.cycles_max,
            max_depth_bytes: used.depth_bytes,
            checksum_units: used.checksum_units,
            checksum_units_available: limits.parser_checksum_units,
        }
    };
    pipe.gresses.iter().map(of_gress).collect()
}

/// The deparsers of a fit.
pub(crate) fn deparsers(fit: &Fit, pipe: &Pipe, target: &Target) -> Vec<DeparserReport> {
    let limits = &target.deparser;
    let of_gress = |(id, gress): (GressId, &p4rmt_ir::Gress)| {
        let used = fit.parde[id].deparser;
        DeparserReport {
            gress: gress_name(gress.role),
            dictionary_entries: used.dictionary_entries,
            dictionary_entries_available: limits.dictionary_entries,
            validity_bits: used.validity_bits,
            validity_bits_available: target.phv.validity_bits_max,
            checksum_units: used.checksum_units,
            checksum_units_available: limits.deparser_checksum_units,
            digest_types: used.digest_types,
            digest_bytes: used.digest_bytes,
            resubmit_types: used.resubmit_types,
            resubmit_bytes: used.resubmit_bytes,
            mirror_types: used.mirror_types,
            mirror_bytes: used.mirror_bytes,
        }
    };
    pipe.gresses.iter().map(of_gress).collect()
}
