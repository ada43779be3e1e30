//! Programs of one shape, with holes.

/// A program of Tofino 2: a key and another number go to the egress in a header of their own, which counts by them and
/// writes the count into the packet. A packet whose second number is 3 is mirrored, with a key in front.
pub(crate) struct Tofino {
    /// What the ingress does.
    pub(crate) ingress: &'static str,
    /// What the egress does with a packet.
    pub(crate) egress: &'static str,
    /// The key of the mirrored copy.
    pub(crate) mirrored: &'static str,
    /// What the egress has beside its registers.
    pub(crate) declared: &'static str,
}

impl Default for Tofino {
    fn default() -> Self {
        Self {
            ingress: "hdr.bridge.key = hdr.data.a; hdr.bridge.other = hdr.data.b;",
            egress: "count();",
            mirrored: "hdr.bridge.key",
            declared: "",
        }
    }
}

impl Tofino {
    pub(crate) fn text(&self) -> String {
        TOFINO
            .replace("INGRESS_BODY", self.ingress)
            .replace("EGRESS_BODY", self.egress)
            .replace("MIRRORED_KEY", self.mirrored)
            .replace("DECLARED", self.declared)
    }
}

const TOFINO: &str = r"
#include <core.p4>
#include <t2na.p4>

const MirrorType_t COPY = 1;

header ethernet_h { bit<48> dst; bit<48> src; bit<16> kind; }
header data_h { bit<16> a; bit<16> b; bit<32> told; }
header bridge_h { bit<16> key; bit<16> other; }
struct headers_t { bridge_h bridge; ethernet_h ethernet; data_h data; }
struct ingress_t { bit<16> id; bit<16> group; }
struct egress_t { bit<16> index; bit<32> count; MirrorId_t session; bit<32> time; }

parser IngressParser(packet_in pkt, out headers_t hdr, out ingress_t meta,
                     out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        pkt.extract(ig_intr_md);
        pkt.advance(PORT_METADATA_SIZE);
        meta.id = 0;
        meta.group = 0;
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.data);
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout ingress_t meta,
                in ingress_intrinsic_metadata_t ig_intr_md,
                in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
                inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
                inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action named(bit<16> id, bit<16> group) {
        meta.id = id;
        meta.group = group;
    }
    table flows {
        key = { hdr.data.a : exact; }
        actions = { named; NoAction; }
        default_action = NoAction();
        size = 1024;
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        hdr.bridge.setValid();
        hdr.bridge.other = 0;
        INGRESS_BODY
    }
}

control IngressDeparser(packet_out pkt, inout headers_t hdr, in ingress_t meta,
                        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply { pkt.emit(hdr); }
}

parser EgressParser(packet_in pkt, out headers_t hdr, out egress_t meta,
                    out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        pkt.extract(eg_intr_md);
        pkt.extract(hdr.bridge);
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.data);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout egress_t meta,
               in egress_intrinsic_metadata_t eg_intr_md,
               in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
               inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
               inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Register<bit<32>, bit<16>>(1024, 0) seen;
    RegisterAction<bit<32>, bit<16>, bit<32>>(seen) count_one = {
        void apply(inout bit<32> value, out bit<32> count) { value = value + 1; count = value; }
    };
    Register<bit<32>, bit<16>>(1024, 0) seen_other;
    RegisterAction<bit<32>, bit<16>, bit<32>>(seen_other) count_one_other = {
        void apply(inout bit<32> value) { value = value + 1; }
    };
    Register<bit<32>, bit<16>>(1024, 0) at;
    RegisterAction<bit<32>, bit<16>, bit<32>>(at) count_one_at = {
        void apply(inout bit<32> value) { value = value + 1; }
    };
    Register<bit<32>, bit<16>>(1024, 0) times;
    RegisterAction<bit<32>, bit<16>, bit<32>>(times) note_one = {
        void apply(inout bit<32> value) { value = meta.time; }
    };
    Counter<bit<32>, bit<1>>(1, CounterType_t.PACKETS_AND_BYTES) all;
    DECLARED
    action count() {
        meta.count = count_one.execute(hdr.bridge.key);
    }
    action count_other() { count_one_other.execute(hdr.bridge.other); }
    action count_at() { count_one_at.execute(meta.index); }
    action note_time() { note_one.execute(hdr.bridge.key); }
    action mirror() {
        meta.session = 5;
        eg_dprsr_md.mirror_type = COPY;
    }
    apply {
        meta.time = 0;
        all.count(0);
        EGRESS_BODY
        hdr.data.told = meta.count;
        if (eg_intr_md.egress_port == 2 && hdr.data.b == 3) {
            mirror();
        }
        hdr.bridge.setInvalid();
    }
}

control EgressDeparser(packet_out pkt, inout headers_t hdr, in egress_t meta,
                       in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    Mirror(COPY) copy;
    apply {
        if (eg_dprsr_md.mirror_type == COPY) {
            copy.emit<bridge_h>(meta.session, {MIRRORED_KEY, hdr.bridge.other});
        }
        pkt.emit(hdr);
    }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
         EgressParser(), Egress(), EgressDeparser()) pipe;

Switch(pipe) main;
";

/// A program of v1model that counts by an index and writes the count into the packet.
pub(crate) struct V1 {
    /// What makes the index.
    pub(crate) index: &'static str,
    /// What the egress does.
    pub(crate) egress: &'static str,
    /// Whether the ingress counts.
    pub(crate) is_counted: bool,
}

impl Default for V1 {
    fn default() -> Self {
        Self {
            index: "index = (bit<32>)hdr.data.a;",
            egress: "",
            is_counted: true,
        }
    }
}

impl V1 {
    pub(crate) fn text(&self) -> String {
        let counted = "seen.read(count, index); count = count + 1; seen.write(index, count);";
        V1MODEL
            .replace("INDEX", self.index)
            .replace("COUNTED", if self.is_counted { counted } else { "" })
            .replace("EGRESS_BODY", self.egress)
    }
}

const V1MODEL: &str = r"
#include <core.p4>
#include <v1model.p4>

header ethernet_h { bit<48> dst; bit<48> src; bit<16> kind; }
header data_h { bit<16> a; bit<16> b; bit<32> told; }
struct headers_t { ethernet_h ethernet; data_h data; }
struct meta_t { bit<8> unused; }

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta,
                inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.ethernet);
        pkt.extract(hdr.data);
        transition accept;
    }
}
control NoVerify(inout headers_t hdr, inout meta_t meta) { apply { } }
control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    register<bit<32>>(1024) seen;
    counter(64, CounterType.packets) ports;
    apply {
        bit<32> index = 0;
        bit<32> count = 0;
        ports.count((bit<32>)standard_metadata.ingress_port);
        INDEX
        COUNTED
        hdr.data.told = count;
        standard_metadata.egress_spec = 2;
        if (hdr.data.b == 7) { mark_to_drop(standard_metadata); }
    }
}
control MyEgress(inout headers_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    register<bit<32>>(1024) at;
    apply {
        bit<32> count = 0;
        EGRESS_BODY
    }
}
control NoCompute(inout headers_t hdr, inout meta_t meta) { apply { } }
control MyDeparser(packet_out pkt, in headers_t hdr) {
    apply { pkt.emit(hdr.ethernet); pkt.emit(hdr.data); }
}
V1Switch(MyParser(), NoVerify(), MyIngress(), MyEgress(), NoCompute(), MyDeparser()) main;
";
