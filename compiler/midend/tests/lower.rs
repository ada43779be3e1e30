//! What becomes of single constructs: the text of the tables form, and what is refused.

use p4rmt_ir::build::{
    GressBuilder, add, apply, assign, assign_local, assign_slice, branch, call, constant, eq,
    labeled, leave, local, param, program, stmt,
};
use p4rmt_ir::text::gress_text;
use p4rmt_ir::validate::validate;
use p4rmt_ir::{
    Arch, BinaryOp, Block, CallKind, Expr, FieldId, GressId, GressRole, Id, MatchKind, Outcome,
    PipeId, Program, RegisterActionId, StmtKind,
};
use p4rmt_midend::{MidendError, to_tables};

/// A gress with metadata `a` to `d` of eight bits, a flag, and locals `t` and `u`.
struct Fixture {
    gress: GressBuilder,
    a: FieldId,
    b: FieldId,
    c: FieldId,
    d: FieldId,
    flag: FieldId,
    t: FieldId,
    u: FieldId,
}

fn fixture() -> Fixture {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    Fixture {
        a: gress.metadata("a", 8),
        b: gress.metadata("b", 8),
        c: gress.metadata("c", 8),
        d: gress.metadata("d", 8),
        flag: gress.metadata("flag", 1),
        t: gress.local("t", 8),
        u: gress.local("u", 8),
        gress,
    }
}

impl Fixture {
    /// A register whose action adds the field to the element and gives the element back.
    fn counter(&mut self, name: &str, field: FieldId) -> RegisterActionId {
        let register = self.gress.register(name, 16, &[8]);
        let body = vec![
            assign_local(0, add(local(0, 8), Expr::Field(field))),
            assign_local(1, local(0, 8)),
        ];
        self.gress.register_action(name, register, body)
    }

    fn lowered(self, body: Block) -> Result<Program, Vec<MidendError>> {
        let structured = program("test", Arch::Tna, [self.gress.structured(body)]);
        assert_eq!(validate(&structured), Ok(()));
        let tables = to_tables(&structured)?;
        assert_eq!(validate(&tables), Ok(()));
        Ok(tables)
    }

    /// The actions and the control flow of the tables form are these.
    #[track_caller]
    fn check(self, body: Block, expected: &str) {
        let tables = self.lowered(body).expect("the control has a tables form");
        let gress = &tables.pipes[PipeId::from_index(0)].gresses[GressId::from_index(0)];
        let text = gress_text(gress);
        let is_wanted = ["parallel action", "gateway", "tables"];
        let mut shown = String::new();
        let mut inside = false;
        for line in text.lines() {
            inside |= is_wanted.iter().any(|start| line.starts_with(start));
            if inside {
                let code = line.split("  //").next().expect("a line has a start");
                shown.push_str(code);
                shown.push('\n');
            }
            inside &= !line.starts_with('}') && !line.starts_with("gateway");
        }
        assert_eq!(shown.trim(), expected.trim(), "\n{shown}");
    }

    #[track_caller]
    fn refuse(self, body: Block, expected: &str) {
        let errors = self
            .lowered(body)
            .expect_err("the control has no tables form");
        let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(texts.join("\n"), expected);
    }
}

fn field(field: FieldId) -> Expr {
    Expr::Field(field)
}

fn run(action: RegisterActionId, index: u64) -> CallKind {
    CallKind::RegisterAction {
        action,
        index: Some(constant(4, index)),
    }
}

#[test]
fn independent_assignments_share_a_table() {
    let f = fixture();
    let (a, b, c, d) = (f.a, f.b, f.c, f.d);
    f.check(
        vec![
            assign(a, field(b)),
            assign(c, add(field(d), constant(8, 1))),
        ],
        r"
parallel action a0[] {
  f0 = f1
  f2 = (f3 + 8w0x1)
}
tables {
  t0
}
",
    );
}

#[test]
fn a_value_that_is_read_at_once_is_put_in_its_place() {
    let f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    f.check(
        vec![
            assign(a, add(field(b), constant(8, 1))),
            assign(c, field(a)),
            assign(b, field(c)),
        ],
        r"
parallel action a0[] {
  f0 = (f1 + 8w0x1)
  f2 = (f1 + 8w0x1)
  f1 = (f1 + 8w0x1)
}
tables {
  t0
}
",
    );
}

#[test]
fn two_operations_in_a_row_are_two_tables() {
    let f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    f.check(
        vec![
            assign(a, add(field(b), constant(8, 1))),
            assign(c, add(field(a), field(b))),
        ],
        r"
parallel action a0[] {
  f0 = (f1 + 8w0x1)
}
parallel action a1[] {
  f2 = (f0 + f1)
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn slices_are_assembled() {
    let f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    f.check(
        vec![
            assign_slice(a, 3, 0, Expr::slice(field(b), 7, 4)),
            assign(c, field(a)),
        ],
        r"
parallel action a0[] {
  f0[3:0] = f1[7:4]
  f2 = (f0[7:4] ++ f1[7:4])
}
tables {
  t0
}
",
    );
}

#[test]
fn dead_locals_go() {
    let f = fixture();
    let (a, b, t, u) = (f.a, f.b, f.t, f.u);
    f.check(
        vec![
            assign(t, add(field(b), constant(8, 1))),
            assign(u, field(t)),
            assign(a, field(u)),
        ],
        r"
parallel action a0[] {
  f0 = (f1 + 8w0x1)
}
tables {
  t0
}
",
    );
}

/// No deparser emits a header that nothing makes valid; nor is one of any use to it that it does not have.
#[test]
fn writes_to_headers_that_are_never_valid_are_dead() {
    let mut f = fixture();
    let (a, b) = (f.a, f.b);
    let (absent, absent_fields) = f.gress.header("hdr.absent", &[("x", 8)]);
    let (present, present_fields) = f.gress.header("hdr.present", &[("x", 8)]);
    f.gress.extract(present);
    let never = f.gress.gress.headers[absent].valid;
    f.check(
        vec![
            assign(never, constant(1, 0)),
            assign(absent_fields[0], field(a)),
            assign(present_fields[0], field(b)),
        ],
        r"
parallel action a0[] {
  f9 = f1
}
tables {
  t0
}
",
    );
}

#[test]
fn a_directly_called_action_stays_together() {
    let mut f = fixture();
    let (a, b, c, d) = (f.a, f.b, f.c, f.d);
    let counter = f.counter("counter", d);
    let label = f.gress.label();
    f.check(
        vec![
            assign(a, add(field(b), constant(8, 1))),
            labeled(
                label,
                vec![
                    call(run(counter, 3), [c]),
                    assign(b, constant(8, 7)),
                    assign(d, add(field(a), field(c))),
                ],
            ),
        ],
        r"
parallel action a0[] {
  f0 = (f1 + 8w0x1)
}
parallel action a1[] {
  local l0: bit<8>
  l0 = run ra0[4w0x3]
  f2 = l0
  f1 = 8w0x7
  f3 = (f0 + l0)
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn registers_do_not_share_a_table() {
    let mut f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    let first = f.counter("first", c);
    let second = f.counter("second", c);
    f.check(
        vec![call(run(first, 1), [a]), call(run(second, 2), [b])],
        r"
parallel action a0[] {
  local l0: bit<8>
  l0 = run ra0[4w0x1]
  f0 = l0
}
parallel action a1[] {
  local l0: bit<8>
  l0 = run ra1[4w0x2]
  f1 = l0
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn a_register_action_waits_for_what_it_reads() {
    let mut f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    let counter = f.counter("counter", c);
    f.check(
        vec![assign(c, field(b)), call(run(counter, 1), [a])],
        r"
parallel action a0[] {
  f2 = f1
}
parallel action a1[] {
  local l0: bit<8>
  l0 = run ra0[4w0x1]
  f0 = l0
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn a_hash_can_be_an_index_at_once() {
    let mut f = fixture();
    let (a, b, c, t) = (f.a, f.b, f.c, f.t);
    let counter = f.counter("counter", c);
    let hash = f.gress.hash("hash", 8);
    let args = vec![field(a), field(b)];
    let index = Some(Expr::slice(field(t), 3, 0));
    f.check(
        vec![
            call(CallKind::Hash { hash, args }, [t]),
            call(
                CallKind::RegisterAction {
                    action: counter,
                    index,
                },
                [a],
            ),
        ],
        r"
parallel action a0[] {
  local l0: bit<8>
  local l1: bit<8>
  l0 = hash0[f0, f1]
  l1 = run ra0[l0[3:0]]
  f0 = l1
}
tables {
  t0
}
",
    );
}

#[test]
fn neighbours_with_different_inputs_part_where_that_makes_the_chain_shorter() {
    let f = fixture();
    let (a, b, c, d) = (f.a, f.b, f.c, f.d);
    let two_more = |out, from| {
        [
            assign(out, add(field(from), constant(8, 1))),
            assign(out, add(field(out), field(out))),
        ]
    };
    // Two chains of two; what is in the middle belongs to both.
    let body = [two_more(a, b), two_more(c, d)].concat();
    f.check(
        body,
        r"
parallel action a0[] {
  f0 = (f1 + 8w0x1)
}
parallel action a1[] {
  f2 = (f3 + 8w0x1)
}
parallel action a2[] {
  f2 = (f2 + f2)
}
parallel action a3[] {
  f0 = (f0 + f0)
}
tables {
  t0
  t1
  t3
  t2
}
",
    );
}

#[test]
fn a_comparison_that_is_stored_becomes_a_gateway() {
    let f = fixture();
    let (a, b, flag) = (f.a, f.b, f.flag);
    f.check(
        vec![assign(flag, eq(field(a), field(b)))],
        r"
parallel action a0[] {
  f4 = 1w0x1
}
parallel action a1[] {
  f4 = 1w0x0
}
gateway g0 = (f0 == f1)
tables {
  if g0 {
    t0
  } else {
    t1
  }
}
",
    );
}

#[test]
fn a_minimum_is_one_operation() {
    let f = fixture();
    let (a, b, c) = (f.a, f.b, f.c);
    let is_less = Expr::binary(BinaryOp::LtU, field(a), field(b));
    f.check(
        vec![assign(c, Expr::mux(is_less, field(a), field(b)))],
        r"
parallel action a0[] {
  f2 = ((f0 < f1) ? f0 : f1)
}
tables {
  t0
}
",
    );
}

#[test]
fn a_result_and_a_constant_are_not_added_at_once() {
    let mut f = fixture();
    let (a, b, c, d) = (f.a, f.b, f.c, f.d);
    let counter = f.counter("counter", d);
    f.check(
        vec![
            call(run(counter, 1), [a]),
            assign(b, add(field(a), constant(8, 1))),
            assign(c, add(field(a), field(d))),
        ],
        r"
parallel action a0[] {
  local l0: bit<8>
  l0 = run ra0[4w0x1]
  f0 = l0
}
parallel action a1[] {
  f1 = (f0 + 8w0x1)
  f2 = (f0 + f3)
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn computed_keys_are_computed_before() {
    let mut f = fixture();
    let (a, b) = (f.a, f.b);
    let nothing = f.gress.action("nothing", &[], vec![]);
    let keys = [
        (field(a), MatchKind::Exact),
        (Expr::slice(field(a), 3, 0), MatchKind::Exact),
        (
            Expr::binary(BinaryOp::And, constant(8, 0xf0), field(b)),
            MatchKind::Ternary,
        ),
        (add(field(a), field(b)), MatchKind::Exact),
    ];
    let table = f.gress.table("table", &keys, &[nothing]);
    let lowered = f
        .lowered(vec![apply(table, [])])
        .expect("it has a tables form");
    let gress = &lowered.pipes[PipeId::from_index(0)].gresses[GressId::from_index(0)];
    let keys = gress
        .tables
        .values()
        .next()
        .expect("there is one")
        .keys
        .iter();
    let keys: Vec<String> = keys.map(|key| key.expr.to_string()).collect();
    assert_eq!(keys, ["f0", "f0[3:0]", "(f1 & 8w0xf0)", "f7"]);
    assert_eq!(gress.tables.len(), 2);
}

#[test]
fn what_follows_a_branch_that_leaves_goes_into_the_other() {
    let mut f = fixture();
    let (a, b, flag) = (f.a, f.b, f.flag);
    let nothing = f.gress.action("nothing", &[], vec![]);
    let table = f
        .gress
        .table("table", &[(field(a), MatchKind::Exact)], &[nothing]);
    f.check(
        vec![
            branch(
                field(flag),
                vec![assign(b, constant(8, 1)), stmt(StmtKind::Exit)],
                vec![],
            ),
            apply(table, [(Outcome::Hit, vec![stmt(StmtKind::Exit)])]),
            assign(b, constant(8, 2)),
        ],
        r"
parallel action a0[] {
}
parallel action a1[] {
  f1 = 8w0x1
}
parallel action a2[] {
  f1 = 8w0x2
}
gateway g0 = f4
tables {
  if g0 {
    t1
  } else {
    t0 {
      on miss {
        t2
      }
    }
  }
}
",
    );
}

#[test]
fn a_guard_stands_where_several_branches_go_on() {
    let mut f = fixture();
    let (a, b, c, flag) = (f.a, f.b, f.c, f.flag);
    let label = f.gress.label();
    let is_one = eq(field(a), constant(8, 1));
    f.check(
        vec![labeled(
            label,
            vec![
                branch(
                    field(flag),
                    vec![branch(is_one, vec![leave(label)], vec![])],
                    vec![],
                ),
                assign(b, constant(8, 2)),
                assign(c, constant(8, 3)),
            ],
        )],
        r"
parallel action a0[] {
  f7 = 1w0x1
}
parallel action a1[] {
  f1 = 8w0x2
  f2 = 8w0x3
}
gateway g0 = f4
gateway g1 = (f0 == 8w0x1)
gateway g2 = ~f7
tables {
  if g0 {
    if g1 {
      t0
    }
  }
  if g2 {
    t1
  }
}
",
    );
}

#[test]
fn an_action_is_parallel() {
    let mut f = fixture();
    let (a, b, c, d) = (f.a, f.b, f.c, f.d);
    let counter = f.counter("counter", d);
    let swap = f.gress.action(
        "swap",
        &[8],
        vec![
            assign(f.t, field(a)),
            assign(a, field(b)),
            assign(b, field(f.t)),
            call(run(counter, 1), [c]),
            branch(field(f.flag), vec![assign(a, param(0, 8))], vec![]),
            stmt(StmtKind::Exit),
        ],
    );
    let table = f
        .gress
        .table("table", &[(field(a), MatchKind::Exact)], &[swap]);
    f.check(
        vec![apply(table, [])],
        r"
parallel action a0[bit<8>] {
  local l0: bit<8>
  l0 = run ra0[4w0x1]
  f0 = (f4 ? p0 : f1)
  f1 = f0
  f2 = l0
  exit
}
tables {
  t0
}
",
    );
}

#[test]
fn guards_in_actions_start_at_zero_each_time() {
    let mut f = fixture();
    let (a, b, flag) = (f.a, f.b, f.flag);
    let label = f.gress.label();
    let is_one = eq(field(a), constant(8, 1));
    let body = vec![labeled(
        label,
        vec![
            branch(
                field(flag),
                vec![branch(is_one, vec![leave(label)], vec![])],
                vec![],
            ),
            assign(b, constant(8, 2)),
        ],
    )];
    let action = f.gress.action("action", &[], body);
    let first = f
        .gress
        .table("first", &[(field(a), MatchKind::Exact)], &[action]);
    let second = f
        .gress
        .table("second", &[(field(a), MatchKind::Exact)], &[action]);
    f.check(
        vec![apply(first, []), apply(second, [])],
        r"
parallel action a0[] {
  f1 = ((f4 & (f0 == 8w0x1)) ? f1 : 8w0x2)
}
tables {
  t0
  t1
}
",
    );
}

#[test]
fn tables_that_are_not_applied_go() {
    let mut f = fixture();
    let (a, d, flag) = (f.a, f.d, f.flag);
    let counter = f.counter("counter", d);
    // Nothing may refuse what never runs.
    let bad = vec![branch(
        field(flag),
        vec![call(run(counter, 1), [a])],
        vec![],
    )];
    let bad = f.gress.action("bad", &[], bad);
    f.gress
        .table("idle", &[(field(a), MatchKind::Exact)], &[bad]);
    f.check(
        vec![],
        r"
parallel action a0[] {
}
tables {
}
",
    );
}

#[test]
fn calls_under_a_condition_in_an_action_are_refused() {
    let mut f = fixture();
    let (a, d, flag) = (f.a, f.d, f.flag);
    let counter = f.counter("counter", d);
    let body = vec![branch(
        field(flag),
        vec![call(run(counter, 1), [a])],
        vec![],
    )];
    let action = f.gress.action("act", &[], body);
    let table = f.gress.table("table", &[], &[action]);
    f.refuse(
        vec![apply(table, [])],
        "action `act` calls `counter` under a condition, but runs all of its calls",
    );
}

#[test]
fn exits_under_a_condition_in_an_action_are_refused() {
    let mut f = fixture();
    let body = vec![branch(field(f.flag), vec![stmt(StmtKind::Exit)], vec![])];
    let action = f.gress.action("act", &[], body);
    let table = f.gress.table("table", &[], &[action]);
    f.refuse(
        vec![apply(table, [])],
        "action `act` exits under a condition",
    );
}

#[test]
fn register_actions_that_read_what_their_action_wrote_are_refused() {
    let mut f = fixture();
    let (a, d) = (f.a, f.d);
    let counter = f.counter("counter", d);
    let body = vec![assign(d, constant(8, 1)), call(run(counter, 1), [a])];
    let action = f.gress.action("act", &[], body);
    let table = f.gress.table("table", &[], &[action]);
    f.refuse(
        vec![apply(table, [])],
        "action `act` writes `d` and then runs `counter`, which reads it as it was before the action",
    );
}

#[test]
fn loops_are_refused() {
    let mut f = fixture();
    let label = f.gress.label();
    let body = vec![stmt(StmtKind::Loop {
        label,
        body: vec![leave(label)],
    })];
    f.refuse(
        body,
        "this loop turns as often as a packet says, and no packet passes a table twice",
    );
}

#[test]
fn a_table_at_the_ends_of_all_branches_moves_behind_them() {
    let mut f = fixture();
    let (a, b, flag) = (f.a, f.b, f.flag);
    let nothing = f.gress.action("nothing", &[], vec![]);
    let keys = [(field(a), MatchKind::Exact)];
    let first = f.gress.table("first", &keys, &[nothing]);
    let second = f.gress.table("second", &keys, &[nothing]);
    f.check(
        vec![
            branch(
                field(flag),
                vec![
                    assign(a, constant(8, 1)),
                    apply(first, []),
                    apply(second, []),
                ],
                vec![
                    assign(a, constant(8, 2)),
                    apply(first, []),
                    apply(second, []),
                ],
            ),
            assign(b, constant(8, 3)),
        ],
        r"
parallel action a0[] {
}
parallel action a1[] {
  f0 = 8w0x1
}
parallel action a2[] {
  f0 = 8w0x2
}
parallel action a3[] {
  f1 = 8w0x3
}
gateway g0 = f4
tables {
  if g0 {
    t2
  } else {
    t3
  }
  t0
  t1
  t4
}
",
    );
}

#[test]
fn a_table_at_the_ends_of_some_branches_moves_under_a_guard() {
    let mut f = fixture();
    let (a, b, flag) = (f.a, f.b, f.flag);
    let nothing = f.gress.action("nothing", &[], vec![]);
    let keys = [(field(a), MatchKind::Exact)];
    let first = f.gress.table("first", &keys, &[nothing]);
    let second = f.gress.table("second", &keys, &[nothing]);
    let is_two = eq(field(b), constant(8, 2));
    f.check(
        vec![branch(
            field(flag),
            vec![
                assign(a, constant(8, 1)),
                apply(first, []),
                apply(second, []),
            ],
            vec![branch(
                is_two,
                vec![apply(second, [])],
                vec![apply(first, [])],
            )],
        )],
        r"
parallel action a0[] {
}
parallel action a1[] {
  f0 = 8w0x1
  f8 = 1w0x1
  f7 = 1w0x1
}
parallel action a2[] {
  f7 = 1w0x1
}
parallel action a3[] {
  f8 = 1w0x1
}
gateway g0 = f4
gateway g1 = (f1 == 8w0x2)
gateway g2 = f8
gateway g3 = f7
tables {
  if g0 {
    t2
  } else {
    if g1 {
      t3
    } else {
      t4
    }
  }
  if g2 {
    t0
  }
  if g3 {
    t1
  }
}
",
    );
}

#[test]
fn a_table_does_not_move_across_statements() {
    let mut f = fixture();
    let (a, flag) = (f.a, f.flag);
    let nothing = f.gress.action("nothing", &[], vec![]);
    let table = f.gress.table("table", &[], &[nothing]);
    f.refuse(
        vec![branch(
            field(flag),
            vec![apply(table, []), assign(a, constant(8, 1))],
            vec![apply(table, [])],
        )],
        "table `table` is applied twice",
    );
}

#[test]
fn direct_units_outside_of_tables_are_refused() {
    let mut f = fixture();
    let (a, d) = (f.a, f.d);
    let action = f.counter("counter", d);
    let register = f.gress.gress.register_actions[action].register;
    f.gress.gress.registers[register].size = 0;
    let kind = CallKind::RegisterAction {
        action,
        index: None,
    };
    f.refuse(
        vec![call(kind, [a])],
        "a direct register has a cell for each entry of a table, and is used outside the table's \
         actions",
    );
}

#[test]
fn tables_applied_twice_are_refused() {
    let mut f = fixture();
    let nothing = f.gress.action("nothing", &[], vec![]);
    let table = f.gress.table("table", &[], &[nothing]);
    f.refuse(
        vec![apply(table, []), apply(table, [])],
        "table `table` is applied twice",
    );
}

#[test]
fn registers_touched_twice_are_refused_but_not_on_two_branches() {
    let touch_on = |both_branches: bool| {
        let mut f = fixture();
        let (a, b, d, flag) = (f.a, f.b, f.d, f.flag);
        let counter = f.counter("counter", d);
        let first = call(run(counter, 1), [a]);
        let second = call(run(counter, 2), [b]);
        let body = if both_branches {
            vec![branch(field(flag), vec![first], vec![second])]
        } else {
            vec![branch(field(flag), vec![first], vec![]), second]
        };
        f.lowered(body).map_err(|errors| errors[0].to_string())
    };
    assert!(touch_on(true).is_ok());
    assert_eq!(
        touch_on(false).expect_err("it is touched twice"),
        "a packet can touch register `counter` twice"
    );
}

#[test]
fn values_that_grow_without_bound_are_refused() {
    let mut f = fixture();
    let a = f.a;
    let body = vec![assign(a, add(field(a), field(a))); 64];
    let action = f.gress.action("act", &[], body);
    let table = f.gress.table("table", &[], &[action]);
    f.refuse(
        vec![apply(table, [])],
        "a value depends on more than 2000 operands and operators at once",
    );
}

#[test]
fn many_early_ends_are_refused_not_nested() {
    let f = fixture();
    let (a, flag) = (f.a, f.flag);
    let early = branch(field(flag), vec![stmt(StmtKind::Exit)], vec![]);
    let body = vec![vec![assign(a, constant(8, 1)), early]; 5_000].concat();
    f.refuse(body, "branches nest more than 256 deep");
}
