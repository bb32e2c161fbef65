/* One POST with an id of our own; the status decides what it meant. */
#include "integration/calendar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "integration/http.h"

enum {
    REQUEST_BYTES = 64 << 10,
    ANSWER_BYTES = 16 << 10, /* of an error all that is looked at */
    TIMEOUT_MS = 10000,
    RETRY_AFTER_MAX_S = 3600,
};

struct calendar {
    struct http_client *http;
    struct secret token;
    char *url, *tenant; /* owned; url: of the events */
};

/* Everything but letters, digits and -._~ as %XX: an address has an @. */
static char *events_url(const char *base, const char *calendar_id)
{
    struct arena a;
    struct buf b;
    char *url = NULL;

    arena_init(&a, 64 << 10);
    buf_init(&b, &a, HTTP_URL_BYTES);
    buf_printf(&b, "%s/calendars/", base);
    for (const char *p = calendar_id; *p; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
            strchr("-._~", *p))
            buf_putc(&b, *p);
        else
            buf_printf(&b, "%%%02X", (unsigned)(unsigned char)*p);
    buf_printf(&b, "/events");
    if (buf_ok(&b))
        url = strdup(buf_str(&b).p);
    arena_release(&a);
    return url;
}

enum status calendar_open(struct call *c, const struct calendar_options *o, struct calendar **out)
{
    struct calendar *k = calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return call_nomem(c);
    k->http = o->http;
    k->url = events_url(o->url, o->calendar_id);
    k->tenant = strdup(o->tenant);
    enum status s = secret_open(c, &k->token, o->token);

    if (s == STATUS_OK && (!k->url || !k->tenant))
        s = call_nomem(c);
    if (s != STATUS_OK) {
        calendar_close(k);
        return s;
    }
    *out = k;
    return STATUS_OK;
}

void calendar_close(struct calendar *k)
{
    if (!k)
        return;
    secret_close(&k->token);
    free(k->url);
    free(k->tenant);
    free(k);
}

bool calendar_is_for(const struct calendar *k, const struct call *c)
{
    return k && strcmp(k->tenant, c->principal.tenant) == 0;
}

void calendar_event_id(struct uuid id, char out[CALENDAR_EVENT_ID_BYTES + 1])
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
    uint32_t bits = 0;
    int n_bits = 0;
    char *p = out;

    for (size_t i = 0; i < sizeof id.b; i++) {
        bits = (bits << 8 | id.b[i]) & 0xffff;
        for (n_bits += 8; n_bits >= 5; n_bits -= 5)
            *p++ = digits[bits >> (n_bits - 5) & 31];
    }
    *p++ = digits[bits << (5 - n_bits) & 31];
    *p = 0;
}

static void put_moment(struct buf *b, const char *name, int64_t us, const char *zone)
{
    time_t s = (time_t)(us / 1000000);
    char text[32];
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_printf(b, ",\"%s\":{\"dateTime\":\"%s\",\"timeZone\":", name, text);
    buf_put_json(b, str_of(*zone ? zone : "UTC"));
    buf_putc(b, '}');
}

static str body_of(struct call *c, const struct calendar_event *e)
{
    char id[CALENDAR_EVENT_ID_BYTES + 1];
    struct buf b;

    calendar_event_id(e->id, id);
    buf_init(&b, &c->arena, REQUEST_BYTES);
    buf_printf(&b, "{\"id\":\"%s\",\"summary\":", id);
    buf_put_json(&b, str_of(e->summary));
    buf_printf(&b, ",\"description\":");
    buf_put_json(&b, str_of(e->description));
    put_moment(&b, "start", e->start_us, e->time_zone);
    put_moment(&b, "end", e->end_us, e->time_zone);
    if (*e->attendee) {
        buf_printf(&b, ",\"attendees\":[{\"email\":");
        buf_put_json(&b, str_of(e->attendee));
        buf_printf(&b, "}]");
    }
    buf_putc(&b, '}');
    return buf_str(&b);
}

static bool says(str body, str word)
{
    for (size_t i = 0; i + word.n <= body.n; i++)
        if (memcmp(body.p + i, word.p, word.n) == 0)
            return true;
    return false;
}

static bool is_busy(const struct http_response *r)
{
    return r->status == 429 || r->status >= 500 ||
           (r->status == 403 && (says(r->body, STR("\"rateLimitExceeded\"")) ||
                                 says(r->body, STR("\"userRateLimitExceeded\""))));
}

static enum status judge(struct call *c, const struct http_response *r)
{
    int64_t wait_s = http_retry_after_s(r, call_now_us(c));

    if (r->status == 200 || r->status == 201 || r->status == 409)
        return STATUS_OK;
    if (wait_s > 0)
        call_retry_after(c, (wait_s < RETRY_AFTER_MAX_S ? wait_s : RETRY_AFTER_MAX_S) * 1000);
    if (r->status == 401)
        return call_fail_as(c, STATUS_UNAVAILABLE, "CALENDAR_TOKEN",
                            "the calendar does not take the token");
    if (is_busy(r))
        return call_fail_as(c, STATUS_UNAVAILABLE, "CALENDAR_BUSY", "the calendar answered %d",
                            r->status);
    return call_fail_as(c, STATUS_DENIED, "CALENDAR_REFUSED", "the calendar answered %d",
                        r->status);
}

static enum status send_event(struct calendar *k, struct call *c, const struct calendar_event *e,
                              const char *token)
{
    char *url = arena_printf(&c->arena, "%s?sendUpdates=%s", k->url, *e->attendee ? "all" : "none");
    char *bearer = arena_printf(&c->arena, "Bearer %s", token);
    str body = body_of(c, e);
    struct http_response r;

    if (!url || !bearer || !body.n)
        return call_nomem(c);
    const struct http_field fields[] = {{STR("Content-Type"), STR("application/json")},
                                        {STR("Authorization"), str_of(bearer)}};
    const struct http_request q = {.method = HTTP_POST,
                                   .url = str_of(url),
                                   .reach = HTTP_OPERATOR,
                                   .fields = fields,
                                   .n_fields = sizeof fields / sizeof *fields,
                                   .body = body,
                                   .body_max = ANSWER_BYTES,
                                   .timeout_ms = TIMEOUT_MS};
    enum status s = http_send(k->http, c, &q, &r);

    explicit_bzero(bearer, strlen(bearer));
    return s == STATUS_OK ? judge(c, &r) : s;
}

enum status calendar_insert(struct calendar *k, struct call *c, const struct calendar_event *e)
{
    char *token = secret_take(&k->token);
    enum status s;

    if (!token)
        return call_nomem(c);
    s = send_event(k, c, e, token);
    secret_drop(token);
    return s;
}
