//! Hashes and checksums: `hash`, `verify_checksum`, `update_checksum`, `Checksum16`.

use p4rmt_ir::{
    BinaryOp, Call, CallKind, CrcPolynomial, Datum, Expr, FieldKind, Hash, HashAlgorithm, HashId,
    StmtKind, V1Call,
};
use p4rmt_source::Span;

use crate::args::Arg;
use crate::convert::read_storage;
use crate::fold;
use crate::lower::Lower;
use crate::storage::{Base, Storage};
use crate::types::Type;
use crate::value::{Data, Value};

/// bmv2 computes hashes, their base and their maximum in so many bits.
const HASH_WIDTH: u32 = 64;

/// The algorithm of a member of `HashAlgorithm`, and how many bits it gives. The custom ones are what
/// bmv2 starts with.
fn algorithm(name: &str) -> Option<(HashAlgorithm, u32)> {
    let crc = |width, poly, ones| {
        HashAlgorithm::Crc(CrcPolynomial {
            width,
            poly,
            init: ones,
            xor_out: ones,
            is_reflected: true,
        })
    };
    Some(match name {
        "crc32" | "crc32_custom" => (crc(32, 0x04c1_1db7, 0xffff_ffff), 32),
        "crc16" | "crc16_custom" => (crc(16, 0x8005, 0), 16),
        "random" => (HashAlgorithm::Random, HASH_WIDTH),
        "identity" => (HashAlgorithm::Identity, HASH_WIDTH),
        "csum16" => (HashAlgorithm::Csum16, 16),
        "xor16" => (HashAlgorithm::Xor(16), 16),
        _ => return None,
    })
}

impl<'a> Lower<'a> {
    /// The hash function of an argument of type `HashAlgorithm`, and its width.
    pub(in crate::externs) fn v1_hash(
        &mut self,
        arg: Option<&Arg<'a>>,
        span: Span,
    ) -> Option<(HashId, u32)> {
        let value = arg?.value()?.clone();
        if !crate::convert::is_constant(&value) {
            self.not_constant(span);
            return None;
        }
        let name = self.member_arg(arg, span)?;
        let (algorithm, width) = algorithm(&name)?;
        let known = self.gress.hashes.iter().find(|(_, hash)| {
            hash.algorithm == algorithm && hash.width == width && hash.name == name
        });
        let id = match known {
            Some((id, _)) => id,
            None => self.gress.hashes.push(Hash {
                name,
                algorithm,
                width,
                span,
            }),
        };
        Some((id, width))
    }

    /// The hash of data, at its own width.
    fn v1_hashed(
        &mut self,
        (hash, width): (HashId, u32),
        data: Vec<Datum>,
        with_payload: bool,
        span: Span,
    ) -> Option<Expr> {
        let (place, value) = self.wide_temporary(width, span)?;
        let call = V1Call::Hash {
            hash,
            data,
            with_payload,
        };
        self.emit(
            span,
            StmtKind::Call(Call {
                kind: CallKind::V1(call),
                outs: vec![Some(place)],
            }),
        );
        Some(value)
    }

    /// The scalars of a value, with varbit fields as long as they are in the packet.
    fn v1_data(&mut self, arg: Option<&Arg<'a>>, span: Span) -> Option<Vec<Datum>> {
        let value = arg?.value()?.clone();
        let mut data = Vec::new();
        self.collect_data(&value, span, &mut data)?;
        Some(data)
    }

    fn collect_data(&mut self, value: &Value, span: Span, data: &mut Vec<Datum>) -> Option<()> {
        if let Some(datum) = self.varbit_datum(value) {
            data.push(datum);
            return Some(());
        }
        match self.parts(value) {
            Some(parts) => {
                for part in parts {
                    self.collect_data(&part, span, data)?;
                }
            }
            None => data.extend(self.flatten(value, span)?.into_iter().map(Datum::Value)),
        }
        Some(())
    }

    /// A bit string of varying width that is stored as a whole, where the value is one.
    fn varbit_datum(&self, value: &Value) -> Option<Datum> {
        let Data::Place(Storage::Varbit { value, width }) = &value.data else {
            return None;
        };
        match (value.base, width.base) {
            (Base::Field(field), Base::Field(width)) => Some(Datum::Varbit { field, width }),
            _ => None,
        }
    }

    /// `hash(result, algo, base, data, max)`: `base + hash % max`, and `base` where `max` is 0.
    pub(super) fn hash_in_range(&mut self, args: &[Arg<'a>], span: Span) -> Option<()> {
        let hash = self.v1_hash(args.get(1), span)?;
        let (base, base_width) = self.number(args.get(2), span)?;
        let data = self.v1_data(args.get(3), span)?;
        let (max, max_width) = self.number(args.get(4), span)?;
        let result = args.first()?;
        let hashed = self.v1_hashed(hash, data, false, span)?;
        let width = HASH_WIDTH.max(base_width).max(max_width);
        let hashed = fold::resize(hashed, hash.1, width, false);
        let max = fold::resize(max, max_width, width, false);
        let is_empty = fold::binary(BinaryOp::Eq, max.clone(), fold::constant(width, 0));
        let offset = fold::mux(
            is_empty,
            fold::constant(width, 0),
            fold::binary(BinaryOp::RemU, hashed, max),
        );
        let base = fold::resize(base, base_width, width, false);
        let value = fold::binary(BinaryOp::Add, base, offset);
        self.store_out(result, value, width, span)
    }

    /// `verify_checksum(condition, data, checksum, algo)`. A checksum in an invalid header is not
    /// verified.
    pub(super) fn verify_checksum(
        &mut self,
        args: &[Arg<'a>],
        with_payload: bool,
        span: Span,
    ) -> Option<()> {
        let hash = self.v1_hash(args.get(3), span)?;
        let (cond, _) = self.number(args.first(), span)?;
        let data = self.v1_data(args.get(1), span)?;
        let (checksum, checksum_width) = self.number(args.get(2), span)?;
        let header = args.get(2).and_then(Arg::value).cloned();
        let cond = match header.and_then(|value| self.validity_around(&value)) {
            Some(valid) => fold::binary(BinaryOp::And, cond, valid),
            None => cond,
        };
        let error = self.intrinsic("checksum_error")?;
        let mut is_good = None;
        let then = self.block_of(|lower| {
            is_good = lower
                .v1_hashed(hash, data, with_payload, span)
                .map(|hashed| {
                    let width = hash.1.max(checksum_width);
                    let hashed = fold::resize(hashed, hash.1, width, false);
                    let checksum = fold::resize(checksum, checksum_width, width, false);
                    let set = lower.block_of(|lower| {
                        let place = p4rmt_ir::Place::Field(error);
                        lower.emit_assign(span, place, fold::truth(true));
                    });
                    lower.emit(
                        span,
                        StmtKind::If {
                            cond: fold::binary(BinaryOp::Ne, hashed, checksum),
                            then: set,
                            otherwise: Vec::new(),
                        },
                    );
                });
        });
        is_good?;
        self.emit_if(cond, then, Vec::new(), span);
        Some(())
    }

    /// `update_checksum(condition, data, checksum, algo)`.
    pub(super) fn update_checksum(
        &mut self,
        args: &[Arg<'a>],
        with_payload: bool,
        span: Span,
    ) -> Option<()> {
        let hash = self.v1_hash(args.get(3), span)?;
        let (cond, _) = self.number(args.first(), span)?;
        let data = self.v1_data(args.get(1), span)?;
        let target = args.get(2)?;
        let mut is_good = None;
        let then = self.block_of(|lower| {
            is_good = lower
                .v1_hashed(hash, data, with_payload, span)
                .and_then(|hashed| lower.store_out(target, hashed, hash.1, span));
        });
        is_good?;
        self.emit_if(cond, then, Vec::new(), span);
        Some(())
    }

    /// `checksum.get(data)`.
    pub(super) fn checksum16(
        &mut self,
        hash: HashId,
        args: &[Arg<'a>],
        span: Span,
    ) -> Option<Value> {
        let data = self.v1_data(args.first(), span)?;
        let width = self.gress.hashes[hash].width;
        let hashed = self.v1_hashed((hash, width), data, false, span)?;
        Some(Value::scalar(Type::bit(width), hashed))
    }

    /// Whether the header that a stored scalar is in is valid; nothing for one that is in none.
    pub(crate) fn validity_around(&self, value: &Value) -> Option<Expr> {
        let Data::Place(Storage::Leaf(slot)) = &value.data else {
            return None;
        };
        let Base::Field(field) = slot.base else {
            return None;
        };
        let FieldKind::Header(header) = self.gress.fields[field].kind else {
            return None;
        };
        let valid = self.gress.headers.get(header)?.valid;
        read_storage(&Storage::Leaf(crate::storage::Slot::whole(
            Base::Field(valid),
            1,
        )))
    }
}
