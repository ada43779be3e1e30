//! No program makes the check panic, hang or run out of stack or memory.

mod support;

use std::time::{Duration, Instant};

use support::try_parse;

/// Checks a text that the grammar may refuse, within a time that a person would wait.
#[track_caller]
fn survive(text: &str) {
    let Some(parsed) = try_parse(text) else {
        return;
    };
    let start = Instant::now();
    let (_, diagnostics) = p4rmt_typing::check(&parsed.program);
    for diagnostic in &diagnostics {
        let _ = parsed.sources.render(diagnostic, false);
    }
    let took = start.elapsed();
    assert!(
        took < Duration::from_secs(5),
        "{took:?}: {}",
        text.chars().take(300).collect::<String>()
    );
}

/// One line for each number.
fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (1..=n).map(line).collect()
}

#[test]
fn types_that_double() {
    survive(&format!(
        "typedef tuple<bit<8>> t0; {} control c() {{ t60 x; apply {{ if (x == x) {{}} }} }}",
        lines(60, |n| format!("typedef tuple<t{0}, t{0}> t{n};", n - 1)),
    ));
    survive(&format!(
        "struct s0 {{ bit<8> x; }} {} const s40 a = ...; const s40 b = ...; const bool c = a == b; const int d = s40.minSizeInBits();",
        lines(40, |n| format!("struct s{n} {{ s{0} x; s{0} y; }}", n - 1)),
    ));
}

#[test]
fn generic_types_that_double() {
    survive(&format!(
        "struct s0<T> {{ T x; T y; }} {} s60<bit<8>> f(in s60<bit<8>> x) {{ return x; }}",
        lines(60, |n| format!(
            "struct s{n}<T> {{ s{0}<s{0}<T>> x; s{0}<T> y; }}",
            n - 1
        )),
    ));
}

#[test]
fn types_that_nest_deep() {
    survive(&format!(
        "struct s0 {{ bit<8> x; }} {} const s5000 a = ...; const int d = a.minSizeInBits();",
        lines(5000, |n| format!("struct s{n} {{ s{} x; }}", n - 1)),
    ));
    let deep = 150;
    survive(&format!(
        "typedef {}bit<8>{} t; control c() {{ t x; apply {{}} }}",
        "tuple<".repeat(deep),
        ">".repeat(deep)
    ));
}

#[test]
fn numbers_that_grow() {
    survive(&format!(
        "const int n0 = 3; {}",
        lines(64, |n| format!("const int n{n} = n{0} * n{0};", n - 1)),
    ));
    survive(
        "const int a = 1 << 4294967296; const int b = (1 << 65535) << 65535; const bit<2048> c = 1 << 9999;",
    );
    survive(
        "const bit<99999999999> a = 1; header h {} struct s { h[99999999] x; h[-1] y; } const s b = ...;",
    );
}

#[test]
fn strings_that_grow() {
    survive(&format!(
        "const string n0 = \"abcdefgh\"; {}",
        lines(64, |n| format!("const string n{n} = n{0} ++ n{0};", n - 1)),
    ));
}

#[test]
fn unknowns_that_contain_themselves() {
    survive(
        "extern void f<T>(in T x, in tuple<T> y); control c() { apply { f({ 8w1 }, { { 8w1 } }); f(_, _); } }",
    );
    survive(
        "struct S<T> { T x; } void f<T, U>(in S<T> x, in S<U> y, in T z) {} control c(in S<S<bit>> s) { apply { f(s, s, s); f(s, s.x, { s }); } }",
    );
}

#[test]
fn overloads_by_the_thousand() {
    let declarations = lines(2000, |n| format!("extern void f(in bit<8> x{n});"));
    survive(&format!(
        "{declarations} control c() {{ apply {{ f(1); f(x9 = 1); f(); }} }}"
    ));
}

/// A sequence of numbers that is the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound.max(1)
    }
}

/// A program with a bit of everything.
const RICH: &str = "
    #include <core.p4>
    typedef bit<8> b8; type b8 N; enum E { A, B } enum bit<8> F { A = 1, B = A + 1 }
    error { Mine } const b8 K = 3 + (b8)F.B; const list<b8> L = { 1, K };
    header H { b8 x; } header V { b8 x; varbit<32> v; } header_union U { V v; }
    struct S<T> { T t; H[4] st; U u; E e; tuple<b8, bool> tu; }
    extern R<T> { R(bit<32> n, @optional T init); T read(in bit<32> i); void write<I>(in I i, in T x = 0);
        abstract void act(inout T x, out b8 y); }
    extern T id<T>(in T x); extern void two(in b8 a); extern void two(in b8 a, in bool b = true);
    T pick<T>(in bool c, in T a, in T b) { if (c) { return a; } return b; }
    parser P<T>(packet_in p, out S<T> s)(bit<32> n) {
        value_set<b8>(4) vs; R<b8>(n) r = { void act(inout b8 x, out b8 y) { x = x + 1; y = this.read(0); } };
        state start { p.extract(s.st.next); verify(s.st.lastIndex < 3, error.Mine);
            transition select(s.st.last.x, p.lookahead<b8>()) { (1, 2 &&& 3) : start; (vs, 4..K) : more; default : reject; } }
        state more { p.extract(s.u.v, 8); transition accept; }
    }
    control C(inout S<b8> s, inout b8 m)(b8 k) {
        R<b8>(16, 3) r = { void act(inout b8 x, out b8 y) { y = x; } };
        action set(inout b8 d, b8 v) { d = v + k; r.write(8w3, d); }
        action nop() {}
        table t { key = { m : exact; s.st[0].x : ternary @name(\"x\"); } actions = { set(m); nop; }
            default_action = nop(); const entries = { (1, 2 &&& 7) : set(m, 3); (3, _) : nop; } size = 8; }
        apply {
            switch (t.apply().action_run) { set : { m = 1; } default : {} }
            if (t.apply().hit && s.u.isValid()) { s.tu = { m, true }; } else { s.st.push_front(1); }
            for (b8 i in 0..3) { m[3:0] = (i ++ s.tu[0])[11:8]; if (i == 2) break; }
            s = { s.t, ... }; m = pick(s.tu[1], m, 4); m |+|= id<b8>(5) >> 1; two(a = m); s.st[m] = { s.st[0].x };
            switch (s.e) { E.A : {} E.B : { return; } } N n = (N)m; m = (b8)n; m = L.size() == 2 ? 1 : m;
        }
    }
    control Arch<T>(inout S<T> s, inout b8 m); package Top<T>(Arch<T> c); Top(C(1)) main;
";

/// A text in words, signs and blanks.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after;
    }
    words
}

#[test]
fn rich_program_is_accepted() {
    let parsed = support::parse(RICH);
    let (_, diagnostics) = p4rmt_typing::check(&parsed.program);
    let errors: Vec<_> = diagnostics.iter().map(|d| d.message.clone()).collect();
    assert!(!diagnostics.has_errors(), "{errors:?}");
}

#[test]
fn changed_programs() {
    let words = words(RICH);
    let spare = [
        "0",
        "1",
        "-",
        "_",
        "...",
        "{#}",
        "{}",
        "int",
        "void",
        "T",
        "this",
        "S",
        "F.A",
        "99999999999",
        "K",
        "t",
        "C",
        "string",
    ];
    let mut numbers = Numbers(7);
    for _ in 0..3000 {
        let mut changed: Vec<&str> = words.clone();
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(changed.len());
            match numbers.below(5) {
                0 => {
                    changed.remove(at);
                }
                1 => changed[at] = spare[numbers.below(spare.len())],
                2 => changed[at] = words[numbers.below(words.len())],
                3 => {
                    let other = numbers.below(changed.len());
                    changed.swap(at, other);
                }
                _ => {
                    let end = (at + numbers.below(12)).min(changed.len());
                    let piece: Vec<&str> = changed[at..end].to_vec();
                    changed.splice(at..at, piece);
                }
            }
        }
        survive(&changed.concat());
    }
}
