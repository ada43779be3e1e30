//! The machine of v1model with the interpreter in it: what it decides, and what copies start with.

mod switched;

use std::sync::Arc;

use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::build::{GressBuilder, assign, constant};
use p4rmt_ir::{ClaimKind, GressRole, Id, PipeId};
use p4rmt_pipeline::{
    CaptureWriter, Device, DeviceError, DropReason, FateEvent, GeneratorApp, MirrorSession,
    MirrorTarget, NoOutput, ReplayInput, ReplayOptions, replay,
};
use p4rmt_source::Span;
use switched::{CLAIM_SPAN, DROP_SPAN, switched};

fn device() -> Device {
    let pipe = PipeId::from_index(0);
    let mut device = Device::new(&Interp, Arc::new(switched()), pipe, Mode::Unplaced)
        .expect("the program runs on the device");
    device.record_fates(true);
    device
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16).map(|digit| digit as u8))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn leaving(device: &mut Device) -> Vec<String> {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    device
        .take_departures()
        .map(|departure| format!("{}:{}", departure.port, hex(&departure.bytes)))
        .collect()
}

/// Lets a packet in on port 1; what leaves must be this, `C` standing for its commands and payload.
#[track_caller]
fn check(device: &mut Device, packet: &str, expected: &[&str]) {
    device.receive(1, &hex(packet)).expect("the port is there");
    let packet: String = packet.split_whitespace().collect();
    let expected: Vec<String> = expected
        .iter()
        .map(|text| text.replace(' ', "").replace('C', &packet))
        .collect();
    assert_eq!(leaving(device), expected);
}

fn session(device: &mut Device, session: u16, to: MirrorTarget, truncate: Option<u16>) {
    let traffic = device.traffic_mut();
    traffic
        .set_session(session, MirrorSession { to, truncate })
        .expect("the port is there");
}

/// Group 3: ports 2 and 6 with replication id 7, port 2 again with 8.
fn group(device: &mut Device) {
    let traffic = device.traffic_mut();
    traffic.create_group(3);
    for (rid, ports) in [(7, &[6, 2][..]), (8, &[2])] {
        let node = traffic
            .create_node(rid, ports)
            .expect("the ports are there");
        traffic.associate(3, node).expect("both are there");
    }
}

fn drops(device: &Device) -> Vec<DropReason> {
    let fates = device.fates().iter();
    fates
        .filter_map(|fate| match fate.event {
            FateEvent::Dropped(reason) => Some(reason),
            FateEvent::Arrived { .. }
            | FateEvent::Generated { .. }
            | FateEvent::Forwarded { .. }
            | FateEvent::CopiedToCpu
            | FateEvent::Resubmitted
            | FateEvent::Recirculated { .. }
            | FateEvent::Mirrored { .. }
            | FateEvent::MirrorHeld
            | FateEvent::MirrorReleased
            | FateEvent::Left { .. } => None,
        })
        .collect()
}

#[test]
fn a_packet_goes_where_egress_spec_says() {
    let mut device = device();
    check(
        &mut device,
        "0005 00 00 00 00 00 00 00 00 00 77",
        &["5: ee 00 00 0005 0000 000c 0001 01 01 C"],
    );
    check(
        &mut device,
        "0000 00 00 00 00 00 00 00 00 00",
        &["0: ee 00 00 0000 0000 000b 0001 01 01 C"],
    );
    assert_eq!(drops(&device), []);
}

#[test]
fn port_511_drops_behind_either_part() {
    let mut device = device();
    check(&mut device, "01ff 00 00 00 00 00 00 00 00 00", &[]);
    check(&mut device, "0005 00 00 00 00 01 00 01 00 00", &[]);
    let dropped = |gress, span| DropReason::Program { gress, span };
    let expected = [
        dropped(GressRole::Ingress, Span::NONE),
        dropped(GressRole::Egress, DROP_SPAN),
    ];
    assert_eq!(drops(&device), expected);
    assert_eq!(device.counters().recirculated, 0, "a drop goes first");
}

#[test]
fn a_group_goes_before_the_port_and_before_a_drop() {
    let mut device = device();
    group(&mut device);
    for port in ["0005", "01ff"] {
        check(
            &mut device,
            &format!("{port} 03 00 00 00 00 00 00 00 00 aa"),
            &[
                "2: ee 00 05 0002 0007 000c 0001 01 01 C",
                "6: ee 00 05 0006 0007 000c 0001 01 01 C",
                "2: ee 00 05 0002 0008 000c 0001 01 01 C",
            ],
        );
    }
    check(&mut device, "0005 04 00 00 00 00 00 00 00 00", &[]);
    assert_eq!(drops(&device), [DropReason::EmptyGroup { group: 4 }]);
}

#[test]
fn an_ingress_clone_is_the_packet_as_received_with_what_it_keeps() {
    let mut device = device();
    session(&mut device, 4, MirrorTarget::Port(9), None);
    // `extra` is not in the clone, `kept` has its value at the end, everything else is zero.
    check(
        &mut device,
        "01ff 00 04 00 00 00 00 00 03 01 77",
        &["9: ee 00 01 0009 0000 000c 0000 50 00 C"],
    );
    check(
        &mut device,
        "0005 00 04 00 00 00 00 00 00 00",
        &[
            "9: ee 00 01 0009 0000 000b 0000 01 00 C",
            "5: ee 00 00 0005 0000 000b 0001 01 01 C",
        ],
    );
    assert_eq!(device.counters().mirror_copies, 2);
}

#[test]
fn sessions_lead_to_groups_cut_and_are_missed() {
    let mut device = device();
    group(&mut device);
    session(&mut device, 4, MirrorTarget::Group(3), Some(20));
    check(
        &mut device,
        "01ff 00 04 00 00 00 00 00 00 00 1111111111",
        &[
            "2: ee 00 01 0002 0007 0010 0000 01 00 01ff 00 04 00 00 00",
            "6: ee 00 01 0006 0007 0010 0000 01 00 01ff 00 04 00 00 00",
            "2: ee 00 01 0002 0008 0010 0000 01 00 01ff 00 04 00 00 00",
        ],
    );
    check(&mut device, "01ff 00 05 00 00 00 00 00 00 00", &[]);
    let missed = DropReason::NoSession { session: 5 };
    assert!(drops(&device).contains(&missed));
}

#[test]
fn a_resubmitted_packet_starts_again_as_received() {
    let mut device = device();
    check(
        &mut device,
        "0005 00 00 01 00 00 00 00 00 01 77",
        &["5: ee 06 00 0005 0000 000e 0000 02 01 0000 C"],
    );
    assert_eq!(device.counters().resubmitted, 1);
    // It goes nowhere else, but its clone does.
    session(&mut device, 4, MirrorTarget::Port(9), None);
    check(
        &mut device,
        "0005 00 04 01 00 00 00 00 00 00",
        &[
            "9: ee 00 01 0009 0000 000b 0000 01 00 C",
            "9: ee 00 01 0009 0000 000b 0000 02 00 C",
            "5: ee 06 00 0005 0000 000b 0000 02 01 C",
        ],
    );
}

#[test]
fn a_recirculated_packet_starts_again_as_deparsed() {
    let mut device = device();
    check(
        &mut device,
        "0005 00 00 00 00 00 00 01 00 00 77",
        &["5: ee 04 00 0005 0000 0019 0000 02 01 C"],
    );
    assert_eq!(device.counters().recirculated, 1);
}

#[test]
fn an_egress_clone_starts_at_the_egress_with_its_headers() {
    let mut device = device();
    session(&mut device, 6, MirrorTarget::Port(8), None);
    // The stamp is a header of its packet already, and counts in its length; the drop does not
    // reach it.
    for drop in ["00", "01"] {
        let original = "5: ee 00 00 0005 0000 000c 0001 01 01 C";
        let copy = "8: ee 00 02 0008 0000 0019 0000 01 00 C";
        let expected = [original, copy];
        let n_dropped = usize::from(drop == "01");
        check(
            &mut device,
            &format!("0005 00 00 00 00 {drop} 06 00 00 00 77"),
            &expected[n_dropped..],
        );
    }
}

#[test]
fn lengths_follow_the_headers_that_are_valid() {
    let mut device = device();
    check(
        &mut device,
        "0005 00 00 00 00 00 00 00 00 01 77",
        &["5: ee 00 00 0005 0000 000e 0001 01 01 0000 C"],
    );
}

#[test]
fn truncation_cuts_what_leaves() {
    let mut device = device();
    group(&mut device);
    check(
        &mut device,
        "0005 00 00 00 0f 00 00 00 00 00 77",
        &["5: ee 00 00 0005 0000 000c 0001 01 01 0005"],
    );
    check(
        &mut device,
        "0005 03 00 00 01 00 00 00 00 00 77",
        &["2: ee", "6: ee", "2: ee"],
    );
    // What goes round is not cut before it leaves.
    check(
        &mut device,
        "0005 00 00 00 20 00 00 01 00 00 77",
        &["5: ee 04 00 0005 0000 0019 0000 02 01 C"],
    );
}

#[test]
fn circles_end() {
    for packet in [
        "0005 00 00 02 00 00 00 00 00 00",
        "0005 00 00 00 00 00 00 02 00 00",
        "0005 00 00 00 00 01 09 00 00 00",
    ] {
        let mut device = device();
        device.config_mut().max_passes = 100;
        session(&mut device, 9, MirrorTarget::Port(8), None);
        device.receive(1, &hex(packet)).expect("the port is there");
        let ended = drops(&device).contains(&DropReason::TooManyPasses);
        assert!(ended, "{packet}");
        assert!(device.clock() <= 200, "{packet}");
    }
}

#[test]
fn copies_that_multiply_end() {
    let mut device = device();
    device.config_mut().max_passes = 100;
    group(&mut device);
    session(&mut device, 9, MirrorTarget::Group(3), None);
    let packet = hex("0005 00 00 00 00 01 09 00 00 00");
    device.receive(1, &packet).expect("the port is there");
    assert!(drops(&device).contains(&DropReason::TooManyPasses));
    assert!(device.clock() <= 200);
}

#[test]
fn clones_are_held_released_and_lost() {
    let mut device = device();
    session(&mut device, 4, MirrorTarget::Port(9), None);
    device.hold_mirrors();
    for _ in 0..3 {
        check(&mut device, "01ff 00 04 00 00 00 00 00 00 00", &[]);
    }
    assert_eq!(device.n_held_mirrors(), 3);
    device.drop_mirrors(Some(1));
    device.release_mirrors(Some(1)).expect("it runs");
    assert_eq!(leaving(&mut device).len(), 1);
    device.release_mirrors(None).expect("it runs");
    assert_eq!(leaving(&mut device).len(), 1);
}

#[test]
fn a_wrong_claim_is_an_error_at_its_place() {
    let mut device = device();
    let error = device
        .receive(1, &hex("0005 00 00 00 00 00 00 00 01 00"))
        .expect_err("the claim is wrong");
    assert!(matches!(
        error,
        DeviceError::WrongClaim {
            kind: ClaimKind::Assert,
            span: CLAIM_SPAN
        }
    ));
    assert_eq!(leaving(&mut device), [""; 0]);
    check(
        &mut device,
        "0005 00 00 00 00 00 00 00 00 00",
        &["5: ee 00 00 0005 0000 000b 0001 01 01 C"],
    );
}

#[test]
fn lines_and_digests_have_the_values_of_their_calls() {
    let mut device = device();
    for packet in [
        "0107 00 00 00 00 00 00 00 02 00",
        "0007 00 00 00 00 00 00 00 03 00",
    ] {
        device.receive(1, &hex(packet)).expect("the port is there");
    }
    let lines: Vec<String> = device.take_log().map(|line| line.message.text).collect();
    assert_eq!(lines, ["to 263, 1 of {}"]);
    let digests: Vec<_> = device.take_digests().collect();
    let [digest] = &digests[..] else {
        panic!("one digest was sent: {digests:?}");
    };
    assert_eq!(digest.arrival, 1);
    let values: Vec<u64> = digest
        .message
        .fields
        .iter()
        .map(p4rmt_ir::Bits::low_u64)
        .collect();
    assert_eq!(values, [1, 7]);
    assert_eq!(device.counters().digests, 1);
}

#[test]
fn the_emulated_clock_gives_microseconds() {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let (stamp, stamps) = gress.header("stamp", &[("in", 48), ("out", 48)]);
    let mut standard =
        |name: &str, width| gress.intrinsic(&format!("standard_metadata_t.{name}"), width);
    let ingress = standard("ingress_global_timestamp", 48);
    let egress = standard("egress_global_timestamp", 48);
    let valid = gress.gress.headers[stamp].valid;
    let emit = p4rmt_ir::StmtKind::Emit { header: stamp };
    gress.gress.deparser.body = vec![p4rmt_ir::build::stmt(emit)];
    let gress = gress.whole(
        Vec::new(),
        vec![assign(stamps[0], p4rmt_ir::Expr::Field(ingress))],
        vec![
            assign(valid, constant(1, 1)),
            assign(stamps[1], p4rmt_ir::Expr::Field(egress)),
        ],
        Vec::new(),
    );
    let program = p4rmt_ir::build::program("p", p4rmt_ir::Arch::V1model, [gress]);
    let pipe = PipeId::from_index(0);
    let mut device =
        Device::new(&Interp, Arc::new(program), pipe, Mode::Unplaced).expect("it runs");
    device.tick(6_999).expect("time passes");
    device.receive(1, &[]).expect("the port is there");
    assert_eq!(leaving(&mut device), ["0:000000000006000000000007"]);
}

#[test]
fn there_is_no_packet_generator() {
    let app = GeneratorApp {
        port: 1,
        period: 1,
        is_periodic: false,
        batches: 1,
        packets: 1,
        payload: Vec::new(),
    };
    let refused = device().start_generator(0, app);
    let expected = "the packet generator has no application 0: it has 0";
    assert_eq!(refused.expect_err("there is none").to_string(), expected);
}

#[test]
fn captures_are_replayed_with_the_same_summary() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("in.pcap");
    let mut writer = CaptureWriter::create(&path).expect("the file can be made");
    for (ns, packet) in [
        (1_000, "0005 00 00 00 00 00 00 00 00 00"),
        (2_000, "01ff 00 04 00 00 00 00 00 00 00"),
        (3_000, "0006 00 00 01 00 00 00 01 00 00"),
    ] {
        writer
            .write(ns, &hex(packet))
            .expect("the file can be written");
    }
    writer.finish().expect("the file can be renamed");
    let mut device = device();
    session(&mut device, 4, MirrorTarget::Port(9), None);
    let inputs = [ReplayInput::file(1, &path)];
    let options = ReplayOptions::default();
    let summary = replay(&mut device, &inputs, options, &mut NoOutput, &mut |_| {});
    let summary = summary.expect("the capture is whole");
    let out: Vec<_> = summary.packets_out.into_iter().collect();
    assert_eq!(out, [(5, 1), (6, 1), (9, 1)]);
    assert_eq!(summary.counters.mirror_copies, 1);
    assert_eq!(summary.counters.resubmitted, 1);
    assert_eq!(summary.counters.dropped.values().sum::<u64>(), 1);
}
