#include "ctl/decision.h"

#include "base/banned.h"
#include "ctl/chart.h"
#include "ctl/ctl.h"
#include "sales/v1/sales_agent.pb-c.h"

/* clang-format off */
static const struct view_column columns[] = {
    {"decision",   "id",                            SHOW_PLAIN, ALIGN_LEFT, 0},
    {"kind",       "kind",                          SHOW_PLAIN, ALIGN_LEFT, 0},
    {"taken",      "create_time",                   SHOW_PLAIN, ALIGN_LEFT, 0},
    {"by",         "actor.id",                      SHOW_PLAIN, ALIGN_LEFT, 40},
    {"as of",      "as_of",                         SHOW_PLAIN, ALIGN_LEFT, 0},
    {"lead",       "lead_id",                       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"deal",       "deal_id",                       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"rules",      "provenance.rule_set_version",   SHOW_PLAIN, ALIGN_LEFT, 0},
    {"",           "provenance.rule_set_sha256",    SHOW_PLAIN, ALIGN_LEFT, 0},
    {"model",      "provenance.model_id",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"",           "provenance.model_sha256",       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"prompt",     "provenance.prompt_id",          SHOW_PLAIN, ALIGN_LEFT, 0},
    {"AI",         "provenance.ai_model",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"code",       "provenance.code_version",       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"quality",    "quality",                       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"took",       "latency",                       SHOW_PLAIN, ALIGN_LEFT, 0},
    {"answer",     "output_sha256",                 SHOW_PLAIN, ALIGN_LEFT, 0},
    {"in a word",  "summary",                       SHOW_PLAIN, ALIGN_LEFT, 200},
};
/* clang-format on */
static const struct view view = {
    .path = "decision", .columns = columns, .n_columns = sizeof columns / sizeof *columns};

static void print_calls(struct arena *a, const struct term *t, const Sales__V1__Decision *d)
{
    for (size_t i = 0; i < d->n_ai_calls; i++) {
        const Sales__V1__AiCall *c = d->ai_calls[i];

        fprintf(t->file, "  asked %s (%s): %llu tokens in, %llu out, %.6f USD%s\n",
                text_clean(a, str_of(c->model), 64), text_clean(a, str_of(c->provider), 64),
                (unsigned long long)c->input_tokens, (unsigned long long)c->output_tokens,
                (double)c->cost_micro_usd / 1e6, c->from_cache ? ", from the cache" : "");
    }
}

static void print_inputs(const struct term *t, const Sales__V1__Decision *d)
{
    size_t n_known = 0;

    for (size_t i = 0; i < d->n_inputs; i++)
        n_known += d->inputs[i]->value != NULL;
    fprintf(t->file, "  %zu of %zu inputs were known; --json has them all\n", n_known, d->n_inputs);
}

static void print_decision(struct ctl *ctl, const ProtobufCMessage *reply)
{
    const Sales__V1__ExplainDecisionResponse *r = (const void *)reply;
    const Sales__V1__Decision *d = r->decision;
    Sales__V1__LeadScore *s = NULL;

    show_item(&ctl->arena, &ctl->out, &view, reply);
    if (!d)
        return;
    print_inputs(&ctl->out, d);
    print_calls(&ctl->arena, &ctl->out, d);
    if (strcmp(d->output_type, "sales.v1.LeadScore") == 0)
        s = sales__v1__lead_score__unpack(NULL, d->output.len, d->output.data);
    if (!s)
        return;
    fprintf(ctl->out.file, "%s%d of 100%s\n", term_ink(&ctl->out, INK_BOLD), s->score,
            term_ink(&ctl->out, INK_PLAIN));
    chart_score(&ctl->arena, &ctl->out, s);
    sales__v1__lead_score__free_unpacked(s, NULL);
}

static void print_replay(struct ctl *ctl, const Sales__V1__ReplayDecisionResponse *r)
{
    FILE *f = ctl->out.file;

    if (r->identical) {
        fprintf(f, "identical: %zu bytes, SHA-256 %s\n", r->output.len,
                text_clean(&ctl->arena, str_of(r->output_sha256), 64));
        return;
    }
    fprintf(f, "%sit differs%s in:", term_ink(&ctl->out, INK_BAD), term_ink(&ctl->out, INK_PLAIN));
    for (size_t i = 0; i < r->n_differing_fields; i++)
        fprintf(f, "%s %s", i ? "," : "",
                text_clean(&ctl->arena, str_of(r->differing_fields[i]), 256));
    fputc('\n', f);
}

enum exit_code decision_explain_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        print_decision(ctl, reply);
    sales_call_release(&call);
    return code;
}

enum exit_code decision_replay_run(struct ctl *ctl, const struct command *command,
                                   const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK) {
        const Sales__V1__ReplayDecisionResponse *r = (const void *)reply;

        if (ctl->json)
            ctl_json(ctl, reply);
        else
            print_replay(ctl, r);
        code = r->identical ? CTL_OK : CTL_REFUSED;
    }
    sales_call_release(&call);
    return code;
}
