//! Complaints: each at its line, with its code and message, as the fixture says behind `//~`.

mod support;

use std::collections::BTreeSet;

use support::{Program, parse};

/// The complaints of a text as (line, `CODE message`).
fn complaints(text: &str) -> BTreeSet<(usize, String)> {
    let parsed = parse(text);
    let diagnostics = match p4rmt_frontend::lower(&parsed.program, "test") {
        Ok((_, diagnostics)) | Err(diagnostics) => diagnostics,
    };
    diagnostics
        .iter()
        .map(|diagnostic| {
            let line = parsed
                .sources
                .locate(diagnostic.span)
                .map_or(0, |location| location.line as usize);
            (line, format!("{} {}", diagnostic.code, diagnostic.message))
        })
        .collect()
}

/// Compares the complaints of a program with what its lines say behind `//~`; several are parted by
/// `|`.
#[track_caller]
fn check(program: Program<'_>) {
    let text = program.text();
    let expected: BTreeSet<(usize, String)> = text
        .lines()
        .enumerate()
        .filter_map(|(line, content)| Some((line + 1, content.split_once("//~")?.1)))
        .flat_map(|(line, said)| {
            said.split('|')
                .map(move |one| (line, one.trim().to_owned()))
        })
        .collect();
    assert!(!expected.is_empty(), "a fixture without a complaint");
    let found = complaints(&text);
    assert_eq!(found, expected, "in\n{text}");
}

/// The same for what stands in the ingress control.
#[track_caller]
fn check_control(control: &str) {
    check(Program {
        control: Some(control),
        ..Program::default()
    });
}

#[test]
fn names() {
    check_control(
        "bit<8> twice;
         bit<8> twice; //~ E1002 `twice` is declared twice
         apply {
             md.a = nothing; //~ E1001 unknown name `nothing`
             md.nothing = 1; //~ E1003 `md_t` has no member `nothing`
             md.d = CounterType_t.NOTHING; //~ E1003 `CounterType_t` has no member `NOTHING`
             md.a = I; //~ E1005 `I` is not a value
             nothing_t x; //~ E1001 unknown name `nothing_t`
             hdr.ip.apply(); //~ E1003 `ip_t` has no member `apply`
         }",
    );
}

#[test]
fn several_mistakes_are_reported_and_none_twice() {
    check_control(
        "apply {
             bit<8> x = unknown; //~ E1001 unknown name `unknown`
             md.a = x + unknown2; //~ E1001 unknown name `unknown2`
             md.a = x; //~ E2001 expected `bit<32>`, found `bit<8>`
         }",
    );
}

#[test]
fn types() {
    check_control(
        "action swap(inout bit<32> x) { }
         apply {
             md.a = md.c; //~ E2001 expected `bit<32>`, found `bit<16>`
             md.f = md.x; //~ E2001 expected `bool`, found `bit<1>`
             md.a = md.b + md.c; //~ E2002 operator `+` is not defined on `bit<32>` and `bit<16>`
             md.f = md.f + md.f; //~ E2002 operator `+` is not defined on `bool` and `bool`
             md.a = !md.a; //~ E2002 operator `!` is not defined on `bit<32>`
             swap(1); //~ E2003 this cannot be written to
             m.ingress_port = 1; //~ E2004 `m` is read only
             md.s = (int<8>)md.c; //~ E2006 `bit<16>` cannot be cast to `int<8>`
             md.a = md.c[16:0] ++ 15w0; //~ E2010 bits [16:0] of a value of 16 bits
             if (md.a) { } //~ E2001 expected `bool`, found `bit<32>`
             md.a = 1 << md.d; //~ E2007 this number needs a width
             md.p = { 1 }; //~ E2005 `pair_t` takes 2 arguments, 1 given
             return 1; //~ E2011 this `return` does not fit what it returns from
         }",
    );
}

#[test]
fn constants() {
    check(Program {
        top: "const bit<8> WIDE = 256; //~ W3002 256 does not fit `bit<8>`: it is cut to its lowest bits
              const int ZERO = 1 / 0; //~ E3003 division of 1 by 0 has no result
              const int FAR = 1 << 100000; //~ E3003 shift by 100000
              const bit<0> NONE = 0; //~ E3004 a width of 0 bits is outside 1 to 2048
              const int SELF = SELF + 1; //~ E1004 `SELF` is declared in terms of itself
              struct inner_t { inner_t again; } //~ E1004 `inner_t` is declared in terms of itself",
        control: Some(
            "apply {
                 md.a = hdr.vlan[3].vid ++ 20w0; //~ E3005 index 3 of a stack of 3
                 md.d = md.d[md.d:0]; //~ E3001 this must be a constant
                 md.d = md.d / 0; //~ E3003 division of bit<8> by 0 has no result
             }",
        ),
        ..Program::default()
    });
}

#[test]
fn tables() {
    check_control(
        "action a(bit<8> x) { md.d = x; }
         action b() { }
         action nop() { }
         table t {
             key = { md.c : exact; md.d : ternary; }
             actions = { a; b; nothing; } //~ E1001 unknown name `nothing`
         }
         table u {
             key = { md.c : exact; md.d : lpm; }
             actions = { a; b; @defaultonly nop; }
             const entries = {
                 (1, 2) : a(); //~ E2005 `a` takes 1 arguments, 0 given
                 (1 &&& 3, 2) : b(); //~ E4012 a key matched `exact` cannot take a mask
                 (1, 2 &&& 0xaa) : b(); //~ E4012 a key matched `lpm` cannot take a mask with holes
                 (70000, 1) : b(); //~ W3002 70000 does not fit `bit<16>`: it is cut to its lowest bits
             }
         }
         action c() { }
         table good { actions = { b; } }
         table v { key = { md.c : dleft_hash; } actions = { b; } } //~ E5004 match kind `dleft_hash` is not supported
         table w { key = { md.c : exact; } actions = { b; } dynamic_size = b; } //~ E5003 table property `dynamic_size` is not supported
         table x { key = { md.c : exact; } actions = { b; } proxy_hash = b; } //~ E2001 expected `a `Hash``, found `void`
         apply {
             t.apply(); u.apply(); v.apply(); w.apply();
             switch (good.apply().action_run) {
             }
         }",
    );
}

#[test]
fn calls() {
    check(Program {
        top: "bit<8> f(in bit<8> x) { return x; }
              bit<8> g(in bit<8> x) { return g(x); } //~ E1004 `g` is declared in terms of itself
              void h(inout bit<8> x) { }",
        control: Some(
            "action a(in bit<8> x) { }
             apply {
                 md.d = f(md.c); //~ E2001 expected `bit<8>`, found `bit<16>`
                 md.d = f(); //~ E2005 `f` needs an argument for `x`
                 md.d = f(1, 2); //~ E2005 `f` takes 1 arguments, 2 given
                 md.d = f(y = 1); //~ E2005 `f` has no parameter `y`
                 md.d = g(1);
                 h(1); //~ E2003 this cannot be written to
                 h(m.packet_version); //~ E2004 `m` is read only
                 md.d(); //~ E1003 `md_t` has no member `d`
                 md_t(); //~ E2009 `md_t` cannot be called here
             }",
        ),
        ..Program::default()
    });
}

#[test]
fn externs() {
    check_control(
        "Register<bit<32>, bit<8>>(0) none; //~ E3004 a size of 0 is outside 1 to 4294967296
         Register<hdr_t, bit<8>>(16) wide; //~ E4008 `hdr_t` is not an element of a register
         Register<bit<32>, bit<8>>(16) reg;
         RegisterAction<bit<32>, bit<8>, bit<32>>(reg) other = {
             void apply(inout bit<16> v) { v = 1; } //~ E2001 expected `bit<32>`, found `bit<16>`
         };
         RegisterAction<bit<32>, bit<8>, bit<32>>(reg) beyond = {
             void apply(inout bit<32> v) { md.d = 1; } //~ E2012 a write beyond the element and the outputs may not stand in a register action
         };
         @name(\"reg\") Register<bit<32>, bit<8>>(16) twin; //~ E1002 `I.reg` is declared twice
         Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
         Hash<bit<16>>(HashAlgorithm_t.CUSTOM) custom; //~ E2005 `Hash` needs an argument for `poly`
         Checksum() sum;
         Lpf<bit<64>, bit<8>>(16) lpf; //~ E2001 expected `a number of at most 32 bits`, found `bit<64>`
         Mirror(1) mirror;
         apply {
             md.c = hash.get({ 1 }); //~ E2007 this number needs a width
             sum.add(md.a); //~ E4006 `Checksum.add` may not be called in a control
             mirror.emit(1); //~ E4006 `Mirror.emit` may not be called in a control
         }",
    );
}

#[test]
fn selectors() {
    check_control(
        "Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
         ActionProfile(16) pool;
         ActionSelector(pool, hash, SelectorMode_t.FAIR, 4, 4) first;
         ActionSelector(pool, hash, SelectorMode_t.FAIR, 4, 4) second; //~ E4014 `I.pool` has an action selector already
         ActionSelector(16, hash, SelectorMode_t.RESILIENT) third; //~ W5003 members of a group are picked fairly: a member that goes moves the packets of others, too
         SelectorAction(first) plug = { //~ E5002 extern `SelectorAction` is not supported
             void apply(inout bit<1> v) { v = 0; }
         };
         apply {}",
    );
}

#[test]
fn a_unit_adjusts_bytes_in_one_way() {
    check_control(
        "Counter<bit<32>, bit<8>>(4, CounterType_t.BYTES) one;
         Counter<bit<32>, bit<8>>(4, CounterType_t.BYTES) two;
         Meter<bit<8>>(4, MeterType_t.BYTES) rate;
         apply {
             one.count(1, 4);
             one.count(2, 4);
             two.count(1, 4);
             two.count(2, 14); //~ E4015 `I.two` counts 4 bytes less elsewhere, here 14
             md.a = (bit<32>)rate.execute(1, adjust_byte_count = 4);
             md.a = (bit<32>)rate.execute(1, adjust_byte_count = (bit<32>)md.c); //~ E3001 this must be a constant
         }",
    );
}

#[test]
fn externs_of_the_deparser() {
    check(Program {
        deparser: Some(
            "Mirror(1) mirror;
             apply { mirror.emit<tuple<bit<4>>>(1, { 4w1 }); } //~ E4010 these data have 4 bits, and a multiple of 8 is needed",
        ),
        ..Program::default()
    });
}

#[test]
fn parsers() {
    check(Program {
        parser: Some(
            "state start {
                 pkt.extract(m);
                 pkt.extract(md); //~ E2001 expected `a header`, found `md_t`
                 pkt.emit(hdr); //~ E4006 `packet.emit` may not be called in a parser
                 exit; //~ E2012 `exit` may not stand in a parser
                 transition select(md.c, md.d) {
                     (1, 2) : nowhere; //~ E1006 no state `nowhere` in this parser
                 }
             }",
        ),
        ..Program::default()
    });
}

#[test]
fn statements_in_the_wrong_place() {
    check_control(
        "action a() { t.apply(); } //~ E2012 `apply` of a table may not stand in an action
         table t { actions = { a; } }
         apply {
             t.apply();
             break; //~ E2012 `break` outside of a loop may not stand in a control
             hdr.vlan.next.vid = 1; //~ E2012 `next`, `last` or `lastIndex` of a stack may not stand in a control
         }",
    );
}

#[test]
fn declarations_in_disorder() {
    check(Program {
        parser: Some(
            "state start { pkt.extract(m); transition accept; }
             state start { transition accept; } //~ E1002 `start` is declared twice
             state accept { transition reject; } //~ E1002 `accept` is declared twice",
        ),
        control: Some(
            "action a(bit<8> x, in bit<8> y) { } //~ E2012 a parameter without a direction may not stand in front of one with a direction
             action b() { }
             table t {
                 actions = { b; }
                 size = 1;
                 size = 2; //~ E1002 `size` is declared twice
             }
             table u { key = { md.c : exact; } } //~ E2005 `u` needs an argument for `actions`
             apply {
                 switch (t.apply().action_run) {
                     b: { }
                     b: { } //~ E1002 `b` is declared twice
                 }
             }",
        ),
        ..Program::default()
    });
}

#[test]
fn names_towards_the_control_plane_are_unique() {
    check_control(
        r#"action a() { }
         @name("one") table t { actions = { a; } }
         @name(".I.one") table u { actions = { a; } } //~ E1002 `I.one` is declared twice
         @name(".one") table v { actions = { a; } }
         apply { t.apply(); u.apply(); v.apply(); }"#,
    );
}

#[test]
fn unsupported_parts_are_refused_by_name() {
    check(Program {
        parser: Some(
            "state start {
                 pkt.extract(m);
                 if (m.resubmit_flag == 1) {
                     pkt.extract(hdr.vlan.next); //~ E5001 extracting into `next` under a condition is not supported
                 }
                 transition accept;
             }",
        ),
        ..Program::default()
    });
}

#[test]
fn what_nothing_uses_is_checked() {
    check(Program {
        top: "control Unused(inout md_t md) {
                  Lpf<bit<8>, bit<8>>(16) lpf;
                  action a() { md.a = md.c; } //~ E2001 expected `bit<32>`, found `bit<16>`
                  apply { md.b = nothing; } //~ E1001 unknown name `nothing`
              }
              parser UnusedParser(packet_in pkt, out hdr_t hdr) {
                  state start { transition nowhere; } //~ E1006 no state `nowhere` in this parser
              }
              bit<8> unused(in bit<8> x) { return nothing; } //~ E1001 unknown name `nothing`",
        control: Some(
            "action never() { md.a = md.d; } //~ E2001 expected `bit<32>`, found `bit<8>`
             apply { }",
        ),
        ..Program::default()
    });
}

#[test]
fn program_needs_main() {
    let text = Program::default().text();
    let without_main = text.replace("Switch(pipe) main;", "");
    assert_eq!(
        complaints(&without_main),
        BTreeSet::from([(0, "E4001 the program has no instance `main`".to_owned())])
    );
}

#[test]
fn every_code_has_a_page() {
    let mut codes: Vec<&str> = p4rmt_frontend::explanations()
        .iter()
        .map(|explanation| explanation.code)
        .collect();
    let n_codes = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), n_codes, "a code has two pages");
    for explanation in p4rmt_frontend::explanations() {
        assert!(!explanation.help.is_empty() && !explanation.text.is_empty());
    }
    let sources = [
        include_str!("../src/error.rs"),
        include_str!("../src/coerce.rs"),
        include_str!("../src/table.rs"),
        include_str!("../src/externs/tna.rs"),
        include_str!("../src/externs/selector.rs"),
    ];
    let mut n_emitted = 0;
    for word in sources.iter().flat_map(|source| source.split('"')) {
        let is_code = word.len() == 5
            && word.starts_with(['E', 'W'])
            && word[1..].chars().all(|digit| digit.is_ascii_digit());
        if is_code {
            n_emitted += 1;
            assert!(p4rmt_frontend::explanation(word).is_some(), "{word}");
        }
    }
    assert!(n_emitted >= codes.len(), "a page without a code");
}
