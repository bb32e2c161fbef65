/* A score is shown as the sum that it is. */
#include "ctl/qualify.h"

#include "base/banned.h"
#include "ctl/chart.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "ctl/progress.h"
#include "ctl/stream.h"
#include "ctl/when.h"

enum { FAILURES_SHOWN_MAX = 20 };

/* ---- one lead -------------------------------------------------------------------------------- */

void qualify_print(struct arena *a, const struct term *t, const Sales__V1__QualifyLeadResponse *r)
{
    const ProtobufCMessage *m = &r->base;
    const Sales__V1__LeadScore *s = r->score;
    const char *before = show_field(a, m, "previous_status", SHOW_PLAIN);

    if (!s) {
        fprintf(t->file, "no score\n");
        return;
    }
    fprintf(t->file, "%s%d of 100%s  grade %s  confidence %s", term_ink(t, INK_BOLD), s->score,
            term_ink(t, INK_PLAIN), show_field(a, m, "score.grade", SHOW_PLAIN),
            show_field(a, m, "score.confidence", SHOW_PERCENT));
    if (s->band)
        fprintf(t->file, "  between %.0f and %.0f at %.0f %%", s->band->low, s->band->high,
                s->band->level * 100);
    fprintf(t->file, "\nstatus %s%s%s%s%s", before, *before ? " -> " : "", term_ink(t, INK_BOLD),
            show_field(a, m, "lead.status", SHOW_PLAIN), term_ink(t, INK_PLAIN));
    if (s->routing)
        fprintf(t->file, "  path %s", show_field(a, m, "score.routing", SHOW_PLAIN));
    fprintf(t->file, "  %s\n",
            text_clean(a, str_of(show_field(a, m, "lead.status_reason", SHOW_PLAIN)), 200));
    for (size_t i = 0; i < s->n_disqualifications; i++)
        fprintf(t->file, "  %sdisqualified%s by %s: %s\n", term_ink(t, INK_BAD),
                term_ink(t, INK_PLAIN), text_clean(a, str_of(s->disqualifications[i]->rule), 64),
                text_clean(a, str_of(s->disqualifications[i]->reason), 200));
    chart_score(a, t, s);
}

/* Fills in what both requests have. False: --as-of is no time; said. */
static bool common(struct ctl *ctl, const struct command *command, const struct args *args,
                   ProtobufCMessage *m)
{
    struct setter s = {.arena = &ctl->arena, .now_us = ctl_now_us()};
    const char *as_of = args_text(args, "as-of");

    if (args_has(args, "dry-run") && !path_set(&s, m, "validate_only", STR("yes")))
        return false;
    if (args_has(args, "no-ai") && !path_set(&s, m, "insight_mode", STR("off")))
        return false;
    if (!as_of || path_set(&s, m, "as_of", str_of(as_of)))
        return true;
    usage_error(ctl, command, "--as-of %s", s.why);
    return false;
}

static enum exit_code qualify_one(struct ctl *ctl, const struct command *command,
                                  const struct args *args)
{
    Sales__V1__QualifyLeadRequest in = SALES__V1__QUALIFY_LEAD_REQUEST__INIT;
    struct sales_call call = ctl_call(ctl);
    ProtobufCMessage *reply;
    enum exit_code code;

    in.id = arena_cstr(&ctl->arena, str_of(args->words[0]));
    if (!in.id || !common(ctl, command, args, &in.base))
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, "/sales.v1.SalesAgent/QualifyLead", &in.base, &reply);
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        qualify_print(&ctl->arena, &ctl->out, (const void *)reply);
    sales_call_release(&call);
    return code;
}

/* ---- many ------------------------------------------------------------------------------------ */

struct batch {
    struct ctl *ctl;
    struct progress progress;
    uint64_t n_failures;
    Sales__V1__QualifySummary *summary;
};

static void take_results(struct batch *b, const Sales__V1__QualifyResults *results)
{
    for (size_t i = 0; i < results->n_results; i++) {
        const Sales__V1__QualifyResult *r = results->results[i];

        if (!r->error || b->n_failures++ >= FAILURES_SHOWN_MAX || b->ctl->json)
            continue;
        progress_wipe(&b->progress);
        fprintf(b->ctl->err.file, "%s: %s\n", text_clean(&b->ctl->arena, str_of(r->lead_id), 40),
                text_clean(&b->ctl->arena, str_of(r->error->message), 200));
    }
}

static void take_reply(struct batch *b, const ProtobufCMessage *m)
{
    const Sales__V1__BatchQualifyLeadsResponse *r = (const void *)m;

    if (b->ctl->json)
        ctl_json(b->ctl, m);
    if (r->message_case == SALES__V1__BATCH_QUALIFY_LEADS_RESPONSE__MESSAGE_RESULTS) {
        take_results(b, r->results);
        progress_set(&b->progress, b->progress.done + r->results->n_results, b->progress.failed,
                     ctl_now_ns());
    } else if (r->message_case == SALES__V1__BATCH_QUALIFY_LEADS_RESPONSE__MESSAGE_PROGRESS) {
        b->progress.total = r->progress->total;
        progress_set(&b->progress, r->progress->done, r->progress->failed, ctl_now_ns());
    } else if (r->message_case == SALES__V1__BATCH_QUALIFY_LEADS_RESPONSE__MESSAGE_SUMMARY) {
        *b->summary = *r->summary;
        b->summary->elapsed = NULL; /* lives no longer than the reply */
    }
}

enum exit_code qualify_batch(struct ctl *ctl, const Sales__V1__BatchQualifyLeadsRequest *request,
                             Sales__V1__QualifySummary *summary)
{
    struct batch b = {.ctl = ctl, .summary = summary};
    struct sales_call call = ctl_call(ctl);
    struct sales_stream *s;
    enum sales_status status;
    ProtobufCMessage *m;
    enum exit_code code;

    *summary = (Sales__V1__QualifySummary)SALES__V1__QUALIFY_SUMMARY__INIT;
    call.timeout_ms = ctl->timeout_ms ? ctl->timeout_ms : -1;
    s = stream_start(ctl, &call, "/sales.v1.SalesAgent/BatchQualifyLeads", &request->base);
    if (!s)
        return CTL_FAILED;
    progress_init(&b.progress, &ctl->err, "qualifying", ctl_now_ns());
    while ((status = sales_stream_recv(s, &m)) == SALES_OK && m)
        take_reply(&b, m);
    progress_wipe(&b.progress);
    sales_stream_close(s);
    if (status != SALES_OK)
        code = explain(ctl, &call);
    else
        code = summary->failed ? CTL_PARTIAL : CTL_OK;
    sales_call_release(&call);
    return code;
}

static void print_summary(struct ctl *ctl, const Sales__V1__QualifySummary *s, int64_t took_ns)
{
    struct arena *a = &ctl->arena;

    fprintf(ctl->out.file, "%s leads in %s: %s qualified (%s premium), %s nurture, %s disqualified",
            text_count(a, s->total), when_span_text(a, took_ns / 1000), text_count(a, s->qualified),
            text_count(a, s->premium), text_count(a, s->nurture), text_count(a, s->disqualified));
    if (s->failed)
        fprintf(ctl->out.file, ", %s failed", text_count(a, s->failed));
    fputc('\n', ctl->out.file);
}

enum exit_code qualify_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    Sales__V1__BatchQualifyLeadsRequest in = SALES__V1__BATCH_QUALIFY_LEADS_REQUEST__INIT;
    const char *filter = args_text(args, "filter");
    Sales__V1__QualifySummary summary;
    int64_t began = ctl_now_ns();
    enum exit_code code;

    if (!filter == !args->n_words)
        return usage_error(ctl, command, "give the ID of a lead, or --filter");
    if (!filter)
        return qualify_one(ctl, command, args);
    if (args_has(args, "as-of"))
        return usage_error(ctl, command, "--as-of is for one lead");
    in.target_case = SALES__V1__BATCH_QUALIFY_LEADS_REQUEST__TARGET_FILTER;
    in.filter = arena_cstr(&ctl->arena, str_of(filter));
    in.brief = !ctl->json;
    if (!in.filter || !common(ctl, command, args, &in.base))
        return CTL_USAGE;
    code = qualify_batch(ctl, &in, &summary);
    if ((code == CTL_OK || code == CTL_PARTIAL) && !ctl->json)
        print_summary(ctl, &summary, ctl_now_ns() - began);
    return code;
}
