// The P4-16 core library (language specification 1.2.5, appendix D), declared anew.
#ifndef _CORE_P4_
#define _CORE_P4_

// What a table key may ask for in every architecture.
match_kind {
    exact,
    ternary,
    lpm
}

// What can go wrong while a packet is parsed.
error {
    NoError,
    PacketTooShort,
    NoMatch,
    StackOutOfBounds,
    HeaderTooShort,
    ParserTimeout,
    ParserInvalidArgument
}

// The packet as the parser sees it.
extern packet_in {
    void extract<T>(out T hdr);
    void extract<T>(out T variableSizeHeader, in bit<32> variableFieldSizeInBits);
    T lookahead<T>();
    void advance(in bit<32> sizeInBits);
    bit<32> length();
}

// The packet as the deparser writes it.
extern packet_out {
    void emit<T>(in T hdr);
}

extern void verify(in bool check, in error toSignal);

extern bool static_assert(bool check, string message);
extern bool static_assert(bool check);

action NoAction() {}

#endif
