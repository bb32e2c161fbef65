/* Two passes in pages: which leads are cases and as of when (leads alone), then their vectors. */
#include "workflow/training_data.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/enrichment.h"
#include "agent/instant.h"
#include "domain/outcome.h"
#include "model/numeric.h"
#include "store/apart.h"
#include "store/records.h"
#include "workflow/lead_past.h"

enum { LIST_PAGE = 200, READ_PAGE = 50, TOKEN_BYTES = 1024, AT_ONCE_IN = 4 };

struct lead_case {
    struct uuid id;
    int64_t as_of_us, outcome_us;
    bool won;
};

/* A collection under way. */
struct collection {
    struct call *call;
    struct agents *agents;
    const struct training_ask *ask;
    struct training_data *out;
    const TenantPolicy *tenant;
    const QualificationPolicy *policy;
    int64_t now_us, from_us, until_us;
    char token[TOKEN_BYTES + 1];
    bool is_last_page;
    uint64_t n_leads;
    size_t n_cases, n_recent;
    struct lead_case *cases;  /* owned; [n_cases <= TRAINING_CASES_MAX] */
    struct lead_case *recent; /* owned; [n_recent <= TRAINING_RECENT_MAX] */
};

/* The second pass over one of the two lists. */
struct reading {
    struct collection *k;
    struct feature_frame *frame;
    const struct lead_case *cases;
    size_t n;
    size_t done, n_rows; /* cases behind us, and the rows that they are */
    size_t next;         /* as done, in the unit under way */
};

static int64_t begin_us(const Lead *l)
{
    return moment_us(l->created_at, moment_us(l->create_time, INT64_MIN));
}

/* A point of the lead's life while it was open, drawn by its id. */
static int64_t draw_us(const struct uuid *id, int64_t begin, int64_t latest)
{
    uint64_t h = numeric_hash_bytes(id->b, sizeof id->b);
    double share = (double)(h >> 11) * 0x1p-53;

    if (latest <= begin || h % AT_ONCE_IN == 0)
        return begin;
    return begin + (int64_t)(share * (double)(latest - begin));
}

static bool is_known(const Lead *l)
{
    return (l->outcome == LEAD_OUTCOME_WON || l->outcome == LEAD_OUTCOME_LOST) &&
           !*l->merged_into_id;
}

static bool is_open(const Lead *l)
{
    return l->outcome == LEAD_OUTCOME_UNSPECIFIED && !l->closed_at && !*l->merged_into_id &&
           l->status != LEAD_STATUS_CONVERTED;
}

static void take_lead(struct collection *k, const Lead *l)
{
    struct lead_case x = {.won = l->outcome == LEAD_OUTCOME_WON};
    int64_t begin = begin_us(l), latest = outcome_latest_as_of_us(l);

    if (begin == INT64_MIN || !uuid_parse(str_of(l->id), &x.id))
        return;
    if (is_open(l) && k->recent && k->n_recent < TRAINING_RECENT_MAX && begin <= k->now_us) {
        x.as_of_us = x.outcome_us = k->now_us;
        k->recent[k->n_recent++] = x;
    }
    if (!is_known(l))
        return;
    latest = latest < k->now_us ? latest : k->now_us;
    x.outcome_us = latest > begin ? latest : begin;
    x.as_of_us = draw_us(&x.id, begin, latest);
    if (x.outcome_us >= k->from_us && x.outcome_us < k->until_us)
        k->cases[k->n_cases++] = x;
}

/* From k[0] to k[1]: it may run again. */
static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct collection *k = arg, *next = k + 1;
    struct list_page page;

    *next = *k;
    TRY(tx_list(tx, RECORD_LEAD,
                &(struct list_query){.page_size = LIST_PAGE, .page_token = str_of(k->token)},
                &page));
    for (size_t i = 0; i < page.n_items && next->n_cases < TRAINING_CASES_MAX; i++)
        take_lead(next, (const Lead *)page.items[i]);
    next->n_leads += page.n_items;
    if (strlen(page.next_page_token) > TOKEN_BYTES)
        return call_fail(c, STATUS_INTERNAL, "a page token is too long");
    snprintf(next->token, sizeof next->token, "%s", page.next_page_token);
    next->is_last_page = !*next->token;
    return STATUS_OK;
}

/* The first pass. */
static enum status list_cases(struct collection *k)
{
    struct collection step[2];

    while (!k->is_last_page && k->n_cases < TRAINING_CASES_MAX && k->n_leads < TRAINING_LEADS_MAX) {
        step[0] = *k;
        TRY(store_run_apart(k->agents->store, k->call, CALL_ARENA_BYTES, list_unit, step,
                            STORE_READ));
        *k = step[1];
        if (k->ask)
            TRY(k->ask->go_on(k->ask->arg, 0, 0));
    }
    return STATUS_OK;
}

static void note_denied(struct training_data *d, const struct feature_vector *v)
{
    for (size_t i = 0; i < v->n_caveats; i++) {
        str name = str_sub(str_of(v->caveats[i].name), 0, TRAINING_NAME_BYTES);
        bool is_new = d->n_denied < TRAINING_DENIED_MAX;

        for (size_t k = 0; k < d->n_denied; k++)
            is_new = is_new && !str_eq(str_of(d->denied[k]), name);
        if (is_new)
            snprintf(d->denied[d->n_denied++], TRAINING_NAME_BYTES + 1, STR_FMT, STR_ARG(name));
    }
}

static enum status add_lead(struct tx *tx, struct reading *r, const Lead *lead,
                            const struct lead_case *x)
{
    struct call *c = tx_call(tx);
    struct enrichment_found facts;
    struct score_input in;
    struct feature_vector v;
    struct refusal why;
    enum status s;

    TRY(lead_past_read(tx, lead, x->as_of_us, &in));
    in.policy = r->k->policy;
    TRY(enrichment_facts(tx,
                         &(struct enrichment_ask){r->k->agents, r->k->tenant, x->as_of_us, false},
                         lead, &facts));
    in.facts = facts.items;
    in.n_facts = facts.n;
    s = feature_vector_make(&c->arena, &in, &v, &why);
    if (s == STATUS_INVALID) /* its dates were changed since the first pass */
        return STATUS_OK;
    if (s != STATUS_OK)
        return call_nomem(c);
    note_denied(r->k->out, &v);
    if (feature_frame_add(r->frame, &v,
                          (struct frame_row){.label = x->won,
                                             .time_us = x->outcome_us,
                                             .key = numeric_hash_bytes(x->id.b, sizeof x->id.b)}) !=
        STATUS_OK)
        return call_fail_as(c, STATUS_EXHAUSTED, "TRAINING_SIZE",
                            "the cases and their attributes are over what a training may hold");
    return STATUS_OK;
}

/* Takes rows of a run that was undone off again. */
static void rewind_rows(struct reading *r)
{
    struct frame *f = &r->frame->frame;

    for (size_t i = r->n_rows; i < f->n_rows; i++)
        for (size_t k = 0; k < f->n_columns; k++)
            frame_set_missing(f, i, k);
    f->n_rows = r->n_rows;
    r->next = r->done;
}

static enum status read_leads(struct tx *tx, const struct reading *r, size_t n,
                              ProtobufCMessage **leads)
{
    struct call *c = tx_call(tx);
    str ids[READ_PAGE];

    for (size_t i = 0; i < n; i++) {
        char *text = uuid_text(&c->arena, r->cases[r->next + i].id);

        if (!text)
            return call_nomem(c);
        ids[i] = str_of(text);
    }
    return tx_get_many(tx, RECORD_LEAD, ids, n, leads);
}

/* Some leads; fewer when the unit's memory is half full: the rest is for the next unit. */
static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    size_t n = r->n - r->done < READ_PAGE ? r->n - r->done : READ_PAGE;
    ProtobufCMessage *leads[READ_PAGE] = {NULL};

    rewind_rows(r);
    TRY(read_leads(tx, r, n, leads));
    for (size_t i = 0; i < n && (i == 0 || c->arena.total < c->arena.limit / 2); i++, r->next++)
        if (leads[i])
            TRY(add_lead(tx, r, (const Lead *)leads[i], &r->cases[r->next]));
    return STATUS_OK;
}

static enum status read_cases(struct reading *r)
{
    struct collection *k = r->k;

    if (feature_frame_init(r->frame, &k->out->arena, r->n ? r->n : 1) != STATUS_OK)
        return call_nomem(k->call);
    while (r->done < r->n) {
        TRY(store_run_apart(k->agents->store, k->call, CALL_ARENA_BYTES, read_unit, r, STORE_READ));
        r->done = r->next;
        r->n_rows = r->frame->frame.n_rows;
        TRY(k->ask->go_on(k->ask->arg, r->done, r->n));
    }
    return STATUS_OK;
}

static enum status collect(struct collection *k)
{
    struct training_data *out = k->out;

    k->cases = calloc(TRAINING_CASES_MAX, sizeof *k->cases);
    k->recent = calloc(TRAINING_RECENT_MAX, sizeof *k->recent);
    if (!k->cases || !k->recent)
        return call_nomem(k->call);
    TRY(list_cases(k));
    out->is_capped = !k->is_last_page;
    TRY(read_cases(
        &(struct reading){.k = k, .frame = &out->recent, .cases = k->recent, .n = k->n_recent}));
    return read_cases(
        &(struct reading){.k = k, .frame = &out->cases, .cases = k->cases, .n = k->n_cases});
}

enum status training_data_collect(struct call *c, struct agents *a, const struct training_ask *ask,
                                  struct training_data *out)
{
    struct collection k = {.call = c, .agents = a, .ask = ask, .out = out};
    const TimeRange *w = ask->window;
    const TenantPolicy *policy;
    enum status s;

    *out = (struct training_data){.n_denied = 0};
    arena_init(&out->arena, TRAINING_DATA_BYTES);
    TRY(policy_get(c, a->policies, &policy));
    k.tenant = policy;
    k.policy = policy->qualification;
    k.now_us = call_now_us(c);
    k.from_us = w ? moment_us(w->start_time, INT64_MIN) : INT64_MIN;
    k.until_us = w ? moment_us(w->end_time, INT64_MAX) : INT64_MAX;
    s = collect(&k);
    free(k.cases);
    free(k.recent);
    return s;
}

void training_data_release(struct training_data *d)
{
    arena_release(&d->arena);
}

enum status training_data_count(struct call *c, struct agents *a, uint64_t *out)
{
    struct collection k = {.call = c, .agents = a, .now_us = call_now_us(c)};
    enum status s;

    *out = 0;
    k.from_us = INT64_MIN;
    k.until_us = INT64_MAX;
    if ((k.cases = calloc(TRAINING_CASES_MAX, sizeof *k.cases)) == NULL)
        return call_nomem(c);
    s = list_cases(&k);
    *out = k.n_cases;
    free(k.cases);
    return s;
}
