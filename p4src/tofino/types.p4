// Types, widths and constants that TNA and T2NA share. A width that differs between the two chips
// follows the chip (`__TARGET_TOFINO__`), not the architecture, so that a TNA program compiles for
// either.
#ifndef _TOFINO_TYPES_P4_
#define _TOFINO_TYPES_P4_

#include <core.p4>

#define PACK_VERSION(a, b, c) (((a) << 24) + ((b) << 12) + (c))
#define COMPILER_VERSION PACK_VERSION(__p4c_major__, __p4c_minor__, __p4c_patchlevel__)

// ---- widths of the chip ----

#define PORT_ID_WIDTH             9
#define MULTICAST_GROUP_ID_WIDTH 16
#define RESUBMIT_TYPE_WIDTH       3
#define DIGEST_TYPE_WIDTH         3
#define REPLICATION_ID_WIDTH     16
#define L1_EXCLUSION_ID_WIDTH    16
#define L2_EXCLUSION_ID_WIDTH     9

#if __TARGET_TOFINO__ == 1
#define QUEUE_ID_WIDTH            5
#define MIRROR_TYPE_WIDTH         3
#define MIRROR_ID_WIDTH          10
const bit<32> PORT_METADATA_SIZE = 32w64;
#else
#define QUEUE_ID_WIDTH            7
#define MIRROR_TYPE_WIDTH         4
#define MIRROR_ID_WIDTH           8
const bit<32> PORT_METADATA_SIZE = 32w192;
#endif

typedef bit<PORT_ID_WIDTH>            PortId_t;
typedef bit<MULTICAST_GROUP_ID_WIDTH> MulticastGroupId_t;
typedef bit<QUEUE_ID_WIDTH>           QueueId_t;
typedef bit<MIRROR_TYPE_WIDTH>        MirrorType_t;
typedef bit<MIRROR_ID_WIDTH>          MirrorId_t;
typedef bit<RESUBMIT_TYPE_WIDTH>      ResubmitType_t;
typedef bit<DIGEST_TYPE_WIDTH>        DigestType_t;
typedef bit<REPLICATION_ID_WIDTH>     ReplicationId_t;
typedef bit<L1_EXCLUSION_ID_WIDTH>    L1ExclusionId_t;
typedef bit<L2_EXCLUSION_ID_WIDTH>    L2ExclusionId_t;
typedef error                         ParserError_t;
#if __TARGET_TOFINO__ != 1
typedef MirrorType_t                  CloneId_t;
#endif

// A device port is a pipe (2 bits) and a port of the pipe (7 bits).
#define DEVPORT_PIPE_MASK  0x180
#define DEVPORT_PORT_MASK  0x7f
#define DEVPORT_PIPE(port) (port)[8:7]
#define DEVPORT_PORT(port) (port)[6:0]

// ---- parser errors: bits of `parser_err` ----

const bit<16> PARSER_ERROR_OK           = 16w0x0000;
const bit<16> PARSER_ERROR_NO_MATCH     = 16w0x0001;
const bit<16> PARSER_ERROR_PARTIAL_HDR  = 16w0x0002;
const bit<16> PARSER_ERROR_CTR_RANGE    = 16w0x0004;
const bit<16> PARSER_ERROR_TIMEOUT_USER = 16w0x0008;
const bit<16> PARSER_ERROR_TIMEOUT_HW   = 16w0x0010;
const bit<16> PARSER_ERROR_SRC_EXT      = 16w0x0020;
const bit<16> PARSER_ERROR_DST_CONT     = 16w0x0040;
const bit<16> PARSER_ERROR_PHV_OWNER    = 16w0x0080;
const bit<16> PARSER_ERROR_MULTIWRITE   = 16w0x0100;
const bit<16> PARSER_ERROR_ARAM_MBE     = 16w0x0400;
const bit<16> PARSER_ERROR_FCS          = 16w0x0800;
const bit<16> PARSER_ERROR_CSUM_MBE     = 16w0x1000;

error {
    CounterRange,
    Timeout,
    PhvOwner,
    MultiWrite,
    IbufOverflow,
    IbufUnderflow
}

// ---- enumerations ----

match_kind {
    range,
    selector,
    dleft_hash,
    atcam_partition_index
}

enum CounterType_t { PACKETS, BYTES, PACKETS_AND_BYTES }

enum MeterType_t { PACKETS, BYTES }

enum bit<8> MeterColor_t { GREEN = 8w0, YELLOW = 8w1, RED = 8w3 }

enum SelectorMode_t { FAIR, RESILIENT }

enum HashAlgorithm_t { IDENTITY, RANDOM, XOR8, XOR16, XOR32, CRC8, CRC16, CRC32, CRC64, CUSTOM }

// What a math unit approximates: a*x, a*x^2, a*sqrt(x), a/x, a/x^2, a/sqrt(x).
enum MathOp_t { MUL, SQR, SQRT, DIV, RSQR, RSQRT }

#endif
