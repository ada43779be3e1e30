//! Whether values are in key sets, as parsers and their value sets compare them.

use p4rmt_ir::{BinaryOp, Bits, KeySet};

/// Whether a value is in a key set that names no value set. Numbers are compared, whatever their widths.
#[must_use]
pub fn is_in_key_set(keyset: &KeySet, value: &Bits) -> bool {
    match keyset {
        KeySet::Any => true,
        KeySet::Exact(wanted) => wanted.cmp_u(value).is_eq(),
        KeySet::Mask {
            value: wanted,
            mask,
        } => {
            let and = |value: &Bits| Bits::binary(BinaryOp::And, value, mask);
            and(value) == and(wanted)
        }
        KeySet::Range { lo, hi } => lo.cmp_u(value).is_le() && value.cmp_u(hi).is_le(),
        KeySet::ValueSet(_) => false,
    }
}

/// Whether each value is in its key set.
#[must_use]
pub fn are_in_key_sets(keysets: &[KeySet], values: &[Bits]) -> bool {
    let mut pairs = keysets.iter().zip(values);
    pairs.all(|(keyset, value)| is_in_key_set(keyset, value))
}
