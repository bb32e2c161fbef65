/* import: CSV files into ImportLeads: mapping, flow control, row errors, resume. */
#ifndef SALESCTL_IMPORT_H
#define SALESCTL_IMPORT_H

#include "ctl/command.h"
#include "ctl/progress.h"
#include "ctl/reader.h"
#include "sales/v1/sales_agent.pb-c.h"

struct import_options {
    const char *path; /* "-": standard input */
    const char *map;  /* NULL: columns are named like fields */
    const char *encoding;
    const char *resume_id; /* NULL: a new import */
    uint64_t rows_max, errors_max;
    Sales__V1__DuplicatePolicy duplicate_policy;
    bool dry_run;
};

struct import_result {
    Sales__V1__ImportSummary summary;
    bool finished;               /* the summary is the server's */
    uint64_t done_row;           /* last row answered */
    uint64_t n_failed, n_hidden; /* hidden: complaints not printed */
};

/* Runs the import with progress on stderr. CTL_PARTIAL: some rows failed. A cut connection is
 * resumed a few times when the source is a file. */
enum exit_code import_file(struct ctl *ctl, const struct import_options *options,
                           struct import_result *result);

/* The summary for people. */
void import_print(struct arena *a, const struct term *t, const struct import_result *r,
                  int64_t took_ns);

enum exit_code import_run(struct ctl *ctl, const struct command *command, const struct args *args);

#endif
