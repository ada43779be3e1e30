//! Checksum units of parsers and deparsers.

use p4rmt_engine::OnesSum;
use p4rmt_ir::{Bits, ChecksumId, ChecksumOp, Expr, Id, Place};
use p4rmt_source::Span;

use crate::packet::Packet;

impl Packet<'_> {
    /// Runs an operation of a checksum unit.
    pub(crate) fn checksum(
        &mut self,
        unit: ChecksumId,
        op: ChecksumOp,
        args: &[Expr],
        outs: &[Option<Place>],
        span: Span,
    ) {
        let data = self.eval_concat(args);
        let sum = &mut self.work.sums[unit.index()];
        let result = match op {
            ChecksumOp::Add => return sum.add(&data),
            ChecksumOp::Subtract => return sum.subtract(&data),
            ChecksumOp::Verify => Bits::from_bool(!sum.is_correct()),
            // Of a parser, the residual (see `OnesSum`); of a deparser, the checksum.
            ChecksumOp::Get if self.is_deparsing => sum.checksum(),
            ChecksumOp::Get => sum.sum(),
            ChecksumOp::Update { zeros_as_ones } => {
                let mut sum = OnesSum::default();
                sum.add(&data);
                let checksum = sum.checksum();
                if zeros_as_ones && checksum.is_zero() {
                    Bits::ones(16)
                } else {
                    checksum
                }
            }
            ChecksumOp::SubtractAllAndDeposit => {
                if let Some(Some(place)) = outs.first() {
                    self.work.deposits.push((unit, place.clone(), span));
                }
                return;
            }
        };
        self.work.results.push(result);
    }

    /// Takes what is extracted out of the residuals that are to be deposited.
    pub(crate) fn subtract_from_residuals(&mut self, value: &Bits) {
        let work = &mut *self.work;
        for (unit, _, _) in &work.deposits {
            work.extracted[unit.index()] = work.extracted[unit.index()].concat(value);
        }
    }

    /// At the end of the parser: writes the residuals.
    pub(crate) fn deposit_residuals(&mut self) {
        let mut deposits = std::mem::take(&mut self.work.deposits);
        for (unit, place, span) in deposits.drain(..) {
            let extracted =
                std::mem::replace(&mut self.work.extracted[unit.index()], Bits::zero(0));
            let sum = &mut self.work.sums[unit.index()];
            sum.subtract(&extracted);
            let residual = sum.sum();
            self.store(&place, residual, span);
        }
        self.work.deposits = deposits;
    }
}
