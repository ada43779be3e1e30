//! The run-time interface of a switch: what a control plane reads and writes while packets run.
//!
//! A [`Request`] is plain data, and so is its [`Reply`]; both can be written as text and sent elsewhere. Names
//! are those of the program, in full or by an end that is unique. A [`Switch`] answers requests, each between two
//! packets: a [`Device`](p4rmt_pipeline::Device) does, and so does whatever stands for one that runs in
//! another process. What it has of its own accord to say to the control plane are [`Event`]s.

mod error;
mod number;
mod request;
mod resolve;
mod serve;
mod switch;

pub use error::ControlError;
pub use number::{Number, NumberError};
pub use request::{
    Call, Entry, EntryTarget, Event, KeyMatch, Rates, Reply, Request, Session, Subscription, Timer,
};
pub use switch::Switch;
