//! What becomes of programs: the text of the ingress, its fields left out, as snapshots to review.
//!
//! Truth is packets; these show at a glance what a change of the front end changes.

mod support;

use std::fmt::Write;

use p4rmt_ir::{GressRole, Program as Ir};
use support::{Program, parse, shown};

/// The lowered program; it must be accepted and valid.
#[track_caller]
fn lower(text: &str) -> Ir {
    let parsed = parse(text);
    let (program, diagnostics) = match support::lower(&parsed) {
        Ok(lowered) => lowered,
        Err(diagnostics) => panic!("{}", shown(&diagnostics, &parsed.sources)),
    };
    assert!(
        diagnostics.is_empty(),
        "{}",
        shown(&diagnostics, &parsed.sources)
    );
    if let Err(violations) = p4rmt_ir::validate::validate(&program) {
        panic!("{violations:?}");
    }
    program
}

/// The text of the ingress without fields and headers, but for local ones.
fn ingress_text(program: &Ir) -> String {
    let pipe = program.pipes.values().next().expect("a pipe");
    let (_, gress) = pipe.gress(GressRole::Ingress).expect("an ingress");
    let mut text = String::new();
    for line in p4rmt_ir::text::gress_text(gress).lines() {
        let trimmed = line.trim_start();
        let is_declared = ["intrinsic ", "header "]
            .iter()
            .any(|word| trimmed.starts_with(word))
            || (trimmed.starts_with("field ") && !trimmed.contains(" local"));
        if !is_declared {
            writeln!(text, "{line}").expect("a string can be written to");
        }
    }
    text
}

/// Lowers and compares with the snapshot of this name.
macro_rules! check {
    ($name:literal, $program:expr) => {
        let program: Program<'_> = $program;
        insta::assert_snapshot!($name, ingress_text(&lower(&program.text())));
    };
}

#[test]
fn functions_and_actions_are_bound_by_reference_where_nobody_can_tell() {
    check!(
        "calls",
        Program {
            top: "
                bit<32> twice(in bit<32> v) { return v + v; }
                bit<32> clamp(in bit<32> v, in bit<32> m) { if (v > m) { return m; } return v; }
                bool both(in bool x, in bool y) { return x && y; }
                void swap(inout bit<32> u, inout bit<32> w) { bit<32> t = u; u = w; w = t; }
                action inc(inout bit<32> q) { q = q + 1; }
            ",
            control: Some(
                "
                action bump(inout bit<32> q, in bit<32> by) { q = q + by; md.b = q; }
                action early() { if (md.f) { return; } md.x = 1; }
                apply {
                    md.a = twice(md.b) + 1;
                    md.b = clamp(md.a, 100);
                    md.f = both(md.a == 1, md.b == 2);
                    swap(md.a, md.p.hi);
                    inc(md.b);
                    bump(md.a, 5);
                    bump(md.a, md.b);
                    bump(md.b, md.a);
                    early();
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn overlapping_arguments_are_copied() {
    check!(
        "overlap",
        Program {
            top: "void swap(inout bit<32> u, inout bit<32> w) { bit<32> t = u; u = w; w = t; }
                  void add(inout bit<32> u, in bit<32> v) { u = u + v; u = u + v; }",
            control: Some("apply { swap(md.a, md.a); add(md.b, md.b); add(md.p.lo, md.p.hi); }"),
            ..Program::default()
        }
    );
}

#[test]
fn operands_are_evaluated_before_calls_that_change_them() {
    check!(
        "order",
        Program {
            top: "bit<32> next(inout bit<32> v) { v = v + 1; return v; }",
            control: Some(
                "apply {
                    md.b = md.a + next(md.a);
                    md.p = { next(md.a), md.a };
                    md.p = { md.p.hi, md.p.lo };
                    if (md.f && next(md.a) == 3) { md.x = 1; }
                    md.b = md.f ? next(md.a) : 7;
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn tables_with_every_kind_of_key() {
    check!(
        "tables",
        Program {
            control: Some(
                r#"
                Counter<bit<32>, bit<9>>(512, CounterType_t.PACKETS) cells;
                DirectCounter<bit<32>>(CounterType_t.BYTES) direct;
                action set(bit<9> port, bit<32> v) {
                    tm.ucast_egress_port = port; md.a = v; direct.count(); cells.count(port);
                }
                action bound(in bit<32> k, bit<8> z) { md.d = z; md.a = k; }
                action drop() { dprsr.drop_ctl = 1; exit; }
                table forward {
                    key = {
                        hdr.eth.dst : exact @name("mac");
                        hdr.ip.src[31:16] : lpm;
                        hdr.ip.isValid() : exact;
                        md.c : range;
                        md.d & 0xf0 : ternary;
                    }
                    actions = { set; bound(md.b); drop; @defaultonly NoAction; }
                    const default_action = set(1, 2);
                    size = 100;
                    counters = direct;
                    const entries = {
                        (1, 0x1234, true, 1..5, 0x10 &&& 0xf0) : set(3, 4);
                        (2, 0x1200 &&& 0xff00, false, _, _) : bound(md.b, 5);
                        (3, _, true, 7, 0x20) : drop();
                    }
                }
                @stage(3) table plain { key = { md.c : exact; } actions = { drop; } }
                apply {
                    switch (forward.apply().action_run) {
                        set: { md.c = 1; }
                        drop: bound: { md.c = 2; }
                        default: { md.c = 3; }
                    }
                    if (!plain.apply().hit) { md.c = 4; }
                }"#
            ),
            ..Program::default()
        }
    );
}

#[test]
fn controls_are_inlined_under_their_own_names() {
    check!(
        "controls",
        Program {
            top: "
                control Inner(inout pair_t p, in bit<32> v)(bit<32> k) {
                    action add(bit<32> n) { p.lo = p.lo + n + v; p.hi = k; }
                    table t { key = { p.lo : exact; } actions = { add; } size = 16; }
                    apply { if (t.apply().miss) { return; } p.hi = p.hi + 1; }
                }
                control Outer(inout md_t md) {
                    Inner(7) one;
                    Inner(9) two;
                    apply { one.apply(md.p, md.a); two.apply(md.p, 5); }
                }
            ",
            control: Some("Outer() outer; apply { outer.apply(md); }"),
            ..Program::default()
        }
    );
}

#[test]
fn registers_and_their_programs() {
    check!(
        "registers",
        Program {
            control: Some(
                "
                Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
                CRCPolynomial<bit<32>>(0x1EDC6F41, true, false, false, 0xFFFFFFFF, 0xFFFFFFFF) poly;
                Hash<bit<32>>(HashAlgorithm_t.CUSTOM, poly) custom;
                Random<bit<8>>() dice;
                Register<pair_t, bit<10>>(1024, {1, 2}) reg;
                Register<bit<8>, bit<10>>(16) plain;
                MathUnit<bit<32>>(MathOp_t.MUL, 1, 2) half;
                RegisterAction<pair_t, bit<10>, bit<32>>(reg) move = {
                    void apply(inout pair_t v, out bit<32> o) {
                        bit<32> old = v.lo;
                        if ((int<32>)md.a - (int<32>)v.lo <= 0) { v.lo = v.lo + md.a; o = old; }
                        else { v.hi = half.execute(v.hi); }
                    }
                };
                RegisterAction2<pair_t, bit<10>, bit<32>, bit<32>>(reg) look = {
                    void apply(inout pair_t v, out bit<32> o, out bit<32> o2) { o = v.lo; o2 = v.hi; }
                };
                action touch() { md.a = move.execute(md.c[9:0]); }
                apply {
                    md.c = hash.get({hdr.eth.dst, md.a, 4w3});
                    md.b = custom.get(md.p);
                    md.d = dice.get();
                    touch();
                    md.a = look.execute(3, md.b) + 1;
                    move.execute(0);
                    plain.write(3, md.d);
                    md.d = plain.read(2);
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn what_a_constant_switches_off_leaves_nothing_behind() {
    check!(
        "switched_off",
        Program {
            top: "const bool IS_ON = false;
                  Register<bit<32>, bit<8>>(256) counts;
                  control Off(inout md_t md) {
                      bit<32> kept;
                      Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
                      RegisterAction<bit<32>, bit<8>, bit<32>>(counts) count = {
                          void apply(inout bit<32> v) { v = v + 1; }
                      };
                      action b() { kept = 7; md.c = hash.get({ kept }); }
                      table t { actions = { b; } }
                      apply { t.apply(); count.execute(1); }
                  }",
            control: Some(
                "Off() sub;
                 action a() { md.x = 1; }
                 table on { actions = { a; } }
                 table off { actions = { a; } }
                 apply {
                     if (IS_ON) { off.apply(); sub.apply(md); return; } else { on.apply(); }
                     if (md.f) { return; }
                     counts.write(3, 4);
                 }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn early_ends_in_register_programs_become_conditions() {
    check!(
        "register_returns",
        Program {
            top: "bit<32> least(in bit<32> a, in bit<32> b) { if (a < b) { return a; } return b; }",
            control: Some(
                "
                Register<bit<32>, bit<10>>(1024) reg;
                RegisterAction<bit<32>, bit<10>, bit<32>>(reg) move = {
                    void apply(inout bit<32> v, out bit<32> o) {
                        o = v;
                        if (md.a == 0) { return; }
                        v = least(v, md.b);
                        if (md.a == 1) { v = 7; } else { return; }
                        o = 9;
                    }
                };
                apply { md.a = move.execute(0); }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn stacks_headers_and_slices() {
    check!(
        "headers",
        Program {
            control: Some(
                "apply {
                    hdr.vlan.push_front(1);
                    hdr.vlan[0].setValid();
                    hdr.vlan[0].vid = (bit<12>) md.c;
                    hdr.vlan.pop_front(2);
                    if (hdr.ip.isValid() && hdr.vlan[1].isValid() || md.f) {
                        md.d = hdr.ip.ttl |-| 1;
                    } else {
                        hdr.ip = {64, 6, 20, 1, 2, 0};
                    }
                    hdr.vlan[md.d[1:0]].pcp = 2;
                    md.c[11:0] = hdr.vlan[md.d[1:0]].vid;
                    hdr.eth.src[15:0] = md.a[31:16] ++ md.c == 32w7 ? 16w1 : 16w2;
                    md.x = (bit<1>)(md.a < md.b);
                    md.f = md.s >> 1 < -3;
                    md.f = ! md.f;
                    md.a = ~ md.a - - md.b;
                    md.d = md.d << 2;
                    hdr.vlan[0] = hdr.vlan[1];
                    md.f = hdr.vlan[0] == hdr.vlan[1];
                    hdr.eth.setInvalid();
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn parsers_with_stacks_and_sub_parsers() {
    check!(
        "parsers",
        Program {
            top: "
                parser Tags(packet_in pkt, out vlan_t[3] vlan, in bit<16> kind, out bit<16> next) {
                    state start {
                        next = kind;
                        transition select(kind) { 0x8100 : more; default : accept; }
                    }
                    state more {
                        pkt.extract(vlan.next);
                        next = vlan.last.kind;
                        transition select(vlan.last.kind) { 0x8100 : more; default : accept; }
                    }
                }
            ",
            parser: Some(
                "
                Tags() tags;
                Checksum() sum;
                bit<16> next;
                value_set<bit<8>>(4) known;
                state start {
                    pkt.extract(m);
                    pkt.advance(PORT_METADATA_SIZE);
                    pkt.extract(hdr.eth);
                    tags.apply(pkt, hdr.vlan, hdr.eth.kind, next);
                    transition select(next, pkt.lookahead<bit<8>>()) {
                        (0x800, _) : ip;
                        (0x801 &&& 0xff0f, 1..5) : accept;
                        (_, 7) : reject;
                    }
                }
                state ip {
                    pkt.extract(hdr.ip);
                    sum.add(hdr.ip);
                    md.f = sum.verify();
                    verify(hdr.ip.ttl > 1, error.ParserInvalidArgument);
                    transition select(hdr.ip.proto) { known : accept; 6 : accept; }
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn deparsers() {
    check!(
        "deparsers",
        Program {
            top: "header copy_t { bit<8> why; bit<32> a; }
                  struct digest_t { bit<48> src; bit<9> port; }",
            deparser: Some(
                "
                Checksum() sum;
                Mirror(3) mirror;
                Resubmit(1) resubmit;
                Digest<digest_t>(2) digest;
                apply {
                    hdr.ip.csum = sum.update({hdr.ip.ttl, hdr.ip.proto, hdr.ip.len}, true);
                    if (dprsr.mirror_type == 3) { mirror.emit<copy_t>(8w5, {1, md.a}); }
                    if (dprsr.resubmit_type == 1) { resubmit.emit(md.p); }
                    if (dprsr.digest_type == 2) { digest.pack({hdr.eth.src, 9w1}); }
                    pkt.emit(hdr.eth);
                    pkt.emit(hdr.vlan);
                }"
            ),
            ..Program::default()
        }
    );
}

#[test]
fn loops_and_switches_over_values() {
    check!(
        "loops",
        Program {
            control: Some(
                "apply {
                    for (bit<8> i in 1 .. 3) {
                        if (md.d == i) { continue; }
                        if (md.f) { break; }
                        md.a = md.a + (bit<32>)(bit<16>)md.c;
                    }
                    for (bit<8> i = 0; i < 6; i = i + 2) { md.d = md.d + i; if (i == 2) { continue; } md.x = 1; }
                    for (bit<4> i = 8; i > 6; i -= 1) { md.b[i+:1] = md.x; }
                    switch (md.c) { 1: 2: { md.a = 1; } 3: { md.a = 2; md.c = 4; } default: { md.a = 3; } }
                }"
            ),
            ..Program::default()
        }
    );
}
