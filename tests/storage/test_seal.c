#include <criterion/criterion.h>
#include <stdio.h>

#include "store/seal.h"

static struct call call;
static const struct seal_key key = {7, {1, 2, 3}}, other_key = {7, {1, 2, 4}},
                             other_id = {8, {1, 2, 3}};
static const struct seal_place place = {"lead", 1, {{9}}, 3};

static void setup(void)
{
    call_init(&call, NULL, 1 << 20);
}

static void teardown(void)
{
    call_release(&call);
}

TestSuite(seal, .init = setup, .fini = teardown);

Test(seal, what_was_sealed_opens_in_its_place)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 1000, 100000};
    char *plain = arena_take(&call.arena, 100000);
    str sealed, opened;

    memset(plain, 'p', 100000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        str in = {plain, sizes[i]};

        cr_assert_eq(seal(&call, &key, &place, in, &sealed), STATUS_OK);
        cr_assert_eq(sealed.n, in.n + SEAL_EXTRA_BYTES);
        cr_assert(seal_open(&call, &key, &place, sealed, &opened));
        cr_assert(str_eq(in, opened), "%zu bytes", in.n);
    }
}

Test(seal, any_changed_bit_is_refused)
{
    str sealed, opened;

    cr_assert_eq(seal(&call, &key, &place, STR("secret text"), &sealed), STATUS_OK);
    for (size_t i = 0; i < sealed.n * 8; i++) {
        char *p = (char *)sealed.p;

        p[i / 8] = (char)(p[i / 8] ^ 1 << i % 8);
        cr_assert_not(seal_open(&call, &key, &place, sealed, &opened), "bit %zu", i);
        cr_assert_null(opened.p);
        p[i / 8] = (char)(p[i / 8] ^ 1 << i % 8);
    }
    for (size_t n = 0; n < sealed.n; n++)
        cr_assert_not(seal_open(&call, &key, &place, (str){sealed.p, n}, &opened), "%zu bytes", n);
    cr_assert(seal_open(&call, &key, &place, sealed, &opened)); /* failures leave nothing behind */
}

Test(seal, another_key_or_place_is_refused)
{
    const struct seal_place places[] = {{"deal", 1, {{9}}, 3},
                                        {"lead", 2, {{9}}, 3},
                                        {"lead", 1, {{8}}, 3},
                                        {"lead", 1, {{9}}, 4},
                                        {"lea", 1, {{9}}, 3}};
    str sealed, opened;

    cr_assert_eq(seal(&call, &key, &place, STR("x"), &sealed), STATUS_OK);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        cr_assert_not(seal_open(&call, &key, &places[i], sealed, &opened), "place %zu", i);
    cr_assert_not(seal_open(&call, &other_key, &place, sealed, &opened));
    cr_assert_not(seal_open(&call, &other_id, &place, sealed, &opened));
    cr_assert(seal_open(&call, &key, &place, sealed, &opened));
}

Test(seal, the_same_text_never_looks_the_same)
{
    str a, b;

    cr_assert_eq(seal(&call, &key, &place, STR("x"), &a), STATUS_OK);
    cr_assert_eq(seal(&call, &key, &place, STR("x"), &b), STATUS_OK);
    cr_assert_not(str_eq(a, b));
}

static void hex(const unsigned char *p, size_t n, char out[65])
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* Python: hmac.new(b"Jefe" + bytes(28), b"blind\0what do ya want for nothing?", "sha256") */
Test(seal, digests_are_hmac_sha256_of_domain_and_value)
{
    static const struct seal_key jefe = {1, "Jefe"};
    unsigned char got[SEAL_DIGEST_BYTES];
    char text[65];

    for (int round = 0; round < 2; round++) { /* again, after the thread has held another key */
        seal_digest(&jefe, "blind", STR("what do ya want for nothing?"), got, sizeof got);
        hex(got, sizeof got, text);
        cr_assert_str_eq(text, "a73f61e4a688047d4f3f2958efa29fd16164ca83eb10362b3121df05bfb09c95");
        seal_digest(&key, "blind", STR("x"), got, 16);
    }
    seal_sha256(STR("abc"), got);
    hex(got, sizeof got, text);
    cr_assert_str_eq(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
