//! Who comes after whom: what one writes and another touches, what one decides, and what a machine without
//! long branches keeps together.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{FieldId, Gress, Slot};

use super::flow::Item;
use super::{Checker, Violation};

impl Checker<'_> {
    pub(super) fn check_order(&mut self, items: &[Item], gress: &Gress) {
        let mut writers: BTreeMap<(FieldId, u32), Vec<usize>> = BTreeMap::new();
        let mut readers: BTreeMap<(FieldId, u32), Vec<usize>> = BTreeMap::new();
        let mut exiting: Vec<usize> = Vec::new();
        for (later_at, later) in items.iter().enumerate() {
            let mut related: BTreeSet<usize> = exiting.iter().copied().collect();
            related.extend(later.path.iter().map(|(above, _)| *above));
            for bit in later.reads.iter().chain(&later.writes) {
                related.extend(writers.get(bit).into_iter().flatten());
            }
            for bit in &later.writes {
                related.extend(readers.get(bit).into_iter().flatten());
                writers.entry(*bit).or_default().push(later_at);
            }
            for bit in &later.reads {
                readers.entry(*bit).or_default().push(later_at);
            }
            if later.exits {
                exiting.push(later_at);
            }
            for earlier_at in related {
                self.check_pair(items, earlier_at, later_at, gress);
            }
        }
    }

    /// The order of two items that have something to do with each other.
    fn check_pair(&mut self, items: &[Item], earlier_at: usize, later_at: usize, gress: &Gress) {
        let (earlier, later) = (&items[earlier_at], &items[later_at]);
        let (Some(last), Some(first)) = (earlier.last(), later.first()) else {
            return;
        };
        if earlier.excludes(later) {
            return;
        }
        let name = |item: &Item| item.name.clone();
        let before = earlier.touches_before(earlier_at, later);
        let (reads, writes) = match &before {
            Some((reads, writes)) => (reads, writes),
            None => (&earlier.reads, &earlier.writes),
        };
        // A table that only finds a partition matches on the keys, and does nothing else.
        let acts_in = later.first_acting().unwrap_or(first);
        let is_early = |bit: &&(FieldId, u32)| {
            let is_key = later.table.is_none() || later.keys.contains(*bit);
            let needed_in = if is_key { first } else { acts_in };
            writes.contains(*bit) && needed_in.stage <= last.stage
        };
        let mut touched = later.reads.iter().chain(&later.writes);
        let data = touched.find(is_early);
        if let Some((field, _)) = data {
            self.violations.push(Violation::TooEarly {
                first: name(earlier),
                second: name(later),
                field: gress.fields[*field].name.clone(),
            });
            return;
        }
        let shares_slot = later.is_child_of(earlier_at) && earlier.table.is_none();
        let decides = later.path.iter().any(|(above, _)| *above == earlier_at);
        let overwrites = reads.iter().any(|bit| later.writes.contains(bit));
        let follows = |slot: Slot| slot > last || (shares_slot && slot == last);
        let is_out_of_order =
            (decides || earlier.exits) && !follows(first) || overwrites && !follows(acts_in);
        if is_out_of_order {
            self.violations.push(Violation::OutOfOrder {
                first: name(earlier),
                second: name(later),
            });
        }
    }

    pub(super) fn check_next_table(&mut self, items: &[Item]) {
        if self.target.machine.long_branch_tags > 0 {
            return;
        }
        for (position, open) in items.iter().enumerate() {
            let is_under = |item: &Item| item.path.iter().any(|(above, _)| *above == position);
            let end = items
                .iter()
                .filter(|item| is_under(item))
                .filter_map(Item::last)
                .max();
            let (Some(start), Some(end)) = (open.last(), end) else {
                continue;
            };
            for (other_at, other) in items.iter().enumerate() {
                let is_above = open.path.iter().any(|(above, _)| *above == other_at);
                let is_other =
                    other_at != position && !is_under(other) && !is_above && !other.excludes(open);
                if is_other && other.slots.iter().any(|slot| start < *slot && *slot < end) {
                    self.violations.push(Violation::InBetween {
                        unit: other.name.clone(),
                        open: open.name.clone(),
                    });
                }
            }
        }
    }
}
