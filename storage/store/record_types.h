/* record_types: the messages that records.def names. */
#ifndef STORE_RECORD_TYPES_H
#define STORE_RECORD_TYPES_H

#include "sales/v1/activity.h"
#include "sales/v1/deal.h"
#include "sales/v1/lead.h"

#endif
