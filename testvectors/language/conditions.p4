// `&&`, `||` and `?:` evaluate what they need and nothing else, from left to right (clause 8.1).
struct meta_t { }
#include "../v1model/frame.p4"

bool mark(inout bit<16> marks, in bit<16> with, in bool result) {
    marks = (marks << 4) | with;
    return result;
}

bit<8> note(inout bit<16> marks, in bit<16> with) {
    marks = (marks << 4) | with;
    return (bit<8>) with;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<16> m = 0;
        bool x = hdr.data.b[0:0] == 1;
        bool y = hdr.data.b[1:1] == 1;
        bool z = hdr.data.b[2:2] == 1;
        bool r = false;
        switch (hdr.data.a) {
            1: { r = mark(m, 1, x) && mark(m, 2, y); }
            2: { r = mark(m, 1, x) || mark(m, 2, y); }
            3: { r = mark(m, 1, x) && (mark(m, 2, y) || mark(m, 3, z)); }
            4: { r = (mark(m, 1, x) || mark(m, 2, y)) && mark(m, 3, z); }
            5: {
                bit<8> v = mark(m, 1, x) ? note(m, 2) : note(m, 3);
                hdr.data.d = 24w0 ++ v;
            }
            // What was evaluated before stays what it was.
            6: { r = m == 0 && mark(m, 1, true) && m == 1 && !mark(m, 2, false); }
            7: { if (mark(m, 1, x) && mark(m, 2, y)) { m = m | 0x8000; } else { m = m | 0x4000; } }
            8: { r = mark(m, 1, x) != mark(m, 2, y); }
            // Operands of other operators are all evaluated.
            9: { hdr.data.d = 24w0 ++ (note(m, 1) + note(m, 2) * (x ? note(m, 3) : 8w4)); }
        }
        hdr.data.c = m;
        hdr.data.b = r ? 8w1 : 0;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
