/* Tokens and certificates to principals: claims as a table, what the cache may and may not hide. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "intercept/assoc.h"
#include "intercept/auth.h"
#include "intercept/json_text.h"
#include "intercept/xfcc.h"
#include "support/mint.h"
#include "support/table.h"

#define ISSUER "https://id.example"

static int64_t fake_ns = INT64_C(1700000000) * 1000000000;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return fake_ns / 1000;
}
static int64_t fake_monotonic(const struct clock_ops *c)
{
    (void)c;
    return fake_ns;
}
static void fake_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    memset(out, 1, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

/* ---- keepers --------------------------------------------------------------------------------- */

static struct tenant_record tenants[] = {{.number = 7, .key = "demo"},
                                         {.number = 8, .key = "acme"}};
static enum status look_up_status;
static int n_look_ups;

static enum status find_tenant(struct authenticator *a, struct call *c, str name,
                               struct tenant_record *out)
{
    (void)a;
    n_look_ups++;
    if (look_up_status != STATUS_OK)
        return call_fail(c, look_up_status, "the store is down");
    for (size_t i = 0; i < 2; i++)
        if (str_eq(name, str_of(tenants[i].key))) {
            *out = tenants[i];
            return STATUS_OK;
        }
    return call_fail(c, STATUS_NOT_FOUND, "no such tenant");
}

static struct authenticator keepers = {.find_tenant = find_tenant};

/* ---- the fixture ----------------------------------------------------------------------------- */

static struct arena arena;
static struct mint_key key;
static struct trust *trust;
static struct auth *auth;
static struct call c;
static char folder[] = "/tmp/test_token.XXXXXX";
static const char *set_path, *rules_path;
static struct auth_outcome outcome;

static void write_text(const char *path, const char *text)
{
    const char *fresh = arena_printf(&arena, "%s.new", path);
    FILE *f = fopen(fresh, "w");

    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
    cr_assert_eq(rename(fresh, path), 0);
}

static void write_rules(const char *more)
{
    write_text(rules_path,
               arena_printf(&arena,
                            "{\"issuers\":[{\"issuer\":\"" ISSUER
                            "\",\"jwks_file\":\"%s\",\"audiences\":[\"sales\"]%s}],"
                            "\"certificates\":[{\"spiffe_id\":\"spiffe://m/web\",\"tenant\":"
                            "\"acme\",\"roles\":[\"agent\"],\"teams\":[\"t1\",\"t2\"]}]}",
                            set_path, more));
}

static void set_up(void)
{
    arena_init(&arena, 16 << 20);
    cr_assert(mkdtemp(folder));
    set_path = arena_printf(&arena, "%s/set", folder);
    rules_path = arena_printf(&arena, "%s/rules", folder);
    key = mint_key_new(JWS_ES256, "k1");
    write_text(set_path, mint_set(&arena, &key, 1));
    write_rules("");
    call_init(&c, &fake_clock, 1 << 20);
    cr_assert_eq(trust_open(&c, &(struct trust_options){.path = rules_path}, &trust), STATUS_OK,
                 "%s", c.fault.why);
    auth = auth_new(&keepers, trust);
}

static void tear_down(void)
{
    auth_free(auth);
    trust_close(trust);
    mint_key_free(&key);
    unlink(set_path);
    unlink(rules_path);
    rmdir(folder);
    call_release(&c);
    arena_release(&arena);
}

TestSuite(token, .init = set_up, .fini = tear_down);

/* A payload that is fine but for what `more` adds behind it. */
static const char *payload(const char *tenant, const char *more)
{
    long long now_s = fake_ns / 1000000000;

    return arena_printf(&arena,
                        "{\"iss\":\"" ISSUER "\",\"aud\":\"sales\",\"sub\":\"ada\","
                        "\"tenant_id\":\"%s\",\"iat\":%lld,\"exp\":%lld%s}",
                        tenant, now_s, now_s + 600, more);
}

static enum status show(const char *token)
{
    struct auth_evidence e = {.header = str_of(arena_printf(&arena, "Bearer %s", token)),
                              .service = "sales.v1.SalesAgent"};

    call_clear(&c);
    c.principal = (struct principal){0};
    return auth_check(auth, &c, &e, &outcome);
}

static const char *mint(const char *tenant, const char *more)
{
    return mint_token(&arena, &key, NULL, payload(tenant, more));
}

/* ---- principals ------------------------------------------------------------------------------ */

struct meaning {
    const char *more;
    uint32_t roles;
    enum actor_kind kind;
    const char *teams;
};

static const struct meaning meanings[] = {
    {"", 0, ACTOR_USER, ""},
    {",\"roles\":[\"admin\",\"auditor\"]", ROLE_BIT_ADMIN | ROLE_BIT_AUDITOR, ACTOR_USER, ""},
    {",\"roles\":[\"sales_manager\",\"sales_rep\"]", ROLE_BIT_MANAGER | ROLE_BIT_REP, ACTOR_USER,
     ""},
    {",\"roles\":[\"service\"]", ROLE_BIT_AGENT, ACTOR_SERVICE, ""},
    {",\"roles\":\"viewer rep\"", ROLE_BIT_VIEWER | ROLE_BIT_REP, ACTOR_USER, ""},
    {",\"roles\":[\"Admin\",\"admin \",\"root\"]", 0, ACTOR_USER, ""},
    {",\"kind\":\"service\"", 0, ACTOR_SERVICE, ""},
    {",\"kind\":\"ai\",\"roles\":[\"agent\"]", ROLE_BIT_AGENT, ACTOR_AI, ""},
    {",\"teams\":[\"emea\",\"apac\"]", 0, ACTOR_USER, "emea apac "},
    {",\"teams\":\"emea\"", 0, ACTOR_USER, "emea "},
};

TABLE_TEST(token, becomes_a_principal, struct meaning, meanings)
{
    const char *token = mint("demo", row->more);

    for (int pass = 0; pass < 2; pass++) { /* verified, and from the cache */
        char teams[64] = "";

        cr_assert_eq(show(token), STATUS_OK, "%s: %s", row->more, c.fault.why);
        cr_assert_eq(c.principal.tenant_id, 7);
        cr_assert_str_eq(c.principal.tenant, "demo");
        cr_assert_str_eq(c.principal.subject, "ada");
        cr_assert_eq(c.principal.credential, CREDENTIAL_TOKEN);
        cr_assert_eq(c.principal.roles, row->roles, "%s", row->more);
        cr_assert_eq(c.principal.kind, row->kind, "%s", row->more);
        for (size_t i = 0; i < c.principal.n_teams; i++)
            snprintf(teams + strlen(teams), sizeof teams - strlen(teams), "%s ",
                     c.principal.teams[i]);
        cr_assert_str_eq(teams, row->teams, "%s", row->more);
    }
}

Test(token, the_most_teams_that_there_may_be)
{
    char more[8192] = ",\"teams\":[";
    size_t n = strlen(more);

    for (int i = 0; i < TEAMS_MAX; i++)
        n += (size_t)snprintf(more + n, sizeof more - n, "%s\"%078d\"", i ? "," : "", i);
    snprintf(more + n, sizeof more - n, "]");
    cr_assert_eq(show(mint("demo", more)), STATUS_OK, "%s", c.fault.why);
    cr_assert_eq(c.principal.n_teams, TEAMS_MAX);
    cr_assert_eq(strlen(c.principal.teams[TEAMS_MAX - 1]), 78);
}

/* ---- what the cache may not hide ------------------------------------------------------------- */

Test(token, a_suspended_tenant_is_out_within_the_time_of_the_cache)
{
    const char *token = mint("demo", "");

    cr_assert_eq(show(token), STATUS_OK);
    tenants[0].is_suspended = true;
    cr_assert_eq(show(token), STATUS_OK, "remembered");
    fake_ns += AUTH_CACHE_TTL_MS * 1000000LL + 1;
    cr_assert_eq(show(token), STATUS_DENIED);
    cr_assert_eq(outcome.why, AUTH_SUSPENDED);
    cr_assert_str_eq(c.fault.reason, "TENANT_SUSPENDED");
    cr_assert_eq(c.principal.tenant_id, 0);
    cr_assert_eq(outcome.whose.tenant_id, 7, "its trail says so");
    tenants[0].is_suspended = false;
}

/* Only what its issuer signed names a tenant; what was never good names nobody. */
Test(token, an_ended_one_says_whose_it_was)
{
    struct mint_key strange = mint_key_new(JWS_ES256, "k1");
    long long now_s = fake_ns / 1000000000;
    const char *ended = arena_printf(&arena,
                                     "{\"iss\":\"" ISSUER "\",\"aud\":\"sales\",\"sub\":\"ada\","
                                     "\"tenant_id\":\"demo\",\"iat\":%lld,\"exp\":%lld}",
                                     now_s - 600, now_s - 60);

    cr_assert_eq(show(mint_token(&arena, &key, NULL, ended)), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_EXPIRED);
    cr_assert_eq(outcome.whose.tenant_id, 7);
    cr_assert_str_eq(outcome.whose.subject, "ada");
    cr_assert_eq(c.principal.tenant_id, 0);
    cr_assert_eq(show(mint_token(&arena, &strange, NULL, ended)), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_SIGNATURE);
    cr_assert_eq(outcome.whose.tenant_id, 0);
    mint_key_free(&strange);
}

Test(token, it_ends_also_while_cached)
{
    const char *token = mint("demo", "");

    cr_assert_eq(show(token), STATUS_OK);
    cr_assert_eq(outcome.expires_us, fake_ns / 1000 + INT64_C(630) * 1000000);
    fake_ns += INT64_C(629) * 1000000000;
    cr_assert_eq(show(token), STATUS_OK, "the leeway");
    fake_ns += INT64_C(1) * 1000000000;
    cr_assert_eq(show(token), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_EXPIRED);
}

/* Waits until the threads of trust have seen a change. */
static void await_generation(uint64_t before)
{
    for (int i = 0; i < 500 && trust_generation(trust) == before; i++) {
        trust_wake(trust);
        usleep(10000);
    }
    cr_assert_gt(trust_generation(trust), before);
}

Test(token, a_withdrawn_key_voids_what_it_verified)
{
    const char *token = mint("demo", "");
    struct mint_key other = mint_key_new(JWS_ES256, "k2");
    uint64_t before;

    cr_assert_eq(show(token), STATUS_OK);
    before = trust_generation(trust);
    write_text(set_path, mint_set(&arena, &other, 1));
    await_generation(before);
    cr_assert_eq(show(token), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_KEY);
    mint_key_free(&other);
}

Test(token, a_change_of_rules_voids_what_they_allowed)
{
    const char *token = mint("demo", "");
    uint64_t before;

    cr_assert_eq(show(token), STATUS_OK);
    before = trust_generation(trust);
    write_rules(",\"tenants\":[\"acme\"]");
    await_generation(before);
    cr_assert_eq(show(token), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_TENANT);
}

Test(token, only_what_was_verified_is_remembered)
{
    const char *token = mint("demo", "");
    char *tampered = arena_cstr(&arena, str_of(token));

    cr_assert_eq(show(token), STATUS_OK);
    tampered[strlen(tampered) - 10] ^= 1;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(show(tampered), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_SIGNATURE);
}

Test(token, an_unknown_tenant_is_asked_for_once)
{
    n_look_ups = 0;
    for (int i = 0; i < 5; i++)
        cr_assert_eq(show(mint("nobody", "")), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_TENANT);
    cr_assert_eq(n_look_ups, 1);
}

Test(token, a_failed_look_up_is_neither_yes_nor_no)
{
    const char *token = mint("demo", "");

    look_up_status = STATUS_UNAVAILABLE;
    cr_assert_eq(show(token), STATUS_UNAVAILABLE);
    cr_assert_eq(outcome.why, AUTH_FINE);
    look_up_status = STATUS_OK;
    cr_assert_eq(show(token), STATUS_OK, "and is not remembered");
}

/* ---- certificates ---------------------------------------------------------------------------- */

Test(token, a_certificate_is_a_service_with_its_teams)
{
    struct auth_evidence e = {.spiffe_id = STR("spiffe://m/web"), .service = "sales.v1.SalesAgent"};

    cr_assert_eq(auth_check(auth, &c, &e, &outcome), STATUS_OK, "%s", c.fault.why);
    cr_assert_eq(c.principal.tenant_id, 8);
    cr_assert_str_eq(c.principal.subject, "spiffe://m/web");
    cr_assert_eq(c.principal.kind, ACTOR_SERVICE);
    cr_assert_eq(c.principal.credential, CREDENTIAL_CERTIFICATE);
    cr_assert_eq(c.principal.roles, ROLE_BIT_AGENT);
    cr_assert_eq(c.principal.n_teams, 2);
    cr_assert_str_eq(c.principal.teams[1], "t2");
}

Test(token, two_tenants_in_one_call_are_refused)
{
    struct auth_evidence e = {.spiffe_id = STR("spiffe://m/web"), .service = "sales.v1.SalesAgent"};

    e.header = str_of(arena_printf(&arena, "Bearer %s", mint("demo", "")));
    cr_assert_eq(auth_check(auth, &c, &e, &outcome), STATUS_UNAUTHENTICATED);
    cr_assert_eq(outcome.why, AUTH_CONFLICT);
    cr_assert_eq(c.principal.tenant_id, 0);
    call_clear(&c);
    e.header = str_of(arena_printf(&arena, "Bearer %s", mint("acme", "")));
    cr_assert_eq(auth_check(auth, &c, &e, &outcome), STATUS_OK);
    cr_assert_str_eq(c.principal.subject, "ada", "the token says who");
}

struct forwarded {
    const char *value, *id;
};

static const struct forwarded forwarded[] = {
    {"", ""},
    {"URI=spiffe://m/a", "spiffe://m/a"},
    {"By=spiffe://m/b;Hash=00;URI=spiffe://m/a", "spiffe://m/a"},
    {"uri=\"spiffe://m/a\"", "spiffe://m/a"},
    {"URI=spiffe://m/a,URI=spiffe://m/b", "spiffe://m/b"},
    {"Subject=\"CN=x,URI=spiffe://m/c;\";URI=spiffe://m/a", "spiffe://m/a"},
    {"Subject=\"\\\",URI=spiffe://m/c\";URI=spiffe://m/a", "spiffe://m/a"},
    {"URI=spiffe://m/a;URI=spiffe://m/b", ""},
    {"URI=https://m/a", ""},
    {"URI=spiffe://m/a;Cert=\"", ""},
    {"URI=spiffe://m/a,", "spiffe://m/a"},
    {"Cert=\"\\", ""},
};

TABLE_TEST(xfcc, names_the_next_hop, struct forwarded, forwarded)
{
    str got = xfcc_spiffe_id(str_of(row->value));

    cr_assert(str_eq(got, str_of(row->id)), "%s: " STR_FMT, row->value, STR_ARG(got));
}

struct place {
    const char *peer;
    bool is_local;
};

static const struct place places[] = {
    {"ipv4:127.0.0.1:5", true},      {"ipv6:%5B::1%5D:5", true},
    {"ipv6:[::1]:5", true},          {"unix:/run/x", true},
    {"ipv4:128.0.0.1:5", false},     {"ipv4:10.127.0.1:5", false},
    {"ipv6:%5B::12%5D:5", false},    {"", false},
    {"ipv6:%5B2001::1%5D:5", false},
};

TABLE_TEST(xfcc, is_believed_from_this_host_only, struct place, places)
{
    cr_assert_eq(xfcc_is_local(str_of(row->peer)), row->is_local, "%s", row->peer);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

struct json_case {
    const char *text;
    bool fine;
};

static const struct json_case json_cases[] = {
    {"{}", true},
    {"{\"a\":[[[[[[[1]]]]]]]}", true},
    {"{\"a\":[[[[[[[[1]]]]]]]]}", false},
    {"{\"a\":\"[[[[[[[[[[[[\\\"[[\"}", true},
    {"", false},
    {"[]", false},
    {"1", false},
    {"{}{}", false},
    {"{\"a\":1,\"a\":1}", false},
    {"{\"x\":{\"a\":1,\"a\":1}}", false},
    {"{\"a\":1e400}", false},
    {"{\"a\":NaN}", false},
    {"{\"a\":\"\xff\"}", false},
    {"{\"a\":\"\\u0000\"}", false},
    {"{\"a\":\"\\ud800\"}", false},
};

TABLE_TEST(json_text, objects_only, struct json_case, json_cases)
{
    json_t *o = json_text_object(str_of(row->text));

    cr_assert_eq(o != NULL, row->fine, "%s", row->text);
    json_decref(o);
}
