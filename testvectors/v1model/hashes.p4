// Each algorithm over nine bytes, the check string of the CRC catalogue; then base, maximum and padding.
struct meta_t {
    bit<64> h;
    bit<16> h16;
    bit<4>  h4;
}
#include "frame.p4"

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    apply {
        bit<72> data = 0x313233343536373839;
        const bit<64> all = 0xffffffffffffffff;
        switch (hdr.data.a) {
            1: { hash(meta.h, HashAlgorithm.crc32, 64w0, { data }, all); }
            2: { hash(meta.h, HashAlgorithm.crc32_custom, 64w0, { data }, all); }
            3: { hash(meta.h, HashAlgorithm.crc16, 64w0, { data }, all); }
            4: { hash(meta.h, HashAlgorithm.crc16_custom, 64w0, { data }, all); }
            5: { hash(meta.h, HashAlgorithm.csum16, 64w0, { data }, all); }
            6: { hash(meta.h, HashAlgorithm.xor16, 64w0, { data }, all); }
            // The first eight bytes of more than that.
            7: { hash(meta.h, HashAlgorithm.identity, 64w0, { data }, all); }
            // Split data are one string of bits.
            8: { hash(meta.h, HashAlgorithm.crc32, 64w0, { data[71:65], data[64:20], data[19:0] }, all); }
            // Zero bits behind fill the last byte: 0xf0.
            9: { hash(meta.h, HashAlgorithm.identity, 64w0, { 4w15 }, all); }
            // Base and maximum of other widths: 5 + 0xbb3d modulo 10.
            10: { hash(meta.h, HashAlgorithm.crc16, 8w5, { data }, 16w10); }
            // A maximum of zero leaves the base.
            11: { hash(meta.h, HashAlgorithm.crc16, 16w77, { data }, 16w0); }
            // A narrow result keeps the lowest bits.
            12: {
                hash(meta.h4, HashAlgorithm.crc16, 16w0, { data }, 32w0x10000);
                meta.h = (bit<64>)meta.h4;
            }
            // A struct or header as the data.
            13: { hash(meta.h, HashAlgorithm.identity, 64w0, hdr.data, all); }
            default: { meta.h = 0; }
        }
        hdr.data.c = meta.h[47:32];
        hdr.data.d = meta.h[31:0];
        hdr.data.b = meta.h[63:56];
    }
}

V1Switch(ParseData(), NoVerify(), MyIngress(), NoEgress(), NoCompute(), EmitData()) main;
