//! How the clock of a device goes with that outside.
//!
//! A device is never ahead of the world. It falls behind where the packet generator makes packets faster than
//! they can be run; what it cannot make up for is given up ([`TimeMap::give_up`]), so that it does not run after
//! a past that it never reaches.

use std::time::Duration;

use p4rmt_pipeline::DeviceConfig;

/// A device may be so far behind.
const MAX_LAG_NS: u64 = 10_000_000;

/// When the device's clock was what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeMap {
    ns: u64,
    clock: u64,
    /// What was given up.
    pub(crate) lost_ns: u64,
}

impl TimeMap {
    /// The device stands at a clock now.
    pub(crate) fn new(now_ns: u64, clock: u64) -> Self {
        Self {
            ns: now_ns,
            clock,
            lost_ns: 0,
        }
    }

    /// Where the device's clock should stand now.
    pub(crate) fn clock(&self, now_ns: u64, config: &DeviceConfig) -> u64 {
        let clocks = config.clock_at(now_ns.saturating_sub(self.ns));
        self.clock.saturating_add(clocks)
    }

    /// How long it is until the device's clock should stand there.
    pub(crate) fn until(&self, clock: u64, now_ns: u64, config: &DeviceConfig) -> Duration {
        let ns = ns_of(clock.saturating_sub(self.clock), config);
        let at_ns = self.ns.saturating_add(ns);
        Duration::from_nanos(at_ns.saturating_sub(now_ns))
    }

    /// The device got as far as `reached`, and has more to do before `wanted`: if it is too far behind, time that
    /// has passed is taken not to have passed for it.
    pub(crate) fn give_up(&mut self, reached: u64, wanted: u64, config: &DeviceConfig) {
        let lag_ns = ns_of(wanted.saturating_sub(reached), config);
        if lag_ns > MAX_LAG_NS {
            self.ns = self.ns.saturating_add(lag_ns);
            self.lost_ns = self.lost_ns.saturating_add(lag_ns);
        }
    }
}

fn ns_of(clocks: u64, config: &DeviceConfig) -> u64 {
    let ns = (u128::from(clocks) * 1000).div_ceil(u128::from(config.clocks_per_us.max(1)));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    use p4rmt_ir::Arch;

    #[test]
    fn clocks_follow_the_world_and_say_when_they_get_somewhere() {
        let config = DeviceConfig::for_arch(Arch::T2na);
        let time = TimeMap::new(5_000, 100);
        assert_eq!(time.clock(5_000, &config), 100);
        assert_eq!(time.clock(6_000, &config), 100 + 1350);
        assert_eq!(time.clock(0, &config), 100, "time does not go back");
        let until = |clock, now_ns| time.until(clock, now_ns, &config).as_nanos();
        assert_eq!(until(100 + 1350, 5_000), 1000);
        assert_eq!(until(100 + 1350, 5_400), 600);
        assert_eq!(until(100 + 1350, 7_000), 0);
        assert_eq!(until(0, 5_000), 0);
        // Who waits as long as was said finds the clock there.
        for clock in 101..2000 {
            let at_ns = 5_000 + until(clock, 5_000) as u64;
            assert!(time.clock(at_ns, &config) >= clock, "{clock}");
        }
    }

    #[test]
    fn what_cannot_be_made_up_for_is_given_up() {
        let config = DeviceConfig::for_arch(Arch::V1model);
        let mut time = TimeMap::new(0, 0);
        time.give_up(1000, 9_000_000, &config);
        assert_eq!(
            time.clock(9_000_000, &config),
            9_000_000,
            "little is made up for"
        );
        time.give_up(1000, 50_000_000, &config);
        assert_eq!(time.clock(50_000_000, &config), 1000);
        assert_eq!(time.lost_ns, 49_999_000);
    }
}
