// Clones from the ingress (the packet as it came in) and from the egress (as it is there), with the lists
// of metadata that they keep.
struct meta_t {
    @field_list(1)
    bit<8>  one;
    @field_list(1, 2)
    bit<8>  both;
    bit<8>  none;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 1;
        meta.one = 0x11;
        meta.both = 0x22;
        meta.none = 0x33;
        switch (hdr.data.a) {
            1: { clone(CloneType.I2E, 5); }
            2: { clone_preserving_field_list(CloneType.I2E, 5, 1); }
            3: { clone_preserving_field_list(CloneType.I2E, 5, 2); }
            // Only the last one counts.
            4: {
                clone_preserving_field_list(CloneType.I2E, 5, 1);
                clone_preserving_field_list(CloneType.I2E, 6, 2);
            }
            // A dropped packet is cloned all the same.
            5: {
                clone(CloneType.I2E, 5);
                mark_to_drop(standard_metadata);
            }
            default: { }
        }
        // What is kept is what the fields are at the end.
        meta.both = 0x44;
        hdr.data.b = 0x99;
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        hdr.data.c = meta.one ++ meta.both;
        hdr.data.d[7:0] = (bit<8>)standard_metadata.instance_type;
        hdr.data.d[15:8] = meta.none;
        if (hdr.data.a == 7 && standard_metadata.instance_type == 0) {
            meta.both = 0x77;
            clone_preserving_field_list(CloneType.E2E, 5, 2);
            hdr.data.a = 8;
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
