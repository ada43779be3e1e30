// What the blocks of the egress tell each other.
#ifndef _LAMINAR_EGRESS_METADATA_P4_
#define _LAMINAR_EGRESS_METADATA_P4_

#include "headers.p4"

// Where a segment lies against the stream: what stage 1 found, and the rest goes by.
typedef bit<4> place_t;
const place_t PLACE_NONE      = 0;   // nothing to reassemble: state is only read
const place_t PLACE_IN_ORDER  = 1;   // begins at or before the next byte and ends behind it
const place_t PLACE_DUPLICATE = 2;   // ends at or before it
const place_t PLACE_AHEAD     = 3;   // begins behind it
const place_t PLACE_CURRENT   = 4;   // has no payload, and is just where it should be
const place_t PLACE_PROBE     = 5;   // has no payload, and lies before it
const place_t PLACE_MERGE     = 6;   // a copy whose range advances the stream
const place_t PLACE_REPLENISH = 7;   // a SYNC
const place_t PLACE_THAW      = 8;   // a RESET

// What an acknowledgment, or a transmission, is against the first unacknowledged byte.
typedef bit<3> ack_t;
const ack_t ACK_NONE      = 0;       // nothing to do: state is only read
const ack_t ACK_NEW       = 1;
const ack_t ACK_CURRENT   = 2;       // acknowledges nothing new, with payload
const ack_t ACK_DUPLICATE = 3;       // likewise, without
const ack_t ACK_OLD       = 4;
const ack_t ACK_SEND      = 5;       // a transmission
const ack_t ACK_STALE     = 6;       // a transmission of what has been acknowledged

#ifdef LAMINAR_DELAYED_ACKS
// What a packet is for the count of unacknowledged segments.
typedef bit<2> delay_t;
const delay_t DELAY_NONE  = 0;       // nothing
const delay_t DELAY_COUNT = 1;       // a segment that may wait
const delay_t DELAY_OVER  = 2;       // an acknowledgment
#endif

struct egress_metadata_t {
    bit<1>   is_notice;              // a copy for the control plane

    // ---- reassembly ----
    bit<32>  rx_next;                // rx_next_seq as the packet found it
    place_t  place;
    bit<32>  rx_free;                // rx_avail as the packet found it, then as it leaves it
    bit<32>  rx_broken;
    bit<32>  rx_taken;               // in order: bytes that it advances by; ahead: its end; 0 if refused
    bit<32>  rx_tail_before;
    bit<32>  rx_tail;                // after the packet; 0 also where the segment lies apart
    bit<32>  rx_head;                // after the packet
    bit<32>  rx_placed;              // not 0 if the payload is written
    bit<32>  rx_whole;               // rx_next_seq - bytes since the window broke, as found
    bit<32>  rx_position;            // rx_next_seq after the packet
    bit<32>  rx_ready;               // the same, over the out-of-order interval; end of a copy's range
    bit<1>   is_taken;               // rx_taken is not 0
    bit<1>   is_placed;              // rx_placed is not 0
    bit<1>   is_tracked;             // rx_tail is not 0
    bit<1>   is_closed;              // rx_head is 0
    bit<1>   is_shut;                // the window is broken: it is 0

    // ---- retransmission ----
    bit<32>  tx_next;                // tx_next_ack as the packet found it
    ack_t    ack;
    bit<8>   tx_duplicates;          // in a row, with this one
    bit<32>  tx_handed;              // tx_avail as the packet found it
    bit<32>  tx_beyond;              // not 0 if the acknowledgment is of what was not handed over
    bit<32>  tx_credit;              // transmission: credits before; SYNC: bytes granted
    bit<32>  tx_window;              // tx_remote_avail
    bit<32>  tx_fresh;               // transmission: not 0 if it ends in bytes not handed over before
    bit<32>  tx_blocked;             // not 0 if the transmission goes beyond it
    bit<32>  tx_in_flight;           // min(tx_avail, tx_remote_avail)
    bit<1>   is_current;             // the segment may set the peer's window
    bit<1>   is_third;               // the third duplicate
    bit<1>   is_fast;                // and there is something to send again
    bit<1>   is_beyond;              // tx_beyond is not 0

    // ---- statistics ----
    bit<32>  rtt_start;              // when the segment left whose acknowledgment this is; 0: none
    bit<32>  rtt;                    // nanoseconds since

#ifdef LAMINAR_SHARED_LOG
    // ---- shared log ----
    bit<32>  log_claim;              // bytes that the segment claims
    bit<32>  log_offset;             // where its payload begins, from what was claimed before
    bit<32>  log_position;           // the tail as the segment found it
    bit<32>  log_start;              // where its payload begins in the log
    bit<32>  log_end;                // the tail behind it
    bit<32>  log_base;               // where the log lies
    bit<1>   is_appended;            // the payload is written into the log

#endif
#ifdef LAMINAR_TIMESTAMPS
    // ---- timestamps ----
    bit<32>  tick;                   // our clock
    bit<32>  time_recent;            // the peer's, as it is echoed
    bit<32>  rtt_ticks;
    bit<32>  rtt_filtered;

#endif
    // ---- what becomes of it ----
    bit<8>   session;                // of the copy
    bit<8>   copy_flags;             // COPY_BROKEN, COPY_BEYOND
#ifdef LAMINAR_DELAYED_ACKS
    delay_t  delay;
    bit<8>   unacked;                // segments in order since the last acknowledgment
#endif
    bit<1>   is_written;             // it leaves as a write, and takes a sequence number
    bit<32>  sequence;
}

#endif
