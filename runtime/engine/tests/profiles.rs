//! Action profiles and selectors: members, groups, what is refused, saving and restoring.

use std::sync::Arc;

use p4rmt_engine::{
    Difference, EntryTarget, InstalledEntry, Ref, State, StateLayout, find_profile,
    find_profile_action, find_table,
};
use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{
    ActionCall, ActionProfile, Arch, Bits, Expr, GressRole, Id, Match, MatchKind, PipeId,
    ProfileId, Program, Selector, TableId,
};
use p4rmt_source::Span;

/// Profiles `I.plain` of 2 members without and `I.pool` of 8 with a selector. Tables `I.one` of
/// `I.plain`; `I.two` of `I.pool` with actions `I.nop` and `I.set`; `I.three` of `I.pool` with
/// `I.nop` alone; `I.own` without a profile; `I.spare` is a profile that no table has.
fn example() -> Arc<Program> {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let key = Expr::Field(gress.metadata("key", 8));
    let nop = gress.action("I.nop", &[], Vec::new());
    let set = gress.action("I.set", &[9], Vec::new());
    let hash = gress.hash("hash", 16);
    let mut profile = |name: &str, size, selector| {
        gress.gress.profiles.push(ActionProfile {
            name: name.to_owned(),
            size,
            selector,
            span: Span::NONE,
        })
    };
    let plain = profile("I.plain", 2, None);
    let pool = profile("I.pool", 8, Some(Selector { hash, groups: None }));
    profile("I.spare", 1, None);
    let exact = (key.clone(), MatchKind::Exact);
    let selector = (key, MatchKind::Selector);
    let tables = [
        ("I.one", &[exact.clone()][..], &[nop, set][..], Some(plain)),
        (
            "I.two",
            &[exact.clone(), selector.clone()],
            &[nop, set],
            Some(pool),
        ),
        ("I.three", &[exact.clone(), selector], &[nop], Some(pool)),
        ("I.own", &[exact], &[nop, set], None),
    ];
    for (name, keys, actions, implementation) in tables {
        let table = gress.table(name, keys, actions);
        gress.gress.tables[table].implementation = implementation;
    }
    let gress = gress.whole(Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Arc::new(program("p", Arch::V1model, [gress]))
}

struct Fixture {
    program: Arc<Program>,
    state: State,
}

impl Fixture {
    fn new() -> Self {
        let program = example();
        let layout = StateLayout::new(Arc::clone(&program), PipeId::from_index(0));
        let state = State::new(layout.expect("it is small")).expect("there are no entries");
        Self { program, state }
    }

    fn profile(&self, name: &str) -> Ref<ProfileId> {
        find_profile(&self.program.pipes[PipeId::from_index(0)], name).expect("it is there")
    }

    fn table(&self, name: &str) -> Ref<TableId> {
        find_table(&self.program.pipes[PipeId::from_index(0)], name).expect("it is there")
    }

    fn call(&self, profile: &str, name: &str) -> ActionCall {
        let pipe = &self.program.pipes[PipeId::from_index(0)];
        let action = find_profile_action(pipe, self.profile(profile), name);
        let args = match name {
            "set" => vec![Bits::from_u64(9, 5)],
            _ => Vec::new(),
        };
        ActionCall {
            action: action.expect("it is there"),
            args,
        }
    }

    fn member(&mut self, profile: &str, member: u32, action: &str) -> Result<(), String> {
        let (id, call) = (self.profile(profile), self.call(profile, action));
        let result = self.state.set_member(id, member, call);
        result.map_err(|error| error.to_string())
    }

    fn group(&mut self, profile: &str, group: u32, members: &[u32]) -> Result<(), String> {
        let id = self.profile(profile);
        let result = self.state.set_group(id, group, members);
        result.map_err(|error| error.to_string())
    }

    /// Adds an entry for key 1.
    fn entry(&mut self, table: &str, target: EntryTarget) -> Result<usize, String> {
        let table = self.table(table);
        let keys = &self.program.pipes[PipeId::from_index(0)].gresses[table.gress].tables;
        let matches = keys[table.id].keys.iter().map(|key| match key.kind {
            MatchKind::Selector => Match::Any,
            _ => Match::Exact(Bits::from_u64(8, 1)),
        });
        let entry = InstalledEntry {
            matches: matches.collect(),
            priority: 0,
            target,
            span: Span::NONE,
        };
        let result = self.state.insert_entry(table, entry);
        result.map_err(|error| error.to_string())
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, String>, expected: &str) {
    assert_eq!(result.expect_err("it is refused"), expected);
}

#[test]
fn members_are_made_changed_and_removed() {
    let mut state = Fixture::new();
    state.member("plain", 7, "nop").expect("it fits");
    state.member("plain", 7, "set").expect("it changes");
    state.member("plain", 0, "nop").expect("it fits");
    refused(
        state.member("plain", 1, "nop"),
        "action profile `I.plain` is full: it has room for 2 members",
    );
    let plain = state.profile("plain");
    let members = state.state.profile(plain).expect("it is there").members();
    let numbers: Vec<u32> = members.map(|(number, _)| number).collect();
    assert_eq!(numbers, [0, 7]);
    state.state.delete_member(plain, 0).expect("it is there");
    let gone = state.state.delete_member(plain, 0);
    refused(
        gone.map_err(|error| error.to_string()),
        "action profile `I.plain` has no member 0",
    );
    state
        .member("plain", 1, "nop")
        .expect("there is room again");
}

#[test]
fn what_is_named_is_there_and_stays() {
    let mut state = Fixture::new();
    refused(
        state.entry("one", EntryTarget::Member(3)),
        "action profile `I.plain` has no member 3",
    );
    refused(
        state.entry("two", EntryTarget::Group(3)),
        "action profile `I.pool` has no group 3",
    );
    refused(
        state.entry("own", EntryTarget::Member(3)),
        "table `I.own` has no action profile: its entries name actions",
    );
    refused(
        state.group("plain", 1, &[]),
        "action profile `I.plain` has no selector: it takes no groups",
    );
    refused(
        state.group("pool", 1, &[4]),
        "action profile `I.pool` has no member 4",
    );
    state.member("pool", 4, "nop").expect("it fits");
    state
        .group("pool", 1, &[4, 4])
        .expect("its member is there");
    state.entry("two", EntryTarget::Group(1)).expect("it fits");
    let pool = state.profile("pool");
    let in_use =
        |result: Result<(), p4rmt_engine::EntryError>| result.map_err(|error| error.to_string());
    refused(
        in_use(state.state.delete_member(pool, 4)),
        "member 4 of action profile `I.pool` is in use",
    );
    refused(
        in_use(state.state.delete_group(pool, 1)),
        "group 1 of action profile `I.pool` is in use",
    );
    let two = state.table("two");
    state.state.clear_entries(two).expect("they are its own");
    state.state.delete_group(pool, 1).expect("nothing names it");
    state
        .state
        .delete_member(pool, 4)
        .expect("nothing names it");
}

#[test]
fn entries_lead_only_to_actions_of_their_table() {
    let mut state = Fixture::new();
    state.member("pool", 1, "set").expect("a table has it");
    state.member("pool", 2, "nop").expect("a table has it");
    refused(
        state.entry("three", EntryTarget::Member(1)),
        "table `I.three` has no action `I.set`",
    );
    state.group("pool", 9, &[1, 2]).expect("they are there");
    refused(
        state.entry("three", EntryTarget::Group(9)),
        "table `I.three` has no action `I.set`",
    );
    state.group("pool", 9, &[2]).expect("it is there");
    state
        .entry("three", EntryTarget::Group(9))
        .expect("it fits");
    // Neither the group nor its member can be changed to what the table has not.
    refused(
        state.group("pool", 9, &[2, 1]),
        "table `I.three` has no action `I.set`",
    );
    refused(
        state.member("pool", 2, "set"),
        "table `I.three` has no action `I.set`",
    );
    let spare = state.profile("spare");
    let call = state.call("plain", "nop");
    let unused = state.state.set_member(spare, 0, call);
    refused(
        unused.map_err(|error| error.to_string()),
        "no table has the action profile `I.spare`: it takes no members",
    );
}

#[test]
fn a_hash_picks_by_ascending_number() {
    let mut state = Fixture::new();
    state.member("pool", 30, "set").expect("it fits");
    state.member("pool", 20, "nop").expect("it fits");
    state.group("pool", 1, &[30, 20]).expect("they are there");
    state.group("pool", 2, &[]).expect("a group may be empty");
    let pool = state
        .state
        .profile(state.profile("pool"))
        .expect("it is there");
    let [nop, set] = [20, 30].map(|member| pool.member(member));
    for hash in 0..6 {
        assert_eq!(pool.pick(1, hash), [nop, set][hash as usize % 2]);
        assert_eq!(pool.pick(2, hash), None);
        assert_eq!(pool.pick(3, hash), None);
    }
}

#[test]
fn saved_members_and_groups_come_back() {
    let mut state = Fixture::new();
    let empty = state.state.clone();
    state.member("plain", 7, "set").expect("it fits");
    state.member("pool", 1, "set").expect("it fits");
    state.group("pool", 5, &[1]).expect("it is there");
    state.entry("one", EntryTarget::Member(7)).expect("it fits");
    state.entry("two", EntryTarget::Group(5)).expect("it fits");
    let bytes = state.state.to_bytes();
    let restored = State::from_bytes(state.state.layout(), &bytes).expect("just saved");
    assert_eq!(restored, state.state);
    assert_eq!(restored.to_bytes(), bytes);
    for length in 0..bytes.len() {
        State::from_bytes(state.state.layout(), &bytes[..length]).expect_err("it is cut");
    }
    for position in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x05;
        if let Ok(restored) = State::from_bytes(state.state.layout(), &damaged) {
            let again = State::from_bytes(state.state.layout(), &restored.to_bytes());
            assert_eq!(
                again.expect("just saved"),
                restored,
                "damaged at {position}"
            );
        }
    }
    let two = state.table("two");
    state.state.clear_entries(two).expect("they are its own");
    let mut other = empty;
    let one = state.table("one");
    state.state.clear_entries(one).expect("they are its own");
    let difference = other.first_difference(&state.state);
    let name = "I.plain".to_owned();
    assert_eq!(difference, Some(Difference::Profile { name }));
    other = state.state.clone();
    assert_eq!(other.first_difference(&state.state), None);
}
