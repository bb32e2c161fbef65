/* Written in the order of the service's cache: what never changes first. */
#include "ai/anthropic_body.h"

#include <inttypes.h>

static const char *const ROLES[] = {"user", "assistant"};
static const char *const EFFORTS[] = {"", "low", "medium", "high"};

static void put_text(struct buf *out, str text, bool is_marked)
{
    buf_put(out, STR("{\"type\":\"text\",\"text\":"));
    buf_put_json(out, text);
    if (is_marked)
        buf_put(out, STR(",\"cache_control\":{\"type\":\"ephemeral\"}"));
    buf_putc(out, '}');
}

static void put_system(struct buf *out, const struct ai_request *q)
{
    if (!q->n_system)
        return;
    buf_put(out, STR(",\"system\":["));
    for (size_t i = 0; i < q->n_system; i++) {
        if (i)
            buf_putc(out, ',');
        put_text(out, q->system[i], i + 1 == q->n_stable);
    }
    buf_putc(out, ']');
}

static void put_messages(struct buf *out, const struct ai_request *q)
{
    buf_put(out, STR(",\"messages\":["));
    for (size_t i = 0; i < q->n_messages; i++) {
        buf_printf(out, "%s{\"role\":\"%s\",\"content\":", i ? "," : "",
                   ROLES[q->messages[i].role]);
        buf_put_json(out, q->messages[i].text);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_output(struct buf *out, const struct ai_request *q)
{
    if (!q->schema.n && !q->effort)
        return;
    buf_put(out, STR(",\"output_config\":{"));
    if (q->effort)
        buf_printf(out, "\"effort\":\"%s\"%s", EFFORTS[q->effort], q->schema.n ? "," : "");
    if (q->schema.n) {
        buf_put(out, STR("\"format\":{\"type\":\"json_schema\",\"schema\":"));
        buf_put(out, q->schema);
        buf_putc(out, '}');
    }
    buf_putc(out, '}');
}

void anthropic_put_body(struct buf *out, const struct ai_request *q)
{
    buf_put(out, STR("{\"model\":"));
    buf_put_json(out, str_of(q->model));
    buf_printf(out, ",\"max_tokens\":%" PRId32, q->max_tokens);
    put_system(out, q);
    put_messages(out, q);
    put_output(out, q);
    if (q->user) {
        buf_put(out, STR(",\"metadata\":{\"user_id\":"));
        buf_put_json(out, str_of(q->user));
        buf_putc(out, '}');
    }
    if (q->delivery == AI_STREAMED)
        buf_put(out, STR(",\"stream\":true"));
    buf_putc(out, '}');
}
