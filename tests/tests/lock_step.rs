//! Lock step: the machine clock by clock, and packets in batches, come to the same. The same arrivals give
//! the same departures (bytes, ports, clocks), every stage finds and leaves the same, and the state behind
//! is the same, whatever comes back and whatever the control plane writes meanwhile. The clocked machine may look ahead
//! as far as it likes: at any clock, registers and tables hold what they hold where time goes clock by clock.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use p4rmt_driver::{Compiled, DiskLoader, Options, compile};
use p4rmt_engine::{Engine, EntryTarget, InstalledEntry, Mode, Ref, find_register, find_table};
use p4rmt_interp::Interp;
use p4rmt_ir::{ActionCall, Bits, GressRole, Id, Match, PipeId};
use p4rmt_mau::{Fit, Target, place_tables};
use p4rmt_pipeline::{
    ControlWrite, Departure, Device, DropReason, Execution, GressTiming, LockStep, Timing,
    TraceRecord,
};
use p4rmt_source::Span;
use p4rmt_stf::StatementKind;
use p4rmt_tests::laminar::rig::{LOCAL_PORT, NETWORK_PORT, PEER_PATH};
use p4rmt_tests::laminar::wire::{TcpSegment, flags};
use p4rmt_tests::mutation::{Random, mutate};
use p4rmt_tests::rig::ENGINES;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A program on its machine, with what sets it up.
struct Bench {
    compiled: Compiled,
    fit: Fit,
    target: Target,
    setup: p4rmt_stf::Vector,
}

/// What happens from outside, at a clock.
#[derive(Clone, Debug)]
enum Outside {
    Packet { port: u16, bytes: Vec<u8> },
    Write(ControlWrite),
}

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Result {
    departures: Vec<Departure>,
    /// Passes, each with all that its stages read and wrote; then fates.
    passes: Vec<String>,
    fates: Vec<String>,
    refused: Vec<String>,
    counters: String,
}

impl Bench {
    fn new(program: &str, setup: &str) -> Self {
        let compiled = compile(&root().join(program), &Options::default(), &DiskLoader);
        let compiled = compiled.unwrap_or_else(|rejected| panic!("{:?}", rejected.diagnostics));
        let target = Target::built_in("tofino2").expect("a target of ours");
        let pipe = PipeId::from_index(0);
        let fit = place_tables(&compiled.program, pipe, &target).expect("it is in the tables form");
        assert!(fit.fits(), "{:?}", fit.problems);
        let text = if setup.contains('\n') {
            setup.to_owned()
        } else {
            std::fs::read_to_string(root().join(setup)).expect(setup)
        };
        let setup = p4rmt_stf::parse("setup.stf", &text).expect("a setup of ours");
        Self {
            compiled,
            fit,
            target,
            setup,
        }
    }

    fn device(&self) -> Device {
        self.device_on(&Interp)
    }

    fn device_on(&self, engine: &dyn Engine) -> Device {
        let mode = Mode::Placed(Arc::new(self.fit.placement.clone()));
        let program = Arc::clone(&self.compiled.program);
        let device = Device::new(engine, program, PipeId::from_index(0), mode);
        let (mut device, errors) = p4rmt_stf::apply(&self.setup, device.expect("it loads"));
        assert!(errors.is_empty(), "{errors:?}");
        device.take_departures();
        device
    }

    /// As the fit and the target say.
    fn timing(&self) -> Timing {
        let pipe = &self.compiled.program.pipes[PipeId::from_index(0)];
        let gress = |role| {
            let (gress, _) = pipe.gress(role).expect("it has both");
            GressTiming {
                parser: self.target.around.parser_cycles,
                stages: self.fit.stage_cycles[gress].clone(),
                deparser: self.target.around.deparser_cycles,
            }
        };
        Timing {
            ingress: gress(GressRole::Ingress),
            egress: gress(GressRole::Egress),
            traffic_manager: self.target.around.traffic_manager_cycles,
        }
    }

    /// Any latencies at all: the two executions must not rely on those of a fit.
    fn any_timing(&self, random: &mut Random) -> Timing {
        let mut timing = self.timing();
        let mut draw = |clocks: &mut u32| *clocks = random.below(9) as u32;
        for gress in [&mut timing.ingress, &mut timing.egress] {
            draw(&mut gress.parser);
            gress.stages.iter_mut().for_each(&mut draw);
            draw(&mut gress.deparser);
        }
        draw(&mut timing.traffic_manager);
        timing
    }

    /// Runs what happens, in steps of time if `stride` says so.
    fn run(
        &self,
        execution: Execution,
        timing: &Timing,
        outside: &[(u64, Outside)],
        stride: usize,
        configure: &dyn Fn(&mut Device),
    ) -> (Result, Device) {
        let mut device = self.device();
        device.record_trace(true);
        configure(&mut device);
        let mut machine = LockStep::new(device, timing, execution).expect("it is placed");
        let mut departures = Vec::new();
        let mut trace = Vec::new();
        for (n, (clock, what)) in outside.iter().enumerate() {
            if n % stride == stride - 1 {
                machine.run_until(*clock).expect("the engine runs");
                departures.extend(machine.take_departures());
                trace.extend(machine.take_trace());
            }
            match what.clone() {
                Outside::Packet { port, bytes } => {
                    machine
                        .arrive(*clock, port, &bytes)
                        .expect("the port is there");
                }
                Outside::Write(write) => machine.write(*clock, write).expect("one stage"),
            }
        }
        machine.settle().expect("the engine runs");
        trace.extend(machine.take_trace());
        let refused = machine.take_refused();
        let (device, rest) = machine.finish().expect("the engine runs");
        departures.extend(rest);
        // In one clock, a gress and the other may come in any order.
        let (mut passes, mut fates) = (Vec::new(), Vec::new());
        trace.sort_by_key(|record| match record {
            TraceRecord::Pass(pass) => (pass.clock, pass.gress.index()),
            TraceRecord::Fate(fate) => (fate.clock, 2),
        });
        for record in trace {
            match record {
                TraceRecord::Pass(pass) => passes.push(format!("{pass:?}")),
                TraceRecord::Fate(fate) => fates.push(format!("{fate:?}")),
            }
        }
        fates.sort();
        let mut counters = device.counters().clone();
        counters
            .dropped
            .sort_by_key(|reason, _| format!("{reason:?}"));
        let result = Result {
            departures,
            passes,
            fates,
            refused: refused
                .iter()
                .map(|(clock, error)| format!("{clock}: {error}"))
                .collect(),
            counters: format!("{counters:?}"),
        };
        (result, device)
    }

    /// Runs both ways and compares; gives what both came to.
    #[track_caller]
    fn check(
        &self,
        seed: u64,
        timing: &Timing,
        outside: &[(u64, Outside)],
        configure: &dyn Fn(&mut Device),
    ) -> (Result, Device) {
        let stride = 1 + (seed as usize * 7) % 50;
        let clocked = self.run(Execution::Clocked, timing, outside, stride, configure);
        let stride = outside.len() + 1;
        let wavefront = self.run(Execution::Wavefront, timing, outside, stride, configure);
        compare(seed, &clocked, &wavefront);
        clocked
    }
}

impl Bench {
    /// Runs what happens on the interpreter, clock by clock, and on every engine in strides that end at clocks drawn by
    /// lot (there with `theirs` as latencies). What stands in registers and tables is the same at each of
    /// these, in the midst of all packets, and so is what leaves, and when.
    #[track_caller]
    fn check_strides(
        &self,
        seed: u64,
        [timing, theirs]: [&Timing; 2],
        outside: &[(u64, Outside)],
        configure: &dyn Fn(&mut Device),
    ) {
        let machine = |engine, timing| {
            let mut device = self.device_on(engine);
            configure(&mut device);
            LockStep::new(device, timing, Execution::Clocked).expect("it is placed")
        };
        let mut by_clock = machine(&Interp, timing);
        let mut others = ENGINES.map(|engine| machine(engine, theirs));
        let mut random = Random::new(seed ^ 0x5ee5);
        let mut n_looks = 0;
        let mut departures = Vec::new();
        let mut of_others = ENGINES.map(|_| Vec::new());
        for (clock, what) in outside {
            let time = by_clock.clock()..=*clock;
            time.for_each(|clock| by_clock.run_until(clock).expect("the engine runs"));
            departures.extend(by_clock.take_departures());
            if random.happens(100) {
                n_looks += 1;
                for (other, of_other) in others.iter_mut().zip(&mut of_others) {
                    other.run_until(*clock).expect("the engine runs");
                    of_other.extend(other.take_departures());
                    assert_same_state(seed, &by_clock, other);
                    assert_eq!(departures.len(), of_other.len(), "seed {seed}, at {clock}");
                }
            }
            for machine in others.iter_mut().chain([&mut by_clock]) {
                match what.clone() {
                    Outside::Packet { port, bytes } => {
                        let arrived = machine.arrive(*clock, port, &bytes);
                        arrived.expect("the port is there");
                    }
                    Outside::Write(write) => machine.write(*clock, write).expect("one stage"),
                }
            }
        }
        assert!(n_looks > 5, "{n_looks}");
        let shown = |departures: &[Departure]| -> Vec<String> {
            let shown = departures.iter();
            shown.map(|departure| format!("{departure:?}")).collect()
        };
        by_clock.settle().expect("the engine runs");
        departures.extend(by_clock.take_departures());
        let refused = format!("{:?}", by_clock.take_refused());
        for (mut other, mut of_other) in others.into_iter().zip(of_others) {
            other.settle().expect("the engine runs");
            of_other.extend(other.take_departures());
            assert_same(seed, "departure", &shown(&departures), &shown(&of_other));
            assert_eq!(
                refused,
                format!("{:?}", other.take_refused()),
                "seed {seed}"
            );
            assert_same_state(seed, &by_clock, &other);
            let [one, other] = [by_clock.device(), other.device()];
            assert_eq!(one.counters(), other.counters(), "seed {seed}");
            assert_eq!(one.table_counts(), other.table_counts(), "seed {seed}");
            assert_eq!(one.clock(), other.clock(), "seed {seed}");
        }
    }
}

/// Compares what outlives packets.
#[track_caller]
fn assert_same_state(seed: u64, one: &LockStep, other: &LockStep) {
    let difference = one.device().state();
    let difference = difference.first_difference(other.device().state());
    let difference = difference.map(|difference| difference.to_string());
    assert_eq!(difference, None, "seed {seed}, clock {}", one.clock());
}

/// Compares what two executions came to.
#[track_caller]
fn compare(seed: u64, clocked: &(Result, Device), wavefront: &(Result, Device)) {
    let ((clocked, at_clocks), (wavefront, in_batches)) = (clocked, wavefront);
    assert_same(seed, "pass", &clocked.passes, &wavefront.passes);
    assert_same(seed, "fate", &clocked.fates, &wavefront.fates);
    assert_same(seed, "refusal", &clocked.refused, &wavefront.refused);
    let sent = |result: &Result| -> Vec<String> {
        let departures = result.departures.iter();
        departures
            .map(|departure| format!("{departure:?}"))
            .collect()
    };
    assert_same(seed, "departure", &sent(clocked), &sent(wavefront));
    assert_eq!(clocked.counters, wavefront.counters, "seed {seed}");
    assert_eq!(at_clocks.table_counts(), in_batches.table_counts());
    assert_eq!(at_clocks.clock(), in_batches.clock(), "seed {seed}");
    let difference = at_clocks.state().first_difference(in_batches.state());
    let difference = difference.map(|difference| difference.to_string());
    assert_eq!(difference, None, "seed {seed}");
}

/// Compares lists, and shows the first difference.
#[track_caller]
fn assert_same(seed: u64, what: &str, clocked: &[String], wavefront: &[String]) {
    let pairs = clocked.iter().zip(wavefront);
    if let Some(at) = pairs
        .clone()
        .position(|(clocked, wavefront)| clocked != wavefront)
    {
        let (clocked, wavefront) = (&clocked[at], &wavefront[at]);
        let mut shown = clocked.char_indices().zip(wavefront.chars());
        let differs = shown
            .find(|((_, a), b)| a != b)
            .map_or(0, |((at, _), _)| at);
        let part = |text: &str| -> String {
            text.chars()
                .skip(differs.saturating_sub(200))
                .take(400)
                .collect()
        };
        panic!(
            "seed {seed}, {what} {at} differs:\n clocked …{}\nwavefront …{}",
            part(clocked),
            part(wavefront)
        );
    }
    assert_eq!(clocked.len(), wavefront.len(), "seed {seed}: {what}s");
}

const LOOPS: &str = "testvectors/tofino/loops.p4";
const LOOPS_SETUP: &str = "mirroring_add 7 40\nmirroring_add 8 41\n";

/// Packets of `loops.p4` in bursts and gaps, and writes among them.
fn orders(bench: &Bench, random: &mut Random, n: usize) -> Vec<(u64, Outside)> {
    let pipe = &bench.compiled.program.pipes[PipeId::from_index(0)];
    let routes = find_table(pipe, "routes").expect("the program has it");
    let gress = &pipe.gresses[routes.gress];
    let send = gress.tables[routes.id].actions[0].action;
    let registers = ["seen", "sent", "last"];
    let registers: Vec<Ref<_>> = registers
        .iter()
        .map(|name| find_register(pipe, name).expect("the program has it"))
        .collect();
    let mut clock = 0;
    let mut outside = Vec::new();
    for _ in 0..n {
        if random.happens(400) {
            let gap = if random.happens(50) { 900 } else { 6 };
            clock += random.below(gap) as u64;
        }
        let key = Bits::from_u64(32, random.below(6) as u64);
        let what = if random.happens(850) {
            let mut bytes = vec![0; 24];
            bytes[0] = random.any() as u8 & if random.happens(500) { 0x1f } else { 0 };
            bytes[1] = random.below(4) as u8;
            bytes[3] = random.below(5) as u8;
            bytes[7] = key.low_u64() as u8;
            bytes.resize(24 + random.below(200), 0xda);
            let port = 1 + random.below(4) as u16;
            Outside::Packet { port, bytes }
        } else {
            Outside::Write(match random.below(4) {
                0 | 1 => ControlWrite::Insert {
                    table: routes,
                    entry: InstalledEntry {
                        matches: vec![Match::Exact(key)],
                        priority: 0,
                        target: EntryTarget::Action(ActionCall {
                            action: send,
                            args: vec![Bits::from_u64(9, 10 + random.below(4) as u64)],
                        }),
                        span: Span::NONE,
                    },
                },
                2 => ControlWrite::Delete {
                    table: routes,
                    matches: vec![Match::Exact(key)],
                    priority: 0,
                },
                _ => ControlWrite::Register {
                    register: registers[random.below(registers.len())],
                    index: random.below(4) as u64,
                    values: vec![Bits::from_u64(32, random.any() & 0xffff_ffff)],
                },
            })
        };
        outside.push((clock, what));
    }
    outside
}

#[test]
fn loops_registers_and_writes_come_to_the_same() {
    let bench = Bench::new(LOOPS, LOOPS_SETUP);
    let pipe = &bench.compiled.program.pipes[PipeId::from_index(0)];
    let routes = find_table(pipe, "routes").expect("the program has it");
    let parts = &bench.fit.placement.gresses[routes.gress].tables[routes.id];
    assert!(parts.len() > 1, "the table lies in one stage");
    let mut n_refused = 0;
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let timing = if seed % 3 == 0 {
            bench.timing()
        } else {
            bench.any_timing(&mut random)
        };
        let outside = orders(&bench, &mut random, 300);
        let is_free = random.happens(500);
        let queue_cells = if random.happens(300) { 3 } else { 1 << 14 };
        let configure = |device: &mut Device| {
            let config = device.config_mut();
            config.queue_cells = queue_cells;
            if is_free {
                config.port_gbps = None;
            }
        };
        let (result, device) = bench.check(seed, &timing, &outside, &configure);
        let counters = device.counters();
        assert!(
            counters.resubmitted > 0 && counters.recirculated > 0,
            "{counters:?}"
        );
        assert!(
            counters.mirror_copies > 0 && counters.packets_out > 100,
            "{counters:?}"
        );
        n_refused += result.refused.len();
    }
    assert!(n_refused > 0, "no write was refused");
}

/// In lock step, packets that follow one another closely find each other's loops unfinished: a register
/// that only copies pass is not yet written when the next packet comes, as it is one by one.
/// The comparison above can fail: a stage that takes a clock longer, a packet that a latch loses, a write that
/// comes at another clock, each in one execution only, is a difference.
#[test]
fn a_wrong_latency_a_lost_packet_and_a_late_write_are_noticed() {
    let bench = Bench::new(LOOPS, LOOPS_SETUP);
    let timing = bench.timing();
    let outside = orders(&bench, &mut Random::new(5), 120);
    let right = bench.run(Execution::Clocked, &timing, &outside, 7, &|_| {});
    let stride = outside.len() + 1;
    let mut slow = timing.clone();
    slow.egress.stages[1] += 1;
    let is_packet = |(_, what): &(u64, Outside)| matches!(what, Outside::Packet { .. });
    let mut lossy = outside.clone();
    lossy.remove(outside.iter().rposition(is_packet).expect("a packet"));
    let mut late = outside.clone();
    let write = outside
        .iter()
        .rposition(|of| !is_packet(of))
        .expect("a write");
    let (last, _) = *outside.last().expect("there are orders");
    let mut moved = late.remove(write);
    moved.0 = last + 40;
    late.push(moved);
    for (timing, outside) in [(&slow, &outside), (&timing, &lossy), (&timing, &late)] {
        let wrong = bench.run(Execution::Wavefront, timing, outside, stride, &|_| {});
        let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            compare(5, &right, &wrong);
        }));
        assert!(compared.is_err(), "a difference goes unnoticed");
    }
}

#[test]
fn strides_and_compiled_stages_are_exact_to_the_clock() {
    let bench = Bench::new(LOOPS, LOOPS_SETUP);
    for seed in 0..8 {
        let mut random = Random::new(seed);
        let timing = if seed % 2 == 0 {
            bench.timing()
        } else {
            bench.any_timing(&mut random)
        };
        let outside = orders(&bench, &mut random, 250);
        let queue_cells = if random.happens(300) { 3 } else { 1 << 14 };
        bench.check_strides(seed, [&timing; 2], &outside, &|device| {
            device.config_mut().queue_cells = queue_cells;
        });
    }
}

#[test]
fn a_stage_that_is_a_clock_late_is_noticed() {
    let bench = Bench::new(LOOPS, LOOPS_SETUP);
    let timing = bench.timing();
    let mut late = timing.clone();
    late.ingress.stages[0] += 1;
    let outside = orders(&bench, &mut Random::new(7), 120);
    let compared = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        bench.check_strides(7, [&timing, &late], &outside, &|_| {});
    }));
    assert!(compared.is_err(), "a difference goes unnoticed");
}

#[test]
fn lock_step_is_not_one_by_one() {
    let bench = Bench::new(LOOPS, LOOPS_SETUP);
    let packet = |index: u8| {
        let mut bytes = vec![2, index, 0, 5];
        bytes.resize(24, 0);
        bytes
    };
    let outside: Vec<(u64, Outside)> = (0..4)
        .map(|clock| {
            let (port, bytes) = (1, packet(0));
            (clock, Outside::Packet { port, bytes })
        })
        .collect();
    let (result, _) = bench.check(0, &bench.timing(), &outside, &|device| {
        device.config_mut().port_gbps = None;
    });
    let counts = |departures: &[Departure]| -> Vec<(u16, u8)> {
        let departures = departures.iter();
        departures
            .map(|departure| {
                let front = usize::from(departure.port == 41);
                (departure.port, departure.bytes[front + 15])
            })
            .collect()
    };
    let expected = [
        (5, 0),
        (5, 1),
        (5, 2),
        (5, 3),
        (41, 4),
        (41, 5),
        (41, 6),
        (41, 7),
    ];
    assert_eq!(counts(&result.departures), expected);
    let clocks: Vec<u64> = result
        .departures
        .iter()
        .map(|departure| departure.clock)
        .collect();
    assert!(
        clocks.windows(2).take(3).all(|pair| pair[1] == pair[0] + 1),
        "{clocks:?}"
    );
    let mut device = bench.device();
    for _ in 0..4 {
        device.receive(1, &packet(0)).expect("the port is there");
    }
    let departures: Vec<Departure> = device.take_departures().collect();
    let one_by_one = [
        (5, 0),
        (41, 1),
        (5, 2),
        (41, 3),
        (5, 4),
        (41, 5),
        (5, 6),
        (41, 7),
    ];
    assert_eq!(counts(&departures), one_by_one);
}

#[test]
fn tiny_comes_to_the_same() {
    let vector = "testvectors/tiny/switching.stf";
    vectors_come_to_the_same(
        "p4src/examples/tiny.p4",
        vector,
        &[vector.to_owned()],
        8,
        200,
    );
}

#[test]
fn laminar_comes_to_the_same() {
    let files = std::fs::read_dir(root().join("testvectors/laminar")).expect("the folder");
    let mut vectors: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".stf"))
        .map(|name| format!("testvectors/laminar/{name}"))
        .collect();
    vectors.sort();
    let setup = "testvectors/laminar/setup/one-connection.stf";
    vectors_come_to_the_same("laminar.p4", setup, &vectors, 4, 250);
}

/// The packets of vectors, whole and broken, at random clocks.
fn vectors_come_to_the_same(
    program: &str,
    setup: &str,
    vectors: &[String],
    n_seeds: u64,
    n_packets: usize,
) {
    let bench = Bench::new(program, setup);
    let mut arrivals = Vec::new();
    for path in vectors {
        let text = std::fs::read_to_string(root().join(path)).expect(path);
        let vector = p4rmt_stf::parse(path, &text).expect("a vector of ours");
        for statement in vector.statements {
            if let StatementKind::Packet { port, bytes } = statement.kind {
                arrivals.push((port, bytes));
            }
        }
    }
    for seed in 0..n_seeds {
        let mut random = Random::new(seed);
        let timing = if seed % 2 == 0 {
            bench.timing()
        } else {
            bench.any_timing(&mut random)
        };
        let mut clock = 0;
        let mut outside = Vec::new();
        for _ in 0..n_packets {
            let gap = if random.happens(20) { 2_000 } else { 4 };
            clock += random.below(gap) as u64;
            let (port, original) = arrivals[random.below(arrivals.len())].clone();
            let bytes = if random.happens(700) {
                original
            } else {
                mutate(&mut random, &original, &[])
            };
            outside.push((clock, Outside::Packet { port, bytes }));
        }
        bench.check_strides(seed, [&timing; 2], &outside, &|_| {});
        let (result, _) = bench.check(seed, &timing, &outside, &|_| {});
        assert!(
            result.departures.len() > n_packets / 20,
            "{}",
            result.departures.len()
        );
    }
}

/// Segments in order, one every `gap` clocks, to a device whose ports send as fast as packets come.
fn stream(gap: u64, n_segments: u32) -> (Result, Device) {
    let bench = Bench::new("laminar.p4", "testvectors/laminar/setup/one-connection.stf");
    let pipe = &bench.compiled.program.pipes[PipeId::from_index(0)];
    let register = find_register(pipe, "rx_avail").expect("Laminar has it");
    let room = ControlWrite::Register {
        register,
        index: 0,
        values: vec![Bits::from_u64(32, 1 << 30), Bits::zero(32)],
    };
    let mut outside = vec![(0, Outside::Write(room))];
    for n in 0..n_segments {
        let segment = TcpSegment {
            path: PEER_PATH,
            ports: [10_000, LOCAL_PORT],
            seq: 1000 + n * 64,
            ack: 5000,
            flags: flags::ACK,
            window: 0xffff,
            ecn: 0,
            options: Vec::new(),
            payload: vec![n as u8; 64],
        };
        let (port, bytes) = (NETWORK_PORT, segment.to_bytes());
        outside.push((1 + u64::from(n) * gap, Outside::Packet { port, bytes }));
    }
    bench.check(gap, &bench.timing(), &outside, &|device| {
        let config = device.config_mut();
        config.port_gbps = None;
        config.queue_cells = 64;
    })
}

/// A segment that is delivered and acknowledged gives the egress two packets.
#[test]
fn laminar_takes_a_segment_every_two_clocks() {
    let (result, device) = stream(2, 1_500);
    assert_eq!(device.counters().dropped.len(), 0);
    assert_eq!(
        result.departures.len(),
        3_000,
        "a write and an acknowledgment each"
    );
}

/// More than that is lost in front of the egress, in full queues. Copies go before new packets: whatever
/// gets in is acknowledged. Each gress lets out one packet a clock.
#[test]
fn overload_ends_in_tail_drops() {
    let (result, device) = stream(1, 3_000);
    let dropped = &device.counters().dropped;
    let is_full = |reason: &DropReason| matches!(reason, DropReason::QueueFull { port: 2, .. });
    let lost = dropped.iter().filter(|(reason, _)| is_full(reason));
    let n_lost: u64 = lost.map(|(_, count)| *count).sum();
    // The egress takes half of them, and a little more while its queue fills.
    assert!((1_200..=1_500).contains(&n_lost), "{dropped:?}");
    // The others are acknowledged, also those behind a gap, which are not written.
    let leaving = |port| {
        let departures = result.departures.iter();
        departures
            .filter(move |departure| departure.port == port)
            .count() as u64
    };
    assert_eq!(leaving(1), 3_000 - n_lost);
    let not_written: u64 = dropped.values().sum::<u64>() - n_lost;
    assert_eq!(leaving(2) + not_written, 3_000 - n_lost);
    let clocks: Vec<u64> = result
        .departures
        .iter()
        .map(|departure| departure.clock)
        .collect();
    assert!(
        clocks.windows(2).all(|pair| pair[0] < pair[1]),
        "more than one a clock"
    );
}
