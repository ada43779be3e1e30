//! The machine that a program runs on: pipe, target, engine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use p4rmt_driver::{Compiled, Generation};
use p4rmt_engine::{Engine, Mode};
use p4rmt_interp::Interp;
use p4rmt_ir::{self as ir, PipeId};
use p4rmt_jit::Jit;
use p4rmt_mau::what_if::change_target;
use p4rmt_mau::{Fit, Target};
use p4rmt_pipeline::{Device, GressTiming, Timing};
use p4rmt_rustgen::ChildEngine;

use crate::failure::Failure;
use crate::program::read_text;
use crate::rust::RustArgs;

/// Which machine runs the program.
#[derive(clap::Args)]
pub(crate) struct MachineArgs {
    /// Which engine runs it.
    #[arg(long, value_name = "ENGINE", default_value = "interp")]
    pub(crate) engine: EngineName,
    #[command(flatten)]
    pub(crate) rust: RustArgs,
    /// Run it placed in the stages of this machine: `tofino1`, `tofino2`, or a target file. Without
    /// it: of the machine that its architecture is for, if it fits there.
    #[arg(long, value_name = "NAME|FILE.toml", conflicts_with = "unplaced")]
    pub(crate) target: Option<String>,
    /// Run it without stages, table after table.
    #[arg(long)]
    pub(crate) unplaced: bool,
    /// Which pipe of a program with several.
    #[arg(long, value_name = "NAME")]
    pub(crate) pipe: Option<String>,
}

/// The engines.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineName {
    /// The reference interpreter.
    Interp,
    /// Machine code, made by Cranelift.
    Jit,
    /// Rust that is emitted and built by cargo, which must be there. It runs without stages.
    Rust,
    /// Every engine that needs nothing else, one after the other: interp and jit.
    All,
}

impl MachineArgs {
    /// The same options as arguments of another process.
    pub(crate) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: &str| arguments.extend([name.into(), value.into()]);
        match self.engine {
            EngineName::Interp => option("--engine", "interp"),
            EngineName::Jit => option("--engine", "jit"),
            EngineName::Rust => option("--engine", "rust"),
            EngineName::All => option("--engine", "all"),
        }
        for (name, folder) in [
            ("--cache", &self.rust.cache),
            ("--engine-path", &self.rust.engine_path),
        ] {
            if let Some(folder) = folder {
                arguments.extend([name.into(), folder.into()]);
            }
        }
        let mut option = |name: &str, value: &str| arguments.extend([name.into(), value.into()]);
        if let Some(target) = &self.target {
            option("--target", target);
        }
        if let Some(pipe) = &self.pipe {
            option("--pipe", pipe);
        }
        if self.unplaced {
            arguments.push("--unplaced".into());
        }
        arguments
    }
}

/// A program on its machine.
pub(crate) struct Machine {
    program: Arc<ir::Program>,
    pipe: PipeId,
    mode: Mode,
    engine: EngineName,
    /// The engine of emitted Rust, where it is asked for.
    rust: Option<ChildEngine>,
    /// The placement; none if the program runs without stages.
    pub(crate) fit: Option<Fit>,
    /// How long packets take; none if the program runs without stages.
    timing: Option<Timing>,
    /// Why it runs without stages, if nobody asked for that.
    pub(crate) why_unplaced: Option<String>,
}

/// A fresh device that runs the only pipe of a program in the stages of a target, as machine code.
pub(crate) fn place_on(compiled: &Compiled, target: &Target) -> Result<Device, Failure> {
    let program = &compiled.program;
    let pipe = find_pipe(program, None)?;
    let fit = p4rmt_mau::place_tables(program, pipe, target).map_err(not_placed)?;
    if !fit.fits() {
        let why = format!("the program does not fit {}", target.name);
        return Err(Failure::Input(why));
    }
    let mode = Mode::Placed(Arc::new(fit.placement));
    let device = Device::new(&Jit, Arc::clone(program), pipe, mode);
    device.map_err(|error| Failure::Input(error.to_string()))
}

impl Machine {
    /// Places the program, unless it is to run without stages.
    pub(crate) fn new(compiled: &Compiled, args: &MachineArgs) -> Result<Self, Failure> {
        let pipe = find_pipe(&compiled.program, args.pipe.as_deref())?;
        let mut machine = Self {
            program: Arc::clone(&compiled.program),
            pipe,
            mode: Mode::Unplaced,
            engine: args.engine,
            rust: match args.engine {
                EngineName::Rust => Some(args.rust.engine()?),
                EngineName::Interp | EngineName::Jit | EngineName::All => None,
            },
            fit: None,
            timing: None,
            why_unplaced: None,
        };
        if args.engine == EngineName::Rust && args.target.is_some() {
            let why = "emitted Rust runs without stages: leave `--target` out";
            return Err(Failure::Usage(why.to_owned()));
        }
        if args.unplaced || args.engine == EngineName::Rust {
            return Ok(machine);
        }
        let name = args
            .target
            .as_deref()
            .or(default_target(compiled.program.arch));
        let Some(name) = name else { return Ok(machine) };
        let target = load_target(name)?;
        let fit = p4rmt_mau::place_tables(&compiled.program, pipe, &target);
        let fit = fit.map_err(not_placed)?;
        if fit.fits() {
            machine.mode = Mode::Placed(Arc::new(fit.placement.clone()));
            machine.timing = Some(timing(machine.pipe(), &fit, &target));
            machine.fit = Some(fit);
        } else {
            let why = format!(
                "it does not fit {}: `p4rmt fit` says why; `--unplaced` runs it without stages",
                target.name
            );
            if args.target.is_some() {
                return Err(Failure::Input(why));
            }
            machine.why_unplaced = Some(why);
        }
        Ok(machine)
    }

    /// The pipe that runs.
    pub(crate) fn pipe(&self) -> &ir::Pipe {
        &self.program.pipes[self.pipe]
    }

    /// How long packets take in lock step.
    pub(crate) fn timing(&self) -> Result<&Timing, Failure> {
        self.timing.as_ref().ok_or_else(|| {
            let why = self.why_unplaced.as_deref();
            let why = why.unwrap_or("only a program that is placed in stages runs in lock step");
            Failure::Input(why.to_owned())
        })
    }

    /// The engines that were asked for.
    pub(crate) fn engines(&self) -> Vec<&dyn Engine> {
        match (self.engine, &self.rust) {
            (EngineName::Rust, Some(rust)) => vec![rust],
            (EngineName::Interp | EngineName::Rust, _) => vec![&Interp],
            (EngineName::Jit, _) => vec![&Jit],
            (EngineName::All, _) => vec![&Interp, &Jit],
        }
    }

    /// The only engine that was asked for.
    pub(crate) fn only_engine(&self) -> Result<&dyn Engine, Failure> {
        match self.engines()[..] {
            [engine] => Ok(engine),
            _ => {
                let why = "`--engine all` is for vectors: name the engine that this runs on";
                Err(Failure::Usage(why.to_owned()))
            }
        }
    }

    /// A fresh device on an engine.
    pub(crate) fn device(
        &self,
        engine: &dyn Engine,
    ) -> Result<Device, p4rmt_pipeline::DeviceError> {
        Device::new(
            engine,
            Arc::clone(&self.program),
            self.pipe,
            self.mode.clone(),
        )
    }
}

/// How long packets take through a pipe that is placed on a target.
fn timing(pipe: &ir::Pipe, fit: &Fit, target: &Target) -> Timing {
    let gress = |role| GressTiming {
        parser: target.around.parser_cycles,
        stages: pipe
            .gress(role)
            .map_or_else(Vec::new, |(gress, _)| fit.stage_cycles[gress].clone()),
        deparser: target.around.deparser_cycles,
    };
    Timing {
        ingress: gress(ir::GressRole::Ingress),
        egress: gress(ir::GressRole::Egress),
        traffic_manager: target.around.traffic_manager_cycles,
    }
}

/// Places a pipe.
pub(crate) fn place(compiled: &Compiled, pipe: PipeId, target: &Target) -> Result<Fit, Failure> {
    p4rmt_mau::place(&compiled.program, pipe, target).map_err(not_placed)
}

fn not_placed(error: p4rmt_mau::PlaceError) -> Failure {
    match error {
        p4rmt_mau::PlaceError::NoSuchPipe { .. }
        | p4rmt_mau::PlaceError::NoStages
        | p4rmt_mau::PlaceError::NotTables { .. } => Failure::Input(error.to_string()),
        p4rmt_mau::PlaceError::Unsound { .. } => panic!("{error}"),
    }
}

/// The pipe of this name, or the only one.
pub(crate) fn find_pipe(program: &ir::Program, name: Option<&str>) -> Result<PipeId, Failure> {
    let names = || {
        let names: Vec<_> = program
            .pipes
            .values()
            .map(|pipe| pipe.name.as_str())
            .collect();
        names.join("`, `")
    };
    let found = match name {
        Some(name) => program.pipes.iter().find(|(_, pipe)| pipe.name == name),
        // The first pipe is the one that packets meet on port 0.
        None => program.pipes.iter().next(),
    };
    found.map(|(id, _)| id).ok_or_else(|| {
        let name = name.unwrap_or_default();
        Failure::Usage(format!(
            "the program has no pipe `{name}`; it has `{}`",
            names()
        ))
    })
}

/// A target by name, or from a file.
pub(crate) fn load_target(name: &str) -> Result<Target, Failure> {
    load_changed_target(name, &[])
}

/// A target by name, or from a file, with other numbers.
pub(crate) fn load_changed_target(
    name: &str,
    changes: &[(String, u32)],
) -> Result<Target, Failure> {
    let is_name = |(built_in, _): &&(&str, &str)| *built_in == name;
    if let Some((_, text)) = Target::BUILT_IN.iter().find(is_name) {
        return change_target(text, changes).map_err(|error| Failure::Usage(error.to_string()));
    }
    let path = PathBuf::from(name);
    if !path.exists() {
        let known = "`tofino1`, `tofino2`, or a target file (.toml)";
        return Err(Failure::Usage(format!(
            "there is no target `{name}`: give {known}"
        )));
    }
    let text = read_text(&path)?;
    change_target(&text, changes)
        .map_err(|error| Failure::Input(format!("target file `{}`: {error}", path.display())))
}

/// The machine that an architecture is for.
pub(crate) fn default_target(arch: ir::Arch) -> Option<&'static str> {
    match arch {
        ir::Arch::Tna => Some("tofino1"),
        ir::Arch::T2na => Some("tofino2"),
        ir::Arch::V1model => None,
    }
}

/// The generation that a program is compiled for when it is meant for this target.
pub(crate) fn generation_of(target: Option<&str>) -> Option<Generation> {
    match target.map(|name| {
        Path::new(name)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
    }) {
        Some(name) if name.starts_with("tofino1") => Some(Generation::Tofino1),
        Some(name) if name.starts_with("tofino2") => Some(Generation::Tofino2),
        Some(_) | None => None,
    }
}
