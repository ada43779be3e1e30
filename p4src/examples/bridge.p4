// An Ethernet bridge: a frame to a known address goes to its port, every other to all ports but its own. It
// counts what leaves each port, and tells the control plane of each source that it does not know.

#include <core.p4>
#include <v1model.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

struct headers_t {
    ethernet_t ethernet;
}

struct metadata_t {}

struct source_t {
    bit<48> addr;
    bit<9>  port;
}

parser BridgeParser(packet_in pkt, out headers_t hdr, inout metadata_t meta,
                    inout standard_metadata_t std) {
    state start {
        pkt.extract(hdr.ethernet);
        transition accept;
    }
}

control BridgeVerify(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control BridgeIngress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    action learn() {
        digest<source_t>(1, { hdr.ethernet.src_addr, std.ingress_port });
    }
    action forward(bit<9> port) {
        std.egress_spec = port;
    }
    // To group 1, which the control plane makes of all ports.
    action flood() {
        std.mcast_grp = 1;
    }
    table sources {
        key = { hdr.ethernet.src_addr : exact; }
        actions = { NoAction; learn; }
        default_action = learn();
        size = 4096;
    }
    table switching {
        key = { hdr.ethernet.dst_addr : exact; }
        actions = { forward; flood; }
        default_action = flood();
        size = 4096;
    }
    apply {
        sources.apply();
        switching.apply();
    }
}

control BridgeEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    counter(512, CounterType.packets_and_bytes) sent;
    apply {
        if (std.egress_port == std.ingress_port) {
            mark_to_drop(std);
        } else {
            sent.count((bit<32>) std.egress_port);
        }
    }
}

control BridgeCompute(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control BridgeDeparser(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.ethernet);
    }
}

V1Switch(BridgeParser(), BridgeVerify(), BridgeIngress(), BridgeEgress(), BridgeCompute(),
         BridgeDeparser()) main;
