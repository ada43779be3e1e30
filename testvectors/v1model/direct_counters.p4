// A direct counter counts each packet that hits its table, whether the action says so or not, and no
// packet that misses.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    direct_counter(CounterType.packets_and_bytes) hits;
    action count() { hits.count(); }
    action pass() { }
    table t {
        key = { hdr.data.a : exact; }
        actions = { count; pass; }
        default_action = count();
        counters = hits;
    }
    apply { t.apply(); }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
