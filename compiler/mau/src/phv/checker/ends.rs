//! What parser and deparser ask of containers.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{Expr, FieldId, FieldKind, Gress, HeaderId, Id, Place, StmtKind};

use super::{Checker, PhvViolation};
use crate::phv::Residence;
use crate::unit::{Usage, field_slices};

impl Checker<'_> {
    /// Fields that the parser writes, and the headers that it extracts.
    pub(super) fn parsed(&self) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>) {
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
    pub(super) fn deparsed(&self) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>) {
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

    /// Whether two fields may have one place because no packet has both.
    pub(super) fn are_apart(&self, first: FieldId, second: FieldId) -> bool {
        let header = |field: FieldId| match self.gress.fields[field].kind {
            FieldKind::Header(header) => Some(header),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        };
        let is_written = |field: FieldId| {
            self.units.iter().any(|placed| {
                let mut accesses = placed.unit.accesses.iter();
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

    /// Headers whose bytes are on the wire in the order of their fields.
    pub(super) fn check_wire(&mut self, passing: &BTreeSet<FieldId>) {
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
}

/// Pairs of headers that the parser extracts, that no action or state makes valid otherwise, and that
/// no way through the parser has both of.
pub(super) fn headers_apart(gress: &Gress) -> BTreeSet<(HeaderId, HeaderId)> {
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
