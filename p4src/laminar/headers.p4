// Headers on the wires, and those that carry what the ingress knows to the egress.
#ifndef _LAMINAR_HEADERS_P4_
#define _LAMINAR_HEADERS_P4_

#include "types.p4"

// ---- network ----

header ethernet_h {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

header ipv4_h {
    bit<8>  version_ihl;
    bit<6>  dscp;
    bit<2>  ecn;
    bit<16> total_len;
    bit<16> identification;
    bit<16> flags_offset;
    bit<8>  ttl;
    bit<8>  protocol;
    bit<16> hdr_checksum;
    bit<32> src_addr;
    bit<32> dst_addr;
}

header tcp_h {
    bit<16> src_port;
    bit<16> dst_port;
    bit<32> seq;
    bit<32> ack;
    bit<4>  data_offset;
    bit<4>  reserved;
    bit<8>  flags;
    bit<16> window;
    bit<16> checksum;
    bit<16> urgent;
}

// The same as the egress sees it, where only 32-bit operations make a window.
header tcp_word_h {
    bit<16> src_port;
    bit<16> dst_port;
    bit<32> seq;
    bit<32> ack;
    bit<32> word;          // data offset, flags, window
    bit<16> checksum;
    bit<16> urgent;
}

header udp_h {
    bit<16> src_port;
    bit<16> dst_port;
    bit<16> length;
    bit<16> checksum;
}

// TCP options of the extensions, twelve bytes each.
header times_h {
    bit<32> option;        // two no-operations, kind 8, length 10
    bit<32> value;
    bit<32> echo;
}

header sack_h {
    bit<16> padding;       // two no-operations
    bit<8>  option;        // 5
    bit<8>  length;        // 10
    bit<32> left;
    bit<32> right;
}

// ---- RoCEv2 ----

header bth_h {
    bit<8>  opcode;
    bit<1>  solicited;
    bit<1>  migrated;
    bit<2>  pad_count;
    bit<4>  version;
    bit<16> partition;
    bit<8>  reserved;
    bit<24> queue_pair;
    bit<8>  acknowledge;
    bit<24> sequence;
}

// The address is that of host memory in what we write, and names a connection in what libTOE writes:
// `address_top` is 0 for data and 0x8000 for a SYNC, `address_mid` the connection, `address_low` the
// stream offset, or the bytes freed.
header reth_h {
    bit<16> address_top;
    bit<16> address_mid;
    bit<32> address_low;
    bit<32> remote_key;
    bit<32> length;
}

// With a notification: whose, and up to which sequence number (its low bits) data are ready.
header immediate_h {
    bit<15> connection;
    bit<17> position;
}

// The same in one field, as the egress fills it.
header notification_h {
    bit<32> value;
}

// Payload of a report to libTOE.
header report_h {
    bit<16> reserved;
    bit<16> connection;
    bit<32> next_ack;
    bit<32> granted;
    bit<32> reason;
}

// ---- control plane ----

// From the control plane, behind EtherType 0x88B5.
header command_h {
    bit<8>  operation;
    bit<8>  reason;
    bit<16> connection;
    bit<32> value;
}

// To the control plane, behind EtherType 0x88B5: why, and the connection's state as it is now.
header notice_h {
    bit<8>  reason;
    bit<8>  reserved;
    bit<16> connection;
    bit<32> rx_next_seq;
    bit<32> rx_broken;
    bit<32> rx_avail;
    bit<32> tx_next_ack;
    bit<32> tx_avail;
}

// ---- from ingress to egress ----

// All that a packet needs that is only forwarded.
header plain_h {
    bit<8> kind;
}

// What passes the stages of the transport logic. A copy brings it too, made by the egress.
header transport_h {
    kind_t       kind;
    // What is known of the segment, or of why there is a copy.
#ifdef LAMINAR_TIMESTAMPS
    @padding bit<3> reserved;
    bit<1>       has_times;    // the segment has timestamps
#else
    @padding bit<4> reserved;
#endif
    bit<1>       is_beyond;    // copy: the segment acknowledged what was never sent
    bit<1>       is_broken;    // copy: the segment broke the window
    bit<1>       is_echo;      // the segment itself has ECE
    bit<1>       has_payload;
    connection_t connection;
    context_t    context;
    bit<8>       session;      // mirror session of the network port
    bit<8>       scale;        // of the window that we advertise; top bit: SCALE_MARK
    bit<32>      seq;          // the segment, or the range that a copy merges; in the egress soon an
                               // offset from rx_next_seq · SYNC: MSS, and MSS - bytes freed
    bit<32>      end;
}

// What the workflows ask for; copies have none. Each field serves several, because all actions of a
// register take their operands from the same two fields.
header request_h {
    bit<32> start;             // receive: ACK · transmit: sequence number; in the egress soon an
    bit<32> stop;              //                transmit: its end;         offset from tx_next_ack
    bit<32> credit;            //                transmit: its length      · SYNC: bytes to grant
    bit<32> limit;             //                                          · SYNC: grant up to here
    bit<32> window;            // receive: the peer's window, in bytes     · SYNC: bytes freed
    bit<8>  push;              //                transmit: 1 if the peer shall deliver at once
    bit<32> reason;            // of the report, if there is one
#ifdef LAMINAR_SHARED_LOG
    bit<16> log;               // receive: the log that it appends to; 0: none
#endif
#ifdef LAMINAR_TIMESTAMPS
    bit<32> time_value;        // receive: the peer's timestamp
    bit<32> time_echo;         //          and which of ours it echoes
#endif
}

// Who is to be answered, and as whom: what becomes the headers of an acknowledgment.
header reply_h {
    bit<48> dst_mac;
    bit<48> src_mac;
    bit<32> src_ip;
    bit<32> dst_ip;
    bit<16> src_port;
    bit<16> dst_port;
}

// What the egress puts in front of a copy: a transport_h and a reply_h, its flags in one byte.
header copy_h {
    kind_t       kind;
    bit<8>       flags;
    connection_t connection;
    context_t    context;
    bit<8>       session;
    bit<8>       scale;
    bit<32>      seq;
    bit<32>      end;
    bit<48>      dst_mac;
    bit<48>      src_mac;
    bit<32>      src_ip;
    bit<32>      dst_ip;
    bit<16>      src_port;
    bit<16>      dst_port;
}

// ---- all of them, per gress ----

struct ingress_headers_t {
    plain_h               plain;
    transport_h           transport;
    request_h             request;
    reply_h               reply;
    pktgen_timer_header_t timer;
    ethernet_h            ethernet;
    command_h             command;
    ipv4_h                ipv4;
    udp_h                 udp;
    bth_h                 bth;
    reth_h                reth;
    immediate_h           immediate;
    tcp_h                 tcp;
#ifdef LAMINAR_TIMESTAMPS
    times_h               times;
#endif
}

struct egress_headers_t {
    plain_h        plain;
    transport_h    transport;
    request_h      request;
    reply_h        reply;
    ethernet_h     ethernet;
    notice_h       notice;
    ipv4_h         ipv4;
    udp_h          udp;
    bth_h          bth;
    reth_h         reth;
    notification_h immediate;
    report_h       report;
    tcp_word_h     tcp;
#ifdef LAMINAR_TIMESTAMPS
    times_h        times;
#endif
#ifdef LAMINAR_SACK
    sack_h         sack;
#endif
}

#endif
