/* One GET; the status decides what it meant, by a table. */
#include "integration/clearbit.h"

#include <stdlib.h>

#include "base/buf.h"
#include "integration/clearbit_body.h"
#include "integration/enrich_gate.h"
#include "integration/http.h"
#include "obs/metrics.h"

enum {
    PRIORITY = 10,
    LIMITED_MS = 60000,   /* where the provider says no time */
    EPOCH_S = 1000000000, /* X-RateLimit-Reset from this on is an instant, below it a duration */
    MS_PER_S = 1000,
    AUTHORIZATION_BYTES = 2 * SECRET_BYTES_MAX, /* base64 makes 4 of 3 */
};

struct clearbit {
    struct enrich_provider base; /* first: a provider is one */
    struct http_client *http;
    const char *url, *company_url;
    enum clearbit_auth auth;
    struct secret key;
    struct enrich_gate gate;
    struct metrics *metrics;
    struct series breaker;
};

/* clang-format off */
static const struct meaning { int status; enum enrich_answer answer; const char *reason; int64_t wait_ms; } meanings[] = {
    {200, ENRICH_OK,        "",              0},
    {202, ENRICH_PENDING,   "ENRICH_QUEUED", CLEARBIT_PENDING_MS},
    {400, ENRICH_NOT_FOUND, "",              0},
    {404, ENRICH_NOT_FOUND, "",              0},
    {422, ENRICH_NOT_FOUND, "",              0},
    {401, ENRICH_DENIED,    "ENRICH_KEY",    0},
    {403, ENRICH_DENIED,    "ENRICH_KEY",    0},
    {402, ENRICH_DENIED,    "ENRICH_PLAN",   0},
    {429, ENRICH_LIMITED,   "ENRICH_RATE",   LIMITED_MS},
    {0,   ENRICH_FAILED,    "ENRICH_STATUS", 0}, /* any other; last */
};
/* clang-format on */

static const struct meaning *meaning_of(int status)
{
    const struct meaning *m = meanings;

    while (m->status && m->status != status)
        m++;
    return m;
}

/* Everything but letters, digits and -._~ as %XX. */
static void put_escaped(struct buf *b, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
            (ch && strchr("-._~", ch)))
            buf_putc(b, (char)ch);
        else
            buf_printf(b, "%%%02X", ch);
    }
}

static bool is_about_person(const struct enrich_query *q)
{
    return q->about & ENRICH_PERSON && q->subject.email.n;
}

/* {0}: there is nothing to ask by. */
static str url_of(const struct clearbit *k, struct arena *a, const struct enrich_query *q)
{
    struct buf b;

    buf_init(&b, a, HTTP_URL_BYTES);
    if (is_about_person(q)) {
        buf_printf(&b, "%s/v2/combined/find?email=", k->url);
        put_escaped(&b, q->subject.email);
    } else if (q->subject.company_domain.n) {
        buf_printf(&b, "%s/v2/companies/find?domain=", k->company_url);
        put_escaped(&b, q->subject.company_domain);
    }
    return buf_str(&b);
}

/* RFC 4648 section 4, with padding: what HTTP's Basic wants. */
static void put_base64(struct buf *b, str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < s.n; i += 3) {
        size_t n = s.n - i < 3 ? s.n - i : 3;
        uint32_t bits = 0;

        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (j < n ? (unsigned char)s.p[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            buf_put(b, j <= n ? (str){&digits[bits >> (18 - 6 * j) & 63], 1} : STR("="));
    }
}

/* The value of Authorization; {0}: no memory. */
static str authorization(const struct clearbit *k, struct arena *a, const char *key)
{
    struct buf b;

    buf_init(&b, a, AUTHORIZATION_BYTES);
    if (k->auth == CLEARBIT_BEARER) {
        buf_printf(&b, "Bearer %s", key);
    } else {
        char *user = arena_printf(a, "%s:", key);

        if (!user)
            return (str){0};
        buf_printf(&b, "Basic ");
        put_base64(&b, str_of(user));
        explicit_bzero(user, strlen(user));
    }
    return buf_str(&b);
}

static int64_t bounded_ms(int64_t s)
{
    int64_t ms = s < ENRICH_PAUSE_MAX_MS / MS_PER_S ? s * MS_PER_S : ENRICH_PAUSE_MAX_MS;

    return ms > ENRICH_PAUSE_MIN_MS ? ms : ENRICH_PAUSE_MIN_MS;
}

/* Seconds until the provider counts anew; 0: it does not say. */
static int64_t reset_s(const struct http_response *r, int64_t now_us)
{
    long long s;

    if (!str_to_int64(http_header(r, STR("X-RateLimit-Reset")), &s) || s <= 0)
        return 0;
    s -= s >= EPOCH_S ? now_us / 1000000 : 0;
    return s > 0 ? s : 0;
}

/* What the answer asks everybody to wait; 0: nothing. */
static int64_t pause_ms(const struct http_response *r, int64_t now_us)
{
    bool is_last = str_eq(http_header(r, STR("X-RateLimit-Remaining")), STR("0"));
    int64_t retry_s = http_retry_after_s(r, now_us), s = reset_s(r, now_us);

    if (r->status == 429)
        s = retry_s > 0 ? retry_s : s;
    else if (!is_last)
        s = 0;
    return s > 0 ? bounded_ms(s) : 0;
}

static void judge(struct clearbit *k, struct call *c, const struct enrich_query *q,
                  const struct http_response *r, struct enrich_result *out)
{
    const struct meaning *m = meaning_of(r->status);
    const struct clearbit_read how = {.form =
                                          is_about_person(q) ? CLEARBIT_COMBINED : CLEARBIT_COMPANY,
                                      .source = k->base.name,
                                      .at_us = q->at_us};

    out->answer = m->answer;
    out->reason = m->reason;
    out->wait_ms = m->wait_ms;
    if (m->answer == ENRICH_LIMITED && pause_ms(r, call_now_us(c)))
        out->wait_ms = pause_ms(r, call_now_us(c));
    if (m->answer != ENRICH_OK)
        return;
    if (r->cut || !clearbit_body_read(&c->arena, r->body, &how, out)) {
        out->answer = ENRICH_FAILED;
        out->reason = "ENRICH_BODY";
    } else if (!out->n_facts) {
        out->answer = ENRICH_NOT_FOUND;
    }
}

static void fail(struct call *c, struct enrich_result *out, const char *reason)
{
    *out = (struct enrich_result){.answer = ENRICH_FAILED, .reason = reason};
    call_clear(c);
}

static void send_question(struct clearbit *k, struct call *c, const struct enrich_query *q,
                          struct http_response *r, struct enrich_result *out)
{
    char *key = secret_take(&k->key);
    str url = url_of(k, &c->arena, q);
    str value = key ? authorization(k, &c->arena, key) : (str){0};
    const struct http_field fields[] = {{STR("Authorization"), value},
                                        {STR("Accept"), STR("application/json")}};
    const struct http_request request = {.method = HTTP_GET,
                                         .url = url,
                                         .reach = HTTP_OPERATOR,
                                         .fields = fields,
                                         .n_fields = sizeof fields / sizeof *fields,
                                         .body_max = CLEARBIT_BODY_BYTES};

    secret_drop(key);
    if (!value.n || !url.n)
        fail(c, out, "ENRICH_MEMORY");
    else if (http_send(k->http, c, &request, r) != STATUS_OK)
        fail(c, out, c->fault.reason && *c->fault.reason ? c->fault.reason : "HTTP_ANSWER");
    else
        judge(k, c, q, r, out);
    if (value.n)
        explicit_bzero((char *)value.p, value.n);
}

/* What keeps everybody out: a wish for fewer questions, with whatever answer it comes. */
static struct enrich_result for_gate(const struct enrich_result *out, const struct http_response *r,
                                     int64_t now_us)
{
    int64_t ms = r->status ? pause_ms(r, now_us) : 0;

    if (!ms || out->answer == ENRICH_FAILED)
        return (struct enrich_result){.answer = out->answer, .wait_ms = out->wait_ms};
    return (struct enrich_result){.answer = ENRICH_LIMITED, .wait_ms = ms};
}

static void lookup(struct enrich_provider *self, struct call *c, const struct enrich_query *q,
                   struct enrich_result *out)
{
    struct clearbit *k = (struct clearbit *)self;
    struct http_response r = {0};
    struct enrich_result told;
    enum breaker_pass pass;

    if (!is_about_person(q) && !q->subject.company_domain.n)
        return; /* NOT_FOUND */
    pass = enrich_gate_enter(&k->gate, call_monotonic_ns(c), &out->wait_ms, &out->reason);
    if (pass == BREAKER_REFUSED) {
        out->answer = ENRICH_LIMITED;
    } else {
        out->wait_ms = 0;
        out->reason = "";
        send_question(k, c, q, &r, out);
        told = for_gate(out, &r, call_now_us(c));
        enrich_gate_leave(&k->gate, pass, call_monotonic_ns(c), &told);
    }
    if (k->metrics)
        series_set(k->breaker, enrich_gate_state(&k->gate));
}

static void shut(struct enrich_provider *self)
{
    struct clearbit *k = (struct clearbit *)self;

    secret_close(&k->key);
    enrich_gate_release(&k->gate);
    free(k);
}

enum status clearbit_open(struct call *c, const struct clearbit_options *o,
                          struct enrich_provider **out)
{
    static const struct enrich_provider_ops ops = {.lookup = lookup, .close = shut};
    struct clearbit *k = calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return call_nomem(c);
    *k = (struct clearbit){.base = {.ops = &ops,
                                    .name = o->name,
                                    .priority = PRIORITY,
                                    .about = ENRICH_PERSON | ENRICH_COMPANY,
                                    .where = ENRICH_OUTSIDE},
                           .http = o->http,
                           .url = o->url,
                           .company_url = *o->company_url ? o->company_url : o->url,
                           .auth = o->auth,
                           .metrics = o->metrics};
    enrich_gate_init(&k->gate, o->a_minute);
    if (secret_open(c, &k->key, o->key) != STATUS_OK) {
        shut(&k->base);
        return c->fault.status;
    }
    if (k->metrics)
        k->breaker = metrics_series(k->metrics, METRIC_BREAKER_STATE, &k->base.name);
    *out = &k->base;
    return STATUS_OK;
}
