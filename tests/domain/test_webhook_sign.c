/* Vectors of the reference libraries (standard-webhooks, MIT: see vectors), and of our own. */
#include "domain/webhook_sign.h"
#include "support/table.h"

#define SECRET  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define BARE    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER   "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define SEED    "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define PUBLIC  "whpk_iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w="
#define ID      "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define AT      1614265330
#define PAYLOAD "{\"test\": 2432232314}"
#define GOOD    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define WRONG   "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="

static struct webhook_key key_of(const char *text)
{
    struct webhook_key key;

    cr_assert(webhook_key_parse(str_of(text), &key), "%s", text);
    return key;
}

static const struct sign_case {
    const char *key, *id;
    int64_t at;
    const char *body, *want;
} SIGNED[] = {
    {SECRET, ID, AT, PAYLOAD, GOOD},
    {BARE, ID, AT, PAYLOAD, GOOD},
    {SECRET, "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", 1674087231,
     "{\"type\":\"sales.lead.qualified\",\"timestamp\":\"2026-01-01T00:00:00Z\","
     "\"data\":{\"lead_id\":\"l1\",\"score\":87}}",
     "v1,tRQGdy/5ltyxCY+ouAbmdBaNeheDcDz8szgeXPjjrKQ="},
    {OTHER, "msg_1", 0, "", "v1,b+SXZMJEVpLSiGYYsGgI4SMVyZQr9Y1FbkdGklQZKWE="},
    {SEED, "msg_1", 1674087231, "{}",
     "v1a,xSP6RGDx08Ab1orDAdnMKsi2lhTb5hrQ1T5owipvX7j3RMSCeNgkjI4U0STmm86tWoMZUek4jbZhu7p/"
     "9hxoDQ=="},
};

TABLE_TEST(webhook_sign, signs_as_the_reference_does, struct sign_case, SIGNED)
{
    char out[WEBHOOK_SIGNATURE_BYTES + 1];
    struct webhook_key key = key_of(row->key);

    cr_assert(webhook_sign(&(struct webhook_message){str_of(row->id), row->at, str_of(row->body)},
                           &key, 1, out));
    cr_assert_str_eq(out, row->want);
}

Test(webhook_sign, tells_the_public_key_of_a_seed)
{
    char out[WEBHOOK_SECRET_TEXT_BYTES + 1];
    struct webhook_key seed = key_of(SEED);

    cr_assert(webhook_public_format(seed.bytes, out));
    cr_assert_str_eq(out, PUBLIC);
}

static const struct verify_case {
    const char *name, *key, *id, *timestamp, *signature, *body;
    int64_t now;
    enum webhook_verdict want;
} RECEIVED[] = {
    /* clang-format off */
    {"valid",        SECRET, ID, "1614265330", GOOD, PAYLOAD, AT, WEBHOOK_VALID},
    {"second",       SECRET, ID, "1614265330", WRONG " " GOOD, PAYLOAD, AT, WEBHOOK_VALID},
    {"several",      SECRET, ID, "1614265330", WRONG " v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " GOOD " " WRONG, PAYLOAD, AT, WEBHOOK_VALID},
    {"wrong",        SECRET, ID, "1614265330", WRONG, PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"empty value",  SECRET, ID, "1614265330", "v1,", PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"v2 only",      SECRET, ID, "1614265330", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"v1a of a mac", SECRET, ID, "1614265330", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"no version",   SECRET, ID, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"cut short",    SECRET, ID, "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ", PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"other secret", OTHER,  ID, "1614265330", GOOD, PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"other id",     SECRET, "msg_1", "1614265330", GOOD, PAYLOAD, AT, WEBHOOK_NO_MATCH},
    {"one space",    SECRET, ID, "1614265330", GOOD, "{\"test\":  2432232314}", AT, WEBHOOK_NO_MATCH},
    {"other time",   SECRET, ID, "946684800", GOOD, PAYLOAD, 946684800, WEBHOOK_NO_MATCH},
    {"300 s old",    SECRET, ID, "1614265330", GOOD, PAYLOAD, AT + 300, WEBHOOK_VALID},
    {"301 s old",    SECRET, ID, "1614265330", GOOD, PAYLOAD, AT + 301, WEBHOOK_TOO_OLD},
    {"300 s new",    SECRET, ID, "1614265330", GOOD, PAYLOAD, AT - 300, WEBHOOK_VALID},
    {"301 s new",    SECRET, ID, "1614265330", GOOD, PAYLOAD, AT - 301, WEBHOOK_TOO_NEW},
    {"far future",   SECRET, ID, "9223372036854775807", GOOD, PAYLOAD, AT, WEBHOOK_TOO_NEW},
    {"no id",        SECRET, "", "1614265330", GOOD, PAYLOAD, AT, WEBHOOK_MISSING},
    {"no timestamp", SECRET, ID, "", GOOD, PAYLOAD, AT, WEBHOOK_MISSING},
    {"no signature", SECRET, ID, "1614265330", "", PAYLOAD, AT, WEBHOOK_MISSING},
    {"a dot in id",  SECRET, "msg.1", "1614265330", GOOD, PAYLOAD, AT, WEBHOOK_MALFORMED},
    {"no number",    SECRET, ID, "soon", GOOD, PAYLOAD, AT, WEBHOOK_MALFORMED},
    {"negative",     SECRET, ID, "-1", GOOD, PAYLOAD, AT, WEBHOOK_MALFORMED},
    {"ed25519",      PUBLIC, "msg_1", "1674087231", "v1a,xSP6RGDx08Ab1orDAdnMKsi2lhTb5hrQ1T5owipvX7j3RMSCeNgkjI4U0STmm86tWoMZUek4jbZhu7p/9hxoDQ==", "{}", 1674087231, WEBHOOK_VALID},
    {"ed25519 body", PUBLIC, "msg_1", "1674087231", "v1a,xSP6RGDx08Ab1orDAdnMKsi2lhTb5hrQ1T5owipvX7j3RMSCeNgkjI4U0STmm86tWoMZUek4jbZhu7p/9hxoDQ==", "{ }", 1674087231, WEBHOOK_NO_MATCH},
    {"private key",  SEED,   "msg_1", "1674087231", "v1a,xSP6RGDx08Ab1orDAdnMKsi2lhTb5hrQ1T5owipvX7j3RMSCeNgkjI4U0STmm86tWoMZUek4jbZhu7p/9hxoDQ==", "{}", 1674087231, WEBHOOK_NO_MATCH},
    /* clang-format on */
};

TABLE_TEST(webhook_sign, verifies_as_the_reference_does, struct verify_case, RECEIVED)
{
    struct webhook_key key = key_of(row->key);
    const struct webhook_received got = {str_of(row->id), str_of(row->timestamp),
                                         str_of(row->signature), str_of(row->body)};
    enum webhook_verdict v = webhook_verify(&got, &key, 1, row->now);

    cr_assert_eq(v, row->want, "%s: %s", row->name, webhook_verdict_text(v));
}

Test(webhook_sign, either_secret_of_a_rotation_will_do)
{
    struct webhook_key both[2] = {key_of(SECRET), key_of(OTHER)};
    char out[WEBHOOK_SIGNATURE_BYTES + 1];

    cr_assert(webhook_sign(&(struct webhook_message){STR(ID), AT, STR(PAYLOAD)}, both, 2, out));
    cr_assert(str_starts(str_of(out), STR(GOOD " v1,")));
    const struct webhook_received got = {STR(ID), STR("1614265330"), str_of(out), STR(PAYLOAD)};

    cr_assert_eq(webhook_verify(&got, &both[0], 1, AT), WEBHOOK_VALID);
    cr_assert_eq(webhook_verify(&got, &both[1], 1, AT), WEBHOOK_VALID);
}

Test(webhook_sign, fits_its_buffer_with_the_longest_signatures)
{
    char out[WEBHOOK_SIGNATURE_BYTES + 1];
    struct webhook_key keys[WEBHOOK_KEYS_MAX];

    for (size_t i = 0; i < WEBHOOK_KEYS_MAX; i++)
        keys[i] = key_of(SEED);
    cr_assert(webhook_sign(&(struct webhook_message){STR(ID), INT64_MAX, STR(PAYLOAD)}, keys,
                           WEBHOOK_KEYS_MAX, out));
    cr_assert_eq(strlen(out), WEBHOOK_KEYS_MAX * 92 + WEBHOOK_KEYS_MAX - 1);
}

Test(webhook_sign, refuses_what_it_cannot_sign)
{
    static char body[WEBHOOK_BODY_BYTES + 1], id[WEBHOOK_ID_BYTES + 1];
    struct webhook_key key = key_of(SECRET), pub = key_of(PUBLIC);
    char out[WEBHOOK_SIGNATURE_BYTES + 1];

    memset(id, 'a', sizeof id);
    cr_assert(webhook_sign(&(struct webhook_message){STR("a"), 1, {body, sizeof body - 1}}, &key, 1,
                           out));
    cr_assert(
        !webhook_sign(&(struct webhook_message){STR("a"), 1, {body, sizeof body}}, &key, 1, out));
    cr_assert(webhook_sign(&(struct webhook_message){{id, sizeof id - 1}, 1, {0}}, &key, 1, out));
    cr_assert(!webhook_sign(&(struct webhook_message){{id, sizeof id}, 1, {0}}, &key, 1, out));
    cr_assert(!webhook_sign(&(struct webhook_message){STR("a.b"), 1, {0}}, &key, 1, out));
    cr_assert(!webhook_sign(&(struct webhook_message){STR(""), 1, {0}}, &key, 1, out));
    cr_assert(!webhook_sign(&(struct webhook_message){STR("a"), 1, {0}}, &pub, 1, out));
    cr_assert(!webhook_sign(&(struct webhook_message){STR("a"), 1, {0}}, &key, 0, out));
}

static const struct key_case {
    const char *text;
    bool is_valid;
} KEYS[] = {
    {SECRET, true},
    {BARE, true},
    {SEED, true},
    {PUBLIC, true},
    {"", false},
    {"whsec_", false},
    {"whsec_AAAA", false},                             /* 3 bytes */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false}, /* 23 */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},  /* no padding */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=A", false}, /* padding inside */
    {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", false},
    {"whsec_ AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
    {"whsec_A-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false}, /* base64url */
    {"whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},  /* 24 bytes are no Ed25519 key */
    {"whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false},
};

TABLE_TEST(webhook_sign, reads_keys, struct key_case, KEYS)
{
    struct webhook_key key;

    cr_assert_eq(webhook_key_parse(str_of(row->text), &key), row->is_valid, "'%s'", row->text);
}

Test(webhook_sign, secrets_survive_their_text)
{
    unsigned char secret[WEBHOOK_SECRET_MAX];
    char text[WEBHOOK_SECRET_TEXT_BYTES + 1];

    for (size_t i = 0; i < sizeof secret; i++)
        secret[i] = (unsigned char)(i * 7);
    for (size_t n = WEBHOOK_SECRET_MIN; n <= WEBHOOK_SECRET_MAX; n++) {
        webhook_secret_format(secret, n, text);
        struct webhook_key key = key_of(text);

        cr_assert(key.n_bytes == n && memcmp(key.bytes, secret, n) == 0, "%zu", n);
    }
}
