// A table that holds hashes of its keys.
#include "frame.p4"

INGRESS {
    action mark() {
        hdr.fields.b = 1;
    }
    table marked {
        key = {
            hdr.ethernet.dst_addr : exact;
            hdr.fields.c : exact;
        }
        actions = { mark; }
        size = 16;
        proxy_hash = Hash<bit<16>>(HashAlgorithm_t.CRC16);
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        marked.apply();
    }
}

MAIN
