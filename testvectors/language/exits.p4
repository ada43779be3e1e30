// `exit` copies out what its callers were lent, and nothing after it runs (clauses 6.8 and 12.5).
struct meta_t { }
#include "../v1model/frame.p4"

// What it switches off leaves nothing behind.
const bool NEVER = false;

// Sets what it was lent, and exits half way.
control Half(inout bit<8> x, inout bit<8> y) {
    action end_here() {
        x = 0x77;
        exit;
    }
    table t {
        key = { y : exact; }
        actions = { end_here; NoAction; }
        const default_action = NoAction;
        const entries = { 9: end_here(); }
    }
    apply {
        x = 0x11;
        if (y == 5) {
            exit;
        }
        switch (t.apply().action_run) {
            end_here: { x = 0xee; }
            default: { y = 0x22; }
        }
    }
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    bit<16> seen = 0;
    Half() half;
    Half() late;
    action lent(inout bit<8> x, out bit<16> y, in bit<8> how) {
        x = x + 1;
        y = 0xabcd;
        if (how == 1) {
            exit;
        }
        if (how == 2) {
            return;
        }
        x = x + 1;
    }
    // Sees its argument by two ways.
    action twice(inout bit<8> x) {
        x = 0x33;
        hdr.data.b = 0x44;
        exit;
    }
    action bound(inout bit<8> x, bit<8> data) {
        x = data;
        exit;
    }
    table with_bound {
        key = { hdr.data.c : exact; }
        actions = { bound(hdr.data.b); NoAction; }
        const entries = { 0x0001: bound(hdr.data.b, 0x55); }
    }
    apply {
        if (NEVER) {
            late.apply(hdr.data.b, hdr.data.b);
        }
        if (hdr.data.a == 1) {
            lent(hdr.data.b, seen, hdr.data.b);
            hdr.data.c = seen;
        } else if (hdr.data.a == 2) {
            twice(hdr.data.b);
        } else if (hdr.data.a == 3) {
            with_bound.apply();
            hdr.data.c = 0xffff;
        } else if (hdr.data.a == 4) {
            // Each is lent the other's place, too.
            half.apply(hdr.data.b, hdr.data.b);
            hdr.data.c = 0xffff;
        } else if (hdr.data.a == 6) {
            late.apply(hdr.data.b, hdr.data.b);
            hdr.data.c = 0xffff;
        } else if (hdr.data.a == 5 && with_bound.apply().miss) {
            hdr.data.c = 0xffff;
        }
        hdr.data.d = 0xffffffff;
    }
}

// An exit of the ingress is not one of the egress.
control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        hdr.data.a = hdr.data.a + 0x10;
    }
}

control MyDeparser(packet_out pkt, in headers_t hdr) {
    apply {
        if (NEVER) {
            exit;
        }
        if (hdr.data.d == 2) {
            exit;
        }
        pkt.emit(hdr.data);
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), MyDeparser()) main;
