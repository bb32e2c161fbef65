/* time_zone: the names of the IANA time zone database. */
#ifndef DOMAIN_TIME_ZONE_H
#define DOMAIN_TIME_ZONE_H

#include "base/str.h"

/* Whether it is such a name, letter by letter: "Europe/Berlin", "UTC". */
bool time_zone_is_known(str name);

#endif
