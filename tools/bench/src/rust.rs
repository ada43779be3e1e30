//! Emitted Rust, measured as a user has it who embeds it: a program of its own that links the emitted crate and
//! this one, and runs whole works without anything between it and its pipe.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use p4rmt_engine::Engine;
use p4rmt_ir::{Id, PipeId};
use p4rmt_rustgen::{Dependency, Emitted, Options, emit};
use serde_json::Value;

use crate::device::in_repository;
use crate::{Bench, BenchError, EngineName, Prepared, Row, Work};

/// Measures a work on Rust that is emitted and built for it.
///
/// # Errors
/// [`BenchError::NoCargo`] where there is nothing to build with; what the program that was built says.
pub fn measure_rust(work: &Work, prepared: &Prepared, budget: Duration) -> Result<Row, BenchError> {
    let program = prepared.subject.program();
    let pipe = PipeId::from_index(0);
    let engine = Dependency::Path(in_repository("runtime/engine").display().to_string());
    let options = Options {
        interface: &p4rmt_pipeline::interface(program, pipe)?,
        locate: &|_| None,
        engine: &engine,
    };
    let emitted = emit(program, pipe, &options)?;
    let built = build(&emitted, &target_folder()?)?;
    let output = Command::new(&built)
        .args([work.name, &prepared.packets.len().to_string()])
        .arg(budget.as_secs_f64().to_string())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|source| BenchError::Child {
        program: built.clone(),
        source,
    })?;
    let said = String::from_utf8_lossy(&output.stdout);
    read_row(work, &said).ok_or_else(|| BenchError::ChildFailed {
        program: built,
        status: output.status,
    })
}

/// What the program that is built does: measures a work on its own pipe and writes the row. Its arguments are the
/// work, the packets of a round, and the seconds that it is timed for.
///
/// # Errors
/// What keeps it from measuring.
pub fn run_child(engine: &dyn Engine) -> Result<String, BenchError> {
    let mut arguments = env::args().skip(1);
    let work = Work::find(&arguments.next().unwrap_or_default())?;
    let n_packets = arguments.next().and_then(|text| text.parse().ok());
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    let mut prepared = work.prepare(n_packets.unwrap_or(work.n_packets))?;
    let mut bench = Bench::on(work, &mut prepared, EngineName::Rust, engine)?;
    bench.check()?;
    let budget = Duration::try_from_secs_f64(seconds.unwrap_or(2.0)).unwrap_or_default();
    let row = bench.measure(budget)?;
    Ok(serde_json::to_string(&row).expect("a row is plain data"))
}

fn read_row(work: &Work, said: &str) -> Option<Row> {
    let row: Value = serde_json::from_str(said.trim()).ok()?;
    let number = |name: &str| row.get(name)?.as_f64();
    Some(Row {
        work: work.name,
        engine: EngineName::Rust,
        packets: row.get("packets")?.as_u64()?,
        ns_per_packet: number("ns_per_packet")?,
        packets_per_second: number("packets_per_second")?,
        native_ns_per_packet: number("native_ns_per_packet")?,
        ratio_to_native: number("ratio_to_native")?,
    })
}

/// The folder in which this program was built: what it shares with the other is not built again.
fn target_folder() -> Result<PathBuf, BenchError> {
    let unknown = |source| BenchError::Child {
        program: PathBuf::from("p4rmt-bench"),
        source,
    };
    let own = env::current_exe().map_err(unknown)?;
    // …/target/PROFILE/p4rmt-bench, or …/deps/… of a test.
    let folder = own
        .ancestors()
        .skip(1)
        .find(|folder| !matches!(folder.file_name(), Some(name) if name == "deps"));
    let target = folder.and_then(Path::parent);
    Ok(target.map_or_else(env::temp_dir, Path::to_owned))
}

/// Builds the program; what has not changed is not built again.
fn build(emitted: &Emitted, target: &Path) -> Result<PathBuf, BenchError> {
    let name = format!("p4rmt-bench-{}", emitted.name().replace('_', "-"));
    let folder = target.join("emitted").join(&name);
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, text))
            .map_err(|source| BenchError::Child {
                program: path,
                source,
            })
    };
    let [engine, bench] = ["runtime/engine", "tools/bench"].map(|path| {
        let path = in_repository(path).canonicalize();
        path.unwrap_or_default().display().to_string()
    });
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\np4rmt-engine = {{ path = {engine:?} }}\np4rmt-bench = {{ path = {bench:?} }}\n\n\
         [profile.release]\ndebug = \"line-tables-only\"\n\n\
         [profile.release.package.{name}]\ncodegen-units = 1\n\n[workspace]\n"
    );
    write("Cargo.toml", &manifest)?;
    write(
        "src/main.rs",
        "//! Measures the emitted pipe.\nmod pipe;\n\n\
         fn main() -> Result<(), Box<dyn std::error::Error>> {\n    \
         println!(\"{}\", p4rmt_bench::run_child(&pipe::Emitted)?);\n    Ok(())\n}\n",
    )?;
    for (path, text) in emitted.as_module("src/pipe") {
        write(&path, text)?;
    }
    if let Ok(lock) = fs::read_to_string(in_repository("Cargo.lock"))
        && !folder.join("Cargo.lock").exists()
    {
        write("Cargo.lock", &lock)?;
    }
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let built = Command::new(&cargo)
        .args(["build", "--release", "--quiet", "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .output()
        .map_err(|source| BenchError::NoCargo { cargo, source })?;
    if !built.status.success() {
        return Err(BenchError::NotBuilt {
            output: String::from_utf8_lossy(&built.stderr).into_owned(),
        });
    }
    let program = format!("{name}{}", env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(program))
}
