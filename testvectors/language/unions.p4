// Header unions: one of their headers at most is valid (clause 8.20).
header one_t { bit<8> kind; }
header two_t { bit<8> kind; bit<8> x; }
header four_t { bit<8> kind; varbit<24> x; }

header_union option_t {
    one_t  one;
    two_t  two;
    four_t four;
}

struct meta_t { bit<8> n; }
#include <core.p4>
#include <v1model.p4>

header op_t { bit<8> op; bit<8> seen; }

struct headers_t {
    op_t        op;
    option_t[3] options;
    option_t    last;
}

parser ParseOptions(packet_in pkt, out headers_t hdr, inout meta_t meta,
                    inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.op);
        transition next;
    }
    state next {
        transition select(pkt.lookahead<bit<8>>()) {
            1: one;
            2: two;
            4: four;
            default: accept;
        }
    }
    state one {
        pkt.extract(hdr.options.next.one);
        transition next;
    }
    state two {
        pkt.extract(hdr.options.next.two);
        transition next;
    }
    state four {
        pkt.extract(hdr.options.next.four, 24);
        transition next;
    }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }

void touch(inout two_t h) { }

void renew(out two_t h, in bit<8> x) {
    h.setValid();
    h.kind = 2;
    h.x = x;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<8> i = 1;
        switch (hdr.op.op) {
            // Another header of the union takes over.
            1: { hdr.options[0].two.setValid(); hdr.options[0].two.kind = 2; hdr.options[0].two.x = 0x11; }
            2: { hdr.options[0].one = { 0x21 }; }
            3: { hdr.options[i].two = { 0x22, 0x33 }; }
            4: { hdr.options[0].one.setInvalid(); }
            5: {
                option_t u = hdr.options[0];
                hdr.op.seen = (bit<8>) ((bit<1>) u.isValid() ++ (bit<1>) hdr.last.isValid()
                    ++ (bit<1>) (u == hdr.options[0]) ++ (bit<1>) (u == hdr.options[1]));
                hdr.last = u;
            }
            // What is lent and comes back invalid leaves nothing valid; what comes back valid is.
            6: { touch(hdr.options[0].two); }
            7: { renew(hdr.options[0].two, 0x44); }
            8: { hdr.options.push_front(1); hdr.options[0].one = { 0x55 }; }
            9: { hdr.options.pop_front(1); }
            10: { hdr.options[0] = (option_t) {#}; }
            11: { hdr.options[i - 1] = hdr.options[i]; }
        }
    }
}

control NoEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) { apply { } }
control NoCompute(inout headers_t hdr, inout meta_t meta) { apply { } }

control Emit(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr);
    }
}

V1Switch(ParseOptions(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), Emit()) main;
