//! A sender with selective acknowledgments (RFC 6675), NewReno's answer where there are none (RFC 6582), and DCTCP
//! (RFC 8257) on top of it.

use super::Acknowledgment;

/// How a sender answers to congestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Congestion {
    /// It halves its window at a loss.
    NewReno,
    /// And it takes so much off as packets were marked.
    Dctcp,
}

/// What a sender is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SenderSettings {
    pub(crate) congestion: Congestion,
    /// The least time until a retransmission, in nanoseconds.
    pub(crate) least_timeout: u64,
    /// Segments that the receiver's window has room for.
    pub(crate) window: u32,
}

/// The sender of one flow. Positions are segments, times nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    settings: SenderSettings,
    /// By segment.
    states: Vec<State>,
    /// The first that is not acknowledged.
    first: u32,
    /// The first that was never sent.
    next: u32,
    n_flying: u32,
    n_lost: u32,
    /// Acknowledgments of nothing new and without a block, since one of something new: each tells of a segment that
    /// left the network.
    n_blind: u32,
    n_duplicates: u32,
    /// Where the recovery ends that is in work.
    recovery: Option<u32>,
    /// In segments.
    congestion_window: f64,
    slow_start_until: f64,
    round_trip: Option<RoundTrip>,
    timeout: u64,
    deadline: Option<u64>,
    /// A segment that was sent once, and when.
    timed: Option<(u32, u64)>,
    marks: Marks,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Unsent,
    Flying {
        is_resent: bool,
    },
    Lost,
    /// Acknowledged, in order or by a block.
    There,
}

#[derive(Clone, Copy, Debug)]
struct RoundTrip {
    smooth: f64,
    variation: f64,
}

/// What DCTCP counts in a window.
#[derive(Clone, Copy, Debug)]
struct Marks {
    fraction: f64,
    /// The window ends when this one is acknowledged.
    until: u32,
    n_acked: u32,
    n_marked: u32,
}

/// Segments that a connection may begin with (RFC 6928).
const FIRST_WINDOW: f64 = 10.0;
/// The weight of a window in DCTCP's average.
const GAIN: f64 = 1.0 / 16.0;
/// So many signs and a segment is lost.
const SIGNS: u32 = 3;
/// The most that a timeout becomes, in nanoseconds.
const LONGEST_TIMEOUT: u64 = 2_000_000_000;

impl Sender {
    /// The sender of so many segments.
    pub(crate) fn new(settings: SenderSettings, n_segments: u32) -> Self {
        Self {
            settings,
            states: vec![State::Unsent; n_segments as usize],
            first: 0,
            next: 0,
            n_flying: 0,
            n_lost: 0,
            n_blind: 0,
            n_duplicates: 0,
            recovery: None,
            congestion_window: FIRST_WINDOW,
            slow_start_until: f64::INFINITY,
            round_trip: None,
            timeout: settings.least_timeout,
            deadline: None,
            timed: None,
            marks: Marks {
                fraction: 1.0,
                until: 0,
                n_acked: 0,
                n_marked: 0,
            },
        }
    }

    /// Whether all is acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.first as usize == self.states.len()
    }

    /// When it gives up waiting.
    pub(crate) fn deadline(&self) -> Option<u64> {
        self.deadline
    }

    /// The next segment to be sent, if one may be.
    pub(crate) fn send(&mut self, now: u64) -> Option<u32> {
        let in_network = self.n_flying.saturating_sub(self.n_blind);
        if f64::from(in_network) + 1.0 > self.congestion_window.max(1.0) {
            return None;
        }
        let segment = if self.n_lost > 0 {
            let lost =
                (self.first..self.next).find(|at| self.states[*at as usize] == State::Lost)?;
            self.n_lost -= 1;
            self.states[lost as usize] = State::Flying { is_resent: true };
            if self.timed.is_some_and(|(timed, _)| timed >= lost) {
                self.timed = None;
            }
            lost
        } else {
            let segment = self.next;
            let is_open = segment < self.first + self.settings.window;
            if !is_open || segment as usize == self.states.len() {
                return None;
            }
            self.states[segment as usize] = State::Flying { is_resent: false };
            self.next += 1;
            if self.timed.is_none() && self.recovery.is_none() {
                self.timed = Some((segment, now));
            }
            segment
        };
        self.n_flying += 1;
        self.deadline.get_or_insert(now + self.timeout);
        Some(segment)
    }

    /// An acknowledgment comes.
    pub(crate) fn take(&mut self, now: u64, acknowledgment: &Acknowledgment) {
        let Acknowledgment {
            next,
            blocks,
            is_echo,
        } = acknowledgment;
        if *next < self.first || *next > self.next {
            return;
        }
        let n_new = next - self.first;
        for segment in self.first..*next {
            self.arrived(segment);
        }
        self.first = *next;
        for segment in blocks.iter().flat_map(Clone::clone) {
            if segment < self.next {
                self.arrived(segment);
            }
        }
        self.count_marks(n_new, *is_echo);
        if n_new > 0 {
            self.n_blind = 0;
            self.n_duplicates = 0;
            self.measure(now);
            self.deadline = (self.first < self.next).then_some(now + self.timeout);
            self.grow(n_new, *is_echo);
        } else if self.first < self.next {
            self.n_duplicates += 1;
            self.n_blind += u32::from(blocks.is_empty());
        }
        self.find_losses(blocks.is_empty(), n_new);
    }

    /// The time until a retransmission is over.
    pub(crate) fn time_out(&mut self, now: u64) {
        self.slow_start_until = (f64::from(self.n_flying) / 2.0).max(2.0);
        self.congestion_window = 1.0;
        for segment in self.first..self.next {
            let state = &mut self.states[segment as usize];
            if let State::Flying { .. } = state {
                *state = State::Lost;
                self.n_lost += 1;
            }
        }
        self.n_flying = 0;
        self.n_blind = 0;
        self.n_duplicates = 0;
        self.recovery = None;
        self.timed = None;
        self.timeout = (self.timeout * 2).min(LONGEST_TIMEOUT);
        self.deadline = Some(now + self.timeout);
    }

    fn arrived(&mut self, segment: u32) {
        let state = &mut self.states[segment as usize];
        match state {
            State::Flying { .. } => self.n_flying -= 1,
            State::Lost => self.n_lost -= 1,
            State::Unsent | State::There => {}
        }
        *state = State::There;
    }

    /// A round-trip time, if the segment that is timed has come.
    fn measure(&mut self, now: u64) {
        let Some((_, sent)) = self.timed.take_if(|(segment, _)| *segment < self.first) else {
            return;
        };
        let sample = (now - sent) as f64;
        let round_trip = match self.round_trip {
            None => RoundTrip {
                smooth: sample,
                variation: sample / 2.0,
            },
            Some(RoundTrip { smooth, variation }) => RoundTrip {
                smooth: smooth * 0.875 + sample * 0.125,
                variation: variation * 0.75 + (smooth - sample).abs() * 0.25,
            },
        };
        self.round_trip = Some(round_trip);
        let timeout = (round_trip.smooth + 4.0 * round_trip.variation) as u64;
        self.timeout = timeout.clamp(self.settings.least_timeout, LONGEST_TIMEOUT);
    }

    fn grow(&mut self, n_new: u32, is_echo: bool) {
        if self.recovery.is_some() || is_echo {
            return;
        }
        let n_new = f64::from(n_new);
        if self.congestion_window < self.slow_start_until {
            self.congestion_window += n_new;
        } else {
            self.congestion_window += n_new / self.congestion_window;
        }
    }

    /// DCTCP: once a window, as much is taken off as was marked.
    fn count_marks(&mut self, n_new: u32, is_echo: bool) {
        if self.settings.congestion == Congestion::NewReno {
            return;
        }
        let marks = &mut self.marks;
        marks.n_acked += n_new;
        if is_echo {
            marks.n_marked += n_new;
        }
        if self.first < marks.until || marks.n_acked == 0 {
            return;
        }
        let fraction = f64::from(marks.n_marked) / f64::from(marks.n_acked);
        marks.fraction = (1.0 - GAIN) * marks.fraction + GAIN * fraction;
        if marks.n_marked > 0 && self.recovery.is_none() {
            let less = self.congestion_window * (1.0 - marks.fraction / 2.0);
            self.congestion_window = less.max(2.0);
            self.slow_start_until = self.congestion_window;
        }
        marks.n_acked = 0;
        marks.n_marked = 0;
        marks.until = self.next;
    }

    /// What has not come although others behind it have.
    fn find_losses(&mut self, is_blind: bool, n_new: u32) {
        if self.recovery.is_some_and(|end| self.first >= end) {
            self.recovery = None;
            self.congestion_window = self.slow_start_until;
        }
        if !is_blind {
            let mut n_behind = 0;
            for segment in (self.first..self.next).rev() {
                match self.states[segment as usize] {
                    State::There => n_behind += 1,
                    State::Flying { is_resent: false } if n_behind >= SIGNS => self.lose(segment),
                    State::Flying { .. } | State::Lost | State::Unsent => {}
                }
            }
        }
        let is_partial = self.recovery.is_some() && n_new > 0;
        if (is_partial || self.n_duplicates >= SIGNS)
            && self.first < self.next
            && self.states[self.first as usize] == (State::Flying { is_resent: false })
        {
            self.lose(self.first);
        }
        if self.n_lost > 0 && self.recovery.is_none() && self.n_duplicates > 0 {
            self.recovery = Some(self.next);
            let in_flight = self
                .congestion_window
                .min(f64::from(self.next - self.first));
            self.slow_start_until = (in_flight / 2.0).max(2.0);
            self.congestion_window = self.slow_start_until;
        }
    }

    fn lose(&mut self, segment: u32) {
        self.states[segment as usize] = State::Lost;
        self.n_flying -= 1;
        self.n_lost += 1;
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "blocks are meant")]
mod tests {
    use super::super::{Fidelity, Receiver};
    use super::*;

    const MS: u64 = 1_000_000;

    fn settings(congestion: Congestion) -> SenderSettings {
        SenderSettings {
            congestion,
            least_timeout: 10 * MS,
            window: 1000,
        }
    }

    fn send_all(sender: &mut Sender, now: u64) -> Vec<u32> {
        std::iter::from_fn(|| sender.send(now)).collect()
    }

    fn answer(next: u32, blocks: &[std::ops::Range<u32>]) -> Acknowledgment {
        Acknowledgment {
            next,
            blocks: blocks.to_vec(),
            is_echo: false,
        }
    }

    #[test]
    fn it_begins_with_ten_and_doubles() {
        let mut sender = Sender::new(settings(Congestion::NewReno), 100);
        assert_eq!(send_all(&mut sender, 0), (0..10).collect::<Vec<_>>());
        for next in 1..=10 {
            sender.take(MS, &answer(next, &[]));
        }
        assert_eq!(send_all(&mut sender, MS), (10..30).collect::<Vec<_>>());
    }

    #[test]
    fn blocks_name_what_is_lost() {
        let mut sender = Sender::new(settings(Congestion::NewReno), 100);
        send_all(&mut sender, 0);
        // 0 and 2 are lost.
        sender.take(MS, &answer(0, &[1..2]));
        sender.take(MS, &answer(0, &[3..4, 1..2]));
        assert_eq!(
            send_all(&mut sender, MS),
            [10, 11],
            "each that came lets one more out"
        );
        sender.take(MS, &answer(0, &[3..5, 1..2]));
        sender.take(MS, &answer(0, &[3..6, 1..2]));
        sender.take(MS, &answer(0, &[3..7, 1..2]));
        sender.take(MS, &answer(0, &[3..10, 1..2]));
        assert_eq!(send_all(&mut sender, MS)[..2], [0, 2]);
        sender.take(2 * MS, &answer(12, &[]));
        assert!((sender.congestion_window - 5.0).abs() < 0.1, "half of ten");
    }

    #[test]
    fn without_blocks_the_third_duplicate_tells_and_partial_ones_tell_more() {
        let mut sender = Sender::new(settings(Congestion::NewReno), 100);
        send_all(&mut sender, 0);
        for _ in 0..3 {
            sender.take(MS, &answer(0, &[]));
        }
        assert_eq!(sender.recovery, Some(10));
        for _ in 0..6 {
            sender.take(MS, &answer(0, &[]));
        }
        assert_eq!(send_all(&mut sender, MS)[0], 0);
        sender.take(2 * MS, &answer(1, &[]));
        assert_eq!(sender.n_lost, 1, "1 is lost as well");
    }

    #[test]
    fn after_a_timeout_all_is_sent_again() {
        let mut sender = Sender::new(settings(Congestion::NewReno), 5);
        send_all(&mut sender, 0);
        assert_eq!(sender.deadline(), Some(10 * MS));
        sender.time_out(10 * MS);
        assert_eq!(send_all(&mut sender, 10 * MS), [0]);
        assert_eq!(sender.deadline(), Some(30 * MS));
        sender.take(11 * MS, &answer(1, &[]));
        assert_eq!(send_all(&mut sender, 11 * MS), [1, 2]);
    }

    #[test]
    fn marks_take_off_their_share() {
        let mut sender = Sender::new(settings(Congestion::Dctcp), 1000);
        send_all(&mut sender, 0);
        sender.take(MS, &answer(5, &[]));
        let before = sender.congestion_window;
        send_all(&mut sender, MS);
        let until = sender.marks.until;
        sender.take(
            2 * MS,
            &Acknowledgment {
                is_echo: true,
                ..answer(until, &[])
            },
        );
        let share = 1.0 - sender.marks.fraction / 2.0;
        assert!((sender.congestion_window - before * share).abs() < 1e-9);
    }

    /// Whatever is lost, in order or not: all arrives, whatever the receiver remembers.
    #[test]
    fn every_flow_ends() {
        let mut random = fastrand::Rng::with_seed(5);
        for round in 0..300 {
            let congestion = [Congestion::NewReno, Congestion::Dctcp][round % 2];
            let fidelity = [None, Some(0), Some(1), Some(2)][round % 4];
            let n_segments = random.u32(1..200);
            let loss = random.f64() * 0.3;
            let mut sender = Sender::new(settings(congestion), n_segments);
            let mut receiver = Receiver::new(Fidelity(fidelity));
            let mut now = 0;
            let mut answers: Vec<(u64, Acknowledgment)> = Vec::new();
            for _ in 0..100_000 {
                while let Some(segment) = sender.send(now) {
                    if random.f64() >= loss {
                        let answer = receiver.take(segment, random.bool());
                        answers.push((now + MS + random.u64(..MS / 4), answer));
                    }
                }
                answers.sort_by_key(|(time, _)| *time);
                let first = answers.first().map(|(time, _)| *time);
                match (first, sender.deadline()) {
                    (Some(time), deadline) if deadline.is_none_or(|deadline| time <= deadline) => {
                        now = time;
                        let (_, answer) = answers.remove(0);
                        if random.f64() >= loss {
                            sender.take(now, &answer);
                        }
                    }
                    (_, Some(deadline)) => {
                        now = deadline;
                        sender.time_out(now);
                    }
                    (None, None) => break,
                    (Some(_), None) => unreachable!("the first arm takes it"),
                }
                let flying = sender.states.iter();
                let flying = flying.filter(|state| matches!(state, State::Flying { .. }));
                assert_eq!(flying.count() as u32, sender.n_flying);
                if sender.is_done() {
                    break;
                }
            }
            assert!(sender.is_done(), "round {round}");
        }
    }
}
