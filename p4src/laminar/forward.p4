// Block 5: where to.
//
// A segment that we send goes the way to its peer: longest prefix, next hop. A packet for us that is
// no work of ours goes to the control plane. Everything else leaves as it came, by its MAC address, or
// where that is not known by its IPv4 destination.

control Forward(inout ingress_headers_t hdr, inout ingress_metadata_t meta,
                inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    // ---- to a peer ----

    action via(bit<16> next_hop) {
        meta.next_hop = next_hop;
    }
    table routes {
        key = { meta.peer_ip : lpm; }
        actions = { via; NoAction; }
        default_action = NoAction();
        size = 1024;
    }

    // A segment leaves there; a SYNC only keeps it for its window update.
    action reach(bit<48> dst_mac, bit<48> src_mac, PortId_t port) {
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ethernet.src_addr = src_mac;
        ig_tm_md.ucast_egress_port = port;
    }
    table next_hops {
        key = { meta.next_hop : exact; }
        actions = { reach; NoAction; }
        default_action = NoAction();
        size = 1024;
    }
    action reply_over(bit<48> dst_mac, bit<48> src_mac, bit<8> session) {
        hdr.reply.dst_mac = dst_mac;
        hdr.reply.src_mac = src_mac;
        hdr.transport.session = session;
    }
    table reply_hops {
        key = { meta.next_hop : exact; }
        actions = { reply_over; NoAction; }
        default_action = NoAction();
        size = 1024;
    }

    // ---- everything else ----

    action forward(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
    }
    action flood(MulticastGroupId_t group) {
        ig_tm_md.mcast_grp_a = group;
    }
    action to_control() {
        ig_tm_md.ucast_egress_port = CONTROL_PORT;
    }
    action drop() {
        ig_dprsr_md.drop_ctl = 1;
    }
    table bridge {
        key = { hdr.ethernet.dst_addr : exact; }
        actions = { forward; flood; to_control; drop; NoAction; }
        default_action = NoAction();
        size = 4096;
    }
    // What the bridge does not know, by its IPv4 destination. It leaves as it came.
    table plain_routes {
        key = { hdr.ipv4.dst_addr : lpm; }
        actions = { forward; to_control; drop; }
        default_action = drop();
        size = 1024;
    }

    action plain() {
        hdr.plain.setValid();
        hdr.plain.kind = KIND_PLAIN;
    }

    apply {
        if (meta.kind == KIND_PLAIN) {
            plain();
            if (meta.is_local == 1) {
                to_control();
            } else if (!bridge.apply().hit) {
                if (hdr.ipv4.isValid()) {
                    plain_routes.apply();
                } else {
                    drop();
                }
            }
        } else if (meta.kind == KIND_RESET) {
            // It only has to pass the egress.
            to_control();
        } else {
            routes.apply();
            if (meta.kind == KIND_TRANSMIT) {
                next_hops.apply();
            } else if (meta.kind == KIND_SYNC) {
                reply_hops.apply();
            }
        }
    }
}
