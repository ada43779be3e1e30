//! Programs that are right: a part of the language each, as small as it can be.

mod support;

use support::errors;

#[track_caller]
fn accept(text: &str) {
    assert_eq!(errors(text), Vec::<String>::new(), "{text}");
}

/// A control with this body of its `apply`, after these declarations.
#[track_caller]
fn accept_in_apply(top: &str, body: &str) {
    accept(&format!(
        "{top}\ncontrol c(inout bit<8> a, inout bit<16> w, inout int<8> s, inout bool t) {{\n apply {{ {body} }}\n}}\n"
    ));
}

#[test]
fn numbers_take_the_width_of_the_other_operand() {
    accept_in_apply(
        "",
        "a = a + 1; t = 3 < a; a = t ? 1 : a; a = 5 - 3 * 2; t = (bool)1;",
    );
}

#[test]
fn shifts_take_any_unsigned_distance() {
    accept_in_apply("", "a = a << w; w = w >> 1024; s = s >> a; w = 1 << 3;");
}

#[test]
fn concatenation_adds_widths_and_keeps_the_left_sign() {
    accept_in_apply(
        "",
        "w = a ++ a; w = a ++ s; int<16> n = s ++ a; w = a[3:0] ++ 12w0;",
    );
}

#[test]
fn slices_are_places() {
    accept_in_apply("", "a[3:0] = 1; w[a+:4] = a[7:4]; a[w[0:0]+:2] = 3;");
}

#[test]
fn serializable_enum_is_its_number_where_one_is_needed() {
    accept_in_apply(
        "enum bit<8> E { A = 1, B = A + 1 }",
        "E e = E.B; a = e; a = e + 1; t = e == E.A; w = w << e; e = (E)3; a = E.A ++ a[0:0] == 0 ? a : 1;",
    );
}

#[test]
fn lists_and_structs_become_what_is_expected() {
    accept_in_apply(
        "struct S { bit<8> x; bool y; } header H { bit<8> x; }
         struct N { S s; H[2] h; tuple<bit<8>, S> t; }",
        "S v = { 1, true }; v = { y = false, x = 2 }; v = { y = true, ... }; v = ...;
         N n = { { 1, true }, { { 3 }, {#} }, { 4, { x = 5, y = t } } };
         t = v == { 1, false }; t = n.h[0] == {#}; v = (S){ a, t }; n.h = { { a }, ... };
         tuple<bit<8>, bool> p = { a, t }; a = p[0]; v = t ? v : { 1, t };",
    );
}

#[test]
fn header_methods_and_sizes() {
    accept_in_apply(
        "header H { bit<8> x; varbit<16> v; } header_union U { H h; } struct S { H[3] st; U u; }",
        "S v; v.st[0].setValid(); v.u.h.setInvalid(); t = v.u.isValid() && v.st[1].isValid();
         v.st.push_front(1); v.st.pop_front(2); const bit<8> n = H.minSizeInBits();
         const bit<8> m = v.st.maxSizeInBytes(); bit<32> size = v.st.size;",
    );
}

#[test]
fn type_arguments_are_found_through_nested_generics() {
    accept_in_apply(
        "struct P<A, B> { A first; B second; }
         A first<A, B>(in P<A, B> p) { return p.first; }
         extern void ext<T>(in T x, in list<T> y);
         extern Reg<T, I> { Reg(bit<32> n); T read(in I at); void write<U>(in I at, in T x, in U u); }
         Reg<P<bit<8>, bool>, bit<16>>(4) reg;",
        "P<bit<8>, bool> p = { 1, true }; a = first(p); a = first<bit<8>, bool>({ 2, t });
         p = reg.read(w); reg.write(w, { a, t }, 8w1); reg.write<_>(1, p, t); ext(a, { 1, a });",
    );
}

#[test]
fn blocks_fit_package_parameters_by_their_heads() {
    accept(
        "#include <core.p4>
         parser P<H>(packet_in b, out H h); control C<H, M>(inout H h, @optional inout M m);
         package Top<H, M>(P<H> p, C<H, M> c, @optional C<_, M> d);
         struct S { bit<8> x; }
         parser p(packet_in b, out S s) { state start { transition accept; } }
         control c(inout S s) { apply {} } control d(inout S s, inout bit<8> m) { apply {} }
         Top(p(), d()) main;
         Top<S, bit<8>>(p = p(), c = c()) other;",
    );
}

#[test]
fn overloads_are_told_apart_by_number_and_names() {
    accept_in_apply(
        "extern void f(in bit<8> x); extern void f(in bit<16> y, in bool z);
         extern void g(in bit<8> x); extern void g(in bool y);
         extern O { O(); O(bit<8> n); void m(); void m(in bit<8> x, @optional in bool y); }
         O() o; O(8w1) o1;",
        "f(a); f(w, t); f(y = w, z = t); g(x = a); g(y = t); o.m(); o1.m(a); o1.m(a, t);",
    );
}

#[test]
fn default_values_and_optional_parameters_may_be_left_out() {
    accept_in_apply(
        "extern void f(in bit<8> x, in bit<16> y = 7); extern void g<T>(in bit<8> x, @optional in T y);",
        "f(1); f(1, 2); f(y = 3, x = 1); g(a); g(a, w);",
    );
}

#[test]
fn abstract_methods_are_given_by_instances() {
    accept(
        "extern A<T> { A(bit<8> n); abstract T f(inout T x); bit<8> g(); }
         control c() {
             A<bit<16>>(3) a = {
                 bit<16> f(inout bit<16> x) { x = x + 1; return x ++ this.g() == 0 ? x : 16w1; }
             };
             apply {}
         }",
    );
}

#[test]
fn parsers_use_states_before_they_are_declared() {
    accept(
        "#include <core.p4>
         header H { bit<8> x; } struct S { H[4] h; }
         parser p(packet_in b, out S s) {
             value_set<bit<8>>(4) known;
             state start { b.extract(s.h.next); transition select(s.h.last.x, s.h.lastIndex) {
                 (1, _) : start; (2 &&& 3, 1..4) : next; default : reject; } }
             state next { transition select(s.h[0].x) { known : accept; 7 : start; } }
         }",
    );
}

#[test]
fn tables_bind_actions_and_switch_on_what_they_ran() {
    accept(
        "#include <core.p4>
         control c(inout bit<8> x) {
             action set(inout bit<8> y, bit<8> v) { y = v; }
             action nop() {}
             table t {
                 key = { x : exact; x[3:0] : ternary; }
                 actions = { set(x); nop; }
                 default_action = set(x, 3);
                 const entries = { (1, 2 &&& 3) : set(x, 4); (3, _) : nop(); }
                 size = 16;
             }
             apply {
                 switch (t.apply().action_run) { set : { x = 1; } nop : default : {} }
                 if (t.apply().hit) { set(x, 5); }
                 switch (x) { 1 : 2 : { x = 3; } default : {} }
             }
         }",
    );
}

#[test]
fn loops_run_over_ranges_stacks_and_lists() {
    accept_in_apply(
        "header H { bit<8> x; }",
        "H[3] h; for (H e in h) { a = a + e.x; } for (bit<8> i in 1..w[7:0]) { if (i == 2) continue; a = i; }
         for (bit<8> i = 0, bit<8> j = 1; i < 4; i = i + 1, j += 2) { if (j == a) break; }
         for (bit<8> k in (list<bit<8>>){ 1, 2 }) { a |= k; }",
    );
}

#[test]
fn new_types_are_cast_to_and_from() {
    accept_in_apply(
        "type bit<8> N;",
        "N n = (N)a; a = (bit<8>)n; t = n == (N)3; N m = n;",
    );
}

#[test]
fn generic_declarations_are_checked_without_an_instance() {
    accept(
        "control C<T>(inout T x, in T y)(T z) { T w; apply { w = y; x = w; } }
         control D() { C<bit<8>>(1) c; bit<8> v; apply { c.apply(v, 2); } }",
    );
}

#[test]
fn constants_are_computed_exactly() {
    accept(
        "#include <core.p4>
         const int BIG = 1 << 200;
         const bit<8> B = (bit<8>)(BIG / (1 << 198)) + 251;
         const bool C = static_assert(B == 255, \"B\") && static_assert(B + 1 == 0 && -5 + 2 == -3);
         struct S { bit<8> x; bit<4>[2] y; } const S s = { 3, { 1, 2 } };
         const bool D = static_assert(s.y[1] ++ s.x == 12w0x203) && static_assert((8w7 |-| 9) == 0);
         const string T = \"a\" ++ \"b\"; bit<(B >> 4)> f(in bit<15> x) { return x; }",
    );
}

#[test]
fn numbers_take_the_width_that_a_new_type_holds() {
    accept("type bit<12> Vlan; type Vlan Tag; const Vlan V = 4095; const Tag T = 0;");
}

#[test]
fn type_arguments_of_externs_may_be_left_open_beside_others() {
    accept(
        "extern Memory<T, I> { Memory(bit<32> size); T read(in I index); }
         extern Reader<T, I> { Reader(Memory<_, _> memory); T read(in I index); }
         control c(inout bit<8> a) {
             Memory<bit<8>, _>(16) memory;
             Reader<bit<8>, _>(memory) reader;
             apply { a = memory.read(0) + reader.read(a); }
         }",
    );
}

#[test]
fn actions_may_share_a_name_where_the_control_plane_finds_them_by_table() {
    let control = |name: &str| {
        format!(
            "control {name}() {{ @name(\".nop\") action nop() {{}}
             table t {{ actions = {{ nop; }} }} apply {{ t.apply(); }} }}"
        )
    };
    let program = |annotation: &str| {
        format!(
            "control C(); {annotation} package P(C c, C d);\n{}\n{}\nP(c(), d()) main;",
            control("c"),
            control("d")
        )
    };
    accept(&program("@actions_by_table"));
    assert_eq!(
        errors(&program("")),
        ["4: E1007 the control plane already has an action named `nop`"]
    );
}
