//! A device with the interpreter in it: forwarding, copies, drops, loops, units, generator.

mod commanded;

use std::sync::Arc;

use commanded::commanded;
use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::build::{assign, constant};
use p4rmt_ir::{Body, Field, FieldKind, GressRole, Id, PipeId};
use p4rmt_pipeline::{
    Device, DeviceError, DropReason, FateEvent, GeneratorApp, MirrorSession, MirrorTarget, PortUnit,
};
use p4rmt_source::Span;

fn device() -> Device {
    let pipe = PipeId::from_index(0);
    let mut device = Device::new(&Interp, Arc::new(commanded()), pipe, Mode::Unplaced)
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

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What leaves, as `port: bytes`.
fn leaving(device: &mut Device) -> Vec<String> {
    device
        .take_departures()
        .map(|departure| format!("{}: {}", departure.port, to_hex(&departure.bytes)))
        .collect()
}

#[track_caller]
fn check(device: &mut Device, packet: &str, expected: &[&str]) {
    device.receive(1, &hex(packet)).expect("the port is there");
    let expected: Vec<String> = expected.iter().map(|text| text.replace(' ', "")).collect();
    let found: Vec<String> = leaving(device)
        .iter()
        .map(|text| text.replace(' ', ""))
        .collect();
    assert_eq!(found, expected);
}

fn session(device: &mut Device, session: u16, port: u16, truncate: Option<u16>) {
    let to = MirrorTarget::Port(port);
    let to = MirrorSession { to, truncate };
    device
        .traffic_mut()
        .set_session(session, to)
        .expect("the port is there");
}

#[test]
fn unicast_goes_through_the_egress_of_its_port() {
    let mut device = device();
    let packet = "00 0005 00 00 00 00 00 00 00 1234";
    check(
        &mut device,
        packet,
        &["5: 0005 0000 000c 0000 00000500000000000000 1234"],
    );
    let bypassing = "00 0005 00 00 01 00 00 00 00 1234";
    check(&mut device, bypassing, &["5: 00000500000100000000 1234"]);
    assert_eq!(device.counters().packets_in, 2);
    assert_eq!(device.counters().bytes_out, 32);
}

#[test]
fn a_packet_without_a_way_is_dropped_and_says_so() {
    let mut device = device();
    check(&mut device, "00 ffff 00 00 00 00 00 00 00", &[]);
    check(&mut device, "00 01ff 00 00 00 00 00 00 00", &[]);
    check(&mut device, "00 ffff 07 00 00 00 00 00 00", &[]);
    check(&mut device, "01 0005 00 00 00 00 00 00 00", &[]);
    check(&mut device, "00 0005 00 00 00 00 00 01 00", &[]);
    let dropped = &device.counters().dropped;
    assert_eq!(dropped[&DropReason::NoDestination], 2);
    assert_eq!(dropped[&DropReason::EmptyGroup { group: 7 }], 1);
    let by_program = DropReason::Program {
        gress: GressRole::Ingress,
        span: commanded::DROP_SPAN,
    };
    assert_eq!(dropped[&by_program], 1);
    assert_eq!(dropped.len(), 4, "the egress dropped one, too");
    let last = device.fates().iter().rev().find(|fate| fate.arrival == 3);
    assert_eq!(
        last.map(|fate| fate.event),
        Some(FateEvent::Dropped(by_program))
    );
}

#[test]
fn parser_failures_drop_at_their_statement() {
    let mut device = device();
    check(&mut device, "00 00", &[]);
    let reason = device.counters().dropped.keys().next().copied();
    assert!(
        matches!(
            reason,
            Some(DropReason::Parser {
                gress: GressRole::Ingress,
                ..
            })
        ),
        "{reason:?}"
    );
}

#[test]
fn multicast_copies_bear_their_replication_ids() {
    let mut device = device();
    let traffic = device.traffic_mut();
    traffic.create_group(7);
    let first = traffic
        .create_node(0x101, &[3, 2])
        .expect("the ports are there");
    let second = traffic.create_node(0x102, &[2]).expect("the port is there");
    traffic.associate(7, first).expect("both are there");
    traffic.associate(7, second).expect("both are there");
    let expected = [
        "64: 0040 0000 000a 0000 00000807010000000000",
        "8: 0008 0000 000a 0000 00000807010000000000",
        "2: 0002 0101 000a 0000 00000807010000000000",
        "3: 0003 0101 000a 0000 00000807010000000000",
        "2: 0002 0102 000a 0000 00000807010000000000",
    ];
    check(&mut device, "00 0008 07 01 00 00 00 00 00", &expected);
    check(&mut device, "03 0008 07 01 00 00 00 00 00", &[]);
    let past_egress = [
        "2: 00ffff07000100000000",
        "3: 00ffff07000100000000",
        "2: 00ffff07000100000000",
    ];
    check(&mut device, "00 ffff 07 00 01 00 00 00 00", &past_egress);
    let only_cpu = ["64: 0040 0000 000a 0000 01000807010000000000"];
    check(&mut device, "01 0008 07 01 00 00 00 00 00", &only_cpu);
}

#[test]
fn ingress_mirrors_what_came_and_egress_what_leaves() {
    let mut device = device();
    session(&mut device, 4, 10, None);
    let ingress = [
        "5: 0005 0000 000c 0000 00000500000004000000 1234",
        "10: 000a 0000 000e aaaa 00000500000004000000 1234",
    ];
    check(
        &mut device,
        "00 0005 00 00 00 04 00 00 00 1234",
        &[ingress[1], ingress[0]],
    );
    let egress = [
        "5: 0005 0000 000c 0000 00000500000000000004 1234",
        "10: 000a 0000 0016 bbbb 00000500000000000004 1234",
    ];
    check(&mut device, "00 0005 00 00 00 00 00 00 04 1234", &egress);
    // A dropped packet is mirrored, unless bit 2 of `drop_ctl` says otherwise.
    let copy = ["10: 000a 0000 000e aaaa 01000500000004000000 1234"];
    check(&mut device, "01 0005 00 00 00 04 00 00 00 1234", &copy);
    check(&mut device, "05 0005 00 00 00 04 00 00 00 1234", &[]);
    let copy = ["10: 000a 0000 0016 bbbb 00000500000000000104 1234"];
    check(&mut device, "00 0005 00 00 00 00 00 01 04 1234", &copy);
    check(&mut device, "00 0005 00 00 00 00 00 05 04 1234", &[]);
    assert_eq!(device.counters().mirror_copies, 4);
    check(&mut device, "01 0005 00 00 00 06 00 00 00", &[]);
    let missing = DropReason::NoSession { session: 6 };
    assert_eq!(device.counters().dropped[&missing], 1);
}

/// The device with a program that has a `mirror_type` in its ingress, and writes it or not.
fn device_with_mirror_type(is_written: bool) -> Device {
    let mut program = commanded();
    let pipe = PipeId::from_index(0);
    let gresses = &mut program.pipes.get_mut(pipe).expect("one pipe").gresses;
    let gress = gresses.get_mut(Id::from_index(0)).expect("the ingress");
    let field = gress.fields.push(Field {
        name: "ig_dprsr_md.mirror_type".to_owned(),
        width: 4,
        is_signed: false,
        kind: FieldKind::Intrinsic,
        span: Span::NONE,
    });
    let name = "ingress_intrinsic_metadata_for_deparser_t.mirror_type";
    gress.intrinsics.insert(name.to_owned(), field);
    if is_written && let Body::Structured(body) = &mut gress.body {
        body.controls[0].body.push(assign(field, constant(4, 0)));
    }
    Device::new(&Interp, Arc::new(program), pipe, Mode::Unplaced)
        .expect("the program runs on the device")
}

#[test]
fn a_mirror_request_counts_if_its_type_was_written_even_if_it_is_zero() {
    for (is_written, n_copies) in [(false, 0), (true, 1)] {
        let mut device = device_with_mirror_type(is_written);
        session(&mut device, 4, 10, None);
        let packet = hex("01 0005 00 00 00 04 00 00 00");
        device.receive(1, &packet).expect("the port is there");
        assert_eq!(device.counters().mirror_copies, n_copies);
    }
}

#[test]
fn a_session_cuts_its_copies_header_included() {
    let mut device = device();
    session(&mut device, 4, 10, Some(13));
    let copy = ["10: 000a 0000 000d aaaa 01000500000004000000 12"];
    check(&mut device, "01 0005 00 00 00 04 00 00 00 1234", &copy);
}

#[test]
fn held_mirrors_wait_until_released_or_lost() {
    let mut device = device();
    session(&mut device, 4, 10, None);
    device.hold_mirrors();
    for payload in ["01", "02", "03", "04"] {
        check(
            &mut device,
            &format!("01 0005 00 00 00 04 00 00 00 {payload}"),
            &[],
        );
    }
    assert_eq!(device.n_held_mirrors(), 4);
    device.release_mirrors(Some(1)).expect("the engine runs");
    device.drop_mirrors(Some(1));
    device.release_mirrors(None).expect("the engine runs");
    let payloads: Vec<String> = leaving(&mut device)
        .iter()
        .map(|packet| packet[packet.len() - 2..].to_owned())
        .collect();
    assert_eq!(payloads, ["01", "03", "04"]);
    assert_eq!(device.counters().dropped[&DropReason::MirrorLost], 1);
}

#[test]
fn resubmission_and_recirculation_come_back() {
    let mut device = device();
    let out = ["5: 0005 0000 000a 0000 00000500000000010000"];
    check(&mut device, "00 0005 00 00 00 00 01 00 00", &out);
    assert_eq!(device.counters().resubmitted, 1);
    // Port 6 leads back to the ingress, with eight bytes of the egress in front: they are commands now.
    check(
        &mut device,
        "00 0006 00 00 00 00 00 00 00",
        &["0: 0000 0000 0012 0000 00060000000a00000000 0600000000000000"],
    );
    assert_eq!(device.counters().recirculated, 1);
}

#[test]
fn loops_of_the_program_end() {
    let mut device = device();
    device.config_mut().max_passes = 100;
    check(&mut device, "00 0005 00 00 00 00 02 00 00", &[]);
    assert_eq!(device.counters().dropped[&DropReason::TooManyPasses], 1);
    session(&mut device, 9, 10, None);
    device
        .receive(1, &hex("00 0005 00 00 00 00 00 00 09"))
        .expect("the port is there");
    assert_eq!(device.take_departures().count(), 99);
    assert_eq!(device.counters().dropped[&DropReason::TooManyPasses], 2);
}

#[test]
fn generated_packets_arrive_in_their_time() {
    let mut device = device();
    let app = GeneratorApp {
        port: 68,
        period: 100,
        is_periodic: true,
        batches: 1,
        packets: 2,
        payload: hex("00 00 00 00 99"),
    };
    device
        .start_generator(8, app.clone())
        .expect("the application is there");
    device.tick(99).expect("few packets");
    assert_eq!(leaving(&mut device), [""; 0]);
    device.tick(101).expect("few packets");
    // The timer header is read as commands: packet 1 of a batch bypasses the egress.
    let trigger = [
        "0: 00000000000b00000800000000000000000099".to_owned(),
        "0: 0800000000010000000099".to_owned(),
    ];
    assert_eq!(leaving(&mut device), [&trigger[..], &trigger[..]].concat());
    assert!(matches!(
        device.start_generator(16, app),
        Err(DeviceError::NoGeneratorApp { app: 16, .. })
    ));
    assert!(matches!(
        device.tick(u64::MAX / 2),
        Err(DeviceError::TooManyGenerated { .. })
    ));
    assert!(matches!(
        device.tick(u64::MAX),
        Err(DeviceError::ClockOverflow { .. })
    ));
}

#[test]
fn units_stand_at_their_ports() {
    let mut device = device();
    device
        .set_port_unit(1, Some(PortUnit::TcpChecksum))
        .expect("the port is there");
    // Not TCP: passes.
    check(
        &mut device,
        "00 0005 00 00 01 00 00 00 00 1234",
        &["5: 00000500000100000000 1234"],
    );
    let mut segment = hex("00 0005 00 00 00 00 00 00 00 0000 0800");
    segment.extend(hex("45 00 0028 0000 4000 40 06 0000 0a000001 0a000002"));
    segment.resize(14 + 40, 0);
    device.receive(1, &segment).expect("the port is there");
    assert_eq!(device.take_departures().count(), 0);
    let reasons: Vec<_> = device.counters().dropped.keys().collect();
    assert!(
        matches!(reasons[..], [DropReason::PortUnit { port: 1, .. }]),
        "{reasons:?}"
    );
}

#[test]
fn impossible_ports_and_packets_are_refused() {
    let mut device = device();
    assert!(matches!(
        device.receive(512, &[0]),
        Err(DeviceError::NoPort { port: 512, .. })
    ));
    assert!(matches!(
        device.receive(1, &vec![0; 65_536]),
        Err(DeviceError::PacketTooLong { needed: 65_536, .. })
    ));
}
