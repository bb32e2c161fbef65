/* What is asked beside the questions themselves, one request at a time on the caller's thread: how
 * long models live. */
#include <assert.h>

#include "ai/anthropic_internal.h"
#include "base/banned.h"
#include "obs/log.h"

enum { MODEL_BYTES = 64 << 10, MODEL_TIMEOUT_MS = 10000, PATH_BYTES = 512 };

enum status anthropic_send(struct anthropic *p, struct call *c, const struct anthropic_request *q,
                           struct http_response *out)
{
    struct http_field fields[ANTHROPIC_FIELDS];
    char *bearer, *url = arena_printf(&c->arena, "%s%s", p->url, q->path);

    *out = (struct http_response){0};
    if (!url || !anthropic_fields(p, fields, &bearer))
        return call_nomem(c);
    enum status s = http_send(p->http, c,
                              &(struct http_request){.method = q->method,
                                                     .url = str_of(url),
                                                     .reach = HTTP_OPERATOR,
                                                     .fields = fields,
                                                     .n_fields = ANTHROPIC_FIELDS,
                                                     .body = q->body,
                                                     .body_max = q->body_max,
                                                     .timeout_ms = q->timeout_ms,
                                                     .take = q->take,
                                                     .taker = q->taker},
                              out);

    secret_drop(bearer);
    TRY(s);
    return out->status == 200 ? STATUS_OK : ai_fail(c, anthropic_error(out->status, out->body));
}

/* clang-format off */
static const struct { const char *word; enum anthropic_life life; } LIVES[] = {
    {"active",     ANTHROPIC_ACTIVE},
    {"deprecated", ANTHROPIC_DEPRECATED},
    {"retired",    ANTHROPIC_RETIRED},
};
/* clang-format on */

static void read_model(str body, struct anthropic_model *out)
{
    json_t *root = json_loadb(body.p ? body.p : "", body.n, 0, NULL);
    const char *life = json_string_value(json_object_get(root, "lifecycle"));
    const char *at = json_string_value(json_object_get(root, "retires_at"));

    for (size_t i = 0; i < sizeof LIVES / sizeof *LIVES && life; i++)
        if (strcmp(life, LIVES[i].word) == 0) {
            out->life = LIVES[i].life;
            out->is_known = true;
        }
    if (at && strlen(at) < sizeof out->retires_at)
        memcpy(out->retires_at, at, strlen(at) + 1);
    json_decref(root);
}

/* An id of the configuration becomes part of a path. */
static enum status check_model(struct anthropic *p, struct call *c, struct anthropic_model *out)
{
    struct http_response r;
    char path[PATH_BYTES];

    if (snprintf(path, sizeof path, "/v1/models/%s", out->id) >= PATH_BYTES ||
        strpbrk(out->id, "/?#% "))
        return call_fail(c, STATUS_INVALID, "that is no id of a model: %s", out->id);
    enum status s = anthropic_send(p, c,
                                   &(struct anthropic_request){.method = HTTP_GET,
                                                               .path = path,
                                                               .body_max = MODEL_BYTES,
                                                               .timeout_ms = MODEL_TIMEOUT_MS},
                                   &r);

    if (s == STATUS_OK)
        read_model(r.body, out);
    else if (r.status == 404)
        *out = (struct anthropic_model){.id = out->id, .life = ANTHROPIC_RETIRED, .is_known = true};
    if (r.status != 404 && r.status != 200)
        return s; /* the key, or the service: nothing is known of the model */
    call_clear(c);
    return STATUS_OK;
}

enum status anthropic_check_models(struct ai_provider *base, struct call *c,
                                   struct anthropic_model *out)
{
    struct anthropic *p = (struct anthropic *)base;

    assert(base->batch == &anthropic_batch_ops);
    for (size_t i = 0; i < p->n_models; i++)
        out[i] = (struct anthropic_model){.id = p->models[i]};
    for (size_t i = 0; i < p->n_models; i++) {
        TRY(check_model(p, c, &out[i]));
        if (out[i].is_known && out[i].life != ANTHROPIC_ACTIVE)
            log_write(c, out[i].life == ANTHROPIC_RETIRED ? LOG_ERROR : LOG_WARN,
                      LOG_EVENT_AI_MODEL_CHECKED,
                      (const struct log_field[]){F_ID("model", out[i].id),
                                                 F_STR("lifecycle", LIVES[out[i].life].word),
                                                 F_STR("retires_at", out[i].retires_at),
                                                 {.kind = LOG_END}});
    }
    return STATUS_OK;
}
