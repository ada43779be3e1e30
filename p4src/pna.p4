// The Portable NIC Architecture, declared anew under the standard names and widths, with the control
// before the main parser and counters and meters that may be told a length. The platforms' own forms
// are bmv2/pna.p4, dpdk/pna.p4 and tc/pna.p4. Programs are checked against this; there is no machine
// for it yet.
#ifndef _PNA_P4_
#define _PNA_P4_

#define _PNA_OPTIONAL_LENGTH

#include <core.p4>
#include "pna/annotations.p4"
#include "pna/types.p4"
#include "pna/externs.p4"
#include "pna/four_blocks.p4"

#endif
