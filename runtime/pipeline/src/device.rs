//! The device: one pipe with its state, ports, traffic manager, mirrors and packet generator.
//!
//! # Order and time
//!
//! A packet and everything that it causes runs to its end before the next one comes. Inside of that,
//! packets enter each gress in the order in which they were made, egress before ingress; of what one
//! ingress pass makes, the mirrored copy comes first, then the copy for the CPU, unicast, multicast
//! group a, and b. Each entry into a gress takes the next clock, so no two packets share one.
//! Latencies are not modelled.
//!
//! # What it does, and where that comes from
//!
//! Read from the published architecture files, driver and tests:
//!
//! * Ingress parsers see 8 bytes of intrinsic metadata, then port metadata (8 bytes on Tofino 1, 24 on
//!   Tofino 2), then the packet. A resubmitted packet has the resubmit header in their place, padded
//!   with zeros, and `resubmit_flag` set.
//! * `drop_ctl` bit 0 disables unicast, multicast and resubmit, bit 1 the copy to the CPU, bit 2
//!   mirroring. (For ingress, the P4-16 files call bit 2 reserved and the P4-14 files of the same chips
//!   give it this meaning, which is modelled.) So dropping a packet does not keep it from being
//!   mirrored unless bit 2 is set.
//! * An ingress mirror copies the packet as received, an egress mirror the packet as deparsed, each
//!   with the mirror header in front; where the program writes `mirror_io_select`, 0 means as received
//!   and 1 as deparsed. Mirrored copies go to the egress of the session's port. The session's
//!   truncation counts the mirror header. (Tofino 2 truncates to multiples of 4 bytes; this is not
//!   modelled.)
//! * A unicast port counts only if the program wrote it; port 511 is no port. Likewise a request to
//!   mirror or resubmit counts only if the program wrote `mirror_type` or `resubmit_type`: zero is a
//!   type like any other.
//!
//! Inferred:
//!
//! * `pkt_length` is the length in bytes, without frame check sequence, of the packet as it arrived at
//!   the ingress; for a mirrored copy that of the copy with its mirror header. (The real machine's
//!   number includes four bytes of check sequence, which packets here do not have.)
//! * `bypass_egress` holds for every copy of the pass but the mirrored one.
//! * Of several mirror requests of one pass the last counts.
//! * A resubmitted packet goes nowhere else; requests to resubmit it again are obeyed.
//! * The replication id of what is no multicast copy is zero.
//! * Queues are empty: depths, congestion and delays read as zero.

mod egress;
mod ingress;
mod mirror;

use std::collections::VecDeque;
use std::sync::Arc;

use p4rmt_engine::{
    Engine, Event, Instance, Interface, Job, Mode, Outcome, State, StateLayout, TableCounts, Trace,
};
use p4rmt_ir::{Arch, GressId, GressRole, HeaderId, PipeId, Program};

use crate::fate::{DeviceCounters, DropReason, Fate, FateEvent};
use crate::generator::Generator;
use crate::intrinsic::{EGRESS_WATCHED, INGRESS_WATCHED, IntrinsicHeader, Timestamp, Watched};
use crate::mirror_gate::{GateAction, MirrorGate};
use crate::traffic::Replica;
use crate::{DeviceConfig, DeviceError, GeneratorApp, MAX_PORTS, PortUnit, TrafficManager};

/// The longest packet, in bytes: length fields have 16 bits.
const MAX_PACKET: usize = 65_535;

/// A device with one pipe.
pub struct Device {
    program: Arc<Program>,
    instance: Box<dyn Instance>,
    state: State,
    config: DeviceConfig,
    traffic: TrafficManager,
    units: Vec<Option<PortUnit>>,
    port_metadata: Vec<Option<Vec<u8>>>,
    generator: Generator,
    ingress: Gate<3, 12>,
    egress: Gate<7, 3>,
    timer_header: IntrinsicHeader<3>,
    /// The clock of the next entry into a gress.
    clock: u64,
    arrivals: u64,
    passes_left: u32,
    ingress_queue: VecDeque<IngressEntry>,
    egress_queue: VecDeque<EgressEntry>,
    mirrors: MirrorGate<EgressEntry>,
    departures: Vec<Departure>,
    counters: DeviceCounters,
    fates: Option<Vec<Fate>>,
    buffers: Buffers,
}

/// A packet that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Where.
    pub port: u16,
    /// When its last pass began, in nanoseconds since clock 0.
    pub timestamp_ns: u64,
    /// The number of the arrival that it goes back to, from 0.
    pub arrival: u64,
    /// The packet.
    pub bytes: Vec<u8>,
    /// What the headers in its front are, if records of fates are kept.
    pub headers: Option<EmittedHeaders>,
}

/// The headers that a deparser emitted, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittedHeaders {
    /// Of which gress.
    pub gress: GressId,
    /// The headers.
    pub headers: Vec<HeaderId>,
}

/// Listens for the headers that a deparser emits.
#[derive(Default)]
struct EmitListener(Vec<HeaderId>);

impl Trace for EmitListener {
    fn event(&mut self, event: Event<'_>) {
        if let Event::Emit { header } = event {
            self.0.push(header);
        }
    }
}

/// The way into a gress, and what is read behind it.
struct Gate<const HEADER: usize, const WATCHED: usize> {
    gress: GressId,
    header: IntrinsicHeader<HEADER>,
    timestamp: Timestamp,
    watched: Watched<WATCHED>,
}

/// A packet on its way into the ingress.
struct IngressEntry {
    arrival: u64,
    port: u16,
    /// With this header in place of port metadata, if it was resubmitted.
    resubmit: Option<Vec<u8>>,
    packet: Vec<u8>,
}

/// A packet on its way into the egress.
#[derive(Debug, PartialEq, Eq)]
struct EgressEntry {
    arrival: u64,
    replica: Replica,
    qid: u64,
    cos: u64,
    /// As `pkt_length` tells it.
    length: usize,
    is_mirrored: bool,
    mirror_header: Vec<u8>,
    packet: Vec<u8>,
}

/// What every pass uses again.
#[derive(Default)]
struct Buffers {
    prefix: Vec<u8>,
    inputs: Vec<u64>,
    outcome: [Outcome; 1],
}

impl Device {
    /// Makes a device for one pipe of a program, with fresh state.
    ///
    /// # Errors
    /// An architecture that the device does not run, a pipe without ingress or egress, what the
    /// engine does not load.
    pub fn new(
        engine: &dyn Engine,
        program: Arc<Program>,
        pipe: PipeId,
        mode: Mode,
    ) -> Result<Self, DeviceError> {
        let arch = program.arch;
        let config = DeviceConfig::for_arch(arch).ok_or(DeviceError::UnsupportedArch { arch })?;
        let layout = StateLayout::new(Arc::clone(&program), pipe)?;
        let state = State::new(Arc::clone(&layout))?;
        let mut interface = Interface {
            gresses: layout
                .pipe()
                .gresses
                .ids()
                .map(|_| Default::default())
                .collect(),
        };
        let (ingress, egress, timer_header) = gates(arch, &layout, &mut interface)?;
        let instance = engine.load(Arc::clone(&program), pipe, mode, interface)?;
        Ok(Self {
            program,
            instance,
            state,
            config,
            traffic: TrafficManager::default(),
            units: vec![None; usize::from(MAX_PORTS)],
            port_metadata: vec![None; usize::from(MAX_PORTS)],
            generator: Generator::default(),
            ingress,
            egress,
            timer_header,
            clock: 0,
            arrivals: 0,
            passes_left: 0,
            ingress_queue: VecDeque::new(),
            egress_queue: VecDeque::new(),
            mirrors: MirrorGate::default(),
            departures: Vec::new(),
            counters: DeviceCounters::default(),
            fates: None,
            buffers: Buffers::default(),
        })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// What the device is like.
    #[must_use]
    pub fn config(&self) -> &DeviceConfig {
        &self.config
    }

    /// The same, to change.
    pub fn config_mut(&mut self) -> &mut DeviceConfig {
        &mut self.config
    }

    /// What outlives packets.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The same, to change: what the control plane does.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Multicast groups and mirror sessions.
    #[must_use]
    pub fn traffic(&self) -> &TrafficManager {
        &self.traffic
    }

    /// The same, to change.
    pub fn traffic_mut(&mut self) -> &mut TrafficManager {
        &mut self.traffic
    }

    /// What the device has counted.
    #[must_use]
    pub fn counters(&self) -> &DeviceCounters {
        &self.counters
    }

    /// Hits and misses by table, a gress after the other.
    #[must_use]
    pub fn table_counts(&self) -> Vec<(&str, TableCounts)> {
        let gresses = self.state.layout().pipe().gresses.iter();
        gresses
            .flat_map(|(id, gress)| gress.tables.values().zip(self.instance.table_counts(id)))
            .map(|(table, counts)| (table.name.as_str(), *counts))
            .collect()
    }

    /// The clock of the next entry into a gress.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// Gives a port a unit, or takes it away.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn set_port_unit(&mut self, port: u16, unit: Option<PortUnit>) -> Result<(), DeviceError> {
        check_port(port)?;
        self.units[usize::from(port)] = unit;
        Ok(())
    }

    /// Sets what the ingress parser finds between intrinsic metadata and packet for packets of a
    /// port; it is cut or padded with zeros to the size of port metadata.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn set_port_metadata(&mut self, port: u16, bytes: Vec<u8>) -> Result<(), DeviceError> {
        check_port(port)?;
        self.port_metadata[usize::from(port)] = Some(bytes);
        Ok(())
    }

    /// Starts or stops keeping records of what becomes of each packet.
    pub fn record_fates(&mut self, is_wanted: bool) {
        self.fates = is_wanted.then(Vec::new);
    }

    /// The records so far, in order; empty unless asked for.
    #[must_use]
    pub fn fates(&self) -> &[Fate] {
        self.fates.as_deref().unwrap_or_default()
    }

    /// How many packets have arrived or been generated: the number that the next one gets.
    #[must_use]
    pub fn n_arrivals(&self) -> u64 {
        self.arrivals
    }

    /// Takes the packets that have left since the last time, in order.
    pub fn take_departures(&mut self) -> std::vec::Drain<'_, Departure> {
        self.departures.drain(..)
    }

    /// A packet arrives, and all that it causes happens.
    ///
    /// # Errors
    /// A port that there is not, a packet that is too long. What the program makes of the packet is
    /// no error.
    pub fn receive(&mut self, port: u16, packet: &[u8]) -> Result<(), DeviceError> {
        check_port(port)?;
        if packet.len() > MAX_PACKET {
            return Err(DeviceError::PacketTooLong {
                needed: packet.len(),
                available: MAX_PACKET,
            });
        }
        self.passes_left = self.config.max_passes;
        let arrival = self.next_arrival();
        let len = packet.len();
        self.counters.packets_in += 1;
        self.counters.bytes_in += len as u64;
        self.tell(arrival, FateEvent::Arrived { port, len });
        self.enter_port(arrival, port, packet.to_vec());
        self.run()
    }

    /// Time passes; what the packet generator makes meanwhile arrives and causes what it causes.
    ///
    /// # Errors
    /// More generated packets than a tick may make, more time than the clock can count.
    pub fn tick(&mut self, clocks: u64) -> Result<(), DeviceError> {
        let until = self.clock.checked_add(clocks);
        let until = until.ok_or(DeviceError::ClockOverflow {
            needed: clocks,
            available: u64::MAX - self.clock,
        })?;
        self.advance_to(until)
    }

    /// Time passes until this clock; none passes if it is in the past.
    ///
    /// # Errors
    /// As for [`Self::tick`].
    pub fn advance_to(&mut self, until: u64) -> Result<(), DeviceError> {
        let available = self.config.max_generated;
        if self
            .generator
            .count_until(until, available.saturating_add(1))
            > available
        {
            return Err(DeviceError::TooManyGenerated { available });
        }
        while let Some((clock, id, app)) = self.generator.take_trigger(until) {
            self.clock = self.clock.max(clock);
            self.generate(id, &app)?;
        }
        self.clock = self.clock.max(until);
        Ok(())
    }

    /// Starts an application of the packet generator.
    ///
    /// # Errors
    /// An application or a port that there is not, a payload that is too long.
    pub fn start_generator(&mut self, id: u8, app: GeneratorApp) -> Result<(), DeviceError> {
        self.check_app(id)?;
        check_port(app.port)?;
        let needed = app.payload.len() + 6;
        if needed > MAX_PACKET {
            return Err(DeviceError::PacketTooLong {
                needed,
                available: MAX_PACKET,
            });
        }
        self.generator.start(id, app, self.clock);
        Ok(())
    }

    /// Stops an application of the packet generator.
    ///
    /// # Errors
    /// An application that there is not.
    pub fn stop_generator(&mut self, id: u8) -> Result<(), DeviceError> {
        self.check_app(id)?;
        self.generator.stop(id);
        Ok(())
    }

    fn check_app(&self, app: u8) -> Result<(), DeviceError> {
        let available = self.config.n_generator_apps;
        if app < available {
            return Ok(());
        }
        Err(DeviceError::NoGeneratorApp { app, available })
    }

    /// From now on mirrored copies wait outside the pipe.
    pub fn hold_mirrors(&mut self) {
        self.mirrors.hold();
    }

    /// Lets the next `count` copies in: those that wait, then those that come. Without a count, all
    /// that wait, and the holding ends.
    ///
    /// # Errors
    /// None of its own; the engine's.
    pub fn release_mirrors(&mut self, count: Option<u64>) -> Result<(), DeviceError> {
        if count.is_none() {
            self.mirrors.open();
        }
        for entry in self.mirrors.order(GateAction::LetIn, count) {
            self.passes_left = self.config.max_passes;
            self.tell(entry.arrival, FateEvent::MirrorReleased);
            self.egress_queue.push_back(entry);
            self.run()?;
        }
        Ok(())
    }

    /// Loses the next `count` copies: those that wait, then those that come. Without a count, all
    /// that wait.
    pub fn drop_mirrors(&mut self, count: Option<u64>) {
        for entry in self.mirrors.order(GateAction::Lose, count) {
            self.end(entry.arrival, DropReason::MirrorLost);
        }
    }

    /// How many mirrored copies wait.
    #[must_use]
    pub fn n_held_mirrors(&self) -> usize {
        self.mirrors.n_held()
    }

    fn next_arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals - 1
    }

    fn tell(&mut self, arrival: u64, event: FateEvent) {
        let clock = self.clock;
        if let Some(fates) = &mut self.fates {
            fates.push(Fate {
                arrival,
                clock,
                event,
            });
        }
    }

    fn end(&mut self, arrival: u64, reason: DropReason) {
        *self.counters.dropped.entry(reason).or_default() += 1;
        self.tell(arrival, FateEvent::Dropped(reason));
    }

    fn generate(&mut self, id: u8, app: &GeneratorApp) -> Result<(), DeviceError> {
        for batch in 0..app.batches {
            for packet_id in 0..app.packets {
                let values = [u64::from(id), u64::from(batch), u64::from(packet_id)];
                let mut packet = Vec::new();
                self.timer_header.append(&mut packet, values);
                packet.extend(&app.payload);
                let arrival = self.next_arrival();
                self.counters.generated += 1;
                self.tell(arrival, FateEvent::Generated { app: id });
                self.passes_left = self.config.max_passes;
                self.queue_ingress(IngressEntry {
                    arrival,
                    port: app.port,
                    resubmit: None,
                    packet,
                });
                self.run()?;
            }
        }
        Ok(())
    }

    /// Brings a packet through the unit of its port to the ingress.
    fn enter_port(&mut self, arrival: u64, port: u16, mut packet: Vec<u8>) {
        if let Some(unit) = self.units[usize::from(port)]
            && let Err(fault) = unit.receive(&mut packet)
        {
            return self.end(arrival, DropReason::PortUnit { port, fault });
        }
        self.queue_ingress(IngressEntry {
            arrival,
            port,
            resubmit: None,
            packet,
        });
    }

    /// Puts a packet in line for the ingress, if a pass is left for it.
    fn queue_ingress(&mut self, entry: IngressEntry) {
        match self.refusal(entry.packet.len()) {
            None => self.ingress_queue.push_back(entry),
            Some(reason) => self.end(entry.arrival, reason),
        }
    }

    /// Puts a packet in line for the egress, if a pass is left for it.
    fn queue_egress(&mut self, entry: EgressEntry) {
        match self.refusal(entry.packet.len()) {
            None => self.egress_queue.push_back(entry),
            Some(reason) => self.end(entry.arrival, reason),
        }
    }

    /// Why a packet of this length cannot pass a gress: loops must neither run nor grow for ever.
    fn refusal(&self, len: usize) -> Option<DropReason> {
        if len > MAX_PACKET {
            return Some(DropReason::TooLong);
        }
        let n_queued = self.ingress_queue.len() + self.egress_queue.len();
        (n_queued >= self.passes_left as usize).then_some(DropReason::TooManyPasses)
    }

    /// Runs one packet through a gress. Returns the headers that its deparser emitted, if anybody
    /// wants to know.
    fn pass(
        &mut self,
        gress: GressId,
        job: Job<'_>,
        outcome: &mut [Outcome; 1],
    ) -> Result<Option<EmittedHeaders>, DeviceError> {
        let state = &mut self.state;
        if self.fates.is_none() {
            self.instance.run(gress, &[job], outcome, state, None)?;
            return Ok(None);
        }
        let mut listener = EmitListener::default();
        let trace: &mut dyn Trace = &mut listener;
        self.instance
            .run(gress, &[job], outcome, state, Some(trace))?;
        let EmitListener(headers) = listener;
        Ok(Some(EmittedHeaders { gress, headers }))
    }

    /// Runs until nothing is on its way.
    fn run(&mut self) -> Result<(), DeviceError> {
        loop {
            // No more are in line than passes are left.
            self.passes_left = self.passes_left.saturating_sub(1);
            if let Some(entry) = self.egress_queue.pop_front() {
                self.run_egress(entry)?;
            } else if let Some(entry) = self.ingress_queue.pop_front() {
                self.run_ingress(entry)?;
            } else {
                return Ok(());
            }
            self.clock = self.clock.saturating_add(1);
        }
    }
}

/// Refuses a port that there is not.
pub(crate) fn check_port(port: u16) -> Result<(), DeviceError> {
    if port < MAX_PORTS {
        return Ok(());
    }
    Err(DeviceError::NoPort {
        port,
        available: MAX_PORTS,
    })
}

/// The ways into both gresses, and the header of the packet generator.
fn gates(
    arch: Arch,
    layout: &StateLayout,
    interface: &mut Interface,
) -> Result<(Gate<3, 12>, Gate<7, 3>, IntrinsicHeader<3>), DeviceError> {
    let pipe = layout.pipe();
    let find = |role, gress| pipe.gress(role).ok_or(DeviceError::NoGress { gress });
    let (ingress_id, ingress) = find(GressRole::Ingress, "ingress")?;
    let (egress_id, egress) = find(GressRole::Egress, "egress")?;
    const ONE_EACH: &str = "the interface has one entry a gress";
    let into = interface.gresses.get_mut(ingress_id).expect(ONE_EACH);
    let ingress_gate = Gate {
        gress: ingress_id,
        header: IntrinsicHeader::ingress(ingress),
        timestamp: Timestamp::new(
            ingress,
            "ingress_intrinsic_metadata_from_parser_t.global_tstamp",
            into,
        ),
        watched: Watched::new(ingress, INGRESS_WATCHED, into),
    };
    let into = interface.gresses.get_mut(egress_id).expect(ONE_EACH);
    let egress_gate = Gate {
        gress: egress_id,
        header: IntrinsicHeader::egress(egress, arch),
        timestamp: Timestamp::new(
            egress,
            "egress_intrinsic_metadata_from_parser_t.global_tstamp",
            into,
        ),
        watched: Watched::new(egress, EGRESS_WATCHED, into),
    };
    let timer = IntrinsicHeader::generator_timer(ingress, arch);
    Ok((ingress_gate, egress_gate, timer))
}

/// Headers as deparsed, then payload.
fn deparsed(job: &Job<'_>, outcome: &Outcome) -> Vec<u8> {
    let (in_prefix, in_packet) = job.payload(outcome);
    [&outcome.bytes, in_prefix, in_packet].concat()
}

fn parser_drop(gress: GressRole, failure: p4rmt_engine::ParseFailure) -> DropReason {
    DropReason::Parser {
        gress,
        error: failure.error,
        span: failure.span,
    }
}
