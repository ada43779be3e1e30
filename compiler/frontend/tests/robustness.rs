//! No program makes the front end panic, hang or run out of stack.

mod support;

use support::{DECLARATIONS, Program, parse};

/// Lowers a text that the grammar may refuse; returns whether it got as far as lowering.
fn survive(text: &str) -> bool {
    match support::try_parse(text) {
        Some(parsed) => {
            if let Ok((program, _)) = support::lower(&parsed) {
                assert!(
                    p4rmt_ir::validate::validate(&program).is_ok(),
                    "accepted, but not valid:\n{text}"
                );
            }
            true
        }
        None => false,
    }
}

/// A sequence of numbers that is the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// A program with a bit of everything.
fn rich_program() -> String {
    Program {
        top: "
            bit<32> clamp(in bit<32> v, in bit<32> m) { if (v > m) { return m; } return v; }
            control Inner(inout pair_t p, in bit<32> v)(bit<32> k) {
                action add(bit<32> n) { p.lo = p.lo + n + v; p.hi = k; }
                table t { key = { p.lo : exact; } actions = { add; } size = 16; }
                apply { if (t.apply().miss) { return; } p.hi = p.hi + 1; }
            }
            parser Tags(packet_in pkt, out vlan_t[3] vlan, in bit<16> kind) {
                state start { transition select(kind) { 0x8100 : more; default : accept; } }
                state more {
                    pkt.extract(vlan.next);
                    transition select(vlan.last.kind) { 0x8100 : more; default : accept; }
                }
            }",
        parser: Some(
            "Tags() tags; value_set<bit<8>>(4) known;
             state start {
                 pkt.extract(m); pkt.advance(PORT_METADATA_SIZE); pkt.extract(hdr.eth);
                 tags.apply(pkt, hdr.vlan, hdr.eth.kind);
                 transition select(hdr.eth.kind, pkt.lookahead<bit<8>>()) {
                     (0x800, _) : ip; (0x801 &&& 0xff0f, 1..5) : accept;
                 }
             }
             state ip {
                 pkt.extract(hdr.ip); verify(hdr.ip.ttl > 1, error.NoMatch);
                 transition select(hdr.ip.proto) { known : accept; 6 : reject; }
             }",
        ),
        control: Some(
            "Inner(7) inner;
             Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
             Register<pair_t, bit<10>>(1024, {1, 2}) reg;
             RegisterAction<pair_t, bit<10>, bit<32>>(reg) move = {
                 void apply(inout pair_t v, out bit<32> o) {
                     if ((int<32>)md.a - (int<32>)v.lo <= 0) { v.lo = v.lo + md.a; o = v.hi; }
                 }
             };
             DirectCounter<bit<32>>(CounterType_t.BYTES) direct;
             action set(bit<9> port) { tm.ucast_egress_port = port; direct.count(); }
             action bump(inout bit<32> q, in bit<32> by) { q = q + by; md.b = q; }
             table forward {
                 key = { hdr.eth.dst : exact; hdr.ip.src[31:16] : lpm; md.c : range; md.d : ternary; }
                 actions = { set; bump(md.a, md.b); @defaultonly NoAction; }
                 default_action = set(1);
                 const entries = { (1, 2, 3..4, 5 &&& 6) : set(7); (2, _, _, _) : bump(md.a, md.b); }
             }
             apply {
                 switch (forward.apply().action_run) { set: { md.c = 1; } default: { inner.apply(md.p, 5); } }
                 md.b = clamp(md.a, 100); bump(md.a, md.b);
                 md.c = hash.get({hdr.eth.dst, md.a, 4w3});
                 md.a = move.execute(md.c[9:0]);
                 hdr.vlan.push_front(1); hdr.vlan[md.d[1:0]].pcp = 2;
                 hdr.ip = {64, 6, 20, 1, 2, 0};
                 for (bit<8> i in 1 .. 3) { if (md.d == i) { break; } md.d = md.d + i; }
                 md.f = md.f ? md.a == 1 : md.p == {1, 2};
             }",
        ),
        deparser: Some(
            "Checksum() sum; Mirror(3) mirror;
             apply {
                 hdr.ip.csum = sum.update({hdr.ip.ttl, hdr.ip.proto, hdr.ip.len});
                 if (dprsr.mirror_type == 3) { mirror.emit<pair_t>(5, md.p); }
                 pkt.emit(hdr);
             }",
        ),
    }
    .text()
}

/// The same for v1model, and where its blocks begin.
const RICH_V1MODEL: &str = include_str!("support/rich_v1model.p4");
const V1MODEL_BLOCKS: &str = "parser P(";

#[test]
fn the_unbroken_programs_are_accepted() {
    for text in [&rich_program(), RICH_V1MODEL] {
        let parsed = parse(text);
        if let Err(diagnostics) = support::lower(&parsed) {
            panic!("{}", support::shown(&diagnostics, &parsed.sources));
        }
    }
}

#[test]
fn programs_with_words_changed_are_survived() {
    words_changed(&rich_program(), DECLARATIONS.len());
}

#[test]
fn v1model_programs_with_words_changed_are_survived() {
    let start = RICH_V1MODEL.find(V1MODEL_BLOCKS).expect("it has a parser");
    words_changed(RICH_V1MODEL, start);
}

/// Changes words behind a place in a program that is right.
fn words_changed(text: &str, start: usize) {
    let mut words: Vec<&str> = Vec::new();
    let mut rest = &text[start..];
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let len = if is_word(first) {
            rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        words.push(&rest[..len]);
        rest = &rest[len..];
    }
    let mut numbers = Numbers(7);
    let mut n_lowered = 0;
    for _ in 0..600 {
        let mut broken = words.clone();
        for _ in 0..=numbers.below(2) {
            let at = numbers.below(broken.len());
            let other = numbers.below(words.len());
            match numbers.below(4) {
                0 => {
                    broken.remove(at);
                }
                1 => broken[at] = words[other],
                2 => broken.insert(at, words[other]),
                _ => {
                    // A name in the place of a name: this is what the grammar lets through.
                    let is_name = |word: &str| word.starts_with(char::is_alphabetic);
                    let from = (at..broken.len()).find(|at| is_name(broken[*at]));
                    let to = (other..words.len()).find(|other| is_name(words[*other]));
                    if let (Some(from), Some(to)) = (from, to) {
                        broken[from] = words[to];
                    }
                }
            }
        }
        let broken = format!("{}{}", &text[..start], broken.concat());
        n_lowered += usize::from(survive(&broken));
    }
    assert!(n_lowered > 100, "only {n_lowered} got past the grammar");
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let deep = |n: usize, open: &str, inner: &str, close: &str| {
        Program {
            control: Some(&format!(
                "apply {{ {}{inner}{} }}",
                open.repeat(n),
                close.repeat(n)
            )),
            ..Program::default()
        }
        .text()
    };
    for n in [10, 70, 150, 1000] {
        survive(&deep(n, "if (md.f) { ", "md.a = 1;", " }"));
        survive(&deep(n, "{", "md.a = 1;", "}"));
        survive(
            &Program {
                control: Some(&format!(
                    "apply {{ md.a = {}md.b{}; md.b = {}md.a; md.f = {}md.f{}; }}",
                    "(1 + ".repeat(n),
                    ")".repeat(n),
                    "md.b + ".repeat(n),
                    "md.f ? true : (".repeat(n),
                    ")".repeat(n),
                )),
                ..Program::default()
            }
            .text(),
        );
    }
}

#[test]
fn chains_of_declarations_are_survived() {
    for is_reversed in [false, true] {
        let mut lines: Vec<String> = (1..5000)
            .map(|n| {
                format!(
                    "const int C{n} = C{} + 1; typedef T{} T{n};\n",
                    n - 1,
                    n - 1
                )
            })
            .collect();
        lines.insert(0, "const int C0 = 0; typedef bit<8> T0;\n".to_owned());
        if is_reversed {
            lines.reverse();
        }
        survive(
            &Program {
                top: &lines.concat(),
                control: Some("apply { T4999 x = C4999; md.d = x; }"),
                ..Program::default()
            }
            .text(),
        );
    }
}

#[test]
fn calls_that_multiply_end() {
    // Each function calls the one before twice: everything inlined, that is 2^40 calls.
    let cases = [
        (
            "void f0(inout bit<8> x) { x = x + 1; }",
            "void",
            "CALL; CALL;",
        ),
        ("void f0(inout bit<8> x) { }", "void", "CALL; CALL;"),
        (
            "bit<8> f0(inout bit<8> x) { return 1; }",
            "bit<8>",
            "return CALL + CALL;",
        ),
    ];
    for (first, result, body) in cases {
        let functions: String = (1..40)
            .map(|n| {
                let body = body.replace("CALL", &format!("f{}(x)", n - 1));
                format!("{result} f{n}(inout bit<8> x) {{ {body} }}\n")
            })
            .collect();
        let text = Program {
            top: &format!("{first}\n{functions}"),
            control: Some("apply { f39(md.d); }"),
            ..Program::default()
        }
        .text();
        let parsed = parse(&text);
        let diagnostics = support::lower(&parsed).expect_err("it is too large");
        assert!(
            diagnostics
                .iter()
                .any(|diagnostic| diagnostic.code.0 == "E5005"),
            "{body}"
        );
    }
}

#[test]
fn numbers_that_multiply_end() {
    let squares: String = (1..60)
        .map(|n| format!("const int N{n} = N{} * N{};\n", n - 1, n - 1))
        .collect();
    survive(
        &Program {
            top: &format!("const int N0 = 3;\n{squares}"),
            control: Some("apply { md.a = (bit<32>)N59; }"),
            ..Program::default()
        }
        .text(),
    );
}
