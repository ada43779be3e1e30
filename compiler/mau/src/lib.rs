//! Placement of tables and stateful ALUs in match-action stages.

pub mod action;
pub mod blocked;
mod bounds;
mod census;
pub mod checker;
pub mod condition;
pub mod demand;
mod explain;
pub mod fit;
pub mod graph;
mod latency;
pub mod problem;
pub mod render;
pub mod report;
pub mod resource;
pub mod salu;
mod schedule;
pub mod sizing;
pub mod target;
pub mod unit;

pub use blocked::BlockedBy;
pub use explain::explanations;
pub use fit::{Fit, PlaceError, place};
pub use render::render;
pub use report::{FitReport, report};
pub use target::{Target, TargetError};
