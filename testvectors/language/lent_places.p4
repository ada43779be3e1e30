// Sub-parsers that are lent one place twice, or a place and a part of it: each works on copies, which are
// copied in before it starts and copied out from left to right when it has ended (clauses 6.8 and 13.10).
#include <core.p4>
#include <v1model.p4>

header op_t { bit<8> op; bit<8> x; }
header byte_t { bit<8> v; }
header seen_t { bit<8> a; bit<8> b; bit<16> c; }

struct headers_t {
    op_t   op;
    seen_t seen;
    byte_t one;
}

struct pair_t { bit<8> x; bit<8> y; }

struct meta_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    pair_t  p;
}

parser Both(packet_in pkt, inout bit<8> x, inout bit<8> y) {
    state start {
        x = x + 0x10;
        y = y + 0x01;
        // Each sees its own copy.
        transition select(x ^ y) {
            0: reject;
            default: accept;
        }
    }
}

parser PartLast(packet_in pkt, inout pair_t p, inout bit<8> x) {
    state start {
        p = { p.x + 0x10, p.y + 0x20 };
        x = x + 1;
        transition accept;
    }
}

parser PartFirst(packet_in pkt, inout bit<8> x, inout pair_t p) {
    state start {
        p = { p.x + 0x10, p.y + 0x20 };
        x = x + 1;
        transition accept;
    }
}

// What comes in is what was there before; what goes out starts as an invalid header.
parser Renew(packet_in pkt, in byte_t before, out byte_t after, inout bit<16> c) {
    state start {
        c = 8w0 ++ before.v;
        c = c | (after.isValid() ? 16w0x8000 : 0);
        pkt.extract(after);
        c = c + ((bit<16>) before.v << 8);
        transition accept;
    }
}

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta,
                inout standard_metadata_t standard_metadata) {
    Both() both;
    PartLast() last;
    PartFirst() first;
    Renew() renew;
    state start {
        pkt.extract(hdr.op);
        meta.a = hdr.op.x;
        meta.p = { hdr.op.x, 0x40 };
        transition select(hdr.op.op) {
            1: same;
            2: header_field;
            3: index;
            4: slices;
            5: part_last;
            6: part_first;
            7: renewed;
            8: twice;
        }
    }
    state same { both.apply(pkt, meta.a, meta.a); transition accept; }
    state header_field { both.apply(pkt, hdr.op.x, hdr.op.x); transition accept; }
    // The place is found before the index changes.
    state index {
        bit<8>[3] list = { 0x20, 0x30, 0x40 };
        bit<8> i = 1;
        both.apply(pkt, list[i], i);
        meta.a = i;
        meta.b = list[1];
        meta.c = list[0] ++ list[2];
        transition accept;
    }
    state slices {
        meta.c = 0x1234;
        both.apply(pkt, meta.c[15:8], meta.c[7:0]);
        transition accept;
    }
    state part_last {
        last.apply(pkt, meta.p, meta.p.x);
        meta.c = meta.p.x ++ meta.p.y;
        transition accept;
    }
    state part_first {
        first.apply(pkt, meta.p.x, meta.p);
        meta.c = meta.p.x ++ meta.p.y;
        transition accept;
    }
    state renewed {
        pkt.extract(hdr.one);
        renew.apply(pkt, hdr.one, hdr.one, meta.c);
        transition accept;
    }
    state twice {
        both.apply(pkt, meta.a, meta.b);
        both.apply(pkt, meta.b, meta.a);
        transition accept;
    }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        hdr.seen = { meta.a, meta.b, meta.c };
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

V1Switch(MyParser(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), Emit()) main;
