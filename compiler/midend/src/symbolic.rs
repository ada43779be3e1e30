//! What fields hold after some statements, as expressions over what they held before.
//!
//! A [`Values`] starts with every field at its own value. Writing replaces bits of a field by an
//! expression over the entry values; reading assembles what the bits hold now. Statements that run in
//! order become in this way assignments that can run at once.

use indexmap::IndexMap;
use p4rmt_ir::{BinaryOp, Expr, FieldId, ParallelAssign, Place};
use p4rmt_source::Span;

use crate::simplify::{Fields, simplified_node, size, sliced};

/// The most operands and operators that one value may have: substitution can double a value with
/// every statement.
pub(crate) const MAX_SIZE: usize = 2_000;

/// The fields' values, over their entry values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    /// By field: what was written, in no order, without overlaps.
    written: IndexMap<FieldId, Vec<Piece>>,
}

/// Bits of a field that were written.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    hi: u32,
    lo: u32,
    value: Expr,
    span: Span,
}

/// A value grew beyond [`MAX_SIZE`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLarge;

impl Values {
    /// Whether a bit of the field was written.
    pub(crate) fn is_written(&self, field: FieldId) -> bool {
        self.written.contains_key(&field)
    }

    /// What was written to bits of the field.
    pub(crate) fn of_field(&self, field: FieldId) -> impl Iterator<Item = &Expr> {
        let pieces = self.written.get(&field);
        pieces.into_iter().flatten().map(|piece| &piece.value)
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// What bits `hi` down to `lo` of the field hold.
    fn read(&self, field: FieldId, hi: u32, lo: u32, fields: &Fields) -> Expr {
        let entry = |hi, lo| sliced(Expr::Field(field), hi, lo, fields);
        let Some(pieces) = self.written.get(&field) else {
            return entry(hi, lo);
        };
        let mut inside: Vec<&Piece> = pieces
            .iter()
            .filter(|piece| piece.lo <= hi && piece.hi >= lo)
            .collect();
        inside.sort_by_key(|piece| std::cmp::Reverse(piece.hi));
        let mut parts = Vec::new();
        // Bits at and above `done` are assembled.
        let mut done = hi + 1;
        for piece in inside {
            let top = piece.hi.min(hi);
            let bottom = piece.lo.max(lo);
            if top + 1 < done {
                parts.push(entry(done - 1, top + 1));
            }
            let value = piece.value.clone();
            parts.push(sliced(value, top - piece.lo, bottom - piece.lo, fields));
            done = bottom;
        }
        if done > lo {
            parts.push(entry(done - 1, lo));
        }
        parts
            .into_iter()
            .reduce(|high, low| simplified_node(Expr::binary(BinaryOp::Concat, high, low), fields))
            .expect("a range of bits is not empty")
    }

    /// The expression, which reads the fields as they are now, over their entry values; simplified.
    pub(crate) fn over_entry(&self, expr: Expr, fields: &Fields) -> Result<Expr, TooLarge> {
        let mut room = Some(MAX_SIZE);
        let value = self.substituted(expr, fields, &mut room);
        room.map(|_| value).ok_or(TooLarge)
    }

    /// `room` is how much larger the value may grow, nothing once it grew too large.
    fn substituted(&self, expr: Expr, fields: &Fields, room: &mut Option<usize>) -> Expr {
        let range = match &expr {
            Expr::Field(field) => Some((*field, fields[*field].width - 1, 0)),
            Expr::Slice { arg, hi, lo } => match **arg {
                Expr::Field(field) => Some((field, *hi, *lo)),
                _ => None,
            },
            _ => None,
        };
        let Some(left) = *room else { return expr };
        if let Some((field, hi, lo)) = range {
            let value = self.read(field, hi, lo, fields);
            *room = left.checked_sub(size(&value));
            return value;
        }
        *room = left.checked_sub(1);
        let expr = expr.map_args(&mut |arg| self.substituted(arg, fields, room));
        simplified_node(expr, fields)
    }

    /// Writes the bits that the place names. The value is over entry values.
    pub(crate) fn write(&mut self, dst: &Place, value: Expr, span: Span, fields: &Fields) {
        let (field, hi, lo) = match *dst {
            Place::Field(field) => (field, fields[field].width - 1, 0),
            Place::FieldSlice { field, hi, lo } => (field, hi, lo),
            Place::Local(_) | Place::LocalSlice { .. } => return,
        };
        let pieces = self.written.entry(field).or_default();
        let mut kept = Vec::with_capacity(pieces.len() + 1);
        for piece in pieces.drain(..) {
            if piece.lo > hi || piece.hi < lo {
                kept.push(piece);
                continue;
            }
            if piece.hi > hi {
                kept.push(piece.part(piece.hi, hi + 1, fields));
            }
            if piece.lo < lo {
                kept.push(piece.part(lo - 1, piece.lo, fields));
            }
        }
        kept.push(Piece {
            hi,
            lo,
            value,
            span,
        });
        *pieces = kept;
    }

    /// The values behind an `if`: those of `then` where the condition, over entry values, holds,
    /// else those of `otherwise`.
    pub(crate) fn merged(cond: &Expr, then: &Self, otherwise: &Self, fields: &Fields) -> Self {
        let mut merged = Self::default();
        let mut touched: Vec<FieldId> = then.written.keys().copied().collect();
        touched.extend(
            otherwise
                .written
                .keys()
                .filter(|field| !then.written.contains_key(*field)),
        );
        for field in touched {
            let both = || {
                [then, otherwise]
                    .into_iter()
                    .filter_map(|side| side.written.get(&field))
                    .flatten()
            };
            // Between two cuts, the bits come from one piece, or none, on either side.
            let mut cuts: Vec<u32> = both().flat_map(|piece| [piece.lo, piece.hi + 1]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            for range in cuts.windows(2) {
                let (lo, hi) = (range[0], range[1] - 1);
                let Some(piece) = both().find(|piece| piece.lo <= lo && piece.hi >= hi) else {
                    continue;
                };
                let value = simplified_node(
                    Expr::mux(
                        cond.clone(),
                        then.read(field, hi, lo, fields),
                        otherwise.read(field, hi, lo, fields),
                    ),
                    fields,
                );
                let dst = Place::FieldSlice { field, hi, lo };
                merged.write(&dst, value, piece.span, fields);
            }
        }
        merged
    }

    /// Whether a value grew beyond [`MAX_SIZE`].
    pub(crate) fn is_too_large(&self) -> bool {
        let mut pieces = self.written.values().flatten();
        pieces.any(|piece| size(&piece.value) > MAX_SIZE)
    }

    /// The assignments that make the fields hold their values, all at once: fields in the order in
    /// which they were first written, bits from the highest down.
    pub(crate) fn into_assigns(self, fields: &Fields) -> Vec<ParallelAssign> {
        let mut assigns = Vec::new();
        for (field, mut pieces) in self.written {
            pieces.sort_by_key(|piece| std::cmp::Reverse(piece.hi));
            for Piece {
                hi,
                lo,
                value,
                span,
            } in pieces
            {
                if value == sliced(Expr::Field(field), hi, lo, fields) {
                    continue;
                }
                let dst = if lo == 0 && hi + 1 == fields[field].width {
                    Place::Field(field)
                } else {
                    Place::FieldSlice { field, hi, lo }
                };
                assigns.push(ParallelAssign { dst, value, span });
            }
        }
        assigns
    }
}

impl Piece {
    /// Bits `hi` down to `lo` of the field, which are inside the piece.
    fn part(&self, hi: u32, lo: u32, fields: &Fields) -> Self {
        Self {
            hi,
            lo,
            value: sliced(self.value.clone(), hi - self.lo, lo - self.lo, fields),
            span: self.span,
        }
    }
}
