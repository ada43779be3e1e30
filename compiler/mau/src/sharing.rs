//! Fields that stand in one container, as far as placement must know it.
//!
//! An action ALU writes a whole container, and a stage lets each container be written by one action of
//! a packet only. So two tables that run for one packet and write different fields of one container
//! need different stages, in whichever order; and for latency, who reads a container depends on whoever
//! writes any field of it.
//!
//! Which fields that concerns follows from the machine, before containers are allocated:
//!
//! * The deparser reads bits that say what is there: which headers are valid and, where the target says
//!   so ([`crate::target::ContainerRules::output_validity`]), which values for traffic manager and
//!   deparser were set. It has room for few of them, so they stand together, a full container after
//!   the other. Setting such a value sets its bit.
//! * Parser and deparser move whole bytes, so fields of a header that share one stand together.
//! * On the other machines a container itself knows whether it was written, and the values of less than
//!   a byte for traffic manager and deparser share one.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    ActionId, Expr, FieldId, FieldKind, Gress, GressId, HeaderId, Id, Pipe, Place, Stmt, StmtKind,
};

use crate::matrix::Byte;
use crate::phv::walk_block;
use crate::target::Target;
use crate::unit::{Access, Unit, UnitId, Usage};

/// A container: one that several fields share, or a part of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Container {
    Shared(u32),
    /// Bytes of a header: these fields have no other place.
    Bytes(FieldId),
    Own(FieldId, u32),
}

/// What units touch, by container.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// Read through a crossbar.
    pub(crate) matched: BTreeSet<Container>,
    /// Read by action ALUs.
    pub(crate) operands: BTreeSet<Container>,
    /// Written, with the field that is.
    pub(crate) written: BTreeSet<(Container, FieldId)>,
    /// Whether it matches on a field that can stand in a container without an ALU of its own.
    pub(crate) matches_on_copies: bool,
}

/// What each unit of a pipe touches.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sharing {
    units: Vec<Touched>,
    gresses: Vec<Shared>,
}

/// Shared containers of a gress.
#[derive(Clone, Debug, Default)]
struct Shared {
    /// By field: the container that it stands in, and its lowest bit there.
    of_field: BTreeMap<FieldId, (u32, u32)>,
    /// By field: the first field of the bytes that it shares with others, and its lowest bit there.
    of_bytes: BTreeMap<FieldId, (FieldId, u32)>,
    /// By field: the container in which a bit says that it was set.
    of_validity: BTreeMap<FieldId, u32>,
}

/// Types whose fields the traffic manager and the deparser take from the gress.
const OUTPUT_TYPES: [&str; 4] = [
    "ingress_intrinsic_metadata_for_tm_t.",
    "ingress_intrinsic_metadata_for_deparser_t.",
    "egress_intrinsic_metadata_for_deparser_t.",
    "egress_intrinsic_metadata_for_output_port_t.",
];

/// Fields that pick a list of fields: each stands in a container of its own.
const SELECTORS: [&str; 3] = ["digest_type", "mirror_type", "resubmit_type"];

impl Sharing {
    /// What the units of a pipe touch on a machine.
    pub(crate) fn new(units: &[Unit], pipe: &Pipe, target: &Target) -> Self {
        let shared = |(id, gress)| shared_containers(units, id, gress, target);
        let gresses: Vec<Shared> = pipe.gresses.iter().map(shared).collect();
        let computed: Vec<_> = pipe.gresses.values().map(computed_fields).collect();
        let touched = |unit: &Unit| {
            let gress = unit.gress.index();
            touched_by(unit, &gresses[gress], &computed[gress], target)
        };
        let units = units.iter().map(touched).collect();
        Self { units, gresses }
    }

    /// The containers that an action of a unit writes.
    pub(crate) fn written_by(&self, unit: &Unit, action: ActionId) -> BTreeSet<Container> {
        let shared = &self.gresses[unit.gress.index()];
        let accesses = unit.accesses.iter();
        let writes = accesses.filter(|of| of.usage == Usage::Write && of.action == Some(action));
        writes
            .flat_map(|of| containers_written(of, shared))
            .collect()
    }

    /// Bits of one container that an action sets for traffic manager and deparser: of each value whether it
    /// is there, and a value of one bit itself. None where containers know whether they were written.
    pub(crate) fn output_bits(&self, unit: &Unit, action: ActionId, gress: &Gress) -> u32 {
        let shared = &self.gresses[unit.gress.index()];
        let accesses = unit.accesses.iter();
        let written: BTreeSet<FieldId> = accesses
            .filter(|of| of.usage == Usage::Write && of.action == Some(action))
            .map(|of| of.field)
            .filter(|field| shared.of_validity.contains_key(field))
            .collect();
        let widths = written.iter().map(|field| gress.fields[*field].width);
        widths.map(|width| if width == 1 { 2 } else { 1 }).sum()
    }

    /// The bytes of a slice of a field as far as other fields stand in them too; nothing for a field that
    /// has bytes of its own.
    pub(crate) fn shared_bytes(
        &self,
        gress: GressId,
        (field, hi, lo): (FieldId, u32, u32),
    ) -> Option<Vec<Byte>> {
        let shared = &self.gresses[gress.index()];
        let in_container = shared.of_field.get(&field).copied();
        let in_bytes = || {
            let (first, lowest) = shared.of_bytes.get(&field)?;
            Some((u32::try_from(first.index()).ok()?, *lowest))
        };
        // Containers and fields are numbered apart.
        let (number, lowest) = match in_container {
            Some((container, lowest)) => (u32::MAX - container, lowest),
            None => in_bytes()?,
        };
        let bytes = (lowest + lo) / 8..=(lowest + hi) / 8;
        Some(
            bytes
                .map(|byte| Byte::Shared(gress.index(), number, byte))
                .collect(),
        )
    }

    /// What a unit touches.
    pub(crate) fn of(&self, unit: UnitId) -> &Touched {
        &self.units[unit.index()]
    }

    /// Fields of one container that both write, and that are not the same field. Where `may_divide`
    /// says so, only fields count that nothing can divide.
    pub(crate) fn conflict(
        &self,
        first: UnitId,
        second: UnitId,
        may_divide: bool,
    ) -> Option<(FieldId, FieldId)> {
        let theirs = &self.of(second).written;
        self.of(first).written.iter().find_map(|&(container, own)| {
            match container {
                Container::Shared(_) if !may_divide => {}
                Container::Bytes(_) => {}
                Container::Shared(_) | Container::Own(..) => return None,
            }
            let mut others = theirs.iter().filter(|(other, _)| *other == container);
            others
                .find(|(_, other)| *other != own)
                .map(|(_, other)| (own, *other))
        })
    }
}

/// Which fields of a gress share containers.
fn shared_containers(units: &[Unit], id: GressId, gress: &Gress, target: &Target) -> Shared {
    let mut shared = Shared::default();
    let written: BTreeSet<FieldId> = units
        .iter()
        .filter(|unit| unit.gress == id)
        .flat_map(|unit| &unit.accesses)
        .filter(|access| access.usage == Usage::Write)
        .map(|access| access.field)
        .collect();
    let outputs = gress.intrinsics.iter().filter(|(name, field)| {
        let is_output = OUTPUT_TYPES.iter().any(|of| name.starts_with(of));
        is_output && written.contains(field)
    });
    let rules = &target.containers;
    let mut n_bits = 0;
    let mut take = |width: u32| {
        let place = (n_bits / rules.pov_bits, n_bits % rules.pov_bits);
        n_bits += width;
        place
    };
    for (field, of) in gress.fields.iter() {
        if matches!(of.kind, FieldKind::Validity(_)) {
            shared.of_field.insert(field, take(1));
        }
    }
    if rules.output_validity {
        for (_, field) in outputs.clone() {
            shared.of_validity.insert(*field, take(1).0);
        }
    }
    for fields in fields_in_one_byte(gress) {
        let Some(&first) = fields.first() else {
            continue;
        };
        let mut lowest = 0;
        for field in fields.into_iter().rev() {
            shared.of_bytes.insert(field, (first, lowest));
            lowest += gress.fields[field].width;
        }
    }
    if rules.output_validity {
        return shared;
    }
    let first = take(rules.pov_bits).0.saturating_add(1);
    let mut n_bits = 0;
    for (name, field) in outputs {
        let width = gress.fields[*field].width;
        let picks = SELECTORS.iter().any(|selector| name.ends_with(selector));
        if width < 8 && !picks {
            shared
                .of_field
                .insert(*field, (first + n_bits / 8, n_bits % 8));
            n_bits += width;
        }
    }
    shared
}

/// Fields of headers on the wire that share bytes with others, those that hang together in one list.
fn fields_in_one_byte(gress: &Gress) -> Vec<Vec<FieldId>> {
    let mut groups = Vec::new();
    for header in headers_on_the_wire(gress) {
        let mut group: Vec<FieldId> = Vec::new();
        let mut offset = 0_u32;
        for field in &gress.headers[header].fields {
            group.push(*field);
            offset = offset.saturating_add(gress.fields[*field].width);
            if offset.is_multiple_of(8) {
                let fields = std::mem::take(&mut group);
                // What the compiler may move need not stand with others.
                let is_fixed = |of: &FieldId| !gress.headers[header].flexible.contains(of);
                if fields.len() > 1 && fields.iter().any(is_fixed) {
                    groups.push(fields);
                }
            }
        }
    }
    groups
}

/// Headers that the parser extracts or the deparser emits.
fn headers_on_the_wire(gress: &Gress) -> Vec<HeaderId> {
    let mut headers = BTreeSet::new();
    let mut note = |stmt: &Stmt| {
        if let StmtKind::Extract { header, .. } | StmtKind::Emit { header } = &stmt.kind {
            headers.insert(header.index());
        }
    };
    for state in gress.parser.states.values() {
        walk_block(&state.body, &mut note);
    }
    walk_block(&gress.deparser.body, &mut note);
    headers.into_iter().map(HeaderId::from_index).collect()
}

/// Fields that some action writes in another way than whole from one source: they need an ALU.
fn computed_fields(gress: &Gress) -> BTreeSet<FieldId> {
    let mut computed = BTreeSet::new();
    let Some(tables) = gress.as_tables() else {
        return computed;
    };
    for action in tables.actions.values() {
        for assign in &action.assigns {
            let is_copy = matches!(
                assign.value,
                Expr::Const(_) | Expr::Field(_) | Expr::Param { .. } | Expr::Local { .. }
            );
            match assign.dst {
                Place::Field(field) if is_copy && gress.fields[field].width.is_multiple_of(8) => {}
                Place::Field(field) | Place::FieldSlice { field, .. } => {
                    computed.insert(field);
                }
                Place::Local(_) | Place::LocalSlice { .. } => {}
            }
        }
    }
    computed
}

fn touched_by(
    unit: &Unit,
    shared: &Shared,
    computed: &BTreeSet<FieldId>,
    target: &Target,
) -> Touched {
    let mut touched = Touched::default();
    for access in &unit.accesses {
        let containers = containers_of(access, shared);
        match access.usage {
            Usage::Match => {
                touched.matches_on_copies |= target.containers.copies_match
                    && !computed.contains(&access.field)
                    && !shared.of_field.contains_key(&access.field);
                touched.matched.extend(containers);
            }
            Usage::Action => touched.operands.extend(containers),
            Usage::Write => {
                let written = containers_written(access, shared).into_iter();
                touched.written.extend(written.map(|of| (of, access.field)));
            }
        }
    }
    touched
}

/// The containers of an access: of a long field, parts of 32 bits.
fn containers_of(access: &Access, shared: &Shared) -> Vec<Container> {
    let container = shared.of_field.get(&access.field);
    let bytes = shared.of_bytes.get(&access.field);
    match (container, bytes) {
        (Some((container, _)), _) => vec![Container::Shared(*container)],
        (None, Some((first, _))) => vec![Container::Bytes(*first)],
        (None, None) => (access.lo / 32..=access.hi / 32)
            .map(|part| Container::Own(access.field, part))
            .collect(),
    }
}

/// The containers of a write: those of the field, and that of the bit that says that it was set.
fn containers_written(access: &Access, shared: &Shared) -> Vec<Container> {
    let mut containers = containers_of(access, shared);
    let validity = shared.of_validity.get(&access.field);
    containers.extend(validity.map(|of| Container::Shared(*of)));
    containers
}
