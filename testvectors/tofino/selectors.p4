// Two tables share an action profile: one names members, the other, through a selector, groups.
#include "frame.p4"

INGRESS {
    Hash<bit<16>>(HashAlgorithm_t.IDENTITY) by_field;
    ActionProfile(8) ways;
    ActionSelector(ways, by_field, SelectorMode_t.FAIR, 4, 2) groups;

    action send(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
    }
    action mark(bit<8> value) {
        hdr.fields.b = value;
    }
    table by_member {
        key = { hdr.fields.a : exact; }
        actions = { send; mark; }
        implementation = ways;
        size = 16;
    }
    table by_group {
        key = {
            hdr.ethernet.dst_addr : exact;
            hdr.fields.c : selector;
        }
        actions = { send; mark; }
        implementation = groups;
        size = 16;
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        if (hdr.ethernet.ether_type == 0x88B5) {
            by_member.apply();
        } else {
            by_group.apply();
        }
    }
}

MAIN
