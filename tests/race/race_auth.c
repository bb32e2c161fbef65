/* Threads come in with keys that others revoke, and take tokens of tenants that are new to all. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "intercept/auth.h"
#include "intercept/tenant_rate.h"

enum { THREADS = 4, ROUNDS = 3000, KEYS = 8, TENANTS = 200, BURST = 50 };

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                             \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static struct auth *auth;
static struct tenant_rate *rates;
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
    for (int i = 0; i < TENANTS * BURST; i++)
        if (tenant_rate_take(rates, 1 + i % TENANTS, 1) == 0)
            atomic_fetch_add(&taken[i % TENANTS], 1);
    call_release(&c);
    return NULL;
}

int main(void)
{
    static struct authenticator keys = {.find_key = find_key};
    pthread_t threads[THREADS];
    struct call c;

    call_init(&c, NULL, 1 << 16);
    CHECK((auth = auth_new(&keys, NULL)) && (rates = tenant_rate_new(bucket_rate_of(1, BURST))));
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
    auth_free(auth);
    tenant_rate_free(rates);
    call_release(&c);
    printf("race_auth: ok\n");
    return 0;
}
