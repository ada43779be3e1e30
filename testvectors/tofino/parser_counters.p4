// Options of so many bytes as the packet says, by a parser counter.
#include <core.p4>
#include <tna.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

header length_t {
    bit<8> length;
}

header option_t {
    bit<8> value;
}

header last_t {
    bit<8> value;
}

struct headers_t {
    ethernet_t  ethernet;
    length_t    length;
    option_t[4] options;
    last_t      last;
    last_t      negative;
}

struct metadata_t {}

parser IngressParser(packet_in pkt, out headers_t hdr, out metadata_t meta,
                     out ingress_intrinsic_metadata_t ig_intr_md) {
    ParserCounter() left;

    state start {
        pkt.extract(ig_intr_md);
        pkt.advance(PORT_METADATA_SIZE);
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.length);
        transition select(hdr.ethernet.ether_type) {
            1: plain;
            2: scaled;
            default: accept;
        }
    }
    state plain {
        left.set(hdr.length.length);
        transition more;
    }
    // The upper half of the byte, at most 0x47, less two.
    state scaled {
        left.set(hdr.length.length, 0x47, 4, 3, 1);
        left.decrement(3);
        transition more;
    }
    state more {
        transition select(left.is_zero(), left.is_negative()) {
            (true, false): done;
            (false, true): below;
            default: next_option;
        }
    }
    state next_option {
        pkt.extract(hdr.options.next);
        left.decrement(1);
        transition more;
    }
    state below {
        left.increment(0x80);
        pkt.extract(hdr.negative);
        transition accept;
    }
    state done {
        pkt.extract(hdr.last);
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout metadata_t meta,
                in ingress_intrinsic_metadata_t ig_intr_md,
                in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    apply {
        ig_tm_md.ucast_egress_port = 2;
        ig_tm_md.bypass_egress = 1;
        if (hdr.last.isValid()) {
            hdr.last.value = 0xFF;
        }
        if (hdr.negative.isValid()) {
            hdr.negative.value = 0xEE;
        }
    }
}

control IngressDeparser(packet_out pkt, inout headers_t hdr, in metadata_t meta,
                        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        pkt.emit(hdr);
    }
}

parser EgressParser(packet_in pkt, out headers_t hdr, out metadata_t meta,
                    out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        pkt.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout metadata_t meta,
               in egress_intrinsic_metadata_t eg_intr_md,
               in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
               inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
               inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply {}
}

control EgressDeparser(packet_out pkt, inout headers_t hdr, in metadata_t meta,
                       in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
        pkt.emit(hdr);
    }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
         EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
