// Standard metadata of the later version of the architecture, whose indices have types of their own; the
// error that ended the parser; an `exit` that ends its control and no other.
#define V1MODEL_VERSION 20200408
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    register<bit<8>, bit<4>>(16) seen;
    counter<bit<4>>(16, CounterType.packets) packets;
    meter<bit<4>>(16, MeterType.bytes) pace;
    apply {
        PortId_t port = standard_metadata.ingress_port;
        standard_metadata.egress_spec = port + 1;
        if (standard_metadata.parser_error == error.PacketTooShort) {
            standard_metadata.egress_spec = 9;
            exit;
        }
        bit<4> index = hdr.data.a[3:0];
        bit<8> old;
        seen.read(old, index);
        seen.write(index, old + 1);
        packets.count(index);
        bit<8> color;
        pace.execute_meter(index, color);
        hdr.data.b = old;
        hdr.data.c = (bit<16>)standard_metadata.packet_length;
        if (hdr.data.a == 2) {
            exit;
        }
        hdr.data.d = (bit<32>)standard_metadata.egress_port;
    }
}

control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.data.isValid()) {
            hdr.data.d[31:16] = 7w0 ++ standard_metadata.egress_port;
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), EmitData()) main;
