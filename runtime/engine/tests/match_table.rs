//! Lookups against the definition: the entry that matches and that no other matching one beats.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use p4rmt_engine::{Changes, InstalledEntry, MatchTable, Ref, State, StateLayout, TableEntries};
use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{
    ActionCall, ActionId, Arch, BinaryOp, Bits, Entry, Expr, GressId, GressRole, Id, Match,
    MatchKind, PipeId, Program, TableId,
};
use p4rmt_source::Span;

/// A generator of numbers that look random (Marsaglia's xorshift64).
struct Numbers {
    state: u64,
    /// So many values the two highest bits have.
    n_high: u64,
    /// No prefix is shorter.
    least_prefix: u32,
}

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end
    }

    /// A value with few bits set, so that keys and entries meet.
    fn value(&mut self, width: u32) -> Bits {
        let high = self.below(self.n_high);
        let low = self.below(8);
        let low = Bits::from_u64(width, low);
        let shift = Bits::from_u64(32, u64::from(width.saturating_sub(2)));
        let high = Bits::binary(BinaryOp::Shl, &Bits::from_u64(width, high), &shift);
        Bits::binary(BinaryOp::Or, &high, &low)
    }

    fn wanted(&mut self, kind: MatchKind, width: u32) -> Match {
        match kind {
            MatchKind::Exact => Match::Exact(self.value(width)),
            MatchKind::Optional if self.below(2) == 0 => Match::Any,
            MatchKind::Optional => Match::Exact(self.value(width)),
            MatchKind::Ternary => Match::Ternary {
                value: self.value(width),
                mask: self.value(width),
            },
            MatchKind::Lpm => Match::Lpm {
                value: self.value(width),
                prefix_len: {
                    let least = self.least_prefix.min(width);
                    least + self.below(u64::from(width - least) + 1) as u32
                },
            },
            MatchKind::Range => {
                let (one, other) = (self.value(width), self.value(width));
                let (lo, hi) = if one.cmp_u(&other).is_le() {
                    (one, other)
                } else {
                    (other, one)
                };
                Match::Range { lo, hi }
            }
            MatchKind::Selector => Match::Any,
        }
    }
}

fn is_match(wanted: &Match, key: &Bits) -> bool {
    let equal_under = |value: &Bits, mask: &Bits| {
        let and = |value| Bits::binary(BinaryOp::And, value, mask);
        and(value) == and(key)
    };
    match wanted {
        Match::Exact(value) => value == key,
        Match::Ternary { value, mask } => equal_under(value, mask),
        Match::Lpm { value, prefix_len } => {
            equal_under(value, &Bits::prefix_mask(key.width(), *prefix_len))
        }
        Match::Range { lo, hi } => lo.cmp_u(key).is_le() && key.cmp_u(hi).is_le(),
        Match::Any => true,
    }
}

/// What wins among entries that match: priority, then prefix length.
fn strength(entry: &InstalledEntry) -> (u32, u32) {
    let prefix = entry.matches.iter().find_map(|wanted| match wanted {
        Match::Lpm { prefix_len, .. } => Some(*prefix_len),
        Match::Exact(_) | Match::Ternary { .. } | Match::Range { .. } | Match::Any => None,
    });
    (entry.priority, prefix.unwrap_or(0))
}

/// A table of these keys, and its entries.
struct Case {
    program: Arc<Program>,
    state: State,
    place: Ref<TableId>,
    nop: ActionId,
    keys: Vec<(MatchKind, u32)>,
    numbers: Numbers,
    n_inserted: u32,
}

impl Case {
    fn new(keys: &[(MatchKind, u32)], seed: u64) -> Self {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let parts: Vec<_> = keys
            .iter()
            .map(|(kind, width)| (Expr::Field(gress.metadata("key", *width)), *kind))
            .collect();
        let nop = gress.action("nop", &[], Vec::new());
        let id = gress.table("t", &parts, &[nop]);
        let mut gress = gress.structured(Vec::new());
        gress.tables[id].size = 20_000;
        let program = Arc::new(program("p", Arch::Tna, [gress]));
        let layout = StateLayout::new(Arc::clone(&program), PipeId::from_index(0)).expect("small");
        Self {
            state: State::new(layout).expect("no entries"),
            program,
            place: Ref {
                gress: GressId::from_index(0),
                id,
            },
            nop,
            keys: keys.to_vec(),
            numbers: Numbers {
                state: 0x1234_5678_9abc_def1 + seed,
                n_high: 4,
                least_prefix: 0,
            },
            n_inserted: 0,
        }
    }

    fn entries(&self) -> &TableEntries {
        self.state.table(self.place).expect("the table")
    }

    fn table(&self) -> MatchTable {
        let gress = &self.program.pipes[PipeId::from_index(0)].gresses[self.place.gress];
        MatchTable::new(gress, &gress.tables[self.place.id], self.entries(), true)
    }

    /// Inserts entries; duplicates are refused, and leave the table as it is.
    fn insert(&mut self, n_entries: usize) {
        let has_priority = self.keys.iter().any(|(kind, _)| {
            matches!(
                kind,
                MatchKind::Ternary | MatchKind::Range | MatchKind::Optional
            )
        });
        for _ in 0..n_entries {
            let (keys, numbers) = (self.keys.iter(), &mut self.numbers);
            let matches = keys.map(|(kind, width)| numbers.wanted(*kind, *width));
            let entry = Entry {
                matches: matches.collect(),
                // Each its own, in an order of its own: ties are a matter of slots.
                priority: if has_priority {
                    self.n_inserted.wrapping_mul(0x9e37_79b1)
                } else {
                    0
                },
                action: ActionCall {
                    action: self.nop,
                    args: Vec::new(),
                },
                span: Span::NONE,
            };
            self.n_inserted += 1;
            let _ = self.state.insert_entry(self.place, entry);
        }
    }

    /// Deletes entries, whichever.
    fn delete(&mut self, n_entries: usize) {
        for _ in 0..n_entries {
            let n_slots = self.entries().n_slots() as u64;
            let slot = self.numbers.below(n_slots.max(1)) as usize;
            if let Some(entry) = self.entries().get(slot).cloned() {
                let deleted = self
                    .state
                    .delete_entry(self.place, entry.matches, entry.priority);
                deleted.expect("the entry is there");
            }
        }
    }

    /// Looks keys up, by the definition too; returns how many met an entry.
    #[track_caller]
    fn check(&mut self, table: &MatchTable, n_keys: usize) -> usize {
        let mut n_hits = 0;
        for _ in 0..n_keys {
            let (widths, numbers) = (self.keys.iter(), &mut self.numbers);
            let key: Vec<Bits> = widths.map(|(_, width)| numbers.value(*width)).collect();
            let mut words = Vec::new();
            let layout = table.layout();
            layout.key(&mut words, |part| Cow::Borrowed(&key[part]));
            let entries = self.entries();
            let matching = entries.iter().filter(|(_, entry)| {
                let parts = entry.matches.iter().zip(&key);
                parts
                    .into_iter()
                    .all(|(wanted, part)| is_match(wanted, part))
            });
            let expected = matching
                .max_by_key(|(slot, entry)| (strength(entry), Reverse(*slot)))
                .map(|(slot, _)| slot);
            n_hits += usize::from(expected.is_some());
            assert_eq!(
                table.lookup(&words),
                expected,
                "key {key:?} among {} entries",
                entries.len()
            );
        }
        n_hits
    }
}

#[track_caller]
fn check(keys: &[(MatchKind, u32)], n_entries: usize) {
    let mut case = Case::new(keys, n_entries as u64);
    case.insert(n_entries);
    let table = case.table();
    assert!(case.check(&table, 500) > 0, "no key has met an entry");
}

/// Entries come and go while the table follows.
#[track_caller]
fn check_changes(keys: &[(MatchKind, u32)], n_entries: usize) {
    let mut case = Case::new(keys, n_entries as u64);
    let mut table = case.table();
    for round in 0..40 {
        match round % 4 {
            0 => case.insert(n_entries / 4),
            1 => case.insert(1),
            2 => case.delete(3),
            _ => {
                case.delete(n_entries / 8);
                case.insert(n_entries / 16);
            }
        }
        table.update(case.entries());
        assert!(table.is_current(case.entries()));
        case.check(&table, 40);
    }
    case.delete(n_entries * 8);
    table.update(case.entries());
    case.check(&table, 40);
}

#[test]
fn exact() {
    for n_entries in [3, 8, 9, 30] {
        check(&[(MatchKind::Exact, 6)], n_entries);
        check(
            &[(MatchKind::Exact, 5), (MatchKind::Exact, 70)],
            n_entries * 20,
        );
    }
}

#[test]
fn entries_come_and_go() {
    for n_entries in [4, 20, 200] {
        check_changes(&[(MatchKind::Exact, 9), (MatchKind::Exact, 70)], n_entries);
        check_changes(&[(MatchKind::Exact, 3), (MatchKind::Lpm, 32)], n_entries);
        check_changes(&[(MatchKind::Lpm, 100)], n_entries);
        check_changes(
            &[
                (MatchKind::Ternary, 9),
                (MatchKind::Range, 12),
                (MatchKind::Optional, 60),
            ],
            n_entries,
        );
    }
}

#[test]
fn more_entries_than_have_bit_vectors() {
    let keys = [(MatchKind::Ternary, 30), (MatchKind::Range, 30)];
    check(&keys, 6000);
    check_changes(&keys, 6000);
}

#[test]
fn changes_that_are_long_ago_are_not_known() {
    let mut case = Case::new(&[(MatchKind::Exact, 40)], 0);
    let mut table = case.table();
    case.insert(3);
    assert_eq!(table.update(case.entries()), Changes::Slots(vec![0, 1, 2]));
    assert_eq!(table.update(case.entries()), Changes::None);
    for _ in 0..600 {
        case.insert(1);
        case.delete(1);
    }
    let other = case.state.clone();
    case.insert(1);
    assert_eq!(table.update(case.entries()), Changes::All);
    // A state that went its own way since.
    let entries = other.table(case.place).expect("the table");
    assert_eq!(table.update(entries), Changes::All);
}

#[test]
fn the_strongest_have_the_lowest_ranks() {
    let mut case = Case::new(&[(MatchKind::Lpm, 32)], 7);
    case.insert(50);
    let table = case.table();
    let mut slots: Vec<usize> = case.entries().iter().map(|(slot, _)| slot).collect();
    slots.sort_by_key(|slot| table.rank_of(*slot));
    let strengths = slots.iter().map(|slot| {
        let entry = case.entries().get(*slot).expect("it has a rank");
        strength(entry)
    });
    assert!(strengths.is_sorted_by(|one, next| one >= next));
}

#[test]
fn lpm() {
    for n_entries in [3, 50, 300] {
        check(&[(MatchKind::Lpm, 32)], n_entries);
        check(&[(MatchKind::Lpm, 128), (MatchKind::Exact, 2)], n_entries);
    }
}

#[test]
fn prefixes_that_begin_alike() {
    for (seed, keys) in (0..).zip([
        vec![(MatchKind::Lpm, 32)],
        vec![(MatchKind::Exact, 10), (MatchKind::Lpm, 32)],
        vec![(MatchKind::Lpm, 64)],
        vec![(MatchKind::Exact, 20), (MatchKind::Lpm, 128)],
    ]) {
        let mut case = Case::new(&keys, seed);
        for least_prefix in [32, 25, 7, 0] {
            // Entries begin alike, keys do not; then an entry that does not comes, and goes.
            case.numbers.least_prefix = least_prefix;
            case.numbers.n_high = 1;
            case.insert(40);
            let mut table = case.table();
            case.numbers.n_high = 4;
            case.check(&table, 200);
            for _ in 0..5 {
                case.insert(1);
                table.update(case.entries());
                case.check(&table, 50);
            }
            case.delete(60);
            table.update(case.entries());
            case.check(&table, 50);
            case.delete(400);
        }
    }
}

#[test]
fn ternary_range_optional() {
    for n_entries in [3, 8, 9, 100, 400] {
        check(&[(MatchKind::Ternary, 16)], n_entries);
        check(
            &[(MatchKind::Ternary, 9), (MatchKind::Range, 12)],
            n_entries,
        );
        check(&[(MatchKind::Range, 100), (MatchKind::Exact, 3)], n_entries);
        check(
            &[(MatchKind::Optional, 20), (MatchKind::Lpm, 20)],
            n_entries,
        );
    }
}
