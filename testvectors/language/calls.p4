// Arguments are evaluated from left to right and copied in, results are copied out from left to right
// to where the arguments stood when the call began (clause 6.8).
struct pair_t {
    bit<8> x;
    bit<8> y;
}

struct meta_t { }
#include "../v1model/frame.p4"

bit<8> bump(inout bit<8> x) {
    x = x + 1;
    return x;
}

bit<8> both(inout bit<8> x, inout bit<8> y) {
    x = x + 0x10;
    y = y + 0x01;
    return x - y;
}

bit<8> early(in bit<8> x) {
    if (x > 0x80) {
        return 0x80;
    }
    bit<8> y = x;
    if (x > 0x40) {
        y = 0x40;
        return y;
    } else if (x == 0) {
        return 1;
    }
    return y + 1;
}

void split(in bit<16> from, out bit<8> high, out bit<8> low) {
    high = from[15:8];
    low = from[7:0];
}

T second<S, T>(in S first, in T chosen) {
    return chosen;
}

pair_t swapped(in pair_t p) {
    return { y = p.x, x = p.y };
}

bit<8> with_default(in bit<8> x, in bit<8> more = 5) {
    return x + more;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    bit<8>[4] list;
    action set(inout bit<8> x, in bit<8> y) {
        hdr.data.b = 7;
        x = x + y;
    }
    apply {
        bit<8> v = hdr.data.b;
        switch (hdr.data.a) {
            // The first operand is what it was before the second changes it.
            1: { hdr.data.b = v + bump(v); hdr.data.c = (bit<16>) v; }
            2: { hdr.data.b = bump(v) ++ 4w0 == bump(v) ++ 4w0 ? 8w1 : 8w2; hdr.data.c = 8w0 ++ v; }
            // One place lent twice: what is copied out last stays.
            3: { hdr.data.b = both(v, v); hdr.data.c = 8w0 ++ v; }
            // The place is found before the later arguments change the index.
            4: {
                list = { 1, 2, 3, 4 };
                bit<8> i = 1;
                hdr.data.b = both(list[i], i);
                hdr.data.c = list[1] ++ list[2];
                hdr.data.d = 24w0 ++ i;
            }
            5: { hdr.data.b = early(v); }
            6: {
                bit<8> high;
                split(low = hdr.data.b, from = hdr.data.c, high = high);
                hdr.data.c = (bit<16>) high;
            }
            // The action sees the place that it was lent a copy of.
            7: { set(hdr.data.b, v); }
            8: { hdr.data.b = second<_, bit<8>>(hdr.data.c, 0x21) + second(8w1, 8w2); }
            9: {
                pair_t p = swapped({ 1, hdr.data.b });
                hdr.data.c = p.x ++ p.y;
            }
            10: { hdr.data.b = with_default(v) + with_default(v, 1); }
            // Calls in calls, in indices and in what is assigned.
            11: {
                list = { 0, 0, 0, 0 };
                list[bump(v)] = bump(v);
                hdr.data.d = list[0] ++ list[1] ++ list[2] ++ list[3];
                hdr.data.b = bump(list[bump(v) - 3]);
                hdr.data.c = 8w0 ++ list[1];
            }
            // Arguments count as they are written, whatever the parameters.
            13: {
                list = { 1, 2, 3, 4 };
                bit<8> i = 0;
                hdr.data.b = both(y = list[bump(i)], x = list[bump(i)]);
                hdr.data.d = list[0] ++ list[1] ++ list[2] ++ list[3];
            }
            14: { hdr.data.b = both(y = v, x = v); hdr.data.c = 8w0 ++ v; }
            // A part of a place.
            12: {
                bit<8> i = 3;
                hdr.data.d[15:8] = bump(i);
                split(0x1234, hdr.data.d[31:24], hdr.data.d[7:0]);
            }
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
