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
    PacketTooShort,         // `extract` wants more bits than there are.
    NoMatch,                // No case of a `select` matches.
    StackOutOfBounds,       // A stack has no such element.
    HeaderTooShort,         // More bits than a `varbit` holds.
    ParserTimeout,          // The parser takes too long.
    ParserInvalidArgument   // A value that the parser cannot work with.
}

// The packet as the parser sees it.
extern packet_in {
    // Takes the next bits as a header of fixed size.
    void extract<T>(out T hdr);
    // Takes the next bits as a header with one `varbit`, which gets so many of them.
    void extract<T>(out T variableSizeHeader, in bit<32> variableFieldSizeInBits);
    // The next bits, which stay where they are.
    T lookahead<T>();
    // Passes over bits.
    void advance(in bit<32> sizeInBits);
    // The length of the whole packet, in bytes.
    bit<32> length();
}

// The packet as the deparser writes it.
extern packet_out {
    // Appends a header that is valid; of a stack, struct or union, each one in it.
    void emit<T>(in T hdr);
}

// In a parser: goes to `reject` with this error unless the check holds.
extern void verify(in bool check, in error toSignal);

// Checked when the program is compiled.
extern bool static_assert(bool check, string message);
extern bool static_assert(bool check);

@noWarn("unused")
action NoAction() {}

#endif
