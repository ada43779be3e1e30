// Numbers of the Portable Switch Architecture, and their forms in headers.
//
// For each NAME: `NAMEUint_t` is the plain number, `NAME_t` the type of its own that the data plane
// uses, `NAMEInHeader_t` the form in which it crosses to software, and two functions lead from one
// to the other. The widths are those of the public declarations for BMv2 and DPDK: the same inside
// and in headers.

#define _PSA_TEXT(WORDS) #WORDS
#define _PSA_NUMBER(NAME, WIDTH) \
    typedef bit<WIDTH> NAME##Uint_t; \
    @p4runtime_translation(_PSA_TEXT(p4.org/psa/v1/NAME##_t), WIDTH) \
    type NAME##Uint_t NAME##_t; \
    typedef bit<WIDTH> NAME##InHeaderUint_t; \
    @p4runtime_translation(_PSA_TEXT(p4.org/psa/v1/NAME##InHeader_t), WIDTH) \
    type NAME##InHeaderUint_t NAME##InHeader_t; \
    @noWarn("unused") \
    NAME##_t psa_##NAME##_header_to_int(in NAME##InHeader_t x) { \
        return (NAME##_t) (NAME##Uint_t) (NAME##InHeaderUint_t) x; \
    } \
    @noWarn("unused") \
    NAME##InHeader_t psa_##NAME##_int_to_header(in NAME##_t x) { \
        return (NAME##InHeader_t) (NAME##InHeaderUint_t) (NAME##Uint_t) x; \
    }

_PSA_NUMBER(PortId, 32)
_PSA_NUMBER(MulticastGroup, 32)
_PSA_NUMBER(CloneSessionId, 16)
_PSA_NUMBER(ClassOfService, 8)
_PSA_NUMBER(PacketLength, 16)
_PSA_NUMBER(EgressInstance, 16)
_PSA_NUMBER(Timestamp, 64)

#undef _PSA_NUMBER
#undef _PSA_TEXT

typedef error ParserError_t;

const PortId_t PSA_PORT_RECIRCULATE = (PortId_t) 0xfffffffa;
const PortId_t PSA_PORT_CPU = (PortId_t) 0xfffffffd;
const CloneSessionId_t PSA_CLONE_SESSION_TO_CPU = (CloneSessionId_t) 0;
