/* The signed text is put together once, on the stack: a message is small by its specification. */
#include "domain/webhook_sign.h"

#include <assert.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "base/banned.h"

enum {
    SIGNED_BYTES = WEBHOOK_ID_BYTES + 1 + 20 + 1 + WEBHOOK_BODY_BYTES,
    MAC_BYTES = 32,
    ED25519_KEY_BYTES = 32,
    ED25519_BOTH_BYTES = 64, /* seed and public key */
    ED25519_BYTES = 64,
    TEXT_MAX = 88, /* base64 of 64 bytes */
};

struct signed_text {
    char p[SIGNED_BYTES];
    size_t n;
};

/* clang-format off */
static const struct form {
    str prefix;
    enum webhook_scheme scheme;
    size_t least, most; /* bytes */
} FORMS[] = {
    {{"whsec_", 6}, WEBHOOK_SHARED,  WEBHOOK_SECRET_MIN, WEBHOOK_SECRET_MAX},
    {{"whsk_",  5}, WEBHOOK_PRIVATE, ED25519_KEY_BYTES,  ED25519_BOTH_BYTES},
    {{"whpk_",  5}, WEBHOOK_PUBLIC,  ED25519_KEY_BYTES,  ED25519_KEY_BYTES},
    {{"",       0}, WEBHOOK_SHARED,  WEBHOOK_SECRET_MIN, WEBHOOK_SECRET_MAX},
};
/* clang-format on */

/* Padded base64 without line breaks, of at most 64 bytes. EVP_DecodeBlock counts padding as zero
 * bytes and skips white space at the ends: the length is ours to know. */
static bool decode(str text, unsigned char out[WEBHOOK_SECRET_MAX], size_t *n_out)
{
    unsigned char all[TEXT_MAX];
    size_t padding = 0;

    if (!text.p || !text.n || text.n > TEXT_MAX || text.n % 4 != 0)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || (text.p[i] == '=' && i < text.n - 2))
            return false;
    while (padding < 2 && text.p[text.n - 1 - padding] == '=')
        padding++;
    if (text.p[text.n - 2] == '=' && padding < 2)
        return false;
    if (EVP_DecodeBlock(all, (const unsigned char *)text.p, (int)text.n) < 0)
        return false;
    *n_out = text.n / 4 * 3 - padding;
    if (*n_out > WEBHOOK_SECRET_MAX)
        return false;
    memcpy(out, all, *n_out);
    OPENSSL_cleanse(all, sizeof all);
    return true;
}

bool webhook_key_parse(str text, struct webhook_key *out)
{
    const struct form *f = FORMS;

    *out = (struct webhook_key){0};
    while (!str_starts(text, f->prefix))
        f++;
    out->scheme = f->scheme;
    bool is_valid = decode(str_sub(text, f->prefix.n, text.n), out->bytes, &out->n_bytes) &&
                    out->n_bytes >= f->least && out->n_bytes <= f->most;

    if (is_valid && f->scheme == WEBHOOK_PRIVATE) {
        is_valid = out->n_bytes == f->least || out->n_bytes == f->most;
        out->n_bytes = ED25519_KEY_BYTES;
    }
    if (!is_valid)
        *out = (struct webhook_key){0};
    return is_valid;
}

void webhook_secret_format(const unsigned char *secret, size_t n_bytes,
                           char out[WEBHOOK_SECRET_TEXT_BYTES + 1])
{
    assert(n_bytes >= WEBHOOK_SECRET_MIN);
    assert(n_bytes <= WEBHOOK_SECRET_MAX);
    memcpy(out, FORMS[0].prefix.p, FORMS[0].prefix.n);
    EVP_EncodeBlock((unsigned char *)out + 6, secret, (int)n_bytes);
}

bool webhook_public_format(const unsigned char *seed, char out[WEBHOOK_SECRET_TEXT_BYTES + 1])
{
    unsigned char bytes[ED25519_KEY_BYTES];
    size_t n = sizeof bytes;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, ED25519_KEY_BYTES);
    bool is_known = pkey && EVP_PKEY_get_raw_public_key(pkey, bytes, &n) == 1 && n == sizeof bytes;
    const str prefix = FORMS[WEBHOOK_PUBLIC].prefix;

    EVP_PKEY_free(pkey);
    if (!is_known)
        return false;
    memcpy(out, prefix.p, prefix.n);
    EVP_EncodeBlock((unsigned char *)out + prefix.n, bytes, (int)n);
    return true;
}

static bool compose(const struct webhook_message *m, struct signed_text *out)
{
    if (!m->id.n || m->id.n > WEBHOOK_ID_BYTES || memchr(m->id.p, '.', m->id.n) ||
        m->body.n > WEBHOOK_BODY_BYTES)
        return false;
    int n =
        snprintf(out->p, sizeof out->p, STR_FMT ".%" PRId64 ".", STR_ARG(m->id), m->timestamp_s);

    if (m->body.n)
        memcpy(out->p + n, m->body.p, m->body.n);
    out->n = (size_t)n + m->body.n;
    return true;
}

static bool sign_shared(const struct webhook_key *key, const struct signed_text *t,
                        unsigned char mac[MAC_BYTES])
{
    unsigned n = 0;

    return HMAC(EVP_sha256(), key->bytes, (int)key->n_bytes, (const unsigned char *)t->p, t->n, mac,
                &n) &&
           n == MAC_BYTES;
}

static bool sign_private(const struct webhook_key *key, const struct signed_text *t,
                         unsigned char signature[ED25519_BYTES])
{
    size_t n = ED25519_BYTES;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->bytes, key->n_bytes);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_signed = pkey && md && EVP_DigestSignInit(md, NULL, NULL, NULL, pkey) == 1 &&
                     EVP_DigestSign(md, signature, &n, (const unsigned char *)t->p, t->n) == 1;

    EVP_MD_CTX_free(md);
    EVP_PKEY_free(pkey);
    return is_signed && n == ED25519_BYTES;
}

static bool verify_public(const struct webhook_key *key, const struct signed_text *t,
                          const unsigned char signature[ED25519_BYTES])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes, key->n_bytes);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool is_valid =
        pkey && md && EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1 &&
        EVP_DigestVerify(md, signature, ED25519_BYTES, (const unsigned char *)t->p, t->n) == 1;

    EVP_MD_CTX_free(md);
    EVP_PKEY_free(pkey);
    return is_valid;
}

/* Appends one signature; the number of characters written, 0 when the key does not sign. */
static size_t put_signature(const struct webhook_key *key, const struct signed_text *t, char *out)
{
    unsigned char bytes[ED25519_BYTES];
    bool is_shared = key->scheme == WEBHOOK_SHARED;

    if (key->scheme == WEBHOOK_PUBLIC)
        return 0;
    if (is_shared ? !sign_shared(key, t, bytes) : !sign_private(key, t, bytes))
        return 0;
    size_t n = is_shared ? 3 : 4;

    memcpy(out, is_shared ? "v1," : "v1a,", n);
    return n + (size_t)EVP_EncodeBlock((unsigned char *)out + n, bytes,
                                       is_shared ? MAC_BYTES : ED25519_BYTES);
}

bool webhook_sign(const struct webhook_message *m, const struct webhook_key *keys, size_t n_keys,
                  char out[WEBHOOK_SIGNATURE_BYTES + 1])
{
    struct signed_text t;
    size_t n = 0;

    assert(n_keys <= WEBHOOK_KEYS_MAX);
    out[0] = '\0';
    if (!n_keys || !compose(m, &t))
        return false;
    for (size_t i = 0; i < n_keys; i++) {
        if (i)
            out[n++] = ' ';
        size_t added = put_signature(&keys[i], &t, out + n);

        if (!added) {
            out[0] = '\0';
            return false;
        }
        n += added;
    }
    return true;
}

const char *webhook_verdict_text(enum webhook_verdict v)
{
    static const char *const TEXTS[] = {
#define X(id, text) [WEBHOOK_##id] = (text),
        WEBHOOK_VERDICT_LIST(X)
#undef X
    };

    return TEXTS[v];
}

static bool matches(str signature, const struct webhook_key *key, const struct signed_text *t)
{
    unsigned char is[WEBHOOK_SECRET_MAX], want[MAC_BYTES];
    str value = signature, version = str_cut(&value, ',');
    bool is_shared = key->scheme == WEBHOOK_SHARED;
    size_t n;

    if (!str_eq(version, is_shared ? STR("v1") : STR("v1a")) || !decode(value, is, &n))
        return false;
    if (is_shared)
        return n == MAC_BYTES && sign_shared(key, t, want) &&
               CRYPTO_memcmp(is, want, MAC_BYTES) == 0;
    return key->scheme == WEBHOOK_PUBLIC && n == ED25519_BYTES && verify_public(key, t, is);
}

static bool any_matches(str header, const struct webhook_key *keys, size_t n_keys,
                        const struct signed_text *t)
{
    for (size_t i = 0; i < WEBHOOK_SIGNATURES_MAX && header.n; i++) {
        str one = str_cut(&header, ' ');

        for (size_t k = 0; k < n_keys; k++)
            if (matches(one, &keys[k], t))
                return true;
    }
    return false;
}

enum webhook_verdict webhook_verify(const struct webhook_received *r,
                                    const struct webhook_key *keys, size_t n_keys, int64_t now_s)
{
    struct signed_text t;
    long long at;

    assert(n_keys <= WEBHOOK_KEYS_MAX);
    if (!r->id.n || !r->timestamp.n || !r->signature.n)
        return WEBHOOK_MISSING;
    if (!str_to_int64(r->timestamp, &at) || at < 0 ||
        !compose(&(struct webhook_message){r->id, at, r->body}, &t))
        return WEBHOOK_MALFORMED;
    if (now_s - at > WEBHOOK_TOLERANCE_S)
        return WEBHOOK_TOO_OLD;
    if (at - now_s > WEBHOOK_TOLERANCE_S)
        return WEBHOOK_TOO_NEW;
    return any_matches(r->signature, keys, n_keys, &t) ? WEBHOOK_VALID : WEBHOOK_NO_MATCH;
}
