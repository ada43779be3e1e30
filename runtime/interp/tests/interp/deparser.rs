//! Deparsers: emission, checksums, requests.

use p4rmt_engine::MirrorRequest;
use p4rmt_ir::build::{GressBuilder, assign, branch, call, constant, eq, stmt};
use p4rmt_ir::{
    Call, CallKind, Checksum, ChecksumId, ChecksumOp, Digest, DigestId, Expr, FieldId, GressRole,
    HeaderId, Place, Stmt, StmtKind,
};
use p4rmt_source::Span;

use crate::support::{Bench, bits};

fn emit(header: HeaderId) -> Stmt {
    stmt(StmtKind::Emit { header })
}

fn extract(header: HeaderId) -> Stmt {
    stmt(StmtKind::Extract {
        header,
        varbit_bits: None,
    })
}

fn request(kind: CallKind) -> Stmt {
    let call = Call {
        kind,
        outs: Vec::new(),
    };
    Stmt {
        kind: StmtKind::Call(call),
        span: Span::new(70, 80),
    }
}

#[test]
fn valid_headers_are_emitted_in_order() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (one, _) = gress.header("one", &[("a", 4), ("b", 12)]);
    let (two, two_fields) = gress.header("two", &[("a", 8)]);
    let (three, _) = gress.header("three", &[("a", 8)]);
    let [two_valid, three_valid] = [two, three].map(|header| gress.gress.headers[header].valid);
    gress
        .gress
        .parser
        .states
        .values_mut()
        .next()
        .expect("start")
        .body = vec![extract(one)];
    gress.gress.deparser.body = vec![emit(two), emit(one), emit(three)];
    let body = vec![
        assign(two_valid, constant(1, 1)),
        assign(two_fields[0], constant(8, 0xaa)),
        assign(three_valid, constant(1, 0)),
    ];
    let mut bench = Bench::new(gress.structured(body));
    let packet = [0x12, 0x34, 0x56];
    let outcome = bench.run(&packet);
    assert_eq!(outcome.bytes, [0xaa, 0x12, 0x34]);
    assert_eq!(outcome.payload_offset, 2);
}

#[test]
fn the_last_byte_is_filled_with_zeros() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = gress.header("h", &[("a", 12)]);
    let valid = gress.gress.headers[header].valid;
    gress.gress.deparser.body = vec![emit(header)];
    let body = vec![
        assign(valid, constant(1, 1)),
        assign(fields[0], constant(12, 0xfff)),
    ];
    let mut bench = Bench::new(gress.structured(body));
    assert_eq!(bench.run(&[]).bytes, [0xff, 0xf0]);
}

#[test]
fn requests_carry_their_headers() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let which = gress.metadata("which", 4);
    let mirror = |mirror_type, session, header| {
        request(CallKind::Mirror {
            mirror_type: Some(mirror_type),
            session: constant(10, session),
            header,
        })
    };
    let digest: DigestId = gress.gress.digests.push(Digest {
        name: "d".into(),
        fields: vec![("a".into(), 4), ("b".into(), 16)],
        span: Span::NONE,
    });
    let is = |value| eq(Expr::Field(which), constant(4, value));
    gress.gress.deparser.body = vec![
        branch(
            is(5),
            vec![mirror(1, 9, vec![Expr::Field(which), constant(12, 0xabc)])],
            vec![],
        ),
        branch(is(6), vec![mirror(2, 10, vec![])], vec![]),
        mirror(3, 11, vec![constant(8, 0xee)]),
        request(CallKind::Resubmit {
            resubmit_type: Some(2),
            header: vec![constant(24, 0x010203)],
        }),
        request(CallKind::Digest {
            receiver: None,
            digest,
            fields: vec![Expr::Field(which), constant(16, 7)],
        }),
    ];
    let mut bench = Bench::new(gress.structured(vec![assign(which, constant(4, 5))]));
    for _ in 0..2 {
        let outcome = bench.run(&[1, 2, 3]);
        let span = Span::new(70, 80);
        let expected = [
            MirrorRequest {
                mirror_type: Some(1),
                session: 9,
                header: 0..2,
                span,
            },
            MirrorRequest {
                mirror_type: Some(3),
                session: 11,
                header: 2..3,
                span,
            },
        ];
        assert_eq!(outcome.mirrors, expected);
        let resubmit = outcome.resubmit.clone().expect("a request");
        assert_eq!(outcome.extra[resubmit.header], [1, 2, 3]);
        assert_eq!(resubmit.resubmit_type, Some(2));
        assert_eq!(outcome.extra, [0x5a, 0xbc, 0xee, 1, 2, 3]);
        assert_eq!(outcome.digests.len(), 1);
        assert_eq!(outcome.digests[0].fields, [bits(4, 5), bits(16, 7)]);
    }
}

#[test]
fn the_span_of_the_last_write_is_kept() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (x, y) = (gress.metadata("x", 8), gress.metadata("y", 8));
    let at = |field, lo| Stmt {
        kind: StmtKind::Assign {
            dst: Place::Field(field),
            value: constant(8, 1),
        },
        span: Span::new(lo, lo + 1),
    };
    let mut bench = Bench::new(gress.structured(vec![at(x, 1), at(x, 2)]));
    let outcome = bench.run(&[]);
    let writer = |field| outcome.written[p4rmt_ir::Id::index(field)].span();
    assert_eq!(writer(x), Some(Span::new(2, 3)));
    assert_eq!(writer(y), None);
}

/// Calls a checksum unit.
fn unit_call(unit: ChecksumId, op: ChecksumOp, fields: &[FieldId], out: Option<FieldId>) -> Stmt {
    stmt(StmtKind::Call(Call {
        kind: CallKind::Checksum {
            unit,
            op,
            args: fields.iter().map(|field| Expr::Field(*field)).collect(),
        },
        outs: out.map(|out| Some(Place::Field(out))).into_iter().collect(),
    }))
}

fn ones_complement_sum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (folded as u16).wrapping_add((folded >> 16) as u16)
}

/// A header with a checksum over itself and the payload is rewritten; the payload is not looked at.
#[test]
fn a_residual_carries_the_payload_into_the_new_checksum() {
    for op in [ChecksumOp::Get, ChecksumOp::SubtractAllAndDeposit] {
        let mut gress = GressBuilder::new(GressRole::Ingress);
        let (header, fields) = gress.header("h", &[("a", 32), ("sum", 16)]);
        let (rest, _) = gress.header("rest", &[("b", 16)]);
        let residual = gress.metadata("residual", 16);
        let unit = gress.gress.checksums.push(Checksum {
            name: "ck".into(),
            span: Span::NONE,
        });
        let mut parse = vec![
            extract(header),
            unit_call(unit, ChecksumOp::Subtract, &fields, None),
            unit_call(unit, op, &[], Some(residual)),
        ];
        if op == ChecksumOp::SubtractAllAndDeposit {
            parse.push(extract(rest));
        }
        gress
            .gress
            .parser
            .states
            .values_mut()
            .next()
            .expect("start")
            .body = parse;
        let mut inputs = vec![fields[0], residual];
        if op == ChecksumOp::SubtractAllAndDeposit {
            inputs.push(gress.gress.headers[rest].fields[0]);
        }
        let update = ChecksumOp::Update {
            zeros_as_ones: false,
        };
        gress.gress.deparser.body = vec![
            unit_call(unit, update, &inputs, Some(fields[1])),
            emit(header),
            emit(rest),
        ];
        let body = vec![assign(fields[0], constant(32, 0xdead_beef))];
        let mut bench = Bench::new(gress.structured(body));
        let mut packet = vec![
            0x12, 0x34, 0x56, 0x78, 0, 0, 0xca, 0xfe, 0x80, 0x01, 0x02, 0x03,
        ];
        let checksum = !ones_complement_sum(&packet);
        packet[4..6].copy_from_slice(&checksum.to_be_bytes());
        let outcome = bench.run(&packet);
        let mut sent = outcome.bytes.clone();
        sent.extend_from_slice(&packet[outcome.payload_offset..]);
        assert_eq!(sent.len(), packet.len());
        assert_eq!(sent[..4], [0xde, 0xad, 0xbe, 0xef]);
        assert_eq!(ones_complement_sum(&sent), 0xffff, "{op:?}");
    }
}

#[test]
fn verify_flags_wrong_data_and_zero_is_sent_as_ones() {
    let mut gress = GressBuilder::new(GressRole::Ingress);
    let (header, fields) = gress.header("h", &[("a", 32)]);
    let (bad, sum) = (gress.metadata("bad", 1), gress.metadata("sum", 16));
    let unit = gress.gress.checksums.push(Checksum {
        name: "ck".into(),
        span: Span::NONE,
    });
    gress
        .gress
        .parser
        .states
        .values_mut()
        .next()
        .expect("start")
        .body = vec![
        extract(header),
        unit_call(unit, ChecksumOp::Add, &fields, None),
        unit_call(unit, ChecksumOp::Verify, &[], Some(bad)),
    ];
    let update = CallKind::Checksum {
        unit,
        op: ChecksumOp::Update {
            zeros_as_ones: true,
        },
        args: vec![Expr::Field(fields[0])],
    };
    gress.gress.deparser.body = vec![call(update, [sum])];
    let mut bench = Bench::new(gress.structured(Vec::new()));
    bench.run(&[0x12, 0x34, 0xed, 0xcb]);
    assert_eq!(bench.value(bad), bits(1, 0));
    assert_eq!(bench.value(sum), bits(16, 0xffff), "zero is sent as ones");
    bench.run(&[0x12, 0x34, 0xed, 0xca]);
    assert_eq!(bench.value(bad), bits(1, 1));
    assert_eq!(bench.value(sum), bits(16, 1));
}
