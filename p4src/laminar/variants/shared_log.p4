// Laminar with one extension: `extensions/shared_log.p4`.
#define LAMINAR_SHARED_LOG
#include "../../../laminar.p4"
