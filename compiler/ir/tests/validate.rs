//! Each rule of the validator with a program that keeps it and one that breaks it.

use p4rmt_ir::build::{
    GressBuilder, apply, assign, assign_local, assign_slice, branch, call, constant, eq, labeled,
    leave, local, param, program, stmt,
};
use p4rmt_ir::validate::{Rule, validate};
use p4rmt_ir::{
    ActionCall, ActionId, Arch, Arena, Bits, Block, Body, Call, CallKind, Case, ChecksumOp,
    CountKind, Counter, Entry, Expr, FieldId, FieldKind, Gateway, Gress, GressRole, Id, KeySet,
    LaneExpr, LaneOp, LanePart, Local, Match, MatchKind, Node, Outcome, ParallelAction,
    ParallelAssign, Place, RegisterActionId, StmtKind, TableId, Tables, Target, Transition,
};
use p4rmt_source::Span;

/// The rules that a gress breaks.
fn broken(gress: Gress) -> Vec<Rule> {
    match validate(&program("test", Arch::Tna, [gress])) {
        Ok(()) => Vec::new(),
        Err(violations) => violations
            .into_iter()
            .map(|violation| violation.rule)
            .collect(),
    }
}

#[track_caller]
fn accept(gress: Gress) {
    assert_eq!(broken(gress), []);
}

/// One rule is broken, with this text.
#[track_caller]
fn refuse(gress: Gress, expected: &str) {
    let texts: Vec<String> = broken(gress).iter().map(ToString::to_string).collect();
    assert_eq!(texts, [expected]);
}

/// A gress with fields `f0` and `f1` of eight bits and `f2` of one.
fn fixture() -> (GressBuilder, [FieldId; 3]) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let fields = [
        gress.metadata("a", 8),
        gress.metadata("b", 8),
        gress.metadata("flag", 1),
    ];
    (gress, fields)
}

/// A structured control over the fields.
fn control(make: impl Fn(&mut GressBuilder, [FieldId; 3]) -> Block) -> Gress {
    let (mut gress, fields) = fixture();
    let body = make(&mut gress, fields);
    gress.structured(body)
}

/// The same value behind an id that no arena has.
fn unknown<I: Id>() -> I {
    I::from_index(99)
}

fn field(field: FieldId) -> Expr {
    Expr::Field(field)
}

#[test]
fn ids_must_exist() {
    accept(control(|_, [a, b, _]| vec![assign(a, field(b))]));
    refuse(
        control(|_, [a, ..]| vec![assign(a, field(unknown()))]),
        "`f99` does not exist",
    );
    refuse(
        control(|_, _| vec![assign(unknown(), constant(8, 1))]),
        "`f99` does not exist",
    );
    refuse(
        control(|_, _| vec![apply(unknown(), [])]),
        "`t99` does not exist",
    );
    refuse(
        control(|_, [a, ..]| {
            let (action, index) = (unknown(), None);
            vec![call(CallKind::RegisterAction { action, index }, [a])]
        }),
        "`ra99` does not exist",
    );
}

#[test]
fn fields_have_a_width() {
    let with_width = |width| {
        control(move |gress, _| {
            gress.metadata("other", width);
            vec![]
        })
    };
    accept(with_width(2048));
    refuse(with_width(0), "a width of 0 bits is not between 1 and 2048");
    refuse(
        with_width(2049),
        "a width of 2049 bits is not between 1 and 2048",
    );
}

#[test]
fn a_value_is_as_wide_as_its_place() {
    accept(control(|_, [a, ..]| {
        vec![assign_slice(a, 3, 1, constant(3, 1))]
    }));
    refuse(
        control(|_, [a, ..]| vec![assign_slice(a, 3, 1, constant(4, 1))]),
        "a value is 4 bits wide where 3 are needed",
    );
}

#[test]
fn operands_are_equally_wide() {
    accept(control(|_, [a, b, flag]| {
        vec![assign(flag, eq(field(a), field(b)))]
    }));
    refuse(
        control(|_, [a, _, flag]| vec![assign(flag, eq(field(a), field(flag)))]),
        "a right operand is 1 bits wide where 8 are needed",
    );
    refuse(
        control(|_, [a, b, flag]| vec![assign(a, Expr::mux(field(flag), field(b), field(flag)))]),
        "a choice is 1 bits wide where 8 are needed",
    );
}

#[test]
fn conditions_are_one_bit() {
    accept(control(|_, [.., flag]| {
        vec![branch(field(flag), vec![], vec![])]
    }));
    refuse(
        control(|_, [a, ..]| vec![branch(field(a), vec![], vec![])]),
        "a condition is 8 bits wide where 1 are needed",
    );
}

#[test]
fn slices_are_inside() {
    let slice = |hi, lo| {
        control(move |gress, [a, ..]| {
            let out = gress.metadata("out", 1);
            vec![assign(out, Expr::slice(field(a), hi, lo))]
        })
    };
    accept(slice(7, 7));
    refuse(slice(8, 8), "bits 8 down to 8 are not inside 8 bits");
    refuse(slice(2, 3), "bits 2 down to 3 are not inside 8 bits");
    refuse(
        control(|_, [a, ..]| vec![assign_slice(a, 8, 8, constant(1, 0))]),
        "bits 8 down to 8 are not inside 8 bits",
    );
}

#[test]
fn parameters_are_those_of_the_action() {
    let with = |index, width| {
        control(move |gress, [a, ..]| {
            let value = Expr::resize(param(index, width), 8, false);
            gress.action("action", &[4], vec![assign(a, value)]);
            vec![]
        })
    };
    accept(with(0, 4));
    refuse(with(1, 4), "`p1` does not exist");
    refuse(with(0, 5), "a parameter is 5 bits wide where 4 are needed");
    refuse(
        control(|_, [a, ..]| vec![assign(a, param(0, 8))]),
        "`p0` does not exist",
    );
}

#[test]
fn looking_ahead_is_for_parsers() {
    let ahead = Expr::Lookahead {
        offset: 0,
        width: 8,
    };
    let (mut builder, [a, ..]) = fixture();
    let start = builder.gress.parser.start;
    builder.gress.parser.states[start].body = vec![assign(a, ahead.clone())];
    accept(builder.structured(vec![]));
    refuse(
        control(|_, [a, ..]| vec![assign(a, ahead.clone())]),
        "a look ahead has no meaning in a control",
    );
}

#[test]
fn statements_stand_where_they_have_a_meaning() {
    let (mut builder, _) = fixture();
    let (header, _) = builder.header("h", &[("x", 8)]);
    let extract = stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    });
    let emit = stmt(StmtKind::Emit { header });
    let start = builder.gress.parser.start;
    let mut good = builder.clone();
    good.gress.parser.states[start].body = vec![extract.clone()];
    good.gress.deparser.body = vec![emit.clone()];
    accept(good.structured(vec![stmt(StmtKind::Exit)]));

    refuse(
        builder.clone().structured(vec![extract]),
        "`extract` has no meaning in a control",
    );
    refuse(
        builder.clone().structured(vec![emit]),
        "`emit` has no meaning in a control",
    );
    builder.gress.deparser.body = vec![stmt(StmtKind::Exit)];
    refuse(
        builder.structured(vec![]),
        "`exit` has no meaning in a deparser",
    );
}

#[test]
fn calls_stand_where_they_have_a_meaning() {
    let (mut builder, [a, ..]) = fixture();
    let hash = builder.hash("hash", 8);
    let hashing = call(CallKind::Hash { hash, args: vec![] }, [a]);
    accept(builder.clone().structured(vec![hashing.clone()]));
    builder.gress.deparser.body = vec![hashing];
    refuse(
        builder.structured(vec![]),
        "a hash has no meaning in a deparser",
    );
    let mirror = |header| CallKind::Mirror {
        mirror_type: None,
        session: constant(10, 1),
        header,
    };
    let (mut builder, [a, _, flag]) = fixture();
    builder.gress.deparser.body = vec![call(mirror(vec![field(a)]), [])];
    accept(builder.clone().structured(vec![]));
    builder.gress.deparser.body = vec![call(mirror(vec![field(flag)]), [])];
    refuse(
        builder.structured(vec![]),
        "the fields of a mirror header are 1 bits in all, not a multiple of 8",
    );
    refuse(
        control(|_, _| vec![call(mirror(vec![]), [])]),
        "a mirror has no meaning in a control",
    );
}

#[test]
fn checksums_are_over_words() {
    let over = |width| {
        let (mut builder, [_, _, flag]) = fixture();
        let unit = builder.gress.checksums.push(p4rmt_ir::Checksum {
            name: "checksum".to_owned(),
            span: Span::NONE,
        });
        let op = ChecksumOp::Verify;
        let args = vec![constant(width, 1)];
        let start = builder.gress.parser.start;
        builder.gress.parser.states[start].body =
            vec![call(CallKind::Checksum { unit, op, args }, [flag])];
        builder.structured(vec![])
    };
    accept(over(32));
    refuse(
        over(24),
        "the arguments of a checksum are 24 bits in all, not a multiple of 16",
    );
}

#[test]
fn calls_give_as_many_results_as_are_taken() {
    let taking = |outs: Vec<Option<Place>>| {
        control(move |gress, _| {
            let hash = gress.hash("hash", 8);
            let kind = CallKind::Hash { hash, args: vec![] };
            let outs = outs.clone();
            vec![stmt(StmtKind::Call(Call { kind, outs }))]
        })
    };
    let a = FieldId::from_index(0);
    accept(taking(vec![None]));
    refuse(taking(vec![]), "there are 0 results where 1 are needed");
    refuse(
        taking(vec![Some(Place::FieldSlice {
            field: a,
            hi: 3,
            lo: 0,
        })]),
        "a result is 8 bits wide where 4 are needed",
    );
}

#[test]
fn labels_are_unique_and_left_from_inside() {
    accept(control(|gress, _| {
        let label = gress.label();
        vec![labeled(label, vec![leave(label)])]
    }));
    refuse(
        control(|gress, _| {
            let label = gress.label();
            vec![labeled(label, vec![]), leave(label)]
        }),
        "`b0` is left from outside",
    );
    refuse(
        control(|gress, _| {
            let label = gress.label();
            vec![labeled(label, vec![]), labeled(label, vec![])]
        }),
        "label `b0` is there twice",
    );
}

#[test]
fn headers_own_their_fields() {
    let (mut builder, [_, _, flag]) = fixture();
    let (header, fields) = builder.header("h", &[("x", 8)]);
    accept(builder.clone().structured(vec![]));
    let mut wrong = builder.clone();
    wrong.gress.headers[header].valid = flag;
    refuse(
        wrong.structured(vec![]),
        "field `f2` is not of the kind that a validity needs",
    );
    builder.gress.fields[fields[0]].kind = FieldKind::Metadata;
    refuse(
        builder.structured(vec![]),
        "field `f3` is not of the kind that a header needs",
    );
}

#[test]
fn registers_hold_together() {
    let with = |initial: Vec<Bits>, body: Block, memory_width| {
        let (mut builder, _) = fixture();
        let register = builder.register("register", 4, &[16]);
        builder.gress.registers[register].initial = initial;
        let action = builder.register_action("action", register, body);
        let action = &mut builder.gress.register_actions[action];
        let memory = action.memory[0];
        action.locals[memory].width = memory_width;
        builder.structured(vec![])
    };
    let zero = || vec![Bits::zero(16)];
    accept(with(zero(), vec![assign_local(0, constant(16, 1))], 16));
    refuse(
        with(vec![], vec![], 16),
        "there are 0 initial values where 1 are needed",
    );
    refuse(
        with(vec![Bits::zero(8)], vec![], 16),
        "an initial value is 8 bits wide where 16 are needed",
    );
    refuse(
        with(zero(), vec![], 8),
        "a memory local is 8 bits wide where 16 are needed",
    );
    refuse(
        with(zero(), vec![assign_local(2, constant(16, 1))], 16),
        "`l2` does not exist",
    );
    refuse(
        with(
            zero(),
            vec![assign(FieldId::from_index(0), constant(8, 1))],
            16,
        ),
        "a write to a field has no meaning in a register action",
    );
}

#[test]
fn a_program_on_words_sees_whole_elements() {
    let with = |n_elements, is_short: bool| {
        let (mut builder, _) = fixture();
        let register = builder.register("register", 4, &[16, 16]);
        let action = builder.word_action("action", register, n_elements, vec![]);
        if is_short {
            builder.gress.register_actions[action].memory.pop();
        }
        builder.structured(vec![])
    };
    accept(with(4, false));
    refuse(
        with(4, true),
        "there are 7 memory locals where 6 are needed",
    );
}

#[test]
fn lanes_are_of_a_word() {
    let find = |word: u32, mask, change| {
        let op = LaneOp {
            is_largest: true,
            lane_bits: 8,
            part: LanePart::Number,
        };
        let lane = LaneExpr {
            op,
            word: Expr::resize(local(0, 16), word, false),
            mask: constant(mask, 1),
            change: constant(change, 0),
        };
        Expr::resize(Expr::Lane(Box::new(lane)), 16, false)
    };
    let with = |value: Expr| {
        let (mut builder, _) = fixture();
        let register = builder.register("register", 4, &[16]);
        builder.register_action("action", register, vec![assign_local(1, value)]);
        builder.structured(vec![])
    };
    accept(with(find(128, 16, 8)));
    refuse(
        with(find(64, 16, 8)),
        "a word is 64 bits wide where 128 are needed",
    );
    refuse(
        with(find(128, 8, 8)),
        "a mask is 8 bits wide where 16 are needed",
    );
    refuse(
        with(find(128, 16, 16)),
        "a change is 16 bits wide where 8 are needed",
    );
}

#[test]
fn names_of_registers_and_tables_are_unique() {
    let named = |second: &'static str| {
        control(move |gress, _| {
            gress.register("first", 4, &[8]);
            gress.register(second, 4, &[8]);
            let nothing = gress.action("nothing", &[], vec![]);
            gress.table("first", &[], &[nothing]);
            gress.table(second, &[], &[nothing]);
            vec![]
        })
    };
    accept(named("second"));
    assert_eq!(broken(named("first")).len(), 2);
}

#[test]
fn selects_fit_their_keys() {
    let with = |keysets: Vec<KeySet>, target| {
        let (mut builder, [a, _, flag]) = fixture();
        let case = Case {
            keysets,
            target,
            span: Span::NONE,
        };
        let start = builder.gress.parser.start;
        builder.gress.parser.states[start].transition = Transition::Select {
            keys: vec![field(a), field(flag)],
            cases: vec![case],
        };
        builder.structured(vec![])
    };
    let exact = |width| KeySet::Exact(Bits::zero(width));
    accept(with(vec![exact(8), KeySet::Any], Target::Accept));
    refuse(
        with(vec![exact(8)], Target::Accept),
        "there are 1 key sets where 2 are needed",
    );
    refuse(
        with(vec![exact(9), KeySet::Any], Target::Accept),
        "a key set is 9 bits wide where 8 are needed",
    );
    refuse(
        with(vec![exact(8), KeySet::Any], Target::State(unknown())),
        "`s99` does not exist",
    );
}

/// A table with an exact and an lpm key, one action with a parameter of four bits, and an entry.
fn table_with(change: impl Fn(&mut GressBuilder, TableId)) -> Gress {
    let (mut builder, [a, b, _]) = fixture();
    let action = builder.action("action", &[4], vec![]);
    let keys = [(field(a), MatchKind::Exact), (field(b), MatchKind::Lpm)];
    let table = builder.table("table", &keys, &[action]);
    let value = Bits::zero(8);
    builder.gress.tables[table].entries.push(Entry {
        matches: vec![
            Match::Exact(value.clone()),
            Match::Lpm {
                value,
                prefix_len: 8,
            },
        ],
        priority: 0,
        action: ActionCall {
            action,
            args: vec![Bits::zero(4)],
        },
        span: Span::NONE,
    });
    change(&mut builder, table);
    builder.structured(vec![apply(table, [])])
}

#[test]
fn entries_fit_their_table() {
    accept(table_with(|_, _| {}));
    let with_match = |key: usize, of_entry: Match| {
        table_with(move |builder, table| {
            builder.gress.tables[table].entries[0].matches[key] = of_entry.clone();
        })
    };
    refuse(
        with_match(0, Match::Any),
        "an entry matches key 0 in a way that its kind does not have",
    );
    refuse(
        with_match(0, Match::Exact(Bits::zero(9))),
        "a match is 9 bits wide where 8 are needed",
    );
    let (value, prefix_len) = (Bits::zero(8), 9);
    refuse(
        with_match(1, Match::Lpm { value, prefix_len }),
        "a prefix of 9 bits is longer than its key of 8",
    );
    refuse(
        table_with(|builder, table| {
            builder.gress.tables[table].entries[0].matches.pop();
        }),
        "there are 1 matches where 2 are needed",
    );
    refuse(
        table_with(|builder, table| {
            builder.gress.tables[table].actions[0].in_entries = false;
        }),
        "`a0` is not an action of the table for an entry",
    );
}

#[test]
fn action_data_fit_their_action() {
    refuse(
        table_with(|builder, table| {
            builder.gress.tables[table].default_action.args.clear();
        }),
        "there are 0 arguments where 1 are needed",
    );
    refuse(
        table_with(|builder, table| {
            builder.gress.tables[table].default_action.args = vec![Bits::zero(5)];
        }),
        "an argument is 5 bits wide where 4 are needed",
    );
    refuse(
        table_with(|builder, table| {
            let other = builder.action("other", &[], vec![]);
            builder.gress.tables[table].default_action = ActionCall {
                action: other,
                args: vec![],
            };
        }),
        "`a1` is not an action of the table for a default",
    );
}

#[test]
fn arms_name_actions_of_their_table() {
    let on = |listed: bool| {
        control(move |gress, _| {
            let first = gress.action("first", &[], vec![]);
            let second = gress.action("second", &[], vec![]);
            let table = gress.table("table", &[], &[first]);
            let action = if listed { first } else { second };
            vec![apply(table, [(Outcome::Action(action), vec![])])]
        })
    };
    accept(on(true));
    refuse(on(false), "`a1` is not an action of the table for an arm");
}

#[test]
fn direct_units_belong_to_the_table() {
    let with = |size, index: Option<Expr>, is_attached: bool| {
        let (mut builder, _) = fixture();
        let counter = builder.gress.counters.push(Counter {
            name: "counter".to_owned(),
            kind: CountKind::Packets,
            width: 32,
            size,
            adjust_bytes: 0,
            span: Span::NONE,
        });
        let count = call(CallKind::Count { counter, index }, []);
        let action = builder.action("count", &[], vec![count]);
        let table = builder.table("table", &[], &[action]);
        if is_attached {
            builder.gress.tables[table].direct_counters.push(counter);
        }
        builder.structured(vec![apply(table, [])])
    };
    let wrong = "`c0` is used as direct where it is not, or not as direct where it is";
    accept(with(0, None, true));
    accept(with(8, Some(constant(3, 1)), false));
    refuse(with(0, None, false), wrong);
    refuse(with(8, None, true), wrong);
    refuse(with(0, Some(constant(3, 1)), true), wrong);
}

/// A gress in the tables form: one keyless table a parallel action, in this sequence, and a gateway
/// on `f2`.
fn tables_form(
    actions: Vec<ParallelAction>,
    key: Option<Expr>,
    seq: impl Fn(&[TableId]) -> Vec<Node>,
) -> Gress {
    let (mut builder, [.., flag]) = fixture();
    for name in ["first", "second"] {
        let register = builder.register(name, 4, &[8]);
        builder.register_action(name, register, vec![]);
    }
    builder.hash("hash", 8);
    let mut tables = Vec::new();
    for position in 0..actions.len() {
        let action = builder.action("action", &[], vec![]);
        let keys: Vec<(Expr, MatchKind)> = key
            .iter()
            .map(|key| (key.clone(), MatchKind::Exact))
            .collect();
        tables.push(builder.table(&format!("table{position}"), &keys, &[action]));
    }
    let mut gateways = Arena::new();
    gateways.push(Gateway {
        name: "cond".to_owned(),
        cond: field(flag),
        span: Span::NONE,
    });
    let mut gress = builder.structured(vec![]);
    gress.body = Body::Tables(Tables {
        seq: seq(&tables),
        gateways,
        actions: actions.into_iter().collect(),
    });
    gress
}

fn node(table: TableId) -> Node {
    Node::Table {
        table,
        arms: vec![],
    }
}

fn parallel(calls: Vec<(CallKind, Option<usize>)>, assigns: Vec<(Place, Expr)>) -> ParallelAction {
    let width_8 = |name: &str| Local {
        name: name.to_owned(),
        width: 8,
    };
    ParallelAction {
        name: "action".to_owned(),
        params: vec![],
        locals: [width_8("l0"), width_8("l1")].into_iter().collect(),
        calls: calls
            .into_iter()
            .map(|(kind, out)| {
                let outs = vec![out.map(|local| Place::Local(Id::from_index(local)))];
                (Call { kind, outs }, Span::NONE)
            })
            .collect(),
        assigns: assigns
            .into_iter()
            .map(|(dst, value)| ParallelAssign {
                dst,
                value,
                span: Span::NONE,
            })
            .collect(),
        exits: false,
        span: Span::NONE,
    }
}

/// A control flow of one table with this action.
fn one_action(calls: Vec<(CallKind, Option<usize>)>, assigns: Vec<(Place, Expr)>) -> Gress {
    tables_form(vec![parallel(calls, assigns)], None, |tables| {
        vec![node(tables[0])]
    })
}

fn hash_of(args: Vec<Expr>) -> CallKind {
    let hash = Id::from_index(0);
    CallKind::Hash { hash, args }
}

fn touch(register_action: usize) -> CallKind {
    CallKind::RegisterAction {
        action: RegisterActionId::from_index(register_action),
        index: Some(constant(2, 0)),
    }
}

#[test]
fn no_bit_is_written_twice() {
    let slice = |hi, lo| {
        let field = FieldId::from_index(0);
        (
            Place::FieldSlice { field, hi, lo },
            constant(hi - lo + 1, 0),
        )
    };
    accept(one_action(vec![], vec![slice(7, 4), slice(3, 0)]));
    refuse(
        one_action(vec![], vec![slice(7, 4), slice(4, 0)]),
        "bit 4 of `f0` is written twice",
    );
    let whole = (Place::Field(FieldId::from_index(0)), constant(8, 0));
    refuse(
        one_action(vec![], vec![slice(7, 4), whole]),
        "bit 4 of `f0` is written twice",
    );
}

#[test]
fn locals_are_written_once_and_read_after() {
    let result = || hash_of(vec![local(0, 8)]);
    accept(one_action(
        vec![(hash_of(vec![]), Some(0)), (result(), Some(1))],
        vec![],
    ));
    refuse(
        one_action(
            vec![(hash_of(vec![]), Some(0)), (hash_of(vec![]), Some(0))],
            vec![],
        ),
        "`l0` is written twice",
    );
    refuse(
        one_action(
            vec![(result(), Some(1)), (hash_of(vec![]), Some(0))],
            vec![],
        ),
        "`l0` is read before it is written",
    );
}

#[test]
fn parallel_actions_write_fields_and_calls_locals() {
    let to_local = (Place::Local(Id::from_index(0)), constant(8, 0));
    refuse(
        one_action(vec![], vec![to_local]),
        "an assignment to a local has no meaning in an action",
    );
    let mut action = parallel(vec![(hash_of(vec![]), None)], vec![]);
    action.calls[0].0.outs = vec![Some(Place::Field(FieldId::from_index(0)))];
    refuse(
        tables_form(vec![action], None, |tables| vec![node(tables[0])]),
        "a result that is not a local has no meaning in an action",
    );
}

#[test]
fn keys_of_the_tables_form_are_fields() {
    let with = |key| {
        let nothing = parallel(vec![], vec![]);
        tables_form(vec![nothing], Some(key), |tables| vec![node(tables[0])])
    };
    let a = field(FieldId::from_index(0));
    let masked = |mask| Expr::binary(p4rmt_ir::BinaryOp::And, a.clone(), mask);
    accept(with(a.clone()));
    accept(with(Expr::slice(a.clone(), 3, 0)));
    accept(with(masked(constant(8, 0xf0))));
    let computed = "key 0 is neither a field nor a slice of one nor either under a constant mask";
    refuse(with(masked(a.clone())), computed);
    refuse(with(constant(8, 0)), computed);
}

#[test]
fn tables_and_gateways_stand_once() {
    let nothing = || vec![parallel(vec![], vec![])];
    let gateway = |then, otherwise| Node::Gateway {
        gateway: Id::from_index(0),
        then,
        otherwise,
    };
    accept(tables_form(nothing(), None, |tables| {
        vec![gateway(vec![node(tables[0])], vec![])]
    }));
    refuse(
        tables_form(nothing(), None, |tables| {
            vec![gateway(vec![node(tables[0])], vec![node(tables[0])])]
        }),
        "`t0` stands in the control flow twice",
    );
    refuse(
        tables_form(nothing(), None, |_| {
            vec![gateway(vec![], vec![]), gateway(vec![], vec![])]
        }),
        "`g0` stands in the control flow twice",
    );
    refuse(
        tables_form(nothing(), None, |_| vec![node(unknown())]),
        "`t99` does not exist",
    );
}

#[test]
fn a_register_is_touched_once() {
    let touching = || vec![parallel(vec![(touch(0), None)], vec![]); 2];
    let twice = "a packet can touch register `r0` twice";
    accept(tables_form(touching(), None, |tables| {
        vec![Node::Gateway {
            gateway: Id::from_index(0),
            then: vec![node(tables[0])],
            otherwise: vec![node(tables[1])],
        }]
    }));
    refuse(
        tables_form(touching(), None, |tables| {
            tables.iter().copied().map(node).collect()
        }),
        twice,
    );
    refuse(
        one_action(vec![(touch(0), None), (touch(0), None)], vec![]),
        twice,
    );
    accept(one_action(vec![(touch(0), None), (touch(1), None)], vec![]));
}

#[test]
fn a_register_may_follow_an_action_that_ends_the_control() {
    let ending = |exits| {
        let mut first = parallel(vec![(touch(0), None)], vec![]);
        first.exits = exits;
        let second = parallel(vec![(touch(0), None)], vec![]);
        tables_form(vec![first, second], None, |tables| {
            tables.iter().copied().map(node).collect()
        })
    };
    accept(ending(true));
    refuse(ending(false), "a packet can touch register `r0` twice");
}

#[test]
fn violations_say_where() {
    let gress = table_with(|builder, table| {
        builder.gress.tables[table].default_action.action = ActionId::from_index(7);
    });
    let violations = validate(&program("test", Arch::Tna, [gress])).expect_err("it is broken");
    assert_eq!(
        violations[0].to_string(),
        "pipe0, gress0, table t0: `a7` is not an action of the table for a default"
    );
}
