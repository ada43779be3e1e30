//! Which headers a packet may have together, found out backwards: from the claim that it has both, to
//! what must then have been so before.
//!
//! In: a gress in the tables form. The ways through parser and stages are [`Step`]s between points. A
//! question is whether two claims (a header is valid, or is not) may hold together at a point. It leads to
//! questions at the points before; those that are true are found by going round until nothing changes.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;

use p4rmt_ir::{
    ActionId, BinaryOp, Block, Expr, FieldId, FieldKind, Gress, GressRole, HeaderId, Id, Match,
    Node, Outcome, Place, Seq, StmtKind, Table, Target, Transition, UnaryOp,
};

/// A header, and whether it is valid.
type Claim = (HeaderId, bool);

/// A point of the way.
type Point = usize;

/// What becomes of the validity of a header.
#[derive(Clone, Copy)]
enum Change {
    To(bool),
    As(HeaderId),
    Unknown,
}

/// A way from one point to another.
struct Step {
    from: Point,
    /// One of these sets of claims holds.
    given: Vec<Vec<Claim>>,
    changes: BTreeMap<HeaderId, Change>,
}

impl Step {
    /// Whether nothing is known of it, and nothing becomes of it.
    fn is_plain(&self) -> bool {
        self.changes.is_empty() && matches!(&self.given[..], [given] if given.is_empty())
    }
}

/// The ways through a gress.
pub(super) struct Ways<'a> {
    gress: &'a Gress,
    /// By point: how one comes there.
    steps: Vec<Vec<Step>>,
    /// Where the packet comes in, without headers.
    start: Point,
    /// Where the deparser begins.
    end: Point,
    /// Behind all others: what may be so anywhere.
    anywhere: Point,
    /// What was asked so far.
    questions: RefCell<Questions>,
}

impl<'a> Ways<'a> {
    pub(super) fn new(gress: &'a Gress) -> Self {
        let mut ways = Self {
            gress,
            steps: vec![Vec::new(), Vec::new(), Vec::new()],
            start: 0,
            end: 1,
            anywhere: 2,
            questions: RefCell::default(),
        };
        let parsed = ways.parser();
        if let Some(tables) = gress.as_tables() {
            let last = ways.seq(&tables.seq, parsed);
            ways.go(last, ways.end);
        }
        // What is so anywhere is so at the start, or has become so by a change.
        for point in 0..ways.steps.len() {
            let mut steps = ways.steps[point].iter();
            if point == ways.start || steps.any(|step| !step.changes.is_empty()) {
                ways.go(point, ways.anywhere);
            }
        }
        ways
    }

    /// Whether each header is in some packet, but no packet has both at one time.
    pub(super) fn never_meet(&self, first: HeaderId, second: HeaderId) -> bool {
        let valid = |header| [(header, true); 2];
        self.may(self.anywhere, valid(first))
            && self.may(self.anywhere, valid(second))
            && !self.may(self.anywhere, [(first, true), (second, true)])
    }

    /// Whether the deparser may find a header valid.
    pub(super) fn may_be_emitted(&self, header: HeaderId) -> bool {
        self.may(self.end, [(header, true); 2])
    }

    fn point(&mut self) -> Point {
        self.steps.push(Vec::new());
        self.steps.len() - 1
    }

    fn go(&mut self, from: Point, to: Point) {
        self.change(from, to, BTreeMap::new());
    }

    fn change(&mut self, from: Point, to: Point, changes: BTreeMap<HeaderId, Change>) {
        let given = vec![Vec::new()];
        self.steps[to].push(Step {
            from,
            given,
            changes,
        });
    }

    fn assume(&mut self, from: Point, given: Vec<Vec<Claim>>) -> Point {
        let to = self.point();
        let changes = BTreeMap::new();
        self.steps[to].push(Step {
            from,
            given,
            changes,
        });
        to
    }

    fn header_of(&self, field: FieldId) -> Option<HeaderId> {
        match self.gress.fields[field].kind {
            FieldKind::Validity(header) => Some(header),
            FieldKind::Header(_)
            | FieldKind::VarbitWidth(_)
            | FieldKind::Metadata
            | FieldKind::Intrinsic
            | FieldKind::Local => None,
        }
    }

    fn change_of(&self, dst: &Place, value: Option<&Expr>) -> Option<(HeaderId, Change)> {
        let header = self.header_of(dst.field()?)?;
        let change = match value {
            Some(Expr::Const(bits)) => Change::To(!bits.is_zero()),
            Some(Expr::Field(field)) => self.header_of(*field).map_or(Change::Unknown, Change::As),
            Some(_) | None => Change::Unknown,
        };
        Some((header, change))
    }

    /// The parser; the point behind it.
    fn parser(&mut self) -> Point {
        let states = &self.gress.parser.states;
        let entries: Vec<Point> = states.ids().map(|_| self.point()).collect();
        let parsed = self.point();
        self.go(self.start, entries[self.gress.parser.start.index()]);
        let first_inside = self.steps.len();
        for (id, state) in states.iter() {
            let last = self.block(&state.body, entries[id.index()]);
            let targets: Vec<Target> = match &state.transition {
                Transition::Goto(target) => vec![*target],
                Transition::Select { cases, .. } => cases.iter().map(|case| case.target).collect(),
            };
            for target in targets {
                match target {
                    Target::State(next) => self.go(last, entries[next.index()]),
                    Target::Accept => self.go(last, parsed),
                    Target::Reject => {}
                }
            }
        }
        if self.failed_packets_go_on() {
            let inside = (first_inside..self.steps.len()).chain(entries);
            for point in inside.collect::<Vec<Point>>() {
                self.go(point, parsed);
            }
        }
        parsed
    }

    /// Whether a packet that the parser rejects comes to the stages.
    fn failed_packets_go_on(&self) -> bool {
        let error = "ingress_intrinsic_metadata_from_parser_t.parser_err";
        let error = self.gress.intrinsics.get(error);
        let mut is_read = false;
        let mut look = |expr: &Expr| {
            expr.walk(&mut |part| is_read |= matches!(part, Expr::Field(of) if Some(of) == error));
        };
        let tables = self.gress.as_tables();
        self.gress
            .tables
            .values()
            .flat_map(|table| &table.keys)
            .for_each(|key| look(&key.expr));
        for action in tables.iter().flat_map(|of| of.actions.values()) {
            action.assigns.iter().for_each(|assign| look(&assign.value));
            let calls = action.calls.iter().flat_map(|(call, _)| call.args());
            calls.for_each(&mut look);
        }
        let gateways = tables.iter().flat_map(|of| of.gateways.values());
        gateways.for_each(|gateway| look(&gateway.cond));
        self.gress.role != GressRole::Ingress || is_read
    }

    /// Statements of a parser; the point behind them.
    fn block(&mut self, block: &Block, mut at: Point) -> Point {
        for stmt in block {
            let changes: BTreeMap<HeaderId, Change> = match &stmt.kind {
                StmtKind::Extract { header, .. } => [(*header, Change::To(true))].into(),
                StmtKind::Assign { dst, value } => {
                    self.change_of(dst, Some(value)).into_iter().collect()
                }
                StmtKind::Call(call) => {
                    let outs = call.outs.iter().flatten();
                    outs.filter_map(|out| self.change_of(out, None)).collect()
                }
                StmtKind::If {
                    cond,
                    then,
                    otherwise,
                } => {
                    let behind = self.point();
                    for (block, is_true) in [(then, true), (otherwise, false)] {
                        let given = self.given(cond, is_true);
                        let inside = self.assume(at, given);
                        let last = self.block(block, inside);
                        self.go(last, behind);
                    }
                    at = behind;
                    continue;
                }
                StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                    // Run any number of times, left anywhere.
                    let (inside, behind) = (self.point(), self.point());
                    self.go(at, inside);
                    let first = self.steps.len();
                    let last = self.block(body, inside);
                    self.go(last, inside);
                    for point in (first..self.steps.len()).chain([inside]) {
                        self.go(point, behind);
                    }
                    at = behind;
                    continue;
                }
                StmtKind::Apply { .. }
                | StmtKind::Leave(_)
                | StmtKind::Exit
                | StmtKind::Advance { .. }
                | StmtKind::Verify { .. }
                | StmtKind::Emit { .. } => continue,
            };
            if !changes.is_empty() {
                let next = self.point();
                self.change(at, next, changes);
                at = next;
            }
        }
        at
    }

    /// A part of the control flow; the point behind it.
    fn seq(&mut self, seq: &Seq, mut at: Point) -> Point {
        let Some(tables) = self.gress.as_tables() else {
            return at;
        };
        for node in seq {
            let behind = self.point();
            match node {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let cond = &tables.gateways[*gateway].cond;
                    for (seq, is_true) in [(then, true), (otherwise, false)] {
                        let given = self.given(cond, is_true);
                        let inside = self.assume(at, given);
                        let last = self.seq(seq, inside);
                        self.go(last, behind);
                    }
                }
                Node::Table { table, arms } => {
                    let table = &self.gress.tables[*table];
                    self.table(table, arms, at, behind);
                }
            }
            at = behind;
        }
        at
    }

    fn table(&mut self, table: &Table, arms: &[(Outcome, Seq)], at: Point, behind: Point) {
        let Some(tables) = self.gress.as_tables() else {
            return;
        };
        let mut inside: Vec<Point> = Vec::new();
        for (_, seq) in arms {
            let arm = self.point();
            let last = self.seq(seq, arm);
            self.go(last, behind);
            inside.push(arm);
        }
        let listed = table.actions.iter().map(|of| of.action);
        let mut ids: Vec<ActionId> = listed.chain([table.default_action.action]).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let action = &tables.actions[id];
            let called = action.calls.iter().flat_map(|(call, _)| &call.outs);
            let mut changes: BTreeMap<HeaderId, Change> = called
                .flatten()
                .filter_map(|out| self.change_of(out, None))
                .collect();
            for assign in &action.assigns {
                changes.extend(self.change_of(&assign.dst, Some(&assign.value)));
            }
            let given = self.given_to(table, id);
            let before = self.assume(at, given);
            let after = self.point();
            self.change(before, after, changes);
            if action.exits {
                self.go(after, self.end);
                continue;
            }
            let is_listed = table
                .actions
                .iter()
                .any(|of| of.action == id && of.in_entries);
            let may_miss = may_miss(table, id);
            let mut goes_on = false;
            for (may_come, to) in [(is_listed, true), (may_miss, false)] {
                if !may_come {
                    continue;
                }
                let arm = arms.iter().position(|(on, _)| match on {
                    Outcome::Hit => to,
                    Outcome::Miss => !to,
                    Outcome::Action(of) => *of == id,
                    Outcome::Otherwise => true,
                });
                match arm {
                    Some(arm) => self.go(after, inside[arm]),
                    None => goes_on = true,
                }
            }
            if goes_on {
                self.go(after, behind);
            }
        }
    }

    /// What holds of packets for which a table runs an action, if its entries are known.
    fn given_to(&self, table: &Table, action: ActionId) -> Vec<Vec<Claim>> {
        let is_open = !table.are_entries_const || table.entries.is_empty();
        if is_open || may_miss(table, action) {
            return vec![Vec::new()];
        }
        let entries = table.entries.iter();
        let of_action = entries.filter(|entry| entry.action.action == action);
        of_action
            .map(|entry| {
                let pairs = table.keys.iter().zip(&entry.matches);
                let claims = pairs.filter_map(|(key, wanted)| {
                    let header = match &key.expr {
                        Expr::Field(field) => self.header_of(*field)?,
                        _ => return None,
                    };
                    match wanted {
                        Match::Exact(bits) => Some((header, !bits.is_zero())),
                        Match::Ternary { value, mask } => {
                            (!mask.is_zero()).then_some((header, !value.is_zero()))
                        }
                        Match::Lpm { .. } | Match::Range { .. } | Match::Any => None,
                    }
                });
                claims.collect()
            })
            .collect()
    }

    /// What holds where a condition has a value: one of these sets of claims.
    fn given(&self, cond: &Expr, is_true: bool) -> Vec<Vec<Claim>> {
        /// So many sets are told apart.
        const MAX: usize = 64;
        let anything = || vec![Vec::new()];
        let value_of = |expr: &Expr| match expr {
            Expr::Const(bits) => Some(!bits.is_zero()),
            _ => None,
        };
        match cond {
            Expr::Const(bits) if bits.is_zero() == is_true => Vec::new(),
            Expr::Field(field) => match self.header_of(*field) {
                Some(header) => vec![vec![(header, is_true)]],
                None => anything(),
            },
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.given(arg, !is_true),
            Expr::Slice { arg, .. } if arg.width(self.gress) == 1 => self.given(arg, is_true),
            Expr::Binary { op, lhs, rhs } if lhs.width(self.gress) == 1 => {
                let sides =
                    |left: bool, right: bool| (self.given(lhs, left), self.given(rhs, right));
                match op {
                    BinaryOp::And | BinaryOp::Or if (*op == BinaryOp::And) == is_true => {
                        let (left, right) = sides(is_true, is_true);
                        if left.len() * right.len() > MAX {
                            return left;
                        }
                        let both = |one: &Vec<Claim>, other: &Vec<Claim>| {
                            one.iter().chain(other).copied().collect()
                        };
                        let pairs = left
                            .iter()
                            .flat_map(|one| right.iter().map(|other| both(one, other)));
                        pairs.collect()
                    }
                    BinaryOp::And | BinaryOp::Or => {
                        let (mut left, right) = sides(is_true, is_true);
                        left.extend(right);
                        if left.len() > MAX { anything() } else { left }
                    }
                    BinaryOp::Eq | BinaryOp::Ne => {
                        let is_equal = (*op == BinaryOp::Eq) == is_true;
                        match (value_of(lhs), value_of(rhs)) {
                            (None, Some(value)) => self.given(lhs, value == is_equal),
                            (Some(value), None) => self.given(rhs, value == is_equal),
                            (None, None) | (Some(_), Some(_)) => anything(),
                        }
                    }
                    _ => anything(),
                }
            }
            _ => anything(),
        }
    }

    /// A point at which the same holds: the only one from which a packet comes, with nothing on the way.
    fn source(&self, mut point: Point) -> Point {
        // Where no packet comes, such points may lead to each other.
        for _ in 0..self.steps.len() {
            match &self.steps[point][..] {
                // The start has packets that come from nowhere.
                [step] if step.is_plain() && point != self.start => point = step.from,
                _ => break,
            }
        }
        point
    }

    /// Whether two claims may hold together at a point.
    fn may(&self, point: Point, [one, other]: [Claim; 2]) -> bool {
        let mut questions = self.questions.borrow_mut();
        let first = questions.ask(self.source(point), Claims::two(one, other));
        let n_answered = questions.n_reasoned();
        let mut all: Vec<Claim> = Vec::new();
        while let Some((point, claims)) = questions.list.get(questions.n_reasoned()).copied() {
            if point == self.start && claims.iter().all(|(_, is_valid)| !is_valid) {
                questions.end_way();
            }
            for step in &self.steps[point] {
                let Some(before) = before(claims, &step.changes) else {
                    continue;
                };
                let from = self.source(step.from);
                for given in &step.given {
                    all.clear();
                    all.extend(before.iter().chain(given.iter().copied()));
                    questions.need_pairs(from, &all);
                    questions.end_way();
                }
            }
            questions.end_reasons();
        }
        questions.answer(n_answered);
        questions.is_true[first]
    }
}

/// Whether an action may run without an entry.
fn may_miss(table: &Table, action: ActionId) -> bool {
    let mut listed = table.actions.iter();
    let may_become = listed.any(|of| of.action == action && of.as_default);
    table.default_action.action == action || (may_become && !table.is_default_const)
}

/// What must have held before changes, for claims to hold after them; none if they can't.
fn before(claims: Claims, changes: &BTreeMap<HeaderId, Change>) -> Option<Claims> {
    if let Claims([Some((one, is)), Some((other, is_too))]) = claims
        && one == other
        && is != is_too
    {
        return None;
    }
    let mut before = [None; 2];
    for ((header, is_valid), before) in claims.iter().zip(&mut before) {
        *before = match changes.get(&header) {
            None => Some((header, is_valid)),
            Some(Change::To(value)) if *value == is_valid => None,
            Some(Change::To(_)) => return None,
            Some(Change::As(from)) => Some((*from, is_valid)),
            Some(Change::Unknown) => None,
        };
    }
    Some(Claims(before))
}

/// Up to two claims.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Claims([Option<Claim>; 2]);

impl Claims {
    /// Two, in one order whatever the order they come in; the same one twice is one.
    fn two(one: Claim, other: Claim) -> Self {
        match one.cmp(&other) {
            Ordering::Less => Self([Some(one), Some(other)]),
            Ordering::Equal => Self([Some(one), None]),
            Ordering::Greater => Self([Some(other), Some(one)]),
        }
    }

    fn iter(self) -> impl Iterator<Item = Claim> {
        self.0.into_iter().flatten()
    }
}

/// Questions, each once, and their answers.
#[derive(Default)]
struct Questions {
    list: Vec<(Point, Claims)>,
    known: HashMap<(Point, Claims), usize, BuildHasherDefault<Mixer>>,
    /// By question whose reasons are known: where they end among the ways in which one may be true.
    reasons_end: Vec<usize>,
    /// By way: where what must be true for it ends in the list of that.
    ways_end: Vec<usize>,
    needs: Vec<usize>,
    /// By question that is answered.
    is_true: Vec<bool>,
}

impl Questions {
    /// Asks whether some packet comes to a point for which these claims hold.
    fn ask(&mut self, point: Point, claims: Claims) -> usize {
        let next = self.list.len();
        let number = *self.known.entry((point, claims)).or_insert(next);
        if number == next {
            self.list.push((point, claims));
        }
        number
    }

    /// Asks for each pair of claims, all of which must hold.
    fn need_pairs(&mut self, point: Point, claims: &[Claim]) {
        for (position, first) in claims.iter().enumerate() {
            for second in &claims[position + 1..] {
                let number = self.ask(point, Claims::two(*first, *second));
                self.needs.push(number);
            }
        }
        let alone = match claims {
            [] => Claims([None; 2]),
            [claim] => Claims::two(*claim, *claim),
            [_, _, ..] => return,
        };
        let number = self.ask(point, alone);
        self.needs.push(number);
    }

    /// How many questions have their reasons.
    fn n_reasoned(&self) -> usize {
        self.reasons_end.len()
    }

    /// What is needed since the last way is another one.
    fn end_way(&mut self) {
        self.ways_end.push(self.needs.len());
    }

    /// The ways since the last question are those of the next.
    fn end_reasons(&mut self) {
        self.reasons_end.push(self.ways_end.len());
    }

    /// Answers the questions from one on; those before it have their answers, and ask for none of these.
    fn answer(&mut self, from: usize) {
        self.is_true.resize(self.n_reasoned(), false);
        let mut has_changed = true;
        while has_changed {
            has_changed = false;
            // What was asked last lies furthest ahead.
            for question in (from..self.n_reasoned()).rev() {
                if !self.is_true[question] && self.has_reason(question) {
                    self.is_true[question] = true;
                    has_changed = true;
                }
            }
        }
    }

    /// Whether all that a question needs is true in one of its ways.
    fn has_reason(&self, question: usize) -> bool {
        let mut ways = range(&self.reasons_end, question);
        ways.any(|way| range(&self.ways_end, way).all(|need| self.is_true[self.needs[need]]))
    }
}

/// What belongs to one of a list, by where the parts of all of them end.
fn range(ends: &[usize], of: usize) -> Range<usize> {
    let start = of.checked_sub(1).map_or(0, |before| ends[before]);
    start..ends[of]
}

/// Hashes small numbers, which nobody chooses with an intent.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
