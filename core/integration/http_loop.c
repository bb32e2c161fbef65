/* One multi handle of libcurl; transfers carry themselves as its private pointer. */
#include "integration/http_loop.h"

#include <assert.h>
#include <pthread.h>

#include "base/banned.h"
#include "integration/http_manners.h"

enum { SPARE_MAX = 64, TEXT_BYTES = 16 << 10 };

struct http_transfer {
    CURL *curl;                /* owned */
    struct curl_slist *fields; /* owned */
    struct http_sink sink;
    size_t header_bytes;
    bool is_refused;
};

struct http_loop {
    CURLM *multi;
    pthread_t thread;
    struct http_loop_options options;
    struct arena texts;
    CURL *spare[SPARE_MAX]; /* [n_spare] handles without options */
    size_t n_spare, n_transfers;
};

static void discard(struct http_loop *l, struct http_transfer *t)
{
    if (!t)
        return;
    http_drop_fields(t->fields);
    if (t->curl && l->n_spare < SPARE_MAX) {
        curl_easy_reset(t->curl);
        l->spare[l->n_spare++] = t->curl;
    } else {
        curl_easy_cleanup(t->curl);
    }
    free(t);
}

static size_t take_body(const char *p, size_t one, size_t n, void *self)
{
    struct http_transfer *t = self;

    (void)one;
    t->is_refused = !t->sink.body(t->sink.self, (str){p, n});
    return t->is_refused ? CURL_WRITEFUNC_ERROR : n;
}

static void take_status(struct http_transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->sink.status(t->sink.self, (int)status);
}

static size_t take_header(const char *p, size_t one, size_t n, void *self)
{
    struct http_transfer *t = self;
    str line = str_trim((str){p, n}), value = line, name = str_cut(&value, ':');

    (void)one;
    t->header_bytes += n;
    t->is_refused = t->header_bytes > HTTP_HEADER_BYTES;
    if (t->is_refused)
        return 0;
    if (str_starts(line, STR("HTTP/")))
        take_status(t);
    else if (name.n < line.n)
        t->sink.field(t->sink.self, str_trim(name), str_trim(value));
    return n;
}

static void set_options(const struct http_loop *l, struct http_transfer *t,
                        const struct http_transfer_request *q)
{
    CURL *curl = t->curl;

    http_set_manners(curl, HTTP_OPERATOR, q->timeout_ms);
    http_set_method(curl, q->method, q->body);
    curl_easy_setopt(curl, CURLOPT_URL, q->url);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(curl, CURLOPT_PIPEWAIT, strncmp(q->url, "https:", 6) == 0 ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, l->options.user_agent);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, t->fields);
    if (l->options.ca_file[0])
        curl_easy_setopt(curl, CURLOPT_CAINFO, l->options.ca_file);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, t);
}

static bool add_fields(struct http_transfer *t, const struct http_transfer_request *q)
{
    if (!http_add_field(&t->fields, STR("Expect"), STR(""))) /* no waiting for 100 Continue */
        return false;
    for (size_t i = 0; i < q->n_fields; i++)
        if (!http_add_field(&t->fields, q->fields[i].name, q->fields[i].value))
            return false;
    return true;
}

struct http_transfer *http_loop_begin(struct http_loop *l, const struct http_transfer_request *q,
                                      const struct http_sink *sink)
{
    struct http_transfer *t = calloc(1, sizeof *t);

    assert(q->timeout_ms > 0);
    if (!t)
        return NULL;
    t->sink = *sink;
    t->curl = l->n_spare ? l->spare[--l->n_spare] : curl_easy_init();
    if (t->curl && add_fields(t, q)) {
        set_options(l, t, q);
        if (curl_multi_add_handle(l->multi, t->curl) == CURLM_OK) {
            l->n_transfers++;
            return t;
        }
    }
    discard(l, t);
    return NULL;
}

void http_loop_stop(struct http_loop *l, struct http_transfer *t)
{
    curl_multi_remove_handle(l->multi, t->curl);
    l->n_transfers--;
    discard(l, t);
}

static enum http_end end_of(const struct http_transfer *t, CURLcode code)
{
    if (code == CURLE_OK)
        return HTTP_END_WHOLE;
    if (t->is_refused)
        return HTTP_END_REFUSED;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return HTTP_END_TIMEOUT;
    bool is_unsent = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
                     code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
                     code == CURLE_SSL_CACERT_BADFILE || code == CURLE_UNSUPPORTED_PROTOCOL ||
                     code == CURLE_URL_MALFORMAT;

    return is_unsent ? HTTP_END_CONNECT : HTTP_END_BROKEN;
}

static void tell_ends(struct http_loop *l)
{
    int n_left;
    CURLMsg *message;

    while ((message = curl_multi_info_read(l->multi, &n_left))) {
        struct http_transfer *t = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        enum http_end end = end_of(t, message->data.result);
        struct http_sink sink = t->sink;

        http_loop_stop(l, t);
        sink.done(sink.self, end);
    }
}

static void *run(void *self)
{
    struct http_loop *l = self;
    int n_running;

    for (;;) {
        curl_multi_perform(l->multi, &n_running);
        tell_ends(l);
        int64_t wait_ms = l->options.tick(l->options.self);

        if (wait_ms < 0)
            break;
        /* what tick began has a timer that has run out: then this does not wait */
        curl_multi_poll(l->multi, NULL, 0,
                        (int)(wait_ms < HTTP_LOOP_IDLE_MS ? wait_ms : HTTP_LOOP_IDLE_MS), NULL);
    }
    assert(!l->n_transfers);
    return NULL;
}

static void release(struct http_loop *l)
{
    while (l->n_spare)
        curl_easy_cleanup(l->spare[--l->n_spare]);
    curl_multi_cleanup(l->multi);
    arena_release(&l->texts);
    free(l);
}

struct http_loop *http_loop_open(const struct http_loop_options *o)
{
    struct http_loop *l = calloc(1, sizeof *l);

    assert(o->tick);
    assert(o->connections_max > 0);
    if (!l)
        return NULL;
    http_init_library();
    arena_init(&l->texts, TEXT_BYTES);
    l->options = *o;
    l->options.user_agent = arena_cstr(&l->texts, str_of(o->user_agent));
    l->options.ca_file = arena_cstr(&l->texts, str_of(o->ca_file));
    l->multi = curl_multi_init();
    if (l->multi && l->options.user_agent && l->options.ca_file) {
        curl_multi_setopt(l->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, o->connections_max);
        curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, o->connections_max);
        if (pthread_create(&l->thread, NULL, run, l) == 0)
            return l;
    }
    release(l);
    return NULL;
}

void http_loop_wake(struct http_loop *l)
{
    curl_multi_wakeup(l->multi);
}

void http_loop_close(struct http_loop *l)
{
    if (!l)
        return;
    pthread_join(l->thread, NULL);
    release(l);
}
