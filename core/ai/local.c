/* One pass over the fields of the task; each looks for its sentences in the table. */
#include "ai/local.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#include "base/banned.h"
#include "base/buf.h"

enum { ARENA_BYTES = 4 << 20, SLOT_BYTES = 200 };

/* clang-format off */
static const struct sentence {
    enum ai_task task;
    const char *field;
    size_t most; /* bytes, filled */
    const char *text;
} SENTENCES[] = {
#define X(task_, field_, most_, text_) {AI_TASK_##task_, field_, most_, text_},
#include "ai/template.def"
#undef X
};
/* clang-format on */
enum { N_SENTENCES = sizeof SENTENCES / sizeof *SENTENCES };

/* A long text is cut between characters, and says so. */
static void put_text(struct buf *out, str text)
{
    static const str MORE = {"...", 3};

    if (text.n <= SLOT_BYTES) {
        buf_put(out, text);
        return;
    }
    text.n = SLOT_BYTES - MORE.n;
    while (text.n && ((unsigned char)text.p[text.n] & 0xC0) == 0x80)
        text.n--;
    buf_put(out, text);
    buf_put(out, MORE);
}

static bool put_input(struct buf *out, const struct ai_request *q, str name)
{
    for (size_t i = 0; i < q->n_inputs; i++) {
        const struct ai_input *in = &q->inputs[i];

        if (!str_eq(name, str_of(in->name)))
            continue;
        if (in->kind == AI_TEXT)
            put_text(out, in->text);
        else if (isfinite(in->number))
            buf_printf(out, in->number == floor(in->number) ? "%.0f" : "%.2f", in->number);
        return in->kind == AI_TEXT ? in->text.n > 0 : isfinite(in->number);
    }
    return false;
}

/* The sentence with its slots filled; false: one of them is missing, or it is too long. */
static bool fill(struct arena *a, const struct ai_request *q, const struct sentence *s, str *out)
{
    str rest = str_of(s->text);
    struct buf b;

    buf_init(&b, a, s->most);
    while (rest.n) {
        buf_put(&b, str_cut(&rest, '{'));
        if (rest.n && !put_input(&b, q, str_cut(&rest, '}')))
            return false;
    }
    *out = buf_str(&b);
    return buf_ok(&b);
}

static void put_value(struct buf *out, str value, bool is_text)
{
    if (is_text)
        buf_put_json(out, value);
    else
        buf_put(out, value);
}

/* Writes the value of one field "name:type". */
static void put_field(struct buf *out, struct arena *a, const struct ai_request *q, str field)
{
    str type = field, name = str_cut(&type, ':');
    bool is_list = str_eq(type, STR("texts")), is_text = is_list || str_eq(type, STR("text"));
    size_t n = 0;
    str value;

    buf_put_json(out, name);
    buf_put(out, is_list ? STR(":[") : STR(":"));
    for (size_t i = 0; i < N_SENTENCES && (is_list || !n); i++) {
        const struct sentence *s = &SENTENCES[i];

        if (s->task != q->task || !str_eq(name, str_of(s->field)) || !fill(a, q, s, &value))
            continue;
        if (n++)
            buf_putc(out, ',');
        put_value(out, value, is_text);
    }
    assert(n || is_list); /* a field's last sentence has no slots */
    if (is_list)
        buf_putc(out, ']');
}

static str answer(struct arena *a, const struct ai_request *q)
{
    str fields = str_of(ai_task_fields(q->task));
    struct buf b;

    buf_init(&b, a, AI_TEXT_BYTES);
    for (char sign = '{'; fields.n; sign = ',') {
        buf_putc(&b, sign);
        put_field(&b, a, q, str_cut(&fields, ' '));
    }
    buf_putc(&b, '}');
    return buf_str(&b);
}

static enum status start(struct ai_provider *p, struct call *c, const struct ai_request *q,
                         const struct ai_watch *watch, uint64_t *ticket)
{
    struct ai_response r = {.model = STR("local"), .is_local = true, .n_attempts = 1};
    int64_t began_ns = call_monotonic_ns(c);
    struct arena a;

    (void)p;
    *ticket = 0; /* it is over when this returns */
    arena_init(&a, ARENA_BYTES);
    r.text = answer(&a, q);
    r.error = r.text.n ? AI_OK : AI_ERROR_MEMORY;
    r.received = str_sub(r.text, 0, AI_RAW_BYTES);
    r.is_received_cut = r.text.n > AI_RAW_BYTES;
    r.took_ns = r.first_ns = call_monotonic_ns(c) - began_ns;
    if (watch->piece && r.text.n)
        watch->piece(watch->self, r.text);
    watch->done(watch->self, &r);
    arena_release(&a);
    return STATUS_OK;
}

static void cancel(struct ai_provider *p, uint64_t ticket)
{
    (void)p, (void)ticket;
}

static void close_nothing(struct ai_provider *p)
{
    (void)p;
}

static const struct ai_provider_ops LOCAL = {
    .name = "local", .start = start, .cancel = cancel, .close = close_nothing};

struct ai_provider *ai_local(void)
{
    static struct ai_provider local = {.ops = &LOCAL};

    return &local;
}
