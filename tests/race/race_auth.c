/* Threads come in with keys that others revoke and with tokens whose issuer and rules change under
 * them, and take tokens of tenants that are new to all. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "intercept/auth.h"
#include "intercept/tenant_rate.h"
#include "support/mint.h"

enum { THREADS = 4, ROUNDS = 3000, KEYS = 8, TENANTS = 200, BURST = 50, TOKENS = 6, CHANGES = 10 };

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct auth *auth;
static struct tenant_rate *rates;
static struct trust *trust;
static struct arena arena; /* of main */
static const char *tokens[TOKENS];
static struct mint_key minter;
static char folder[] = "/tmp/race_auth.XXXXXX";
static atomic_bool changed;
static char headers[KEYS][16 + API_KEY_TEXT_BYTES];
static struct api_key_record records[KEYS];
static atomic_int taken[TENANTS];

static struct uuid id_of(int key)
{
    return (struct uuid){{1, [14] = (unsigned char)key}}; /* one set of the cache */
}

static enum status find_key(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out)
{
    (void)a;
    (void)c;
    *out = records[id.b[14]];
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

static void write_text(const char *name, const char *text)
{
    const char *path = arena_printf(&arena, "%s/%s", folder, name);
    const char *fresh = arena_printf(&arena, "%s.new", path);
    FILE *f = fopen(fresh, "w");

    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
    CHECK(rename(fresh, path) == 0);
}

/* With a leeway that is another one each time, so that it is a change. */
static void write_rules(int leeway_s)
{
    write_text("rules", arena_printf(&arena,
                                     "{\"issuers\":[{\"issuer\":\"https://i\",\"jwks_file\":"
                                     "\"%s/set\",\"audiences\":[\"sales\"],\"leeway_s\":%d}]}",
                                     folder, leeway_s));
}

static void mint_all(void)
{
    long long now_s = system_clock.now_us(&system_clock) / 1000000;

    minter = mint_key_new(JWS_ES256, "k");
    for (int i = 0; i < TOKENS; i++)
        tokens[i] = arena_printf(
            &arena, "Bearer %s",
            mint_token(&arena, &minter, NULL,
                       arena_printf(&arena,
                                    "{\"iss\":\"https://i\",\"aud\":\"sales\",\"sub\":\"u%d\","
                                    "\"tenant_id\":\"demo\",\"teams\":[\"a\",\"b\"],\"exp\":%lld}",
                                    i, now_s + 3000)));
    write_text("set", mint_set(&arena, &minter, 1));
    write_rules(0);
}

/* Rules and keys are replaced while tokens are verified by them; none is refused, as all of them
 * say the same of these tokens. */
static void *verify_tokens(void *unused)
{
    struct call c;

    (void)unused;
    for (int i = 0; !atomic_load(&changed); i++) {
        struct auth_evidence e = {.header = str_of(tokens[i % TOKENS]), .service = "t.T"};
        struct auth_outcome out;

        call_init(&c, NULL, 1 << 20);
        CHECK(auth_check(auth, &c, &e, &out) == STATUS_OK);
        CHECK(c.principal.subject[1] == '0' + i % TOKENS && c.principal.n_teams == 2);
        call_release(&c);
    }
    return NULL;
}

static void change_trust(void)
{
    for (int i = 1; i <= CHANGES; i++) {
        uint64_t before = trust_generation(trust);

        if (i % 2)
            write_rules(i);
        else
            write_text("set", mint_set(&arena, &minter, 1));
        for (int k = 0; k < 1000 && trust_generation(trust) == before; k++) {
            trust_wake(trust);
            usleep(2000);
        }
        CHECK(trust_generation(trust) > before);
    }
    atomic_store(&changed, true);
}

static void race_tokens(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, verify_tokens, NULL) == 0);
    change_trust();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

/* No token comes back while the bucket is looked at. */
static int64_t still(const struct clock_ops *clock)
{
    (void)clock;
    return 1;
}

static const struct clock_ops still_clock = {.now_us = still, .monotonic_ns = still};

static void *come_in(void *unused)
{
    struct call c;

    (void)unused;
    call_init(&c, NULL, 1 << 16);
    for (int i = 0; i < ROUNDS; i++) {
        int key = i % KEYS;
        struct auth_evidence e = {.header = str_of(headers[key]), .service = "t.T"};
        struct auth_outcome out;

        CHECK(auth_check(auth, &c, &e, &out) == STATUS_OK);
        CHECK(c.principal.tenant_id == key + 1);
        if (i % 7 == 0)
            auth_forget(auth, id_of(key));
    }
    c.clock = &still_clock;
    for (int i = 0; i < TENANTS * BURST; i++)
        if (tenant_rate_take(rates, &c, &(struct rate_ask){1 + i % TENANTS, 0, RATE_READ})
                .wait_ns == 0)
            atomic_fetch_add(&taken[i % TENANTS], 1);
    call_release(&c);
    return NULL;
}

int main(void)
{
    static struct authenticator keys = {.find_key = find_key, .find_tenant = find_tenant};
    pthread_t threads[THREADS];
    struct call c;

    call_init(&c, NULL, 1 << 20);
    arena_init(&arena, 16 << 20);
    CHECK(mkdtemp(folder));
    mint_all();
    CHECK(trust_open(&c, &(struct trust_options){.path = arena_printf(&arena, "%s/rules", folder)},
                     &trust) == STATUS_OK);
    CHECK((auth = auth_new(&keys, trust)) &&
          (rates = tenant_rate_new(&c, &(struct tenant_rate_options){1, BURST, NULL, NULL})));
    for (int k = 0; k < KEYS; k++) {
        memcpy(headers[k], "Bearer ", 7);
        api_key_make(&c, id_of(k), headers[k] + 7, records[k].sha256);
        records[k].principal.tenant_id = k + 1;
    }
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, come_in, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < TENANTS; i++)
        CHECK(taken[i] == BURST); /* no token is given twice, none is lost */
    race_tokens();
    auth_free(auth);
    trust_close(trust);
    mint_key_free(&minter);
    unlink(arena_printf(&arena, "%s/rules", folder));
    unlink(arena_printf(&arena, "%s/set", folder));
    rmdir(folder);
    arena_release(&arena);
    tenant_rate_free(rates);
    call_release(&c);
    printf("race_auth: ok\n");
    return 0;
}
