// PSA as the software switch BMv2 has it.
#include "../psa.p4"
