// PNA as the software NIC of BMv2 has it: three blocks, named hashes.
#ifndef _PNA_P4_
#define _PNA_P4_

#define _PNA_MAIN_ONLY
#define _PNA_NAMED_HASHES

#include <core.p4>
#include "../pna/annotations.p4"
#include "../pna/types.p4"
#include "../pna/externs.p4"
#include "../pna/three_blocks.p4"

#endif
