//! Spans: places in the expanded text, named by one pair of numbers.
//!
//! The *expanded text* is what the preprocessor hands to the parser: every included file in its
//! place, every macro replaced. [`Sources`](crate::Sources) leads from there back to files and lines.

/// A range of bytes of the expanded text, from `lo` up to but not including `hi`.
///
/// The default is [`Span::NONE`], for what came from no text.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
pub struct Span {
    /// The first byte.
    pub lo: u32,
    /// One past the last byte.
    pub hi: u32,
}

impl Span {
    /// The span of what came from no text.
    pub const NONE: Self = Self {
        lo: u32::MAX,
        hi: u32::MAX,
    };

    /// The span of the bytes `lo..hi`.
    #[must_use]
    pub fn new(lo: u32, hi: u32) -> Self {
        Self { lo, hi }
    }

    /// Whether there is no text behind it.
    #[must_use]
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }

    /// The smallest span that covers both; the other one if one of them is [`Span::NONE`].
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if self.is_none() {
            return other;
        }
        if other.is_none() {
            return self;
        }
        Self {
            lo: self.lo.min(other.lo),
            hi: self.hi.max(other.hi),
        }
    }
}

impl Default for Span {
    fn default() -> Self {
        Self::NONE
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_none() {
            write!(f, "Span(none)")
        } else {
            write!(f, "Span({}..{})", self.lo, self.hi)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_covers_both() {
        let (a, b) = (Span::new(3, 5), Span::new(7, 9));
        assert_eq!(a.join(b), Span::new(3, 9));
        assert_eq!(b.join(a), Span::new(3, 9));
        assert_eq!(a.join(Span::NONE), a);
        assert_eq!(Span::NONE.join(b), b);
        assert!(Span::default().join(Span::NONE).is_none());
    }
}
