// Copies of a multicast group: instance type 5, a replication id each, a port each. Group 0 is none, and a
// group that nobody made has no copies.
struct meta_t { bit<8> kept; }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 8;
        standard_metadata.mcast_grp = (bit<16>)hdr.data.a;
        meta.kept = 0x5a;
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        hdr.data.b = meta.kept;
        hdr.data.c = standard_metadata.egress_rid;
        hdr.data.d[15:0] = (bit<16>)standard_metadata.egress_port;
        hdr.data.d[31:16] = (bit<16>)standard_metadata.instance_type;
        if (standard_metadata.egress_port == standard_metadata.ingress_port) {
            mark_to_drop(standard_metadata);
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
