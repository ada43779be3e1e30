// Block 6, second half: retransmission. Five registers, each read and written in one stage:
//
//   stage 1  tx_next_ack      first unacknowledged sequence number
//   stage 2  tx_dupack_cnt    duplicate acknowledgments in a row
//   stage 3  tx_avail         bytes handed over for sending, from tx_next_ack
//   stage 4  tx_credits       bytes that congestion control still allows
//   stage 5  tx_remote_avail  the peer's window
//
// Segments acknowledge, writes of libTOE transmit, SYNCs grant; copies only read. `request.start` is
// the acknowledgment or the first byte to send, `request.stop` the end of what is to be sent.

control Retransmission(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    // ---- stage 1: tx_next_ack ----

    Register<int<32>, connection_t>(N_CONNECTIONS, 0) tx_next_ack;

    // Optimistic: whether so much was handed over is checked in stage 3.
    RegisterAction<int<32>, connection_t, bit<32>>(tx_next_ack) take_ack = {
        void apply(inout int<32> value, out bit<32> before) {
            before = (bit<32>)value;
            if ((int<32>)hdr.request.start - value > 0) {
                value = (int<32>)hdr.request.start;
            }
        }
    };
    RegisterAction<int<32>, connection_t, bit<32>>(tx_next_ack) read_ack = {
        void apply(inout int<32> value, out bit<32> before) {
            before = (bit<32>)value;
        }
    };
    action acknowledge() {
        meta.tx_next = take_ack.execute(hdr.transport.connection);
    }
    action read_next() {
        meta.tx_next = read_ack.execute(hdr.transport.connection);
    }

    // ---- what it is ----

    action measure() {
        hdr.request.start = hdr.request.start - meta.tx_next;
        hdr.request.stop = hdr.request.stop - meta.tx_next;
    }

    action new_ack()   { meta.ack = ACK_NEW; }
    action current()   { meta.ack = ACK_CURRENT; }
    action duplicate() { meta.ack = ACK_DUPLICATE; }
    action old()       { meta.ack = ACK_OLD; }
    action send()      { meta.ack = ACK_SEND; }
    action stale()     { meta.ack = ACK_STALE; }
    action bystand()   { meta.ack = ACK_NONE; }

    table acks {
        key = {
            hdr.transport.kind        : ternary @name("kind");
            hdr.transport.has_payload : ternary @name("has_payload");
            hdr.request.start         : ternary @name("start");
        }
        actions = { new_ack; current; duplicate; old; send; stale; bystand; }
        const entries = {
            (KIND_RECEIVE,  _, 0x80000000 &&& 0x80000000) : old();
            (KIND_RECEIVE,  0, 0)                         : duplicate();
            (KIND_RECEIVE,  1, 0)                         : current();
            (KIND_RECEIVE,  _, _)                         : new_ack();
            (KIND_TRANSMIT, _, 0x80000000 &&& 0x80000000) : stale();
            (KIND_TRANSMIT, _, _)                         : send();
        }
        const default_action = bystand();
        size = 16;
    }

    // ---- stage 2: tx_dupack_cnt ----

    Register<bit<8>, connection_t>(N_CONNECTIONS, 0) tx_dupack_cnt;

    RegisterAction<bit<8>, connection_t, bit<8>>(tx_dupack_cnt) count_one = {
        void apply(inout bit<8> value, out bit<8> count) {
            value = value |+| 1;
            count = value;
        }
    };
    RegisterAction<bit<8>, connection_t, bit<8>>(tx_dupack_cnt) forget = {
        void apply(inout bit<8> value) {
            value = 0;
        }
    };
    action count_duplicate() {
        meta.tx_duplicates = count_one.execute(hdr.transport.connection);
    }
    action forget_duplicates() {
        forget.execute(hdr.transport.connection);
    }

    // ---- stage 3: tx_avail ----

    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) tx_avail;

    RegisterAction<bit<32>, connection_t, bit<32>>(tx_avail) deduct_handed = {
        void apply(inout bit<32> value, out bit<32> before, out bit<32> beyond) {
            before = value;
            beyond = 0;
            if (hdr.request.start <= value) {
                value = value - hdr.request.start;
            } else {
                beyond = hdr.request.start;
            }
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(tx_avail) extend_handed = {
        void apply(inout bit<32> value, out bit<32> before, out bit<32> fresh) {
            before = value;
            fresh = 0;
            if (hdr.request.stop > value) {
                value = hdr.request.stop;
                fresh = hdr.request.stop;
            }
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(tx_avail) read_handed = {
        void apply(inout bit<32> value, out bit<32> before) {
            before = value;
        }
    };
    action take_back() {
        meta.tx_handed = deduct_handed.execute(hdr.transport.connection, meta.tx_beyond);
    }
    action hand_over() {
        meta.tx_handed = extend_handed.execute(hdr.transport.connection, meta.tx_fresh);
    }
    action look_up() {
        meta.tx_handed = read_handed.execute(hdr.transport.connection);
    }

    // ---- stage 4: tx_credits ----

    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) tx_credits;
    MathUnit<bit<32>>(MathOp_t.MUL, 1, 2) half;

    RegisterAction<bit<32>, connection_t, bit<32>>(tx_credits) spend = {
        void apply(inout bit<32> value, out bit<32> before) {
            before = value;
            value = value |-| hdr.request.credit;
        }
    };
    // The whole grant or nothing, so that the cap of the control plane is never exceeded.
    RegisterAction<bit<32>, connection_t, bit<32>>(tx_credits) grant = {
        void apply(inout bit<32> value, out bit<32> granted) {
            granted = 0;
            if (value <= hdr.request.limit) {
                value = value + hdr.request.credit;
                granted = hdr.request.credit;
            }
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(tx_credits) halve = {
        void apply(inout bit<32> value) {
            value = half.execute(value);
        }
    };
    action spend_credits() {
        meta.tx_credit = spend.execute(hdr.transport.connection);
    }
    action grant_credits() {
        meta.tx_credit = grant.execute(hdr.transport.connection);
    }
    action halve_credits() {
        halve.execute(hdr.transport.connection);
        meta.is_fast = 1;
    }

    // ---- stage 5: tx_remote_avail ----

    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) tx_remote_avail;

    RegisterAction<bit<32>, connection_t, bit<32>>(tx_remote_avail) set_window = {
        void apply(inout bit<32> value) {
            value = hdr.request.window;
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(tx_remote_avail) check_window = {
        void apply(inout bit<32> value, out bit<32> window, out bit<32> blocked) {
            window = value;
            blocked = 0;
            if (hdr.request.stop > value) {
                blocked = hdr.request.stop;
            }
        }
    };
    action take_window() {
        set_window.execute(hdr.transport.connection);
    }
    action heed_window() {
        meta.tx_window = check_window.execute(hdr.transport.connection, meta.tx_blocked);
    }

    // ---- beside the stages ----

    action note_third()  { meta.is_third = 1; }
    action note_beyond() { meta.is_beyond = 1; }

    apply {
        if (hdr.transport.kind == KIND_RECEIVE) {
            acknowledge();
        } else {
            read_next();
        }
        measure();
        acks.apply();

        if (meta.ack == ACK_DUPLICATE) {
            count_duplicate();
        } else if (meta.ack == ACK_NEW) {
            forget_duplicates();
        }

        if (meta.ack == ACK_NEW) {
            take_back();
        } else if (meta.ack == ACK_SEND) {
            hand_over();
        } else {
            look_up();
        }
        if (meta.ack == ACK_DUPLICATE && meta.tx_duplicates == 3) {
            note_third();
        }

        if (meta.ack == ACK_SEND) {
            spend_credits();
        } else if (hdr.transport.kind == KIND_SYNC) {
            grant_credits();
        } else if (meta.is_third == 1 && meta.tx_handed != 0) {
            halve_credits();
        }
        if (meta.ack == ACK_NEW && meta.tx_beyond != 0) {
            note_beyond();
        }

        // A segment at or before the next byte that is not older than what is acknowledged.
        if (meta.place == PLACE_IN_ORDER || meta.place == PLACE_DUPLICATE
            || meta.place == PLACE_CURRENT) {
            if (meta.ack == ACK_NEW || meta.ack == ACK_CURRENT || meta.ack == ACK_DUPLICATE) {
                take_window();
            }
        } else {
            heed_window();
        }
    }
}
