#include "workflow/lead_score.h"

#include <pthread.h>

static char rules_sha256[SCORE_SHA256_BYTES + 1];
static pthread_once_t rules_once = PTHREAD_ONCE_INIT;

static void hash_rules(void)
{
    score_rules_sha256(rules_sha256);
}

const char *lead_score_rules_sha256(void)
{
    pthread_once(&rules_once, hash_rules);
    return rules_sha256;
}

enum status lead_score(struct call *c, const struct lead_scoring *in, struct lead_scored *out)
{
    struct score_input input;
    struct refusal why;

    if (lead_start_read(&c->arena, in->start, &input) != STATUS_OK)
        return call_nomem(c);
    input.rules_sha256 = lead_score_rules_sha256();
    if (feature_vector_make(&c->arena, &input, &out->vector, &why) != STATUS_OK)
        return call_fail_as(
            c, why.rule && !strcmp(why.rule, "memory") ? STATUS_EXHAUSTED : STATUS_INVALID,
            "VALIDATION", "there was no such lead at that time");
    if (score_lead(&c->arena, &input, &out->score) != STATUS_OK)
        return call_nomem(c);
    out->score->decision_id = (char *)in->decision_id;
    return STATUS_OK;
}
