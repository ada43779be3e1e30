//! What an action of a stage asks of the containers that it writes.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{Expr, FieldId, Gress, ParallelAction, Place};

use super::{Checker, PhvViolation};
use crate::phv::{Container, ContainerKind, PhvAllocation, Residence};
use crate::unit::{Access, UnitKind, Usage, actions_of};

impl Checker<'_> {
    pub(super) fn check_actions(&mut self, allocation: &PhvAllocation) {
        let Some(tables) = self.gress.as_tables() else {
            return;
        };
        let mut found = Vec::new();
        for placed in &self.units {
            let UnitKind::Table(table) = placed.unit.kind else {
                continue;
            };
            for action in actions_of(&self.gress.tables[table]) {
                for &stage in &placed.acting {
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
            let is_written = self.units.iter().any(|placed| {
                let mut accesses = placed.unit.accesses.iter();
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

    pub(super) fn check_conflicts(&mut self) {
        // By container and stage: who writes there, in which way.
        let mut writers: BTreeMap<(Container, u32), Vec<(usize, &Access)>> = BTreeMap::new();
        for (index, placed) in self.units.iter().enumerate() {
            for access in placed
                .unit
                .accesses
                .iter()
                .filter(|of| of.usage == Usage::Write)
            {
                for (container, homes) in &self.homes {
                    let is_hit = homes.iter().any(|of| {
                        of.slice.field == access.field
                            && of.slice.lo <= access.hi
                            && access.lo <= of.slice.hi
                    });
                    for stage in placed.acting.iter().filter(|_| is_hit) {
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
