/* A prompt file, line by line; each word that may begin a line is a row. */
#include <assert.h>
#include <stdlib.h>

#include "ai/prompt.h"
#include "base/banned.h"
#include "store/seal.h"

struct reader {
    struct call *call;
    const char *name;
    struct prompt *out;
    int line;
};

static enum status wrong(const struct reader *r, const char *what)
{
    return call_fail_as(r->call, STATUS_INVALID, "AI_PROMPT", "prompt %s, line %d: %s", r->name,
                        r->line, what);
}

/* The next word of a line. */
static str word_of(str *line)
{
    *line = str_trim(*line);
    return str_cut(line, ' ');
}

static bool number_of(str text, long long least, long long most, long long *out)
{
    return str_to_int64(text, out) && *out >= least && *out <= most;
}

static enum status read_task(struct reader *r, str rest)
{
    return ai_task_parse(str_trim(rest), &r->out->task) ? STATUS_OK : wrong(r, "no such task");
}

static enum status read_version(struct reader *r, str rest)
{
    long long n;

    if (!number_of(str_trim(rest), 1, INT32_MAX, &n))
        return wrong(r, "version is not a number from 1");
    r->out->version = (int32_t)n;
    return STATUS_OK;
}

static enum status read_max_tokens(struct reader *r, str rest)
{
    long long n;

    if (!number_of(str_trim(rest), 1, AI_TOKENS_MAX, &n))
        return wrong(r, "max_tokens is not a number that a model has");
    r->out->max_tokens = (int32_t)n;
    return STATUS_OK;
}

static enum status read_effort(struct reader *r, str rest)
{
    static const char *const names[] = {"low", "medium", "high"};

    for (size_t i = 0; i < 3; i++)
        if (str_eq(str_trim(rest), str_of(names[i]))) {
            r->out->effort = (enum ai_effort)(AI_EFFORT_LOW + i);
            return STATUS_OK;
        }
    return wrong(r, "effort is none of low, medium, high");
}

static bool is_name(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '_')
            return false;
    return s.n > 0 && s.n <= PROMPT_NAME_BYTES;
}

static const struct prompt_slot *slot_find(const struct prompt *p, str name)
{
    for (size_t i = 0; i < p->n_slots; i++)
        if (str_eq(name, str_of(p->slots[i].name)))
            return &p->slots[i];
    return NULL;
}

static bool read_trust(str word, enum prompt_trust *out)
{
    static const char *const names[] = {"trusted", "untrusted", "unsent"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(word, str_of(names[i]))) {
            *out = (enum prompt_trust)i;
            return true;
        }
    return false;
}

/* NAME text|number trusted|untrusted|unsent [BYTES] [optional] */
static enum status read_slot(struct reader *r, str rest)
{
    str name = word_of(&rest), kind = word_of(&rest), trust = word_of(&rest), next = word_of(&rest);
    bool is_text = str_eq(kind, STR("text"));
    struct prompt_slot *s = &r->out->slots[r->out->n_slots];
    long long bytes = 0;

    if (r->out->n_slots == PROMPT_SLOTS_MAX)
        return wrong(r, "too many slots");
    if (!is_name(name) || slot_find(r->out, name))
        return wrong(r, "a slot's name is a-z and _, once");
    if (!is_text && !str_eq(kind, STR("number")))
        return wrong(r, "a slot is text or number");
    if (!read_trust(trust, &s->trust) || (!is_text && s->trust != PROMPT_TRUSTED))
        return wrong(r, "a slot is trusted, or an untrusted or unsent text");
    if (is_text && !number_of(next, 1, PROMPT_SLOT_BYTES, &bytes))
        return wrong(r, "a text's length is missing or too large");
    if (is_text)
        next = word_of(&rest);
    if ((next.n && !str_eq(next, STR("optional"))) || str_trim(rest).n)
        return wrong(r, "a slot ends with its length or optional");
    s->kind = is_text ? AI_TEXT : AI_NUMBER;
    s->max_bytes = (size_t)bytes;
    s->is_optional = next.n > 0;
    memcpy(s->name, name.p, name.n);
    r->out->n_slots++;
    return STATUS_OK;
}

static const struct directive {
    const char *word;
    enum status (*read)(struct reader *, str rest);
} directives[] = {
    {"task", read_task},     {"version", read_version}, {"max_tokens", read_max_tokens},
    {"effort", read_effort}, {"slot", read_slot},
};

static enum status read_directive(struct reader *r, str line)
{
    str rest = line, word = word_of(&rest);

    for (size_t i = 0; i < sizeof directives / sizeof *directives; i++)
        if (str_eq(word, str_of(directives[i].word)))
            return directives[i].read(r, rest);
    return word.n ? wrong(r, "begins with no word that is known") : STATUS_OK;
}

/* The text up to the next line that begins with "== ", or all. */
static str read_part(struct reader *r, str *rest)
{
    str all = *rest;

    while (rest->n && !str_starts(*rest, STR("== "))) {
        (void)str_cut(rest, '\n');
        r->line++;
    }
    return str_trim((str){all.p, all.n - rest->n});
}

static enum status keep(struct reader *r, str text, str *out)
{
    char *p = malloc(text.n + 1);

    if (!p)
        return call_nomem(r->call);
    if (text.n)
        memcpy(p, text.p, text.n);
    p[text.n] = '\0';
    if (out->p)
        free((char *)out->p);
    *out = (str){p, text.n};
    return STATUS_OK;
}

static enum status read_parts(struct reader *r, str rest)
{
    while (rest.n) {
        str title = str_trim(str_cut(&rest, '\n')), part;

        r->line++;
        part = read_part(r, &rest);
        if (str_eq(title, STR("== system")) && !r->out->system.p)
            TRY(keep(r, part, &r->out->system));
        else if (str_eq(title, STR("== user")) && !r->out->user.p)
            TRY(keep(r, part, &r->out->user));
        else if (str_eq(title, STR("== schema")) && !r->out->schema)
            TRY(schema_open(r->call, part, &r->out->schema));
        else
            return wrong(r, "a part is system, user or schema, once");
    }
    return STATUS_OK;
}

/* Each {{name}} of the question is a slot, and each slot that is sent is in the question. */
static enum status check_user(struct reader *r)
{
    bool used[PROMPT_SLOTS_MAX] = {false};
    str rest = r->out->user;

    while (rest.n) {
        const struct prompt_slot *s;
        const char *open = memmem(rest.p, rest.n, "{{", 2);
        str name;

        if (!open)
            break;
        rest = str_sub(rest, (size_t)(open - rest.p) + 2, rest.n);
        name = str_cut(&rest, '}');
        s = slot_find(r->out, name);
        if (!s || s->trust == PROMPT_UNSENT || !str_starts(rest, STR("}")))
            return wrong(r, "the question has a slot that is not declared");
        used[s - r->out->slots] = true;
    }
    for (size_t i = 0; i < r->out->n_slots; i++)
        if (!used[i] && r->out->slots[i].trust != PROMPT_UNSENT)
            return wrong(r, "a slot is declared that the question does not have");
    return STATUS_OK;
}

static enum status check_whole(struct reader *r, const struct prompt *platform)
{
    const struct prompt *p = r->out;

    if (!p->version || !p->system.n)
        return wrong(r, "version or system is missing");
    if (!platform)
        return p->user.p || p->schema || p->n_slots || p->max_tokens
                   ? wrong(r, "the platform has version and system only")
                   : STATUS_OK;
    if (p->task == AI_TASKS || !p->max_tokens || !p->user.n || !p->schema)
        return wrong(r, "task, max_tokens, user or schema is missing");
    return check_user(r);
}

static void hash(struct prompt *p, str text, const struct prompt *platform)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char both[2 * SEAL_DIGEST_BYTES], out[SEAL_DIGEST_BYTES];

    seal_sha256(platform ? platform->system : STR(""), both);
    seal_sha256(text, both + SEAL_DIGEST_BYTES);
    seal_sha256((str){(const char *)both, sizeof both}, out);
    for (size_t i = 0; i < sizeof out; i++) {
        p->sha256[2 * i] = digits[out[i] >> 4];
        p->sha256[2 * i + 1] = digits[out[i] & 15];
    }
}

static enum status read_all(struct reader *r, str text, const struct prompt *platform)
{
    str rest = text;

    if (!text.n || text.n > PROMPT_FILE_BYTES || !str_is_text(text))
        return wrong(r, "empty, too long or not UTF-8");
    while (rest.n && !str_starts(rest, STR("== "))) {
        r->line++;
        TRY(read_directive(r, str_cut(&rest, '\n')));
    }
    TRY(read_parts(r, rest));
    TRY(check_whole(r, platform));
    return platform ? keep(r, platform->system, &r->out->platform) : STATUS_OK;
}

enum status prompt_read(struct call *c, const char *name, str text, const struct prompt *platform,
                        struct prompt *out)
{
    struct reader r = {c, name, out, 0};
    enum status s;

    *out = (struct prompt){.task = AI_TASKS};
    if (!is_name(str_of(name)))
        return wrong(&r, "a prompt's name is a-z and _");
    memcpy(out->name, name, strlen(name) + 1);
    s = read_all(&r, text, platform);
    if (s == STATUS_OK)
        hash(out, text, platform);
    else
        prompt_close(out);
    return s;
}

void prompt_close(struct prompt *p)
{
    free((char *)p->platform.p);
    free((char *)p->system.p);
    free((char *)p->user.p);
    schema_close(p->schema);
    *p = (struct prompt){.task = AI_TASKS};
}
