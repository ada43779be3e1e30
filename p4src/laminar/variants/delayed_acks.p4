// Laminar with one extension: `extensions/delayed_acks.p4`.
#define LAMINAR_DELAYED_ACKS
#include "../../../laminar.p4"
