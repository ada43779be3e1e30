// What the blocks of the ingress tell each other.
#ifndef _LAMINAR_INGRESS_METADATA_P4_
#define _LAMINAR_INGRESS_METADATA_P4_

#include "headers.p4"

struct ingress_metadata_t {
    // From the port (block 1).
    role_t       role;
    bit<8>       port_session;

    // What the packet is (block 1), and for whom (block 2).
    kind_t       kind;
    bit<1>       is_known;      // a TCP segment of a connection in the table
    bit<1>       is_local;      // addressed to us
    bit<1>       is_established;// the connection that is named is in the table
    bit<1>       is_idle;       // nothing is to be done for the connection now
#ifdef LAMINAR_TIMESTAMPS
    bit<1>       is_understood; // a TCP segment without options, or with timestamps alone
#endif
    connection_t connection;

    // Lengths in bytes; all from the IP total length.
    bit<32>      len;           // first the header's first word, then the total, then the payload
    bit<16>      padded;        // total length of the write, before rounding to four bytes

    // Of the connection (block 2).
    context_t    context;
    bit<8>       own_scale;
    bit<8>       peer_scale;
    bit<32>      mss;
    bit<6>       dscp;
    bit<2>       ecn;
#ifdef LAMINAR_SHARED_LOG
    bit<16>      log;
#endif
    bit<16>      buffer_top;
    bit<16>      buffer_mid;
    bit<32>      buffer_low;
    bit<32>      buffer_mask;
    bit<32>      first;         // sequence number of its direction
    bit<32>      local_ip;
    bit<32>      peer_ip;
    bit<16>      local_port;
    bit<16>      peer_port;

    // Between sequence numbers and addresses (block 3).
    bit<32>      freed;
    bit<32>      reason;

    // Forwarding (block 5).
    bit<16>      next_hop;
}

#endif
