/* An array that is searched from front to back: 64 names are nothing beside one signature. */
#include "intercept/jwk_set.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "intercept/json_text.h"

struct jwk_set {
    atomic_int refs;
    size_t n;
    struct jwk keys[JWK_SET_MAX];
};

const char *jwk_set_read(struct arena *scratch, str json, struct jwk_set **out, size_t *n_left_out)
{
    json_t *o = json.n <= JWK_SET_BYTES_MAX ? json_text_object(json) : NULL;
    const json_t *keys = json_object_get(o, "keys");
    struct jwk_set *s = NULL;
    const char *why = NULL;

    *out = NULL;
    *n_left_out = 0;
    if (!json_is_array(keys))
        why = "no JSON object with a list of keys";
    else if (json_array_size(keys) > JWK_SET_MAX)
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
    *out = s ? jwk_set_ref(s) : NULL;
    return why;
}

size_t jwk_set_count(const struct jwk_set *s)
{
    return s->n;
}

const struct jwk *jwk_set_find(const struct jwk_set *s, str kid, enum jws_alg alg)
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

struct jwk_set *jwk_set_ref(struct jwk_set *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void jwk_set_unref(struct jwk_set *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    for (size_t i = 0; i < s->n; i++)
        jwk_release(&s->keys[i]);
    free(s);
}
