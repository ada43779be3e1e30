//! Running a vector: its statements in order against a fresh device, then the comparison.
//!
//! 1. The setup's statements, then the vector's, are carried out. All that a packet causes happens
//!    before the next statement. A statement that cannot be carried out is a failure; the others are
//!    carried out all the same.
//! 2. If all statements could be carried out, what left is compared with what was expected.

mod checks;
mod memory;
mod traffic;

use std::sync::Arc;

use indexmap::IndexMap;
use p4rmt_engine::{FilterConfig, Ref, find_counter, find_profile, find_table, find_value_set};
use p4rmt_ir::{Match, Pipe, TableId};
use p4rmt_pipeline::{
    Arriving, Device, DeviceError, DropReason, FateEvent, GeneratorApp, PortUnit, SentDigest,
};

use crate::compare::{Expected, Found, Queues};
use crate::dissect::PacketLayout;
use crate::error::{StatementError, StatementFault};
use crate::report::{Failure, Place, Report, Way};
use crate::resolve;
use crate::syntax::{AddEntry, GeneratorText, PortUnitName, Statement, StatementKind, Vector};

/// Watches how a vector is carried out, statement by statement.
pub trait Observer {
    /// This statement is next.
    fn before(&mut self, place: &Place, statement: &StatementKind, device: &mut Device);

    /// This statement has been carried out, with all that it caused. `added` is the entry that it put
    /// into a table: the table and the slot.
    fn after(&mut self, place: &Place, added: Option<(Ref<TableId>, usize)>, device: &mut Device);
}

/// Looks away.
struct Nobody;

impl Observer for Nobody {
    fn before(&mut self, _: &Place, _: &StatementKind, _: &mut Device) {}
    fn after(&mut self, _: &Place, _: Option<(Ref<TableId>, usize)>, _: &mut Device) {}
}

/// Runs a vector after its setup, on the device that `make_device` makes.
///
/// # Errors
/// That the device cannot be made. Everything else is a failure in the report.
pub fn run(
    vector: &Vector,
    setup: Option<&Vector>,
    make_device: impl FnOnce() -> Result<Device, DeviceError>,
) -> Result<Report, DeviceError> {
    run_watched(vector, setup, make_device, &mut Nobody)
}

/// The same, before somebody's eyes.
///
/// # Errors
/// As for [`run`].
pub fn run_watched(
    vector: &Vector,
    setup: Option<&Vector>,
    make_device: impl FnOnce() -> Result<Device, DeviceError>,
    observer: &mut dyn Observer,
) -> Result<Report, DeviceError> {
    let mut device = make_device()?;
    device.record_fates(true);
    let mut run = Run::new(device);
    for part in setup.into_iter().chain([vector]) {
        for statement in &part.statements {
            run.step(&part.file, statement, observer);
        }
    }
    Ok(run.finish(&vector.file))
}

/// Carries out a vector's statements on a device that is there already, as a setup does. What
/// leaves meanwhile stays in the device.
///
/// # Errors
/// The statements that could not be carried out; all others are.
pub fn apply(setup: &Vector, device: Device) -> (Device, Vec<StatementError>) {
    let mut run = Run::new(device);
    run.keeps_departures = true;
    let mut statements = &setup.statements[..];
    while let Some((statement, rest)) = statements.split_first() {
        let n_packets = run.packets(&setup.file, statements);
        if n_packets == 0 {
            run.step(&setup.file, statement, &mut Nobody);
            statements = rest;
        }
        statements = &statements[n_packets..];
    }
    let errors = run
        .failures
        .into_iter()
        .filter_map(|failure| match failure {
            Failure::Statement(error) => Some(error),
            Failure::Mismatch { .. }
            | Failure::Missing { .. }
            | Failure::Unexpected { .. }
            | Failure::Register { .. }
            | Failure::Counter { .. }
            | Failure::Digest { .. }
            | Failure::Circle { .. } => None,
        });
    let errors = errors.collect();
    (run.device, errors)
}

struct Run {
    device: Device,
    keeps_departures: bool,
    queues: Queues,
    failures: Vec<Failure>,
    readings: Vec<(Place, String)>,
    /// By arrival: the line that caused it.
    causes: Vec<Place>,
    entries: Vec<(Ref<TableId>, Vec<Match>, u32)>,
    entry_ids: IndexMap<String, usize>,
    /// The entry that the statement in work has added.
    added: Option<(Ref<TableId>, usize)>,
    /// Messages to the control plane that were not checked, in order.
    digests: Vec<SentDigest>,
}

impl Run {
    fn new(device: Device) -> Self {
        Self {
            device,
            keeps_departures: false,
            queues: Queues::default(),
            failures: Vec::new(),
            readings: Vec::new(),
            causes: Vec::new(),
            entries: Vec::new(),
            entry_ids: IndexMap::new(),
            added: None,
            digests: Vec::new(),
        }
    }

    fn pipe(&self) -> Arc<p4rmt_engine::StateLayout> {
        Arc::clone(self.device.state().layout())
    }

    /// Lets the packets in that come first, up to one that is refused. Returns how many statements that are.
    fn packets(&mut self, file: &str, statements: &[Statement]) -> usize {
        let packets = statements.iter().map_while(|statement| {
            let StatementKind::Packet { port, bytes } = &statement.kind else {
                return None;
            };
            Some(Arriving {
                not_before: 0,
                port: *port,
                bytes,
            })
        });
        let packets: Vec<Arriving<'_>> = packets.collect();
        let n_packets = packets.len();
        let Err(refused) = self.device.receive_all(&packets) else {
            return n_packets;
        };
        self.failures.push(Failure::Statement(StatementError {
            file: file.to_owned(),
            line: statements[refused.index].line,
            cause: (*refused.cause).into(),
        }));
        refused.index + 1
    }

    fn step(&mut self, file: &str, statement: &Statement, observer: &mut dyn Observer) {
        let place = Place {
            file: file.to_owned(),
            line: statement.line,
        };
        self.added = None;
        observer.before(&place, &statement.kind, &mut self.device);
        if let Err(cause) = self.carry_out(&place, &statement.kind) {
            self.failures.push(Failure::Statement(StatementError {
                file: place.file.clone(),
                line: place.line,
                cause,
            }));
        }
        observer.after(&place, self.added, &mut self.device);
        let n_arrivals = usize::try_from(self.device.n_arrivals()).unwrap_or(usize::MAX);
        self.causes.resize(n_arrivals, place);
        if self.keeps_departures {
            return;
        }
        self.digests.extend(self.device.take_digests());
        let log = self.device.take_log();
        let lines = log.map(|line| {
            let cause = self.causes[line.arrival as usize].clone();
            (cause, format!("log: {}", line.message.text))
        });
        self.readings.extend(lines);
        let layout = self.pipe();
        for departure in self.device.take_departures() {
            let headers = departure.headers.as_ref();
            let cause = self.causes[departure.arrival as usize].clone();
            self.queues
                .found
                .entry(departure.port)
                .or_default()
                .push(Found {
                    layout: PacketLayout::new(layout.pipe(), headers),
                    bytes: departure.bytes.into_vec(),
                    cause,
                });
        }
    }

    fn finish(mut self, file: &str) -> Report {
        let mut n_compared = 0;
        let is_carried_out = |failure: &Failure| !matches!(failure, Failure::Statement(_));
        if self.failures.iter().all(is_carried_out) {
            let (failures, n) = self.queues.compare();
            self.failures.extend(failures);
            n_compared = n;
        }
        let mut ways: Vec<Way> = self
            .causes
            .iter()
            .map(|place| Way {
                place: place.clone(),
                events: Vec::new(),
            })
            .collect();
        for fate in self.device.fates() {
            let way = &mut ways[fate.arrival as usize];
            way.events.push(fate.event);
            if fate.event == FateEvent::Dropped(DropReason::TooManyPasses) {
                let cause = way.place.clone();
                let is_known = self.failures.iter().any(
                    |failure| matches!(failure, Failure::Circle { cause: known } if *known == cause),
                );
                if !is_known {
                    self.failures.push(Failure::Circle { cause });
                }
            }
        }
        Report {
            file: file.to_owned(),
            failures: self.failures,
            readings: self.readings,
            ways,
            n_compared,
            counters: self.device.counters().clone(),
        }
    }

    fn carry_out(&mut self, place: &Place, kind: &StatementKind) -> Result<(), StatementFault> {
        let layout = self.pipe();
        let pipe = layout.pipe();
        match kind {
            StatementKind::Add(text) => self.add(pipe, text)?,
            StatementKind::SetDefault { table, action } => {
                let table = find_table(pipe, table)?;
                let action = resolve::action(pipe, table, action)?;
                self.device.state_mut().set_default_action(table, action)?;
            }
            StatementKind::RemoveAll => {
                self.entry_ids.clear();
                for (table, matches, priority) in std::mem::take(&mut self.entries) {
                    self.device
                        .state_mut()
                        .delete_entry(table, matches, priority)?;
                }
            }
            StatementKind::Packet { port, bytes } => self.device.receive(*port, bytes)?,
            StatementKind::Expect { port, pattern } => {
                let expected = Expected {
                    place: place.clone(),
                    pattern: pattern.clone(),
                };
                self.queues
                    .expected
                    .entry(*port)
                    .or_default()
                    .push(expected);
            }
            StatementKind::NoPacket | StatementKind::Wait => {}
            StatementKind::CheckCounter {
                counter,
                index,
                check,
            } => self.check_counter(place, counter, index, *check)?,
            StatementKind::CounterRead { counter, index } => {
                let id = find_counter(pipe, counter)?;
                let index = self.cell(index)?;
                let counts = self.device.state().counter(id, index)?;
                let text = [(counts.packets, "packets"), (counts.bytes, "bytes")]
                    .iter()
                    .filter_map(|(count, what)| Some(format!(" {} {what}", (*count)?)))
                    .collect::<String>();
                self.read(place, format!("{counter}({index}) ={text}"));
            }
            StatementKind::CounterWrite {
                counter,
                index,
                packets,
                bytes,
            } => {
                let id = find_counter(pipe, counter)?;
                let index = self.cell(index)?;
                self.device
                    .state_mut()
                    .set_counter(id, index, *packets, *bytes)?;
            }
            StatementKind::RegisterRead(element) => {
                let (id, values, _) = self.element(element)?;
                let name = &pipe.gresses[id.gress].registers[id.id].name;
                let values: Vec<String> = values.iter().map(|v| format!("{v:#x}")).collect();
                let text = format!("{name}({}) = {}", element.index, values.join(" "));
                self.read(place, text);
            }
            StatementKind::RegisterWrite { element, value } => {
                let (id, mut values, half) = self.element(element)?;
                let width = values[half].width();
                values[half] = resolve::plain(value, width, &element.register)?;
                self.device
                    .state_mut()
                    .write_register(id, element.index, &values)?;
            }
            StatementKind::RegisterReset { register } => self.reset_register(pipe, register)?,
            StatementKind::CheckRegister { element, value } => {
                self.check_register(place, element, value)?;
            }
            StatementKind::MeterGetRates { meter, index } => {
                self.get_rates(place, pipe, meter, index)?;
            }
            StatementKind::MeterSetRates {
                meter,
                index,
                rates,
            } => {
                let index = index.as_ref().map(|index| self.cell(index)).transpose()?;
                self.set_rates(pipe, meter, index, rates)?;
            }
            StatementKind::FilterSet {
                filter,
                index,
                time_constant,
                thresholds,
            } => {
                let index = index.as_ref().map(|index| self.cell(index)).transpose()?;
                let (min, max, percent) = thresholds.unwrap_or_default();
                let config = FilterConfig {
                    time_constant: *time_constant,
                    min,
                    max,
                    percent,
                };
                self.set_filter(pipe, filter, index, config)?;
            }
            StatementKind::MirrorAdd { .. }
            | StatementKind::MirrorAddGroup { .. }
            | StatementKind::MirrorDelete { .. }
            | StatementKind::MirrorGet { .. }
            | StatementKind::GroupCreate { .. }
            | StatementKind::NodeCreate { .. }
            | StatementKind::NodeUpdate { .. }
            | StatementKind::NodeAssociate { .. } => self.configure_traffic(place, kind)?,
            StatementKind::ProfileMember {
                profile,
                member,
                action,
            } => {
                let id = find_profile(pipe, profile)?;
                let call = resolve::profile_action(pipe, id, action)?;
                self.device.state_mut().set_member(id, *member, call)?;
            }
            StatementKind::ProfileMemberDelete { profile, member } => {
                let id = find_profile(pipe, profile)?;
                self.device.state_mut().delete_member(id, *member)?;
            }
            StatementKind::ProfileGroup {
                profile,
                group,
                members,
            } => {
                let id = find_profile(pipe, profile)?;
                self.device.state_mut().set_group(id, *group, members)?;
            }
            StatementKind::ProfileGroupDelete { profile, group } => {
                let id = find_profile(pipe, profile)?;
                self.device.state_mut().delete_group(id, *group)?;
            }
            StatementKind::CheckDigest { digest, values } => {
                self.check_digest(place, pipe, digest, values)?;
            }
            StatementKind::PortUnit { port, unit } => {
                let unit = match unit {
                    PortUnitName::Roce => PortUnit::Roce,
                    PortUnitName::TcpChecksum => PortUnit::TcpChecksum,
                };
                self.device.set_port_unit(*port, Some(unit))?;
            }
            StatementKind::HoldMirror => self.device.hold_mirrors(),
            StatementKind::ReleaseMirror { count } => self.device.release_mirrors(*count)?,
            StatementKind::DropMirror { count } => self.device.drop_mirrors(*count),
            StatementKind::Tick { clocks } => self.device.tick(*clocks)?,
            StatementKind::Ignore { port } => {
                self.queues.ignored.insert(*port);
            }
            StatementKind::PacketGenerator(text) => {
                self.device.start_generator(text.app, generator_app(text))?;
            }
            StatementKind::ValueSetAdd { set, values } => {
                let (id, member) = resolve::member(pipe, set, values)?;
                self.device.state_mut().insert_value(id, member)?;
            }
            StatementKind::ValueSetClear { set } => {
                let id = find_value_set(pipe, set)?;
                self.device.state_mut().clear_value_set(id);
            }
            StatementKind::PacketGeneratorStop { app } => self.device.stop_generator(*app)?,
        }
        Ok(())
    }

    fn read(&mut self, place: &Place, text: String) {
        self.readings.push((place.clone(), text));
    }

    fn add(&mut self, pipe: &Pipe, text: &AddEntry) -> Result<(), StatementFault> {
        let (table, entry) = resolve::entry(pipe, text)?;
        let (matches, priority) = (entry.matches.clone(), entry.priority);
        let slot = self.device.state_mut().insert_entry(table, entry)?;
        self.entries.push((table, matches, priority));
        self.added = Some((table, slot));
        if let Some(id) = &text.id {
            self.entry_ids.insert(id.clone(), slot);
        }
        Ok(())
    }
}

fn generator_app(text: &GeneratorText) -> GeneratorApp {
    GeneratorApp {
        port: text.port,
        period: text.period,
        is_periodic: text.is_periodic,
        batches: text.batches,
        packets: text.packets,
        payload: text.payload.clone(),
    }
}
