// A polynomial whose width is no power of two: CRC-10 over nine bytes.
#include "frame.p4"

INGRESS {
    CRCPolynomial<bit<10>>(0x233, false, false, false, 0, 0) atm;
    Hash<bit<10>>(HashAlgorithm_t.CUSTOM, atm) crc10;

    apply {
        ig_tm_md.ucast_egress_port = 2;
        bit<10> hash = crc10.get({ hdr.ethernet.dst_addr, hdr.ethernet.src_addr[47:24] });
        hdr.fields.c = (bit<16>)hash;
    }
}

MAIN
