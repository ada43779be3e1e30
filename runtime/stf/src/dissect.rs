//! Names for the bits of a packet: which field one belongs to.
//!
//! In the headers that the program's deparser emitted, the program's names count. Behind them, and
//! where these are not known, those of well-known headers do: Ethernet, VLAN, IPv4, IPv6, TCP, UDP, and
//! RoCEv2's BTH, RETH, immediate data. Where the headers end, the rest is payload.

use p4rmt_ir::Pipe;
use p4rmt_pipeline::EmittedHeaders;

/// A field of a header: its name, its first byte and the byte behind it, from the header's start.
type ByteField = (&'static str, usize, usize);

const ETHERNET: &[ByteField] = &[
    ("ethernet.destination", 0, 6),
    ("ethernet.source", 6, 12),
    ("ethernet.type", 12, 14),
];

const VLAN: &[ByteField] = &[("vlan.tag", 0, 2), ("vlan.type", 2, 4)];

const IPV4: &[ByteField] = &[
    ("ipv4.version_and_length", 0, 1),
    ("ipv4.dscp_and_ecn", 1, 2),
    ("ipv4.total_length", 2, 4),
    ("ipv4.identification", 4, 6),
    ("ipv4.flags_and_fragment_offset", 6, 8),
    ("ipv4.ttl", 8, 9),
    ("ipv4.protocol", 9, 10),
    ("ipv4.checksum", 10, 12),
    ("ipv4.source", 12, 16),
    ("ipv4.destination", 16, 20),
    ("ipv4.options", 20, 60),
];

const IPV6: &[ByteField] = &[
    ("ipv6.version_class_and_label", 0, 4),
    ("ipv6.payload_length", 4, 6),
    ("ipv6.next_header", 6, 7),
    ("ipv6.hop_limit", 7, 8),
    ("ipv6.source", 8, 24),
    ("ipv6.destination", 24, 40),
];

const TCP: &[ByteField] = &[
    ("tcp.source_port", 0, 2),
    ("tcp.destination_port", 2, 4),
    ("tcp.sequence_number", 4, 8),
    ("tcp.acknowledgment_number", 8, 12),
    ("tcp.data_offset", 12, 13),
    ("tcp.flags", 13, 14),
    ("tcp.window", 14, 16),
    ("tcp.checksum", 16, 18),
    ("tcp.urgent_pointer", 18, 20),
    ("tcp.options", 20, 60),
];

const UDP: &[ByteField] = &[
    ("udp.source_port", 0, 2),
    ("udp.destination_port", 2, 4),
    ("udp.length", 4, 6),
    ("udp.checksum", 6, 8),
];

const BTH: &[ByteField] = &[
    ("bth.opcode", 0, 1),
    ("bth.flags_and_pad_count", 1, 2),
    ("bth.partition_key", 2, 4),
    ("bth.reserved", 4, 5),
    ("bth.destination_qp", 5, 8),
    ("bth.acknowledge_request", 8, 9),
    ("bth.sequence_number", 9, 12),
];

const RETH: &[ByteField] = &[
    ("reth.virtual_address", 0, 8),
    ("reth.remote_key", 8, 12),
    ("reth.dma_length", 12, 16),
];

const IMMEDIATE: &[ByteField] = &[("immdt.immediate_data", 0, 4)];

const ROCE_PORT: u16 = 4791;

/// The fields of the headers in front of a packet: names and widths in bits, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PacketLayout {
    fields: Vec<(String, usize)>,
}

impl PacketLayout {
    /// The layout of the headers that a deparser emitted. It ends before a header with a varbit field,
    /// whose width in the packet is not known.
    pub(crate) fn new(pipe: &Pipe, emitted: Option<&EmittedHeaders>) -> Self {
        let mut fields = Vec::new();
        let Some((emitted, gress)) =
            emitted.and_then(|emitted| Some((emitted, pipe.gresses.get(emitted.gress)?)))
        else {
            return Self { fields };
        };
        for header in &emitted.headers {
            let header = &gress.headers[*header];
            if header.varbit.is_some() {
                break;
            }
            for field in &header.fields {
                let field = &gress.fields[*field];
                fields.push((field.name.clone(), field.width as usize));
            }
        }
        Self { fields }
    }

    /// The field that a bit belongs to, counted from the front of the packet.
    pub(crate) fn field_at(&self, packet: &[u8], bit: usize) -> String {
        let mut end = 0;
        for (name, width) in &self.fields {
            end += width;
            if bit < end {
                return name.clone();
            }
        }
        field_at(packet, bit / 8).to_owned()
    }
}

/// The field that a byte of an Ethernet frame belongs to; `payload` behind all headers.
#[must_use]
pub fn field_at(packet: &[u8], byte: usize) -> &'static str {
    let mut walk = Walk {
        packet,
        byte,
        start: 0,
    };
    match walk.ethernet() {
        Ok(()) => "payload",
        Err(field) => field,
    }
}

struct Walk<'a> {
    packet: &'a [u8],
    byte: usize,
    start: usize,
}

/// Breaks off with the field once it is found.
type Step = Result<(), &'static str>;

impl Walk<'_> {
    /// Passes over a header of this length.
    fn header(&mut self, fields: &[ByteField], len: usize) -> Step {
        let at = self.byte - self.start;
        if at < len {
            let field = fields.iter().find(|(_, lo, hi)| (*lo..*hi).contains(&at));
            return Err(field.map_or("payload", |(name, _, _)| name));
        }
        self.start += len;
        Ok(())
    }

    fn peek(&self, at: usize) -> u8 {
        self.packet
            .get(self.start + at)
            .copied()
            .unwrap_or_default()
    }

    fn peek16(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.peek(at), self.peek(at + 1)])
    }

    fn ethernet(&mut self) -> Step {
        let mut kind = self.peek16(12);
        self.header(ETHERNET, 14)?;
        while matches!(kind, 0x8100 | 0x88a8) {
            kind = self.peek16(2);
            self.header(VLAN, 4)?;
        }
        let protocol = match kind {
            0x0800 => {
                let protocol = self.peek(9);
                let len = usize::from(self.peek(0) & 15).max(5) * 4;
                self.header(IPV4, len)?;
                protocol
            }
            0x86dd => {
                let protocol = self.peek(6);
                self.header(IPV6, 40)?;
                protocol
            }
            _ => return Ok(()),
        };
        match protocol {
            6 => {
                let len = usize::from(self.peek(12) >> 4).max(5) * 4;
                self.header(TCP, len)
            }
            17 => self.udp(),
            _ => Ok(()),
        }
    }

    fn udp(&mut self) -> Step {
        let port = self.peek16(2);
        self.header(UDP, 8)?;
        if port != ROCE_PORT {
            return Ok(());
        }
        let opcode = self.peek(0);
        self.header(BTH, 12)?;
        // The opcode's low five bits say what follows, whatever the transport: a first write, the
        // only write, and the latter with immediate data.
        match opcode & 31 {
            6 | 10 => self.header(RETH, 16),
            11 => {
                self.header(RETH, 16)?;
                self.header(IMMEDIATE, 4)
            }
            9 => self.header(IMMEDIATE, 4),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(packet: &[u8], expected: &[(usize, &str)]) {
        for (byte, field) in expected {
            assert_eq!(field_at(packet, *byte), *field, "byte {byte}");
        }
    }

    #[test]
    fn bytes_have_names() {
        let mut tcp = vec![0; 80];
        tcp[12..15].copy_from_slice(&[0x08, 0x00, 0x46]);
        tcp[23] = 6;
        tcp[14 + 24 + 12] = 0x60;
        let names = [
            (5, "ethernet.destination"),
            (22, "ipv4.ttl"),
            (34, "ipv4.options"),
            (38, "tcp.source_port"),
            (61, "tcp.options"),
            (62, "payload"),
            (1000, "payload"),
        ];
        check(&tcp, &names);
        let mut write = vec![0; 80];
        write[12..15].copy_from_slice(&[0x08, 0x00, 0x45]);
        write[23] = 17;
        write[36..38].copy_from_slice(&ROCE_PORT.to_be_bytes());
        write[42] = 0x2b;
        let names = [
            (53, "bth.sequence_number"),
            (54, "reth.virtual_address"),
            (69, "reth.dma_length"),
            (70, "immdt.immediate_data"),
            (74, "payload"),
        ];
        check(&write, &names);
        check(&[1, 2, 3], &[(0, "ethernet.destination"), (14, "payload")]);
    }
}
