// What the programs of this folder have in common: one header of eight bytes, and blocks that do nothing
// but parse and emit it. A program declares `meta_t` before it includes this.
#include <core.p4>
#include <v1model.p4>

header data_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    bit<32> d;
}

struct headers_t {
    data_t data;
}

parser ParseData(packet_in pkt, out headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.data);
        transition accept;
    }
}

control NoVerify(inout headers_t hdr, inout meta_t meta) {
    apply { }
}

control NoEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply { }
}

control NoCompute(inout headers_t hdr, inout meta_t meta) {
    apply { }
}

control EmitData(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.data);
    }
}
