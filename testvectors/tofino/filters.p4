// Averages and early drop, by index and by entry.
#include "frame.p4"

INGRESS {
    Lpf<bit<8>, bit<8>>(4) average;
    DirectLpf<bit<8>>() own_average;
    Wred<bit<8>, bit<8>>(4, 0xDD, 0x0F) drops;
    DirectWred<bit<8>>(0xDD, 0x0F) own_drops;

    action take_average(bit<8> index) {
        hdr.fields.b = average.execute(hdr.fields.a, index);
    }
    action take_own_average() {
        hdr.fields.b = own_average.execute(hdr.fields.a);
    }
    action ask(bit<8> index) {
        hdr.fields.b = drops.execute(hdr.fields.a, index);
    }
    action ask_own() {
        hdr.fields.b = own_drops.execute(hdr.fields.a);
    }
    table averages {
        key = { hdr.fields.c : exact; }
        actions = { take_average; }
        filters = average;
        size = 16;
    }
    table own_averages {
        key = { hdr.fields.c : exact; }
        actions = { take_own_average; }
        filters = own_average;
        size = 16;
    }
    table asked {
        key = { hdr.fields.c : exact; }
        actions = { ask; }
        filters = drops;
        size = 16;
    }
    table own_asked {
        key = { hdr.fields.c : exact; }
        actions = { ask_own; }
        filters = own_drops;
        size = 16;
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        if (hdr.ethernet.ether_type == 1) {
            averages.apply();
        } else if (hdr.ethernet.ether_type == 2) {
            own_averages.apply();
        } else if (hdr.ethernet.ether_type == 3) {
            asked.apply();
        } else {
            own_asked.apply();
        }
    }
}

MAIN
