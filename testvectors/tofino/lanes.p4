// The smallest and largest lane of a word of memory: of elements that are lanes, with masks that are
// constants and fields, with a change of the lane that is found, and of an element that is a word.
#define SECOND_GENERATION
#include "frame.p4"

INGRESS {
    Register<bit<16>, bit<8>>(16) numbers;
    RegisterAction<bit<16>, bit<8>, bit<16>>(numbers) put = {
        void apply(inout bit<16> value) {
            value = hdr.fields.c;
        }
    };
    MinMaxAction2<bit<16>, bit<8>, bit<16>, bit<8>>(numbers) largest = {
        void apply(inout bit<128> value, out bit<16> number, out bit<8> index) {
            index = 0;
            number = this.max16(value, 0x7f, index[2:0]);
        }
    };
    MinMaxAction2<bit<16>, bit<8>, bit<16>, bit<8>>(numbers) smallest = {
        void apply(inout bit<128> value, out bit<16> number, out bit<8> index) {
            bit<3> lane;
            number = this.min16(value, hdr.fields.b, lane);
            index = (bit<8>)lane;
        }
    };
    MinMaxAction2<bit<16>, bit<8>, bit<16>, bit<8>>(numbers) take = {
        void apply(inout bit<128> value, out bit<16> number, out bit<8> index) {
            index = 0;
            number = this.max16(value, 0xff, index[2:0], -8);
        }
    };
    Register<bit<128>, bit<8>>(4) words;
    RegisterAction<bit<128>, bit<8>, bit<16>>(words) put_word = {
        void apply(inout bit<128> value) {
            value = (bit<128>)hdr.fields.c;
        }
    };
    RegisterAction<bit<128>, bit<8>, bit<16>>(words) largest_byte = {
        void apply(inout bit<128> value, out bit<16> number) {
            number = 0;
            if (hdr.fields.b == 1) {
                number = (bit<16>)this.max8(value, 0xffff);
            }
        }
    };
    apply {
        ig_tm_md.ucast_egress_port = 2;
        if (hdr.fields.a == 0) {
            put.execute(hdr.fields.b);
        } else if (hdr.fields.a == 1) {
            hdr.fields.c = largest.execute(hdr.fields.b, hdr.fields.b);
        } else if (hdr.fields.a == 2) {
            hdr.fields.c = smallest.execute(0, hdr.fields.b);
        } else if (hdr.fields.a == 3) {
            hdr.fields.c = take.execute(0, hdr.fields.b);
        } else if (hdr.fields.a == 4) {
            put_word.execute(3);
        } else {
            hdr.fields.c = largest_byte.execute(3);
        }
    }
}

MAIN
