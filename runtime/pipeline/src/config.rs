//! What a device is like that the program does not say: ports, clock, sizes.
//!
//! Sources, by value: the sizes of port metadata are those of `tofino1_specs.p4` and
//! `tofino2_specs.p4` (`PORT_METADATA_SIZE`, 64 and 192 bits). The recirculation ports are those of
//! the published tests of the packet generator: the last port group, 68 to 71, on Tofino 1; on Tofino 2
//! what the first group of pipe 0 has left beside its CPU ports, 6. (Port 1 is another there, but
//! programs that never saw that machine use it as any port; the setting can be changed.) The clocks
//! are the compiler's, 1.22 and 1.35 GHz. Copies to the CPU go to port 64, the Ethernet CPU port of
//! Tofino 1, on both, until told otherwise (assumed for Tofino 2, where the board decides).
//!
//! In lock step packets wait in cells: 80 bytes on Tofino 1, 176 on Tofino 2, as the drivers have them;
//! how many cells a queue may take, and how many wait in front of the ingress, is configuration there and
//! assumed here. Ports send at 100 Gb/s, as they receive.
//!
//! v1model has no clock that a program could see but in microseconds: a thousand of ours are one. It has
//! no port metadata, recirculation ports, CPU port or packet generator.

use p4rmt_engine::{TIME_MASK, clock_at, nanoseconds_and_rest};
use p4rmt_ir::Arch;

/// Bytes of preamble, frame check sequence and gap that every packet takes on the wire.
const WIRE_OVERHEAD: u128 = 24;

/// Ports of a device are numbered below this: a port id has nine bits.
pub const MAX_PORTS: u16 = 512;

/// What the device is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Clocks in a microsecond.
    pub clocks_per_us: u64,
    /// Bytes between the intrinsic metadata and the packet in ingress.
    pub port_metadata_bytes: usize,
    /// Ports whose output comes back to the ingress.
    pub recirculation_ports: Vec<u16>,
    /// Where `copy_to_cpu` sends its copy.
    pub cpu_port: u16,
    /// Applications of the packet generator.
    pub n_generator_apps: u8,
    /// Bytes of a cell, in which packets wait (in lock step).
    pub cell_bytes: usize,
    /// Cells that a queue of the traffic manager holds.
    pub queue_cells: u64,
    /// Cells that wait in front of the ingress, a port.
    pub input_cells: u64,
    /// Gigabits a second that a port sends; none for as many as come.
    pub port_gbps: Option<u32>,
    /// How many times packets may pass a gress because of one arrival: the bound that keeps a
    /// program's loop from being the device's.
    pub max_passes: u32,
    /// How many packets one `tick` may generate.
    pub max_generated: u64,
}

impl DeviceConfig {
    /// The device that a program of this architecture is for.
    #[must_use]
    pub fn for_arch(arch: Arch) -> Self {
        let common = Self {
            clocks_per_us: 1220,
            port_metadata_bytes: 8,
            recirculation_ports: (68..=71).collect(),
            cpu_port: 64,
            n_generator_apps: 8,
            cell_bytes: 80,
            queue_cells: 1 << 14,
            input_cells: 1 << 12,
            port_gbps: Some(100),
            max_passes: 1 << 13,
            max_generated: 1 << 18,
        };
        match arch {
            Arch::Tna => common,
            Arch::T2na => Self {
                clocks_per_us: 1350,
                port_metadata_bytes: 24,
                recirculation_ports: vec![6],
                n_generator_apps: 16,
                cell_bytes: 176,
                ..common
            },
            Arch::V1model => Self {
                clocks_per_us: 1000,
                port_metadata_bytes: 0,
                recirculation_ports: Vec::new(),
                n_generator_apps: 0,
                ..common
            },
        }
    }

    /// Nanoseconds after so many clocks, cut to 48 bits as timestamps are.
    #[must_use]
    pub fn nanoseconds(&self, clock: u64) -> u64 {
        nanoseconds_and_rest(self.clocks_per_us, clock).0 & TIME_MASK
    }

    /// Clocks that a port takes to send a packet of so many bytes; none where it takes no time.
    pub(crate) fn clocks_to_send(&self, n_bytes: usize) -> Option<u64> {
        let gbps = u128::from(self.port_gbps?).max(1);
        let bits = (n_bytes as u128 + WIRE_OVERHEAD) * 8;
        let clocks = (bits * u128::from(self.clocks_per_us)).div_ceil(gbps * 1000);
        Some(u64::try_from(clocks).unwrap_or(u64::MAX))
    }

    /// The first clock that is not before so many nanoseconds; the last of all if there is none.
    #[must_use]
    pub fn clock_at(&self, ns: u64) -> u64 {
        clock_at(self.clocks_per_us, ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_nanoseconds_lead_to_each_other() {
        let config = DeviceConfig::for_arch(Arch::T2na);
        assert_eq!(config.nanoseconds(1350), 1000);
        assert_eq!(config.clock_at(1000), 1350);
        assert_eq!(config.nanoseconds(config.clock_at(7)), 7);
        assert_eq!(config.clock_at(u64::MAX), u64::MAX);
    }
}
