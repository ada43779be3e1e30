// Block 2: which connection, and what is known of it.
//
// A segment names its connection by addresses and ports, a write of libTOE by the upper half of its
// remote address, the control plane by number, and the packet generator counts them through. The
// tables that a connection's number opens do not wait for the classification: what they find is used
// only by the workflow that needs it.

#ifdef LAMINAR_SHARED_LOG
#define LOG_PARAMETER , bit<16> log
#else
#define LOG_PARAMETER
#endif

control Identify(inout ingress_headers_t hdr, inout ingress_metadata_t meta) {
    // ---- the connection ----

    action known(connection_t connection) {
        meta.connection = connection;
        meta.is_known = 1;
    }
    // A segment, from the peer's side.
    table segments {
        key = {
            hdr.ipv4.src_addr : exact;
            hdr.ipv4.dst_addr : exact;
            hdr.tcp.src_port  : exact;
            hdr.tcp.dst_port  : exact;
        }
        actions = { known; NoAction; }
        default_action = NoAction();
        size = N_CONNECTIONS;
    }

    action named_by_write() {
        meta.connection = hdr.reth.address_mid;
        meta.freed = hdr.reth.address_low;
    }
    action named_by_control() {
        meta.connection = hdr.command.connection;
        meta.freed = hdr.command.value;
    }
    action named_by_generator() {
        meta.connection = hdr.timer.packet_id;
        meta.freed = 0;
    }

    // ---- what is known of it ----

    action describe(context_t context, bit<8> own_scale, bit<8> peer_scale, bit<32> mss,
                    bit<6> dscp, bit<2> ecn LOG_PARAMETER) {
        meta.is_established = 1;
        meta.context = context;
        meta.own_scale = own_scale;
        meta.peer_scale = peer_scale;
        meta.mss = mss;
        meta.dscp = dscp;
        meta.ecn = ecn;
#ifdef LAMINAR_SHARED_LOG
        meta.log = log;
#endif
    }
    table connections {
        key = { meta.connection : exact; }
        actions = { describe; NoAction; }
        default_action = NoAction();
        size = N_CONNECTIONS;
    }

    // The buffer lies, twice in a row, within one region of 4 GiB, so that only the lower half of an
    // address needs arithmetic.
    action receive_into(bit<16> top, bit<16> mid, bit<32> low, bit<32> mask, bit<32> first_seq) {
        meta.buffer_top = top;
        meta.buffer_mid = mid;
        meta.buffer_low = low;
        meta.buffer_mask = mask;
        meta.first = first_seq;
    }
    table receive_buffers {
        key = { meta.connection : exact; }
        actions = { receive_into; NoAction; }
        default_action = NoAction();
        size = N_CONNECTIONS;
    }

    action transmit_as(bit<32> local_ip, bit<32> peer_ip, bit<16> local_port, bit<16> peer_port,
                       bit<32> first_seq) {
        meta.local_ip = local_ip;
        meta.peer_ip = peer_ip;
        meta.local_port = local_port;
        meta.peer_port = peer_port;
        meta.first = first_seq;
    }
    table transmit_streams {
        key = { meta.connection : exact; }
        actions = { transmit_as; NoAction; }
        default_action = NoAction();
        size = N_CONNECTIONS;
    }

    apply {
        if (hdr.tcp.isValid()) {
            segments.apply();
        } else if (hdr.reth.isValid()) {
            named_by_write();
        } else if (hdr.command.isValid()) {
            named_by_control();
        } else if (hdr.timer.isValid()) {
            named_by_generator();
        }
        connections.apply();
        if (hdr.tcp.isValid()) {
            receive_buffers.apply();
        } else {
            transmit_streams.apply();
        }
    }
}
