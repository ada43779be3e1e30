// Reads what the workflows know: TCP over IPv4 without options of IP, RoCEv2 writes, packets of the
// control plane and of the packet generator. Everything else is forwarded by its Ethernet header.

parser LaminarIngressParser(packet_in pkt,
                            out ingress_headers_t hdr,
                            out ingress_metadata_t meta,
                            out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        pkt.extract(ig_intr_md);
        pkt.advance(PORT_METADATA_SIZE);
        transition select(ig_intr_md.ingress_port) {
            GENERATOR_PORT : parse_timer;
            default        : parse_ethernet;
        }
    }

    // What follows the generator's header does not matter.
    state parse_timer {
        pkt.extract(hdr.timer);
        transition accept;
    }

    state parse_ethernet {
        pkt.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4    : parse_ipv4;
            ETHERTYPE_CONTROL : parse_control;
            default           : accept;
        }
    }

    state parse_control {
        pkt.extract(hdr.command);
        transition accept;
    }

    // Options and fragments (more to come, or not the first) are left to the control plane.
    state parse_ipv4 {
        // The total length, in 32 bits: the ALUs do not widen.
        meta.len = pkt.lookahead<bit<32>>();
        pkt.extract(hdr.ipv4);
        transition select(hdr.ipv4.version_ihl, hdr.ipv4.flags_offset, hdr.ipv4.protocol) {
            (0x45, 0x0000 &&& 0x3FFF, PROTOCOL_TCP) : parse_tcp;
            (0x45, 0x0000 &&& 0x3FFF, PROTOCOL_UDP) : parse_udp;
            default                                 : accept;
        }
    }

#ifdef LAMINAR_TIMESTAMPS
    state parse_tcp {
        pkt.extract(hdr.tcp);
        transition select(hdr.tcp.data_offset) {
            5       : parse_plain_tcp;
            8       : parse_options;
            default : accept;
        }
    }

    state parse_plain_tcp {
        meta.is_understood = 1;
        transition accept;
    }

    state parse_options {
        transition select(pkt.lookahead<bit<32>>()) {
            0x0101080A : parse_times;
            default    : accept;
        }
    }

    state parse_times {
        meta.is_understood = 1;
        pkt.extract(hdr.times);
        transition accept;
    }
#else
    state parse_tcp {
        pkt.extract(hdr.tcp);
        transition accept;
    }
#endif

    state parse_udp {
        pkt.extract(hdr.udp);
        transition select(hdr.udp.dst_port) {
            ROCE_PORT : parse_bth;
            default   : accept;
        }
    }

    state parse_bth {
        pkt.extract(hdr.bth);
        transition select(hdr.bth.opcode) {
            UC_WRITE_ONLY           : parse_reth;
            UC_WRITE_ONLY_IMMEDIATE : parse_reth_and_immediate;
            default                 : accept;
        }
    }

    state parse_reth {
        pkt.extract(hdr.reth);
        transition accept;
    }

    state parse_reth_and_immediate {
        pkt.extract(hdr.reth);
        pkt.extract(hdr.immediate);
        transition accept;
    }
}
