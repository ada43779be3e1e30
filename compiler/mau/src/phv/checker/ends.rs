//! What parser and deparser ask of containers.

use std::collections::{BTreeMap, BTreeSet};

use p4rmt_ir::{Expr, FieldId, FieldKind, Gress, HeaderId, Place, StmtKind};

use super::{Checker, PhvViolation};
use crate::phv::Residence;
use crate::unit::{Usage, field_slices};

impl Checker<'_> {
    /// Whether two fields may have one place because no packet has both at one time.
    pub(super) fn are_apart(&self, first: FieldId, second: FieldId) -> bool {
        let pair = (first.min(second), first.max(second));
        if let Some(known) = self.apart.borrow().get(&pair) {
            return *known;
        }
        let are_apart =
            self.are_of_other_headers(first, second) || self.are_of_other_branches(first, second);
        self.apart.borrow_mut().insert(pair, are_apart);
        are_apart
    }

    /// Whether no packet has the headers of two fields at one time, and what the stages do to them comes in
    /// the order of the program.
    fn are_of_other_headers(&self, first: FieldId, second: FieldId) -> bool {
        let header = |field: FieldId| match self.gress.fields[field].kind {
            FieldKind::Header(header) => Some(header),
            FieldKind::Validity(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        };
        let (Some(one), Some(other)) = (header(first), header(second)) else {
            return false;
        };
        one != other
            && self.ways.never_meet(one, other)
            && self.keep_order(first, second)
            && self.keep_order(second, first)
    }

    /// Whether a field is written only where everything that comes before it in the program is done with
    /// another one.
    fn keep_order(&self, before: FieldId, written: FieldId) -> bool {
        let writes = self.touches[written].iter();
        for (position, write) in writes.filter(|(_, of)| of.usage == Usage::Write) {
            let later = &self.units[*position];
            let start = later.stages(write).iter().min();
            for (index, access) in &self.touches[before] {
                let is_write = access.usage == Usage::Write;
                if index == position && is_write && access.action == write.action {
                    return false;
                }
                if index >= position {
                    continue;
                }
                let earlier = &self.units[*index];
                let end = earlier.stages(access).iter().max();
                let (Some(start), Some(end)) = (start, end) else {
                    continue;
                };
                let is_done = end < start || (end == start && !is_write);
                if !is_done && !earlier.unit.is_exclusive_with(later.unit) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the deparser looks at a field: at what it emits only if some packet has its header.
    pub(super) fn may_be_deparsed(&self, field: FieldId) -> bool {
        let header = match self.gress.fields[field].kind {
            FieldKind::Header(header) | FieldKind::Validity(header) => header,
            FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => return true,
        };
        let is_only_emitted = !self.deparsed.2.contains(&field);
        !is_only_emitted || self.ways.may_be_emitted(header)
    }

    /// Whether stages alone touch two fields, and no packet runs a unit of the one and a unit of the
    /// other.
    fn are_of_other_branches(&self, first: FieldId, second: FieldId) -> bool {
        let at_ends = [&self.parsed.0, &self.deparsed.0];
        if at_ends
            .iter()
            .any(|of| of.contains(&first) || of.contains(&second))
        {
            return false;
        }
        let touching = |field: FieldId| {
            let touches = self.touches[field].iter();
            touches.map(|(position, _)| &self.units[*position])
        };
        touching(first)
            .all(|one| touching(second).all(|other| one.unit.is_exclusive_with(other.unit)))
    }

    /// Headers whose bytes are on the wire in the order of their fields.
    pub(super) fn check_wire(&mut self, passing: &BTreeSet<FieldId>) {
        let (_, extracted) = &self.parsed;
        let (_, emitted, _) = &self.deparsed;
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

    /// What the parser fills outside the order of a header: at its place in its bytes, and with nobody
    /// beside it. What the device reads is in one container, in its lowest byte.
    pub(super) fn check_filled(&mut self) {
        let mut found = Vec::new();
        let extracted = self.parsed.1.iter().copied();
        let free = extracted
            .filter(|header| self.is_laid_out_freely(*header))
            .flat_map(|header| self.gress.headers[header].fields.iter().copied());
        let free: BTreeSet<FieldId> = free.collect();
        let assigned = self.assigned_from_packet();
        for (container, homes) in &self.homes {
            let at_parser: Vec<_> = homes.iter().filter(|of| of.life.from == 0).collect();
            for of in &at_parser {
                let field = of.slice.field;
                let end = assigned.get(&field);
                let lowest = i64::from(of.lo) - i64::from(of.slice.lo);
                if end.is_some_and(|end| (lowest + i64::from(*end)).rem_euclid(8) != 0) {
                    found.push(PhvViolation::NotAsOnTheWire {
                        field: self.name(field),
                        container: *container,
                    });
                }
                let is_filled = end.is_some() || free.contains(&field);
                let other = at_parser.iter().find(|other| {
                    other.slice.field != field && !self.are_apart(field, other.slice.field)
                });
                if let (true, Some(other)) = (is_filled, other) {
                    found.push(PhvViolation::ForeignBits {
                        field: self.name(field),
                        other: self.name(other.slice.field),
                        container: *container,
                    });
                }
            }
            for of in homes {
                let field = of.slice.field;
                let mut intrinsics = self.gress.intrinsics.iter();
                let is_read =
                    intrinsics.any(|(name, known)| *known == field && name.contains("_for_"));
                let is_whole = of.slice.width() == self.gress.fields[field].width && of.lo < 8;
                if is_read && !is_whole {
                    found.push(PhvViolation::Scattered {
                        field: self.name(field),
                        container: *container,
                    });
                }
            }
        }
        self.violations.extend(found);
    }

    /// Fields that the parser takes from the packet, but not in the order of a header: where their bits
    /// end. The metadata of the port are laid out by whoever fills them.
    fn assigned_from_packet(&self) -> BTreeMap<FieldId, u32> {
        let states = &self.gress.parser.states;
        let of_port = self.port_metadata();
        let mut assigned = BTreeMap::new();
        // By state that was found: where the cursor is at its beginning, on the first way there.
        let mut cursors = BTreeMap::from([(self.gress.parser.start, 0_u32)]);
        let mut open = vec![self.gress.parser.start];
        while let Some(state) = open.pop() {
            let mut cursor = cursors[&state];
            for stmt in &states[state].body {
                match &stmt.kind {
                    StmtKind::Extract { header, .. } => {
                        let fields = self.gress.headers[*header].fields.iter();
                        cursor += fields.map(|of| self.gress.fields[*of].width).sum::<u32>();
                    }
                    StmtKind::Advance {
                        bits: Expr::Const(bits),
                    } => {
                        cursor = cursor
                            .saturating_add(u32::try_from(bits.low_u64()).unwrap_or(u32::MAX));
                    }
                    StmtKind::Assign {
                        dst: Place::Field(field),
                        value,
                    } => {
                        let mut starts = Vec::new();
                        value.walk(&mut |part| {
                            if let Expr::Lookahead { offset, .. } = part {
                                starts.push(cursor.saturating_add(*offset));
                            }
                        });
                        let is_of_port = starts.iter().any(|start| of_port.contains(start));
                        if let Some(end) =
                            end_in_packet(value, &self.wire_ends).filter(|_| !is_of_port)
                        {
                            assigned.insert(*field, end);
                        }
                    }
                    StmtKind::Assign { .. }
                    | StmtKind::Advance { .. }
                    | StmtKind::If { .. }
                    | StmtKind::Apply { .. }
                    | StmtKind::Call(_)
                    | StmtKind::Labeled { .. }
                    | StmtKind::Loop { .. }
                    | StmtKind::Leave(_)
                    | StmtKind::Exit
                    | StmtKind::Verify { .. }
                    | StmtKind::Emit { .. } => {}
                }
            }
            for target in targets(&states[state].transition) {
                if let p4rmt_ir::Target::State(next) = target
                    && !cursors.contains_key(next)
                {
                    cursors.insert(*next, cursor);
                    open.push(*next);
                }
            }
        }
        assigned
    }

    /// The bits of a packet that are metadata of its port: they follow those of the packet.
    fn port_metadata(&self) -> std::ops::Range<u32> {
        let is_front = |field: &FieldId| {
            let mut intrinsics = self.gress.intrinsics.iter();
            intrinsics
                .any(|(name, of)| of == field && name.starts_with("ingress_intrinsic_metadata_t."))
        };
        let mut headers = self.gress.headers.values();
        let front = headers.find(|header| header.fields.iter().any(is_front));
        front.map_or(0..0, |header| {
            let widths = header.fields.iter().map(|of| self.gress.fields[*of].width);
            let start: u32 = widths.sum();
            start..start + 8 * self.target.parser.port_metadata_bytes
        })
    }

    /// Whether a header's layout is the compiler's own: it does not fill whole bytes by itself, or the
    /// parser fills it from bits that stand elsewhere in their bytes.
    fn is_laid_out_freely(&self, header: HeaderId) -> bool {
        if self.gress.headers[header].has_no_order(&self.gress.fields) {
            return true;
        }
        let ends = &self.wire_ends;
        let fields = &self.gress.headers[header].fields;
        let end_of = |value: &Expr| end_in_packet(value, ends).filter(|_| !is_widened(value));
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

/// By field of a header: the position on the wire behind its lowest bit.
pub(super) fn wire_ends(gress: &Gress) -> BTreeMap<FieldId, u32> {
    let mut ends = BTreeMap::new();
    for of in gress.headers.values() {
        let mut offset = 0;
        for field in &of.fields {
            offset += gress.fields[*field].width;
            ends.insert(*field, offset);
        }
    }
    ends
}

/// Fields that the parser writes, and the headers that it extracts.
pub(super) fn parsed(gress: &Gress) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>) {
    let (mut fields, mut headers) = (BTreeSet::new(), BTreeSet::new());
    for state in gress.parser.states.values() {
        let mut open: Vec<&p4rmt_ir::Stmt> = state.body.iter().collect();
        while let Some(stmt) = open.pop() {
            match &stmt.kind {
                StmtKind::Extract { header, .. } => {
                    headers.insert(*header);
                    let header = &gress.headers[*header];
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

/// Fields that the deparser reads, the headers that it emits, and the fields that it reads otherwise than
/// to emit them.
pub(super) fn deparsed(
    gress: &Gress,
) -> (BTreeSet<FieldId>, BTreeSet<HeaderId>, BTreeSet<FieldId>) {
    let (mut fields, mut headers) = (BTreeSet::new(), BTreeSet::new());
    let mut read_otherwise = BTreeSet::new();
    let mut open: Vec<&p4rmt_ir::Stmt> = gress.deparser.body.iter().collect();
    while let Some(stmt) = open.pop() {
        let mut read = |expr: &Expr| {
            let slices = field_slices(expr, gress);
            read_otherwise.extend(slices.into_iter().map(|(field, _, _)| field));
        };
        match &stmt.kind {
            StmtKind::Emit { header } => {
                headers.insert(*header);
                let header = &gress.headers[*header];
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
    fields.extend(&read_otherwise);
    (fields, headers, read_otherwise)
}

pub(super) fn targets(transition: &p4rmt_ir::Transition) -> Vec<&p4rmt_ir::Target> {
    match transition {
        p4rmt_ir::Transition::Goto(target) => vec![target],
        p4rmt_ir::Transition::Select { cases, .. } => {
            cases.iter().map(|case| &case.target).collect()
        }
    }
}

/// Where the bits of a value end in the packet, from the cursor or from the header that they are in.
fn end_in_packet(value: &Expr, ends: &BTreeMap<FieldId, u32>) -> Option<u32> {
    match value {
        Expr::Lookahead { offset, width } => Some(offset + width),
        Expr::Field(field) => ends.get(field).copied(),
        Expr::Slice { arg, lo, .. } => end_in_packet(arg, ends).map(|end| end - lo),
        Expr::Resize { arg, .. } => end_in_packet(arg, ends),
        Expr::Const(_)
        | Expr::Param { .. }
        | Expr::Local { .. }
        | Expr::Unary { .. }
        | Expr::Binary { .. }
        | Expr::Mux { .. }
        | Expr::MathUnit { .. }
        | Expr::Lane(_) => None,
    }
}

fn is_widened(value: &Expr) -> bool {
    matches!(value, Expr::Resize { .. })
}
