//! What allocation works on: the fields of one gress, when they live, and what actions do to them.

use std::cell::RefCell;
use std::collections::HashMap;

use p4rmt_ir::{
    ActionId, FieldId, FieldKind, Gress, GressId, HeaderId, Id, Pipe, Placement, StmtKind,
};
use p4rmt_source::Span;

use crate::phv::life::{GressUse, Life, gress_use, walk_block};
use crate::phv::operation::{Operation, operations};
use crate::phv::validity::Validity;
use crate::unit::{Access, Unit, UnitId, UnitKind, Usage, actions_of};

/// An action of a table, and where it runs.
pub(crate) struct PlacedAction {
    /// Position among the units of the gress.
    pub(crate) unit: usize,
    pub(crate) action: ActionId,
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) stages: Vec<u32>,
    /// Without those whose result nobody reads.
    pub(crate) operations: Vec<Operation>,
}

impl PlacedAction {
    /// Whether a field that lives like this has to survive the action.
    pub(crate) fn passes(&self, life: Life) -> bool {
        self.stages
            .iter()
            .any(|stage| life.from <= *stage && life.to > *stage)
    }
}

/// What a unit does to a field.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Touch {
    /// Position among the units of the gress.
    unit: usize,
    action: Option<ActionId>,
    is_write: bool,
    /// The first stage and the last one that do it.
    stages: (u32, u32),
}

/// One gress.
pub(crate) struct GressJob<'a> {
    pub(crate) id: GressId,
    pub(crate) gress: &'a Gress,
    pub(crate) units: Vec<&'a Unit>,
    /// Their ids in the pipe.
    unit_ids: Vec<UnitId>,
    pub(crate) uses: GressUse,
    pub(crate) actions: Vec<PlacedAction>,
    /// By field: positions of the actions that write it.
    pub(crate) writers: Vec<Vec<usize>>,
    /// By field: positions of the actions whose ALUs read it.
    pub(crate) readers: Vec<Vec<usize>>,
    validity: Validity,
    /// By field of a header: who touches it.
    touches: Vec<Vec<Touch>>,
    /// By pair of such fields, as far as was asked: whether they are of no use to one packet at one time.
    apart: RefCell<HashMap<(FieldId, FieldId), bool>>,
    /// By field that neither end of the gress touches: the units that do.
    touched_by: Vec<Option<Vec<usize>>>,
}

impl<'a> GressJob<'a> {
    pub(crate) fn new(
        id: GressId,
        pipe: &'a Pipe,
        units: &'a [Unit],
        placement: &Placement,
    ) -> Self {
        let gress = &pipe.gresses[id];
        let (unit_ids, units): (Vec<UnitId>, Vec<&Unit>) = units
            .iter()
            .enumerate()
            .filter(|(_, unit)| unit.gress == id)
            .map(|(index, unit)| (UnitId::from_index(index), unit))
            .unzip();
        let stages_of: Vec<UnitStages> = units
            .iter()
            .map(|unit| UnitStages::new(unit, gress, placement))
            .collect();
        let n_stages = placement.stages_available.max(placement.stages_used);
        let validity = Validity::new(gress, &units);
        let uses = gress_use(gress, &units, &stages_of, &validity, n_stages);
        let mut job = Self {
            id,
            gress,
            units,
            unit_ids,
            uses,
            actions: Vec::new(),
            writers: vec![Vec::new(); gress.fields.len()],
            readers: vec![Vec::new(); gress.fields.len()],
            validity,
            touches: vec![Vec::new(); gress.fields.len()],
            apart: RefCell::default(),
            touched_by: Vec::new(),
        };
        job.note_touches(&stages_of);
        job.touched_by = job.touched_inside();
        job.collect_actions(&stages_of);
        job
    }

    fn collect_actions(&mut self, stages_of: &[UnitStages]) {
        let Some(tables) = self.gress.as_tables() else {
            return;
        };
        for (unit_index, unit) in self.units.iter().enumerate() {
            let UnitKind::Table(table) = unit.kind else {
                continue;
            };
            for action in actions_of(&self.gress.tables[table]) {
                let of = &tables.actions[action];
                let mut operations = operations(of, self.gress);
                operations.retain(|operation| self.life(operation.dst.field).is_some());
                if operations.is_empty() {
                    continue;
                }
                let index = self.actions.len();
                for operation in &operations {
                    push_once(&mut self.writers[operation.dst.field.index()], index);
                    for source in operation.effect.sources() {
                        if let Some(slice) = source.slice() {
                            push_once(&mut self.readers[slice.field.index()], index);
                        }
                    }
                }
                self.actions.push(PlacedAction {
                    unit: unit_index,
                    action,
                    name: of.name.clone(),
                    span: of.span,
                    stages: stages_of[unit_index].acting.clone(),
                    operations,
                });
            }
        }
    }

    pub(crate) fn life(&self, field: FieldId) -> Option<Life> {
        self.uses.fields[field].life
    }

    /// Whether nobody writes a field: it keeps the zero that the parser leaves.
    pub(crate) fn is_zero(&self, field: FieldId) -> bool {
        let of = &self.uses.fields[field];
        !of.is_parsed && of.write_stages.is_empty()
    }

    pub(crate) fn name(&self, field: FieldId) -> &str {
        &self.gress.fields[field].name
    }

    fn note_touches(&mut self, stages_of: &[UnitStages]) {
        for (index, (unit, stages)) in self.units.iter().zip(stages_of).enumerate() {
            for access in &unit.accesses {
                let stages = stages.of(access);
                let (Some(first), Some(last)) = (stages.iter().min(), stages.iter().max()) else {
                    continue;
                };
                if matches!(self.gress.fields[access.field].kind, FieldKind::Header(_)) {
                    let touch = Touch {
                        unit: index,
                        action: access.action,
                        is_write: access.usage == Usage::Write,
                        stages: (*first, *last),
                    };
                    push_once(&mut self.touches[access.field.index()], touch);
                }
            }
        }
    }

    /// Whether two fields are of headers that no packet has at one time, in the stages as in the program:
    /// the one is of no use any more where the other is written.
    pub(crate) fn are_apart(&self, first: FieldId, second: FieldId) -> bool {
        let (Some(one), Some(other)) = (self.header_of(first), self.header_of(second)) else {
            return false;
        };
        if one == other || !self.validity.are_apart(one, other) {
            return false;
        }
        let key = (first.min(second), first.max(second));
        if let Some(known) = self.apart.borrow().get(&key) {
            return *known;
        }
        let touches = |field: FieldId| &self.touches[field.index()];
        let are_apart = touches(first).iter().all(|one| {
            let mut others = touches(second).iter();
            others.all(|other| {
                if one.unit <= other.unit {
                    self.is_in_order(*one, *other)
                } else {
                    self.is_in_order(*other, *one)
                }
            })
        });
        self.apart.borrow_mut().insert(key, are_apart);
        are_apart
    }

    /// Whether what two units do to one bit, of which each wants something else, comes in the order of the
    /// program. The second is not asked for what it reads: what it wants of it was written in between, or
    /// the first is of no consequence.
    fn is_in_order(&self, first: Touch, second: Touch) -> bool {
        if !second.is_write {
            return true;
        }
        if first.unit == second.unit {
            return !first.is_write || first.action != second.action;
        }
        let (one, other) = (self.units[first.unit], self.units[second.unit]);
        let is_late = if first.is_write {
            first.stages.1 >= second.stages.0
        } else {
            first.stages.1 > second.stages.0
        };
        !is_late || one.is_exclusive_with(other)
    }

    fn touched_inside(&self) -> Vec<Option<Vec<usize>>> {
        let is_inside = |field: FieldId| {
            let of = &self.uses.fields[field];
            !of.is_parsed && !of.is_deparsed
        };
        let fields = self.gress.fields.ids();
        let mut touched: Vec<Option<Vec<usize>>> = fields
            .map(|field| is_inside(field).then(Vec::new))
            .collect();
        for (index, unit) in self.units.iter().enumerate() {
            for access in &unit.accesses {
                if let Some(units) = &mut touched[access.field.index()] {
                    push_once(units, index);
                }
            }
        }
        touched
    }

    /// Whether two fields are of stages only, and those that touch the one never run with those that
    /// touch the other.
    pub(crate) fn never_meet(&self, first: FieldId, second: FieldId) -> bool {
        let units = |field: FieldId| self.touched_by[field.index()].as_ref();
        let (Some(first), Some(second)) = (units(first), units(second)) else {
            return false;
        };
        first.iter().all(|one| {
            let mut others = second.iter();
            others.all(|other| self.units[*one].is_exclusive_with(self.units[*other]))
        })
    }

    /// Two tables of one stage, both of which some packet may run, that write these two fields.
    pub(crate) fn conflict(&self, first: FieldId, second: FieldId) -> Option<(usize, usize)> {
        for &a in &self.writers[first.index()] {
            for &b in &self.writers[second.index()] {
                let (one, other) = (&self.actions[a], &self.actions[b]);
                let meet = one.unit != other.unit
                    && one.stages.iter().any(|stage| other.stages.contains(stage))
                    && self.may_both_run(one, other);
                if meet {
                    return Some((one.unit, other.unit));
                }
            }
        }
        None
    }

    /// Whether a packet may run both actions.
    fn may_both_run(&self, one: &PlacedAction, other: &PlacedAction) -> bool {
        let (first, second) = if one.unit < other.unit {
            (one, other)
        } else {
            (other, one)
        };
        let (earlier, later) = (self.units[first.unit], self.units[second.unit]);
        let mut accesses = earlier.accesses.iter();
        let access = accesses.find(|access| access.action == Some(first.action));
        let id = self.unit_ids[first.unit];
        !earlier.is_exclusive_with(later)
            && access.is_none_or(|access| earlier.may_do_before(id, access, later))
    }

    /// The header that a field is a part of.
    pub(crate) fn header_of(&self, field: FieldId) -> Option<HeaderId> {
        match self.gress.fields[field].kind {
            FieldKind::Header(header) => Some(header),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        }
    }
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if list.last() != Some(&item) {
        list.push(item);
    }
}

/// Where a unit stands.
pub(crate) struct UnitStages {
    /// The stages that look at its key or condition.
    pub(crate) matching: Vec<u32>,
    /// The stages that run its actions: not that in which a table in front of a partitioned one only
    /// finds the partition.
    pub(crate) acting: Vec<u32>,
}

impl UnitStages {
    fn new(unit: &Unit, gress: &Gress, placement: &Placement) -> Self {
        let of = placement.gresses.get(unit.gress);
        match unit.kind {
            UnitKind::Table(table) => {
                let partitions = gress.tables[table].partitions.as_ref();
                let has_front = partitions.is_some_and(|of| of.classifier.is_some());
                let parts = of.and_then(|of| of.tables.get(table)).into_iter().flatten();
                let acting = parts.clone().filter(|part| !has_front || part.entries > 0);
                Self {
                    matching: parts.map(|part| part.slot.stage).collect(),
                    acting: acting.map(|part| part.slot.stage).collect(),
                }
            }
            UnitKind::Gateway(gateway) => Self {
                matching: of
                    .and_then(|of| of.gateways.get(gateway))
                    .map(|slot| slot.stage)
                    .into_iter()
                    .collect(),
                acting: Vec::new(),
            },
        }
    }

    /// The stages in which an action of the unit, or its key, touches a field.
    pub(crate) fn of(&self, access: &Access) -> &[u32] {
        match access.action {
            Some(_) => &self.acting,
            None => &self.matching,
        }
    }
}

/// Whether an action, or the parser without extracting it, makes a header valid.
pub(crate) fn is_made_valid(valid: FieldId, gress: &Gress) -> bool {
    let in_action = gress.as_tables().is_some_and(|tables| {
        tables.actions.values().any(|action| {
            let mut assigns = action.assigns.iter();
            assigns.any(|assign| assign.dst.field() == Some(valid) && !is_zero(&assign.value))
        })
    });
    let mut in_parser = false;
    for state in gress.parser.states.values() {
        walk_block(&state.body, &mut |stmt| {
            if let StmtKind::Assign { dst, .. } = &stmt.kind {
                in_parser |= dst.field() == Some(valid);
            }
        });
    }
    in_action || in_parser
}

fn is_zero(value: &p4rmt_ir::Expr) -> bool {
    matches!(value, p4rmt_ir::Expr::Const(bits) if bits.is_zero())
}

/// By state: which states a packet may be in at it or after it.
pub(crate) fn reachable_states(gress: &Gress) -> Vec<Vec<bool>> {
    let states = &gress.parser.states;
    states
        .ids()
        .map(|from| {
            let mut reached = vec![false; states.len()];
            let mut open = vec![from];
            while let Some(state) = open.pop() {
                if std::mem::replace(&mut reached[state.index()], true) {
                    continue;
                }
                open.extend(successors(&states[state].transition));
            }
            reached
        })
        .collect()
}

/// The states that a transition leads to.
pub(crate) fn successors(transition: &p4rmt_ir::Transition) -> Vec<p4rmt_ir::StateId> {
    let state_of = |target: &p4rmt_ir::Target| match target {
        p4rmt_ir::Target::State(state) => Some(*state),
        p4rmt_ir::Target::Accept | p4rmt_ir::Target::Reject => None,
    };
    match transition {
        p4rmt_ir::Transition::Goto(target) => state_of(target).into_iter().collect(),
        p4rmt_ir::Transition::Select { cases, .. } => cases
            .iter()
            .filter_map(|case| state_of(&case.target))
            .collect(),
    }
}
