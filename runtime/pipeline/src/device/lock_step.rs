//! The machine with its clock: one packet a clock enters each gress, and every packet in it moves on.
//!
//! A packet takes the clocks of [`Timing`] through parser, each stage and deparser; what follows it is
//! decided when it leaves. Copies and packets that go on come into line for their gress after that; who
//! enters first is said in `line.rs`. So it is known of each clock which packet stands where, and a
//! register sees packets in the order in which they entered its gress.
//!
//! # Two executions
//!
//! * [`Execution::Clocked`] runs stages: at each clock those steps that packets enter then, whichever
//!   packet they belong to. It is what the machine does.
//! * [`Execution::Wavefront`] runs packets: all that enter a gress up to a clock, each through the whole
//!   of it, in the order in which they enter. It is the same, because a register belongs to one stage
//!   and packets never overtake one another; and because a batch ends before anything that it causes
//!   could enter: a packet that enters the ingress at clock `t` comes back to it after the ingress at the
//!   earliest, one from the egress after that, and likewise for the egress.
//!
//! Time and random values are those of the clock of entry. Writes of the control plane are in line like
//! packets (`write.rs`). Queue depths are those that a packet finds when it gets in line, and leaves when
//! it leaves the line; where a queue is full, packets are lost, and mirrored copies like all others.

mod clocked;
mod line;
mod timing;
mod wavefront;
mod write;

use p4rmt_engine::{Event, Outcome, StateError, Trace};
use p4rmt_ir::{GressId, GressRole, Id};

use super::departure::{Departing, Departure, EmittedHeaders};
use super::tofino::{Entry, Head, Tofino};
use super::{Device, Machine};
use crate::fate::{DropReason, FateEvent};
use crate::{Arriving, DeviceError, Packet, PassRecord, TraceRecord};
use clocked::Inside;
use line::{Item, Line, Source, Waiting};
use timing::LOOP;
pub use timing::{GressTiming, Timing};
pub use write::ControlWrite;
use write::{Homes, Versions};

/// How packets are run. Both ways come to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// Stage by stage, clock by clock.
    Clocked,
    /// Packet by packet, in batches, gress by gress.
    Wavefront,
}

/// A device in lock step.
pub struct LockStep {
    device: Device,
    execution: Execution,
    sides: [Side; 2],
    traffic_manager: u64,
    /// Packets that left, not all of them in order (in batches; clock by clock the device has them).
    departures: Vec<Departure>,
    /// Tables with a version a stage (clocked).
    versions: Vec<Versions>,
    /// What heads of packets are made of, to be used again.
    heads: Vec<Head>,
    /// Outcomes to be used again (clocked).
    #[expect(clippy::vec_box, reason = "a packet takes one along, and few have one")]
    outcomes: Vec<Box<Outcome>>,
    /// Writes that were refused, with the clock at which they entered.
    refused: Vec<(u64, StateError)>,
    /// No packet arrives before this clock any more.
    now: u64,
    /// The last clock at which a packet left a gress.
    last_exit: u64,
}

/// One gress: what is in it, and what waits.
struct Side {
    gress: GressId,
    /// By step: when a packet enters it, counted from when it entered the gress.
    steps: Vec<u64>,
    total: u64,
    homes: Homes,
    line: Line,
    /// All entries before this clock have been made.
    done: u64,
    /// What is in the gress (clocked).
    inside: Inside,
}

/// Positions among the sides.
const INGRESS: usize = 0;
const EGRESS: usize = 1;

/// A packet in a gress.
struct Flight {
    entry: Entry,
    head: Head,
    /// The clock at which it entered.
    clock: u64,
    n_passes: u32,
    events: Vec<Event<'static>>,
}

/// Events of a batch, by packet.
#[derive(Default)]
struct ByPacket(Vec<Vec<Event<'static>>>);

impl Trace for ByPacket {
    fn event(&mut self, event: Event<'_>) {
        let mut event = event.into_owned();
        if let Event::Packet { index, .. } = &mut event {
            *index = 0;
            self.0.push(Vec::new());
        }
        if let Some(events) = self.0.last_mut() {
            events.push(event);
        }
    }
}

impl LockStep {
    /// Puts a device into lock step. Its clock goes on from where it stands.
    ///
    /// # Errors
    /// A device that is not placed in stages, a register, counter or meter that several stages touch,
    /// mirrored copies that are held.
    pub fn new(device: Device, timing: &Timing, execution: Execution) -> Result<Self, DeviceError> {
        let (Machine::Tofino(tofino), Some(placement)) = (&device.machine, &device.placement)
        else {
            return Err(DeviceError::NoStages);
        };
        if !tofino.is_open() {
            return Err(DeviceError::MirrorsHeld);
        }
        let now = device.chassis.clock;
        let layout = device.chassis.state.layout();
        let side = |role, name, timing: &GressTiming| -> Result<Side, DeviceError> {
            let found = layout.pipe().gress(role);
            let (gress, declared) = found.ok_or(DeviceError::NoGress { gress: name })?;
            let n_stages = device.chassis.instance.n_stages(gress).unwrap_or(0);
            let mut timing = timing.clone();
            timing.stages.resize(n_stages as usize, 1);
            let placed = placement.gresses.get(gress);
            let homes = Homes::new(declared, placed.ok_or(DeviceError::NoStages)?);
            Ok(Side {
                gress,
                steps: timing.steps().into_iter().map(|(clock, _)| clock).collect(),
                total: timing.total(),
                homes: homes.map_err(|name| DeviceError::InSeveralStages { name })?,
                line: Line::default(),
                done: now,
                inside: Inside::default(),
            })
        };
        let sides = [
            side(GressRole::Ingress, "ingress", &timing.ingress)?,
            side(GressRole::Egress, "egress", &timing.egress)?,
        ];
        Ok(Self {
            sides,
            device,
            execution,
            traffic_manager: u64::from(timing.traffic_manager.max(1)),
            departures: Vec::new(),
            versions: Vec::new(),
            heads: Vec::new(),
            outcomes: Vec::new(),
            refused: Vec::new(),
            now,
            last_exit: now,
        })
    }

    /// The device. Its state is that of packets that are on their way, too.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn device_mut(&mut self) -> &mut Device {
        &mut self.device
    }

    /// A packet arrives at a clock. Packets arrive in the order of their clocks; one that is late
    /// arrives now.
    ///
    /// # Errors
    /// A port that there is not, a packet that is too long.
    pub fn arrive(&mut self, clock: u64, port: u16, packet: &[u8]) -> Result<(), DeviceError> {
        self.generate_until(clock)?;
        let chassis = &mut self.device.chassis;
        chassis.clock = clock.max(self.now);
        let arriving = Arriving {
            not_before: clock,
            port,
            bytes: packet,
        };
        if let Some((arrival, packet)) = chassis.take_in(&arriving)? {
            self.get_in_line(arrival, port, packet);
        }
        Ok(())
    }

    /// The control plane writes at a clock, in the order of clocks. What is wrong with a write shows
    /// when it happens: see [`Self::take_refused`].
    ///
    /// # Errors
    /// A register that lies in several stages.
    pub fn write(&mut self, clock: u64, write: ControlWrite) -> Result<(), DeviceError> {
        let side = usize::from(write.gress() != self.sides[INGRESS].gress);
        let side = &mut self.sides[side];
        if side.homes.stages(&write).is_empty() {
            let name = "a direct register".to_owned();
            return Err(DeviceError::InSeveralStages { name });
        }
        let clock = clock.max(self.now);
        let chassis = &mut self.device.chassis;
        // Writes are numbered with the packets, whose number says who came first.
        let origin = (chassis.arrivals, chassis.n_writes);
        chassis.n_writes += 1;
        let waiting = Waiting {
            item: Item::Write(write),
            n_passes: 0,
        };
        side.line.push(Source::Outside, clock, origin, waiting);
        Ok(())
    }

    /// Time goes on to this clock; all that arrives before it has been given.
    ///
    /// # Errors
    /// The engine's, and more generated packets than one go may make.
    pub fn run_until(&mut self, clock: u64) -> Result<(), DeviceError> {
        self.generate_until(clock)?;
        self.run(clock)?;
        self.now = self.now.max(clock);
        Ok(())
    }

    /// Time goes on until nothing is on its way; the packet generator stands still meanwhile. Gives the
    /// device back, its clock behind all that happened, and the packets that left, in order.
    ///
    /// # Errors
    /// The engine's.
    pub fn finish(mut self) -> Result<(Device, Vec<Departure>), DeviceError> {
        self.settle()?;
        let departures = self.take_departures();
        Ok((self.device, departures))
    }

    /// Time goes on until nothing is on its way; the packet generator stands still meanwhile.
    ///
    /// # Errors
    /// The engine's.
    pub fn settle(&mut self) -> Result<(), DeviceError> {
        self.run(u64::MAX)?;
        self.now = self.now.max(self.last_exit.saturating_add(1));
        for side in &mut self.sides {
            side.done = self.now;
        }
        self.device.chassis.clock = self.now;
        self.device.chassis.made_by = None;
        Ok(())
    }

    /// The clock: what comes before it has been given.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.now
    }

    /// Takes the packets that have left since the last time, in order: by clock, ingress first.
    pub fn take_departures(&mut self) -> Vec<Departure> {
        if self.execution == Execution::Clocked {
            return self.device.chassis.take_departures();
        }
        // Whatever leaves later does so behind what is in the shorter gress.
        let ends = self.sides.iter();
        let ends = ends.map(|side| side.done.saturating_add(side.total));
        let settled = ends.min().unwrap_or(u64::MAX);
        self.departures.sort_by_key(|departure| departure.clock);
        let n_settled = self
            .departures
            .partition_point(|departure| departure.clock < settled);
        self.departures.drain(..n_settled).collect()
    }

    /// Shows each packet that has left since the last time, in the same order: the fast way where packets need not be
    /// kept.
    pub fn show_departures(&mut self, mut show: impl FnMut(Departing<'_>)) {
        if self.execution == Execution::Clocked {
            return self.device.show_departures(show);
        }
        for departure in self.take_departures() {
            show(Departing::of(&departure, &self.device.chassis.config));
        }
    }

    /// Takes the records of passes and fates since the last time, in the order of clocks.
    pub fn take_trace(&mut self) -> Vec<TraceRecord> {
        let mut records = self.device.take_trace();
        records.sort_by_key(|record| match record {
            TraceRecord::Pass(pass) => (pass.clock, pass.gress.index()),
            TraceRecord::Fate(fate) => (fate.clock, usize::MAX),
        });
        records
    }

    /// Takes the writes that were refused, with the clocks at which they entered, in their order.
    pub fn take_refused(&mut self) -> Vec<(u64, StateError)> {
        self.refused.sort_by_key(|(clock, _)| *clock);
        std::mem::take(&mut self.refused)
    }

    /// What the packet generator makes before a clock arrives.
    fn generate_until(&mut self, clock: u64) -> Result<(), DeviceError> {
        let Some(until) = clock.checked_sub(1) else {
            return Ok(());
        };
        let available = self.device.chassis.config.max_generated;
        let generator = &self.device.generator;
        if generator.count_until(until, available.saturating_add(1)) > available {
            return Err(DeviceError::TooManyGenerated { available });
        }
        while let Some((clock, id, app)) = self.device.generator.take_trigger(until) {
            for batch in 0..app.batches {
                for packet_id in 0..app.packets {
                    let values = [u64::from(id), u64::from(batch), u64::from(packet_id)];
                    let (tofino, chassis) = parts(&mut self.device);
                    let mut packet = tofino.timer_header(values);
                    packet.extend(&app.payload);
                    chassis.clock = clock.max(self.now);
                    let arrival = chassis.next_arrival();
                    chassis.counters.generated += 1;
                    chassis.tell(arrival, FateEvent::Generated { app: id });
                    self.get_in_line(arrival, app.port, packet.into());
                }
            }
        }
        Ok(())
    }

    /// A new packet waits for the ingress from the device's clock on.
    fn get_in_line(&mut self, arrival: u64, port: u16, packet: Packet) {
        let waiting = Waiting {
            item: Item::Packet(Entry::Ingress(Tofino::arriving(arrival, port, packet))),
            n_passes: 0,
        };
        let clock = self.device.chassis.clock;
        let line = &mut self.sides[INGRESS].line;
        line.push(Source::Outside, clock, (arrival, 0), waiting);
    }

    fn run(&mut self, until: u64) -> Result<(), DeviceError> {
        match self.execution {
            Execution::Clocked => self.run_clocked(until),
            Execution::Wavefront => self.run_wavefront(until),
        }
    }

    /// What happens in the line of a side at a clock; what enters, if anything does.
    fn turn(&mut self, side: usize, clock: u64) -> Option<Waiting> {
        let mut lost = Vec::new();
        let chassis = &mut self.device.chassis;
        let entering = self.sides[side]
            .line
            .turn(clock, &chassis.config, &mut lost);
        for entry in lost {
            chassis.clock = clock;
            let (arrival, port) = (entry.entrant().arrival, entry.port());
            let reason = match entry {
                Entry::Ingress(_) => DropReason::InputFull { port },
                Entry::Egress(entry) => DropReason::QueueFull {
                    port,
                    queue: entry.queue() as u16,
                },
            };
            chassis.end(arrival, reason);
        }
        entering
    }

    /// A packet enters its gress.
    fn enter(&mut self, mut entry: Entry, n_passes: u32, clock: u64) -> Flight {
        let mut head = self.heads.pop().unwrap_or_default();
        let (tofino, chassis) = parts(&mut self.device);
        chassis.clock = clock;
        tofino.prepare(chassis, &mut entry, &mut head);
        Flight {
            entry,
            head,
            clock,
            n_passes,
            events: Vec::new(),
        }
    }

    /// A packet has left its gress: what follows it gets in line, or leaves.
    fn leave(&mut self, side: usize, flight: Flight, outcome: &mut Outcome) {
        let Flight {
            entry,
            head,
            clock,
            n_passes,
            events,
        } = flight;
        let exit = clock.saturating_add(self.sides[side].total);
        let number = clock.saturating_mul(2) + side as u64;
        let (tofino, chassis) = parts(&mut self.device);
        chassis.clock = exit;
        self.last_exit = self.last_exit.max(exit);
        chassis.made_by = Some(number);
        chassis.passes_left = u32::MAX;
        chassis.emitted = None;
        if let Some(records) = &mut chassis.trace {
            let gress = self.sides[side].gress;
            chassis.emitted = Some(EmittedHeaders {
                gress,
                headers: outcome.emitted.clone(),
            });
            let job = entry.job(&head, clock);
            records.push(TraceRecord::Pass(Box::new(PassRecord {
                number,
                entrant: entry.entrant(),
                gress,
                part: job.part,
                clock,
                prefix: job.prefix().to_vec(),
                packet: job.packet().to_vec(),
                events,
                outcome: outcome.clone(),
            })));
        }
        tofino.follow(chassis, entry, &head, outcome);
        self.heads.push(head);
        if self.execution == Execution::Wavefront {
            self.departures.extend(chassis.take_departures());
        }
        let may_go_on = n_passes < chassis.config.max_passes;
        let source = if side == INGRESS {
            Source::Ingress
        } else {
            Source::Egress
        };
        for (entry, index) in tofino.take_entries().zip(0u32..) {
            if !may_go_on {
                let arrival = entry.entrant().arrival;
                chassis.end(arrival, DropReason::TooManyPasses);
                continue;
            }
            let (to, way) = match entry {
                Entry::Ingress(_) => (INGRESS, LOOP),
                Entry::Egress(_) => (EGRESS, self.traffic_manager),
            };
            let waiting = Waiting {
                item: Item::Packet(entry),
                n_passes: n_passes + 1,
            };
            let ready = exit.saturating_add(way);
            let line = &mut self.sides[to].line;
            line.push(source, ready, (number, index), waiting);
        }
    }
}

/// The machine and what it stands in.
fn parts(device: &mut Device) -> (&mut Tofino, &mut super::Chassis) {
    match &mut device.machine {
        Machine::Tofino(tofino) => (tofino, &mut device.chassis),
        Machine::V1model(_) => unreachable!("a device in lock step has stages"),
    }
}
