//! Every packet vector of the repository on emitted Rust: all programs as modules of one crate, which runs
//! the packets in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use p4rmt_driver::Compiled;
use p4rmt_engine::{Engine, EngineError, Instance, Interface, Mode, StateLayout};
use p4rmt_interp::Interp;
use p4rmt_ir::{Arch, Id, PipeId, Program};
use p4rmt_pipeline::{Device, interface};
use p4rmt_rustgen::{ChildEngine, Dependency, Emitted, Host, Options, Profile, emit};
use p4rmt_source::Span;
use p4rmt_stf::Vector;
use p4rmt_tests::random_program::{compare_on, lowered, random_program};
use p4rmt_tests::rig::{compile_program, root};

/// Folder of vectors, program, setup that runs before each vector.
const PROGRAMS: &[(&str, &str, Option<&str>)] = &[
    ("tiny", "p4src/examples/tiny.p4", None),
    ("laminar", "laminar.p4", Some("setup/one-connection.stf")),
];

/// Folders in which a vector stands beside its program.
const BESIDE: &[&str] = &["v1model", "language", "tofino"];

/// A program, in one form, with its vectors.
struct Case {
    name: String,
    compiled: Arc<Compiled>,
    program: Arc<Program>,
    setup: Option<Vector>,
    vectors: Vec<PathBuf>,
}

fn vectors_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "stf"))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    p4rmt_stf::parse(&path.to_string_lossy(), &text).expect("the vector is right")
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, program: &str, setup: Option<&Path>, vectors: Vec<PathBuf>| {
        let compiled = Arc::new(compile_program(program));
        let mut forms = vec![("structured", &compiled.structured)];
        if compiled.program.arch != Arch::V1model {
            forms.push(("tables", &compiled.program));
        }
        for (form, program) in forms {
            cases.push(Case {
                name: format!("{name} {form}"),
                compiled: Arc::clone(&compiled),
                program: Arc::clone(program),
                setup: setup.map(read),
                vectors: vectors.clone(),
            });
        }
    };
    for (name, program, setup) in PROGRAMS {
        let folder = root().join("testvectors").join(name);
        let setup = setup.map(|setup| folder.join(setup));
        add(name, program, setup.as_deref(), vectors_in(&folder));
    }
    for name in BESIDE {
        for vector in vectors_in(&root().join("testvectors").join(name)) {
            let stem = vector.file_stem().unwrap().to_string_lossy();
            let program = format!("testvectors/{name}/{stem}.p4");
            add(
                &format!("{name}/{stem}"),
                &program,
                None,
                vec![vector.clone()],
            );
        }
    }
    cases
}

/// A pipe of the program that all were built into.
struct Built {
    host: PathBuf,
    name: String,
}

impl Engine for Built {
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
        let layout = StateLayout::new(program, pipe)?;
        ChildEngine::start(&self.host, &self.name, layout, interface)
    }
}

fn emitted(program: &Arc<Program>) -> Emitted {
    let pipe = PipeId::from_index(0);
    let options = Options {
        interface: &interface(program, pipe).unwrap(),
        locate: &|_| None,
        engine: &engine(),
    };
    emit(program, pipe, &options).unwrap_or_else(|error| panic!("{}: {error}", program.name))
}

fn engine() -> Dependency {
    let path = root().join("runtime/engine").canonicalize().unwrap();
    Dependency::Path(path.to_string_lossy().into_owned())
}

/// A program that nobody wrote.
struct RandomCase {
    name: String,
    program: Arc<Program>,
    vector: String,
}

/// Of each architecture so many random programs.
const RANDOM: [(Arch, u64); 2] = [(Arch::V1model, 60), (Arch::T2na, 40)];

fn random_cases() -> Vec<RandomCase> {
    let seeds = RANDOM
        .iter()
        .flat_map(|(arch, n)| (0..*n).map(|seed| (*arch, seed)));
    let cases = seeds.filter_map(|(arch, seed)| {
        let random = random_program(arch, seed);
        Some(RandomCase {
            name: format!("random {arch:?} {seed}"),
            program: lowered(&random)?,
            vector: random.vector,
        })
    });
    cases.collect()
}

/// All that was built into one program, once.
struct AllBuilt {
    cases: Vec<Case>,
    random: Vec<RandomCase>,
    host: PathBuf,
}

fn built() -> &'static AllBuilt {
    static BUILT: OnceLock<AllBuilt> = OnceLock::new();
    BUILT.get_or_init(|| {
        let (cases, random) = (cases(), random_cases());
        let written = cases.iter().map(|case| (&*case.name, &case.program));
        let found = random.iter().map(|case| (&*case.name, &case.program));
        let pipes = written.chain(found);
        let pipes: Vec<(&str, Emitted)> = pipes
            .map(|(name, program)| (name, emitted(program)))
            .collect();
        let named: Vec<(&str, &Emitted)> = pipes
            .iter()
            .map(|(name, emitted)| (*name, emitted))
            .collect();
        let host = Host::new(Some("p4rmt-host-of-tests"), &named, &engine()).unwrap();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emitted");
        let lock = root().join("Cargo.lock");
        let cargo = Path::new(env!("CARGO"));
        let built = host.build(cargo, &folder, Some(&lock), Profile::Dev);
        let host = built.unwrap_or_else(|error| panic!("{error}"));
        AllBuilt {
            cases,
            random,
            host,
        }
    })
}

#[test]
fn every_vector_passes_on_emitted_rust() {
    let AllBuilt { cases, host, .. } = built();
    let mut failures = Vec::new();
    for case in cases {
        let engine = Built {
            host: host.clone(),
            name: case.name.clone(),
        };
        let locate = |span: Span| {
            case.compiled
                .sources
                .locate(span)
                .map(|place| place.to_string())
        };
        for path in &case.vectors {
            let fresh = || {
                let (program, pipe) = (Arc::clone(&case.program), PipeId::from_index(0));
                Ok(Device::new(&engine, program, pipe, Mode::Unplaced).expect("the program runs"))
            };
            let report = p4rmt_stf::run(&read(path), case.setup.as_ref(), fresh);
            match report {
                Ok(report) if report.is_pass() => {}
                Ok(report) => {
                    let shown = report.render(&case.program.errors, &locate);
                    failures.push(format!("{} ({}):\n{shown}", path.display(), case.name));
                }
                Err(error) => failures.push(format!("{} ({}): {error}", path.display(), case.name)),
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn random_programs_mean_the_same_on_emitted_rust() {
    let AllBuilt { random, host, .. } = built();
    let mut n_departures = 0;
    let mut different = Vec::new();
    for case in random {
        let engine = Built {
            host: host.clone(),
            name: case.name.clone(),
        };
        match compare_on([&Interp, &engine], &case.program, &case.vector) {
            Ok(n) => n_departures += n,
            Err(found) => different.push(format!("{}: {found}", case.name)),
        }
    }
    assert_eq!(different, Vec::<String>::new());
    assert!(random.len() > 90, "{} programs", random.len());
    assert!(n_departures > 1_500, "{n_departures} packets");
}

/// What one program emits is the same text every time, and the engine's crate is all that it needs.
#[test]
fn the_text_is_the_same_every_time() {
    let compiled = compile_program("laminar.p4");
    let (first, second) = (emitted(&compiled.program), emitted(&compiled.program));
    assert_eq!(first, second);
    let manifest = first.files().next().expect("there is a manifest").1;
    let dependencies = manifest
        .split("[dependencies]")
        .nth(1)
        .expect("it has dependencies");
    let lines = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['));
    let lines: Vec<&str> = lines.filter(|line| line.contains('=')).collect();
    assert!(
        matches!(lines[..], [line] if line.starts_with("p4rmt-engine ")),
        "{lines:?}"
    );
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn the_example_embeds_a_pipe() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("embedded");
    let compiled = compile_program("p4src/examples/tiny.p4");
    for (path, text) in emitted(&compiled.program).files() {
        write(&folder.join("tiny").join(path), text);
    }
    let example = fs::read_to_string(root().join("p4src/examples/embed_tiny.rs")).unwrap();
    write(&folder.join("embed/src/main.rs"), &example);
    let runtime = root().join("runtime").canonicalize().unwrap();
    let manifest = format!(
        "[package]\nname = \"embed\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         tiny = {{ path = \"../tiny\" }}\n\
         p4rmt-engine = {{ path = {:?} }}\np4rmt-pipeline = {{ path = {:?} }}\n\n\
         [profile.dev]\ndebug = false\nincremental = false\n\n\
         [profile.dev.package.\"*\"]\nopt-level = 2\n\n[workspace]\n",
        runtime.join("engine"),
        runtime.join("pipeline"),
    );
    write(&folder.join("embed/Cargo.toml"), &manifest);
    fs::copy(root().join("Cargo.lock"), folder.join("embed/Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emitted/target");
    let output = std::process::Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--manifest-path"])
        .arg(folder.join("embed/Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .output()
        .expect("cargo runs this test");
    let shown = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shown, "port 2: 19 bytes\nsent: 1\n", "{complaint}");
}
