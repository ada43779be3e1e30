//! What is read is what was written, in every format; what is broken is refused where it is broken.

use super::*;
use crate::capture::CaptureWriter;

type Packets = Vec<(u64, Vec<u8>)>;

fn read(bytes: &[u8]) -> (Packets, Option<CaptureError>) {
    let mut packets = Vec::new();
    let mut reader = match CaptureReader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => packets.push((packet.timestamp_ns, packet.bytes.to_vec())),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error)),
        }
    }
}

fn word(value: u32, is_big_endian: bool) -> [u8; 4] {
    if is_big_endian {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

fn half(value: u16, is_big_endian: bool) -> [u8; 2] {
    if is_big_endian {
        value.to_be_bytes()
    } else {
        value.to_le_bytes()
    }
}

fn pcap(magic: u32, is_big_endian: bool, record_extra: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [magic, 0, 0, 0, 65535, 1] {
        bytes.extend(word(field, is_big_endian));
    }
    for (seconds, fraction, packet) in [(1, 500, &[1u8, 2, 3][..]), (2, 0, &[])] {
        let len = packet.len() as u32;
        for field in [seconds, fraction, len, len + 7] {
            bytes.extend(word(field, is_big_endian));
        }
        bytes.extend(vec![0xee; record_extra]);
        bytes.extend(packet);
    }
    bytes
}

fn block(kind: u32, body: &[u8], is_big_endian: bool) -> Vec<u8> {
    let len = word(12 + body.len() as u32, is_big_endian);
    [&word(kind, is_big_endian)[..], &len, body, &len].concat()
}

/// A section with a description in nanoseconds (offset one second), an enhanced packet, an unknown
/// block, a simple packet.
fn pcapng(is_big_endian: bool) -> Vec<u8> {
    let word = |value| word(value, is_big_endian);
    let half = |value| half(value, is_big_endian);
    let section = [&word(0x1a2b_3c4d)[..], &half(1), &half(0), &[0xff; 8]].concat();
    let offset = if is_big_endian {
        1u64.to_be_bytes()
    } else {
        1u64.to_le_bytes()
    };
    let interface = [
        &half(1)[..],
        &half(0),
        &word(0),
        &half(9),
        &half(1),
        &[9, 0, 0, 0],
        &half(14),
        &half(8),
        &offset,
        &half(0),
        &half(0),
    ]
    .concat();
    let ticks = 5_000_000_000u64;
    let enhanced = [
        &word(0)[..],
        &word((ticks >> 32) as u32),
        &word(ticks as u32),
        &word(3),
        &word(3),
        &[7, 8, 9, 0],
    ]
    .concat();
    let simple = [&word(2)[..], &[5, 6, 0, 0]].concat();
    [
        block(SECTION_HEADER, &section, is_big_endian),
        block(INTERFACE_DESCRIPTION, &interface, is_big_endian),
        block(ENHANCED_PACKET, &enhanced, is_big_endian),
        block(0x0bad, &[1, 2, 3, 4], is_big_endian),
        block(SIMPLE_PACKET, &simple, is_big_endian),
    ]
    .concat()
}

#[test]
fn every_kind_of_pcap_is_read() {
    let micro = vec![(1_000_500_000, vec![1, 2, 3]), (2_000_000_000, vec![])];
    let nano = vec![(1_000_000_500, vec![1, 2, 3]), (2_000_000_000, vec![])];
    for is_big_endian in [false, true] {
        for (magic, extra, expected) in [
            (0xa1b2_c3d4, 0, &micro),
            (0xa1b2_3c4d, 0, &nano),
            (0xa1b2_cd34, 8, &micro),
        ] {
            let (packets, error) = read(&pcap(magic, is_big_endian, extra));
            assert!(error.is_none(), "{error:?}");
            assert_eq!(packets, *expected);
        }
    }
}

#[test]
fn pcapng_is_read_in_both_byte_orders() {
    let expected = vec![(6_000_000_000, vec![7, 8, 9]), (0, vec![5, 6])];
    for bytes in [pcapng(false), pcapng(true)] {
        let (packets, error) = read(&bytes);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(packets, expected);
    }
    let (packets, _) = read(&[pcapng(false), pcapng(true)].concat());
    assert_eq!(
        packets,
        [expected.clone(), expected].concat(),
        "sections may follow each other"
    );
}

#[test]
fn other_link_types_are_refused() {
    let mut bytes = pcap(0xa1b2_c3d4, false, 0);
    bytes[20] = 113;
    let error = read(&bytes).1.map(|error| error.to_string());
    let expected =
        "the packets are of link type 113: only Ethernet (1) can be replayed, at byte 20";
    assert_eq!(error.as_deref(), Some(expected));
    assert_eq!(
        read(b"not a capture")
            .1
            .map(|error| error.to_string())
            .as_deref(),
        Some(
            "not a capture: it begins with neither the mark of pcap nor that of pcapng, at byte 0"
        )
    );
}

#[test]
fn absurd_lengths_cost_nothing() {
    let mut bytes = pcap(0xa1b2_c3d4, false, 0);
    bytes[32..36].fill(0xff);
    let error = read(&bytes).1.expect("the length cannot be");
    assert_eq!(error.offset, 24);
    assert!(matches!(
        error.fault,
        CaptureFault::TooLong {
            length: 0xffff_ffff,
            ..
        }
    ));
    let mut bytes = pcapng(false);
    let unknown = 28 + 44 + 36 + 4;
    bytes[unknown..unknown + 4].copy_from_slice(&0xffff_fffc_u32.to_le_bytes());
    let (packets, error) = read(&bytes);
    assert_eq!(packets.len(), 1, "what stands before is read");
    let error = error.expect("the block is not that long");
    assert!(matches!(
        error.fault,
        CaptureFault::Truncated {
            needed: 0xffff_fffc,
            ..
        }
    ));
}

#[test]
fn a_capture_that_is_cut_is_never_taken_for_whole() {
    for whole in [pcap(0xa1b2_3c4d, false, 0), pcapng(false), pcapng(true)] {
        let (all, _) = read(&whole);
        let mut n_quiet = 0;
        for cut in 0..whole.len() {
            let (packets, error) = read(&whole[..cut]);
            assert!(all.starts_with(&packets));
            match error {
                Some(error) => assert!(error.offset <= cut as u64),
                // Only between two records or blocks.
                None => n_quiet += 1,
            }
        }
        assert!(n_quiet <= 4, "{n_quiet}");
    }
}

/// Xorshift, so that the test needs no crate and no seed from outside.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn flipped_bytes_never_panic() {
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let mut n_refused = 0;
    for whole in [pcap(0xa1b2_3c4d, false, 0), pcapng(false), pcapng(true)] {
        for _ in 0..5_000 {
            let mut damaged = whole.clone();
            for _ in 0..1 + next(&mut seed) % 3 {
                let at = next(&mut seed) as usize % damaged.len();
                damaged[at] = match next(&mut seed) % 3 {
                    0 => 0xff,
                    1 => 0,
                    _ => damaged[at] ^ (1 << (next(&mut seed) % 8)),
                };
            }
            n_refused += u32::from(read(&damaged).1.is_some());
        }
    }
    assert!(n_refused > 3_000, "much damage is seen: {n_refused}");
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("out.pcap");
    let packets = vec![(1_234_567_890_123_456_789, vec![1; 60]), (5, vec![])];
    let mut writer = CaptureWriter::create(&path).expect("the file can be made");
    for (timestamp_ns, packet) in &packets {
        writer
            .write(*timestamp_ns, packet)
            .expect("the file can be written");
    }
    assert!(!path.exists(), "an unfinished capture has no name");
    writer.finish().expect("the file can be renamed");
    let bytes = std::fs::read(&path).expect("the file is there");
    assert_eq!(bytes[..4], [0x4d, 0x3c, 0xb2, 0xa1]);
    assert_eq!(read(&bytes).0, packets);
    drop(CaptureWriter::create(&path).expect("the file can be made"));
    let left = std::fs::read_dir(folder.path())
        .expect("the folder is there")
        .count();
    assert_eq!(left, 1, "an abandoned capture leaves nothing behind");
    assert_eq!(std::fs::read(&path).expect("the file is there"), bytes);
}
