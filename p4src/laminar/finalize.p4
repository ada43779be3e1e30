// Block 8: what becomes of the packet, now that all state is known: its last header fields, whether
// it leaves, and whether a copy goes back.

control Verdict(inout egress_headers_t hdr, inout egress_metadata_t meta,
                inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    // ---- the packet itself ----

    action leave() {}
    action drop() {
        eg_dprsr_md.drop_ctl = 1;
    }
    action write() {
        meta.is_written = 1;
    }
    // With a notification: four bytes longer.
    action write_and_notify() {
        meta.is_written = 1;
        hdr.bth.opcode = UC_WRITE_ONLY_IMMEDIATE;
        hdr.ipv4.total_len = hdr.ipv4.total_len + 4;
        hdr.udp.length = hdr.udp.length + 4;
        hdr.immediate.setValid();
    }
    action report() {
        meta.is_written = 1;
        hdr.report.setValid();
        hdr.report.reserved = 0;
        hdr.report.connection = hdr.transport.connection;
        hdr.report.next_ack = meta.tx_next;
        hdr.report.granted = meta.tx_credit;
        hdr.report.reason = hdr.request.reason;
    }

    table outcomes {
        key = {
            hdr.transport.kind : ternary @name("kind");
            meta.place         : ternary @name("place");
            meta.is_taken      : ternary @name("taken");
            meta.is_placed     : ternary @name("placed");
            meta.is_tracked    : ternary @name("tracked");
            meta.is_closed     : ternary @name("closed");
            meta.is_fast       : ternary @name("fast");
            meta.ack           : ternary @name("ack");
        }
        actions = { leave; drop; write; write_and_notify; report; }
        const entries = {
            // What advances the window notifies.
            (KIND_RECEIVE,  PLACE_IN_ORDER, 1, _, _, _, _, _) : write_and_notify();
            // What touches an interval that is waiting to be merged does too.
            (KIND_RECEIVE,  PLACE_AHEAD,    _, 1, 1, 1, _, _) : write_and_notify();
            (KIND_RECEIVE,  PLACE_AHEAD,    _, 1, _, _, _, _) : write();
            (KIND_RECEIVE,  _,              _, _, _, _, 1, _) : report();
            (KIND_RECEIVE,  _,              _, _, _, _, _, _) : drop();
            (KIND_SYNC,     _,              _, _, _, _, _, _) : report();
            (KIND_TRANSMIT, _,              _, _, _, _, _, ACK_SEND) : leave();
            (KIND_TRANSMIT, _,              _, _, _, _, _, _) : drop();
            (KIND_RESET,    _,              _, _, _, _, _, _) : drop();
        }
        const default_action = leave();
        size = 16;
    }

    // ---- its copy ----

#ifdef LAMINAR_DELAYED_ACKS
#define ACKNOWLEDGED() meta.delay = DELAY_OVER;
#else
#define ACKNOWLEDGED()
#endif

    action no_copy() {}
    // Only acknowledges.
    action copy() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session;
        meta.rx_ready = meta.rx_position;
    }
    // Merges the out-of-order interval, too.
    action copy_range() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session;
    }
    action copy_broken() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session | 0x80;
        meta.rx_ready = meta.rx_position;
        meta.copy_flags = COPY_BROKEN;
    }
    action copy_broken_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session | 0x80;
        meta.rx_ready = meta.rx_position;
        meta.copy_flags = COPY_BROKEN | COPY_BEYOND;
    }
    action copy_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session | 0x80;
        meta.rx_ready = meta.rx_position;
        meta.copy_flags = COPY_BEYOND;
    }
    action copy_range_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        ACKNOWLEDGED()
        meta.session = hdr.transport.session | 0x80;
        meta.copy_flags = COPY_BEYOND;
    }
    // Nothing is acknowledged, only the control plane told.
    action tell_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.session = SESSION_CONTROL;
        meta.rx_ready = meta.rx_position;
        meta.copy_flags = COPY_BEYOND;
    }

#ifdef LAMINAR_DELAYED_ACKS
    // As `copy`, if the count is full.
    action copy_later() {
        meta.delay = DELAY_COUNT;
        meta.session = hdr.transport.session;
        meta.rx_ready = meta.rx_position;
    }
    // A transmission acknowledges, too.
    action note_transmission() {
        ACKNOWLEDGED()
    }
#endif

    table copies {
        key = {
            hdr.transport.kind   : ternary @name("kind");
            meta.place           : ternary @name("place");
            meta.is_taken        : ternary @name("taken");
            meta.is_placed       : ternary @name("placed");
            meta.is_tracked      : ternary @name("tracked");
            meta.is_closed       : ternary @name("closed");
            meta.is_beyond       : ternary @name("beyond");
            meta.is_shut         : ternary @name("shut");
            hdr.transport.seq    : ternary @name("under");
            hdr.transport.end    : ternary @name("over");
        }
        actions = {
            no_copy; copy; copy_range; copy_broken; copy_broken_beyond; copy_beyond;
            copy_range_beyond; tell_beyond;
#ifdef LAMINAR_DELAYED_ACKS
            copy_later;
#endif
        }
        const entries = {
            // In order, but more than fits: dropped, acknowledged with window 0, reported.
            (KIND_RECEIVE, PLACE_IN_ORDER,  0, _, _, _, 0, _, _, _) : copy_broken();
            (KIND_RECEIVE, PLACE_IN_ORDER,  0, _, _, _, 1, _, _, _) : copy_broken_beyond();
            // What the peer sends again after that lies before the stream by now: told again, since
            // the notice may have been lost.
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, _, _, 0, 1, _, _) : copy_broken();
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, _, _, 1, 1, _, _) : copy_broken_beyond();
            // The interval has been reached, by this segment or one before.
            (KIND_RECEIVE, PLACE_IN_ORDER,  _, _, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_IN_ORDER,  _, _, 1, 1, 1, _, _, _) : copy_range_beyond();
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, 1, 1, 1, _, _, _) : copy_range_beyond();
            (KIND_RECEIVE, PLACE_AHEAD,     _, 1, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_AHEAD,     _, 1, 1, 1, 1, _, _, _) : copy_range_beyond();
#ifdef LAMINAR_DELAYED_ACKS
            (KIND_RECEIVE, PLACE_IN_ORDER,  1, _, 0, _, 0, _, _, _) : copy_later();
#endif
            // Without payload there is nothing to acknowledge, but for a probe.
            (KIND_RECEIVE, PLACE_CURRENT,   _, _, _, _, 1, _, _, _) : tell_beyond();
            (KIND_RECEIVE, PLACE_CURRENT,   _, _, _, _, _, _, _, _) : no_copy();
            (KIND_RECEIVE, PLACE_NONE,      _, _, _, _, 1, _, _, _) : tell_beyond();
            (KIND_RECEIVE, PLACE_NONE,      _, _, _, _, _, _, _, _) : no_copy();
            (KIND_RECEIVE, _,               _, _, _, _, 1, _, _, _) : copy_beyond();
            (KIND_RECEIVE, _,               _, _, _, _, _, _, _, _) : copy();
            // A SYNC that lifts the window from under one MSS sends a window update: `free - MSS` is
            // negative before and not after.
            (KIND_SYNC,    _,               _, _, _, _, _, 0,
             0x80000000 &&& 0x80000000, 0 &&& 0x80000000) : copy();
        }
        const default_action = no_copy();
        size = 32;
    }

    apply {
        outcomes.apply();
        copies.apply();
        // A transmission needs credits, and room in the peer's window.
        if (meta.ack == ACK_SEND) {
            if (meta.tx_credit == 0) {
                drop();
            } else if (meta.tx_blocked != 0) {
                drop();
            }
#ifdef LAMINAR_DELAYED_ACKS
            else {
                note_transmission();
            }
#endif
        }
    }
}

control Finalize(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    // ---- acknowledgment and window, of a copy and of a transmission ----

    action scale_0()  { hdr.tcp.word = meta.rx_free; }
    action scale_1()  { hdr.tcp.word = meta.rx_free >> 1; }
    action scale_2()  { hdr.tcp.word = meta.rx_free >> 2; }
    action scale_3()  { hdr.tcp.word = meta.rx_free >> 3; }
    action scale_4()  { hdr.tcp.word = meta.rx_free >> 4; }
    action scale_5()  { hdr.tcp.word = meta.rx_free >> 5; }
    action scale_6()  { hdr.tcp.word = meta.rx_free >> 6; }
    action scale_7()  { hdr.tcp.word = meta.rx_free >> 7; }
    action scale_8()  { hdr.tcp.word = meta.rx_free >> 8; }
    action scale_9()  { hdr.tcp.word = meta.rx_free >> 9; }
    action scale_10() { hdr.tcp.word = meta.rx_free >> 10; }
    action scale_11() { hdr.tcp.word = meta.rx_free >> 11; }
    action scale_12() { hdr.tcp.word = meta.rx_free >> 12; }
    action scale_13() { hdr.tcp.word = meta.rx_free >> 13; }
    action scale_14() { hdr.tcp.word = meta.rx_free >> 14; }
    table own_windows {
        key = { hdr.transport.scale : ternary; }
        actions = {
            scale_0; scale_1; scale_2; scale_3; scale_4; scale_5; scale_6; scale_7; scale_8;
            scale_9; scale_10; scale_11; scale_12; scale_13; scale_14;
        }
        const entries = {
            1 &&& SCALE_MASK    : scale_1();
            2 &&& SCALE_MASK    : scale_2();
            3 &&& SCALE_MASK    : scale_3();
            4 &&& SCALE_MASK    : scale_4();
            5 &&& SCALE_MASK    : scale_5();
            6 &&& SCALE_MASK    : scale_6();
            7 &&& SCALE_MASK    : scale_7();
            8 &&& SCALE_MASK    : scale_8();
            9 &&& SCALE_MASK    : scale_9();
            10 &&& SCALE_MASK   : scale_10();
            11 &&& SCALE_MASK   : scale_11();
            12 &&& SCALE_MASK   : scale_12();
            13 &&& SCALE_MASK   : scale_13();
            14 &&& SCALE_MASK   : scale_14();
        }
        const default_action = scale_0();
        size = 16;
    }

    action shut_window() { hdr.tcp.word = 0; }
    action clip_window() { hdr.tcp.word = min(hdr.tcp.word, 0xFFFF); }

    action flag_ack()    { hdr.tcp.word = hdr.tcp.word | TCP_WORD_ACK; }
    action flag_echo()   { hdr.tcp.word = hdr.tcp.word | TCP_WORD_ECHO; }
    action flag_push()   { hdr.tcp.word = hdr.tcp.word | TCP_WORD_PUSH; }

    action acknowledge() {
        hdr.tcp.ack = meta.rx_whole;
    }
    action acknowledge_merged() {
        hdr.tcp.ack = meta.rx_whole + meta.rx_taken;
    }

    // ---- an acknowledgment of its own ----

    action become_acknowledgment() {
        hdr.ethernet.setValid();
        hdr.ethernet.dst_addr = hdr.reply.dst_mac;
        hdr.ethernet.src_addr = hdr.reply.src_mac;
        hdr.ethernet.ether_type = ETHERTYPE_IPV4;
        hdr.ipv4.setValid();
        hdr.ipv4.version_ihl = 0x45;
        hdr.ipv4.dscp = 0;
        hdr.ipv4.ecn = 0;
        hdr.ipv4.total_len = 40;
        hdr.ipv4.identification = 0;
        hdr.ipv4.flags_offset = 0x4000;
        hdr.ipv4.ttl = 64;
        hdr.ipv4.protocol = PROTOCOL_TCP;
        hdr.ipv4.src_addr = hdr.reply.src_ip;
        hdr.ipv4.dst_addr = hdr.reply.dst_ip;
        hdr.tcp.setValid();
        hdr.tcp.src_port = hdr.reply.src_port;
        hdr.tcp.dst_port = hdr.reply.dst_port;
        hdr.tcp.checksum = 0;
        hdr.tcp.urgent = 0;
    }
    // Behind everything that the peer may have seen of us, so that it takes the acknowledgment.
    action weigh_flight() {
        meta.tx_in_flight = min(meta.tx_handed, meta.tx_window);
    }
    action number_acknowledgment() {
        hdr.tcp.seq = meta.tx_next + meta.tx_in_flight;
    }

    // ---- a notice to the control plane ----

    action become_notice() {
        hdr.ethernet.setValid();
        hdr.ethernet.dst_addr = hdr.reply.src_mac;
        hdr.ethernet.src_addr = hdr.reply.dst_mac;
        hdr.ethernet.ether_type = ETHERTYPE_CONTROL;
        hdr.notice.setValid();
        hdr.notice.reason = 0;
        hdr.notice.reserved = 0;
        hdr.notice.connection = hdr.transport.connection;
        hdr.notice.rx_next_seq = meta.rx_next;
        hdr.notice.rx_broken = meta.rx_broken;
        hdr.notice.rx_avail = meta.rx_free;
        hdr.notice.tx_next_ack = meta.tx_next;
        hdr.notice.tx_avail = meta.tx_handed;
    }
    action reason_broken() {
        hdr.notice.reason = 1;
    }
    action reason_beyond() {
        hdr.notice.reason = 2;
    }
    action reason_both() {
        hdr.notice.reason = 3;
    }

    // ---- a notification ----

    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) position_number;
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) ready_number;

    action notify_position() {
        hdr.immediate.value = position_number.get({
            hdr.transport.connection[14:0], meta.rx_position[16:0]
        });
    }
    // The interval is ready too, ahead of its merge.
    action notify_ready() {
        hdr.immediate.value = ready_number.get({
            hdr.transport.connection[14:0], meta.rx_ready[16:0]
        });
    }

    apply {
        if (meta.is_notice == 1) {
            become_notice();
            if (hdr.transport.is_broken == 1 && hdr.transport.is_beyond == 1) {
                reason_both();
            } else if (hdr.transport.is_broken == 1) {
                reason_broken();
            } else if (hdr.transport.is_beyond == 1) {
                reason_beyond();
            }
        } else if (hdr.transport.kind == KIND_COPY) {
            become_acknowledgment();
            weigh_flight();
            number_acknowledgment();
        } else if (hdr.transport.kind == KIND_RECEIVE) {
            if (meta.is_closed == 1) {
                notify_ready();
            } else {
                notify_position();
            }
        }
        own_windows.apply();
        if (meta.is_shut == 1) {
            shut_window();
        } else if (meta.place == PLACE_MERGE && meta.is_taken == 0) {
            shut_window();
        } else {
            clip_window();
        }
        if (hdr.transport.scale[7:7] == 1) {
            flag_echo();
        } else if (hdr.request.isValid() && hdr.request.push == 1) {
            flag_push();
        } else {
            flag_ack();
        }
        if (meta.place == PLACE_MERGE) {
            acknowledge_merged();
        } else {
            acknowledge();
        }
    }
}
