// The smallest program that touches every part of the machine: parser, an exact table, a register,
// an egress mirror, deparser. It switches Ethernet by destination, counts what each port sends, and
// sends every frame whose type is 0x88B5 (IEEE local experiments) to a mirror session as well, with
// the count in front.

#include <core.p4>
#include <t2na.p4>

const bit<16> ETHERTYPE_WATCHED = 0x88B5;
const MirrorType_t MIRROR_WATCHED = 1;

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

// In front of a mirrored frame.
header watch_t {
    bit<32> count;
}

struct headers_t {
    ethernet_t ethernet;
}

struct ingress_metadata_t {}

struct egress_metadata_t {
    watch_t    watch;
    MirrorId_t session;
    bit<1>     is_copy;
}

parser IngressParser(packet_in pkt, out headers_t hdr, out ingress_metadata_t meta,
                     out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        pkt.extract(ig_intr_md);
        pkt.advance(PORT_METADATA_SIZE);
        pkt.extract(hdr.ethernet);
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout ingress_metadata_t meta,
                in ingress_intrinsic_metadata_t ig_intr_md,
                in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action forward(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
    }
    action drop() {
        ig_dprsr_md.drop_ctl = 1;
    }
    table switching {
        key = { hdr.ethernet.dst_addr : exact; }
        actions = { forward; drop; }
        default_action = drop();
        size = 1024;
    }
    apply {
        switching.apply();
    }
}

control IngressDeparser(packet_out pkt, inout headers_t hdr, in ingress_metadata_t meta,
                        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        pkt.emit(hdr);
    }
}

parser EgressParser(packet_in pkt, out headers_t hdr, out egress_metadata_t meta,
                    out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        pkt.extract(eg_intr_md);
        meta.is_copy = 0;
        // Nothing else leaves on the port of the mirror session.
        transition select(eg_intr_md.egress_port) {
            64      : copy;
            default : original;
        }
    }
    state copy {
        meta.is_copy = 1;
        transition accept;
    }
    state original {
        pkt.extract(hdr.ethernet);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout egress_metadata_t meta,
               in egress_intrinsic_metadata_t eg_intr_md,
               in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
               inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
               inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Register<bit<32>, bit<9>>(512, 0) sent;
    RegisterAction<bit<32>, bit<9>, bit<32>>(sent) count_one = {
        void apply(inout bit<32> value, out bit<32> count) {
            value = value + 1;
            count = value;
        }
    };
    action count() {
        meta.watch.count = count_one.execute(eg_intr_md.egress_port);
    }
    action watch() {
        meta.session = 5;
        eg_dprsr_md.mirror_type = MIRROR_WATCHED;
    }
    apply {
        if (meta.is_copy == 0) {
            count();
            if (hdr.ethernet.ether_type == ETHERTYPE_WATCHED) {
                watch();
            }
        }
    }
}

control EgressDeparser(packet_out pkt, inout headers_t hdr, in egress_metadata_t meta,
                       in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Mirror(MIRROR_WATCHED) mirror;
    apply {
        if (eg_dprsr_md.mirror_type == MIRROR_WATCHED) {
            mirror.emit<watch_t>(meta.session, {meta.watch.count});
        }
        pkt.emit(hdr);
    }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
         EgressParser(), Egress(), EgressDeparser()) pipe;

Switch(pipe) main;
