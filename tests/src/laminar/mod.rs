//! Laminar, seen from outside: a model of its state and the packets around it.

pub mod model;
pub mod peer;
pub mod rig;
pub mod wire;
