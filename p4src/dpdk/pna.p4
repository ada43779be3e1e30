// PNA as DPDK has it: named hashes, lengths for counters and meters, IPsec.
#ifndef _PNA_P4_
#define _PNA_P4_

#define _PNA_DPDK
#define _PNA_NAMED_HASHES

#include <core.p4>
#include "../pna/annotations.p4"
#include "../pna/types.p4"
#include "../pna/externs.p4"
#include "../pna/ipsec.p4"
#include "../pna/four_blocks.p4"

#endif
