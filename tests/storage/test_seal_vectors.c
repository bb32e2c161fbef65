/*
 * Wycheproof's vectors for AES-GCM and HMAC-SHA-256 against the cipher and the digest of seal.h.
 * What does not apply: keys of other sizes than 256 bits, nonces of other sizes than 96 bits (we
 * make our own), and messages of the HMAC without a NUL, as a digest is of domain '\0' value.
 */
#include <criterion/criterion.h>
#include <jansson.h>

#include "store/seal.h"

#define DATA "tests/data/wycheproof/"

enum { GCM_VECTORS = 66, BYTES_MAX = 1024 };

struct bytes {
    unsigned char p[BYTES_MAX + 1];
    size_t n;
};

static json_t *load(const char *path)
{
    json_error_t why;
    json_t *o = json_load_file(path, 0, &why);

    cr_assert_not_null(o, "%s: %s", path, why.text);
    return o;
}

static unsigned digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

static struct bytes hex(const json_t *test, const char *name)
{
    const char *text = json_string_value(json_object_get(test, name));
    struct bytes b = {.n = strlen(text) / 2};

    cr_assert_leq(b.n, BYTES_MAX);
    for (size_t i = 0; i < b.n; i++)
        b.p[i] = (unsigned char)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    return b;
}

static str view(const struct bytes *b)
{
    return (str){(const char *)b->p, b->n};
}

static long long number(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static bool is_valid(const json_t *test)
{
    return strcmp(json_string_value(json_object_get(test, "result")), "valid") == 0;
}

/* Valid ones seal to the same bytes and open; no other one opens. */
static void check_gcm(const json_t *test)
{
    struct bytes key = hex(test, "key"), iv = hex(test, "iv"), aad = hex(test, "aad"),
                 msg = hex(test, "msg"), sealed = hex(test, "ct"), tag = hex(test, "tag");
    struct seal_key k = {.id = 1};
    unsigned char out[BYTES_MAX + SEAL_TAG_BYTES + 1];
    long long id = number(test, "tcId");
    bool opens;

    memcpy(k.bytes, key.p, SEAL_KEY_BYTES);
    memcpy(sealed.p + sealed.n, tag.p, tag.n);
    sealed.n += tag.n;
    opens = seal_decrypt(&k, iv.p, view(&aad), view(&sealed), out);
    cr_assert_eq(opens, is_valid(test), "%lld", id);
    if (!opens)
        return;
    cr_assert(memcmp(out, msg.p, msg.n) == 0, "%lld", id);
    cr_assert(seal_encrypt(&k, iv.p, view(&aad), view(&msg), out));
    cr_assert(memcmp(out, sealed.p, sealed.n) == 0, "%lld", id);
}

Test(seal_vectors, the_cipher_is_aes_256_gcm)
{
    json_t *all = load(DATA "aes_gcm_test.json"), *group, *test;
    size_t i, j;
    int n = 0;

    json_array_foreach(json_object_get(all, "testGroups"), i, group)
    {
        if (number(group, "keySize") != 256 || number(group, "ivSize") != 96 ||
            number(group, "tagSize") != 128)
            continue;
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            check_gcm(test);
            n++;
        }
    }
    cr_assert_eq(n, GCM_VECTORS, "%d", n);
    json_decref(all);
}

/* 1: it applied. */
static int check_hmac(const json_t *test, size_t tag_bytes)
{
    struct bytes key = hex(test, "key"), msg = hex(test, "msg"), tag = hex(test, "tag");
    const unsigned char *nul = memchr(msg.p, 0, msg.n);
    unsigned char out[SEAL_DIGEST_BYTES];
    struct seal_key k = {.id = 1};
    size_t n_domain;

    if (key.n != SEAL_KEY_BYTES || !nul)
        return 0;
    n_domain = (size_t)(nul - msg.p) + 1;
    memcpy(k.bytes, key.p, SEAL_KEY_BYTES);
    seal_digest(&k, (const char *)msg.p, (str){(char *)msg.p + n_domain, msg.n - n_domain}, out,
                tag_bytes);
    cr_assert_eq(memcmp(out, tag.p, tag_bytes) == 0, is_valid(test), "%lld", number(test, "tcId"));
    return 1;
}

Test(seal_vectors, the_digest_is_hmac_sha_256)
{
    json_t *all = load(DATA "hmac_sha256_test.json"), *group, *test;
    size_t i, j;
    int n = 0;

    json_array_foreach(json_object_get(all, "testGroups"), i, group)
    {
        json_array_foreach(json_object_get(group, "tests"), j, test)
        {
            n += check_hmac(test, (size_t)number(group, "tagSize") / 8);
        }
    }
    cr_assert_gt(n, 30, "%d", n);
    json_decref(all);
}
