//! Calls of externs: arguments first, results last.

use p4rmt_ir::{
    Call, CallKind, ChecksumOp, ClaimKind, Cloned, Datum, Expr, FieldId, FieldKind, HashAlgorithm,
    HashId, Id, Place, V1Call,
};
use p4rmt_source::Span;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

use crate::error::EmitError;
use crate::expr::{looks_ahead, unsupported};
use crate::gress::{GressWriter, Part, Scope, count, span_code};
use crate::pack::{Fill, pack};
use crate::value::{Repr, Value};

impl GressWriter<'_> {
    /// A call, and its results in their places.
    pub(crate) fn call(
        &self,
        call: &Call,
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        if call.args().into_iter().any(looks_ahead) {
            return Err(unsupported("an argument that is looked ahead for", span));
        }
        let at = span_code(span);
        match &call.kind {
            CallKind::RegisterAction { action, index } => {
                self.register_action_call(*action, index.as_ref(), &call.outs, span, scope)
            }
            CallKind::RegisterRead { register, index } => {
                self.register_read(*register, index, &call.outs, span, scope)
            }
            CallKind::RegisterWrite {
                register,
                index,
                values,
            } => self.register_write(*register, index, values, scope),
            CallKind::Count { counter, index } => {
                let index = self.index_or_direct(index.as_ref(), scope)?;
                Ok(self.count_packet(*counter, &index))
            }
            CallKind::Meter {
                meter,
                index,
                color,
            } => {
                let value = self.meter(*meter, index.as_ref(), color.as_ref(), scope)?;
                Ok(self.result(&call.outs, value, span, scope))
            }
            CallKind::Filter {
                meter,
                index,
                value,
            } => {
                let value = self.filter(*meter, index.as_ref(), value, scope)?;
                Ok(self.result(&call.outs, value, span, scope))
            }
            CallKind::Hash { hash, args } => {
                let value = self.hash(*hash, args, scope)?;
                Ok(self.result(&call.outs, value, span, scope))
            }
            CallKind::Random { random } => {
                let width = self.gress.randoms[*random].width;
                let (gress, unit) = (count(self.id.index()), count(random.index()));
                let width_token = Literal::u32_unsuffixed(width);
                let drawn = quote!(rt::draw(cx.job.clock, #gress, #unit, &mut p.draws[#unit], #width_token));
                let value = match Repr::of(width) {
                    Repr::Wide => Value::simple(width, drawn),
                    repr => {
                        let ty = repr.ty();
                        Value::simple(width, quote!(rt::narrow::<#ty>(&#drawn)))
                    }
                };
                Ok(self.result(&call.outs, value, span, scope))
            }
            CallKind::Checksum { unit, op, args } => {
                self.checksum(unit.index(), *op, args, &call.outs, span, scope)
            }
            CallKind::Mirror {
                mirror_type,
                session,
                header,
            } => {
                let (session, ty) = (self.low_u64(session, scope)?, option(*mirror_type));
                let bytes = self.extra(header, scope)?;
                Ok(quote! {
                    let session: u64 = #session;
                    let header = #bytes;
                    cx.outcome.mirrors.push(engine::MirrorRequest {
                        mirror_type: #ty, session, header, span: #at,
                    });
                })
            }
            CallKind::Resubmit {
                resubmit_type,
                header,
            } => {
                let (bytes, ty) = (self.extra(header, scope)?, option(*resubmit_type));
                Ok(quote! {
                    let header = #bytes;
                    cx.outcome.resubmit = Some(engine::ResubmitRequest {
                        resubmit_type: #ty, header, span: #at,
                    });
                })
            }
            // No application of the generator waits for it.
            CallKind::Generate { .. } => Ok(TokenStream::new()),
            CallKind::Digest {
                digest,
                receiver,
                fields,
            } => {
                let digest = count(digest.index());
                let receiver = match receiver {
                    Some(receiver) => {
                        let bits = self.expr(receiver, scope)?.as_bits();
                        quote!(Some(#bits))
                    }
                    None => quote!(None),
                };
                let fields = self.pieces(fields, scope)?;
                let fields = fields.iter().map(Value::as_bits);
                Ok(quote! {
                    cx.outcome.digests.push(engine::DigestMessage {
                        digest: engine::ir::Id::from_index(#digest),
                        receiver: #receiver,
                        fields: vec![#(#fields),*],
                        span: #at,
                    });
                })
            }
            CallKind::V1(v1) => self.v1(v1, &call.outs, span, scope),
        }
    }

    /// Puts the only result into its place.
    pub(crate) fn result(
        &self,
        outs: &[Option<Place>],
        value: Value,
        span: Span,
        scope: &Scope,
    ) -> TokenStream {
        match outs.first() {
            Some(Some(place)) => self.store(place, &value, span, scope),
            Some(None) | None => {
                let code = &value.code;
                quote!(let _ = #code;)
            }
        }
    }

    fn low_u64(&self, expr: &Expr, scope: &Scope) -> Result<TokenStream, EmitError> {
        let value = self.expr(expr, scope)?;
        let low = if value.width > 64 {
            value.slice(63, 0)
        } else {
            value
        };
        Ok(low.to_u64())
    }

    /// Bytes behind those of earlier requests.
    fn extra(&self, header: &[Expr], scope: &Scope) -> Result<TokenStream, EmitError> {
        let (bytes, _) = pack(&self.pieces(header, scope)?, Fill::Behind);
        Ok(quote!(cx.extra(&#bytes)))
    }

    fn hash(&self, hash: HashId, args: &[Expr], scope: &Scope) -> Result<Value, EmitError> {
        let values = self.pieces(args, scope)?;
        let n_bits: u32 = values.iter().map(|value| value.width).sum();
        let unit = &self.gress.hashes[hash];
        if unit.algorithm == HashAlgorithm::Identity && (1..=128).contains(&n_bits) {
            let mut values = values.into_iter();
            let first = values.next().expect("there is a bit");
            let joined = values.fold(first, |high, low| {
                Value::binary(p4rmt_ir::BinaryOp::Concat, &high, &low)
            });
            return Ok(joined.resize(unit.width, false));
        }
        let (bytes, _) = pack(&values, Fill::Front);
        let (name, n_bits) = (&self.hashes[hash.index()], Literal::u32_unsuffixed(n_bits));
        Ok(hashed(
            unit.width,
            &quote!(g.hashes.#name.hash_number(#n_bits, &#bytes)),
        ))
    }

    fn checksum(
        &self,
        unit: usize,
        op: ChecksumOp,
        args: &[Expr],
        outs: &[Option<Place>],
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let (bytes, n_bytes) = pack(&self.pieces(args, scope)?, Fill::Behind);
        let unit = count(unit);
        let sum = quote!(p.sums[#unit]);
        let value = match op {
            ChecksumOp::Add if n_bytes == 0 => return Ok(TokenStream::new()),
            ChecksumOp::Subtract if n_bytes == 0 => return Ok(TokenStream::new()),
            ChecksumOp::Add => return Ok(quote!(#sum.add_bytes(&#bytes);)),
            ChecksumOp::Subtract => return Ok(quote!(#sum.subtract_bytes(&#bytes);)),
            ChecksumOp::Verify => Value::simple(1, quote!(!#sum.is_correct())),
            ChecksumOp::Get if scope.part == Part::Deparser => {
                Value::new(16, quote!(!#sum.to_u16()))
            }
            ChecksumOp::Get => Value::simple(16, quote!(#sum.to_u16())),
            ChecksumOp::Update { zeros_as_ones } => {
                let zeros_as_ones = if zeros_as_ones {
                    quote!(true)
                } else {
                    quote!(false)
                };
                Value::simple(16, quote!(rt::checksum(&#bytes, #zeros_as_ones)))
            }
            ChecksumOp::SubtractAllAndDeposit => {
                return Ok(match outs.first() {
                    Some(Some(_)) => {
                        quote!(p.residuals[#unit] = Some(engine::Residual::default());)
                    }
                    Some(None) | None => TokenStream::new(),
                });
            }
        };
        Ok(self.result(outs, value, span, scope))
    }

    /// A call of v1model.
    fn v1(
        &self,
        call: &V1Call,
        outs: &[Option<Place>],
        span: Span,
        scope: &Scope,
    ) -> Result<TokenStream, EmitError> {
        let at = span_code(span);
        let kept = |kept: &[FieldId]| {
            let numbers = kept.iter().map(|field| count(field.index()));
            quote!(rt::fields(&[#(#numbers),*]))
        };
        Ok(match call {
            V1Call::Clone {
                of,
                session,
                kept: fields,
            } => {
                let (session, fields) = (self.low_u64(session, scope)?, kept(fields));
                let of = match of {
                    Cloned::Received => quote!(Received),
                    Cloned::Deparsed => quote!(Deparsed),
                };
                quote! {
                    cx.outcome.requests.clone = Some(engine::CloneRequest {
                        of: engine::ir::Cloned::#of, session: #session, kept: #fields, span: #at,
                    });
                }
            }
            V1Call::Resubmit { kept: fields } => {
                let fields = kept(fields);
                quote! {
                    cx.outcome.requests.resubmit =
                        Some(engine::KeepRequest { kept: #fields, span: #at });
                }
            }
            V1Call::Recirculate { kept: fields } => {
                let fields = kept(fields);
                quote! {
                    cx.outcome.requests.recirculate =
                        Some(engine::KeepRequest { kept: #fields, span: #at });
                }
            }
            V1Call::Truncate { length } => {
                let length = self.low_u64(length, scope)?;
                quote! {
                    let length: u64 = #length;
                    let least = cx.outcome.requests.truncate.map_or(length, |least| least.min(length));
                    cx.outcome.requests.truncate = Some(least);
                }
            }
            V1Call::Hash {
                hash,
                data,
                with_payload,
            } => {
                let value = self.hash_data(*hash, data, *with_payload, scope)?;
                self.result(outs, value, span, scope)
            }
            V1Call::Log { format, values } => {
                let values = self.pieces(values, scope)?;
                let values = values.iter().map(Value::as_bits);
                quote! {
                    let text = engine::fill_log(#format, [#(#values),*].into_iter());
                    cx.outcome.log.push(engine::LogMessage { text, span: #at });
                }
            }
            V1Call::Claim { kind, cond } => {
                let wrong = Value::unary(p4rmt_ir::UnaryOp::Not, &self.expr(cond, scope)?).code;
                let kind = match kind {
                    ClaimKind::Assert => quote!(Assert),
                    ClaimKind::Assume => quote!(Assume),
                };
                let stop = self.stop(scope);
                quote! {
                    if #wrong {
                        cx.outcome.wrong_claim =
                            Some(engine::WrongClaim { kind: engine::ir::ClaimKind::#kind, span: #at });
                        #stop
                    }
                }
            }
        })
    }

    /// Hashes data as bytes, zero bits behind. A field of an invalid header is left out.
    fn hash_data(
        &self,
        hash: HashId,
        data: &[Datum],
        with_payload: bool,
        scope: &Scope,
    ) -> Result<Value, EmitError> {
        let mut pushes = TokenStream::new();
        let mut n_bits = 0;
        let mut position = 0;
        while let Some(datum) = data.get(position) {
            match datum {
                Datum::Value(value) => {
                    let header = self.header_of(value);
                    let same = data[position..].iter().take_while(|datum| match datum {
                        Datum::Value(value) => self.header_of(value) == header,
                        Datum::Varbit { .. } => false,
                    });
                    let run: Vec<&Expr> = same.filter_map(Datum::value).collect();
                    position += run.len();
                    let values = run.into_iter().map(|value| self.expr(value, scope));
                    let values = values.collect::<Result<Vec<_>, _>>()?;
                    let width: u32 = values.iter().map(|value| value.width).sum();
                    n_bits += width;
                    let push = if width.is_multiple_of(8) {
                        let (bytes, _) = pack(&values, Fill::Behind);
                        quote!(data.push_bytes(&#bytes);)
                    } else {
                        let values = values.iter().map(Value::as_bits);
                        quote!(#(data.push(&#values);)*)
                    };
                    pushes.extend(match header {
                        None => push,
                        Some(valid) => {
                            let valid = &self.fields[valid];
                            quote!(if #valid { #push })
                        }
                    });
                }
                Datum::Varbit { field, width } => {
                    position += 1;
                    let most = self.gress.fields[*field].width;
                    n_bits += most;
                    let value = Value::stored(most, &self.fields[*field]).as_bits();
                    let (width, most) = (&self.fields[*width], Literal::u32_unsuffixed(most));
                    let push = quote!(data.push(&#value.resize(#width.min(#most), false)););
                    let value = Expr::Field(*field);
                    pushes.extend(match self.header_of(&value) {
                        None => push,
                        Some(valid) => {
                            let valid = &self.fields[valid];
                            quote!(if #valid { #push })
                        }
                    });
                }
            }
        }
        let n_bytes = count(n_bits.div_ceil(8) as usize);
        let (name, width) = (&self.hashes[hash.index()], self.gress.hashes[hash].width);
        let hash = match with_payload {
            false => quote!(g.hashes.#name.hash_bytes(data.bytes())),
            true => quote!(g.hashes.#name.hash_bytes(&[data.bytes(), cx.payload()].concat())),
        };
        Ok(hashed(
            width,
            &quote!({ let mut data = rt::BitBuffer::<#n_bytes>::default(); #pushes #hash }),
        ))
    }

    /// The field that says whether a header is valid that the value is a field of.
    fn header_of(&self, value: &Expr) -> Option<FieldId> {
        let Expr::Field(field) = value else {
            return None;
        };
        match self.gress.fields[*field].kind {
            FieldKind::Header(header) => Some(self.gress.headers[header].valid),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        }
    }

    /// The module-wide list of hash functions: how each is made.
    pub(crate) fn hash_units(&self) -> Vec<TokenStream> {
        let hashes = self.gress.hashes.values();
        hashes
            .map(|hash| {
                let width = Literal::u32_unsuffixed(hash.width);
                let algorithm = match &hash.algorithm {
                    HashAlgorithm::Identity => quote!(Identity),
                    HashAlgorithm::Random => quote!(Random),
                    HashAlgorithm::Xor(width) => {
                        let width = Literal::u32_unsuffixed(*width);
                        quote!(Xor(#width))
                    }
                    HashAlgorithm::Csum16 => quote!(Csum16),
                    HashAlgorithm::Crc(crc) => {
                        let width = Literal::u32_unsuffixed(crc.width);
                        let (poly, init, xor_out) = (crc.poly, crc.init, crc.xor_out);
                        let is_reflected = crc.is_reflected;
                        quote!(Crc(engine::ir::CrcPolynomial {
                            width: #width, poly: #poly, init: #init, xor_out: #xor_out,
                            is_reflected: #is_reflected,
                        }))
                    }
                };
                let name = &hash.name;
                quote!(engine::Hasher::new(&engine::ir::Hash {
                    name: #name.to_owned(),
                    algorithm: engine::ir::HashAlgorithm::#algorithm,
                    width: #width,
                    span: engine::Span::NONE,
                }))
            })
            .collect()
    }
}

/// What a hash function gives, as a value.
fn hashed(width: u32, hash: &TokenStream) -> Value {
    match Repr::of(width) {
        Repr::Wide => Value::simple(width, hash.clone()),
        repr => {
            let ty = repr.ty();
            Value::simple(width, quote!(rt::narrow::<#ty>(&#hash)))
        }
    }
}

fn option(number: Option<u32>) -> TokenStream {
    match number {
        Some(number) => {
            let number = Literal::u32_unsuffixed(number);
            quote!(Some(#number))
        }
        None => quote!(None),
    }
}
