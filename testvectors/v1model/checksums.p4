// An IPv4-like header with options of varying length and a checksum, a trailer whose checksum covers the
// payload, and a frame check by CRC-32. Conditions are expressions; invalid headers are left alone.
#include <core.p4>
#include <v1model.p4>

header net_t {
    bit<8>       length; // in bytes, of the whole header
    bit<8>       flags;
    bit<16>      checksum;
    bit<32>      addr;
    varbit<64>   options;
}

header app_t {
    bit<16> port;
    bit<16> checksum;
    bit<32> crc;
}

struct headers_t {
    net_t net;
    app_t app;
}

struct meta_t { }

parser Parse(packet_in pkt, out headers_t hdr, inout meta_t meta,
             inout standard_metadata_t standard_metadata) {
    state start {
        bit<8> length = pkt.lookahead<bit<8>>();
        pkt.extract(hdr.net, ((bit<32>)length - 8) * 8);
        transition select(hdr.net.flags) {
            0x80 &&& 0x80: app;
            default: accept;
        }
    }
    state app {
        pkt.extract(hdr.app);
        transition accept;
    }
}

control Verify(inout headers_t hdr, inout meta_t meta) {
    apply {
        verify_checksum(hdr.net.flags[0:0] == 0,
            { hdr.net.length, hdr.net.flags, hdr.net.addr, hdr.net.options },
            hdr.net.checksum, HashAlgorithm.csum16);
        verify_checksum_with_payload(true, { hdr.app.port, hdr.app.crc },
            hdr.app.checksum, HashAlgorithm.csum16);
    }
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        standard_metadata.egress_spec = 8w0 ++ standard_metadata.checksum_error;
        hdr.net.addr = hdr.net.addr + 1;
    }
}

control NoEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    apply { }
}

control Compute(inout headers_t hdr, inout meta_t meta) {
    apply {
        update_checksum(hdr.net.flags[1:1] == 0,
            { hdr.net.length, hdr.net.flags, hdr.net.addr, hdr.net.options },
            hdr.net.checksum, HashAlgorithm.csum16);
        update_checksum(hdr.app.isValid(), { hdr.net.addr, hdr.app.port },
            hdr.app.crc, HashAlgorithm.crc32);
        update_checksum_with_payload(hdr.app.isValid(), { hdr.app.port, hdr.app.crc },
            hdr.app.checksum, HashAlgorithm.csum16);
    }
}

control Emit(packet_out pkt, in headers_t hdr) {
    apply {
        pkt.emit(hdr.net);
        pkt.emit(hdr.app);
    }
}

V1Switch(Parse(), Verify(), MyIngress(), NoEgress(), Compute(), Emit()) main;
