#include <criterion/criterion.h>
#include <stdio.h>

#include "intercept/assoc.h"
#include "intercept/auth.h"
#include "support/table.h"

static int64_t fake_ns = 1000000000;
static unsigned char next_random = 1;

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
    memset(out, next_random++, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

/* A keeper of one key. */
static struct api_key_record stored;
static struct uuid stored_id = {{1, 2, 3, [15] = 4}};
static enum status lookup_status;
static int n_lookups;

static enum status find_key(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out)
{
    (void)a;
    n_lookups++;
    if (lookup_status != STATUS_OK)
        return call_fail(c, lookup_status, "the store is down");
    if (memcmp(id.b, stored_id.b, sizeof id.b) != 0)
        return call_fail(c, STATUS_NOT_FOUND, "no such record");
    *out = stored;
    return STATUS_OK;
}

static struct authenticator keys = {.find_key = find_key};
static struct auth *auth;
static struct call c;
static char secret[API_KEY_TEXT_BYTES + 1];

static void set_up(void)
{
    call_init(&c, &fake_clock, 1 << 16);
    auth = auth_new(&keys, NULL);
    stored.principal = (struct principal){
        .tenant_id = 7, .tenant = "demo", .subject = "robot", .roles = ROLE_BIT_ADMIN};
    api_key_make(&c, stored_id, secret, stored.sha256);
}

static void tear_down(void)
{
    auth_free(auth);
    call_release(&c);
}

TestSuite(auth, .init = set_up, .fini = tear_down);

static enum status check(const char *header, enum auth_reason *reason)
{
    struct auth_evidence e = {.header = str_of(header), .service = "sales.v1.SalesAgent"};
    struct auth_outcome out;
    enum status s;

    call_clear(&c);
    c.principal = (struct principal){0};
    s = auth_check(auth, &c, &e, &out);

    *reason = out.why;
    return s;
}

static enum status check_secret(enum auth_reason *reason)
{
    char header[128];

    snprintf(header, sizeof header, "Bearer %s", secret);
    return check(header, reason);
}

Test(auth, a_key_is_its_holders_principal)
{
    enum auth_reason reason;

    cr_assert_eq(check_secret(&reason), STATUS_OK, "%s", c.fault.why);
    cr_assert_eq(c.principal.tenant_id, 7);
    cr_assert_str_eq(c.principal.tenant, "demo");
    cr_assert_eq(c.principal.roles, ROLE_BIT_ADMIN);
    cr_assert_eq(reason, AUTH_N_REASONS);
}

struct refusal {
    const char *header;
    enum auth_reason reason;
};

#define ID  "01020300-0000-0000-0000-000000000004"
#define A43 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct refusal refusals[] = {
    {"", AUTH_MISSING},
    {"Basic dXNlcjpwYXNz", AUTH_SCHEME},
    {"Bearer", AUTH_SCHEME},
    {"sk_" ID "_" A43, AUTH_SCHEME},
    {"Bearer ", AUTH_MALFORMED},
    {"Bearer x", AUTH_MALFORMED},
    {"Bearer sk_" ID "_" A43 "A", AUTH_MALFORMED},
    {"Bearer sk_0102030x-0000-0000-0000-000000000004_" A43, AUTH_MALFORMED},
    {"Bearer pk_" ID "_" A43, AUTH_MALFORMED},
    {"Bearer sk_" ID "-" A43, AUTH_MALFORMED},
    {"Bearer sk_" ID "_" A43, AUTH_UNKNOWN},
    {"Bearer sk_99020300-0000-0000-0000-000000000004_" A43, AUTH_UNKNOWN},
};

TABLE_TEST(auth, refuses, struct refusal, refusals)
{
    enum auth_reason reason;

    cr_assert_eq(check(row->header, &reason), STATUS_UNAUTHENTICATED, "%s", row->header);
    cr_assert_eq(reason, row->reason, "%s", row->header);
    cr_assert_eq(c.principal.tenant_id, 0);
    cr_assert_str_eq(c.fault.why, "the call carries no valid credential", "one text for all");
    cr_assert_str_eq(c.fault.reason, "CREDENTIAL_INVALID");
}

Test(auth, an_id_that_is_no_keys_is_looked_up_once_in_a_while)
{
    static const char unknown[] = "Bearer sk_99020300-0000-0000-0000-000000000004_" A43;
    enum auth_reason reason;

    for (int i = 0; i < 3; i++) {
        cr_assert_eq(check(unknown, &reason), STATUS_UNAUTHENTICATED);
        cr_assert_eq(reason, AUTH_UNKNOWN);
    }
    cr_expect_eq(n_lookups, 1);
    cr_assert_eq(check_secret(&reason), STATUS_OK, "others are not touched");
    cr_expect_eq(n_lookups, 2);
    fake_ns += (int64_t)AUTH_UNKNOWN_TTL_MS * 1000000 + 1;
    cr_assert_eq(check(unknown, &reason), STATUS_UNAUTHENTICATED);
    cr_expect_eq(n_lookups, 3);
    lookup_status = STATUS_UNAVAILABLE; /* is not remembered */
    fake_ns += (int64_t)AUTH_UNKNOWN_TTL_MS * 1000000 + 1;
    cr_assert_eq(check(unknown, &reason), STATUS_UNAVAILABLE);
    cr_assert_eq(check(unknown, &reason), STATUS_UNAVAILABLE);
    cr_expect_eq(n_lookups, 5);
}

Test(auth, the_scheme_is_case_insensitive)
{
    enum auth_reason reason;
    char header[128];

    snprintf(header, sizeof header, "bearer %s", secret);
    cr_assert_eq(check(header, &reason), STATUS_OK);
}

Test(auth, expired_revoked_and_suspended_are_told_to_the_holder_only)
{
    enum auth_reason reason;

    stored.expires_us = fake_ns / 1000;
    cr_assert_eq(check_secret(&reason), STATUS_UNAUTHENTICATED);
    cr_assert_eq(reason, AUTH_EXPIRED);
    auth_forget(auth, stored_id);
    stored.is_revoked = true;
    cr_assert_eq(check_secret(&reason), STATUS_UNAUTHENTICATED);
    cr_assert_eq(reason, AUTH_REVOKED);
    check("Bearer sk_" ID "_" A43, &reason);
    cr_assert_eq(reason, AUTH_UNKNOWN);
    auth_forget(auth, stored_id);
    stored.is_revoked = false;
    stored.expires_us = 0;
    stored.tenant_is_suspended = true;
    cr_assert_eq(check_secret(&reason), STATUS_DENIED);
    cr_assert_eq(reason, AUTH_SUSPENDED);
}

Test(auth, a_key_is_cached_until_its_time_is_over_or_it_is_forgotten)
{
    enum auth_reason reason;

    for (int i = 0; i < 5; i++)
        cr_assert_eq(check_secret(&reason), STATUS_OK);
    cr_assert_eq(n_lookups, 1);
    fake_ns += AUTH_CACHE_TTL_MS * 1000000LL + 1;
    stored.is_revoked = true;
    cr_assert_eq(check_secret(&reason), STATUS_UNAUTHENTICATED);
    cr_assert_eq(n_lookups, 2);
    stored.is_revoked = false;
    cr_assert_eq(check_secret(&reason), STATUS_UNAUTHENTICATED, "still cached");
    auth_forget(auth, stored_id);
    cr_assert_eq(check_secret(&reason), STATUS_OK);
}

Test(auth, expiry_counts_also_while_cached)
{
    enum auth_reason reason;

    stored.expires_us = fake_ns / 1000 + 10;
    cr_assert_eq(check_secret(&reason), STATUS_OK);
    fake_ns += 10000;
    cr_assert_eq(check_secret(&reason), STATUS_UNAUTHENTICATED);
    cr_assert_eq(n_lookups, 1);
}

Test(auth, a_failed_look_up_is_neither_yes_nor_no)
{
    enum auth_reason reason;

    lookup_status = STATUS_UNAVAILABLE;
    cr_assert_eq(check_secret(&reason), STATUS_UNAVAILABLE);
    cr_assert_eq(reason, AUTH_N_REASONS);
    lookup_status = STATUS_OK;
    cr_assert_eq(check_secret(&reason), STATUS_OK, "and is not remembered");
}

Test(auth, a_full_set_lets_the_least_used_go)
{
    enum auth_reason reason;
    char first[API_KEY_TEXT_BYTES + 1];
    struct api_key_record first_record;

    memcpy(first, secret, sizeof first);
    first_record = stored;
    cr_assert_eq(check_secret(&reason), STATUS_OK);
    for (unsigned char i = 0; i < ASSOC_WAYS; i++) { /* same last byte: same set */
        fake_ns++;
        stored_id.b[3] = (unsigned char)(i + 1);
        api_key_make(&c, stored_id, secret, stored.sha256);
        cr_assert_eq(check_secret(&reason), STATUS_OK);
    }
    cr_assert_eq(n_lookups, 1 + ASSOC_WAYS);
    cr_assert_eq(check_secret(&reason), STATUS_OK);
    cr_assert_eq(n_lookups, 1 + ASSOC_WAYS, "the newest is still there");
    stored_id.b[3] = 0;
    stored = first_record;
    memcpy(secret, first, sizeof first);
    cr_assert_eq(check_secret(&reason), STATUS_OK);
    cr_assert_eq(n_lookups, 2 + ASSOC_WAYS, "the first had to go");
}

Test(auth, every_secret_is_another_and_parses)
{
    char a[API_KEY_TEXT_BYTES + 1], b[API_KEY_TEXT_BYTES + 1];
    unsigned char sha_a[API_KEY_SHA256_BYTES], sha_b[API_KEY_SHA256_BYTES];
    struct api_key_parts parts;
    struct call real;

    call_init(&real, NULL, 1 << 16);
    api_key_make(&real, stored_id, a, sha_a);
    api_key_make(&real, stored_id, b, sha_b);
    cr_assert_str_neq(a, b);
    cr_assert_eq(strlen(a), API_KEY_TEXT_BYTES);
    cr_assert(api_key_parse(str_of(a), &parts));
    cr_assert(api_key_same(parts.sha256, sha_a));
    cr_assert_not(api_key_same(parts.sha256, sha_b));
    cr_assert_eq(memcmp(parts.id.b, stored_id.b, 16), 0);
    call_release(&real);
}
