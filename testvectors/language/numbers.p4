// Arithmetic: signed and unsigned, saturating, shifts by any amount, casts, slices, concatenation,
// numbers without a width (clauses 8.5 to 8.11).
typedef bit<8> byte_t;
type bit<8> tagged_t;
enum bit<8> code_t { none = 0, some = 0x40 }

struct meta_t { }
#include "../v1model/frame.p4"

const int BIG = (1 << 70) / (1 << 64) - 1;
const bit<8> CUT = 0x1ff & 0xff;
const int<8> LEAST = -128;

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<8> x = hdr.data.c[15:8];
        bit<8> y = hdr.data.c[7:0];
        int<8> s = (int<8>) x;
        int<8> t = (int<8>) y;
        switch (hdr.data.a) {
            1: { hdr.data.d = (x + y) ++ (x - y) ++ (x * y) ++ (x |+| y); }
            2: { hdr.data.d = (x |-| y) ++ (bit<8>) (s |+| t) ++ (bit<8>) (s |-| t) ++ (bit<8>) (s * t); }
            3: { hdr.data.d = (x / y) ++ (x % y) ++ (x / 3) ++ (x % 0x10); }
            4: { hdr.data.d = (x << y) ++ (x >> y) ++ (bit<8>) (s >> y) ++ (bit<8>) (s << y); }
            5: { hdr.data.d = 24w0 ++ (bit<1>) (x < y) ++ (bit<1>) (s < t) ++ (bit<1>) (s <= t) ++ (bit<1>) (s > t)
                    ++ (bit<1>) (s >= t) ++ (bit<1>) (s == t) ++ (bit<1>) (s != t) ++ (bit<1>) (x >= y); }
            6: { hdr.data.d = (bit<32>) (int<32>) s ^ (bit<32>) x; }
            8: {
                tagged_t g = (tagged_t) x;
                code_t c = (code_t) y;
                bit<8> back = c;
                hdr.data.d = (bit<8>) g ++ back ++ (bit<8>) (bit<1>) (c == code_t.some) ++ (bit<8>) BIG;
            }
            9: { hdr.data.d[27:20] = x; hdr.data.d[3+:8] = y; hdr.data.d[1:0] = hdr.data.d[21:20]; }
            10: { hdr.data.d = CUT ++ (bit<8>) LEAST ++ (bit<8>) (LEAST |-| 1) ++ (bit<8>) (LEAST >> 3); }
            11: { x += 1; y -= 1; x <<= 1; y |= 0x80; hdr.data.d = (bit<32>) (x ++ y); }
            14: { hdr.data.d = 32w1 << y; }
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
