//! Parse time: a grammar without a memory must not forget how long it takes.

use std::time::{Duration, Instant};

use crate::common::parse_text;

/// A program of at least this many lines, all constructs that real programs are made of.
fn generate(n_lines: usize) -> String {
    let mut text = String::from(
        "#include <core.p4>\nheader h_t { bit<32> a; bit<16> c; }\nstruct m_t { bit<32> x; h_t h; }\n",
    );
    let mut n = 0;
    while text.lines().count() < n_lines {
        for _ in 0..10 {
            n += 1;
            text += &format!(
                "// Control number {n}.
control c{n}(inout m_t m, in bit<9> port) {{
    bit<32> t{n} = 0;
    @name(\"act{n}\") action a{n}(bit<32> v, bit<16> w) {{
        m.x = (m.x + v) & 0xffff ^ (bit<32>) w;
        m.h.c = m.h.c[15:8] ++ w[7:0];
    }}
    table tab{n} {{
        key = {{
            m.x : exact;
            m.h.a[15:0] : ternary @name(\"low\");
        }}
        actions = {{ a{n}; NoAction; }}
        const default_action = NoAction();
        const entries = {{
            (1, 2 &&& 3): a{n}((bit<32>) 4 << 2, 5);
        }}
        size = 1024;
    }}
    apply {{
        if (m.h.isValid() && (m.x != 5 || !(port == 3))) {{
            tab{n}.apply();
        }} else if (port == 9w3) {{
            m.x = port == 4 ? m.x : (m.x - 1);
        }}
        switch (tab{n}.apply().action_run) {{
            a{n}: {{ m.h.setInvalid(); }}
            default: {{ exit; }}
        }}
    }}
}}
"
            );
        }
    }
    text
}

/// The shortest of three times, because machines are busy, and the number of declarations.
fn time(n_lines: usize) -> (Duration, usize) {
    let text = generate(n_lines);
    let runs = (0..3).map(|_| {
        let start = Instant::now();
        let parsed = parse_text(&text).expect("the generated program is well formed");
        (start.elapsed(), parsed.program.declarations.len())
    });
    runs.min().expect("three runs")
}

#[test]
fn six_thousand_lines_take_less_than_a_second() {
    let (elapsed, n_declarations) = time(6000);
    assert!(n_declarations > 200);
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
}

#[test]
fn time_grows_with_length_alone() {
    let ((short, _), (long, _)) = (time(1500), time(12_000));
    // Eight times the text; a quadratic step would take sixty-four times.
    assert!(
        long < short * 24 + Duration::from_millis(100),
        "{short:?} {long:?}"
    );
}
