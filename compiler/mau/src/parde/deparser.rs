//! What a deparser takes of the machine's deparser.
//!
//! An entry of the field dictionary is a container of a header, or, where the target says so, a chunk
//! of its bytes; bytes that passed outside containers take entries of their own.

use std::collections::BTreeSet;

use p4rmt_ir::{CallKind, ChecksumId, Expr, Gress, GressId, GressRole, HeaderId, Id, StmtKind};
use p4rmt_source::Span;

use crate::parde::problem::PardeProblem;
use crate::phv::{Container, PhvAllocation, walk_block};
use crate::problem::{LocatedProblem, Problem};
use crate::target::{DeparserLimits, Target};

/// What a deparser uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeparserUse {
    /// Entries of the field dictionary.
    pub dictionary_entries: u32,
    /// Checksum units.
    pub checksum_units: u32,
    /// Validity bits.
    pub validity_bits: u32,
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

/// What the deparser of a gress uses, and what it can't do.
pub(crate) fn deparser_use(
    id: GressId,
    gress: &Gress,
    phv: &PhvAllocation,
    target: &Target,
) -> (DeparserUse, Vec<LocatedProblem>) {
    let limits = &target.deparser;
    let mut used = DeparserUse::default();
    let mut lists = Lists::default();
    let mut valid = BTreeSet::new();
    walk_block(&gress.deparser.body, &mut |stmt| match &stmt.kind {
        StmtKind::Emit { header } => {
            used.dictionary_entries += entries(id, *header, gress, phv, limits);
            valid.insert(gress.headers[*header].valid);
        }
        StmtKind::Call(call) => lists.note(&call.kind, gress),
        StmtKind::Assign { .. }
        | StmtKind::If { .. }
        | StmtKind::Apply { .. }
        | StmtKind::Labeled { .. }
        | StmtKind::Loop { .. }
        | StmtKind::Leave(_)
        | StmtKind::Exit
        | StmtKind::Extract { .. }
        | StmtKind::Advance { .. }
        | StmtKind::Verify { .. } => {}
    });
    used.validity_bits = count(valid.len());
    used.checksum_units = count(lists.checksums.len());
    used.digest_types = count(lists.digests.len());
    used.digest_bytes = lists.digest_bytes;
    used.resubmit_types = count(lists.resubmits.len());
    used.resubmit_bytes = lists.resubmit_bytes;
    used.mirror_types = count(lists.mirrors.len()) + lists.other_mirrors;
    used.mirror_bytes = lists.mirror_bytes;
    let problems = check(gress, &used, limits);
    (used, problems)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Entries of the field dictionary for a header.
fn entries(
    id: GressId,
    header: HeaderId,
    gress: &Gress,
    phv: &PhvAllocation,
    limits: &DeparserLimits,
) -> u32 {
    let fields = gress.headers[header].fields.iter();
    let containers: BTreeSet<Container> = fields
        .flat_map(|field| phv.of_field(id, *field))
        .map(|of| of.container)
        .collect();
    let of_clots = phv
        .clots
        .iter()
        .filter(|(of, clot)| *of == id && clot.header == header);
    if limits.chunk_bytes == 0 {
        return count(containers.len());
    }
    let bytes: u32 = containers.iter().map(|of| of.size.bytes()).sum();
    let in_clots: u32 = of_clots
        .map(|(_, clot)| clot.bytes.div_ceil(limits.chunk_bytes))
        .sum();
    bytes.div_ceil(limits.chunk_bytes) + in_clots
}

/// What a deparser sends besides the packet.
#[derive(Default)]
struct Lists {
    checksums: BTreeSet<usize>,
    digests: BTreeSet<usize>,
    digest_bytes: u32,
    resubmits: BTreeSet<Option<u32>>,
    resubmit_bytes: u32,
    mirrors: BTreeSet<u32>,
    other_mirrors: u32,
    mirror_bytes: u32,
}

impl Lists {
    fn note(&mut self, call: &CallKind, gress: &Gress) {
        let bits = |list: &[Expr]| -> u32 {
            list.iter()
                .fold(0, |sum: u32, expr| sum.saturating_add(expr.width(gress)))
        };
        match call {
            CallKind::Checksum { unit, .. } => {
                let unit: ChecksumId = *unit;
                self.checksums.insert(unit.index());
            }
            CallKind::Digest { digest, fields, .. } => {
                self.digests.insert(digest.index());
                // Each field is sent in containers of its own.
                let bytes = fields
                    .iter()
                    .map(|field| field.width(gress).div_ceil(8))
                    .sum();
                self.digest_bytes = self.digest_bytes.max(bytes);
            }
            CallKind::Resubmit {
                resubmit_type,
                header,
            } => {
                self.resubmits.insert(*resubmit_type);
                self.resubmit_bytes = self.resubmit_bytes.max(bits(header).div_ceil(8));
            }
            CallKind::Mirror {
                mirror_type,
                header,
                ..
            } => {
                match mirror_type {
                    Some(kind) => {
                        self.mirrors.insert(*kind);
                    }
                    // Without a number of its own, the condition around it tells it apart.
                    None => self.other_mirrors += 1,
                }
                self.mirror_bytes = self.mirror_bytes.max(bits(header).div_ceil(8));
            }
            CallKind::RegisterAction { .. }
            | CallKind::RegisterRead { .. }
            | CallKind::RegisterWrite { .. }
            | CallKind::Count { .. }
            | CallKind::Meter { .. }
            | CallKind::Filter { .. }
            | CallKind::Hash { .. }
            | CallKind::Random { .. }
            | CallKind::Generate { .. }
            | CallKind::V1(_) => {}
        }
    }
}

fn check(gress: &Gress, used: &DeparserUse, limits: &DeparserLimits) -> Vec<LocatedProblem> {
    let deparser = || gress.deparser.name.clone();
    let span: Span = gress.deparser.span;
    let mut problems = Vec::new();
    let mut refuse = |problem: PardeProblem| {
        let problem = Problem::Parde(problem);
        problems.push(LocatedProblem { problem, span });
    };
    if used.dictionary_entries > limits.dictionary_entries {
        refuse(PardeProblem::DictionaryFull {
            deparser: deparser(),
            needed: used.dictionary_entries,
            available: limits.dictionary_entries,
        });
    }
    if used.checksum_units > limits.deparser_checksum_units {
        refuse(PardeProblem::TooManyChecksums {
            block: deparser(),
            place: "deparser",
            needed: used.checksum_units,
            available: limits.deparser_checksum_units,
        });
    }
    let lists = [
        ("digest", used.digest_bytes, limits.digest_bytes_max),
        (
            "resubmission",
            used.resubmit_bytes,
            limits.resubmit_bytes_max,
        ),
    ];
    for (what, needed, available) in lists {
        if needed > available {
            refuse(PardeProblem::ListTooLong {
                deparser: deparser(),
                what,
                needed,
                available,
            });
        }
    }
    let mirror_types = match gress.role {
        GressRole::Egress => limits.egress_mirror_types,
        GressRole::Ingress | GressRole::Whole => limits.ingress_mirror_types,
    };
    let kinds = [
        ("digest", used.digest_types, limits.digest_types),
        ("resubmission", used.resubmit_types, limits.resubmit_types),
        ("mirror header", used.mirror_types, mirror_types),
    ];
    for (what, needed, available) in kinds {
        if needed > available {
            refuse(PardeProblem::TooManyKinds {
                deparser: deparser(),
                what,
                needed,
                available,
            });
        }
    }
    problems
}
