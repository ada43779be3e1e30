// Laminar with one extension: `extensions/timestamps.p4`.
#define LAMINAR_TIMESTAMPS
#include "../../../laminar.p4"
