// Extension LAMINAR_TIMESTAMPS: TCP timestamps (RFC 7323), and a moving average of round-trip times a
// connection, as Timely wants it.
//
// For connections whose SYNs agreed on it: the control plane sets SCALE_TIMES in their `own_scale`,
// the peer's first timestamp in `ts_recent`, and the time constants of `rtt_filter`. A tick is 1,024
// ns of the clock of the traffic manager, so that a number comes again after 73 minutes; what a peer sends
// again after so long is not told from what is new (PAWS is left to the sequence numbers).
#ifndef _LAMINAR_TIMESTAMPS_P4_
#define _LAMINAR_TIMESTAMPS_P4_

// Two no-operations, kind 8, length 10.
const bit<32> TIMES_OPTION = 0x0101080A;
// Offset of a header with 12 bytes of options, less that of one without.
const bit<32> TCP_WORD_TIMES = 0x30000000;

control Timestamps(inout egress_headers_t hdr, inout egress_metadata_t meta,
                   in egress_intrinsic_metadata_from_parser_t eg_prsr_md) {
    // ---- the peer's clock ----

    Register<int<32>, connection_t>(N_CONNECTIONS, 0) ts_recent;

    // What is echoed is the newest timestamp of a segment at or before the next byte.
    RegisterAction<int<32>, connection_t, bit<32>>(ts_recent) take_time = {
        void apply(inout int<32> value, out bit<32> recent) {
            if ((int<32>)hdr.request.time_value - value > 0) {
                value = (int<32>)hdr.request.time_value;
            }
            recent = (bit<32>)value;
        }
    };
    RegisterAction<int<32>, connection_t, bit<32>>(ts_recent) read_time = {
        void apply(inout int<32> value, out bit<32> recent) {
            recent = (bit<32>)value;
        }
    };
    action note_time() {
        meta.time_recent = take_time.execute(hdr.transport.connection);
    }
    action look_up_time() {
        meta.time_recent = read_time.execute(hdr.transport.connection);
    }

    // ---- ours ----

    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) tick_number;

    action read_clock() {
        meta.tick = tick_number.get({eg_prsr_md.global_tstamp[41:10]});
    }

    // ---- round-trip times, in ticks ----

    Lpf<bit<32>, connection_t>(N_CONNECTIONS) rtt_filter;
    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) rtt_average;

    RegisterAction<bit<32>, connection_t, bit<32>>(rtt_average) set_average = {
        void apply(inout bit<32> value) {
            value = meta.rtt_filtered;
        }
    };
    action measure_ticks() {
        meta.rtt_ticks = meta.tick - hdr.request.time_echo;
    }
    action filter_rtt() {
        meta.rtt_filtered = rtt_filter.execute(meta.rtt_ticks, hdr.transport.connection);
    }
    action keep_average() {
        set_average.execute(hdr.transport.connection);
    }

    // ---- what leaves ----

    action add_times() {
        hdr.times.setValid();
        hdr.times.option = TIMES_OPTION;
        hdr.times.value = meta.tick;
        hdr.times.echo = meta.time_recent;
        hdr.ipv4.total_len = hdr.ipv4.total_len + 12;
        hdr.tcp.word = hdr.tcp.word + TCP_WORD_TIMES;
    }

    apply {
        read_clock();
        if (hdr.transport.has_times == 1
            && (meta.place == PLACE_IN_ORDER || meta.place == PLACE_DUPLICATE
                || meta.place == PLACE_CURRENT || meta.place == PLACE_PROBE)) {
            note_time();
        } else {
            look_up_time();
        }
        if (hdr.transport.has_times == 1 && meta.ack == ACK_NEW && meta.is_beyond == 0) {
            measure_ticks();
            filter_rtt();
            keep_average();
        }
        if (hdr.transport.scale[5:5] == 1 && meta.is_notice == 0) {
            if (hdr.transport.kind == KIND_COPY || hdr.transport.kind == KIND_TRANSMIT) {
                add_times();
            }
        }
    }
}

#endif
