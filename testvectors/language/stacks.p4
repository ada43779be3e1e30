// Header stacks: `next`, `last` and `lastIndex` in loops of a parser, shifts, and elements that an index
// says at run time (clauses 8.19 and 13.9).
#include <core.p4>
#include <v1model.p4>

header op_t { bit<8> op; bit<8> x; bit<16> y; }
header label_t { bit<7> value; bit<1> is_last; }

struct headers_t {
    op_t       op;
    label_t[4] labels;
    label_t    after;
}

struct meta_t {
    bit<32> last;
    bit<32> size;
}

parser ParseLabels(packet_in pkt, out headers_t hdr, inout meta_t meta,
                   inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.op);
        transition select(hdr.op.op) {
            0x40 .. 0x4f: shifted;
            0x50: conditional;
            0x60: before_any;
            default: labels;
        }
    }
    state labels {
        pkt.extract(hdr.labels.next);
        meta.last = hdr.labels.lastIndex;
        transition select(hdr.labels.last.is_last) {
            0: labels;
            1: accept;
        }
    }
    // A shift moves the next element, too.
    state shifted {
        pkt.extract(hdr.labels.next);
        pkt.extract(hdr.labels.next);
        transition select(hdr.op.op[0:0]) {
            0: pushed;
            1: popped;
        }
    }
    state pushed {
        hdr.labels.push_front(1);
        pkt.extract(hdr.labels.next);
        meta.last = hdr.labels.lastIndex;
        transition accept;
    }
    state popped {
        hdr.labels.pop_front(1);
        pkt.extract(hdr.labels.next);
        meta.last = hdr.labels.lastIndex;
        transition accept;
    }
    state conditional {
        if (hdr.op.x == 1) {
            pkt.extract(hdr.labels.next);
        }
        if (hdr.op.x != 0) {
            pkt.extract(hdr.labels.next);
            hdr.op.y = 9w0 ++ hdr.labels.last.value;
        }
        transition accept;
    }
    state before_any {
        hdr.op.x = 0xff;
        hdr.op.y[6:0] = hdr.labels.last.value;
        transition accept;
    }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<8> i = hdr.op.x;
        meta.size = hdr.labels.size;
        switch (hdr.op.op) {
            1: { hdr.op.y = 9w0 ++ hdr.labels[i].value; }
            2: { hdr.labels[i].value = 0x7f; }
            3: { hdr.labels[i].setInvalid(); }
            4: { hdr.labels[i] = { 0x55, 1 }; }
            5: { hdr.labels[hdr.labels[i].value] = hdr.labels[3 - i]; }
            6: { hdr.labels.push_front(2); hdr.labels[0] = { 1, 0 }; }
            7: { hdr.labels.pop_front(1); }
            8: { hdr.after = hdr.labels[i]; }
            9: { if (hdr.labels[i].isValid()) { hdr.op.y = 1; } }
            10: {
                label_t[4] copy = hdr.labels;
                copy[0].value = 0;
                hdr.op.y = copy == hdr.labels ? 16w1 : 2;
                hdr.labels = copy;
            }
            11: { hdr.labels[i].value[3:0] = 0xf; }
            12: { hdr.labels = { { 3, 0 }, { 4, 1 }, ... }; }
        }
        if (hdr.op.op[7:4] == 4) {
            hdr.op.y = (bit<16>) meta.last;
        }
        if (standard_metadata.parser_error == error.StackOutOfBounds) {
            hdr.op.op = 0xee;
        }
    }
}

control NoEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) { apply { } }
control NoCompute(inout headers_t hdr, inout meta_t meta) { apply { } }

control Emit(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.op);
        pkt.emit(hdr.labels);
        pkt.emit(hdr.after);
    }
}

V1Switch(ParseLabels(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), Emit()) main;
