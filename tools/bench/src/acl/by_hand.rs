//! The access list by hand: for each 16 bits of the key, the set of rules that they satisfy, and their
//! intersection, words without a rule passed over (aggregated bit vectors, SIGCOMM 2001).

use std::collections::HashMap;

use p4rmt_engine::State;

use super::{N_RULES, Rule, WIDTHS};
use crate::{BenchError, Native, Packets, Sink};

/// Words of a set of rules; the first rule is the lowest bit of the first word.
const N_WORDS: usize = N_RULES / 64;

/// Parts of a key: both halves of both addresses, protocol, both ports.
const N_PARTS: usize = 7;

/// Ethernet, IPv4, ports.
const HEADERS: usize = 38;

/// The longest frame.
const MAX_FRAME: usize = 2048;

/// A set of rules.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[repr(align(64))]
struct Rules([u64; N_WORDS]);

/// What the values of one part mean.
struct Part {
    /// By value: which of the sets.
    class: Vec<u16>,
    /// By set: a bit for each word that is not zero.
    words: Vec<u16>,
    sets: Vec<Rules>,
}

/// The access list.
pub(super) struct ByHand {
    parts: [Part; N_PARTS],
    /// Where packets of a rule go.
    ports: Vec<Option<u16>>,
    frame: Box<[u8; MAX_FRAME]>,
}

impl Part {
    /// Of the field's bits from `shift` on, 16 or fewer.
    fn new(rules: &[Rule], field: usize, shift: u32) -> Self {
        let n_values = 1u32 << WIDTHS[field].min(16);
        let low = n_values - 1;
        let mut numbers: HashMap<Rules, u16> = HashMap::new();
        let mut sets = Vec::new();
        let wanted = rules.iter().map(|rule| {
            let (value, mask) = rule.fields[field];
            (value >> shift & low, mask >> shift & low)
        });
        let wanted: Vec<_> = wanted.collect();
        let class = (0..n_values).map(|value| {
            let mut set = Rules([0; N_WORDS]);
            for (rule, (wanted, mask)) in wanted.iter().enumerate() {
                set.0[rule / 64] |= u64::from(value & mask == *wanted) << (rule % 64);
            }
            *numbers.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                (sets.len() - 1) as u16
            })
        });
        let class = class.collect();
        let words = sets.iter().map(|set| {
            let bits = set.0.iter().zip(0..);
            bits.fold(0, |words, (word, at)| words | u16::from(*word != 0) << at)
        });
        Self {
            class,
            words: words.collect(),
            sets,
        }
    }
}

impl ByHand {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let parts = [(0, 16), (0, 0), (1, 16), (1, 0), (2, 0), (3, 0), (4, 0)];
        Self {
            parts: parts.map(|(field, shift)| Part::new(rules, field, shift)),
            ports: rules.iter().map(|rule| rule.port).collect(),
            frame: Box::new([0; MAX_FRAME]),
        }
    }

    /// The first rule that the parts of a key satisfy.
    #[inline]
    fn find(&self, key: [u16; N_PARTS]) -> Option<usize> {
        let mut classes = [0; N_PARTS];
        let mut words = u16::MAX;
        for (at, part) in self.parts.iter().enumerate() {
            classes[at] = usize::from(part.class[usize::from(key[at])]);
            words &= part.words[classes[at]];
        }
        while words != 0 {
            let word = words.trailing_zeros() as usize;
            let mut rules = u64::MAX;
            for (at, part) in self.parts.iter().enumerate() {
                rules &= part.sets[classes[at]].0[word];
            }
            if rules != 0 {
                return Some(word * 64 + rules.trailing_zeros() as usize);
            }
            words &= words - 1;
        }
        None
    }

    #[inline]
    fn filter(&mut self, frame: &[u8], sink: &mut Sink) {
        let Some(headers) = frame.first_chunk::<HEADERS>() else {
            return;
        };
        let protocol = headers[23];
        let is_known = headers[12..14] == [8, 0] && headers[14] == 0x45;
        if !is_known || (protocol != 6 && protocol != 17) || frame.len() > MAX_FRAME {
            return;
        }
        let be16 = |at: usize| u16::from_be_bytes([headers[at], headers[at + 1]]);
        let key = [
            be16(26),
            be16(28),
            be16(30),
            be16(32),
            protocol.into(),
            be16(34),
            be16(36),
        ];
        let Some(port) = self.find(key).and_then(|rule| self.ports[rule]) else {
            return;
        };
        let out = &mut self.frame[..frame.len()];
        out.copy_from_slice(frame);
        sink.packet(port, out);
    }
}

impl Native for ByHand {
    fn reset(&mut self) {}

    fn run(&mut self, packets: &Packets, sink: &mut Sink) {
        for (_, frame) in packets.iter() {
            self.filter(frame, sink);
        }
    }

    fn compare(&self, _state: &State) -> Result<(), BenchError> {
        // An access list keeps nothing.
        Ok(())
    }
}
