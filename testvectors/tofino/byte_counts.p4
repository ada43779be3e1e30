// Counters and meters that count fewer bytes than the packet has.
#include "frame.p4"

INGRESS {
    Counter<bit<32>, bit<8>>(4, CounterType_t.PACKETS_AND_BYTES) payload;
    DirectCounter<bit<32>>(CounterType_t.BYTES) with_preamble;
    Meter<bit<8>>(4, MeterType_t.BYTES) rate;

    action count_own() {
        with_preamble.count(0xFFFFFFEC);
    }
    table counted {
        key = { hdr.fields.a : exact; }
        actions = { count_own; }
        size = 16;
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        payload.count(1, 14);
        hdr.fields.b = rate.execute(1, MeterColor_t.GREEN, 18);
        counted.apply();
    }
}

MAIN
