//! Placement of tables and stateful ALUs in match-action stages.

pub mod action;
pub mod condition;
pub mod demand;
pub mod graph;
pub mod problem;
pub mod resource;
pub mod salu;
pub mod sizing;
pub mod target;
pub mod unit;

pub use target::{Target, TargetError};
