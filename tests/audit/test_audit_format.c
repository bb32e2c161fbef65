/* The bytes that are authenticated, held against values made by hand (see the comments): whoever
 * verifies a trail with a program of his own relies on them. */
#include <criterion/criterion.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <stdio.h>
#include <string.h>

#include "audit/checkpoint.h"

static void expect_hex(const unsigned char *p, size_t n, const char *want)
{
    char got[129] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(got + 2 * i, 3, "%02x", p[i]);
    cr_expect_str_eq(got, want);
}

static AuditEntry sample(Actor *actor, Timestamp *time, Role *roles)
{
    AuditEntry e = AUDIT_ENTRY_INIT;

    *actor = (Actor)ACTOR_INIT;
    actor->kind = ACTOR_KIND_USER;
    actor->id = "u";
    *time = (Timestamp)TIMESTAMP_INIT;
    time->seconds = 1;
    time->nanos = 2000;
    roles[0] = ROLE_ADMIN;
    e.sequence = 3;
    e.time = time;
    e.actor = actor;
    e.roles = roles;
    e.n_roles = 1;
    e.record_kind = "lead";
    e.code = 7;
    return e;
}

/* python3: from hashlib import sha256; i = lambda n, v: n.to_bytes(2,'big') +
 * len(v).to_bytes(4,'big')
 * + v; w = lambda v: v.to_bytes(8,'big'); sha256(i(1,w(3)) + i(3,i(1,w(1))+i(2,w(2000))) +
 * i(4,i(1,w(1))+i(2,b'u')) + i(5,w(1)) + i(7,b'lead') + i(9,w(7))).hexdigest() */
Test(audit_format, an_entry_is_its_fields_in_order)
{
    unsigned char digest[AUDIT_DIGEST_BYTES];
    Timestamp time;
    Actor actor;
    Role roles[1];
    AuditEntry e = sample(&actor, &time, roles);

    audit_entry_digest(&e, digest);
    expect_hex(digest, sizeof digest,
               "0783c65ee1a5d213abc5b855490f2f096471faa0090a45c58acc25bc92b5f515");
    e.chain_mac = (ProtobufCBinaryData){4, (uint8_t *)"abcd"};
    audit_entry_digest(&e, digest);
    expect_hex(digest, sizeof digest,
               "0783c65ee1a5d213abc5b855490f2f096471faa0090a45c58acc25bc92b5f515");
}

Test(audit_format, every_field_counts)
{
    unsigned char digest[AUDIT_DIGEST_BYTES], before[AUDIT_DIGEST_BYTES];
    char *texts[] = {"a", "b"};
    Timestamp time;
    Actor actor;
    Role roles[1];
    AuditEntry e = sample(&actor, &time, roles);

#define EXPECT_OTHER(change)                                                                       \
    do {                                                                                           \
        audit_entry_digest(&e, before);                                                            \
        change;                                                                                    \
        audit_entry_digest(&e, digest);                                                            \
        cr_expect_neq(memcmp(before, digest, sizeof digest), 0, #change);                          \
    } while (0)
    EXPECT_OTHER(e.sequence++);
    EXPECT_OTHER(e.id = "x");
    EXPECT_OTHER(time.nanos++);
    EXPECT_OTHER(actor.id = "v");
    EXPECT_OTHER(e.n_roles = 0);
    EXPECT_OTHER(e.action = "x");
    EXPECT_OTHER(e.record_kind = "x");
    EXPECT_OTHER(e.record_id = "x");
    EXPECT_OTHER(e.code = 0);
    EXPECT_OTHER(e.rule = "x");
    EXPECT_OTHER(e.peer = "x");
    EXPECT_OTHER(e.request_id = "x");
    EXPECT_OTHER(e.trace_id = "x");
    EXPECT_OTHER((e.before_digest = (ProtobufCBinaryData){1, (uint8_t *)"x"}));
    EXPECT_OTHER((e.after_digest = (ProtobufCBinaryData){1, (uint8_t *)"x"}));
    EXPECT_OTHER((e.changed_fields = texts, e.n_changed_fields = 1));
    EXPECT_OTHER(e.n_changed_fields = 2);
    EXPECT_OTHER(e.record_count = 9);
    EXPECT_OTHER((e.record_ids = texts, e.n_record_ids = 2));
    EXPECT_OTHER(e.reason = "x");
    EXPECT_OTHER(e.time = NULL);
    EXPECT_OTHER(e.actor = NULL);
}

/* python3: e = sha256(b'entry').digest(); m = hmac.new(b'k'*32, b'salesd.audit.chain.1\0' +
 * bytes(32)
 * + e, 'sha256').digest(); d = sha256(b'salesd.audit.digest.1\0' + bytes(32) + e + m).digest() */
Test(audit_format, a_chain_binds_each_entry_to_all_before)
{
    static const unsigned char e[AUDIT_DIGEST_BYTES] = {
        0x92, 0x3f, 0xe5, 0x39, 0x66, 0xc6, 0xcd, 0x93, 0x43, 0xe1, 0x1a,
        0xf7, 0x76, 0xcd, 0x4b, 0x05, 0xbe, 0x31, 0x5e, 0xa4, 0xb2, 0x00,
        0xb0, 0x2e, 0x4d, 0x5d, 0xfb, 0x0f, 0x92, 0x9b, 0x73, 0xbf};
    unsigned char key[AUDIT_KEY_BYTES], mac[AUDIT_DIGEST_BYTES];
    struct audit_chain at = {0};

    memset(key, 'k', sizeof key);
    audit_chain_mac(&at, key, e, mac);
    expect_hex(mac, sizeof mac, "cbf00322fdf9454301aaff035f90e11072aab604cd3e4f31765b5e97081e0941");
    audit_chain_step(&at, e, mac);
    cr_expect_eq(at.count, 1);
    expect_hex(at.digest, sizeof at.digest,
               "aa699a036c4164cc1c85b20ca3630289ff853f5cdab6af23554b2976d40b0875");
    expect_hex(at.mac, sizeof at.mac,
               "cbf00322fdf9454301aaff035f90e11072aab604cd3e4f31765b5e97081e0941");
}

/* RFC 8032, section 7.1, test 1: the public key of that seed. */
Test(audit_format, a_checkpoint_is_signed_with_ed25519)
{
    static const unsigned char seed[AUDIT_SEED_BYTES] = {
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
        0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
        0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    struct audit_checkpoint p = {.chain.count = 5, .time_us = 6}, other;

    cr_assert(audit_public_key(seed, public_key));
    expect_hex(public_key, sizeof public_key,
               "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    cr_assert(audit_sign(&p, seed));
    cr_expect(audit_is_signed(&p, public_key));
#define EXPECT_FORGED(change)                                                                      \
    do {                                                                                           \
        other = p;                                                                                 \
        change;                                                                                    \
        cr_expect_not(audit_is_signed(&other, public_key), #change);                               \
    } while (0)
    EXPECT_FORGED(other.chain.count++);
    EXPECT_FORGED(other.time_us++);
    EXPECT_FORGED(other.chain.mac[31] ^= 1);
    EXPECT_FORGED(other.chain.digest[0] ^= 1);
    EXPECT_FORGED(other.says = AUDIT_TRIMMED);
    EXPECT_FORGED(other.signature[63] ^= 1);
    public_key[0] ^= 1;
    cr_expect_not(audit_is_signed(&p, public_key));
}
