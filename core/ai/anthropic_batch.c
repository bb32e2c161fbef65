/* Message Batches: requests go out as one body, results come in as lines of any length, in pieces
 * of any length, and only one line is ever held. */
#include <assert.h>
#include <inttypes.h>

#include "ai/anthropic_body.h"
#include "ai/anthropic_internal.h"
#include "base/banned.h"

enum { VIEW_BYTES = 64 << 10, PATH_BYTES = 256, LINE_ARENA_BYTES = 16 << 20 };

/* clang-format off */
static const struct { const char *word; enum ai_batch_state state; } STATES[] = {
    {"in_progress", AI_BATCH_RUNNING},
    {"canceling",   AI_BATCH_CANCELLING},
    {"ended",       AI_BATCH_ENDED},
};
static const struct { const char *word; enum ai_batch_outcome outcome; enum ai_error error; } OUTCOMES[] = {
    {"succeeded", AI_BATCH_SUCCEEDED, AI_OK},
    {"errored",   AI_BATCH_ERRORED,   AI_ERROR_SERVER},
    {"canceled",  AI_BATCH_CANCELLED, AI_ERROR_CANCELLED},
    {"expired",   AI_BATCH_EXPIRED,   AI_ERROR_DEADLINE},
};
/* clang-format on */
enum {
    N_STATES = sizeof STATES / sizeof *STATES,
    N_OUTCOMES = sizeof OUTCOMES / sizeof *OUTCOMES,
};

static const char *word_of(const json_t *object, const char *name)
{
    const char *word = json_string_value(json_object_get(object, name));

    return word ? word : "";
}

static void read_counts(const json_t *counts, struct ai_batch_view *out)
{
    out->n_running = json_integer_value(json_object_get(counts, "processing"));
    out->n_succeeded = json_integer_value(json_object_get(counts, "succeeded"));
    out->n_errored = json_integer_value(json_object_get(counts, "errored"));
    out->n_cancelled = json_integer_value(json_object_get(counts, "canceled"));
    out->n_expired = json_integer_value(json_object_get(counts, "expired"));
}

/* The service's view of a batch; id_out may be NULL. */
static enum status read_view(struct call *c, str body, struct ai_batch_view *out, str *id_out)
{
    json_t *root = json_loadb(body.p ? body.p : "", body.n, JSON_REJECT_DUPLICATES, NULL);
    str id = str_of(word_of(root, "id"));
    size_t i = 0;

    while (i < N_STATES && strcmp(word_of(root, "processing_status"), STATES[i].word) != 0)
        i++;
    bool is_view = i < N_STATES && id.n > 0 && id.n <= AI_ID_BYTES;

    if (is_view) {
        out->state = STATES[i].state;
        read_counts(json_object_get(root, "request_counts"), out);
        if (id_out)
            *id_out = arena_str(&c->arena, id);
    }
    json_decref(root);
    if (!is_view)
        return ai_fail(c, AI_ERROR_ANSWER);
    return id_out && !id_out->p ? call_nomem(c) : STATUS_OK;
}

static enum status create(struct ai_provider *base, struct call *c,
                          const struct ai_batch_item *items, size_t n, str *id_out)
{
    struct ai_batch_view view = {0};
    struct http_response r;
    struct buf body;

    buf_init(&body, &c->arena, AI_BATCH_BYTES_MAX);
    buf_put(&body, STR("{\"requests\":["));
    for (size_t i = 0; i < n; i++) {
        struct ai_request q = items[i].request;

        q.delivery = AI_WHOLE;
        buf_printf(&body, "%s{\"custom_id\":\"%s\",\"params\":", i ? "," : "", items[i].key);
        anthropic_put_body(&body, &q);
        buf_putc(&body, '}');
    }
    buf_put(&body, STR("]}"));
    if (!buf_ok(&body))
        return ai_fail(c, AI_ERROR_TOO_LARGE);
    TRY(anthropic_send((struct anthropic *)base, c,
                       &(struct anthropic_request){.method = HTTP_POST,
                                                   .path = "/v1/messages/batches",
                                                   .body = buf_str(&body),
                                                   .body_max = VIEW_BYTES,
                                                   .timeout_ms = AI_BATCH_TIMEOUT_MS},
                       &r));
    return read_view(c, r.body, &view, id_out);
}

static enum status ask(struct ai_provider *base, struct call *c, const char *path,
                       enum http_method method, struct ai_batch_view *out)
{
    struct http_response r;

    TRY(anthropic_send((struct anthropic *)base, c,
                       &(struct anthropic_request){.method = method,
                                                   .path = path,
                                                   .body_max = VIEW_BYTES,
                                                   .timeout_ms = AI_BATCH_TIMEOUT_MS},
                       &r));
    return read_view(c, r.body, out, NULL);
}

static enum status look(struct ai_provider *base, struct call *c, str id, struct ai_batch_view *out)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "/v1/messages/batches/" STR_FMT, STR_ARG(id));
    return ask(base, c, path, HTTP_GET, out);
}

static enum status cancel(struct ai_provider *base, struct call *c, str id,
                          struct ai_batch_view *out)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "/v1/messages/batches/" STR_FMT "/cancel", STR_ARG(id));
    return ask(base, c, path, HTTP_POST, out);
}

/* Reading results. */
struct lines {
    struct call *call;
    ai_batch_take take;
    void *self;
    struct arena arena; /* of one line */
    struct buf line;
    enum status failed; /* why the reading stopped */
};

static void clear(struct lines *l)
{
    arena_reset(&l->arena);
    buf_init(&l->line, &l->arena, AI_BATCH_LINE_BYTES);
}

/* The response of one line. */
static bool read_result(struct lines *l, const json_t *root, struct ai_batch_result *out)
{
    const json_t *result = json_object_get(root, "result");
    struct anthropic_message m;
    size_t i = 0;

    while (i < N_OUTCOMES && strcmp(word_of(result, "type"), OUTCOMES[i].word) != 0)
        i++;
    out->key = str_of(word_of(root, "custom_id"));
    if (i == N_OUTCOMES || !out->key.n)
        return false;
    out->outcome = OUTCOMES[i].outcome;
    out->response.error = OUTCOMES[i].error;
    out->response.received = str_sub((str){l->line.p, l->line.n}, 0, AI_RAW_BYTES);
    out->response.is_received_cut = l->line.n > AI_RAW_BYTES;
    out->response.n_attempts = 1;
    if (out->outcome == AI_BATCH_ERRORED)
        out->response.error = anthropic_error_of(json_object_get(result, "error"), 0);
    if (out->outcome != AI_BATCH_SUCCEEDED)
        return true;
    anthropic_message_init(&m, &l->arena);
    if (!anthropic_message_take(&m, json_object_get(result, "message"))) {
        out->response.error = m.error;
        return true;
    }
    out->response.text = buf_str(&m.text);
    out->response.stop = m.stop;
    out->response.usage = m.usage;
    out->response.model = m.model;
    out->response.message_id = m.id;
    return true;
}

static enum status end_line(struct lines *l)
{
    struct ai_batch_result result = {0};

    if (!buf_ok(&l->line))
        return ai_fail(l->call, AI_ERROR_OVERSIZE);
    if (!l->line.n)
        return STATUS_OK;
    json_t *root = json_loadb(l->line.p, l->line.n, JSON_REJECT_DUPLICATES, NULL);
    enum status s = read_result(l, root, &result) ? l->take(l->self, &result)
                                                  : ai_fail(l->call, AI_ERROR_ANSWER);

    json_decref(root);
    clear(l);
    return s == STATUS_OK ? call_check(l->call) : s;
}

static bool take_bytes(void *self, str bytes)
{
    struct lines *l = self;

    while (bytes.n) {
        bool is_end = memchr(bytes.p, '\n', bytes.n) != NULL;

        buf_put(&l->line, str_cut(&bytes, '\n'));
        if (is_end || !buf_ok(&l->line))
            l->failed = end_line(l);
        if (l->failed)
            return false;
    }
    return true;
}

static enum status results(struct ai_provider *base, struct call *c, str id, ai_batch_take take,
                           void *self)
{
    struct lines l = {.call = c, .take = take, .self = self};
    char path[PATH_BYTES];
    struct http_response r;

    snprintf(path, sizeof path, "/v1/messages/batches/" STR_FMT "/results", STR_ARG(id));
    arena_init(&l.arena, LINE_ARENA_BYTES);
    clear(&l);
    enum status s = anthropic_send((struct anthropic *)base, c,
                                   &(struct anthropic_request){.method = HTTP_GET,
                                                               .path = path,
                                                               .timeout_ms = AI_BATCH_RESULTS_MS,
                                                               .take = take_bytes,
                                                               .taker = &l},
                                   &r);

    if (l.failed)
        s = l.failed;
    if (s == STATUS_OK)
        s = end_line(&l); /* the last one may lack its end */
    arena_release(&l.arena);
    return s;
}

const struct ai_batch_ops anthropic_batch_ops = {
    .create = create, .look = look, .cancel = cancel, .results = results};
