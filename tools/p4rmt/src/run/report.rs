//! The summary of a run.

use p4rmt_driver::Compiled;
use p4rmt_live::{Live, PortCounters};
use serde::Serialize;

use crate::machine::Machine;
use crate::outcome::{self, Dropped, TableLookups};

/// The summary of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    program: String,
    engine: &'static str,
    /// The machine whose stages it ran in; none if it ran without stages.
    target: Option<String>,
    stages_used: Option<u32>,
    #[serde(skip)]
    why_unplaced: Option<String>,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
    ports: Vec<Port>,
    /// Packets that left on ports to which nothing is attached.
    unattached: Vec<Unattached>,
    dropped: Vec<Dropped>,
    tables: Vec<TableLookups>,
    /// Mirrored copies that entered a gress again.
    pseudo_segments: u64,
    resubmitted: u64,
    recirculated: u64,
    generated: u64,
    digests: u64,
    /// Requests of the control plane.
    requests: u64,
    /// Time that the packet generator was given up, because it made more than could be run.
    lost_ns: u64,
}

#[derive(Debug, Serialize)]
struct Port {
    port: u16,
    name: String,
    packets_in: u64,
    bytes_in: u64,
    packets_out: u64,
    bytes_out: u64,
    /// Lost because there was no room for them.
    full: u64,
    /// Lost because the interface was down.
    down: u64,
    /// Lost because they were too short or too long for the interface.
    unfit: u64,
}

#[derive(Debug, Serialize)]
struct Unattached {
    port: u16,
    packets: u64,
}

impl Report {
    pub(crate) fn new(compiled: &Compiled, machine: &Machine, live: &Live) -> Self {
        let (device, counters) = (live.device(), live.counters());
        let of_device = device.counters();
        let ports = counters.ports.into_iter().map(|(port, counters)| {
            let PortCounters {
                name,
                packets_in,
                bytes_in,
                packets_out,
                bytes_out,
                full,
                down,
                unfit,
            } = counters;
            Port {
                port,
                name,
                packets_in,
                bytes_in,
                packets_out,
                bytes_out,
                full,
                down,
                unfit,
            }
        });
        let unattached = counters.unattached.into_iter();
        let mut dropped = outcome::dropped(compiled, of_device);
        dropped.extend(counters.refused.into_iter().map(|refused| {
            Dropped {
                packets: refused.packets,
                reason: refused.reason,
                at: refused
                    .span
                    .and_then(|span| compiled.sources.locate(span))
                    .map(|place| place.to_string()),
            }
        }));
        let lookups = device.table_counts().into_iter();
        let lookups = lookups.map(|(name, counts)| (name, counts.hits, counts.misses));
        Self {
            program: compiled.program.name.clone(),
            engine: machine.engines()[0].name(),
            target: machine.fit.as_ref().map(|fit| fit.placement.target.clone()),
            stages_used: machine.fit.as_ref().map(|fit| fit.placement.stages_used),
            why_unplaced: machine.why_unplaced.clone(),
            packets_in: of_device.packets_in,
            bytes_in: of_device.bytes_in,
            packets_out: of_device.packets_out,
            bytes_out: of_device.bytes_out,
            ports: ports.collect(),
            unattached: unattached
                .map(|(port, packets)| Unattached { port, packets })
                .collect(),
            dropped,
            tables: outcome::table_lookups(compiled, lookups),
            pseudo_segments: of_device.mirror_copies,
            resubmitted: of_device.resubmitted,
            recirculated: of_device.recirculated,
            generated: of_device.generated,
            digests: of_device.digests,
            requests: counters.requests,
            lost_ns: counters.lost_ns,
        }
    }

    /// The summary for people.
    pub(crate) fn render(&self) -> String {
        let how = outcome::how(
            self.target.as_deref(),
            self.stages_used,
            self.why_unplaced.as_deref(),
        );
        let mut text = format!("{}, on {}, {how}\n\n", self.program, self.engine);
        let mut row = |name: &str, value: String| text += &format!("{name:<18}{value}\n");
        row(
            "packets in",
            format!("{:>9}  ({} bytes)", self.packets_in, self.bytes_in),
        );
        for port in self.ports.iter().filter(|port| port.packets_in > 0) {
            let value = format!("{:>9}  {}", port.packets_in, port.name);
            row(&format!("  on port {}", port.port), value);
        }
        row(
            "packets out",
            format!("{:>9}  ({} bytes)", self.packets_out, self.bytes_out),
        );
        for port in &self.ports {
            let lost = [
                (port.full, "no room"),
                (port.down, "interface down"),
                (port.unfit, "unfit length"),
            ];
            let lost = lost.iter().filter(|(packets, _)| *packets > 0);
            let lost: String = lost
                .map(|(packets, why)| format!(", {packets} lost: {why}"))
                .collect();
            if port.packets_out > 0 || !lost.is_empty() {
                let value = format!("{:>9}  {}{lost}", port.packets_out, port.name);
                row(&format!("  on port {}", port.port), value);
            }
        }
        for Unattached { port, packets } in &self.unattached {
            let value = format!("{packets:>9}  nothing is attached");
            row(&format!("  on port {port}"), value);
        }
        for (name, count) in [
            ("pseudo segments", self.pseudo_segments),
            ("resubmitted", self.resubmitted),
            ("recirculated", self.recirculated),
            ("generated", self.generated),
            ("digests", self.digests),
            ("requests", self.requests),
        ] {
            if count > 0 {
                row(name, format!("{count:>9}"));
            }
        }
        if self.lost_ns > 0 {
            let seconds = self.lost_ns as f64 / 1e9;
            let why = "the packet generator makes more than can be run";
            row("time given up", format!("{seconds:>9.3} s: {why}"));
        }
        text += &outcome::render(&self.dropped, &self.tables);
        text.trim_end().to_owned()
    }
}
