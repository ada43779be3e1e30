// Sub-parsers, conditions, errors, lookahead, advance, and what `select` compares (clause 13).
#include <core.p4>
#include <v1model.p4>

error { TooManyStars, NotOdd }

header op_t { bit<8> op; bit<8> x; }
header byte_t { bit<8> v; }
header word_t { bit<16> v; }

struct headers_t {
    op_t   op;
    byte_t one;
    byte_t two;
    word_t word;
}

struct meta_t {
    bit<16> notes;
    bit<8>  n;
}

bit<8> half(in bit<8> x) {
    if (x[0:0] == 1) {
        return 0;
    }
    return x >> 1;
}

parser Byte(packet_in pkt, out byte_t b, inout bit<16> notes)(bit<8> mark) {
    bit<8> seen = 1;
    state start {
        seen = seen + 1;
        pkt.extract(b);
        notes = (notes << 4) | (bit<16>) seen;
        transition select(b.v) {
            mark: marked;
            0xfe: wrong;
            0xff: reject;
            default: accept;
        }
    }
    state marked {
        notes = notes | 0x8000;
        transition accept;
    }
    state wrong {
        verify(b.v == 0, error.TooManyStars);
        transition accept;
    }
}

// Lends its own parameter on.
parser Two(packet_in pkt, inout headers_t hdr, inout meta_t meta) {
    Byte(0x10) first;
    Byte(0x20) second;
    state start {
        first.apply(pkt, hdr.one, meta.notes);
        transition select(hdr.one.v) {
            0: none;
            default: more;
        }
    }
    state more {
        second.apply(pkt, hdr.two, meta.notes);
        transition accept;
    }
    state none {
        transition accept;
    }
}

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta,
                inout standard_metadata_t standard_metadata) {
    value_set<bit<8>>(4) filled;
    Two() two;
    Byte(0x30) again;
    bit<8> count = 0;
    state start {
        pkt.extract(hdr.op);
        transition select(hdr.op.op, hdr.op.x) {
            (1, _): both;
            (2, 0 .. 9): few;
            (2, 0x80 &&& 0x80): many;
            (2, 10): ten;
            (3, _): conditional;
            (4, _): loop;
            (5, _): ahead;
            (6, _): skip;
            (7, _): verified;
            (8, _): lent;
            (9, 1): nothing;
            (9, 2): stop;
            (10, _): compared;
            (filled, 1): few;
            (_, filled): many;
        }
    }
    state both {
        two.apply(pkt, hdr, meta);
        meta.n = 0x11;
        transition accept;
    }
    state few { meta.n = 1; transition accept; }
    state many { meta.n = 2; transition accept; }
    state ten { meta.n = 3; transition accept; }
    // A sub-parser under a condition; what follows runs on either way.
    state conditional {
        meta.n = 0x40;
        if (hdr.op.x != 0) {
            meta.n = meta.n + 1;
            if (hdr.op.x == 2) {
                again.apply(pkt, hdr.two, meta.notes);
            } else {
                again.apply(pkt, hdr.one, meta.notes);
            }
            meta.n = meta.n + 2;
        }
        meta.n = meta.n + 4;
        transition select(hdr.op.x) {
            3: conditional_again;
            default: accept;
        }
    }
    state conditional_again {
        again.apply(pkt, hdr.two, meta.notes);
        transition accept;
    }
    // Without a stack: as many turns as the packet says.
    state loop {
        byte_t b;
        pkt.extract(b);
        count = count + 1;
        meta.notes = meta.notes + (bit<16>) b.v;
        transition select(count == hdr.op.x) {
            true: counted;
            false: loop;
        }
    }
    state counted { meta.n = count; transition accept; }
    state ahead {
        byte_t b = pkt.lookahead<byte_t>();
        meta.n = b.isValid() ? b.v : 0;
        pkt.extract(hdr.one);
        meta.notes = pkt.lookahead<bit<16>>();
        transition select(pkt.lookahead<bit<4>>()) {
            0xa: accept;
            default: skip;
        }
    }
    state skip {
        pkt.advance((bit<32>) half(hdr.op.x) * 8);
        pkt.extract(hdr.word);
        pkt.extract<byte_t>(_);
        transition accept;
    }
    state verified {
        meta.n = 1;
        verify(hdr.op.x[0:0] == 1, error.NotOdd);
        meta.n = 2;
        verify(hdr.op.x < 0x80, hdr.op.x == 0xff ? error.TooManyStars : error.HeaderTooShort);
        meta.n = 3;
        transition accept;
    }
    // One place lent twice: copies.
    state lent {
        again.apply(pkt, hdr.one, meta.notes);
        again.apply(pkt, hdr.one, meta.notes);
        transition accept;
    }
    // With values that are not constant.
    state compared {
        bit<8> want = hdr.op.op - 8;
        int<8> signed = (int<8>) hdr.op.x;
        transition select(hdr.op.x, signed) {
            (want, _): few;
            (want + 1 .. want + 3, _): many;
            (0x80 &&& (0x7e + want), -127 .. 0): ten;
            default: accept;
        }
    }
    state nothing {
        meta.n = 9;
    }
    state stop { transition reject; }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<8> found = 0;
        switch (standard_metadata.parser_error) {
            error.NoError: { }
            error.PacketTooShort: { found = 0xe1; }
            error.NoMatch: { found = 0xe2; }
            error.TooManyStars: { found = 0xe3; }
            error.NotOdd: { found = 0xe4; }
            error.HeaderTooShort: { found = 0xe5; }
            default: { found = 0xef; }
        }
        hdr.op.op = found;
        hdr.op.x = meta.n;
        hdr.word.setValid();
        hdr.word.v = meta.notes;
    }
}

control NoEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) { apply { } }
control NoCompute(inout headers_t hdr, inout meta_t meta) { apply { } }

control Emit(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit({ hdr.op, hdr.word });
        pkt.emit(hdr.one);
        pkt.emit(hdr.two);
    }
}

V1Switch(MyParser(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), Emit()) main;
