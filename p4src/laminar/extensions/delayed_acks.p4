// Extension LAMINAR_DELAYED_ACKS: one acknowledgment for several segments in order.
//
// A segment that is in order, fits, leaves no interval behind it and met no congestion is counted;
// the one that makes the count full (LAMINAR_SEGMENTS_AN_ACK, 2 unless defined) is acknowledged, and
// all of them with it. Whatever else asks for an acknowledgment is answered at once. An
// acknowledgment, and a transmission, which carries one, start the count anew. What stays
// unacknowledged is the control plane's: it finds the count in `unacked_segments`.
#ifndef _LAMINAR_DELAYED_ACKS_P4_
#define _LAMINAR_DELAYED_ACKS_P4_

#ifndef LAMINAR_SEGMENTS_AN_ACK
#define LAMINAR_SEGMENTS_AN_ACK 2
#endif

control DelayedAcks(inout egress_headers_t hdr, inout egress_metadata_t meta,
                    inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Register<bit<8>, connection_t>(N_CONNECTIONS, 0) unacked_segments;

    // 0 after the one that makes it full.
    RegisterAction<bit<8>, connection_t, bit<8>>(unacked_segments) count_one = {
        void apply(inout bit<8> value, out bit<8> count) {
            if (value >= LAMINAR_SEGMENTS_AN_ACK - 1) {
                value = 0;
            } else {
                value = value + 1;
            }
            count = value;
        }
    };
    RegisterAction<bit<8>, connection_t, bit<8>>(unacked_segments) forget = {
        void apply(inout bit<8> value) {
            value = 0;
        }
    };
    action count_segment() {
        meta.unacked = count_one.execute(hdr.transport.connection);
    }
    action begin_anew() {
        forget.execute(hdr.transport.connection);
    }
    action acknowledge_all() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
    }

    apply {
        // Of a mark the peer hears at once.
        if (meta.delay == DELAY_COUNT && hdr.transport.scale[7:7] == 0) {
            count_segment();
            if (meta.unacked == 0) {
                acknowledge_all();
            }
        } else if (meta.delay == DELAY_COUNT) {
            begin_anew();
            acknowledge_all();
        } else if (meta.delay == DELAY_OVER) {
            begin_anew();
        }
    }
}

#endif
