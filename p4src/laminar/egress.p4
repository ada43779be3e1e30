// The egress: blocks 6 to 8. It holds all state. A packet passes once; what it must change in a stage
// that it has passed, it changes by a copy of itself that passes again.

#include "egress_metadata.p4"
#include "egress_parser.p4"
#include "reassembly.p4"
#include "retransmission.p4"
#include "statistics.p4"
#include "finalize.p4"
#include "dma.p4"
#ifdef LAMINAR_DELAYED_ACKS
#include "extensions/delayed_acks.p4"
#endif
#ifdef LAMINAR_SHARED_LOG
#include "extensions/shared_log.p4"
#endif
#ifdef LAMINAR_TIMESTAMPS
#include "extensions/timestamps.p4"
#endif
#ifdef LAMINAR_SACK
#include "extensions/sack.p4"
#endif

control LaminarEgress(inout egress_headers_t hdr,
                      inout egress_metadata_t meta,
                      in egress_intrinsic_metadata_t eg_intr_md,
                      in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
                      inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
                      inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Reassembly() reassembly;
    Retransmission() retransmission;
    Statistics() statistics;
    Verdict() verdict;
    Finalize() finalize;
    DmaState() dma_state;
#ifdef LAMINAR_DELAYED_ACKS
    DelayedAcks() delayed_acks;
#endif
#ifdef LAMINAR_SHARED_LOG
    SharedLog() shared_log;
#endif
#ifdef LAMINAR_TIMESTAMPS
    Timestamps() timestamps;
#endif
#ifdef LAMINAR_SACK
    Sack() sack;
#endif

    apply {
        if (hdr.transport.isValid()) {
            reassembly.apply(hdr, meta);
            retransmission.apply(hdr, meta);
            statistics.apply(hdr, meta, eg_intr_md);
            verdict.apply(hdr, meta, eg_dprsr_md);
#ifdef LAMINAR_DELAYED_ACKS
            delayed_acks.apply(hdr, meta, eg_dprsr_md);
#endif
            finalize.apply(hdr, meta);
#ifdef LAMINAR_SHARED_LOG
            shared_log.apply(hdr, meta);
#endif
#ifdef LAMINAR_TIMESTAMPS
            timestamps.apply(hdr, meta, eg_prsr_md);
#endif
#ifdef LAMINAR_SACK
            sack.apply(hdr, meta);
#endif
            dma_state.apply(hdr, meta);
        }
    }
}

control LaminarEgressDeparser(packet_out pkt,
                              inout egress_headers_t hdr,
                              in egress_metadata_t meta,
                              in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Checksum() ipv4_checksum;
    Mirror(MIRROR_COPY) mirror;

    apply {
        hdr.ipv4.hdr_checksum = ipv4_checksum.update({
            hdr.ipv4.version_ihl, hdr.ipv4.dscp, hdr.ipv4.ecn, hdr.ipv4.total_len,
            hdr.ipv4.identification, hdr.ipv4.flags_offset, hdr.ipv4.ttl, hdr.ipv4.protocol,
            hdr.ipv4.src_addr, hdr.ipv4.dst_addr
        });
        if (eg_dprsr_md.mirror_type == MIRROR_COPY) {
            mirror.emit<copy_h>(meta.session, {
                KIND_COPY, meta.copy_flags,
                hdr.transport.connection, hdr.transport.context, hdr.transport.session,
                hdr.transport.scale, meta.rx_position, meta.rx_ready,
                hdr.reply.dst_mac, hdr.reply.src_mac, hdr.reply.src_ip, hdr.reply.dst_ip,
                hdr.reply.src_port, hdr.reply.dst_port
            });
        }
        pkt.emit(hdr.ethernet);
        pkt.emit(hdr.notice);
        pkt.emit(hdr.ipv4);
        pkt.emit(hdr.udp);
        pkt.emit(hdr.bth);
        pkt.emit(hdr.reth);
        pkt.emit(hdr.immediate);
        pkt.emit(hdr.report);
        pkt.emit(hdr.tcp);
#ifdef LAMINAR_TIMESTAMPS
        pkt.emit(hdr.times);
#endif
#ifdef LAMINAR_SACK
        pkt.emit(hdr.sack);
#endif
    }
}
