// What the programs of this folder have in common: Ethernet with a byte of the program's, and a pipe
// whose egress is empty. A program includes it and defines the controls `Ingress` and, where it wants
// one of its own, `Egress`; the packet leaves on port 2 where nothing says otherwise. It is for the first
// generation, unless the program defines `SECOND_GENERATION`; `MORE_FIELDS` stand behind those below.
#ifndef _FRAME_P4_
#define _FRAME_P4_

#include <core.p4>
#ifdef SECOND_GENERATION
#include <t2na.p4>
#else
#include <tna.p4>
#endif

#ifndef MORE_FIELDS
#define MORE_FIELDS
#endif

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

// What the vectors give and look at.
header fields_t {
    bit<8>  a;
    bit<8>  b;
    bit<16> c;
    MORE_FIELDS
}

struct headers_t {
    ethernet_t ethernet;
    fields_t   fields;
}

struct metadata_t {}

parser IngressParser(packet_in pkt, out headers_t hdr, out metadata_t meta,
                     out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        pkt.extract(ig_intr_md);
        pkt.advance(PORT_METADATA_SIZE);
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.fields);
        transition accept;
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

#define INGRESS                                                             \
    control Ingress(inout headers_t hdr, inout metadata_t meta,             \
                    in ingress_intrinsic_metadata_t ig_intr_md,             \
                    in ingress_intrinsic_metadata_from_parser_t ig_prsr_md, \
                    inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md, \
                    inout ingress_intrinsic_metadata_for_tm_t ig_tm_md)

#define MAIN                                                            \
    Pipeline(IngressParser(), Ingress(), IngressDeparser(),             \
             EgressParser(), Egress(), EgressDeparser()) pipe;          \
    Switch(pipe) main;

#endif
