//! The p4rmt command line.

fn main() {}
