// PNA as the traffic control of the Linux kernel has it: three blocks, named hashes, the packet's
// buffer, and annotations by which the control plane knows the externs.
#ifndef _PNA_P4_
#define _PNA_P4_

#define _PNA_MAIN_ONLY
#define _PNA_NAMED_HASHES
#define _PNA_TC

#include <core.p4>
#include "../pna/annotations.p4"
#include "../pna/types.p4"
#include "../pna/externs.p4"
#include "../pna/tc_metadata.p4"
#include "../pna/three_blocks.p4"

#endif
