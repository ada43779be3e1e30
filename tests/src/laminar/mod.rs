//! Laminar, seen from outside: a model of its state and the packets around it.

pub mod control;
pub mod exchange;
pub mod host;
pub mod link;
pub mod machine;
pub mod model;
pub mod peer;
pub mod recording;
pub mod rig;
pub mod talk;
pub mod toe_host;
pub mod wire;
pub mod world;
