//! Every packet vector of the repository, in every form that a program can run in, on every engine.

use std::fs;
use std::path::{Path, PathBuf};

use p4rmt_engine::Engine;
use p4rmt_ir::Arch;
use p4rmt_source::Span;
use p4rmt_stf::Vector;
use p4rmt_tests::rig::{ENGINES, FORMS, Form, compile_program, device_on, root};

/// Folder of vectors, program, setup that runs before each vector.
const PROGRAMS: &[(&str, &str, Option<&str>)] = &[
    ("tiny", "p4src/examples/tiny.p4", None),
    ("laminar", "laminar.p4", Some("setup/one-connection.stf")),
    (
        "laminar/delayed-acks",
        "p4src/laminar/variants/delayed_acks.p4",
        Some("../setup/one-connection.stf"),
    ),
    (
        "laminar/sack",
        "p4src/laminar/variants/sack.p4",
        Some("../setup/one-connection.stf"),
    ),
    (
        "laminar/shared-log",
        "p4src/laminar/variants/shared_log.p4",
        Some("setup/two-connections.stf"),
    ),
    (
        "laminar/timestamps",
        "p4src/laminar/variants/timestamps.p4",
        Some("../setup/one-connection.stf"),
    ),
];

fn vectors_in(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "stf"))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    p4rmt_stf::parse(&path.file_name().unwrap().to_string_lossy(), &text).unwrap_or_else(|errors| {
        panic!(
            "{}",
            errors
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        )
    })
}

/// Each form on each engine.
fn executions(forms: &[Form]) -> Vec<(&'static dyn Engine, Form)> {
    let on = |form: &Form| ENGINES.map(|engine| (engine as &dyn Engine, *form));
    forms.iter().flat_map(on).collect()
}

#[track_caller]
fn check(folder: &str) {
    let (_, program, setup) = PROGRAMS.iter().find(|(name, ..)| *name == folder).unwrap();
    let folder = root().join("testvectors").join(folder);
    let setup = setup.map(|setup| folder.join(setup));
    let executions = executions(&FORMS);
    check_vectors(program, setup.as_deref(), &vectors_in(&folder), &executions);
}

#[track_caller]
fn check_vectors(
    program: &str,
    setup: Option<&Path>,
    vectors: &[PathBuf],
    executions: &[(&dyn Engine, Form)],
) {
    let compiled = compile_program(program);
    let setup = setup.map(read);
    let locate = |span: Span| compiled.sources.locate(span).map(|place| place.to_string());
    assert!(!vectors.is_empty(), "{program} has vectors");
    let mut failures = Vec::new();
    for path in vectors {
        let vector = read(path);
        for &(engine, form) in executions {
            let fresh = || Ok(device_on(engine, &compiled, form));
            let report = p4rmt_stf::run(&vector, setup.as_ref(), fresh).unwrap();
            if !report.is_pass() {
                let shown = report.render(&compiled.program.errors, &locate);
                let name = engine.name();
                failures.push(format!("{} ({name}, {form:?}):\n{shown}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn tiny() {
    check("tiny");
}

#[test]
fn laminar() {
    check("laminar");
}

#[test]
fn delayed_acknowledgments() {
    check("laminar/delayed-acks");
}

#[test]
fn selective_acknowledgments() {
    check("laminar/sack");
}

#[test]
fn timestamps() {
    check("laminar/timestamps");
}

#[test]
fn shared_log() {
    check("laminar/shared-log");
}

/// An extension that no connection uses changes nothing; only, segments with timestamps alone are
/// understood then.
#[test]
fn extensions_that_nobody_uses() {
    let folder = root().join("testvectors/laminar");
    let vectors: Vec<PathBuf> = vectors_in(&folder)
        .into_iter()
        .filter(|path| !path.ends_with("to-control.stf"))
        .collect();
    for variant in ["sack", "timestamps"] {
        let program = format!("p4src/laminar/variants/{variant}.p4");
        let setup = folder.join("setup/one-connection.stf");
        let [.., engine] = ENGINES;
        let execution: (&dyn Engine, Form) = (engine, Form::Placed("tofino2"));
        check_vectors(&program, Some(&setup), &vectors, &[execution]);
    }
}

/// Folders in which a vector stands beside its program: what v1model has, what the language has, and
/// what Tofino has.
const BESIDE: &[&str] = &["v1model", "language", "tofino"];

/// The forms that a program runs in.
fn forms(arch: Arch) -> Vec<Form> {
    let placed = |target| vec![Form::Structured, Form::Tables, Form::Placed(target)];
    match arch {
        Arch::V1model => vec![Form::Structured],
        Arch::Tna => placed("tofino1"),
        Arch::T2na => placed("tofino2"),
    }
}

#[track_caller]
fn check_beside(name: &str) {
    let folder = root().join("testvectors").join(name);
    let vectors = vectors_in(&folder);
    assert!(!vectors.is_empty(), "{} has vectors", folder.display());
    let mut failures = Vec::new();
    for path in &vectors {
        let program = path.file_stem().unwrap().to_string_lossy();
        let compiled = compile_program(&format!("testvectors/{name}/{program}.p4"));
        let locate = |span: Span| compiled.sources.locate(span).map(|place| place.to_string());
        for (engine, form) in executions(&forms(compiled.program.arch)) {
            let fresh = || Ok(device_on(engine, &compiled, form));
            let report = p4rmt_stf::run(&read(path), None, fresh).unwrap();
            if !report.is_pass() {
                let shown = report.render(&compiled.program.errors, &locate);
                let name = engine.name();
                failures.push(format!("{} ({name}, {form:?}):\n{shown}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn v1model() {
    check_beside("v1model");
}

#[test]
fn language() {
    check_beside("language");
}

#[test]
fn tofino() {
    check_beside("tofino");
}

#[test]
fn every_program_beside_vectors_has_one() {
    let entries = BESIDE
        .iter()
        .flat_map(|name| fs::read_dir(root().join("testvectors").join(name)).unwrap());
    for entry in entries {
        let path = entry.unwrap().path();
        let is_program = path.extension().is_some_and(|extension| extension == "p4");
        // The frame is what the programs include.
        if is_program && path.file_stem().is_some_and(|name| name != "frame") {
            let vector = path.with_extension("stf");
            assert!(vector.exists(), "{} is run by no vector", path.display());
        }
    }
}

#[test]
fn every_folder_of_vectors_is_run() {
    for entry in fs::read_dir(root().join("testvectors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_run =
            BESIDE.contains(&&*name) || PROGRAMS.iter().any(|(folder, ..)| *folder == name);
        assert!(
            !path.is_dir() || is_run,
            "testvectors/{name} is run by no test"
        );
    }
}
