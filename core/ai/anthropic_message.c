/* One event of a stream, one whole message and one error object, each parsed by jansson. */
#include "ai/anthropic_message.h"

#include "base/banned.h"

/* clang-format off */
static const struct { const char *word; enum ai_stop stop; } STOPS[] = {
    {"end_turn",                      AI_STOP_END},
    {"max_tokens",                    AI_STOP_LENGTH},
    {"model_context_window_exceeded", AI_STOP_LENGTH},
    {"refusal",                       AI_STOP_REFUSAL},
    {"stop_sequence",                 AI_STOP_SEQUENCE},
};

/* Of details.error_code: a limit on money, which no waiting lifts. */
static const char *const SPENT[] = {"enforced_spend_limit_reached", "contract_spend_limit_reached"};
/* clang-format on */

void anthropic_message_init(struct anthropic_message *m, struct arena *a)
{
    *m = (struct anthropic_message){.arena = a, .stop = AI_STOP_OTHER};
    buf_init(&m->text, a, AI_TEXT_BYTES);
}

static bool fail(struct anthropic_message *m, enum ai_error e)
{
    m->error = e;
    return false;
}

static str text_of(const json_t *v)
{
    return json_is_string(v) ? (str){json_string_value(v), json_string_length(v)} : (str){0};
}

static bool is(const json_t *v, const char *word)
{
    return str_eq(text_of(v), str_of(word));
}

static void take_stop(struct anthropic_message *m, const json_t *word)
{
    if (!json_is_string(word))
        return;
    m->stop = AI_STOP_OTHER;
    for (size_t i = 0; i < sizeof STOPS / sizeof *STOPS; i++)
        if (is(word, STOPS[i].word))
            m->stop = STOPS[i].stop;
}

/* A count that is there replaces the one before: those of a stream are cumulative. */
static void take_count(const json_t *usage, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(usage, name);

    if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) < INT32_MAX)
        *out = json_integer_value(v);
}

static void take_usage(struct anthropic_message *m, const json_t *usage)
{
    struct ai_usage *u = &m->usage;
    int64_t plain = u->input - u->cache_read - u->cache_write;

    take_count(usage, "input_tokens", &plain);
    take_count(usage, "cache_read_input_tokens", &u->cache_read);
    take_count(usage, "cache_creation_input_tokens", &u->cache_write);
    take_count(usage, "output_tokens", &u->output);
    u->input = plain + u->cache_read + u->cache_write;
}

static bool take_head(struct anthropic_message *m, const json_t *message)
{
    if (!json_is_object(message) || !json_is_string(json_object_get(message, "id")) ||
        !json_is_string(json_object_get(message, "model")) ||
        text_of(json_object_get(message, "id")).n > AI_ID_BYTES ||
        text_of(json_object_get(message, "model")).n > AI_MODEL_BYTES)
        return fail(m, AI_ERROR_ANSWER);
    m->id = arena_str(m->arena, text_of(json_object_get(message, "id")));
    m->model = arena_str(m->arena, text_of(json_object_get(message, "model")));
    take_usage(m, json_object_get(message, "usage"));
    m->has_begun = true;
    return m->model.p ? true : fail(m, AI_ERROR_MEMORY);
}

static bool add_text(struct anthropic_message *m, str text)
{
    buf_put(&m->text, text);
    return buf_ok(&m->text) ? true : fail(m, AI_ERROR_OVERSIZE);
}

bool anthropic_message_take(struct anthropic_message *m, const json_t *message)
{
    const json_t *content = json_object_get(message, "content");

    if (!is(json_object_get(message, "type"), "message") || !json_is_array(content) ||
        !json_is_string(json_object_get(message, "stop_reason")))
        return fail(m, AI_ERROR_ANSWER);
    if (!take_head(m, message))
        return false;
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *block = json_array_get(content, i);

        if (!is(json_object_get(block, "type"), "text"))
            continue;
        if (!json_is_string(json_object_get(block, "text")))
            return fail(m, AI_ERROR_ANSWER);
        if (!add_text(m, text_of(json_object_get(block, "text"))))
            return false;
    }
    take_stop(m, json_object_get(message, "stop_reason"));
    m->is_whole = true;
    return true;
}

bool anthropic_message_read(struct anthropic_message *m, str json)
{
    json_t *root = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
    bool is_read = root ? anthropic_message_take(m, root) : fail(m, AI_ERROR_ANSWER);

    json_decref(root);
    return is_read;
}

enum ai_error anthropic_error_of(const json_t *answer, int http_status)
{
    const json_t *error = json_object_get(answer, "error");
    const json_t *code = json_object_get(json_object_get(error, "details"), "error_code");
    str type = text_of(json_object_get(error, "type"));
    enum ai_error by_status = http_status >= 500 ? AI_ERROR_SERVER : AI_ERROR_REQUEST;

    for (size_t i = 0; i < sizeof SPENT / sizeof *SPENT; i++)
        if (is(code, SPENT[i]))
            return AI_ERROR_SPENT;
    for (enum ai_error e = AI_OK + 1; e < AI_ERRORS; e++)
        if (ai_error_row(e)->http && ai_error_row(e)->http == http_status)
            return e;
    if (http_status == 504)
        return AI_ERROR_PEER_TIMEOUT;
    for (enum ai_error e = AI_OK + 1; e < AI_ERRORS && !http_status; e++)
        if (type.n && str_eq(type, str_of(ai_error_row(e)->wire)))
            return e;
    return http_status ? by_status : AI_ERROR_SERVER;
}

enum ai_error anthropic_error(int http_status, str json)
{
    json_t *root = json_loadb(json.p ? json.p : "", json.n, 0, NULL);
    enum ai_error e = anthropic_error_of(root, http_status);

    json_decref(root);
    return e;
}

/* What a block starts with, or a delta adds; type: of those that carry text. */
static bool take_text(struct anthropic_message *m, const json_t *part, const char *type, str *piece)
{
    const json_t *text = json_object_get(part, "text");

    if (!m->has_begun)
        return fail(m, AI_ERROR_ANSWER);
    if (!is(json_object_get(part, "type"), type))
        return true; /* thinking, its signature, tools */
    if (!json_is_string(text))
        return fail(m, AI_ERROR_ANSWER);
    size_t from = m->text.n;

    if (!add_text(m, text_of(text)))
        return false;
    *piece = (str){m->text.p + from, m->text.n - from};
    return true;
}

static bool take_event(struct anthropic_message *m, const json_t *event, str *piece)
{
    const json_t *type = json_object_get(event, "type");

    if (is(type, "message_start"))
        return m->has_begun ? fail(m, AI_ERROR_ANSWER)
                            : take_head(m, json_object_get(event, "message"));
    if (is(type, "content_block_start"))
        return take_text(m, json_object_get(event, "content_block"), "text", piece);
    if (is(type, "content_block_delta"))
        return take_text(m, json_object_get(event, "delta"), "text_delta", piece);
    if (is(type, "error"))
        return fail(m, anthropic_error_of(event, 0));
    if (is(type, "message_delta")) {
        take_stop(m, json_object_get(json_object_get(event, "delta"), "stop_reason"));
        take_usage(m, json_object_get(event, "usage"));
    } else if (is(type, "message_stop")) {
        m->is_whole = m->has_begun;
        return m->has_begun ? true : fail(m, AI_ERROR_ANSWER);
    }
    return json_is_string(type) ? true : fail(m, AI_ERROR_ANSWER); /* ping, and what is to come */
}

bool anthropic_message_event(struct anthropic_message *m, str json, str *piece)
{
    *piece = (str){0};
    if (m->is_whole)
        return true; /* nothing is said after the end */
    json_t *event = json_loadb(json.p ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
    bool goes_on = event ? take_event(m, event, piece) : fail(m, AI_ERROR_ANSWER);

    json_decref(event);
    return goes_on;
}
