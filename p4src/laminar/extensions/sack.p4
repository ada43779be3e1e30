// Extension LAMINAR_SACK: an acknowledgment names the out-of-order interval (RFC 2018, one block).
//
// For connections whose peer permitted it in its SYN: the control plane sets SCALE_SACK in their
// `own_scale`. What the peer's own acknowledgments name is not read: it is not permitted by us.
#ifndef _LAMINAR_SACK_P4_
#define _LAMINAR_SACK_P4_

// Offset of a header with 12 bytes of options, less that of one without.
const bit<32> TCP_WORD_BLOCK = 0x30000000;

control Sack(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    action name_interval() {
        hdr.sack.setValid();
        hdr.sack.padding = 0x0101;
        hdr.sack.option = 5;
        hdr.sack.length = 10;
        hdr.sack.left = meta.rx_position + meta.rx_head;
        hdr.sack.right = meta.rx_ready;
        hdr.ipv4.total_len = hdr.ipv4.total_len + 12;
        hdr.tcp.word = hdr.tcp.word + TCP_WORD_BLOCK;
    }

    apply {
        // A broken window takes nothing, so it names nothing.
        if (hdr.transport.kind == KIND_COPY && meta.is_notice == 0 && meta.is_shut == 0
            && hdr.transport.scale[6:6] == 1) {
            if (meta.is_tracked == 1 && meta.is_closed == 0) {
                name_interval();
            }
        }
    }
}

#endif
