//! The state of a pipe: names, registers, entries and what is refused, saving and restoring.

use std::sync::Arc;

use p4rmt_engine::{
    EntryError, NameError, Ref, State, StateError, StateLayout, find_action, find_register,
    find_table,
};
use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{
    ActionCall, Arch, Arena, Bits, CountKind, Counter, Entry, Expr, GressRole, Id, KeySet, Match,
    MatchKind, PipeId, Program, TableId, ValueSet, ValueSetId,
};
use p4rmt_source::Span;

fn pipe_id() -> PipeId {
    PipeId::from_index(0)
}

/// Ingress: register `I.reg` of 4 pairs of 16 bits, register `I.wide` of 2 values of 100 bits,
/// counter `I.c`, tables `I.exact` (8 bits, 3 entries at most), `I.lpm` (16 bits), `I.acl` (8 bits
/// ternary, 8 bits range), value set `I.vs` of 1. Egress: register `E.reg`.
fn example(name: &str) -> Arc<Program> {
    let mut ingress = GressBuilder::new(GressRole::Ingress);
    let key = ingress.metadata("key", 8);
    let wide = ingress.metadata("wide", 16);
    ingress.register("I.reg", 4, &[16, 16]);
    ingress.register("I.wide", 2, &[100]);
    ingress.gress.counters.push(Counter {
        name: "I.c".into(),
        kind: CountKind::PacketsAndBytes,
        width: 40,
        size: 3,
        adjust_bytes: 0,
        span: Span::NONE,
    });
    let nop = ingress.action("I.nop", &[], Vec::new());
    let set = ingress.action("I.set", &[9], Vec::new());
    let actions = [nop, set];
    let exact = ingress.table("I.exact", &[(Expr::Field(key), MatchKind::Exact)], &actions);
    ingress.gress.tables[exact].size = 3;
    ingress.table("I.lpm", &[(Expr::Field(wide), MatchKind::Lpm)], &actions);
    let keys = [
        (Expr::Field(key), MatchKind::Ternary),
        (Expr::Field(key), MatchKind::Range),
    ];
    ingress.table("I.acl", &keys, &actions);
    let mut value_sets: Arena<ValueSetId, ValueSet> = Arena::new();
    value_sets.push(ValueSet {
        name: "I.vs".into(),
        widths: vec![16],
        size: 1,
        span: Span::NONE,
    });
    ingress.gress.value_sets = value_sets;
    let mut egress = GressBuilder::new(GressRole::Egress);
    egress.register("E.reg", 2, &[32]);
    let gresses = [
        ingress.structured(Vec::new()),
        egress.structured(Vec::new()),
    ];
    Arc::new(program(name, Arch::Tna, gresses))
}

fn new_state(program: &Arc<Program>) -> State {
    let layout = StateLayout::new(Arc::clone(program), pipe_id()).expect("small");
    State::new(layout).expect("entries fit")
}

fn table(state: &State, name: &str) -> Ref<TableId> {
    find_table(state.layout().pipe(), name).expect("a table of the example")
}

/// An entry that runs `set(port)`.
fn entry(state: &State, place: Ref<TableId>, matches: Vec<Match>, port: u64) -> Entry {
    let action = find_action(state.layout().pipe(), place, "set").expect("an action");
    Entry {
        matches,
        priority: 0,
        action: ActionCall {
            action,
            args: vec![Bits::from_u64(9, port)],
        },
        span: Span::NONE,
    }
}

fn exact(value: u64) -> Vec<Match> {
    vec![Match::Exact(Bits::from_u64(8, value))]
}

#[test]
fn names_are_found_whole_or_by_a_unique_end() {
    let program = example("p");
    let pipe = &program.pipes[pipe_id()];
    let full = find_register(pipe, "I.reg").expect("full name");
    assert_eq!(
        full,
        find_register(pipe, "pipe.I.reg").expect("behind the pipe")
    );
    assert_eq!(
        find_register(pipe, "wide").map(|found| found.id.index()),
        Ok(1)
    );
    assert_eq!(
        find_register(pipe, "reg"),
        Err(NameError::Ambiguous {
            kind: "register",
            name: "reg".into(),
            candidates: vec!["I.reg".into(), "E.reg".into()],
        })
    );
    for unknown in ["", ".", "eg", "I", "I.reg.x", "J.reg", "pipe."] {
        let error = find_register(pipe, unknown).expect_err(unknown);
        assert!(
            matches!(error, NameError::Unknown { .. }),
            "{unknown}: {error}"
        );
    }
}

#[test]
fn registers_keep_their_values_apart() {
    let program = example("p");
    let mut state = new_state(&program);
    let pipe = &program.pipes[pipe_id()];
    let pair = find_register(pipe, "I.reg").expect("a register");
    let wide = find_register(pipe, "wide").expect("a register");
    let (lo, hi) = (Bits::from_u64(16, 0x1234), Bits::from_u64(16, 0xfedc));
    let long = Bits::from_u128(100, 0xf_1234_5678_9abc_def0_1111_2222);
    state
        .write_register(pair, 2, &[lo.clone(), hi.clone()])
        .expect("in range");
    state
        .write_register(wide, 1, std::slice::from_ref(&long))
        .expect("in range");
    assert_eq!(
        state.register(pair, 2).expect("in range"),
        [lo.clone(), hi.clone()]
    );
    assert_eq!(state.register(wide, 1).expect("in range"), [long]);
    assert!(
        state
            .register(pair, 1)
            .expect("in range")
            .iter()
            .all(Bits::is_zero)
    );
    assert!(
        state
            .register(wide, 0)
            .expect("in range")
            .iter()
            .all(Bits::is_zero)
    );
    let beyond = state.register(pair, 4).expect_err("4 elements");
    assert_eq!(beyond.to_string(), "`I.reg` has no element 4: it has 4");
    let short = state
        .write_register(pair, 0, std::slice::from_ref(&lo))
        .expect_err("a pair");
    assert_eq!(
        short.to_string(),
        "an element of `I.reg` has 2 values, not 1"
    );
    let large = [lo, Bits::from_u64(17, 0x1_0000)];
    let large = state.write_register(pair, 0, &large).expect_err("16 bits");
    assert_eq!(
        large.to_string(),
        "17w0x10000 does not fit into the 16 bits of `I.reg`"
    );
}

#[test]
fn entries_keep_their_slots() {
    let mut state = new_state(&example("p"));
    let place = table(&state, "exact");
    for key in 0..3 {
        let entry = entry(&state, place, exact(key), key);
        assert_eq!(state.insert_entry(place, entry), Ok(key as usize));
    }
    let stamp = state.table(place).expect("a table").stamp();
    state.delete_entry(place, exact(1), 0).expect("an entry");
    assert_ne!(state.table(place).expect("a table").stamp(), stamp);
    let new = entry(&state, place, exact(7), 7);
    assert_eq!(state.insert_entry(place, new), Ok(1));
    let changed = entry(&state, place, exact(2), 99);
    assert_eq!(state.modify_entry(place, changed.clone()), Ok(2));
    assert_eq!(
        state.table(place).expect("a table").get(2),
        Some(&changed.into())
    );
}

#[track_caller]
fn check_refused(state: &mut State, place: Ref<TableId>, entry: Entry, message: &str) {
    let before = state.clone();
    let error = state.insert_entry(place, entry).expect_err(message);
    assert_eq!(error.to_string(), message);
    assert_eq!(*state, before, "a refused entry changes nothing");
}

#[test]
fn entries_that_do_not_fit_are_refused() {
    let mut state = new_state(&example("p"));
    let place = table(&state, "exact");
    let good = entry(&state, place, exact(1), 1);
    state.insert_entry(place, good.clone()).expect("it fits");
    check_refused(
        &mut state,
        place,
        good,
        "table `I.exact` has an entry with these keys already",
    );
    let keys = entry(&state, place, Vec::new(), 1);
    check_refused(
        &mut state,
        place,
        keys,
        "an entry of table `I.exact` has 1 keys, not 0",
    );
    let wide = entry(&state, place, vec![Match::Exact(Bits::from_u64(9, 1))], 1);
    check_refused(
        &mut state,
        place,
        wide,
        "key `key0` of table `I.exact` has 8 bits, not 9",
    );
    let any = entry(&state, place, vec![Match::Any], 1);
    check_refused(
        &mut state,
        place,
        any,
        "key `key0` of table `I.exact` is exact: it takes no any match",
    );
    let mut args = entry(&state, place, exact(2), 1);
    args.action.args.clear();
    check_refused(
        &mut state,
        place,
        args,
        "action `I.set` takes 1 parameters, not 0",
    );
    let mut arg = entry(&state, place, exact(2), 1);
    arg.action.args = vec![Bits::from_u64(8, 1)];
    check_refused(
        &mut state,
        place,
        arg,
        "parameter `p0` of action `I.set` has 9 bits, not 8",
    );
    let mut action = entry(&state, place, exact(2), 1);
    action.action.action = Id::from_index(17);
    check_refused(
        &mut state,
        place,
        action,
        "table `I.exact` has no action `a17`",
    );
    for key in 2..4 {
        let entry = entry(&state, place, exact(key), 1);
        state.insert_entry(place, entry).expect("it fits");
    }
    let fourth = entry(&state, place, exact(4), 1);
    check_refused(
        &mut state,
        place,
        fourth,
        "table `I.exact` is full: it has room for 3 entries",
    );
    let lpm = table(&state, "lpm");
    let value = Bits::from_u64(16, 0x1234);
    let prefix = |prefix_len| {
        vec![Match::Lpm {
            value: value.clone(),
            prefix_len,
        }]
    };
    let long = entry(&state, lpm, prefix(17), 1);
    check_refused(
        &mut state,
        lpm,
        long,
        "key `key0` of table `I.lpm` has 16 bits: a prefix of 17 is longer",
    );
    let acl = table(&state, "acl");
    let (lo, hi) = (Bits::from_u64(8, 5), Bits::from_u64(8, 4));
    let empty = entry(&state, acl, vec![Match::Any, Match::Range { lo, hi }], 1);
    check_refused(
        &mut state,
        acl,
        empty,
        "the range 8w0x5 to 8w0x4 of key `key1` of table `I.acl` is empty",
    );
    let nowhere = Ref {
        gress: place.gress,
        id: TableId::from_index(99),
    };
    let lost = entry(&state, place, exact(1), 1);
    check_refused(&mut state, nowhere, lost, "there is no such table");
}

#[test]
fn equal_prefixes_and_masks_are_duplicates_whatever_is_behind_them() {
    let mut state = new_state(&example("p"));
    let lpm = table(&state, "lpm");
    let prefix = |value| Match::Lpm {
        value: Bits::from_u64(16, value),
        prefix_len: 8,
    };
    let first = entry(&state, lpm, vec![prefix(0x1234)], 1);
    let second = entry(&state, lpm, vec![prefix(0x12ff)], 1);
    state.insert_entry(lpm, first).expect("it fits");
    let error = state
        .insert_entry(lpm, second)
        .expect_err("the same prefix");
    assert!(matches!(error, EntryError::Duplicate { .. }), "{error}");
    let acl = table(&state, "acl");
    let mut low = entry(&state, acl, vec![Match::Any, Match::Any], 1);
    let mut high = low.clone();
    (low.priority, high.priority) = (1, 2);
    state.insert_entry(acl, low.clone()).expect("it fits");
    state.insert_entry(acl, high).expect("another priority");
    state.insert_entry(acl, low).expect_err("the same priority");
}

#[test]
fn const_entries_and_default_actions_stay() {
    let mut program = Arc::unwrap_or_clone(example("p"));
    let pipe = program.pipes.values_mut().next().expect("one pipe");
    let gress = pipe.gresses.values_mut().next().expect("an ingress");
    for table in gress.tables.values_mut() {
        table.are_entries_const = true;
        table.is_default_const = true;
    }
    let mut state = new_state(&Arc::new(program));
    let place = table(&state, "exact");
    let new = entry(&state, place, exact(1), 1);
    check_refused(
        &mut state,
        place,
        new.clone(),
        "the entries of table `I.exact` are constant",
    );
    let error = state
        .set_default_action(place, new.action)
        .expect_err("constant");
    assert_eq!(
        error.to_string(),
        "the default action of table `I.exact` is constant"
    );
}

/// A state with something of everything in it.
fn full_state(program: &Arc<Program>) -> State {
    let mut state = new_state(program);
    let pipe = &program.pipes[pipe_id()];
    for name in ["I.reg", "I.wide", "E.reg"] {
        let register = find_register(pipe, name).expect("a register");
        let mut values = state.register(register, 1).expect("in range");
        for value in &mut values {
            *value = Bits::ones(value.width());
        }
        state
            .write_register(register, 1, &values)
            .expect("in range");
    }
    let place = table(&state, "exact");
    for key in [3, 4, 5] {
        let entry = entry(&state, place, exact(key), key);
        state.insert_entry(place, entry).expect("it fits");
    }
    state.delete_entry(place, exact(3), 0).expect("an entry");
    let action = entry(&state, place, exact(0), 77).action;
    state.set_default_action(place, action).expect("it fits");
    let acl = table(&state, "acl");
    let ternary = Match::Ternary {
        value: Bits::from_u64(8, 0xf0),
        mask: Bits::from_u64(8, 0xf8),
    };
    let range = Match::Range {
        lo: Bits::from_u64(8, 3),
        hi: Bits::from_u64(8, 9),
    };
    let rule = entry(&state, acl, vec![ternary, range], 1);
    state.insert_entry(acl, rule).expect("it fits");
    let value_set = Ref {
        gress: place.gress,
        id: ValueSetId::from_index(0),
    };
    let member = vec![KeySet::Exact(Bits::from_u64(16, 0x800))];
    state.insert_value(value_set, member).expect("it fits");
    state
}

#[test]
fn a_saved_state_comes_back() {
    let program = example("p");
    let state = full_state(&program);
    let bytes = state.to_bytes();
    let restored = State::from_bytes(state.layout(), &bytes).expect("just saved");
    assert_eq!(restored, state);
    assert_ne!(restored, new_state(&program));
    assert_eq!(restored.to_bytes(), bytes);
}

#[test]
fn a_state_of_another_program_is_refused() {
    let bytes = full_state(&example("p")).to_bytes();
    let other = new_state(&example("q"));
    let error = State::from_bytes(other.layout(), &bytes).expect_err("another program");
    assert!(
        matches!(&error, StateError::WrongLayout { expected, found } if expected == "q" && found == "p"),
        "{error}"
    );
}

#[test]
fn damaged_states_are_refused_or_sound() {
    let state = full_state(&example("p"));
    let bytes = state.to_bytes();
    for length in 0..bytes.len() {
        let error = State::from_bytes(state.layout(), &bytes[..length]).expect_err("cut");
        assert!(
            matches!(error, StateError::Damaged { .. }),
            "cut at {length}: {error}"
        );
    }
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0xa5;
        if let Ok(restored) = State::from_bytes(state.layout(), &damaged) {
            let again = State::from_bytes(state.layout(), &restored.to_bytes());
            assert_eq!(
                again.expect("just saved"),
                restored,
                "damaged at {position}"
            );
        }
    }
}

#[test]
fn memory_that_no_machine_has_is_refused() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    gress.register("r", 1 << 40, &[32]);
    let program = Arc::new(program("p", Arch::Tna, [gress.structured(Vec::new())]));
    let error = StateLayout::new(program, pipe_id()).expect_err("4 TiB");
    assert!(matches!(error, StateError::TooLarge { .. }), "{error}");
}

#[test]
fn the_first_difference_has_a_name() {
    let program = example("p");
    let (left, mut right) = (new_state(&program), new_state(&program));
    assert_eq!(left.first_difference(&right), None);
    let pipe = &program.pipes[pipe_id()];
    let register = find_register(pipe, "I.reg").expect("a register");
    let element = [Bits::from_u64(16, 1), Bits::from_u64(16, 2)];
    right
        .write_register(register, 3, &element)
        .expect("in range");
    let difference = left.first_difference(&right).expect("a difference");
    assert_eq!(
        difference.to_string(),
        "register `I.reg`[3]: [16w0x0, 16w0x0] against [16w0x1, 16w0x2]"
    );
    let mut right = new_state(&program);
    let place = table(&right, "lpm");
    let action = entry(&right, place, Vec::new(), 5).action;
    right.set_default_action(place, action).expect("it fits");
    let difference = left.first_difference(&right).expect("a difference");
    assert_eq!(difference.to_string(), "the entries of table `I.lpm`");
    let other = new_state(&example("q"));
    let difference = left.first_difference(&other).expect("a difference");
    assert_eq!(
        difference.to_string(),
        "the states belong to different programs"
    );
}
