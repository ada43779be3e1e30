//! What the tests that see the whole workspace share.

pub mod laminar;
pub mod mutation;
pub mod random_program;
pub mod rig;
