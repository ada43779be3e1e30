//! Numbers, bytes and lists of a message.

use p4rmt_ir::{Bits, Id};
use p4rmt_source::Span;

use super::RemoteError;

/// A message in the making.
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    pub(super) fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn u64(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// With their length in front.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.u32(bytes.len() as u32);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn words(&mut self, words: &[u64]) {
        self.u32(words.len() as u32);
        words.iter().for_each(|word| self.u64(*word));
    }

    pub(super) fn ids<I: Id>(&mut self, ids: &[I]) {
        self.u32(ids.len() as u32);
        ids.iter().for_each(|id| self.u32(id.index() as u32));
    }

    pub(super) fn span(&mut self, span: Span) {
        self.u32(span.lo);
        self.u32(span.hi);
    }

    pub(super) fn bits(&mut self, value: &Bits) {
        self.u32(value.width());
        self.bytes(&value.to_bytes_be());
    }

    /// 1 and what it is, or 0.
    pub(super) fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        match value {
            Some(value) => {
                self.u8(1);
                write(self, value);
            }
            None => self.u8(0),
        }
    }

    pub(super) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.u32(values.len() as u32);
        values.iter().for_each(|value| write(self, value));
    }
}

/// A message that is read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], RemoteError> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(n_bytes)
            .ok_or(RemoteError::Damaged { what: "more bytes" })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], RemoteError> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many as were asked for"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, RemoteError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, RemoteError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, RemoteError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], RemoteError> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Result<String, RemoteError> {
        Ok(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    pub(super) fn words(&mut self) -> Result<Vec<u64>, RemoteError> {
        self.list(Self::u64)
    }

    pub(super) fn ids<I: Id>(&mut self) -> Result<Vec<I>, RemoteError> {
        self.list(|input| Ok(I::from_index(input.u32()? as usize)))
    }

    pub(super) fn span(&mut self) -> Result<Span, RemoteError> {
        Ok(Span {
            lo: self.u32()?,
            hi: self.u32()?,
        })
    }

    pub(super) fn bits(&mut self) -> Result<Bits, RemoteError> {
        let width = self.u32()?;
        let bytes = self.bytes()?;
        if width > Bits::MAX_WIDTH {
            return Err(RemoteError::Damaged {
                what: "a value of the language",
            });
        }
        Ok(Bits::from_bytes_be(width, bytes))
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, RemoteError>,
    ) -> Result<Option<T>, RemoteError> {
        Ok(match self.u8()? {
            0 => None,
            _ => Some(read(self)?),
        })
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, RemoteError>,
    ) -> Result<Vec<T>, RemoteError> {
        let length = self.u32()?;
        (0..length).map(|_| read(self)).collect()
    }

    /// Refuses what is left.
    pub(super) fn end(&self) -> Result<(), RemoteError> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        Err(RemoteError::Damaged {
            what: "the end of the message",
        })
    }
}
