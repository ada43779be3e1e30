//! The works.

use p4rmt_pipeline::Device;

use crate::device::Subject;
use crate::{BenchError, Native, Packets, acl, l3, laminar};

/// A work.
pub struct Work {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// How many packets a round has, unless told otherwise.
    pub n_packets: usize,
    /// Whether it runs clock by clock, too, unless told otherwise.
    pub is_clocked: bool,
    prepare: fn(n_packets: usize) -> Result<Prepared, BenchError>,
}

/// A work made ready.
pub struct Prepared {
    pub(crate) subject: Subject,
    pub(crate) packets: Packets,
    /// What the control plane does before the first packet.
    #[expect(clippy::type_complexity, reason = "a name would say less")]
    pub(crate) fill: Box<dyn Fn(&mut Device) -> Result<(), BenchError>>,
    pub(crate) native: Box<dyn Native>,
}

/// All works.
pub static WORKS: &[Work] = &[
    Work {
        name: "laminar-rx-1",
        about: "TCP receive: in-order segments of 64 bytes payload, written to the host and acknowledged, 1 connection",
        n_packets: 16_384,
        is_clocked: false,
        prepare: |n_packets| laminar::receive(1, n_packets),
    },
    Work {
        name: "laminar-rx-1k",
        about: "the same over 1,024 connections of 64 contexts",
        n_packets: 16_384,
        is_clocked: true,
        prepare: |n_packets| laminar::receive(1024, n_packets),
    },
    Work {
        name: "laminar-rx-32k",
        about: "the same over 32,768 connections of 64 contexts",
        n_packets: 32_768,
        is_clocked: false,
        prepare: |n_packets| laminar::receive(32_768, n_packets),
    },
    Work {
        name: "laminar-rx-loss",
        about: "the same over 1,024 connections, one segment in a hundred lost or overtaken",
        n_packets: 16_384,
        is_clocked: false,
        prepare: |n_packets| laminar::receive_with_loss(1024, n_packets),
    },
    Work {
        name: "laminar-tx-1k",
        about: "TCP transmit: writes of the host, 64 bytes payload, sent as segments, 1,024 connections",
        n_packets: 16_384,
        is_clocked: false,
        prepare: |n_packets| laminar::transmit(1024, n_packets),
    },
    Work {
        name: "l3-v1model",
        about: "IPv4 forwarding on v1model: 1,024 host routes, 1,024 prefixes",
        n_packets: 16_384,
        is_clocked: false,
        prepare: |n_packets| l3::forward(1024, n_packets),
    },
    Work {
        name: "l3-v1model-64k",
        about: "the same with 65,536 prefixes",
        n_packets: 16_384,
        is_clocked: false,
        prepare: |n_packets| l3::forward(65_536, n_packets),
    },
    Work {
        name: "acl-ternary-1k",
        about: "an access list on v1model: 1,024 ternary entries over addresses, protocol and ports",
        n_packets: 16_384,
        is_clocked: false,
        prepare: acl::filter,
    },
];

impl Work {
    /// Finds a work by its name.
    ///
    /// # Errors
    /// [`BenchError::NoWork`].
    pub fn find(name: &str) -> Result<&'static Self, BenchError> {
        let known = || {
            let names = WORKS.iter().map(|work| work.name);
            names.collect::<Vec<_>>().join(", ")
        };
        let found = WORKS.iter().find(|work| work.name == name);
        found.ok_or_else(|| BenchError::NoWork {
            name: name.to_owned(),
            known: known(),
        })
    }

    /// Compiles its program, makes its packets.
    ///
    /// # Errors
    /// The compiler's.
    pub fn prepare(&self, n_packets: usize) -> Result<Prepared, BenchError> {
        (self.prepare)(n_packets)
    }
}
