/* Walks the person's leads, and of each its activities and deals, a page per unit. */
#include <stdlib.h>

#include "agent/subject.h"
#include "base/buf.h"
#include "schema/json.h"
#include "store/records.h"

enum { PAGE = 50 }; /* records of a message; one that would be too large has fewer */

/* What is exported of a lead, in this order. */
static const struct part {
    const char *name;
    enum record_kind kind;
    enum record_column column; /* COLUMN_NONE: the lead itself */
} parts[] = {
    {"lead", RECORD_LEAD, COLUMN_NONE},
    {"activity", RECORD_ACTIVITY, ACTIVITY_BY_lead_id},
    {"deal", RECORD_DEAL, DEAL_BY_lead_id},
    {"activity", RECORD_ACTIVITY, ACTIVITY_BY_deal_id}, /* of its deals, those that name no lead */
};

enum { PARTS = sizeof parts / sizeof *parts };

struct subject_export {
    char ids[SUBJECT_LEADS_MAX][UUID_TEXT_BYTES + 1];
    size_t n_ids, lead, part;
    int32_t page_size;
    char *token; /* owned; of the next page of this part, or "" */
    char *deal;  /* owned; in the last part: the token of the deal, or "" for the first */
    uint64_t records;
};

struct find {
    const Subject *who;
    struct subject_export *x;
};

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct find *k = arg;
    struct subject_leads who;

    (void)c;
    k->x->n_ids = 0;
    TRY(subject_find(tx, k->who, &who));
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
    struct subject_export *x = calloc(1, sizeof *x);
    enum status s;

    *out = NULL;
    if (!x || !(x->token = strdup("")) || !(x->deal = strdup(""))) {
        subject_export_close(x);
        return call_nomem(c);
    }
    x->page_size = PAGE;
    s = store_run(a->store, c, STORE_WRITE, find_unit, &(struct find){who, x});
    if (s != STATUS_OK) {
        subject_export_close(x);
        return s;
    }
    *out = x;
    return STATUS_OK;
}

struct reading {
    const struct subject_export *x;
    const struct part *part;
    struct list_page page;
    const char *next_deal; /* in the last part; NULL elsewhere */
};

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

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;
    str id = str_of(r->x->ids[r->x->lead]);
    const struct list_where where = {.column = r->part->column, .text = id};
    const struct list_query q = {.page_size = r->x->page_size,
                                 .page_token = str_of(r->x->token),
                                 .order_by = STR("create_time"),
                                 .where = &where,
                                 .n_where = 1};
    enum status s;

    r->next_deal = NULL;
    if (r->part->column == ACTIVITY_BY_deal_id)
        return read_notes(tx, r);
    if (r->part->column != COLUMN_NONE)
        return tx_list(tx, r->part->kind, &q, &r->page);
    r->page = (struct list_page){NEW(&c->arena, ProtobufCMessage *, 1), 1, ""};
    if (!r->page.items)
        return call_nomem(c);
    s = tx_get(tx, r->part->kind, id, &r->page.items[0]);
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c); /* erased while it was being exported */
    r->page.n_items = 0;
    return STATUS_OK;
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
        s = put_line(c, r->part->name, r->page.items[i], &b);
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
    x->part = (x->part + 1) % PARTS;
    x->lead += x->part == 0;
    x->page_size = PAGE;
    return STATUS_OK;
}

enum status subject_export_next(struct call *c, struct agents *a, struct subject_export *x,
                                ExportSubjectResponse *out)
{
    str lines = {0};
    bool fits;

    while (!lines.n && x->lead < x->n_ids) {
        struct reading r = {.x = x, .part = &parts[x->part]};

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
