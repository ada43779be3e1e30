//! Fuzz target: see `p4rmt_fuzz::front_end`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| p4rmt_fuzz::front_end(bytes));
