//! How long the compiler takes for `laminar.p4`: checking, placing, and making machine code.

use std::sync::Arc;
use std::time::Instant;

use p4rmt_driver::{DiskLoader, Options, check};
use p4rmt_engine::Mode;
use p4rmt_ir::{Id, PipeId};
use p4rmt_jit::Jit;
use p4rmt_mau::place;
use p4rmt_pipeline::Device;
use serde::Serialize;

use crate::BenchError;
use crate::device::{compile_program, in_repository, target_of};

/// A step of the compiler.
#[derive(Clone, Debug, Serialize)]
pub struct CompileRow {
    /// `check`, `fit`, `jit`, or `all` of them.
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
    for _ in 0..n_rounds.max(1) {
        let times = round()?;
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
fn round() -> Result<[f64; 3], BenchError> {
    let pipe = PipeId::from_index(0);
    let started = Instant::now();
    let checked = check(&in_repository(PROGRAM), &Options::default(), &DiskLoader);
    let check = started.elapsed();
    drop(checked);

    let compiled = compile_program(PROGRAM)?;
    let target = target_of(&compiled).ok_or_else(|| BenchError::NoStages {
        work: PROGRAM.to_owned(),
    })?;
    let started = Instant::now();
    let fit = place(&compiled.program, pipe, &target)?;
    let placed = started.elapsed();

    let mode = Mode::Placed(Arc::new(fit.placement));
    let started = Instant::now();
    Device::new(&Jit, Arc::clone(&compiled.program), pipe, mode)?;
    let jit = started.elapsed();
    Ok([check, placed, jit].map(|time| time.as_secs_f64() * 1e3))
}
