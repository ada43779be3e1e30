// Block 4: the headers of what will leave, as far as they do not hang on state.
//
// A segment and a SYNC become a write to the host, whose own headers are kept in `reply` for the
// acknowledgment; a write of libTOE becomes a TCP segment.

control Prepare(inout ingress_headers_t hdr, inout ingress_metadata_t meta,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    // ---- who is answered ----

    action reply_to_segment() {
        hdr.reply.setValid();
        hdr.reply.dst_mac = hdr.ethernet.src_addr;
        hdr.reply.src_mac = hdr.ethernet.dst_addr;
        hdr.reply.src_ip = hdr.ipv4.dst_addr;
        hdr.reply.dst_ip = hdr.ipv4.src_addr;
        hdr.reply.src_port = hdr.tcp.dst_port;
        hdr.reply.dst_port = hdr.tcp.src_port;
        hdr.transport.session = meta.port_session;
    }
    // Its MAC addresses and session come from the next hop (block 5).
    action reply_to_peer() {
        hdr.reply.setValid();
        hdr.reply.src_ip = meta.local_ip;
        hdr.reply.dst_ip = meta.peer_ip;
        hdr.reply.src_port = meta.local_port;
        hdr.reply.dst_port = meta.peer_port;
    }

    // ---- what the transport logic must know of a segment ----

    action note_echo() {
        hdr.transport.is_echo = 1;
    }
    action note_mark() {
        hdr.transport.scale = hdr.transport.scale | SCALE_MARK;
    }
    action note_payload() {
        hdr.transport.has_payload = 1;
    }

    // ---- a write to the host ----

    action become_write() {
        hdr.tcp.setInvalid();
        hdr.timer.setInvalid();
        hdr.command.setInvalid();
        hdr.immediate.setInvalid();
        hdr.ethernet.setValid();
        hdr.ethernet.ether_type = ETHERTYPE_IPV4;
        hdr.ipv4.setValid();
        hdr.ipv4.version_ihl = 0x45;
        hdr.ipv4.dscp = 0;
        hdr.ipv4.ecn = 0;
        hdr.ipv4.identification = 0;
        hdr.ipv4.flags_offset = 0x4000;
        hdr.ipv4.ttl = 64;
        hdr.ipv4.protocol = PROTOCOL_UDP;
        hdr.udp.setValid();
        hdr.udp.src_port = ROCE_SOURCE;
        hdr.udp.dst_port = ROCE_PORT;
        hdr.udp.checksum = 0;
        hdr.bth.setValid();
        hdr.bth.opcode = UC_WRITE_ONLY;
        hdr.bth.solicited = 0;
        hdr.bth.migrated = 0;
        hdr.bth.version = 0;
        hdr.bth.partition = 0xFFFF;
        hdr.bth.reserved = 0;
        hdr.bth.acknowledge = 0;
        hdr.bth.sequence = 0;
        hdr.reth.setValid();
    }
    action round_length() {
        meta.padded = meta.padded & 0xFFFC;
    }
    action place_payload() {
        hdr.ipv4.total_len = meta.padded;
        hdr.udp.length = meta.padded - 20;
        hdr.reth.address_top = meta.buffer_top;
        hdr.reth.address_mid = meta.buffer_mid;
        hdr.reth.address_low = hdr.reth.address_low + meta.buffer_low;
        hdr.reth.length = meta.len;
    }

    // The low bits of the length before rounding say what is missing.
    action pad_0() { hdr.bth.pad_count = 0; }
    action pad_1() { hdr.bth.pad_count = 1; }
    action pad_2() { hdr.bth.pad_count = 2; }
    action pad_3() { hdr.bth.pad_count = 3; }
    table pads {
        key = { meta.padded : ternary @name("padded"); }
        actions = { pad_0; pad_1; pad_2; pad_3; }
        const entries = { 0 &&& 3 : pad_3(); 1 &&& 3 : pad_2(); 2 &&& 3 : pad_1(); }
        const default_action = pad_0();
        size = 4;
    }

    action address_host(bit<48> host_mac, bit<48> own_mac, bit<32> host_ip, bit<32> own_ip,
                        bit<24> queue_pair, bit<32> remote_key, PortId_t port) {
        hdr.ethernet.dst_addr = host_mac;
        hdr.ethernet.src_addr = own_mac;
        hdr.ipv4.src_addr = own_ip;
        hdr.ipv4.dst_addr = host_ip;
        hdr.bth.queue_pair = queue_pair;
        hdr.reth.remote_key = remote_key;
        ig_tm_md.ucast_egress_port = port;
    }
    table contexts {
        key = { meta.context : exact; }
        actions = { address_host; NoAction; }
        default_action = NoAction();
        size = N_CONTEXTS;
    }

    // A report has 16 bytes and a slot of its own for each connection; the slots of a context begin
    // at a multiple of 512 KiB.
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) slot_number;

    action number_slot() {
        hdr.reth.address_low = slot_number.get({12w0, meta.connection, 4w0});
    }
    action report_to(bit<16> top, bit<16> mid, bit<32> low) {
        hdr.ipv4.total_len = 76;
        hdr.udp.length = 56;
        hdr.bth.pad_count = 0;
        hdr.reth.address_top = top;
        hdr.reth.address_mid = mid;
        hdr.reth.address_low = hdr.reth.address_low | low;
        hdr.reth.length = 16;
    }
    table reports {
        key = { meta.context : exact; }
        actions = { report_to; NoAction; }
        default_action = NoAction();
        size = N_CONTEXTS;
    }

    // ---- a segment to the peer ----

    action become_segment() {
        hdr.udp.setInvalid();
        hdr.bth.setInvalid();
        hdr.reth.setInvalid();
        hdr.immediate.setInvalid();
        hdr.ethernet.ether_type = ETHERTYPE_IPV4;
        hdr.ipv4.dscp = meta.dscp;
        hdr.ipv4.ecn = meta.ecn;
        hdr.ipv4.identification = 0;
        hdr.ipv4.flags_offset = 0x4000;
        hdr.ipv4.ttl = 64;
        hdr.ipv4.protocol = PROTOCOL_TCP;
        hdr.ipv4.src_addr = meta.local_ip;
        hdr.ipv4.dst_addr = meta.peer_ip;
        hdr.tcp.setValid();
        hdr.tcp.src_port = meta.local_port;
        hdr.tcp.dst_port = meta.peer_port;
        hdr.tcp.data_offset = 5;
        hdr.tcp.reserved = 0;
        hdr.tcp.flags = TCP_ACK;
        hdr.tcp.checksum = 0;
        hdr.tcp.urgent = 0;
    }
    action finish_segment() {
        hdr.tcp.seq = hdr.request.start;
    }
    // libTOE's last write of a message has immediate data: the peer shall deliver at once.
    action push() {
        hdr.request.push = 1;
    }

    apply {
        if (meta.kind == KIND_RECEIVE) {
            reply_to_segment();
            if (hdr.tcp.flags[6:6] == 1) {
                note_echo();
            }
            if (hdr.ipv4.ecn == 3) {
                note_mark();
            }
            if (meta.len != 0) {
                note_payload();
            }
        } else if (meta.kind == KIND_SYNC) {
            reply_to_peer();
        }
        if (meta.kind == KIND_RECEIVE || meta.kind == KIND_SYNC) {
            become_write();
            pads.apply();
            round_length();
            contexts.apply();
            if (meta.kind == KIND_RECEIVE && meta.len != 0) {
                place_payload();
            } else {
                number_slot();
                reports.apply();
            }
        } else if (meta.kind == KIND_TRANSMIT) {
            if (hdr.immediate.isValid()) {
                push();
            }
            become_segment();
            finish_segment();
        }
    }
}
