// Which entry wins: by position, by priority of either order, by annotation; range and optional keys.
struct meta_t { }
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    action set(bit<8> x) { hdr.data.b = x; }
    // The first that matches.
    table by_position {
        key = { hdr.data.c : ternary; }
        actions = { set; NoAction; }
        const entries = {
            0x1200 &&& 0xff00: set(1);
            0x1234: set(2);
            _: set(3);
        }
    }
    // The largest number; an entry without one comes ten behind the one before it.
    table largest {
        key = { hdr.data.c : ternary; }
        actions = { set; NoAction; }
        largest_priority_wins = true;
        priority_delta = 10;
        entries = {
            priority = 15: 0x1200 &&& 0xff00: set(1);
            0x2234: set(2);
            priority = 10: 0x2234 &&& 0xfff0: set(3);
            priority = 1: _: set(4);
        }
    }
    // The smallest number.
    table smallest {
        key = { hdr.data.c : ternary; }
        actions = { set; NoAction; }
        largest_priority_wins = false;
        entries = {
            priority = 10: 0x1200 &&& 0xff00: set(1);
            priority = 5: 0x1234: set(2);
            0x1235: set(3);
        }
    }
    table annotated {
        key = { hdr.data.c : ternary; }
        actions = { set; NoAction; }
        const entries = {
            0x1200 &&& 0xff00: set(1) @priority(3);
            0x1234: set(2);
            0x1234 &&& 0xfff0: set(3) @priority(1);
        }
    }
    table ranges {
        key = {
            hdr.data.c : range;
            hdr.data.d : optional;
        }
        actions = { set; NoAction; }
        const entries = {
            (0x100 .. 0x1ff, 7): set(1);
            (0x180 .. 0x280, _): set(2);
            (_, 9): set(3);
        }
    }
    apply {
        switch (hdr.data.a) {
            1: { by_position.apply(); }
            2: { largest.apply(); }
            3: { smallest.apply(); }
            4: { annotated.apply(); }
            5: { ranges.apply(); }
        }
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
