//! Random expressions of every operator and width: compiled, and as the interpreter computes them.

use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, Interface, Job, Mode, Outcome, Part, State, StateLayout, WordLayout,
};
use p4rmt_interp::Interp;
use p4rmt_ir::build::{GressBuilder, assign, assign_slice, branch, program};
use p4rmt_ir::{
    Arch, BinaryOp, Bits, Expr, FieldId, GressRole, Id, PipeId, Program, Stmt, UnaryOp,
};
use p4rmt_jit::Jit;

/// Numbers that a seed gives.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Often a bound of the width, or near one.
    fn bits(&mut self, width: u32) -> Bits {
        let one = Bits::from_u64(width, 1);
        let near = |value: &Bits, op| Bits::binary(op, value, &one);
        match self.below(6) {
            0 => Bits::zero(width),
            1 => Bits::ones(width),
            2 => near(&Bits::ones(width), BinaryOp::Shl),
            3 => Bits::from_u64(width, self.next() % 70),
            4 => {
                let top = Bits::from_u64(32, u64::from(width) - 1);
                Bits::binary(BinaryOp::Shl, &one, &top)
            }
            _ => {
                let bytes: Vec<u8> = (0..width.div_ceil(8)).map(|_| self.next() as u8).collect();
                Bits::from_bytes_be(width, &bytes)
            }
        }
    }
}

const WIDTHS: &[u32] = &[
    1, 7, 8, 16, 31, 32, 33, 48, 63, 64, 65, 100, 127, 128, 129, 200, 256,
];

const BINARY: &[BinaryOp] = &[
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::DivU,
    BinaryOp::RemU,
    BinaryOp::AddSatU,
    BinaryOp::SubSatU,
    BinaryOp::AddSatS,
    BinaryOp::SubSatS,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
];

const COMPARISONS: &[BinaryOp] = &[
    BinaryOp::Eq,
    BinaryOp::Ne,
    BinaryOp::LtU,
    BinaryOp::LeU,
    BinaryOp::LtS,
    BinaryOp::LeS,
];

/// An expression of this width over fields of all widths.
fn expr(random: &mut Random, fields: &[FieldId], width: u32, depth: u32) -> Expr {
    let sub = |random: &mut Random, width| expr(random, fields, width, depth - 1);
    let leaf = |random: &mut Random, width: u32| {
        let of_width = WIDTHS.iter().position(|known| *known == width);
        match of_width {
            Some(position) if random.below(4) > 0 => {
                // Two fields of each width.
                Expr::Field(fields[position * 2 + random.below(2)])
            }
            Some(_) | None => Expr::Const(random.bits(width)),
        }
    };
    if depth == 0 {
        return leaf(random, width);
    }
    match random.below(11) {
        0 => leaf(random, width),
        1 => {
            let op = random.pick(&[UnaryOp::Not, UnaryOp::Neg]);
            Expr::unary(op, sub(random, width))
        }
        2..=4 => {
            let op = random.pick(BINARY);
            let (left, right) = (sub(random, width), sub(random, width));
            Expr::binary(op, left, right)
        }
        5 => {
            let op = random.pick(&[BinaryOp::Shl, BinaryOp::ShrU, BinaryOp::ShrS]);
            let by = random.pick(WIDTHS);
            let (left, right) = (sub(random, width), sub(random, by));
            Expr::binary(op, left, right)
        }
        6 if width == 1 => {
            let of = random.pick(WIDTHS);
            let op = random.pick(COMPARISONS);
            let (left, right) = (sub(random, of), sub(random, of));
            Expr::binary(op, left, right)
        }
        7 if width > 1 => {
            let low = 1 + random.below(width as usize - 1) as u32;
            let (high, low) = (sub(random, width - low), sub(random, low));
            Expr::binary(BinaryOp::Concat, high, low)
        }
        8 => {
            let wide = random.pick(WIDTHS).max(width);
            let lo = random.below((wide - width) as usize + 1) as u32;
            Expr::slice(sub(random, wide), lo + width - 1, lo)
        }
        9 => {
            let from = random.pick(WIDTHS);
            let is_signed = random.below(2) == 0;
            Expr::resize(sub(random, from), width, is_signed)
        }
        _ => {
            let cond = sub(random, 1);
            let (then, otherwise) = (sub(random, width), sub(random, width));
            Expr::mux(cond, then, otherwise)
        }
    }
}

/// A program that computes a few expressions, some under a condition, some into a part of a field.
fn random_program(random: &mut Random) -> (Program, Vec<FieldId>, Vec<FieldId>) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let mut metadata =
        |name: &str, index: usize, width| gress.intrinsic(&format!("{name}{index}"), width);
    let inputs: Vec<FieldId> = (0..WIDTHS.len() * 2)
        .map(|index| metadata("input", index, WIDTHS[index / 2]))
        .collect();
    let widths: Vec<u32> = (0..6).map(|_| random.pick(WIDTHS)).collect();
    let results: Vec<FieldId> = widths
        .iter()
        .enumerate()
        .map(|(index, width)| metadata("result", index, *width))
        .collect();
    let mut body: Vec<Stmt> = Vec::new();
    for (result, width) in results.iter().zip(widths) {
        let value = expr(random, &inputs, width, 4);
        body.push(match random.below(3) {
            0 => {
                let cond = expr(random, &inputs, 1, 3);
                let other = expr(random, &inputs, width, 2);
                branch(
                    cond,
                    vec![assign(*result, value)],
                    vec![assign(*result, other)],
                )
            }
            1 => {
                let lo = random.below(width as usize) as u32;
                let hi = lo + random.below((width - lo) as usize) as u32;
                assign_slice(*result, hi, lo, Expr::slice(value, hi, lo))
            }
            _ => assign(*result, value),
        });
    }
    (
        program("random", Arch::Tna, [gress.structured(body)]),
        inputs,
        results,
    )
}

/// What a program computes of these inputs.
fn run(
    engine: &dyn Engine,
    program: &Arc<Program>,
    (inputs, watched): (&[FieldId], &[FieldId]),
    values: &[Vec<u64>],
) -> Vec<Outcome> {
    let pipe = PipeId::from_index(0);
    let interface = GressInterface {
        inputs: inputs.to_vec(),
        watched: watched.to_vec(),
        crossing: None,
    };
    let interface = Interface {
        gresses: std::iter::once(interface).collect(),
    };
    let layout = StateLayout::new(Arc::clone(program), pipe).expect("a layout");
    let mut state = State::new(layout).expect("a state");
    let mut instance = engine
        .load(Arc::clone(program), pipe, Mode::Unplaced, interface)
        .expect("it loads");
    let jobs: Vec<Job<'_>> = values
        .iter()
        .map(|inputs| Job {
            bytes: &[],
            prefix_len: 0,
            clock: 0,
            inputs,
            part: Part::Whole,
            phv: &[],
        })
        .collect();
    let mut outcomes = vec![Outcome::default(); jobs.len()];
    let gress = Id::from_index(0);
    instance
        .run(gress, &jobs, &mut outcomes, &mut state, None)
        .expect("it runs");
    outcomes
}

#[test]
fn compiled_expressions_are_what_the_interpreter_computes() {
    for seed in 1..=300 {
        let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
        let (program, inputs, results) = random_program(&mut random);
        let program = Arc::new(program);
        let gress = program.pipes[PipeId::from_index(0)].gresses.values().next();
        let gress = gress.expect("there is one");
        let values: Vec<Vec<u64>> = (0..20)
            .map(|_| {
                let mut words = Vec::new();
                for field in &inputs {
                    WordLayout::push(&mut words, &random.bits(gress.fields[*field].width));
                }
                words
            })
            .collect();
        let fields = (&inputs[..], &results[..]);
        let expected = run(&Interp, &program, fields, &values);
        let found = run(&Jit, &program, fields, &values);
        for (packet, (expected, found)) in expected.iter().zip(&found).enumerate() {
            assert_eq!(expected, found, "seed {seed}, packet {packet}");
        }
    }
}
