//! Makes the exchange that the README replays:
//!
//! ```text
//! cargo run -p p4rmt-tests --example exchange
//! ```
//!
//! writes `exchange-network.pcap`, `exchange-host.pcap` and `setup/exchange.stf` into
//! `testvectors/laminar`, or into the folder that is named behind `--`. The same every time; the test
//! `laminar_recording` holds that the repository's files are these.

use std::path::PathBuf;

use p4rmt_tests::laminar::recording::{SEED, record};
use p4rmt_tests::rig::root;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| root().join("testvectors/laminar"));
    let recording = record(SEED);
    recording.write(&folder)?;
    println!(
        "{} packets of peers and {} of the host, on {} connections, are in {}",
        recording.network.len(),
        recording.host.len(),
        recording.streams.len(),
        folder.display()
    );
    Ok(())
}
