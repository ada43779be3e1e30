// Actions that are more than one operation of an action ALU: parts are computed in tables before and
// behind, or by a hash, and every source is what it was before the action.
#include "frame.p4"

INGRESS {
    // Of fields alone: before.
    action sum() {
        hdr.fields.c = hdr.fields.c + hdr.ethernet.dst_addr[15:0] + hdr.ethernet.src_addr[15:0] + 5 - 2;
    }
    // Of action data: behind. The type is the count as it was.
    action mix(bit<16> x, bit<16> y) {
        hdr.ethernet.ether_type = hdr.fields.c;
        hdr.fields.c = (hdr.fields.c + x) ^ y;
    }
    // What is read behind is overwritten in the action.
    action exchange(bit<16> x) {
        bit<16> old = hdr.ethernet.ether_type;
        hdr.ethernet.ether_type = (hdr.fields.c & x) | hdr.ethernet.ether_type;
        hdr.fields.c = old;
    }
    // Four to one.
    action fold() {
        hdr.fields.c = hdr.fields.c ^ hdr.ethernet.dst_addr[47:32] ^ hdr.ethernet.src_addr[47:32]
                       ^ hdr.ethernet.ether_type;
    }
    action both(bit<16> x, bit<16> y) {
        hdr.fields.c = max(x, y);
    }
    table kinds {
        key = { hdr.fields.a : exact; }
        actions = { sum; mix; exchange; fold; both; @defaultonly NoAction; }
        default_action = NoAction;
    }

    apply {
        ig_tm_md.ucast_egress_port = 2;
        kinds.apply();
        // What follows sees what was written behind.
        hdr.fields.b = hdr.fields.c[7:0];
    }
}

MAIN
