// Packets that start again: resubmitted as they came, recirculated as they left, with what they keep.
struct meta_t {
    @field_list(3)
    bit<8> count;
    bit<8> lost;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 1;
        // Never seen with a resubmitted packet: it starts with what it was received with.
        hdr.data.d[23:16] = hdr.data.d[23:16] + 1;
        hdr.data.c = (bit<16>)standard_metadata.instance_type;
        hdr.data.d[7:0] = meta.count;
        hdr.data.d[15:8] = meta.lost;
        meta.lost = 0xff;
        if (hdr.data.a == 1 && meta.count < 3) {
            meta.count = meta.count + 1;
            resubmit_preserving_field_list(3);
        }
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.data.a == 2 && hdr.data.b < 2) {
            hdr.data.b = hdr.data.b + 1;
            meta.count = meta.count + 5;
            recirculate_preserving_field_list(3);
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
