// Numbers of the Portable NIC Architecture, and their forms in headers.
//
// For each NAME: `NAMEUint_t` is the plain number, `NAME_t` the type of its own that the data plane
// uses, `NAMEInHeader_t` the form in which it crosses to software, and two functions lead from one
// to the other. The specification leaves the widths to the platform; the public declarations agree on
// those below.

#define _PNA_TEXT(WORDS) #WORDS
#define _PNA_TYPES(NAME, WIDTH, HEADER_WIDTH, API_WIDTH) \
    typedef bit<WIDTH> NAME##Uint_t; \
    @p4runtime_translation(_PNA_TEXT(p4.org/pna/v1/NAME##_t), API_WIDTH) \
    type NAME##Uint_t NAME##_t; \
    typedef bit<HEADER_WIDTH> NAME##InHeaderUint_t; \
    @p4runtime_translation(_PNA_TEXT(p4.org/pna/v1/NAME##InHeader_t), API_WIDTH) \
    type NAME##InHeaderUint_t NAME##InHeader_t;
#define _PNA_NUMBER(NAME, WIDTH, HEADER_WIDTH) \
    _PNA_TYPES(NAME, WIDTH, HEADER_WIDTH, HEADER_WIDTH) \
    @noWarn("unused") \
    NAME##_t pna_##NAME##_header_to_int(in NAME##InHeader_t x) { \
        return (NAME##_t) (NAME##Uint_t) (NAME##InHeaderUint_t) x; \
    } \
    @noWarn("unused") \
    NAME##InHeader_t pna_##NAME##_int_to_header(in NAME##_t x) { \
        return (NAME##InHeader_t) (NAME##InHeaderUint_t) (NAME##Uint_t) x; \
    }

_PNA_NUMBER(PortId, 32, 32)
_PNA_NUMBER(InterfaceId, 32, 32)
_PNA_NUMBER(MulticastGroup, 32, 32)
_PNA_NUMBER(MirrorSessionId, 16, 16)
_PNA_NUMBER(ClassOfService, 8, 8)
_PNA_NUMBER(PacketLength, 16, 16)
_PNA_NUMBER(MulticastInstance, 16, 16)
_PNA_NUMBER(Timestamp, 64, 64)
_PNA_NUMBER(FlowId, 32, 32)
_PNA_NUMBER(ExpireTimeProfileId, 8, 8)
#ifndef _PNA_MAIN_ONLY
_PNA_NUMBER(PassNumber, 3, 8)
#endif

// These have no functions.
_PNA_TYPES(MirrorSlotId, 8, 8, 8)
_PNA_TYPES(SecurityAssocId, 32, 32, 64)

#undef _PNA_NUMBER
#undef _PNA_TYPES
#undef _PNA_TEXT

typedef error ParserError_t;

const InterfaceId_t PNA_PORT_CPU = (InterfaceId_t) 0xfffffffd;
const MirrorSessionId_t PNA_MIRROR_SESSION_TO_CPU = (MirrorSessionId_t) 0;
