/* record_types: the messages that records.def names. */
#ifndef STORE_RECORD_TYPES_H
#define STORE_RECORD_TYPES_H

#include "internal/v1/records.h"
#include "sales/v1/activity.h"
#include "sales/v1/audit.h"
#include "sales/v1/deal.h"
#include "sales/v1/email.h"
#include "sales/v1/lead.h"
#include "sales/v1/pipeline.h"
#include "sales/v1/proposal.h"
#include "sales/v1/webhook.h"

#endif
