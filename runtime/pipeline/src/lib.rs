//! The device around the pipe: ports, traffic manager, mirrors, packet generator, captures.
//!
//! A [`Device`] owns an engine's instance and the state of one pipe. Packets come in with
//! [`Device::receive`], everything that they cause happens, and what leaves waits in
//! [`Device::take_departures`]. The control plane's side is [`Device::state_mut`] and
//! [`Device::traffic_mut`].

mod capture;
mod config;
mod cores;
mod device;
mod error;
mod fate;
mod generator;
mod mirror_gate;
mod packet;
mod port_unit;
mod record;
mod replay;
mod save;
mod traffic;

pub use capture::{
    CaptureError, CaptureFault, CaptureReader, CaptureWriter, CapturedPacket, MAX_CAPTURED,
};
pub use config::{DeviceConfig, MAX_PORTS};
pub use cores::{CoresUsed, OneCore};
pub use device::{
    Arriving, ControlWrite, Departing, Departure, Device, EmittedHeaders, Execution, GressTiming,
    LockStep, LoggedLine, SentDigest, Timing, interface,
};
pub use error::{DeviceError, Refused};
pub use fate::{DeviceCounters, DropReason, Fate, FateEvent};
pub use generator::GeneratorApp;
pub use packet::Packet;
pub use port_unit::{PortUnit, PortUnitFault};
pub use record::{Entrant, EntrantKind, PassRecord, TraceRecord};
pub use replay::{
    CaptureFolder, NextPacket, NoOutput, ReplayClock, ReplayError, ReplayInput, ReplayOptions,
    ReplayOutput, ReplaySummary, TableSummary, replay, replay_in_lock_step, replay_on_cores,
    replay_up_to,
};
pub use traffic::{MirrorSession, MirrorTarget, MulticastNode, TrafficManager};

use device::{CaptureTime, check_port};
