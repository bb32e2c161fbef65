/*
 * http: bounded requests to other services, over libcurl, on the thread that asks.
 *
 *   struct http_request q = {.url = url, .reach = HTTP_OPERATOR, .body_max = 1 << 20};
 *   struct http_response r;
 *
 *   TRY(http_send(client, c, &q, &r));          // an answer, whatever its status
 *   if (r.status == 200) use(r.body, http_header(&r, STR("Cache-Control")));
 *
 * Bounded in time (the call's deadline and the request's own) and in bytes (body, header fields).
 * No redirects, no proxy from the environment, no cookies, no compression, no signals. TLS is
 * verified always, 1.2 or later. Connections are kept and used again for the same origin and the
 * same reach: one that was opened for an operator's URL never carries a customer's request.
 */
#ifndef INTEGRATION_HTTP_H
#define INTEGRATION_HTTP_H

#include "base/call.h"
#include "integration/address_guard.h"

struct http_client; /* thread-safe */

enum {
    HTTP_URL_BYTES = 2000,      /* as Webhook.url says */
    HTTP_FIELDS_MAX = 64,       /* fields of an answer; later ones are left out */
    HTTP_HEADER_BYTES = 32768,  /* of an answer; more: UNAVAILABLE */
    HTTP_IDLE_MAX = 64,         /* connections kept while nobody uses them */
    HTTP_CONNECT_MS = 5000,     /* name, TCP and TLS: a peer that takes longer is down */
    HTTP_TIMEOUT_MS = 15000,    /* of a request that says none */
    HTTP_BODY_BYTES = 64 << 10, /* of an answer to a request that says none */
    HTTP_KEEP_S = 60,           /* idle connections older than this are not used again */
    HTTP_NAME_KEEP_S = 2,       /* what a name of a customer's resolved to is looked up again */
};

struct http_options {
    const char *user_agent;            /* "salesd/0.1.0" */
    const char *ca_file;               /* PEM of trusted issuers; "" or NULL: the system's */
    const struct address_guard *guard; /* of HTTP_PUBLIC requests; copied; NULL: the table alone */
    const char *const *resolve; /* [n_resolve] "name:port:address": instead of DNS, for tests */
    size_t n_resolve;
};

/* Where a request may go, by who chose the URL. */
enum http_reach {
    HTTP_PUBLIC, /* a customer: https, ports 443 and 8443, addresses that the guard lets through */
    HTTP_OPERATOR, /* the configuration: https, and http for what is near; any address */
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE };

struct http_field {
    str name, value;
};

struct http_request {
    enum http_method method;
    str url;
    enum http_reach reach;
    const struct http_field *fields; /* [n_fields]; no line breaks */
    size_t n_fields;
    str body;                             /* sent when the method is not HTTP_GET */
    size_t body_max;                      /* bytes of the answer's body; 0: HTTP_BODY_BYTES */
    int64_t timeout_ms;                   /* 0: HTTP_TIMEOUT_MS; the call's deadline counts too */
    bool (*take)(void *taker, str bytes); /* gets the body of a 200 as it comes, however long, in
                                             place of response.body; false: no more, HTTP_ANSWER */
    void *taker;
};

struct http_response {
    int status;                      /* 100 to 999 */
    str body;                        /* in the call's arena */
    bool cut;                        /* the body was longer than body_max: this is its beginning */
    const struct http_field *fields; /* [n_fields] in the order received, in the call's arena */
    size_t n_fields;
    int64_t took_ns;
};

/* NULL: no memory. */
struct http_client *http_client_open(const struct http_options *o);

/* No request may be running. NULL is allowed. */
void http_client_close(struct http_client *h);

/*
 * Sends and waits for the answer. Texts of faults name no part of the URL.
 *
 *   out   zeroed on failure, but for took_ns
 *
 * INVALID HTTP_URL: see http_check_url. DENIED HTTP_ADDRESS: all addresses are refused; nothing was
 * sent. UNAVAILABLE HTTP_DNS, HTTP_CONNECT, HTTP_TLS, HTTP_ANSWER: the request may have arrived
 * with the last. DEADLINE HTTP_TIMEOUT. CANCELLED. EXHAUSTED: the call's arena.
 */
MUST_CHECK enum status http_send(struct http_client *h, struct call *c,
                                 const struct http_request *q, struct http_response *out);

/* What can be said of a URL before it is used: well-formed, scheme, no user or password, no
 * fragment, port, and an address written as such. INVALID HTTP_URL. A name is judged when its
 * address is connected to, by http_send alone. */
MUST_CHECK enum status http_check_url(struct http_client *h, struct call *c, str url,
                                      enum http_reach reach);

/* The value of the first field of this name, in any case; {0}: there is none. */
str http_header(const struct http_response *r, str name);

/* Seconds that Retry-After asks to wait, from a number or a date; 0: it does not ask. Unbounded. */
int64_t http_retry_after_s(const struct http_response *r, int64_t now_us);

/* The same of the field's value. */
int64_t http_wait_s(str retry_after, int64_t now_us);

#endif
