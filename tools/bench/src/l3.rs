//! IPv4 forwarding on v1model, `p4/l3.p4`: host routes, prefixes, next hops, a new header checksum.

mod by_hand;
mod poptrie;
mod routes;

use p4rmt_pipeline::Device;

use crate::device::Subject;
use crate::prng::Prng;
use crate::tables::{Filler, Wanted};
use crate::{BenchError, Packets, Prepared};
use by_hand::ByHand;
use routes::{NextHop, Routes};

/// Ports of the router.
const N_PORTS: u16 = 16;

/// Half of the packets go to host routes, half to prefixes.
pub(crate) fn forward(n_prefixes: usize, n_packets: usize) -> Result<Prepared, BenchError> {
    let routes = Routes::new(n_prefixes);
    let mut packets = Packets::default();
    let mut prng = Prng::new(7);
    for index in 0..n_packets {
        let destination = if index % 2 == 0 {
            routes.any_host(&mut prng)
        } else {
            routes.any_under_prefix(&mut prng)
        };
        let port = prng.below(N_PORTS.into()) as u16;
        packets.push(port, &packet(destination, &mut prng));
    }
    Ok(Prepared {
        subject: Subject::new("tools/bench/p4/l3.p4")?,
        packets,
        native: Box::new(ByHand::new(&routes)),
        fill: Box::new(move |device| fill(device, &routes)),
    })
}

fn fill(device: &mut Device, routes: &Routes) -> Result<(), BenchError> {
    let state = device.state_mut();
    let table = Filler::new(state, "hosts", "via")?;
    for (address, next_hop) in &routes.hosts {
        let key = [Wanted::Is((*address).into())];
        table.add(state, &key, 0, &[(*next_hop).into()])?;
    }
    let table = Filler::new(state, "routes", "via")?;
    for (prefix, next_hop) in &routes.prefixes {
        let key = [Wanted::Prefix(prefix.address.into(), prefix.len)];
        table.add(state, &key, 0, &[(*next_hop).into()])?;
    }
    let table = Filler::new(state, "next_hops", "reach")?;
    for (number, next_hop) in routes.next_hops.iter().enumerate() {
        let NextHop { dst, src, port } = *next_hop;
        let key = [Wanted::Is(number as u64)];
        table.add(state, &key, 0, &[dst, src, port.into()])?;
    }
    Ok(())
}

/// The smallest frame: 60 bytes, without its check sequence.
fn packet(destination: u32, prng: &mut Prng) -> [u8; 60] {
    let mut frame = [0; 60];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
    frame[12..14].copy_from_slice(&[8, 0]);
    frame[14] = 0x45;
    frame[16..18].copy_from_slice(&46u16.to_be_bytes());
    frame[18..20].copy_from_slice(&(prng.next() as u16).to_be_bytes());
    frame[22] = 64;
    frame[23] = 17;
    frame[26..30].copy_from_slice(&(prng.next() as u32).to_be_bytes());
    frame[30..34].copy_from_slice(&destination.to_be_bytes());
    let words = frame[14..34].chunks_exact(2);
    let words = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    frame[24..26].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    for bytes in frame[34..].chunks_exact_mut(2) {
        bytes.copy_from_slice(&(prng.next() as u16).to_le_bytes());
    }
    frame
}
