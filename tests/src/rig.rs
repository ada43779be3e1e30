//! A compiled program on a device, in each of the ways in which it can run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use p4rmt_driver::{Compiled, DiskLoader, Options, compile};
use p4rmt_engine::{Engine, Mode};
use p4rmt_interp::Interp;
use p4rmt_ir::{Id, PipeId};
use p4rmt_jit::Jit;
use p4rmt_mau::{Target, place_tables};
use p4rmt_pipeline::Device;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compiles a program of the repository, which must be right.
///
/// # Panics
/// If it is refused; the message is what a user would see.
#[must_use]
pub fn compile_program(path: &str) -> Compiled {
    match compile(&root().join(path), &Options::default(), &DiskLoader) {
        Ok(compiled) => compiled,
        Err(rejected) => {
            let shown = rejected.diagnostics.iter();
            let shown: Vec<_> = shown.map(|d| rejected.sources.render(d, false)).collect();
            panic!("{path} is refused:\n{}", shown.join("\n"));
        }
    }
}

/// A way to run a program. All of them mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Statements, as the language has them.
    Structured,
    /// Tables and gateways, one after the other.
    Tables,
    /// Tables and gateways in the stages of this built-in target.
    Placed(&'static str),
}

/// Every form, for a program of Tofino 2.
pub const FORMS: [Form; 3] = [Form::Structured, Form::Tables, Form::Placed("tofino2")];

/// Every engine. The first is the reference.
pub const ENGINES: [&(dyn Engine + Sync); 2] = [&Interp, &Jit];

/// A fresh device with the first pipe of a program, on the reference engine.
///
/// # Panics
/// If the program does not run in this form, or does not fit.
#[must_use]
pub fn device(compiled: &Compiled, form: Form) -> Device {
    device_on(&Interp, compiled, form)
}

/// The same on any engine.
///
/// # Panics
/// If the program does not run in this form, or does not fit.
#[must_use]
pub fn device_on(engine: &dyn Engine, compiled: &Compiled, form: Form) -> Device {
    let pipe = PipeId::from_index(0);
    let (program, mode) = match form {
        Form::Structured => (&compiled.structured, Mode::Unplaced),
        Form::Tables => (&compiled.program, Mode::Unplaced),
        Form::Placed(target) => {
            let target = Target::built_in(target).expect("the target is built in");
            let fit =
                place_tables(&compiled.program, pipe, &target).expect("the program can be placed");
            assert!(
                fit.fits(),
                "{} does not fit: {:?}",
                compiled.program.name,
                fit.problems
            );
            (&compiled.program, Mode::Placed(Arc::new(fit.placement)))
        }
    };
    Device::new(engine, Arc::clone(program), pipe, mode).expect("the program runs")
}
