//! Lookups against the definition: the entry that matches and that no other matching one beats.

use std::sync::Arc;

use p4rmt_engine::{InstalledEntry, MatchTable, Ref, State, StateLayout, WordLayout};
use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{
    ActionCall, Arch, BinaryOp, Bits, Entry, Expr, GressId, GressRole, Id, Match, MatchKind,
    PipeId, TableId,
};
use p4rmt_source::Span;

/// A generator of numbers that look random (Marsaglia's xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// A value with few bits set, so that keys and entries meet.
    fn value(&mut self, width: u32) -> Bits {
        let high = self.below(4);
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
                prefix_len: self.below(u64::from(width) + 1) as u32,
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

#[track_caller]
fn check(keys: &[(MatchKind, u32)], n_entries: usize) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let parts: Vec<_> = keys
        .iter()
        .map(|(kind, width)| (Expr::Field(gress.metadata("key", *width)), *kind))
        .collect();
    let nop = gress.action("nop", &[], Vec::new());
    gress.table("t", &parts, &[nop]);
    let program = Arc::new(program("p", Arch::Tna, [gress.structured(Vec::new())]));
    let layout = StateLayout::new(Arc::clone(&program), PipeId::from_index(0)).expect("small");
    let mut state = State::new(layout).expect("no entries");
    let place = Ref {
        gress: GressId::from_index(0),
        id: TableId::from_index(0),
    };
    let has_priority = keys.iter().any(|(kind, _)| {
        matches!(
            kind,
            MatchKind::Ternary | MatchKind::Range | MatchKind::Optional
        )
    });
    let mut numbers = Numbers(0x1234_5678_9abc_def1 + n_entries as u64);
    for position in 0..n_entries {
        let matches = keys
            .iter()
            .map(|(kind, width)| numbers.wanted(*kind, *width))
            .collect();
        let entry = Entry {
            matches,
            // Each its own, in an order of its own: ties are a matter of slots.
            priority: if has_priority {
                (position as u32).wrapping_mul(0x9e37_79b1)
            } else {
                0
            },
            action: ActionCall {
                action: nop,
                args: Vec::new(),
            },
            span: Span::NONE,
        };
        // Duplicates are refused, and leave the table as it is.
        let _ = state.insert_entry(place, entry);
    }
    let gress = &program.pipes[PipeId::from_index(0)].gresses[place.gress];
    let entries = state.table(place).expect("the table");
    let table = MatchTable::new(gress, &gress.tables[place.id], entries);
    let mut n_hits = 0;
    for _ in 0..500 {
        let key: Vec<Bits> = keys
            .iter()
            .map(|(_, width)| numbers.value(*width))
            .collect();
        let mut words = Vec::new();
        key.iter()
            .for_each(|part| WordLayout::push(&mut words, part));
        let expected = entries
            .iter()
            .filter(|(_, entry)| {
                let parts = entry.matches.iter().zip(&key);
                parts
                    .into_iter()
                    .all(|(wanted, part)| is_match(wanted, part))
            })
            .max_by_key(|(_, entry)| strength(entry))
            .map(|(slot, _)| slot);
        n_hits += usize::from(expected.is_some());
        let found = table.lookup(&words).map(|hit| hit.slot);
        assert_eq!(
            found,
            expected,
            "key {key:?} among {} entries",
            entries.len()
        );
    }
    assert!(n_hits > 0, "no key has met an entry");
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
fn lpm() {
    for n_entries in [3, 50, 300] {
        check(&[(MatchKind::Lpm, 32)], n_entries);
        check(&[(MatchKind::Lpm, 128), (MatchKind::Exact, 2)], n_entries);
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
