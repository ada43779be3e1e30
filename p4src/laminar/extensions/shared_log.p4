// Extension LAMINAR_SHARED_LOG: the records of many connections, one behind the other in one log.
//
// A connection that `describe` gives a log appends to it: new bytes claim room at the log's tail, in
// one register, in the order in which segments come, and the payload is written there instead of into
// the connection's buffer. A segment ahead of its stream claims room for what is missing, too, and
// leaves a gap in front of itself. What comes later for that gap, or overlaps what was there, goes to
// the connection's own buffer as ever: the application fills the gap from there.
//
// A write into the log always notifies, with the tail behind it (17 bits) in place of the position. A
// host that follows the tail knows how long each gap is, and whose.
#ifndef _LAMINAR_SHARED_LOG_P4_
#define _LAMINAR_SHARED_LOG_P4_

#define N_LOGS 256

control SharedLog(inout egress_headers_t hdr, inout egress_metadata_t meta) {
    // ---- what is new, and where it lies ----

    // From the end of what was claimed: bytes that are new, and the first byte of the segment. That is
    // not before it only where the segment brings nothing that was there.
    action measure() {
        meta.log_claim = meta.rx_taken |-| meta.rx_tail_before;
        meta.log_offset = hdr.transport.seq - meta.rx_tail_before;
    }

    // ---- the tail, in bytes since the log began ----

    Register<bit<32>, bit<16>>(N_LOGS, 0) log_tail;

    RegisterAction<bit<32>, bit<16>, bit<32>>(log_tail) append = {
        void apply(inout bit<32> value, out bit<32> before) {
            before = value;
            value = value + meta.log_claim;
        }
    };
    action claim() {
        meta.log_position = append.execute(hdr.request.log);
    }

    // ---- the write ----

    action note_appended() {
        meta.is_appended = 1;
    }
    // The identity moves both to containers that no ALU connects to those of reassembly.
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) start_number;
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) end_number;

    action carry() {
        meta.log_start = start_number.get({meta.log_offset});
        meta.log_end = end_number.get({meta.log_claim});
    }
    action place() {
        meta.log_start = meta.log_start + meta.log_position;
        meta.log_end = meta.log_end + meta.log_position;
    }
    // The log's memory, twice in a row, within one region of 4 GiB.
    action in_log(bit<16> top, bit<16> mid, bit<32> low, bit<32> mask) {
        hdr.reth.address_top = top;
        hdr.reth.address_mid = mid;
        meta.log_base = low;
        meta.log_start = meta.log_start & mask;
    }
    table logs {
        key = { hdr.request.log : exact; }
        actions = { in_log; NoAction; }
        default_action = NoAction();
        size = N_LOGS;
    }
    action address() {
        hdr.reth.address_low = meta.log_start + meta.log_base;
    }

    action notify() {
        hdr.bth.opcode = UC_WRITE_ONLY_IMMEDIATE;
        hdr.ipv4.total_len = hdr.ipv4.total_len + 4;
        hdr.udp.length = hdr.udp.length + 4;
        hdr.immediate.setValid();
    }
    Hash<bit<32>>(HashAlgorithm_t.IDENTITY) tail_number;

    action tell_tail() {
        hdr.immediate.value = tail_number.get({
            hdr.transport.connection[14:0], meta.log_end[16:0]
        });
    }

    apply {
        if (hdr.transport.kind == KIND_RECEIVE && hdr.request.log != 0) {
            measure();
            carry();
            if (meta.is_placed == 1) {
                claim();
                if (meta.log_offset[31:31] == 0) {
                    note_appended();
                }
            }
            place();
        }
        if (meta.is_appended == 1) {
            if (logs.apply().hit) {
                address();
                if (!hdr.immediate.isValid()) {
                    notify();
                }
                tell_tail();
            }
        }
    }
}

#endif
