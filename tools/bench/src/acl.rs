//! An access list on v1model, `p4/acl.p4`: ternary entries over addresses, protocol and ports.

mod by_hand;

use p4rmt_pipeline::Device;

use crate::device::Subject;
use crate::prng::Prng;
use crate::tables::{Filler, Wanted};
use crate::{BenchError, Packets, Prepared};
use by_hand::ByHand;

/// Entries.
const N_RULES: usize = 1024;

/// Ports that packets leave by.
const N_PORTS: u64 = 16;

/// Source address, destination address, protocol, source port, destination port.
const WIDTHS: [u32; 5] = [32, 32, 8, 16, 16];

/// An entry: the value of each field under its mask, and where packets go; none if they do not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    fields: [(u32, u32); 5],
    port: Option<u16>,
}

/// Nine packets of ten are made for an entry, one for none.
pub(crate) fn filter(n_packets: usize) -> Result<Prepared, BenchError> {
    let mut prng = Prng::new(11);
    let rules: Vec<_> = (0..N_RULES).map(|_| Rule::any(&mut prng)).collect();
    let mut packets = Packets::default();
    for _ in 0..n_packets {
        let rule = rules[prng.below(N_RULES as u64) as usize];
        let is_made_for_it = prng.below(10) != 0;
        let mut fields = rule.fields.map(|(value, mask)| {
            let free = prng.next() as u32;
            if is_made_for_it {
                value | free & !mask
            } else {
                free
            }
        });
        if fields[2] as u8 != 6 {
            fields[2] = 17;
        }
        packets.push(0, &packet(fields));
    }
    Ok(Prepared {
        subject: Subject::new("tools/bench/p4/acl.p4")?,
        packets,
        native: Box::new(ByHand::new(&rules)),
        fill: Box::new(move |device| fill(device, &rules)),
    })
}

impl Rule {
    /// A rule like those of firewalls: prefixes of both addresses, mostly one service.
    fn any(prng: &mut Prng) -> Self {
        let mut prefix = |lengths: [u32; 5]| {
            let len = lengths[prng.below(5) as usize];
            let mask = u32::MAX.checked_shl(32 - len).unwrap_or_default();
            // Few networks, so that rules overlap.
            let network = 0x0a00_0000 | (prng.below(64) << 16) as u32 | prng.next() as u16 as u32;
            (network & mask, mask)
        };
        let src = prefix([0, 8, 16, 24, 32]);
        let dst = prefix([16, 24, 28, 32, 32]);
        let protocol = match prng.below(4) {
            0 => (0, 0),
            1 => (17, 0xff),
            _ => (6, 0xff),
        };
        let src_port = match prng.below(8) {
            0 => (prng.below(1024) as u32, 0xffff),
            1 => (0x8000, 0x8000),
            _ => (0, 0),
        };
        let dst_port = match prng.below(4) {
            0 => (0, 0),
            1 => ((prng.below(64) << 10) as u32, 0xfc00),
            _ => (prng.below(1024) as u32, 0xffff),
        };
        Self {
            fields: [src, dst, protocol, src_port, dst_port],
            port: (prng.below(4) != 0).then(|| prng.below(N_PORTS) as u16),
        }
    }
}

/// The first rule that matches counts.
fn fill(device: &mut Device, rules: &[Rule]) -> Result<(), BenchError> {
    let state = device.state_mut();
    let permit = Filler::new(state, "access", "permit")?;
    let deny = Filler::new(state, "access", "deny")?;
    for (index, rule) in rules.iter().enumerate() {
        let wanted = rule.fields;
        let wanted = wanted.map(|(value, mask)| Wanted::Masked(value.into(), mask.into()));
        let priority = (N_RULES - index) as u32;
        match rule.port {
            Some(port) => permit.add(state, &wanted, priority, &[port.into()])?,
            None => deny.add(state, &wanted, priority, &[])?,
        }
    }
    Ok(())
}

/// A frame of 60 bytes, without its check sequence.
fn packet([src, dst, protocol, src_port, dst_port]: [u32; 5]) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
    frame[12] = 8;
    frame[14] = 0x45;
    frame[17] = 46;
    frame[22] = 64;
    frame[23] = protocol as u8;
    frame[26..30].copy_from_slice(&src.to_be_bytes());
    frame[30..34].copy_from_slice(&dst.to_be_bytes());
    frame[34..36].copy_from_slice(&(src_port as u16).to_be_bytes());
    frame[36..38].copy_from_slice(&(dst_port as u16).to_be_bytes());
    frame
}
