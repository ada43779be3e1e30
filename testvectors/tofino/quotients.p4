// Quotient and remainder of memory by a field, beside a sum that memory takes.
#define SECOND_GENERATION
#include "frame.p4"

INGRESS {
    Register<bit<16>, bit<8>>(4) total;
    RegisterAction2<bit<16>, bit<8>, bit<16>, bit<8>>(total) divide = {
        void apply(inout bit<16> value, out bit<16> quotient, out bit<8> remainder) {
            quotient = value / (bit<16>)hdr.fields.a;
            remainder = (bit<8>)(value % (bit<16>)hdr.fields.a);
            value = value + hdr.fields.c;
        }
    };
    apply {
        ig_tm_md.ucast_egress_port = 2;
        hdr.fields.c = divide.execute(1, hdr.fields.b);
    }
}

MAIN
