//! Requests to the switch: clones, resubmission, recirculation, digests.

use p4rmt_ir::{Call, CallKind, Cloned, ControlRole, Digest, FieldId, StmtKind, V1Call};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::error::ErrorKind;
use crate::lower::Lower;
use crate::storage::Base;
use crate::types::Type;
use crate::value::{Data, Value};

impl<'a> Lower<'a> {
    /// `clone(type, session)`, `clone_preserving_field_list(type, session, index)`, and
    /// `clone3(type, session, fields)`.
    pub(super) fn clone_packet(&mut self, name: &str, args: &[Arg<'a>], span: Span) -> Option<()> {
        let kind = args.first()?.value()?.clone();
        if !crate::convert::is_constant(&kind) {
            self.not_constant(span);
            return None;
        }
        let (of, control) = match self.member_arg(args.first(), span)?.as_str() {
            "E2E" => (Cloned::Deparsed, ControlRole::Egress),
            _ => (Cloned::Received, ControlRole::Ingress),
        };
        let (session, _) = self.number(args.get(1), span)?;
        let kept = self.kept(args.get(2), name, span)?;
        if self.is_in(control, name, span)? {
            self.emit_v1(V1Call::Clone { of, session, kept }, span);
        }
        Some(())
    }

    /// `resubmit` and `recirculate` in their forms.
    pub(super) fn start_again(
        &mut self,
        name: &str,
        args: &[Arg<'a>],
        is_resubmit: bool,
        span: Span,
    ) -> Option<()> {
        let kept = self.kept(args.first(), name, span)?;
        let (control, call) = if is_resubmit {
            (ControlRole::Ingress, V1Call::Resubmit { kept })
        } else {
            (ControlRole::Egress, V1Call::Recirculate { kept })
        };
        if self.is_in(control, name, span)? {
            self.emit_v1(call, span);
        }
        Some(())
    }

    /// Whether a request has an effect here: not where a block is only checked. Complains, and gives
    /// nothing, in the wrong control.
    fn is_in(&mut self, needed: ControlRole, name: &str, span: Span) -> Option<bool> {
        match self.control {
            Some(found) if found != needed => {
                self.error(
                    span,
                    ErrorKind::ControlPlace {
                        function: name.to_owned(),
                        needed: match needed {
                            ControlRole::Egress => "egress",
                            _ => "ingress",
                        },
                    },
                );
                None
            }
            Some(_) => Some(true),
            None => Some(false),
        }
    }

    /// The fields that a request keeps: those of the list that a `_preserving_field_list` form
    /// names, or those that an older form is given.
    fn kept(&mut self, arg: Option<&Arg<'a>>, name: &str, span: Span) -> Option<Vec<FieldId>> {
        let Some(value) = arg.and_then(Arg::value).cloned() else {
            return Some(Vec::new());
        };
        if name.ends_with("_preserving_field_list") {
            let Some(number) = value.as_number() else {
                self.not_constant(span);
                return None;
            };
            let list = u64::try_from(&number).ok();
            let fields = list.and_then(|list| self.field_lists.get(&list));
            return Some(fields.cloned().unwrap_or_default());
        }
        let mut fields = Vec::new();
        self.stored_fields(&value, &mut fields);
        Some(fields)
    }

    /// The fields that a value is stored in; what is computed is kept by no packet.
    fn stored_fields(&mut self, value: &Value, fields: &mut Vec<FieldId>) {
        match &value.data {
            Data::Fields(parts) | Data::Header { fields: parts, .. } => {
                for part in parts.clone() {
                    self.stored_fields(&part, fields);
                }
            }
            Data::Place(storage) => storage.visit_leaves(&mut |slot| {
                if let Base::Field(field) = slot.base
                    && !fields.contains(&field)
                {
                    fields.push(field);
                }
            }),
            Data::Expr(p4rmt_ir::Expr::Field(field)) if !fields.contains(field) => {
                fields.push(*field);
            }
            _ => {}
        }
    }

    /// `digest(receiver, data)`.
    pub(super) fn send_digest(&mut self, args: &[Arg<'a>], span: Span) -> Option<()> {
        let (receiver, _) = self.number(args.first(), span)?;
        let value = args.get(1)?.value()?.clone();
        let fields = self.flatten(&value, span)?;
        let mut declared = Vec::new();
        crate::externs::tna::digest_fields("", &value.ty, &mut declared);
        if fields.is_empty() || declared.len() != fields.len() {
            self.mismatch(span, "a struct of numbers", &value.ty);
            return None;
        }
        let name = match &value.ty {
            Type::Record(record) if !record.name.is_empty() => record.name.clone(),
            _ => self.dotted("digest"),
        };
        let known = self.gress.digests.iter();
        let digest = known
            .filter(|(_, digest)| digest.name == name && digest.fields == declared)
            .map(|(id, _)| id)
            .next();
        let digest = match digest {
            Some(digest) => digest,
            None => self.gress.digests.push(Digest {
                name,
                fields: declared,
                span,
            }),
        };
        let kind = CallKind::Digest {
            digest,
            receiver: Some(receiver),
            fields,
        };
        let outs = Vec::new();
        self.emit(span, StmtKind::Call(Call { kind, outs }));
        Some(())
    }
}
