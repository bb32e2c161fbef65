/*
 * AES-256-GCM and HMAC-SHA-256 from OpenSSL. Every thread keeps contexts that already hold the key
 * it used last: a unit of work stays with one tenant, and setting a key costs more than sealing a
 * record.
 *
 * HMAC is done with the plain SHA-256 of OpenSSL, deprecated there in favour of EVP: an import
 * makes a dozen digests per row, EVP_MAC spends 5,000 instructions on each (it copies contexts on
 * the heap), this 600.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/seal.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>

enum { FORMAT = 1, AAD_MAX = 128, HMAC_BLOCK_BYTES = 64 };

struct keyed {
    EVP_CIPHER_CTX *cipher;
    unsigned char key[SEAL_KEY_BYTES];
    bool is_keyed;
};

struct crypto {
    struct keyed seal, open;
    SHA256_CTX inner, outer; /* SHA-256 of the HMAC key's two pads */
    unsigned char mac_key[SEAL_KEY_BYTES];
    bool mac_keyed;
};

static EVP_CIPHER *gcm;
static pthread_key_t slot;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void crypto_free(void *p)
{
    struct crypto *x = p;

    EVP_CIPHER_CTX_free(x->seal.cipher);
    EVP_CIPHER_CTX_free(x->open.cipher);
    OPENSSL_cleanse(x, sizeof *x);
    free(x);
}

static void fetch(void)
{
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    assert(gcm);
    if (pthread_key_create(&slot, crypto_free))
        abort();
}

/* The calling thread's contexts. Out of memory here ends the process: there is no request to fail.
 */
static struct crypto *crypto(void)
{
    struct crypto *x;

    pthread_once(&once, fetch);
    if ((x = pthread_getspecific(slot)) != NULL)
        return x;
    x = calloc(1, sizeof *x);
    if (!x || !(x->seal.cipher = EVP_CIPHER_CTX_new()) ||
        !(x->open.cipher = EVP_CIPHER_CTX_new()) || pthread_setspecific(slot, x))
        abort();
    return x;
}

/* True: the context holds this key already, only the nonce has to be set. */
static bool holds(struct keyed *k, const struct seal_key *key)
{
    if (k->is_keyed && CRYPTO_memcmp(k->key, key->bytes, SEAL_KEY_BYTES) == 0)
        return true;
    memcpy(k->key, key->bytes, SEAL_KEY_BYTES);
    k->is_keyed = true;
    return false;
}

static void put_be(unsigned char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
}

static size_t aad_of(const struct seal_place *place, unsigned char out[AAD_MAX])
{
    size_t n = strlen(place->table) + 1;

    assert(n + 32 <= AAD_MAX);
    memcpy(out, place->table, n);
    put_be(out + n, (uint64_t)place->tenant_id, 8);
    memcpy(out + n + 8, place->id.b, 16);
    put_be(out + n + 24, (uint64_t)place->version, 8);
    return n + 32;
}

bool seal_encrypt(const struct seal_key *key, const unsigned char nonce[SEAL_NONCE_BYTES], str aad,
                  str plain, unsigned char *out)
{
    struct keyed *k = &crypto()->seal;
    EVP_CIPHER_CTX *x = k->cipher;
    bool held = holds(k, key);
    int n = 0, end;

    assert(plain.n <= INT32_MAX && aad.n <= INT32_MAX);
    if (EVP_EncryptInit_ex2(x, held ? NULL : gcm, held ? NULL : key->bytes, nonce, NULL) &&
        EVP_EncryptUpdate(x, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) &&
        EVP_EncryptUpdate(x, out, &n, (const unsigned char *)plain.p, (int)plain.n) &&
        EVP_EncryptFinal_ex(x, out + n, &end) &&
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, out + plain.n))
        return true;
    k->is_keyed = false;
    return false;
}

enum status seal_into(struct call *c, const struct seal_key *key, const struct seal_place *place,
                      str plain, unsigned char *out)
{
    unsigned char aad[AAD_MAX];
    size_t n_aad = aad_of(place, aad);

    out[0] = FORMAT;
    put_be(out + 1, key->id, 4);
    c->clock->random(c->clock, out + 5, SEAL_NONCE_BYTES);
    if (!seal_encrypt(key, out + 5, (str){(char *)aad, n_aad}, plain, out + SEAL_HEAD_BYTES))
        return call_fail_as(c, STATUS_INTERNAL, "SEAL", "the cipher failed");
    return STATUS_OK;
}

enum status seal(struct call *c, const struct seal_key *key, const struct seal_place *place,
                 str plain, str *out)
{
    unsigned char *p = arena_take(&c->arena, plain.n + SEAL_EXTRA_BYTES);

    *out = (str){0};
    if (!p)
        return call_nomem(c);
    TRY(seal_into(c, key, place, plain, p));
    *out = (str){(const char *)p, plain.n + SEAL_EXTRA_BYTES};
    return STATUS_OK;
}

bool seal_key_id(str sealed, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)sealed.p;

    *out = 0;
    if (sealed.n < SEAL_EXTRA_BYTES || p[0] != FORMAT)
        return false;
    *out = (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
    return true;
}

bool seal_decrypt(const struct seal_key *key, const unsigned char nonce[SEAL_NONCE_BYTES], str aad,
                  str sealed, unsigned char *out)
{
    struct keyed *k = &crypto()->open;
    const unsigned char *in = (const unsigned char *)sealed.p;
    unsigned char tag[SEAL_TAG_BYTES];
    size_t n_plain = sealed.n - SEAL_TAG_BYTES;
    bool held = holds(k, key);
    EVP_CIPHER_CTX *x = k->cipher;
    int n = 0, end;

    assert(sealed.n >= SEAL_TAG_BYTES && sealed.n <= INT32_MAX && aad.n <= INT32_MAX);
    memcpy(tag, in + n_plain, SEAL_TAG_BYTES);
    if (EVP_DecryptInit_ex2(x, held ? NULL : gcm, held ? NULL : key->bytes, nonce, NULL) &&
        EVP_DecryptUpdate(x, NULL, &n, (const unsigned char *)aad.p, (int)aad.n) &&
        EVP_DecryptUpdate(x, out, &n, in, (int)n_plain) &&
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) &&
        EVP_DecryptFinal_ex(x, out + n, &end) > 0)
        return true;
    k->is_keyed = false;
    return false;
}

bool seal_open(struct call *c, const struct seal_key *key, const struct seal_place *place,
               str sealed, str *out)
{
    unsigned char aad[AAD_MAX], *p;
    size_t n_aad = aad_of(place, aad);
    uint32_t id;

    *out = (str){0};
    if (!seal_key_id(sealed, &id) || id != key->id || sealed.n > INT32_MAX)
        return false;
    if ((p = arena_take(&c->arena, sealed.n - SEAL_EXTRA_BYTES + 1)) == NULL) {
        (void)call_nomem(c);
        return false;
    }
    if (!seal_decrypt(key, (const unsigned char *)sealed.p + 5, (str){(char *)aad, n_aad},
                      str_sub(sealed, SEAL_HEAD_BYTES, sealed.n), p))
        return false;
    *out = (str){(const char *)p, sealed.n - SEAL_EXTRA_BYTES};
    return true;
}

/* Keys the thread's HMAC. */
static void set_mac_key(struct crypto *x, const struct seal_key *key)
{
    unsigned char inner[HMAC_BLOCK_BYTES], outer[HMAC_BLOCK_BYTES];

    for (size_t i = 0; i < HMAC_BLOCK_BYTES; i++) {
        unsigned char k = i < SEAL_KEY_BYTES ? key->bytes[i] : 0;

        inner[i] = k ^ 0x36;
        outer[i] = k ^ 0x5C;
    }
    SHA256_Init(&x->inner);
    SHA256_Update(&x->inner, inner, sizeof inner);
    SHA256_Init(&x->outer);
    SHA256_Update(&x->outer, outer, sizeof outer);
    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    memcpy(x->mac_key, key->bytes, SEAL_KEY_BYTES);
    x->mac_keyed = true;
}

static void digest(const struct seal_key *key, const char *domain, const str *values, size_t n,
                   unsigned char out[SEAL_DIGEST_BYTES])
{
    struct crypto *x = crypto();
    SHA256_CTX h;

    if (!x->mac_keyed || CRYPTO_memcmp(x->mac_key, key->bytes, SEAL_KEY_BYTES) != 0)
        set_mac_key(x, key);
    h = x->inner;
    SHA256_Update(&h, domain, strlen(domain) + 1);
    for (size_t i = 0; i < n; i++)
        SHA256_Update(&h, values[i].p, values[i].n);
    SHA256_Final(out, &h);
    h = x->outer;
    SHA256_Update(&h, out, SEAL_DIGEST_BYTES);
    SHA256_Final(out, &h);
}

void seal_digest(const struct seal_key *key, const char *domain, str value, void *out, size_t n)
{
    unsigned char whole[SEAL_DIGEST_BYTES];

    assert(n <= sizeof whole);
    digest(key, domain, &value, 1, whole);
    memcpy(out, whole, n);
}

void seal_digest_many(const struct seal_key *key, const char *domain, const str *values, size_t n,
                      unsigned char out[SEAL_DIGEST_BYTES])
{
    digest(key, domain, values, n, out);
}

void seal_sha256(str value, unsigned char out[SEAL_DIGEST_BYTES])
{
    SHA256((const unsigned char *)value.p, value.n, out);
}

void seal_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}
