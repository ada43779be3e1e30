// One table on two of three branches, another on the third, both on one register.
#include "frame.p4"

INGRESS {
    Register<bit<8>, bit<8>>(4) cells;
    RegisterAction<bit<8>, bit<8>, bit<8>>(cells) step = {
        void apply(inout bit<8> value, out bit<8> result) {
            value = value + 1;
            result = value;
        }
    };
    RegisterAction<bit<8>, bit<8>, bit<8>>(cells) look = {
        void apply(inout bit<8> value, out bit<8> result) {
            result = value;
        }
    };
    action do_step() {
        hdr.fields.b = step.execute(1);
    }
    action do_look() {
        hdr.fields.b = look.execute(1);
    }
    table stepping {
        actions = { do_step; }
        const default_action = do_step();
    }
    table looking {
        actions = { do_look; }
        const default_action = do_look();
    }
    apply {
        ig_tm_md.ucast_egress_port = 2;
        if (hdr.fields.a == 1) {
            stepping.apply();
        } else if (hdr.fields.c == 2) {
            stepping.apply();
        } else {
            looking.apply();
        }
    }
}

MAIN
