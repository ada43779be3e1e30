//! What a deparser takes: entries of the field dictionary, validity bits, checksum units, and the lists of
//! fields that it sends besides the packet.

use std::collections::BTreeSet;

use p4rmt_ir::{CallKind, Expr, FieldId, Gress, GressId, GressRole, Id, StmtKind};

use super::{Ends, statements};
use crate::parde::DeparserUse;
use crate::phv::{Container, PhvAllocation};

/// What a deparser sends besides the packet: by kind, which, and the bytes of the longest.
#[derive(Default)]
struct Sent {
    digests: BTreeSet<usize>,
    digest_bytes: u64,
    resubmits: BTreeSet<Option<u32>>,
    resubmit_bytes: u64,
    /// Those without a number are told apart by where they stand.
    mirrors: BTreeSet<(Option<u32>, usize)>,
    mirror_bytes: u64,
}

impl Ends<'_> {
    pub(super) fn check_deparser(
        &mut self,
        (id, gress): (GressId, &Gress),
        allocation: &PhvAllocation,
        claimed: &DeparserUse,
    ) {
        let limits = self.target.deparser.clone();
        let name = gress.deparser.name.as_str();
        let body = statements(&gress.deparser.body);
        let mut valid: BTreeSet<FieldId> = BTreeSet::new();
        let mut checksums = BTreeSet::new();
        let mut sent = Sent::default();
        let mut entries = 0_u64;
        for (position, stmt) in body.iter().enumerate() {
            match &stmt.kind {
                StmtKind::Emit { header } => {
                    valid.insert(gress.headers[*header].valid);
                    entries += self.entries((id, gress), *header, allocation);
                }
                StmtKind::Call(call) => {
                    if let CallKind::Checksum { unit, .. } = &call.kind {
                        checksums.insert(*unit);
                    }
                    sent.note(&call.kind, position, gress);
                }
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
            }
        }
        let mirror_types = match gress.role {
            GressRole::Egress => limits.egress_mirror_types,
            GressRole::Ingress | GressRole::Whole => limits.ingress_mirror_types,
        };
        for (what, needed, claimed, available) in [
            (
                "entries of the field dictionary",
                entries,
                claimed.dictionary_entries,
                Some(limits.dictionary_entries),
            ),
            (
                "validity bits",
                valid.len() as u64,
                claimed.validity_bits,
                Some(self.target.phv.validity_bits_max),
            ),
            (
                "checksum units",
                checksums.len() as u64,
                claimed.checksum_units,
                Some(limits.deparser_checksum_units),
            ),
            (
                "kinds of digests",
                sent.digests.len() as u64,
                claimed.digest_types,
                Some(limits.digest_types),
            ),
            (
                "bytes of a digest",
                sent.digest_bytes,
                claimed.digest_bytes,
                Some(limits.digest_bytes_max),
            ),
            (
                "kinds of resubmissions",
                sent.resubmits.len() as u64,
                claimed.resubmit_types,
                Some(limits.resubmit_types),
            ),
            (
                "bytes of a resubmission",
                sent.resubmit_bytes,
                claimed.resubmit_bytes,
                Some(limits.resubmit_bytes_max),
            ),
            (
                "kinds of mirror headers",
                sent.mirrors.len() as u64,
                claimed.mirror_types,
                Some(mirror_types),
            ),
            (
                "bytes of a mirror header",
                sent.mirror_bytes,
                claimed.mirror_bytes,
                None,
            ),
        ] {
            self.counted(name, what, needed, claimed);
            if let Some(available) = available {
                self.limited(name, what, needed, available);
            }
        }
    }

    /// Entries for a header: its containers, or the chunks that its bytes fill.
    fn entries(
        &self,
        (id, gress): (GressId, &Gress),
        header: p4rmt_ir::HeaderId,
        allocation: &PhvAllocation,
    ) -> u64 {
        let own: BTreeSet<FieldId> = gress.headers[header].fields.iter().copied().collect();
        let mut containers: BTreeSet<Container> = BTreeSet::new();
        for of in &allocation.residences {
            if of.gress == id && own.contains(&of.slice.field) {
                containers.insert(of.container);
            }
        }
        let chunk_bytes = u64::from(self.target.deparser.chunk_bytes);
        if chunk_bytes == 0 {
            return containers.len() as u64;
        }
        let bytes: u64 = containers.iter().map(|of| u64::from(of.size.bytes())).sum();
        let passing = allocation.clots.iter();
        let passing = passing.filter(|(of, clot)| *of == id && clot.header == header);
        let chunks = passing.map(|(_, clot)| u64::from(clot.bytes).div_ceil(chunk_bytes));
        bytes.div_ceil(chunk_bytes) + chunks.sum::<u64>()
    }
}

impl Sent {
    fn note(&mut self, call: &CallKind, position: usize, gress: &Gress) {
        let bits = |list: &[Expr]| -> u64 {
            list.iter()
                .map(|expr| u64::from(expr.width(gress)))
                .sum::<u64>()
        };
        match call {
            CallKind::Digest { digest, fields, .. } => {
                self.digests.insert(digest.index());
                // Each field comes in containers of its own.
                let whole = |field: &Expr| u64::from(field.width(gress)).div_ceil(8);
                let bytes = fields.iter().map(whole).sum();
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
                let place = mirror_type.map_or(position, |_| 0);
                self.mirrors.insert((*mirror_type, place));
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
            | CallKind::Checksum { .. }
            | CallKind::Generate { .. }
            | CallKind::V1(_) => {}
        }
    }
}
