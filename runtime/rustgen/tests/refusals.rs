//! What the emitter cannot write is refused by name, at its place; what stands beside it is written.

use std::sync::Arc;

use p4rmt_engine::Interface;
use p4rmt_ir::build::{GressBuilder, program};
use p4rmt_ir::{
    Arch, Call, CallKind, Checksum, ChecksumOp, Expr, FieldId, GressRole, Id, PipeId, Place, Stmt,
    StmtKind,
};
use p4rmt_rustgen::{Dependency, EmitError, Options, emit};
use p4rmt_source::Span;

/// A checksum unit, and two fields for what it gives.
fn gress() -> (GressBuilder, FieldId, FieldId) {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let fields = (gress.local("a", 16), gress.local("b", 16));
    gress.gress.checksums.push(Checksum {
        name: "ck".to_owned(),
        span: Span::NONE,
    });
    (gress, fields.0, fields.1)
}

fn checksum(op: ChecksumOp, args: Vec<Expr>, out: Option<FieldId>, lo: u32) -> Stmt {
    let unit = Id::from_index(0);
    Stmt {
        kind: StmtKind::Call(Call {
            kind: CallKind::Checksum { unit, op, args },
            outs: out
                .map(|field| Some(Place::Field(field)))
                .into_iter()
                .collect(),
        }),
        span: Span::new(lo, lo + 5),
    }
}

fn deposit(field: FieldId, lo: u32) -> Stmt {
    checksum(
        ChecksumOp::SubtractAllAndDeposit,
        Vec::new(),
        Some(field),
        lo,
    )
}

/// The construct that is refused in a state with these statements, and where it stands.
fn refusal(mut gress: GressBuilder, body: Vec<Stmt>) -> Option<(&'static str, u32)> {
    let start = gress.gress.parser.start;
    gress.gress.parser.states[start].body = body;
    let program = Arc::new(program("p", Arch::Tna, [gress.structured(Vec::new())]));
    let options = Options {
        interface: &Interface::default(),
        locate: &|_| None,
        engine: &Dependency::Version("0.1.0".to_owned()),
    };
    match emit(&program, PipeId::from_index(0), &options) {
        Ok(_) => None,
        Err(EmitError::Unsupported { construct, span }) => Some((construct, span.lo)),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_residual_is_deposited_once() {
    let (gress, a, _) = self::gress();
    assert_eq!(refusal(gress, vec![deposit(a, 10)]), None);
    let (gress, a, b) = self::gress();
    let twice = vec![deposit(a, 10), deposit(b, 30)];
    let expected = ("a residual checksum that is asked for twice", 30);
    assert_eq!(refusal(gress, twice), Some(expected));
}

#[test]
fn arguments_of_units_are_fields_not_what_is_ahead() {
    let (gress, a, _) = self::gress();
    let add = |arg| vec![checksum(ChecksumOp::Add, vec![arg], None, 50)];
    assert_eq!(refusal(gress, add(Expr::Field(a))), None);
    let (gress, ..) = self::gress();
    let ahead = Expr::Lookahead {
        offset: 0,
        width: 16,
    };
    let expected = ("an argument that is looked ahead for", 50);
    assert_eq!(refusal(gress, add(ahead)), Some(expected));
}

#[test]
fn a_pipe_that_is_not_there_is_an_error() {
    let (gress, ..) = self::gress();
    let program = Arc::new(program("p", Arch::Tna, [gress.structured(Vec::new())]));
    let options = Options {
        interface: &Interface::default(),
        locate: &|_| None,
        engine: &Dependency::Version("0.1.0".to_owned()),
    };
    let refused = emit(&program, PipeId::from_index(1), &options);
    assert!(matches!(
        refused,
        Err(EmitError::NoPipe { available: 1, .. })
    ));
}
