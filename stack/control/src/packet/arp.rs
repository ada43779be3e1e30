//! ARP for IPv4 over Ethernet (RFC 826).

use std::net::Ipv4Addr;

use super::{ETHERTYPE_ARP, MIN_FRAME, Mac, be16, ethernet, mac_at};

/// What an ARP packet does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArpOperation {
    Request,
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arp {
    pub(crate) operation: ArpOperation,
    pub(crate) sender_mac: Mac,
    pub(crate) sender_ip: Ipv4Addr,
    pub(crate) target_mac: Mac,
    pub(crate) target_ip: Ipv4Addr,
}

/// Ethernet, IPv4, and the lengths of their addresses.
const KIND: [u8; 6] = [0, 1, 0x08, 0, 6, 4];
const LEN: usize = 28;

impl Arp {
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let body = body.get(..LEN).filter(|body| body[..6] == KIND)?;
        let operation = match be16(body, 6) {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            _ => return None,
        };
        let ip = |at: usize| Ipv4Addr::new(body[at], body[at + 1], body[at + 2], body[at + 3]);
        Some(Self {
            operation,
            sender_mac: mac_at(body, 8),
            sender_ip: ip(14),
            target_mac: mac_at(body, 18),
            target_ip: ip(24),
        })
    }

    /// The frame, to this address.
    pub(crate) fn to_frame(self, dst: Mac) -> Vec<u8> {
        let mut frame = ethernet(dst, self.sender_mac, ETHERTYPE_ARP);
        frame.extend(KIND);
        frame.extend(match self.operation {
            ArpOperation::Request => [0, 1],
            ArpOperation::Reply => [0, 2],
        });
        frame.extend(self.sender_mac);
        frame.extend(self.sender_ip.octets());
        frame.extend(self.target_mac);
        frame.extend(self.target_ip.octets());
        frame.resize(MIN_FRAME, 0);
        frame
    }
}
