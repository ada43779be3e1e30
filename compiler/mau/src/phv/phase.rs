//! Where in a byte the parser finds what it assigns to fields: containers are filled by whole bytes.

use p4rmt_ir::{Expr, Id, StmtKind};

use crate::phv::clot::{state_depths, statement_bits};
use crate::phv::job::GressJob;
use crate::phv::life::walk_block;

/// By field: where in a byte the parser finds what it assigns to it, counted from the highest bit.
/// Fields of extracted headers are where their header has them.
pub(crate) fn parser_phases(job: &GressJob<'_>, port_metadata_bytes: u32) -> Vec<Option<u32>> {
    let gress = job.gress;
    let depths = state_depths(gress);
    let mut known: Vec<Option<u32>> = vec![None; gress.fields.len()];
    for header in gress.headers.values() {
        let mut offset = 0_u32;
        for field in &header.fields {
            if job.uses.fields[*field].is_extracted {
                known[field.index()] = Some(offset % 8);
            }
            offset = offset.saturating_add(gress.fields[*field].width);
        }
    }
    let mut phases: Vec<Option<u32>> = vec![None; gress.fields.len()];
    // A value may pass through one variable on its way.
    for _ in 0..2 {
        for (id, state) in gress.parser.states.iter() {
            let mut cursor = depths[id.index()];
            walk_block(&state.body, &mut |stmt| {
                if let StmtKind::Assign { dst, value } = &stmt.kind {
                    let Some(field) = dst.field() else {
                        return;
                    };
                    if is_port_metadata(value, cursor, job, port_metadata_bytes) {
                        return;
                    }
                    let width = gress.fields[field].width;
                    if let Some(phase) = phase_of(value, width, &known, job) {
                        phases[field.index()] = Some(phase);
                        if known[field.index()].is_none() {
                            known[field.index()] = Some(phase);
                        }
                    }
                }
                let bits = statement_bits(gress, &stmt.kind);
                cursor = cursor.map(|cursor| cursor.saturating_add(bits));
            });
        }
    }
    phases
}

/// Whether a value is of the metadata of the port, which stand between the metadata of the packet and
/// the packet. The compiler that fills their table also chooses their layout.
fn is_port_metadata(
    value: &Expr,
    cursor: Option<u32>,
    job: &GressJob<'_>,
    port_metadata_bytes: u32,
) -> bool {
    let mut offset = None;
    value.walk(&mut |part| {
        if let Expr::Lookahead { offset: at, .. } = part {
            offset = Some(*at);
        }
    });
    let is_intrinsic = |header: &&p4rmt_ir::Header| {
        header.fields.iter().any(|field| {
            let mut known = job.gress.intrinsics.iter();
            known.any(|(name, of)| of == field && name.starts_with(PACKET_METADATA))
        })
    };
    let header = job.gress.headers.values().find(is_intrinsic);
    let start: u32 = header.map_or(0, |header| {
        let widths = header
            .fields
            .iter()
            .map(|field| job.gress.fields[*field].width);
        widths.sum()
    });
    let at = offset.and_then(|offset| Some(cursor?.saturating_add(offset)));
    start > 0 && at.is_some_and(|at| at >= start && at < start + 8 * port_metadata_bytes)
}

/// The header in front of the metadata of the port.
const PACKET_METADATA: &str = "ingress_intrinsic_metadata_t.";

/// The position in a byte at which a field as wide as `width` would begin, if it held this value.
fn phase_of(value: &Expr, width: u32, known: &[Option<u32>], job: &GressJob<'_>) -> Option<u32> {
    let of_bits = |start: u32, bits: u32| (start + bits + 8 * width - width) % 8;
    match value {
        Expr::Lookahead {
            offset,
            width: bits,
        } => Some(of_bits(offset % 8, bits % 8)),
        Expr::Field(field) => {
            let bits = job.gress.fields[*field].width;
            Some(of_bits(known[field.index()]?, bits % 8))
        }
        Expr::Slice { arg, lo, .. } => match &**arg {
            Expr::Field(field) => {
                let bits = job.gress.fields[*field].width - lo;
                Some(of_bits(known[field.index()]?, bits % 8))
            }
            Expr::Lookahead {
                offset,
                width: bits,
            } => Some(of_bits(offset % 8, (bits - lo) % 8)),
            _ => None,
        },
        Expr::Resize { arg, .. } => phase_of(arg, width, known, job),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => None,
    }
}
