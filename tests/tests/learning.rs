//! Real programs structured, as tables, and placed, gress by gress, under a control plane that
//! learns: for keys that packets miss it makes up entries, so that packets get ever deeper.
//!
//! Packets, intrinsic metadata, actions and action data are random. What leaves the deparser, what
//! the device would read, and all registers are the same in all three.

use std::path::Path;
use std::sync::Arc;

use p4rmt_driver::{DiskLoader, Options, compile};
use p4rmt_engine::{
    Engine, Event, GressInterface, Instance, Interface, Job, Mode, Outcome, Part, Ref, State,
    StateLayout, Trace,
};
use p4rmt_interp::Interp;
use p4rmt_ir::{
    ActionCall, Bits, Body, Entry, Gress, GressId, Id, Match, MatchKind, PipeId, Program, TableId,
};
use p4rmt_mau::{Target, place_tables};
use p4rmt_source::Span;
use p4rmt_tests::mutation::Random;

fn pipe_id() -> PipeId {
    PipeId::from_index(0)
}

/// A program in one execution.
struct Execution {
    name: &'static str,
    instance: Box<dyn Instance>,
    state: State,
    outcome: Outcome,
}

impl Execution {
    fn new(name: &'static str, program: &Arc<Program>, mode: Mode) -> Self {
        let pipe = &program.pipes[pipe_id()];
        let interface = pipe.gresses.values().map(|gress| GressInterface {
            inputs: Vec::new(),
            watched: gress.intrinsics.values().copied().collect(),
            crossing: None,
        });
        let interface = Interface {
            gresses: interface.collect(),
        };
        let layout = StateLayout::new(Arc::clone(program), pipe_id()).expect("it has room");
        let instance = Interp.load(Arc::clone(program), pipe_id(), mode, interface);
        Self {
            name,
            instance: instance.expect("it loads"),
            state: State::new(layout).expect("entries fit"),
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self, gress: GressId, job: Job<'_>, trace: Option<&mut dyn Trace>) {
        let outcomes = std::slice::from_mut(&mut self.outcome);
        let result = self
            .instance
            .run(gress, &[job], outcomes, &mut self.state, trace);
        result.expect("it runs");
    }

    /// What can be seen of the last packet.
    fn seen(&self) -> impl PartialEq + std::fmt::Debug {
        let outcome = &self.outcome;
        let mirrors: Vec<_> = outcome
            .mirrors
            .iter()
            .map(|mirror| (mirror.mirror_type, mirror.session, mirror.header.clone()))
            .collect();
        let resubmit = outcome.resubmit.as_ref();
        let resubmit = resubmit.map(|resubmit| resubmit.header.clone());
        (
            outcome.verdict,
            outcome.bytes.clone(),
            outcome.payload_offset,
            outcome.values.clone(),
            outcome.extra.clone(),
            (mirrors, resubmit),
        )
    }
}

/// Writes down the keys that were looked up, and whether something was found.
#[derive(Default)]
struct Lookups(Vec<(TableId, Vec<Bits>, bool)>);

impl Trace for Lookups {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Table {
            table, key, entry, ..
        } = event
            && !key.is_empty()
        {
            self.0.push((table, key.to_vec(), entry.is_some()));
        }
    }
}

/// An entry for a key, with an action and action data that are made up.
fn learn(random: &mut Random, gress: &Gress, table: TableId, key: &[Bits]) -> Option<Entry> {
    let table = &gress.tables[table];
    let actions: Vec<_> = table
        .actions
        .iter()
        .filter(|action| action.in_entries)
        .collect();
    if actions.is_empty() || table.are_entries_const {
        return None;
    }
    let action = actions[random.below(actions.len())].action;
    let params = match &gress.body {
        Body::Structured(body) => &body.actions[action].params,
        Body::Tables(body) => &body.actions[action].params,
    };
    let args = params.iter().map(|param| {
        // Mostly small: kinds and roles that the program knows, indices inside of registers.
        let value = match random.below(10) {
            0..6 => random.any() % 6,
            6..9 => random.any() % 64,
            _ => random.any(),
        };
        Bits::from_u64(param.width, value)
    });
    let args = args.collect();
    let matches = table
        .keys
        .iter()
        .zip(key)
        .map(|(part, value)| match part.kind {
            MatchKind::Exact | MatchKind::Optional => Match::Exact(value.clone()),
            MatchKind::Ternary => Match::Ternary {
                value: value.clone(),
                mask: Bits::from_u64(value.width(), random.any()),
            },
            MatchKind::Lpm => Match::Lpm {
                value: value.clone(),
                prefix_len: random.below(value.width() as usize + 1) as u32,
            },
            MatchKind::Range => Match::Range {
                lo: value.clone(),
                hi: value.clone(),
            },
            MatchKind::Selector => Match::Any,
        });
    Some(Entry {
        matches: matches.collect(),
        priority: random.below(1000) as u32,
        action: ActionCall { action, args },
        span: Span::NONE,
    })
}

/// Intrinsic metadata and a frame: headers that parsers know, filled with few different values.
fn frame(random: &mut Random) -> (Vec<u8>, Vec<u8>) {
    let mut prefix = vec![0; 32];
    prefix
        .iter_mut()
        .for_each(|byte| *byte = [0, 0, 1, 2][random.below(4)]);
    prefix[0] = 0;
    let mut packet = vec![0; 54 + random.below(80)];
    packet
        .iter_mut()
        .for_each(|byte| *byte = [0, 0, 1, 2, 0xff][random.below(5)]);
    packet[12..14].copy_from_slice(&[0x08, 0x00]);
    packet[14] = 0x45;
    packet[20..22].copy_from_slice(&[0x40, 0x00]);
    if random.happens(500) {
        packet[23] = 6;
        packet[46] = 0x50;
        packet[47] = [0x10, 0x18, 0x11, 0x12, 0x14][random.below(5)];
    } else {
        packet[23] = 17;
        packet[36..38].copy_from_slice(&4791u16.to_be_bytes());
        packet[42] = [0x0a, 0x0b, 0x04][random.below(3)];
    }
    if random.happens(50) {
        packet.truncate(random.below(54));
    }
    (prefix, packet)
}

/// Packets are few frames with some bytes changed, so that what was learned is met again.
const N_FRAMES: usize = 60;

#[track_caller]
fn check(path: &str, n_packets: u64) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let compiled = compile(&root.join(path), &Options::default(), &DiskLoader);
    let compiled = compiled.expect("a program of ours");
    let target = Target::built_in("tofino2").expect("a target of ours");
    let fit =
        place_tables(&compiled.program, pipe_id(), &target).expect("it is in the tables form");
    assert!(fit.fits(), "{:?}", fit.problems);
    let placement = Mode::Placed(Arc::new(fit.placement));
    let mut executions = [
        Execution::new("tables", &compiled.program, Mode::Unplaced),
        Execution::new("placed", &compiled.program, placement),
        Execution::new("structured", &compiled.structured, Mode::Unplaced),
    ];
    let mut random = Random::new(7);
    let pipe = &compiled.program.pipes[pipe_id()];
    let frames: Vec<_> = (0..N_FRAMES).map(|_| frame(&mut random)).collect();
    for n in 0..n_packets {
        for (gress_id, gress) in pipe.gresses.iter() {
            let (prefix, mut packet) = frames[random.below(N_FRAMES)].clone();
            for _ in 0..random.below(4).min(packet.len()) {
                let position = random.below(packet.len());
                packet[position] = random.below(4) as u8;
            }
            let bytes = [&prefix[..], &packet].concat();
            let job = Job {
                bytes: &bytes,
                prefix_len: prefix.len(),
                clock: n,
                inputs: &[],
                part: Part::Whole,
                phv: &[],
            };
            let mut lookups = Lookups::default();
            let (first, others) = executions.split_first_mut().expect("three");
            first.run(gress_id, job, Some(&mut lookups));
            for other in others {
                other.run(gress_id, job, None);
                assert!(
                    first.seen() == other.seen(),
                    "packet {n} of {gress_id} {}: {prefix:02x?} {packet:02x?}\n{:?}\n{:?}",
                    other.name,
                    first.seen(),
                    other.seen()
                );
            }
            for (table, key, is_hit) in lookups.0 {
                if is_hit && !random.happens(20) {
                    continue;
                }
                let Some(entry) = learn(&mut random, gress, table, &key) else {
                    continue;
                };
                let place = Ref {
                    gress: gress_id,
                    id: table,
                };
                // Refused alike: a full table, another mask, an entry that is there already.
                let results = executions.each_mut().map(|execution| {
                    let state = &mut execution.state;
                    if is_hit {
                        state.modify_entry(place, entry.clone())
                    } else {
                        state.insert_entry(place, entry.clone())
                    }
                });
                assert!(
                    results.iter().all(|result| result == &results[0]),
                    "{results:?}"
                );
            }
        }
    }
    let [tables, placed, structured] = &executions;
    let difference = tables.state.first_difference(&placed.state);
    assert_eq!(difference.map(|difference| difference.to_string()), None);
    for (gress, owner) in pipe.gresses.iter() {
        for (id, register) in owner.registers.iter() {
            let place = Ref { gress, id };
            for index in 0..register.size {
                let element = |state: &State| state.register(place, index).expect("in range");
                let (left, right) = (element(&tables.state), element(&structured.state));
                assert_eq!(left, right, "`{}`[{index}]", register.name);
            }
        }
        let counts = tables.instance.table_counts(gress);
        assert_eq!(counts, placed.instance.table_counts(gress));
    }
    let counts = pipe
        .gresses
        .ids()
        .flat_map(|gress| tables.instance.table_counts(gress));
    let n_hits: u64 = counts.map(|counts| counts.hits).sum();
    assert!(n_hits > n_packets / 2, "{n_hits} hits: nothing was learned");
}

#[test]
fn tiny() {
    check("p4src/examples/tiny.p4", 2_000);
}

#[test]
fn laminar() {
    check("laminar.p4", 5_000);
}
