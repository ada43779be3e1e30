//! What the tests that see the whole workspace share.

pub mod laminar;
pub mod mutation;
pub mod rig;
