//! Two-rate three-colour meters (RFC 2698) on a clock that packets bring.
//!
//! A cell holds rates, burst sizes, two token buckets and the clock of the last packet. Tokens are
//! units (packets or bytes, as the meter counts) in fixed point with [`FRACTION_BITS`] fractional
//! bits; a rate is tokens a clock. A cell whose four parameters are zero is not configured and marks
//! everything green.

use p4rmt_ir::Bits;

use crate::layout::Array;

/// Fractional bits of a token count.
pub const FRACTION_BITS: u32 = 36;

/// Values of 64 bits a cell: CIR, CBS, PIR, PBS, committed tokens, peak tokens, last clock.
pub(crate) const N_FIELDS: usize = 7;

/// Rates and burst sizes of one cell, in fixed point with [`FRACTION_BITS`] fractional bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterConfig {
    /// Committed information rate: tokens a clock.
    pub cir: u64,
    /// Committed burst size: tokens.
    pub cbs: u64,
    /// Peak information rate: tokens a clock.
    pub pir: u64,
    /// Peak burst size: tokens.
    pub pbs: u64,
}

/// The colour of a packet. The program's values for them are [`p4rmt_ir::Meter::colors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Color {
    /// Within the committed rate.
    Green,
    /// Beyond it, within the peak rate.
    Yellow,
    /// Beyond the peak rate.
    Red,
}

/// One cell of a meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterCell {
    config: MeterConfig,
    committed: u64,
    peak: u64,
    clock: u64,
}

impl MeterConfig {
    /// The values of a cell with these parameters and full buckets, at clock 0.
    pub(crate) fn initial_cell(self) -> [Bits; N_FIELDS] {
        MeterCell {
            config: self,
            committed: self.cbs,
            peak: self.pbs,
            clock: 0,
        }
        .values()
    }
}

impl MeterCell {
    /// Reads a cell.
    ///
    /// # Panics
    /// If the array is not one of a meter, or has no such cell.
    #[must_use]
    pub fn read(array: &Array, memory: &[u8], index: u64) -> Self {
        let mut values = array.read(memory, index).map(|value| value.low_u64());
        let mut next = || values.next().expect("a meter's cell has all values");
        Self {
            config: MeterConfig {
                cir: next(),
                cbs: next(),
                pir: next(),
                pbs: next(),
            },
            committed: next(),
            peak: next(),
            clock: next(),
        }
    }

    /// Its rates and burst sizes.
    #[must_use]
    pub fn config(&self) -> MeterConfig {
        self.config
    }

    /// Writes a cell.
    ///
    /// # Panics
    /// If the array has no such cell.
    pub fn write(&self, array: &Array, memory: &mut [u8], index: u64) {
        array.write(memory, index, &self.values());
    }

    /// Its values, in the order of the layout.
    fn values(&self) -> [Bits; N_FIELDS] {
        let MeterConfig { cir, cbs, pir, pbs } = self.config;
        [cir, cbs, pir, pbs, self.committed, self.peak, self.clock]
            .map(|value| Bits::from_u64(64, value))
    }

    /// Meters a packet of so many units that comes at `clock` with a colour (green where the meter
    /// is colour-blind), by RFC 2698 §3. A clock before the last one adds no tokens.
    pub fn mark(&mut self, clock: u64, units: u64, color: Color) -> Color {
        if self.config == MeterConfig::default() {
            return color;
        }
        let elapsed = clock.saturating_sub(self.clock);
        self.clock = self.clock.max(clock);
        let MeterConfig { cir, cbs, pir, pbs } = self.config;
        self.committed = refill(self.committed, elapsed, cir, cbs);
        self.peak = refill(self.peak, elapsed, pir, pbs);
        let tokens = units.saturating_mul(1 << FRACTION_BITS);
        if color == Color::Red || self.peak < tokens {
            return Color::Red;
        }
        self.peak -= tokens;
        if color == Color::Yellow || self.committed < tokens {
            return Color::Yellow;
        }
        self.committed -= tokens;
        Color::Green
    }
}

/// Tokens after `elapsed` clocks at `rate`, at most `burst`.
fn refill(tokens: u64, elapsed: u64, rate: u64, burst: u64) -> u64 {
    let full = u128::from(elapsed) * u128::from(rate) + u128::from(tokens);
    u64::try_from(full).map_or(burst, |tokens| tokens.min(burst))
}
