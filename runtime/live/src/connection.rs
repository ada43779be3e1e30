//! One client: lines in, lines out, and bounds on both.
//!
//! * Lines that are no requests are refused, each with a line; one that is too long ends the connection.
//! * Requests wait while replies do: a client that does not read is not served.
//! * Events that a client does not read end its connection, since there is no other bound on them.
//!
//! A connection ends with a line that says why, as far as the client reads it.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;

use p4rmt_control::{ControlError, MAX_LINE, Message, Reply, Request, Subscription};

/// No request is taken while more than this waits to be written, in bytes.
const MAX_REPLIES: usize = 1 << 16;

/// More than this does not wait to be written, in bytes, beside the last reply.
const MAX_EVENTS: usize = 1 << 20;

/// At most so much is read at once, in bytes.
const READ_SIZE: usize = 1 << 16;

/// After its last line a client has so long to read it.
const LINGER_NS: u64 = 5_000_000_000;

/// A client that is connected.
pub(crate) struct Connection {
    pub(crate) stream: UnixStream,
    pub(crate) subscription: Subscription,
    /// What has been read and not yet been taken: at most a line that is too long and what was read with it.
    input: Vec<u8>,
    /// How much of it is known to hold no end of a line.
    n_searched: usize,
    output: Vec<u8>,
    n_written: usize,
    /// How long the last reply is, while it may wait to be written.
    reply_len: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The client sends nothing more.
    Deaf,
    /// The last line has been said; since when.
    Ending {
        since_ns: u64,
    },
    Gone,
}

impl Connection {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            subscription: Subscription::default(),
            input: Vec::new(),
            n_searched: 0,
            output: Vec::new(),
            n_written: 0,
            reply_len: 0,
            state: State::Open,
        })
    }

    fn n_waiting(&self) -> usize {
        self.output.len() - self.n_written
    }

    /// Whether there is something to write.
    pub(crate) fn wants_to_write(&self) -> bool {
        self.n_waiting() > 0
    }

    /// Whether what the client says is of interest now.
    pub(crate) fn wants_to_read(&self) -> bool {
        self.state == State::Open && self.input.len() <= MAX_LINE && self.n_waiting() <= MAX_REPLIES
    }

    /// Something can be read or written, or the other side is gone.
    pub(crate) fn read(&mut self) {
        if !self.wants_to_read() {
            // Where there is something to write, writing says that it is gone.
            if !self.wants_to_write() {
                self.state = State::Gone;
            }
            return;
        }
        let before = self.input.len();
        self.input.resize(before + READ_SIZE, 0);
        let read = self.stream.read(&mut self.input[before..]);
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.state = State::Deaf,
            Ok(_) => {}
            Err(error) if is_passing(&error) => {}
            Err(_) => self.state = State::Gone,
        }
    }

    /// Whether a request could be taken at once.
    pub(crate) fn has_request(&self) -> bool {
        self.is_served() && (self.input.contains(&b'\n') || self.input.len() > MAX_LINE)
    }

    fn is_served(&self) -> bool {
        matches!(self.state, State::Open | State::Deaf) && self.n_waiting() <= MAX_REPLIES
    }

    /// Takes the next line, if there is one. What is no request is answered here.
    pub(crate) fn take_request(&mut self, now_ns: u64) -> Option<Request> {
        while self.is_served() {
            let end = self.input[self.n_searched..]
                .iter()
                .position(|byte| *byte == b'\n')
                .map(|end| self.n_searched + end + 1);
            self.n_searched = self.input.len();
            if end.unwrap_or(self.n_searched) > MAX_LINE {
                let why = format!("a line is longer than {MAX_LINE} bytes");
                self.end(why, now_ns);
                return None;
            }
            let line: Vec<u8> = self.input.drain(..end?).collect();
            self.n_searched = 0;
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(&line) {
                Ok(request) => return Some(request),
                Err(error) => self.say(&Message::Error(format!("this is no request: {error}"))),
            }
        }
        None
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, answer: Result<Reply, ControlError>) {
        let message = match answer {
            Ok(reply) => Message::Reply(reply),
            Err(error) => Message::Error(error.to_string()),
        };
        self.say(&message);
    }

    fn say(&mut self, message: &Message) {
        let line = message.to_line();
        self.reply_len = line.len();
        self.output.extend(line.as_bytes());
    }

    /// Tells of an event, as a line.
    pub(crate) fn tell(&mut self, line: &str, now_ns: u64) {
        if !matches!(self.state, State::Open | State::Deaf) {
            return;
        }
        if self.n_waiting() + line.len() > MAX_EVENTS + self.reply_len {
            let why = "events come faster than you read them".to_owned();
            return self.end(why, now_ns);
        }
        self.output.extend(line.as_bytes());
    }

    /// Says why it ends, and ends once that is written.
    pub(crate) fn end(&mut self, why: String, now_ns: u64) {
        self.say(&Message::Error(why));
        self.state = State::Ending { since_ns: now_ns };
        self.subscription = Subscription::default();
        self.input = Vec::new();
        self.n_searched = 0;
    }

    /// Writes what can be written.
    pub(crate) fn write(&mut self) {
        while self.wants_to_write() && self.state != State::Gone {
            match self.stream.write(&self.output[self.n_written..]) {
                Ok(0) => self.state = State::Gone,
                Ok(n_bytes) => self.n_written += n_bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if is_passing(&error) => break,
                Err(_) => self.state = State::Gone,
            }
        }
        if !self.wants_to_write() {
            self.output.clear();
            self.n_written = 0;
            self.reply_len = 0;
        } else if self.n_written > MAX_EVENTS {
            self.output.drain(..self.n_written);
            self.n_written = 0;
        }
    }

    /// Whether there is nothing more to do for it.
    pub(crate) fn is_over(&self, now_ns: u64) -> bool {
        match self.state {
            State::Open => false,
            State::Gone => true,
            // Who listens may have said all that there is to say.
            State::Deaf => {
                let is_idle = !self.wants_to_write() && !self.input.contains(&b'\n');
                is_idle && self.subscription == Subscription::default()
            }
            State::Ending { since_ns } => {
                !self.wants_to_write() || now_ns.saturating_sub(since_ns) > LINGER_NS
            }
        }
    }

    /// Until when it is to be looked after although nothing happens.
    pub(crate) fn deadline_ns(&self) -> Option<u64> {
        match self.state {
            State::Ending { since_ns } => Some(since_ns.saturating_add(LINGER_NS + 1)),
            State::Open | State::Deaf | State::Gone => None,
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
