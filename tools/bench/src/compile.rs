//! How long the compiler takes for `laminar.p4`: checking, placing, and making machine code.

use p4rmt_driver::{DiskLoader, Options, check};
use p4rmt_ir::{Id, PipeId};
use p4rmt_mau::place;
use serde::Serialize;

use crate::device::{compile_program, in_repository, target_of};
use crate::stopwatch::Stopwatch;
use crate::{BenchError, EngineName, Prepared, Runner, Sink, laminar};

/// A step of the compiler.
#[derive(Clone, Debug, Serialize)]
pub struct CompileRow {
    /// `check`, `fit`, `jit` (an engine made ready, up to its first segment), or `all` of them.
    pub step: &'static str,
    /// The program.
    pub program: &'static str,
    /// The median of several runs.
    pub milliseconds: f64,
}

const PROGRAM: &str = "laminar.p4";

/// Times each step `n_rounds` times. What is said of a program is printed nowhere.
///
/// # Errors
/// The program is refused, or does not fit.
pub fn measure_compile(n_rounds: usize) -> Result<Vec<CompileRow>, BenchError> {
    let mut rounds: [Vec<f64>; 4] = Default::default();
    // Code is made when it is first needed: one segment takes every way through it.
    let one_segment = laminar::receive(1, 1)?;
    for _ in 0..n_rounds.max(1) {
        let times = round(&one_segment)?;
        let all = times.iter().sum();
        for (round, time) in rounds.iter_mut().zip(times.into_iter().chain([all])) {
            round.push(time);
        }
    }
    let steps = ["check", "fit", "jit", "all"].into_iter().zip(&mut rounds);
    Ok(steps
        .map(|(step, times)| {
            times.sort_by(f64::total_cmp);
            CompileRow {
                step,
                program: PROGRAM,
                milliseconds: times[times.len() / 2],
            }
        })
        .collect())
}

/// Milliseconds of each step.
fn round(one_segment: &Prepared) -> Result<[f64; 3], BenchError> {
    let pipe = PipeId::from_index(0);
    let started = Stopwatch::start();
    let checked = check(&in_repository(PROGRAM), &Options::default(), &DiskLoader);
    let check = started.elapsed();
    drop(checked);

    let compiled = compile_program(PROGRAM)?;
    let target = target_of(&compiled).ok_or_else(|| BenchError::NoStages {
        work: PROGRAM.to_owned(),
    })?;
    let started = Stopwatch::start();
    place(&compiled.program, pipe, &target)?;
    let placed = started.elapsed();

    let Prepared {
        subject,
        fill,
        packets,
        ..
    } = one_segment;
    let started = Stopwatch::start();
    let mut runner = Runner::new(EngineName::Jit, EngineName::Jit.engine(), subject, fill)?;
    runner.run(packets, &mut Sink::default())?;
    let jit = started.elapsed();
    Ok([check, placed, jit].map(|time| time.as_secs_f64() * 1e3))
}
