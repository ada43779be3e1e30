//! Cells of memory at places that are known when a pipe is emitted.

use p4rmt_ir::Bits;

/// The bytes of a value.
///
/// # Panics
/// If the memory ends before.
#[inline]
#[must_use]
pub fn load<const N: usize>(memory: &[u8], start: usize) -> [u8; N] {
    let bytes = memory[start..start + N].try_into();
    bytes.expect("the range is as long as the array")
}

/// Writes the bytes of a value.
///
/// # Panics
/// If the memory ends before.
#[inline]
pub fn store<const N: usize>(memory: &mut [u8], start: usize, bytes: [u8; N]) {
    memory[start..start + N].copy_from_slice(&bytes);
}

/// A value of more than 128 bits.
///
/// # Panics
/// If the memory ends before.
#[must_use]
pub fn load_wide(memory: &[u8], start: usize, width: u32) -> Bits {
    let n_bytes = width.div_ceil(64) as usize * 8;
    let bytes = memory[start..start + n_bytes].iter().rev();
    Bits::from_bytes_be(width, &bytes.copied().collect::<Vec<_>>())
}

/// Writes a value of more than 128 bits.
///
/// # Panics
/// If the memory ends before.
pub fn store_wide(memory: &mut [u8], start: usize, value: &Bits) {
    for (position, lo) in (0..value.width()).step_by(64).enumerate() {
        let word = value.slice(lo + 63, lo).low_u64();
        store(memory, start + position * 8, word.to_le_bytes());
    }
}

/// The cells of a counter.
#[derive(Clone, Copy, Debug)]
pub struct CountCells {
    /// Of the first cell, in bytes.
    pub offset: usize,
    /// From cell to cell, in bytes.
    pub stride: usize,
    /// How many cells.
    pub cells: u64,
    /// Where it counts packets, if it does.
    pub packets: Option<CountField>,
    /// Where it counts bytes, if it does.
    pub bytes: Option<CountField>,
}

/// A count of a cell.
#[derive(Clone, Copy, Debug)]
pub struct CountField {
    /// From the start of the cell, in bytes.
    pub offset: usize,
    /// How many bytes it takes.
    pub n_bytes: usize,
    /// How many bits count.
    pub width: u32,
}

impl CountCells {
    /// Counts a packet of so many bytes. A cell beyond the array counts nothing.
    #[inline]
    pub fn count(&self, memory: &mut [u8], index: u64, n_bytes: u64) {
        if index >= self.cells {
            return;
        }
        let start = self.offset + index as usize * self.stride;
        for (field, more) in [(self.packets, 1), (self.bytes, n_bytes)] {
            if let Some(field) = field {
                field.add(memory, start, more);
            }
        }
    }
}

impl CountField {
    #[inline]
    fn add(&self, memory: &mut [u8], cell: usize, more: u64) {
        let bytes = &mut memory[cell + self.offset..][..self.n_bytes];
        let more = if self.width < 64 {
            more & ((1 << self.width) - 1)
        } else {
            more
        };
        let mut low = [0; 8];
        let n_low = self.n_bytes.min(8);
        low[..n_low].copy_from_slice(&bytes[..n_low]);
        let (sum, mut carry) = u64::from_le_bytes(low).overflowing_add(more);
        let sum = if self.width < 64 {
            sum & ((1 << self.width) - 1)
        } else {
            sum
        };
        bytes[..n_low].copy_from_slice(&sum.to_le_bytes()[..n_low]);
        let mut left = self.width.saturating_sub(64);
        for word in bytes[n_low..].chunks_mut(8) {
            low.copy_from_slice(word);
            let (mut sum, next) = u64::from_le_bytes(low).overflowing_add(u64::from(carry));
            if left < 64 {
                sum &= (1 << left) - 1;
            }
            word.copy_from_slice(&sum.to_le_bytes());
            (carry, left) = (next, left.saturating_sub(64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_cut_to_their_width_and_carried_beyond_a_word() {
        for (width, n_bytes) in [
            (5u32, 1usize),
            (8, 1),
            (20, 4),
            (64, 8),
            (70, 16),
            (128, 16),
        ] {
            let field = CountField {
                offset: 0,
                n_bytes,
                width,
            };
            let mut memory = vec![0; n_bytes];
            let mut expected = Bits::zero(width);
            for more in [3, u64::MAX, u64::MAX, 17] {
                field.add(&mut memory, 0, more);
                let more = Bits::from_u64(width, more);
                expected = Bits::binary(p4rmt_ir::BinaryOp::Add, &expected, &more);
                let found: Vec<u8> = memory.iter().rev().copied().collect();
                let found = Bits::from_bytes_be(n_bytes as u32 * 8, &found);
                assert_eq!(found, expected.resize(n_bytes as u32 * 8, false), "{width}");
            }
        }
    }
}
