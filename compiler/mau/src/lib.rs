//! Placement of tables and stateful ALUs in match-action stages.

pub mod target;

pub use target::{Target, TargetError};
