// Laminar with one extension: `extensions/sack.p4`.
#define LAMINAR_SACK
#include "../../../laminar.p4"
