/* lead_import: many leads in one unit of work, each with its own result. */
#ifndef AGENT_LEAD_IMPORT_H
#define AGENT_LEAD_IMPORT_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

enum { IMPORT_ROWS_MAX = 1000 }; /* per message: the contract's limit; bounds a unit's memory */

/* An import in progress; the caller keeps it between batches. */
struct import {
    char id[64]; /* UUID text given by the client */
    DuplicatePolicy policy;
    bool validate_only;
    int64_t started_us;
    uint64_t done_row_number; /* rows up to here are done, by this stream or an earlier one */
    ImportSummary counts;     /* `elapsed` unset */
    bool repeats;             /* most rows of the last batch were on record already */
};

/*
 * Starts an import or takes up one that was cut.
 *
 * EXISTS (IMPORT_ID_REUSED): there is one with this id and `resume` is not set. INVALID: row
 * numbers or options make no sense.
 */
MUST_CHECK enum status import_open(struct call *c, struct agents *a, const ImportOpen *in,
                                   struct import *out);

/*
 * Imports a batch: every acceptable row, the events and how far the import is, in one transaction.
 * Rows that are refused do not hold back the others.
 *
 *   out   one result per row, in their order, in c->arena
 *
 * INVALID: row numbers do not ascend. Failures of the store fail the batch: nothing of it is done.
 */
MUST_CHECK enum status import_rows(struct call *c, struct agents *a, struct import *import,
                                   const ImportRows *in, ImportResults *out);

/* Marks the import finished. */
MUST_CHECK enum status import_finish(struct call *c, struct agents *a, struct import *import,
                                     ImportSummary *out);

#endif
