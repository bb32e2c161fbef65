/*
 * leads: the requests that the load client sends, made from a number, and the checks of what comes
 * back. Lead number i is the same in every run: a person with a name, addresses, a company, tags
 * and attributes of its own, about 600 bytes.
 */
#ifndef BENCH_LEADS_H
#define BENCH_LEADS_H

#include "wire.h"

enum {
    LEAD_ID_BYTES = 36,    /* UUID text */
    LEAD_BYTES_MAX = 1024, /* one lead, packed */
    ROWS_MAX = 1000,       /* rows of one import message, as the contract has it */
    PAGE_SIZE = 50,
};

/* Requests; each returns the bytes written into o. */
void leads_put_create(struct wire_out *o, uint64_t number);
void leads_put_request_id(struct wire_out *o, uint64_t a, uint64_t b); /* before the lead */
void leads_put_get(struct wire_out *o, const char *id);
void leads_put_list(struct wire_out *o);
void leads_put_open(struct wire_out *o, const char *import_id, uint64_t rows);
void leads_put_rows(struct wire_out *o, uint64_t first, size_t n);

/* Replies; NULL when as expected, else what is wrong. */
const char *leads_check_create(const uint8_t *reply, size_t n, uint64_t number);
const char *leads_check_get(const uint8_t *reply, size_t n, const char *id);
const char *leads_check_list(const uint8_t *reply, size_t n);

/* What an import answered: the ids of leads stored (each LEAD_ID_BYTES, borrowed), and the end. */
struct import_reply {
    bool ready;
    size_t n_results, n_created;
    const uint8_t *ids[ROWS_MAX]; /* [n_created] */
    bool summary;
    uint64_t summary_created;
};

const char *leads_read_import(const uint8_t *reply, size_t n, struct import_reply *out);

#endif
