// PSA as DPDK has it: counters and meters take the length of the packet too.
#ifndef _PSA_DPDK
#define _PSA_DPDK
#endif
#include "../psa.p4"
