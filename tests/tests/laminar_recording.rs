//! The captures that the README replays are what their generator makes, and through `laminar.p4`,
//! placed on Tofino 2, every stream in them arrives byte for byte on both sides.

use std::fs;

use p4rmt_pipeline::{CaptureError, ReplayInput, ReplayOptions, ReplayOutput, replay};
use p4rmt_tests::laminar::host::{Host, HostSide};
use p4rmt_tests::laminar::recording::{Recording, SEED, record};
use p4rmt_tests::laminar::rig::{HOST_PORT, LOCAL_PORT, NETWORK_PORT, PEER_PATH};
use p4rmt_tests::laminar::wire::TcpSegment;
use p4rmt_tests::rig::{Form, compile_program, device, root};

const FILES: [&str; 3] = [
    "exchange-network.pcap",
    "exchange-host.pcap",
    "setup/exchange.stf",
];

#[test]
fn files_are_what_the_generator_makes() {
    let folder = std::env::temp_dir().join(format!("p4rmt-exchange-{}", std::process::id()));
    record(SEED).write(&folder).unwrap();
    for file in FILES {
        let made = fs::read(folder.join(file)).unwrap();
        let kept = fs::read(root().join("testvectors/laminar").join(file)).unwrap();
        assert!(
            made == kept,
            "{file} is not what `cargo run -p p4rmt-tests --example exchange` makes"
        );
    }
    fs::remove_dir_all(folder).unwrap();
}

/// What leaves: the host's memory, and what each peer has received.
struct Ends<'a> {
    host: Host,
    recording: &'a Recording,
    /// The bytes that each peer has, and up to where it was acknowledged.
    at_peers: Vec<(Vec<Option<u8>>, u32)>,
    n_echoes: u32,
}

impl ReplayOutput for Ends<'_> {
    fn packet(&mut self, port: u16, _: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        match port {
            HOST_PORT => self.host.take(bytes),
            NETWORK_PORT => self.take_segment(bytes),
            port => panic!("a packet leaves on port {port}"),
        }
        Ok(())
    }
}

impl Ends<'_> {
    fn take_segment(&mut self, bytes: &[u8]) {
        let segment = TcpSegment::from_bytes(bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(segment.path, PEER_PATH.reversed());
        assert_eq!(segment.ports[0], LOCAL_PORT);
        let mut streams = self.recording.streams.iter();
        let at = streams
            .position(|streams| streams.identity.peer_port == segment.ports[1])
            .expect("the peer has this port");
        let identity = self.recording.streams[at].identity;
        let (bytes, acked) = &mut self.at_peers[at];
        let start = segment.seq.wrapping_sub(identity.first_tx) as usize;
        for (at, byte) in (start..).zip(&segment.payload) {
            bytes[at] = Some(*byte);
        }
        *acked = (*acked).max(segment.ack.wrapping_sub(identity.first_rx));
        self.n_echoes += u32::from(segment.flags & 0x40 != 0);
    }
}

#[test]
fn every_stream_arrives() {
    let recording = record(SEED);
    let n_packets = recording.network.len() + recording.host.len();
    assert!((300..600).contains(&n_packets), "{n_packets} packets");
    let folder = root().join("testvectors/laminar");
    let compiled = compile_program("laminar.p4");
    let setup = p4rmt_stf::parse("exchange.stf", &recording.setup).unwrap();
    let fresh = device(&compiled, Form::Placed("tofino2"));
    let (mut device, errors) = p4rmt_stf::apply(&setup, fresh);
    assert!(errors.is_empty(), "{}", errors[0]);

    let mut ends = Ends {
        host: Host::default(),
        recording: &recording,
        at_peers: Vec::new(),
        n_echoes: 0,
    };
    for streams in &recording.streams {
        let id = streams.identity.id;
        ends.host.open(streams.identity, 0);
        ends.host.send(id, &streams.to_peer);
        ends.at_peers.push((vec![None; streams.to_peer.len()], 0));
    }
    let inputs = [
        ReplayInput::file(NETWORK_PORT, &folder.join(FILES[0])),
        ReplayInput::file(HOST_PORT, &folder.join(FILES[1])),
    ];
    let summary = replay(
        &mut device,
        &inputs,
        ReplayOptions::default(),
        &mut ends,
        &mut |_| {},
    )
    .unwrap();

    assert_eq!(summary.counters.packets_in, n_packets as u64);
    assert!(summary.counters.generated > 0, "the generator brings SYNCs");
    assert!(ends.n_echoes > 0, "marks are echoed");
    assert!(
        ends.host.n_restarts() > 0,
        "duplicates cause a fast retransmit"
    );
    for (streams, (at_peer, acked)) in recording.streams.iter().zip(&ends.at_peers) {
        let id = streams.identity.id;
        let at_peer: Option<Vec<u8>> = at_peer.iter().copied().collect();
        assert!(
            at_peer.as_ref() == Some(&streams.to_peer),
            "to the peer of {id}"
        );
        let at_host = ends.host.read(id, u32::MAX);
        assert!(at_host == streams.to_host, "to the host, connection {id}");
        assert_eq!(
            *acked as usize,
            streams.to_host.len(),
            "acknowledged to {id}"
        );
    }
}
