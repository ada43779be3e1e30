//! A switch that runs in another process, reached over its socket.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::{ControlError, Event, MAX_LINE, Message, Reply, Request, Switch};

/// A line of a switch may be so long: what one request reads is bounded there.
const MAX_ANSWER: u64 = 1 << 30;

/// A connection to a switch.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<UnixStream>,
    /// The part of a line that has come.
    line: Vec<u8>,
    /// What came before a reply did.
    events: VecDeque<Event>,
}

impl Client {
    /// Connects to the socket of a switch.
    ///
    /// # Errors
    /// Nothing listens there.
    pub fn connect(path: &Path) -> Result<Self, ControlError> {
        match UnixStream::connect(path) {
            Ok(stream) => Ok(Self {
                stream: BufReader::new(stream),
                line: Vec::new(),
                events: VecDeque::new(),
            }),
            Err(source) => Err(ControlError::Unreachable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The next event, after [`Request::Subscribe`]; none if none comes in that time, for which it waits for ever where
    /// none is given.
    ///
    /// # Errors
    /// The switch ends the connection, or says what makes no sense.
    pub fn next_event(&mut self, timeout: Option<Duration>) -> Result<Option<Event>, ControlError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        // No time at all is for ever to the system.
        let timeout = timeout.map(|timeout| timeout.max(Duration::from_micros(1)));
        let set = self.stream.get_ref().set_read_timeout(timeout);
        set.map_err(broken)?;
        let message = self.message();
        self.stream
            .get_ref()
            .set_read_timeout(None)
            .map_err(broken)?;
        match message? {
            None => Ok(None),
            Some(Message::Event(event)) => Ok(Some(event)),
            Some(Message::Error(reason)) => Err(ControlError::Remote { reason }),
            Some(Message::Reply(reply)) => Err(ControlError::unexpected(&reply)),
        }
    }

    /// The next message; none if the time is over before all of it is there.
    fn message(&mut self) -> Result<Option<Message>, ControlError> {
        loop {
            let room = match self.stream.fill_buf() {
                Ok([]) => return Err(ControlError::Ended),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_over(&error) => return Ok(None),
                Err(error) => return Err(broken(error)),
            };
            let end = room.iter().position(|byte| *byte == b'\n');
            let n_bytes = end.map_or(room.len(), |end| end + 1);
            self.line.extend(&room[..n_bytes]);
            self.stream.consume(n_bytes);
            if self.line.len() as u64 > MAX_ANSWER {
                return Err(ControlError::NoMessage);
            }
            if end.is_some() {
                let message = serde_json::from_slice(&self.line);
                self.line.clear();
                return message.map(Some).map_err(|_| ControlError::NoMessage);
            }
        }
    }
}

impl Switch for Client {
    fn call(&mut self, request: &Request) -> Result<Reply, ControlError> {
        let mut line = serde_json::to_vec(request).expect("a request is plain data");
        line.push(b'\n');
        if line.len() > MAX_LINE {
            return Err(ControlError::RequestTooLong {
                needed: line.len(),
                available: MAX_LINE,
            });
        }
        self.stream.get_mut().write_all(&line).map_err(broken)?;
        loop {
            match self.message()? {
                // There is no time that could be over.
                None => {}
                Some(Message::Event(event)) => self.events.push_back(event),
                Some(Message::Reply(reply)) => return Ok(reply),
                Some(Message::Error(reason)) => return Err(ControlError::Remote { reason }),
            }
        }
    }
}

fn is_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn broken(error: io::Error) -> ControlError {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => ControlError::Ended,
        _ => ControlError::Broken(error),
    }
}
