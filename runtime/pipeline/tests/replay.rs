//! Captures through a device with the interpreter in it.

mod commanded;

use std::cell::Cell;
use std::io::Read;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::{
    CaptureError, CaptureFolder, CaptureReader, CaptureWriter, Device, NoOutput, ReplayClock,
    ReplayError, ReplayInput, ReplayOptions, ReplayOutput, ReplaySummary, replay,
};

fn device() -> Device {
    let program = Arc::new(commanded::commanded());
    Device::new(&Interp, program, PipeId::from_index(0), Mode::Unplaced)
        .expect("the program runs on the device")
}

/// A packet that bypasses the egress to this port, with a number behind.
fn packet(port: u8, number: u8) -> Vec<u8> {
    vec![0, 0, port, 0, 0, 1, 0, 0, 0, 0, number]
}

fn write(path: &Path, packets: &[(u64, Vec<u8>)]) {
    let mut writer = CaptureWriter::create(path).expect("the file can be made");
    for (timestamp_ns, packet) in packets {
        writer
            .write(*timestamp_ns, packet)
            .expect("the file can be written");
    }
    writer.finish().expect("the file can be renamed");
}

fn read(path: &Path) -> Vec<(u64, u8)> {
    let bytes = std::fs::read(path).expect("the capture is there");
    let mut reader = CaptureReader::new(&bytes[..]).expect("the capture is whole");
    let mut packets = Vec::new();
    while let Some(packet) = reader.next_packet().expect("the capture is whole") {
        packets.push((packet.timestamp_ns, packet.bytes[10]));
    }
    packets
}

/// Replays two captures, on ports 1 and 2, and returns the summary and what left on port 5.
fn run(options: ReplayOptions) -> (ReplaySummary, Vec<(u64, u8)>) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let [one, two, out] = ["one.pcap", "two.pcap", "out"].map(|name| folder.path().join(name));
    let second = 1_000_000_000;
    let dropped = vec![1, 0, 5, 0, 0, 0, 0, 0, 0, 0];
    write(
        &one,
        &[
            (second, packet(5, 1)),
            (second + 3000, packet(5, 4)),
            (second + 3000, packet(7, 0)),
            (second + 4000, dropped),
        ],
    );
    write(
        &two,
        &[
            (second + 1000, packet(5, 2)),
            (second + 2000, packet(5, 3)),
            (second + 3000, packet(5, 5)),
        ],
    );
    let inputs = [ReplayInput::file(1, &one), ReplayInput::file(2, &two)];
    let mut output = CaptureFolder::create(&out).expect("the folder can be made");
    let mut bytes = 0;
    let summary = replay(&mut device(), &inputs, options, &mut output, &mut |read| {
        bytes = read
    })
    .expect("the captures are whole");
    assert!(bytes > 0, "progress was told");
    let paths = output.finish().expect("the captures can be ended");
    assert_eq!(
        paths.iter().map(|(port, _)| *port).collect::<Vec<_>>(),
        [5, 7]
    );
    (summary, read(&paths[0].1))
}

#[test]
fn captures_are_merged_by_time() {
    let (summary, out) = run(ReplayOptions::default());
    let numbers: Vec<u8> = out.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    let times: Vec<u64> = out.iter().map(|(time, _)| *time - 1_000_000_000).collect();
    assert_eq!(times[..4], [0, 1000, 2000, 3000]);
    assert!(
        (3001..3010).contains(&times[4]),
        "two packets do not enter at one clock: {times:?}"
    );
    assert_eq!(summary.counters.packets_in, 7);
    assert_eq!(summary.counters.packets_out, 6);
    assert_eq!(summary.packets_out[&5], 5);
    assert_eq!(summary.counters.dropped.values().sum::<u64>(), 1);
    let table = &summary.tables[0];
    assert_eq!(
        (table.name.as_str(), table.hits, table.misses),
        ("Ingress.count", 0, 7)
    );
}

#[test]
fn packets_may_come_at_a_rate() {
    let options = |clock| ReplayOptions { clock, rounds: 1 };
    let (_, out) = run(options(ReplayClock::PacketsPerSecond(1_000_000)));
    let times: Vec<u64> = out.iter().map(|(time, _)| *time - 1_000_000_000).collect();
    assert_eq!(times, [0, 1000, 2000, 3000, 5000]);
    let (_, out) = run(options(ReplayClock::LineRate));
    let numbers: Vec<u8> = out.iter().map(|(_, number)| *number).collect();
    assert_eq!(
        numbers,
        [1, 2, 4, 3, 5],
        "each port sends as fast as it can"
    );
}

#[test]
fn rounds_follow_each_other() {
    let options = ReplayOptions {
        clock: ReplayClock::Timestamps,
        rounds: 3,
    };
    let (summary, out) = run(options);
    assert_eq!(summary.counters.packets_in, 21);
    assert!(out.is_sorted(), "time goes on: {out:?}");
}

#[test]
fn damage_ends_the_replay_and_leaves_no_capture() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("in.pcap");
    write(&path, &[(1, packet(5, 1)), (2, packet(5, 2))]);
    let whole = std::fs::read(&path).expect("the file is there");
    std::fs::write(&path, &whole[..whole.len() - 1]).expect("the file can be written");
    let out = folder.path().join("out");
    let inputs = [ReplayInput::file(1, &path)];
    let mut output = CaptureFolder::create(&out).expect("the folder can be made");
    let options = ReplayOptions::default();
    let error = replay(&mut device(), &inputs, options, &mut output, &mut |_| {})
        .expect_err("the capture is cut");
    assert!(
        error.to_string().ends_with(
            "in.pcap: the capture ends in the middle of a record: 27 bytes needed, 26 left, at \
             byte 51"
        ),
        "{error}"
    );
    drop(output);
    assert_eq!(
        std::fs::read_dir(&out)
            .expect("the folder is there")
            .count(),
        0
    );
    let inputs = [ReplayInput::file(1, &folder.path().join("nothing.pcap"))];
    let error = replay(&mut device(), &inputs, options, &mut NoOutput, &mut |_| {});
    assert!(matches!(error, Err(ReplayError::Open { .. })));
}

/// A capture that is made while it is read: equal packets, a microsecond apart.
struct Endless {
    n_left: u64,
    clock_us: u32,
    packet: Vec<u8>,
    /// Made, and not read yet.
    made: Vec<u8>,
    n_read: Rc<Cell<u64>>,
}

impl Read for Endless {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.made.is_empty() && self.n_left > 0 {
            self.n_left -= 1;
            self.clock_us += 1;
            let len = self.packet.len() as u32;
            for word in [1, self.clock_us, len, len] {
                self.made.extend(word.to_le_bytes());
            }
            self.made.extend(&self.packet);
        }
        let n_bytes = self.made.len().min(into.len());
        into[..n_bytes].copy_from_slice(&self.made[..n_bytes]);
        self.made.drain(..n_bytes);
        self.n_read.set(self.n_read.get() + n_bytes as u64);
        Ok(n_bytes)
    }
}

/// An output that says how far reading was ahead of writing.
struct Ahead {
    n_read: Rc<Cell<u64>>,
    n_written: u64,
    most: u64,
}

impl ReplayOutput for Ahead {
    fn packet(&mut self, _port: u16, _ns: u64, bytes: &[u8]) -> Result<(), CaptureError> {
        self.n_written += bytes.len() as u64 + 16;
        self.most = self.most.max(self.n_read.get() - self.n_written);
        Ok(())
    }
}

#[test]
fn no_more_than_a_window_is_held_however_long_the_capture() {
    const N_PACKETS: u64 = 5000;
    let n_read = Rc::new(Cell::new(0));
    let made = Rc::clone(&n_read);
    let mut long = packet(5, 1);
    long.resize(50_000, 0);
    let mut file_header = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 1 << 18, 1u32] {
        file_header.extend(word.to_le_bytes());
    }
    let inputs = [ReplayInput {
        port: 1,
        name: "endless".to_owned(),
        open: Box::new(move || {
            Ok(Box::new(Endless {
                n_left: N_PACKETS,
                clock_us: 0,
                packet: long.clone(),
                made: file_header.clone(),
                n_read: Rc::clone(&made),
            }))
        }),
    }];
    let mut output = Ahead {
        n_read,
        n_written: 0,
        most: 0,
    };
    let options = ReplayOptions::default();
    let summary = replay(&mut device(), &inputs, options, &mut output, &mut |_| {});
    let summary = summary.expect("the capture is whole");
    assert_eq!(summary.counters.packets_out, N_PACKETS);
    assert!(output.n_written > 250_000_000, "{}", output.n_written);
    assert!(output.most < 2 << 20, "{} bytes ahead", output.most);
    assert!(summary.in_pipe <= summary.elapsed);
}

#[test]
fn a_saved_device_goes_on_at_its_time() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let second = 1_000_000_000;
    let packets = [0, 2000, 7000].map(|ns| (second + ns, packet(5, 1)));
    let paths = ["whole", "first", "rest"].map(|name| folder.path().join(name));
    for (path, packets) in paths
        .iter()
        .zip([&packets[..], &packets[..1], &packets[1..]])
    {
        write(path, packets);
    }
    let play = |device: &mut Device, path: &Path| {
        let inputs = [ReplayInput::file(1, path)];
        let options = ReplayOptions::default();
        replay(device, &inputs, options, &mut NoOutput, &mut |_| {}).expect("it is whole");
    };
    let mut whole = device();
    play(&mut whole, &paths[0]);
    let mut first = device();
    play(&mut first, &paths[1]);
    let mut rest = device();
    rest.restore(&first.to_bytes()).expect("it was saved");
    play(&mut rest, &paths[2]);
    assert_eq!(rest.to_bytes(), whole.to_bytes());

    let saved = whole.to_bytes();
    for cut in [0, 7, 20, 28, 37, saved.len() - 1] {
        let error = device().restore(&saved[..cut]);
        assert!(error.is_err(), "cut at {cut}");
    }
    let error = device().restore(&[b"p4rmt-st", &saved[8..]].concat());
    let error = error.expect_err("another kind").to_string();
    assert!(error.contains("`p4rmt-dv`"), "{error}");
}
