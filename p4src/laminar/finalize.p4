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
        hdr.report.connection = hdr.request.connection;
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

    action no_copy() {}
    // Only acknowledges.
    action copy() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session;
        meta.copy_end = meta.rx_position;
    }
    // Merges the out-of-order interval, too.
    action copy_range() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session;
        meta.copy_end = meta.rx_ready;
    }
    action copy_broken() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session | 0x80;
        meta.copy_end = meta.rx_position;
        meta.copy_notes = meta.copy_notes | NOTE_BROKEN;
    }
    action copy_both() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session | 0x80;
        meta.copy_end = meta.rx_position;
        meta.copy_notes = meta.copy_notes | (NOTE_BROKEN | NOTE_BEYOND);
    }
    action copy_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session | 0x80;
        meta.copy_end = meta.rx_position;
        meta.copy_notes = meta.copy_notes | NOTE_BEYOND;
    }
    action copy_range_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = hdr.transport.session | 0x80;
        meta.copy_end = meta.rx_ready;
        meta.copy_notes = meta.copy_notes | NOTE_BEYOND;
    }
    // Nothing is acknowledged, only the control plane told.
    action tell_beyond() {
        eg_dprsr_md.mirror_type = MIRROR_COPY;
        meta.copy_kind = KIND_COPY;
        meta.session = SESSION_CONTROL;
        meta.copy_end = meta.rx_position;
        meta.copy_notes = meta.copy_notes | NOTE_BEYOND;
    }

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
            meta.rx_under        : ternary @name("under");
            meta.rx_over         : ternary @name("over");
        }
        actions = {
            no_copy; copy; copy_range; copy_broken; copy_both; copy_beyond; copy_range_beyond;
            tell_beyond;
        }
        const entries = {
            // In order, but more than fits: dropped, acknowledged with window 0, reported.
            (KIND_RECEIVE, PLACE_IN_ORDER,  0, _, _, _, 0, _, _, _) : copy_broken();
            (KIND_RECEIVE, PLACE_IN_ORDER,  0, _, _, _, 1, _, _, _) : copy_both();
            // The interval has been reached, by this segment or one before.
            (KIND_RECEIVE, PLACE_IN_ORDER,  _, _, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_IN_ORDER,  _, _, 1, 1, 1, _, _, _) : copy_range_beyond();
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_DUPLICATE, _, _, 1, 1, 1, _, _, _) : copy_range_beyond();
            (KIND_RECEIVE, PLACE_AHEAD,     _, 1, 1, 1, 0, _, _, _) : copy_range();
            (KIND_RECEIVE, PLACE_AHEAD,     _, 1, 1, 1, 1, _, _, _) : copy_range_beyond();
            // Without payload there is nothing to acknowledge, but for a probe.
            (KIND_RECEIVE, PLACE_CURRENT,   _, _, _, _, 1, _, _, _) : tell_beyond();
            (KIND_RECEIVE, PLACE_CURRENT,   _, _, _, _, _, _, _, _) : no_copy();
            (KIND_RECEIVE, PLACE_NONE,      _, _, _, _, 1, _, _, _) : tell_beyond();
            (KIND_RECEIVE, PLACE_NONE,      _, _, _, _, _, _, _, _) : no_copy();
            (KIND_RECEIVE, _,               _, _, _, _, 1, _, _, _) : copy_beyond();
            (KIND_RECEIVE, _,               _, _, _, _, _, _, _, _) : copy();
            // A SYNC that lifts the window from under one MSS sends a window update.
            (KIND_SYNC, _, _, _, _, _, _, 0, 0x80000000 &&& 0x80000000, 0 &&& 0x80000000) : copy();
        }
        const default_action = no_copy();
        size = 32;
    }

    // A mark is echoed by the copy.
    action keep_mark() {
        meta.copy_notes = hdr.transport.notes & NOTE_MARKED;
    }

    apply {
        keep_mark();
        outcomes.apply();
        copies.apply();
        // A transmission needs credits, and room in the peer's window.
        if (meta.ack == ACK_SEND) {
            if (meta.tx_credit == 0) {
                drop();
            } else if (meta.tx_blocked != 0) {
                drop();
            }
        }
    }
}

control Finalize(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    // ---- acknowledgment and window, of a copy and of a transmission ----

    action scale_0()  { meta.rx_window = meta.rx_left; }
    action scale_1()  { meta.rx_window = meta.rx_left >> 1; }
    action scale_2()  { meta.rx_window = meta.rx_left >> 2; }
    action scale_3()  { meta.rx_window = meta.rx_left >> 3; }
    action scale_4()  { meta.rx_window = meta.rx_left >> 4; }
    action scale_5()  { meta.rx_window = meta.rx_left >> 5; }
    action scale_6()  { meta.rx_window = meta.rx_left >> 6; }
    action scale_7()  { meta.rx_window = meta.rx_left >> 7; }
    action scale_8()  { meta.rx_window = meta.rx_left >> 8; }
    action scale_9()  { meta.rx_window = meta.rx_left >> 9; }
    action scale_10() { meta.rx_window = meta.rx_left >> 10; }
    action scale_11() { meta.rx_window = meta.rx_left >> 11; }
    action scale_12() { meta.rx_window = meta.rx_left >> 12; }
    action scale_13() { meta.rx_window = meta.rx_left >> 13; }
    action scale_14() { meta.rx_window = meta.rx_left >> 14; }
    table own_windows {
        key = { hdr.transport.scale : exact; }
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

    action shut_window() {
        hdr.tcp.window = 0;
    }
    action widest_window() {
        hdr.tcp.window = 0xFFFF;
    }
    action plain_window() {
        hdr.tcp.window = (bit<16>)meta.rx_window;
    }
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
        hdr.tcp.data_offset = 5;
        hdr.tcp.reserved = 0;
        hdr.tcp.flags = TCP_ACK;
        hdr.tcp.checksum = 0;
        hdr.tcp.urgent = 0;
    }
    action echo_mark() {
        hdr.tcp.flags = TCP_ACK | TCP_ECE;
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

    action notify_position() {
        hdr.immediate.data = meta.rx_position & 0x1FFFF;
    }
    // The interval is ready too, ahead of its merge.
    action notify_ready() {
        hdr.immediate.data = meta.rx_ready & 0x1FFFF;
    }
    action notify_connection() {
        hdr.immediate.data = hdr.immediate.data | hdr.request.limit;
    }

    apply {
        if (meta.is_notice == 1) {
            become_notice();
            if (hdr.transport.notes[4:3] == 1) {
                reason_broken();
            } else if (hdr.transport.notes[4:3] == 2) {
                reason_beyond();
            } else {
                reason_both();
            }
        } else if (hdr.transport.kind == KIND_COPY) {
            become_acknowledgment();
            if (hdr.transport.notes[2:2] == 1) {
                echo_mark();
            }
            weigh_flight();
            number_acknowledgment();
        } else if (hdr.transport.kind == KIND_RECEIVE) {
            if (meta.is_closed == 1) {
                notify_ready();
            } else {
                notify_position();
            }
            notify_connection();
        }
        own_windows.apply();
        if (meta.is_shut == 1) {
            shut_window();
        } else if (meta.place == PLACE_MERGE && meta.is_taken == 0) {
            shut_window();
        } else if (meta.rx_window[31:16] != 0) {
            widest_window();
        } else {
            plain_window();
        }
        if (meta.place == PLACE_MERGE) {
            acknowledge_merged();
        } else {
            acknowledge();
        }
    }
}
