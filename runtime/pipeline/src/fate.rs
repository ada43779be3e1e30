//! What became of packets: counters that are always kept, and records for those who ask.

use indexmap::IndexMap;
use p4rmt_ir::GressRole;
use p4rmt_source::Span;

use crate::PortUnitFault;

/// Why a packet, or a copy of one, ended inside the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// The parser failed, and the program does not look at its errors.
    Parser {
        /// Where.
        gress: GressRole,
        /// Position among the program's errors.
        error: u32,
        /// The statement or transition that raised it.
        span: Span,
    },
    /// The program set `drop_ctl`.
    Program {
        /// Where.
        gress: GressRole,
        /// The statement that set it last.
        span: Span,
    },
    /// The ingress chose no port and no multicast group.
    NoDestination,
    /// The ingress chose a multicast group that is not there or has no ports.
    EmptyGroup {
        /// The group.
        group: u16,
    },
    /// A mirrored copy for a session that is not there.
    NoSession {
        /// The session.
        session: u16,
    },
    /// A mirrored copy that was to be lost.
    MirrorLost,
    /// A unit of a port refused it.
    PortUnit {
        /// The port.
        port: u16,
        /// Why.
        fault: PortUnitFault,
    },
    /// There was no room for it in front of the ingress.
    InputFull {
        /// Where it arrived.
        port: u16,
    },
    /// There was no room for it in a queue of the traffic manager.
    QueueFull {
        /// Of which port.
        port: u16,
        /// Which queue.
        queue: u16,
    },
    /// One arrival led to more passes than the device allows: the program loops.
    TooManyPasses,
    /// The program made it longer than a packet can be.
    TooLong,
}

/// What happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// When.
    pub clock: u64,
    /// What.
    pub event: FateEvent,
}

/// A step on a packet's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FateEvent {
    /// It arrived.
    Arrived {
        /// Where.
        port: u16,
        /// In bytes.
        len: usize,
    },
    /// The packet generator made it.
    Generated {
        /// The application.
        app: u8,
    },
    /// It ended inside the device.
    Dropped(DropReason),
    /// The ingress sent it to a port.
    Forwarded {
        /// Which.
        port: u16,
        /// The replication id, if it is a multicast copy.
        rid: Option<u16>,
    },
    /// A copy for the CPU was made.
    CopiedToCpu,
    /// It was sent back to the ingress parser.
    Resubmitted,
    /// It came back through a recirculation port.
    Recirculated {
        /// Which.
        port: u16,
    },
    /// A copy was mirrored.
    Mirrored {
        /// Where.
        gress: GressRole,
        /// The session.
        session: u16,
        /// The statement.
        span: Span,
    },
    /// A mirrored copy is held back.
    MirrorHeld,
    /// A mirrored copy that was held back was let in.
    MirrorReleased,
    /// It left.
    Left {
        /// Where.
        port: u16,
        /// In bytes.
        len: usize,
    },
}

/// What a device counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceCounters {
    /// Packets that arrived at ports.
    pub packets_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
    /// Packets that left through ports.
    pub packets_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Mirrored copies that entered a gress: Laminar's pseudo segments.
    pub mirror_copies: u64,
    /// Packets that went back to the ingress parser.
    pub resubmitted: u64,
    /// Packets that came back through a recirculation port.
    pub recirculated: u64,
    /// Packets that the packet generator made.
    pub generated: u64,
    /// Messages to the control plane.
    pub digests: u64,
    /// Packets and copies that ended inside, by reason.
    pub dropped: IndexMap<DropReason, u64>,
}

impl DropReason {
    /// In words, without its place in the program.
    #[must_use]
    pub fn describe(&self, errors: &[String]) -> String {
        match self {
            Self::Parser { gress, error, .. } => {
                let error = errors
                    .get(*error as usize)
                    .map_or("an error", String::as_str);
                format!("{} parser: {error}", gress_name(*gress))
            }
            Self::Program { gress, .. } => format!("dropped by the {}", gress_name(*gress)),
            Self::NoDestination => "no port was chosen".to_owned(),
            Self::EmptyGroup { group } => format!("multicast group {group} has no ports"),
            Self::NoSession { session } => format!("mirror session {session} is not there"),
            Self::MirrorLost => "the mirrored copy was to be lost".to_owned(),
            Self::PortUnit { port, fault } => format!("port {port}: {fault}"),
            Self::InputFull { port } => format!("no room in front of the ingress, port {port}"),
            Self::QueueFull { port, queue } => format!("queue {queue} of port {port} is full"),
            Self::TooLong => "the packet grew too long".to_owned(),
            Self::TooManyPasses => "the packet goes round in circles".to_owned(),
        }
    }

    /// Its place in the program; [`Span::NONE`] where it has none.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Parser { span, .. } | Self::Program { span, .. } => *span,
            Self::NoDestination
            | Self::EmptyGroup { .. }
            | Self::NoSession { .. }
            | Self::MirrorLost
            | Self::PortUnit { .. }
            | Self::InputFull { .. }
            | Self::QueueFull { .. }
            | Self::TooManyPasses
            | Self::TooLong => Span::NONE,
        }
    }
}

impl FateEvent {
    /// In words, without its place in the program.
    #[must_use]
    pub fn describe(&self, errors: &[String]) -> String {
        match self {
            Self::Arrived { port, len } => format!("arrived on port {port} ({len} bytes)"),
            Self::Generated { app } => format!("made by packet generator application {app}"),
            Self::Dropped(reason) => format!("dropped: {}", reason.describe(errors)),
            Self::Forwarded { port, rid: None } => format!("sent to port {port}"),
            Self::Forwarded {
                port,
                rid: Some(rid),
            } => format!("replicated to port {port} (rid {rid})"),
            Self::CopiedToCpu => "copied to the CPU".to_owned(),
            Self::Resubmitted => "resubmitted".to_owned(),
            Self::Recirculated { port } => format!("recirculated through port {port}"),
            Self::Mirrored { gress, session, .. } => {
                format!(
                    "mirrored by the {} to session {session}",
                    gress_name(*gress)
                )
            }
            Self::MirrorHeld => "its mirrored copy is held".to_owned(),
            Self::MirrorReleased => "its mirrored copy was let in".to_owned(),
            Self::Left { port, len } => format!("left on port {port} ({len} bytes)"),
        }
    }

    /// Its place in the program; [`Span::NONE`] where it has none.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Dropped(reason) => reason.span(),
            Self::Mirrored { span, .. } => *span,
            Self::Arrived { .. }
            | Self::Generated { .. }
            | Self::Forwarded { .. }
            | Self::CopiedToCpu
            | Self::Resubmitted
            | Self::Recirculated { .. }
            | Self::MirrorHeld
            | Self::MirrorReleased
            | Self::Left { .. } => Span::NONE,
        }
    }
}

fn gress_name(gress: GressRole) -> &'static str {
    match gress {
        GressRole::Ingress => "ingress",
        GressRole::Egress => "egress",
        GressRole::Whole => "program",
    }
}
