//! Chores of the repository, as a library so that tests can run them.

pub mod tidy;
