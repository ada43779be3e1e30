//! How values of fields lie in flat buffers of 64-bit words.
//!
//! A field of up to 64 bits is one word; a wider one is several, the lowest first. Bits above the
//! width are zero.

use p4rmt_ir::{Bits, FieldId, Gress};

/// Where each of a list of fields lies in a buffer of words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WordLayout {
    places: Vec<WordPlace>,
    n_words: usize,
}

/// Where one field lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WordPlace {
    first: usize,
    width: u32,
}

impl WordLayout {
    /// The layout of these fields of a gress, in order. A field that the gress has not takes no room
    /// and reads as the empty value.
    #[must_use]
    pub fn new(gress: &Gress, fields: &[FieldId]) -> Self {
        let mut layout = Self::default();
        for field in fields {
            let width = gress.fields.get(*field).map_or(0, |field| field.width);
            layout.places.push(WordPlace {
                first: layout.n_words,
                width,
            });
            layout.n_words += width.div_ceil(64) as usize;
        }
        layout
    }

    /// How many words all fields take.
    #[must_use]
    #[inline]
    pub fn n_words(&self) -> usize {
        self.n_words
    }

    /// The position of the first word of the field at `position` of the list.
    ///
    /// # Panics
    /// If the list is shorter.
    #[must_use]
    pub fn first_word(&self, position: usize) -> usize {
        self.places[position].first
    }

    /// The value of the field at `position` of the list.
    ///
    /// # Panics
    /// If the list is shorter, or the buffer is not one of this layout.
    #[must_use]
    pub fn get(&self, words: &[u64], position: usize) -> Bits {
        let WordPlace { first, width } = self.places[position];
        match width {
            0..=64 => Bits::from_u64(width, if width == 0 { 0 } else { words[first] }),
            65.. => words[first..first + width.div_ceil(64) as usize]
                .iter()
                .rev()
                .fold(Bits::zero(0), |high, word| {
                    high.concat(&Bits::from_u64(64, *word))
                })
                .resize(width, false),
        }
    }

    /// Sets the field at `position` of the list, cutting the value to its width.
    ///
    /// # Panics
    /// If the list is shorter, or the buffer is not one of this layout.
    pub fn set(&self, words: &mut [u64], position: usize, value: &Bits) {
        let WordPlace { first, width } = self.places[position];
        let value = value.resize(width, false);
        for (lo, word) in (0..width).step_by(64).zip(&mut words[first..]) {
            *word = value.slice(lo + 63, lo).low_u64();
        }
    }

    /// Appends the value of the next field of the list to a buffer that holds those before it.
    pub fn push(words: &mut Vec<u64>, value: &Bits) {
        match value.width() {
            0 => {}
            1..=64 => words.push(value.low_u64()),
            width => words.extend(
                (0..width)
                    .step_by(64)
                    .map(|lo| value.slice(lo + 63, lo).low_u64()),
            ),
        }
    }
}
