// What congestion control reads: of each connection, bytes acknowledged, how many of them under an
// echo of congestion, fast retransmits, and round-trip times: their sum and how many they are.
//
// One segment of a connection at a time is timed, from its way out to the acknowledgment of its last
// byte, by the clock of the traffic manager. What is sent again is not timed, and nothing is while
// it may be (Karn's algorithm).

struct timed_t {
    bit<32> lo;  // the end of the timed segment, from tx_next_ack
    bit<32> hi;  // when it left, in nanoseconds; 0: none is timed
}

struct samples_t {
    bit<32> lo;  // nanoseconds
    bit<32> hi;  // samples
}

control Statistics(inout egress_headers_t hdr, inout egress_metadata_t meta,
                   in egress_intrinsic_metadata_t eg_intr_md) {
    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) acked_bytes;
    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) marked_bytes;
    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) fast_retransmits;

    RegisterAction<bit<32>, connection_t, bit<32>>(acked_bytes) add_acked = {
        void apply(inout bit<32> value) {
            value = value + hdr.request.start;
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(marked_bytes) add_marked = {
        void apply(inout bit<32> value) {
            value = value + hdr.request.start;
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(fast_retransmits) add_fast = {
        void apply(inout bit<32> value) {
            value = value + 1;
        }
    };
    Register<timed_t, connection_t>(N_CONNECTIONS) rtt_timed;
    Register<samples_t, connection_t>(N_CONNECTIONS) rtt_samples;

    RegisterAction<timed_t, connection_t, bit<32>>(rtt_timed) start_timer = {
        void apply(inout timed_t value) {
            if (value.hi == 0) {
                value.lo = hdr.request.stop;
                value.hi = eg_intr_md.enq_tstamp;
            }
        }
    };
    // `request.stop` is how much is newly acknowledged.
    RegisterAction<timed_t, connection_t, bit<32>>(rtt_timed) stop_timer = {
        void apply(inout timed_t value, out bit<32> start) {
            start = 0;
            if (value.lo <= hdr.request.stop) {
                start = value.hi;
                value.hi = 0;
            } else {
                value.lo = value.lo - hdr.request.stop;
            }
        }
    };
    RegisterAction<timed_t, connection_t, bit<32>>(rtt_timed) forget_timer = {
        void apply(inout timed_t value) {
            value.hi = 0;
        }
    };
    RegisterAction<samples_t, connection_t, bit<32>>(rtt_samples) add_sample = {
        void apply(inout samples_t value) {
            value.lo = value.lo + meta.rtt;
            value.hi = value.hi + 1;
        }
    };
    action time_segment() {
        start_timer.execute(hdr.transport.connection);
    }
    action end_timing() {
        meta.rtt_start = stop_timer.execute(hdr.transport.connection);
    }
    action give_up_timing() {
        forget_timer.execute(hdr.transport.connection);
    }
    action measure_rtt() {
        meta.rtt = eg_intr_md.enq_tstamp - meta.rtt_start;
    }
    action count_rtt() {
        add_sample.execute(hdr.transport.connection);
    }

    action count_acked() {
        add_acked.execute(hdr.transport.connection);
    }
    action count_marked() {
        add_marked.execute(hdr.transport.connection);
    }
    action count_fast() {
        add_fast.execute(hdr.transport.connection);
    }

    apply {
        if (meta.ack == ACK_NEW && meta.is_beyond == 0) {
            count_acked();
            if (hdr.transport.is_echo == 1) {
                count_marked();
            }
        }
        if (meta.is_fast == 1) {
            count_fast();
        }

        if (meta.ack == ACK_NEW) {
            if (meta.is_beyond == 0) {
                end_timing();
            }
        } else if (meta.ack == ACK_SEND) {
            if (meta.tx_fresh != 0 && meta.tx_credit != 0 && meta.tx_blocked == 0) {
                time_segment();
            }
        } else if (meta.is_fast == 1 || hdr.request.reason == (bit<32>)REPORT_TIMEOUT) {
            give_up_timing();
        }
        if (meta.rtt_start != 0) {
            measure_rtt();
            count_rtt();
        }
    }
}
