//! One run: all flows of a workload, to their ends.

use super::workload::{HOST_RATE, N_HOSTS, Workload};
use crate::event::Events;
use crate::fabric::{Fabric, FabricSettings, Path};
use crate::link::LinkSettings;
use crate::tcp::{
    Acknowledgment, Congestion, Fidelity, MSS, OVERHEAD, Receiver, Sender, SenderSettings,
};

/// What came of runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Nanoseconds that each answer to a query took.
    pub(super) queries: Vec<u64>,
    /// The same of each background flow.
    pub(super) background: Vec<u64>,
    pub(super) n_lost: u64,
    pub(super) n_timeouts: u64,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Self) {
        self.queries.extend(other.queries);
        self.background.extend(other.background);
        self.n_lost += other.n_lost;
        self.n_timeouts += other.n_timeouts;
    }
}

/// Packets that wait at a port of a switch before more are lost, half a megabyte; of a host's own link none is.
const QUEUE_PACKETS: u64 = 333;
/// Packets that wait from which on DCTCP's are marked.
const MARK_PACKETS: u64 = 65;
const PACKET: u64 = MSS + OVERHEAD;

const LEAVES: usize = 4;
const SPINES: usize = 2;

/// A flow under way.
struct Running {
    start: u64,
    is_query: bool,
    sender: Sender,
    receiver: Receiver,
    path: Path,
    path_back: Path,
    /// The deadline that the last timer was set for.
    timer: Option<u64>,
    is_over: bool,
}

enum Event {
    /// The flow of this number begins.
    Start(usize),
    /// A segment has passed so many links.
    Segment {
        flow: usize,
        segment: u32,
        hop: u8,
        is_marked: bool,
    },
    /// So has an acknowledgment.
    Answer {
        flow: usize,
        answer: Box<Acknowledgment>,
        hop: u8,
    },
    /// A timer that was set for this time.
    Timer { flow: usize, deadline: u64 },
}

/// Runs a workload.
pub(super) fn run(workload: &Workload, congestion: Congestion, fidelity: Fidelity) -> Outcome {
    let mut simulation = Simulation::new(workload, congestion, fidelity);
    while let Some(event) = simulation.events.take() {
        simulation.happen(event);
    }
    simulation.outcome.n_lost = simulation.fabric.n_lost();
    simulation.outcome
}

struct Simulation {
    events: Events<Event>,
    fabric: Fabric,
    flows: Vec<Running>,
    outcome: Outcome,
}

impl Simulation {
    fn new(workload: &Workload, congestion: Congestion, fidelity: Fidelity) -> Self {
        let link = |rate| LinkSettings {
            rate,
            delay: 5_000,
            queue: QUEUE_PACKETS * PACKET,
            mark_from: (congestion == Congestion::Dctcp).then_some(MARK_PACKETS * PACKET),
        };
        let hosts_a_leaf = N_HOSTS / LEAVES;
        let fabric = Fabric::new(FabricSettings {
            n_leaves: LEAVES,
            hosts_a_leaf,
            n_spines: SPINES,
            host_link: link(HOST_RATE),
            // As much upwards as hosts have.
            core_link: link(HOST_RATE * hosts_a_leaf as u64 / SPINES as u64),
        });
        let settings = SenderSettings {
            congestion,
            least_timeout: 10_000_000,
            window: 256,
        };
        let mut events = Events::new();
        let flows = workload.flows.iter().enumerate().map(|(number, flow)| {
            events.set(flow.start, Event::Start(number));
            let spread = number as u64;
            Running {
                start: flow.start,
                is_query: flow.is_query,
                sender: Sender::new(settings, flow.n_segments),
                receiver: Receiver::new(fidelity),
                path: fabric.path(flow.from, flow.to, spread),
                path_back: fabric.path(flow.to, flow.from, spread),
                timer: None,
                is_over: false,
            }
        });
        let flows = flows.collect();
        Self {
            events,
            fabric,
            flows,
            outcome: Outcome::default(),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Start(flow) => self.send(flow),
            Event::Segment {
                flow,
                segment,
                hop,
                is_marked,
            } => match self.flows[flow].path.link(hop) {
                Some(_) => self.carry_segment(flow, segment, hop, is_marked),
                None => {
                    let answer = self.flows[flow].receiver.take(segment, is_marked);
                    self.carry_answer(flow, Box::new(answer), 0);
                }
            },
            Event::Answer { flow, answer, hop } => match self.flows[flow].path_back.link(hop) {
                Some(_) => self.carry_answer(flow, answer, hop),
                None => {
                    let now = self.events.now();
                    self.flows[flow].sender.take(now, &answer);
                    self.send(flow);
                }
            },
            Event::Timer { flow, deadline } => {
                let running = &mut self.flows[flow];
                running.timer = None;
                if running.sender.deadline() == Some(deadline) {
                    self.outcome.n_timeouts += 1;
                    running.sender.time_out(deadline);
                }
                self.send(flow);
            }
        }
    }

    /// All that a flow may send now; its timer, its end.
    fn send(&mut self, flow: usize) {
        let now = self.events.now();
        while let Some(segment) = self.flows[flow].sender.send(now) {
            self.carry_segment(flow, segment, 0, false);
        }
        let running = &mut self.flows[flow];
        if running.sender.is_done() {
            if !running.is_over {
                running.is_over = true;
                let times = if running.is_query {
                    &mut self.outcome.queries
                } else {
                    &mut self.outcome.background
                };
                times.push(now - running.start);
            }
        } else if let Some(deadline) = running.sender.deadline()
            && running.timer.is_none_or(|timer| timer > deadline)
        {
            running.timer = Some(deadline);
            self.events.set(deadline, Event::Timer { flow, deadline });
        }
    }

    fn carry_segment(&mut self, flow: usize, segment: u32, hop: u8, is_marked: bool) {
        let Some(link) = self.flows[flow].path.link(hop) else {
            return;
        };
        let now = self.events.now();
        let carried = match self.fabric.carry(link, now, PACKET) {
            Some(carried) => carried,
            // A host waits until its own link has room; the window bounds how long.
            None if hop == 0 => {
                let event = Event::Segment {
                    flow,
                    segment,
                    hop,
                    is_marked,
                };
                return self.events.set(now + 10_000, event);
            }
            None => return,
        };
        let event = Event::Segment {
            flow,
            segment,
            hop: hop + 1,
            is_marked: is_marked || (hop > 0 && carried.is_marked),
        };
        self.events.set(carried.arrival, event);
    }

    fn carry_answer(&mut self, flow: usize, answer: Box<Acknowledgment>, hop: u8) {
        let Some(link) = self.flows[flow].path_back.link(hop) else {
            return;
        };
        let now = self.events.now();
        if let Some(carried) = self.fabric.carry(link, now, OVERHEAD) {
            let event = Event::Answer {
                flow,
                answer,
                hop: hop + 1,
            };
            self.events.set(carried.arrival, event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flow_ends_and_the_same_seed_gives_the_same() {
        let workload = Workload::new(7, 3);
        for fidelity in [None, Some(0), Some(1)] {
            let outcome = run(&workload, Congestion::Dctcp, Fidelity(fidelity));
            let n_flows = outcome.queries.len() + outcome.background.len();
            assert_eq!(n_flows, workload.flows.len());
            let again = run(&workload, Congestion::Dctcp, Fidelity(fidelity));
            assert_eq!(again.queries, outcome.queries);
            assert_eq!(again.background, outcome.background);
        }
    }
}
