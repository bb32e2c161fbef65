/* Walks the person's leads, and of each what person_finds leads to, a page per unit. */
#include <stdlib.h>

#include "agent/person_place.h"
#include "agent/person_scrub.h"
#include "agent/policy.h"
#include "agent/subject.h"
#include "base/buf.h"
#include "domain/compliance.h"
#include "domain/moment.h"
#include "schema/json.h"
#include "store/record_info.h"
#include "store/records.h"

enum { PAGE = 50 }; /* records of a message; one that would be too large has fewer */

struct subject_export {
    char ids[SUBJECT_LEADS_MAX][UUID_TEXT_BYTES + 1];
    size_t n_ids, lead;
    size_t part; /* 0: the lead itself; then its finds; at last the notes of its deals */
    int32_t page_size;
    char *token; /* owned; of the next page of this part, or "" */
    char *deal;  /* owned; in the last part: the token of the deal, or "" for the first */
    uint64_t records;
};

struct find {
    const Subject *who;
    struct subject_export *x;
    int64_t most; /* exports of a day */
};

/* One more today; a counter per day. */
static enum status count_export(struct tx *tx, int64_t most)
{
    struct call *c = tx_call(tx);
    const char *name = arena_printf(&c->arena, "subject_exports_%lld",
                                    (long long)(call_now_us(c) / MOMENT_DAY_US));
    int64_t n;

    if (!name)
        return call_nomem(c);
    TRY(tx_counter_next(tx, name, &n));
    if (n <= most)
        return STATUS_OK;
    return call_fail_as(c, STATUS_EXHAUSTED, "SUBJECT_EXPORTS",
                        "more than %lld people were to be exported today", (long long)most);
}

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct find *k = arg;
    struct subject_leads who;

    (void)c;
    k->x->n_ids = 0;
    TRY(subject_find(tx, k->who, &who));
    TRY(count_export(tx, k->most));
    for (size_t i = 0; i < who.n_leads; i++) {
        struct uuid id;

        if (!uuid_parse(str_of(who.leads[i]->id), &id))
            return call_fail(c, STATUS_INTERNAL, "a lead without an id");
        uuid_format(id, k->x->ids[k->x->n_ids++]);
    }
    return subject_audit(tx, &who, "export", NULL);
}

enum status subject_export_open(struct call *c, struct agents *a, const Subject *who,
                                struct subject_export **out)
{
    struct subject_export *x;
    const TenantPolicy *policy;
    struct find find = {.who = who};
    enum status s;

    *out = NULL;
    TRY(policy_get(c, a->policies, &policy));
    find.most = compliance_max(policy, COMPLIANCE_MAX_SUBJECT_EXPORTS);
    find.x = x = calloc(1, sizeof *x);
    if (!x || !(x->token = strdup("")) || !(x->deal = strdup(""))) {
        subject_export_close(x);
        return call_nomem(c);
    }
    x->page_size = PAGE;
    s = store_run(a->store, c, STORE_WRITE, find_unit, &find);
    if (s != STATUS_OK) {
        subject_export_close(x);
        return s;
    }
    *out = x;
    return STATUS_OK;
}

struct reading {
    const struct subject_export *x;
    const char *kind;
    size_t n_parts; /* of this lead; 0: it is gone */
    struct list_page page;
    const char *next_deal; /* in the last part; NULL elsewhere */
};

/* Whether `find` leads to the deal. */
static bool leads_to(struct arena *a, const struct person_find *find, const Deal *d)
{
    bool found = find->column == DEAL_BY_lead_id && strcasecmp(d->lead_id, find->value.p) == 0;

    for (size_t i = 0; !found && i < d->n_contacts; i++)
        found = (find->column == DEAL_BY_contact_leads &&
                 strcasecmp(d->contacts[i]->lead_id, find->value.p) == 0) ||
                (find->column == DEAL_BY_contact_emails &&
                 person_same_mailbox(a, d->contacts[i]->email, find->value.p));
    return found;
}

/* Takes out the deals that an earlier find has led to, and of somebody else's what is theirs. */
static enum status own_part(struct call *c, const Lead *lead, const struct person_find *finds,
                            struct reading *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->page.n_items; i++) {
        Deal *d = (Deal *)r->page.items[i];
        bool is_known = false;

        for (size_t j = 0; !is_known && j + 1 < r->x->part; j++)
            is_known = leads_to(&c->arena, &finds[j], d);
        if (is_known)
            continue;
        if (!person_owns(lead, d) && (d = person_excerpt(&c->arena, lead, d)) == NULL)
            return call_nomem(c);
        r->page.items[n++] = &d->base;
    }
    r->page.n_items = n;
    return STATUS_OK;
}

/* The activities of one deal of the lead that name no lead. */
static enum status read_notes(struct tx *tx, struct reading *r)
{
    const struct list_where of_lead = {.column = DEAL_BY_lead_id,
                                       .text = str_of(r->x->ids[r->x->lead])};
    struct list_where of_deal = {.column = ACTIVITY_BY_deal_id};
    struct list_query q = {.page_size = 1,
                           .page_token = str_of(r->x->deal),
                           .order_by = STR("create_time"),
                           .where = &of_lead,
                           .n_where = 1};
    struct list_page deals;
    size_t n = 0;

    r->kind = "activity";
    TRY(tx_list(tx, RECORD_DEAL, &q, &deals));
    r->next_deal = deals.next_page_token;
    r->page = (struct list_page){.next_page_token = ""};
    if (!deals.n_items)
        return STATUS_OK;
    of_deal.text = str_of(((const Deal *)deals.items[0])->id);
    q.page_size = r->x->page_size;
    q.page_token = str_of(r->x->token);
    q.where = &of_deal;
    TRY(tx_list(tx, RECORD_ACTIVITY, &q, &r->page));
    for (size_t i = 0; i < r->page.n_items; i++)
        if (!*((const Activity *)r->page.items[i])->lead_id)
            r->page.items[n++] = r->page.items[i];
    r->page.n_items = n;
    return STATUS_OK;
}

/* What is shown of a record that is more than that. What a replay starts from repeats the records,
 * which are exported themselves. */
static void show_own(enum record_kind kind, struct list_page *page)
{
    for (size_t i = 0; i < page->n_items; i++) {
        ProtobufCMessage *m = page->items[i];

        if (kind == RECORD_DECISION)
            page->items[i] = &((DecisionRecord *)m)->decision->base;
        if (kind == RECORD_RECOMMENDATION)
            page->items[i] = &((RecommendationRecord *)m)->recommendation->base;
    }
}

static enum status read_part(struct call *c, struct tx *tx, struct reading *r, Lead *lead)
{
    struct person_find finds[PERSON_FINDS_MAX];
    struct list_where where;
    struct list_query q = {.page_size = r->x->page_size,
                           .page_token = str_of(r->x->token),
                           .order_by = STR("create_time"),
                           .where = &where,
                           .n_where = 1};
    const struct person_find *find;

    r->n_parts = 2 + person_finds(lead, finds);
    if (r->x->part == 0) {
        r->kind = "lead";
        r->page = (struct list_page){
            .items = NEW(&c->arena, ProtobufCMessage *, 1), .n_items = 1, .next_page_token = ""};
        if (!r->page.items)
            return call_nomem(c);
        r->page.items[0] = &lead->base;
        return STATUS_OK;
    }
    if (r->x->part + 1 >= r->n_parts) /* or behind it: an address went meanwhile */
        return read_notes(tx, r);
    find = &finds[r->x->part - 1];
    r->kind = record_info(find->kind)->table;
    where = (struct list_where){.column = find->column, .text = find->value};
    TRY(tx_list(tx, find->kind, &q, &r->page));
    show_own(find->kind, &r->page);
    return find->kind == RECORD_DEAL ? own_part(c, lead, finds, r) : STATUS_OK;
}

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    enum status s;
    Lead *lead;

    r->page = (struct list_page){.next_page_token = ""};
    r->n_parts = 0;
    r->next_deal = NULL;
    s = tx_get_lead(tx, str_of(r->x->ids[r->x->lead]), &lead);
    if (s == STATUS_OK)
        return read_part(c, tx, r, lead);
    if (s == STATUS_NOT_FOUND)
        call_clear(c); /* erased while it was being exported */
    return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status put_line(struct call *c, const char *kind, const ProtobufCMessage *m,
                            struct buf *b)
{
    buf_printf(b, "{\"kind\":\"%s\",\"record\":", kind);
    TRY(message_to_json(&c->arena, m, b));
    buf_put(b, STR("}\n"));
    return STATUS_OK;
}

/* The page as lines; false in *fits: they are too many bytes for one message. */
static enum status write_lines(struct call *c, const struct reading *r, str *out, bool *fits)
{
    struct buf b;
    enum status s = STATUS_OK;

    buf_init(&b, &c->arena, SUBJECT_LINES_BYTES);
    for (size_t i = 0; s == STATUS_OK && i < r->page.n_items; i++)
        s = put_line(c, r->kind, r->page.items[i], &b);
    *fits = s == STATUS_OK && buf_ok(&b);
    *out = *fits ? buf_str(&b) : (str){0};
    if (*fits || r->page.n_items <= 1)
        return s == STATUS_OK && !*fits ? call_nomem(c) : s;
    if (s == STATUS_EXHAUSTED)
        call_clear(c);
    return s == STATUS_EXHAUSTED ? STATUS_OK : s;
}

static enum status keep(struct call *c, char **token, const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        return call_nomem(c);
    free(*token);
    *token = copy;
    return STATUS_OK;
}

/* Behind the page: the next one, the next deal, the next part, or the next lead. */
static enum status move_on(struct call *c, struct subject_export *x, const struct reading *r)
{
    TRY(keep(c, &x->token, r->page.next_page_token));
    if (*x->token)
        return STATUS_OK;
    TRY(keep(c, &x->deal, r->next_deal ? r->next_deal : ""));
    if (*x->deal)
        return STATUS_OK;
    if (++x->part >= r->n_parts) {
        x->part = 0;
        x->lead++;
    }
    x->page_size = PAGE;
    return STATUS_OK;
}

enum status subject_export_next(struct call *c, struct agents *a, struct subject_export *x,
                                ExportSubjectResponse *out)
{
    str lines = {0};
    bool fits;

    while (!lines.n && x->lead < x->n_ids) {
        struct reading r = {.x = x};

        TRY(store_run(a->store, c, STORE_READ, read_unit, &r));
        TRY(write_lines(c, &r, &lines, &fits));
        if (!fits) {
            x->page_size = x->page_size > 8 ? x->page_size / 8 : 1;
            continue;
        }
        x->records += r.page.n_items;
        TRY(move_on(c, x, &r));
    }
    out->json_lines = (ProtobufCBinaryData){lines.n, (uint8_t *)lines.p};
    out->records = x->records;
    return STATUS_OK;
}

void subject_export_close(struct subject_export *x)
{
    if (!x)
        return;
    free(x->token);
    free(x->deal);
    free(x);
}
