//! Calls of externs: arguments are evaluated first, results are written last.

use cranelift_codegen::ir::InstBuilder;
use p4rmt_engine::EngineError;
use p4rmt_ir::{
    Call, CallKind, Datum, Expr, FieldId, FieldKind, HashAlgorithm, HashId, Id, V1Call,
};
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
                results.push(self.hash(*hash, &data));
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
                self.mirror(*mirror_type, session, header, span);
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

    /// The hash of data.
    fn hash(&mut self, id: HashId, data: &Number) -> Number {
        let hash = &self.gress.hashes[id];
        match &hash.algorithm {
            HashAlgorithm::Identity => self.resize(data, hash.width, false),
            HashAlgorithm::Csum16 => {
                let checksum = self.checksum_of(std::slice::from_ref(data));
                self.resize(&checksum, hash.width, false)
            }
            HashAlgorithm::Random | HashAlgorithm::Xor(_) | HashAlgorithm::Crc(_) => {
                self.put_in_scratch([data]);
                let words = [id.index() as u64, u64::from(data.width), 0];
                self.call_with(Name::Hash, words);
                self.take_from_scratch(hash.width)
            }
        }
    }

    /// Asks for a mirrored copy: the engine makes room for its header, which is written here.
    fn mirror(&mut self, mirror_type: Option<u32>, session: &Expr, header: &[Expr], span: Span) {
        let widths = header.iter().map(|value| value.width(self.gress));
        let n_bytes = widths.sum::<u32>().div_ceil(8);
        let session = self.expr(session);
        let zero = self.word(0);
        let session = session.words.first().copied().unwrap_or(zero);
        self.loaded.requests.push(Request {
            kind: RequestKind::Mirror { mirror_type },
            widths: Vec::new(),
            span,
        });
        let number = self.word(self.loaded.requests.len() as u64 - 1);
        let room = self.word(n_bytes.into());
        let address = self.call(Name::Mirror, [number, session, room]);
        self.write_values(header, n_bytes, address);
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
                if !matches!(call, V1Call::Truncate { .. } | V1Call::Log { .. }) {
                    let one = self.word(1);
                    self.b.def_var(self.asks, one);
                }
            }
        }
        None
    }

    /// Hashes data as bytes. A field of an invalid header is left out, as in the interpreter.
    fn hash_data(&mut self, hash: HashId, data: &[Datum], with_payload: bool) -> Number {
        if !with_payload
            && self.gress.hashes[hash].algorithm == HashAlgorithm::Csum16
            && let Some(valid) = self.validity_of(data)
        {
            return self.hash_if_valid(hash, data, valid);
        }
        self.hash_bytes(hash, data, with_payload)
    }

    /// What says whether all data are there: one header that all of them belong to that belong to any. None
    /// where they are of several, or of unknown width.
    fn validity_of(&self, data: &[Datum]) -> Option<FieldId> {
        let mut found = None;
        for datum in data {
            let Datum::Value(value) = datum else {
                return None;
            };
            if let Expr::Field(field) = value
                && let FieldKind::Header(header) = self.gress.fields[*field].kind
            {
                let valid = self.gress.headers[header].valid;
                if *found.get_or_insert(valid) != valid {
                    return None;
                }
            }
        }
        found
    }

    /// Sums data of a header up if it is there.
    fn hash_if_valid(&mut self, hash: HashId, data: &[Datum], valid: FieldId) -> Number {
        let width = self.gress.hashes[hash].width;
        let variables = self.new_locals(std::iter::once(width)).remove(0);
        let (there, missing, on) = (
            self.b.create_block(),
            self.b.create_block(),
            self.b.create_block(),
        );
        let is_valid = self.field(valid).words[0];
        self.b.ins().brif(is_valid, there, &[], missing, &[]);
        self.enter(missing);
        let result = self.hash_bytes(hash, data, false);
        Self::set(&variables, &result, &mut self.b);
        self.jump(on);
        self.enter(there);
        let values: Vec<&Expr> = data.iter().filter_map(Datum::value).collect();
        let values = self.merged_values(&values);
        // The last byte is filled with zeros, and the last sixteen bits: no sum shows it.
        let checksum = self.checksum_of(&values);
        let result = self.resize(&checksum, width, false);
        Self::set(&variables, &result, &mut self.b);
        self.go(on);
        let words = variables.iter().map(|variable| self.b.use_var(*variable));
        Number {
            width,
            words: words.collect(),
        }
    }

    fn hash_bytes(&mut self, hash: HashId, data: &[Datum], with_payload: bool) -> Number {
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
