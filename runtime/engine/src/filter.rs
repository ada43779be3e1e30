//! Filters: averages of values over time, and early drop by them, on a clock that packets bring.
//!
//! The chip's filters are tables of its driver that no public source describes; this one is the usual
//! low-pass filter of first order with steps of any length. A value that comes `d` clocks after the one
//! before moves the average by `d / (T + d)` of the difference between the two, where `T` is the time
//! constant; the average starts at zero, at clock zero. With a time constant of zero the average is the
//! value itself.
//!
//! Early drop compares the average with two thresholds: never a drop below the lower one, always at
//! the upper one and above, and between them with a probability that grows evenly up to the one that is
//! configured. A cell whose upper threshold is zero is not configured and drops nothing.

use p4rmt_ir::{Bits, GressId, Id, MeterId};

use crate::layout::Array;
use crate::meter::N_FIELDS;
use crate::random::mix;

/// Fractional bits of an average: with the widest value it fits 64 bits.
const FRACTION_BITS: u32 = 24;

/// What the control plane sets of a filter's cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterConfig {
    /// The time constant in clocks.
    pub time_constant: u64,
    /// Early drop: the average below which nothing is dropped.
    pub min: u32,
    /// Early drop: the average from which on all is dropped.
    pub max: u32,
    /// Early drop: how probable a drop is just below `max`, in hundredths, at most 100.
    pub percent: u8,
}

/// One cell of a filter. It takes the place of a [`crate::MeterCell`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterCell {
    config: FilterConfig,
    /// The average, with [`FRACTION_BITS`] fractional bits.
    average: u64,
    clock: u64,
}

impl FilterConfig {
    /// The values of a cell that has seen nothing yet.
    pub(crate) fn initial_cell(self) -> [Bits; N_FIELDS] {
        let cell = FilterCell {
            config: self,
            ..FilterCell::default()
        };
        cell.values()
    }
}

impl FilterCell {
    /// Reads a cell.
    ///
    /// # Panics
    /// If the array is not one of a meter, or has no such cell.
    #[must_use]
    pub fn read(array: &Array, memory: &[u8], index: u64) -> Self {
        let mut values = array.read(memory, index).map(|value| value.low_u64());
        let mut next = || values.next().expect("a filter's cell has all values");
        let config = FilterConfig {
            time_constant: next(),
            min: next() as u32,
            max: next() as u32,
            percent: next() as u8,
        };
        let (average, _unused, clock) = (next(), next(), next());
        Self {
            config,
            average,
            clock,
        }
    }

    /// What the control plane has set.
    #[must_use]
    pub fn config(&self) -> FilterConfig {
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
        let FilterConfig {
            time_constant,
            min,
            max,
            percent,
        } = self.config;
        [
            time_constant,
            u64::from(min),
            u64::from(max),
            u64::from(percent),
            self.average,
            0,
            self.clock,
        ]
        .map(|value| Bits::from_u64(64, value))
    }

    /// Takes a value that comes at `clock`; returns the average, without its fraction. A clock before
    /// the last one counts as that.
    pub fn average(&mut self, clock: u64, value: u32) -> u32 {
        let elapsed = clock.saturating_sub(self.clock);
        self.clock = self.clock.max(clock);
        let value = u64::from(value) << FRACTION_BITS;
        let whole = u128::from(self.config.time_constant) + u128::from(elapsed);
        self.average = if self.config.time_constant == 0 {
            value
        } else {
            let share = |distance: u64| {
                let moved = u128::from(distance) * u128::from(elapsed) / whole;
                u64::try_from(moved).unwrap_or(distance)
            };
            if value >= self.average {
                self.average + share(value - self.average)
            } else {
                self.average - share(self.average - value)
            }
        };
        (self.average >> FRACTION_BITS) as u32
    }

    /// Whether the average says that a packet is to be dropped, by a draw of 32 bits.
    #[must_use]
    pub fn drops(&self, draw: u32) -> bool {
        let FilterConfig {
            min, max, percent, ..
        } = self.config;
        let [low, high] = [min, max].map(|bound| u64::from(bound) << FRACTION_BITS);
        if high == 0 || self.average < low {
            return false;
        }
        if self.average >= high {
            return true;
        }
        // draw / 2^32 < percent / 100 * (average - low) / (high - low)
        let left = u128::from(draw) * 100 * u128::from(high - low);
        let right = u128::from(percent) * u128::from(self.average - low);
        left < right << 32
    }
}

/// The draw of a filter for the packet that entered its gress at `clock`.
#[must_use]
pub fn filter_draw(clock: u64, gress: GressId, filter: MeterId, index: u64) -> u32 {
    // Apart from the places of random units, which count from zero.
    let place = (gress.index() as u64) << 32 | 1 << 31 | filter.index() as u64;
    (mix(clock ^ mix(place ^ mix(index))) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(time_constant: u64, min: u32, max: u32, percent: u8) -> FilterCell {
        FilterCell {
            config: FilterConfig {
                time_constant,
                min,
                max,
                percent,
            },
            ..FilterCell::default()
        }
    }

    #[test]
    fn without_a_time_constant_the_average_is_the_value() {
        let mut cell = cell(0, 0, 0, 0);
        assert_eq!(cell.average(0, 77), 77);
        assert_eq!(cell.average(5, 3), 3);
    }

    #[test]
    fn a_value_moves_the_average_by_its_share_of_the_time() {
        let mut cell = cell(100, 0, 0, 0);
        assert_eq!(cell.average(100, 80), 40);
        assert_eq!(cell.average(200, 80), 60);
        assert_eq!(cell.average(200, 0), 60);
        assert_eq!(cell.average(300, 0), 30);
        assert_eq!(cell.average(u64::MAX, u32::MAX), u32::MAX - 1);
    }

    #[test]
    fn drops_are_certain_beyond_the_thresholds_and_even_between() {
        let mut cell = cell(0, 10, 30, 50);
        cell.average(1, 9);
        assert!(!cell.drops(0));
        cell.average(2, 30);
        assert!(cell.drops(u32::MAX));
        cell.average(3, 20);
        let quarter = u32::MAX / 4;
        assert!(cell.drops(quarter - 1));
        assert!(!cell.drops(quarter + 1));
        cell.average(4, 10);
        assert!(!cell.drops(0));
    }

    #[test]
    fn a_cell_that_is_not_configured_drops_nothing() {
        let mut cell = cell(0, 0, 0, 100);
        cell.average(1, u32::MAX);
        assert!(!cell.drops(0));
    }
}
