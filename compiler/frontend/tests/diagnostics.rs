//! Complaints: each at its line, with its code and message, as the fixture says behind `//~`.

mod support;

use std::collections::BTreeSet;

use support::{Program, parse};

/// The complaints of a text as (line, `CODE message`).
fn complaints(text: &str) -> BTreeSet<(usize, String)> {
    let parsed = parse(text);
    let diagnostics = match support::lower(&parsed) {
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
fn constants_that_only_instantiation_gives() {
    check(Program {
        top: "control Sub(inout hdr_t hdr, inout md_t md)(bit<8> n, int m) {
                  apply {
                      md.d = md.d / n; //~ E3003 division of bit<8> by 0 has no result
                      hdr.vlan[n + 3].setValid(); //~ E3005 index 3 of a stack of 3
                      md.d = md.d << (m - 4); //~ E3003 shift by -1
                      md.a = (bit<32>)(1 / (m - 3)); //~ E3003 division of 1 by 0 has no result
                      md.a[m+:31] = 1; //~ E2010 bits [33:3] of a value of 32 bits
                  }
              }",
        control: Some("Sub(0, 3) sub; apply { sub.apply(hdr, md); }"),
        ..Program::default()
    });
}

#[test]
fn what_the_machine_cannot_store() {
    check_control(
        "apply {
             bit<0> none; //~ E5001 a value of no bits is not supported
             eth_t[300] many; //~ E5005 more than 256 elements of a stack after everything is inlined
             md.a[md.d+:4] = 1; //~ E3001 this must be a constant
         }",
    );
}

#[test]
fn what_has_no_lowering_is_refused_and_never_left_out() {
    check_control(
        "apply {
             if ((md.f ? exact : ternary) == exact) { //~ E5001 what stands here is not supported
                 md.a = 1;
             }
         }",
    );
}

#[test]
fn tables() {
    check_control(
        "action b() { }
         table t {
             key = { md.c : exact; md.d : lpm; }
             actions = { b; }
             const entries = {
                 (1 &&& 3, 2) : b(); //~ E7022 a mask cannot stand for a key that is matched `exact`
             }
         }
         table v { key = { md.c : dleft_hash; } actions = { b; } } //~ E5004 match kind `dleft_hash` is not supported
         table w { key = { md.c : exact; } actions = { b; } dynamic_size = b; } //~ E5003 table property `dynamic_size` is not supported
         table x { key = { md.c : exact; } actions = { b; } proxy_hash = b; } //~ E1005 `b` is not an extern
         apply { t.apply(); v.apply(); w.apply(); x.apply(); }",
    );
}

#[test]
fn externs() {
    check_control(
        "Register<bit<32>, bit<8>>(0) none; //~ E3004 a size of 0 is outside 1 to 4294967296
         Register<hdr_t, bit<8>>(16) wide; //~ E4008 `hdr_t` is not an element of a register
         Register<bit<32>, bit<8>>(16) reg;
         RegisterAction<bit<32>, bit<8>, bit<32>>(reg) beyond = {
             void apply(inout bit<32> v) { md.d = 1; } //~ E2012 a write beyond the element and the outputs may not stand in a register action
         };
         RegisterAction<bit<32>, bit<8>, bit<8>>(reg) narrow = {
             void apply(inout bit<32> v, out bit<8> rv) {
                 rv = this.max8(v, 0xffff); //~ E5001 a search in a value that is not a word of 128 bits is not supported
             }
         };
         RegisterAction<bit<32>, bit<8>, bit<8>>(reg) where = {
             void apply(inout bit<32> v, out bit<8> rv) {
                 rv = this.address(); //~ E5001 this method of `this` is not supported
             }
         };
         Register<bit<1>, bit<8>>(16) bits;
         MinMaxAction<bit<1>, bit<8>, bit<8>>(bits) odd = { //~ E5001 a word of memory of such elements is not supported
             void apply(inout bit<128> v, out bit<8> rv) { rv = this.max8(v, 0xffff); }
         };
         Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
         Hash<bit<16>>(HashAlgorithm_t.CUSTOM) custom; //~ E2005 `Hash` needs an argument for `poly`
         Checksum() sum;
         Lpf<bit<64>, bit<8>>(16) lpf; //~ E2001 expected `a number of at most 32 bits`, found `bit<64>`
         Mirror(1) mirror;
         apply {
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
             md.a = (bit<32>)rate.execute(index = 1, adjust_byte_count = 4);
             md.a = (bit<32>)rate.execute(index = 1, adjust_byte_count = (bit<32>)md.c); //~ E3001 this must be a constant
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
fn tables_are_not_applied_in_deparsers() {
    check(Program {
        deparser: Some(
            "action a() { }
             table t { actions = { a; } }
             apply { t.apply(); } //~ E2012 `apply` of a table may not stand in a deparser",
        ),
        ..Program::default()
    });
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
fn what_no_pipe_reaches_may_be_what_is_not_supported() {
    let program = Program {
        top: "extern mine { mine(); }
              control Unused(inout md_t md) { mine() m; bit<0> none; apply { } }",
        control: Some(
            "action never(eth_t[300] many) { }
             table t { key = { md.c : dleft_hash; } actions = { never; } }
             apply { if (false) { t.apply(); } }",
        ),
        ..Program::default()
    };
    assert_eq!(complaints(&program.text()), BTreeSet::new());
}

#[test]
fn programs_without_a_machine() {
    let text = Program::default().text();
    let without_main = text.replace("Switch(pipe) main;", "");
    assert_eq!(
        complaints(&without_main),
        BTreeSet::from([(0, "E4001 the program has no instance `main`".to_owned())])
    );
    let other = text.replace("Switch(pipe) main;", "package Other(); Other() main;");
    let found = complaints(&other);
    let message = "E4002 no machine runs the package `Other`";
    assert!(
        matches!(found.first(), Some((_, complaint)) if complaint == message),
        "{found:?}"
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
        include_str!("../src/table/property.rs"),
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
