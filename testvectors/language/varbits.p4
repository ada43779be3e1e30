// Bit strings of varying width: extracted, copied, compared, emitted, in variables and structs
// (clauses 8.9.4 and 13.8.2).
#include <core.p4>
#include <v1model.p4>

header op_t { bit<8> op; bit<8> n; bit<8> m; }
header text_t { bit<8> tag; varbit<64> text; bit<8> end; }

struct headers_t {
    op_t   op;
    text_t first;
    text_t second;
}

struct kept_t { varbit<64> text; bit<8> x; }
struct meta_t { kept_t kept; }

parser ParseTexts(packet_in pkt, out headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.op);
        pkt.extract(hdr.first, (bit<32>) hdr.op.n * 8);
        pkt.extract(hdr.second, 8 * (bit<32>) hdr.op.m);
        transition accept;
    }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }

void swap(inout text_t x, inout text_t y) {
    text_t z = x;
    x = y;
    y = z;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        varbit<64> v;
        switch (hdr.op.op) {
            1: { hdr.first = hdr.second; }
            2: { v = hdr.first.text; hdr.first.text = hdr.second.text; hdr.second.text = v; }
            3: { swap(hdr.first, hdr.second); }
            4: { hdr.op.n = hdr.first.text == hdr.second.text ? 8w0xaa : 0xbb; }
            5: { hdr.op.n = hdr.first == hdr.second ? 8w0xaa : 0xbb; }
            6: {
                meta.kept = { hdr.first.text, 3 };
                kept_t other = meta.kept;
                hdr.second.text = other.text;
                hdr.op.m = other.x;
            }
        }
        if (standard_metadata.parser_error == error.HeaderTooShort) {
            hdr.op.op = 0xee;
        } else if (standard_metadata.parser_error == error.PacketTooShort) {
            hdr.op.op = 0xdd;
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

V1Switch(ParseTexts(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), Emit()) main;
