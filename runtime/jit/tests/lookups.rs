//! Lookups of compiled code against the definition: the entry that matches and that no other matching one beats,
//! whatever entries come and go.

use std::cmp::Reverse;
use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, InstalledEntry, Instance, Interface, Job, Mode, Outcome, Part, Ref,
    State, StateLayout,
};
use p4rmt_ir::build::{GressBuilder, apply, assign, program};
use p4rmt_ir::{
    ActionCall, ActionId, Arch, Bits, Entry, Expr, FieldId, GressRole, Id, Match, MatchKind,
    PipeId, TableId,
};
use p4rmt_jit::Jit;
use p4rmt_source::Span;

/// Numbers that look random (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Few bits differ, so that keys and entries meet: the lowest, and sometimes others.
    fn value(&mut self, width: u32) -> u64 {
        let other = if self.below(4) == 0 {
            self.below(64)
        } else {
            0
        };
        (0x0a0b_0c0d_0e0f_1011 ^ self.below(8) ^ other << 9) & u64::MAX >> (64 - width)
    }

    fn mask(&mut self, width: u32) -> u64 {
        let mask = match self.below(4) {
            0 => 7,
            1 => u64::MAX << self.below(64),
            2 => u64::MAX,
            _ => 0,
        };
        mask & u64::MAX >> (64 - width)
    }
}

/// A table of these keys on compiled code; its action says which entry was found.
struct Case {
    keys: Vec<(MatchKind, u32)>,
    table: Ref<TableId>,
    found: ActionId,
    state: State,
    instance: Box<dyn Instance>,
    random: Random,
    n_inserted: u64,
}

const GRESS: usize = 0;

impl Case {
    fn new(keys: &[(MatchKind, u32)], seed: u64) -> Self {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let out = builder.metadata("out", 32);
        let inputs: Vec<FieldId> = keys
            .iter()
            .map(|(_, width)| builder.metadata("key", *width))
            .collect();
        let parts: Vec<_> = keys
            .iter()
            .zip(&inputs)
            .map(|((kind, _), field)| (Expr::Field(*field), *kind))
            .collect();
        let param = Expr::Param {
            index: 0,
            width: 32,
        };
        let found = builder.action("found", &[32], vec![assign(out, param)]);
        let id = builder.table("t", &parts, &[found]);
        let mut gress = builder.structured(vec![apply(id, [])]);
        gress.tables[id].size = 10_000;
        let program = Arc::new(program("lookups", Arch::Tna, [gress]));
        let pipe = PipeId::from_index(0);
        let interface = GressInterface {
            inputs,
            watched: vec![out],
            crossing: None,
        };
        let interface = Interface {
            gresses: std::iter::once(interface).collect(),
        };
        let layout = StateLayout::new(Arc::clone(&program), pipe).expect("small");
        let instance = Jit.load(program, pipe, Mode::Unplaced, interface);
        Self {
            keys: keys.to_vec(),
            table: Ref {
                gress: Id::from_index(GRESS),
                id,
            },
            found,
            state: State::new(layout).expect("no entries"),
            instance: instance.expect("it loads"),
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            n_inserted: 0,
        }
    }

    fn has_priorities(&self) -> bool {
        let mut kinds = self.keys.iter().map(|(kind, _)| kind);
        kinds.any(|kind| *kind == MatchKind::Ternary)
    }

    /// Inserts an entry; what is there already is refused.
    fn insert(&mut self) {
        let random = &mut self.random;
        let matches = self.keys.iter().map(|(kind, width)| {
            let value = Bits::from_u64(*width, random.value(*width));
            match kind {
                MatchKind::Ternary => Match::Ternary {
                    value,
                    mask: Bits::from_u64(*width, random.mask(*width)),
                },
                MatchKind::Lpm => Match::Lpm {
                    value,
                    prefix_len: width - random.below(u64::from(*width).min(20)) as u32,
                },
                MatchKind::Exact | MatchKind::Range | MatchKind::Optional | MatchKind::Selector => {
                    Match::Exact(value)
                }
            }
        });
        let matches = matches.collect();
        self.n_inserted += 1;
        let number = Bits::from_u64(32, self.n_inserted);
        let entry = Entry {
            matches,
            priority: if self.has_priorities() {
                (self.n_inserted as u32).wrapping_mul(0x9e37_79b1)
            } else {
                0
            },
            action: ActionCall {
                action: self.found,
                args: vec![number],
            },
            span: Span::NONE,
        };
        let _ = self.state.insert_entry(self.table, entry);
    }

    fn delete(&mut self) {
        let entries = self.state.table(self.table).expect("the table");
        let slot = self.random.below(entries.n_slots().max(1) as u64) as usize;
        if let Some(entry) = entries.get(slot).cloned() {
            let deleted = self
                .state
                .delete_entry(self.table, entry.matches, entry.priority);
            deleted.expect("the entry is there");
        }
    }

    /// What the definition says of a key: the number of the entry, 0 for none.
    fn expected(&self, key: &[u64]) -> u64 {
        let entries = self.state.table(self.table).expect("the table").iter();
        let matching = entries.filter(|(_, entry)| {
            let mut parts = entry.matches.iter().zip(key);
            parts.all(|(wanted, key)| is_match(wanted, *key))
        });
        let best = matching.max_by_key(|(slot, entry)| (strength(entry), Reverse(*slot)));
        best.map_or(0, |(_, entry)| match &entry.target {
            p4rmt_engine::EntryTarget::Action(call) => call.args[0].low_u64(),
            p4rmt_engine::EntryTarget::Member(_) | p4rmt_engine::EntryTarget::Group(_) => 0,
        })
    }

    #[track_caller]
    fn check(&mut self, n_keys: usize) -> usize {
        let mut n_hits = 0;
        let mut outcome = [Outcome::default()];
        for _ in 0..n_keys {
            let (random, keys) = (&mut self.random, self.keys.iter());
            let key: Vec<u64> = keys.map(|(_, width)| random.value(*width)).collect();
            let job = Job {
                bytes: &[],
                prefix_len: 0,
                clock: 0,
                inputs: &key,
                part: Part::Whole,
                phv: &[],
            };
            let gress = Id::from_index(GRESS);
            self.instance
                .run(gress, &[job], &mut outcome, &mut self.state, None)
                .expect("it runs");
            let expected = self.expected(&key);
            n_hits += usize::from(expected != 0);
            assert_eq!(outcome[0].values, [expected], "key {key:x?}");
        }
        n_hits
    }
}

fn is_match(wanted: &Match, key: u64) -> bool {
    let under = |value: &Bits, mask: u64| (value.low_u64() ^ key) & mask == 0;
    match wanted {
        Match::Exact(value) => under(value, u64::MAX),
        Match::Ternary { value, mask } => under(value, mask.low_u64()),
        Match::Lpm { value, prefix_len } => {
            let mask = Bits::prefix_mask(value.width(), *prefix_len);
            under(value, mask.low_u64())
        }
        Match::Range { .. } => false,
        Match::Any => true,
    }
}

fn strength(entry: &InstalledEntry) -> (u32, u32) {
    let prefix = entry.matches.iter().find_map(|wanted| match wanted {
        Match::Lpm { prefix_len, .. } => Some(*prefix_len),
        Match::Exact(_) | Match::Ternary { .. } | Match::Range { .. } | Match::Any => None,
    });
    (entry.priority, prefix.unwrap_or(0))
}

/// Entries come, up to so many, and go again.
#[track_caller]
fn check(keys: &[(MatchKind, u32)], n_entries: usize) {
    let mut case = Case::new(keys, n_entries as u64);
    let mut n_hits = 0;
    for round in 0..n_entries {
        case.insert();
        if round % 5 == 4 {
            case.delete();
        }
        n_hits += case.check(20);
    }
    assert!(n_hits > 0, "no key has met an entry");
    for _ in 0..n_entries {
        case.delete();
        case.check(5);
    }
}

#[test]
fn few_entries_that_compete_are_tried_in_turn_and_more_by_bytes() {
    // Up to 4 in turn, up to 64 by bytes, more by the engine: each is passed on the way up and down.
    check(&[(MatchKind::Ternary, 16)], 40);
    check(&[(MatchKind::Ternary, 5), (MatchKind::Ternary, 64)], 100);
    check(&[(MatchKind::Exact, 3), (MatchKind::Ternary, 13)], 100);
    let three = [
        (MatchKind::Ternary, 64),
        (MatchKind::Exact, 9),
        (MatchKind::Ternary, 64),
        (MatchKind::Ternary, 40),
    ];
    check(&three, 100);
}

#[test]
fn prefixes() {
    check(&[(MatchKind::Lpm, 32)], 150);
    check(&[(MatchKind::Exact, 10), (MatchKind::Lpm, 32)], 150);
    check(&[(MatchKind::Lpm, 64)], 150);
}

#[test]
fn exact() {
    check(&[(MatchKind::Exact, 20)], 60);
    check(&[(MatchKind::Exact, 64), (MatchKind::Exact, 64)], 200);
}
