//! Real programs structured, as tables, and placed, on every engine: the same packets arrive at all
//! devices, and the same packets leave them, with the same state behind.
//!
//! The packets are those of the program's vectors, and thousands that are broken out of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use p4rmt_driver::{DiskLoader, Options, compile};
use p4rmt_engine::{Engine, Mode, Ref, State};
use p4rmt_ir::{Bits, Id, PipeId, Program};
use p4rmt_mau::{Target, place_tables};
use p4rmt_pipeline::Device;
use p4rmt_stf::{StatementKind, Vector};
use p4rmt_tests::mutation::{Random, mutate};
use p4rmt_tests::rig::ENGINES;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pipe_id() -> PipeId {
    PipeId::from_index(0)
}

fn read_vector(path: &str) -> Vector {
    let text = std::fs::read_to_string(root().join(path)).expect(path);
    p4rmt_stf::parse(path, &text).expect("a vector of ours")
}

/// Ports and packets that arrive in a vector.
fn arrivals(vector: &Vector) -> Vec<(u16, Vec<u8>)> {
    let kinds = vector.statements.iter().map(|statement| &statement.kind);
    kinds
        .filter_map(|kind| match kind {
            StatementKind::Packet { port, bytes } => Some((*port, bytes.clone())),
            _ => None,
        })
        .collect()
}

/// All elements of all registers, by name.
fn registers(state: &State) -> Vec<(&str, Vec<Vec<Bits>>)> {
    let pipe = state.layout().pipe();
    let registers = pipe.gresses.iter().flat_map(|(gress_id, gress)| {
        gress.registers.iter().map(move |(id, register)| {
            let place = Ref {
                gress: gress_id,
                id,
            };
            let element = |index| state.register(place, index).expect("in range");
            let elements = (0..register.size).map(element).collect();
            (register.name.as_str(), elements)
        })
    });
    registers.collect()
}

/// The vectors of a folder, in the order of their names.
fn vectors_in(folder: &str) -> Vec<String> {
    let files = std::fs::read_dir(root().join(folder)).expect(folder);
    let mut names: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".stf"))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    names.sort();
    names
}

/// After `setup`, runs `n_packets` that are taken or broken out of `vectors`, on their ports, in the
/// three executions of each engine.
#[track_caller]
fn check(program: &str, setup: &str, vectors: &[String], n_packets: usize) {
    let compiled = compile(&root().join(program), &Options::default(), &DiskLoader);
    let compiled = compiled.expect("a program of ours");
    let target = Target::built_in("tofino2").expect("a target of ours");
    let fit =
        place_tables(&compiled.program, pipe_id(), &target).expect("it is in the tables form");
    assert!(fit.fits(), "{:?}", fit.problems);
    let device = |engine: &dyn Engine, program: &Arc<Program>, mode| {
        let device = Device::new(engine, Arc::clone(program), pipe_id(), mode);
        let (mut device, errors) = p4rmt_stf::apply(&read_vector(setup), device.expect("it loads"));
        assert!(errors.is_empty(), "{errors:?}");
        device.take_departures();
        device
    };
    let placement = Arc::new(fit.placement);
    let (mut structured, mut tables) = (Vec::new(), Vec::new());
    for engine in ENGINES {
        let name = engine.name();
        let placed = Mode::Placed(Arc::clone(&placement));
        let run = |program, mode| device(engine, program, mode);
        structured.push((
            format!("{name}, structured"),
            run(&compiled.structured, Mode::Unplaced),
        ));
        tables.push((
            format!("{name}, tables"),
            run(&compiled.program, Mode::Unplaced),
        ));
        tables.push((format!("{name}, placed"), run(&compiled.program, placed)));
    }
    let arrivals: Vec<(u16, Vec<u8>)> = vectors
        .iter()
        .flat_map(|vector| arrivals(&read_vector(vector)))
        .collect();
    let mut random = Random::new(42);
    let mut n_departures = 0;
    for n in 0..n_packets {
        let (mut port, original) = arrivals[random.below(arrivals.len())].clone();
        if random.happens(100) {
            port = arrivals[random.below(arrivals.len())].0;
        }
        let packet = if random.happens(300) {
            original.clone()
        } else {
            mutate(&mut random, &original, &[])
        };
        let run = |device: &mut Device| {
            let result = device.receive(port, &packet);
            let departures: Vec<_> = device.take_departures().collect();
            (result.map_err(|error| error.to_string()), departures)
        };
        let mut expected = None;
        for (name, device) in tables.iter_mut().chain(&mut structured) {
            let found = run(device);
            let expected = expected.get_or_insert_with(|| found.clone());
            assert_eq!(*expected, found, "packet {n} {name}: {packet:02x?}");
        }
        n_departures += expected.map_or(0, |(_, departures)| departures.len());
    }
    assert!(
        n_departures > n_packets / 20,
        "only {n_departures} packets left"
    );
    let ((_, first), rest) = tables.split_first().expect("there is an engine");
    for (name, device) in rest {
        let difference = first.state().first_difference(device.state());
        let difference = difference.map(|difference| difference.to_string());
        assert_eq!(difference, None, "{name}");
        assert_eq!(first.table_counts(), device.table_counts(), "{name}");
    }
    for (name, device) in &structured {
        assert_eq!(
            registers(first.state()),
            registers(device.state()),
            "{name}"
        );
    }
}

#[test]
fn tiny() {
    let vectors = vectors_in("testvectors/tiny");
    check("p4src/examples/tiny.p4", &vectors[0], &vectors, 3_000);
}

#[test]
fn laminar() {
    let setup = "testvectors/laminar/setup/one-connection.stf";
    check(
        "laminar.p4",
        setup,
        &vectors_in("testvectors/laminar"),
        3_000,
    );
}
