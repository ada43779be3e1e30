//! What the check takes a misspelled name for.

mod support;

use support::parse;

/// The help of each error, in order.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let parsed = parse(text);
    let (_, diagnostics) = p4rmt_typing::check(&parsed.program);
    let helps: Vec<&str> = diagnostics
        .iter()
        .filter_map(|diagnostic| diagnostic.help.as_deref())
        .filter(|help| help.starts_with("did you mean"))
        .collect();
    assert_eq!(helps, expected, "{text}");
}

const HEADERS: &str = "#include <core.p4>
    header ipv4_t { bit<8> ttl; bit<8> protocol; }
    struct headers_t { ipv4_t ipv4; ipv4_t[2] inner; }
    enum Color { GREEN, RED }
    ";

#[test]
fn names_members_and_states_have_near_ones() {
    check(
        &format!(
            "{HEADERS} parser p(packet_in packet, out headers_t hdr) {{
                state start {{ packet.extract(hdr.ipv5); transition parse_mor; }}
                state parse_more {{ packet.extarct(hdr.inner.nxt); transition acept; }}
            }}"
        ),
        &[
            "did you mean `ipv4`?",
            "did you mean `parse_more`?",
            "did you mean `extract`?",
            "did you mean `next`?",
            "did you mean `accept`?",
        ],
    );
    check(
        &format!(
            "{HEADERS} control c(inout headers_t hdr) {{
                action forward() {{ hdr.ipv4.tll = 1; }}
                table t {{ key = {{ hdr.ipv4.ttl: lmp; }} actions = {{ forwrd; }} }}
                apply {{
                    Color color = Color.REED;
                    if (hdr.ipv4.isvalid()) {{ t.apply(); }}
                    if (t.apply().hti) {{ color = coler; }}
                }}
            }}"
        ),
        &[
            "did you mean `ttl`?",
            "did you mean `lpm`?",
            "did you mean `forward`?",
            "did you mean `RED`?",
            "did you mean `isValid`?",
            "did you mean `hit`?",
            "did you mean `color`?",
        ],
    );
}

#[test]
fn what_is_far_from_everything_has_none() {
    check("const bit<8> a = something_else;", &[]);
}

#[test]
fn cast_is_proposed_only_where_there_is_one() {
    let help = |text: &str| {
        let parsed = parse(text);
        let (_, diagnostics) = p4rmt_typing::check(&parsed.program);
        let mut helps = diagnostics.iter().map(|found| found.help.clone());
        helps.next().flatten().unwrap_or_default()
    };
    let number = "const bit<8> x = 16w1;";
    assert!(help(number).starts_with("write a cast"), "{}", help(number));
    let block = "control c_t(inout bool x); package p(c_t c);
        control d(in bool x) { apply {} } p(d()) main;";
    assert_eq!(help(block), "put something of type `c_t` here");
}
