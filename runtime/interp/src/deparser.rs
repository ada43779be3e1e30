//! The deparser: valid headers in order, and requests for copies, another round, and messages.

use p4rmt_engine::{BitWriter, DigestMessage, Event, MirrorRequest, ResubmitRequest};
use p4rmt_ir::{Bits, DigestId, Expr, HeaderId, Id};
use p4rmt_source::Span;

use crate::packet::Packet;

impl<'a> Packet<'a> {
    /// Runs the deparser.
    pub(crate) fn run_deparser(&mut self) {
        let gress = self.gress;
        self.tell(|| Event::Deparser);
        self.is_deparsing = true;
        self.work.emitted.clear();
        self.run_block(&gress.deparser.body);
        let mut writer = BitWriter::new(&mut self.outcome.bytes);
        self.work
            .emitted
            .iter()
            .for_each(|value| writer.write(value));
    }

    /// Appends a header if it is valid.
    pub(crate) fn emit(&mut self, id: HeaderId) {
        let header = &self.gress.headers[id];
        let fields = &self.work.fields;
        if !fields[header.valid.index()].is_true() {
            return;
        }
        for field in &header.fields {
            let value = &fields[field.index()];
            match header.varbit {
                Some((varbit, width)) if varbit == *field => {
                    let width = fields[width.index()]
                        .low_u64()
                        .min(u64::from(value.width()));
                    self.work.emitted.push(value.resize(width as u32, false));
                }
                Some(_) | None => self.work.emitted.push(value.clone()),
            }
        }
        self.outcome.emitted.push(id);
        self.tell(|| Event::Emit { header: id });
    }

    /// Asks for a mirrored copy.
    pub(crate) fn request_mirror(
        &mut self,
        mirror_type: Option<u32>,
        session: &Expr,
        header: &[Expr],
        span: Span,
    ) {
        let session = self.eval(session).low_u64();
        let header = self.write_extra(header);
        self.outcome.mirrors.push(MirrorRequest {
            mirror_type,
            session,
            header,
            span,
        });
    }

    /// Asks for another round through the ingress.
    pub(crate) fn request_resubmit(
        &mut self,
        resubmit_type: Option<u32>,
        header: &[Expr],
        span: Span,
    ) {
        let header = self.write_extra(header);
        self.outcome.resubmit = Some(ResubmitRequest {
            resubmit_type,
            header,
            span,
        });
    }

    fn write_extra(&mut self, header: &[Expr]) -> std::ops::Range<usize> {
        let bits = self.eval_concat(header);
        let start = self.outcome.extra.len();
        BitWriter::new(&mut self.outcome.extra).write(&bits);
        start..self.outcome.extra.len()
    }

    /// Sends a message to the control plane.
    pub(crate) fn send_digest(
        &mut self,
        digest: DigestId,
        receiver: Option<&Expr>,
        fields: &[Expr],
        span: Span,
    ) {
        let receiver = receiver.map(|receiver| self.eval(receiver).into_owned());
        let fields: Vec<Bits> = fields
            .iter()
            .map(|field| self.eval(field).into_owned())
            .collect();
        self.outcome.digests.push(DigestMessage {
            digest,
            receiver,
            fields,
            span,
        });
    }
}
