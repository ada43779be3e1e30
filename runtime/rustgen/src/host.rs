//! Emitted pipes in a program of their own, which runs packets for another process
//! ([`p4rmt_engine::remote`]).
//!
//! The program has a module a pipe and is told by its first argument which one to run. It is built by cargo,
//! in a folder that is kept: nothing is built again that has not changed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use quote::{format_ident, quote};

use crate::error::{BuildError, EmitError};
use crate::{Dependency, Emitted};

/// How the program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// To run fast.
    Release,
    /// To be built fast.
    Dev,
}

/// A program that runs emitted pipes.
#[derive(Clone, Debug)]
pub struct Host {
    files: Vec<(String, String)>,
    name: String,
}

impl Host {
    /// The program of these pipes, each with its name. Without a name of its own it is named after its
    /// text, so that programs can lie side by side.
    ///
    /// # Errors
    /// A bug of ours: text that is no Rust.
    pub fn new(
        name: Option<&str>,
        pipes: &[(&str, &Emitted)],
        engine: &Dependency,
    ) -> Result<Self, EmitError> {
        let modules: Vec<_> = (0..pipes.len())
            .map(|number| format_ident!("pipe_{number}"))
            .collect();
        let names = pipes.iter().map(|(name, _)| name);
        let main = quote! {
            //! Runs packets for another process: which pipe, the first argument says.
            use p4rmt_engine as engine;
            #(mod #modules;)*

            fn main() -> Result<(), Box<dyn std::error::Error>> {
                let name = std::env::args().nth(1).unwrap_or_default();
                match &*name {
                    #(#names => run(#modules::Pipe::new()?, |pipe| pipe.layout()),)*
                    _ => Err("no such pipe")?,
                }
            }

            fn run<P: engine::Instance>(
                mut pipe: P,
                layout: impl Fn(&P) -> &std::sync::Arc<engine::StateLayout>,
            ) -> Result<(), Box<dyn std::error::Error>> {
                let layout = std::sync::Arc::clone(layout(&pipe));
                let mut input = std::io::BufReader::new(std::io::stdin().lock());
                let mut output = std::io::BufWriter::new(std::io::stdout().lock());
                engine::remote::serve(&mut pipe, &layout, &mut input, &mut output)?;
                Ok(())
            }
        };
        let mut files = vec![(
            "src/main.rs".to_owned(),
            crate::format_code("main.rs", &main)?,
        )];
        for ((_, pipe), module) in pipes.iter().zip(&modules) {
            let folder = format!("src/{module}");
            let below = pipe.as_module(&folder);
            files.extend(below.map(|(path, text)| (path, text.to_owned())));
        }
        let name = match name {
            Some(name) => name.to_owned(),
            None => format!("p4rmt-host-{:016x}", fingerprint(&files)),
        };
        let line = engine.to_line();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{line}\n\n\
             [profile.release]\ncodegen-units = 1\n\n\
             [profile.dev]\nopt-level = 0\ndebug = false\nincremental = false\n\n\
             [profile.dev.package.\"*\"]\nopt-level = 2\n\n[workspace]\n"
        );
        files.push(("Cargo.toml".to_owned(), manifest));
        Ok(Self { files, name })
    }

    /// Builds the program below a folder, unless it is there already; returns where it is. `lock` is the
    /// file in which versions of other crates are pinned.
    ///
    /// # Errors
    /// No cargo, a folder that cannot be written, what cargo does not build.
    pub fn build(
        &self,
        cargo: &Path,
        folder: &Path,
        lock: Option<&Path>,
        profile: Profile,
    ) -> Result<PathBuf, BuildError> {
        let source = folder.join(&self.name);
        for (path, text) in &self.files {
            write_changed(&source.join(path), text.as_bytes())?;
        }
        let own_lock = source.join("Cargo.lock");
        if let Some(bytes) = lock.and_then(|lock| fs::read(lock).ok())
            && !own_lock.exists()
        {
            write_changed(&own_lock, &bytes)?;
        }
        let target = folder.join("target");
        let mut command = Command::new(cargo);
        command
            .args(["build", "--quiet", "--manifest-path"])
            .arg(source.join("Cargo.toml"));
        command.arg("--target-dir").arg(&target);
        let built = match profile {
            Profile::Release => {
                command.arg("--release");
                "release"
            }
            Profile::Dev => "debug",
        };
        let output = command.output().map_err(|reason| BuildError::NoCargo {
            cargo: cargo.to_owned(),
            reason,
        })?;
        if !output.status.success() {
            return Err(BuildError::NotBuilt {
                folder: source,
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            });
        }
        Ok(target
            .join(built)
            .join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX)))
    }
}

/// Writes a file unless it is so already, so that its time stays the same.
fn write_changed(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, bytes)
    };
    write().map_err(|reason| BuildError::Write {
        path: path.to_owned(),
        reason,
    })
}

/// FNV-1a, 64 bits, over names and texts.
fn fingerprint(files: &[(String, String)]) -> u64 {
    let texts = files.iter().flat_map(|(path, text)| [path, text]);
    texts.fold(0xcbf2_9ce4_8422_2325, |print, text| {
        let bytes = text.bytes().chain([0]);
        bytes.fold(print, |print, byte| {
            (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}
