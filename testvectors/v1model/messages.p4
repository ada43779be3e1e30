// Messages and true claims change nothing.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action note(bit<8> n) {
        log_msg("n is {}, c is {}", { n, hdr.data.c });
        standard_metadata.egress_spec = (bit<9>)n;
    }
    table t {
        key = { hdr.data.a : exact; }
        actions = { note; NoAction; }
    }
    apply {
        log_msg("start");
        assume(hdr.data.isValid());
        t.apply();
        assert(hdr.data.a == 0 || standard_metadata.egress_spec == 2);
        log_msg("end {}" ++ " of {}", { standard_metadata.ingress_port, 1w1 });
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
