// Names of numbers: sizes, kinds of work, ports, and the codes that go over the wires.
#ifndef _LAMINAR_TYPES_P4_
#define _LAMINAR_TYPES_P4_

// ---- sizes ----

#define N_CONNECTIONS 32768
#define N_CONTEXTS     1024

// A connection's id is its index in every register; 15 bits are used.
typedef bit<16> connection_t;
typedef bit<16> context_t;

// ---- fixed ports ----

const PortId_t CONTROL_PORT   = 64;  // the control plane
const PortId_t GENERATOR_PORT = 6;   // the packet generator of a Tofino 2 pipe

// What is on a port; the `ports` table says it of every other port.
typedef bit<8> role_t;
const role_t ROLE_NONE    = 0;       // plain switching
const role_t ROLE_NETWORK = 1;       // TCP peers
const role_t ROLE_HOST    = 2;       // libTOE
const role_t ROLE_CONTROL = 3;       // the control plane

// ---- what a packet does in the egress; first byte of every packet that comes there ----

typedef bit<8> kind_t;
const kind_t KIND_COPY     = 0;      // a pseudo segment: becomes an acknowledgment or a notice; 0,
                                     // the one constant that a list of mirrored fields may have
const kind_t KIND_RECEIVE  = 1;      // a TCP segment, on its way to a host
const kind_t KIND_TRANSMIT = 2;      // a write of libTOE, on its way to a peer
const kind_t KIND_SYNC     = 3;      // window and credits
const kind_t KIND_RESET    = 4;      // the control plane thaws a broken window
const kind_t KIND_PLAIN    = 5;      // nothing: it is forwarded

// Flags of a copy: where `transport_h` has its bits.
const bit<8> COPY_BROKEN = 0x04;
const bit<8> COPY_BEYOND = 0x08;

// Top bit of a scale: the segment met congestion, and is acknowledged with ECE.
const bit<8> SCALE_MARK = 0x80;
// What an extension asks of a connection stands below it.
const bit<8> SCALE_SACK  = 0x40;     // the peer takes blocks of selective acknowledgments
const bit<8> SCALE_TIMES = 0x20;     // timestamps were agreed on
#define SCALE_MASK 0x0F

// ---- mirror sessions ----

const MirrorType_t MIRROR_NONE = 0;
const MirrorType_t MIRROR_COPY = 1;

// A session below 127 leads to a network port, 127 to the control plane, and 128 + n to both the
// port of session n and the control plane.
const bit<8> SESSION_CONTROL = 127;

// ---- what a copy and a report say ----

// Why libTOE gets a report.
const bit<8> REPORT_GENERATOR       = 1;  // a periodic SYNC
const bit<8> REPORT_HOST            = 2;  // the answer to its own SYNC
const bit<8> REPORT_TIMEOUT         = 3;  // a SYNC of the control plane: start again from tx_next_ack
const bit<8> REPORT_FAST_RETRANSMIT = 4;  // the third duplicate acknowledgment: likewise

// Operations of the control plane's packets.
const bit<8> CONTROL_RESET = 1;
const bit<8> CONTROL_SYNC  = 2;

// ---- the outside world ----

const bit<16> ETHERTYPE_IPV4    = 0x0800;
const bit<16> ETHERTYPE_CONTROL = 0x88B5;  // IEEE 802 local experimental EtherType 1

const bit<8>  PROTOCOL_TCP = 6;
const bit<8>  PROTOCOL_UDP = 17;
const bit<16> ROCE_PORT    = 4791;
const bit<16> ROCE_SOURCE  = 0xC000;

const bit<8> TCP_FIN = 0x01;
const bit<8> TCP_SYN = 0x02;
const bit<8> TCP_RST = 0x04;
const bit<8> TCP_ACK = 0x10;

// Offset and flags of a header without options, above its window.
const bit<32> TCP_WORD_ACK  = 0x50100000;
const bit<32> TCP_WORD_PUSH = 0x50180000;
const bit<32> TCP_WORD_ECHO = 0x50500000;

// Opcodes of an unreliable connection (InfiniBand specification, volume 1, 9.2).
const bit<8> UC_WRITE_ONLY           = 0x2A;
const bit<8> UC_WRITE_ONLY_IMMEDIATE = 0x2B;

#endif
