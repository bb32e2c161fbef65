/* An array that is searched from front to back: 64 names are nothing beside one signature. */
#include "intercept/key_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "intercept/json_text.h"

struct key_set {
    atomic_int refs;
    size_t n;
    struct jwk keys[KEY_SET_MAX];
};

const char *key_set_read(struct arena *scratch, str json, struct key_set **out, size_t *n_left_out)
{
    json_t *o = json.n <= KEY_SET_BYTES_MAX ? json_text_object(json) : NULL;
    const json_t *keys = json_object_get(o, "keys");
    struct key_set *s = NULL;
    const char *why = NULL;

    *out = NULL;
    *n_left_out = 0;
    if (!json_is_array(keys))
        why = "no JSON object with a list of keys";
    else if (json_array_size(keys) > KEY_SET_MAX)
        why = "more than 64 keys";
    else if ((s = calloc(1, sizeof *s)) == NULL)
        why = "no memory";
    for (size_t i = 0; s && i < json_array_size(keys); i++) {
        if (jwk_read(scratch, json_array_get(keys, i), &s->keys[s->n]))
            ++*n_left_out;
        else
            s->n++;
    }
    json_decref(o);
    *out = s ? key_set_ref(s) : NULL;
    return why;
}

size_t key_set_count(const struct key_set *s)
{
    return s->n;
}

const struct jwk *key_set_find(const struct key_set *s, str kid, enum jws_alg alg)
{
    const struct jwk *found = NULL;
    size_t n = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct jwk *k = &s->keys[i];

        if ((kid.n && !str_eq(kid, str_of(k->kid))) || (!kid.n && !(k->algs & 1U << alg)))
            continue;
        found = k;
        n++;
    }
    return n == 1 && found->algs & 1U << alg ? found : NULL;
}

struct key_set *key_set_ref(struct key_set *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void key_set_unref(struct key_set *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        jwk_release(&s->keys[i]);
    free(s);
}
