// Type parameters, given and inferred, of functions, structs, parsers and controls; values that only
// construction gives (clauses 7.2.9, 10.2, 13.11, 14.4, 15.1).
struct meta_t { }
#include "../v1model/frame.p4"

struct pair_t<T, U> {
    T first;
    U second;
}

struct nested_t<T> {
    pair_t<T, bit<16>> p;
    pair_t<bit<4>, T>[2] q;
}

T first<T>(in T a, in T b) {
    return a;
}

void swap<T>(inout T a, inout T b) {
    T t = a;
    a = b;
    b = t;
}

U second<T, U>(in pair_t<T, U> p) {
    return p.second;
}

bit<8> bits_of<T>(in T x) {
    return (bit<8>) (x.minSizeInBits() + 1);
}

pair_t<T, T> both<T>(in T x) {
    T copy = first(x, x);
    return { copy, first<T>(copy, x) };
}

control op_t<T>(inout T x);

control Swap<T>(inout T a, inout T b) {
    action exchange() {
        swap(a, b);
    }
    table t {
        actions = { exchange; }
        const default_action = exchange;
    }
    apply {
        t.apply();
    }
}

control Negate<T>(inout T x, in T with) {
    pair_t<T, T> p = { x, with };
    apply {
        x = first(p.second, p.first);
    }
}

control Invert(inout bit<8> x) {
    apply { x = ~x; }
}

control Twice<T>(inout T x)(op_t<T> op, bit<8> n) {
    apply {
        op.apply(x);
        if (n > 1) {
            op.apply(x);
        }
    }
}

control Computed(inout bit<8> x)(bit<8> n, int m, bool plus) {
    bit<8>[3] list = { 1, 2, 3 };
    apply {
        x = plus ? x + n : x - n;
        x = x + (bit<8>) (m * 3 - 1) + list[m - 1];
        x[m+:2] = 0;
    }
}

parser Sub<H>(packet_in pkt, out H h) {
    state start {
        pkt.extract(h);
        transition accept;
    }
}

parser ParseGeneric(packet_in pkt, out headers_t hdr, inout meta_t meta,
                    inout standard_metadata_t standard_metadata) {
    Sub<data_t>() sub;
    state start {
        sub.apply(pkt, hdr.data);
        transition accept;
    }
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    Swap<bit<8>>() narrow;
    Swap<bit<16>>() wide;
    Negate<bit<8>>() negate;
    Invert() invert;
    Twice<bit<8>>(invert, 1) once;
    Twice<bit<8>>(invert, 2) twice;
    Computed(5, 2, true) more;
    Computed(5, 1, false) less;
    apply {
        bit<8> x = hdr.data.b;
        bit<8> y = 0x40;
        switch (hdr.data.a) {
            1: { narrow.apply(x, y); }
            2: { swap(hdr.data.c[15:8], hdr.data.c[7:0]); swap<bit<8>>(x, y); }
            3: {
                nested_t<bit<8>> n = { { x, hdr.data.c }, { { 1, 2 }, { 3, y } } };
                swap(n.q[0], n.q[1]);
                hdr.data.c = second(n.p) + (n.q[0].first ++ second(n.q[0]) ++ n.q[1].first);
            }
            4: { hdr.data.c = bits_of(x) ++ bits_of(hdr.data); }
            5: {
                pair_t<bit<8>, bit<8>> p = both(x);
                p.second = first(p.second, 0) + 1;
                hdr.data.c = p.first ++ p.second;
            }
            6: { negate.apply(x, 0x0f); }
            7: { once.apply(x); }
            8: { twice.apply(x); }
            9: { more.apply(x); }
            10: { less.apply(x); }
            11: {
                bit<16> z = hdr.data.d[31:16];
                wide.apply(hdr.data.c, z);
                hdr.data.d[31:16] = z;
            }
        }
        hdr.data.b = x;
    }
}

V1Switch(ParseGeneric(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
