//! Bytes that are known at every position, and differ from stream to stream.

use std::io::{self, Read, Write};

/// A stream of known bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) u64);

impl Pattern {
    /// Eight bytes of it.
    fn word(self, index: u64) -> [u8; 8] {
        // SplitMix64: neighbours have nothing in common.
        let mut value = (self.0 << 48).wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ value >> 31).to_le_bytes()
    }

    /// Fills in its bytes from a position on.
    pub(super) fn fill(self, position: u64, bytes: &mut [u8]) {
        let mut at = position;
        let mut rest = bytes;
        while !rest.is_empty() {
            let word = self.word(at / 8);
            let word = &word[(at % 8) as usize..];
            let len = word.len().min(rest.len());
            rest[..len].copy_from_slice(&word[..len]);
            rest = &mut rest[len..];
            at += len as u64;
        }
    }

    /// Where bytes from a position on first differ from it.
    pub(super) fn difference(self, position: u64, bytes: &[u8]) -> Option<u64> {
        let mut expected = vec![0; bytes.len()];
        self.fill(position, &mut expected);
        let differs = |(found, expected)| found != expected;
        let at = bytes.iter().zip(&expected).position(differs)?;
        Some(position + at as u64)
    }

    /// Writes its first bytes.
    pub(super) fn write(self, to: &mut impl Write, len: u64) -> io::Result<()> {
        let mut bytes = vec![0; 1 << 16];
        let mut position = 0;
        while position < len {
            let n_bytes = bytes
                .len()
                .min((len - position).try_into().unwrap_or(usize::MAX));
            self.fill(position, &mut bytes[..n_bytes]);
            to.write_all(&bytes[..n_bytes])?;
            position += n_bytes as u64;
        }
        Ok(())
    }

    /// Reads so many bytes. Returns where the first is that is another, if one is.
    pub(super) fn read(self, from: &mut impl Read, len: u64) -> io::Result<Option<u64>> {
        let mut bytes = vec![0; 1 << 16];
        let mut position = 0;
        let mut difference = None;
        while position < len {
            let n_bytes = bytes
                .len()
                .min((len - position).try_into().unwrap_or(usize::MAX));
            let n_read = from.read(&mut bytes[..n_bytes])?;
            if n_read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            difference = difference.or_else(|| self.difference(position, &bytes[..n_read]));
            position += n_read as u64;
        }
        Ok(difference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_the_same_from_wherever_they_are_asked_for() {
        let mut whole = vec![0; 1000];
        Pattern(3).fill(0, &mut whole);
        for at in [1, 7, 8, 9, 500, 993] {
            let mut part = vec![0; 1000 - at];
            Pattern(3).fill(at as u64, &mut part);
            assert_eq!(part, whole[at..]);
        }
        assert_eq!(Pattern(3).difference(0, &whole), None);
        whole[777] ^= 1;
        assert_eq!(Pattern(3).difference(0, &whole), Some(777));
        assert_eq!(
            Pattern(4).difference(100, &whole[100..]).map(|at| at < 110),
            Some(true)
        );
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let mut bytes = Vec::new();
        Pattern(1)
            .write(&mut bytes, 100_000)
            .expect("a vector takes all");
        assert_eq!(bytes.len(), 100_000);
        let read = |pattern: Pattern, bytes: &[u8], len| pattern.read(&mut &bytes[..], len);
        assert_eq!(
            read(Pattern(1), &bytes, 100_000).expect("they are there"),
            None
        );
        assert!(read(Pattern(1), &bytes, 100_001).is_err());
        bytes[70_000] ^= 0x80;
        assert_eq!(
            read(Pattern(1), &bytes, 100_000).expect("they are there"),
            Some(70_000)
        );
    }
}
