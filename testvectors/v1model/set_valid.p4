// A header that becomes valid has zeros for fields, whatever was in them; one that is valid keeps them. What
// a push or pop makes room for is as new.
struct meta_t { }
#include "frame.p4"

header tag_t {
    bit<8> kind;
    bit<8> value;
}

struct tagged_t {
    data_t   data;
    tag_t[3] tags;
    tag_t    extra;
}

parser ParseTags(packet_in pkt, out tagged_t hdr, inout meta_t meta,
                 inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.data);
        transition select(hdr.data.b) {
            0: accept;
            default: tag;
        }
    }
    state tag {
        pkt.extract(hdr.tags.next);
        transition select(hdr.tags.last.kind) {
            0: accept;
            default: tag;
        }
    }
}

control Nothing(inout tagged_t hdr, inout meta_t meta) {
    apply { }
}

control MyIngress(inout tagged_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        switch (hdr.data.a) {
            1: {
                hdr.extra.setValid();
                hdr.extra.value = 7;
                hdr.extra.setInvalid();
                hdr.extra.setValid();
            }
            2: {
                hdr.extra.setValid();
                hdr.extra.value = 7;
                hdr.extra.setValid();
            }
            3: {
                hdr.tags.push_front(1);
                hdr.tags[0].setValid();
            }
            4: {
                hdr.tags.pop_front(1);
                hdr.tags[hdr.data.c[1:0]].setValid();
            }
            default: { }
        }
    }
}

control Same(inout tagged_t hdr, inout meta_t meta,
             inout standard_metadata_t standard_metadata) {
    apply { }
}

control Emit(packet_out pkt, in tagged_t hdr) {
    apply {
        pkt.emit(hdr);
    }
}

V1Switch(ParseTags(), Nothing(), MyIngress(), Same(), Nothing(), Emit()) main;
