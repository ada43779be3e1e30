// Reads what the ingress has prepared, or what the egress put in front of a copy.

parser LaminarEgressParser(packet_in pkt,
                           out egress_headers_t hdr,
                           out egress_metadata_t meta,
                           out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        pkt.extract(eg_intr_md);
        transition select(pkt.lookahead<kind_t>()) {
            KIND_RECEIVE  : parse_write;
            KIND_SYNC     : parse_write;
            KIND_TRANSMIT : parse_segment;
            KIND_RESET    : parse_reset;
            KIND_COPY     : parse_copy;
            default       : parse_plain;
        }
    }

    state parse_plain {
        pkt.extract(hdr.plain);
        transition accept;
    }

    state parse_write {
        pkt.extract(hdr.transport);
        pkt.extract(hdr.request);
        pkt.extract(hdr.reply);
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.ipv4);
        pkt.extract(hdr.udp);
        pkt.extract(hdr.bth);
        pkt.extract(hdr.reth);
        transition accept;
    }

    state parse_segment {
        pkt.extract(hdr.transport);
        pkt.extract(hdr.request);
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.ipv4);
        pkt.extract(hdr.tcp);
        transition accept;
    }

    state parse_reset {
        pkt.extract(hdr.transport);
        pkt.extract(hdr.request);
        transition accept;
    }

    // What follows is the packet that caused the copy, as far as the session did not cut it.
    state parse_copy {
        pkt.extract(hdr.transport);
        pkt.extract(hdr.reply);
        transition select(eg_intr_md.egress_port) {
            CONTROL_PORT : parse_notice;
            default      : accept;
        }
    }

    state parse_notice {
        meta.is_notice = 1;
        transition accept;
    }
}
