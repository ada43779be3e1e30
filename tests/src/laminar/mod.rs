//! Laminar, seen from outside: a model of its state and the packets around it.

pub mod control;
pub mod exchange;
pub mod host;
pub mod link;
pub mod model;
pub mod peer;
pub mod recording;
pub mod rig;
pub mod toe_host;
pub mod wire;
