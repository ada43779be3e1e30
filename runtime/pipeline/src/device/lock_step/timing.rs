//! How long a packet takes: through each gress, step by step, and from one to the other.

use p4rmt_engine::Step;

/// Clocks that a packet takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Through the ingress.
    pub ingress: GressTiming,
    /// Through the egress.
    pub egress: GressTiming,
    /// From a deparser to the moment at which the egress can take the packet, if its queue is empty.
    pub traffic_manager: u32,
}

/// Clocks that a packet takes through one gress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GressTiming {
    /// In the parser.
    pub parser: u32,
    /// In each stage of the machine.
    pub stages: Vec<u32>,
    /// In the deparser.
    pub deparser: u32,
}

/// What comes back into a gress does so at the clock after it left, at the earliest.
pub(super) const LOOP: u64 = 1;

impl GressTiming {
    /// Each step with the clock at which a packet enters it, counted from the clock at which the packet
    /// entered the gress. A step takes at least one clock.
    #[must_use]
    pub fn steps(&self) -> Vec<(u64, Step)> {
        let stages = self.stages.iter().zip(0u32..);
        let stages = stages.map(|(clocks, stage)| (*clocks, Step::Stage(stage)));
        let mut clock = 0;
        std::iter::once((self.parser, Step::Parser))
            .chain(stages)
            .chain([(self.deparser, Step::Deparser)])
            .map(|(clocks, step)| {
                let enters = clock;
                clock += u64::from(clocks.max(1));
                (enters, step)
            })
            .collect()
    }

    /// Clocks through the whole gress.
    #[must_use]
    pub fn total(&self) -> u64 {
        let last = self.steps().last().map_or(0, |(clock, _)| *clock);
        last + u64::from(self.deparser.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_in_one_step_at_a_time() {
        let timing = GressTiming {
            parser: 5,
            stages: vec![20, 0, 2],
            deparser: 3,
        };
        let steps: Vec<u64> = timing.steps().iter().map(|(clock, _)| *clock).collect();
        assert_eq!(steps, [0, 5, 25, 26, 28]);
        assert_eq!(timing.total(), 31);
    }
}
