// Switches Ethernet by destination, and tells the control plane of each source that it does not know. A frame to
// the address 0 breaks a claim of the program.

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

parser Read(packet_in pkt, out headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    state start {
        pkt.extract(hdr.ethernet);
        transition accept;
    }
}

control CheckSums(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control Forward(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    action learn() {
        digest<source_t>(1, { hdr.ethernet.src_addr, std.ingress_port });
    }
    action forward(bit<9> port) {
        std.egress_spec = port;
    }
    action flood() {
        std.mcast_grp = 1;
    }
    table sources {
        key = { hdr.ethernet.src_addr : exact; }
        actions = { NoAction; learn; }
        default_action = learn();
    }
    table switching {
        key = { hdr.ethernet.dst_addr : exact; }
        actions = { forward; flood; }
        default_action = flood();
    }
    apply {
        assert(hdr.ethernet.dst_addr != 0);
        sources.apply();
        switching.apply();
    }
}

control Leave(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {
        if (std.egress_port == std.ingress_port) {
            mark_to_drop(std);
        }
    }
}

control FillSums(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control Emit(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.ethernet);
    }
}

V1Switch(Read(), CheckSums(), Forward(), Leave(), FillSums(), Emit()) main;
