//! Whether an allocation keeps the rules of the machine, found out from the pipe, the placement and
//! the target alone. Nothing here is shared with what allocates: everything is looked at bit by bit.
//!
//! * A field that is read in a stage or by the deparser is somewhere at that entry, whole; one that a
//!   stage writes and somebody reads behind it is there from then on.
//! * A field that the parser writes, or that is read in a stage up to the one that writes it first, is
//!   there from the parser on.
//! * No two fields have one bit at one entry, but for headers that no packet has both of.
//! * A container is of its gress, and has what its kind can do.
//! * What parser and deparser move whole has no foreign bits in it, and lies as on the wire.
//! * What an action does to a container comes from few enough sources, all in its group; arithmetic
//!   disturbs no neighbour.
//! * Two tables that a packet may run in one stage do not write one container.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{
    Expr, FieldId, FieldKind, Gress, GressId, HeaderId, Id, ParallelAction, Pipe, Place, Placement,
    StmtKind,
};

use crate::phv::{Container, ContainerKind, PhvAllocation, Residence};
use crate::target::Target;
use crate::unit::{Access, Unit, UnitId, UnitKind, Usage, actions_of, field_slices};

/// A rule that an allocation breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhvViolation {
    /// A field is nowhere when it is needed.
    #[error("bit {bit} of `{field}` is in no container at entry {entry}")]
    Missing {
        /// The field.
        field: String,
        /// Which bit.
        bit: u32,
        /// When.
        entry: u32,
    },
    /// Two fields have the same bit of a container.
    #[error("`{first}` and `{second}` have the same bit of {container} at entry {entry}")]
    Overlap {
        /// A field.
        first: String,
        /// Another one.
        second: String,
        /// Where.
        container: Container,
        /// When.
        entry: u32,
    },
    /// Bits beyond a container or a field.
    #[error("`{field}` does not fit where it is in {container}")]
    OutOfBounds {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// A container of another gress, or none at all.
    #[error("{container} can't be of the gress of `{field}`")]
    WrongGress {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// A kind of container that can't do what is needed.
    #[error("{container} can't hold `{field}`, which {reason}")]
    WrongKind {
        /// The field.
        field: String,
        /// Where.
        container: Container,
        /// What is done with it.
        reason: &'static str,
    },
    /// Bytes of a header are not as on the wire.
    #[error("{container} holds `{field}` otherwise than the wire does")]
    NotAsOnTheWire {
        /// The field.
        field: String,
        /// Where.
        container: Container,
    },
    /// Something else is moved with the bytes of a header.
    #[error("{container} is moved whole with `{field}`, and `{other}` is in it")]
    ForeignBits {
        /// The field.
        field: String,
        /// What else.
        other: String,
        /// Where.
        container: Container,
    },
    /// Too many sources, or sources of another group.
    #[error("`{action}` fills {container} from {needed} sources")]
    TooManySources {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// Sources.
        needed: usize,
    },
    /// A source that the ALU does not see.
    #[error("`{action}` fills {container} from {source_container}, which its ALU does not see")]
    OutOfReach {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// From where.
        source_container: Container,
    },
    /// Arithmetic that disturbs a neighbour.
    #[error("`{action}` computes in {container}, and `{neighbour}` is beside the result")]
    Disturbs {
        /// The action.
        action: String,
        /// Where.
        container: Container,
        /// What is disturbed.
        neighbour: String,
    },
    /// Two tables write one container.
    #[error("`{first}` and `{second}` write {container} in one stage")]
    Conflict {
        /// A table.
        first: String,
        /// Another one.
        second: String,
        /// Where.
        container: Container,
    },
}

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
            .filter(|(_, unit)| unit.gress == id);
        let stages = |unit: &Unit| unit_stages(unit, placement);
        let mut checker = Checker {
            id,
            gress,
            unit_ids: own
                .clone()
                .map(|(index, _)| UnitId::from_index(index))
                .collect(),
            units: own.map(|(_, unit)| (unit, stages(unit))).collect(),
            homes: BTreeMap::new(),
            last: placement.stages_available.max(placement.stages_used),
            sources_max: target.phv.sources_max as usize,
            target,
            apart: headers_apart(gress),
            violations: &mut violations,
        };
        for of in allocation.residences.iter().filter(|of| of.gress == id) {
            checker.homes.entry(of.container).or_default().push(*of);
        }
        let in_clots = allocation.clots.iter().filter(|(of, _)| *of == id);
        let passing: BTreeSet<FieldId> = in_clots
            .flat_map(|(_, clot)| clot.fields.iter().copied())
            .collect();
        checker.check_presence(allocation, &passing);
        checker.check_overlaps();
        checker.check_kinds(allocation);
        checker.check_wire(&passing);
        checker.check_actions(allocation);
        checker.check_conflicts();
    }
    violations
}

fn unit_stages(unit: &Unit, placement: &Placement) -> Vec<u32> {
    let of = &placement.gresses[unit.gress];
    match unit.kind {
        UnitKind::Table(table) => of.tables[table]
            .iter()
            .map(|part| part.slot.stage)
            .collect(),
        UnitKind::Gateway(gateway) => vec![of.gateways[gateway].stage],
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
    id: GressId,
    gress: &'a Gress,
    units: Vec<(&'a Unit, Vec<u32>)>,
    unit_ids: Vec<UnitId>,
    homes: BTreeMap<Container, Vec<Residence>>,
    /// The entry that the deparser sees.
    last: u32,
    sources_max: usize,
    target: &'a Target,
    /// Pairs of headers that the parser extracts, but never both.
    apart: BTreeSet<(HeaderId, HeaderId)>,
    violations: &'a mut Vec<PhvViolation>,
}

impl Checker<'_> {
    fn name(&self, field: FieldId) -> String {
        self.gress.fields[field].name.clone()
    }

    /// Fields that the parser writes, and the headers that it extracts.
    fn parsed(&self) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>) {
        let (mut fields, mut headers) = (BTreeSet::new(), BTreeSet::new());
        for state in self.gress.parser.states.values() {
            let mut open: Vec<&p4rmt_ir::Stmt> = state.body.iter().collect();
            while let Some(stmt) = open.pop() {
                match &stmt.kind {
                    StmtKind::Extract { header, .. } => {
                        headers.insert(*header);
                        let header = &self.gress.headers[*header];
                        fields.extend(header.fields.iter().copied());
                        fields.insert(header.valid);
                    }
                    StmtKind::Assign { dst, .. } => fields.extend(dst.field()),
                    StmtKind::Call(call) => {
                        let outs = call.outs.iter().flatten();
                        fields.extend(outs.filter_map(Place::field));
                    }
                    StmtKind::If {
                        then, otherwise, ..
                    } => open.extend(then.iter().chain(otherwise)),
                    StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                        open.extend(body);
                    }
                    StmtKind::Apply { .. }
                    | StmtKind::Leave(_)
                    | StmtKind::Exit
                    | StmtKind::Advance { .. }
                    | StmtKind::Verify { .. }
                    | StmtKind::Emit { .. } => {}
                }
            }
        }
        (fields, headers)
    }

    /// Fields that the deparser reads, and the headers that it emits.
    fn deparsed(&self) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>) {
        let (mut fields, mut headers) = (BTreeSet::new(), BTreeSet::new());
        let mut open: Vec<&p4rmt_ir::Stmt> = self.gress.deparser.body.iter().collect();
        while let Some(stmt) = open.pop() {
            let mut read = |expr: &Expr| {
                let slices = field_slices(expr, self.gress);
                fields.extend(slices.into_iter().map(|(field, _, _)| field));
            };
            match &stmt.kind {
                StmtKind::Emit { header } => {
                    headers.insert(*header);
                    let header = &self.gress.headers[*header];
                    fields.extend(header.fields.iter().copied());
                    fields.insert(header.valid);
                }
                StmtKind::Assign { value, .. } => read(value),
                StmtKind::Call(call) => call.args().into_iter().for_each(read),
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    read(cond);
                    open.extend(then.iter().chain(otherwise));
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => open.extend(body),
                StmtKind::Apply { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Extract { .. }
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. } => {}
            }
        }
        (fields, headers)
    }

    fn check_presence(&mut self, allocation: &PhvAllocation, passing: &BTreeSet<FieldId>) {
        let (parsed, _) = self.parsed();
        let (deparsed, _) = self.deparsed();
        for (field, of) in self.gress.fields.iter() {
            let mut needed: BTreeSet<u32> = BTreeSet::new();
            let mut written: Vec<u32> = Vec::new();
            for (unit, stages) in &self.units {
                for access in unit.accesses.iter().filter(|access| access.field == field) {
                    match access.usage {
                        Usage::Match | Usage::Action => needed.extend(stages),
                        Usage::Write => written.extend(stages),
                    }
                }
            }
            if deparsed.contains(&field) {
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
                    allocation.of_field(self.id, field).any(|home| {
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

    /// Whether two fields may have one place because no packet has both.
    fn are_apart(&self, first: FieldId, second: FieldId) -> bool {
        let header = |field: FieldId| match self.gress.fields[field].kind {
            FieldKind::Header(header) => Some(header),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        };
        let is_written = |field: FieldId| {
            self.units.iter().any(|(unit, _)| {
                let mut accesses = unit.accesses.iter();
                accesses.any(|of| of.usage == Usage::Write && of.field == field)
            })
        };
        match (header(first), header(second)) {
            (Some(a), Some(b)) => {
                self.apart.contains(&(a, b)) && !is_written(first) && !is_written(second)
            }
            (Some(_) | None, _) => false,
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
                    let apart = self.are_apart(one.slice.field, other.slice.field);
                    if share_time && share_bits && !apart {
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

    fn check_kinds(&mut self, allocation: &PhvAllocation) {
        let (parsed, _) = self.parsed();
        let (deparsed, _) = self.deparsed();
        let mut touched: BTreeMap<FieldId, BTreeSet<Usage>> = BTreeMap::new();
        for (unit, _) in &self.units {
            for access in &unit.accesses {
                touched
                    .entry(access.field)
                    .or_default()
                    .insert(access.usage);
            }
        }
        for of in allocation
            .residences
            .iter()
            .filter(|of| of.gress == self.id)
        {
            let field = of.slice.field;
            let uses = touched.get(&field);
            let reason = match of.container.kind {
                ContainerKind::Normal | ContainerKind::Mocha => None,
                ContainerKind::Tagalong => uses.map(|_| "a stage touches"),
                ContainerKind::Dark if parsed.contains(&field) => Some("the parser writes"),
                ContainerKind::Dark if deparsed.contains(&field) => Some("the deparser reads"),
                ContainerKind::Dark => uses
                    .is_some_and(|uses| uses.contains(&Usage::Match))
                    .then_some("a crossbar carries"),
            };
            if let Some(reason) = reason {
                self.violations.push(PhvViolation::WrongKind {
                    field: self.name(field),
                    container: of.container,
                    reason,
                });
            }
        }
    }

    /// Headers whose bytes are on the wire in the order of their fields.
    fn check_wire(&mut self, passing: &BTreeSet<FieldId>) {
        let (_, extracted) = self.parsed();
        let (_, emitted) = self.deparsed();
        let mut found = Vec::new();
        for (header, of) in self.gress.headers.iter() {
            let ends = [
                extracted.contains(&header).then_some(0),
                emitted.contains(&header).then_some(self.last),
            ];
            if ends == [None, None] || self.is_laid_out_freely(header) {
                continue;
            }
            let mut offset = 0_u32;
            let mut wire: BTreeMap<FieldId, u32> = BTreeMap::new();
            for field in &of.fields {
                offset += self.gress.fields[*field].width;
                // The position behind its lowest bit.
                wire.insert(*field, offset);
            }
            for entry in ends.into_iter().flatten() {
                self.check_header(&wire, entry, passing, &mut found);
            }
        }
        self.violations.extend(found);
    }

    fn check_header(
        &self,
        wire: &BTreeMap<FieldId, u32>,
        entry: u32,
        passing: &BTreeSet<FieldId>,
        found: &mut Vec<PhvViolation>,
    ) {
        for (container, homes) in &self.homes {
            let here = || homes.iter().filter(|of| of.life.contains(entry));
            // Where the container begins on the wire, as each of its fields has it.
            let start = |of: &Residence| {
                let end = i64::from(*wire.get(&of.slice.field)?) - i64::from(of.slice.lo);
                Some(end + i64::from(of.lo) - i64::from(container.size.bits()))
            };
            let Some((first, at)) = here().find_map(|of| Some((of, start(of)?))) else {
                continue;
            };
            if at % 8 != 0 {
                found.push(PhvViolation::NotAsOnTheWire {
                    field: self.name(first.slice.field),
                    container: *container,
                });
            }
            for of in here() {
                let field = of.slice.field;
                match start(of) {
                    Some(own) if own == at => {}
                    Some(_) => found.push(PhvViolation::NotAsOnTheWire {
                        field: self.name(field),
                        container: *container,
                    }),
                    None if self.are_apart(first.slice.field, field) => {}
                    None => found.push(PhvViolation::ForeignBits {
                        field: self.name(first.slice.field),
                        other: self.name(field),
                        container: *container,
                    }),
                }
            }
            let holds_passing = wire.iter().any(|(field, end)| {
                let begin = i64::from(*end) - i64::from(self.gress.fields[*field].width);
                let until = at + i64::from(container.size.bits());
                passing.contains(field) && begin < until && at < i64::from(*end)
            });
            if holds_passing {
                found.push(PhvViolation::NotAsOnTheWire {
                    field: self.name(first.slice.field),
                    container: *container,
                });
            }
        }
    }

    /// Whether the parser fills the header from bits that stand elsewhere in their bytes: then its
    /// layout is the compiler's own.
    fn is_laid_out_freely(&self, header: HeaderId) -> bool {
        let mut ends: BTreeMap<FieldId, u32> = BTreeMap::new();
        for of in self.gress.headers.values() {
            let mut offset = 0;
            for field in &of.fields {
                offset += self.gress.fields[*field].width;
                ends.insert(*field, offset);
            }
        }
        let fields = &self.gress.headers[header].fields;
        let end_of = |value: &Expr| match value {
            Expr::Lookahead { offset, width } => Some(offset + width),
            Expr::Field(field) => ends.get(field).copied(),
            Expr::Slice { arg, lo, .. } => match &**arg {
                Expr::Lookahead { offset, width } => Some(offset + width - lo),
                Expr::Field(field) => ends.get(field).map(|end| end - lo),
                _ => None,
            },
            _ => None,
        };
        let states = self.gress.parser.states.values();
        states
            .flat_map(|state| &state.body)
            .any(|stmt| match &stmt.kind {
                StmtKind::Assign {
                    dst: Place::Field(field),
                    value,
                } if fields.contains(field) => {
                    end_of(value).is_some_and(|end| end % 8 != ends[field] % 8)
                }
                _ => false,
            })
    }

    fn check_actions(&mut self, allocation: &PhvAllocation) {
        let Some(tables) = self.gress.as_tables() else {
            return;
        };
        let mut found = Vec::new();
        for (unit, stages) in &self.units {
            let UnitKind::Table(table) = unit.kind else {
                continue;
            };
            for action in actions_of(&self.gress.tables[table]) {
                for &stage in stages {
                    let action = &tables.actions[action];
                    self.check_action(action, stage, allocation, &mut found);
                }
            }
        }
        self.violations.extend(found);
    }

    fn check_action(
        &self,
        action: &ParallelAction,
        stage: u32,
        allocation: &PhvAllocation,
        found: &mut Vec<PhvViolation>,
    ) {
        // By container and bit: what it becomes.
        let mut filled: BTreeMap<Container, BTreeMap<u32, Fill>> = BTreeMap::new();
        for (number, assign) in action.assigns.iter().enumerate() {
            let (field, lo) = match assign.dst {
                Place::Field(field) => (field, 0),
                Place::FieldSlice { field, lo, .. } => (field, lo),
                Place::Local(_) | Place::LocalSlice { .. } => continue,
            };
            for (bit, fill) in fills(&assign.value, self.gress, number)
                .into_iter()
                .enumerate()
            {
                let bit = lo + u32::try_from(bit).unwrap_or(u32::MAX);
                // What nobody reads behind the stage is not written.
                for home in allocation.of_field(self.id, field) {
                    if (home.slice.lo..=home.slice.hi).contains(&bit) {
                        let at = home.lo + bit - home.slice.lo;
                        filled
                            .entry(home.container)
                            .or_default()
                            .insert(at, fill.clone());
                    }
                }
            }
        }
        for (container, bits) in &filled {
            self.check_container(action, *container, bits, stage, allocation, found);
        }
    }

    fn check_container(
        &self,
        action: &ParallelAction,
        container: Container,
        bits: &BTreeMap<u32, Fill>,
        stage: u32,
        allocation: &PhvAllocation,
        found: &mut Vec<PhvViolation>,
    ) {
        let group = container.group(&self.target.phv);
        let place = |field: FieldId, bit: u32| {
            let mut homes = allocation.of_field(self.id, field);
            let home = homes.find(|of| (of.slice.lo..=of.slice.hi).contains(&bit))?;
            Some((home.container, home.lo + bit - home.slice.lo))
        };
        // Sources of moves: containers with their rotation; none for data.
        let mut moved: BTreeSet<Option<(Container, u32)>> = BTreeSet::new();
        let mut operands: BTreeSet<Option<Container>> = BTreeSet::new();
        let mut computations: BTreeSet<usize> = BTreeSet::new();
        let mut changes_own_by_data = true;
        let mut all_bitwise = true;
        for (at, fill) in bits {
            let sources = match fill {
                Fill::Data => {
                    moved.insert(None);
                    continue;
                }
                Fill::Move(field, bit) => vec![(Some((*field, *bit)), true)],
                Fill::Compute(number, is_bitwise, sources) => {
                    all_bitwise &= is_bitwise;
                    computations.insert(*number);
                    let own = |source: &Option<(FieldId, u32)>| {
                        source.and_then(|(field, bit)| place(field, bit)) == Some((container, *at))
                    };
                    let is_own = sources.iter().any(own) && sources.contains(&None);
                    changes_own_by_data &= is_own;
                    sources.iter().map(|source| (*source, false)).collect()
                }
            };
            for (source, is_move) in sources {
                let home = source.and_then(|(field, bit)| place(field, bit));
                if let Some((from, _)) = home
                    && from.group(&self.target.phv) != group
                {
                    found.push(PhvViolation::OutOfReach {
                        action: action.name.clone(),
                        container,
                        source_container: from,
                    });
                }
                let size = container.size.bits();
                let rotated = |(from, lo): (Container, u32)| (from, (at + size - lo % size) % size);
                match (is_move, source) {
                    (true, _) => {
                        moved.insert(home.map(rotated));
                    }
                    (false, Some(_)) => {
                        operands.insert(home.map(|(from, _)| from));
                    }
                    (false, None) => {
                        operands.insert(None);
                    }
                }
            }
        }
        let computes = !computations.is_empty();
        let here = self.homes.get(&container).into_iter().flatten();
        let mut staying = here.filter(|of| {
            let survives = of.life.from <= stage && of.life.to > stage;
            let range = of.lo..of.lo + of.slice.width();
            survives && range.into_iter().any(|at| !bits.contains_key(&at))
        });
        // Where a value is changed by data in its own place, what is below it sees zeros, and what is
        // above it a carry.
        let lowest = bits.keys().next().copied().unwrap_or(0);
        let is_spared = |of: &&Residence| {
            let is_below = of.lo + of.slice.width() <= lowest;
            computes && changes_own_by_data && (all_bitwise || is_below)
        };
        let stays = staying.find(|of| !is_spared(of));
        let is_zero = |of: &Residence| {
            let (parsed, _) = self.parsed();
            let is_written = self.units.iter().any(|(unit, _)| {
                let mut accesses = unit.accesses.iter();
                accesses
                    .any(|access| access.usage == Usage::Write && access.field == of.slice.field)
            });
            !parsed.contains(&of.slice.field) && !is_written
        };
        if computes {
            if let Some(of) = stays {
                found.push(PhvViolation::Disturbs {
                    action: action.name.clone(),
                    container,
                    neighbour: self.name(of.slice.field),
                });
            }
        } else if let Some(of) = stays {
            // Data bring the zeros of what nobody writes along.
            if !(is_zero(of) && moved.contains(&None)) {
                moved.insert(Some((container, 0)));
            }
        }
        // One instruction does one computation, and nothing beside it.
        let needed = match computations.len() {
            0 => moved.len(),
            1 => moved.len() + operands.len(),
            n => self.sources_max + n,
        };
        let limit = match container.kind {
            ContainerKind::Normal => self.sources_max,
            ContainerKind::Mocha | ContainerKind::Dark if computes => 0,
            ContainerKind::Mocha | ContainerKind::Dark => 1,
            ContainerKind::Tagalong => 0,
        };
        let from_data = container.kind == ContainerKind::Dark && moved.contains(&None);
        if needed > limit || from_data {
            found.push(PhvViolation::TooManySources {
                action: action.name.clone(),
                container,
                needed,
            });
        }
    }

    fn check_conflicts(&mut self) {
        // By container and stage: who writes there, in which way.
        let mut writers: BTreeMap<(Container, u32), Vec<(usize, &Access)>> = BTreeMap::new();
        for (index, (unit, stages)) in self.units.iter().enumerate() {
            for access in unit.accesses.iter().filter(|of| of.usage == Usage::Write) {
                for (container, homes) in &self.homes {
                    let is_hit = homes.iter().any(|of| {
                        of.slice.field == access.field
                            && of.slice.lo <= access.hi
                            && access.lo <= of.slice.hi
                    });
                    for stage in stages.iter().filter(|_| is_hit) {
                        writers
                            .entry((*container, *stage))
                            .or_default()
                            .push((index, access));
                    }
                }
            }
        }
        let mut found = Vec::new();
        for ((container, _), writes) in writers {
            for (position, (first, access)) in writes.iter().enumerate() {
                for (second, _) in &writes[position + 1..] {
                    let (one, other) = (self.units[*first].0, self.units[*second].0);
                    let may_meet = first != second
                        && !one.is_exclusive_with(other)
                        && one.may_do_before(self.unit_ids[*first], access, other);
                    if may_meet {
                        found.push(PhvViolation::Conflict {
                            first: one.name.clone(),
                            second: other.name.clone(),
                            container,
                        });
                    }
                }
            }
        }
        self.violations.extend(found);
    }
}

/// What a bit becomes.
#[derive(Clone, Debug)]
enum Fill {
    Data,
    Move(FieldId, u32),
    /// By the assignment of this number, bit by bit or not, from these bits; none of them for data.
    Compute(usize, bool, Vec<Option<(FieldId, u32)>>),
}

/// What the bits of a value are, from the lowest.
fn fills(value: &Expr, gress: &Gress, number: usize) -> Vec<Fill> {
    use p4rmt_ir::BinaryOp;
    let width = value.width(gress) as usize;
    let compute = |is_bitwise: bool, args: &[&Expr]| {
        let args: Vec<Vec<Fill>> = args.iter().map(|arg| fills(arg, gress, number)).collect();
        let of_bit = |bit: usize| {
            let mut sources = Vec::new();
            for arg in &args {
                match arg.get(bit) {
                    Some(Fill::Move(field, bit)) => sources.push(Some((*field, *bit))),
                    Some(Fill::Data) => sources.push(None),
                    Some(Fill::Compute(_, _, inner)) => sources.extend(inner.iter().copied()),
                    None => {}
                }
            }
            Fill::Compute(number, is_bitwise, sources)
        };
        (0..width).map(of_bit).collect()
    };
    match value {
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. } => vec![Fill::Data; width],
        Expr::Field(field) => (0..)
            .map(|bit| Fill::Move(*field, bit))
            .take(width)
            .collect(),
        Expr::Slice { arg, lo, .. } => {
            let bits = fills(arg, gress, number).into_iter();
            bits.skip(*lo as usize).take(width).collect()
        }
        Expr::Resize { arg, .. } => {
            let mut bits = fills(arg, gress, number);
            bits.resize(width, Fill::Data);
            bits
        }
        Expr::Binary {
            op: BinaryOp::Concat,
            lhs,
            rhs,
        } => {
            let mut bits = fills(rhs, gress, number);
            bits.extend(fills(lhs, gress, number));
            bits
        }
        Expr::Unary { op, arg } => compute(*op == p4rmt_ir::UnaryOp::Not, &[arg]),
        Expr::Binary { op, lhs, rhs } => {
            let is_bitwise = matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor);
            compute(is_bitwise, &[lhs, rhs])
        }
        Expr::Mux {
            then, otherwise, ..
        } => compute(false, &[then, otherwise]),
    }
}

/// Pairs of headers that the parser extracts, that no action or state makes valid otherwise, and that
/// no way through the parser has both of.
fn headers_apart(gress: &Gress) -> BTreeSet<(HeaderId, HeaderId)> {
    // By state: headers that a packet may have when it comes there.
    let mut before: Vec<BTreeSet<HeaderId>> = vec![BTreeSet::new(); gress.parser.states.len()];
    let mut together: BTreeSet<(HeaderId, HeaderId)> = BTreeSet::new();
    let mut all: BTreeSet<HeaderId> = BTreeSet::new();
    let mut made: BTreeSet<FieldId> = BTreeSet::new();
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for (id, state) in gress.parser.states.iter() {
            let mut have = before[id.index()].clone();
            let mut open: Vec<&p4rmt_ir::Stmt> = state.body.iter().rev().collect();
            while let Some(stmt) = open.pop() {
                match &stmt.kind {
                    StmtKind::Extract { header, .. } => {
                        all.insert(*header);
                        for other in &have {
                            together.insert((*header, *other));
                            together.insert((*other, *header));
                        }
                        have.insert(*header);
                    }
                    StmtKind::If {
                        then, otherwise, ..
                    } => open.extend(then.iter().chain(otherwise).rev()),
                    StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                        open.extend(body.iter().rev());
                    }
                    StmtKind::Assign { dst, .. } => made.extend(dst.field()),
                    StmtKind::Call(_)
                    | StmtKind::Apply { .. }
                    | StmtKind::Leave(_)
                    | StmtKind::Exit
                    | StmtKind::Advance { .. }
                    | StmtKind::Verify { .. }
                    | StmtKind::Emit { .. } => {}
                }
            }
            let targets: Vec<&p4rmt_ir::Target> = match &state.transition {
                p4rmt_ir::Transition::Goto(target) => vec![target],
                p4rmt_ir::Transition::Select { cases, .. } => {
                    cases.iter().map(|case| &case.target).collect()
                }
            };
            for target in targets {
                if let p4rmt_ir::Target::State(next) = target {
                    let known = &mut before[next.index()];
                    let n_known = known.len();
                    known.extend(have.iter().copied());
                    has_changed |= known.len() > n_known;
                }
            }
        }
    }
    if let Some(tables) = gress.as_tables() {
        for assign in tables.actions.values().flat_map(|action| &action.assigns) {
            let is_zero = matches!(&assign.value, Expr::Const(bits) if bits.is_zero());
            if !is_zero {
                made.extend(assign.dst.field());
            }
        }
    }
    let parsed = |header: &HeaderId| !made.contains(&gress.headers[*header].valid);
    let all: Vec<HeaderId> = all.into_iter().filter(parsed).collect();
    let pairs = all
        .iter()
        .flat_map(|first| all.iter().map(|second| (*first, *second)));
    pairs
        .filter(|pair| pair.0 != pair.1 && !together.contains(pair))
        .collect()
}
