//! The run-time interface of a switch: what a control plane reads and writes while packets run.
//!
//! A [`Request`] is plain data, and so is its [`Reply`]; both can be written as text and sent elsewhere. Names
//! are those of the program, in full or by an end that is unique. A [`Switch`] answers requests, each between two
//! packets: a [`Device`](p4rmt_pipeline::Device) does, and so does a [`Client`] of one that runs in another process,
//! with one [`Message`] a line over a socket. What a switch has of its own accord to say to the control plane are
//! [`Event`]s.

#[cfg(unix)]
mod client;
mod description;
mod error;
mod hexadecimal;
mod message;
mod number;
mod request;
mod resolve;
mod serve;
mod switch;

#[cfg(unix)]
pub use client::Client;
pub use description::{
    ActionDescription, ArrayDescription, Description, DigestDescription, KeyDescription, KeyKind,
    TableDescription,
};
pub use error::ControlError;
pub use message::{MAX_LINE, Message};
pub use number::{Number, NumberError};
pub use request::{
    Call, Entry, EntryTarget, Event, Filter, KeyMatch, Node, Rates, Reply, Request, Session,
    Subscription, Timer, Unit,
};
pub use switch::Switch;
