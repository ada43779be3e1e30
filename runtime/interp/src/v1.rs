//! What v1model alone has: requests to the switch, hashes over bytes, messages, claims.

use p4rmt_engine::{BitWriter, CloneRequest, KeepRequest, LogMessage, WrongClaim, fill_log};
use p4rmt_ir::{Bits, Datum, Expr, FieldId, FieldKind, HashId, Id, V1Call};
use p4rmt_source::Span;

use crate::packet::Packet;

impl Packet<'_> {
    /// Runs a call of v1model. Requests wait in the outcome for the switch.
    pub(crate) fn run_v1(&mut self, call: &V1Call, span: Span) {
        match call {
            V1Call::Clone { of, session, kept } => {
                let session = self.eval(session).low_u64();
                self.outcome.requests.clone = Some(CloneRequest {
                    of: *of,
                    session,
                    kept: kept.clone(),
                    span,
                });
            }
            V1Call::Resubmit { kept } => {
                self.outcome.requests.resubmit = Some(keep(kept, span));
            }
            V1Call::Recirculate { kept } => {
                self.outcome.requests.recirculate = Some(keep(kept, span));
            }
            V1Call::Truncate { length } => {
                let length = self.eval(length).low_u64();
                let least = &mut self.outcome.requests.truncate;
                *least = Some(least.map_or(length, |least| least.min(length)));
            }
            V1Call::Hash {
                hash,
                data,
                with_payload,
            } => {
                let hash = self.hash_data(*hash, data, *with_payload);
                self.work.results.push(hash);
            }
            V1Call::Log { format, values } => {
                let values = values.iter().map(|value| self.eval(value).into_owned());
                let text = fill_log(format, values);
                self.outcome.log.push(LogMessage { text, span });
            }
            V1Call::Claim { kind, cond } => {
                if !self.holds(cond) {
                    self.outcome.wrong_claim = Some(WrongClaim { kind: *kind, span });
                }
            }
        }
    }

    /// Hashes data as bytes, zero bits behind. A field of an invalid header is left out, as bmv2
    /// does it: what it would read as is nowhere defined.
    fn hash_data(&self, hash: HashId, data: &[Datum], with_payload: bool) -> Bits {
        let mut bytes = Vec::new();
        let mut writer = BitWriter::new(&mut bytes);
        for datum in data {
            match datum {
                Datum::Value(Expr::Field(field)) if !self.is_readable(*field) => {}
                Datum::Value(value) => writer.write(&self.eval(value)),
                Datum::Varbit { field, width } => {
                    let value = &self.work.fields[field.index()];
                    let width = self.work.fields[width.index()].low_u64();
                    let width = width.min(u64::from(value.width())) as u32;
                    if self.is_readable(*field) {
                        writer.write(&value.resize(width, false));
                    }
                }
            }
        }
        if with_payload {
            let offset = self.payload_offset();
            bytes.extend(self.job.packet().get(offset..).unwrap_or_default());
        }
        self.loaded.hashers[hash].hash_bytes(&bytes)
    }

    /// Whether a field is no field of an invalid header.
    fn is_readable(&self, field: FieldId) -> bool {
        match self.gress.fields[field].kind {
            FieldKind::Header(header) => {
                let valid = self.gress.headers[header].valid;
                self.work.fields[valid.index()].is_true()
            }
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => true,
        }
    }
}

fn keep(kept: &[FieldId], span: Span) -> KeepRequest {
    KeepRequest {
        kept: kept.to_vec(),
        span,
    }
}
