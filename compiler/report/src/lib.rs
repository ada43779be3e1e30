//! What people and programs read of a fit.
//!
//! In: a [`p4rmt_mau::Fit`] with the program, pipe, target and sources that it was made of. Out: a
//! [`FitReport`], which has all of it under stable names; of that, a [`text`], a page ([`html`]) and what
//! differs between two reports ([`FitDiff`]), also where the second is only asked for ([`WhatIf`]). Nothing here decides where anything goes.

mod build;
mod columns;
mod diff;
mod html;
mod phv;
mod resources;
pub mod schema;
mod stateful;
mod text;
mod what_if;

pub use build::report;
pub use diff::FitDiff;
pub use html::html;
pub use schema::FitReport;
pub use text::text;
pub use what_if::WhatIf;
