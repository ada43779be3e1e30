//! Jobs and outcomes as messages.

use p4rmt_ir::{ClaimKind, Cloned, Id};

use super::RemoteError;
use super::codec::{Message, Reader};
use crate::{
    CloneRequest, DigestMessage, Job, KeepRequest, LogMessage, MirrorRequest, Outcome,
    ParseFailure, Part, ResubmitRequest, SwitchRequests, Verdict, Writer, WrongClaim,
};

/// A job that came in a message.
pub(super) struct OwnedJob<'a> {
    bytes: &'a [u8],
    prefix_len: usize,
    clock: u64,
    inputs: Vec<u64>,
    part: Part,
    phv: Vec<u64>,
}

impl OwnedJob<'_> {
    pub(super) fn borrow(&self) -> Job<'_> {
        Job {
            bytes: self.bytes,
            prefix_len: self.prefix_len,
            clock: self.clock,
            inputs: &self.inputs,
            part: self.part,
            phv: &self.phv,
        }
    }
}

pub(super) fn write_job(out: &mut Message, job: &Job<'_>) {
    let Job {
        bytes,
        prefix_len,
        clock,
        inputs,
        part,
        phv,
    } = job;
    out.bytes(bytes);
    out.u64(*prefix_len as u64);
    out.u64(*clock);
    out.words(inputs);
    match part {
        Part::Whole => out.u8(0),
        Part::Parser => out.u8(1),
        Part::Front => out.u8(2),
        Part::Back { payload_offset } => {
            out.u8(3);
            out.u64(*payload_offset as u64);
        }
    }
    out.words(phv);
}

pub(super) fn read_job<'a>(input: &mut Reader<'a>) -> Result<OwnedJob<'a>, RemoteError> {
    Ok(OwnedJob {
        bytes: input.bytes()?,
        prefix_len: input.u64()? as usize,
        clock: input.u64()?,
        inputs: input.words()?,
        part: match input.u8()? {
            0 => Part::Whole,
            1 => Part::Parser,
            2 => Part::Front,
            3 => Part::Back {
                payload_offset: input.u64()? as usize,
            },
            _ => return Err(damaged("a part of a gress")),
        },
        phv: input.words()?,
    })
}

fn damaged(what: &'static str) -> RemoteError {
    RemoteError::Damaged { what }
}

pub(super) fn write_outcome(out: &mut Message, outcome: &Outcome) {
    let Outcome {
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
    } = outcome;
    let (kind, failure) = match verdict {
        Verdict::Accepted => (0, None),
        Verdict::Failed(failure) => (1, Some(failure)),
        Verdict::Dropped(failure) => (2, Some(failure)),
    };
    out.u8(kind);
    if let Some(ParseFailure { error, span }) = failure {
        out.u32(*error);
        out.span(*span);
    }
    out.bytes(bytes);
    out.ids(emitted);
    out.u64(*payload_offset as u64);
    out.words(values);
    out.list(written, |out, writer| {
        out.option(writer.span().as_ref(), |out, span| out.span(*span));
    });
    out.bytes(extra);
    out.list(mirrors, |out, mirror| {
        out.option(mirror.mirror_type.as_ref(), |out, ty| out.u32(*ty));
        out.u64(mirror.session);
        out.u64(mirror.header.start as u64);
        out.u64(mirror.header.end as u64);
        out.span(mirror.span);
    });
    out.option(resubmit.as_ref(), |out, resubmit| {
        out.option(resubmit.resubmit_type.as_ref(), |out, ty| out.u32(*ty));
        out.u64(resubmit.header.start as u64);
        out.u64(resubmit.header.end as u64);
        out.span(resubmit.span);
    });
    out.list(digests, |out, digest| {
        out.u32(digest.digest.index() as u32);
        out.option(digest.receiver.as_ref(), Message::bits);
        out.list(&digest.fields, Message::bits);
        out.span(digest.span);
    });
    out.words(phv);
    out.u64(*parsed_bits);
    write_requests(out, requests);
    out.list(log, |out, line| {
        out.bytes(line.text.as_bytes());
        out.span(line.span);
    });
    out.option(wrong_claim.as_ref(), |out, claim| {
        out.u8(match claim.kind {
            ClaimKind::Assert => 0,
            ClaimKind::Assume => 1,
        });
        out.span(claim.span);
    });
}

fn write_requests(out: &mut Message, requests: &SwitchRequests) {
    let SwitchRequests {
        clone,
        resubmit,
        recirculate,
        truncate,
    } = requests;
    out.option(clone.as_ref(), |out, clone| {
        out.u8(match clone.of {
            Cloned::Received => 0,
            Cloned::Deparsed => 1,
        });
        out.u64(clone.session);
        out.ids(&clone.kept);
        out.span(clone.span);
    });
    for request in [resubmit, recirculate] {
        out.option(request.as_ref(), |out, keep| {
            out.ids(&keep.kept);
            out.span(keep.span);
        });
    }
    out.option(truncate.as_ref(), |out, length| out.u64(*length));
}

pub(super) fn read_outcome(
    input: &mut Reader<'_>,
    outcome: &mut Outcome,
) -> Result<(), RemoteError> {
    outcome.clear();
    let kind = input.u8()?;
    outcome.verdict = match kind {
        0 => Verdict::Accepted,
        1 | 2 => {
            let failure = ParseFailure {
                error: input.u32()?,
                span: input.span()?,
            };
            match kind {
                1 => Verdict::Failed(failure),
                _ => Verdict::Dropped(failure),
            }
        }
        _ => return Err(damaged("how parsing ended")),
    };
    outcome.bytes.extend_from_slice(input.bytes()?);
    outcome.emitted = input.ids()?;
    outcome.payload_offset = input.u64()? as usize;
    outcome.values = input.words()?;
    outcome.written = input.list(|input| {
        let span = input.option(Reader::span)?;
        Ok(span.map_or(Writer::NONE, Writer::new))
    })?;
    outcome.extra.extend_from_slice(input.bytes()?);
    let n_extra = outcome.extra.len();
    let range = |input: &mut Reader<'_>| {
        let range = input.u64()? as usize..input.u64()? as usize;
        match range.start <= range.end && range.end <= n_extra {
            true => Ok(range),
            false => Err(damaged("a range of its bytes")),
        }
    };
    outcome.mirrors = input.list(|input| {
        Ok(MirrorRequest {
            mirror_type: input.option(Reader::u32)?,
            session: input.u64()?,
            header: range(input)?,
            span: input.span()?,
        })
    })?;
    outcome.resubmit = input.option(|input| {
        Ok(ResubmitRequest {
            resubmit_type: input.option(Reader::u32)?,
            header: range(input)?,
            span: input.span()?,
        })
    })?;
    outcome.digests = input.list(|input| {
        Ok(DigestMessage {
            digest: Id::from_index(input.u32()? as usize),
            receiver: input.option(Reader::bits)?,
            fields: input.list(Reader::bits)?,
            span: input.span()?,
        })
    })?;
    outcome.phv = input.words()?;
    outcome.parsed_bits = input.u64()?;
    outcome.requests = read_requests(input)?;
    outcome.log = input.list(|input| {
        Ok(LogMessage {
            text: input.text()?,
            span: input.span()?,
        })
    })?;
    outcome.wrong_claim = input.option(|input| {
        Ok(WrongClaim {
            kind: match input.u8()? {
                0 => ClaimKind::Assert,
                1 => ClaimKind::Assume,
                _ => return Err(damaged("a kind of claim")),
            },
            span: input.span()?,
        })
    })?;
    Ok(())
}

fn read_requests(input: &mut Reader<'_>) -> Result<SwitchRequests, RemoteError> {
    let keep = |input: &mut Reader<'_>| {
        Ok(KeepRequest {
            kept: input.ids()?,
            span: input.span()?,
        })
    };
    Ok(SwitchRequests {
        clone: input.option(|input| {
            Ok(CloneRequest {
                of: match input.u8()? {
                    0 => Cloned::Received,
                    1 => Cloned::Deparsed,
                    _ => return Err(damaged("what is cloned")),
                },
                session: input.u64()?,
                kept: input.ids()?,
                span: input.span()?,
            })
        })?,
        resubmit: input.option(keep)?,
        recirculate: input.option(keep)?,
        truncate: input.option(Reader::u64)?,
    })
}
