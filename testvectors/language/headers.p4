// Validity: set, copied, lent, compared; headers that are variables (clause 8.17).
struct meta_t { }
#include "../v1model/frame.p4"

void fill(out data_t h, in bool really) {
    if (really) {
        h.setValid();
        h.b = 0x99;
    }
}

void look(in data_t h, inout bit<8> seen) {
    seen = (seen << 1) | (bit<8>) (bit<1>) h.isValid();
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    data_t saved = hdr.data;
    action clear() {
        data_t none;
        saved = none;
    }
    apply {
        bit<8> seen = 1;
        data_t h;
        look(h, seen);
        switch (hdr.data.a) {
            1: {
                h = hdr.data;
                look(h, seen);
                h.setInvalid();
                look(h, seen);
                h.setValid();
                look(h, seen);
            }
            2: {
                h = { 1, 2, 3, 4 };
                look(h, seen);
                fill(h, false);
                look(h, seen);
                fill(h, true);
                look(h, seen);
                saved.b = h.b;
            }
            3: {
                look(saved, seen);
                clear();
                look(saved, seen);
                saved = hdr.data;
            }
            4: {
                data_t other;
                bool both = h == other;
                other.setValid();
                bool one = h == other;
                h = other;
                h.b = 5;
                other = h;
                bool again = h == other;
                h.c = 6;
                bool last = h != other;
                seen = (seen << 4) | (bit<8>) ((bit<1>) both ++ (bit<1>) one ++ (bit<1>) again ++ (bit<1>) last);
            }
            // Each turn has a variable of its own.
            5: {
                for (bit<8> i in 1 .. 3) {
                    data_t fresh;
                    look(fresh, seen);
                    fresh.setValid();
                    look(fresh, seen);
                }
            }
            6: {
                h = (data_t) {#};
                look(h, seen);
                h = hdr.data.b == 0 ? saved : h;
                look(h, seen);
                look(h == {#} ? hdr.data : h, seen);
            }
            7: { hdr.data.setInvalid(); }
        }
        if (hdr.data.isValid()) {
            saved.a = seen;
            hdr.data = saved;
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
