//! Placement of tables and stateful ALUs in match-action stages.
//!
//! [`place`] takes a pipe in the tables form and a [`Target`], and says where each table and gateway
//! goes, or what stands in the way: a [`Fit`]. A program that does not fit is an answer, not an error.
//! What people and programs read of it is made by the crate above, `report`.
//!
//! * Limits of a machine are in its target file and nowhere else ([`target`]).
//! * What depends on what is in [`graph`]; what one unit of the machine can do in [`action`],
//!   [`condition`] and [`salu`]; how tables fill memory in [`sizing`].
//! * Every placement is checked by [`checker`], which shares nothing with what made it.
//!
//! ```
//! use p4rmt_ir::build::{GressBuilder, program};
//! use p4rmt_ir::{Arch, GressRole, Id, PipeId};
//! use p4rmt_mau::{Target, place};
//!
//! let empty = program("empty", Arch::T2na, [GressBuilder::new(GressRole::Ingress).structured(vec![])]);
//! let empty = p4rmt_midend::to_tables(&empty).expect("nothing to refuse");
//! let target = Target::built_in("tofino2").expect("it comes with the compiler");
//! let fit = place(&empty, PipeId::from_index(0), &target).expect("it is in the tables form");
//! assert!(fit.fits());
//! assert_eq!(fit.placement.stages_used, 0);
//! ```

pub mod action;
pub mod blocked;
mod bounds;
mod census;
pub mod checker;
pub mod condition;
pub mod counted;
pub mod demand;
mod explain;
pub mod fit;
pub mod graph;
mod index;
mod latency;
mod matrix;
pub mod parde;
pub mod phv;
mod power;
pub mod problem;
pub mod resource;
pub mod salu;
mod schedule;
mod sharing;
pub mod sizing;
pub mod stateful;
pub mod target;
pub mod unit;
pub mod what_if;
mod wiring;

pub use blocked::BlockedBy;
pub use explain::explanations;
pub use fit::{Fit, PlaceError, place, place_tables};
pub use target::{Target, TargetError};
