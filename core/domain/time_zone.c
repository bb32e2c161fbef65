/* A sorted table; where the rules of a zone are kept is the business of who computes with them. */
#include "domain/time_zone.h"

static const char *const names[] = {
#define X(name) name,
#include "domain/time_zone.def"
#undef X
};

bool time_zone_is_known(str name)
{
    size_t low = 0, high = sizeof names / sizeof *names;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_cmp(name, str_of(names[middle]));

        if (order == 0)
            return true;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
