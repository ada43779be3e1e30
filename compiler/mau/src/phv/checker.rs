//! Whether an allocation keeps the rules of the machine, found out from the pipe, the placement and
//! the target alone. Nothing here is shared with what allocates: everything is looked at bit by bit.
//!
//! * A field that is read in a stage or by the deparser is somewhere at that entry, whole; one that a
//!   stage writes and somebody reads behind it is there from then on.
//! * A field that the parser writes, or that is read in a stage up to the one that writes it first, is
//!   there from the parser on.
//! * No two fields have one bit at one entry, but for headers that no packet has both of.
//! * A container is of its gress, and has what its kind can do.
//! * What the parser finds outside the order of a header is at its place in its bytes, alone; what the
//!   device reads is in one container.
//! * What parser and deparser move whole has no foreign bits in it, and lies as on the wire.
//! * What passes outside containers is where it may ([`clots`] has the rules).
//! * What an action does to a container is one instruction ([`action`] has the rules).
//! * Two tables that a packet may run in one stage do not write one container.

mod action;
mod clots;
mod ends;
mod headers;
mod violation;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{Arena, FieldId, Gress, HeaderId, Id, Pipe, Placement};

use self::ends::{deparsed, parsed, wire_ends};
use self::headers::Ways;
use crate::phv::{Clot, Container, ContainerKind, PhvAllocation, Residence};
use crate::target::Target;
use crate::unit::{Access, Unit, UnitId, UnitKind, Usage};

pub use self::violation::PhvViolation;

/// The rules that an allocation breaks. `units` are those of the pipe.
#[must_use]
pub fn check_allocation(
    pipe: &Pipe,
    units: &[Unit],
    placement: &Placement,
    allocation: &PhvAllocation,
    target: &Target,
) -> Vec<PhvViolation> {
    let mut violations = Vec::new();
    check_ownership(pipe, allocation, target, &mut violations);
    for (id, gress) in pipe.gresses.iter() {
        let own = units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.gress == id)
            .map(|(index, unit)| {
                PlacedUnit::new(UnitId::from_index(index), unit, gress, placement)
            });
        let mut checker = Checker {
            gress,
            units: own.collect(),
            homes: BTreeMap::new(),
            homes_of: gress.fields.iter().map(|_| Vec::new()).collect(),
            touches: gress.fields.iter().map(|_| Vec::new()).collect(),
            wire_ends: wire_ends(gress),
            last: placement.stages_available.max(placement.stages_used),
            target,
            parsed: parsed(gress),
            deparsed: deparsed(gress),
            ways: Ways::new(gress),
            apart: RefCell::default(),
            violations: &mut violations,
        };
        for of in allocation.residences.iter().filter(|of| of.gress == id) {
            checker.homes.entry(of.container).or_default().push(*of);
            checker.homes_of[of.slice.field].push(*of);
        }
        for (position, placed) in checker.units.iter().enumerate() {
            for access in &placed.unit.accesses {
                checker.touches[access.field].push((position, *access));
            }
        }
        let in_clots = allocation.clots.iter().filter(|(of, _)| *of == id);
        let clots: Vec<&Clot> = in_clots.map(|(_, clot)| clot).collect();
        let passing: BTreeSet<FieldId> = clots
            .iter()
            .flat_map(|clot| clot.fields.iter().copied())
            .collect();
        checker.check_clots(&clots);
        checker.check_presence(&passing);
        checker.check_overlaps();
        checker.check_kinds();
        checker.check_wire(&passing);
        checker.check_filled();
        checker.check_actions();
        checker.check_conflicts();
    }
    violations
}

/// A unit and where it stands.
struct PlacedUnit<'a> {
    id: UnitId,
    unit: &'a Unit,
    /// Stages that match.
    matching: Vec<u32>,
    /// Stages that run actions: a part without entries that finds the partition for others runs none.
    acting: Vec<u32>,
}

impl<'a> PlacedUnit<'a> {
    fn new(id: UnitId, unit: &'a Unit, gress: &Gress, placement: &Placement) -> Self {
        let of = &placement.gresses[unit.gress];
        let (matching, acting) = match unit.kind {
            UnitKind::Table(table) => {
                let partitions = &gress.tables[table].partitions;
                let finds = matches!(partitions, Some(of) if of.classifier.is_some());
                let parts = &of.tables[table];
                let acting = parts.iter().filter(|part| part.entries > 0 || !finds);
                (
                    parts.iter().map(|part| part.slot.stage).collect(),
                    acting.map(|part| part.slot.stage).collect(),
                )
            }
            UnitKind::Gateway(gateway) => (vec![of.gateways[gateway].stage], Vec::new()),
        };
        Self {
            id,
            unit,
            matching,
            acting,
        }
    }

    /// Where an access takes place.
    fn stages(&self, access: &Access) -> &[u32] {
        if access.action.is_some() {
            &self.acting
        } else {
            &self.matching
        }
    }
}

/// Each container has one gress, as its neighbours have, and exists.
fn check_ownership(
    pipe: &Pipe,
    allocation: &PhvAllocation,
    target: &Target,
    violations: &mut Vec<PhvViolation>,
) {
    let mut owners = BTreeMap::new();
    for of in &allocation.residences {
        let role = pipe.gresses[of.gress].role;
        let granule = of.container.granule(&target.phv);
        let owner = *owners.entry(granule).or_insert(of.gress);
        let n = Container::count(of.container.kind, of.container.size, &target.phv);
        let is_wrong = owner != of.gress
            || of.container.index >= n
            || !of.container.may_be_of(role, &target.phv);
        if is_wrong {
            let field = &pipe.gresses[of.gress].fields[of.slice.field];
            violations.push(PhvViolation::WrongGress {
                field: field.name.clone(),
                container: of.container,
            });
        }
    }
}

struct Checker<'a> {
    gress: &'a Gress,
    units: Vec<PlacedUnit<'a>>,
    homes: BTreeMap<Container, Vec<Residence>>,
    homes_of: Arena<FieldId, Vec<Residence>>,
    /// By field: what units do to it, in their order, with the position of the unit.
    touches: Arena<FieldId, Vec<(usize, Access)>>,
    /// By field of a header: the position on the wire behind its lowest bit.
    wire_ends: BTreeMap<FieldId, u32>,
    /// The entry that the deparser sees.
    last: u32,
    target: &'a Target,
    /// Fields that the parser writes, and the headers that it extracts.
    parsed: (BTreeSet<FieldId>, BTreeSet<HeaderId>),
    /// Fields that the deparser reads, the headers that it emits, fields that it reads otherwise.
    deparsed: (BTreeSet<FieldId>, BTreeSet<HeaderId>, BTreeSet<FieldId>),
    ways: Ways<'a>,
    /// By pair of fields, as far as was asked: whether no packet has both at one time.
    apart: RefCell<BTreeMap<(FieldId, FieldId), bool>>,
    violations: &'a mut Vec<PhvViolation>,
}

impl Checker<'_> {
    fn name(&self, field: FieldId) -> String {
        self.gress.fields[field].name.clone()
    }

    fn check_presence(&mut self, passing: &BTreeSet<FieldId>) {
        let (parsed, _) = &self.parsed;
        let (deparsed, _, _) = &self.deparsed;
        for (field, of) in self.gress.fields.iter() {
            let homes = &self.homes_of[field];
            let mut needed: BTreeSet<u32> = BTreeSet::new();
            let mut written: Vec<u32> = Vec::new();
            for (position, access) in &self.touches[field] {
                let stages = self.units[*position].stages(access);
                match access.usage {
                    Usage::Match | Usage::Action => needed.extend(stages),
                    Usage::Write => written.extend(stages),
                }
            }
            let is_here = |of: &Residence| of.life.contains(self.last);
            let is_there = || homes.iter().any(is_here);
            if deparsed.contains(&field)
                && (passing.contains(&field) || is_there() || self.may_be_deparsed(field))
            {
                needed.insert(self.last);
            }
            let Some(&last_read) = needed.last() else {
                continue;
            };
            if passing.contains(&field) && needed.len() == 1 && written.is_empty() {
                continue;
            }
            // From the parser, where that or nobody writes it before it is first read.
            let first_read = needed.first().copied().unwrap_or(0);
            let first_write = written.iter().min().copied();
            let from_parser =
                parsed.contains(&field) || first_write.is_none_or(|stage| stage >= first_read);
            let from = if from_parser {
                0
            } else {
                first_write.map_or(0, |stage| stage + 1)
            };
            needed.extend(from..=last_read);
            let behind = written.iter().map(|stage| stage + 1);
            needed.extend(behind.filter(|entry| *entry <= self.last));
            for bit in 0..of.width {
                let here = |entry: u32| {
                    homes.iter().any(|home| {
                        (home.slice.lo..=home.slice.hi).contains(&bit) && home.life.contains(entry)
                    })
                };
                if let Some(entry) = needed.iter().copied().find(|entry| !here(*entry)) {
                    self.violations.push(PhvViolation::Missing {
                        field: of.name.clone(),
                        bit,
                        entry,
                    });
                    break;
                }
            }
        }
    }

    fn check_overlaps(&mut self) {
        let mut found = Vec::new();
        for (container, homes) in &self.homes {
            for (position, one) in homes.iter().enumerate() {
                let end = one.lo + one.slice.width();
                let width = self.gress.fields[one.slice.field].width;
                if end > container.size.bits() || one.slice.hi >= width {
                    found.push(PhvViolation::OutOfBounds {
                        field: self.name(one.slice.field),
                        container: *container,
                    });
                }
                for other in &homes[position + 1..] {
                    let entry = one.life.from.max(other.life.from);
                    let share_time = one.life.contains(entry) && other.life.contains(entry);
                    let share_bits = one.lo < other.lo + other.slice.width() && other.lo < end;
                    let apart = || self.are_apart(one.slice.field, other.slice.field);
                    if share_time && share_bits && !apart() {
                        found.push(PhvViolation::Overlap {
                            first: self.name(one.slice.field),
                            second: self.name(other.slice.field),
                            container: *container,
                            entry,
                        });
                    }
                }
            }
        }
        self.violations.extend(found);
    }

    fn check_kinds(&mut self) {
        let (parsed, _) = &self.parsed;
        let (deparsed, _, _) = &self.deparsed;
        for of in self.homes_of.values().flatten() {
            let field = of.slice.field;
            let uses = &self.touches[field];
            let reason = match of.container.kind {
                ContainerKind::Normal | ContainerKind::Mocha => None,
                ContainerKind::Tagalong => (!uses.is_empty()).then_some("a stage touches"),
                ContainerKind::Dark if parsed.contains(&field) => Some("the parser writes"),
                ContainerKind::Dark if deparsed.contains(&field) => Some("the deparser reads"),
                ContainerKind::Dark => uses
                    .iter()
                    .any(|(_, access)| access.usage == Usage::Match)
                    .then_some("a crossbar carries"),
            };
            if let Some(reason) = reason {
                self.violations.push(PhvViolation::WrongKind {
                    field: self.gress.fields[field].name.clone(),
                    container: of.container,
                    reason,
                });
            }
        }
    }
}
