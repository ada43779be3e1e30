//! When a field is live, and who touches it.
//!
//! In: a gress in the tables form, its units, the stages of each. Out: a [`FieldUse`] a field. Time is
//! counted by entries: at entry `s` the vector enters stage `s`, entry 0 is what the parser leaves,
//! the entry behind the last stage is what the deparser sees.
//!
//! 1. Walk parser, units and deparser, and note who reads and writes each field.
//! 2. Walk the control flow, and note which reads may come before any write: such a field holds its
//!    zero from the parser on. A header that no parser extracts counts as written where it becomes
//!    valid in the same action.

use p4rmt_ir::{
    Arena, Block, Body, Expr, FieldId, FieldKind, Gress, HeaderId, Id, Place, Stmt, StmtKind,
};

use crate::phv::job::UnitStages;
use crate::phv::validity::Validity;
use crate::unit::{Unit, UnitKind, Usage, actions_of, field_slices};

/// The entries at which a field is live, first and last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    /// The first; 0 where it comes from the parser.
    pub from: u32,
    /// The last; that behind the last stage where the deparser sees it.
    pub to: u32,
}

impl Life {
    /// Whether both are live at some entry.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// Whether it is live at this entry.
    #[must_use]
    pub fn contains(self, entry: u32) -> bool {
        self.from <= entry && entry <= self.to
    }
}

/// Who touches a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldUse {
    /// The parser, or the device in its place, writes it.
    pub(crate) is_parsed: bool,
    /// The parser extracts it as a part of its header.
    pub(crate) is_extracted: bool,
    pub(crate) read_stages: Vec<u32>,
    pub(crate) write_stages: Vec<u32>,
    /// A crossbar carries it: keys, conditions, hashes, stateful ALUs.
    pub(crate) is_matched: bool,
    /// The deparser reads it.
    pub(crate) is_deparsed: bool,
    /// The deparser emits it as a part of its header.
    pub(crate) is_emitted: bool,
    /// It is read where it may not have been written.
    pub(crate) may_lack_value: bool,
    pub(crate) life: Option<Life>,
}

impl FieldUse {
    pub(crate) fn is_in_stages(&self) -> bool {
        !self.read_stages.is_empty() || !self.write_stages.is_empty()
    }
}

/// What one gress asks of the packet header vector.
pub(crate) struct GressUse {
    pub(crate) fields: Arena<FieldId, FieldUse>,
    /// The entry that the deparser sees.
    pub(crate) last_entry: u32,
}

/// Who touches each field of a gress, and when it is live. `units` are those of the gress in the order
/// of the control flow; `stages_of` has the stages of each.
pub(crate) fn gress_use(
    gress: &Gress,
    units: &[&Unit],
    stages_of: &[UnitStages],
    validity: &Validity,
    n_stages: u32,
) -> GressUse {
    let mut uses: Arena<FieldId, FieldUse> =
        gress.fields.iter().map(|_| FieldUse::default()).collect();
    for state in gress.parser.states.values() {
        parse(&state.body, gress, &mut uses);
    }
    note_device(gress, &mut uses);
    for (unit, stages) in units.iter().zip(stages_of) {
        for access in &unit.accesses {
            let of = &mut uses[access.field];
            let stages = stages.of(access);
            match access.usage {
                Usage::Match => {
                    of.is_matched = true;
                    of.read_stages.extend(stages);
                }
                Usage::Action => of.read_stages.extend(stages),
                Usage::Write => of.write_stages.extend(stages),
            }
        }
    }
    deparse(&gress.deparser.body, gress, validity, &mut uses);
    for (field, of) in gress.fields.iter() {
        let is_written = uses[field].is_parsed || !uses[field].write_stages.is_empty();
        if of.kind == FieldKind::Intrinsic && is_read_by_device(field, gress) && is_written {
            uses[field].is_deparsed = true;
        }
    }
    Flow::new(gress, units, &mut uses).run();
    for of in uses.values_mut() {
        of.life = life(of, n_stages);
    }
    GressUse {
        fields: uses,
        last_entry: n_stages,
    }
}

fn life(of: &FieldUse, last_entry: u32) -> Option<Life> {
    let last_read = if of.is_deparsed {
        Some(last_entry)
    } else {
        of.read_stages.iter().max().copied()
    };
    let last_read = last_read?;
    let first_write = of.write_stages.iter().min().map(|stage| stage + 1);
    let from = match first_write {
        Some(entry) if !of.is_parsed && !of.may_lack_value => entry,
        Some(_) | None => 0,
    };
    // A write behind the last read still disturbs who lives there then.
    let last_write = of.write_stages.iter().max().map(|stage| stage + 1);
    let to = last_read.max(last_write.unwrap_or(0)).min(last_entry);
    Some(Life {
        from: from.min(to),
        to,
    })
}

fn parse(block: &Block, gress: &Gress, uses: &mut Arena<FieldId, FieldUse>) {
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { dst, .. } => write(dst, uses),
            StmtKind::If {
                then, otherwise, ..
            } => {
                parse(then, gress, uses);
                parse(otherwise, gress, uses);
            }
            StmtKind::Extract { header, .. } => {
                let header = &gress.headers[*header];
                for field in &header.fields {
                    uses[*field].is_parsed = true;
                    uses[*field].is_extracted = true;
                }
                uses[header.valid].is_parsed = true;
                if let Some((_, width)) = header.varbit {
                    uses[width].is_parsed = true;
                }
            }
            StmtKind::Call(call) => {
                for out in call.outs.iter().flatten() {
                    write(out, uses);
                }
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                parse(body, gress, uses)
            }
            // The validator keeps the others out of parsers.
            StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Emit { .. } => {}
        }
    }
}

fn write(place: &Place, uses: &mut Arena<FieldId, FieldUse>) {
    if let Some(field) = place.field() {
        uses[field].is_parsed = true;
    }
}

/// Fields that the device writes in front of the parser.
fn note_device(gress: &Gress, uses: &mut Arena<FieldId, FieldUse>) {
    for (field, of) in gress.fields.iter() {
        if of.kind == FieldKind::Intrinsic && !is_read_by_device(field, gress) {
            uses[field].is_parsed = true;
        }
    }
}

/// Whether the device reads an intrinsic field behind the deparser: it is of a type `…_for_…`.
pub(crate) fn is_read_by_device(field: FieldId, gress: &Gress) -> bool {
    gress
        .intrinsics
        .iter()
        .any(|(name, known)| *known == field && name.contains("_for_"))
}

fn deparse(block: &Block, gress: &Gress, validity: &Validity, uses: &mut Arena<FieldId, FieldUse>) {
    let read = |expr: &Expr, uses: &mut Arena<FieldId, FieldUse>| {
        for (field, _, _) in field_slices(expr, gress) {
            uses[field].is_deparsed = true;
        }
    };
    for stmt in block {
        match &stmt.kind {
            StmtKind::Assign { value, .. } => read(value, uses),
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                read(cond, uses);
                deparse(then, gress, validity, uses);
                deparse(otherwise, gress, validity, uses);
            }
            StmtKind::Call(call) => {
                for arg in call.args() {
                    read(arg, uses);
                }
            }
            // What no packet has is not emitted.
            StmtKind::Emit { header } if !validity.may_be_emitted(*header) => {}
            StmtKind::Emit { header } => {
                let header = &gress.headers[*header];
                for field in &header.fields {
                    uses[*field].is_deparsed = true;
                    uses[*field].is_emitted = true;
                }
                uses[header.valid].is_deparsed = true;
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                deparse(body, gress, validity, uses);
            }
            // The validator keeps the others out of deparsers.
            StmtKind::Apply { .. }
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. } => {}
        }
    }
}

/// By field, the bits that are written for certain, up to [`Flow::BITS`] of them.
type Written = Vec<u128>;

/// The walk that finds reads before writes.
struct Flow<'a> {
    gress: &'a Gress,
    units: &'a [&'a Unit],
    uses: &'a mut Arena<FieldId, FieldUse>,
    /// By field: its header, where no parser extracts it.
    added: Vec<Option<HeaderId>>,
    next_unit: usize,
    /// What is written at each way out of the control.
    exits: Option<Written>,
}

impl<'a> Flow<'a> {
    const BITS: u32 = u128::BITS;

    fn new(
        gress: &'a Gress,
        units: &'a [&'a Unit],
        uses: &'a mut Arena<FieldId, FieldUse>,
    ) -> Self {
        let added = gress
            .fields
            .iter()
            .map(|(field, of)| match of.kind {
                FieldKind::Header(header) if !uses[field].is_parsed => Some(header),
                FieldKind::Header(_)
                | FieldKind::Validity(_)
                | FieldKind::VarbitWidth(_)
                | FieldKind::Metadata
                | FieldKind::Intrinsic
                | FieldKind::Local => None,
            })
            .collect();
        Self {
            gress,
            units,
            uses,
            added,
            next_unit: 0,
            exits: None,
        }
    }

    fn run(mut self) {
        let Body::Tables(tables) = &self.gress.body else {
            return;
        };
        let mut written: Written = self.gress.fields.iter().map(|_| 0).collect();
        for (field, of) in self.uses.iter() {
            if of.is_parsed {
                written[field.index()] = u128::MAX;
            }
        }
        self.walk(&tables.seq, &mut written);
        if let Some(exits) = self.exits.take() {
            meet(&mut written, &exits);
        }
        for (field, _) in self.gress.fields.iter() {
            if self.uses[field].is_deparsed {
                // What is emitted is emitted where its header is valid.
                let is_assured = self.added[field.index()].is_some()
                    && self.uses[field].is_emitted
                    && self.is_written_with_header(field);
                let width = self.gress.fields[field].width;
                if !is_assured && !covers(written[field.index()], width - 1, 0) {
                    self.uses[field].may_lack_value = true;
                }
            }
        }
    }

    /// Whether each action that makes the header of the field valid writes the field.
    fn is_written_with_header(&self, field: FieldId) -> bool {
        let Some(header) = self.added[field.index()] else {
            return false;
        };
        let valid = self.gress.headers[header].valid;
        let high = self.gress.fields[field].width.saturating_sub(1);
        self.units.iter().all(|unit| {
            let validating = unit
                .accesses
                .iter()
                .filter(|access| access.usage == Usage::Write && access.field == valid);
            validating.clone().all(|validating| {
                unit.accesses.iter().any(|access| {
                    access.usage == Usage::Write
                        && access.field == field
                        && access.action == validating.action
                        && (access.hi, access.lo) == (high, 0)
                })
            })
        })
    }

    fn walk(&mut self, seq: &p4rmt_ir::Seq, written: &mut Written) {
        for node in seq {
            let Some(&unit) = self.units.get(self.next_unit) else {
                return;
            };
            self.next_unit += 1;
            self.check_reads(unit, written);
            match node {
                p4rmt_ir::Node::Gateway {
                    then, otherwise, ..
                } => {
                    let mut other = written.clone();
                    self.walk(then, written);
                    self.walk(otherwise, &mut other);
                    meet(written, &other);
                }
                p4rmt_ir::Node::Table { arms, .. } => self.walk_table(unit, arms, written),
            }
        }
    }

    fn walk_table(
        &mut self,
        unit: &Unit,
        arms: &[(p4rmt_ir::Outcome, p4rmt_ir::Seq)],
        written: &mut Written,
    ) {
        let UnitKind::Table(table) = unit.kind else {
            return;
        };
        let Body::Tables(tables) = &self.gress.body else {
            return;
        };
        let actions = actions_of(&self.gress.tables[table]);
        let after = |action| {
            let mut after = written.clone();
            for access in &unit.accesses {
                if access.usage == Usage::Write && access.action == Some(action) {
                    after[access.field.index()] |= mask(access.hi, access.lo);
                }
            }
            after
        };
        let afters: Vec<(p4rmt_ir::ActionId, Written)> = actions
            .iter()
            .map(|action| (*action, after(*action)))
            .collect();
        for (action, after) in &afters {
            if tables.actions[*action].exits {
                meet_option(&mut self.exits, after);
            }
        }
        let of_actions = |wanted: &dyn Fn(p4rmt_ir::ActionId) -> bool| {
            let mut all: Option<Written> = None;
            for (action, after) in &afters {
                if wanted(*action) && !tables.actions[*action].exits {
                    meet_option(&mut all, after);
                }
            }
            all
        };
        let mut joined: Option<Written> = None;
        for (arm, (_, seq)) in arms.iter().enumerate() {
            let reached = &unit.arm_actions[arm];
            let before = of_actions(&|action| reached.contains(&action));
            let is_reached = before.is_some();
            let mut branch = before.unwrap_or_else(|| written.clone());
            self.walk(seq, &mut branch);
            if is_reached {
                meet_option(&mut joined, &branch);
            }
        }
        let on = |outcome| arms.iter().any(|(on, _)| *on == outcome);
        let is_complete = on(p4rmt_ir::Outcome::Otherwise)
            || (on(p4rmt_ir::Outcome::Hit) && on(p4rmt_ir::Outcome::Miss));
        if !is_complete && let Some(through) = of_actions(&|_| true) {
            meet_option(&mut joined, &through);
        }
        if let Some(joined) = joined {
            *written = joined;
        }
    }

    fn check_reads(&mut self, unit: &Unit, written: &Written) {
        for access in &unit.accesses {
            let is_read = match access.usage {
                Usage::Match | Usage::Action => true,
                Usage::Write => false,
            };
            if is_read && !covers(written[access.field.index()], access.hi, access.lo) {
                self.uses[access.field].may_lack_value = true;
            }
        }
    }
}

/// Bits `hi` to `lo`. Beyond what is tracked, a field counts as written only where it is whole.
fn mask(hi: u32, lo: u32) -> u128 {
    if lo == 0 && hi >= Flow::BITS - 1 {
        return u128::MAX;
    }
    let (hi, lo) = (hi.min(Flow::BITS - 1), lo.min(Flow::BITS - 1));
    if hi == Flow::BITS - 1 {
        return 0;
    }
    ((1 << (hi + 1)) - 1) & !((1 << lo) - 1)
}

fn covers(written: u128, hi: u32, lo: u32) -> bool {
    if hi >= Flow::BITS - 1 {
        return written == u128::MAX;
    }
    let wanted = mask(hi, lo);
    written & wanted == wanted
}

fn meet(all: &mut Written, other: &Written) {
    for (bits, more) in all.iter_mut().zip(other) {
        *bits &= more;
    }
}

fn meet_option(all: &mut Option<Written>, other: &Written) {
    match all {
        Some(all) => meet(all, other),
        None => *all = Some(other.clone()),
    }
}

/// Fields that the parser needs for itself count as read by nobody else; statements for reuse by
/// others are here.
pub(crate) fn walk_block<'b>(block: &'b Block, visit: &mut impl FnMut(&'b Stmt)) {
    for stmt in block {
        visit(stmt);
        match &stmt.kind {
            StmtKind::If {
                then, otherwise, ..
            } => {
                walk_block(then, visit);
                walk_block(otherwise, visit);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                walk_block(body, visit);
            }
            StmtKind::Assign { .. }
            | StmtKind::Apply { .. }
            | StmtKind::Call(_)
            | StmtKind::Leave(_)
            | StmtKind::Exit
            | StmtKind::Extract { .. }
            | StmtKind::Advance { .. }
            | StmtKind::Verify { .. }
            | StmtKind::Emit { .. } => {}
        }
    }
}
