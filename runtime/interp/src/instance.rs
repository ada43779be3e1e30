//! A batch: for each packet parser, match-action part, deparser, and what comes of it.

use std::sync::Arc;

use p4rmt_engine::{
    EngineError, Event, GressInterface, GressLayout, Instance, Interface, Job, MatchTable, Mode,
    Outcome, Part, Ref, Schedule, State, StateLayout, Step, Stepping, TableCounts, Trace,
    WordLayout, Writer, open_pipe,
};
use p4rmt_ir::{Arena, ControlRole, Gress, GressId, Id, PipeId, Program, TableId, Tables};

use crate::load::LoadedGress;
use crate::packet::{Flight, Packet, Work};

/// One pipe, ready to run.
pub(crate) struct InterpInstance {
    layout: Arc<StateLayout>,
    interface: Interface,
    gresses: Arena<GressId, LoadedGress>,
    work: Arena<GressId, Work>,
    /// By gress and slot: the packets that are between two steps.
    flights: Arena<GressId, Vec<Flight>>,
}

impl InterpInstance {
    pub(crate) fn load(
        program: Arc<Program>,
        pipe_id: PipeId,
        mode: &Mode,
        mut interface: Interface,
    ) -> Result<Self, EngineError> {
        let layout = open_pipe(&program, pipe_id, &mut interface)?;
        let pipe = layout.pipe();
        let gresses: Arena<GressId, _> = pipe
            .gresses
            .iter()
            .map(|(id, gress)| LoadedGress::new(&program, id, gress, mode, &interface.gresses[id]))
            .collect::<Result<_, _>>()?;
        let work = pipe
            .gresses
            .values()
            .map(|gress| Work {
                counts: vec![TableCounts::default(); gress.tables.len()],
                ..Work::default()
            })
            .collect();
        let flights = pipe.gresses.ids().map(|_| Vec::new()).collect();
        Ok(Self {
            layout,
            interface,
            gresses,
            work,
            flights,
        })
    }
}

fn find_gress(layout: &StateLayout, id: GressId) -> Result<&Gress, EngineError> {
    let gresses = &layout.pipe().gresses;
    gresses.get(id).ok_or(EngineError::NoGress {
        gress: id,
        available: gresses.len(),
    })
}

impl Instance for InterpInstance {
    fn run(
        &mut self,
        gress_id: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
        mut trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        if outcomes.len() < jobs.len() {
            return Err(EngineError::TooFewOutcomes {
                needed: jobs.len(),
                available: outcomes.len(),
            });
        }
        state.expect_layout(&self.layout)?;
        let loaded = &self.gresses[gress_id];
        let layout = self.layout.gress(gress_id).expect("a gress of the pipe");
        let work = &mut self.work[gress_id];
        arrange_entries(gress, loaded, work, state);
        let interface = &self.interface.gresses[gress_id];
        for (index, (job, outcome)) in jobs.iter().zip(outcomes).enumerate() {
            check_job(job, loaded)?;
            begin(outcome, interface);
            let trace: Option<&mut dyn Trace> = match &mut trace {
                Some(trace) => Some(&mut **trace),
                None => None,
            };
            let packet = (gress, loaded, layout);
            let mut packet = Packet::new(packet, work, state, outcome, trace, *job);
            packet.enter(index, interface);
            packet.run();
            for field in &interface.watched {
                WordLayout::push(&mut outcome.values, &work.fields[field.index()]);
            }
        }
        Ok(())
    }

    fn advance(
        &mut self,
        gress_id: GressId,
        packets: &mut [Stepping<'_>],
        state: &mut State,
        mut trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let gress = find_gress(&self.layout, gress_id)?;
        state.expect_layout(&self.layout)?;
        let loaded = &self.gresses[gress_id];
        let (Some(schedule), Some(tables)) = (&loaded.schedule, gress.as_tables()) else {
            return Err(EngineError::NoStages { gress: gress_id });
        };
        let mut steps = Steps {
            gress,
            loaded,
            layout: self.layout.gress(gress_id).expect("a gress of the pipe"),
            interface: &self.interface.gresses[gress_id],
            schedule,
            tables,
            work: &mut self.work[gress_id],
            flights: &mut self.flights[gress_id],
        };
        let first = packets.iter().map(|packet| packet.steps.start).min();
        let end = packets.iter().map(|packet| packet.steps.end).max();
        for position in first.unwrap_or(0)..end.unwrap_or(0) {
            let step = Step::at(position, schedule.n_stages());
            steps.arrange(step, state);
            for packet in packets.iter_mut() {
                if packet.steps.contains(&position) {
                    let trace: Option<&mut dyn Trace> = match &mut trace {
                        Some(trace) => Some(&mut **trace),
                        None => None,
                    };
                    steps.step(step, packet, state, trace)?;
                }
            }
        }
        Ok(())
    }

    fn n_stages(&self, gress: GressId) -> Option<u32> {
        let schedule = self.gresses.get(gress)?.schedule.as_ref()?;
        Some(schedule.n_stages())
    }

    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn table_counts(&self, gress: GressId) -> Vec<TableCounts> {
        self.work
            .get(gress)
            .map_or_else(Vec::new, |work| work.counts.clone())
    }
}

/// A gress whose packets are between steps.
struct Steps<'a> {
    gress: &'a Gress,
    loaded: &'a LoadedGress,
    layout: &'a GressLayout,
    interface: &'a GressInterface,
    schedule: &'a Schedule,
    tables: &'a Tables,
    work: &'a mut Work,
    flights: &'a mut Vec<Flight>,
}

impl Steps<'_> {
    /// Brings the tables of a step up to date: one that a write has not come to yet differs from stage to stage.
    fn arrange(&mut self, step: Step, state: &State) {
        let Step::Stage(stage) = step else { return };
        if self.work.tables.len() < self.gress.tables.len() {
            arrange_entries(self.gress, self.loaded, self.work, state);
        }
        for table in self.schedule.tables_in(stage) {
            let place = Ref {
                gress: self.loaded.id,
                id: table,
            };
            let entries = state.table(place).expect("the layout was checked");
            if !self.work.tables[table].is_current(entries) {
                self.work.entries_stamp = None;
                self.work.tables[table].update(entries);
            }
        }
    }

    /// A packet makes a step.
    fn step(
        &mut self,
        step: Step,
        stepping: &mut Stepping<'_>,
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        let Stepping { slot, job, .. } = *stepping;
        // Borrowed anew, for no longer than the step.
        let trace: Option<&mut dyn Trace> = match trace {
            Some(trace) => Some(&mut *trace),
            None => None,
        };
        let work = &mut *self.work;
        let packet = (self.gress, self.loaded, self.layout);
        if step == Step::Parser {
            check_job(&job, self.loaded)?;
            if self.flights.len() <= slot {
                self.flights.resize_with(slot + 1, Flight::default);
            }
            let flight = &mut self.flights[slot];
            flight.exchange(work);
            begin(&mut flight.outcome, self.interface);
            let outcome = &mut flight.outcome;
            let mut packet = Packet::new(packet, work, state, outcome, trace, job);
            packet.enter(0, self.interface);
            packet.enter_stages(self.schedule);
            flight.is_over = !packet.parse();
            flight.exchange(work);
            return Ok(());
        }
        let n_fields = self.gress.fields.len();
        let flight = self.flights.get_mut(slot);
        let Some(flight) = flight.filter(|flight| flight.fields.len() == n_fields) else {
            let gress = self.loaded.id;
            return Err(EngineError::LostPacket { gress, slot });
        };
        if !flight.is_over {
            flight.exchange(work);
            let outcome = &mut flight.outcome;
            let mut packet = Packet::resumed(packet, work, state, outcome, trace, job);
            match step {
                Step::Parser => {}
                Step::Stage(stage) => packet.run_stage(self.tables, self.schedule, stage),
                Step::Deparser => packet.run_deparser(),
            }
            flight.exchange(work);
        }
        if step == Step::Deparser {
            let Some(outcome) = &mut stepping.outcome else {
                let gress = self.loaded.id;
                return Err(EngineError::LostPacket { gress, slot });
            };
            for field in &self.interface.watched {
                WordLayout::push(&mut flight.outcome.values, &flight.fields[field.index()]);
            }
            std::mem::swap(*outcome, &mut flight.outcome);
        }
        Ok(())
    }
}

/// Nothing has come of the packet yet.
fn begin(outcome: &mut Outcome, interface: &GressInterface) {
    outcome.clear();
    let n_watched = interface.watched.len();
    outcome.written.resize(n_watched, Writer::NONE);
}

/// Refuses a job that is not one of the interface.
fn check_job(job: &Job<'_>, loaded: &LoadedGress) -> Result<(), EngineError> {
    let needed = loaded.inputs.n_words();
    if job.inputs.len() != needed {
        return Err(EngineError::WrongInputs {
            needed,
            available: job.inputs.len(),
        });
    }
    let needed = job.part.n_given_words(loaded.phv.n_words());
    if !job.phv.is_empty() && job.phv.len() != needed {
        return Err(EngineError::WrongFields {
            needed,
            available: job.phv.len(),
        });
    }
    Ok(())
}

impl Packet<'_> {
    /// Writes what the device gives.
    fn enter(&mut self, index: usize, interface: &GressInterface) {
        for (position, field) in interface.inputs.iter().enumerate() {
            let value = self.loaded.inputs.get(self.job.inputs, position);
            self.work.fields[field.index()] = value;
        }
        if let Some(trace) = &mut self.trace {
            let fields = (&self.work.fields[..]).into();
            trace.event(Event::Packet { index, fields });
        }
    }

    fn run(&mut self) {
        match self.job.part {
            Part::Whole => {
                if self.parse() {
                    self.run_body();
                    self.run_deparser();
                }
            }
            Part::Parser => {
                self.parse();
                self.save_fields();
            }
            Part::Front => {
                let goes_on = self.parse();
                let fields = &self.work.fields;
                let headers = &self.loaded.headers;
                self.outcome.parsed_bits = headers.n_bits(|id| fields[id.index()].low_u64());
                let _ = goes_on
                    && self.run_control(ControlRole::Verify)
                    && self.run_control(ControlRole::Ingress);
                self.save_fields();
            }
            Part::Back { payload_offset } => {
                self.outcome.payload_offset = payload_offset;
                let goes_on = self.run_control(ControlRole::Egress);
                self.save_fields();
                if goes_on && self.run_control(ControlRole::Compute) {
                    self.run_deparser();
                }
            }
        }
    }

    /// Parses the packet; returns whether it goes on.
    fn parse(&mut self) -> bool {
        let goes_on = self.run_parser();
        self.outcome.payload_offset = self.cursor.position_bytes();
        goes_on && self.outcome.wrong_claim.is_none()
    }

    /// Shows every field to the caller.
    fn save_fields(&mut self) {
        let words = &mut self.outcome.phv;
        self.work
            .fields
            .iter()
            .for_each(|value| WordLayout::push(words, value));
    }
}

/// Brings what entries are looked up in up to date with the state.
fn arrange_entries(gress: &Gress, loaded: &LoadedGress, work: &mut Work, state: &State) {
    if work.entries_stamp == Some(state.entries_stamp()) {
        return;
    }
    for table in gress.tables.ids() {
        arrange_table(gress, loaded, table, work, state);
    }
    work.entries_stamp = Some(state.entries_stamp());
}

/// The same for one table; those before it have been arranged.
fn arrange_table(gress: &Gress, loaded: &LoadedGress, id: TableId, work: &mut Work, state: &State) {
    let gress_id = loaded.id;
    let place = Ref {
        gress: gress_id,
        id,
    };
    let entries = state.table(place).expect("the layout was checked");
    if let Some(arranged) = work.tables.get_mut(id) {
        arranged.update(entries);
        return;
    }
    let schedule = loaded.schedule.as_ref();
    let is_divided = schedule.is_some_and(|schedule| schedule.divides(id));
    let arranged = MatchTable::new(gress, &gress.tables[id], entries, is_divided);
    work.tables.push(arranged);
}
