//! Which size of container each class takes.
//!
//! The classes that need the widest containers first. A class takes the size that divides its headers
//! best ([`crate::phv::tile`]) at the price that containers of each size have: the more of them are
//! taken at the entries where it lives, the higher.

use std::collections::HashMap;

use p4rmt_ir::{FieldId, HeaderId};

use crate::phv::class::{ClassId, Classes};
use crate::phv::container::{Container, ContainerKind, ContainerSize};
use crate::phv::job::GressJob;
use crate::phv::life::Life;
use crate::phv::operation::FieldSlice;
use crate::phv::tile::{FAULT, Tile, Tiler};
use crate::target::PhvLimits;

/// How many containers are asked for, by size and entry.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// By size: how many there are to take.
    room: [u32; 3],
    used: [Vec<u32>; 3],
}

/// By how much a container is dearer of which there are no more.
const SCARCE: u64 = 6;

impl Load {
    /// Nothing is asked for yet; of each size, so many containers are not to be taken.
    pub(crate) fn new(limits: &PhvLimits, last_entry: u32, spared: [u32; 3]) -> Self {
        let room = ContainerSize::ALL.map(|size| {
            let all = Container::count(ContainerKind::Normal, size, limits)
                .saturating_add(Container::count(ContainerKind::Mocha, size, limits));
            all.saturating_sub(spared[size.index()]).max(1)
        });
        let none = || vec![0; last_entry as usize + 1];
        Self {
            room,
            used: [none(), none(), none()],
        }
    }

    fn entries(&mut self, size: ContainerSize, life: Life) -> &mut [u32] {
        let used = &mut self.used[size.index()];
        let end = (life.to as usize + 1).min(used.len());
        &mut used[(life.from as usize).min(end)..end]
    }

    /// What one more container costs of which the first costs `base`.
    fn price(&mut self, size: ContainerSize, life: Life, base: u32) -> u64 {
        let room = u64::from(self.room[size.index()]);
        let peak = self.entries(size, life).iter().max().copied();
        let peak = u64::from(peak.unwrap_or(0));
        let base = u64::from(base);
        if peak >= room {
            return base * SCARCE;
        }
        base + base * peak * peak / (room * room)
    }

    fn add(&mut self, size: ContainerSize, life: Life, count: u32) {
        for used in self.entries(size, life) {
            *used = used.saturating_add(count);
        }
    }

    fn give_back(&mut self, size: ContainerSize, life: Life, count: u32) {
        for used in self.entries(size, life) {
            *used = used.saturating_sub(count);
        }
    }
}

/// What a class would take of a size.
struct Choice {
    size: ContainerSize,
    cost: u64,
    tiles: Vec<(HeaderId, Tile, Life)>,
    floating: Vec<(u32, Life)>,
}

/// Chooses the sizes of the classes of a gress. Classes with bits that are in `avoided` take another size
/// than is said there, if they can.
pub(crate) fn choose_sizes(
    job: &GressJob<'_>,
    classes: &mut Classes,
    tiler: &Tiler<'_>,
    is_on_wire: &dyn Fn(FieldId) -> bool,
    is_rigid: &dyn Fn(FieldId) -> bool,
    avoided: &[(FieldSlice, ContainerSize)],
    load: &mut Load,
) {
    let mut members: HashMap<ClassId, Vec<FieldSlice>> = HashMap::new();
    for field in job.gress.fields.ids().filter(|field| tiler.is_live(*field)) {
        for (slice, class) in classes.slices(field) {
            if classes.needs_size(class) {
                members.entry(class).or_default().push(slice);
            }
        }
    }
    let mut order: Vec<ClassId> = members.keys().copied().collect();
    let least = |classes: &Classes, class: ClassId| classes.computed(class).min(32);
    order.sort_by_key(|class| (std::cmp::Reverse(least(classes, *class)), *class));
    let mut chooser = Chooser {
        job,
        tiler,
        is_on_wire,
        is_rigid,
        counted: HashMap::new(),
    };
    let is_avoided = |classes: &Classes, class: ClassId, size: ContainerSize| {
        avoided
            .iter()
            .any(|(slice, of)| *of == size && classes.of(*slice).any(|known| known == class))
    };
    // A class that comes late may be what an early one should have made room for.
    let mut chosen: HashMap<ClassId, Choice> = HashMap::new();
    for class in order.iter().chain(&order).copied() {
        if let Some(before) = chosen.remove(&class) {
            chooser.count(&before, load, false);
        }
        let mut cheapest: Option<Choice> = None;
        for size in ContainerSize::ALL {
            if size.bits() < least(classes, class) {
                continue;
            }
            let mut choice = chooser.weigh(class, size, &members[&class], classes, load);
            if is_avoided(classes, class, size) {
                choice.cost += u64::from(FAULT);
            }
            if cheapest.as_ref().is_none_or(|of| choice.cost < of.cost) {
                cheapest = Some(choice);
            }
        }
        if let Some(choice) = cheapest {
            classes.sizes[class] = Some(choice.size);
            chooser.count(&choice, load, true);
            chosen.insert(class, choice);
        }
    }
}

struct Chooser<'a> {
    job: &'a GressJob<'a>,
    tiler: &'a Tiler<'a>,
    is_on_wire: &'a dyn Fn(FieldId) -> bool,
    is_rigid: &'a dyn Fn(FieldId) -> bool,
    /// How many classes have a part of a tile.
    counted: HashMap<(HeaderId, Tile), u32>,
}

impl Chooser<'_> {
    fn weigh(
        &self,
        class: ClassId,
        size: ContainerSize,
        members: &[FieldSlice],
        classes: &Classes,
        load: &mut Load,
    ) -> Choice {
        let wrong_for = |slice: FieldSlice, of: ContainerSize| {
            classes.of(slice).find(|known| {
                let wanted = if *known == class {
                    Some(size)
                } else {
                    classes.sizes[*known]
                };
                wanted.is_some_and(|wanted| wanted != of)
            })
        };
        let mut headers: Vec<HeaderId> = members
            .iter()
            .filter(|slice| (self.is_on_wire)(slice.field))
            .filter_map(|slice| self.job.header_of(slice.field))
            .collect();
        headers.dedup();
        let mut cost = 0;
        let mut tiles = Vec::new();
        for header in headers {
            let (of_header, of_tiles) = self.tiler.tile(header, &wrong_for);
            cost += u64::from(of_tiles);
            for tile in of_header {
                let pieces = self.tiler.pieces(header, tile);
                let is_own = |slice: FieldSlice| classes.of(slice).any(|of| of == class);
                if !pieces.iter().any(|piece| is_own(piece.slice)) {
                    continue;
                }
                let from = pieces.iter().map(|piece| piece.life.from).min();
                let to = pieces.iter().map(|piece| piece.life.to).max();
                let life = Life {
                    from: from.unwrap_or(0),
                    to: to.unwrap_or(0),
                };
                let base = self.tiler.costs_of_sizes[tile.size.index()];
                cost += load.price(tile.size, life, base) - u64::from(base);
                tiles.push((header, tile, life));
            }
        }
        let cut: Vec<(HeaderId, Tile)> = tiles.iter().map(|(of, tile, _)| (*of, *tile)).collect();
        cost += self.tiler.cost_between(&cut);
        let mut floating = Vec::new();
        for slice in members {
            let Some(life) = self.job.life(slice.field) else {
                continue;
            };
            if (self.is_on_wire)(slice.field) {
                continue;
            }
            let width = slice.width();
            let count = width.div_ceil(size.bits());
            let base = self.tiler.costs_of_sizes[size.index()];
            cost += load.price(size, life, base) * u64::from(count);
            // A value that leaves in one piece.
            if (self.is_rigid)(slice.field) && width > size.bits() && width <= 32 {
                cost += u64::from(FAULT);
            }
            floating.push((count, life));
        }
        let widest = members.iter().map(|slice| slice.width().min(32)).max();
        let is_natural = Some(size) == ContainerSize::holding(widest.unwrap_or(8));
        Choice {
            size,
            cost: cost * 2 + u64::from(!is_natural),
            tiles,
            floating,
        }
    }

    /// Counts what a choice takes, or gives it back.
    fn count(&mut self, choice: &Choice, load: &mut Load, is_taken: bool) {
        let one = |load: &mut Load, size, life, count| {
            if is_taken {
                load.add(size, life, count);
            } else {
                load.give_back(size, life, count);
            }
        };
        for (header, tile, life) in &choice.tiles {
            let n = self.counted.entry((*header, *tile)).or_insert(0);
            let is_only = if is_taken { *n == 0 } else { *n == 1 };
            *n = if is_taken {
                *n + 1
            } else {
                n.saturating_sub(1)
            };
            if is_only {
                one(load, tile.size, *life, 1);
            }
        }
        for (count, life) in &choice.floating {
            one(load, choice.size, *life, *count);
        }
    }
}
