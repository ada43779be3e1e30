//! The tables form means what the structured form means: random controls run on random packets in
//! both forms, by two small evaluators, and must leave the same fields and touch registers in the
//! same way.

mod run;

use p4rmt_ir::build::{
    GressBuilder, apply, assign, assign_local, assign_slice, branch, call, constant, labeled,
    leave, param, program, stmt,
};
use p4rmt_ir::text::gress_text;
use p4rmt_ir::validate::validate;
use p4rmt_ir::{
    ActionId, Arch, BinaryOp, Bits, Block, CallKind, Expr, FieldId, FieldKind, Gress, GressId,
    GressRole, HashId, Id, LabelId, MatchKind, Outcome, PipeId, RegisterActionId, StmtKind,
    UnaryOp,
};
use p4rmt_midend::to_tables;

use run::run;

/// A small generator of pseudo-random numbers (SplitMix64): the seed names the case.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }

    fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize].clone()
    }
}

/// Random programs over these fields and units.
struct Maker {
    dice: Dice,
    gress: GressBuilder,
    /// Fields of eight bits, and of one.
    bytes: Vec<FieldId>,
    flags: Vec<FieldId>,
    n_registers: usize,
    hash: HashId,
    labels: Vec<LabelId>,
    /// The parameters of the action that is being made.
    n_params: u32,
    /// Whether a register may be touched here, and was.
    may_call: bool,
    n_tables: usize,
    actions: Vec<ActionId>,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let kinds = [FieldKind::Metadata, FieldKind::Metadata, FieldKind::Local];
        let bytes: Vec<FieldId> = (0..6)
            .map(|n| gress.field(&format!("byte{n}"), 8, kinds[n % 3]))
            .collect();
        let flags = (0..3)
            .map(|n| gress.field(&format!("flag{n}"), 1, kinds[n % 3]))
            .collect();
        let hash = gress.hash("hash", 8);
        Self {
            dice: Dice(seed),
            gress,
            bytes,
            flags,
            n_registers: 0,
            hash,
            labels: Vec::new(),
            n_params: 0,
            may_call: true,
            n_tables: 0,
            actions: Vec::new(),
        }
    }

    fn byte(&mut self, depth: u32) -> Expr {
        let leaf = depth == 0;
        match self.dice.below(if leaf { 4 } else { 10 }) {
            0 => constant(8, self.dice.roll()),
            1 if self.n_params > 0 => param(self.dice.below(self.n_params.into()) as u32, 8),
            1..=3 => Expr::Field(self.dice.pick(&self.bytes)),
            4 => {
                let high = Expr::slice(self.byte(depth - 1), 7, 4);
                let low = Expr::slice(self.byte(depth - 1), 5, 2);
                Expr::binary(BinaryOp::Concat, high, low)
            }
            5 => {
                let is_signed = self.dice.below(2) == 0;
                let lo = self.dice.below(5) as u32;
                Expr::resize(Expr::slice(self.byte(depth - 1), lo + 3, lo), 8, is_signed)
            }
            6 => Expr::mux(
                self.flag(depth - 1),
                self.byte(depth - 1),
                self.byte(depth - 1),
            ),
            7 => Expr::unary(UnaryOp::Not, self.byte(depth - 1)),
            _ => {
                let op = self.dice.pick(&[
                    BinaryOp::Add,
                    BinaryOp::Sub,
                    BinaryOp::And,
                    BinaryOp::Or,
                    BinaryOp::Xor,
                    BinaryOp::Shl,
                    BinaryOp::ShrS,
                    BinaryOp::SubSatU,
                    BinaryOp::AddSatS,
                ]);
                Expr::binary(op, self.byte(depth - 1), self.byte(depth - 1))
            }
        }
    }

    fn flag(&mut self, depth: u32) -> Expr {
        let leaf = depth == 0;
        match self.dice.below(if leaf { 3 } else { 7 }) {
            0 => constant(1, self.dice.roll()),
            1 | 2 => Expr::Field(self.dice.pick(&self.flags)),
            3 => Expr::unary(UnaryOp::Not, self.flag(depth - 1)),
            4 => {
                let op = self
                    .dice
                    .pick(&[BinaryOp::And, BinaryOp::Or, BinaryOp::Eq, BinaryOp::Ne]);
                Expr::binary(op, self.flag(depth - 1), self.flag(depth - 1))
            }
            5 => Expr::slice(self.byte(depth - 1), 3, 3),
            _ => {
                let op =
                    self.dice
                        .pick(&[BinaryOp::Eq, BinaryOp::LtU, BinaryOp::LeS, BinaryOp::Ne]);
                Expr::binary(op, self.byte(depth - 1), self.byte(depth - 1))
            }
        }
    }

    fn block(&mut self, depth: u32, in_action: bool, conditional: bool) -> Block {
        let n = self.dice.below(4) + 1;
        (0..n)
            .map(|_| self.stmt(depth, in_action, conditional))
            .collect()
    }

    fn stmt(&mut self, depth: u32, in_action: bool, conditional: bool) -> p4rmt_ir::Stmt {
        match self.dice.below(if depth == 0 { 6 } else { 12 }) {
            0 => {
                let flag = self.dice.pick(&self.flags);
                assign(flag, self.flag(2))
            }
            1 => {
                let lo = self.dice.below(6) as u32;
                let hi = lo + self.dice.below(u64::from(8 - lo)) as u32;
                let value = self.byte(1);
                let byte = self.dice.pick(&self.bytes);
                assign_slice(byte, hi, lo, Expr::slice(value, hi - lo, 0))
            }
            2 if !conditional && self.may_call => {
                self.may_call = !in_action;
                let action = self.register_action();
                let index = Some(self.byte(0));
                let out = self.dice.pick(&self.bytes);
                call(CallKind::RegisterAction { action, index }, [out])
            }
            3 => {
                let args = vec![self.byte(1), self.byte(0)];
                let out = self.dice.pick(&self.bytes);
                let hash = self.hash;
                call(CallKind::Hash { hash, args }, [out])
            }
            2 | 4 | 5 => {
                let byte = self.dice.pick(&self.bytes);
                assign(byte, self.byte(2))
            }
            6 | 7 => {
                let cond = self.flag(2);
                let then = self.block(depth - 1, in_action, true);
                let otherwise = if self.dice.below(2) == 0 {
                    Vec::new()
                } else {
                    self.block(depth - 1, in_action, true)
                };
                let mut branches = [then, otherwise];
                if !in_action && self.n_tables < 8 && self.dice.below(2) == 0 {
                    self.end_with_one_table(&mut branches);
                }
                let [then, otherwise] = branches;
                branch(cond, then, otherwise)
            }
            8 => {
                let label = self.gress.label();
                self.labels.push(label);
                let body = self.block(depth - 1, in_action, conditional);
                self.labels.pop();
                labeled(label, body)
            }
            9 if !self.labels.is_empty() => leave(self.dice.pick(&self.labels)),
            10 if !in_action && self.dice.below(3) == 0 => stmt(StmtKind::Exit),
            _ if !in_action && self.n_tables < 8 => self.apply(depth),
            _ => {
                let byte = self.dice.pick(&self.bytes);
                assign(byte, self.byte(1))
            }
        }
    }

    /// A register of its own for each access, since a packet may touch each once. Its action reads
    /// one of two fields.
    fn register_action(&mut self) -> RegisterActionId {
        self.n_registers += 1;
        let name = format!("register{}", self.n_registers);
        let register = self.gress.register(&name, 16, &[8]);
        let read = self.bytes[3 * self.dice.below(2) as usize];
        let body = vec![assign_local(0, Expr::Field(read))];
        self.gress.register_action(&name, register, body)
    }

    fn apply(&mut self, depth: u32) -> p4rmt_ir::Stmt {
        self.n_tables += 1;
        let n_actions = self.dice.below(3) + 1;
        let actions: Vec<ActionId> = (0..n_actions).map(|n| self.action(n)).collect();
        let keys = match self.dice.below(4) {
            0 => vec![],
            1 => vec![(self.byte(2), MatchKind::Exact)],
            _ => vec![(self.byte(0), MatchKind::Exact)],
        };
        let name = format!("table{}", self.n_tables);
        let table = self.gress.table(&name, &keys, &actions);
        let mut arm = |on| (on, self.block(depth - 1, false, true));
        match actions.len() as u64 + n_actions {
            2 => apply(table, []),
            4 => {
                let hit = arm(Outcome::Hit);
                let miss = arm(Outcome::Miss);
                apply(table, [hit, miss])
            }
            _ => {
                let first = arm(Outcome::Action(actions[1]));
                let second = arm(Outcome::Action(actions[2]));
                match table.index() % 2 {
                    0 => apply(table, [first, second]),
                    _ => {
                        let otherwise = arm(Outcome::Otherwise);
                        apply(table, [first, second, otherwise])
                    }
                }
            }
        }
    }

    /// Applies one table at the ends of branches, also of those inside.
    fn end_with_one_table(&mut self, branches: &mut [Block; 2]) {
        self.n_tables += 1;
        let action = self.action(0);
        let name = format!("table{}", self.n_tables);
        let key = (self.byte(0), MatchKind::Exact);
        let table = self.gress.table(&name, &[key], &[action]);
        for block in branches {
            match block.last_mut().map(|stmt| &mut stmt.kind) {
                Some(StmtKind::If {
                    then, otherwise, ..
                }) => {
                    then.push(apply(table, []));
                    if self.dice.below(2) == 0 {
                        otherwise.push(apply(table, []));
                    }
                }
                _ => block.push(apply(table, [])),
            }
        }
    }

    fn action(&mut self, n: u64) -> ActionId {
        if !self.actions.is_empty() && n == 0 && self.dice.below(3) == 0 {
            return self.dice.pick(&self.actions);
        }
        let labels = std::mem::take(&mut self.labels);
        self.n_params = 2;
        self.may_call = true;
        let n_registers = self.n_registers;
        let mut body = self.block(2, true, false);
        if self.dice.below(10) == 0 {
            body.push(stmt(StmtKind::Exit));
        }
        self.n_params = 0;
        self.may_call = true;
        self.labels = labels;
        let name = format!("action{}_{n}", self.n_tables);
        let action = self.gress.action(&name, &[8, 8], body);
        if self.n_registers == n_registers {
            self.actions.push(action);
        }
        action
    }
}

fn first_gress(program: &p4rmt_ir::Program) -> &Gress {
    &program.pipes[PipeId::from_index(0)].gresses[GressId::from_index(0)]
}

#[test]
fn both_forms_of_random_controls_agree() {
    let mut n_refused = 0;
    let n_programs = 3_000;
    for seed in 0..n_programs {
        let mut maker = Maker::new(seed);
        let body = maker.block(3, false, false);
        let fields: Vec<FieldId> = maker.bytes.iter().chain(&maker.flags).copied().collect();
        let gress = maker.gress.structured(body);
        let structured = program("random", Arch::T2na, [gress]);
        assert_eq!(validate(&structured), Ok(()), "seed {seed}");
        let Ok(tables) = to_tables(&structured) else {
            n_refused += 1;
            continue;
        };
        assert_eq!(validate(&tables), Ok(()), "seed {seed}");
        let (before, after) = (first_gress(&structured), first_gress(&tables));
        let mut dice = Dice(seed);
        for _ in 0..8 {
            let packet: Vec<(FieldId, Bits)> = fields
                .iter()
                .filter(|field| before.fields[**field].kind != FieldKind::Local)
                .map(|field| {
                    let width = before.fields[*field].width;
                    (*field, Bits::from_u64(width, dice.roll()))
                })
                .collect();
            let expected = run(before, &packet);
            let got = run(after, &packet);
            assert_eq!(
                expected,
                got,
                "seed {seed}, packet {packet:?}\n{}\n{}",
                gress_text(before),
                gress_text(after)
            );
        }
    }
    assert!(n_refused < n_programs / 3, "{n_refused} refused");
}
