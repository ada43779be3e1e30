// What congestion control reads: of each connection, bytes acknowledged, how many of them under an
// echo of congestion, and fast retransmits.

control Statistics(inout egress_headers_t hdr, inout egress_metadata_t meta) {
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
    }
}
