//! What a machine around the pipe does, and how packets are driven through one.

use crate::fate::{DropReason, FateEvent};
use crate::mirror_gate::{GateAction, MirrorGate};
use crate::{DeviceError, Packet};

use super::chassis::Chassis;

/// A machine: what stands around the gresses of a pipe, as its architecture says.
pub(super) trait Machine {
    /// A packet on its way into the egress.
    type Entry: EgressEntry;

    /// A packet comes in through a port: its first pass, with nothing else in line.
    fn enter(
        &mut self,
        chassis: &mut Chassis,
        arrival: u64,
        port: u16,
        packet: Packet,
    ) -> Result<(), DeviceError>;

    /// Runs the next packet through its gress; returns whether there was one.
    fn step(&mut self, chassis: &mut Chassis) -> Result<bool, DeviceError>;

    /// The way of mirrored copies into the egress.
    fn gate(&mut self) -> &mut MirrorGate<Self::Entry>;

    /// Puts a packet in line for the egress, whatever else is.
    fn queue(&mut self, entry: Self::Entry);
}

/// What is known of every packet on its way into an egress.
pub(super) trait EgressEntry {
    /// The number of the arrival that it goes back to.
    fn arrival(&self) -> u64;
}

/// Runs until nothing is on its way.
#[inline]
pub(super) fn run(machine: &mut impl Machine, chassis: &mut Chassis) -> Result<(), DeviceError> {
    loop {
        // No more are in line than passes are left.
        chassis.passes_left = chassis.passes_left.saturating_sub(1);
        if !machine.step(chassis)? {
            return Ok(());
        }
        chassis.clock = chassis.clock.saturating_add(1);
    }
}

/// A packet comes in through a port, and all that it causes happens.
#[inline]
pub(super) fn enter(
    machine: &mut impl Machine,
    chassis: &mut Chassis,
    arrival: u64,
    port: u16,
    packet: Packet,
) -> Result<(), DeviceError> {
    if !chassis.admits(arrival, packet.len(), 0) {
        return Ok(());
    }
    chassis.passes_left = chassis.passes_left.saturating_sub(1);
    machine.enter(chassis, arrival, port, packet)?;
    chassis.clock = chassis.clock.saturating_add(1);
    run(machine, chassis)
}

/// Lets copies in that are held, and what they cause happens.
pub(super) fn release(
    machine: &mut impl Machine,
    chassis: &mut Chassis,
    count: Option<u64>,
) -> Result<(), DeviceError> {
    if count.is_none() {
        machine.gate().open();
    }
    for entry in machine.gate().order(GateAction::LetIn, count) {
        chassis.passes_left = chassis.config.max_passes;
        chassis.tell(entry.arrival(), FateEvent::MirrorReleased);
        machine.queue(entry);
        run(machine, chassis)?;
    }
    Ok(())
}

/// Loses copies.
pub(super) fn lose(machine: &mut impl Machine, chassis: &mut Chassis, count: Option<u64>) {
    for entry in machine.gate().order(GateAction::Lose, count) {
        chassis.end(entry.arrival(), DropReason::MirrorLost);
    }
}
