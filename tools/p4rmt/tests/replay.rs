//! `p4rmt replay` over more than one run.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use p4rmt_pipeline::{CaptureReader, CaptureWriter};

fn in_root(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join(path).to_str().expect("text").to_owned()
}

fn p4rmt(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_p4rmt"));
    command.args(arguments).output().expect("it was built")
}

/// Divides a capture at a time, into two files beside it.
fn divide(path: &str, at_ns: u64, folder: &Path) -> [String; 2] {
    let bytes = fs::read(path).expect("the capture is there");
    let name = Path::new(path).file_stem().expect("it has a name");
    let paths = ["first", "rest"].map(|part| folder.join(format!("{}-{part}", name.display())));
    let mut writers = paths
        .each_ref()
        .map(|path| CaptureWriter::create(path).expect("a file"));
    let mut reader = CaptureReader::new(&bytes[..]).expect("a capture");
    while let Some(packet) = reader.next_packet().expect("a whole capture") {
        let writer = &mut writers[usize::from(packet.timestamp_ns >= at_ns)];
        writer
            .write(packet.timestamp_ns, packet.bytes)
            .expect("room");
    }
    for writer in writers {
        writer.finish().expect("room");
    }
    paths.map(|path| path.to_str().expect("text").to_owned())
}

/// The packets of a capture with their times.
fn packets(path: &Path) -> Vec<(u64, Vec<u8>)> {
    let bytes = fs::read(path).expect("the capture is there");
    let mut reader = CaptureReader::new(&bytes[..]).expect("a capture");
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().expect("a whole capture") {
        packets.push((packet.timestamp_ns, packet.bytes.to_vec()));
    }
    packets
}

#[test]
fn a_replay_in_two_parts_is_one_in_whole() {
    let captures = ["network", "host"]
        .map(|side| in_root(&format!("testvectors/laminar/exchange-{side}.pcap")));
    let folder = tempfile::tempdir().expect("a folder");
    let middle = {
        let times = packets(Path::new(&captures[0]));
        times[times.len() / 2].0
    };
    let divided = captures
        .each_ref()
        .map(|path| divide(path, middle, folder.path()));
    let play = |name: &str, captures: [&str; 2], load: Option<&str>| {
        let out = folder.path().join(name);
        let state = folder.path().join(format!("{name}.state"));
        let state = state.to_str().expect("text").to_owned();
        let [network, host] = captures;
        let (network, host) = (format!("1={network}"), format!("2={host}"));
        let program = in_root("laminar.p4");
        let setup = in_root("testvectors/laminar/setup/exchange.stf");
        let mut arguments = vec![
            "replay", &program, "--setup", &setup, "--in", &network, "--in", &host,
        ];
        arguments.extend(["--out", out.to_str().expect("text"), "--save-state", &state]);
        arguments.extend(load.iter().flat_map(|load| ["--load-state", *load]));
        let output = p4rmt(&arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(text.contains(" s in the device, "), "{text}");
        (out, state)
    };
    let (whole, state_of_whole) = play("whole", captures.each_ref().map(String::as_str), None);
    let [network, host] = &divided;
    let (first, state) = play("first", [&network[0], &host[0]], None);
    let (rest, state_of_parts) = play("rest", [&network[1], &host[1]], Some(&state));
    let state = |path: &str| fs::read(path).expect("a state");
    assert!(
        state(&state_of_whole) == state(&state_of_parts),
        "registers and the clock"
    );
    for port in [1, 2] {
        let [whole, first, rest] =
            [&whole, &first, &rest].map(|out| packets(&out.join(format!("port-{port}.pcap"))));
        assert!(
            !first.is_empty() && !rest.is_empty(),
            "both parts send by port {port}"
        );
        assert!([first, rest].concat() == whole, "port {port}");
    }
}
