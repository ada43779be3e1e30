//! What goes over a connection: one JSON value a line, [`Request`](crate::Request)s one way, [`Message`]s the other.

use serde::{Deserialize, Serialize};

use crate::{Event, Reply};

/// A line with its end is at most so long, in bytes.
pub const MAX_LINE: usize = 1 << 20;

/// What a switch says over a connection. Replies and refusals come in the order of the requests, one each; events
/// come between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// The answer to a request.
    Reply(Reply),
    /// Why a request is refused, or the connection ends.
    Error(String),
    /// Something happened that the client listens to.
    Event(Event),
}

impl Message {
    /// As a line with its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        // Maps have text as keys and numbers are whole, so nothing here can be unwritable.
        let mut line = serde_json::to_string(self).expect("a message is plain data");
        line.push('\n');
        line
    }
}
