// Block 1: what kind of work a packet is.
//
// First what can be said from the port, the destination and the lengths, beside block 2; then the
// decision, one table that reads as the list of cases.

control Measure(inout ingress_headers_t hdr, inout ingress_metadata_t meta,
                in ingress_intrinsic_metadata_t ig_intr_md) {
    action has_role(role_t role, bit<8> session) {
        meta.role = role;
        meta.port_session = session;
    }
    table ports {
        key = { ig_intr_md.ingress_port : exact; }
        actions = { has_role; NoAction; }
        default_action = NoAction();
        size = 512;
    }

    action is_ours() {
        meta.is_local = 1;
    }
    table local_addresses {
        key = { hdr.ipv4.dst_addr : exact; }
        actions = { is_ours; NoAction; }
        default_action = NoAction();
        size = 1024;
    }

    // A segment has 40 bytes of headers; a write of its payload has 20 + 8 + 12 + 16 bytes in front
    // and 4 behind, and is rounded up to four bytes.
    action measure_segment() {
        meta.len = meta.len & 0xFFFF;
        meta.padded = hdr.ipv4.total_len + 23;
    }
    action measure_write() {
        meta.len = meta.len & 0xFFFF;
    }
#ifdef LAMINAR_TIMESTAMPS
    // Twelve bytes more of headers, which the write has not.
    action measure_timed_segment() {
        meta.len = meta.len & 0xFFFF;
        meta.padded = hdr.ipv4.total_len + 11;
    }
#endif

    apply {
        ports.apply();
        local_addresses.apply();
#ifdef LAMINAR_TIMESTAMPS
        if (hdr.times.isValid()) {
            measure_timed_segment();
        } else
#endif
        if (hdr.tcp.isValid()) {
            measure_segment();
        } else {
            measure_write();
        }
    }
}

#ifdef LAMINAR_TIMESTAMPS
#define OPTIONS    meta.is_understood
#define UNDERSTOOD 1
#else
#define OPTIONS    hdr.tcp.data_offset
#define UNDERSTOOD 5
#endif

control Classify(inout ingress_headers_t hdr, inout ingress_metadata_t meta) {
    Counter<bit<32>, bit<1>>(1, CounterType_t.PACKETS) segmented_writes;

    action receive() {
        meta.kind = KIND_RECEIVE;
        meta.reason = (bit<32>)REPORT_FAST_RETRANSMIT;
        meta.len = meta.len - 40;
    }
    // A write has 60 bytes beside its payload, 64 with immediate data, and its padding. What is taken
    // off comes as its negative: an action cannot subtract what an entry brings. `shorter`: a segment
    // has 40 bytes where the write had so many.
    action transmit(bit<32> minus_overhead, bit<16> shorter) {
        meta.kind = KIND_TRANSMIT;
        meta.len = meta.len + minus_overhead;
        hdr.ipv4.total_len = hdr.ipv4.total_len + shorter;
    }
    action sync_of_host() {
        meta.kind = KIND_SYNC;
        meta.reason = (bit<32>)REPORT_HOST;
    }
    action sync_of_control() {
        meta.kind = KIND_SYNC;
        meta.reason = (bit<32>)REPORT_TIMEOUT;
    }
    action sync_of_generator() {
        meta.kind = KIND_SYNC;
        meta.reason = (bit<32>)REPORT_GENERATOR;
    }
    action reset() {
        meta.kind = KIND_RESET;
    }
    // Writes of several packets are counted, and are the control plane's for now.
    action segmented() {
        segmented_writes.count(0);
        meta.kind = KIND_PLAIN;
        meta.is_local = 1;
    }
    action control_plane() {
        meta.kind = KIND_PLAIN;
        meta.is_local = 1;
    }
    action plain() {
        meta.kind = KIND_PLAIN;
    }

    table workflows {
        key = {
            meta.role               : ternary @name("role");
            hdr.timer.isValid()     : ternary @name("timer");
            hdr.command.isValid()   : ternary @name("command");
            hdr.command.operation   : ternary @name("operation");
            hdr.tcp.isValid()       : ternary @name("tcp");
            meta.is_known           : ternary @name("known");
            OPTIONS                 : ternary @name("options");
            hdr.tcp.flags           : ternary @name("flags");
            hdr.reth.isValid()      : ternary @name("write");
            hdr.bth.isValid()       : ternary @name("roce");
            hdr.bth.opcode          : ternary @name("opcode");
            hdr.bth.pad_count       : ternary @name("pad");
            hdr.reth.address_top    : ternary @name("address_top");
            meta.is_local           : ternary @name("local");
        }
        actions = {
            receive; transmit; sync_of_host; sync_of_control; sync_of_generator; reset; segmented;
            control_plane; plain;
        }
        const entries = {
            //               timer command  op           tcp    known off flags         write  roce   opcode            pad top        local
            (_,             true,  _,     _,             _,     _, _, _,              _,     _,     _,                _, _,         _) : sync_of_generator();
            (ROLE_CONTROL,  _,     true,  CONTROL_RESET, _,     _, _, _,              _,     _,     _,                _, _,         _) : reset();
            (ROLE_CONTROL,  _,     true,  CONTROL_SYNC,  _,     _, _, _,              _,     _,     _,                _, _,         _) : sync_of_control();
            // Established segments: no option, neither SYN nor FIN nor RST, but ACK.
            (ROLE_NETWORK,  _,     _,     _,             true,  1, UNDERSTOOD, 0x10 &&& 0x17,  _,     _,     _,                _, _,         _) : receive();
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     _,                _, 0x8000,    1) : sync_of_host();
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2A,             0, 0x0000,    1) : transmit(0xFFFFFFC4, 0xFFEC);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2A,             1, 0x0000,    1) : transmit(0xFFFFFFC3, 0xFFEB);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2A,             2, 0x0000,    1) : transmit(0xFFFFFFC2, 0xFFEA);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2A,             3, 0x0000,    1) : transmit(0xFFFFFFC1, 0xFFE9);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2B,             0, 0x0000,    1) : transmit(0xFFFFFFC0, 0xFFE8);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2B,             1, 0x0000,    1) : transmit(0xFFFFFFBF, 0xFFE7);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2B,             2, 0x0000,    1) : transmit(0xFFFFFFBE, 0xFFE6);
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              true,  _,     0x2B,             3, 0x0000,    1) : transmit(0xFFFFFFBD, 0xFFE5);
            // First, middle, last, last with immediate: 0x26 to 0x29.
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              _,     true,  0x26 &&& 0xFE,    _, _,         1) : segmented();
            (ROLE_HOST,     _,     _,     _,             _,     _, _, _,              _,     true,  0x28 &&& 0xFE,    _, _,         1) : segmented();
            // SYN, FIN, RST and options of a known connection.
            (_,             _,     _,     _,             true,  1, _, _,              _,     _,     _,                _, _,         _) : control_plane();
            (_,             _,     _,     _,             _,     _, _, _,              _,     _,     _,                _, _,         1) : control_plane();
        }
        default_action = plain();
        size = 32;
    }

    apply {
        workflows.apply();
    }
}
