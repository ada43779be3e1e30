//! Which headers a packet may have, and which together.
//!
//! In: a gress in the tables form. Out: a [`Validity`]. A point of the way through the gress is described
//! by pairs: which two claims (this header is valid, that one is not) may hold for one packet there. That is
//! enough to see that a packet has IPv4 or IPv6, and neither before and behind a header is added.
//!
//! 1. Through the parser, states until nothing changes: extraction and assignments set claims.
//! 2. Through the control flow, in the order of the program: conditions and constant entries keep the
//!    packets for which they hold, actions set claims.
//!
//! Ways that join add their pairs up. What is not understood may be either way.

use p4rmt_ir::{
    BinaryOp, Block, Body, Expr, FieldId, FieldKind, Gress, GressRole, HeaderId, Id, Match, Node,
    Outcome, ParallelAction, Place, Seq, StmtKind, Table, Tables, Transition, UnaryOp,
};

use crate::phv::job::successors;
use crate::unit::{Unit, Usage, actions_of};

/// Which headers of a gress a packet may have.
pub(crate) struct Validity {
    /// At some point of the parser or the stages.
    ever: Claims,
    /// As the deparser sees it.
    last: Claims,
}

impl Validity {
    /// What the headers of a gress may be. `units` are those of the gress, in order.
    pub(crate) fn new(gress: &Gress, units: &[&Unit]) -> Self {
        let (mut parsed, inside) = parsed(gress);
        if sees_failures(gress, units) {
            parsed.join(&inside);
        }
        let mut walk = Walk {
            gress,
            units,
            next_unit: 0,
            ever: inside,
            exits: Claims::none(gress.headers.len()),
        };
        let mut last = parsed;
        if let Body::Tables(tables) = &gress.body {
            walk.seq(tables, &tables.seq, &mut last);
            last.join(&walk.exits);
        }
        Self {
            ever: walk.ever,
            last,
        }
    }

    /// Whether each of two headers is in some packet, but none has both at one time. A header that is
    /// never valid is a name for metadata.
    pub(crate) fn are_apart(&self, first: HeaderId, second: HeaderId) -> bool {
        let (first, second) = (Claim::valid(first), Claim::valid(second));
        let is_ever = |claim| self.ever.may(claim, claim);
        is_ever(first) && is_ever(second) && !self.ever.may(first, second)
    }

    /// Whether the deparser may find the header valid.
    pub(crate) fn may_be_emitted(&self, header: HeaderId) -> bool {
        let claim = Claim::valid(header);
        self.last.may(claim, claim)
    }
}

/// That a header is valid, or that it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Claim(usize);

impl Claim {
    fn valid(header: HeaderId) -> Self {
        Self(2 * header.index())
    }

    fn new(header: HeaderId, is_valid: bool) -> Self {
        Self(2 * header.index() + usize::from(!is_valid))
    }
}

/// Pairs of claims that may hold together; a claim with itself where it may hold at all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claims {
    n_claims: usize,
    n_words: usize,
    /// By claim: a bit for each.
    rows: Vec<u64>,
}

impl Claims {
    /// Of no packet.
    fn none(n_headers: usize) -> Self {
        let n_claims = 2 * n_headers;
        let n_words = n_claims.div_ceil(64);
        Self {
            n_claims,
            n_words,
            rows: vec![0; n_claims * n_words],
        }
    }

    /// Of packets without headers.
    fn bare(n_headers: usize) -> Self {
        let mut claims = Self::none(n_headers);
        for first in 0..n_headers {
            for second in 0..n_headers {
                claims.set(Claim(2 * first + 1), Claim(2 * second + 1));
            }
        }
        claims
    }

    fn row(&self, claim: usize) -> std::ops::Range<usize> {
        claim * self.n_words..(claim + 1) * self.n_words
    }

    fn may(&self, first: Claim, second: Claim) -> bool {
        let word = self.rows[first.0 * self.n_words + second.0 / 64];
        word >> (second.0 % 64) & 1 == 1
    }

    fn set(&mut self, first: Claim, second: Claim) {
        self.rows[first.0 * self.n_words + second.0 / 64] |= 1 << (second.0 % 64);
    }

    /// Adds the packets of another point. Returns whether there are new ones.
    fn join(&mut self, other: &Self) -> bool {
        let mut has_changed = false;
        for (own, other) in self.rows.iter_mut().zip(&other.rows) {
            has_changed |= *other & !*own != 0;
            *own |= other;
        }
        has_changed
    }

    /// Keeps the packets for which a claim holds.
    fn keep(&mut self, claim: Claim) {
        let kept: Vec<u64> = self.rows[self.row(claim.0)].to_vec();
        for other in 0..self.n_claims {
            let is_kept = kept[other / 64] >> (other % 64) & 1 == 1;
            let row = self.row(other);
            for (own, kept) in self.rows[row].iter_mut().zip(&kept) {
                *own &= if is_kept { *kept } else { 0 };
            }
        }
    }

    /// Makes a claim hold.
    fn make(&mut self, claim: Claim) {
        self.put(claim.0 / 2, |_, of| of == claim);
    }

    /// Makes a header valid or not, nobody knows which.
    fn forget(&mut self, header: HeaderId) {
        self.put(header.index(), |_, _| true);
    }

    /// Sets what a header is beside each other claim that may hold. `may` says it of the other claim
    /// and the claim about the header.
    fn put(&mut self, header: usize, may: impl Fn(usize, Claim) -> bool) {
        let possible: Vec<bool> = (0..self.n_claims)
            .map(|other| self.may(Claim(other), Claim(other)))
            .collect();
        let is_reached = possible.iter().any(|of| *of);
        for claim in [Claim(2 * header), Claim(2 * header + 1)] {
            for other in (0..self.n_claims).map(Claim) {
                let is_own = other.0 / 2 == header;
                let is_possible = if is_own {
                    other == claim && is_reached
                } else {
                    possible[other.0]
                };
                let holds = is_possible && may(other.0, claim);
                self.write(claim, other, holds);
                self.write(other, claim, holds);
            }
        }
    }

    fn write(&mut self, first: Claim, second: Claim, holds: bool) {
        let word = &mut self.rows[first.0 * self.n_words + second.0 / 64];
        let bit = 1 << (second.0 % 64);
        *word = if holds { *word | bit } else { *word & !bit };
    }

    /// Gives a header the validity that another one had in `before`.
    fn copy(&mut self, header: HeaderId, from: HeaderId, before: &Self) {
        let side = |claim: Claim| Claim(2 * from.index() + claim.0 % 2);
        self.put(header.index(), |other, claim| {
            let other = if other / 2 == header.index() {
                side(claim)
            } else {
                Claim(other)
            };
            before.may(other, side(claim))
        });
    }

    /// Keeps the packets for which an expression of one bit has this value, as far as it is about
    /// validity.
    fn assume(&mut self, expr: &Expr, is_true: bool, gress: &Gress) {
        if let Some(header) = header_of_bit(expr, gress) {
            self.keep(Claim::new(header, is_true));
            return;
        }
        let constant = |expr: &Expr| match expr {
            Expr::Const(bits) => Some(!bits.is_zero()),
            _ => None,
        };
        match expr {
            Expr::Const(bits) if bits.is_zero() == is_true => *self = Self::none(self.n_claims / 2),
            Expr::Unary {
                op: UnaryOp::Not,
                arg,
            } => self.assume(arg, !is_true, gress),
            Expr::Binary { op, lhs, rhs } => {
                let is_bit = lhs.width(gress) == 1;
                match op {
                    BinaryOp::And | BinaryOp::Or if is_bit => {
                        if (*op == BinaryOp::And) == is_true {
                            self.assume(lhs, is_true, gress);
                            self.assume(rhs, is_true, gress);
                        } else {
                            let mut other = self.clone();
                            self.assume(lhs, is_true, gress);
                            other.assume(rhs, is_true, gress);
                            self.join(&other);
                        }
                    }
                    BinaryOp::Eq | BinaryOp::Ne if is_bit => {
                        let is_equal = (*op == BinaryOp::Eq) == is_true;
                        match (constant(lhs), constant(rhs)) {
                            (None, Some(value)) => self.assume(lhs, value == is_equal, gress),
                            (Some(value), None) => self.assume(rhs, value == is_equal, gress),
                            (None, None) | (Some(_), Some(_)) => {}
                        }
                    }
                    _ => {}
                }
            }
            Expr::Const(_)
            | Expr::Field(_)
            | Expr::Unary { .. }
            | Expr::Param { .. }
            | Expr::Local { .. }
            | Expr::Slice { .. }
            | Expr::Resize { .. }
            | Expr::Mux { .. }
            | Expr::Lookahead { .. }
            | Expr::Lane(_)
            | Expr::MathUnit { .. } => {}
        }
    }

    /// What an assignment to a field makes of validity; `before` is what it reads.
    fn assign(&mut self, dst: &Place, value: &Expr, before: &Self, gress: &Gress) {
        let Some(header) = dst.field().and_then(|field| header_of_valid(field, gress)) else {
            return;
        };
        match value {
            Expr::Const(bits) => self.make(Claim::new(header, !bits.is_zero())),
            value => match header_of_bit(value, gress) {
                Some(from) => self.copy(header, from, before),
                None => self.forget(header),
            },
        }
    }

    /// What an action makes of validity: it reads what was before.
    fn act(&mut self, action: &ParallelAction, gress: &Gress) {
        let is_about = |place: &Place| {
            place
                .field()
                .is_some_and(|field| header_of_valid(field, gress).is_some())
        };
        let outs = action.calls.iter().flat_map(|(call, _)| &call.outs);
        let called: Vec<&Place> = outs.flatten().filter(|place| is_about(place)).collect();
        let n_set = action.assigns.iter().filter(|of| is_about(&of.dst)).count();
        if n_set + called.len() == 0 {
            return;
        }
        let before = self.clone();
        let mut copied = 0;
        for assign in &action.assigns {
            let is_copy = is_about(&assign.dst) && !matches!(assign.value, Expr::Const(_));
            copied += usize::from(is_copy);
            if is_copy && copied > 1 {
                // What two copies are to each other is not looked at.
                let header = assign.dst.field().and_then(|of| header_of_valid(of, gress));
                header.into_iter().for_each(|header| self.forget(header));
            } else {
                self.assign(&assign.dst, &assign.value, &before, gress);
            }
        }
        for place in called {
            let header = place.field().and_then(|of| header_of_valid(of, gress));
            header.into_iter().for_each(|header| self.forget(header));
        }
    }
}

/// The header that a field is the validity bit of.
fn header_of_valid(field: FieldId, gress: &Gress) -> Option<HeaderId> {
    match gress.fields[field].kind {
        FieldKind::Validity(header) => Some(header),
        FieldKind::Header(_)
        | FieldKind::VarbitWidth(_)
        | FieldKind::Metadata
        | FieldKind::Intrinsic
        | FieldKind::Local => None,
    }
}

/// The header whose validity bit an expression is.
fn header_of_bit(expr: &Expr, gress: &Gress) -> Option<HeaderId> {
    match expr {
        Expr::Field(field) => header_of_valid(*field, gress),
        Expr::Slice { arg, .. } => header_of_bit(arg, gress),
        _ => None,
    }
}

/// What packets have that the parser accepts, and what they have at some point of it.
fn parsed(gress: &Gress) -> (Claims, Claims) {
    let n_headers = gress.headers.len();
    let states = &gress.parser.states;
    let mut before = vec![Claims::none(n_headers); states.len()];
    before[gress.parser.start.index()] = Claims::bare(n_headers);
    let mut parsed = Claims::none(n_headers);
    let mut inside = Claims::none(n_headers);
    let mut open = vec![gress.parser.start];
    while let Some(state) = open.pop() {
        let mut claims = before[state.index()].clone();
        parse(&states[state].body, &mut claims, &mut inside, gress);
        inside.join(&claims);
        let targets = match &states[state].transition {
            Transition::Goto(target) => vec![*target],
            Transition::Select { cases, .. } => cases.iter().map(|case| case.target).collect(),
        };
        if targets.contains(&p4rmt_ir::Target::Accept) {
            parsed.join(&claims);
        }
        for next in successors(&states[state].transition) {
            if before[next.index()].join(&claims) && !open.contains(&next) {
                open.push(next);
            }
        }
    }
    (parsed, inside)
}

/// Whether packets at which the parser fails, at any point of it, come to the stages: in the ingress, where
/// somebody looks at the error.
fn sees_failures(gress: &Gress, units: &[&Unit]) -> bool {
    let error = gress
        .intrinsics
        .get("ingress_intrinsic_metadata_from_parser_t.parser_err");
    let mut accesses = units.iter().flat_map(|unit| &unit.accesses);
    let is_read = accesses.any(|of| Some(&of.field) == error && of.usage != Usage::Write);
    gress.role != GressRole::Ingress || is_read
}

fn parse(block: &Block, claims: &mut Claims, inside: &mut Claims, gress: &Gress) {
    for stmt in block {
        inside.join(claims);
        match &stmt.kind {
            StmtKind::Extract { header, .. } => claims.make(Claim::valid(*header)),
            StmtKind::Assign { dst, value } => {
                let before = claims.clone();
                claims.assign(dst, value, &before, gress);
            }
            StmtKind::If {
                cond,
                then,
                otherwise,
            } => {
                let mut other = claims.clone();
                claims.assume(cond, true, gress);
                other.assume(cond, false, gress);
                parse(then, claims, inside, gress);
                parse(otherwise, &mut other, inside, gress);
                claims.join(&other);
            }
            StmtKind::Labeled { body, .. } | StmtKind::Loop { body, .. } => {
                // It may be left anywhere, and run again.
                loop {
                    let mut inner = claims.clone();
                    let mut left = claims.clone();
                    parse(body, &mut inner, &mut left, gress);
                    left.join(&inner);
                    inside.join(&left);
                    if !claims.join(&left) {
                        break;
                    }
                }
            }
            StmtKind::Call(call) => {
                for place in call.outs.iter().flatten() {
                    let header = place.field().and_then(|of| header_of_valid(of, gress));
                    header.into_iter().for_each(|header| claims.forget(header));
                }
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

/// The way through the stages, in the order of the program.
struct Walk<'a> {
    gress: &'a Gress,
    units: &'a [&'a Unit],
    next_unit: usize,
    ever: Claims,
    exits: Claims,
}

impl Walk<'_> {
    fn seq(&mut self, tables: &Tables, seq: &Seq, claims: &mut Claims) {
        for node in seq {
            let Some(&unit) = self.units.get(self.next_unit) else {
                return;
            };
            self.next_unit += 1;
            match node {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let cond = &tables.gateways[*gateway].cond;
                    let mut other = claims.clone();
                    claims.assume(cond, true, self.gress);
                    other.assume(cond, false, self.gress);
                    self.seq(tables, then, claims);
                    self.seq(tables, otherwise, &mut other);
                    claims.join(&other);
                }
                Node::Table { table, arms } => {
                    let table = &self.gress.tables[*table];
                    self.table(tables, table, unit, arms, claims);
                }
            }
        }
    }

    fn table(
        &mut self,
        tables: &Tables,
        table: &Table,
        unit: &Unit,
        arms: &[(Outcome, Seq)],
        claims: &mut Claims,
    ) {
        let none = || Claims::none(self.gress.headers.len());
        let mut afters = Vec::new();
        for id in actions_of(table) {
            let action = &tables.actions[id];
            let mut after = claims.clone();
            self.select(table, id, &mut after);
            after.act(action, self.gress);
            self.ever.join(&after);
            if action.exits {
                self.exits.join(&after);
                after = none();
            }
            afters.push((id, after));
        }
        let of_actions = |wanted: &dyn Fn(p4rmt_ir::ActionId) -> bool| {
            let mut all = none();
            for (_, after) in afters.iter().filter(|(id, _)| wanted(*id)) {
                all.join(after);
            }
            all
        };
        let mut joined = none();
        for (arm, (_, seq)) in arms.iter().enumerate() {
            let reached = &unit.arm_actions[arm];
            let mut branch = of_actions(&|action| reached.contains(&action));
            self.seq(tables, seq, &mut branch);
            joined.join(&branch);
        }
        let on = |outcome| arms.iter().any(|(on, _)| *on == outcome);
        let is_complete = on(Outcome::Otherwise) || (on(Outcome::Hit) && on(Outcome::Miss));
        if !is_complete {
            joined.join(&of_actions(&|_| true));
        }
        *claims = joined;
    }

    /// Keeps the packets for which a table may run an action, as its constant entries say.
    fn select(&self, table: &Table, action: p4rmt_ir::ActionId, claims: &mut Claims) {
        let is_default = table.default_action.action == action;
        let may_become = table
            .actions
            .iter()
            .any(|of| of.action == action && of.as_default);
        let may_miss = is_default || (may_become && !table.is_default_const);
        let is_known = table.are_entries_const && !table.entries.is_empty();
        let keys: Vec<Option<HeaderId>> = table
            .keys
            .iter()
            .map(|key| header_of_bit(&key.expr, self.gress))
            .collect();
        if may_miss || !is_known || keys.iter().all(Option::is_none) {
            return;
        }
        let mut selected = Claims::none(self.gress.headers.len());
        for entry in table.entries.iter().filter(|of| of.action.action == action) {
            let mut of_entry = claims.clone();
            for (header, wanted) in keys.iter().zip(&entry.matches) {
                let wanted = match wanted {
                    Match::Exact(bits) => Some(!bits.is_zero()),
                    Match::Ternary { value, mask } if !mask.is_zero() => Some(!value.is_zero()),
                    Match::Ternary { .. }
                    | Match::Lpm { .. }
                    | Match::Range { .. }
                    | Match::Any => None,
                };
                if let (Some(header), Some(is_valid)) = (header, wanted) {
                    of_entry.keep(Claim::new(*header, is_valid));
                }
            }
            selected.join(&of_entry);
        }
        *claims = selected;
    }
}
