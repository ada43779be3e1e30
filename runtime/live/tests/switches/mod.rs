//! Two small switches, frames for them, and what their tables want to hear.

use std::path::Path;
use std::sync::Arc;

use p4rmt_control::{Call, Entry, EntryTarget, KeyMatch, Number};
use p4rmt_driver::{DiskLoader, Options, compile};
use p4rmt_engine::Mode;
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_pipeline::Device;

/// A device that runs a program of this workspace, without stages.
pub(crate) fn device(path: &str) -> Device {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let compiled = compile(&path, &Options::default(), &DiskLoader).unwrap_or_else(|rejected| {
        panic!("{:?}", rejected.diagnostics.iter().collect::<Vec<_>>());
    });
    let (program, pipe) = (Arc::clone(&compiled.program), PipeId::from_index(0));
    Device::new(&Interp, program, pipe, Mode::Unplaced).expect("the program has a pipe")
}

/// Switches by destination; what it does not know is dropped.
pub(crate) fn tiny() -> Device {
    device("../../p4src/examples/tiny.p4")
}

/// Switches by destination; what it does not know is flooded to the ports 1 to 3, and sources that it does not know
/// are told.
pub(crate) fn learning() -> Device {
    let mut device = device("tests/switches/learning.p4");
    let traffic = device.traffic_mut();
    traffic.create_group(1);
    let node = traffic
        .create_node(0, &[1, 2, 3])
        .expect("the ports are there");
    traffic.associate(1, node).expect("the node is there");
    device
}

/// An entry of `switching`.
pub(crate) fn to_port(address: u64, port: u16) -> Entry {
    Entry {
        keys: vec![(
            "dst_addr".to_owned(),
            KeyMatch::Exact(Number::from(address)),
        )],
        priority: 0,
        target: EntryTarget::Action(Call {
            action: "forward".to_owned(),
            args: vec![("port".to_owned(), port.into())],
        }),
    }
}

/// A frame to `dst` from `src` that ends in `mark`.
pub(crate) fn frame(dst: u64, src: u64, mark: u8) -> Vec<u8> {
    let mut frame = dst.to_be_bytes()[2..].to_vec();
    frame.extend(&src.to_be_bytes()[2..]);
    frame.extend([0x08, 0x00]);
    frame.resize(59, 0);
    frame.push(mark);
    frame
}
