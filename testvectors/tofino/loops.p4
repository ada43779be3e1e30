// Every way back into a pipe, with registers on each: a packet says in its first byte what happens to it.
//
// bit 0: it is resubmitted, once. bit 1: the egress mirrors it, once; the copy passes the egress again.
// bit 2: it is recirculated, once. bit 3: the ingress mirrors it as it came. bit 4: the egress drops it.
// The ingress counts packets by `index` in `seen` and puts the count into the packet; the egress counts in
// `sent`. `routes` is too large for one stage.

#include <core.p4>
#include <t2na.p4>

const PortId_t RECIRCULATION = 6;
const MirrorType_t MIRROR_INGRESS = 1;
const MirrorType_t MIRROR_EGRESS = 2;
const ResubmitType_t RESUBMIT_ONCE = 1;

header orders_t {
    bit<8>  what;
    bit<8>  index;
    bit<16> to;
    bit<32> key;
    bit<32> seen;
    bit<32> sent;
    bit<16> noise;
    bit<16> depth;
}

header mark_t {
    bit<8> mark;
}

struct headers_t {
    mark_t   mark;
    orders_t orders;
}

struct metadata_t {
    bit<8>     again;
    bit<8>     mark;
    MirrorId_t session;
}

parser IngressParser(packet_in pkt, out headers_t hdr, out metadata_t meta,
                     out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        pkt.extract(ig_intr_md);
        meta.again = (bit<8>)ig_intr_md.resubmit_flag;
        pkt.advance(PORT_METADATA_SIZE);
        transition select(ig_intr_md.ingress_port) {
            RECIRCULATION : returned;
            default       : orders;
        }
    }
    state returned {
        meta.again = 1;
        transition orders;
    }
    state orders {
        pkt.extract(hdr.orders);
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout metadata_t meta,
                in ingress_intrinsic_metadata_t ig_intr_md,
                in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Register<bit<32>, bit<8>>(256, 0) seen;
    RegisterAction<bit<32>, bit<8>, bit<32>>(seen) see = {
        void apply(inout bit<32> value, out bit<32> count) {
            value = value + 1;
            count = value;
        }
    };
    Random<bit<16>>() random;

    action send(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
    }
    action send_as_told() {
        ig_tm_md.ucast_egress_port = (PortId_t)hdr.orders.to;
    }
    table routes {
        key = { hdr.orders.key : exact; }
        actions = { send; send_as_told; }
        default_action = send_as_told();
        size = 400000;
    }
    apply {
        hdr.orders.seen = see.execute(hdr.orders.index);
        hdr.orders.noise = random.get();
        routes.apply();
        if (meta.again == 0 && hdr.orders.what[2:2] == 1) {
            ig_tm_md.ucast_egress_port = RECIRCULATION;
        }
        if (meta.again == 0 && hdr.orders.what[0:0] == 1) {
            ig_dprsr_md.resubmit_type = RESUBMIT_ONCE;
        }
        if (hdr.orders.what[3:3] == 1) {
            ig_dprsr_md.mirror_type = MIRROR_INGRESS;
            meta.session = 7;
            meta.mark = 1;
        }
    }
}

control IngressDeparser(packet_out pkt, inout headers_t hdr, in metadata_t meta,
                        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    Mirror(MIRROR_INGRESS) mirror;
    Resubmit(RESUBMIT_ONCE) resubmit;
    apply {
        if (ig_dprsr_md.mirror_type == MIRROR_INGRESS) {
            mirror.emit<mark_t>(meta.session, {meta.mark});
        }
        if (ig_dprsr_md.resubmit_type == RESUBMIT_ONCE) {
            resubmit.emit();
        }
        pkt.emit(hdr);
    }
}

parser EgressParser(packet_in pkt, out headers_t hdr, out metadata_t meta,
                    out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        pkt.extract(eg_intr_md);
        // Copies go to ports 40 and 41, and nothing else does.
        transition select(eg_intr_md.egress_port) {
            40      : copy;
            41      : copy;
            default : orders;
        }
    }
    state copy {
        pkt.extract(hdr.mark);
        transition orders;
    }
    state orders {
        pkt.extract(hdr.orders);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout metadata_t meta,
               in egress_intrinsic_metadata_t eg_intr_md,
               in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
               inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
               inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Register<bit<32>, bit<8>>(256, 0) sent;
    RegisterAction<bit<32>, bit<8>, bit<32>>(sent) count = {
        void apply(inout bit<32> value, out bit<32> before) {
            before = value;
            value = value + 1;
        }
    };
    Register<bit<32>, bit<8>>(256, 0) last;
    RegisterAction<bit<32>, bit<8>, bit<32>>(last) exchange = {
        void apply(inout bit<32> value, out bit<32> before) {
            before = value;
            value = hdr.orders.seen;
        }
    };
    apply {
        hdr.orders.sent = count.execute(hdr.orders.index);
        hdr.orders.depth = (bit<16>)eg_intr_md.deq_qdepth;
        if (hdr.mark.isValid()) {
            hdr.orders.seen = exchange.execute(hdr.orders.index);
        } else {
            if (hdr.orders.what[1:1] == 1) {
                eg_dprsr_md.mirror_type = MIRROR_EGRESS;
                meta.session = 8;
                meta.mark = 2;
            }
            if (hdr.orders.what[4:4] == 1) {
                eg_dprsr_md.drop_ctl = 1;
            }
        }
    }
}

control EgressDeparser(packet_out pkt, inout headers_t hdr, in metadata_t meta,
                       in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Mirror(MIRROR_EGRESS) mirror;
    apply {
        if (eg_dprsr_md.mirror_type == MIRROR_EGRESS) {
            mirror.emit<mark_t>(meta.session, {meta.mark});
        }
        pkt.emit(hdr);
    }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
         EgressParser(), Egress(), EgressDeparser()) pipe;

Switch(pipe) main;
