//! Calls of externs: arguments are evaluated first, results are written last.

use std::borrow::Cow;

use p4rmt_engine::{Event, Unit, random_value};
use p4rmt_ir::{Call, CallKind, Id, V1Call};
use p4rmt_source::Span;

use crate::packet::Packet;

impl<'a> Packet<'a> {
    /// Runs a call. Results are written at once.
    pub(crate) fn run_call(&mut self, call: &'a Call, span: Span) {
        self.work.results.clear();
        match &call.kind {
            CallKind::RegisterAction { action, index } => {
                self.run_register_action(*action, index.as_ref(), span);
            }
            CallKind::RegisterRead { register, index } => {
                self.read_register(*register, index, span);
            }
            CallKind::RegisterWrite {
                register,
                index,
                values,
            } => self.write_register(*register, index, values, span),
            CallKind::Count { counter, index } => self.count(*counter, index.as_ref(), span),
            CallKind::Meter {
                meter,
                index,
                color,
            } => self.meter(*meter, index.as_ref(), color.as_ref()),
            CallKind::Filter {
                meter,
                index,
                value,
            } => self.filter(*meter, index.as_ref(), value),
            CallKind::Hash { hash, args } => {
                let hashed = self.loaded.hashers[*hash].hash(&self.eval_concat(args));
                self.work.results.push(hashed);
            }
            CallKind::Random { random } => {
                let width = self.gress.randoms[*random].width;
                let draw = &mut self.work.draws[random.index()];
                let value = random_value(self.job.clock, self.loaded.id, *random, *draw, width);
                *draw = draw.wrapping_add(1);
                self.work.results.push(value);
            }
            CallKind::Checksum { unit, op, args } => {
                self.checksum(*unit, *op, args, &call.outs, span);
            }
            CallKind::Mirror {
                mirror_type,
                session,
                header,
            } => self.request_mirror(*mirror_type, session, header, span),
            CallKind::Resubmit {
                resubmit_type,
                header,
            } => self.request_resubmit(*resubmit_type, header, span),
            // No application of the generator waits for it.
            CallKind::Generate { .. } => {}
            CallKind::Digest {
                digest,
                receiver,
                fields,
            } => self.send_digest(*digest, receiver.as_ref(), fields, span),
            CallKind::V1(call) => self.run_v1(call, span),
        }
        if self.trace.is_some() {
            self.tell_result(&call.kind, span);
        }
        let mut results = std::mem::take(&mut self.work.results);
        for (result, out) in results.drain(..).zip(&call.outs) {
            if let Some(place) = out {
                self.store(place, result, span);
            }
        }
        self.work.results = results;
    }

    /// Tells what a unit gave that is no memory.
    fn tell_result(&mut self, kind: &CallKind, span: Span) {
        let unit = match kind {
            CallKind::Hash { hash, .. } | CallKind::V1(V1Call::Hash { hash, .. }) => {
                Unit::Hash(*hash)
            }
            CallKind::Random { random } => Unit::Random(*random),
            CallKind::Meter { meter, .. } | CallKind::Filter { meter, .. } => Unit::Meter(*meter),
            CallKind::Checksum { unit, .. } => Unit::Checksum(*unit),
            CallKind::RegisterAction { .. }
            | CallKind::RegisterRead { .. }
            | CallKind::RegisterWrite { .. }
            | CallKind::Count { .. }
            | CallKind::Mirror { .. }
            | CallKind::Resubmit { .. }
            | CallKind::Generate { .. }
            | CallKind::Digest { .. }
            | CallKind::V1(
                V1Call::Clone { .. }
                | V1Call::Resubmit { .. }
                | V1Call::Recirculate { .. }
                | V1Call::Truncate { .. }
                | V1Call::Log { .. }
                | V1Call::Claim { .. },
            ) => return,
        };
        if let (Some(trace), Some(value)) = (&mut self.trace, self.work.results.first()) {
            let value = Cow::Borrowed(value);
            trace.event(Event::Computed { unit, value, span });
        }
    }
}
