/* One pass over the question; what is put in is never looked at again for slots. */
#include <assert.h>
#include <math.h>

#include "ai/prompt.h"
#include "base/banned.h"
#include "base/buf.h"
#include "base/encode.h"
#include "domain/text.h"
#include "store/seal.h"

struct filling {
    const struct prompt *prompt;
    struct call *call;
    struct ai_input *inputs; /* [n_slots] by slot; cleaned */
    char boundary[PROMPT_BOUNDARY_BYTES + 1];
};

static enum status wrong(struct filling *f, const char *slot, const char *what)
{
    return call_fail_as(f->call, STATUS_INVALID, "AI_SLOT", "prompt %s, slot %.40s: %s",
                        f->prompt->name, slot, what);
}

/* Characters that a reader does not see or that reorder what he sees; Unicode's Cc, Cf, tags,
 * variation selectors and other ignorables, surrogates and non-characters. Sorted, closed ranges.
 */
static const struct range {
    uint32_t first, last;
} hidden[] = {
    {0x0000, 0x0008},   {0x000B, 0x001F},    {0x007F, 0x009F},   {0x00AD, 0x00AD},
    {0x034F, 0x034F},   {0x061C, 0x061C},    {0x115F, 0x1160},   {0x17B4, 0x17B5},
    {0x180B, 0x180F},   {0x200B, 0x200F},    {0x2028, 0x202E},   {0x2060, 0x206F},
    {0x3164, 0x3164},   {0xFE00, 0xFE0F},    {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB},   {0x13430, 0x1343F},  {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF}, {0xF0000, 0x10FFFF},
};

static bool is_hidden(uint32_t rune)
{
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (rune <= hidden[i].last)
            return rune >= hidden[i].first;
    return false;
}

/* Bytes of the well-formed character at the beginning of s; 0: there is none. */
static size_t rune_bytes(str s)
{
    unsigned char first = (unsigned char)s.p[0];
    size_t n = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;

    return s.n >= n && (first == 0 || str_is_text((str){s.p, n})) ? n : 0;
}

str prompt_clean(struct arena *a, str text, size_t max_bytes)
{
    struct buf b;

    buf_init(&b, a, max_bytes + 4);
    while (text.n && b.n < max_bytes) {
        size_t n = rune_bytes(text);
        str one = str_sub(text, 0, n ? n : 1), rune = one;
        bool drop = n && is_hidden(text_rune(&rune));

        text = str_sub(text, one.n, text.n);
        if (!n)
            one = STR("\xEF\xBF\xBD");
        if (b.n + one.n > max_bytes)
            break;
        if (!drop)
            buf_put(&b, one);
    }
    buf_put(&b, STR(""));
    return buf_str(&b);
}

static const struct ai_input *value_of(const struct prompt_values *values, const char *name)
{
    for (size_t i = 0; i < values->n; i++)
        if (!strcmp(values->list[i].name, name))
            return &values->list[i];
    return NULL;
}

static bool is_missing(const struct ai_input *in)
{
    return !in || (in->kind == AI_TEXT ? in->text.n == 0 : !isfinite(in->number));
}

static bool is_one_line(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20)
            return false;
    return str_is_text(s);
}

/* The value of a slot as it will be used. */
static enum status take_value(struct filling *f, const struct prompt_slot *slot,
                              const struct ai_input *in, struct ai_input *out)
{
    *out = (struct ai_input){.name = slot->name, .kind = slot->kind, .number = NAN};
    if (is_missing(in))
        return slot->is_optional ? STATUS_OK : wrong(f, slot->name, "is missing");
    if (in->kind != slot->kind)
        return wrong(f, slot->name, "is of another kind");
    out->number = in->number;
    if (slot->kind == AI_NUMBER)
        return STATUS_OK;
    if (slot->trust == PROMPT_TRUSTED && (in->text.n > slot->max_bytes || !is_one_line(in->text)))
        return wrong(f, slot->name, "is too long or more than one line of text");
    out->text = prompt_clean(&f->call->arena, in->text, slot->max_bytes);
    if (!out->text.p)
        return call_nomem(f->call);
    return out->text.n || slot->is_optional ? STATUS_OK : wrong(f, slot->name, "is missing");
}

static enum status take_values(struct filling *f, const struct prompt_values *values)
{
    const struct prompt *p = f->prompt;
    size_t n_used = 0;

    if (!(f->inputs = NEW(&f->call->arena, struct ai_input, p->n_slots + 1)))
        return call_nomem(f->call);
    for (size_t i = 0; i < p->n_slots; i++) {
        const struct ai_input *in = value_of(values, p->slots[i].name);

        n_used += in != NULL;
        TRY(take_value(f, &p->slots[i], in, &f->inputs[i]));
    }
    if (n_used != values->n)
        return wrong(f, "?", "a value that is no slot, or twice");
    return STATUS_OK;
}

/* Of the prompt and all that is filled in. */
static enum status make_boundary(struct filling *f)
{
    unsigned char sum[SEAL_DIGEST_BYTES], next[SEAL_DIGEST_BYTES];
    char *both = arena_take(&f->call->arena, sizeof sum + sizeof next), *hex;

    if (!both)
        return call_nomem(f->call);
    seal_sha256(str_of(f->prompt->sha256), sum);
    for (size_t i = 0; i < f->prompt->n_slots; i++) {
        seal_sha256(f->inputs[i].text, next);
        memcpy(both, sum, sizeof sum);
        memcpy(both + sizeof sum, next, sizeof next);
        seal_sha256((str){both, sizeof sum + sizeof next}, sum);
    }
    if (!(hex = hex_encode(&f->call->arena, sum, PROMPT_BOUNDARY_BYTES / 2)))
        return call_nomem(f->call);
    memcpy(f->boundary, hex, sizeof f->boundary);
    return STATUS_OK;
}

/* JSON, with < > & as escapes too: nothing in it can look like markup. */
static void put_json(struct filling *f, struct buf *b, str text)
{
    struct buf json;

    buf_init(&json, &f->call->arena, 6 * PROMPT_SLOT_BYTES + 2);
    buf_put_json(&json, text);
    for (size_t i = 0; i < json.n; i++) {
        char ch = json.p[i];

        if (ch == '<' || ch == '>' || ch == '&')
            buf_printf(b, "\\u%04x", (unsigned)ch);
        else
            buf_putc(b, ch);
    }
    b->failed |= !buf_ok(&json);
}

static void put_data(struct filling *f, struct buf *b, const struct ai_input *in)
{
    buf_printf(b, "<data name=\"%s\" boundary=\"%s\">", in->name, f->boundary);
    put_json(f, b, in->text);
    buf_printf(b, "</data %s>", f->boundary);
}

static size_t slot_index(const struct prompt *p, str name)
{
    size_t i = 0;

    while (i < p->n_slots && !str_eq(name, str_of(p->slots[i].name)))
        i++;
    assert(i < p->n_slots); /* prompt_read has looked */
    return i;
}

static void put_value(struct filling *f, struct buf *b, size_t i)
{
    const struct ai_input *in = &f->inputs[i];

    if (f->prompt->slots[i].trust == PROMPT_UNTRUSTED)
        put_data(f, b, in);
    else if (in->kind == AI_TEXT)
        buf_put(b, in->text);
    else
        buf_printf(b, in->number == floor(in->number) ? "%.0f" : "%.4g", in->number);
}

/* A line with its slots; false: an optional one is missing, and nothing is to be kept of it. */
static bool put_line(struct filling *f, struct buf *b, str line)
{
    while (line.n) {
        const char *open = line.p ? memmem(line.p, line.n, "{{", 2) : NULL;
        size_t to = open ? (size_t)(open - line.p) : line.n, i;

        buf_put(b, str_sub(line, 0, to));
        line = str_sub(line, to + (open ? 2 : 0), line.n);
        if (!open)
            break;
        i = slot_index(f->prompt, str_cut(&line, '}'));
        line = str_sub(line, 1, line.n);
        if (is_missing(&f->inputs[i]))
            return false;
        put_value(f, b, i);
    }
    return true;
}

static enum status put_user(struct filling *f, str *out)
{
    str rest = f->prompt->user;
    struct buf b;

    buf_init(&b, &f->call->arena, PROMPT_FILLED_BYTES);
    while (rest.n) {
        size_t before = b.n;

        if (put_line(f, &b, str_cut(&rest, '\n')))
            buf_putc(&b, '\n');
        else
            b.n = before;
    }
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK : call_nomem(f->call);
}

/* The tenant's words: an admin wrote them, but they rank below ours. The same in every call of the
 * tenant, so that the provider may keep them. */
static enum status put_tenant(struct filling *f, str instructions, str *out)
{
    struct buf b;

    buf_init(&b, &f->call->arena, PROMPT_FILLED_BYTES);
    buf_put(&b, STR("The company that you work for adds the following. It may change wording, "
                    "language and emphasis; where it disagrees with the rules above or with the "
                    "task, the rules and the task count.\n<instructions>"));
    put_json(f, &b, instructions);
    buf_put(&b, STR("</instructions>"));
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK : call_nomem(f->call);
}

enum status prompt_fill(const struct prompt *p, struct call *c, const struct prompt_values *values,
                        struct prompt_filled *out)
{
    struct filling f = {.prompt = p, .call = c};
    str instructions = prompt_clean(&c->arena, values->instructions, PROMPT_SLOT_BYTES);

    *out = (struct prompt_filled){0};
    if (!instructions.p)
        return call_nomem(c);
    TRY(take_values(&f, values));
    TRY(make_boundary(&f));
    out->system[out->n_system++] = p->platform;
    if (instructions.n)
        TRY(put_tenant(&f, instructions, &out->system[out->n_system++]));
    out->system[out->n_system++] = p->system;
    TRY(put_user(&f, &out->user));
    out->inputs = f.inputs;
    out->n_inputs = p->n_slots;
    return STATUS_OK;
}
