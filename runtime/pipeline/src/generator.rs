//! The packet generator: applications that a timer triggers.
//!
//! A trigger makes batches of packets, each the timer header of the architecture
//! (`pktgen_timer_header_t`: application, batch, packet) and then the application's payload, which
//! arrive on the application's port like any other packet. Triggers by recirculation, port events and
//! the deparser are not modelled.

use std::collections::BTreeMap;

/// What an application of the packet generator does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratorApp {
    /// On which port its packets arrive.
    pub port: u16,
    /// Clocks until the first trigger; where it repeats, also between triggers. Zero counts as one
    /// where it repeats.
    pub period: u64,
    /// Whether it repeats.
    pub is_periodic: bool,
    /// Batches a trigger.
    pub batches: u32,
    /// Packets a batch.
    pub packets: u32,
    /// What follows the timer header.
    pub payload: Vec<u8>,
}

impl GeneratorApp {
    /// Batch and packet of each packet of a trigger, in order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let packets = self.packets;
        (0..self.batches).flat_map(move |batch| (0..packets).map(move |packet| (batch, packet)))
    }
}

/// The applications that run, and when they are next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generator {
    apps: BTreeMap<u8, Running>,
}

#[derive(Clone, Debug)]
struct Running {
    app: GeneratorApp,
    /// The clock of the next trigger; none once a one-shot is over.
    next: Option<u64>,
}

impl Generator {
    /// Whether no application was started.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.apps.is_empty()
    }

    /// Starts an application, or starts it anew.
    pub(crate) fn start(&mut self, id: u8, mut app: GeneratorApp, now: u64) {
        if app.is_periodic {
            app.period = app.period.max(1);
        }
        let next = now.checked_add(app.period);
        self.apps.insert(id, Running { app, next });
    }

    /// Stops an application.
    pub(crate) fn stop(&mut self, id: u8) {
        self.apps.remove(&id);
    }

    /// Takes the earliest trigger that is not after `until`: its clock and application. Of several
    /// at one clock, the lowest application is first.
    pub(crate) fn take_trigger(&mut self, until: u64) -> Option<(u64, u8, GeneratorApp)> {
        let (id, running) = self
            .apps
            .iter_mut()
            .filter(|(_, running)| running.next.is_some_and(|next| next <= until))
            .min_by_key(|(id, running)| (running.next, **id))?;
        let clock = running.next?;
        running.next = if running.app.is_periodic {
            clock.checked_add(running.app.period)
        } else {
            None
        };
        Some((clock, *id, running.app.clone()))
    }

    /// The clock of the earliest trigger to come.
    pub(crate) fn next_trigger(&self) -> Option<u64> {
        self.apps.values().filter_map(|running| running.next).min()
    }

    /// When each application is triggered next, if ever again.
    pub(crate) fn triggers(&self) -> Vec<(u8, Option<u64>)> {
        let apps = self.apps.iter();
        apps.map(|(id, running)| (*id, running.next)).collect()
    }

    /// The applications that run are triggered next at these clocks; others stay as they are.
    pub(crate) fn set_triggers(&mut self, triggers: &[(u8, Option<u64>)]) {
        for (id, next) in triggers {
            if let Some(running) = self.apps.get_mut(id) {
                running.next = *next;
            }
        }
    }

    /// How many packets come until a clock, at most `limit`.
    pub(crate) fn count_until(&self, until: u64, limit: u64) -> u64 {
        let mut total = 0u64;
        for running in self.apps.values() {
            let Some(next) = running.next.filter(|next| *next <= until) else {
                continue;
            };
            let triggers = if running.app.is_periodic {
                (until - next) / running.app.period + 1
            } else {
                1
            };
            // A trigger without packets still takes a step.
            let a_trigger =
                (u64::from(running.app.batches) * u64::from(running.app.packets)).max(1);
            total = total.saturating_add(triggers.saturating_mul(a_trigger));
        }
        total.min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(period: u64, is_periodic: bool) -> GeneratorApp {
        GeneratorApp {
            port: 68,
            period,
            is_periodic,
            batches: 2,
            packets: 3,
            payload: Vec::new(),
        }
    }

    #[test]
    fn triggers_come_in_order_of_time() {
        let mut generator = Generator::default();
        generator.start(2, app(10, true), 0);
        generator.start(1, app(20, false), 0);
        generator.start(3, app(0, true), 98);
        assert_eq!(generator.count_until(30, u64::MAX), 24);
        let mut clocks = Vec::new();
        while let Some((clock, id, _)) = generator.take_trigger(30) {
            clocks.push((clock, id));
        }
        assert_eq!(clocks, [(10, 2), (20, 1), (20, 2), (30, 2)]);
        assert_eq!(generator.next_trigger(), Some(40));
        assert_eq!(generator.count_until(u64::MAX, 1000), 1000);
        generator.stop(2);
        assert_eq!(
            generator.take_trigger(99).map(|(clock, id, _)| (clock, id)),
            Some((99, 3))
        );
    }
}
