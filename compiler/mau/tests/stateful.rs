//! Each rule of the stateful ALU: one register action that is just possible, one that is not.

use p4rmt_ir::build::{GressBuilder, add, assign_local, branch, constant, eq, local};
use p4rmt_ir::{BinaryOp, Block, Expr, FieldId, Gress, GressRole, RegisterActionId, RegisterId};
use p4rmt_mau::Target;
use p4rmt_mau::salu::map_register;

/// A register with elements of these widths, and three 32-bit and one 64-bit field.
struct Maker {
    builder: GressBuilder,
    register: RegisterId,
    actions: Vec<RegisterActionId>,
    fields: Vec<FieldId>,
}

impl Maker {
    fn new(widths: &[u32]) -> Self {
        let mut builder = GressBuilder::new(GressRole::Ingress);
        let fields = ["a", "b", "c"]
            .map(|name| builder.metadata(name, 32))
            .to_vec();
        let register = builder.register("reg", 1024, widths);
        Self {
            builder,
            register,
            actions: Vec::new(),
            fields,
        }
    }

    fn field(&self, index: usize) -> Expr {
        Expr::Field(self.fields[index])
    }

    fn action(&mut self, body: Block) {
        let name = format!("act{}", self.actions.len());
        self.actions
            .push(self.builder.register_action(&name, self.register, body));
    }

    /// Codes of what is refused on a target.
    fn codes(self, target: &str) -> Vec<&'static str> {
        let target = Target::built_in(target).expect("it comes with the compiler");
        let gress: Gress = self.builder.gress;
        let mapped = map_register(self.register, &self.actions, &gress, &target);
        mapped
            .err()
            .unwrap_or_default()
            .iter()
            .map(|located| located.problem.code().0)
            .collect()
    }
}

/// Memory and output of a register of one 32-bit value.
fn memory() -> Expr {
    local(0, 32)
}

const OUTPUT: usize = 1;

#[track_caller]
fn check_on(target: &str, widths: &[u32], body: impl FnOnce(&Maker) -> Block, expected: &[&str]) {
    let mut maker = Maker::new(widths);
    let body = body(&maker);
    maker.action(body);
    assert_eq!(maker.codes(target), expected);
}

#[track_caller]
fn check(body: impl FnOnce(&Maker) -> Block, expected: &[&str]) {
    check_on("tofino2", &[32], body, expected);
}

fn less(lhs: Expr, rhs: Expr) -> Expr {
    Expr::binary(BinaryOp::LtU, lhs, rhs)
}

#[test]
fn an_element_is_one_value_or_a_pair_of_equal_ones() {
    check_on("tofino2", &[32], |_| vec![], &[]);
    check_on("tofino2", &[64, 64], |_| vec![], &[]);
    check_on("tofino1", &[64, 64], |_| vec![], &["E0524"]);
    check_on("tofino2", &[24], |_| vec![], &["E0524"]);
    check_on("tofino2", &[16, 32], |_| vec![], &["E0524"]);
    check_on("tofino2", &[8, 8, 8], |_| vec![], &["E0524"]);
}

#[test]
fn a_register_has_four_actions() {
    for (n_actions, expected) in [(4, vec![]), (5, vec!["E0520"])] {
        let mut maker = Maker::new(&[32]);
        for _ in 0..n_actions {
            maker.action(vec![]);
        }
        assert_eq!(maker.codes("tofino2"), expected);
    }
}

#[test]
fn all_actions_of_a_register_read_two_fields() {
    for (fields, expected) in [([0, 1], vec![]), ([1, 2], vec!["E0521"])] {
        let mut maker = Maker::new(&[32]);
        maker.action(vec![assign_local(0, add(memory(), maker.field(0)))]);
        let more = fields.map(|field| add(memory(), maker.field(field)));
        for value in more {
            maker.action(vec![assign_local(0, value)]);
        }
        assert_eq!(maker.codes("tofino2"), expected);
    }
}

#[test]
fn an_operand_is_no_wider_than_the_element() {
    let read = |maker: &Maker| vec![assign_local(0, Expr::resize(maker.field(0), 32, false))];
    check_on("tofino2", &[32], read, &[]);
    let narrow = |maker: &Maker| {
        vec![branch(
            eq(maker.field(0), constant(32, 1)),
            vec![assign_local(0, constant(16, 1))],
            vec![],
        )]
    };
    check_on("tofino2", &[16], narrow, &["E0522"]);
}

#[test]
fn action_data_do_not_reach_a_stateful_alu() {
    check(
        |_| vec![assign_local(0, p4rmt_ir::build::param(0, 32))],
        &["E0530"],
    );
}

#[test]
fn tofino_2_has_four_comparators_tofino_1_two() {
    let nested = |n: u64| {
        move |_: &Maker| -> Block {
            (0..n)
                .map(|value| {
                    branch(
                        eq(memory(), constant(32, value)),
                        vec![assign_local(OUTPUT, memory())],
                        vec![],
                    )
                })
                .collect()
        }
    };
    check_on("tofino2", &[32], nested(4), &[]);
    check_on("tofino2", &[32], nested(5), &["E0525"]);
    check_on("tofino1", &[32], nested(2), &[]);
    check_on("tofino1", &[32], nested(3), &["E0525"]);
}

#[test]
fn a_comparison_and_its_negation_are_one() {
    let body = |maker: &Maker| {
        let at_least = Expr::binary(BinaryOp::LeU, maker.field(0), memory());
        vec![
            branch(
                less(memory(), maker.field(0)),
                vec![assign_local(0, constant(32, 0))],
                vec![],
            ),
            branch(at_least, vec![assign_local(OUTPUT, local(1, 32))], vec![]),
        ]
    };
    check_on("tofino1", &[32], body, &[]);
}

#[test]
fn a_comparison_is_of_memory_one_field_and_constants() {
    let test = |cond: fn(&Maker) -> Expr| {
        move |maker: &Maker| {
            vec![branch(
                cond(maker),
                vec![assign_local(0, constant(32, 0))],
                vec![],
            )]
        }
    };
    check(
        test(|m| {
            less(
                Expr::binary(BinaryOp::Sub, m.field(0), memory()),
                constant(32, 9),
            )
        }),
        &[],
    );
    check(
        test(|m| less(add(m.field(0), m.field(1)), memory())),
        &["E0533"],
    );
}

#[test]
fn a_value_is_one_operation_on_values_before_the_call() {
    check(|m| vec![assign_local(0, add(memory(), m.field(0)))], &[]);
    check(
        |m| {
            vec![assign_local(
                0,
                add(add(memory(), m.field(0)), constant(32, 1)),
            )]
        },
        &["E0530"],
    );
    // The second statement reads what the first one wrote.
    let chained = |m: &Maker| {
        let again = add(memory(), m.field(0));
        vec![assign_local(0, again.clone()), assign_local(0, again)]
    };
    check(chained, &["E0530"]);
}

#[test]
fn fields_are_not_added_to_each_other() {
    check(
        |m| vec![assign_local(0, add(m.field(0), m.field(1)))],
        &["E0533"],
    );
}

#[test]
fn a_value_has_two_alternatives() {
    let cases = |n: u64| {
        move |_: &Maker| -> Block {
            (0..n)
                .map(|value| {
                    let next = vec![assign_local(0, constant(32, value + 10))];
                    branch(eq(memory(), constant(32, value)), next, vec![])
                })
                .collect()
        }
    };
    // Statements run in order, so later conditions would see what earlier ones wrote.
    let flat = |_: &Maker| {
        let second = branch(
            eq(memory(), constant(32, 1)),
            vec![assign_local(0, constant(32, 11))],
            vec![],
        );
        let first = vec![assign_local(0, constant(32, 10))];
        vec![branch(eq(memory(), constant(32, 0)), first, vec![second])]
    };
    check(flat, &[]);
    check(cases(1), &[]);
    let three = |maker: &Maker| {
        let third = branch(
            eq(memory(), constant(32, 2)),
            vec![assign_local(0, maker.field(0))],
            vec![],
        );
        let second = vec![assign_local(0, constant(32, 11))];
        let rest = branch(eq(memory(), constant(32, 1)), second, vec![third]);
        let first = vec![assign_local(0, constant(32, 10))];
        vec![branch(eq(memory(), constant(32, 0)), first, vec![rest])]
    };
    check(three, &["E0529"]);
}

#[test]
fn a_call_computes_two_values() {
    // Memory, and one value more to return.
    check(
        |m| vec![assign_local(OUTPUT, add(memory(), m.field(0)))],
        &[],
    );
    // A pair is two values already.
    let pair = |m: &Maker| vec![assign_local(2, add(local(0, 32), m.field(0)))];
    check_on("tofino2", &[32, 32], pair, &["E0527"]);
    // What is written is at hand.
    let written = |m: &Maker| {
        let sum = add(local(0, 32), m.field(0));
        vec![assign_local(0, sum), assign_local(2, local(0, 32))]
    };
    check_on("tofino2", &[32, 32], written, &[]);
}

#[test]
fn there_are_no_shifts_and_products() {
    let with = |op: BinaryOp| {
        move |_: &Maker| vec![assign_local(0, Expr::binary(op, memory(), constant(32, 1)))]
    };
    check(with(BinaryOp::Sub), &[]);
    check(with(BinaryOp::ShrU), &["E0531"]);
    check(with(BinaryOp::Mul), &["E0531"]);
}

#[test]
fn arithmetic_has_32_bits() {
    let sum = |width: u32| {
        move |_: &Maker| vec![assign_local(0, add(local(0, width), constant(width, 1)))]
    };
    check_on("tofino2", &[32], sum(32), &[]);
    check_on("tofino2", &[64], sum(64), &["E0532"]);
}
