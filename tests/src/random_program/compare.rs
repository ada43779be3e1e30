//! A program in every form on every engine, and the first thing in which they differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use p4rmt_driver::{Compiled, Options, Rejected, compile};
use p4rmt_engine::{Engine, Mode, Ref, State};
use p4rmt_ir::{Arch, Bits, Id, PipeId, Program};
use p4rmt_mau::{Target, place_tables};
use p4rmt_pipeline::{Departure, Device};
use p4rmt_syntax::{LoadError, Loader};

use super::RandomProgram;
use crate::rig::ENGINES;

/// What came of a comparison without a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// All executions came to the same.
    Same {
        /// Packets that left.
        n_departures: usize,
        /// Lookups that found an entry.
        n_hits: u64,
        /// Whether it was placed, too.
        is_placed: bool,
    },
    /// The machine cannot carry the program: the code says why.
    Refused(String),
}

/// What must not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Found {
    /// A program that is right was refused.
    #[error("it is refused:\n{0}")]
    Refused(String),
    /// The vector names what is not there, or an engine does not load it.
    #[error("it does not run: {0}")]
    DoesNotRun(String),
    /// Two executions differ.
    #[error("{left} and {right} differ in {what}")]
    Difference {
        /// The one.
        left: String,
        /// The other.
        right: String,
        /// In what.
        what: String,
    },
}

/// Codes by which a program is refused that is right, but not for a machine of stages.
const NOT_FOR_THE_MACHINE: &[&str] = &["E03", "E04", "E05"];

struct OneFile<'a>(&'a str);

impl Loader for OneFile<'_> {
    fn load(&self, path: &Path) -> Result<Option<String>, LoadError> {
        Ok((path == Path::new("random.p4")).then(|| self.0.to_owned()))
    }
}

/// An execution, at its end.
struct Execution {
    name: String,
    device: Device,
    departures: Vec<Departure>,
    /// What could not be carried out; entries that are there twice, say.
    refused: Vec<String>,
}

fn compiled(random: &RandomProgram) -> Result<Compiled, Box<Rejected>> {
    compile(
        Path::new("random.p4"),
        &Options::default(),
        &OneFile(&random.text),
    )
}

/// The program in the form that its machine runs; none where the machine cannot carry it.
#[must_use]
pub fn lowered(random: &RandomProgram) -> Option<Arc<Program>> {
    Some(compiled(random).ok()?.program)
}

/// Runs a program without stages on two engines; how many packets left.
///
/// # Errors
/// The first difference, or what kept the program from running.
pub fn compare_on(
    engines: [&dyn Engine; 2],
    program: &Arc<Program>,
    vector: &str,
) -> Result<usize, Found> {
    let vector = p4rmt_stf::parse("random.stf", vector)
        .map_err(|errors| Found::DoesNotRun(format!("{:?}", errors.first())))?;
    let run = |engine| {
        let form = "without stages";
        execute(engine, form, true, program, Mode::Unplaced, &vector)
    };
    let [left, right] = engines;
    let (left, right) = (run(left)?, run(right)?);
    left.hold_against(&right)?;
    Ok(left.departures.len())
}

/// Runs a program in every form on every engine.
///
/// # Errors
/// The first difference, or what kept the program from running.
pub fn compare(random: &RandomProgram) -> Result<Compared, Found> {
    let compiled = match compiled(random) {
        Ok(compiled) => compiled,
        Err(rejected) => {
            let errors = rejected.diagnostics.iter();
            let first = errors.clone().find(|one| one.code.0.starts_with('E'));
            let code = first.map_or("", |first| first.code.0);
            let is_fair = random.arch != Arch::V1model
                && NOT_FOR_THE_MACHINE
                    .iter()
                    .any(|group| code.starts_with(group));
            if is_fair {
                return Ok(Compared::Refused(code.to_owned()));
            }
            let shown: Vec<String> = first
                .into_iter()
                .map(|one| rejected.sources.render(one, false))
                .collect();
            return Err(Found::Refused(shown.join("\n")));
        }
    };
    let vector = p4rmt_stf::parse("random.stf", &random.vector)
        .map_err(|errors| Found::DoesNotRun(format!("{:?}", errors.first())))?;
    let mut forms = vec![("structured", &compiled.structured, Mode::Unplaced)];
    let mut is_placed = false;
    if random.arch != Arch::V1model {
        forms.push(("tables", &compiled.program, Mode::Unplaced));
        if let Some(placed) = placed(&compiled) {
            forms.push(("placed", &compiled.program, placed));
            is_placed = true;
        }
    }
    let mut first: Option<Execution> = None;
    let (mut n_departures, mut n_hits) = (0, 0);
    for (form, program, mode) in forms {
        // With nobody to look at them, packets may take shorter ways.
        let watched = ENGINES.map(|engine| (engine, true));
        let unwatched = ENGINES.map(|engine| (engine, false));
        for (engine, is_watched) in watched.into_iter().chain(unwatched) {
            let execution = execute(engine, form, is_watched, program, mode.clone(), &vector)?;
            match &first {
                Some(first) => first.hold_against(&execution)?,
                None => {
                    n_departures = execution.departures.len();
                    let counts = execution.device.table_counts();
                    n_hits = counts.iter().map(|(_, counts)| counts.hits).sum();
                    first = Some(execution);
                }
            }
        }
    }
    Ok(Compared::Same {
        n_departures,
        n_hits,
        is_placed,
    })
}

/// The placement, if the program fits.
fn placed(compiled: &Compiled) -> Option<Mode> {
    let target = Target::built_in("tofino2").expect("a target of ours");
    let fit = place_tables(&compiled.program, PipeId::from_index(0), &target).ok()?;
    fit.fits().then(|| Mode::Placed(Arc::new(fit.placement)))
}

fn execute(
    engine: &dyn Engine,
    form: &str,
    is_watched: bool,
    program: &Arc<Program>,
    mode: Mode,
    vector: &p4rmt_stf::Vector,
) -> Result<Execution, Found> {
    let device = Device::new(engine, Arc::clone(program), PipeId::from_index(0), mode);
    let mut device = device.map_err(|error| Found::DoesNotRun(error.to_string()))?;
    device.record_fates(is_watched);
    let (mut device, errors) = p4rmt_stf::apply(vector, device);
    let departures = device.take_departures().collect();
    Ok(Execution {
        name: format!("{} ({form})", engine.name()),
        device,
        departures,
        refused: errors.iter().map(ToString::to_string).collect(),
    })
}

impl Execution {
    fn hold_against(&self, other: &Self) -> Result<(), Found> {
        let differ = |what: String| Found::Difference {
            left: self.name.clone(),
            right: other.name.clone(),
            what,
        };
        if self.refused != other.refused {
            return Err(differ(format!(
                "statements that were refused: {:?} and {:?}",
                self.refused, other.refused
            )));
        }
        let n = self.departures.len().max(other.departures.len());
        for index in 0..n {
            let (left, right) = (self.departures.get(index), other.departures.get(index));
            let alone = |departure: Option<&Departure>| {
                departure.cloned().map(|departure| Departure {
                    headers: None,
                    ..departure
                })
            };
            if alone(left) != alone(right) {
                return Err(differ(format!("departure {index}: {left:?} and {right:?}")));
            }
        }
        let same_form = self.device.program().name == other.device.program().name
            && Arc::ptr_eq(self.device.program(), other.device.program());
        if same_form {
            let difference = self.device.state().first_difference(other.device.state());
            if let Some(difference) = difference {
                return Err(differ(difference.to_string()));
            }
            if self.device.table_counts() != other.device.table_counts() {
                return Err(differ("hits and misses".to_owned()));
            }
        }
        let (left, right) = (memory(self.device.state()), memory(other.device.state()));
        match left
            .iter()
            .find(|(name, cells)| right.get(*name) != Some(*cells))
        {
            Some((name, cells)) => Err(differ(format!(
                "register `{name}`: {cells:?} and {:?}",
                right.get(name)
            ))),
            None => Ok(()),
        }
    }
}

/// All cells of all registers, by name: what the two forms have in common.
fn memory(state: &State) -> BTreeMap<String, Vec<Vec<Bits>>> {
    let pipe = state.layout().pipe();
    let registers = pipe.gresses.iter().flat_map(|(gress, body)| {
        body.registers.iter().map(move |(id, register)| {
            let place = Ref { gress, id };
            let cells = (0..register.size).map(|index| state.register(place, index));
            let cells = cells.map(|cell| cell.expect("in range")).collect();
            (register.name.clone(), cells)
        })
    });
    registers.collect()
}
