/* AES-256-GCM and HMAC-SHA-256 from OpenSSL. Algorithms are fetched once, contexts live as long as
 * their thread, and a digest context that already holds the key is not keyed again. */
#include "store/seal.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

enum { FORMAT = 1, AAD_MAX = 128 };

struct crypto {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    unsigned char mac_key[SEAL_KEY_BYTES];
    bool mac_keyed;
};

static EVP_CIPHER *gcm;
static EVP_MAC *hmac;
static EVP_MD *sha256;
static pthread_key_t slot;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void crypto_free(void *p)
{
    struct crypto *x = p;

    EVP_CIPHER_CTX_free(x->cipher);
    EVP_MAC_CTX_free(x->mac);
    OPENSSL_cleanse(x->mac_key, sizeof x->mac_key);
    free(x);
}

static void fetch(void)
{
    gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(gcm && hmac && sha256);
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
    if (!x || !(x->cipher = EVP_CIPHER_CTX_new()) || !(x->mac = EVP_MAC_CTX_new(hmac)) ||
        pthread_setspecific(slot, x))
        abort();
    return x;
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

enum status seal_into(struct call *c, const struct seal_key *key, const struct seal_place *place,
                      str plain, unsigned char *out)
{
    EVP_CIPHER_CTX *x = crypto()->cipher;
    unsigned char aad[AAD_MAX], *nonce = out + 5, *body = out + SEAL_HEAD_BYTES;
    size_t n_aad = aad_of(place, aad);
    int n, end;

    assert(plain.n <= INT32_MAX);
    out[0] = FORMAT;
    put_be(out + 1, key->id, 4);
    c->clock->random(c->clock, nonce, SEAL_NONCE_BYTES);
    if (!EVP_EncryptInit_ex2(x, gcm, key->bytes, nonce, NULL) ||
        !EVP_EncryptUpdate(x, NULL, &n, aad, (int)n_aad) ||
        !EVP_EncryptUpdate(x, body, &n, (const unsigned char *)plain.p, (int)plain.n) ||
        !EVP_EncryptFinal_ex(x, body + n, &end) ||
        !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_GET_TAG, SEAL_TAG_BYTES, body + plain.n))
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

bool seal_open(struct call *c, const struct seal_key *key, const struct seal_place *place,
               str sealed, str *out)
{
    EVP_CIPHER_CTX *x = crypto()->cipher;
    const unsigned char *in = (const unsigned char *)sealed.p;
    unsigned char aad[AAD_MAX], tag[SEAL_TAG_BYTES], *p;
    size_t n_aad = aad_of(place, aad), n_plain;
    uint32_t id;
    int n, end;

    *out = (str){0};
    if (!seal_key_id(sealed, &id) || id != key->id || sealed.n > INT32_MAX)
        return false;
    n_plain = sealed.n - SEAL_EXTRA_BYTES;
    if ((p = arena_take(&c->arena, n_plain + 1)) == NULL)
        return false;
    memcpy(tag, in + SEAL_HEAD_BYTES + n_plain, SEAL_TAG_BYTES);
    if (!EVP_DecryptInit_ex2(x, gcm, key->bytes, in + 5, NULL) ||
        !EVP_DecryptUpdate(x, NULL, &n, aad, (int)n_aad) ||
        !EVP_DecryptUpdate(x, p, &n, in + SEAL_HEAD_BYTES, (int)n_plain) ||
        !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, SEAL_TAG_BYTES, tag) ||
        EVP_DecryptFinal_ex(x, p + n, &end) <= 0)
        return false;
    *out = (str){(const char *)p, n_plain};
    return true;
}

void seal_digest(const struct seal_key *key, const char *domain, str value, void *out, size_t n)
{
    struct crypto *x = crypto();
    unsigned char digest[SEAL_DIGEST_BYTES];
    char md[] = "SHA256";
    size_t got = 0;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, md, 0),
                           OSSL_PARAM_construct_end()};
    int ok;

    assert(n <= sizeof digest);
    if (x->mac_keyed && CRYPTO_memcmp(x->mac_key, key->bytes, SEAL_KEY_BYTES) == 0) {
        ok = EVP_MAC_init(x->mac, NULL, 0, NULL);
    } else {
        ok = EVP_MAC_init(x->mac, key->bytes, SEAL_KEY_BYTES, params);
        memcpy(x->mac_key, key->bytes, SEAL_KEY_BYTES);
        x->mac_keyed = true;
    }
    ok = ok && EVP_MAC_update(x->mac, (const unsigned char *)domain, strlen(domain) + 1) &&
         EVP_MAC_update(x->mac, (const unsigned char *)value.p, value.n) &&
         EVP_MAC_final(x->mac, digest, &got, sizeof digest);
    assert(ok && got == sizeof digest);
    memcpy(out, digest, n);
}

void seal_sha256(str value, unsigned char out[SEAL_DIGEST_BYTES])
{
    unsigned n = 0;
    int ok;

    crypto();
    ok = EVP_Digest(value.p, value.n, out, &n, sha256, NULL);
    assert(ok && n == SEAL_DIGEST_BYTES);
}

void seal_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}
