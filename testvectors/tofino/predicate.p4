// The case of the comparators as one bit: the first answer is bit 0 of its number.
#include "frame.p4"

struct bounds_t {
    bit<8> lo;
    bit<8> hi;
}

INGRESS {
    Register<bounds_t, bit<8>>(4, {20, 40}) bounds;
    RegisterAction<bounds_t, bit<8>, bit<8>>(bounds) compare = {
        void apply(inout bounds_t value, out bit<8> result) {
            bool is_below = value.lo > hdr.fields.a;
            result = this.predicate(is_below, value.hi < hdr.fields.a);
            if (is_below) {
                value.lo = hdr.fields.a;
            }
        }
    };
    apply {
        ig_tm_md.ucast_egress_port = 2;
        hdr.fields.b = compare.execute(1);
    }
}

MAIN
