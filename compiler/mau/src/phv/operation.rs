//! What actions do to bits of fields: each assignment as moves and computations.
//!
//! In: a parallel action. Out: its [`Operation`]s. A concatenation is a move of each of its pieces; a
//! widened value is a move of its bits and a move of a constant above them. Constants, parameters and
//! results of calls are all [`Source::Data`]: they reach an action ALU by the same way.

use p4rmt_ir::{BinaryOp, Expr, FieldId, Gress, ParallelAction, Place, UnaryOp};
use p4rmt_source::Span;

/// Bits of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldSlice {
    /// The field.
    pub field: FieldId,
    /// Highest bit.
    pub hi: u32,
    /// Lowest bit.
    pub lo: u32,
}

impl FieldSlice {
    /// All bits of a field.
    #[must_use]
    pub fn whole(field: FieldId, gress: &Gress) -> Self {
        Self {
            field,
            hi: gress.fields[field].width.saturating_sub(1),
            lo: 0,
        }
    }

    /// How many bits it has.
    #[must_use]
    pub fn width(self) -> u32 {
        self.hi - self.lo + 1
    }

    /// The bits that it shares with another slice.
    #[must_use]
    pub fn common(self, other: Self) -> Option<Self> {
        let (hi, lo) = (self.hi.min(other.hi), self.lo.max(other.lo));
        (self.field == other.field && lo <= hi).then_some(Self { hi, lo, ..self })
    }
}

/// Where bits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Field(FieldSlice),
    Data,
}

impl Source {
    pub(crate) fn slice(self) -> Option<FieldSlice> {
        match self {
            Self::Field(slice) => Some(slice),
            Self::Data => None,
        }
    }
}

/// How a computation spreads over bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Each bit depends on the same bit of the sources.
    Bitwise(Bitwise),
    /// Each bit depends on the lower ones: sums and differences.
    Carry,
    /// Each bit depends on all: shifts, saturation, minimum, maximum.
    Whole,
}

/// What an instruction does with each bit of its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bitwise {
    Not,
    And,
    Or,
    Xor,
    /// Several of these, or a choice.
    Mixed,
}

/// One operation of an action ALU, or of several side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) dst: FieldSlice,
    pub(crate) effect: Effect,
    pub(crate) span: Span,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Sets the bits to those of the source, which are as many.
    Move(Source),
    /// Computes the bits from sources, which are no wider.
    Compute { reach: Reach, sources: Vec<Source> },
}

impl Effect {
    pub(crate) fn sources(&self) -> &[Source] {
        match self {
            Self::Move(source) => std::slice::from_ref(source),
            Self::Compute { sources, .. } => sources,
        }
    }
}

/// The operations of an action.
pub(crate) fn operations(action: &ParallelAction, gress: &Gress) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (call, span) in &action.calls {
        for dst in call
            .outs
            .iter()
            .flatten()
            .filter_map(|out| slice_of(out, gress))
        {
            operations.push(Operation {
                dst,
                effect: Effect::Move(Source::Data),
                span: *span,
            });
        }
    }
    for assign in &action.assigns {
        if let Some(dst) = slice_of(&assign.dst, gress) {
            let mut lowering = Lowering {
                gress,
                span: assign.span,
                operations: &mut operations,
            };
            lowering.lower(dst, &assign.value);
        }
    }
    operations
}

/// The bits that a place names; none where it is a variable of the action.
fn slice_of(place: &Place, gress: &Gress) -> Option<FieldSlice> {
    match place {
        Place::Field(field) => Some(FieldSlice::whole(*field, gress)),
        Place::FieldSlice { field, hi, lo } => Some(FieldSlice {
            field: *field,
            hi: *hi,
            lo: *lo,
        }),
        Place::Local(_) | Place::LocalSlice { .. } => None,
    }
}

struct Lowering<'a> {
    gress: &'a Gress,
    span: Span,
    operations: &'a mut Vec<Operation>,
}

impl Lowering<'_> {
    fn push(&mut self, dst: FieldSlice, effect: Effect) {
        let span = self.span;
        self.operations.push(Operation { dst, effect, span });
    }

    fn lower(&mut self, dst: FieldSlice, value: &Expr) {
        if let Some(source) = self.source(value) {
            return self.push_move(dst, source);
        }
        match value {
            Expr::Binary {
                op: BinaryOp::Concat,
                lhs,
                rhs,
            } => {
                let low_bits = rhs.width(self.gress);
                if low_bits == 0 || low_bits >= dst.width() {
                    return self.lower(dst, rhs);
                }
                let cut = dst.lo + low_bits;
                self.lower(FieldSlice { lo: cut, ..dst }, lhs);
                self.lower(FieldSlice { hi: cut - 1, ..dst }, rhs);
            }
            Expr::Resize { arg, width, .. } => {
                let arg_bits = arg.width(self.gress).max(1);
                if arg_bits >= *width || arg_bits >= dst.width() {
                    return self.lower(dst, arg);
                }
                let cut = dst.lo + arg_bits;
                // Zeros, or copies of the sign: not bits of a field either way.
                self.push(FieldSlice { lo: cut, ..dst }, Effect::Move(Source::Data));
                self.lower(FieldSlice { hi: cut - 1, ..dst }, arg);
            }
            Expr::Slice { arg, .. } => self.lower(dst, arg),
            Expr::Unary { op, arg } => {
                let reach = match op {
                    UnaryOp::Not => Reach::Bitwise(Bitwise::Not),
                    UnaryOp::Neg => Reach::Carry,
                };
                self.compute(dst, reach, &[arg.as_ref()]);
            }
            Expr::Binary { op, lhs, rhs } => self.compute(dst, reach(*op), &[lhs, rhs]),
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                // A minimum or maximum sees all bits; a choice by a parameter moves them.
                let is_choice = !reads_field(cond);
                let reach = if is_choice {
                    Reach::Bitwise(Bitwise::Mixed)
                } else {
                    Reach::Whole
                };
                self.compute(dst, reach, &[then, otherwise]);
            }
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => self.push(dst, Effect::Move(Source::Data)),
        }
    }

    fn push_move(&mut self, dst: FieldSlice, source: Source) {
        match source {
            Source::Field(slice) if slice.width() < dst.width() => {
                let cut = dst.lo + slice.width();
                self.push(FieldSlice { lo: cut, ..dst }, Effect::Move(Source::Data));
                self.push(FieldSlice { hi: cut - 1, ..dst }, Effect::Move(source));
            }
            Source::Field(slice) => {
                let hi = slice.lo + dst.width() - 1;
                let source = Source::Field(FieldSlice { hi, ..slice });
                self.push(dst, Effect::Move(source));
            }
            Source::Data => self.push(dst, Effect::Move(source)),
        }
    }

    fn compute(&mut self, dst: FieldSlice, reach: Reach, args: &[&Expr]) {
        let mut sources = Vec::new();
        for arg in args {
            self.collect(arg, &mut sources);
        }
        sources.dedup();
        let is_plain = args.iter().all(|arg| self.source(arg).is_some());
        let reach = match reach {
            Reach::Bitwise(_) if !is_plain => Reach::Bitwise(Bitwise::Mixed),
            reach => reach,
        };
        self.push(dst, Effect::Compute { reach, sources });
    }

    /// The sources of an argument. Nested operations were refused before, but for complements and
    /// the two halves of a funnel shift.
    fn collect(&self, arg: &Expr, sources: &mut Vec<Source>) {
        if let Some(source) = self.source(arg) {
            sources.push(source);
            return;
        }
        match arg {
            Expr::Unary { arg, .. } | Expr::Slice { arg, .. } | Expr::Resize { arg, .. } => {
                self.collect(arg, sources);
            }
            Expr::Binary { lhs, rhs, .. } => {
                self.collect(lhs, sources);
                self.collect(rhs, sources);
            }
            Expr::Mux {
                then, otherwise, ..
            } => {
                self.collect(then, sources);
                self.collect(otherwise, sources);
            }
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => sources.push(Source::Data),
        }
    }

    /// The expression as one source: a field, bits of one, or a value that is none, cut or extended.
    fn source(&self, expr: &Expr) -> Option<Source> {
        match expr {
            Expr::Field(field) => Some(Source::Field(FieldSlice::whole(*field, self.gress))),
            Expr::Const(_) | Expr::Param { .. } | Expr::Local { .. } => Some(Source::Data),
            Expr::Slice { arg, hi, lo } => match self.source(arg)? {
                Source::Field(slice) if slice.lo + lo <= slice.hi => {
                    Some(Source::Field(FieldSlice {
                        hi: (slice.lo + hi).min(slice.hi),
                        lo: slice.lo + lo,
                        ..slice
                    }))
                }
                Source::Field(_) | Source::Data => Some(Source::Data),
            },
            Expr::Resize { arg, width, .. } => match self.source(arg)? {
                Source::Field(slice) => Some(Source::Field(FieldSlice {
                    hi: slice.hi.min(slice.lo + width - 1),
                    ..slice
                })),
                Source::Data => Some(Source::Data),
            },
            Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::MathUnit { .. }
            | Expr::Lane(_) => None,
        }
    }
}

fn reach(op: BinaryOp) -> Reach {
    match op {
        BinaryOp::And => Reach::Bitwise(Bitwise::And),
        BinaryOp::Or => Reach::Bitwise(Bitwise::Or),
        BinaryOp::Xor => Reach::Bitwise(Bitwise::Xor),
        BinaryOp::Concat => Reach::Bitwise(Bitwise::Mixed),
        BinaryOp::Add | BinaryOp::Sub => Reach::Carry,
        BinaryOp::Mul
        | BinaryOp::DivU
        | BinaryOp::RemU
        | BinaryOp::AddSatU
        | BinaryOp::SubSatU
        | BinaryOp::AddSatS
        | BinaryOp::SubSatS
        | BinaryOp::Shl
        | BinaryOp::ShrU
        | BinaryOp::ShrS
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::LtU
        | BinaryOp::LeU
        | BinaryOp::LtS
        | BinaryOp::LeS => Reach::Whole,
    }
}

fn reads_field(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |inner| found |= matches!(inner, Expr::Field(_)));
    found
}
