//! What people and programs read of a fit.
//!
//! In: a [`p4rmt_mau::Fit`] with the program, pipe, target and sources that it was made of. Out: a
//! [`FitReport`], which has all of it under stable names; of that, a [`text`] and what differs between
//! two reports ([`FitDiff`]). Nothing here decides where anything goes.

mod build;
mod diff;
pub mod schema;
mod text;

pub use build::report;
pub use diff::FitDiff;
pub use schema::FitReport;
pub use text::text;
