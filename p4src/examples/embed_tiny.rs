//! An emitted pipe inside a Rust program. `p4rmt emit p4src/examples/tiny.p4 --to rust -o tiny` writes the
//! crate `tiny`; this program depends on it, on `p4rmt-engine`, and on `p4rmt-pipeline`, which puts ports
//! and a traffic manager around the pipe.

use p4rmt_engine::{Mode, ir::Id};
use p4rmt_pipeline::Device;
use tiny::egress::registers::sent;
use tiny::ingress::tables::switching::{self, Action, Key};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut device = Device::new(&tiny::Emitted, tiny::program(), Id::from_index(0), Mode::Unplaced)?;

    let key = Key { dst_addr: 0x0200_0000_0002 };
    switching::insert(device.state_mut(), &key, &Action::Forward { port: 2 })?;

    device.receive(1, b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0hello")?;
    for departure in device.take_departures() {
        println!("port {}: {} bytes", departure.port, departure.bytes.len());
    }
    println!("sent: {}", sent::read(device.state(), 2)?.value);
    Ok(())
}
