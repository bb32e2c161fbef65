/* One exchange: a handle with options set from nothing each time, callbacks that count bytes. */
#include "integration/http.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/banned.h"
#include "base/buf.h"
#include "base/wait.h"
#include "integration/http_manners.h"
#include "integration/http_pool.h"
#include "integration/http_url.h"

struct http_client {
    struct http_pool pool;
    struct arena arena; /* the texts below */
    const char *user_agent, *ca_file;
    struct curl_slist *resolve; /* owned */
    struct address_guard guard;
};

struct exchange {
    CURL *curl; /* of the pool */
    struct http_client *http;
    struct call *call;
    const struct http_request *request;
    struct http_response *out;
    struct http_field *fields;
    struct buf body;
    struct curl_slist *sent; /* owned: header fields of the request */
    size_t body_max, header_bytes;
    const char *refused; /* why the guard refused an address */
    bool header_over;
};

/* clang-format off */
/* How a failure of libcurl is told; the last row is for all others. */
static const struct outcome {
    CURLcode code;
    enum status status;
    const char *reason, *why;
} OUTCOMES[] = {
    {CURLE_OPERATION_TIMEDOUT,       STATUS_DEADLINE,    "HTTP_TIMEOUT", "the peer did not answer in time"},
    {CURLE_COULDNT_RESOLVE_HOST,     STATUS_UNAVAILABLE, "HTTP_DNS",     "the name of the peer does not resolve"},
    {CURLE_COULDNT_CONNECT,          STATUS_UNAVAILABLE, "HTTP_CONNECT", "the peer accepts no connection"},
    {CURLE_PEER_FAILED_VERIFICATION, STATUS_UNAVAILABLE, "HTTP_TLS",     "the peer's certificate is not trusted"},
    {CURLE_SSL_CONNECT_ERROR,        STATUS_UNAVAILABLE, "HTTP_TLS",     "the TLS handshake failed"},
    {CURLE_SSL_CACERT_BADFILE,       STATUS_UNAVAILABLE, "HTTP_TLS",     "the file of trusted issuers cannot be read"},
    {CURLE_GOT_NOTHING,              STATUS_UNAVAILABLE, "HTTP_ANSWER",  "the peer closed the connection without an answer"},
    {CURLE_PARTIAL_FILE,             STATUS_UNAVAILABLE, "HTTP_ANSWER",  "the answer ended early"},
    {CURLE_RECV_ERROR,               STATUS_UNAVAILABLE, "HTTP_ANSWER",  "the connection broke"},
    {CURLE_SEND_ERROR,               STATUS_UNAVAILABLE, "HTTP_ANSWER",  "the connection broke"},
    {CURLE_OUT_OF_MEMORY,            STATUS_EXHAUSTED,   "HTTP_ANSWER",  "out of memory"},
    {CURLE_OK,                       STATUS_UNAVAILABLE, "HTTP_ANSWER",  "the answer is not HTTP"},
};
/* clang-format on */

struct http_client *http_client_open(const struct http_options *o)
{
    enum { TEXT_BYTES = 16 << 10 };

    assert(o);
    assert(o->user_agent);
    http_init_library();
    struct http_client *h = calloc(1, sizeof *h);

    if (!h)
        return NULL;
    pthread_mutex_init(&h->pool.lock, NULL);
    arena_init(&h->arena, TEXT_BYTES);
    h->user_agent = arena_cstr(&h->arena, str_of(o->user_agent));
    h->ca_file = arena_cstr(&h->arena, str_of(o->ca_file));
    if (o->guard)
        h->guard = *o->guard;
    bool is_complete = h->user_agent && h->ca_file;

    for (size_t i = 0; i < o->n_resolve && is_complete; i++) {
        struct curl_slist *longer = curl_slist_append(h->resolve, o->resolve[i]);

        is_complete = longer != NULL;
        h->resolve = longer ? longer : h->resolve;
    }
    if (is_complete)
        return h;
    http_client_close(h);
    return NULL;
}

void http_client_close(struct http_client *h)
{
    if (!h)
        return;
    http_pool_release(&h->pool);
    curl_slist_free_all(h->resolve);
    arena_release(&h->arena);
    free(h);
}

/* The one place that sees the address itself, after every name was resolved. */
static curl_socket_t open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct exchange *x = self;

    (void)purpose;
    if (x->request->reach == HTTP_PUBLIC) {
        const char *refused = address_guard_refuses(&x->http->guard, &a->addr);

        if (refused) {
            x->refused = refused;
            return CURL_SOCKET_BAD;
        }
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool is_ok(CURL *curl)
{
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200;
}

/* Returning less than n makes libcurl give up; what `cut` tells is no failure. */
static size_t take_body(const char *p, size_t one, size_t n, void *self)
{
    struct exchange *x = self;
    size_t room = x->body_max - x->body.n;

    (void)one;
    if (x->request->take && is_ok(x->curl))
        return x->request->take(x->request->taker, (str){p, n}) ? n : CURL_WRITEFUNC_ERROR;
    x->out->cut = n > room;
    buf_put(&x->body, (str){p, n < room ? n : room});
    return x->out->cut || !buf_ok(&x->body) ? CURL_WRITEFUNC_ERROR : n;
}

static void keep_field(struct exchange *x, str line)
{
    str value = line, name = str_cut(&value, ':');
    struct arena *a = &x->call->arena;

    if (name.n == line.n || x->out->n_fields == HTTP_FIELDS_MAX)
        return;
    x->fields[x->out->n_fields++] =
        (struct http_field){arena_str(a, str_trim(name)), arena_str(a, str_trim(value))};
}

static size_t take_header(const char *p, size_t one, size_t n, void *self)
{
    struct exchange *x = self;
    str line = str_trim((str){p, n});

    (void)one;
    x->header_bytes += n;
    x->header_over = x->header_bytes > HTTP_HEADER_BYTES;
    if (x->header_over)
        return 0;
    if (str_starts(line, STR("HTTP/")))
        x->out->n_fields = 0; /* those before were of an interim answer */
    else
        keep_field(x, line);
    return n;
}

static int look_up(void *self, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
    const struct exchange *x = self;

    (void)a, (void)b, (void)d, (void)e;
    return x->call->cancelled && atomic_load(x->call->cancelled);
}

static enum status add_fields(struct exchange *x)
{
    bool is_added = http_add_field(&x->sent, STR("Expect"), STR("")); /* no 100 Continue */

    for (size_t i = 0; i < x->request->n_fields && is_added; i++)
        is_added =
            http_add_field(&x->sent, x->request->fields[i].name, x->request->fields[i].value);
    if (is_added)
        return STATUS_OK;
    return call_fail(x->call, STATUS_INVALID, "a header field holds a line break");
}

static void set_limits(CURL *curl, const struct exchange *x)
{
    int64_t most_ms = x->request->timeout_ms > 0 ? x->request->timeout_ms : HTTP_TIMEOUT_MS;
    long left_ms = (long)(call_left_ns(x->call, most_ms * 1000000) / 1000000);

    http_set_manners(curl, x->request->reach, left_ms);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_MAXCONNECTS, 1L);
}

static void set_callbacks(CURL *curl, struct exchange *x)
{
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, x);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look_up);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
}

static void set_request(CURL *curl, CURLU *url, const struct exchange *x)
{
    const struct http_request *q = x->request;

    curl_easy_setopt(curl, CURLOPT_CURLU, url);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, x->http->user_agent);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, x->sent);
    if (x->http->ca_file[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, x->http->ca_file);
    if (x->http->resolve)
        curl_easy_setopt(curl, CURLOPT_RESOLVE, x->http->resolve);
    http_set_method(curl, q->method, q->body);
}

static enum status tell(const struct exchange *x, CURLcode code)
{
    const struct outcome *o = OUTCOMES;

    if (code == CURLE_ABORTED_BY_CALLBACK)
        return call_fail(x->call, STATUS_CANCELLED, "the caller gave up");
    if (x->header_over)
        return call_fail_as(x->call, STATUS_UNAVAILABLE, "HTTP_ANSWER",
                            "the answer's header is over %d bytes", HTTP_HEADER_BYTES);
    if (!buf_ok(&x->body))
        return call_nomem(x->call);
    if (code == CURLE_COULDNT_CONNECT && x->refused)
        return call_fail_as(x->call, STATUS_DENIED, "HTTP_ADDRESS", "the address is refused: %s",
                            x->refused);
    while (o->code != code && o->code != CURLE_OK)
        o++;
    return call_fail_as(x->call, o->status, o->reason, "%s", o->why);
}

static enum status perform(struct exchange *x, CURL *curl, CURLU *url)
{
    long status = 0;

    TRY(add_fields(x));
    set_limits(curl, x);
    set_callbacks(curl, x);
    set_request(curl, url, x);
    int64_t began_ns = call_monotonic_ns(x->call);

    wait_begins();
    CURLcode code = curl_easy_perform(curl);

    wait_ends();
    x->out->took_ns = call_monotonic_ns(x->call) - began_ns;
    bool is_cut = code == CURLE_WRITE_ERROR && x->out->cut;

    if (code != CURLE_OK && !is_cut)
        return tell(x, code);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    x->out->status = (int)status;
    x->out->body = buf_str(&x->body);
    x->out->fields = x->fields;
    return STATUS_OK;
}

/* With the URL open: takes a handle, sends, gives it back. */
static enum status exchange(struct exchange *x, CURLU *url, const char *origin)
{
    const struct http_request *q = x->request;
    CURL *curl = http_pool_take(&x->http->pool, q->reach, origin);

    if (!curl)
        return call_nomem(x->call);
    x->curl = curl;
    x->fields = NEW(&x->call->arena, struct http_field, HTTP_FIELDS_MAX);
    buf_init(&x->body, &x->call->arena, x->body_max);
    enum status s = x->fields ? perform(x, curl, url) : call_nomem(x->call);

    http_pool_give(&x->http->pool, q->reach, origin, curl);
    http_drop_fields(x->sent);
    return s;
}

enum status http_send(struct http_client *h, struct call *c, const struct http_request *q,
                      struct http_response *out)
{
    char origin[HTTP_ORIGIN_BYTES];
    CURLU *url;

    assert(h);
    assert(q);
    *out = (struct http_response){0};
    TRY(call_check(c));
    TRY(http_url_open(c, &h->guard, q, &url, origin));
    struct exchange x = {.http = h,
                         .call = c,
                         .request = q,
                         .out = out,
                         .body_max = q->body_max ? q->body_max : HTTP_BODY_BYTES};
    enum status s = exchange(&x, url, origin);

    curl_url_cleanup(url);
    if (s != STATUS_OK)
        *out = (struct http_response){.took_ns = out->took_ns};
    return s;
}

enum status http_check_url(struct http_client *h, struct call *c, str url, enum http_reach reach)
{
    const struct http_request q = {.url = url, .reach = reach};
    char origin[HTTP_ORIGIN_BYTES];
    CURLU *u;
    enum status s = http_url_open(c, &h->guard, &q, &u, origin);

    curl_url_cleanup(u);
    return s;
}

str http_header(const struct http_response *r, str name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (str_eq_nocase(r->fields[i].name, name))
            return r->fields[i].value;
    return (str){0};
}

int64_t http_retry_after_s(const struct http_response *r, int64_t now_us)
{
    return http_wait_s(http_header(r, STR("Retry-After")), now_us);
}

int64_t http_wait_s(str retry_after, int64_t now_us)
{
    char z[64];
    long long seconds = 0;

    if (!retry_after.n || retry_after.n >= sizeof z)
        return 0;
    if (str_to_int64(retry_after, &seconds))
        return seconds > 0 ? seconds : 0;
    memcpy(z, retry_after.p, retry_after.n);
    z[retry_after.n] = '\0';
    time_t at = curl_getdate(z, NULL);

    return at > 0 && at > now_us / 1000000 ? at - now_us / 1000000 : 0;
}
