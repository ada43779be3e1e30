//! A payload buffer: bytes of a stream at their position modulo the buffer's size.
//!
//! The pipe addresses a receive buffer as if it were mapped twice in a row, so that a write may cross its end. Really
//! mapping memory twice takes `unsafe`, which this workspace leaves to compiled code; what is seen through the pages of
//! such a mapping is the same as bytes addressed modulo the size, so that is what a ring does. Applications see
//! what crosses the end as two slices.

/// Bytes of a stream, as many as are kept of it at once.
#[derive(Debug)]
pub(crate) struct Ring(Box<[u8]>);

impl Ring {
    pub(crate) fn new(len: usize) -> Self {
        Self(vec![0; len].into_boxed_slice())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Bytes from a position of the stream on.
    ///
    /// # Panics
    /// If they are more than the ring has.
    pub(crate) fn slices(&self, position: u64, len: usize) -> [&[u8]; 2] {
        let at = self.index_of(position);
        let n_first = len.min(self.0.len() - at);
        [&self.0[at..at + n_first], &self.0[..len - n_first]]
    }

    /// The same, to be written.
    ///
    /// # Panics
    /// If they are more than the ring has.
    pub(crate) fn slices_mut(&mut self, position: u64, len: usize) -> [&mut [u8]; 2] {
        assert!(len <= self.0.len(), "more bytes than the ring has");
        let at = self.index_of(position);
        let n_first = len.min(self.0.len() - at);
        let (front, back) = self.0.split_at_mut(at);
        [&mut back[..n_first], &mut front[..len - n_first]]
    }

    /// Puts bytes to a position of the stream.
    ///
    /// # Panics
    /// If they are more than the ring has.
    pub(crate) fn write(&mut self, position: u64, bytes: &[u8]) {
        let [first, second] = self.slices_mut(position, bytes.len());
        let (to_first, to_second) = bytes.split_at(first.len());
        first.copy_from_slice(to_first);
        second.copy_from_slice(to_second);
    }

    /// Copies bytes from a position of the stream on.
    ///
    /// # Panics
    /// If they are more than the ring has.
    pub(crate) fn read(&self, position: u64, bytes: &mut [u8]) {
        let [first, second] = self.slices(position, bytes.len());
        let (to_first, to_second) = bytes.split_at_mut(first.len());
        to_first.copy_from_slice(first);
        to_second.copy_from_slice(second);
    }

    fn index_of(&self, position: u64) -> usize {
        // Below the length of a slice.
        (position % self.0.len() as u64) as usize
    }
}
