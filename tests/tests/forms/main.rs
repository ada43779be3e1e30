//! One meaning in three executions: random programs run structured, as tables, and placed, on the
//! same packets. After each packet every field, and every register and counter, is the same.

mod maker;
mod place;

use std::sync::Arc;

use p4rmt_engine::{
    Engine, GressInterface, Instance, Interface, Job, Mode, Outcome, Part, State, StateLayout,
};
use p4rmt_interp::Interp;
use p4rmt_ir::text::gress_text;
use p4rmt_ir::validate::validate;
use p4rmt_ir::{Bits, FieldId, GressId, Id, PipeId, Program};
use p4rmt_mau::Target;
use p4rmt_midend::to_tables;

use crate::maker::{Dice, Maker};
use crate::place::place;

const N_PROGRAMS: u64 = 600;
const N_PACKETS: u64 = 24;

fn pipe_id() -> PipeId {
    PipeId::from_index(0)
}

fn gress_id() -> GressId {
    GressId::from_index(0)
}

/// A program in one execution, with its state.
struct Execution {
    name: &'static str,
    instance: Box<dyn Instance>,
    state: State,
    outcome: Outcome,
}

impl Execution {
    fn new(name: &'static str, program: &Arc<Program>, mode: Mode, fields: &[FieldId]) -> Self {
        let interface = GressInterface {
            inputs: fields.to_vec(),
            watched: fields.to_vec(),
            crossing: None,
        };
        let interface = Interface {
            gresses: std::iter::once(interface).collect(),
        };
        let layout = StateLayout::new(Arc::clone(program), pipe_id()).expect("small");
        let instance = Interp.load(Arc::clone(program), pipe_id(), mode, interface);
        Self {
            name,
            instance: instance.expect("it loads"),
            state: State::new(layout).expect("entries fit"),
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self, inputs: &[u64], clock: u64) {
        let job = Job {
            bytes: &[0; 60],
            prefix_len: 0,
            clock,
            inputs,
            part: Part::Whole,
            phv: &[],
        };
        let outcomes = std::slice::from_mut(&mut self.outcome);
        let result = self
            .instance
            .run(gress_id(), &[job], outcomes, &mut self.state, None);
        result.expect("it runs");
    }

    /// All elements of all registers, by name: the two forms have layouts of their own.
    fn registers(&self) -> Vec<(String, Vec<Vec<Bits>>)> {
        let gress = &self.state.layout().pipe().gresses[gress_id()];
        let registers = gress.registers.iter().map(|(id, register)| {
            let place = p4rmt_engine::Ref {
                gress: gress_id(),
                id,
            };
            let element = |index| self.state.register(place, index).expect("in range");
            let elements = (0..register.size).map(element).collect();
            (register.name.clone(), elements)
        });
        registers.collect()
    }
}

/// Structured, as tables, and placed: as early as it can be, with slack and split tables, and by the
/// placer where the program fits a Tofino 2.
fn executions(structured: Program, seed: u64, fields: &[FieldId]) -> Option<Vec<Execution>> {
    assert_eq!(validate(&structured), Ok(()), "seed {seed}");
    let tables = Arc::new(to_tables(&structured).ok()?);
    assert_eq!(validate(&tables), Ok(()), "seed {seed}");
    let gress = &tables.pipes[pipe_id()].gresses[gress_id()];
    let early = Arc::new(place(gress, &mut Dice(seed), 0));
    let loose = Arc::new(place(gress, &mut Dice(seed), 3));
    let structured = Arc::new(structured);
    let target = Target::built_in("tofino2").expect("a target of ours");
    let fit = p4rmt_mau::place(&tables, pipe_id(), &target).expect("it is in the tables form");
    let mut executions = vec![
        Execution::new("structured", &structured, Mode::Unplaced, fields),
        Execution::new("tables", &tables, Mode::Unplaced, fields),
        Execution::new("placed early", &tables, Mode::Placed(early), fields),
        Execution::new("placed with slack", &tables, Mode::Placed(loose), fields),
    ];
    if fit.fits() {
        let mode = Mode::Placed(Arc::new(fit.placement));
        executions.push(Execution::new(
            "placed by the placer",
            &tables,
            mode,
            fields,
        ));
    }
    Some(executions)
}

#[test]
fn all_executions_of_random_programs_agree() {
    let (mut n_refused, mut n_fit, mut n_hits) = (0, 0, 0);
    for seed in 0..N_PROGRAMS {
        let (structured, fields) = Maker::new(seed).program();
        let Some(mut executions) = executions(structured, seed, &fields) else {
            n_refused += 1;
            continue;
        };
        n_fit += u64::from(executions.len() == 5);
        let mut dice = Dice(seed ^ 0xabcd_ef01);
        for packet in 0..N_PACKETS {
            let inputs: Vec<u64> = fields.iter().map(|_| dice.below(4)).collect();
            for execution in &mut executions {
                execution.run(&inputs, packet);
            }
            let (first, others) = executions.split_first().expect("at least four");
            for other in others {
                let context = || {
                    let gress = &other.state.layout().pipe().gresses[gress_id()];
                    let text = gress_text(gress);
                    format!(
                        "{}, seed {seed}, packet {packet} {inputs:?}\n{text}",
                        other.name
                    )
                };
                assert_eq!(first.outcome.values, other.outcome.values, "{}", context());
                assert_eq!(first.registers(), other.registers(), "{}", context());
            }
        }
        let counts = executions[1].instance.table_counts(gress_id());
        n_hits += counts.iter().map(|counts| counts.hits).sum::<u64>();
        assert_eq!(
            counts,
            executions[2].instance.table_counts(gress_id()),
            "seed {seed}"
        );
    }
    assert!(
        n_refused < N_PROGRAMS / 20,
        "{n_refused} of {N_PROGRAMS} refused"
    );
    assert!(n_fit > N_PROGRAMS / 5, "only {n_fit} of {N_PROGRAMS} fit");
    assert!(
        n_hits > N_PROGRAMS,
        "{n_hits} hits: the entries are not tested"
    );
}
