//! An engine in another process: jobs go there, outcomes and changes of the state come back.
//!
//! A message is its length in four bytes (little-endian, as all numbers) and so many bytes. The process
//! that runs the packets ([`serve`]) says first what it runs (fingerprint of the layout, and
//! of each gress the fields that it exchanges); then each batch is a request and an answer:
//!
//! | message | content |
//! |---|---|
//! | request | gress, change of the state, jobs |
//! | answer | 1, changes of memory, outcomes, hits and misses; or 0 and what went wrong |
//!
//! The state belongs to the one who asks, and both have a copy of it. A change is the whole state
//! (1, [`State::to_bytes`]) where entries, members or value sets have changed, and otherwise (0)
//! the lines of memory that have. What comes is believed as little as a file is.

mod codec;
mod message;

use std::io::{self, Read, Write};
use std::sync::Arc;

use p4rmt_ir::{GressId, Id};
use thiserror::Error;

use crate::{
    EngineError, Instance, Interface, Job, Outcome, Stamp, State, StateLayout, TableCounts, Trace,
};
use codec::{Message, Reader};

/// Why an engine in another process does not answer as it should.
#[derive(Debug, Error)]
pub enum RemoteError {
    /// The connection is broken.
    #[error("the process that runs the packets does not answer: {0}")]
    Connection(#[from] io::Error),
    /// An answer that is none.
    #[error("the process that runs the packets gives an answer that is none: {what}")]
    Damaged {
        /// What was expected.
        what: &'static str,
    },
    /// It runs another program, or exchanges other fields.
    #[error("the process that runs the packets was made for another program")]
    OtherProgram,
    /// It refuses a batch.
    #[error("the process that runs the packets says: {message}")]
    Refused {
        /// What it says.
        message: String,
    },
}

/// A message that is longer is none.
const MAX_MESSAGE: usize = 1 << 31;

/// Bytes of memory that are sent together.
const LINE: usize = 64;

fn write_message(to: &mut dyn Write, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(message)?;
    to.flush()
}

/// The next message; nothing at the end.
fn read_message(from: &mut dyn Read, message: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    message.clear();
    from.take(length as u64).read_to_end(message)?;
    if message.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(true)
}

/// Memory as the other side knows it.
#[derive(Debug, Default)]
struct Shadow(Vec<u8>);

impl Shadow {
    /// Writes the lines that differ from what the other side knows, which then knows them.
    fn write_changes(&mut self, memory: &[u8], out: &mut Message) {
        let counted_at = out.0.len();
        out.u32(0);
        let mut n_lines = 0;
        if self.0 != memory {
            let lines = memory.chunks(LINE).zip(self.0.chunks_mut(LINE));
            for (position, (line, known)) in lines.enumerate() {
                if line != known {
                    n_lines += 1;
                    out.u32(position as u32);
                    out.0.extend_from_slice(line);
                    known.copy_from_slice(line);
                }
            }
        }
        out.0[counted_at..counted_at + 4].copy_from_slice(&u32::to_le_bytes(n_lines));
    }

    /// Reads lines that the other side changed into the memory.
    fn read_changes(
        &mut self,
        memory: &mut [u8],
        input: &mut Reader<'_>,
    ) -> Result<(), RemoteError> {
        for _ in 0..input.u32()? {
            let start = input.u32()? as usize * LINE;
            let damaged = RemoteError::Damaged {
                what: "a line of the memory",
            };
            let Some(rest) = memory.get_mut(start..).filter(|rest| !rest.is_empty()) else {
                return Err(damaged);
            };
            let n_bytes = rest.len().min(LINE);
            let line = input.take(n_bytes)?;
            rest[..n_bytes].copy_from_slice(line);
            self.0[start..start + n_bytes].copy_from_slice(line);
        }
        Ok(())
    }
}

/// An instance in another process.
pub struct RemoteInstance {
    layout: Arc<StateLayout>,
    interface: Interface,
    input: Box<dyn Read + Send>,
    output: Box<dyn Write + Send>,
    /// Of the state that the other side has.
    known: Option<Stamp>,
    shadow: Shadow,
    counts: Vec<Vec<TableCounts>>,
    message: Vec<u8>,
}

impl RemoteInstance {
    /// Meets the process at the other end, which must run this program and exchange these fields.
    ///
    /// # Errors
    /// A process that does not answer, or runs something else.
    pub fn connect(
        layout: Arc<StateLayout>,
        interface: Interface,
        mut input: Box<dyn Read + Send>,
        output: Box<dyn Write + Send>,
    ) -> Result<Self, RemoteError> {
        let mut message = Vec::new();
        if !read_message(&mut *input, &mut message)? {
            return Err(RemoteError::Connection(io::ErrorKind::UnexpectedEof.into()));
        }
        if message != greeting(&layout, &interface) {
            return Err(RemoteError::OtherProgram);
        }
        let counts = layout.pipe().gresses.values();
        let counts = counts.map(|gress| vec![TableCounts::default(); gress.tables.len()]);
        Ok(Self {
            counts: counts.collect(),
            shadow: Shadow(vec![0; layout.n_bytes()]),
            layout,
            interface,
            input,
            output,
            known: None,
            message,
        })
    }

    fn ask(
        &mut self,
        gress: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
    ) -> Result<(), RemoteError> {
        let mut request = Message(std::mem::take(&mut self.message));
        request.0.clear();
        request.u32(gress.index() as u32);
        if self.known == Some(state.entries_stamp()) {
            request.u8(0);
            self.shadow.write_changes(state.memory(), &mut request);
        } else {
            request.u8(1);
            request.bytes(&state.to_bytes());
            self.shadow.0.copy_from_slice(state.memory());
            self.known = Some(state.entries_stamp());
        }
        request.u32(jobs.len() as u32);
        jobs.iter()
            .for_each(|job| message::write_job(&mut request, job));
        self.message = request.0;
        write_message(&mut *self.output, &self.message)?;
        if !read_message(&mut *self.input, &mut self.message)? {
            return Err(RemoteError::Connection(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut answer = Reader::new(&self.message);
        if answer.u8()? != 1 {
            let message = answer.text()?;
            return Err(RemoteError::Refused { message });
        }
        self.shadow.read_changes(state.memory_mut(), &mut answer)?;
        for outcome in &mut outcomes[..jobs.len()] {
            message::read_outcome(&mut answer, outcome)?;
        }
        if let Some(counts) = self.counts.get_mut(gress.index()) {
            for count in counts {
                *count = TableCounts {
                    hits: answer.u64()?,
                    misses: answer.u64()?,
                };
            }
        }
        answer.end()
    }
}

/// What the process that runs packets says first.
fn greeting(layout: &StateLayout, interface: &Interface) -> Vec<u8> {
    let mut out = Message(b"p4rmt-1 ".to_vec());
    out.u64(layout.fingerprint());
    for gress in interface.gresses.values() {
        for fields in [&gress.inputs, &gress.watched] {
            out.u32(fields.len() as u32);
            fields
                .iter()
                .for_each(|field| out.u32(field.index() as u32));
        }
    }
    out.0
}

impl Instance for RemoteInstance {
    fn run(
        &mut self,
        gress: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        crate::emitted::refuse_trace(trace.is_some())?;
        let available = self.layout.pipe().gresses.len();
        if gress.index() >= available {
            return Err(EngineError::NoGress { gress, available });
        }
        if outcomes.len() < jobs.len() {
            return Err(EngineError::TooFewOutcomes {
                needed: jobs.len(),
                available: outcomes.len(),
            });
        }
        state.expect_layout(&self.layout)?;
        self.ask(gress, jobs, outcomes, state).map_err(|error| {
            // What the other side knows now nobody can say.
            self.known = None;
            error.into()
        })
    }

    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn table_counts(&self, gress: GressId) -> Vec<TableCounts> {
        let counts = self.counts.get(gress.index());
        counts.cloned().unwrap_or_default()
    }
}

/// Runs the packets that come, until no more do.
///
/// # Errors
/// A connection that breaks, a message that is none, a state that cannot be made.
pub fn serve(
    instance: &mut dyn Instance,
    layout: &Arc<StateLayout>,
    input: &mut dyn Read,
    output: &mut dyn Write,
) -> Result<(), EngineError> {
    let connection = |error| EngineError::Remote(RemoteError::Connection(error));
    let greeting = greeting(layout, instance.interface());
    write_message(output, &greeting).map_err(connection)?;
    let mut state = State::new(Arc::clone(layout))?;
    let mut shadow = Shadow(state.memory().to_vec());
    let mut message = Vec::new();
    let mut outcomes: Vec<Outcome> = Vec::new();
    while read_message(input, &mut message).map_err(connection)? {
        let mut answer = Message(Vec::new());
        let asked = answer_batch(
            instance,
            &message,
            &mut state,
            &mut shadow,
            &mut outcomes,
            &mut answer,
        );
        if let Err(error) = asked {
            answer.0.clear();
            answer.u8(0);
            answer.bytes(error.to_string().as_bytes());
        }
        write_message(output, &answer.0).map_err(connection)?;
    }
    Ok(())
}

fn answer_batch(
    instance: &mut dyn Instance,
    request: &[u8],
    state: &mut State,
    shadow: &mut Shadow,
    outcomes: &mut Vec<Outcome>,
    answer: &mut Message,
) -> Result<(), EngineError> {
    let mut input = Reader::new(request);
    let gress: GressId = Id::from_index(input.u32()? as usize);
    if input.u8()? == 1 {
        let bytes = input.bytes()?;
        *state = State::from_bytes(&Arc::clone(state.layout()), bytes)?;
        shadow.0.copy_from_slice(state.memory());
    } else {
        shadow.read_changes(state.memory_mut(), &mut input)?;
    }
    let n_jobs = input.u32()?;
    let jobs = (0..n_jobs).map(|_| message::read_job(&mut input));
    let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
    input.end()?;
    let jobs: Vec<Job<'_>> = jobs.iter().map(message::OwnedJob::borrow).collect();
    if outcomes.len() < jobs.len() {
        outcomes.resize_with(jobs.len(), Outcome::default);
    }
    instance.run(gress, &jobs, outcomes, state, None)?;
    answer.u8(1);
    shadow.write_changes(state.memory(), answer);
    for outcome in &outcomes[..jobs.len()] {
        message::write_outcome(answer, outcome);
    }
    for counts in instance.table_counts(gress) {
        answer.u64(counts.hits);
        answer.u64(counts.misses);
    }
    Ok(())
}
