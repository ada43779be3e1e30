//! Bytes read one field after the other, each length checked before it is used.

use crate::WireError;

/// What is left of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// Takes so many bytes, which are named `part` if they are not there.
    pub(crate) fn take(&mut self, len: usize, part: &'static str) -> Result<&'a [u8], WireError> {
        let Some((taken, rest)) = self.0.split_at_checked(len) else {
            return Err(WireError::Short {
                part,
                needed: len,
                available: self.0.len(),
            });
        };
        self.0 = rest;
        Ok(taken)
    }

    /// Takes as many bytes as the array has.
    pub(crate) fn array<const N: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<[u8; N], WireError> {
        let Some((taken, rest)) = self.0.split_first_chunk() else {
            return Err(WireError::Short {
                part,
                needed: N,
                available: self.0.len(),
            });
        };
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self, part: &'static str) -> Result<u8, WireError> {
        self.array(part).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, part: &'static str) -> Result<u16, WireError> {
        self.array(part).map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self, part: &'static str) -> Result<u32, WireError> {
        self.array(part).map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self, part: &'static str) -> Result<u64, WireError> {
        self.array(part).map(u64::from_be_bytes)
    }
}

/// That a field is what it must be.
pub(crate) fn expect<T: Into<u64> + PartialEq>(
    field: &'static str,
    found: T,
    expected: T,
) -> Result<(), WireError> {
    if found == expected {
        return Ok(());
    }
    Err(WireError::Field {
        field,
        found: found.into(),
        expected: expected.into(),
    })
}
