//! A batch: for each packet parser, match-action part, deparser, and what comes of it.

use std::sync::Arc;

use p4rmt_engine::{
    EngineError, Event, Instance, Interface, Job, MatchTable, Mode, Outcome, Part, Ref, State,
    StateLayout, TableCounts, Trace, WordLayout,
};
use p4rmt_ir::{Arena, ControlRole, GressId, Id, PipeId, Program};

use crate::load::LoadedGress;
use crate::packet::{Packet, Work};

/// One pipe, ready to run.
pub(crate) struct InterpInstance {
    layout: Arc<StateLayout>,
    interface: Interface,
    gresses: Arena<GressId, LoadedGress>,
    work: Arena<GressId, Work>,
}

impl InterpInstance {
    pub(crate) fn load(
        program: Arc<Program>,
        pipe_id: PipeId,
        mode: &Mode,
        mut interface: Interface,
    ) -> Result<Self, EngineError> {
        let Some(pipe) = program.pipes.get(pipe_id) else {
            return Err(EngineError::NoPipe {
                pipe: pipe_id,
                available: program.pipes.len(),
            });
        };
        while interface.gresses.len() < pipe.gresses.len() {
            interface.gresses.push(Default::default());
        }
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
        Ok(Self {
            layout: StateLayout::new(Arc::clone(&program), pipe_id)?,
            interface,
            gresses,
            work,
        })
    }
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
        let Some(gress) = self.layout.pipe().gresses.get(gress_id) else {
            return Err(EngineError::NoGress {
                gress: gress_id,
                available: self.gresses.len(),
            });
        };
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
        arrange_entries(gress_id, gress, work, state);
        let interface = &self.interface.gresses[gress_id];
        for (index, (job, outcome)) in jobs.iter().zip(outcomes).enumerate() {
            if job.inputs.len() != loaded.inputs.n_words() {
                return Err(EngineError::WrongInputs {
                    needed: loaded.inputs.n_words(),
                    available: job.inputs.len(),
                });
            }
            if !job.phv.is_empty() && job.phv.len() != loaded.phv.n_words() {
                return Err(EngineError::WrongFields {
                    needed: loaded.phv.n_words(),
                    available: job.phv.len(),
                });
            }
            outcome.clear();
            outcome.written.resize(interface.watched.len(), None);
            let trace: Option<&mut dyn Trace> = match &mut trace {
                Some(trace) => Some(&mut **trace),
                None => None,
            };
            let packet = (gress, loaded, layout);
            let mut packet = Packet::new(packet, work, state, outcome, trace, *job);
            packet.tell(|| Event::Packet { index });
            for (position, field) in interface.inputs.iter().enumerate() {
                let value = loaded.inputs.get(job.inputs, position);
                packet.work.fields[field.index()] = value;
            }
            packet.run();
            for field in &interface.watched {
                WordLayout::push(&mut outcome.values, &work.fields[field.index()]);
            }
        }
        Ok(())
    }

    fn interface(&self) -> &Interface {
        &self.interface
    }

    fn table_counts(&self, gress: GressId) -> &[TableCounts] {
        self.work.get(gress).map_or(&[], |work| &work.counts)
    }
}

impl Packet<'_> {
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
fn arrange_entries(id: GressId, gress: &p4rmt_ir::Gress, work: &mut Work, state: &State) {
    for (table_id, table) in gress.tables.iter() {
        let place = Ref {
            gress: id,
            id: table_id,
        };
        let entries = state.table(place).expect("the layout was checked");
        match work.tables.get(table_id) {
            Some(arranged) if arranged.is_current(entries) => {}
            Some(_) => work.tables[table_id] = MatchTable::new(gress, table, entries),
            None => {
                work.tables.push(MatchTable::new(gress, table, entries));
            }
        }
    }
}
