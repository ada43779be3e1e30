//! Register actions as statements and as the instructions that they are mapped to: random ones, on
//! random elements and fields, give the same element and the same outputs.

use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, Instance, Interface, Job, Mode, Outcome, Part, Ref, State, StateLayout,
};
use p4rmt_interp::Interp;
use p4rmt_ir::build::{GressBuilder, apply, assign_local, branch, call, constant, local, program};
use p4rmt_ir::salu::{InstructionKind, LaneChange, OutputSource, StatefulUnit, SumKind};
use p4rmt_ir::text::gress_text;
use p4rmt_ir::validate::validate;
use p4rmt_ir::{
    Arch, BinaryOp, Bits, Block, CallKind, Expr, FieldId, GressId, GressRole, Id, LaneExpr, LaneOp,
    LanePart, PipeId, Program, RegisterId, Stmt, UnaryOp,
};
use p4rmt_mau::{Target, place};
use p4rmt_midend::to_tables;
use p4rmt_tests::mutation::Random;

const N_PROGRAMS: u64 = 2_000;
const N_PACKETS: u64 = 32;

fn pipe_id() -> PipeId {
    PipeId::from_index(0)
}

fn gress_id() -> GressId {
    GressId::from_index(0)
}

/// Makes a register action that is likely to be an instruction.
struct Maker {
    random: Random,
    /// Widths of the values that it sees, which are locals 0 and up.
    element: Vec<u32>,
    /// Whether the machine divides and finds lanes.
    is_second: bool,
    fields: Vec<(FieldId, u32)>,
}

impl Maker {
    fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn width(&self) -> u32 {
        self.element[0]
    }

    fn memory(&mut self) -> Expr {
        let value = self.below(self.element.len());
        local(value, self.width())
    }

    fn number(&mut self) -> Expr {
        let width = self.width();
        let sign = 1_u64 << (width.min(64) - 1);
        let choices = [
            0,
            1,
            2,
            7,
            8,
            100,
            sign,
            sign - 1,
            sign + 1,
            u64::MAX,
            u64::MAX - 4,
        ];
        let value = choices[self.below(choices.len())];
        if value > u64::MAX - 10 {
            Expr::Const(Bits::from_u64(64, value).resize(width, true))
        } else {
            constant(width, value)
        }
    }

    fn field(&mut self) -> Expr {
        let (field, width) = self.fields[self.random.below(2)];
        let field = Expr::Field(field);
        if width == self.width() {
            return field;
        }
        let is_signed = self.below(4) == 0;
        Expr::resize(field, self.width(), is_signed)
    }

    fn source(&mut self) -> Expr {
        match self.below(4) {
            0 => self.number(),
            1 => self.field(),
            _ => self.memory(),
        }
    }

    /// Two sources of which at most one is memory and at most one a field, mostly.
    fn two(&mut self) -> (Expr, Expr) {
        let pair = match self.below(8) {
            0 => (self.source(), self.source()),
            1..4 => (self.memory(), self.number()),
            4..7 => (self.memory(), self.field()),
            _ => (self.number(), self.field()),
        };
        if self.below(2) == 0 {
            pair
        } else {
            (pair.1, pair.0)
        }
    }

    fn value(&mut self) -> Expr {
        use BinaryOp::{Add, AddSatS, AddSatU, And, LtS, LtU, Or, Sub, SubSatS, SubSatU, Xor};
        let (a, b) = self.two();
        match self.below(16) {
            0..4 => self.source(),
            4..9 => Expr::binary([Add, Sub][self.random.below(2)], a, b),
            9 | 10 => {
                let ops = [AddSatU, AddSatS, SubSatU, SubSatS];
                Expr::binary(ops[self.random.below(4)], a, b)
            }
            11 | 12 => {
                let ops = [And, Or, Xor];
                let a = if self.below(3) == 0 {
                    Expr::unary(UnaryOp::Not, a)
                } else {
                    a
                };
                let value = Expr::binary(ops[self.random.below(3)], a, b);
                if self.below(4) == 0 {
                    Expr::unary(UnaryOp::Not, value)
                } else {
                    value
                }
            }
            13 => {
                let op = [UnaryOp::Not, UnaryOp::Neg][self.random.below(2)];
                Expr::unary(op, self.source())
            }
            _ => {
                let cond = Expr::binary([LtU, LtS][self.random.below(2)], a.clone(), b.clone());
                if self.below(2) == 0 {
                    Expr::mux(cond, a, b)
                } else {
                    Expr::mux(cond, b, a)
                }
            }
        }
    }

    fn cond(&mut self, depth: usize) -> Expr {
        use BinaryOp::{Add, And, Eq, LeS, LeU, LtS, LtU, Ne, Or, Sub, Xor};
        if depth > 0 && self.below(3) == 0 {
            let op = [And, Or, Xor][self.random.below(3)];
            let (a, b) = (self.cond(depth - 1), self.cond(depth - 1));
            let both = Expr::binary(op, a, b);
            return if self.below(3) == 0 {
                Expr::unary(UnaryOp::Not, both)
            } else {
                both
            };
        }
        if self.width() > 32 && self.below(4) != 0 {
            return self.wide_cond();
        }
        let op = [Eq, Ne, LtU, LeU, LtS, LeS][self.random.below(6)];
        let (a, b) = self.two();
        match self.below(6) {
            0 => Expr::Field(self.fields[2].0),
            1 => {
                let sum = Expr::binary([Add, Sub][self.random.below(2)], a, b);
                Expr::binary(op, sum, self.number())
            }
            2 => {
                let (c, d) = (self.memory(), self.number());
                let sum = Expr::binary([Add, Sub][self.random.below(2)], c, d);
                Expr::binary(op, sum, self.field())
            }
            3 if self.below(2) == 0 => {
                let masked = Expr::binary(And, self.memory(), self.number());
                Expr::binary(op, masked, self.number())
            }
            _ => Expr::binary(op, a, b),
        }
    }

    /// Whether 64 bits of memory are equal to the first field, all, those of a mask, or some in a row.
    fn wide_cond(&mut self) -> Expr {
        let op = [BinaryOp::Eq, BinaryOp::Ne][self.below(2)];
        let mut memory = self.memory();
        let mut field = Expr::Field(self.fields[0].0);
        if self.width() > 64 {
            let lo = [0, 64][self.below(2)];
            memory = Expr::slice(memory, lo + 63, lo);
        }
        match self.below(3) {
            0 => {
                let mask = [0xff, 1 << 63, u64::MAX << 32][self.below(3)];
                memory = Expr::binary(BinaryOp::And, memory, constant(64, mask));
                field = Expr::binary(BinaryOp::And, constant(64, mask), field);
            }
            1 => {
                let lo = [0, 7, 32][self.random.below(3)];
                memory = Expr::slice(memory, lo + 31, lo);
                field = Expr::slice(field, 31, 0);
            }
            _ => {}
        }
        Expr::binary(op, memory, field)
    }

    /// A quotient or remainder, mostly of what an operation takes.
    fn quotient(&mut self) -> Expr {
        let op = [BinaryOp::DivU, BinaryOp::RemU][self.below(2)];
        let (a, b) = self.two();
        Expr::binary(op, a, b)
    }

    /// `predicate()` of some comparisons, as wide as the output.
    fn predicate(&mut self) -> Expr {
        let n = 1 + self.below(if self.is_second { 4 } else { 2 });
        let answers = (0..n).map(|_| self.cond(0)).collect::<Vec<_>>();
        let answers = answers
            .into_iter()
            .reduce(|high, low| Expr::binary(BinaryOp::Concat, high, low));
        let bit = Expr::binary(
            BinaryOp::Shl,
            constant(1 << n, 1),
            answers.expect("one at least"),
        );
        Expr::resize(bit, self.width(), false)
    }

    /// A search in the lanes of all that it sees: what is returned, and mostly what changes.
    fn search(&mut self) -> Block {
        let lane_bits = [8, 16][self.below(2)];
        let n_lanes = LaneOp::WORD_BITS / lane_bits;
        let mask = match self.below(3) {
            0 => Expr::resize(Expr::Field(self.fields[1].0), n_lanes, false),
            _ => constant(n_lanes, self.random.any()),
        };
        let change = match self.below(4) {
            0 => constant(lane_bits, 0),
            1 => Expr::resize(
                Expr::slice(Expr::Field(self.fields[0].0), 7, 0),
                lane_bits,
                false,
            ),
            _ => {
                let by = Bits::from_u64(9, self.random.any()).resize(lane_bits, true);
                Expr::Const(by)
            }
        };
        let values = self.element.iter().enumerate().rev();
        let word = values
            .map(|(value, width)| local(value, *width))
            .reduce(|high, low| Expr::binary(BinaryOp::Concat, high, low))
            .expect("there is memory");
        let op = LaneOp {
            is_largest: self.below(2) == 0,
            lane_bits,
            part: LanePart::Number,
        };
        let is_changed = !matches!(&change, Expr::Const(by) if by.is_zero());
        let find = |part| {
            Expr::Lane(Box::new(LaneExpr {
                op: LaneOp { part, ..op },
                word: word.clone(),
                mask: mask.clone(),
                change: change.clone(),
            }))
        };
        let part = [LanePart::Number, LanePart::Index][self.below(2)];
        let shown = assign_local(
            self.element.len(),
            resized(find(part), op, part, self.width()),
        );
        let mut block = match self.below(3) {
            0 => vec![branch(Expr::Field(self.fields[2].0), vec![shown], vec![])],
            _ => vec![shown],
        };
        // What is written is read off the word as it was.
        let whole = self.element.len() + 1;
        if is_changed {
            block.push(assign_local(whole, find(LanePart::Word)));
            let mut lo = 0;
            for (value, width) in self.element.iter().enumerate() {
                let word = local(whole, LaneOp::WORD_BITS);
                block.push(assign_local(value, Expr::slice(word, lo + width - 1, lo)));
                lo += width;
            }
        }
        block
    }

    /// An assignment to memory or to the output.
    fn assignment(&mut self) -> Stmt {
        let output = self.element.len();
        let target = self.below(output + 1);
        if target == output && self.is_second && self.below(3) == 0 {
            return assign_local(target, self.quotient());
        }
        if target == output && self.below(3) == 0 {
            let truth = self.cond(0);
            return assign_local(output, Expr::resize(truth, self.width(), false));
        }
        assign_local(target, self.value())
    }

    fn block(&mut self, depth: usize) -> Block {
        let n = 1 + self.below(2);
        (0..n)
            .map(|_| {
                if depth > 0 && self.below(2) == 0 {
                    let cond = self.cond(1);
                    let then = self.block(depth - 1);
                    let otherwise = if self.below(2) == 0 {
                        self.block(depth - 1)
                    } else {
                        Vec::new()
                    };
                    branch(cond, then, otherwise)
                } else {
                    self.assignment()
                }
            })
            .collect()
    }
}

/// What a search finds, as wide as the output.
fn resized(found: Expr, op: LaneOp, part: LanePart, width: u32) -> Expr {
    let found_bits = LaneOp { part, ..op }.width();
    if found_bits == width {
        found
    } else {
        Expr::resize(found, width, false)
    }
}

/// A program that calls one register action, its fields (the last is the result), its register.
fn make(seed: u64, arch: Arch) -> (Program, Vec<FieldId>, RegisterId) {
    let mut random = Random::new(seed + 1);
    let elements: &[&[u32]] = match arch {
        Arch::T2na => &[
            &[8],
            &[16],
            &[32],
            &[32],
            &[64],
            &[128],
            &[8, 8],
            &[32, 32],
            &[64, 64],
        ],
        Arch::Tna | Arch::V1model => &[&[8], &[16], &[32], &[32], &[64], &[8, 8], &[32, 32]],
    };
    let element = elements[random.below(elements.len())].to_vec();
    let width = element[0];
    let narrow = if random.below(2) == 0 {
        width
    } else {
        8.min(width)
    };
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let fields = vec![
        (gress.metadata("x", width.min(64)), width.min(64)),
        (gress.metadata("y", narrow.min(64)), narrow.min(64)),
        (gress.metadata("flag", 1), 1),
    ];
    let result = gress.metadata("result", width);
    // Of a word of several elements, the last ones are beyond the array.
    let register = gress.register("reg", 6, &element);
    let mut ids: Vec<FieldId> = fields.iter().map(|(field, _)| *field).collect();
    ids.push(result);
    let is_second = arch == Arch::T2na;
    let element_bits: u32 = element.iter().sum();
    let searches = is_second && random.below(6) == 0;
    let n_elements = if searches {
        LaneOp::WORD_BITS / element_bits
    } else {
        1
    };
    let n_elements = usize::try_from(n_elements).expect("few");
    let mut maker = Maker {
        random,
        element: element.repeat(n_elements),
        is_second,
        fields,
    };
    let body = if searches {
        maker.search()
    } else {
        let mut body = Vec::new();
        if maker.below(6) == 0 {
            body.push(assign_local(maker.element.len(), maker.predicate()));
            // Mostly alone, since it shows all comparisons.
            if maker.below(2) == 0 {
                let value = maker.value();
                body.push(assign_local(0, value));
            }
        } else {
            body = maker.block(2);
        }
        body
    };
    let action = gress.word_action("act", register, n_elements, body);
    gress.gress.register_actions[action]
        .locals
        .push(p4rmt_ir::Local {
            name: "word".to_owned(),
            width: LaneOp::WORD_BITS,
        });
    let kind = CallKind::RegisterAction {
        action,
        index: Some(constant(1, 0)),
    };
    let run = gress.action("run", &[], vec![call(kind, [result])]);
    // The result is the table's, so that nothing of the call is dead.
    let table = gress.table("t", &[], &[run]);
    let gress = gress.structured(vec![apply(table, [])]);
    (program("random", arch, [gress]), ids, register)
}

struct Execution {
    instance: Box<dyn Instance>,
    state: State,
    outcome: Outcome,
}

impl Execution {
    fn new(program: &Arc<Program>, mode: Mode, fields: &[FieldId]) -> Self {
        let interface = GressInterface {
            inputs: fields.to_vec(),
            watched: fields.to_vec(),
            crossing: None,
        };
        let interface = Interface {
            gresses: std::iter::once(interface).collect(),
        };
        let layout = StateLayout::new(Arc::clone(program), pipe_id()).expect("small");
        let instance = Interp.load(Arc::clone(program), pipe_id(), mode, interface);
        Self {
            instance: instance.expect("it loads"),
            state: State::new(layout).expect("no entries"),
            outcome: Outcome::default(),
        }
    }

    /// The elements and the fields behind a packet.
    fn run(&mut self, register: RegisterId, elements: &[Vec<Bits>], inputs: &[u64]) -> Seen {
        let register = Ref {
            gress: gress_id(),
            id: register,
        };
        for (index, element) in (0..).zip(elements) {
            let written = self.state.write_register(register, index, element);
            written.expect("there is an element");
        }
        let job = Job {
            bytes: &[0; 60],
            prefix_len: 0,
            clock: 0,
            inputs,
            part: Part::Whole,
            phv: &[],
        };
        let outcomes = std::slice::from_mut(&mut self.outcome);
        let result = self
            .instance
            .run(gress_id(), &[job], outcomes, &mut self.state, None);
        result.expect("it runs");
        let after = (0..).zip(elements).map(|(index, _)| {
            let element = self.state.register(register, index);
            element.expect("there is one")
        });
        (after.collect(), self.outcome.values.clone())
    }
}

type Seen = (Vec<Vec<Bits>>, Vec<u64>);

/// What of the unit a mapping makes use of, beside slots.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    divider: bool,
    search: bool,
    change: bool,
    cases: bool,
    wide: bool,
}

fn uses(unit: &StatefulUnit) -> Uses {
    let mut uses = Uses::default();
    for instruction in &unit.instructions {
        let InstructionKind::Arithmetic(of) = &instruction.kind else {
            continue;
        };
        uses.divider |= of.divider.is_some();
        uses.search |= of.search.is_some();
        uses.change |= of
            .search
            .is_some_and(|search| search.change != LaneChange::None);
        uses.cases |= of
            .words
            .iter()
            .any(|word| word.source == OutputSource::Case);
        uses.wide |= of.comparators.iter().any(|of| of.sum == SumKind::Match);
    }
    uses
}

fn random_value(random: &mut Random, width: u32) -> Bits {
    let sign = Bits::from_u64(1, 1).concat(&Bits::zero(width - 1));
    let one = Bits::from_u64(width, 1);
    match random.below(8) {
        0 => Bits::zero(width),
        1 => Bits::ones(width),
        2 => sign,
        3 => Bits::binary(BinaryOp::Sub, &sign, &one),
        4 => Bits::from_u64(width, random.below(12) as u64),
        5 => Bits::binary(
            BinaryOp::Sub,
            &Bits::zero(width),
            &Bits::from_u64(width, random.below(12) as u64),
        ),
        _ => {
            let mut half = || Bits::from_u64(64, random.any());
            half().concat(&half()).slice(width - 1, 0)
        }
    }
}

/// Runs random programs on a target. How many fit, and how many of these use each part of [`Uses`].
fn check(target: &str, arch: Arch) -> (u64, [u64; 5]) {
    let target = Target::built_in(target).expect("it comes with the compiler");
    let (mut n_fit, mut n_inexact) = (0, 0);
    let mut n_uses = [0; 5];
    for seed in 0..N_PROGRAMS {
        let (structured, fields, register) = make(seed, arch);
        assert_eq!(validate(&structured), Ok(()), "seed {seed}");
        let program = Arc::new(to_tables(&structured).expect("it has a tables form"));
        let fit = place(&program, pipe_id(), &target).expect("it is in the tables form");
        if !fit.fits() {
            continue;
        }
        if !fit.inexact.is_empty() {
            n_inexact += 1;
            continue;
        }
        n_fit += 1;
        let unit = fit.placement.gresses[gress_id()].stateful.clone();
        assert_eq!(unit.len(), 1, "seed {seed} has a unit");
        let of = uses(&unit[0]);
        let each = [of.divider, of.search, of.change, of.cases, of.wide];
        let counted = n_uses.iter_mut().zip(each);
        counted.for_each(|(count, uses)| *count += u64::from(uses));
        let placement = Arc::new(fit.placement);
        let mut statements = Execution::new(&Arc::new(structured), Mode::Unplaced, &fields);
        let mut instructions = Execution::new(&program, Mode::Placed(placement), &fields);
        let gress = &program.pipes[pipe_id()].gresses[gress_id()];
        let mut random = Random::new(seed ^ 0x5555);
        for packet in 0..N_PACKETS {
            let element = &gress.registers[register].element;
            let mut value = |width| random_value(&mut random, width);
            let elements: Vec<Vec<Bits>> = (0..6)
                .map(|_| element.iter().map(|of| value(of.width)).collect())
                .collect();
            let layout = p4rmt_engine::WordLayout::new(gress, &fields);
            let mut inputs = vec![0; layout.n_words()];
            for (position, field) in fields.iter().enumerate() {
                let width = gress.fields[*field].width;
                layout.set(&mut inputs, position, &random_value(&mut random, width));
            }
            let wanted = statements.run(register, &elements, &inputs);
            let found = instructions.run(register, &elements, &inputs);
            assert_eq!(
                wanted,
                found,
                "seed {seed} packet {packet} on {}: elements {elements:?}, inputs {inputs:x?}\n{:#?}\n{}",
                target.name,
                unit,
                gress_text(gress),
            );
        }
    }
    eprintln!(
        "{}: {n_fit} fit, {n_inexact} of them not exactly; divider, search, change, cases, wide: {n_uses:?}",
        target.name
    );
    (n_fit, n_uses)
}

#[test]
fn instructions_mean_what_the_statements_say_on_tofino_1() {
    let (n_fit, [.., n_cases, _]) = check("tofino1", Arch::Tna);
    assert!(n_fit > N_PROGRAMS / 5);
    assert!(n_cases > N_PROGRAMS / 100);
}

#[test]
fn instructions_mean_what_the_statements_say_on_tofino_2() {
    let (n_fit, n_uses) = check("tofino2", Arch::T2na);
    assert!(n_fit > N_PROGRAMS / 5);
    assert!(n_uses.iter().all(|n| *n > N_PROGRAMS / 100), "{n_uses:?}");
}
