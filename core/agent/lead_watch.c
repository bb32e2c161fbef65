/* A cursor into the outbox, a filter, and a token that holds both places and a digest of the
 * filter. */
#include "agent/lead_watch.h"

#include <stdlib.h>

#include "agent/event.h"
#include "agent/instant.h"
#include "base/encode.h"
#include "internal/v1/records.h"
#include "schema/wire.h"
#include "store/match.h"
#include "store/outbox.h"
#include "store/reach.h"

/* Of the leads in one step: far from what a stream may queue, and from the call's memory. */
enum { STEP_BYTES = 1 << 20 };

struct lead_watch {
    struct event_cursor at;
    size_t limit;    /* events to read at once */
    uint64_t digest; /* of the filter's text */
    char filter[FILTER_BYTES_MAX + 1];
};

/* clang-format off */
static const struct {
    const char *event;
    LeadEventType type;
} types[] = {
    {EVENT_LEAD_CREATED,   LEAD_EVENT_TYPE_CREATED},
    {EVENT_LEAD_UPDATED,   LEAD_EVENT_TYPE_UPDATED},
    {EVENT_LEAD_QUALIFIED, LEAD_EVENT_TYPE_QUALIFIED},
    {EVENT_LEAD_CONVERTED, LEAD_EVENT_TYPE_CONVERTED},
    {EVENT_LEAD_ERASED,    LEAD_EVENT_TYPE_ERASED},
};
/* clang-format on */

static LeadEventType type_of(str event)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_eq(event, str_of(types[i].event)))
            return types[i].type;
    return LEAD_EVENT_TYPE_UNSPECIFIED;
}

static uint64_t digest_of(const char *text)
{
    uint64_t h =
        0xcbf29ce484222325U; /* FNV-1a: a token of another filter is a mistake, no attack */

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3U;
    return h;
}

static enum status refuse_token(struct call *c)
{
    call_detail(c, FAULT_FIELD, "resume_token", STR("resume_token"),
                "must be one that a watch with the same filter returned");
    return call_fail_as(c, STATUS_INVALID, "RESUME_TOKEN", "the resume token does not fit");
}

static enum status read_token(struct call *c, const char *text, struct lead_watch *w)
{
    ProtobufCMessage *m;
    str bytes;
    const WatchToken *token;

    if (!base64url_decode(&c->arena, str_of(text), &bytes))
        return refuse_token(c);
    if (wire_unpack(c, &c->arena, WATCH_TOKEN_DESCRIPTOR, bytes, &m) != STATUS_OK) {
        call_clear(c);
        return refuse_token(c);
    }
    token = (const WatchToken *)m;
    if (token->query_digest.len != sizeof w->digest || token->txid < 0 || token->seq < 0 ||
        memcmp(token->query_digest.data, &w->digest, sizeof w->digest) != 0)
        return refuse_token(c);
    w->at = (struct event_cursor){token->txid, token->seq};
    return STATUS_OK;
}

static enum status end_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_end(tx, arg);
}

static enum status check_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_check(tx, *(const struct event_cursor *)arg);
}

/* Goes on where the token says, if all that came since is still there. */
static enum status resume(struct call *c, struct agents *a, const char *token, struct lead_watch *w)
{
    enum status s;

    TRY(read_token(c, token, w));
    s = store_run(a->store, c, STORE_READ, check_unit, &w->at);
    if (s == STATUS_OUT_OF_RANGE)
        call_detail(c, FAULT_FIELD, "resume_token", STR("resume_token"),
                    "is older than the events that are kept; list again, then watch without it");
    return s;
}

enum status lead_watch_open(struct call *c, struct agents *a, const char *filter, const char *token,
                            struct lead_watch **out)
{
    struct lead_watch *w;
    struct record_match *match;
    enum status s;

    *out = NULL;
    TRY(record_match_new(c, RECORD_LEAD, str_of(filter), &match)); /* refuses a bad filter */
    if ((w = calloc(1, sizeof *w)) == NULL)
        return call_nomem(c);
    memcpy(w->filter, filter, strlen(filter) + 1); /* record_match_new refused longer ones */
    w->digest = digest_of(filter);
    w->limit = LEAD_WATCH_EVENTS_MAX;
    s = *token ? resume(c, a, token, w) : store_run(a->store, c, STORE_READ, end_unit, &w->at);
    if (s != STATUS_OK) {
        free(w);
        return s;
    }
    *out = w;
    return STATUS_OK;
}

void lead_watch_close(struct lead_watch *w)
{
    free(w);
}

static enum status token_of(struct call *c, const struct lead_watch *w, struct event_cursor at,
                            char **out)
{
    WatchToken token = WATCH_TOKEN_INIT;
    uint64_t digest = w->digest;
    str bytes;

    token.query_digest = (ProtobufCBinaryData){sizeof digest, (uint8_t *)&digest};
    token.txid = at.txid;
    token.seq = at.seq;
    if (!wire_pack(&c->arena, &token.base, &bytes))
        return call_nomem(c);
    *out = base64url_encode(&c->arena, bytes.p, bytes.n);
    return *out ? STATUS_OK : call_nomem(c);
}

enum status lead_watch_token(struct call *c, const struct lead_watch *w, char **out)
{
    return token_of(c, w, w->at, out);
}

struct reading {
    struct event_cursor after;
    size_t limit;
    struct event_page page;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *k = arg;

    (void)c;
    return tx_event_list(tx, k->after, k->limit, &k->page);
}

/* The message for one event; NULL when the filter leaves it out. */
static enum status message_of(struct call *c, const struct lead_watch *w,
                              const struct record_match *match, const struct event *e,
                              WatchLeadsResponse **out)
{
    ProtobufCMessage *lead;
    LeadEvent *event;
    LeadEventType type = type_of(e->type);

    *out = NULL;
    if (type == LEAD_EVENT_TYPE_UNSPECIFIED || e->body != EVENT_WHOLE)
        return STATUS_OK; /* of an erased lead only the last event is told */
    TRY(wire_unpack(c, &c->arena, LEAD_DESCRIPTOR, e->data, &lead));
    if (!reach_sees(c, RECORD_LEAD, lead) ||
        (type != LEAD_EVENT_TYPE_ERASED && !record_match_test(match, lead)))
        return STATUS_OK;
    *out = NEW(&c->arena, WatchLeadsResponse, 1);
    event = NEW(&c->arena, LeadEvent, 1);
    if (!*out || !event)
        return call_nomem(c);
    *event = (LeadEvent)LEAD_EVENT_INIT;
    event->id = uuid_text(&c->arena, e->id);
    event->type = type;
    event->lead = (Lead *)lead;
    TRY(instant_new(c, e->created_us, &event->time));
    **out = (WatchLeadsResponse)WATCH_LEADS_RESPONSE_INIT;
    (*out)->message_case = WATCH_LEADS_RESPONSE_MESSAGE_EVENT;
    (*out)->event = event;
    return event->id ? token_of(c, w, e->cursor, &(*out)->resume_token) : call_nomem(c);
}

/* Events on record behind the cursor. None, with *more: they need more memory than there is; the
 * next step asks for fewer. */
static enum status read_events(struct call *c, struct agents *a, struct lead_watch *w,
                               struct event_page *out, bool *more)
{
    struct reading k = {.after = w->at, .limit = w->limit};
    enum status s = store_run(a->store, c, STORE_READ, read_unit, &k);

    *out = (struct event_page){.n_events = 0};
    *more = true;
    if (s == STATUS_EXHAUSTED && w->limit > 1 &&
        str_eq(str_of(c->fault.reason), STR("REQUEST_MEMORY"))) {
        call_clear(c);
        w->limit /= 2;
        return STATUS_OK;
    }
    TRY(s);
    *out = k.page;
    *more = k.page.n_events == w->limit;
    if (!*more)
        w->limit = LEAD_WATCH_EVENTS_MAX;
    return STATUS_OK;
}

/* Messages of the page's lead events, as far as STEP_BYTES reach. */
static enum status take_events(struct call *c, struct lead_watch *w,
                               const struct record_match *match, const struct event_page *page,
                               struct lead_watch_page *out)
{
    size_t bytes = 0;

    for (size_t i = 0; i < page->n_events; i++) {
        const struct event *e = &page->events[i];
        WatchLeadsResponse *message = NULL;

        if (bytes > STEP_BYTES) {
            out->more = true;
            return STATUS_OK;
        }
        if (e->kind == RECORD_LEAD)
            TRY(message_of(c, w, match, e, &message));
        if (message)
            out->messages[out->n_messages++] = message;
        bytes += e->kind == RECORD_LEAD ? e->data.n : 0;
        w->at = e->cursor;
    }
    return STATUS_OK;
}

enum status lead_watch_next(struct call *c, struct agents *a, struct lead_watch *w,
                            struct lead_watch_page *out)
{
    struct record_match *match;
    struct event_page page;

    *out = (struct lead_watch_page){.n_messages = 0};
    TRY(read_events(c, a, w, &page, &out->more));
    if (page.n_events == 0)
        return STATUS_OK;
    TRY(record_match_new(c, RECORD_LEAD, str_of(w->filter), &match));
    if ((out->messages = NEW(&c->arena, WatchLeadsResponse *, page.n_events + 1)) == NULL)
        return call_nomem(c);
    return take_events(c, w, match, &page, out);
}
