// Block 3: between sequence numbers and addresses, and the other numbers that the transport logic
// takes: each becomes one of the operands in `transport` and `request`.

control Translate(inout ingress_headers_t hdr, inout ingress_metadata_t meta) {
    // ---- first step ----

    action carry() {
        hdr.transport.setValid();
        hdr.transport.kind = meta.kind;
        hdr.transport.reserved = 0;
        hdr.transport.is_beyond = 0;
        hdr.transport.is_broken = 0;
        hdr.transport.is_echo = 0;
        hdr.transport.has_payload = 0;
#ifdef LAMINAR_TIMESTAMPS
        hdr.transport.has_times = 0;
        hdr.request.time_value = 0;
        hdr.request.time_echo = 0;
#endif
        hdr.transport.connection = meta.connection;
        hdr.transport.context = meta.context;
        hdr.transport.scale = meta.own_scale;
        hdr.request.setValid();
        hdr.request.reason = meta.reason;
        hdr.request.push = 0;
#ifdef LAMINAR_SHARED_LOG
        hdr.request.log = meta.log;
#endif
    }

    // The identity moves a value between containers that no ALU connects: of other sizes, or of
    // other groups.
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) window_number;
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) length_number;
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) freed_number;

#ifdef LAMINAR_TIMESTAMPS
    // The option goes no further than its numbers.
    action shorten() {
        meta.len = meta.len - 12;
    }
    action carry_times() {
        hdr.transport.has_times = 1;
        hdr.request.time_value = hdr.times.value;
        hdr.request.time_echo = hdr.times.echo;
        hdr.times.setInvalid();
    }
#endif

    action offset_of_segment() {
        hdr.reth.setValid();
        hdr.reth.address_low = hdr.tcp.seq - meta.first;
        hdr.transport.seq = hdr.tcp.seq;
        hdr.transport.end = hdr.tcp.seq + meta.len;
        hdr.request.start = hdr.tcp.ack;
        hdr.request.stop = hdr.tcp.ack;
        hdr.request.window = window_number.get({16w0, hdr.tcp.window});
    }
    action seq_of_write() {
        hdr.transport.seq = 0;
        hdr.transport.end = 0;
        hdr.request.start = hdr.reth.address_low + meta.first;
        hdr.request.credit = length_number.get({meta.len});
    }
    // A SYNC that lifts the window over the MSS is one after which `free - MSS` is negative before
    // and not after.
    action sync() {
        hdr.transport.seq = meta.mss;
        hdr.transport.end = meta.mss - meta.freed;
        hdr.request.start = 0;
        hdr.request.stop = 0;
        hdr.request.credit = 0;
        hdr.request.limit = 0;
        hdr.request.window = freed_number.get({meta.freed});
    }
    action reset() {
        hdr.transport.seq = meta.freed;
        hdr.transport.end = meta.freed;
    }

    // ---- second step ----

    action wrap_offset() {
        hdr.reth.address_low = hdr.reth.address_low & meta.buffer_mask;
    }
    action end_of_write() {
        hdr.request.stop = hdr.request.start + meta.len;
    }

    // The peer's window in bytes.
    action scale_0()  {}
    action scale_1()  { hdr.request.window = hdr.request.window << 1; }
    action scale_2()  { hdr.request.window = hdr.request.window << 2; }
    action scale_3()  { hdr.request.window = hdr.request.window << 3; }
    action scale_4()  { hdr.request.window = hdr.request.window << 4; }
    action scale_5()  { hdr.request.window = hdr.request.window << 5; }
    action scale_6()  { hdr.request.window = hdr.request.window << 6; }
    action scale_7()  { hdr.request.window = hdr.request.window << 7; }
    action scale_8()  { hdr.request.window = hdr.request.window << 8; }
    action scale_9()  { hdr.request.window = hdr.request.window << 9; }
    action scale_10() { hdr.request.window = hdr.request.window << 10; }
    action scale_11() { hdr.request.window = hdr.request.window << 11; }
    action scale_12() { hdr.request.window = hdr.request.window << 12; }
    action scale_13() { hdr.request.window = hdr.request.window << 13; }
    action scale_14() { hdr.request.window = hdr.request.window << 14; }
    table peer_windows {
        key = { meta.peer_scale : exact; }
        actions = {
            scale_0; scale_1; scale_2; scale_3; scale_4; scale_5; scale_6; scale_7; scale_8;
            scale_9; scale_10; scale_11; scale_12; scale_13; scale_14;
        }
        const entries = {
            1  : scale_1();  2  : scale_2();  3  : scale_3();  4  : scale_4();  5  : scale_5();
            6  : scale_6();  7  : scale_7();  8  : scale_8();  9  : scale_9();  10 : scale_10();
            11 : scale_11(); 12 : scale_12(); 13 : scale_13(); 14 : scale_14();
        }
        const default_action = scale_0();
        size = 16;
    }

    // Credits of a periodic SYNC: so many bytes, while there are at most `limit`. A connection that
    // is not in the table is idle and gets nothing, no report either.
    action grant(bit<32> credit, bit<32> limit) {
        hdr.request.credit = credit;
        hdr.request.limit = limit;
    }
    action idle() {
        meta.is_idle = 1;
    }
    table rates {
        key = { meta.connection : exact; }
        actions = { grant; idle; }
        default_action = idle();
        size = N_CONNECTIONS;
    }

    apply {
        if (meta.kind != KIND_PLAIN) {
            carry();
        }
        if (meta.kind == KIND_RECEIVE) {
#ifdef LAMINAR_TIMESTAMPS
            if (hdr.times.isValid()) {
                shorten();
                carry_times();
            }
#endif
            offset_of_segment();
            wrap_offset();
            peer_windows.apply();
        } else if (meta.kind == KIND_TRANSMIT) {
            seq_of_write();
            end_of_write();
        } else if (meta.kind == KIND_SYNC) {
            sync();
            if (hdr.timer.isValid()) {
                rates.apply();
            }
        } else if (meta.kind == KIND_RESET) {
            reset();
        }
    }
}
