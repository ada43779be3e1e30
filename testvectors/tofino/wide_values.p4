// Equality of 64 bits: all, those of a mask, and the upper half; the other half of a pair as well. And the low
// word alone, above which the upper one stays.
#define SECOND_GENERATION
#define MORE_FIELDS bit<64> w;
#include "frame.p4"

struct pair_t {
    bit<64> lo;
    bit<64> hi;
}

INGRESS {
    Register<bit<64>, bit<8>>(4) last;
    RegisterAction<bit<64>, bit<8>, bit<8>>(last) is_last = {
        void apply(inout bit<64> value, out bit<8> result) {
            if (value == hdr.fields.w) {
                result = 1;
            } else {
                result = 0;
                value = hdr.fields.w;
            }
        }
    };
    RegisterAction<bit<64>, bit<8>, bit<8>>(last) is_like = {
        void apply(inout bit<64> value, out bit<8> result) {
            result = 0;
            if (value & 0xff00000000000001 == hdr.fields.w & 0xff00000000000001) {
                result = 1;
            }
        }
    };
    RegisterAction<bit<64>, bit<8>, bit<8>>(last) put_low = {
        void apply(inout bit<64> value, out bit<8> result) {
            result = 0;
            value[31:0] = (bit<32>)hdr.fields.c;
        }
    };
    RegisterAction<bit<64>, bit<8>, bit<8>>(last) add_low = {
        void apply(inout bit<64> value, out bit<8> result) {
            result = 0;
            value = value[63:32] ++ (value[31:0] + (bit<32>)hdr.fields.c);
        }
    };
    Register<pair_t, bit<8>>(4) pairs;
    RegisterAction<pair_t, bit<8>, bit<8>>(pairs) move = {
        void apply(inout pair_t value, out bit<8> result) {
            result = 0;
            if (value.hi == hdr.fields.w) {
                result = 1;
            }
            value.lo = value.hi;
            value.hi = hdr.fields.w;
        }
    };
    apply {
        ig_tm_md.ucast_egress_port = 2;
        if (hdr.fields.a == 0) {
            hdr.fields.b = is_last.execute(1);
        } else if (hdr.fields.a == 1) {
            hdr.fields.b = is_like.execute(1);
        } else if (hdr.fields.a == 2) {
            hdr.fields.b = put_low.execute(1);
        } else if (hdr.fields.a == 3) {
            hdr.fields.b = add_low.execute(1);
        } else {
            hdr.fields.b = move.execute(1);
        }
    }
}

MAIN
