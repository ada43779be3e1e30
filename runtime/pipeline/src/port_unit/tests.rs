//! Units against packets whose check sums were computed elsewhere (with zlib and by hand).

use super::*;

impl PortUnit {
    fn send_bytes(self, bytes: &mut Vec<u8>) -> Result<(), PortUnitFault> {
        let mut packet = Packet::new(bytes);
        let result = self.send(&mut packet);
        *bytes = packet.into_vec();
        result
    }

    fn receive_bytes(self, bytes: &mut Vec<u8>) -> Result<(), PortUnitFault> {
        let mut packet = Packet::new(bytes);
        let result = self.receive(&mut packet);
        *bytes = packet.into_vec();
        result
    }
}

/// An RDMA write of `hello` as a deparser leaves it: no padding, no ICRC.
const WRITE: &str = "020000000101020000000002080045020044000040004011\
    25a50a0000020a000101c00012b7003000002a30ffff00000011000000070000000100000000000010000000000568\
    656c6c6f";
const WRITE_ICRC: &str = "6697f4f1";

/// A TCP segment of `abc` with a checksum of zero.
const SEGMENT: &str = "02000000010102000000000208004500002b0000400040\
    0626cb0a0000010a00000227104e20000003e8000013885018ffff00000000616263";
const SEGMENT_CHECKSUM: [u8; 2] = [0x4a, 0xc4];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_hexdigit)
        .map(|byte| (byte as char).to_digit(16).expect("a digit") as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn sent_write() -> Vec<u8> {
    let mut packet = hex(WRITE);
    PortUnit::Roce
        .send_bytes(&mut packet)
        .expect("the write is whole");
    packet
}

#[test]
fn roce_pads_and_appends_the_icrc() {
    let mut expected = hex(WRITE);
    expected.extend([0, 0, 0]);
    expected.extend(hex(WRITE_ICRC));
    assert_eq!(sent_write(), expected);
    let mut with_trailer = hex(WRITE);
    with_trailer.extend([0xee; 30]);
    PortUnit::Roce
        .send_bytes(&mut with_trailer)
        .expect("the write is whole");
    assert_eq!(with_trailer, expected, "what follows the data is cut off");
}

#[test]
fn roce_strips_what_it_added() {
    let mut packet = sent_write();
    packet.extend([0; 7]);
    PortUnit::Roce
        .receive_bytes(&mut packet)
        .expect("the ICRC is right");
    assert_eq!(packet, hex(WRITE));
}

#[test]
fn roce_sees_damage_but_not_what_routers_change() {
    let sent = sent_write();
    let mutable = [15, 22, 24, 25, 40, 41, 46];
    for at in 14..sent.len() {
        let mut packet = sent.clone();
        packet[at] ^= 0x01;
        let result = PortUnit::Roce.receive_bytes(&mut packet);
        // Other protocols pass untouched: the unit does not know what they are.
        let is_other = matches!(at, 14 | 20 | 21 | 23 | 36 | 37);
        if mutable.contains(&at) || is_other {
            assert_eq!(result, Ok(()), "a change at byte {at}");
        } else {
            assert!(result.is_err(), "damage at byte {at} is seen");
        }
    }
}

#[test]
fn roce_drops_what_it_cannot_complete() {
    let mut short = hex(WRITE);
    short.pop();
    assert_eq!(
        PortUnit::Roce.send_bytes(&mut short),
        Err(PortUnitFault::Truncated)
    );
    let mut tiny = hex(WRITE);
    tiny[16..18].copy_from_slice(&[0, 40]);
    assert_eq!(
        PortUnit::Roce.send_bytes(&mut tiny),
        Err(PortUnitFault::TooShort)
    );
}

#[test]
fn tcp_checksum_is_filled_in_and_verified() {
    let mut packet = hex(SEGMENT);
    packet.extend([0xee; 3]);
    PortUnit::TcpChecksum
        .send_bytes(&mut packet)
        .expect("the segment is whole");
    assert_eq!(packet[50..52], SEGMENT_CHECKSUM);
    assert_eq!(PortUnit::TcpChecksum.receive_bytes(&mut packet), Ok(()));
    for at in 34..57 {
        let mut damaged = packet.clone();
        damaged[at] ^= 0x80;
        let result = PortUnit::TcpChecksum.receive_bytes(&mut damaged);
        assert_eq!(
            result,
            Err(PortUnitFault::WrongTcpChecksum),
            "damage at byte {at}"
        );
    }
}

#[test]
fn units_leave_other_packets_alone_and_never_panic() {
    for original in [WRITE, SEGMENT].map(hex) {
        for cut in 0..original.len() {
            for unit in [PortUnit::Roce, PortUnit::TcpChecksum] {
                let mut packet = original[..cut].to_vec();
                let untouched = packet.clone();
                if unit.send_bytes(&mut packet).is_ok() && cut < 54 {
                    assert_eq!(packet, untouched);
                }
                let _ = unit.receive_bytes(&mut original[..cut].to_vec());
            }
        }
        for at in 12..36 {
            for value in [0, 1, 0x41, 0x4f, 0xff] {
                for unit in [PortUnit::Roce, PortUnit::TcpChecksum] {
                    let mut packet = original.clone();
                    packet[at] = value;
                    let _ = unit.send_bytes(&mut packet.clone());
                    let _ = unit.receive_bytes(&mut packet);
                }
            }
        }
    }
    let mut fragment = hex(SEGMENT);
    fragment[20] = 0x20;
    let untouched = fragment.clone();
    assert_eq!(PortUnit::TcpChecksum.send_bytes(&mut fragment), Ok(()));
    assert_eq!(fragment, untouched);
}
