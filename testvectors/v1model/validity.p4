// A header that becomes valid has zeros, whatever was written to it before; one that is valid already
// keeps what it has, and so does one that only becomes invalid.
struct meta_t { }
#include "frame.p4"

header note_t {
    bit<8> x;
    bit<8> y;
}

struct notes_t {
    data_t    data;
    note_t[2] notes;
}

parser ParseNotes(packet_in pkt, out notes_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    state start {
        pkt.extract(hdr.data);
        transition select(hdr.data.a) {
            2 .. 4: note;
            default: accept;
        }
    }
    state note {
        pkt.extract(hdr.notes.next);
        transition accept;
    }
}

control CheckNotes(inout notes_t hdr, inout meta_t meta) {
    apply { }
}

control MyIngress(inout notes_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        if (hdr.data.a == 1) {
            // Written while it was invalid.
            hdr.notes[0].x = 0x77;
            hdr.notes[0].setValid();
            hdr.notes[0].y = 0x55;
        } else if (hdr.data.a == 2) {
            // It had other values.
            hdr.notes[0].setInvalid();
            hdr.data.b = hdr.notes[0].isValid() ? 8w1 : 8w2;
            hdr.notes[0].setValid();
        } else if (hdr.data.a == 3) {
            hdr.notes[0].setValid();
        } else if (hdr.data.a == 4) {
            hdr.notes.push_front(1);
            hdr.notes[0].setValid();
            hdr.notes[0].x = 0x11;
        } else {
            bit<1> which = hdr.data.b[0:0];
            hdr.notes[which].setValid();
            hdr.notes[which].y = 0x22;
        }
    }
}

control LeaveNotes(inout notes_t hdr, inout meta_t meta,
               inout standard_metadata_t standard_metadata) {
    apply { }
}

control SumNotes(inout notes_t hdr, inout meta_t meta) {
    apply { }
}

control EmitNotes(packet_out pkt, in notes_t hdr) {
    apply {
        pkt.emit(hdr.data);
        pkt.emit(hdr.notes);
    }
}

V1Switch(ParseNotes(), CheckNotes(), MyIngress(), LeaveNotes(), SumNotes(), EmitNotes()) main;
