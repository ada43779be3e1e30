//! Calls of externs: arguments are evaluated first, results are written last.

use cranelift_codegen::ir::InstBuilder;
use p4rmt_engine::EngineError;
use p4rmt_ir::{Call, CallKind, Datum, Expr, FieldId, FieldKind, HashId, Id, V1Call};
use p4rmt_source::Span;

use super::number::Number;
use super::{Compiler, Word};
use crate::callbacks::Name;
use crate::load::{Request, RequestKind};

impl Compiler<'_> {
    /// A call; returns whether what follows can be reached.
    pub(super) fn run_call(&mut self, call: &Call, span: Span) -> Result<bool, EngineError> {
        let mut results: Vec<Number> = Vec::new();
        match &call.kind {
            CallKind::RegisterAction { action, index } => {
                results = self.register_action(*action, index.as_ref())?;
            }
            CallKind::RegisterRead { register, index } => {
                let index = self.index(index);
                results = self.read_register(*register, index);
            }
            CallKind::RegisterWrite {
                register,
                index,
                values,
            } => {
                let index = self.index(index);
                let values: Vec<Number> = values.iter().map(|value| self.expr(value)).collect();
                self.write_register(*register, index, &values);
            }
            CallKind::Count { counter, index } => {
                let index = self.index_or_direct(index.as_ref());
                self.count(*counter, index);
            }
            CallKind::Meter {
                meter,
                index,
                color,
            } => results.push(self.meter(*meter, index.as_ref(), color.as_ref())),
            CallKind::Filter {
                meter,
                index,
                value,
            } => results.push(self.filter(*meter, index.as_ref(), value)),
            CallKind::Hash { hash, args } => {
                let data = self.concat_all(args);
                self.put_in_scratch([&data]);
                let words = [hash.index() as u64, u64::from(data.width), 0];
                self.call_with(Name::Hash, words);
                results.push(self.take_from_scratch(self.gress.hashes[*hash].width));
            }
            CallKind::Random { random } => {
                let draws = self.draws[random.index()];
                let draw = self.b.use_var(draws);
                let unit = self.word(random.index() as u64);
                let zero = self.word(0);
                self.call(Name::Random, [unit, draw, zero]);
                let one = self.word(1);
                let next = self.b.ins().iadd(draw, one);
                self.b.def_var(draws, next);
                results.push(self.take_from_scratch(self.gress.randoms[*random].width));
            }
            CallKind::Checksum { unit, op, args } => {
                results.extend(self.checksum(*unit, *op, args, &call.outs));
            }
            CallKind::Mirror {
                mirror_type,
                session,
                header,
            } => {
                let mirror_type = *mirror_type;
                let values = std::iter::once(session).chain(header);
                self.request(RequestKind::Mirror { mirror_type }, values, span);
            }
            CallKind::Resubmit {
                resubmit_type,
                header,
            } => {
                let resubmit_type = *resubmit_type;
                self.request(RequestKind::Resubmit { resubmit_type }, header, span);
            }
            // No application of the generator waits for it.
            CallKind::Generate { .. } => {}
            CallKind::Digest {
                digest,
                receiver,
                fields,
            } => {
                let kind = RequestKind::Digest {
                    digest: *digest,
                    has_receiver: receiver.is_some(),
                };
                self.request(kind, receiver.iter().chain(fields), span);
            }
            CallKind::V1(call) => results.extend(self.v1(call, span)),
        }
        for (result, out) in results.into_iter().zip(&call.outs) {
            if let Some(place) = out {
                self.write(place, result, span);
            }
        }
        Ok(true)
    }

    /// Hands a request with its values to the engine.
    fn request<'e>(
        &mut self,
        kind: RequestKind,
        values: impl IntoIterator<Item = &'e Expr>,
        span: Span,
    ) {
        let values: Vec<Number> = values.into_iter().map(|value| self.expr(value)).collect();
        self.put_in_scratch(&values);
        self.loaded.requests.push(Request {
            kind,
            widths: values.iter().map(|value| value.width).collect(),
            span,
        });
        let number = self.loaded.requests.len() as u64 - 1;
        self.call_with(Name::Request, [number, 0, 0]);
    }

    /// What v1model alone has.
    fn v1(&mut self, call: &V1Call, span: Span) -> Option<Number> {
        match call {
            V1Call::Hash {
                hash,
                data,
                with_payload,
            } => return Some(self.hash_data(*hash, data, *with_payload)),
            V1Call::Claim { cond, .. } => {
                let holds = self.condition(cond);
                let (wrong, on) = (self.b.create_block(), self.b.create_block());
                self.b.set_cold_block(wrong);
                self.b.ins().brif(holds, on, &[], wrong, &[]);
                self.enter(wrong);
                self.request(RequestKind::V1(call.clone()), [], span);
                let one = self.word(1);
                self.b.def_var(self.stopped, one);
                let stop = self.exits.map(|exits| exits.stop);
                match stop {
                    Some(stop) => self.jump(stop),
                    // A deparser ends its statement there, and goes on with nothing that counts.
                    None => self.jump(on),
                }
                self.enter(on);
            }
            V1Call::Clone { .. }
            | V1Call::Resubmit { .. }
            | V1Call::Recirculate { .. }
            | V1Call::Truncate { .. }
            | V1Call::Log { .. } => {
                self.request(RequestKind::V1(call.clone()), call.args(), span);
            }
        }
        None
    }

    /// Hashes data as bytes. A field of an invalid header is left out, as in the interpreter.
    fn hash_data(&mut self, hash: HashId, data: &[Datum], with_payload: bool) -> Number {
        self.call_with(Name::BytesStart, [0; 3]);
        for datum in data {
            match datum {
                Datum::Value(Expr::Field(field)) => {
                    let value = self.field(*field);
                    let used = self.word(u64::from(value.width));
                    self.put_if_readable(*field, &value, used);
                }
                Datum::Value(value) => {
                    let value = self.expr(value);
                    let used = self.word(u64::from(value.width));
                    self.put(&value, used);
                }
                Datum::Varbit { field, width } => {
                    let value = self.field(*field);
                    let used = self.field(*width).words[0];
                    self.put_if_readable(*field, &value, used);
                }
            }
        }
        if with_payload {
            let offset = self.payload_offset();
            let zero = self.word(0);
            self.call(Name::BytesPayload, [offset, zero, zero]);
        }
        self.call_with(Name::BytesHash, [hash.index() as u64, 0, 0]);
        self.take_from_scratch(self.gress.hashes[hash].width)
    }

    fn put(&mut self, value: &Number, used: Word) {
        self.put_in_scratch([value]);
        let width = self.word(u64::from(value.width));
        let zero = self.word(0);
        self.call(Name::BytesPut, [width, used, zero]);
    }

    fn put_if_readable(&mut self, field: FieldId, value: &Number, used: Word) {
        match self.gress.fields[field].kind {
            FieldKind::Header(header) => {
                let valid = self.field(self.gress.headers[header].valid).words[0];
                let (readable, on) = (self.b.create_block(), self.b.create_block());
                self.b.ins().brif(valid, readable, &[], on, &[]);
                self.enter(readable);
                self.put(value, used);
                self.go(on);
            }
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => self.put(value, used),
        }
    }
}
