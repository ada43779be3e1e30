// Laminar: a TCP data path that lives in a match-action pipeline (T2NA).
//
//   ingress   1 classify   2 identify   3 translate   4 prepare   5 forward
//   egress    6 reassembly, then retransmission   7 DMA state   8 finalize, mirror
//
// Segments of a peer become RDMA writes into a host's memory, writes of the host become segments, and
// SYNCs keep window and credits up. The ingress only reads tables; the egress holds all state, each
// variable in one register, in one stage. testvectors/laminar/README.md has every format that leaves
// or enters, and what a control plane must fill in.

#include <core.p4>
#include <t2na.p4>

#include "p4src/laminar/types.p4"
#include "p4src/laminar/headers.p4"
#include "p4src/laminar/ingress.p4"
#include "p4src/laminar/egress.p4"

Pipeline(LaminarIngressParser(), LaminarIngress(), LaminarIngressDeparser(),
         LaminarEgressParser(), LaminarEgress(), LaminarEgressDeparser()) pipe;

Switch(pipe) main;
