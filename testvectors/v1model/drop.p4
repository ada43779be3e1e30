// Port 511 drops, whoever wrote it; mark_to_drop also forgets the multicast group; what is written later
// counts; an egress can drop, too.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        switch (hdr.data.a) {
            1: { mark_to_drop(standard_metadata); }
            2: { standard_metadata.egress_spec = 511; }
            3: {
                mark_to_drop(standard_metadata);
                standard_metadata.egress_spec = 3;
            }
            4: {
                standard_metadata.mcast_grp = 9;
                mark_to_drop(standard_metadata);
                standard_metadata.egress_spec = 4;
            }
            5: {
                // A group takes precedence over the port.
                mark_to_drop(standard_metadata);
                standard_metadata.mcast_grp = 9;
            }
            6: { standard_metadata.egress_spec = 6; }
            default: { }
        }
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.data.a == 6) {
            mark_to_drop(standard_metadata);
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
