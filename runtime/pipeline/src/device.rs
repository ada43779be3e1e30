//! The device: one pipe with its state, and the machine that its architecture puts around it.
//!
//! A packet and everything that it causes runs to its end before the next one comes. Each entry into
//! a gress takes the next clock, so no two packets share one. Latencies are not modelled: that is what
//! [`LockStep`] does with a device.
//!
//! What is decided between the gresses, and what is followed there, is each machine's:
//! `device/tofino.rs` for TNA and T2NA, `device/v1model.rs` for v1model.

mod chassis;
mod departure;
mod guard;
mod lock_step;
mod machine;
mod replica;
mod tofino;
mod v1model;
mod watched;

use std::sync::Arc;

pub use p4rmt_engine::Arriving;
use p4rmt_engine::{Engine, Interface, Mode, State, StateLayout, TableCounts};
use p4rmt_ir::{Arch, PipeId, Placement, Program};

use crate::fate::{DeviceCounters, Fate, FateEvent};
use crate::generator::Generator;
use crate::{
    DeviceConfig, DeviceError, GeneratorApp, MAX_PORTS, Packet, PortUnit, Refused, TraceRecord,
    TrafficManager,
};
use chassis::{Chassis, MAX_PACKET};
pub use chassis::{LoggedLine, SentDigest};
pub use departure::{Departing, Departure, EmittedHeaders};
pub(crate) use guard::Guard;
pub use lock_step::{ControlWrite, Execution, GressTiming, LockStep, Timing};
use machine::Machine as _;
use tofino::Tofino;
use v1model::V1model;

/// A device with one pipe.
pub struct Device {
    chassis: Chassis,
    machine: Machine,
    generator: Generator,
    /// Where its tables stand; none if it runs without stages.
    placement: Option<Arc<Placement>>,
    /// How its clock goes with that of captures; none before the first.
    capture_time: Option<CaptureTime>,
    /// What other cores looked up for it, by table.
    looked_up_elsewhere: Vec<TableCounts>,
}

/// How the clock of a device goes with that of captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CaptureTime {
    /// What clock 0 is, in nanoseconds since 1970.
    pub(crate) epoch_ns: u64,
    /// When the last packet arrived, or should have, in nanoseconds since clock 0.
    pub(crate) last_ns: u64,
}

/// What stands around the pipe.
enum Machine {
    Tofino(Box<Tofino>),
    V1model(Box<V1model>),
}

impl Machine {
    /// The machine of an architecture, and what it exchanges with a pipe.
    fn new(arch: Arch, layout: &StateLayout) -> Result<(Self, Interface), DeviceError> {
        let gresses = layout.pipe().gresses.ids();
        let mut interface = Interface {
            gresses: gresses.map(|_| Default::default()).collect(),
        };
        let machine = match arch {
            Arch::Tna | Arch::T2na => {
                Self::Tofino(Box::new(Tofino::new(arch, layout, &mut interface)?))
            }
            Arch::V1model => Self::V1model(Box::new(V1model::new(layout, &mut interface)?)),
        };
        Ok((machine, interface))
    }
}

/// What a device exchanges with a pipe beyond bytes: what an engine is loaded with.
///
/// # Errors
/// A pipe without the gresses of its architecture.
pub fn interface(program: &Arc<Program>, pipe: PipeId) -> Result<Interface, DeviceError> {
    let layout = StateLayout::new(Arc::clone(program), pipe)?;
    let (_, interface) = Machine::new(program.arch, &layout)?;
    Ok(interface)
}

impl Device {
    /// Makes a device for one pipe of a program, with fresh state.
    ///
    /// # Errors
    /// A pipe without the gresses of its architecture, what the engine does not load.
    pub fn new(
        engine: &dyn Engine,
        program: Arc<Program>,
        pipe: PipeId,
        mode: Mode,
    ) -> Result<Self, DeviceError> {
        let arch = program.arch;
        let layout = StateLayout::new(Arc::clone(&program), pipe)?;
        let state = State::new(Arc::clone(&layout))?;
        let (machine, interface) = Machine::new(arch, &layout)?;
        let placement = match &mode {
            Mode::Placed(placement) => Some(Arc::clone(placement)),
            Mode::Unplaced => None,
        };
        let instance = engine.load(Arc::clone(&program), pipe, mode, interface)?;
        let config = DeviceConfig::for_arch(arch);
        Ok(Self {
            chassis: Chassis::new(program, instance, state, config),
            machine,
            generator: Generator::default(),
            placement,
            capture_time: None,
            looked_up_elsewhere: Vec::new(),
        })
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Arc<Program> {
        &self.chassis.program
    }

    /// What the device is like.
    #[must_use]
    pub fn config(&self) -> &DeviceConfig {
        &self.chassis.config
    }

    /// The same, to change.
    pub fn config_mut(&mut self) -> &mut DeviceConfig {
        self.chassis.forget_now();
        &mut self.chassis.config
    }

    /// What outlives packets.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.chassis.state
    }

    /// The same, to change: what the control plane does.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.chassis.state
    }

    /// Multicast groups and mirror sessions.
    #[must_use]
    pub fn traffic(&self) -> &TrafficManager {
        &self.chassis.traffic
    }

    /// The same, to change.
    pub fn traffic_mut(&mut self) -> &mut TrafficManager {
        &mut self.chassis.traffic
    }

    /// What the device has counted.
    #[must_use]
    pub fn counters(&self) -> &DeviceCounters {
        &self.chassis.counters
    }

    /// Hits and misses by table, a gress after the other.
    #[must_use]
    pub fn table_counts(&self) -> Vec<(&str, TableCounts)> {
        let gresses = self.chassis.state.layout().pipe().gresses.iter();
        let here = gresses.flat_map(|(id, gress)| {
            let counts = self.chassis.instance.table_counts(id);
            gress.tables.values().zip(counts)
        });
        let elsewhere = self.looked_up_elsewhere.iter().copied();
        here.zip(elsewhere.chain(std::iter::repeat(TableCounts::default())))
            .map(|((table, here), elsewhere)| {
                let counts = TableCounts {
                    hits: here.hits + elsewhere.hits,
                    misses: here.misses + elsewhere.misses,
                };
                (table.name.as_str(), counts)
            })
            .collect()
    }

    /// The clock of the next entry into a gress.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.chassis.clock
    }

    pub(crate) fn capture_time(&self) -> Option<CaptureTime> {
        self.capture_time
    }

    pub(crate) fn set_capture_time(&mut self, time: CaptureTime) {
        self.capture_time = Some(time);
    }

    /// The packet generator.
    pub(crate) fn generator(&self) -> &Generator {
        &self.generator
    }

    pub(crate) fn forget_capture_time(&mut self) {
        self.capture_time = None;
    }

    /// When the applications of the packet generator are triggered next.
    pub(crate) fn triggers(&self) -> Vec<(u8, Option<u64>)> {
        self.generator.triggers()
    }

    /// Everything that outlives packets is what another device had, at its clock.
    pub(crate) fn resume(&mut self, state: State, saved: &crate::save::Moment) {
        self.chassis.state = state;
        self.chassis.clock = saved.clock;
        self.capture_time = saved.capture_time;
        self.generator.set_triggers(&saved.triggers);
    }

    /// Gives a port a unit, or takes it away.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn set_port_unit(&mut self, port: u16, unit: Option<PortUnit>) -> Result<(), DeviceError> {
        check_port(port)?;
        self.chassis.units[usize::from(port)] = unit;
        self.chassis.has_units = self.chassis.units.iter().any(Option::is_some);
        Ok(())
    }

    /// Sets what the ingress parser finds between intrinsic metadata and packet for packets of a
    /// port; it is cut or padded with zeros to the size of port metadata.
    ///
    /// # Errors
    /// A port that there is not.
    pub fn set_port_metadata(&mut self, port: u16, bytes: Vec<u8>) -> Result<(), DeviceError> {
        check_port(port)?;
        self.chassis.port_metadata[usize::from(port)] = Some(bytes);
        Ok(())
    }

    /// Starts or stops keeping records of what becomes of each packet.
    pub fn record_fates(&mut self, is_wanted: bool) {
        self.chassis.fates = is_wanted.then(Vec::new);
    }

    /// The records so far, in order; empty unless asked for.
    #[must_use]
    pub fn fates(&self) -> &[Fate] {
        self.chassis.fates.as_deref().unwrap_or_default()
    }

    /// Starts or stops keeping messages to the control plane, also while no records of fates are kept.
    pub fn keep_digests(&mut self, is_wanted: bool) {
        let gresses = &self.chassis.state.layout().pipe().gresses;
        let has_digests = gresses.values().any(|gress| !gress.digests.is_empty());
        self.chassis.keeps_digests = is_wanted && has_digests;
    }

    /// Starts or stops keeping a trace: a record of each pass and of each fate.
    pub fn record_trace(&mut self, is_wanted: bool) {
        self.chassis.trace = is_wanted.then(Vec::new);
    }

    /// Whether a trace is kept.
    #[must_use]
    pub fn is_tracing(&self) -> bool {
        self.chassis.trace.is_some()
    }

    /// Takes the trace since the last time, in order; empty unless asked for.
    pub fn take_trace(&mut self) -> Vec<TraceRecord> {
        let trace = self.chassis.trace.as_mut();
        trace.map_or_else(Vec::new, std::mem::take)
    }

    /// How many packets have arrived or been generated: the number that the next one gets.
    #[must_use]
    pub fn n_arrivals(&self) -> u64 {
        self.chassis.arrivals
    }

    /// Takes the packets that have left since the last time, in order.
    pub fn take_departures(&mut self) -> std::vec::IntoIter<Departure> {
        self.chassis.take_departures().into_iter()
    }

    /// Shows each packet that has left since the last time, in order, where it lies: the fast way where packets
    /// need not be kept.
    #[inline]
    pub fn show_departures(&mut self, mut show: impl FnMut(Departing<'_>)) {
        let (departures, config) = (&self.chassis.passage.departures, &self.chassis.config);
        for left in departures.iter() {
            show(Departing::new(left, config));
        }
        self.chassis.clear_departures();
    }

    /// Takes the messages to the control plane that were sent since the last time, in order. They are
    /// kept while records of fates are, and after [`Self::keep_digests`].
    pub fn take_digests(&mut self) -> std::vec::Drain<'_, SentDigest> {
        self.chassis.digests.drain(..)
    }

    /// Takes the lines that the program logged since the last time, in order. They are kept only while
    /// records of fates are.
    pub fn take_log(&mut self) -> std::vec::Drain<'_, LoggedLine> {
        self.chassis.log.drain(..)
    }

    /// A packet arrives, and all that it causes happens.
    ///
    /// # Errors
    /// A port that there is not, a packet that is too long, a claim of the program (`assert`) that is
    /// wrong. What else the program makes of the packet is no error.
    pub fn receive(&mut self, port: u16, packet: &[u8]) -> Result<(), DeviceError> {
        let arriving = Arriving {
            not_before: 0,
            port,
            bytes: packet,
        };
        let received = self.receive_all(&[arriving]);
        received.map_err(|refused| *refused.cause)
    }

    /// Packets arrive one after the other, none before its clock, and all that each causes happens before the
    /// next arrives: [`Self::advance_to`] and [`Self::receive`] for each, but faster where many come.
    ///
    /// # Errors
    /// Which packet was refused, from 0, and why: as for those two. The packets before it have arrived.
    pub fn receive_all(&mut self, packets: &[Arriving<'_>]) -> Result<(), Refused> {
        if let Machine::V1model(v1model) = &mut self.machine
            && v1model.may_cross(&self.chassis)
        {
            return v1model.receive_all(&mut self.chassis, packets);
        }
        for (index, packet) in packets.iter().enumerate() {
            self.advance_to(packet.not_before)
                .and_then(|()| self.receive_one(packet))
                .map_err(|error| Refused::new(index, error))?;
        }
        Ok(())
    }

    /// A packet arrives now.
    fn receive_one(&mut self, arriving: &Arriving<'_>) -> Result<(), DeviceError> {
        match self.chassis.take_in(arriving)? {
            Some((arrival, packet)) => self.enter(arrival, arriving.port, packet),
            None => Ok(()),
        }
    }

    /// Time passes; what the packet generator makes meanwhile arrives and causes what it causes.
    ///
    /// # Errors
    /// More generated packets than a tick may make, more time than the clock can count.
    pub fn tick(&mut self, clocks: u64) -> Result<(), DeviceError> {
        let until = self.chassis.clock.checked_add(clocks);
        let until = until.ok_or(DeviceError::ClockOverflow {
            needed: clocks,
            available: u64::MAX - self.chassis.clock,
        })?;
        self.advance_to(until)
    }

    /// Time passes until this clock; none passes if it is in the past.
    ///
    /// # Errors
    /// As for [`Self::tick`].
    pub fn advance_to(&mut self, until: u64) -> Result<(), DeviceError> {
        if self.generator.is_idle() {
            self.chassis.clock = self.chassis.clock.max(until);
            return Ok(());
        }
        let available = self.chassis.config.max_generated;
        if self
            .generator
            .count_until(until, available.saturating_add(1))
            > available
        {
            return Err(DeviceError::TooManyGenerated { available });
        }
        while let Some((clock, id, app)) = self.generator.take_trigger(until) {
            self.chassis.clock = self.chassis.clock.max(clock);
            self.generate(id, &app)?;
        }
        self.chassis.clock = self.chassis.clock.max(until);
        Ok(())
    }

    /// The clock at which the packet generator is triggered next, if ever again.
    #[must_use]
    pub fn next_trigger(&self) -> Option<u64> {
        self.generator.next_trigger()
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
        self.generator.start(id, app, self.chassis.clock);
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
        let available = self.chassis.config.n_generator_apps;
        if app < available {
            return Ok(());
        }
        Err(DeviceError::NoGeneratorApp { app, available })
    }

    /// From now on mirrored copies wait outside the pipe.
    pub fn hold_mirrors(&mut self) {
        match &mut self.machine {
            Machine::Tofino(tofino) => tofino.gate().hold(),
            Machine::V1model(v1model) => v1model.gate().hold(),
        }
    }

    /// Lets the next `count` copies in: those that wait, then those that come. Without a count, all
    /// that wait, and the holding ends.
    ///
    /// # Errors
    /// None of its own; the engine's.
    pub fn release_mirrors(&mut self, count: Option<u64>) -> Result<(), DeviceError> {
        let chassis = &mut self.chassis;
        match &mut self.machine {
            Machine::Tofino(tofino) => machine::release(&mut **tofino, chassis, count),
            Machine::V1model(v1model) => machine::release(&mut **v1model, chassis, count),
        }
    }

    /// Loses the next `count` copies: those that wait, then those that come. Without a count, all
    /// that wait.
    pub fn drop_mirrors(&mut self, count: Option<u64>) {
        let chassis = &mut self.chassis;
        match &mut self.machine {
            Machine::Tofino(tofino) => machine::lose(&mut **tofino, chassis, count),
            Machine::V1model(v1model) => machine::lose(&mut **v1model, chassis, count),
        }
    }

    /// How many mirrored copies wait.
    #[must_use]
    pub fn n_held_mirrors(&self) -> usize {
        match &self.machine {
            Machine::Tofino(tofino) => tofino.n_held(),
            Machine::V1model(v1model) => v1model.n_held(),
        }
    }

    /// A packet comes in, and all that it causes happens.
    fn enter(&mut self, arrival: u64, port: u16, packet: Packet) -> Result<(), DeviceError> {
        let chassis = &mut self.chassis;
        match &mut self.machine {
            Machine::Tofino(tofino) => {
                machine::enter(&mut **tofino, chassis, arrival, port, packet)
            }
            Machine::V1model(v1model) => {
                machine::enter(&mut **v1model, chassis, arrival, port, packet)
            }
        }
    }

    /// Makes the packets of a trigger.
    fn generate(&mut self, id: u8, app: &GeneratorApp) -> Result<(), DeviceError> {
        for (batch, packet_id) in app.numbers() {
            let packet = self.generated(id, app, batch, packet_id);
            self.receive_generated(id, app.port, &packet)?;
        }
        Ok(())
    }

    /// A packet of a trigger.
    pub(crate) fn generated(
        &self,
        id: u8,
        app: &GeneratorApp,
        batch: u32,
        packet_id: u32,
    ) -> Vec<u8> {
        let values = [u64::from(id), u64::from(batch), u64::from(packet_id)];
        let mut packet = match &self.machine {
            Machine::Tofino(tofino) => tofino.timer_header(values),
            Machine::V1model(_) => Vec::new(),
        };
        packet.extend(&app.payload);
        packet
    }

    /// A packet of an application arrives, and all that it causes happens.
    pub(crate) fn receive_generated(
        &mut self,
        id: u8,
        port: u16,
        packet: &[u8],
    ) -> Result<(), DeviceError> {
        let arrival = self.chassis.next_arrival();
        self.chassis.counters.generated += 1;
        self.chassis.tell(arrival, FateEvent::Generated { app: id });
        self.enter(arrival, port, Packet::new(packet))
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
