// A v1model program with a bit of everything, for tests that break it.
#include <core.p4>
#define V1MODEL_VERSION 20200408
#include <v1model.p4>
typedef bit<48> mac_t;
enum bit<8> FieldLists { none = 0, keep = 1, other = 2 }
header h_t { bit<8> a; bit<8> b; bit<16> c; }
header v_t { bit<8> len; varbit<64> opts; }
struct headers { h_t h; v_t v; h_t[2] stack; }
type bit<9> Port_t;
struct in_t { bit<8> p; bit<4> q; bit<4> r; }
struct meta_t { @field_list(FieldLists.keep) bit<8> x; @field_list(FieldLists.keep, FieldLists.other) in_t y; bool f; Port_t port; error e; varbit<16> vb; }
struct digest_t { bit<8> a; in_t y; bool f; Port_t port; }
parser P(packet_in pkt, out headers hdr, inout meta_t meta, inout standard_metadata_t sm) {
    state start { pkt.extract(hdr.h); log_msg("parsed {}", {hdr.h.a}); assert(hdr.h.isValid()); transition select(hdr.h.a) { 1: v; 2: s; default: accept; } }
    state v { pkt.extract(hdr.v, 16); transition accept; }
    state s { pkt.extract(hdr.stack.next); pkt.extract(hdr.stack.next); transition accept; }
}
control V(inout headers hdr, inout meta_t meta) { apply {
  verify_checksum(true, { hdr.h.a, 8w0 }, hdr.h.c, HashAlgorithm.csum16);
  verify_checksum<tuple<bit<8>, bit<8>>, bit<16>>(hdr.h.a == 8, { hdr.h.a, hdr.h.b }, hdr.h.c, HashAlgorithm.crc16);
} }
control Sub(inout headers hdr, inout meta_t meta, inout standard_metadata_t std) {
    register<bit<8>, bit<32>>(4) reg;
    action drop() { mark_to_drop(std); }
    table t { key = { hdr.h.a : exact @name("a"); hdr.h.b : optional; std.ingress_port : range; meta.port : ternary; } actions = { drop; NoAction; } default_action = NoAction; support_timeout = true; size = 10; }
    apply { t.apply(); bit<8> v; reg.read(v, 0); reg.write(0, v + 1);
       clone_preserving_field_list(CloneType.I2E, 1, FieldLists.keep);
    }
}
control I(inout headers hdr, inout meta_t meta, inout standard_metadata_t standard_metadata) {
    Sub() sub1; Sub() sub2;
    counter<bit<4>>(16, CounterType.bytes) c;
    direct_counter(CounterType.packets) dc;
    direct_meter<bit<8>>(MeterType.bytes) dm;
    action_selector(HashAlgorithm.crc16, 32w1024, 32w14) sel;
    action a(in bit<8> v, bit<8> w) { hdr.h.b = v + w; dc.count(); }
    action fwd(Port_t p) { standard_metadata.egress_spec = (bit<9>)p; }
    action m() { dm.read(meta.x); }
    table t1 { key = { hdr.h.c : lpm; } actions = { a(meta.x); NoAction; } counters = dc; default_action = NoAction(); const entries = { 0x1200 &&& 0xff00 : a(meta.x, 5); } }
    table t2 { key = { hdr.h.a : exact; hdr.h.b : selector; hdr.h.c : selector; } actions = { fwd; NoAction; } implementation = sel; size = 1024; }
    table t3 { key = { hdr.h.a : exact; } actions = { m; } meters = dm; }
    table t4 { key = { hdr.h.a : exact; hdr.h.b : selector; } actions = { fwd; } implementation = action_selector(HashAlgorithm.identity, 32w10, 32w4); }
    table t5 { key = { hdr.h.a : exact; } actions = { fwd; } implementation = action_profile(32w10); }
    apply {
        sub1.apply(hdr, meta, standard_metadata);
        sub2.apply(hdr, meta, standard_metadata);
        if (t1.apply().hit) { c.count(3); }
        switch (t2.apply().action_run) { fwd: { digest<digest_t>(1, { hdr.h.a, meta.y, meta.f, meta.port }); } default: { digest(1, hdr.h); } }
        t3.apply(); t4.apply(); t5.apply();
        meta.e = standard_metadata.parser_error;
        hash(meta.x, HashAlgorithm.crc32, 8w1, { hdr.h, hdr.v.opts, hdr.stack[1].a, true, meta.y }, 8w100);
        hash(meta.y.q, HashAlgorithm.random, (bit<4>)0, { hdr.h.a }, 4w15);
        random(meta.y.r, 0, 15);
        bit<4> idx;
        random<bit<4>>(idx, 4w1, 4w2);
        hash(hdr.stack[idx].b, HashAlgorithm.xor16, 8w0, { hdr.h.c }, 8w255);
        log_msg("x {} {}", { meta.x, hdr.h.isValid() });
        log_msg("hdr {}", { hdr.h });
        truncate((bit<32>)64);
        assume(meta.y.q < 15);
        if (meta.f) { resubmit_preserving_field_list((bit<8>)FieldLists.other); }
    }
}
control E(inout headers hdr, inout meta_t meta, inout standard_metadata_t sm) { apply { if (sm.instance_type == 1) { return; } recirculate_preserving_field_list(FieldLists.none); } }
control C(inout headers hdr, inout meta_t meta) { apply { update_checksum(hdr.h.isValid(), { hdr.h.a, hdr.v.opts }, hdr.h.c, HashAlgorithm.csum16); update_checksum_with_payload(hdr.v.isValid(), hdr.h, hdr.v.len, HashAlgorithm.crc32); } }
control D(packet_out pkt, in headers hdr) { apply { pkt.emit(hdr); } }
V1Switch(P(), V(), I(), E(), C(), D()) main;
