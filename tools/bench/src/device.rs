//! A program on its machine, on an engine: the side of a benchmark that is not written by hand.

use std::path::Path;
use std::sync::Arc;

use p4rmt_driver::{Compiled, DiskLoader, Options, compile};
use p4rmt_engine::{Engine, Mode, State};
use p4rmt_interp::Interp;
use p4rmt_ir::{Arch, GressRole, Id, PipeId, Program};
use p4rmt_jit::Jit;
use p4rmt_mau::{Fit, Target, place_tables};
use p4rmt_pipeline::{Arriving, Device, Execution, GressTiming, LockStep, Timing};
use serde::Serialize;

use crate::{BenchError, Packets, Sink};

/// What runs a program, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    /// The reference interpreter.
    Interp,
    /// Machine code.
    Jit,
    /// The interpreter stage by stage, clock by clock.
    InterpClocked,
    /// Machine code stage by stage, clock by clock.
    JitClocked,
    /// Rust that is emitted, and built into a program of its own.
    Rust,
}

impl EngineName {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interp => "interp",
            Self::Jit => "jit",
            Self::InterpClocked => "interp-clocked",
            Self::JitClocked => "jit-clocked",
            Self::Rust => "rust",
        }
    }

    /// Whether it runs clock by clock.
    #[must_use]
    pub fn is_clocked(self) -> bool {
        match self {
            Self::Interp | Self::Jit | Self::Rust => false,
            Self::InterpClocked | Self::JitClocked => true,
        }
    }

    /// The engine; that of emitted Rust is in the program that was built.
    pub(crate) fn engine(self) -> &'static dyn Engine {
        match self {
            Self::Interp | Self::InterpClocked | Self::Rust => &Interp,
            Self::Jit | Self::JitClocked => &Jit,
        }
    }
}

/// A program, compiled, and placed if its machine has stages.
pub(crate) struct Subject {
    compiled: Compiled,
    mode: Mode,
    timing: Option<Timing>,
}

const PIPE: usize = 0;

/// A path from the root of the repository.
pub(crate) fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Compiles a program of the repository.
pub(crate) fn compile_program(path: &str) -> Result<Compiled, BenchError> {
    let compiled = compile(&in_repository(path), &Options::default(), &DiskLoader);
    compiled.map_err(|rejected| {
        let diagnostics = rejected.diagnostics.iter();
        let rendered = diagnostics.map(|diagnostic| rejected.sources.render(diagnostic, false));
        BenchError::Rejected {
            rendered: rendered.collect::<Vec<_>>().join("\n"),
        }
    })
}

/// The target that a program runs on; none where it runs without stages.
pub(crate) fn target_of(compiled: &Compiled) -> Option<Target> {
    let name = match compiled.program.arch {
        Arch::Tna => "tofino1",
        Arch::T2na => "tofino2",
        Arch::V1model => return None,
    };
    Some(Target::built_in(name).expect("the target is built in"))
}

impl Subject {
    /// Compiles and places a program of the repository.
    pub(crate) fn new(path: &str) -> Result<Self, BenchError> {
        let compiled = compile_program(path)?;
        let Some(target) = target_of(&compiled) else {
            return Ok(Self {
                compiled,
                mode: Mode::Unplaced,
                timing: None,
            });
        };
        let fit = place_tables(&compiled.program, PipeId::from_index(PIPE), &target)?;
        if !fit.fits() {
            return Err(BenchError::DoesNotFit {
                program: path.to_owned(),
                target: target.name,
            });
        }
        Ok(Self {
            mode: Mode::Placed(Arc::new(fit.placement.clone())),
            timing: Some(timing(&compiled, &fit, &target)),
            compiled,
        })
    }

    /// The program as it runs.
    pub(crate) fn program(&self) -> &Arc<Program> {
        &self.compiled.program
    }

    /// A fresh device on an engine.
    pub(crate) fn device(&self, engine: &dyn Engine) -> Result<Device, BenchError> {
        let pipe = PipeId::from_index(PIPE);
        let program = Arc::clone(&self.compiled.program);
        Ok(Device::new(engine, program, pipe, self.mode.clone())?)
    }
}

fn timing(compiled: &Compiled, fit: &Fit, target: &Target) -> Timing {
    let pipe = &compiled.program.pipes[PipeId::from_index(PIPE)];
    let gress = |role| GressTiming {
        parser: target.around.parser_cycles,
        stages: pipe
            .gress(role)
            .map_or_else(Vec::new, |(gress, _)| fit.stage_cycles[gress].clone()),
        deparser: target.around.deparser_cycles,
    };
    Timing {
        ingress: gress(GressRole::Ingress),
        egress: gress(GressRole::Egress),
        traffic_manager: target.around.traffic_manager_cycles,
    }
}

/// A device that runs packets, and can be put back to its beginning.
pub struct Runner {
    name: EngineName,
    /// None only while it is in lock step.
    device: Option<Device>,
    timing: Option<Timing>,
    /// Registers, counters and meters at the beginning.
    fresh: Vec<u8>,
}

/// Packets between two looks at what has left.
const BATCH: usize = 32;

/// The same, clock by clock.
const CLOCKED_BATCH: usize = 256;

/// A packet enters every so many clocks: each makes two passes through the egress.
const CLOCKS_A_PACKET: u64 = 2;

impl Runner {
    /// A device on an engine, its tables filled.
    pub(crate) fn new(
        name: EngineName,
        engine: &dyn Engine,
        subject: &Subject,
        fill: &dyn Fn(&mut Device) -> Result<(), BenchError>,
    ) -> Result<Self, BenchError> {
        let mut device = subject.device(engine)?;
        // Wires are not measured: ports send as fast as packets come.
        device.config_mut().port_gbps = None;
        fill(&mut device)?;
        Ok(Self {
            name,
            fresh: device.state().memory().to_vec(),
            device: Some(device),
            timing: subject.timing.clone(),
        })
    }

    /// Its engine.
    #[must_use]
    pub fn name(&self) -> EngineName {
        self.name
    }

    /// What outlives packets.
    #[must_use]
    pub fn state(&self) -> &State {
        self.device.as_ref().expect(NO_RUN_FAILED).state()
    }

    /// Registers, counters and meters are what they were before the first packet.
    pub fn reset(&mut self) {
        let state = self.device.as_mut().expect(NO_RUN_FAILED).state_mut();
        state.memory_mut().copy_from_slice(&self.fresh);
    }

    /// All packets, from bytes in to bytes out.
    ///
    /// # Errors
    /// The device's.
    pub fn run(&mut self, packets: &Packets, sink: &mut Sink) -> Result<(), BenchError> {
        let mut device = self.device.take().expect(NO_RUN_FAILED);
        if self.name.is_clocked() {
            let timing = self.timing.as_ref().expect("checked before it was made");
            self.device = Some(run_clocked(device, timing, packets, sink)?);
            return Ok(());
        }
        run_packets(&mut device, packets, sink)?;
        self.device = Some(device);
        Ok(())
    }
}

const NO_RUN_FAILED: &str = "after an error nothing more is run";

fn run_packets(device: &mut Device, packets: &Packets, sink: &mut Sink) -> Result<(), BenchError> {
    let mut arriving = packets.iter().map(|(port, bytes)| Arriving {
        not_before: 0,
        port,
        bytes,
    });
    let mut batch = Vec::with_capacity(BATCH);
    while arriving.len() > 0 {
        batch.clear();
        batch.extend(arriving.by_ref().take(BATCH));
        let received = device.receive_all(&batch);
        received.map_err(|refused| *refused.cause)?;
        device.show_departures(|departing| sink.packet(departing.port, departing.bytes));
    }
    Ok(())
}

fn run_clocked(
    device: Device,
    timing: &Timing,
    packets: &Packets,
    sink: &mut Sink,
) -> Result<Device, BenchError> {
    let mut machine = LockStep::new(device, timing, Execution::Clocked)?;
    let mut clock = machine.clock();
    for (index, (port, packet)) in packets.iter().enumerate() {
        machine.arrive(clock, port, packet)?;
        clock += CLOCKS_A_PACKET;
        if index % CLOCKED_BATCH == CLOCKED_BATCH - 1 {
            machine.run_until(clock)?;
            machine.show_departures(|departing| sink.packet(departing.port, departing.bytes));
        }
    }
    machine.settle()?;
    machine.show_departures(|departing| sink.packet(departing.port, departing.bytes));
    let (device, _) = machine.finish()?;
    Ok(device)
}
