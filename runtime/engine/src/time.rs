//! The clock as time.

/// Time stamps of nanoseconds have 48 bits.
pub const TIME_MASK: u64 = 0xffff_ffff_ffff;

/// A clock as nanoseconds since clock 0, not cut to a time stamp, where a microsecond has so many clocks; and what is
/// left of a thousand times the clock when all of them are taken out.
#[must_use]
pub fn nanoseconds_and_rest(clocks_per_us: u64, clock: u64) -> (u64, u64) {
    let clocks_per_us = clocks_per_us.max(1);
    match clock.checked_mul(1000) {
        Some(thousand) => (thousand / clocks_per_us, thousand % clocks_per_us),
        None => {
            let thousand = u128::from(clock) * 1000;
            let clocks_per_us = u128::from(clocks_per_us);
            let (ns, rest) = (thousand / clocks_per_us, thousand % clocks_per_us);
            (ns as u64, rest as u64)
        }
    }
}

/// The first clock that is not before so many nanoseconds; the last of all if there is none.
#[must_use]
pub fn clock_at(clocks_per_us: u64, ns: u64) -> u64 {
    match ns.checked_mul(clocks_per_us) {
        Some(clocks) => clocks.div_ceil(1000),
        None => {
            let clocks = (u128::from(ns) * u128::from(clocks_per_us)).div_ceil(1000);
            u64::try_from(clocks).unwrap_or(u64::MAX)
        }
    }
}

/// Time stamps in microseconds: those of nanoseconds, divided. Clocks that follow each other mostly have the same,
/// which is computed once.
#[derive(Clone, Debug)]
pub struct Microseconds {
    clocks_per_us: u64,
    /// The clocks from here up to but without `until` have the same.
    from: u64,
    until: u64,
    us: u64,
}

impl Microseconds {
    /// Of a clock that ticks so often in a microsecond.
    #[must_use]
    pub fn new(clocks_per_us: u64) -> Self {
        Self {
            clocks_per_us,
            from: 0,
            until: 0,
            us: 0,
        }
    }

    /// How often the clock ticks in a microsecond.
    #[must_use]
    pub fn clocks_per_us(&self) -> u64 {
        self.clocks_per_us
    }

    /// The time stamp of a clock.
    #[inline]
    pub fn at(&mut self, clock: u64) -> u64 {
        if clock.wrapping_sub(self.from) >= self.until - self.from {
            self.find(clock);
        }
        self.us
    }

    #[cold]
    fn find(&mut self, clock: u64) {
        let (ns, _) = nanoseconds_and_rest(self.clocks_per_us, clock);
        let stamp = ns & TIME_MASK;
        self.us = stamp / 1000;
        self.from = clock;
        // The next nanosecond that has another time stamp: that of the next microsecond, or of a new beginning.
        let next = ((self.us + 1) * 1000).min(TIME_MASK + 1);
        // The last clocks of all, whose nanoseconds are more than 64 bits, are looked up each time.
        let ns = ns.saturating_add(next - stamp);
        self.until = clock_at(self.clocks_per_us.max(1), ns).max(clock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stamps_that_are_remembered_are_those_that_are_computed() {
        for clocks_per_us in [0, 1, 3, 499, 1000, 1220, 1350, 100_000] {
            let mut remembered = Microseconds::new(clocks_per_us);
            let mut clock = 0u64;
            let around_the_end = (TIME_MASK / 1000).saturating_mul(clocks_per_us);
            let steps = [0, 1, 1, 2, 900, 1, 1, 98, 1, 1, 1, 5_000, 1, 1, 7];
            let jumps = [
                around_the_end,
                1,
                1,
                400,
                1,
                1,
                1300,
                u64::MAX / 2,
                1,
                u64::MAX / 2,
            ];
            for step in steps
                .repeat(40)
                .into_iter()
                .chain(jumps)
                .chain([1, 1, 0, 3])
            {
                clock = clock.saturating_add(step);
                let (ns, _) = nanoseconds_and_rest(clocks_per_us, clock);
                assert_eq!(
                    remembered.at(clock),
                    (ns & TIME_MASK) / 1000,
                    "clock {clock} of {clocks_per_us} a microsecond"
                );
            }
        }
    }
}
