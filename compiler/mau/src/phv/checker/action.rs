//! What an action of a stage asks of the containers that it writes.
//!
//! Bit by bit: what each becomes, and from where. Then, by container:
//!
//! * All sources are in its group.
//! * Moves: the bits of one container are rotated alike. There are few enough sources, data being one
//!   and the container itself one where bits stay. Of two, one may be rotated if it fills a run of bits
//!   that has none of the other's between them; both, if they are rotated by bytes and fill bytes.
//! * A computation is the only one, or the same bitwise one on several fields, and nothing is moved
//!   beside it. Each operand stands at the bits of its result; what is widened has nothing above it.
//! * What is beside a result stays as it is only where that is combined with data at its own place.
//! * A sum over two containers has an even one and the next.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{BinaryOp, Expr, FieldId, Gress, ParallelAction, Place, UnaryOp};

use super::{Checker, PhvViolation};
use crate::phv::{Container, ContainerKind, Residence};
use crate::unit::{Access, UnitKind, Usage, actions_of};

/// A bit of a field.
type Bit = (FieldId, u32);

/// What a bit becomes.
#[derive(Clone, Debug)]
enum Fill {
    Data,
    Move(Bit),
    Compute(Computation, Vec<Operand>),
}

/// What computes a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Computation {
    /// The assignment of this number, and whether bit by bit.
    Own { number: usize, is_bitwise: bool },
    /// One operation on fields and data as they are, by its name.
    Bitwise(&'static str),
}

impl Computation {
    fn is_bitwise(self) -> bool {
        match self {
            Self::Own { is_bitwise, .. } => is_bitwise,
            Self::Bitwise(_) => true,
        }
    }
}

/// What a bit is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Field(Bit),
    Data,
    /// A zero above this bit, which is the highest of a value that is widened.
    Above(Bit),
}

impl Checker<'_> {
    pub(super) fn check_actions(&mut self) {
        let Some(tables) = self.gress.as_tables() else {
            return;
        };
        let mut found = Vec::new();
        for placed in &self.units {
            let UnitKind::Table(table) = placed.unit.kind else {
                continue;
            };
            for action in actions_of(&self.gress.tables[table]) {
                let action = &tables.actions[action];
                let filled = self.filled(action);
                for &stage in &placed.acting {
                    for (container, bits) in &filled {
                        let work = Work {
                            checker: self,
                            action,
                            container: *container,
                            bits,
                            stage,
                        };
                        work.check(&mut found);
                    }
                }
                self.check_pairs(action, &filled, &mut found);
            }
        }
        self.violations.extend(found);
    }

    /// By container and bit: what an action makes of it. What nobody reads is not written.
    fn filled(&self, action: &ParallelAction) -> BTreeMap<Container, BTreeMap<u32, Fill>> {
        let mut filled: BTreeMap<Container, BTreeMap<u32, Fill>> = BTreeMap::new();
        let mut fill = |dst: &Place, fills: &mut dyn Iterator<Item = Fill>| {
            let (field, lo, width) = match *dst {
                Place::Field(field) => (field, 0, self.gress.fields[field].width),
                Place::FieldSlice { field, hi, lo } => (field, lo, hi - lo + 1),
                Place::Local(_) | Place::LocalSlice { .. } => return,
            };
            for (bit, fill) in (lo..lo + width).zip(fills) {
                for home in &self.homes_of[field] {
                    if (home.slice.lo..=home.slice.hi).contains(&bit) {
                        let bits = filled.entry(home.container).or_default();
                        bits.insert(home.lo + bit - home.slice.lo, fill.clone());
                    }
                }
            }
        };
        for (call, _) in &action.calls {
            for dst in call.outs.iter().flatten() {
                fill(dst, &mut std::iter::repeat(Fill::Data));
            }
        }
        for (number, assign) in action.assigns.iter().enumerate() {
            let fills = fills(&assign.value, self.gress, number);
            fill(&assign.dst, &mut fills.into_iter());
        }
        filled
    }

    /// A value that is computed as a whole is in one container, or in an even one and the next.
    fn check_pairs(
        &self,
        action: &ParallelAction,
        filled: &BTreeMap<Container, BTreeMap<u32, Fill>>,
        found: &mut Vec<PhvViolation>,
    ) {
        let mut homes: BTreeMap<Computation, Vec<Container>> = BTreeMap::new();
        for (container, bits) in filled {
            for fill in bits.values() {
                if let Fill::Compute(of, _) = fill
                    && !of.is_bitwise()
                {
                    let homes = homes.entry(*of).or_default();
                    if homes.last() != Some(container) {
                        homes.push(*container);
                    }
                }
            }
        }
        for homes in homes.values() {
            let is_right = match homes[..] {
                [_] => true,
                [low, high] => {
                    (low.kind, low.size) == (high.kind, high.size)
                        && low.index.is_multiple_of(2)
                        && high.index == low.index + 1
                }
                _ => false,
            };
            if !is_right {
                found.push(PhvViolation::Divided {
                    action: action.name.clone(),
                    container: homes[0],
                });
            }
        }
    }

    pub(super) fn check_conflicts(&mut self) {
        // By container and stage: who writes there, in which way.
        let mut writers: BTreeMap<(Container, u32), Vec<(usize, &Access)>> = BTreeMap::new();
        for (index, placed) in self.units.iter().enumerate() {
            let accesses = placed.unit.accesses.iter();
            for access in accesses.filter(|of| of.usage == Usage::Write) {
                let homes = self.homes_of[access.field].iter();
                let hit = homes.filter(|of| of.slice.lo <= access.hi && access.lo <= of.slice.hi);
                let containers: BTreeSet<Container> = hit.map(|of| of.container).collect();
                for container in containers {
                    for stage in &placed.acting {
                        let writers = writers.entry((container, *stage)).or_default();
                        writers.push((index, access));
                    }
                }
            }
        }
        let mut found = Vec::new();
        for ((container, _), writes) in writers {
            for (position, (first, access)) in writes.iter().enumerate() {
                for (second, _) in &writes[position + 1..] {
                    let (one, other) = (&self.units[*first], &self.units[*second]);
                    let may_meet = first != second
                        && !one.unit.is_exclusive_with(other.unit)
                        && one.unit.may_do_before(one.id, access, other.unit);
                    if may_meet {
                        found.push(PhvViolation::Conflict {
                            first: one.unit.name.clone(),
                            second: other.unit.name.clone(),
                            container,
                        });
                    }
                }
            }
        }
        self.violations.extend(found);
    }
}

/// What an action does to a container in a stage.
struct Work<'a> {
    checker: &'a Checker<'a>,
    action: &'a ParallelAction,
    container: Container,
    bits: &'a BTreeMap<u32, Fill>,
    stage: u32,
}

impl Work<'_> {
    fn check(&self, found: &mut Vec<PhvViolation>) {
        self.check_reach(found);
        let computations: BTreeSet<Computation> = self
            .bits
            .values()
            .filter_map(|fill| match fill {
                Fill::Compute(of, _) => Some(*of),
                Fill::Data | Fill::Move(_) => None,
            })
            .collect();
        if computations.is_empty() {
            self.check_moves(found);
        } else {
            self.check_computations(&computations, found);
        }
    }

    fn too_many(&self, needed: usize) -> PhvViolation {
        PhvViolation::TooManySources {
            action: self.action.name.clone(),
            container: self.container,
            needed,
        }
    }

    fn misaligned(&self) -> PhvViolation {
        PhvViolation::Misaligned {
            action: self.action.name.clone(),
            container: self.container,
        }
    }

    /// Where a bit is as the vector enters the stage.
    fn place(&self, (field, bit): Bit) -> Option<(Container, u32)> {
        let mut homes = self.checker.homes_of[field].iter();
        let home = homes.find(|of| (of.slice.lo..=of.slice.hi).contains(&bit))?;
        Some((home.container, home.lo + bit - home.slice.lo))
    }

    fn check_reach(&self, found: &mut Vec<PhvViolation>) {
        let limits = &self.checker.target.phv;
        let group = self.container.group(limits);
        let mut sources: BTreeSet<Container> = BTreeSet::new();
        let mut note = |bit: Bit| sources.extend(self.place(bit).map(|(of, _)| of));
        for fill in self.bits.values() {
            match fill {
                Fill::Data => {}
                Fill::Move(bit) => note(*bit),
                Fill::Compute(_, operands) => {
                    for operand in operands {
                        match operand {
                            Operand::Field(bit) => note(*bit),
                            Operand::Data | Operand::Above(_) => {}
                        }
                    }
                }
            }
        }
        for source in sources.into_iter().filter(|of| of.group(limits) != group) {
            found.push(PhvViolation::OutOfReach {
                action: self.action.name.clone(),
                container: self.container,
                source_container: source,
            });
        }
    }

    /// What the container also holds, before the stage and behind it, and that the action leaves.
    fn staying(&self) -> impl Iterator<Item = &Residence> {
        let here = self.checker.homes.get(&self.container);
        here.into_iter().flatten().filter(|of| {
            let survives = of.life.from <= self.stage && of.life.to > self.stage;
            survives && bits_of(of).any(|at| !self.bits.contains_key(&at))
        })
    }

    /// Whether a field is zero at all times: data can bring it along.
    fn is_zero(&self, field: FieldId) -> bool {
        let mut touches = self.checker.touches[field].iter();
        let is_written = touches.any(|(_, access)| access.usage == Usage::Write);
        !is_written && !self.checker.parsed.0.contains(&field)
    }

    fn check_moves(&self, found: &mut Vec<PhvViolation>) {
        let size = self.container.size.bits();
        // By source, none being data: the bits that it fills. A source is a container and by how much
        // its bits are rotated.
        let mut sources: BTreeMap<Option<(Container, u32)>, u64> = BTreeMap::new();
        for (at, fill) in self.bits {
            let source = match fill {
                Fill::Move(bit) => self.place(*bit),
                Fill::Data | Fill::Compute(..) => None,
            };
            let source = source.map(|(from, lo)| (from, (at + size - lo % size) % size));
            *sources.entry(source).or_default() |= 1 << at;
        }
        let has_data = sources.contains_key(&None);
        for of in self.staying() {
            let stays = bits_of(of).filter(|at| !self.bits.contains_key(at));
            let mask = stays.fold(0, |mask, at| mask | 1_u64 << at);
            let own = if has_data && self.is_zero(of.slice.field) {
                None
            } else {
                Some((self.container, 0))
            };
            *sources.entry(own).or_default() |= mask;
        }
        let kind = self.container.kind;
        let limit = match kind {
            ContainerKind::Normal => self.checker.target.phv.sources_max as usize,
            ContainerKind::Mocha | ContainerKind::Dark => 1,
            ContainerKind::Tagalong => 0,
        };
        if sources.len() > limit || (kind == ContainerKind::Dark && has_data) {
            found.push(self.too_many(sources.len()));
            return;
        }
        let sources: Vec<(Option<u32>, u64)> = sources
            .into_iter()
            .map(|(source, mask)| (source.map(|(_, rotation)| rotation), mask))
            .collect();
        let is_possible = match sources[..] {
            [(rotation, _)] => kind == ContainerKind::Normal || rotation.unwrap_or(0) == 0,
            [(first, first_mask), (second, second_mask)] => {
                let is_fixed = |rotation: Option<u32>| rotation.unwrap_or(0) == 0;
                let is_by_bytes = |rotation: Option<u32>, mask: u64| {
                    rotation.is_some_and(|rotation| rotation % 8 == 0) && has_whole_bytes(mask)
                };
                let is_run = |mask: u64, other: u64| run_around(mask) & other == 0;
                (is_fixed(first) && is_fixed(second))
                    || (is_by_bytes(first, first_mask) && is_by_bytes(second, second_mask))
                    || (is_fixed(first) && is_run(second_mask, first_mask))
                    || (is_fixed(second) && is_run(first_mask, second_mask))
                    // Data can lie as they are wanted, so they may be the run as well.
                    || (first.is_none() && is_run(first_mask, second_mask))
            }
            _ => true,
        };
        if !is_possible {
            found.push(self.misaligned());
        }
    }

    fn check_computations(
        &self,
        computations: &BTreeSet<Computation>,
        found: &mut Vec<PhvViolation>,
    ) {
        let mut sources: BTreeSet<Option<Container>> = BTreeSet::new();
        let mut keeps_others = true;
        let mut is_aligned = true;
        let mut n_moved = 0;
        for (at, fill) in self.bits {
            let Fill::Compute(_, operands) = fill else {
                n_moved = 1;
                continue;
            };
            let mut has_own = false;
            for operand in operands {
                match operand {
                    Operand::Data => {
                        sources.insert(None);
                    }
                    Operand::Field(bit) => {
                        let Some((from, lo)) = self.place(*bit) else {
                            continue;
                        };
                        is_aligned &= lo == *at;
                        has_own |= from == self.container && lo == *at;
                        sources.insert(Some(from));
                    }
                    Operand::Above(bit) => self.check_above(*bit, *at, found),
                }
            }
            keeps_others &= has_own && operands.contains(&Operand::Data);
        }
        let n_sources = sources.len();
        let limit = match self.container.kind {
            ContainerKind::Normal => self.checker.target.phv.sources_max as usize,
            ContainerKind::Mocha | ContainerKind::Dark | ContainerKind::Tagalong => 0,
        };
        // An instruction does one computation, and nothing beside it.
        if n_moved + computations.len() > 1 {
            found.push(self.too_many(n_sources + n_moved + computations.len()));
        } else if n_sources > limit {
            found.push(self.too_many(n_sources));
        }
        if !is_aligned {
            found.push(self.misaligned());
        }
        // Data in its place, what is below sees zeros, and what is above a carry.
        let is_bitwise = computations.iter().all(|of| of.is_bitwise());
        let lowest = self.bits.keys().next().copied().unwrap_or(0);
        let is_spared = |of: &Residence| {
            let is_below = of.lo + of.slice.width() <= lowest;
            keeps_others && (is_bitwise || is_below)
        };
        if let Some(of) = self.staying().find(|of| !is_spared(of)) {
            found.push(PhvViolation::Disturbs {
                action: self.action.name.clone(),
                container: self.container,
                neighbour: self.checker.name(of.slice.field),
            });
        }
    }

    /// Above a value that is widened, its container has zeros: nobody lives there.
    fn check_above(&self, highest: Bit, at: u32, found: &mut Vec<PhvViolation>) {
        let Some((from, _)) = self.place(highest) else {
            return;
        };
        let here = self.checker.homes.get(&from).into_iter().flatten();
        let mut above =
            here.filter(|of| of.life.contains(self.stage) && bits_of(of).any(|bit| bit == at));
        let is_harmless = |of: &Residence| {
            self.is_zero(of.slice.field) || self.checker.are_apart(highest.0, of.slice.field)
        };
        if let Some(of) = above.find(|of| !is_harmless(of)) {
            found.push(PhvViolation::Disturbs {
                action: self.action.name.clone(),
                container: from,
                neighbour: self.checker.name(of.slice.field),
            });
        }
    }
}

/// The bits of its container that a field has.
fn bits_of(of: &Residence) -> std::ops::Range<u32> {
    of.lo..of.lo + of.slice.width()
}

/// All bits from the lowest of a mask to its highest.
fn run_around(mask: u64) -> u64 {
    let below = |bits: u32| (1_u64 << bits) - 1;
    if mask == 0 {
        return 0;
    }
    below(64 - mask.leading_zeros()) & !below(mask.trailing_zeros())
}

fn has_whole_bytes(mask: u64) -> bool {
    let mut bytes = mask.to_le_bytes().into_iter();
    bytes.all(|byte| byte == 0 || byte == u8::MAX)
}

/// What the bits of a value are, from the lowest.
fn fills(value: &Expr, gress: &Gress, number: usize) -> Vec<Fill> {
    let width = value.width(gress) as usize;
    match value {
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Lookahead { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => vec![Fill::Data; width],
        Expr::Field(field) => (0..)
            .map(|bit| Fill::Move((*field, bit)))
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
        Expr::Unary { op, arg } => {
            let name = match op {
                UnaryOp::Not => Some("not"),
                UnaryOp::Neg => None,
            };
            computed(name, &[arg], gress, number, width)
        }
        Expr::Binary { op, lhs, rhs } => {
            let name = match op {
                BinaryOp::And => Some("and"),
                BinaryOp::Or => Some("or"),
                BinaryOp::Xor => Some("xor"),
                BinaryOp::Add
                | BinaryOp::Sub
                | BinaryOp::Mul
                | BinaryOp::DivU
                | BinaryOp::RemU
                | BinaryOp::AddSatU
                | BinaryOp::SubSatU
                | BinaryOp::AddSatS
                | BinaryOp::SubSatS
                | BinaryOp::Shl
                | BinaryOp::ShrU
                | BinaryOp::ShrS
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::LtU
                | BinaryOp::LeU
                | BinaryOp::LtS
                | BinaryOp::LeS
                | BinaryOp::Concat => None,
            };
            computed(name, &[lhs, rhs], gress, number, width)
        }
        Expr::Mux {
            then, otherwise, ..
        } => computed(None, &[then, otherwise], gress, number, width),
    }
}

/// The bits of a computation; `name` is that of a bitwise one.
fn computed(
    name: Option<&'static str>,
    args: &[&Expr],
    gress: &Gress,
    number: usize,
    width: usize,
) -> Vec<Fill> {
    let is_nested = |fills: &Vec<Fill>| fills.iter().any(|of| matches!(of, Fill::Compute(..)));
    let filled: Vec<Vec<Fill>> = args.iter().map(|arg| fills(arg, gress, number)).collect();
    let computation = match name {
        Some(name) if !filled.iter().any(is_nested) => Computation::Bitwise(name),
        name => Computation::Own {
            number,
            is_bitwise: name.is_some(),
        },
    };
    let of_bit = |bit: usize| {
        let mut operands = Vec::new();
        for (arg, fills) in args.iter().zip(&filled) {
            match fills.get(bit) {
                Some(Fill::Move(bit)) => operands.push(Operand::Field(*bit)),
                Some(Fill::Data) => operands.push(above(arg, fills).unwrap_or(Operand::Data)),
                Some(Fill::Compute(_, inner)) => operands.extend(inner),
                None => {}
            }
        }
        Fill::Compute(computation, operands)
    };
    (0..width).map(of_bit).collect()
}

/// Where an argument is a field that is widened: the zeros above it.
fn above(arg: &Expr, fills: &[Fill]) -> Option<Operand> {
    let is_widened = matches!(
        arg,
        Expr::Resize {
            is_signed: false,
            ..
        }
    );
    let highest = fills.iter().rev().find_map(|fill| match fill {
        Fill::Move(bit) => Some(*bit),
        Fill::Data | Fill::Compute(..) => None,
    });
    highest.filter(|_| is_widened).map(Operand::Above)
}
