/* From message fields to SQL values. The only place that turns personal data into blind values. */
#include "sql/columns.h"

#include <assert.h>
#include <stdlib.h>

#include "domain/email.h"
#include "store/words.h"

enum { DOMAIN_MAX = 96, TOKENS_MAX = WORDS_MAX + TAGS_MAX, BLINDED_SLOTS = 4096 };

/* "use.table.column": the digest of one column is of no use for another. Names of records.def are
 * far shorter than DOMAIN_MAX; this runs for every value, too often for printf. */
static const char *domain_of(char out[DOMAIN_MAX], const char *use, const char *table,
                             const char *column)
{
    assert(strlen(use) + strlen(table) + strlen(column) + 3 <= DOMAIN_MAX);
    stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(out, use), "."), table), *column ? "." : ""), column);
    return out;
}

/* What a column compares of a value. */
static str compared(struct tx *tx, const struct column_info *c, str value)
{
    str key;

    if (c->flags & COLUMN_PHONE)
        return str_cut(&value, ';');
    if (c->flags & COLUMN_MAIL && (key = email_key(&tx->call->arena, value)).n)
        return key;
    return value;
}

/* A value that was made blind in this unit; column NULL: none. */
struct blinded {
    const struct column_info *column;
    const unsigned char *digest; /* [BLIND_BYTES] */
    str value;
};

static bool is_of(const struct blinded *b, const struct column_info *c, str value)
{
    return b->column == c && str_eq(b->value, value);
}

/* Values that are looked up are often stored next. The slot of this one, the first free of two, or
 * one to overwrite: at worst a value is made blind again. NULL: this unit keeps none. */
static struct blinded *blinded_at(struct tx *tx, const struct column_info *c, str value)
{
    struct blinded *b;

    if (!tx->blinded)
        return NULL;
    b = &tx->blinded[(sql_hash(value) + (uintptr_t)c / sizeof *c) % BLINDED_SLOTS & ~(size_t)1];
    return !b->column || is_of(b, c, value) || (b[1].column && !is_of(&b[1], c, value)) ? b : b + 1;
}

static void blind_now(struct tx *tx, const struct column_info *c, str value, unsigned char *out)
{
    char domain[DOMAIN_MAX];

    seal_digest(&tx->keys->index, domain_of(domain, "blind", record_info(c->kind)->table, c->name),
                compared(tx, c, value), out, BLIND_BYTES);
}

static struct sql_value blind(struct tx *tx, const struct column_info *c, str value, bool *ok)
{
    struct blinded *known = blinded_at(tx, c, value);
    unsigned char *out;
    str copy;

    if (known && is_of(known, c, value))
        return sql_bytes(known->digest, BLIND_BYTES);
    if ((out = arena_take(&tx->call->arena, BLIND_BYTES)) == NULL) {
        *ok = false;
        return sql_null();
    }
    blind_now(tx, c, value, out);
    if (known && (copy = arena_str(&tx->call->arena, value)).p)
        *known = (struct blinded){c, out, copy};
    return sql_bytes(out, BLIND_BYTES);
}

void columns_keep_blind(struct tx *tx)
{
    if (!tx->blinded && store_mode_writes(tx->mode))
        tx->blinded = NEW(&tx->call->arena, struct blinded, BLINDED_SLOTS);
}

static struct sql_value id_value(struct tx *tx, str text, bool *ok)
{
    struct uuid *u = NEW(&tx->call->arena, struct uuid, 1);

    if (!u) {
        *ok = false;
        return sql_null();
    }
    if (!uuid_parse(text, u))
        *u = (struct uuid){{0}};
    return sql_bytes(u->b, sizeof u->b);
}

struct sql_value column_value(struct tx *tx, const struct column_info *c, str text, int64_t number,
                              bool *ok)
{
    switch (c->type) {
    case COLUMN_INT:
    case COLUMN_ENUM:
    case COLUMN_BOOL:
    case COLUMN_TIME: return sql_int(number);
    case COLUMN_TEXT: return sql_text(text);
    case COLUMN_ID: return id_value(tx, text, ok);
    case COLUMN_BLIND: return blind(tx, c, text, ok);
    case COLUMN_TAGS:
    case COLUMN_MANY: break;
    }
    assert(false && "tags have no column");
    return sql_null();
}

size_t columns_read(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
                    struct sql_value *values, bool *ok)
{
    size_t n = 0;

    for (size_t i = 0; i < info->n_columns; i++) {
        const struct column_info *c = &info->columns[i];
        struct field_value v;

        if (!column_is_stored(c))
            continue;
        v = field_read(m, &c->path);
        if (v.is_set)
            values[n++] = column_value(tx, c, v.text, v.number, ok);
        else if (!(c->flags & COLUMN_ORDER))
            values[n++] = sql_null();
        else
            values[n++] = c->type == COLUMN_TEXT ? sql_text(STR("")) : sql_int(COLUMN_MISSING);
    }
    return n;
}

static int64_t token(struct tx *tx, const char *domain, str value)
{
    unsigned char d[TOKEN_BYTES];

    seal_digest(&tx->keys->index, domain, value, d, sizeof d);
    return token_at((str){(char *)d, sizeof d}, 0);
}

int64_t token_of_word(struct tx *tx, const struct record_info *info, str word)
{
    char domain[DOMAIN_MAX];

    return token(tx, domain_of(domain, "word", info->table, ""), word);
}

int64_t token_of_tag(struct tx *tx, const struct column_info *c, str tag)
{
    char domain[DOMAIN_MAX];

    return token(tx, domain_of(domain, "tag", record_info(c->kind)->table, c->name),
                 c->type == COLUMN_MANY ? compared(tx, c, tag) : tag);
}

int64_t token_at(str packed, size_t i)
{
    uint64_t v = 0;

    assert((i + 1) * TOKEN_BYTES <= packed.n);
    for (size_t j = 0; j < TOKEN_BYTES; j++)
        v = v << 8 | (unsigned char)packed.p[i * TOKEN_BYTES + j];
    return (int64_t)v;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, TOKEN_BYTES);
}

static void put(unsigned char *p, size_t i, int64_t token)
{
    for (size_t j = 0; j < TOKEN_BYTES; j++)
        p[i * TOKEN_BYTES + j] = (unsigned char)((uint64_t)token >> (8 * (TOKEN_BYTES - 1 - j)));
}

/* Sorts and drops repetitions; returns how many are left. */
static size_t tidy(unsigned char *p, size_t n)
{
    size_t kept = 0;

    qsort(p, n, TOKEN_BYTES, compare);
    for (size_t i = 0; i < n; i++)
        if (!kept || compare(p + (kept - 1) * TOKEN_BYTES, p + i * TOKEN_BYTES) != 0)
            memmove(p + kept++ * TOKEN_BYTES, p + i * TOKEN_BYTES, TOKEN_BYTES);
    return kept;
}

/* The tokens of one column, behind the n first of p; returns how many there are now. */
static size_t put_tags(struct tx *tx, const struct column_info *c, const ProtobufCMessage *m,
                       unsigned char *p, size_t n)
{
    str texts[TAGS_MAX];
    size_t n_texts = field_texts(m, &c->path, texts, TAGS_MAX);

    for (size_t i = 0; i < n_texts && n < TOKENS_MAX; i++)
        put(p, n++, token_of_tag(tx, c, texts[i]));
    return n;
}

enum status tokens_read(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
                        str *packed_out)
{
    struct words words = {.n = 0};
    unsigned char *p = arena_take(&tx->call->arena, (size_t)TOKENS_MAX * TOKEN_BYTES);
    size_t n = 0;

    *packed_out = (str){0};
    if (!p)
        return call_nomem(tx->call);
    for (size_t i = 0; i < info->n_words; i++)
        if (!words_add(&tx->call->arena, field_read(m, &info->words[i]).text, &words))
            return call_nomem(tx->call);
    for (size_t i = 0; i < words.n; i++)
        put(p, n++, token_of_word(tx, info, words.list[i]));
    for (size_t i = 0; i < info->n_columns; i++)
        if (!column_is_stored(&info->columns[i]))
            n = put_tags(tx, &info->columns[i], m, p, n);
    *packed_out = (str){(char *)p, tidy(p, n) * TOKEN_BYTES};
    return STATUS_OK;
}
