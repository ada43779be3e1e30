//! What is written is read again, what is damaged is refused, and no bytes, however broken, panic. One packet of
//! each kind is of the vectors that the pipe itself is held to.

use p4rmt_wire::{
    Command, FailReason, HostEvent, HostRequest, MASK_24_BITS, MAX_WRITE_BYTES, Notice, Path,
    RdmaWrite, Ready, Report, ReportReason, SwitchAddress, WireError,
};
use proptest::prelude::*;

const PATH: Path = Path {
    src_mac: [2, 0, 0, 0, 1, 2],
    dst_mac: [2, 0, 0, 0, 1, 1],
    src_ip: [10, 0, 1, 2],
    dst_ip: [10, 0, 1, 1],
};

fn write() -> impl Strategy<Value = RdmaWrite> {
    let numbers = (
        0..=MASK_24_BITS,
        0..=MASK_24_BITS,
        any::<u64>(),
        any::<u32>(),
    );
    (numbers, any::<Option<u32>>()).prop_map(
        |((queue_pair, sequence, address, remote_key), immediate)| RdmaWrite {
            path: PATH,
            queue_pair,
            sequence,
            address,
            remote_key,
            immediate,
        },
    )
}

fn emitted(write: &RdmaWrite, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    write
        .emit([payload, &[]], &mut packet)
        .expect("it is short enough");
    packet
}

proptest! {
    #[test]
    fn writes_survive_the_wire(
        write in write(),
        payload in proptest::collection::vec(any::<u8>(), 0..200),
        cut in 0_usize..200,
        behind in 0_usize..8,
    ) {
        let mut packet = Vec::new();
        let (first, second) = payload.split_at(cut.min(payload.len()));
        write.emit([first, second], &mut packet)?;
        prop_assert_eq!(&packet, &emitted(&write, &payload), "pieces do not matter");
        prop_assert_eq!((packet.len() - 14) % 4, 0, "padded to four bytes");
        packet.resize(packet.len() + behind, 0xee);
        prop_assert_eq!(RdmaWrite::parse(&packet)?, (write, &payload[..]));
    }

    #[test]
    fn damage_is_seen(
        write in write(),
        payload in proptest::collection::vec(any::<u8>(), 0..64),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut packet = emitted(&write, &payload);
        let at = 12 + at.index(packet.len() - 12);
        packet[at] ^= 1_u8 << bit;
        // What the ICRC leaves out: the UDP checksum, which is 0 = none, and reserved bits of the BTH.
        let is_variant = (40..42).contains(&at) || at == 46;
        match RdmaWrite::parse(&packet) {
            Ok(read) => {
                prop_assert!(is_variant, "byte {} is damaged", at);
                prop_assert_eq!(read, (write, &payload[..]));
            }
            Err(_) => prop_assert!(!is_variant),
        }
    }

    #[test]
    fn cut_packets_are_refused(
        write in write(),
        payload in proptest::collection::vec(any::<u8>(), 0..64),
        len in any::<prop::sample::Index>(),
    ) {
        let packet = emitted(&write, &payload);
        prop_assert!(RdmaWrite::parse(&packet[..len.index(packet.len())]).is_err());
    }

    /// Mutations of good packets come deeper than bytes that are nothing but random.
    #[test]
    fn nothing_panics(
        write in write(),
        mut packet in proptest::collection::vec(any::<u8>(), 0..120),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        is_random in any::<bool>(),
    ) {
        if !is_random {
            packet = emitted(&write, &packet);
        }
        for (at, value) in changes {
            if !packet.is_empty() {
                let at = at.index(packet.len());
                packet[at] = value;
            }
        }
        // With an IPv4 checksum that is right, so that the rest is looked at.
        if packet.len() >= 34 {
            packet[24..26].fill(0);
            let sum: u32 = packet[14..34].chunks(2).map(|p| u32::from(p[0]) << 8 | u32::from(p[1])).sum();
            let sum = (sum & 0xffff) + (sum >> 16);
            let sum = (sum & 0xffff) + (sum >> 16);
            packet[24..26].copy_from_slice(&(!(sum as u16)).to_be_bytes());
        }
        let _ = RdmaWrite::parse(&packet);
        let _ = Command::parse(&packet);
        let _ = Notice::parse(&packet);
        let _ = Report::parse(&packet);
    }

    #[test]
    fn addresses_and_immediates_survive(connection in 0_u16..0x8000, low in any::<u32>(), position in 0_u32..1 << 17) {
        for address in [
            SwitchAddress::Transmit { connection, offset: low },
            SwitchAddress::Sync { connection, freed: low },
        ] {
            prop_assert_eq!(SwitchAddress::from_address(address.address())?, address);
        }
        let ready = Ready { connection, position };
        prop_assert_eq!(Ready::from_immediate(ready.immediate()), ready);
    }

    #[test]
    fn every_address_is_read_as_what_it_is_or_refused(address in any::<u64>()) {
        if let Ok(read) = SwitchAddress::from_address(address) {
            prop_assert_eq!(read.address(), address);
        }
    }

    #[test]
    fn reports_commands_and_notices_survive(connection in 0_u16..0x8000, words in any::<[u32; 5]>(), flags in any::<[bool; 2]>()) {
        let reasons = [
            ReportReason::Generator,
            ReportReason::Host,
            ReportReason::Timeout,
            ReportReason::FastRetransmit,
        ];
        for reason in reasons {
            let report = Report { connection, next_ack: words[0], granted: words[1], reason };
            let mut bytes = Vec::new();
            report.emit(&mut bytes);
            prop_assert_eq!(bytes.len(), Report::BYTES);
            prop_assert_eq!(Report::parse(&bytes)?, report);
        }
        for command in [
            Command::Reset { connection, next_seq: words[0] },
            Command::Sync { connection, freed: words[0] },
        ] {
            let mut frame = Vec::new();
            command.emit(&mut frame);
            prop_assert_eq!(frame.len(), 60);
            prop_assert_eq!(Command::parse(&frame)?, command);
        }
        let notice = Notice {
            src_mac: [2, 0, 0, 0, 0, 1],
            dst_mac: [2, 0, 0, 0, 0, 2],
            is_window_broken: flags[0],
            is_ack_beyond: flags[1],
            connection,
            rx_next_seq: words[0],
            rx_broken: words[1],
            rx_avail: words[2],
            tx_next_ack: words[3],
            tx_avail: words[4],
        };
        let mut frame = Vec::new();
        notice.emit(&mut frame);
        prop_assert_eq!(Notice::parse(&frame)?, notice);
    }
}

#[test]
fn payload_beyond_a_packet_is_refused() {
    let write = RdmaWrite {
        path: PATH,
        queue_pair: 0,
        sequence: 0,
        address: 0,
        remote_key: 0,
        immediate: Some(0),
    };
    let longest = vec![7; MAX_WRITE_BYTES];
    let packet = emitted(&write, &longest);
    assert_eq!(RdmaWrite::parse(&packet), Ok((write, &longest[..])));
    let mut out = Vec::new();
    let refused = write.emit([&longest, &[7]], &mut out);
    assert_eq!(
        refused,
        Err(WireError::Long {
            needed: MAX_WRITE_BYTES + 1,
            available: MAX_WRITE_BYTES
        })
    );
    assert!(out.is_empty());
}

/// Packets of `testvectors/laminar` on the host's port (2), and on that of the control plane (64).
fn vector(file: &str, start: &str) -> Vec<Vec<u8>> {
    let path = format!(
        "{}/../../testvectors/laminar/{file}",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the vector is there");
    let lines = text.lines().filter_map(|line| line.strip_prefix(start));
    lines
        .map(|line| {
            let digits: Vec<u8> = line
                .bytes()
                .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'$')
                .map(|byte| (byte as char).to_digit(16).expect("hex digits") as u8)
                .collect();
            digits
                .chunks(2)
                .map(|pair| pair[0] << 4 | pair[1])
                .collect()
        })
        .collect()
}

#[test]
fn what_the_pipe_writes_to_a_host() {
    let packets = vector("acknowledge.stf", "expect 2 ");
    let (write, payload) = RdmaWrite::parse(&packets[0]).expect("it is a write");
    let expected = RdmaWrite {
        path: Path {
            src_mac: [2, 0, 0, 0, 0, 2],
            dst_mac: [2, 0, 0, 0, 1, 1],
            src_ip: [10, 0, 0, 2],
            dst_ip: [10, 0, 1, 1],
        },
        queue_pair: 0x11,
        sequence: 0,
        address: 0x1_0000_0000,
        remote_key: 0x1000,
        immediate: Some(1010),
    };
    assert_eq!(write, expected);
    assert_eq!(payload.len(), 10);
    let ready = Ready {
        connection: 0,
        position: 1010,
    };
    assert_eq!(Ready::from_immediate(1010), ready);
    assert_eq!(emitted(&write, payload), packets[0], "byte for byte");
}

#[test]
fn what_a_host_writes_to_the_pipe() {
    let packets = vector("acknowledge.stf", "packet 2 ");
    let (write, payload) = RdmaWrite::parse(&packets[0]).expect("it is a write");
    assert_eq!(write.queue_pair, 0x100);
    assert_eq!(
        SwitchAddress::from_address(write.address),
        Ok(SwitchAddress::Transmit {
            connection: 0,
            offset: 0
        })
    );
    assert_eq!(payload.len(), 1000);
    assert_eq!(emitted(&write, payload), packets[0], "byte for byte");
}

#[test]
fn reports_of_the_pipe() {
    for (file, reason) in [
        ("sync-generator.stf", ReportReason::Generator),
        ("sync-host.stf", ReportReason::Host),
        ("sync-timeout.stf", ReportReason::Timeout),
        ("fast-retransmit.stf", ReportReason::FastRetransmit),
    ] {
        let reports: Vec<Report> = vector(file, "expect 2 ")
            .iter()
            .filter_map(|packet| {
                let (write, payload) = RdmaWrite::parse(packet).expect("it is a write");
                (write.address >= 0x2_0000_0000).then_some(payload)
            })
            .map(|payload| Report::parse(payload).expect("it is a report"))
            .collect();
        assert!(!reports.is_empty(), "{file}");
        assert!(
            reports.iter().any(|report| report.reason == reason),
            "{file}: {reports:?}"
        );
    }
}

#[test]
fn notices_and_commands_of_the_control_plane() {
    let notices: Vec<Notice> = vector("out-of-window.stf", "expect 64 ")
        .iter()
        .map(|frame| Notice::parse(frame).expect("it is a notice"))
        .collect();
    assert!(!notices.is_empty());
    assert!(
        notices
            .iter()
            .all(|notice| notice.is_window_broken && notice.rx_broken > 0)
    );
    let commands = vector("out-of-window.stf", "packet 64 ");
    let command = Command::parse(&commands[0]).expect("it is a command");
    assert_eq!(
        command,
        Command::Reset {
            connection: notices[0].connection,
            next_seq: notices[0].whole_seq()
        }
    );
}

/// One line a message, as two processes exchange them.
#[test]
fn messages_survive_json() {
    let local: std::net::SocketAddrV4 = "10.0.0.2:80".parse().expect("an address");
    let request = HostRequest::Listen {
        context: 3,
        local,
        backlog: 16,
    };
    let line = serde_json::to_string(&request).expect("plain data");
    assert_eq!(
        line,
        r#"{"listen":{"context":3,"local":"10.0.0.2:80","backlog":16}}"#
    );
    assert_eq!(
        serde_json::from_str::<HostRequest>(&line).ok(),
        Some(request)
    );
    let event = HostEvent::Reset {
        connection: 5,
        reason: FailReason::TimedOut,
    };
    let line = serde_json::to_string(&event).expect("plain data");
    assert_eq!(line, r#"{"reset":{"connection":5,"reason":"timed_out"}}"#);
    assert_eq!(serde_json::from_str::<HostEvent>(&line).ok(), Some(event));
    let strange = r#"{"reset":{"connection":70000,"reason":"timed_out"}}"#;
    assert!(serde_json::from_str::<HostEvent>(strange).is_err());
}
