//! What goes into an engine for one packet, and what comes out.

use std::ops::Range;

use p4rmt_ir::{Bits, ClaimKind, Cloned, DigestId, FieldId, HeaderId};
use p4rmt_source::Span;

/// One packet that enters a gress. All of it is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What the parser sees in front of the packet: intrinsic metadata, port metadata, mirror
    /// header. Counters and meters do not count it.
    pub prefix: &'a [u8],
    /// The packet, without its frame check sequence.
    pub packet: &'a [u8],
    /// The clock at which the packet enters the gress: time for meters, and seed of random values.
    pub clock: u64,
    /// The values of [`crate::GressInterface::inputs`], laid out as [`crate::WordLayout`] says.
    pub inputs: &'a [u64],
    /// Which part of the gress it runs through.
    pub part: Part,
    /// Every field of the gress as it starts with, laid out as [`crate::WordLayout`] says; empty where
    /// all start at zero. The inputs are written on top of it.
    pub phv: &'a [u64],
}

/// A part of a gress. Only a whole gress (v1model) has more than one: its traffic manager stands in
/// its middle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// The parser alone, as a cloned packet runs through it again; fills [`Outcome::phv`].
    Parser,
    /// The parser and the controls up to the traffic manager; fills [`Outcome::phv`].
    Front,
    /// The controls behind the traffic manager and the deparser; fills [`Outcome::phv`] with the
    /// fields at the end of the egress control, before check sums are computed.
    Back {
        /// Where the payload starts, in bytes from the start of the packet.
        payload_offset: usize,
    },
}

/// What a packet led to. Its buffers are cleared and used again by the next run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How parsing ended.
    pub verdict: Verdict,
    /// What the deparser emitted. If it is not a whole number of bytes, zero bits fill the last one.
    pub bytes: Vec<u8>,
    /// The headers that were emitted, in order.
    pub emitted: Vec<HeaderId>,
    /// Where the payload starts, in bytes from the start of `prefix`; it goes to the end of the
    /// packet. A cursor inside a byte counts as behind it.
    pub payload_offset: usize,
    /// The values of [`crate::GressInterface::watched`], laid out as [`crate::WordLayout`] says.
    pub values: Vec<u64>,
    /// By watched field: the statement that wrote it last, if one did.
    pub written: Vec<Option<Span>>,
    /// The bytes of mirror and resubmit headers, which name ranges of it.
    pub extra: Vec<u8>,
    /// Requests for mirrored copies, in order.
    pub mirrors: Vec<MirrorRequest>,
    /// The last request to resubmit.
    pub resubmit: Option<ResubmitRequest>,
    /// Messages to the control plane, in order.
    pub digests: Vec<DigestMessage>,
    /// Every field as it was at the end of the part that ran, laid out as [`crate::WordLayout`] says;
    /// empty where the gress ran whole.
    pub phv: Vec<u64>,
    /// How many bits the headers have that were valid behind the parser; 0 where the gress ran whole or
    /// without it.
    pub parsed_bits: u64,
    /// What the packet asked the switch for (v1model).
    pub requests: SwitchRequests,
    /// What the program had to say (v1model), in order.
    pub log: Vec<LogMessage>,
    /// The first claim of the program that was wrong (v1model). The packet ends there, and nothing
    /// else of the outcome holds.
    pub wrong_claim: Option<WrongClaim>,
}

/// What a packet of v1model asks the switch for; of each kind, the last request counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchRequests {
    /// To copy it.
    pub clone: Option<CloneRequest>,
    /// To start again as it was received.
    pub resubmit: Option<KeepRequest>,
    /// To start again as it was deparsed.
    pub recirculate: Option<KeepRequest>,
    /// To cut it to this many bytes when it leaves: the least that it asked for.
    pub truncate: Option<u64>,
}

/// A request for copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloneRequest {
    /// What is copied.
    pub of: Cloned,
    /// The session.
    pub session: u64,
    /// The fields that copies keep.
    pub kept: Vec<FieldId>,
    /// The statement.
    pub span: Span,
}

/// A request to start again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepRequest {
    /// The fields that the packet keeps.
    pub kept: Vec<FieldId>,
    /// The statement.
    pub span: Span,
}

/// A message of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogMessage {
    /// The text, values filled in.
    pub text: String,
    /// The statement.
    pub span: Span,
}

/// A claim of the program that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongClaim {
    /// How the program made it.
    pub kind: ClaimKind,
    /// The statement.
    pub span: Span,
}

/// How parsing ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// The packet was parsed.
    #[default]
    Accepted,
    /// Parsing failed; the packet went on, with the headers extracted so far.
    Failed(ParseFailure),
    /// Parsing failed, and the program's ingress does not look at `parser_err`: the packet was
    /// dropped before the first stage, and nothing else of the outcome holds (TNA, T2NA).
    Dropped(ParseFailure),
}

/// A parser error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFailure {
    /// Position among [`p4rmt_ir::Program::errors`].
    pub error: u32,
    /// The statement or transition that raised it.
    pub span: Span,
}

/// A request of the deparser for a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MirrorRequest {
    /// The mirror type of the extern instance; none where the extern was made without one.
    pub mirror_type: Option<u32>,
    /// The session.
    pub session: u64,
    /// The mirror header: a range of [`Outcome::extra`].
    pub header: Range<usize>,
    /// The statement.
    pub span: Span,
}

/// A request of the ingress deparser to parse the packet again, as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResubmitRequest {
    /// The resubmit type of the extern instance; none where the extern was made without one.
    pub resubmit_type: Option<u32>,
    /// The resubmit header: a range of [`Outcome::extra`].
    pub header: Range<usize>,
    /// The statement.
    pub span: Span,
}

/// A message of the deparser to the control plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestMessage {
    /// Which.
    pub digest: DigestId,
    /// Who is to have it (v1model).
    pub receiver: Option<Bits>,
    /// Its fields.
    pub fields: Vec<Bits>,
    /// The statement.
    pub span: Span,
}

impl Job<'_> {
    /// What follows the headers: first what is left of the prefix (empty unless the parser stopped
    /// inside it), then what is left of the packet.
    #[must_use]
    pub fn payload(&self, outcome: &Outcome) -> (&[u8], &[u8]) {
        let offset = outcome.payload_offset;
        let in_prefix = self.prefix.get(offset..).unwrap_or_default();
        let in_packet = self
            .packet
            .get(offset.saturating_sub(self.prefix.len())..)
            .unwrap_or_default();
        (in_prefix, in_packet)
    }
}

impl Outcome {
    /// Empties it; the buffers keep their capacity.
    pub fn clear(&mut self) {
        let Self {
            verdict,
            bytes,
            emitted,
            payload_offset,
            values,
            written,
            extra,
            mirrors,
            resubmit,
            digests,
            phv,
            parsed_bits,
            requests,
            log,
            wrong_claim,
        } = self;
        *verdict = Verdict::Accepted;
        bytes.clear();
        emitted.clear();
        *payload_offset = 0;
        values.clear();
        written.clear();
        extra.clear();
        mirrors.clear();
        *resubmit = None;
        digests.clear();
        phv.clear();
        *parsed_bits = 0;
        *requests = SwitchRequests::default();
        log.clear();
        *wrong_claim = None;
    }
}
