/* The bounds that all providers share. */
#include "ai/batch.h"

#include <assert.h>
#include <stdlib.h>

static bool is_key(const char *key)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t n = key ? strspn(key, ALLOWED) : 0;

    return n && n <= AI_BATCH_KEY_BYTES && !key[n];
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum status check_keys(struct call *c, const struct ai_batch_item *items, size_t n)
{
    const char **keys = NEW(&c->arena, const char *, n);

    if (!keys)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++) {
        if (!is_key(items[i].key))
            return call_fail(c, STATUS_INVALID, "the key of item %zu of a batch is refused", i);
        keys[i] = items[i].key;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 1; i < n; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            return call_fail(c, STATUS_INVALID, "two items of a batch have one key");
    return STATUS_OK;
}

enum status ai_batch_create(struct ai_provider *p, struct call *c,
                            const struct ai_batch_item *items, size_t n, str *id_out)
{
    assert(ai_has_batches(p));
    *id_out = (str){0};
    if (!n || n > AI_BATCH_ITEMS_MAX)
        return call_fail(c, STATUS_INVALID, "a batch has 1 to %d items", AI_BATCH_ITEMS_MAX);
    TRY(check_keys(c, items, n));
    for (size_t i = 0; i < n; i++)
        TRY(ai_check(c, &items[i].request));
    return p->batch->create(p, c, items, n, id_out);
}

/* An id becomes part of a path. */
static enum status check_id(struct call *c, str id)
{
    bool is_good = id.n > 0 && id.n <= AI_ID_BYTES;

    for (size_t i = 0; i < id.n && is_good; i++)
        is_good = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'z') ||
                  (id.p[i] >= 'A' && id.p[i] <= 'Z') || id.p[i] == '_' || id.p[i] == '-';
    return is_good ? STATUS_OK : call_fail(c, STATUS_INVALID, "that is no id of a batch");
}

enum status ai_batch_look(struct ai_provider *p, struct call *c, str id, struct ai_batch_view *out)
{
    assert(ai_has_batches(p));
    *out = (struct ai_batch_view){0};
    TRY(check_id(c, id));
    return p->batch->look(p, c, id, out);
}

enum status ai_batch_cancel(struct ai_provider *p, struct call *c, str id,
                            struct ai_batch_view *out)
{
    assert(ai_has_batches(p));
    *out = (struct ai_batch_view){0};
    TRY(check_id(c, id));
    return p->batch->cancel(p, c, id, out);
}

enum status ai_batch_results(struct ai_provider *p, struct call *c, str id, ai_batch_take take,
                             void *self)
{
    assert(ai_has_batches(p));
    TRY(check_id(c, id));
    return p->batch->results(p, c, id, take, self);
}
