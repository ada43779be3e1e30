//! Chores of the repository: tidy, bless, captures.

fn main() {}
