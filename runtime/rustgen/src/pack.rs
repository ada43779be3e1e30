//! Values as bytes and bytes as values: where numbers stand in headers, sums and hashes.

use p4rmt_ir::Bits;
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use crate::gress::count;
use crate::value::{Repr, Value};

/// On which side zero bits fill bytes that are not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    Front,
    Behind,
}

/// An array with the values one behind the other, the first in the highest bits; and its length.
pub(crate) fn pack(values: &[Value], fill: Fill) -> (TokenStream, usize) {
    let n_bits: u32 = values.iter().map(|value| value.width).sum();
    let n_bytes = n_bits.div_ceil(8) as usize;
    let mut padded: Vec<Value> = values
        .iter()
        .filter(|value| value.width > 0)
        .cloned()
        .collect();
    if !n_bits.is_multiple_of(8) {
        let padding = Value::constant(&Bits::zero(8 - n_bits % 8));
        match fill {
            Fill::Front => padded.insert(0, padding),
            Fill::Behind => padded.push(padding),
        }
    }
    let runs = whole_runs(padded);
    if let [run] = &runs[..]
        && run.repr().bits() == run.width
    {
        let value = run.receiver();
        return (quote!(#value.to_be_bytes()), n_bytes);
    }
    let mut start = 0;
    let mut writes = TokenStream::new();
    for run in runs {
        let n_here = (run.width / 8) as usize;
        let end = start + n_here;
        let (start_token, end_token) = (count(start), count(end));
        start = end;
        if run.constant.as_ref().is_some_and(Bits::is_zero) {
            continue;
        }
        let code = &run.code;
        writes.extend(match run.repr() {
            Repr::Wide => {
                let bits = run.as_bits();
                quote!(data[#start_token..#end_token].copy_from_slice(&#bits.to_bytes_be());)
            }
            Repr::Bool | Repr::U8 => quote!(data[#start_token] = #code;),
            repr => {
                let value = run.receiver();
                let skipped = (repr.bits() / 8) as usize - n_here;
                match skipped {
                    0 => quote!(data[#start_token..#end_token].copy_from_slice(&#value.to_be_bytes());),
                    _ => {
                        let skipped = count(skipped);
                        quote!(
                            data[#start_token..#end_token]
                                .copy_from_slice(&#value.to_be_bytes()[#skipped..]);
                        )
                    }
                }
            }
        });
    }
    let length = count(n_bytes);
    (
        quote!({ let mut data = [0u8; #length]; #writes data }),
        n_bytes,
    )
}

/// The values joined to numbers of whole bytes, each as short as it can be.
fn whole_runs(values: Vec<Value>) -> Vec<Value> {
    let mut runs: Vec<Value> = Vec::new();
    let mut open: Option<Value> = None;
    for value in values {
        let joined = match open.take() {
            Some(high) => Value::binary(p4rmt_ir::BinaryOp::Concat, &high, &value),
            None => value,
        };
        if joined.width.is_multiple_of(8) {
            runs.push(joined);
        } else {
            open = Some(joined);
        }
    }
    runs
}

/// The value of so many bits from a bit of an array of bytes on.
pub(crate) fn unpack(bytes: &Ident, offset: u32, width: u32) -> Value {
    let (first, end) = ((offset / 8) as usize, (offset + width).div_ceil(8) as usize);
    let n_bytes = end - first;
    let behind = end as u32 * 8 - offset - width;
    let repr = match n_bytes {
        1 => Repr::U8,
        2 => Repr::U16,
        3..=4 => Repr::U32,
        5..=8 => Repr::U64,
        9..=16 => Repr::U128,
        _ => Repr::Wide,
    };
    if repr == Repr::Wide {
        let (first, end) = (count(first), count(end));
        let all = Literal::u32_unsuffixed(n_bytes as u32 * 8);
        let whole = Value::simple(
            n_bytes as u32 * 8,
            quote!(engine::ir::Bits::from_bytes_be(#all, &#bytes[#first..#end])),
        );
        return whole.slice(behind + width - 1, behind);
    }
    let n_type_bytes = (repr.bits() / 8) as usize;
    let zeros = (n_bytes..n_type_bytes).map(|_| quote!(0));
    let of_bytes = (first..end).map(|position| {
        let position = count(position);
        quote!(#bytes[#position])
    });
    let parts: Vec<TokenStream> = zeros.chain(of_bytes).collect();
    let ty = repr.ty();
    let code = match repr {
        Repr::U8 => parts[0].clone(),
        _ => quote!(#ty::from_be_bytes([#(#parts),*])),
    };
    let whole = Value::simple(repr.bits(), code);
    if n_bytes == n_type_bytes {
        whole.slice(behind + width - 1, behind)
    } else {
        whole
            .known_below(n_bytes as u32 * 8)
            .slice(behind + width - 1, behind)
    }
}
