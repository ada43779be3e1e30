// Controls in controls: constructor parameters, instances as arguments, one instance applied to several
// places, variables that start anew (clauses 14.4, 15.1 and 15.2).
struct meta_t { }
#include "../v1model/frame.p4"

control Add(inout bit<8> x)(bit<8> by) {
    bit<8> seen = 1;
    bit<8> unset;
    action plus() { x = x + by; seen = seen + 1; }
    action twice() { x = x + by + by; seen = seen + 1; }
    table t {
        key = { x : exact; }
        actions = { plus; twice; }
        const default_action = plus;
        const entries = { 0x40: twice(); }
    }
    apply {
        t.apply();
        if (seen == 2) {
            x = x ^ 0x80;
        }
    }
}

control changes_t(inout bit<8> x);

control Apply(inout bit<8> x, in bit<8> how)(changes_t inner, changes_t other) {
    apply {
        if (how == 0) {
            return;
        }
        if (how == 1) {
            inner.apply(x);
        } else {
            other.apply(x);
        }
    }
}

control Counted(inout bit<8> x) {
    data_t h;
    apply {
        if (h.isValid()) {
            x = 0xff;
        } else {
            x = x + 1;
        }
        h.setValid();
    }
}

control Filled(out data_t h, in bool really) {
    apply {
        if (really) {
            h = { 1, 2, 3, 4 };
        }
    }
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    Add(1) one;
    Add(0x10) sixteen;
    Apply(one, sixteen) either;
    Counted() counted;
    apply {
        bit<8> x = hdr.data.b;
        bit<8> y = 0x40;
        switch (hdr.data.a) {
            1: { one.apply(x); sixteen.apply(x); }
            2: { one.apply(x); one.apply(y); one.apply(x); hdr.data.c = 8w0 ++ y; }
            3: { either.apply(x, hdr.data.c[7:0]); }
            4: { counted.apply(x); counted.apply(x); counted.apply(y); hdr.data.c = 8w0 ++ y; }
            5: {
                Filled.apply(hdr.data, false);
                hdr.data.setValid();
                Filled.apply(hdr.data, true);
                x = hdr.data.b;
            }
            // A part of a field, and a place that an index says.
            7: {
                bit<8>[2] list = { 0, 0x40 };
                bit<1> i = 1;
                one.apply(list[i]);
                one.apply(hdr.data.d[15:8]);
                hdr.data.c = list[0] ++ list[1];
            }
        }
        hdr.data.b = x;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
