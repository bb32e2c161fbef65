#include "base/kill_point.h"

void (*kill_hook)(enum kill_point at);

const char *kill_point_name(enum kill_point p)
{
    static const char *const names[] = {
#define X(name, text) [KILL_##name] = (text),
        KILL_POINT_LIST(X)
#undef X
    };

    return names[p];
}
