// Arguments that overlap: values are those of the call, whatever is written to where they came from.
#include "frame.p4"

control Exchange(in bit<8> x, in bit<8> y, out bit<8> x_out, out bit<8> y_out) {
    apply {
        x_out = y;
        y_out = x;
    }
}

// `before` is looked at when the field that it came from is another one.
control Compare(in bit<16> before, inout fields_t fields) {
    apply {
        fields.c = fields.c + 1;
        if (before == 0x1000) {
            fields.b = fields.b + 6;
        }
    }
}

// What comes in is what goes out, but for one field.
control Count(in bit<8> step, inout fields_t fields) {
    table steps {
        key = { fields.a : exact; }
        actions = { NoAction; }
    }
    apply {
        if (steps.apply().miss) {
            fields.a = fields.a + step;
        }
    }
}

INGRESS {
    Exchange() exchange;
    Compare() compare;
    Count() count;
    apply {
        ig_tm_md.ucast_egress_port = 2;
        exchange.apply(hdr.fields.a, hdr.fields.b, hdr.fields.a, hdr.fields.b);
        compare.apply(hdr.fields.c, hdr.fields);
        count.apply(hdr.fields.b, hdr.fields);
    }
}

MAIN
