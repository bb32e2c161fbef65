/*
 * What a credential costs: one JSON object per measurement, nanoseconds of CPU per operation, the
 * median of interleaved rounds.
 *
 *   bare     OpenSSL alone: EVP_DigestVerifyInit and EVP_DigestVerify of the same bytes
 *   check    the whole check of a token whose key is known, tenant included
 *   cached   the same check of a token that was verified before
 *   key      an API key from the cache
 *
 * Usage: bench_auth ROUNDS. Each check is of another token, and time is moved on between rounds, so
 * that no check finds a verified token where it must not.
 */
#include <openssl/ecdsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "intercept/auth.h"
#include "support/mint.h"

enum { TOKENS = 64, CACHED = 5000, ROUNDS_MAX = 1000, DER_BYTES_MAX = 80, ALGS = 3 };

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "bench_auth: %s\n", #what);                                            \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* The service's clock: real wall time, a monotonic time that we move. */
static int64_t skew_ns;

static int64_t wall_us(const struct clock_ops *c)
{
    (void)c;
    return system_clock.now_us(&system_clock);
}
static int64_t moved_ns(const struct clock_ops *c)
{
    (void)c;
    return system_clock.monotonic_ns(&system_clock) + skew_ns;
}
static void no_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}
static const struct clock_ops moved_clock = {wall_us, moved_ns, no_random};

/* CPU time of this thread: neighbours on the machine must not decide. */
static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct subject {
    const char *name;
    struct mint_key key;
    const char *tokens[TOKENS]; /* "Bearer ..." */
    str der[TOKENS];            /* their signatures as OpenSSL wants them */
    double bare[ROUNDS_MAX], check[ROUNDS_MAX], cached[ROUNDS_MAX];
};

static struct subject subjects[ALGS] = {{.name = "ES256"}, {.name = "RS256"}, {.name = "EdDSA"}};
static struct arena arena;
static struct auth *auth;
static struct call call;
static struct api_key_record stored_key;

static enum status find_key(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out)
{
    (void)a;
    (void)c;
    (void)id;
    *out = stored_key;
    return STATUS_OK;
}

static enum status find_tenant(struct authenticator *a, struct call *c, str name,
                               struct tenant_record *out)
{
    (void)a;
    (void)c;
    (void)name;
    *out = (struct tenant_record){.number = 1, .key = "demo"};
    return STATUS_OK;
}

static str der_of(const struct subject *s, str input)
{
    str raw = mint_sign(&arena, &s->key, input);
    unsigned char *der = arena_take(&arena, DER_BYTES_MAX);
    ECDSA_SIG *sig;
    int n;

    if (s->key.alg != JWS_ES256)
        return raw;
    sig = ECDSA_SIG_new();
    MUST(ECDSA_SIG_set0(sig, BN_bin2bn((const unsigned char *)raw.p, 32, NULL),
                        BN_bin2bn((const unsigned char *)raw.p + 32, 32, NULL)) == 1);
    n = i2d_ECDSA_SIG(sig, &(unsigned char *){der});
    ECDSA_SIG_free(sig);
    return (str){(char *)der, (size_t)n};
}

/* What a real issuer puts in: 12 claims, about 700 bytes with an ES256 signature. */
static const char *payload(int i)
{
    long long now_s = system_clock.now_us(&system_clock) / 1000000;

    return arena_printf(
        &arena,
        "{\"iss\":\"https://id.example.com/realms/sales\",\"aud\":[\"sales\",\"account\"],"
        "\"sub\":\"f3a1c7e2-0b7d-4a50-9d0e-%012d\",\"tenant_id\":\"demo\","
        "\"roles\":[\"sales_rep\",\"offline_access\"],\"teams\":[\"emea\",\"enterprise\"],"
        "\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"jti\":\"%032d\",\"azp\":\"softphone\","
        "\"scope\":\"openid profile\"}",
        i, now_s, now_s, now_s + 3600, i);
}

static str signed_part(const char *token)
{
    const char *dot = strrchr(token, '.');

    return (str){token + 7, (size_t)(dot - token) - 7};
}

static void mint_all(struct subject *s, enum jws_alg alg)
{
    s->key = mint_key_new(alg, s->name);
    for (int i = 0; i < TOKENS; i++) {
        s->tokens[i] =
            arena_printf(&arena, "Bearer %s", mint_token(&arena, &s->key, NULL, payload(i)));
        MUST(s->tokens[i]);
        s->der[i] = der_of(s, signed_part(s->tokens[i]));
    }
}

static void check_one(const char *header)
{
    struct auth_evidence e = {.header = str_of(header), .service = "sales.v1.SalesAgent"};
    struct auth_outcome out;

    arena_reset(&call.arena);
    if (auth_check(auth, &call, &e, &out) != STATUS_OK) {
        fprintf(stderr, "bench_auth: %s %s\n", call.fault.why, auth_reason_text(out.why));
        exit(1);
    }
}

static void bare_one(const struct subject *s, int i)
{
    const EVP_MD *md = s->key.alg == JWS_EDDSA ? NULL : EVP_sha256();
    str input = signed_part(s->tokens[i]);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    MUST(EVP_DigestVerifyInit(ctx, NULL, md, NULL, s->key.key) == 1);
    MUST(EVP_DigestVerify(ctx, (const unsigned char *)s->der[i].p, s->der[i].n,
                          (const unsigned char *)input.p, input.n) == 1);
    EVP_MD_CTX_free(ctx);
}

static double each(int64_t began_ns, int n)
{
    return (double)(now_ns() - began_ns) / n;
}

/* In an order that changes, so that nobody always comes after the same neighbour. */
static void measure(struct subject *s, int round)
{
    for (int step = 0; step < 2; step++) {
        int64_t began_ns = now_ns();

        if ((step + round) % 2) {
            for (int i = 0; i < TOKENS; i++)
                bare_one(s, i);
            s->bare[round] = each(began_ns, TOKENS);
        } else {
            for (int i = 0; i < TOKENS; i++)
                check_one(s->tokens[i]);
            s->check[round] = each(began_ns, TOKENS);
        }
    }
    {
        int64_t began_ns = now_ns();

        for (int i = 0; i < CACHED; i++)
            check_one(s->tokens[i % TOKENS]);
        s->cached[round] = each(began_ns, CACHED);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void say(const char *what, const char *alg, double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_value);
    printf("{\"what\": \"%s\", \"alg\": \"%s\", \"ns\": %.0f, \"best_ns\": %.0f, \"rounds\": %d}\n",
           what, alg, values[n / 2], values[0], n);
}

static struct trust *open_trust(void)
{
    char folder[] = "/tmp/bench_auth.XXXXXX";
    struct mint_key keys[ALGS];
    struct trust *trust;
    const char *set, *rules;
    FILE *f;

    for (int i = 0; i < ALGS; i++)
        keys[i] = subjects[i].key;
    MUST(mkdtemp(folder));
    set = arena_printf(&arena, "%s/set", folder);
    rules = arena_printf(&arena, "%s/rules", folder);
    MUST((f = fopen(set, "w")) && fputs(mint_set(&arena, keys, ALGS), f) >= 0 && !fclose(f));
    MUST((f = fopen(rules, "w")) &&
         fprintf(f,
                 "{\"issuers\":[{\"issuer\":\"https://id.example.com/realms/sales\",\"jwks_file\":"
                 "\"%s\",\"audiences\":[\"sales\"]}]}",
                 set) > 0 &&
         !fclose(f));
    MUST(trust_open(&call, &(struct trust_options){.path = rules}, &trust) == STATUS_OK);
    return trust;
}

static double key_round(const char *header)
{
    int64_t began_ns = now_ns();

    for (int i = 0; i < CACHED; i++)
        check_one(header);
    return each(began_ns, CACHED);
}

int main(int argc, char **argv)
{
    static const enum jws_alg algs[ALGS] = {JWS_ES256, JWS_RS256, JWS_EDDSA};
    static struct authenticator keepers = {.find_key = find_key, .find_tenant = find_tenant};
    static double key_ns[ROUNDS_MAX];
    char key_header[7 + API_KEY_TEXT_BYTES + 1] = "Bearer ";
    int rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;
    struct trust *trust;

    MUST(rounds > 0 && rounds <= ROUNDS_MAX);
    arena_init(&arena, 64 << 20);
    call_init(&call, &moved_clock, 1 << 20);
    for (int i = 0; i < ALGS; i++)
        mint_all(&subjects[i], algs[i]);
    api_key_make(&call, (struct uuid){{1}}, key_header + 7, stored_key.sha256);
    stored_key.principal.tenant_id = 1;
    trust = open_trust();
    MUST((auth = auth_new(&keepers, trust)));
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < ALGS; i++)
            measure(&subjects[i], round);
        key_ns[round] = key_round(key_header);
        skew_ns += INT64_C(61) * 1000000000; /* what was verified is forgotten */
    }
    for (int i = 0; i < ALGS; i++) {
        say("bare", subjects[i].name, subjects[i].bare, rounds);
        say("check", subjects[i].name, subjects[i].check, rounds);
        say("cached", subjects[i].name, subjects[i].cached, rounds);
        mint_key_free(&subjects[i].key);
    }
    say("key", "", key_ns, rounds);
    auth_free(auth);
    trust_close(trust);
    arena_release(&arena);
    call_release(&call);
    return 0;
}
