// Values that come from the hash matrix: `@in_hash` says where they are computed, not what they are.
#include "frame.p4"

INGRESS {
    action turn() {
        @in_hash { hdr.fields.c = hdr.fields.c[4:0] ++ hdr.fields.c[15:5]; }
    }
    // More operands than an action ALU has, some of them at other bits.
    action fold() {
        @in_hash {
            hdr.fields.c = hdr.fields.c ^ hdr.ethernet.dst_addr[47:32] ^ hdr.ethernet.src_addr[22:7]
                           ^ (hdr.ethernet.ether_type & 0x0ff0) ^ 0x8001;
        }
    }
    // A sum takes one operand from there.
    action sum() {
        @in_hash { hdr.fields.c = hdr.fields.c + (bit<16>) hdr.fields.a; }
    }
    // The second statement sees the first one.
    action two() {
        @in_hash {
            hdr.fields.b = hdr.fields.c[11:4];
            hdr.fields.c = hdr.fields.c ^ (hdr.fields.b ++ 8w0x42);
        }
    }
    // What comes with an entry is on no crossbar.
    action mix(bit<16> x) {
        bit<16> y = x;
        @in_hash { hdr.fields.c = hdr.fields.c ^ y; }
    }
    action back() {
        @in_hash {
            hdr.fields.b = hdr.fields.c[15:8];
            @in_vliw { hdr.fields.c = hdr.fields.c - 1; }
        }
    }
    table kinds {
        key = { hdr.fields.a : exact; }
        actions = { turn; fold; sum; two; mix; back; @defaultonly NoAction; }
        default_action = NoAction;
    }

    apply {
        ig_tm_md.ucast_egress_port = 2;
        kinds.apply();
        // Not in an action.
        @in_hash { hdr.ethernet.ether_type = hdr.fields.c ^ hdr.ethernet.ether_type; }
    }
}

MAIN
