//! The table dependency graph: which unit must come after which, and why.
//!
//! In: the units of a pipe. Out: edges from each unit to those after it that touch the same bits of
//! a field or run under its decision. There is no edge between units that exclude each other, nor
//! between gresses. Edges lead forward in the control flow, so the graph has no cycle.
//!
//! * [`DependencyKind::Match`], [`DependencyKind::Action`], [`DependencyKind::Output`]: the later unit
//!   needs a later stage.
//! * [`DependencyKind::Anti`], [`DependencyKind::Control`]: the same stage will do, with a larger
//!   logical id.

use std::collections::{BTreeMap, HashSet};

use p4rmt_ir::{FieldId, GressId, Id};
use p4rmt_source::Span;

use crate::unit::{Access, Unit, UnitId, Usage};

/// Why a unit must come after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// It reads at an input crossbar what the other writes.
    Match,
    /// Its action reads what the other writes.
    Action,
    /// Both write the same bits.
    Output,
    /// It writes what the other reads.
    Anti,
    /// It runs under the other's decision, or not at all if the other exits.
    Control,
}

impl DependencyKind {
    /// Stages that must lie between the two at the least: 1 or 0.
    #[must_use]
    pub fn distance(self) -> u32 {
        match self {
            Self::Match | Self::Action | Self::Output => 1,
            Self::Anti | Self::Control => 0,
        }
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Action => "action",
            Self::Output => "output",
            Self::Anti => "anti",
            Self::Control => "control",
        }
    }
}

/// One reason why a unit must come after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The unit that comes first.
    pub from: UnitId,
    /// The unit that comes after.
    pub to: UnitId,
    /// Why.
    pub kind: DependencyKind,
    /// The field that both touch; none for control.
    pub field: Option<FieldId>,
    /// Where the first one touches it.
    pub from_span: Span,
    /// Where the other one does.
    pub to_span: Span,
}

/// The dependency graph of a pipe.
#[derive(Clone, Debug)]
pub struct DependencyGraph {
    /// The units in the order of the control flow.
    pub units: Vec<Unit>,
    /// The edges, by later unit, then by earlier one, then by kind; at most one of each.
    pub edges: Vec<Edge>,
    /// By unit: positions of the edges that lead to it.
    pub preds: Vec<Vec<usize>>,
    /// By unit: positions of the edges that leave it.
    pub succs: Vec<Vec<usize>>,
}

impl DependencyGraph {
    /// Builds the graph of these units.
    #[must_use]
    pub fn build(units: Vec<Unit>) -> Self {
        let mut builder = Builder {
            units: &units,
            edges: Vec::new(),
            seen: HashSet::new(),
        };
        builder.add_data_edges();
        builder.add_control_edges();
        let mut edges = builder.edges;
        edges.sort_by_key(|edge| (edge.to, edge.from, edge.kind));
        let mut preds = vec![Vec::new(); units.len()];
        let mut succs = vec![Vec::new(); units.len()];
        for (index, edge) in edges.iter().enumerate() {
            preds[edge.to.index()].push(index);
            succs[edge.from.index()].push(index);
        }
        Self {
            units,
            edges,
            preds,
            succs,
        }
    }

    /// The edges that lead to a unit.
    pub fn edges_to(&self, unit: UnitId) -> impl Iterator<Item = &Edge> {
        self.preds[unit.index()]
            .iter()
            .map(|&edge| &self.edges[edge])
    }

    /// The edges that leave a unit.
    pub fn edges_from(&self, unit: UnitId) -> impl Iterator<Item = &Edge> {
        self.succs[unit.index()]
            .iter()
            .map(|&edge| &self.edges[edge])
    }

    /// All units in order.
    pub fn unit_ids(&self) -> impl DoubleEndedIterator<Item = UnitId> + use<> {
        (0..self.units.len()).map(UnitId::from_index)
    }

    /// By unit: the first stage that its dependencies leave it.
    #[must_use]
    pub fn earliest_stages(&self) -> Vec<u32> {
        let mut earliest = vec![0; self.units.len()];
        for unit in self.unit_ids() {
            for edge in self.edges_to(unit) {
                let bound = earliest[edge.from.index()] + edge.kind.distance();
                earliest[unit.index()] = earliest[unit.index()].max(bound);
            }
        }
        earliest
    }

    /// By unit: how many stages after its own its dependents need.
    #[must_use]
    pub fn tails(&self) -> Vec<u32> {
        let mut tails = vec![0; self.units.len()];
        for unit in self.unit_ids().rev() {
            for edge in self.edges_from(unit) {
                let bound = tails[edge.to.index()] + edge.kind.distance();
                tails[unit.index()] = tails[unit.index()].max(bound);
            }
        }
        tails
    }

    /// The longest chain of dependencies, as the edges that it follows. With `n` edges that need a
    /// later stage, no machine places the program in fewer than `n + 1` stages.
    #[must_use]
    pub fn critical_path(&self) -> Vec<Edge> {
        let earliest = self.earliest_stages();
        let Some(mut unit) = self
            .unit_ids()
            .max_by_key(|unit| (earliest[unit.index()], std::cmp::Reverse(*unit)))
        else {
            return Vec::new();
        };
        let mut path = Vec::new();
        while earliest[unit.index()] > 0 {
            let edge = self
                .edges_to(unit)
                .find(|edge| {
                    earliest[edge.from.index()] + edge.kind.distance() == earliest[unit.index()]
                })
                .expect("a unit that cannot be in stage 0 has an edge that says so");
            path.push(*edge);
            unit = edge.from;
        }
        path.reverse();
        path
    }

    /// Stages that the longest chain of dependencies needs; 0 without units.
    #[must_use]
    pub fn critical_path_stages(&self) -> u32 {
        self.earliest_stages()
            .iter()
            .max()
            .map_or(0, |stage| stage + 1)
    }
}

/// Collects edges.
struct Builder<'a> {
    units: &'a [Unit],
    edges: Vec<Edge>,
    seen: HashSet<(UnitId, UnitId, DependencyKind)>,
}

impl Builder<'_> {
    fn add(&mut self, edge: Edge) {
        if self.seen.insert((edge.from, edge.to, edge.kind)) {
            self.edges.push(edge);
        }
    }

    fn add_data_edges(&mut self) {
        let mut by_field: BTreeMap<(usize, usize), Vec<(UnitId, Access)>> = BTreeMap::new();
        for (index, unit) in self.units.iter().enumerate() {
            for access in &unit.accesses {
                let key = (unit.gress.index(), access.field.index());
                let list = by_field.entry(key).or_default();
                list.push((UnitId::from_index(index), *access));
            }
        }
        for accesses in by_field.values() {
            for (position, (to, later)) in accesses.iter().enumerate() {
                for (from, earlier) in &accesses[..position] {
                    self.add_data_edge((*from, earlier), (*to, later));
                }
            }
        }
    }

    fn add_data_edge(&mut self, earlier: (UnitId, &Access), later: (UnitId, &Access)) {
        let ((from, first), (to, second)) = (earlier, later);
        let kind = match (first.usage, second.usage) {
            (Usage::Write, Usage::Match) => DependencyKind::Match,
            (Usage::Write, Usage::Action) => DependencyKind::Action,
            (Usage::Write, Usage::Write) => DependencyKind::Output,
            (Usage::Match | Usage::Action, Usage::Write) => DependencyKind::Anti,
            (Usage::Match | Usage::Action, Usage::Match | Usage::Action) => return,
        };
        let overlaps = first.lo <= second.hi && second.lo <= first.hi;
        let units = (&self.units[from.index()], &self.units[to.index()]);
        if from != to
            && overlaps
            && !units.0.is_exclusive_with(units.1)
            && units.0.may_do_before(from, first, units.1)
        {
            self.add(Edge {
                from,
                to,
                kind,
                field: Some(first.field),
                from_span: first.span,
                to_span: second.span,
            });
        }
    }

    fn add_control_edges(&mut self) {
        let mut exiting: Vec<(GressId, UnitId)> = Vec::new();
        for (index, unit) in self.units.iter().enumerate() {
            let to = UnitId::from_index(index);
            let exits = exiting.iter().filter(|(gress, exit)| {
                *gress == unit.gress && !self.units[exit.index()].is_exclusive_with(unit)
            });
            let deciding = unit.parent().map(|decision| decision.unit);
            let froms: Vec<UnitId> = deciding
                .into_iter()
                .chain(exits.map(|(_, exit)| *exit))
                .collect();
            for from in froms {
                self.add(Edge {
                    from,
                    to,
                    kind: DependencyKind::Control,
                    field: None,
                    from_span: self.units[from.index()].span,
                    to_span: unit.span,
                });
            }
            if unit.exits {
                exiting.push((unit.gress, to));
            }
        }
    }
}
