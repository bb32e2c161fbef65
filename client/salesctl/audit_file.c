/* Frames in, frames out. A file is what an attacker made of it: every length is checked. */
#include "ctl/audit_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const char magic[] = "salesd-audit-1\n";

enum { MAGIC_BYTES = sizeof magic - 1, HEAD_BYTES = 5, FRAME_TRUST = 'T', FRAME_ENTRY = 'E' };

static bool put_frame(FILE *file, char type, const unsigned char *front, size_t n_front,
                      const ProtobufCMessage *m)
{
    size_t n = protobuf_c_message_get_packed_size(m), all = n + n_front;
    unsigned char head[HEAD_BYTES] = {(unsigned char)type, (unsigned char)(all >> 24),
                                      (unsigned char)(all >> 16), (unsigned char)(all >> 8),
                                      (unsigned char)all};
    uint8_t *p = malloc(n + 1);
    bool ok = p != NULL;

    if (ok) {
        protobuf_c_message_pack(m, p);
        ok = fwrite(head, sizeof head, 1, file) == 1 &&
             (!n_front || fwrite(front, n_front, 1, file) == 1) && fwrite(p, 1, n, file) == n;
    }
    free(p);
    return ok;
}

static struct audit_chain front_of(const VerifyAuditResponse *trust)
{
    struct audit_checkpoint p;

    if (trust->trimmed && audit_checkpoint_read(trust->trimmed, &p))
        return p.chain;
    return (struct audit_chain){0};
}

bool audit_file_begin(FILE *file, const VerifyAuditResponse *trust, struct audit_chain *at)
{
    *at = front_of(trust);
    return fwrite(magic, MAGIC_BYTES, 1, file) == 1 &&
           put_frame(file, FRAME_TRUST, NULL, 0, &trust->base);
}

/* False: its MAC does not have its length. */
static bool go_on(struct audit_chain *at, const AuditEntry *e)
{
    unsigned char digest[AUDIT_DIGEST_BYTES];

    if (e->chain_mac.len != AUDIT_DIGEST_BYTES)
        return false;
    audit_entry_digest(e, digest);
    audit_chain_step(at, digest, e->chain_mac.data);
    return true;
}

bool audit_file_entry(FILE *file, const AuditEntry *e, struct audit_chain *at)
{
    return go_on(at, e) && put_frame(file, FRAME_ENTRY, at->digest, AUDIT_DIGEST_BYTES, &e->base);
}

struct reader {
    FILE *file;
    unsigned char *payload; /* [AUDIT_FRAME_MAX], owned */
    size_t n;
    char type;
};

enum frame { FRAME_OK, FRAME_END, FRAME_BAD };

static enum frame next_frame(struct reader *r)
{
    unsigned char head[HEAD_BYTES];
    size_t got = fread(head, 1, sizeof head, r->file);

    if (got == 0)
        return FRAME_END;
    r->type = (char)head[0];
    r->n = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    if (got != sizeof head || r->n > AUDIT_FRAME_MAX)
        return FRAME_BAD;
    return fread(r->payload, 1, r->n, r->file) == r->n ? FRAME_OK : FRAME_BAD;
}

static void find(struct audit_finding *out, AuditProblem problem, uint64_t sequence,
                 const char *why)
{
    if (out->problem)
        return;
    out->problem = problem;
    out->sequence = sequence;
    out->why = why;
}

/* Is the entry that is missing here further on? */
static bool comes_later(struct reader *r, uint64_t sequence)
{
    bool found = false;

    while (!found && next_frame(r) == FRAME_OK) {
        AuditEntry *e = NULL;

        if (r->type == FRAME_ENTRY && r->n >= AUDIT_DIGEST_BYTES)
            e = sales__v1__audit_entry__unpack(NULL, r->n - AUDIT_DIGEST_BYTES,
                                               r->payload + AUDIT_DIGEST_BYTES);
        found = e && e->sequence == sequence;
        if (e)
            sales__v1__audit_entry__free_unpacked(e, NULL);
    }
    return found;
}

static void check_place(struct reader *r, uint64_t want, uint64_t got, struct audit_finding *out)
{
    if (got > want && !comes_later(r, want))
        find(out, AUDIT_PROBLEM_MISSING, want, "this entry is missing");
    else
        find(out, AUDIT_PROBLEM_REORDERED, want, "another entry stands in its place");
}

static void check_entry(struct reader *r, struct audit_chain *at, struct audit_finding *out)
{
    uint64_t want = at->count + 1;
    AuditEntry *e = NULL;

    if (r->type == FRAME_ENTRY && r->n >= AUDIT_DIGEST_BYTES)
        e = sales__v1__audit_entry__unpack(NULL, r->n - AUDIT_DIGEST_BYTES,
                                           r->payload + AUDIT_DIGEST_BYTES);
    if (!e) {
        find(out, AUDIT_PROBLEM_ALTERED, want, "this entry cannot be read");
        return;
    }
    if (e->sequence == want) {
        unsigned char listed[AUDIT_DIGEST_BYTES];

        memcpy(listed, r->payload, sizeof listed);
        if (!go_on(at, e) || !audit_same(listed, at->digest))
            find(out, AUDIT_PROBLEM_ALTERED, want, "this entry, or its digest, was changed");
    } else {
        check_place(r, want, e->sequence, out);
    }
    sales__v1__audit_entry__free_unpacked(e, NULL);
}

static bool same_end(const struct audit_chain *a, const struct audit_chain *b)
{
    return audit_same(a->mac, b->mac) && audit_same(a->digest, b->digest);
}

static void check_end(const struct audit_chain *at, struct audit_finding *out)
{
    const struct audit_chain *end = &out->checkpoint.chain;

    if (at->count < end->count)
        find(out, AUDIT_PROBLEM_TRUNCATED, at->count + 1, "the end of the trail is missing");
    else if (!same_end(at, end))
        find(out, AUDIT_PROBLEM_ALTERED, at->count,
             "the entries fit each other but not what was signed: the trail was rewritten, here "
             "or before");
}

/* Key, checkpoint and front, from the first frame. False: not a file of ours. */
static bool read_trust(struct reader *r, const unsigned char *key, struct audit_chain *at,
                       struct audit_finding *out)
{
    VerifyAuditResponse *t = NULL;
    struct audit_checkpoint trimmed;
    bool ok;

    if (next_frame(r) == FRAME_OK && r->type == FRAME_TRUST)
        t = sales__v1__verify_audit_response__unpack(NULL, r->n, r->payload);
    ok = t && t->public_key.len == AUDIT_PUBLIC_BYTES;
    if (ok) {
        memcpy(out->public_key, t->public_key.data, AUDIT_PUBLIC_BYTES);
        audit_key_id(out->public_key, out->key_id);
        *at = front_of(t);
        if (key && !audit_same(key, out->public_key))
            find(out, AUDIT_PROBLEM_BAD_SIGNATURE, at->count + 1, "signed with another key");
        if (t->checkpoint && (!audit_checkpoint_read(t->checkpoint, &out->checkpoint) ||
                              out->checkpoint.says != AUDIT_HOLDS ||
                              !audit_is_signed(&out->checkpoint, out->public_key)))
            find(out, AUDIT_PROBLEM_BAD_SIGNATURE, out->checkpoint.chain.count,
                 "the checkpoint's signature is wrong");
        if (t->trimmed &&
            (!audit_checkpoint_read(t->trimmed, &trimmed) || trimmed.says != AUDIT_TRIMMED ||
             !audit_is_signed(&trimmed, out->public_key)))
            find(out, AUDIT_PROBLEM_BAD_SIGNATURE, at->count + 1,
                 "nobody signed that the trail begins here");
    }
    if (t)
        sales__v1__verify_audit_response__free_unpacked(t, NULL);
    return ok;
}

static void check_known(const struct audit_chain *at, const struct audit_checkpoint *known,
                        struct audit_finding *out)
{
    if (known && known->chain.count == at->count && at->count && !same_end(at, &known->chain))
        find(out, AUDIT_PROBLEM_ALTERED, at->count,
             "up to here the trail is not the one of the checkpoint that is known");
}

static void check_entries(struct reader *r, const struct audit_checkpoint *known,
                          struct audit_chain *at, struct audit_finding *out)
{
    uint64_t first = at->count;
    enum frame f = FRAME_OK;

    while (!out->problem && (f = next_frame(r)) == FRAME_OK) {
        check_entry(r, at, out);
        check_known(at, known, out);
    }
    if (f == FRAME_BAD)
        find(out, AUDIT_PROBLEM_TRUNCATED, at->count + 1, "the file is cut inside of this entry");
    check_end(at, out);
    if (known && known->chain.count > at->count)
        find(out, AUDIT_PROBLEM_TRUNCATED, at->count + 1,
             "the trail is shorter than at the checkpoint that is known");
    out->n_entries = at->count - first;
}

bool audit_file_check(FILE *file, const unsigned char *key, const struct audit_checkpoint *known,
                      struct audit_finding *out)
{
    struct reader r = {.file = file, .payload = malloc(AUDIT_FRAME_MAX)};
    struct audit_chain at = {0};
    char start[MAGIC_BYTES];
    bool ok;

    *out = (struct audit_finding){.why = "this is not an export of an audit trail"};
    ok = r.payload && fread(start, 1, sizeof start, file) == sizeof start &&
         memcmp(start, magic, sizeof start) == 0 && read_trust(&r, key, &at, out);
    if (ok && known && !audit_is_signed(known, out->public_key))
        find(out, AUDIT_PROBLEM_BAD_SIGNATURE, known->chain.count,
             "the known checkpoint was signed with another key");
    if (ok)
        check_entries(&r, known, &at, out);
    free(r.payload);
    return ok;
}
