// Generic types, functions, parsers, controls, their types and the package, with arguments that are written and that
// are inferred; overloads by the names of parameters (clauses 7.2.9 to 7.2.12, 8.20 and 10); what is known
// when the program is compiled; annotations of both kinds, which change nothing (clause 18).
match_kind {
    nearest
}

header tagged_t<T> {
    bit<8> tag;
    T      value;
}

header number_t {
    bit<16> n;
}

header_union any_t<A, B> {
    A first;
    B second;
}

struct boxed_t<T> {
    T      content;
    bit<8> more;
}

struct pair_t<A, B> {
    A a;
    B b;
}

header long_t {
    bit<8>      n;
    varbit<24>  text;
}

struct meta_t { }
#include "../v1model/frame.p4"

T chosen<T>(in bool first, in T x, in T y) {
    return first ? x : y;
}

void exchange<A>(inout A x, inout A y) {
    A z = x;
    x = y;
    y = z;
}

boxed_t<T> box<T>(in T content) {
    return { content = content, more = 7 };
}

// The arguments' names and their number say which one is meant.
bit<8> limited(in bit<8> x, in bit<8> below) {
    return x < below ? x : below;
}

bit<8> limited(in bit<8> x, in bit<8> above, in bool strictly = false) {
    return x > above ? x : strictly ? above + 1 : above;
}

bit<8> limited(in bit<8> x) {
    return x & 0xf;
}

control change_t<T>(inout T x);

control AddOne(inout bit<16> x) {
    apply {
        x = x + 1;
    }
}

control Negate(inout bool x) {
    apply {
        x = !x;
    }
}

@shown[level = 2, name = "both"]
control Both(inout bit<16> x, inout bool y)(change_t<bit<16>> one, change_t<bool> two) {
    apply @free(any ( words [ and ] signs ; { } "here")) @listed[1, "two", true] {
        one.apply(x);
        two.apply(y);
    }
}

control Replace<T>(inout T x, in bool by_given, in T given)(T fixed) {
    apply {
        T value = fixed;
        if (by_given) {
            value = given;
        }
        x = value;
    }
}

parser Read<H>(packet_in pkt, out H h) {
    state start {
        pkt.extract(h);
        transition accept;
    }
}

parser MyParser(packet_in pkt, out headers_t hdr, inout meta_t meta,
                inout standard_metadata_t standard_metadata) {
    Read<data_t>() read;
    state start {
        read.apply(pkt, hdr.data);
        transition accept;
    }
}

const int LEAST = 8 + 3 * data_t.minSizeInBits();
const bool IS_KNOWN = static_assert(LEAST == 200, "three headers of 64 bits");

control MyIngress(inout headers_t hdr, inout meta_t meta,
                  inout standard_metadata_t standard_metadata) {
    Both(AddOne(), Negate()) both;
    Replace<bit<16>>(0x1234) numbers;
    Replace<pair_t<bit<8>, bit<8>>>({ 1, 2 }) pairs;
    apply {
        bit<8> b = hdr.data.b;
        switch (hdr.data.a) {
            1: {
                boxed_t<bit<16>> x = { 0x1234, b };
                boxed_t<boxed_t<bit<8>>> y = { { b, 2 }, 3 };
                pair_t<bit<8>, boxed_t<bit<16>>> z = { 9, x };
                hdr.data.c = z.b.content;
                hdr.data.d = y.content.content ++ y.content.more ++ y.more ++ z.a;
            }
            2: {
                tagged_t<bit<16>> h = { 1, 0xabcd };
                any_t<tagged_t<bit<16>>, number_t> u;
                u.first = h;
                hdr.data.c = u.first.value;
                u.second = { 0x5678 };
                hdr.data.d = u.second.n ++ 14w0 ++ (bit<1>) u.first.isValid() ++ (bit<1>) u.second.isValid();
            }
            3: {
                hdr.data.c = chosen<bit<16>>(b == 0, 0x1111, 0x2222);
                bit<8> x = chosen(b == 0, 8w3, 4);
                bit<8> y = 5;
                exchange(x, y);
                hdr.data.d = x ++ y ++ box(b).content ++ box<bit<8>>(b).more;
            }
            4: {
                hdr.data.d = limited(x = b, below = 4) ++ limited(x = b, above = 4)
                    ++ limited(x = b, strictly = true, above = 4) ++ limited(b);
            }
            5: {
                bool odd = b[0:0] == 1;
                both.apply(hdr.data.c, odd);
                hdr.data.d = 31w0 ++ (bit<1>) odd;
            }
            7: {
                numbers.apply(hdr.data.c, b == 1, 0x5678);
                pair_t<bit<8>, bit<8>> p = { b, 9 };
                pairs.apply(p, b == 1, { 3, 4 });
                hdr.data.d = 16w0 ++ p.a ++ p.b;
            }
            6: {
                long_t t;
                hdr.data.d = (bit<8>) t.minSizeInBits() ++ (bit<8>) t.maxSizeInBits()
                    ++ (bit<8>) hdr.data.minSizeInBytes() ++ (bit<8>) long_t.maxSizeInBytes();
                hdr.data.c = IS_KNOWN ? (bit<16>) LEAST : 0;
            }
        }
    }
}

V1Switch<headers_t, meta_t>(MyParser(), NoVerify(), MyIngress(), NoEgress(), NoCompute(),
                            EmitData()) main;
