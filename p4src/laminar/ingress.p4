// The ingress: blocks 1 to 5. It reads tables and holds no state, so that a packet that the traffic
// manager drops is nothing but a lost packet.

#include "ingress_metadata.p4"
#include "ingress_parser.p4"
#include "classify.p4"
#include "identify.p4"
#include "translate.p4"
#include "prepare.p4"
#include "forward.p4"

// Their fields are kept in containers: the vendor's assembler fails on them otherwise.
@do_not_use_clot("ingress", "hdr.command")
@do_not_use_clot("ingress", "hdr.immediate")
control LaminarIngress(inout ingress_headers_t hdr,
                       inout ingress_metadata_t meta,
                       in ingress_intrinsic_metadata_t ig_intr_md,
                       in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                       inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                       inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Measure() measure;
    Identify() identify;
    Classify() classify;
    Translate() translate;
    Prepare() prepare;
    Forward() forward;

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    // What names a connection that is not there, idle connections of the packet generator, and what
    // has no length of its own. A length below zero is an IP total length too short for its headers.
    table refusals {
        key = {
            meta.kind           : ternary @name("kind");
            meta.is_established : ternary @name("established");
            meta.is_idle        : ternary @name("idle");
            meta.len            : ternary @name("len");
        }
        actions = { refuse; NoAction; }
        const entries = {
            (_,             0, _, _)                         : refuse();
            (_,             _, 1, _)                         : refuse();
            (_,             _, _, 0x80000000 &&& 0x80000000) : refuse();
            (KIND_TRANSMIT, _, _, 0)                         : refuse();
        }
        const default_action = NoAction();
        size = 4;
    }

    apply {
        measure.apply(hdr, meta, ig_intr_md);
        identify.apply(hdr, meta);
        classify.apply(hdr, meta);
        translate.apply(hdr, meta);
        prepare.apply(hdr, meta, ig_tm_md);
        forward.apply(hdr, meta, ig_dprsr_md, ig_tm_md);
        if (meta.kind != KIND_PLAIN) {
            refusals.apply();
        }
    }
}

control LaminarIngressDeparser(packet_out pkt,
                               inout ingress_headers_t hdr,
                               in ingress_metadata_t meta,
                               in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        pkt.emit(hdr.plain);
        pkt.emit(hdr.transport);
        pkt.emit(hdr.request);
        pkt.emit(hdr.reply);
        pkt.emit(hdr.ethernet);
        pkt.emit(hdr.command);
        pkt.emit(hdr.ipv4);
        pkt.emit(hdr.udp);
        pkt.emit(hdr.bth);
        pkt.emit(hdr.reth);
        pkt.emit(hdr.immediate);
        pkt.emit(hdr.tcp);
#ifdef LAMINAR_TIMESTAMPS
        pkt.emit(hdr.times);
#endif
    }
}
