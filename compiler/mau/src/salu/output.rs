//! What comes out of a call: for each word a source, and when it shows.
//!
//! A word shows an old half, an operand, what a half takes, or that a predicate holds; and zero when its
//! own predicate does not; also the number of the case that the comparators see, quotient and remainder,
//! and what a search in lanes finds. A value that is none of these is computed in the upper half, if the
//! element leaves that free.

use p4rmt_ir::salu::{Half, LayoutKind, Predicate};
use p4rmt_ir::{BinaryOp, Bits, Expr, LanePart};
use p4rmt_source::Span;

use super::cases::{Cases, Leaf, is_zero, predicate, sliced};
use super::fault::{Fault, Located};
use super::normal::{bare_operand, is_operand, normal, resize, slice};
use super::operation::{Operations, Source};
use super::plan::{PlannedSlot, add_slots};
use super::search::PlannedSearch;
use crate::target::SaluLimits;

/// Bits of a word.
const WORD_BITS: u32 = 32;

/// A word of output whose source has no place yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PlannedWord {
    pub(super) word: u32,
    pub(super) shown: Shown,
    pub(super) span: Span,
}

/// What a word shows, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shown {
    pub(super) source: WordSource,
    pub(super) predicate: Predicate,
    /// Which bits of a source of 64; none for narrower ones.
    is_high: Option<bool>,
}

/// What a word shows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WordSource {
    Memory(Half),
    Operand(Expr),
    Alu(Half),
    Predicate {
        shift: u32,
    },
    /// The case.
    Case,
    Quotient([Source; 2]),
    Remainder([Source; 2]),
    LaneNumber,
    LaneIndex,
}

/// What comes out of a register action.
pub(super) struct Outputs<'a> {
    /// By output: its values and its width.
    pub(super) values: &'a [(Cases, u32)],
    /// What the halves take.
    pub(super) new: &'a [Option<Cases>; 2],
    /// The search that finds lanes.
    pub(super) search: Option<&'a PlannedSearch>,
    /// Whether it asks for the case of comparators.
    pub(super) asks: bool,
    /// Whether a case is possible.
    pub(super) is_possible: &'a dyn Fn(usize) -> bool,
}

/// How outputs come out.
pub(super) struct OutputPlan {
    pub(super) words: Vec<PlannedWord>,
    /// By output: the words that hold it.
    pub(super) outputs: Vec<Vec<Option<u32>>>,
    /// What is divided by what.
    pub(super) divider: Option<([Source; 2], Span)>,
}

/// Words for outputs, and the slots of the upper half where it computes one.
pub(super) fn plan_outputs(
    wanted: &Outputs<'_>,
    operations: Operations<'_>,
    salu: &SaluLimits,
    slots: &mut Vec<PlannedSlot>,
) -> Result<OutputPlan, Located> {
    let outputs = wanted.values;
    let planner = Planner {
        operations,
        wanted,
        half_bits: operations.halves.layout.half_bits,
    };
    let mut shown: Vec<Option<Vec<Option<Shown>>>> = Vec::new();
    for (cases, width) in outputs {
        shown.push(planner.direct(cases, *width)?);
    }
    // The predicate comes out once, preferably as the lowest bit, which other actions share.
    let mut taken: Option<Shown> = None;
    let mut take = |cases: &Cases, is_last_resort: bool| {
        let word = planner.as_predicate(cases)?;
        let is_asked = word.source == WordSource::Case && wanted.asks;
        let is_lowest = is_asked || word.source == WordSource::Predicate { shift: 0 };
        let is_free = taken.as_ref().is_none_or(|taken| *taken == word);
        (is_free && (is_lowest || is_last_resort)).then(|| {
            taken = Some(word.clone());
            vec![Some(word)]
        })
    };
    for ((cases, _), shown) in outputs.iter().zip(&mut shown) {
        *shown = shown.take().or_else(|| take(cases, false));
    }
    let has_spare = operations.halves.layout.kind == LayoutKind::Single
        && salu.computed_values > 1
        && wanted.search.is_none();
    let unmet = |shown: &[Option<Vec<Option<Shown>>>]| -> Vec<usize> {
        (0..outputs.len())
            .filter(|output| shown[*output].is_none())
            .collect()
    };
    let computed = unmet(&shown);
    let needs_alu = |output: &&usize| planner.as_predicate(&outputs[**output].0).is_none();
    let first = computed.iter().find(needs_alu).or(computed.first());
    if let Some(&first) = first.filter(|_| has_spare) {
        let (cases, width) = &outputs[first];
        let made = planner.in_half(cases, *width).and_then(|wanted| {
            let is_computed = |expr: &Expr| !is_zero(expr);
            let mut more = Vec::new();
            let operations = Operations {
                is_spare: true,
                ..operations
            };
            add_slots(Half::Hi, &wanted, is_computed, operations, salu, &mut more)?;
            Ok((wanted, more))
        });
        match made {
            Ok((wanted, more)) => {
                slots.extend(more);
                for output in computed {
                    let (cases, width) = &outputs[output];
                    let in_half = planner.in_half(cases, *width);
                    if in_half.is_ok_and(|cases| same(&cases, &wanted)) {
                        shown[output] = Some(planner.spare(*width));
                    }
                }
            }
            Err(fault) if planner.as_predicate(cases).is_none() => return Err(fault),
            Err(_) => {}
        }
    }
    for output in unmet(&shown) {
        let (cases, _) = &outputs[output];
        let Some(words) = take(cases, true) else {
            // The halves, and what would have to be computed besides.
            let n_unmet = u32::try_from(unmet(&shown).len()).unwrap_or(u32::MAX);
            let leaf = cases.iter().find(|leaf| !is_zero(&leaf.expr));
            let span = leaf.unwrap_or(&cases[0]).span;
            if wanted.search.is_some() {
                let what = "returns more than number and index of the lane that it finds, fields, and comparisons";
                return Err(Fault::Search(what).at(span));
            }
            return Err(Fault::Values(n_unmet.saturating_add(2)).at(span));
        };
        shown[output] = Some(words);
    }
    let (words, outputs) = assign_words(outputs, shown, operations, salu)?;
    let mut divider: Option<([Source; 2], Span)> = None;
    for word in &words {
        let (WordSource::Quotient(sources) | WordSource::Remainder(sources)) = &word.shown.source
        else {
            continue;
        };
        let (known, _) = divider.get_or_insert((sources.clone(), word.span));
        if known != sources {
            let what = "divides twice, and its stateful ALU has one divider";
            return Err(Fault::Division(what).at(word.span));
        }
    }
    Ok(OutputPlan {
        words,
        outputs,
        divider,
    })
}

fn same(a: &Cases, b: &Cases) -> bool {
    a.iter().zip(b).all(|(a, b)| a.expr == b.expr)
}

/// Gives each thing that is shown a word of its own.
#[expect(
    clippy::type_complexity,
    reason = "words, and by output the words that hold it"
)]
fn assign_words(
    outputs: &[(Cases, u32)],
    shown: Vec<Option<Vec<Option<Shown>>>>,
    operations: Operations<'_>,
    salu: &SaluLimits,
) -> Result<(Vec<PlannedWord>, Vec<Vec<Option<u32>>>), Located> {
    let mut words: Vec<PlannedWord> = Vec::new();
    let mut held: Vec<Vec<Option<u32>>> = outputs
        .iter()
        .map(|(_, width)| vec![None; width.div_ceil(WORD_BITS) as usize])
        .collect();
    let wide = operations.halves.layout.half_bits > WORD_BITS;
    let wanted: Vec<(usize, usize, Shown)> = shown
        .into_iter()
        .enumerate()
        .flat_map(|(output, chunks)| {
            let chunks = chunks.into_iter().flatten().enumerate();
            chunks.filter_map(move |(chunk, shown)| Some((output, chunk, shown?)))
        })
        .collect();
    // What can stand in two words only is served first.
    for is_picky in [true, false] {
        for (output, chunk, shown) in &wanted {
            let possible: Vec<u32> = match shown.is_high.filter(|_| wide) {
                Some(true) => vec![2, 3],
                Some(false) => vec![0, 1],
                None => vec![0, 1, 2, 3],
            };
            if (possible.len() == 2) != is_picky {
                continue;
            }
            let known = words.iter().find(|word| word.shown == *shown);
            let word = match known {
                Some(known) => known.word,
                None => {
                    let is_free = |word: &u32| {
                        *word < salu.outputs && !words.iter().any(|taken| taken.word == *word)
                    };
                    let span = outputs[*output].0[0].span;
                    let Some(word) = possible.into_iter().find(is_free) else {
                        let mut different: Vec<&Shown> = Vec::new();
                        for (.., shown) in &wanted {
                            if !different.contains(&shown) {
                                different.push(shown);
                            }
                        }
                        let needed = u32::try_from(different.len()).unwrap_or(u32::MAX);
                        return Err(Fault::Words(needed).at(span));
                    };
                    words.push(PlannedWord {
                        word,
                        shown: shown.clone(),
                        span,
                    });
                    word
                }
            };
            held[*output][*chunk] = Some(word);
        }
    }
    Ok((words, held))
}

struct Planner<'a> {
    operations: Operations<'a>,
    wanted: &'a Outputs<'a>,
    half_bits: u32,
}

impl Planner<'_> {
    /// The words of a value that need no ALU of their own, if there are.
    fn direct(&self, cases: &Cases, width: u32) -> Result<Option<Vec<Option<Shown>>>, Located> {
        let mut words = Vec::new();
        for chunk in 0..width.div_ceil(WORD_BITS) {
            let lo = chunk * WORD_BITS;
            let hi = (lo + WORD_BITS).min(width) - 1;
            let part = sliced(cases, hi, lo, self.operations.gress);
            if part.iter().all(|leaf| is_zero(&leaf.expr)) {
                words.push(None);
                continue;
            }
            let source = self.input(&part).or_else(|| self.result(&part));
            let source = match source {
                None => self.of_unit(&part)?.map(|source| (source, None)),
                known => known,
            };
            let Some((source, is_high)) = source else {
                return Ok(None);
            };
            words.push(Some(Shown {
                source,
                is_high,
                predicate: predicate(part.len(), |case| !is_zero(&part[case].expr)),
            }));
        }
        Ok(Some(words))
    }

    /// The quotient, remainder or found lane that a word shows wherever it is not zero.
    fn of_unit(&self, part: &Cases) -> Result<Option<WordSource>, Located> {
        let gress = self.operations.gress;
        let bare = |expr: &Expr| match bare_operand(expr) {
            // What is cut off is never shown.
            Expr::Slice { arg, lo: 0, hi } if hi + 1 == expr.width(gress) => *arg,
            expr => expr,
        };
        let is_of_unit = |expr: &Expr| match expr {
            Expr::Lane(lane) => self.wanted.search.is_some() && lane.op.part != LanePart::Word,
            Expr::Binary { op, .. } => matches!(op, BinaryOp::DivU | BinaryOp::RemU),
            _ => false,
        };
        let shown = || part.iter().filter(|leaf| !is_zero(&leaf.expr));
        let Some(first) = shown().find(|leaf| is_of_unit(&bare(&leaf.expr))) else {
            return Ok(None);
        };
        let source = match bare(&first.expr) {
            Expr::Binary { op, lhs, rhs } => {
                let at = |fault: Fault| fault.at(first.span);
                let dividend = self.operations.divided(&lhs).map_err(at)?;
                let divisor = self.operations.divided(&rhs).map_err(at)?;
                match op {
                    BinaryOp::DivU => WordSource::Quotient([dividend, divisor]),
                    _ => WordSource::Remainder([dividend, divisor]),
                }
            }
            Expr::Lane(lane) if lane.op.part == LanePart::Index => WordSource::LaneIndex,
            _ => WordSource::LaneNumber,
        };
        if shown().any(|leaf| leaf.expr != first.expr) {
            let what = match source {
                WordSource::Quotient(_) | WordSource::Remainder(_) => Fault::Division(
                    "returns a quotient or remainder in one case and something else in another, and a word of output shows one thing",
                ),
                _ => Fault::Search(
                    "returns the lane that it finds in one case and something else in another, and a word of output shows one thing",
                ),
            };
            return Err(what.at(first.span));
        }
        Ok(Some(source))
    }

    /// The old half or the operand that a word shows wherever it is not zero.
    fn input(&self, part: &Cases) -> Option<(WordSource, Option<bool>)> {
        let mut shown = part.iter().filter(|leaf| !is_zero(&leaf.expr));
        let expr = bare_operand(&shown.next()?.expr);
        if !shown.all(|leaf| bare_operand(&leaf.expr) == expr) {
            return None;
        }
        let (whole, lo) = match &expr {
            Expr::Slice { arg, lo, .. } if self.operations.halves.half_of(arg).is_some() => {
                (&**arg, *lo)
            }
            // Of a wide operand, either word.
            Expr::Slice { arg, lo, .. }
                if self.half_bits > WORD_BITS
                    && is_operand(arg)
                    && arg.width(self.operations.gress) > WORD_BITS =>
            {
                (&**arg, *lo)
            }
            expr => (expr, 0),
        };
        let is_high = match lo {
            0 => false,
            WORD_BITS => true,
            _ => return None,
        };
        let source = match self.operations.halves.half_of(whole) {
            Some(half) => WordSource::Memory(half),
            None if is_operand(whole) => {
                let fits = whole.width(self.operations.gress) <= self.half_bits.max(8);
                fits.then(|| WordSource::Operand(whole.clone()))?
            }
            None => return None,
        };
        let is_wide = whole.width(self.operations.gress) > WORD_BITS;
        Some((source, is_wide.then_some(is_high)))
    }

    /// The half whose new value a word shows wherever it is not zero.
    fn result(&self, part: &Cases) -> Option<(WordSource, Option<bool>)> {
        let gress = self.operations.gress;
        let width = part.first()?.expr.width(gress);
        for half in [Half::Lo, Half::Hi] {
            let Some(new) = &self.wanted.new[half.index()] else {
                continue;
            };
            let words = self.half_bits.div_ceil(WORD_BITS);
            for word in 0..words {
                let lo = word * WORD_BITS;
                let is_shown = part.iter().zip(new).all(|(shown, new)| {
                    if is_zero(&shown.expr) {
                        return true;
                    }
                    let hi = (lo + width).min(self.half_bits) - 1;
                    let bits = slice(new.expr.clone(), hi, lo, gress);
                    let word = resize(bits, width, false, gress);
                    word == shown.expr
                        || (lo == 0
                            && self
                                .widened(&shown.expr)
                                .is_some_and(|wide| wide == new.expr))
                });
                if is_shown {
                    let is_wide = self.half_bits > WORD_BITS;
                    return Some((WordSource::Alu(half), is_wide.then_some(word == 1)));
                }
            }
        }
        None
    }

    /// The word that shows one constant bit or the case, or zero.
    fn as_predicate(&self, cases: &Cases) -> Option<Shown> {
        let one_bit = self.as_bit(cases);
        // The bit of the only case is one bit, too.
        one_bit.or_else(|| self.as_case(cases))
    }

    /// The word that shows the case, or zero.
    fn as_case(&self, cases: &Cases) -> Option<Shown> {
        let is_case = |(case, leaf): (usize, &Leaf)| {
            let Expr::Const(bits) = &leaf.expr else {
                return false;
            };
            let bit = Bits::from_u64(64, 1 << (case & 0xf)).resize(bits.width(), false);
            bits.is_zero() || *bits == bit || !(self.wanted.is_possible)(case)
        };
        cases.iter().enumerate().all(is_case).then(|| Shown {
            source: WordSource::Case,
            predicate: predicate(cases.len(), |case| {
                !is_zero(&cases[case].expr) && (self.wanted.is_possible)(case)
            }),
            is_high: None,
        })
    }

    /// The word that shows one constant bit, or zero.
    fn as_bit(&self, cases: &Cases) -> Option<Shown> {
        let mut shift = None;
        for leaf in cases.iter().filter(|leaf| !is_zero(&leaf.expr)) {
            let Expr::Const(bits) = &leaf.expr else {
                return None;
            };
            let value = bits.to_u128().filter(|value| value.is_power_of_two())?;
            let bit = value.trailing_zeros();
            if bit >= WORD_BITS || shift.is_some_and(|known| known != bit) {
                return None;
            }
            shift = Some(bit);
        }
        Some(Shown {
            source: WordSource::Predicate { shift: shift? },
            predicate: predicate(cases.len(), |case| !is_zero(&cases[case].expr)),
            is_high: None,
        })
    }

    /// The value as the upper half computes it, where its bits are the low ones.
    fn in_half(&self, cases: &Cases, width: u32) -> Result<Cases, Located> {
        let gress = self.operations.gress;
        let spare_bits = self.operations.spare_bits();
        let is_simple =
            |expr: &Expr| matches!(expr, Expr::Const(_) | Expr::Local { .. }) || is_operand(expr);
        let mut computed = Vec::new();
        for leaf in cases {
            let bare = bare_operand(&leaf.expr);
            let bare_width = bare.width(gress);
            let expr = if is_simple(&bare) {
                let is_small = |bits: &Bits| {
                    let value = bits.to_u128();
                    value.is_some_and(|value| spare_bits >= 128 || value >> spare_bits == 0)
                };
                match &bare {
                    Expr::Const(bits) if is_small(bits) => resize(bare, spare_bits, false, gress),
                    Expr::Const(_) => return Err(Fault::TooWide(bare_width).at(leaf.span)),
                    _ => bare,
                }
            } else if bare_width > spare_bits {
                return Err(Fault::TooWide(bare_width).at(leaf.span));
            } else if bare_width > self.half_bits || keeps_width(&bare) {
                bare
            } else if width > bare_width {
                // Bits above the sum are not zero.
                return Err(Fault::Sliced("extends a result").at(leaf.span));
            } else {
                self.widened(&bare).unwrap_or(bare)
            };
            computed.push(Leaf {
                expr,
                span: leaf.span,
            });
        }
        Ok(computed)
    }

    /// The value as wide as a half, whose low bits are those of the expression, where these follow
    /// from low bits alone.
    fn widened(&self, expr: &Expr) -> Option<Expr> {
        let gress = self.operations.gress;
        let width = expr.width(gress);
        if width >= self.half_bits {
            return (width == self.half_bits).then(|| expr.clone());
        }
        let wide = match expr {
            Expr::Slice { arg, lo: 0, .. } if arg.width(gress) == self.half_bits => (**arg).clone(),
            Expr::Const(_) => resize(expr.clone(), self.half_bits, false, gress),
            expr if is_operand(expr) => resize(expr.clone(), self.half_bits, false, gress),
            Expr::Unary { op, arg } => Expr::unary(*op, self.widened(arg)?),
            Expr::Binary {
                op:
                    op @ (BinaryOp::Add | BinaryOp::Sub | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
                lhs,
                rhs,
            } => Expr::binary(*op, self.widened(lhs)?, self.widened(rhs)?),
            Expr::Slice { arg, lo: 0, .. } => {
                let inner = self.widened(arg)?;
                return Some(inner);
            }
            Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Slice { .. }
            | Expr::Binary { .. }
            | Expr::Resize { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => return None,
        };
        Some(normal(wide, gress))
    }

    /// The words that show what the upper half computes.
    fn spare(&self, width: u32) -> Vec<Option<Shown>> {
        let is_wide = self.operations.spare_bits() > WORD_BITS;
        (0..width.div_ceil(WORD_BITS))
            .map(|chunk| {
                // A narrow half has nothing to show beyond its word.
                (chunk == 0 || is_wide).then_some(Shown {
                    source: WordSource::Alu(Half::Hi),
                    predicate: Predicate::ALWAYS,
                    is_high: is_wide.then_some(chunk == 1),
                })
            })
            .collect()
    }
}

/// Whether what an operation gives is no wider than its sources: the smaller or larger of two, and
/// what saturates.
fn keeps_width(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Mux { .. }
            | Expr::Binary {
                op: BinaryOp::AddSatU | BinaryOp::AddSatS | BinaryOp::SubSatU | BinaryOp::SubSatS,
                ..
            }
    )
}
