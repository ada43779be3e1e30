//! The exact crossbar of a stage and the hash matrix behind it.
//!
//! In: the requests of a stage, one after the other. Out: the bytes, hash bits, hash functions and hash
//! distribution units that they take together.
//!
//! The crossbar has groups of bytes, one for each bus to memory, and each group has two sections. A
//! section has a matrix of its own, with one column for each bit of a hash; a hash function adds up the
//! columns of some sections. So
//!
//! * a column of a section belongs to one user: whoever hashes the same bytes once more, or keeps another
//!   hash of them, needs them a second time, in another section;
//! * a function may serve several users whose columns differ in all of its sections;
//! * hash distribution takes slices of two functions, and its sections serve nobody else (so the vendor's
//!   compiler keeps it; `mau/tofino/input_xbar.cpp`);
//! * a meter or stateful ALU is fed from fixed bytes of a group, which nobody shares.
//!
//! Requests get their places one by one, where most of their bytes already are, else where they just fit.
//! What does not fit goes into groups and functions that the machine does not have, and so into the count.

mod request;

use std::collections::BTreeSet;

pub(crate) use self::request::{Byte, Request, Want};
use crate::resource::{Resource, Usage};
use crate::target::Target;

/// A part of the crossbar with a matrix of its own.
#[derive(Clone, Debug, Default)]
struct Section {
    bytes: Vec<Option<Byte>>,
    /// Columns in use.
    columns: u64,
}

/// A hash function.
#[derive(Clone, Debug, Default)]
struct Function {
    sections: BTreeSet<usize>,
    /// Bits that somebody uses.
    bits: u64,
    /// Of hash distribution: which slices are taken.
    slices: Option<Vec<bool>>,
}

/// The crossbar of a stage while it is filled.
#[derive(Clone, Debug)]
pub(crate) struct Matrix<'a> {
    target: &'a Target,
    sections: Vec<Section>,
    functions: Vec<Function>,
    /// Bits that no function of this machine gives at once, by user.
    unmet_bits: Vec<u32>,
}

/// Sections of a group.
const SECTIONS: usize = 2;

/// A place for a byte: section and position in it.
type Spot = (usize, usize);

impl<'a> Matrix<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self {
            target,
            sections: Vec::new(),
            functions: Vec::new(),
            unmet_bits: Vec::new(),
        }
    }

    /// Finds places for a request.
    pub(crate) fn add(&mut self, request: &Request) {
        for is_strict in [false, true] {
            let spots = self.spots(request, is_strict);
            let sections = spots.iter().map(|((section, _), _)| *section).collect();
            let has_bits = self.take_bits(&sections, &request.want, is_strict);
            if !has_bits && !is_strict {
                continue;
            }
            if !has_bits {
                self.unmet_bits.push(request.want.hash_bits(self.target));
            }
            for ((section, position), byte) in spots {
                self.section(section).bytes[position] = Some(byte);
            }
            return;
        }
    }

    /// Adds what is in use.
    pub(crate) fn count(&self, usage: &mut Usage) {
        let limits = &self.target.stage;
        let held = |sections: &[Section]| {
            let bytes = sections.iter().flat_map(|section| &section.bytes);
            count(bytes.flatten().count())
        };
        let n_there = (limits.exact_xbar_bytes / self.section_bytes().max(1)) as usize;
        let (there, beyond) = self.sections.split_at(n_there.min(self.sections.len()));
        let (there, beyond) = (held(there), held(beyond));
        let least = if beyond > 0 {
            limits.exact_xbar_bytes.saturating_add(1)
        } else {
            0
        };
        usage[Resource::ExactXbarBytes] = there.saturating_add(beyond).max(least);
        let functions = self.functions.iter();
        let bits = functions.clone().map(|of| of.bits.count_ones());
        usage[Resource::HashBits] = bits.chain(self.unmet_bits.iter().copied()).sum();
        let n_functions = functions.clone().filter(|of| of.bits != 0).count();
        usage[Resource::HashFunctions] = count(n_functions + self.unmet_bits.len());

        let slices = functions.filter_map(|of| of.slices.as_ref()).flatten();
        let used = count(slices.filter(|is_taken| **is_taken).count());
        let n_distributed = count(
            self.functions
                .iter()
                .filter(|of| of.slices.is_some())
                .count(),
        );
        let beyond = n_distributed.saturating_sub(self.target.hash.dist_functions);
        usage[Resource::HashDist] = match beyond {
            0 => used,
            beyond => limits.hash_dist_units.saturating_add(beyond).max(used),
        };
    }

    fn section_bytes(&self) -> u32 {
        self.target.hash.section_bytes
    }

    fn section(&mut self, at: usize) -> &mut Section {
        let n_bytes = self.section_bytes() as usize;
        while self.sections.len() <= at {
            self.sections.push(Section {
                bytes: vec![None; n_bytes],
                columns: 0,
            });
        }
        &mut self.sections[at]
    }

    fn columns(&self, section: usize) -> u64 {
        self.sections.get(section).map_or(0, |of| of.columns)
    }

    fn is_distributed(&self, section: usize) -> bool {
        let mut functions = self.functions.iter();
        functions.any(|of| of.slices.is_some() && of.sections.contains(&section))
    }

    fn is_hashed(&self, section: usize) -> bool {
        self.functions
            .iter()
            .any(|of| of.sections.contains(&section))
    }

    /// Whether a section may hold bytes for this.
    fn is_open(&self, section: usize, want: &Want, is_strict: bool) -> bool {
        let free = || !self.columns(section);
        match want {
            Want::Compare { hash_bits: 0 } | Want::Store | Want::Feed => {
                !self.is_distributed(section)
            }
            Want::Compare { hash_bits } => {
                let select = free() & self.select_columns();
                let needed = if is_strict {
                    self.select_columns().count_ones()
                } else {
                    *hash_bits
                };
                !self.is_distributed(section) && select.count_ones() >= needed
            }
            Want::Find { select_bits } => {
                let n_groups = self.index_groups(free()).count();
                let select = (free() & self.select_columns()).count_ones();
                let (groups, bits) = if is_strict {
                    let all = self.index_groups(u64::MAX).count();
                    (all, self.select_columns().count_ones())
                } else {
                    (select_bits.len(), select_bits.iter().sum())
                };
                !self.is_distributed(section) && n_groups >= groups && select >= bits
            }
            Want::Whole { .. } => !self.is_distributed(section) && self.columns(section) == 0,
            Want::Distribute { .. } => {
                let is_full = |of: &Function| {
                    let slices = of.slices.as_ref();
                    of.sections.contains(&section)
                        && slices.is_some_and(|slices| slices.iter().all(|is_taken| *is_taken))
                };
                let is_mixed = self.is_hashed(section) && !self.is_distributed(section);
                let is_free = !self.is_hashed(section);
                !is_mixed && (is_free || !is_strict) && !self.functions.iter().any(is_full)
            }
        }
    }

    /// Columns that pick words, as the first of each group of them.
    fn index_groups(&self, columns: u64) -> impl Iterator<Item = u32> + use<> {
        let width = self.target.exact.hash_index_bits;
        let n_groups = self.target.exact.ways_min;
        let there = self.target.function_bits().min(u64::BITS);
        let mask = ones(width);
        (0..n_groups)
            .map(move |group| group.saturating_mul(width))
            .filter(move |first| first.saturating_add(width) <= there)
            .filter(move |first| columns >> first & mask == mask)
    }

    /// Columns that pick blocks.
    fn select_columns(&self) -> u64 {
        let exact = &self.target.exact;
        let first = exact.hash_index_bits.saturating_mul(exact.ways_min);
        ones(self.target.function_bits()) & !ones(first)
    }

    /// Places for the bytes of a request: in as few groups as can be, first with those that are there.
    fn spots(&self, request: &Request, is_strict: bool) -> Vec<(Spot, Byte)> {
        let group_bytes = SECTIONS * self.section_bytes() as usize;
        let least = request.bytes.len().div_ceil(group_bytes.max(1));
        let n_there = self.target.stage.exact_xbar_bytes as usize / group_bytes.max(1);
        // Groups beyond those of the machine are there for what does not fit, and counted as that.
        let n_known = n_there.max(self.sections.len().div_ceil(SECTIONS));
        for n_groups in [n_known, n_known + least] {
            let most = match request.want {
                Want::Compare { .. } | Want::Feed => least,
                Want::Store | Want::Find { .. } | Want::Whole { .. } | Want::Distribute { .. } => {
                    request.bytes.len().min(n_there.max(least))
                }
            };
            for n_buses in least..=most {
                for prefers_found in [true, false] {
                    let found =
                        self.try_spots(request, is_strict, n_groups, n_buses, prefers_found);
                    if let Some(spots) = found {
                        return spots;
                    }
                }
            }
        }
        let first = n_known * group_bytes;
        let n_bytes = self.section_bytes().max(1) as usize;
        let places = (first..).map(|at| (at / n_bytes, at % n_bytes));
        places.zip(request.bytes.iter().copied()).collect()
    }

    fn try_spots(
        &self,
        request: &Request,
        is_strict: bool,
        n_groups: usize,
        n_buses: usize,
        prefers_found: bool,
    ) -> Option<Vec<(Spot, Byte)>> {
        let group_bytes = SECTIONS * self.section_bytes() as usize;
        let mut left: Vec<Byte> = request.bytes.iter().copied().collect();
        let mut spots = Vec::new();
        let mut tried = vec![false; n_groups];
        for bus in 0..n_buses {
            if left.is_empty() {
                break;
            }
            let leeway = ((n_buses - bus) * group_bytes).saturating_sub(left.len());
            let required = group_bytes.saturating_sub(leeway);
            let groups = (0..n_groups).filter(|group| !tried[*group]);
            let group = groups.max_by_key(|group| {
                let (n_found, n_free) = self.room(*group, &left, &request.want, is_strict);
                let room = n_found + n_free;
                let order = if prefers_found {
                    (room >= required, n_found, usize::MAX - room)
                } else {
                    (room >= required, room, 0)
                };
                (order, std::cmp::Reverse(*group))
            })?;
            tried[group] = true;
            let (found, free) = self.offer(group, &left, &request.want, is_strict);
            left.retain(|byte| !found.iter().any(|(_, known)| known == byte));
            spots.extend(found);
            let n_placed = left.len().min(free.len());
            spots.extend(free.into_iter().zip(left.drain(..n_placed)));
        }
        left.is_empty().then_some(spots)
    }

    /// Of what a group has for these bytes: how many of them are there, and how many places are free.
    fn room(&self, group: usize, bytes: &[Byte], want: &Want, is_strict: bool) -> (usize, usize) {
        if *want == Want::Feed {
            let (found, free) = self.offer(group, bytes, want, is_strict);
            return (found.len(), free.len());
        }
        let (mut n_found, mut n_free) = (0, 0);
        self.look(group, want, is_strict, |_, held| match held {
            None => n_free += 1,
            Some(byte) => n_found += usize::from(bytes.contains(&byte)),
        });
        (n_found, n_free)
    }

    /// What a group has for these bytes: where some of them are, and free places.
    fn offer(
        &self,
        group: usize,
        bytes: &[Byte],
        want: &Want,
        is_strict: bool,
    ) -> (Vec<(Spot, Byte)>, Vec<Spot>) {
        let (mut found, mut free) = (Vec::new(), Vec::new());
        let n_bytes = self.section_bytes() as usize;
        // The bytes that feed an ALU start at a fixed place, and all of them must be free.
        let first = match want {
            Want::Feed => self.target.hash.meter_alu_first_byte as usize,
            _ => 0,
        };
        self.look(group, want, is_strict, |spot, held| {
            let (section, position) = spot;
            match held {
                None if (section % SECTIONS) * n_bytes + position >= first => free.push(spot),
                Some(byte) if *want != Want::Feed && bytes.contains(&byte) => {
                    found.push((spot, byte));
                }
                None | Some(_) => {}
            }
        });
        if *want == Want::Feed {
            let is_contiguous = (first..).take(bytes.len()).all(|in_group| {
                let spot = (group * SECTIONS + in_group / n_bytes, in_group % n_bytes);
                free.contains(&spot)
            });
            free.truncate(if is_contiguous { bytes.len() } else { 0 });
        }
        (found, free)
    }

    /// Calls `note` for each place of a group that may hold bytes for this, with what it holds.
    fn look(
        &self,
        group: usize,
        want: &Want,
        is_strict: bool,
        mut note: impl FnMut(Spot, Option<Byte>),
    ) {
        for section in group * SECTIONS..(group + 1) * SECTIONS {
            if !self.is_open(section, want, is_strict) {
                continue;
            }
            let held = self.sections.get(section).map(|of| &of.bytes);
            for position in 0..self.section_bytes() as usize {
                note((section, position), held.and_then(|held| held[position]));
            }
        }
    }

    /// Takes the bits of a hash function over these sections. False where none has them.
    fn take_bits(&mut self, sections: &BTreeSet<usize>, want: &Want, is_strict: bool) -> bool {
        match want {
            Want::Compare { hash_bits: 0 } | Want::Store | Want::Feed => true,
            Want::Compare { hash_bits } => {
                let all = self.select_columns();
                let first = all.trailing_zeros();
                // The bits stand side by side, from a nibble on.
                let places = (0..all.count_ones()).step_by(4);
                let masks: Vec<u64> = places
                    .map(|shift| span(first + shift, *hash_bits))
                    .filter(|mask| mask & !all == 0 && *mask != 0)
                    .collect();
                self.take_shared(sections, is_strict, |free| {
                    masks.iter().copied().find(|mask| mask & !free == 0)
                })
            }
            Want::Find { select_bits } => {
                let width = self.target.exact.hash_index_bits;
                let groups = self.index_groups(u64::MAX).collect::<Vec<u32>>();
                let select = self.select_columns();
                let pick = |mut free: u64| {
                    let mut taken = 0;
                    for bits in select_bits {
                        let mask = ones(width);
                        let index = groups.iter().find(|first| free >> **first & mask == mask)?;
                        let mut mask = mask << index;
                        if *bits > 0 {
                            mask |= (0..=u64::BITS.saturating_sub(*bits))
                                .map(|first| span(first, *bits))
                                .find(|bits| bits & !(free & select) == 0)?;
                        }
                        free &= !mask;
                        taken |= mask;
                    }
                    Some(taken)
                };
                self.take_shared(sections, is_strict, pick)
            }
            Want::Whole { bits } => {
                let mask = ones((*bits).min(self.target.function_bits()));
                self.take_shared(sections, true, |free| (mask & !free == 0).then_some(mask))
            }
            Want::Distribute { bits } => self.take_slice(sections, *bits, is_strict),
        }
    }

    /// Takes bits for what is no hash distribution: of the function of just these sections, of one whose
    /// sections have them free too, or of a new one.
    fn take_shared(
        &mut self,
        sections: &BTreeSet<usize>,
        is_strict: bool,
        pick: impl Fn(u64) -> Option<u64>,
    ) -> bool {
        let free_in = |matrix: &Self, sections: &BTreeSet<usize>| {
            let used = sections.iter().map(|at| matrix.columns(*at));
            ones(matrix.target.function_bits()) & !used.fold(0, |a, b| a | b)
        };
        let own = self
            .functions
            .iter()
            .position(|of| of.sections == *sections);
        let other = || {
            self.functions.iter().position(|of| {
                let together: BTreeSet<usize> = of.sections.union(sections).copied().collect();
                of.slices.is_none() && pick(free_in(self, &together)).is_some()
            })
        };
        let overlaps = || {
            let mut functions = self.functions.iter();
            functions.any(|of| !of.sections.is_disjoint(sections))
        };
        let function = match own.or_else(other) {
            Some(function) => function,
            // Another try has sections of its own.
            None if overlaps() && !is_strict => return false,
            None => {
                self.functions.push(Function::default());
                self.functions.len() - 1
            }
        };
        let together: BTreeSet<usize> = self.functions[function]
            .sections
            .union(sections)
            .copied()
            .collect();
        let Some(bits) = pick(free_in(self, &together)) else {
            return false;
        };
        self.functions[function].bits |= bits;
        for section in &together {
            self.section(*section).columns |= bits;
        }
        self.functions[function].sections = together;
        true
    }

    /// Takes a slice of a function of hash distribution. An index wider than a slice has its upper bits in
    /// the last slice, which others may then not need.
    fn take_slice(&mut self, sections: &BTreeSet<usize>, bits: u32, is_strict: bool) -> bool {
        let slice_bits = self.target.hash.dist_unit_bits;
        let per_function = self.target.dist_slices();
        let overlapping: Vec<usize> = (0..self.functions.len())
            .filter(|at| self.functions[*at].slices.is_some())
            .filter(|at| !self.functions[*at].sections.is_disjoint(sections))
            .collect();
        let candidates: Vec<usize> = match overlapping[..] {
            [] => (0..self.functions.len())
                .filter(|at| self.functions[*at].slices.is_some())
                .collect(),
            [only] => vec![only],
            [_, _, ..] => return false,
        };
        let place = |of: &Function| {
            let slices = of.slices.as_ref()?;
            slices.iter().enumerate().find_map(|(slice, is_taken)| {
                let slice = u32::try_from(slice).ok()?;
                let low = span(slice.saturating_mul(slice_bits), bits.min(slice_bits));
                let high = if bits > slice_bits {
                    // Only the slices before the last one expand.
                    (slice + 1 < per_function).then_some(())?;
                    let rest = bits - slice_bits;
                    let last = slice_bits.saturating_mul(per_function - 1);
                    span(last.saturating_add(rest.saturating_mul(slice)), rest)
                } else {
                    0
                };
                let is_free = !is_taken && of.bits & (low | high) == 0;
                is_free.then_some((slice as usize, low | high))
            })
        };
        let found = candidates
            .iter()
            .find_map(|at| place(&self.functions[*at]).map(|found| (*at, found)));
        let (at, (slice, mask)) = match found {
            Some(found) => found,
            None if overlapping.is_empty() || is_strict => {
                let slices = vec![false; per_function as usize];
                let new = Function {
                    slices: Some(slices),
                    ..Function::default()
                };
                let first = place(&new).unwrap_or((0, ones(bits.min(slice_bits))));
                self.functions.push(new);
                (self.functions.len() - 1, first)
            }
            None => return false,
        };
        let function = &mut self.functions[at];
        function.bits |= mask;
        function.sections.extend(sections);
        if let Some(taken) = function.slices.as_mut().and_then(|of| of.get_mut(slice)) {
            *taken = true;
        }
        for section in sections.clone() {
            self.section(section).columns |= mask;
        }
        true
    }
}

/// So many ones from a position on, as far as a word goes.
fn span(first: u32, bits: u32) -> u64 {
    ones(bits).checked_shl(first).unwrap_or(0)
}

/// So many ones.
fn ones(bits: u32) -> u64 {
    match bits {
        0 => 0,
        1..=63 => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use p4rmt_ir::{FieldId, Id};

    use super::*;

    /// Bytes `0..n` of a field.
    fn bytes(field: usize, n: u32) -> BTreeSet<Byte> {
        let of = FieldId::from_index(field);
        (0..n).map(|byte| Byte::Of(0, of, byte)).collect()
    }

    /// Bytes, hash bits, functions and distribution units that requests take on Tofino 1.
    #[track_caller]
    fn check(requests: Vec<(BTreeSet<Byte>, Want)>, expected: [u32; 4]) {
        let target = Target::built_in("tofino1").expect("built in");
        let mut matrix = Matrix::new(&target);
        for (bytes, want) in requests {
            matrix.add(&Request { bytes, want });
        }
        let mut usage = Usage::default();
        matrix.count(&mut usage);
        let counted = [
            Resource::ExactXbarBytes,
            Resource::HashBits,
            Resource::HashFunctions,
            Resource::HashDist,
        ];
        assert_eq!(counted.map(|resource| usage[resource]), expected);
    }

    fn four_ways() -> Want {
        Want::Find {
            select_bits: vec![0; 4],
        }
    }

    #[test]
    fn two_tables_with_one_key_take_it_twice() {
        // Four ways take all columns of a section.
        let key = || (bytes(0, 4), four_ways());
        check(vec![key()], [4, 40, 1, 0]);
        check(vec![key(), key()], [8, 80, 2, 0]);
    }

    #[test]
    fn tables_found_by_a_way_each_share_key_and_function() {
        let key = || {
            let select_bits = vec![1];
            (bytes(0, 2), Want::Find { select_bits })
        };
        check(vec![key(), key()], [2, 22, 1, 0]);
    }

    #[test]
    fn a_comparison_shares_bytes_with_a_key() {
        let compared = |hash_bits| (bytes(0, 4), Want::Compare { hash_bits });
        check(vec![(bytes(0, 4), four_ways()), compared(0)], [4, 40, 1, 0]);
        // Bits that are ordered come through the columns that are left.
        check(vec![(bytes(0, 4), four_ways()), compared(8)], [4, 48, 1, 0]);
    }

    /// Three slices of a function are taken, the fourth is one of another, whose sections hold the bytes
    /// once more.
    #[test]
    fn a_hash_in_two_functions_takes_its_bytes_twice() {
        let half = |field| (bytes(field, 4), Want::Distribute { bits: 16 });
        check(vec![half(0), half(0), half(1)], [8, 48, 1, 3]);
        check(vec![half(0), half(0), half(1), half(1)], [12, 64, 2, 4]);
    }

    #[test]
    fn more_distribution_than_there_is_counts_as_more() {
        let units = (0..7).map(|field| (bytes(field, 1), Want::Distribute { bits: 16 }));
        check(units.collect(), [7, 112, 3, 7]);
    }

    #[test]
    fn what_feeds_an_alu_is_shared_with_nobody() {
        let fed = || (bytes(0, 4), Want::Feed);
        check(
            vec![(bytes(0, 4), four_ways()), fed(), fed()],
            [12, 40, 1, 0],
        );
    }

    #[test]
    fn a_selector_hashes_its_input_apart_from_what_picks_a_word() {
        let whole = (bytes(0, 16), Want::Whole { bits: 14 });
        let word = (bytes(0, 16), Want::Distribute { bits: 15 });
        check(vec![whole, word], [32, 29, 2, 1]);
    }

    #[test]
    fn more_bytes_than_there_are_count_as_more() {
        let keys = (0..17).map(|field| (bytes(field, 8), four_ways()));
        check(keys.collect(), [136, 680, 17, 0]);
    }
}
