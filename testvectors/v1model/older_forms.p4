// The forms that v1model keeps for old programs: fields given to clone3, resubmit and recirculate,
// mark_to_drop without an argument, Checksum16.
struct meta_t {
    bit<8> x;
    bit<8> y;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    Checksum16() sum;
    apply {
        standard_metadata.egress_spec = 1;
        hdr.data.b = meta.x;
        meta.x = meta.x + 0x11;
        meta.y = 0x22;
        switch (hdr.data.a) {
            1: { clone3(CloneType.I2E, 5, { meta.x }); }
            2: {
                if (standard_metadata.instance_type == 0) {
                    resubmit({ meta.x, standard_metadata.egress_spec });
                }
            }
            3: { mark_to_drop(); }
            4: { hdr.data.c = sum.get({ hdr.data.d, hdr.data.a }); }
            default: { }
        }
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        if (standard_metadata.instance_type == 1) {
            hdr.data.c = meta.x ++ meta.y;
        }
        if (hdr.data.a == 5 && meta.x == 0x11) {
            recirculate({ meta.x });
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
