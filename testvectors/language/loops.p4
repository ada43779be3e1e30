// `for` over conditions, ranges and lists, with `break`, `continue`, `return` and `exit` (clause 12.8).
struct meta_t { }
#include "../v1model/frame.p4"

bit<8> first_over(in bit<8> limit, in bit<8> most) {
    for (bit<8> i in 0 .. most) {
        for (bit<8> k = 0; k < 4; k += 1) {
            if (i * 4 + k > limit) {
                return i * 4 + k;
            }
        }
    }
    return 0xff;
}

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    bit<32> sum = 0;
    action add(bit<32> x) { sum = sum + x; }
    action stop() { exit; }
    table t {
        key = { sum : exact; }
        actions = { add; stop; }
        const default_action = add(1);
        const entries = {
            2: add(10);
            14: stop();
        }
    }
    action many(in bit<8> n) {
        for (bit<8> i = 0; i < n; i = i + 1) {
            if (i == 5) {
                return;
            }
            hdr.data.c = hdr.data.c + 1;
        }
    }
    apply {
        bit<8> n = hdr.data.b;
        switch (hdr.data.a) {
            1: {
                for (bit<8> i = 0; i < n; i = i + 1) {
                    if (i == 3) { continue; }
                    if (i == 6) { break; }
                    sum = sum + (bit<32>) i;
                }
            }
            // The bounds are what they were before the first turn.
            2: {
                for (bit<8> i in 1 .. n) {
                    n = 2;
                    sum = (sum << 4) | (bit<32>) i;
                }
            }
            3: { for (int<8> i in -2 .. 2) { sum = sum + (bit<32>) (bit<8>) i; } }
            // Up to the largest value there is.
            4: { for (bit<8> i in n .. 255) { sum = sum + 1; } }
            5: {
                bit<8>[3] list = { 1, 2, n };
                for (bit<8> x in list) {
                    list[2] = 9;
                    sum = (sum << 8) | (bit<32>) x;
                }
            }
            6: { for (bit<8> x in (list<bit<8>>) { 3, n, 5 }) { sum = (sum << 8) | (bit<32>) x; } }
            7: { sum = (bit<32>) first_over(n, 5); }
            8: {
                for (bit<8> i = 0, bit<8> k = 10; i < k; i = i + 1, k = k - 2) {
                    sum = sum + (bit<32>) (k - i);
                }
            }
            // Each round is a lookup of its own; an exit ends all.
            9: { for (bit<8> i = 0; i < n; i = i + 1) { t.apply(); hdr.data.d = sum; } }
            10: { many(n); }
            // Inner breaks and continues are the inner loop's.
            11: {
                for (bit<8> i in 1 .. 3) {
                    for (bit<8> k in 1 .. 3) {
                        if (k == i) { break; }
                        if (k == 1) { continue; }
                        sum = sum + 1;
                    }
                    if (i == n) { continue; }
                    sum = sum + 0x10;
                }
            }
        }
        hdr.data.d = sum;
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
