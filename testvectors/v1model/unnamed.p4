// Externs that are made where a table's property names them: called by `@name`, or by table and property.
struct meta_t { bit<8> color; }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action to(bit<9> port) { standard_metadata.egress_spec = port; }
    table first {
        key = { hdr.data.a : exact; }
        actions = { to; NoAction; }
        @name("hits")
        counters = direct_counter(CounterType.packets);
        implementation = action_profile(4);
    }
    table second {
        key = {
            hdr.data.b : exact;
            hdr.data.d : selector;
        }
        actions = { to; NoAction; }
        counters = direct_counter(CounterType.bytes);
        @mode("fair") implementation = action_selector(HashAlgorithm.crc32, 4, 2);
    }
    apply {
        first.apply();
        second.apply();
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
