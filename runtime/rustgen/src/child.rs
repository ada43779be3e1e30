//! Emitted pipes as engines of this process: each instance is a child process that runs its packets.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use p4rmt_engine::remote::{RemoteError, RemoteInstance};
use p4rmt_engine::{
    Engine, EngineError, Instance, Interface, Job, Mode, Outcome, State, StateLayout, TableCounts,
    Trace,
};
use p4rmt_ir::{GressId, PipeId, Program};

use crate::error::{BuildError, EmitError};
use crate::host::{Host, Profile};
use crate::{Dependency, Options, emit};

/// The engine that emits a pipe, builds it with cargo, and runs it in a process of its own. Pipes run
/// without stages, whatever placement they are loaded with: it cannot change what they do.
#[derive(Clone, Debug)]
pub struct ChildEngine {
    /// The cargo to build with.
    pub cargo: PathBuf,
    /// Where what is built is kept.
    pub cache: PathBuf,
    /// Where emitted crates find `p4rmt-engine`.
    pub engine: Dependency,
    /// The file in which versions of other crates are pinned.
    pub lock: Option<PathBuf>,
    /// How it is built.
    pub profile: Profile,
}

impl Engine for ChildEngine {
    fn name(&self) -> &'static str {
        "rust"
    }

    fn load(
        &self,
        program: Arc<Program>,
        pipe: PipeId,
        _mode: Mode,
        interface: Interface,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let options = Options {
            interface: &interface,
            locate: &|_| None,
            engine: &self.engine,
        };
        let emitted = emit(&program, pipe, &options).map_err(not_emitted)?;
        let host = Host::new(None, &[("pipe", &emitted)], &self.engine).map_err(not_emitted)?;
        let built = host.build(&self.cargo, &self.cache, self.lock.as_deref(), self.profile);
        let layout = StateLayout::new(program, pipe)?;
        Self::start(&built.map_err(not_made)?, "pipe", layout, interface)
    }
}

impl ChildEngine {
    /// Starts a program that was built ([`Host`]), to run one of its pipes.
    ///
    /// # Errors
    /// A program that cannot be started, or runs another pipe.
    pub fn start(
        program: &Path,
        pipe: &str,
        layout: Arc<StateLayout>,
        interface: Interface,
    ) -> Result<Box<dyn Instance>, EngineError> {
        let mut command = Command::new(program);
        command
            .arg(pipe)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|reason| {
            not_made(BuildError::NotStarted {
                program: program.to_owned(),
                reason,
            })
        })?;
        let closed = || RemoteError::Connection(io::ErrorKind::BrokenPipe.into());
        let input: Box<dyn Read + Send> = Box::new(process.stdout.take().ok_or_else(closed)?);
        let output: Box<dyn Write + Send> = Box::new(process.stdin.take().ok_or_else(closed)?);
        let input = Box::new(io::BufReader::new(input));
        match RemoteInstance::connect(layout, interface, input, output) {
            Ok(instance) => Ok(Box::new(ChildInstance {
                instance: Some(instance),
                process,
            })),
            Err(error) => {
                end(&mut process);
                Err(error.into())
            }
        }
    }
}

fn not_emitted(error: EmitError) -> EngineError {
    match error {
        EmitError::Unsupported { construct, span } => EngineError::Unsupported { construct, span },
        EmitError::NoPipe { pipe, available } => EngineError::NoPipe { pipe, available },
        EmitError::State(error) => EngineError::State(error),
        EmitError::NoRust { .. } => EngineError::NotMade {
            reason: Box::new(error),
        },
    }
}

fn not_made(error: BuildError) -> EngineError {
    EngineError::NotMade {
        reason: Box::new(error),
    }
}

/// An instance and the process that it runs in, which ends with it.
struct ChildInstance {
    /// There until it is dropped.
    instance: Option<RemoteInstance>,
    process: Child,
}

fn end(process: &mut Child) {
    // It may have ended by itself, which is as good.
    let _ = process.kill();
    let _ = process.wait();
}

impl Drop for ChildInstance {
    fn drop(&mut self) {
        // Without anything more to read it ends by itself.
        drop(self.instance.take());
        end(&mut self.process);
    }
}

impl ChildInstance {
    fn instance(&mut self) -> &mut RemoteInstance {
        self.instance
            .as_mut()
            .expect("it is there until it is dropped")
    }

    fn instance_ref(&self) -> &RemoteInstance {
        self.instance
            .as_ref()
            .expect("it is there until it is dropped")
    }
}

impl Instance for ChildInstance {
    fn run(
        &mut self,
        gress: GressId,
        jobs: &[Job<'_>],
        outcomes: &mut [Outcome],
        state: &mut State,
        trace: Option<&mut dyn Trace>,
    ) -> Result<(), EngineError> {
        self.instance().run(gress, jobs, outcomes, state, trace)
    }

    fn interface(&self) -> &Interface {
        self.instance_ref().interface()
    }

    fn table_counts(&self, gress: GressId) -> Vec<TableCounts> {
        self.instance_ref().table_counts(gress)
    }
}
