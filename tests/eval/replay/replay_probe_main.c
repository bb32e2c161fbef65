/*
 * replay_probe N OUT: takes N decisions on made leads, by the rules and by models that it learns
 * itself, stores what each starts from as bytes, computes it again from those bytes, and compares.
 *
 * OUT gets what another build has to arrive at: per model 32 bytes (SHA-256 of its bytes), then per
 * decision 64 (of the start, of the answer). The last line on stdout is JSON: what was counted.
 *
 * replay_probe --show I: decision I as its answer's bytes in hex, for a diff.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "schema/wire.h"
#include "store/seal.h"
#include "workflow/lead_maker.h"

enum { MODELS = 4, ROWS = 2000, SEED = 20261120, MODEL_BYTES = 512 << 20, CASE_BYTES = 64 << 20 };

struct counts {
    uint64_t n, n_by_model, n_disqualified, n_ai, n_differ, start_bytes, output_bytes;
};

static void die(const char *what)
{
    fprintf(stderr, "replay_probe: %s\n", what);
    exit(2);
}

static str packed(struct call *c, const ProtobufCMessage *m)
{
    str out;

    if (!wire_pack(&c->arena, m, &out))
        die("no memory");
    return out;
}

static LeadScore *score(struct call *c, const LeadScoreStart *start, const struct model_use *use)
{
    struct lead_scored out;

    if (lead_score(c,
                   &(struct lead_scoring){.start = start,
                                          .use = use,
                                          .decision_id = "01890a5d-ac96-774b-bcce-b302099a8059"},
                   &out) != STATUS_OK)
        die(c->fault.why);
    return out.score;
}

/* One decision, and the same from its stored start. */
static void take(struct call *c, uint64_t i, struct model_use *const *uses, struct counts *n,
                 str out[2])
{
    const struct model_use *use = uses[i % (MODELS + 1)];
    LeadScoreStart *start = lead_made(&c->arena, SEED, i);
    const LeadScore *s;
    ProtobufCMessage *stored;
    str again;

    start->anchor_micro = use ? lead_score_anchor(use) : 0;
    out[0] = packed(c, &start->base);
    s = score(c, start, use);
    out[1] = packed(c, &s->base);
    if (wire_unpack(c, &c->arena, &internal__v1__lead_score_start__descriptor, out[0], &stored) !=
        STATUS_OK)
        die(c->fault.why);
    again = packed(c, &score(c, (LeadScoreStart *)stored, use)->base);
    n->n++;
    n->n_by_model += use != NULL;
    n->n_disqualified += s->n_disqualifications > 0;
    n->n_ai += start->insight != NULL;
    n->n_differ += !str_eq(out[1], again);
    n->start_bytes += out[0].n;
    n->output_bytes += out[1].n;
}

static void write_digest(FILE *f, str bytes)
{
    unsigned char digest[SEAL_DIGEST_BYTES];

    seal_sha256(bytes, digest);
    if (fwrite(digest, sizeof digest, 1, f) != 1)
        die("cannot write");
}

static void run(uint64_t n_wanted, const char *path, struct model_use *const *uses)
{
    FILE *f = fopen(path, "wb");
    struct counts n = {0};

    if (!f)
        die("cannot write");
    for (size_t m = 1; m <= MODELS; m++)
        write_digest(f, (str){(char *)uses[m]->model->sha256, sizeof uses[m]->model->sha256});
    for (uint64_t i = 0; i < n_wanted; i++) {
        struct call c;
        str out[2];

        call_init(&c, NULL, CASE_BYTES);
        take(&c, i, uses, &n, out);
        write_digest(f, out[0]);
        write_digest(f, out[1]);
        call_release(&c);
    }
    if (fclose(f) != 0)
        die("cannot write");
    printf("{\"decisions\":%" PRIu64 ",\"by_model\":%" PRIu64 ",\"disqualified\":%" PRIu64
           ",\"with_ai\":%" PRIu64 ",\"differ\":%" PRIu64
           ",\"start_bytes\":%.0f,\"answer_bytes\":%.0f}\n",
           n.n, n.n_by_model, n.n_disqualified, n.n_ai, n.n_differ,
           (double)n.start_bytes / (double)n.n, (double)n.output_bytes / (double)n.n);
}

static void show(uint64_t i, struct model_use *const *uses)
{
    struct counts n = {0};
    struct call c;
    str out[2];

    call_init(&c, NULL, CASE_BYTES);
    take(&c, i, uses, &n, out);
    puts(hex_encode(&c.arena, (const unsigned char *)out[1].p, out[1].n));
    call_release(&c);
}

int main(int argc, char **argv)
{
    struct model_use *uses[MODELS + 1] = {NULL};
    struct arena arena;

    if (argc != 3)
        die("usage: replay_probe N OUT | replay_probe --show I");
    for (size_t m = 1; m <= MODELS; m++) {
        arena_init(&arena, MODEL_BYTES); /* one each: what learning leaves behind is large */
        uses[m] = lead_model_made(&arena, SEED + m, ROWS);
    }
    if (strcmp(argv[1], "--show") == 0)
        show(strtoull(argv[2], NULL, 10), uses);
    else
        run(strtoull(argv[1], NULL, 10), argv[2], uses);
    return 0;
}
