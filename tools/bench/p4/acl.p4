// An access list: packets pass by addresses, protocol and ports, and leave as they came.

#include <core.p4>
#include <v1model.p4>

header ethernet_h {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

header ipv4_h {
    bit<8>  version_ihl;
    bit<8>  diffserv;
    bit<16> total_len;
    bit<16> identification;
    bit<16> flags_offset;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> hdr_checksum;
    bit<32> src_addr;
    bit<32> dst_addr;
}

// The first bytes of TCP and UDP.
header ports_h {
    bit<16> src;
    bit<16> dst;
}

struct headers_t {
    ethernet_h ethernet;
    ipv4_h     ipv4;
    ports_h    ports;
}

struct metadata_t {}

parser FilterParser(packet_in pkt, out headers_t hdr, inout metadata_t meta,
                    inout standard_metadata_t std) {
    state start {
        pkt.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            0x0800  : parse_ipv4;
            default : accept;
        }
    }
    state parse_ipv4 {
        pkt.extract(hdr.ipv4);
        transition select(hdr.ipv4.version_ihl, hdr.ipv4.protocol) {
            (0x45, 6)  : parse_ports;
            (0x45, 17) : parse_ports;
            default    : accept;
        }
    }
    state parse_ports {
        pkt.extract(hdr.ports);
        transition accept;
    }
}

control NoVerify(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control Filter(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    action permit(bit<9> port) {
        std.egress_spec = port;
    }
    action deny() {
        mark_to_drop(std);
    }
    table access {
        key = {
            hdr.ipv4.src_addr : ternary;
            hdr.ipv4.dst_addr : ternary;
            hdr.ipv4.protocol : ternary;
            hdr.ports.src     : ternary;
            hdr.ports.dst     : ternary;
        }
        actions = { permit; deny; }
        default_action = deny();
        size = 1024;
    }
    apply {
        if (hdr.ports.isValid()) {
            access.apply();
        } else {
            deny();
        }
    }
}

control NoEgress(inout headers_t hdr, inout metadata_t meta, inout standard_metadata_t std) {
    apply {}
}

control NoUpdate(inout headers_t hdr, inout metadata_t meta) {
    apply {}
}

control FilterDeparser(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.ethernet);
        pkt.emit(hdr.ipv4);
        pkt.emit(hdr.ports);
    }
}

V1Switch(FilterParser(), NoVerify(), Filter(), NoEgress(), NoUpdate(), FilterDeparser()) main;
