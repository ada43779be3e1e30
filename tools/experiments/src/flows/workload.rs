//! Which flows come when.

use crate::tcp::MSS;

/// A flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    /// Nanoseconds.
    pub(super) start: u64,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) n_segments: u32,
    /// Whether it answers a query; it is background otherwise.
    pub(super) is_query: bool,
}

/// Flows in the order of their starts.
#[derive(Clone, Debug)]
pub(super) struct Workload {
    pub(super) flows: Vec<Flow>,
}

/// Hosts of the network.
pub(super) const N_HOSTS: usize = 32;
/// Bits a second of a host's link.
pub(super) const HOST_RATE: u64 = 10_000_000_000;

/// Share of the hosts' links that the background takes.
const BACKGROUND_LOAD: f64 = 0.4;
/// The same of queries.
const QUERY_LOAD: f64 = 0.05;
/// Hosts that answer a query, and bytes of each answer.
const ANSWERS: usize = 24;
const ANSWER_BYTES: u64 = 8 << 10;

/// Sizes of background flows, in bytes, and how many are at most so long: long flows carry most bytes, as data mining
/// and web search have it.
const SIZES: [(f64, f64); 7] = [
    (10e3, 0.0),
    (30e3, 0.15),
    (100e3, 0.4),
    (500e3, 0.6),
    (2e6, 0.8),
    (10e6, 0.97),
    (30e6, 1.0),
];

impl Workload {
    /// What comes in so many milliseconds.
    pub(super) fn new(seed: u64, millis: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let until = millis * 1_000_000;
        let mut flows = Vec::new();
        let bits_a_second = N_HOSTS as f64 * HOST_RATE as f64;
        let every = mean_size() * 8.0 / (bits_a_second * BACKGROUND_LOAD) * 1e9;
        let mut start = 0;
        loop {
            start += exponential(&mut random, every);
            if start >= until {
                break;
            }
            let (from, to) = two_hosts(&mut random);
            flows.push(Flow {
                start,
                from,
                to,
                n_segments: (size(random.f64()) / MSS as f64).ceil() as u32,
                is_query: false,
            });
        }
        let query_bits = (ANSWERS as u64 * ANSWER_BYTES * 8) as f64;
        let every = query_bits / (bits_a_second * QUERY_LOAD) * 1e9;
        let mut start = 0;
        loop {
            start += exponential(&mut random, every);
            if start >= until {
                break;
            }
            let to = random.usize(..N_HOSTS);
            let mut others: Vec<usize> = (0..N_HOSTS).filter(|host| *host != to).collect();
            random.shuffle(&mut others);
            flows.extend(others[..ANSWERS].iter().map(|from| Flow {
                start,
                from: *from,
                to,
                n_segments: ANSWER_BYTES.div_ceil(MSS) as u32,
                is_query: true,
            }));
        }
        flows.sort_by_key(|flow| flow.start);
        Self { flows }
    }
}

fn two_hosts(random: &mut fastrand::Rng) -> (usize, usize) {
    let from = random.usize(..N_HOSTS);
    let to = (from + random.usize(1..N_HOSTS)) % N_HOSTS;
    (from, to)
}

/// Nanoseconds between two of what comes at random, so often on average.
fn exponential(random: &mut fastrand::Rng, mean: f64) -> u64 {
    (-mean * (1.0 - random.f64()).ln()).ceil() as u64
}

/// The size that this share of all flows is at most as long as: geometric between the points.
fn size(share: f64) -> f64 {
    let steps = SIZES.windows(2).map(|pair| (pair[0], pair[1]));
    for ((least, from), (most, to)) in steps {
        if share <= to {
            return least * (most / least).powf((share - from) / (to - from));
        }
    }
    SIZES[SIZES.len() - 1].0
}

fn mean_size() -> f64 {
    const STEPS: u32 = 100_000;
    let sizes = (0..STEPS).map(|step| size((f64::from(step) + 0.5) / f64::from(STEPS)));
    sizes.sum::<f64>() / f64::from(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_what_it_is_said_to_be() {
        let millis = 400;
        let bytes = |is_query: bool| {
            let workloads = (0..10).map(|seed| Workload::new(seed, millis));
            let flows = workloads.flat_map(|workload| workload.flows);
            let flows = flows.filter(move |flow| flow.is_query == is_query);
            flows
                .map(|flow| u64::from(flow.n_segments) * MSS)
                .sum::<u64>() as f64
        };
        let all = N_HOSTS as f64 * HOST_RATE as f64 / 8.0 * millis as f64 / 1000.0 * 10.0;
        assert!((bytes(false) / all - BACKGROUND_LOAD).abs() < 0.03);
        assert!((bytes(true) / all - QUERY_LOAD).abs() < 0.005);
    }

    #[test]
    fn flows_are_in_order_and_lead_elsewhere() {
        let Workload { flows } = Workload::new(1, 20);
        assert!(flows.is_sorted_by_key(|flow| flow.start));
        assert!(
            flows
                .iter()
                .all(|flow| flow.from != flow.to && flow.n_segments > 0)
        );
    }
}
