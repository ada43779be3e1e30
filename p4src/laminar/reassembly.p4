// Block 6, first half: reassembly. Four registers, each read and written in one stage:
//
//   stage 1  rx_next_seq   next in-order sequence number
//   stage 2  rx_avail      free bytes of the receive buffer; hi: bytes since the window broke
//   stage 3  rx_ooo_tail   end of the out-of-order interval, from rx_next_seq; 0 = none
//   stage 4  rx_ooo_head   its start, likewise
//
// Between 1 and 2 the segment is located, by the signs of two differences. What stage 2 lets through
// (`rx_taken`) is all that stages 3 and 4 need: bytes to deduct from both where the segment is in
// order, and its end where it is ahead; 0 leaves them as they are.

struct window_t {
    bit<32> lo;  // free bytes
    bit<32> hi;  // bytes by which rx_next_seq went on since the window broke; 0 = whole
}

#ifdef LAMINAR_SACK
// An acknowledgment reads the interval, by deducting nothing from it.
#define INTERVAL_IS_READ || meta.place == PLACE_NONE
#else
#define INTERVAL_IS_READ
#endif

#ifdef LAMINAR_SHARED_LOG
// A log wants to know what was claimed before.
#define OUT_BEFORE     , out bit<32> before
#define TELL_BEFORE    before = value;
#define TO_TAIL_BEFORE , meta.rx_tail_before
#else
#define OUT_BEFORE
#define TELL_BEFORE
#define TO_TAIL_BEFORE
#endif

control Reassembly(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    // ---- stage 1: rx_next_seq ----

    Register<int<32>, connection_t>(N_CONNECTIONS, 0) rx_next_seq;

    // Optimistic: the window is checked behind. Both comparisons are modulo 2^32, by the sign of a
    // difference. A transmission has seq = end and changes nothing; a SYNC has other numbers there.
    RegisterAction<int<32>, connection_t, bit<32>>(rx_next_seq) pass_segment = {
        void apply(inout int<32> value, out bit<32> before) {
            before = (bit<32>)value;
            if ((int<32>)hdr.transport.seq - value <= 0 && (int<32>)hdr.transport.end - value > 0) {
                value = (int<32>)hdr.transport.end;
            }
        }
    };
    RegisterAction<int<32>, connection_t, bit<32>>(rx_next_seq) set_back = {
        void apply(inout int<32> value, out bit<32> before) {
            before = (bit<32>)value;
            value = (int<32>)hdr.transport.seq;
        }
    };
    RegisterAction<int<32>, connection_t, bit<32>>(rx_next_seq) look = {
        void apply(inout int<32> value, out bit<32> before) {
            before = (bit<32>)value;
        }
    };
    action only_read_next() {
        meta.rx_next = look.execute(hdr.transport.connection);
    }
    action read_next() {
        meta.rx_next = pass_segment.execute(hdr.transport.connection);
    }
    action reset_next() {
        meta.rx_next = set_back.execute(hdr.transport.connection);
    }

    // ---- where the segment lies ----

    // In place: all that an ALU connects must lie in one group of containers, so fields are few.
    action measure() {
        hdr.transport.seq = hdr.transport.seq - meta.rx_next;
        hdr.transport.end = hdr.transport.end - meta.rx_next;
    }

    // An end of 0 asks stage 2 for nothing.
    action in_order()  { meta.place = PLACE_IN_ORDER; }
    action ahead()     { meta.place = PLACE_AHEAD; }
    action duplicate() { meta.place = PLACE_DUPLICATE; hdr.transport.end = 0; }
    action current()   { meta.place = PLACE_CURRENT; hdr.transport.end = 0; }
    action probe()     { meta.place = PLACE_PROBE; hdr.transport.end = 0; }
    action merge()     { meta.place = PLACE_MERGE; }
    action replenish() { meta.place = PLACE_REPLENISH; }
    action thaw()      { meta.place = PLACE_THAW; hdr.transport.end = 0; }
    action bystand()   { meta.place = PLACE_NONE; hdr.transport.end = 0; }

    // A mask of the highest bit asks for the sign; the order of entries does the rest.
    table places {
        key = {
            hdr.transport.kind        : ternary @name("kind");
            hdr.transport.has_payload : ternary @name("has_payload");
            hdr.transport.seq         : ternary @name("start");
            hdr.transport.end         : ternary @name("end");
        }
        actions = {
            in_order; ahead; duplicate; current; probe; merge; replenish; thaw; bystand;
        }
        const entries = {
            (KIND_RECEIVE, 1, _, 0x80000000 &&& 0x80000000) : duplicate();
            (KIND_RECEIVE, 1, _, 0)                         : duplicate();
            (KIND_RECEIVE, 1, 0x80000000 &&& 0x80000000, _) : in_order();
            (KIND_RECEIVE, 1, 0, _)                         : in_order();
            (KIND_RECEIVE, 1, _, _)                         : ahead();
            (KIND_RECEIVE, 0, 0x80000000 &&& 0x80000000, _) : probe();
            (KIND_RECEIVE, 0, 0, _)                         : current();
            (KIND_COPY,    _, _, 0x80000000 &&& 0x80000000) : bystand();
            (KIND_COPY,    _, _, 0)                         : bystand();
            (KIND_COPY,    _, 0x80000000 &&& 0x80000000, _) : merge();
            (KIND_COPY,    _, 0, _)                         : merge();
            (KIND_SYNC,    _, _, _)                         : replenish();
            (KIND_RESET,   _, _, _)                         : thaw();
        }
        const default_action = bystand();
        size = 16;
    }

    // ---- stage 2: rx_avail ----

    Register<window_t, connection_t>(N_CONNECTIONS) rx_avail;

    // Bytes in order: taken if they fit, else the window breaks, and stays broken.
    RegisterAction<window_t, connection_t, bit<32>>(rx_avail) deduct_free = {
        void apply(inout window_t value, out bit<32> free, out bit<32> broken, out bit<32> taken) {
            free = value.lo;
            broken = value.hi;
            taken = 0;
            if (value.hi == 0 && hdr.transport.end <= value.lo) {
                value.lo = value.lo - hdr.transport.end;
                taken = hdr.transport.end;
            } else {
                value.hi = value.hi + hdr.transport.end;
            }
        }
    };
    // Bytes ahead only ask whether they would fit.
    RegisterAction<window_t, connection_t, bit<32>>(rx_avail) probe_free = {
        void apply(inout window_t value, out bit<32> free, out bit<32> broken, out bit<32> taken) {
            free = value.lo;
            broken = value.hi;
            taken = 0;
            if (value.hi == 0 && hdr.transport.end <= value.lo) {
                taken = hdr.transport.end;
            }
        }
    };
    RegisterAction<window_t, connection_t, bit<32>>(rx_avail) add_free = {
        void apply(inout window_t value, out bit<32> free, out bit<32> broken) {
            free = value.lo;
            broken = value.hi;
            value.lo = value.lo + hdr.request.window;
        }
    };
    RegisterAction<window_t, connection_t, bit<32>>(rx_avail) mend = {
        void apply(inout window_t value, out bit<32> free, out bit<32> broken) {
            free = value.lo;
            broken = value.hi;
            value.hi = 0;
        }
    };
    action take_free() {
        meta.rx_free =
            deduct_free.execute(hdr.transport.connection, meta.rx_broken, meta.rx_taken);
    }
    action ask_free() {
        meta.rx_free = probe_free.execute(hdr.transport.connection, meta.rx_broken, meta.rx_taken);
    }
    action return_free() {
        meta.rx_free = add_free.execute(hdr.transport.connection, meta.rx_broken);
    }
    action mend_window() {
        meta.rx_free = mend.execute(hdr.transport.connection, meta.rx_broken);
    }

    // ---- stage 3: rx_ooo_tail ----

    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) rx_ooo_tail;

    RegisterAction<bit<32>, connection_t, bit<32>>(rx_ooo_tail) deduct_tail = {
        void apply(inout bit<32> value, out bit<32> after OUT_BEFORE) {
            TELL_BEFORE
            value = value |-| meta.rx_taken;
            after = value;
        }
    };
    // A segment that does not begin behind the interval may carry its end on. Whether it reaches the
    // interval's start is asked in stage 4; where it does not, its end lies before this one.
    RegisterAction<bit<32>, connection_t, bit<32>>(rx_ooo_tail) extend_tail = {
        void apply(inout bit<32> value, out bit<32> after, out bit<32> before) {
            before = value;
            after = 0;
            if (value == 0 || hdr.transport.seq <= value) {
                value = max(value, meta.rx_taken);
                after = value;
            }
        }
    };
    action shift_tail() {
        meta.rx_tail = deduct_tail.execute(hdr.transport.connection TO_TAIL_BEFORE);
    }
    action widen_tail() {
        meta.rx_tail = extend_tail.execute(hdr.transport.connection, meta.rx_tail_before);
    }

    // ---- stage 4: rx_ooo_head ----

    Register<bit<32>, connection_t>(N_CONNECTIONS, 0) rx_ooo_head;

    RegisterAction<bit<32>, connection_t, bit<32>>(rx_ooo_head) deduct_head = {
        void apply(inout bit<32> value, out bit<32> after, out bit<32> placed) {
            value = value |-| meta.rx_taken;
            after = value;
            placed = meta.rx_taken;
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(rx_ooo_head) begin_head = {
        void apply(inout bit<32> value, out bit<32> after, out bit<32> placed) {
            value = hdr.transport.seq;
            after = value;
            placed = meta.rx_taken;
        }
    };
    RegisterAction<bit<32>, connection_t, bit<32>>(rx_ooo_head) extend_head = {
        void apply(inout bit<32> value, out bit<32> after, out bit<32> placed) {
            after = 0;
            placed = 0;
            if (meta.rx_taken >= value) {
                value = min(value, hdr.transport.seq);
                after = value;
                placed = meta.rx_taken;
            }
        }
    };
    action shift_head() {
        meta.rx_head = deduct_head.execute(hdr.transport.connection, meta.rx_placed);
    }
    action begin_interval() {
        meta.rx_head = begin_head.execute(hdr.transport.connection, meta.rx_placed);
    }
    action widen_head() {
        meta.rx_head = extend_head.execute(hdr.transport.connection, meta.rx_placed);
    }

    // ---- what follows from the state, beside the stages ----

    action advance() {
        meta.rx_whole = meta.rx_next - meta.rx_broken;
        meta.rx_position = meta.rx_next + meta.rx_taken;
        meta.rx_free = meta.rx_free - meta.rx_taken;
    }
    action stand() {
        meta.rx_whole = meta.rx_next - meta.rx_broken;
        meta.rx_position = meta.rx_next;
    }
    // SYNC: free - MSS, before and after.
    action stand_and_compare() {
        meta.rx_whole = meta.rx_next - meta.rx_broken;
        meta.rx_position = meta.rx_next;
        hdr.transport.seq = meta.rx_free - hdr.transport.seq;
        hdr.transport.end = meta.rx_free - hdr.transport.end;
    }
    action ready() {
        meta.rx_ready = meta.rx_position + meta.rx_tail;
    }
    action note_taken()   { meta.is_taken = 1; }
    action note_placed()  { meta.is_placed = 1; }
    action note_tracked() { meta.is_tracked = 1; }
    action note_closed()  { meta.is_closed = 1; }
    action note_shut()    { meta.is_shut = 1; }

    apply {
        if (hdr.transport.kind == KIND_RESET) {
            reset_next();
        } else if (hdr.transport.kind == KIND_SYNC) {
            only_read_next();
        } else {
            read_next();
        }
        if (hdr.transport.kind != KIND_SYNC) {
            measure();
        }
        places.apply();

        if (meta.place == PLACE_IN_ORDER || meta.place == PLACE_MERGE) {
            take_free();
        } else if (meta.place == PLACE_REPLENISH) {
            return_free();
        } else if (meta.place == PLACE_THAW) {
            mend_window();
        } else {
            ask_free();
        }

        // Beside stage 3: what stage 2 has decided.
        if (meta.place == PLACE_IN_ORDER || meta.place == PLACE_MERGE) {
            advance();
        } else if (meta.place == PLACE_REPLENISH) {
            stand_and_compare();
        } else {
            stand();
        }
        if (meta.rx_taken != 0) {
            note_taken();
        }
        if (meta.rx_broken != 0) {
            note_shut();
        }
        if (meta.place == PLACE_AHEAD) {
            widen_tail();
        } else if (meta.place == PLACE_IN_ORDER || meta.place == PLACE_MERGE
                   || meta.place == PLACE_DUPLICATE INTERVAL_IS_READ) {
            shift_tail();
        }

        // Beside stage 4: what stage 3 has decided.
        ready();
        if (meta.rx_tail != 0) {
            note_tracked();
        }
        if (meta.place == PLACE_AHEAD) {
            if (meta.rx_tail != 0) {
                if (meta.rx_tail_before == 0) {
                    begin_interval();
                } else {
                    widen_head();
                }
            }
        } else if (meta.place == PLACE_IN_ORDER || meta.place == PLACE_MERGE
                   || meta.place == PLACE_DUPLICATE INTERVAL_IS_READ) {
            shift_head();
        }

        if (meta.rx_placed != 0) {
            note_placed();
        }
        if (meta.rx_head == 0) {
            note_closed();
        }
    }
}
