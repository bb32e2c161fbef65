/* A token is cut at its dots, its header judged by a table of rules, and one EVP call decides. */
#include "intercept/jws.h"

#include <assert.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "intercept/json_text.h"

enum {
    P256_BYTES = 32,
    P256_SIGNATURE_BYTES = 2 * P256_BYTES,
    DER_BYTES_MAX = 80, /* of a P-256 signature: 72 */
    JWS_DOTS = 2,
    JWE_DOTS = 4,
};

static bool is_absent(const json_t *v)
{
    return !v;
}

static bool is_type(const json_t *v)
{
    str s = json_text_of(v);

    return !v || str_eq_nocase(s, STR("JWT")) || str_eq_nocase(s, STR("at+jwt")) ||
           str_eq_nocase(s, STR("application/at+jwt"));
}

static bool is_kid(const json_t *v)
{
    return !v || jwk_is_kid(json_text_of(v));
}

/* What a header may say besides `alg`. What has no row is ignored, above all keys that the token
 * brings or points to: jwk, jku, x5c, x5u. */
static const struct {
    const char *name;
    bool (*is_fine)(const json_t *v);
} header_rules[] = {
    {"typ", is_type},    {"kid", is_kid},
    {"crit", is_absent}, /* extensions that must be understood: we understand none */
    {"b64", is_absent},  /* RFC 7797: another input to the signature */
    {"zip", is_absent},  {"enc", is_absent},
};

static enum auth_reason read_header(struct arena *a, const json_t *o, struct jws *out)
{
    str kid = json_text_get(o, "kid");

    out->alg = jws_alg_parse(json_text_get(o, "alg"));
    if (out->alg == JWS_N_ALGS)
        return AUTH_ALGORITHM;
    for (size_t i = 0; i < sizeof header_rules / sizeof *header_rules; i++)
        if (!header_rules[i].is_fine(json_object_get(o, header_rules[i].name)))
            return AUTH_HEADER;
    out->kid = kid.n ? arena_str(a, kid) : kid;
    return kid.n && !out->kid.p ? AUTH_MALFORMED : AUTH_FINE;
}

static size_t count_dots(str token)
{
    size_t n = 0;

    for (size_t i = 0; i < token.n; i++)
        n += token.p[i] == '.';
    return n;
}

enum auth_reason jws_read(struct arena *a, str token, struct jws *out)
{
    str rest = token, head, payload, bytes;
    enum auth_reason why;
    json_t *header;
    size_t n_dots;

    *out = (struct jws){.alg = JWS_N_ALGS};
    if (token.n > JWS_BYTES_MAX)
        return AUTH_MALFORMED;
    n_dots = count_dots(token);
    if (n_dots != JWS_DOTS)
        return n_dots == JWE_DOTS ? AUTH_ENCRYPTED : AUTH_MALFORMED;
    head = str_cut(&rest, '.');
    payload = str_cut(&rest, '.');
    out->signed_part = str_sub(token, 0, head.n + 1 + payload.n);
    if (head.n > JWS_HEADER_BYTES_MAX || !base64url_decode(a, head, &bytes))
        return AUTH_MALFORMED;
    header = json_text_object(bytes);
    why = header ? read_header(a, header, out) : AUTH_MALFORMED;
    json_decref(header);
    if (why != AUTH_FINE)
        return why;
    if (!rest.n || !base64url_decode(a, rest, &out->signature))
        return AUTH_SIGNATURE;
    return base64url_decode(a, payload, &out->payload) ? AUTH_FINE : AUTH_MALFORMED;
}

/* RFC 7518 section 3.4 writes r and s one behind the other; OpenSSL wants DER. 0: no memory. */
static size_t to_der(str raw, unsigned char der[DER_BYTES_MAX])
{
    const unsigned char *p = (const unsigned char *)raw.p;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(p, P256_BYTES, NULL), *s = BN_bin2bn(p + P256_BYTES, P256_BYTES, NULL);
    int n = 0;

    if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL; /* sig owns them */
        n = i2d_ECDSA_SIG(sig, &(unsigned char *){der});
    }
    ECDSA_SIG_free(sig);
    BN_free(r);
    BN_free(s);
    assert(n <= DER_BYTES_MAX);
    return n > 0 ? (size_t)n : 0;
}

static bool set_pss(EVP_PKEY_CTX *ctx)
{
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool verify_with(const struct jws *t, EVP_PKEY *key, str signature)
{
    const EVP_MD *md = t->alg == JWS_EDDSA ? NULL : EVP_sha256();
    EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *ctx = NULL; /* md_ctx owns it */
    bool ok = md_ctx && EVP_DigestVerifyInit(md_ctx, &ctx, md, NULL, key) == 1 &&
              (t->alg != JWS_PS256 || set_pss(ctx)) &&
              EVP_DigestVerify(md_ctx, (const unsigned char *)signature.p, signature.n,
                               (const unsigned char *)t->signed_part.p, t->signed_part.n) == 1;

    EVP_MD_CTX_free(md_ctx);
    ERR_clear_error(); /* else a later handshake on this thread takes ours for its own */
    return ok;
}

enum auth_reason jws_verify(const struct jws *t, const struct jwk *key)
{
    unsigned char der[DER_BYTES_MAX];
    str signature = t->signature;

    assert(t->alg < JWS_N_ALGS);
    if (!(key->algs & 1U << t->alg))
        return AUTH_KEY;
    if (t->alg == JWS_ES256) {
        if (signature.n != P256_SIGNATURE_BYTES)
            return AUTH_SIGNATURE;
        signature = (str){(const char *)der, to_der(t->signature, der)};
    }
    return signature.n && verify_with(t, key->key, signature) ? AUTH_FINE : AUTH_SIGNATURE;
}
