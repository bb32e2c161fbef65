/*
 * A batch goes through in three passes: every row is validated, cleaned and readied without the
 * store; then one unit looks up the keys of all rows with one statement per key, decides each row,
 * and stores; then the counts of the committed run are added up. Rows of one batch that share a key
 * meet in a key_set, because the store does not show them to each other before they are flushed.
 */
#include "agent/lead_import.h"

#include <stdio.h>

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/item_error.h"
#include "agent/key_set.h"
#include "agent/lead.h"
#include "internal/v1/records.h"
#include "sales/v1/lead.rules.h"
#include "schema/validate.h"
#include "store/record_info.h"
#include "store/records.h"

/* One row in the making. */
struct row {
    uint64_t number;
    struct lead_draft draft; /* .lead NULL: refused before the unit */
    ItemError *refusal;      /* by validation; NULL: none */
    ImportRowResult *result; /* of the last run of the unit ... */
    Lead *settled;           /* ... and the lead that the row became or changed in it */
};

struct batch {
    struct agents *agents;
    struct import *import;
    struct row *rows;
    size_t n_rows;
    struct preparation *preparation;     /* NULL: none */
    struct uuid *known[LEAD_MATCH_KEYS]; /* [n_rows] ids on record by key; zero: none */
};

/* The checkpoint's record; its id is the import's. */
static enum status checkpoint_put(struct call *c, struct tx *tx, const struct import *import,
                                  uint64_t done_row_number, bool finished)
{
    ImportCheckpoint *record;
    enum status s = tx_get_import_checkpoint(tx, str_of(import->id), &record);

    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        if ((record = NEW(&c->arena, ImportCheckpoint, 1)) == NULL)
            return call_nomem(c);
        *record = (ImportCheckpoint)IMPORT_CHECKPOINT_INIT;
        record->id = (char *)import->id;
        TRY(instant_new(c, import->started_us, &record->start_time));
        record->done_row_number = done_row_number;
        record->finished = finished;
        return tx_insert_import_checkpoint(tx, record);
    }
    TRY(s);
    if (done_row_number > record->done_row_number) /* a twin of this import may be further */
        record->done_row_number = done_row_number;
    record->finished = finished;
    return tx_update_import_checkpoint(tx, record);
}

struct opening {
    const ImportOpen *in;
    struct import *import;
};

static enum status open_unit(struct call *c, struct tx *tx, void *arg)
{
    struct opening *k = arg;
    ImportCheckpoint *known;
    enum status s = tx_get_import_checkpoint(tx, str_of(k->in->import_id), &known);

    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        k->import->done_row_number = 0;
        return k->import->validate_only ? STATUS_OK : checkpoint_put(c, tx, k->import, 0, false);
    }
    TRY(s);
    if (!k->in->resume) {
        call_detail(c, FAULT_FIELD, "import.resume", STR("open.import_id"),
                    "must be new, or resume must be set");
        return call_fail_as(c, STATUS_EXISTS, "IMPORT_ID_REUSED",
                            "there is such an import already");
    }
    k->import->done_row_number = known->done_row_number;
    return STATUS_OK;
}

enum status import_open(struct call *c, struct agents *a, const ImportOpen *in, struct import *out)
{
    struct opening k = {in, out};

    *out = (struct import){.policy = in->duplicate_policy,
                           .validate_only = in->validate_only,
                           .started_us = call_now_us(c),
                           .counts = IMPORT_SUMMARY_INIT};
    snprintf(out->id, sizeof out->id, "%s", in->import_id);
    return store_run(a->store, c, STORE_WRITE, open_unit, &k);
}

static enum status prepare_row(struct call *c, const TenantPolicy *policy, const ImportRow *in,
                               struct row *out)
{
    enum status s;

    out->number = in->row_number;
    if (!in->lead) {
        call_detail(c, FAULT_FIELD, "required", STR("lead"), "is required");
        s = call_fail_as(c, STATUS_INVALID, "ROW_UNREADABLE", "the row could not be read");
    } else {
        s = validate(c, LEAD_RULES, &in->lead->base);
        if (s == STATUS_OK)
            s = lead_prepare(c, policy, in->lead, &out->draft);
    }
    if (s == STATUS_OK)
        return STATUS_OK;
    if (!item_error_is_own(s))
        return s;
    out->draft.lead = NULL;
    return (out->refusal = item_error_take(c, STR("lead."))) ? STATUS_OK : c->fault.status;
}

/* Ids on record for one key of all rows. */
static enum status look_up(struct call *c, struct tx *tx, struct batch *b, int key)
{
    str *values = NEW(&c->arena, str, b->n_rows);
    bool any = false;

    b->known[key] = NEW(&c->arena, struct uuid, b->n_rows);
    if (!values || !b->known[key])
        return call_nomem(c);
    for (size_t i = 0; i < b->n_rows; i++) {
        if (b->rows[i].draft.lead)
            values[i] = lead_key(&b->rows[i].draft.keys, &lead_match_keys[key]);
        any |= values[i].n > 0;
    }
    return any ? tx_find_ids(tx, lead_match_keys[key].column, values, b->n_rows, b->known[key])
               : STATUS_OK;
}

/* The lead that row i repeats: one on record or an earlier row of the batch. */
static enum status find_known(struct tx *tx, struct batch *b, struct key_set *seen, size_t i,
                              struct lead_stored *out)
{
    static const struct uuid none;
    int n_keys = b->import->policy == DUPLICATE_POLICY_KEEP_BOTH ? 1 : LEAD_MATCH_KEYS;

    *out = (struct lead_stored){.lead = NULL};
    for (int k = 0; k < n_keys; k++) {
        str key = lead_key(&b->rows[i].draft.keys, &lead_match_keys[k]);
        int earlier = key.n ? key_set_find(seen, (unsigned)k, key) : KEY_SET_NONE;

        out->reason = lead_match_keys[k].reason;
        if (earlier != KEY_SET_NONE) {
            out->lead = b->rows[earlier].settled;
            return STATUS_OK;
        }
        if (memcmp(&b->known[k][i], &none, sizeof none) != 0) {
            char id[UUID_TEXT_BYTES + 1];

            uuid_format(b->known[k][i], id);
            return tx_get_lead(tx, (str){id, UUID_TEXT_BYTES}, &out->lead);
        }
    }
    out->reason = MATCH_REASON_UNSPECIFIED;
    return STATUS_OK;
}

/* Does key k of row i belong to another lead than `lead`? */
static bool is_elsewhere(const struct batch *b, const struct key_set *seen, size_t i, int k,
                         const Lead *lead)
{
    static const struct uuid none;
    str key = lead_key(&b->rows[i].draft.keys, &lead_match_keys[k]);
    int earlier = key.n ? key_set_find(seen, (unsigned)k, key) : KEY_SET_NONE;
    struct uuid id;

    if (earlier != KEY_SET_NONE) {
        const Lead *other = b->rows[earlier].settled;

        return other != lead && (!*other->id || strcmp(other->id, lead->id) != 0);
    }
    if (memcmp(&b->known[k][i], &none, sizeof none) == 0)
        return false;
    return !uuid_parse(str_of(lead->id), &id) || memcmp(&id, &b->known[k][i], sizeof id) != 0;
}

/* Two leads must not get the same unique key: the store would refuse the whole batch, each time it
 * comes, where only this row is wrong. */
static enum status check_keys(struct call *c, struct batch *b, const struct key_set *seen, size_t i,
                              const Lead *known)
{
    struct lead_keys keys;

    if (!known || (b->import->policy != DUPLICATE_POLICY_FILL &&
                   b->import->policy != DUPLICATE_POLICY_OVERWRITE))
        return STATUS_OK;
    keys = lead_keys_of(&c->arena, known);
    for (int k = 0; k < LEAD_MATCH_KEYS; k++) {
        const struct column_info *column = column_info(lead_match_keys[k].column);

        if (!(column->flags & (COLUMN_UNIQUE | COLUMN_DEDUPE)) ||
            (b->import->policy == DUPLICATE_POLICY_FILL && lead_key(&keys, &lead_match_keys[k]).n))
            continue;
        if (!is_elsewhere(b, seen, i, k, known))
            continue;
        call_detail(c, FAULT_FIELD, "lead.duplicate", str_of(column->name),
                    "belongs to another lead than the one that the row would change");
        return call_fail_as(c, STATUS_EXISTS, "DUPLICATE_LEAD", "the row fits two leads on record");
    }
    return STATUS_OK;
}

/* What row i made of a lead: later rows of the batch find it by its keys. */
static void remember(struct key_set *seen, size_t i, const struct lead_keys *keys)
{
    for (int k = 0; k < LEAD_MATCH_KEYS; k++) {
        str key = lead_key(keys, &lead_match_keys[k]);

        if (key.n)
            key_set_add(seen, (unsigned)k, key, (int)i);
    }
}

/* What is wrong with this row alone, others may go on. */
static bool is_of_row(const struct call *c, enum status s)
{
    str reason = str_of(c->fault.reason ? c->fault.reason : "");

    return (s == STATUS_EXISTS && str_eq(reason, STR("DUPLICATE_LEAD"))) ||
           (s == STATUS_PRECONDITION && str_eq(reason, STR("LEGAL_HOLD")));
}

static enum status store_row(struct call *c, struct tx *tx, struct batch *b, struct key_set *seen,
                             size_t i)
{
    struct row *row = &b->rows[i];
    struct lead_stored stored;
    enum status s;

    TRY(find_known(tx, b, seen, i, &stored));
    s = check_keys(c, b, seen, i, stored.lead);
    if (s == STATUS_OK && !b->import->validate_only)
        s = lead_settle(tx, &row->draft, b->import->policy, stored.lead, &stored);
    if (b->import->validate_only && !stored.lead)
        stored = (struct lead_stored){.lead = row->draft.lead, .created = true};
    if (is_of_row(c, s)) {
        row->result->outcome = IMPORT_OUTCOME_FAILED;
        row->result->match_reason = stored.reason;
        row->result->error = item_error_take(c, STR("lead."));
        return row->result->error ? STATUS_OK : c->fault.status;
    }
    TRY(s);
    row->result->outcome = stored.created   ? IMPORT_OUTCOME_CREATED
                           : stored.updated ? IMPORT_OUTCOME_UPDATED
                                            : IMPORT_OUTCOME_DUPLICATE;
    row->result->match_reason = stored.reason;
    row->result->lead_id = b->import->validate_only && stored.created
                               ? (char *)protobuf_c_empty_string
                               : stored.lead->id;
    row->settled = stored.lead;
    if (stored.updated)
        row->draft.keys = lead_keys_of(&c->arena, stored.lead);
    if (stored.created || stored.updated)
        remember(seen, i, &row->draft.keys);
    return STATUS_OK;
}

static enum status take_row(struct call *c, struct tx *tx, struct batch *b, struct key_set *seen,
                            size_t i)
{
    struct row *row = &b->rows[i];

    if ((row->result = NEW(&c->arena, ImportRowResult, 1)) == NULL)
        return call_nomem(c);
    *row->result = (ImportRowResult)IMPORT_ROW_RESULT_INIT;
    row->result->row_number = row->number;
    if (row->number > b->import->done_row_number && row->draft.lead)
        return store_row(c, tx, b, seen, i);
    row->result->outcome = row->number <= b->import->done_row_number ? IMPORT_OUTCOME_ALREADY_DONE
                                                                     : IMPORT_OUTCOME_FAILED;
    if (row->result->outcome == IMPORT_OUTCOME_FAILED)
        row->result->error = row->refusal;
    return STATUS_OK;
}

static enum status rows_unit(struct call *c, struct tx *tx, void *arg)
{
    struct batch *b = arg;
    struct key_set seen;
    uint64_t done = b->import->done_row_number;

    if (b->preparation)
        tx_use_prepared(tx, b->preparation);
    for (int k = 0; k < LEAD_MATCH_KEYS; k++)
        TRY(look_up(c, tx, b, k));
    if (!key_set_init(&seen, &c->arena, b->n_rows * LEAD_MATCH_KEYS))
        return call_nomem(c);
    for (size_t i = 0; i < b->n_rows; i++) {
        TRY(take_row(c, tx, b, &seen, i));
        done = b->rows[i].number > done ? b->rows[i].number : done;
    }
    return b->import->validate_only ? STATUS_OK : checkpoint_put(c, tx, b->import, done, false);
}

static enum status check_order(struct call *c, const ImportRows *in)
{
    for (size_t i = 1; i < in->n_rows; i++)
        if (in->rows[i]->row_number <= in->rows[i - 1]->row_number) {
            call_detail(c, FAULT_FIELD, "import.order", STR("rows.rows.row_number"),
                        "must ascend from row to row");
            return call_fail_as(c, STATUS_INVALID, "VALIDATION", "row numbers do not ascend");
        }
    return STATUS_OK;
}

static void count(ImportSummary *s, const ImportRowResult *r)
{
    s->rows++;
    s->created += r->outcome == IMPORT_OUTCOME_CREATED;
    s->updated += r->outcome == IMPORT_OUTCOME_UPDATED;
    s->duplicates += r->outcome == IMPORT_OUTCOME_DUPLICATE;
    s->failed += r->outcome == IMPORT_OUTCOME_FAILED;
    s->already_done += r->outcome == IMPORT_OUTCOME_ALREADY_DONE;
}

static enum status prepare_rows(struct call *c, struct agents *a, const ImportRows *in,
                                struct batch *b)
{
    const TenantPolicy *policy;

    TRY(check_order(c, in));
    TRY(policy_get(c, a->policies, &policy));
    if ((b->rows = NEW(&c->arena, struct row, in->n_rows + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < in->n_rows; i++)
        TRY(prepare_row(c, policy, in->rows[i], &b->rows[i]));
    return STATUS_OK;
}

static enum status ready_rows(struct call *c, struct tx *tx, void *arg)
{
    struct batch *b = arg;

    (void)c;
    for (size_t i = 0; i < b->n_rows; i++)
        if (b->rows[i].draft.lead && b->rows[i].number > b->import->done_row_number)
            TRY(lead_ready(tx, &b->rows[i].draft));
    return STATUS_OK;
}

/* Readies new leads before the unit, where an import has some: work in vain for all others. */
static enum status ready(struct call *c, struct agents *a, struct batch *b)
{
    if (b->import->validate_only || b->import->repeats)
        return STATUS_OK;
    return store_prepare(a->store, c, ready_rows, b, &b->preparation);
}

/* What was committed: results for the client, counts and mark for the import. */
static enum status collect(struct call *c, const struct batch *b, ImportResults *out)
{
    struct import *import = b->import;
    uint64_t created = import->counts.created;

    if ((out->results = NEW(&c->arena, ImportRowResult *, b->n_rows + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < b->n_rows; i++) {
        out->results[i] = b->rows[i].result;
        count(&import->counts, b->rows[i].result);
        if (b->rows[i].number > import->done_row_number)
            import->done_row_number = b->rows[i].number;
    }
    out->n_results = b->n_rows;
    import->repeats = (import->counts.created - created) * 2 < b->n_rows;
    return STATUS_OK;
}

enum status import_rows(struct call *c, struct agents *a, struct import *import,
                        const ImportRows *in, ImportResults *out)
{
    struct batch b = {.agents = a, .import = import, .n_rows = in->n_rows};
    enum store_mode mode = import->validate_only ? STORE_READ : STORE_WRITE;

    c->request_id = import->id; /* that is what the audit trail names */
    TRY(prepare_rows(c, a, in, &b));
    TRY(ready(c, a, &b));
    TRY(store_run(a->store, c, mode, rows_unit, &b));
    if (mode == STORE_WRITE)
        feed_tell(a->feed, c->principal.tenant_id);
    return collect(c, &b, out);
}

static enum status finish_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct import *import = arg;

    return checkpoint_put(c, tx, import, import->done_row_number, true);
}

enum status import_finish(struct call *c, struct agents *a, struct import *import,
                          ImportSummary *out)
{
    if (!import->validate_only)
        TRY(store_run(a->store, c, STORE_WRITE, finish_unit, import));
    *out = import->counts;
    return duration_new(c, call_now_us(c) - import->started_us, &out->elapsed);
}
