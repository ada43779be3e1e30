//! The trace: what a run tells, and that it changes nothing.

use p4rmt_engine::{Event, Trace};
use p4rmt_ir::build::{GressBuilder, assign_local, call, constant, local, stmt};
use p4rmt_ir::{CallKind, GressRole, StmtKind};

use crate::support::Bench;

/// Writes events down.
#[derive(Default)]
struct Lines(Vec<String>);

impl Trace for Lines {
    fn event(&mut self, event: Event<'_>) {
        let line = match event {
            Event::Packet { index, fields } => format!("packet {index} of {} fields", fields.len()),
            Event::ParserState { state, cursor_bits } => format!("{state} at {cursor_bits}"),
            Event::Extract {
                header,
                cursor_bits,
            } => format!("extract {header} at {cursor_bits}"),
            Event::Transition {
                state,
                key,
                case,
                target,
            } => format!("{state} {key:?} {case:?} -> {target:?}"),
            Event::Control { role } => format!("{role:?}"),
            Event::RegisterAction { action, .. } => format!("{action}"),
            Event::Counted { counter, index, .. } => format!("{counter}[{index}]"),
            Event::Computed { unit, value, .. } => format!("{unit:?} {value}"),
            Event::Deparser => "deparser".to_owned(),
            Event::ParserError { error, .. } => format!("error {error}"),
            Event::Stage { stage } => format!("stage {stage}"),
            Event::Gateway { gateway, holds } => format!("{gateway} {holds}"),
            Event::Condition { holds, .. } => format!("condition {holds}"),
            Event::Table {
                table,
                key,
                entry,
                action,
                args,
            } => {
                let action = action.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                let entry = entry.map(|hit| hit.slot);
                format!("{table} {key:?} {entry:?} {action} {args:?}")
            }
            Event::Write {
                field,
                before,
                after,
                ..
            } => format!("{field} {before} -> {after}"),
            Event::Register {
                register,
                index,
                before,
                after,
                ..
            } => format!("{register}[{index}] {before:?} -> {after:?}"),
            Event::Emit { header } => format!("emit {header}"),
        };
        self.0.push(line);
    }
}

#[test]
fn a_trace_tells_each_step() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = gress.header("h", &[("a", 8)]);
    let extract = StmtKind::Extract {
        header,
        varbit_bits: None,
    };
    gress
        .gress
        .parser
        .states
        .values_mut()
        .next()
        .expect("start")
        .body = vec![stmt(extract)];
    let register = gress.register("r", 4, &[8]);
    let body = vec![
        assign_local(1, local(0, 8)),
        assign_local(0, constant(8, 9)),
    ];
    let action = gress.register_action("ra", register, body);
    let index = Some(constant(2, 3));
    let body = vec![call(
        CallKind::RegisterAction { action, index },
        [fields[0]],
    )];
    gress.gress.deparser.body = vec![stmt(StmtKind::Emit { header })];
    let mut bench = Bench::new(gress.structured(body));
    let plain = bench.fresh().run(&[7]).clone();
    let mut lines = Lines::default();
    let traced = bench
        .run_traced(&[], &[7], 0, &[], Some(&mut lines))
        .clone();
    assert_eq!(traced, plain);
    let expected = [
        "packet 0 of 2 fields",
        "s0 at 0",
        "extract h0 at 0",
        "f0 8w0x0 -> 8w0x7",
        "f1 1w0x0 -> 1w0x1",
        "s0 [] None -> Accept",
        "ra0",
        "r0[3] [8w0x0] -> [8w0x9]",
        "f0 8w0x7 -> 8w0x0",
        "deparser",
        "emit h0",
    ];
    assert_eq!(lines.0, expected);
}
