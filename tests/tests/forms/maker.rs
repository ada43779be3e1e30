//! Random programs of the structured form: tables with entries, registers, conditions, exits.

use p4rmt_ir::build::{
    GressBuilder, add, apply, assign, assign_local, assign_slice, branch, call, constant, eq,
    labeled, leave, local, param, program, stmt,
};
use p4rmt_ir::{
    ActionCall, ActionId, Arch, BinaryOp, Bits, Block, CallKind, Entry, Expr, FieldId, GressRole,
    Match, MatchKind, Outcome, Program, RegisterActionId, Stmt, StmtKind,
};
use p4rmt_source::Span;

/// A generator of numbers that look random (Marsaglia's xorshift64*): the seed names the case.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut state = self.0;
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize].clone()
    }
}

/// Makes one program.
pub(crate) struct Maker {
    dice: Dice,
    gress: GressBuilder,
    bytes: Vec<FieldId>,
    n_units: usize,
    /// Whether it keeps to what one table of the machine can do, as far as that is easily said.
    is_plain: bool,
}

impl Maker {
    pub(crate) fn new(seed: u64) -> Self {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let bytes = (0..5)
            .map(|n| gress.metadata(&format!("byte{n}"), 8))
            .collect();
        Self {
            dice: Dice(seed),
            gress,
            bytes,
            n_units: 0,
            is_plain: seed.is_multiple_of(2),
        }
    }

    /// The program, and the fields that it works on.
    pub(crate) fn program(mut self) -> (Program, Vec<FieldId>) {
        let mut body = self.block(3, true);
        body.extend(self.block(2, true));
        let gress = self.gress.structured(body);
        (program("random", Arch::T2na, [gress]), self.bytes)
    }

    fn field(&mut self) -> FieldId {
        self.dice.pick(&self.bytes)
    }

    /// A number for names: each unit has its own.
    fn number(&mut self) -> usize {
        self.n_units += 1;
        self.n_units
    }

    fn value(&mut self) -> Expr {
        let field = Expr::Field(self.field());
        match self.dice.below(5) {
            0 => constant(8, self.dice.below(4)),
            1 | 2 => field,
            3 => add(field, constant(8, 1 + self.dice.below(3))),
            _ => {
                let op = self
                    .dice
                    .pick(&[BinaryOp::Xor, BinaryOp::Sub, BinaryOp::And]);
                Expr::binary(op, field, Expr::Field(self.field()))
            }
        }
    }

    fn condition(&mut self) -> Expr {
        let field = Expr::Field(self.field());
        if self.is_plain || self.dice.below(2) == 0 {
            return eq(field, constant(8, self.dice.below(4)));
        }
        Expr::binary(BinaryOp::LtU, field, Expr::Field(self.field()))
    }

    fn block(&mut self, depth: u32, may_touch: bool) -> Block {
        let length = 1 + self.dice.below(4);
        (0..length).map(|_| self.stmt(depth, may_touch)).collect()
    }

    fn stmt(&mut self, depth: u32, may_touch: bool) -> Stmt {
        match self.dice.below(if depth == 0 { 5 } else { 11 }) {
            0 if may_touch => {
                let out = self.field();
                let (action, index) = (self.register_action(), Some(Expr::Field(self.field())));
                call(CallKind::RegisterAction { action, index }, [out])
            }
            1 => {
                let value = if self.is_plain {
                    Expr::Field(self.field())
                } else {
                    self.value()
                };
                let value = Expr::slice(value, 3, 0);
                assign_slice(self.field(), 6, 3, value)
            }
            0..=4 => {
                let value = self.value();
                assign(self.field(), value)
            }
            5 | 6 => {
                let cond = self.condition();
                let then = self.block(depth - 1, may_touch);
                let otherwise = if self.dice.below(2) == 0 {
                    Vec::new()
                } else {
                    self.block(depth - 1, may_touch)
                };
                branch(cond, then, otherwise)
            }
            7 => {
                let label = self.gress.label();
                let mut body = self.block(depth - 1, may_touch);
                let cond = self.condition();
                body.push(branch(cond, vec![leave(label)], Vec::new()));
                body.extend(self.block(depth - 1, may_touch));
                labeled(label, body)
            }
            8 if self.dice.below(3) == 0 => {
                let cond = self.condition();
                branch(cond, vec![stmt(StmtKind::Exit)], Vec::new())
            }
            _ => self.apply(depth),
        }
    }

    /// A register of its own, since a packet may touch each once, that counts and remembers.
    fn register_action(&mut self) -> RegisterActionId {
        let name = format!("register{}", self.number());
        let register = self.gress.register(&name, 6, &[8, 8]);
        let read = Expr::Field(self.field());
        let is_new = Expr::binary(BinaryOp::LtU, local(0, 8), read.clone());
        let body = vec![
            branch(is_new, vec![assign_local(1, read)], Vec::new()),
            assign_local(2, local(1, 8)),
            assign_local(0, add(local(0, 8), constant(8, 1))),
        ];
        self.gress.register_action(&name, register, body)
    }

    fn apply(&mut self, depth: u32) -> Stmt {
        let is_plain = self.is_plain;
        let actions = [self.action(!is_plain), self.action(true)];
        let kinds = [
            MatchKind::Exact,
            MatchKind::Ternary,
            MatchKind::Range,
            MatchKind::Lpm,
        ];
        let n_keys = self.dice.below(3);
        let keys: Vec<(Expr, MatchKind)> = (0..n_keys)
            .map(|position| {
                let kind = kinds[self.dice.below(if position == 0 { 4 } else { 3 }) as usize];
                (Expr::Field(self.field()), kind)
            })
            .collect();
        let name = format!("table{}", self.number());
        let table = self.gress.table(&name, &keys, &actions);
        if !keys.is_empty() {
            let n_entries = self.dice.below(14) as u32;
            let mut entries: Vec<Entry> = Vec::new();
            for priority in 0..n_entries {
                let entry = self.entry(&keys, priority, &actions);
                if entries.iter().all(|other| other.matches != entry.matches) {
                    entries.push(entry);
                }
            }
            self.gress.gress.tables[table].entries = entries;
        }
        let mut arm = |on| (on, self.block(depth - 1, true));
        match table_shape(&keys) {
            0 => apply(table, []),
            1 => apply(table, [arm(Outcome::Hit), arm(Outcome::Miss)]),
            _ => apply(
                table,
                [arm(Outcome::Action(actions[1])), arm(Outcome::Otherwise)],
            ),
        }
    }

    fn action(&mut self, may_touch: bool) -> ActionId {
        let name = format!("action{}", self.number());
        let mut body = Vec::new();
        // The register first, since it reads fields as they were before the action.
        if may_touch && self.dice.below(3) == 0 {
            let (action, index) = (self.register_action(), Some(Expr::Field(self.field())));
            let out = self.field();
            body.push(call(CallKind::RegisterAction { action, index }, [out]));
        }
        body.push(assign(self.field(), param(0, 8)));
        if !self.is_plain {
            body.extend(self.block(0, false));
        }
        self.gress.action(&name, &[8], body)
    }

    fn entry(&mut self, keys: &[(Expr, MatchKind)], priority: u32, actions: &[ActionId]) -> Entry {
        let matches = keys.iter().map(|(_, kind)| self.wanted(*kind)).collect();
        Entry {
            matches,
            priority: priority.wrapping_mul(7) % 16,
            action: ActionCall {
                action: self.dice.pick(actions),
                args: vec![Bits::from_u64(8, self.dice.below(5))],
            },
            span: Span::NONE,
        }
    }

    /// A match in the form of its key, with zeros where it does not look.
    fn wanted(&mut self, kind: MatchKind) -> Match {
        let bits = |value| Bits::from_u64(8, value);
        let value = self.dice.below(6);
        match kind {
            MatchKind::Ternary => {
                let mask = self.dice.pick(&[0, 1, 2, 3, 0xff]);
                Match::Ternary {
                    value: bits(value & mask),
                    mask: bits(mask),
                }
            }
            MatchKind::Lpm => {
                let prefix_len = 4 + self.dice.below(5) as u32;
                let cut = 8 - prefix_len;
                Match::Lpm {
                    value: bits(value >> cut << cut),
                    prefix_len,
                }
            }
            MatchKind::Range => Match::Range {
                lo: bits(value),
                hi: bits(value + self.dice.below(3)),
            },
            MatchKind::Exact | MatchKind::Optional | MatchKind::Selector => {
                Match::Exact(bits(value))
            }
        }
    }
}

/// Which arms a table gets: some of each, by its keys.
fn table_shape(keys: &[(Expr, MatchKind)]) -> usize {
    match keys {
        [] => 0,
        [(Expr::Field(field), kind), ..] => (p4rmt_ir::Id::index(*field) + *kind as usize) % 3,
        _ => 1,
    }
}
