//! What goes into an engine for one packet, and what comes out.

use std::ops::Range;

use p4rmt_ir::{Bits, ClaimKind, Cloned, DigestId, FieldId, HeaderId};
use p4rmt_source::Span;

/// One packet that enters a gress. All of it is borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What the parser sees: the prefix, then the packet, without its frame check sequence.
    pub bytes: &'a [u8],
    /// Bytes of the prefix, which stands in front of the packet: intrinsic metadata, port metadata,
    /// mirror header. Counters and meters do not count it. At most all of `bytes`.
    pub prefix_len: usize,
    /// The clock at which the packet enters the gress: time for meters, and seed of random values.
    pub clock: u64,
    /// The values of [`crate::GressInterface::inputs`], laid out as [`crate::WordLayout`] says.
    pub inputs: &'a [u64],
    /// Which part of the gress it runs through.
    pub part: Part,
    /// Every field of the gress as it starts with, laid out as [`crate::WordLayout`] says; empty where
    /// all start at zero, as they do wherever the gress runs whole. The inputs are written on top of it.
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

impl Part {
    /// How many words of fields a packet may come with, of so many that the gress has.
    #[must_use]
    pub fn n_given_words(self, n_words: usize) -> usize {
        match self {
            Self::Whole => 0,
            Self::Parser | Self::Front | Self::Back { .. } => n_words,
        }
    }
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
    /// By watched field: what wrote it last.
    pub written: Vec<Writer>,
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

/// The statement that wrote a field last, if one did: a number, so that compiled code can leave it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Writer(u64);

impl Writer {
    /// No statement.
    pub const NONE: Self = Self(0);

    /// A statement.
    #[must_use]
    pub fn new(span: Span) -> Self {
        Self((u64::from(span.hi) << 32 | u64::from(span.lo)) ^ Self::NO_SPAN)
    }

    /// What no span is: one that ends before it starts.
    const NO_SPAN: u64 = 1;

    /// The statement.
    #[must_use]
    pub fn span(self) -> Option<Span> {
        let bits = self.0 ^ Self::NO_SPAN;
        (self != Self::NONE).then_some(Span {
            lo: bits as u32,
            hi: (bits >> 32) as u32,
        })
    }

    /// The number.
    #[must_use]
    pub fn bits(self) -> u64 {
        self.0
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.span().fmt(f)
    }
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

/// The text of a message with values in place of `{}`, in order; what has no value stays.
pub fn fill_log(format: &str, mut values: impl Iterator<Item = Bits>) -> String {
    let mut pieces = format.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match values.next() {
            Some(value) => text.push_str(&value.to_biguint().to_string()),
            None => text.push_str("{}"),
        }
        text.push_str(piece);
    }
    text
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

impl<'a> Job<'a> {
    /// What stands in front of the packet.
    #[must_use]
    pub fn prefix(&self) -> &'a [u8] {
        &self.bytes[..self.prefix_len.min(self.bytes.len())]
    }

    /// The packet.
    #[must_use]
    pub fn packet(&self) -> &'a [u8] {
        self.bytes.get(self.prefix_len..).unwrap_or_default()
    }

    /// What follows the headers: what is left of the prefix (nothing unless the parser stopped inside
    /// it) and of the packet.
    #[must_use]
    pub fn payload(&self, outcome: &Outcome) -> &'a [u8] {
        self.bytes.get(outcome.payload_offset..).unwrap_or_default()
    }
}

impl Outcome {
    /// Empties it; the buffers keep their capacity.
    pub fn clear(&mut self) {
        self.begin(0, 0);
        self.phv.clear();
    }

    /// Nothing has come of a packet yet that has so many words of watched values and so many watched fields.
    /// For an engine that writes all of those values, and fields as they shall be: what `values` and `phv` held stays
    /// there.
    #[inline]
    pub fn begin(&mut self, n_value_words: usize, n_watched: usize) {
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
            phv: _,
            parsed_bits,
            requests,
            log,
            wrong_claim,
        } = self;
        *verdict = Verdict::Accepted;
        bytes.clear();
        emitted.clear();
        *payload_offset = 0;
        if values.len() != n_value_words || written.len() != n_watched {
            resize_watched(values, n_value_words, written, n_watched);
        }
        written.fill(Writer::NONE);
        extra.clear();
        mirrors.clear();
        *resubmit = None;
        *parsed_bits = 0;
        *wrong_claim = None;
        // Few packets have any of these.
        if !digests.is_empty() || !log.is_empty() || !requests.are_none() {
            forget(digests, log, requests);
        }
    }
}

#[cold]
fn resize_watched(
    values: &mut Vec<u64>,
    n_value_words: usize,
    written: &mut Vec<Writer>,
    n_watched: usize,
) {
    values.resize(n_value_words, 0);
    written.resize(n_watched, Writer::NONE);
}

#[cold]
fn forget(
    digests: &mut Vec<DigestMessage>,
    log: &mut Vec<LogMessage>,
    requests: &mut SwitchRequests,
) {
    digests.clear();
    log.clear();
    *requests = SwitchRequests::default();
}

impl SwitchRequests {
    /// Whether nothing is asked for.
    #[inline]
    #[must_use]
    pub fn are_none(&self) -> bool {
        let Self {
            clone,
            resubmit,
            recirculate,
            truncate,
        } = self;
        clone.is_none() && resubmit.is_none() && recirculate.is_none() && truncate.is_none()
    }
}
