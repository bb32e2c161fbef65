/* The catalogue's rows as raw values, then the custom attributes, sorted. */
#include "domain/feature.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "domain/moment.h"
#include "domain/outcome.h"
#include "domain/signal_eval.h"
#include "domain/text.h"

#define ATTRIBUTE_PREFIX "attr."

static const char over_the_limit[] = "more custom attributes than a score looks at";

/* Cuts at the end of a character. */
static str cut_text(str s)
{
    if (s.n <= FEATURE_TEXT_BYTES)
        return s;
    s.n = FEATURE_TEXT_BYTES;
    while (s.n && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
        s.n--;
    return s;
}

static enum status put_text(struct arena *a, struct feature *f, const char *text)
{
    str folded = text_fold(a, str_trim(str_of(text)));

    if (!folded.p)
        return *text ? STATUS_EXHAUSTED : STATUS_OK;
    f->text = cut_text(folded);
    f->known = f->text.n > 0;
    return STATUS_OK;
}

static void put_number(struct feature *f, double number)
{
    f->known = fabs(number) <= SIGNAL_NUMBER_MAX; /* NaN is not either */
    f->number = f->known ? number : 0;
}

static enum status put_signal(const struct scene *s, const struct signal *row, struct feature *f)
{
    struct signal_value v = row->eval(s, row);

    f->name = row->name;
    f->group = row->group;
    f->type = (enum feature_type)row->type;
    f->known = v.known;
    switch (row->type) {
    case SIGNAL_CATEGORY: return v.known ? put_text(s->arena, f, v.text) : STATUS_OK;
    case SIGNAL_BOOL:
        if (v.known || row->missing == SIGNAL_NO)
            put_number(f, v.known && v.share == 1000);
        return STATUS_OK;
    case SIGNAL_NUMBER:
    case SIGNAL_TIME:
        if (v.known)
            put_number(f, v.number);
        return STATUS_OK;
    }
    return STATUS_OK;
}

/* An attribute on its way to its place: the first bytes of the key decide most comparisons. */
struct entry {
    uint64_t head;
    const char *key;
    const AttributeValue *value;
};

static uint64_t head_of(const char *key)
{
    uint64_t head = 0;

    for (int i = 0; i < 8; i++) {
        head = head << 8 | (unsigned char)*key;
        key += *key != 0;
    }
    return head;
}

static int compare(const struct entry *x, const struct entry *y)
{
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void merge(const struct entry *from, struct entry *to, size_t middle, size_t end)
{
    size_t i = 0, k = middle;

    for (size_t at = 0; at < end; at++) {
        bool left = k == end || (i < middle && compare(&from[i], &from[k]) <= 0);

        to[at] = left ? from[i++] : from[k++];
    }
}

/* Stable, by key; spare is as long as rows. Returns the one of the two that holds the result. */
static struct entry *sort(struct entry *rows, struct entry *spare, size_t n)
{
    bool sorted = true;

    for (size_t i = 1; i < n && sorted; i++)
        sorted = compare(&rows[i - 1], &rows[i]) <= 0;
    for (size_t width = 1; width < n && !sorted; width *= 2) {
        struct entry *done = spare;

        for (size_t at = 0; at < n; at += 2 * width) {
            size_t end = n - at < 2 * width ? n - at : 2 * width;

            merge(rows + at, spare + at, end < width ? end : width, end);
        }
        spare = rows;
        rows = done;
    }
    return rows;
}

/* One vector in the making. */
struct maker {
    struct arena *arena;
    const struct score_input *in;
    struct feature_vector *out;
};

static const char *attribute_name(struct arena *a, const char *key)
{
    size_t n = strlen(key), head = sizeof ATTRIBUTE_PREFIX - 1;
    char *name = arena_take(a, head + n + 1);

    if (!name)
        return NULL;
    memcpy(name, ATTRIBUTE_PREFIX, head);
    memcpy(name + head, key, n + 1);
    return name;
}

static enum status put_caveat(struct maker *m, const char *key, const char *why)
{
    const char *name;

    if (m->out->n_caveats == FEATURE_CAVEATS_MAX)
        return STATUS_OK;
    if ((name = attribute_name(m->arena, key)) == NULL)
        return STATUS_EXHAUSTED;
    m->out->caveats[m->out->n_caveats++] = (struct feature_caveat){name, why};
    return STATUS_OK;
}

static void put_time(struct feature *f, const AttributeValue *v, int64_t as_of_us)
{
    int64_t us;

    f->type = FEATURE_TIME;
    if (signal_attribute_time(v, &us) && us <= as_of_us)
        put_number(f, (double)(as_of_us - us) / (double)MOMENT_DAY_US);
}

static enum status put_attribute(struct maker *m, const struct entry *e)
{
    struct feature *f = &m->out->items[m->out->n++];
    const AttributeValue *v = e->value;
    double number;

    f->group = SIGNAL_GROUP_CUSTOM;
    if ((f->name = attribute_name(m->arena, e->key)) == NULL)
        return STATUS_EXHAUSTED;
    switch ((int)v->kind_case) {
    case SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE:
        f->type = FEATURE_CATEGORY;
        return put_text(m->arena, f, v->string_value);
    case SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE:
        if (signal_attribute_number(v, &number))
            put_number(f, number);
        return STATUS_OK;
    case SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE:
        f->type = FEATURE_BOOL;
        put_number(f, v->bool_value != 0);
        return STATUS_OK;
    case SALES__V1__ATTRIBUTE_VALUE__KIND_TIME_VALUE: put_time(f, v, m->in->as_of_us);
    }
    return STATUS_OK;
}

/* Attributes with a value, by key; of equal keys the last, as the contract's maps are read. */
static enum status list_attributes(struct maker *m, struct entry **out, size_t *n_out)
{
    const Lead *l = m->in->lead;
    struct entry *rows = NEW(m->arena, struct entry, 2 * l->n_attributes + 1);
    size_t n = 0;

    *n_out = 0;
    if (!rows)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < l->n_attributes; i++) {
        const Lead_AttributesEntry *e = l->attributes[i];

        if (e->value && e->value->kind_case)
            rows[n++] = (struct entry){head_of(e->key), e->key, e->value};
    }
    rows = sort(rows, rows + l->n_attributes, n);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || compare(&rows[i], &rows[i + 1]) != 0)
            rows[(*n_out)++] = rows[i];
    *out = rows;
    return STATUS_OK;
}

static enum status put_attributes(struct maker *m, const struct entry *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *why = outcome_of_name(str_of(rows[i].key));

        if (!why && m->out->n - m->out->n_signals == FEATURE_ATTRIBUTES_MAX)
            why = over_the_limit;
        TRY(why ? put_caveat(m, rows[i].key, why) : put_attribute(m, &rows[i]));
    }
    return STATUS_OK;
}

enum status feature_vector_make(struct arena *a, const struct score_input *in,
                                struct feature_vector *out, struct refusal *why)
{
    struct maker m = {a, in, out};
    struct scene scene;
    struct entry *attributes;
    size_t n_attributes;
    const struct signal *rows = signal_rows(&out->n_signals);

    *out = (struct feature_vector){.n_signals = out->n_signals};
    *why = (struct refusal){0};
    assert(!in->activity || in->activity->as_of_us == in->as_of_us);
    if (!score_has_begun(in->lead, in->as_of_us))
        return refuse(why, "feature.as_of", "an instant at or after the lead came about");
    if (scene_set(&scene, a, in) != STATUS_OK ||
        list_attributes(&m, &attributes, &n_attributes) != STATUS_OK)
        return refuse_nomem(why);
    out->items = NEW(a, struct feature, out->n_signals + n_attributes);
    out->caveats = NEW(a, struct feature_caveat, FEATURE_CAVEATS_MAX);
    if (!out->items || !out->caveats)
        return refuse_nomem(why);
    for (; out->n < out->n_signals; out->n++)
        if (put_signal(&scene, &rows[out->n], &out->items[out->n]) != STATUS_OK)
            return refuse_nomem(why);
    return put_attributes(&m, attributes, n_attributes) == STATUS_OK ? STATUS_OK
                                                                     : refuse_nomem(why);
}

void feature_catalogue_sha256(char out[SCORE_SHA256_BYTES + 1])
{
    unsigned char digest[SIGNAL_DIGEST_BYTES] = {0};
    char line[SIGNAL_LINE_BYTES];
    size_t n;
    const struct signal *rows = signal_rows(&n);

    for (size_t i = 0; i < n; i++) {
        snprintf(line, sizeof line, "%s %d %d %s %s", rows[i].name, (int)rows[i].type,
                 (int)rows[i].missing, rows[i].source, rows[i].text);
        signal_digest(digest, str_of(line));
    }
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
