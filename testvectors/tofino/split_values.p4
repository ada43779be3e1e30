// Equality of 64 bits where halves have 32: two comparators and two operands.
#define MORE_FIELDS bit<64> w;
#include "frame.p4"

INGRESS {
    Register<bit<64>, bit<8>>(4) last;
    RegisterAction<bit<64>, bit<8>, bit<8>>(last) is_last = {
        void apply(inout bit<64> value, out bit<8> result) {
            result = 0;
            if (value == hdr.fields.w) {
                result = 1;
            }
            value = hdr.fields.w;
        }
    };
    apply {
        ig_tm_md.ucast_egress_port = 2;
        hdr.fields.b = is_last.execute(1);
    }
}

MAIN
