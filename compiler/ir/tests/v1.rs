//! What v1model alone has: each rule with a program that keeps it and one that breaks it, and the text
//! form of all of it.

use p4rmt_ir::build::{GressBuilder, apply, call, constant, eq, program, stmt};
use p4rmt_ir::text::gress_text;
use p4rmt_ir::validate::validate;
use p4rmt_ir::{
    ActionProfile, Arch, Arm, Block, CallKind, ClaimKind, Cloned, ControlRole, CountKind, Counter,
    Datum, Digest, Expr, FieldId, FieldKind, Gress, GressRole, HashId, Id, MatchKind, Outcome,
    ProfileId, Selector, StmtKind, V1Call,
};
use p4rmt_source::Span;

/// The texts of the rules that a gress breaks.
fn broken(gress: Gress) -> Vec<String> {
    match validate(&program("test", Arch::V1model, [gress])) {
        Ok(()) => Vec::new(),
        Err(violations) => violations
            .into_iter()
            .map(|violation| violation.rule.to_string())
            .collect(),
    }
}

#[track_caller]
fn accept(gress: Gress) {
    assert_eq!(broken(gress), Vec::<String>::new());
}

#[track_caller]
fn refuse(gress: Gress, expected: &str) {
    assert_eq!(broken(gress), [expected]);
}

/// A gress with fields `f0` of eight bits, `f1` of 32 and `f2` of one, and an identity hash of 16.
fn fixture() -> (GressBuilder, [FieldId; 3], HashId) {
    let mut gress = GressBuilder::new(GressRole::Whole);
    let fields = [
        gress.metadata("a", 8),
        gress.metadata("b", 32),
        gress.metadata("flag", 1),
    ];
    let hash = gress.hash("hash", 16);
    (gress, fields, hash)
}

/// The four controls, one of them with this body.
fn with_control(builder: GressBuilder, role: ControlRole, body: Block) -> Gress {
    let mut bodies: [Block; 4] = Default::default();
    match role {
        ControlRole::Sole => return builder.structured(body),
        ControlRole::Verify => bodies[0] = body,
        ControlRole::Ingress => bodies[1] = body,
        ControlRole::Egress => bodies[2] = body,
        ControlRole::Compute => bodies[3] = body,
    }
    let [verify, ingress, egress, compute] = bodies;
    builder.whole(verify, ingress, egress, compute)
}

/// A program with this call in one of its controls.
fn calling(role: ControlRole, make: impl Fn([FieldId; 3], HashId) -> V1Call) -> Gress {
    let (mut builder, fields, hash) = fixture();
    let kind = make(fields, hash);
    let body = match kind {
        V1Call::Hash { .. } => {
            let out = builder.metadata("out", 16);
            vec![call(CallKind::V1(kind), [out])]
        }
        V1Call::Clone { .. }
        | V1Call::Resubmit { .. }
        | V1Call::Recirculate { .. }
        | V1Call::Truncate { .. }
        | V1Call::Log { .. }
        | V1Call::Claim { .. } => vec![call(CallKind::V1(kind), [])],
    };
    with_control(builder, role, body)
}

#[test]
fn a_whole_gress_has_the_four_controls_in_order() {
    let (builder, ..) = fixture();
    accept(builder.clone().whole(vec![], vec![], vec![], vec![]));
    refuse(
        builder.clone().structured(vec![]),
        "the controls of a whole gress are not [Sole]",
    );
    let mut gress = builder.whole(vec![], vec![], vec![], vec![]);
    gress.role = GressRole::Ingress;
    refuse(
        gress,
        "the controls of a gress are not [Verify, Ingress, Egress, Compute]",
    );
}

#[test]
fn clones_are_asked_for_where_their_packet_is() {
    let clone = |of| {
        move |[a, ..]: [FieldId; 3], _| V1Call::Clone {
            of,
            session: constant(32, 1),
            kept: vec![a],
        }
    };
    accept(calling(ControlRole::Ingress, clone(Cloned::Received)));
    accept(calling(ControlRole::Egress, clone(Cloned::Deparsed)));
    refuse(
        calling(ControlRole::Egress, clone(Cloned::Received)),
        "a clone has no meaning in a control",
    );
    refuse(
        calling(ControlRole::Ingress, |_, _| V1Call::Clone {
            of: Cloned::Received,
            session: constant(9, 1),
            kept: vec![],
        }),
        "a session or length is 9 bits wide where 32 are needed",
    );
    refuse(
        calling(ControlRole::Ingress, |_, _| V1Call::Clone {
            of: Cloned::Received,
            session: constant(32, 1),
            kept: vec![FieldId::from_index(99)],
        }),
        "`f99` does not exist",
    );
}

#[test]
fn packets_start_again_from_where_they_can() {
    let resubmit = |_: [FieldId; 3], _| V1Call::Resubmit { kept: vec![] };
    accept(calling(ControlRole::Ingress, resubmit));
    refuse(
        calling(ControlRole::Egress, resubmit),
        "a resubmission has no meaning in a control",
    );
    let recirculate = |_: [FieldId; 3], _| V1Call::Recirculate { kept: vec![] };
    accept(calling(ControlRole::Egress, recirculate));
    refuse(
        calling(ControlRole::Ingress, recirculate),
        "a recirculation has no meaning in a control",
    );
}

#[test]
fn tofino_has_none_of_it() {
    let (mut builder, ..) = fixture();
    builder.gress.role = GressRole::Ingress;
    let truncate = V1Call::Truncate {
        length: constant(32, 64),
    };
    refuse(
        builder.structured(vec![call(CallKind::V1(truncate), [])]),
        "a truncation has no meaning in a control",
    );
}

#[test]
fn lengths_and_claims_have_their_widths() {
    let truncate = |width| {
        calling(ControlRole::Egress, move |_, _| V1Call::Truncate {
            length: constant(width, 64),
        })
    };
    accept(truncate(32));
    refuse(
        truncate(16),
        "a session or length is 16 bits wide where 32 are needed",
    );
    let claim = |index: usize| {
        calling(ControlRole::Ingress, move |fields, _| V1Call::Claim {
            kind: ClaimKind::Assert,
            cond: Expr::Field(fields[index]),
        })
    };
    accept(claim(2));
    refuse(claim(0), "a condition is 8 bits wide where 1 are needed");
}

#[test]
fn messages_are_over_values_that_exist() {
    let log = |field| {
        calling(ControlRole::Ingress, move |_, _| V1Call::Log {
            format: "a is {}".to_owned(),
            values: vec![Expr::Field(field)],
        })
    };
    accept(log(FieldId::from_index(0)));
    refuse(log(FieldId::from_index(99)), "`f99` does not exist");
}

#[test]
fn hashes_are_over_values_varbits_and_in_controls_payload() {
    let (mut builder, [a, b, _], hash) = fixture();
    let (header, fields) = builder.header("h", &[("options", 320)]);
    let width = builder.field("h.options.$width", 32, FieldKind::VarbitWidth(header));
    let out = builder.metadata("out", 16);
    let hashing = |field, width, with_payload| {
        let data = vec![Datum::Value(Expr::Field(a)), Datum::Varbit { field, width }];
        let hashing = V1Call::Hash {
            hash,
            data,
            with_payload,
        };
        call(CallKind::V1(hashing), [out])
    };
    let options = fields[0];
    let compute = ControlRole::Compute;
    let body = vec![hashing(options, width, true)];
    accept(with_control(builder.clone(), compute, body));
    let body = vec![hashing(options, b, false)];
    refuse(
        with_control(builder.clone(), compute, body),
        "field `f1` is not of the kind that a varbit width needs",
    );
    let start = builder.gress.parser.start;
    builder.gress.parser.states[start].body = vec![hashing(options, width, true)];
    refuse(
        with_control(builder.clone(), compute, vec![]),
        "a hash has no meaning in a parser",
    );
    builder.gress.parser.states[start].body = vec![hashing(options, width, false)];
    accept(with_control(builder, compute, vec![]));
}

#[test]
fn direct_counters_need_no_call() {
    let counting = |index: Option<Expr>, size| {
        let (mut builder, ..) = fixture();
        let counter = builder.gress.counters.push(Counter {
            name: "seen".to_owned(),
            kind: CountKind::Packets,
            width: 64,
            size,
            adjust_bytes: 0,
            span: Span::NONE,
        });
        let count = call(CallKind::Count { counter, index }, []);
        with_control(builder, ControlRole::Ingress, vec![count])
    };
    accept(counting(Some(constant(32, 1)), 4));
    refuse(
        counting(None, 0),
        "a call of a direct counter has no meaning in a control",
    );
}

#[test]
fn receivers_are_of_v1model() {
    let sending = |width| {
        let (mut builder, [a, ..], _) = fixture();
        let digest = builder.gress.digests.push(Digest {
            name: "learn".to_owned(),
            fields: vec![("a".to_owned(), 8)],
            span: Span::NONE,
        });
        let send = CallKind::Digest {
            digest,
            receiver: Some(constant(width, 1)),
            fields: vec![Expr::Field(a)],
        };
        with_control(builder, ControlRole::Ingress, vec![call(send, [])])
    };
    accept(sending(32));
    refuse(sending(8), "a receiver is 8 bits wide where 32 are needed");
}

/// A table with an exact key, one for a selector or not, and an implementation.
fn table_with(selector_key: bool, implementation: Option<ProfileId>) -> Gress {
    let (mut builder, [a, b, _], hash) = fixture();
    for selector in [None, Some(Selector { hash, groups: None })] {
        builder.gress.profiles.push(ActionProfile {
            name: format!("profile{}", usize::from(selector.is_some())),
            size: 16,
            selector,
            span: Span::NONE,
        });
    }
    let action = builder.action("action", &[], vec![]);
    let mut keys = vec![(Expr::Field(a), MatchKind::Exact)];
    if selector_key {
        keys.push((Expr::Field(b), MatchKind::Selector));
    }
    let table = builder.table("table", &keys, &[action]);
    builder.gress.tables[table].implementation = implementation;
    with_control(builder, ControlRole::Ingress, vec![apply(table, [])])
}

#[test]
fn implementations_exist() {
    let id = |index| Some(ProfileId::from_index(index));
    accept(table_with(false, None));
    accept(table_with(false, id(0)));
    accept(table_with(true, id(1)));
    accept(table_with(true, None));
    accept(table_with(false, id(1)));
    refuse(table_with(false, id(9)), "`ap9` does not exist");
}

#[test]
fn text_shows_all_there_is() {
    let (mut builder, [a, b, flag], hash) = fixture();
    let (header, fields) = builder.header("h", &[("options", 320)]);
    let width = builder.field("h.options.$width", 32, FieldKind::VarbitWidth(header));
    let out = builder.metadata("out", 16);
    let profile = builder.gress.profiles.push(ActionProfile {
        name: "Ingress.members".to_owned(),
        size: 16,
        selector: Some(Selector { hash, groups: None }),
        span: Span::NONE,
    });
    let digest = builder.gress.digests.push(Digest {
        name: "learn".to_owned(),
        fields: vec![("a".to_owned(), 8)],
        span: Span::NONE,
    });
    let action = builder.action("Ingress.act", &[], vec![]);
    let keys = [
        (Expr::Field(a), MatchKind::Optional),
        (Expr::Field(b), MatchKind::Selector),
    ];
    let table = builder.table("Ingress.t", &keys, &[action]);
    builder.gress.tables[table].implementation = Some(profile);
    builder.gress.tables[table].has_idle_timeout = true;
    let request = |call| {
        stmt(StmtKind::Call(p4rmt_ir::Call {
            kind: CallKind::V1(call),
            outs: vec![],
        }))
    };
    let kept = vec![a, b];
    let verify = vec![request(V1Call::Claim {
        kind: ClaimKind::Assume,
        cond: eq(Expr::Field(a), constant(8, 1)),
    })];
    let ingress = vec![
        stmt(StmtKind::Apply {
            table,
            arms: vec![Arm {
                on: Outcome::Hit,
                body: vec![request(V1Call::Resubmit { kept: kept.clone() })],
            }],
        }),
        request(V1Call::Clone {
            of: Cloned::Received,
            session: Expr::Field(b),
            kept: kept.clone(),
        }),
        request(V1Call::Log {
            format: "a is {}".to_owned(),
            values: vec![Expr::Field(a)],
        }),
        request(V1Call::Claim {
            kind: ClaimKind::Assert,
            cond: Expr::Field(flag),
        }),
        call(
            CallKind::Digest {
                digest,
                receiver: Some(constant(32, 7)),
                fields: vec![Expr::Field(a)],
            },
            [],
        ),
    ];
    let egress = vec![
        request(V1Call::Clone {
            of: Cloned::Deparsed,
            session: constant(32, 2),
            kept: vec![],
        }),
        request(V1Call::Recirculate { kept }),
        request(V1Call::Truncate {
            length: Expr::Field(b),
        }),
    ];
    let hashing = V1Call::Hash {
        hash,
        data: vec![
            Datum::Value(Expr::Field(a)),
            Datum::Varbit {
                field: fields[0],
                width,
            },
        ],
        with_payload: true,
    };
    let compute = vec![call(CallKind::V1(hashing), [out])];
    let gress = builder.whole(verify, ingress, egress, compute);
    accept(gress.clone());
    let text = gress_text(&gress);
    let expected = include_str!("text/v1.ir");
    assert_eq!(text, expected, "\n{text}");
}
