//! Divides assignments that are more than one operation of an action ALU over several tables.
//!
//! All of an action happens at once, and each assignment is one operation on two sources. A value
//! that is more becomes operations on temporaries:
//!
//! 1. A chain of one associative operator is balanced, its constants joined.
//! 2. An exclusive or of many fields is what a hash is made of: it becomes one, in the action itself.
//! 3. A part that reads fields alone is computed in keyless tables *before* the table: they write
//!    nothing but temporaries, so it does no harm that they always run.
//! 4. A part that reads action data or results of calls is computed in the action, and what is built on
//!    it in tables *behind* it that run if the action did. What those read and the action
//!    writes is kept in temporaries, too: every source is what it was before the action.
//!
//! An action that exits, or whose table leads on to something, has nothing behind it, and stays as it
//! is, like a value with operators that no ALU has: the placer says at its line what is wrong with it.

use std::collections::HashMap;

use p4rmt_ir::alu::{AluSource, check_value, source};
use p4rmt_ir::{
    ActionId, Arena, BinaryOp, Bits, Call, CallKind, Expr, Field, FieldId, FieldKind, Gress, Hash,
    HashAlgorithm, Local, Node, Outcome, ParallelAction, ParallelAssign, Place, Seq, TableId,
    Tables, UnaryOp,
};
use p4rmt_source::Span;

use crate::flow::keyless_table;
use crate::naming::TableNames;

/// Bits of exclusive or that an action has from hashes, each counted in units of sixteen bits, in which
/// hashes reach actions; more are computed in tables before. It is a choice between two ways, and no
/// limit of a machine.
pub(crate) const HASHED_BITS_MAX: u32 = 64;
/// The unit.
const HASHED_UNIT_BITS: u32 = 16;

/// Divides what the tables of a gress can't do at once.
pub(crate) fn divide(tables: &mut Tables, gress: &mut Gress) {
    let mut leads_on = HashMap::new();
    note_actions(&tables.seq, gress, &mut leads_on);
    let mut divisions: HashMap<ActionId, Division> = HashMap::new();
    let mut ids: Vec<ActionId> = leads_on.keys().copied().collect();
    ids.sort_unstable();
    for id in ids {
        let action = &tables.actions[id];
        if action
            .assigns
            .iter()
            .all(|assign| check_value(&assign.value).is_ok())
        {
            continue;
        }
        let has_room_behind = !leads_on[&id] && !action.exits;
        let mut divider = Divider::new(action, gress, has_room_behind);
        divider.run();
        let (action, division) = divider.finish();
        tables.actions[id] = action;
        divisions.insert(id, division);
    }
    if divisions.is_empty() {
        return;
    }
    let seq = std::mem::take(&mut tables.seq);
    let mut placer = Placer {
        names: TableNames::of(&gress.tables),
        tables,
        gress,
        divisions,
    };
    let seq = placer.seq(seq);
    tables.seq = seq;
}

/// By action of a table in the control flow: whether a table that has it leads on to something.
fn note_actions(seq: &Seq, gress: &Gress, leads_on: &mut HashMap<ActionId, bool>) {
    for node in seq {
        match node {
            Node::Gateway {
                then, otherwise, ..
            } => {
                note_actions(then, gress, leads_on);
                note_actions(otherwise, gress, leads_on);
            }
            Node::Table { table, arms } => {
                for action in actions_of(*table, gress) {
                    *leads_on.entry(action).or_default() |= !arms.is_empty();
                }
                for (_, arm) in arms {
                    note_actions(arm, gress, leads_on);
                }
            }
        }
    }
}

fn actions_of(table: TableId, gress: &Gress) -> Vec<ActionId> {
    let table = &gress.tables[table];
    let named = table.actions.iter().map(|named| named.action);
    let mut actions: Vec<ActionId> = named.chain([table.default_action.action]).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// What of an action is done in tables of its own, by distance from it.
#[derive(Clone, Debug, Default)]
struct Division {
    before: Vec<Vec<ParallelAssign>>,
    behind: Vec<Vec<ParallelAssign>>,
}

/// When a value can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Time {
    /// Behind so many tables before the action; 0 is what the packet has.
    Before(usize),
    /// In the action only: action data and results of calls.
    Inside,
    /// In the table behind the action with this number, and later.
    Behind(usize),
}

struct Divider<'a> {
    gress: &'a mut Gress,
    action: ParallelAction,
    has_room_behind: bool,
    written: Vec<FieldId>,
    division: Division,
    /// Assignments of the action that keep something for the tables behind it.
    kept: Vec<ParallelAssign>,
    hashed_bits: u32,
    span: Span,
}

impl<'a> Divider<'a> {
    fn new(action: &ParallelAction, gress: &'a mut Gress, has_room_behind: bool) -> Self {
        let written = action.assigns.iter().filter_map(|of| of.dst.field());
        Self {
            written: written.collect(),
            action: action.clone(),
            gress,
            has_room_behind,
            division: Division::default(),
            kept: Vec::new(),
            hashed_bits: 0,
            span: action.span,
        }
    }

    fn run(&mut self) {
        let assigns = std::mem::take(&mut self.action.assigns);
        for assign in assigns {
            self.span = assign.span;
            let divided = self.assign(&assign);
            let (value, time) = divided.unwrap_or((assign.value, Time::Before(0)));
            let assign = ParallelAssign { value, ..assign };
            match time {
                Time::Before(_) | Time::Inside => self.action.assigns.push(assign),
                Time::Behind(level) => at_level(&mut self.division.behind, level).push(assign),
            }
        }
    }

    fn finish(mut self) -> (ParallelAction, Division) {
        self.action.assigns.append(&mut self.kept);
        (self.action, self.division)
    }

    /// The value of an assignment as one operation, and when that can be done; none if it is one
    /// already, or if nothing helps.
    fn assign(&mut self, assign: &ParallelAssign) -> Option<(Expr, Time)> {
        if check_value(&assign.value).is_ok() {
            return None;
        }
        let value = balanced(assign.value.clone());
        if check_value(&value).is_ok() {
            return Some((value, Time::Inside));
        }
        if let Some(hashed) = self.hashed(&value) {
            return Some((hashed, Time::Inside));
        }
        // Nothing of what was begun stays if the whole can't be done.
        let (division, kept, n_fields) = (
            self.division.clone(),
            self.kept.clone(),
            self.gress.fields.len(),
        );
        let divided = self.operation(&value);
        if divided.is_none() {
            self.division = division;
            self.kept = kept;
            self.gress.fields.truncate(n_fields);
        }
        divided
    }

    /// An exclusive or of fields as a hash.
    fn hashed(&mut self, value: &Expr) -> Option<Expr> {
        let mut pieces = Vec::new();
        xor_pieces(value, &mut pieces)?;
        let width = value.width_in(&self.gress.fields);
        let bits = self.hashed_bits + width.next_multiple_of(HASHED_UNIT_BITS);
        if pieces.len() < 3 || bits > HASHED_BITS_MAX {
            return None;
        }
        self.hashed_bits = bits;
        let hash = self.gress.hashes.push(Hash {
            name: format!("{}.xor", self.action.name),
            algorithm: HashAlgorithm::Xor(width),
            width,
            span: self.span,
        });
        let name = "xor".to_owned();
        let local = self.action.locals.push(Local { name, width });
        let call = Call {
            kind: CallKind::Hash { hash, args: pieces },
            outs: vec![Some(Place::Local(local))],
        };
        self.action.calls.push((call, self.span));
        Some(Expr::Local { local, width })
    }

    /// A value as one operation, and when it can be done.
    fn operation(&mut self, expr: &Expr) -> Option<(Expr, Time)> {
        let (made, time) = match expr {
            Expr::Slice { arg, hi, lo } => {
                let (arg, time) = self.operation(arg)?;
                (Expr::slice(arg, *hi, *lo), time)
            }
            Expr::Resize {
                arg,
                width,
                is_signed,
            } => {
                let (arg, time) = self.operation(arg)?;
                (Expr::resize(arg, *width, *is_signed), time)
            }
            Expr::Unary { op, arg } => match (&**arg, op) {
                // The complement of a bitwise operation is one, too.
                (Expr::Binary { op: inner, .. }, UnaryOp::Not) if is_bitwise(*inner) => {
                    let (arg, time) = self.operation(arg)?;
                    (Expr::unary(*op, arg), time)
                }
                _ => {
                    let (args, time) = self.operands(&[arg])?;
                    (Expr::unary(*op, args.into_iter().next()?), time)
                }
            },
            Expr::Binary { op, lhs, rhs } if is_bitwise(*op) => {
                let sides = [lhs, rhs].map(|side| uncomplemented(side));
                let (args, time) = self.operands(&sides.map(|(side, _)| side))?;
                let mut sides = args
                    .into_iter()
                    .zip(sides)
                    .map(|(arg, (_, is_complement))| {
                        if is_complement {
                            Expr::unary(UnaryOp::Not, arg)
                        } else {
                            arg
                        }
                    });
                (Expr::binary(*op, sides.next()?, sides.next()?), time)
            }
            Expr::Binary { op, lhs, rhs } if op.is_shift() => {
                let (args, time) = self.operands(&[lhs])?;
                let shifted = args.into_iter().next()?;
                (Expr::binary(*op, shifted, (**rhs).clone()), time)
            }
            Expr::Binary { op, lhs, rhs } => {
                let (args, time) = self.operands(&[lhs, rhs])?;
                let [lhs, rhs] = <[Expr; 2]>::try_from(args).ok()?;
                (Expr::binary(*op, lhs, rhs), time)
            }
            Expr::Mux {
                cond,
                then,
                otherwise,
            } => {
                let Expr::Binary { op, lhs, rhs } = &**cond else {
                    return None;
                };
                let is_minimum = (lhs, rhs) == (then, otherwise);
                if !op.is_comparison() || !(is_minimum || (lhs, rhs) == (otherwise, then)) {
                    return None;
                }
                let (args, time) = self.operands(&[lhs, rhs])?;
                let [lhs, rhs] = <[Expr; 2]>::try_from(args).ok()?;
                let cond = Expr::binary(*op, lhs.clone(), rhs.clone());
                let made = if is_minimum {
                    Expr::mux(cond, lhs, rhs)
                } else {
                    Expr::mux(cond, rhs, lhs)
                };
                (made, time)
            }
            expr => match source(expr)? {
                AluSource::Field | AluSource::Constant => (expr.clone(), Time::Before(0)),
                AluSource::Data => (expr.clone(), Time::Inside),
            },
        };
        check_value(&made).is_ok().then_some((made, time))
    }

    /// Values as operands of one operation, and when it can be done.
    fn operands(&mut self, exprs: &[&Expr]) -> Option<(Vec<Expr>, Time)> {
        let mut operands = Vec::new();
        for expr in exprs {
            operands.push(self.operand(expr)?);
        }
        let mut time = operands.iter().map(|(_, time)| *time).max()?;
        // Of two that come over the action data bus, all wait for the table behind.
        let on_bus = |(expr, _): &&(Expr, Time)| source(expr) != Some(AluSource::Field);
        if time == Time::Inside && operands.len() > 1 && operands.iter().filter(on_bus).count() > 1
        {
            time = Time::Behind(0);
        }
        let operands = operands.into_iter().map(|(expr, at)| {
            if matches!(time, Time::Behind(_)) {
                self.available_behind(expr, at)
            } else {
                Some(expr)
            }
        });
        Some((operands.collect::<Option<Vec<_>>>()?, time))
    }

    /// A value as an operand: itself, or a temporary that holds it.
    fn operand(&mut self, expr: &Expr) -> Option<(Expr, Time)> {
        match source(expr) {
            Some(AluSource::Field | AluSource::Constant) => {
                return Some((expr.clone(), Time::Before(0)));
            }
            Some(AluSource::Data) => return Some((expr.clone(), Time::Inside)),
            None => {}
        }
        let (value, time) = self.operation(expr)?;
        let time = match time {
            Time::Before(level) => Time::Before(level + 1),
            Time::Inside => Time::Behind(0),
            Time::Behind(level) => Time::Behind(level + 1),
        };
        Some((self.temporary(value, time)?, time))
    }

    /// An operand as it can be read behind the action.
    fn available_behind(&mut self, expr: Expr, at: Time) -> Option<Expr> {
        let mut is_overwritten = false;
        expr.walk(&mut |part| {
            if let Expr::Field(field) = part {
                is_overwritten |= self.written.contains(field);
            }
        });
        match at {
            Time::Inside => self.temporary(expr, Time::Behind(0)),
            Time::Before(_) if is_overwritten => self.temporary(expr, Time::Behind(0)),
            Time::Before(_) | Time::Behind(_) => Some(expr),
        }
    }

    /// A field that holds the value from this time on.
    fn temporary(&mut self, value: Expr, time: Time) -> Option<Expr> {
        if matches!(time, Time::Behind(_)) && !self.has_room_behind {
            return None;
        }
        let width = value.width_in(&self.gress.fields);
        let field = self.gress.fields.push(Field {
            name: format!("{}.part{}", self.action.name, self.gress.fields.len()),
            width,
            is_signed: false,
            kind: FieldKind::Local,
            span: self.span,
        });
        let assign = ParallelAssign {
            dst: Place::Field(field),
            value,
            span: self.span,
        };
        match time {
            Time::Before(level) => at_level(&mut self.division.before, level - 1).push(assign),
            Time::Inside | Time::Behind(0) => self.kept.push(assign),
            Time::Behind(level) => at_level(&mut self.division.behind, level - 1).push(assign),
        }
        Some(Expr::Field(field))
    }
}

fn at_level(levels: &mut Vec<Vec<ParallelAssign>>, level: usize) -> &mut Vec<ParallelAssign> {
    while levels.len() <= level {
        levels.push(Vec::new());
    }
    &mut levels[level]
}

fn is_bitwise(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
}

fn uncomplemented(expr: &Expr) -> (&Expr, bool) {
    match expr {
        Expr::Unary {
            op: UnaryOp::Not,
            arg,
        } => (arg, true),
        expr => (expr, false),
    }
}

/// The pieces of an exclusive or of fields and constants; none if something else is in it.
fn xor_pieces(expr: &Expr, pieces: &mut Vec<Expr>) -> Option<()> {
    match expr {
        Expr::Binary {
            op: BinaryOp::Xor,
            lhs,
            rhs,
        } => {
            xor_pieces(lhs, pieces)?;
            xor_pieces(rhs, pieces)
        }
        expr => match source(expr)? {
            AluSource::Field | AluSource::Constant => {
                pieces.push(expr.clone());
                Some(())
            }
            AluSource::Data => None,
        },
    }
}

/// Chains of one associative operator as balanced trees: fields first, action data last, constants
/// joined.
fn balanced(expr: Expr) -> Expr {
    let expr = expr.map_args(&mut balanced);
    let Expr::Binary { op, .. } = expr else {
        return expr;
    };
    let op = match op {
        BinaryOp::Sub => BinaryOp::Add,
        BinaryOp::Add | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => op,
        _ => return expr,
    };
    let mut terms = Vec::new();
    let mut constant = None;
    chain(&expr, op, &mut terms, &mut constant);
    let from_data = |expr: &Expr| {
        let mut found = false;
        expr.walk(&mut |part| found |= matches!(part, Expr::Param { .. } | Expr::Local { .. }));
        found
    };
    let (mut data, mut plain): (Vec<Expr>, Vec<Expr>) =
        terms.into_iter().partition(|term| from_data(term));
    plain.extend(constant.map(Expr::Const));
    while plain.len() > 1 {
        let mut pairs = Vec::with_capacity(plain.len().div_ceil(2));
        let mut left = plain.into_iter();
        while let Some(first) = left.next() {
            pairs.push(match left.next() {
                Some(second) => Expr::binary(op, first, second),
                None => first,
            });
        }
        plain = pairs;
    }
    let mut all = plain.into_iter().chain(data.drain(..));
    let first = all.next();
    first.map_or(expr, |first| {
        all.fold(first, |sum, term| Expr::binary(op, sum, term))
    })
}

/// The terms of a chain, and its constants as one. A constant that is subtracted is one that is added.
fn chain(expr: &Expr, op: BinaryOp, terms: &mut Vec<Expr>, constant: &mut Option<Bits>) {
    let mut add = |value: Bits| {
        *constant = Some(match constant.take() {
            Some(known) => Bits::binary(op, &known, &value),
            None => value,
        });
    };
    match expr {
        Expr::Const(bits) => add(bits.clone()),
        Expr::Binary {
            op: BinaryOp::Sub,
            lhs,
            rhs,
        } if op == BinaryOp::Add => {
            if let Expr::Const(bits) = &**rhs {
                add(Bits::unary(UnaryOp::Neg, bits));
                chain(lhs, op, terms, constant);
            } else {
                terms.push(expr.clone());
            }
        }
        Expr::Binary {
            op: inner,
            lhs,
            rhs,
        } if *inner == op => {
            chain(lhs, op, terms, constant);
            chain(rhs, op, terms, constant);
        }
        expr => terms.push(expr.clone()),
    }
}

struct Placer<'a> {
    names: TableNames,
    tables: &'a mut Tables,
    gress: &'a mut Gress,
    divisions: HashMap<ActionId, Division>,
}

impl Placer<'_> {
    fn seq(&mut self, seq: Seq) -> Seq {
        let mut placed = Vec::with_capacity(seq.len());
        for node in seq {
            match node {
                Node::Gateway {
                    gateway,
                    then,
                    otherwise,
                } => {
                    let then = self.seq(then);
                    let otherwise = self.seq(otherwise);
                    placed.push(Node::Gateway {
                        gateway,
                        then,
                        otherwise,
                    });
                }
                Node::Table { table, arms } => self.table(table, arms, &mut placed),
            }
        }
        placed
    }

    fn table(&mut self, table: TableId, arms: Vec<(Outcome, Seq)>, placed: &mut Seq) {
        let actions = actions_of(table, self.gress);
        let mut before: Vec<Vec<ParallelAssign>> = Vec::new();
        let mut behind: Vec<(Outcome, Seq)> = Vec::new();
        for action in actions {
            let Some(division) = self.divisions.get(&action).cloned() else {
                continue;
            };
            for (level, assigns) in division.before.into_iter().enumerate() {
                at_level(&mut before, level).extend(assigns);
            }
            let levels = division.behind.into_iter();
            let seq: Seq = levels
                .filter(|assigns| !assigns.is_empty())
                .map(|assigns| self.keyless(table, assigns))
                .collect();
            if !seq.is_empty() {
                behind.push((Outcome::Action(action), seq));
            }
        }
        for assigns in before.into_iter().filter(|assigns| !assigns.is_empty()) {
            let node = self.keyless(table, assigns);
            placed.push(node);
        }
        let mut arms: Vec<(Outcome, Seq)> = arms
            .into_iter()
            .map(|(on, arm)| (on, self.seq(arm)))
            .collect();
        arms.extend(behind);
        let has_one_action = actions_of(table, self.gress).len() == 1;
        if has_one_action
            && !self.gress.tables[table].is_declared
            && let [(Outcome::Action(_), _)] = arms[..]
        {
            // A generated table always runs its action.
            let behind = arms.pop().map(|(_, seq)| seq).unwrap_or_default();
            placed.push(Node::Table { table, arms });
            placed.extend(behind);
            return;
        }
        placed.push(Node::Table { table, arms });
    }

    fn keyless(&mut self, beside: TableId, assigns: Vec<ParallelAssign>) -> Node {
        let name = self.names.take(&self.gress.tables[beside].name);
        let span = assigns.first().map_or(Span::NONE, |assign| assign.span);
        let action = self.tables.actions.push(ParallelAction {
            name: name.clone(),
            params: Vec::new(),
            locals: Arena::new(),
            calls: Vec::new(),
            assigns,
            exits: false,
            span,
        });
        let table = self.gress.tables.push(keyless_table(name, action, span));
        Node::Table {
            table,
            arms: Vec::new(),
        }
    }
}
