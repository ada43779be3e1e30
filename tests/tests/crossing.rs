//! Packets that cross v1model's traffic manager one behind the other do what each does alone: what leaves, when, what
//! is counted and refused, and the state behind, however many come at once and whatever they ask for.

use std::path::Path;
use std::sync::Arc;

use p4rmt_driver::{Compiled, Options, compile};
use p4rmt_engine::{Engine, Mode};
use p4rmt_interp::Interp;
use p4rmt_ir::Id;
use p4rmt_ir::PipeId;
use p4rmt_jit::Jit;
use p4rmt_pipeline::{Arriving, Departure, Device, DeviceCounters, MirrorSession, MirrorTarget};
use p4rmt_syntax::{LoadError, Loader};

/// The first byte of a packet says what it asks for; time goes out with it.
const PROGRAM: &str = "
#include <core.p4>
#include <v1model.p4>
header h_t { bit<8> what; bit<8> port; bit<16> length; bit<48> now; bit<48> then; bit<32> drawn; bit<8> color; }
header more_t { bit<24> x; }
struct headers { h_t h; more_t more; }
struct metadata { }
parser P(packet_in p, out headers hdr, inout metadata m, inout standard_metadata_t s) {
    state start {
        p.extract(hdr.h);
        transition select(hdr.h.what) { 9: more; default: accept; }
    }
    state more { p.extract(hdr.more); transition accept; }
}
control V(inout headers hdr, inout metadata m) {
    apply { assert(hdr.h.what != 20); }
}
control I(inout headers hdr, inout metadata m, inout standard_metadata_t s) {
    register<bit<32>>(4) seen;
    action copy() { clone(CloneType.I2E, 5); }
    action flood() { s.mcast_grp = 7; }
    action away() { mark_to_drop(s); }
    action on() { }
    table asked {
        key = { hdr.h.what : exact; }
        actions = { copy; flood; away; on; }
        default_action = on();
        const entries = { 1 : away(); 2 : flood(); 3 : copy(); }
    }
    apply {
        bit<32> n;
        seen.read(n, 1);
        seen.write(1, n + 1);
        s.egress_spec = (bit<9>)hdr.h.port;
        hdr.h.length = (bit<16>)s.packet_length;
        hdr.h.now = s.ingress_global_timestamp;
        asked.apply();
        if (hdr.h.what == 4) { digest<bit<8>>(1, hdr.h.port); }
        if (hdr.h.what == 5) { truncate(20); }
        if (hdr.h.what == 6) { hdr.more.setValid(); hdr.more.x = 0x102030; }
        if (hdr.h.what == 9) { hdr.more.setInvalid(); }
        if (hdr.h.what == 8) { resubmit_preserving_field_list(0); }
        assert(hdr.h.what != 21);
    }
}
control E(inout headers hdr, inout metadata m, inout standard_metadata_t s) {
    meter(2, MeterType.packets) pace;
    counter(4, CounterType.packets_and_bytes) out_of;
    apply {
        bit<2> color;
        pace.execute_meter(0, color);
        hdr.h.color = (bit<8>)color;
        out_of.count(1);
        hdr.h.then = s.egress_global_timestamp + (bit<48>)s.deq_timedelta;
        hdr.h.length = hdr.h.length + (bit<16>)s.packet_length;
        random(hdr.h.drawn, 32w0, 32w1000000);
        if (hdr.h.what == 7) { mark_to_drop(s); }
        if (hdr.h.what == 10) { digest<bit<8>>(1, hdr.h.port); }
        if (hdr.h.what == 11) { truncate(3); }
        assert(hdr.h.what != 22);
    }
}
control C(inout headers hdr, inout metadata m) {
    apply { assert(hdr.h.what != 23); }
}
control D(packet_out p, in headers hdr) { apply { p.emit(hdr.h); p.emit(hdr.more); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
";

struct OneFile;

impl Loader for OneFile {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("crossing.p4")).then(|| PROGRAM.to_owned()))
    }
}

/// Numbers that look random (Marsaglia's xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A packet with the clock before which it does not arrive, and its port.
type Packet = (u64, u16, Vec<u8>);

fn packets(seed: u64) -> Vec<Packet> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut clock = 0;
    let mut all: Vec<Packet> = Vec::new();
    for _ in 0..150 {
        let what = match random.below(4) {
            // What crosses or is dropped makes long batches, others end them; claims are rare.
            0 => random.below(12),
            1 if random.below(8) == 0 => 20 + random.below(4),
            1 => 1,
            _ => 0,
        };
        clock += [0, 0, 1, 3, 990][random.below(5) as usize];
        let length = random.below(80) as usize;
        let mut bytes = vec![what as u8, random.below(4) as u8];
        bytes.extend((0..length).map(|_| random.below(256) as u8));
        let port = if random.below(60) == 0 { 600 } else { 3 };
        all.push((clock, port, bytes));
    }
    all
}

/// What came of packets.
#[derive(Debug, PartialEq)]
struct Came {
    left: Vec<Departure>,
    refused: Vec<String>,
    counters: DeviceCounters,
    clock: u64,
}

/// Lets packets in, so many at once.
fn run(
    compiled: &Compiled,
    engine: &dyn Engine,
    is_watched: bool,
    packets: &[Packet],
    at_once: usize,
) -> (Came, Device) {
    let pipe = PipeId::from_index(0);
    let device = Device::new(
        engine,
        Arc::clone(&compiled.structured),
        pipe,
        Mode::Unplaced,
    );
    let mut device = device.expect("it loads");
    device.record_fates(is_watched);
    let traffic = device.traffic_mut();
    traffic.create_group(7);
    let node = traffic.create_node(1, &[1, 2]).expect("ports");
    traffic.associate(7, node).expect("group and node");
    let to = MirrorTarget::Port(9);
    let session = MirrorSession { to, truncate: None };
    traffic.set_session(5, session).expect("a port");
    let arriving: Vec<Arriving<'_>> = packets
        .iter()
        .map(|(not_before, port, bytes)| Arriving {
            not_before: *not_before,
            port: *port,
            bytes,
        })
        .collect();
    let mut refused = Vec::new();
    let mut left = Vec::new();
    for some in arriving.chunks(at_once) {
        let mut rest = some;
        while let Err(error) = device.receive_all(rest) {
            refused.push(format!("{}", error.cause));
            rest = &rest[error.index + 1..];
        }
        left.extend(device.take_departures().map(|departure| Departure {
            headers: None,
            ..departure
        }));
    }
    let came = Came {
        left,
        refused,
        counters: device.counters().clone(),
        clock: device.clock(),
    };
    (came, device)
}

#[test]
fn one_behind_the_other_is_one_by_one() {
    let compiled = compile(Path::new("crossing.p4"), &Options::default(), &OneFile);
    let compiled = compiled.unwrap_or_else(|rejected| {
        let diagnostics = rejected.diagnostics.iter();
        let shown = diagnostics.map(|one| rejected.sources.render(one, false));
        panic!("{}", shown.collect::<String>())
    });
    for seed in 0..12 {
        let packets = packets(seed);
        let (expected, device) = run(&compiled, &Interp, true, &packets, 1);
        assert!(expected.left.len() > 40, "{}", expected.left.len());
        assert!(!expected.refused.is_empty());
        for (engine, is_watched, at_once) in [
            (&Jit as &dyn Engine, true, 10),
            (&Jit, false, 1),
            (&Jit, false, 7),
            (&Jit, false, 1000),
            (&Interp, false, 1000),
        ] {
            let (found, other) = run(&compiled, engine, is_watched, &packets, at_once);
            let name = format!("seed {seed}, {} by {at_once}, {is_watched}", engine.name());
            assert_eq!(found.refused, expected.refused, "{name}");
            for (index, (found, expected)) in found.left.iter().zip(&expected.left).enumerate() {
                assert_eq!(found, expected, "{name}: packet {index}");
            }
            assert_eq!(found, expected, "{name}");
            let difference = device.state().first_difference(other.state());
            assert!(difference.is_none(), "{name}: {difference:?}");
        }
    }
}
