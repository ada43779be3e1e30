// Structs, tuples, lists and their comparisons; default values; nested types (clauses 8.11 to 8.26).
struct inner_t {
    bit<8> x;
    bool   y;
}

struct outer_t {
    inner_t        i;
    bit<8>         z;
    tuple<bit<8>, inner_t> t;
}

header wrapped_t {
    inner_t s;
    bit<7>  pad;
}

struct generic_t<T> {
    T      value;
    bit<8> more;
}

struct meta_t { }
#include "../v1model/frame.p4"

const outer_t FIXED = { i = { x = 3, y = true }, z = 4, t = { 5, { 6, false } } };
const tuple<bit<8>, bit<8>> PAIR = { 0x12, 0x34 };

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        outer_t o = { { hdr.data.b, true }, 2, { 3, { x = 4, y = false } } };
        outer_t p = o;
        switch (hdr.data.a) {
            1: { hdr.data.d = o.i.x ++ p.z ++ p.t[0] ++ o.t[1].x; }
            2: {
                p.t[1] = o.i;
                o.i.x = 0;
                hdr.data.d = p.t[1].x ++ o.i.x ++ (bit<8>) (bit<1>) p.t[1].y ++ FIXED.t[1].x;
            }
            3: {
                bool same = o == p;
                p.t[1].y = true;
                bool other = o == p;
                bool listed = o.i == { 5, true };
                tuple<bit<8>, bool> pair = { hdr.data.b, true };
                bool as_tuple = pair == { 5, true };
                hdr.data.d = 28w0 ++ (bit<1>) same ++ (bit<1>) other ++ (bit<1>) listed ++ (bit<1>) as_tuple;
            }
            4: {
                // Default values: all zero, the rest as given.
                outer_t q = { i = { x = 9, ... }, ... };
                inner_t r = ...;
                hdr.data.d = q.i.x ++ q.z ++ r.x ++ (bit<8>) (bit<1>) q.i.y;
            }
            5: {
                hdr.data.d = FIXED.i.x ++ FIXED.z ++ PAIR[0] ++ PAIR[1];
            }
            6: {
                wrapped_t w = { { hdr.data.b, true }, 1 };
                wrapped_t v = w;
                v.s.x = v.s.x + 1;
                w.s = { 7, false };
                hdr.data.d = w.s.x ++ v.s.x ++ (bit<8>) (bit<1>) v.s.y ++ (bit<8>) (bit<1>) (v == w);
            }
            7: {
                generic_t<bit<16>> g = { 0x1234, 5 };
                generic_t<inner_t> h = { value = { 6, true }, more = 7 };
                hdr.data.c = g.value;
                hdr.data.d = g.more ++ h.value.x ++ h.more ++ 8w0;
            }
            // Both are read before either is written.
            8: {
                inner_t k = { 1, true };
                bit<8> x = 2;
                k = { x, k.x == 1 };
                { bit<8> x = 0xaa; hdr.data.b = x; }
                hdr.data.d = k.x ++ (bit<8>) (bit<1>) k.y ++ x ++ 8w0;
                tuple<bit<8>, bit<8>> t = { 1, 2 };
                t = { t[1], t[0] };
                hdr.data.c = t[0] ++ t[1];
            }
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
