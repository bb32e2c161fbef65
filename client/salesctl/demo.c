/*
 * The main story: leads come in, are scored, one becomes a deal and is won, another is lost. One
 * row per step; the runner prints each with its time and stops at the first that fails. Steps use
 * the typed client as any program would.
 */
#include "ctl/demo.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/import.h"
#include "ctl/path.h"
#include "ctl/pipeline.h"
#include "ctl/qualify.h"
#include "ctl/story.h"
#include "ctl/views.h"
#include "sales/v1/sales_agent.client.h"

enum { ROWS_DEFAULT = 500, ERRORS_SHOWN = 3, TOP = 5 };

/* ---- leads ----------------------------------------------------------------------------------- */

static enum exit_code import_sample(struct story *s)
{
    struct import_options o = {.path = s->file,
                               .map = s->map,
                               .rows_max = s->rows,
                               .errors_max = ERRORS_SHOWN,
                               .duplicate_policy =
                                   SALES__V1__DUPLICATE_POLICY__DUPLICATE_POLICY_RETURN};
    int64_t began = ctl_now_ns();
    struct import_result result;
    enum exit_code code = import_file(s->ctl, &o, &result);

    if (!result.finished)
        return code == CTL_OK ? CTL_FAILED : code;
    if (!s->ctl->json)
        import_print(&s->ctl->arena, &s->ctl->out, &result, ctl_now_ns() - began);
    return result.summary.rows ? CTL_OK : CTL_FAILED;
}

static enum exit_code list(struct story *s, const char *filter, const char *order,
                           const char *search, size_t *n_out)
{
    Sales__V1__ListLeadsRequest in = SALES__V1__LIST_LEADS_REQUEST__INIT;
    Sales__V1__ListLeadsResponse *out;

    in.page_size = TOP;
    in.filter = story_text(s, filter);
    in.order_by = story_text(s, order);
    in.search = story_text(s, search);
    if (sales_agent_list_leads(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    if (!s->ctl->json)
        show_list(&s->ctl->arena, &s->ctl->out, &lead_list_view, &out->base);
    if (n_out)
        *n_out = out->n_leads;
    return CTL_OK;
}

static enum exit_code list_leads(struct story *s)
{
    size_t n = 0;
    enum exit_code code = list(s, "", "create_time desc", "", &n);

    return code == CTL_OK && n == 0 ? story_broken(s, "the list is empty") : code;
}

static enum exit_code create_lead(struct story *s)
{
    static const char *const fields[][2] = {
        {"lead.full_name", "Ada Byron"},
        {"lead.job_title", "Chief Operating Officer"},
        {"lead.seniority", "c_level"},
        {"lead.job_function", "operations"},
        {"lead.buying_role", "decision_maker"},
        {"lead.phone", "+44 20 7946 0018"},
        {"lead.company.employees", "420"},
        {"lead.company.industry", "Software"},
        {"lead.company.country_code", "GB"},
        {"lead.country_code", "GB"},
        {"lead.company.annual_revenue", "52000000 GBP"},
        {"lead.city", "London"},
        {"lead.source", "demo request"},
        {"lead.language", "en-GB"},
    };
    Sales__V1__CreateLeadRequest in = SALES__V1__CREATE_LEAD_REQUEST__INIT;
    Sales__V1__CreateLeadResponse *out;

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!story_set(s, &in.base, fields[i][0], fields[i][1]))
            return CTL_FAILED;
    if (!story_set(s, &in.base, "lead.company.name", s->company) ||
        !story_set(s, &in.base, "lead.company.domain", s->domain) ||
        !story_set(s, &in.base, "lead.email", s->email))
        return CTL_FAILED;
    /* An earlier run's Ada has the same telephone. */
    in.duplicate_policy = SALES__V1__DUPLICATE_POLICY__DUPLICATE_POLICY_KEEP_BOTH;
    if (sales_agent_create_lead(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    snprintf(s->lead_id, sizeof s->lead_id, "%s", out->lead->id);
    story_say(s, "%s, e-mail and phone normalised to %s, %s", out->lead->id, out->lead->email,
              out->lead->phone);
    return CTL_OK;
}

static enum exit_code create_again(struct story *s)
{
    Sales__V1__CreateLeadRequest in = SALES__V1__CREATE_LEAD_REQUEST__INIT;
    Sales__V1__CreateLeadResponse *out;
    char shouted[sizeof s->email];

    snprintf(shouted, sizeof shouted, "%s", s->email);
    for (char *c = shouted; *c; c++)
        *c = text_upper(*c);
    if (!story_set(s, &in.base, "lead.full_name", "A. Byron") ||
        !story_set(s, &in.base, "lead.email", shouted))
        return CTL_FAILED;
    if (sales_agent_create_lead(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    if (out->created || !out->duplicate || strcmp(out->duplicate->lead_id, s->lead_id) != 0)
        return story_broken(s, "the duplicate was not recognised");
    story_say(s, "not stored: %s is on record, the same %s", out->duplicate->lead_id,
              enum_word(&s->ctl->arena, &sales__v1__match_reason__descriptor,
                        (int)out->duplicate->reason));
    return CTL_OK;
}

static enum exit_code search_lead(struct story *s)
{
    size_t n = 0;
    enum exit_code code = list(s, "", "", s->company, &n);

    return code == CTL_OK && n != 1 ? story_broken(s, "search did not find the one lead") : code;
}

/* ---- scores ---------------------------------------------------------------------------------- */

static enum exit_code qualify(struct story *s, int *score)
{
    Sales__V1__QualifyLeadRequest in = SALES__V1__QUALIFY_LEAD_REQUEST__INIT;
    Sales__V1__QualifyLeadResponse *out;

    in.id = s->lead_id;
    if (sales_agent_qualify_lead(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    if (!out->score || !out->lead)
        return story_broken(s, "there is no score in the answer");
    *score = out->score->score;
    s->qualified = out->lead->status == SALES__V1__LEAD_STATUS__LEAD_STATUS_QUALIFIED;
    if (!s->ctl->json)
        qualify_print(&s->ctl->arena, &s->ctl->out, out);
    return CTL_OK;
}

static enum exit_code qualify_first(struct story *s)
{
    return qualify(s, &s->score);
}

static enum exit_code qualify_all(struct story *s)
{
    Sales__V1__BatchQualifyLeadsRequest in = SALES__V1__BATCH_QUALIFY_LEADS_REQUEST__INIT;
    Sales__V1__QualifySummary sum;
    enum exit_code code;

    in.target_case = SALES__V1__BATCH_QUALIFY_LEADS_REQUEST__TARGET_FILTER;
    in.filter = story_text(s, "status = \"new\"");
    in.brief = true;
    code = qualify_batch(s->ctl, &in, &sum);
    if (code == CTL_OK)
        story_say(s, "%llu leads: %llu qualified, %llu nurture, %llu disqualified",
                  (unsigned long long)sum.total, (unsigned long long)sum.qualified,
                  (unsigned long long)sum.nurture, (unsigned long long)sum.disqualified);
    return code;
}

static enum exit_code log_activity(struct story *s, const char *kind, const char *event,
                                   const char *subject, const char *when)
{
    Sales__V1__LogActivityRequest in = SALES__V1__LOG_ACTIVITY_REQUEST__INIT;
    Sales__V1__LogActivityResponse *out;

    if (!story_set(s, &in.base, "activity.kind", kind) ||
        !story_set(s, &in.base, "activity.event", event) ||
        !story_set(s, &in.base, "activity.subject", subject) ||
        !story_set(s, &in.base, "activity.occurred_at", when) ||
        !story_set(s, &in.base, "activity.direction", "inbound") ||
        !story_set(s, &in.base, "activity.lead_id", s->lead_id))
        return CTL_FAILED;
    if (sales_agent_log_activity(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    story_say(s, "%s: %s", event, subject);
    return CTL_OK;
}

static enum exit_code log_activities(struct story *s)
{
    static const char *const rows[][4] = {
        {"web", "pricing_view", "Pricing page, twice", "-3d"},
        {"web", "demo_requested", "Asked for a demonstration", "-2d"},
        {"email", "email_replied", "When can we start?", "-1d"},
        {"meeting", "meeting_held", "Demonstration, 40 minutes", "-2h"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        enum exit_code code = log_activity(s, rows[i][0], rows[i][1], rows[i][2], rows[i][3]);
        if (code != CTL_OK)
            return code;
    }
    return CTL_OK;
}

static enum exit_code qualify_again(struct story *s)
{
    int before = s->score;
    enum exit_code code = qualify(s, &s->score);

    if (code != CTL_OK)
        return code;
    story_say(s, "%d before the activities, %d now", before, s->score);
    return s->score > before ? CTL_OK : story_broken(s, "what happened since did not count");
}

static enum exit_code list_best(struct story *s)
{
    return list(s, "status = \"qualified\"", "score desc", "", NULL);
}

/* ---- an imported lead -------------------------------------------------------------------------
 */

/* The best lead of the import that is not qualified yet. */
static enum exit_code best_imported(struct story *s, Sales__V1__Lead **out)
{
    Sales__V1__ListLeadsRequest in = SALES__V1__LIST_LEADS_REQUEST__INIT;
    Sales__V1__ListLeadsResponse *found;

    in.page_size = 1;
    in.filter = story_text(s, "tags:\"bank marketing\" AND status = \"nurture\"");
    in.order_by = story_text(s, "score desc");
    if (sales_agent_list_leads(s->client, &s->call, &in, &found) != SALES_OK)
        return story_explain(s);
    if (!found->n_leads)
        return story_broken(s, "no imported lead is left to work on");
    *out = found->leads[0];
    return CTL_OK;
}

static enum exit_code qualify_and_convert(struct story *s, const Sales__V1__Lead *lead)
{
    Sales__V1__QualifyLeadRequest qualify = SALES__V1__QUALIFY_LEAD_REQUEST__INIT;
    Sales__V1__QualifyLeadResponse *scored;
    Sales__V1__ConvertLeadRequest convert = SALES__V1__CONVERT_LEAD_REQUEST__INIT;
    Sales__V1__ConvertLeadResponse *made;

    qualify.id = lead->id;
    if (sales_agent_qualify_lead(s->client, &s->call, &qualify, &scored) != SALES_OK)
        return story_explain(s);
    if (scored->lead->status != SALES__V1__LEAD_STATUS__LEAD_STATUS_QUALIFIED)
        return story_broken(s, "the imported lead did not qualify");
    if (!story_set(s, &convert.base, "id", lead->id) ||
        !story_set(s, &convert.base, "deal.name", "Term deposit") ||
        !story_set(s, &convert.base, "deal.amount", "25000 EUR"))
        return CTL_FAILED;
    if (sales_agent_convert_lead(s->client, &s->call, &convert, &made) != SALES_OK)
        return story_explain(s);
    story_say(s, "%s, %s: from %d to %d points, now deal %s in stage %s", lead->full_name,
              lead->job_title, lead->score ? lead->score->score : 0, scored->score->score,
              made->deal->id, made->deal->stage);
    return CTL_OK;
}

static enum exit_code convert_imported(struct story *s)
{
    char hers[sizeof s->lead_id];
    Sales__V1__Lead *lead = NULL;
    enum exit_code code = best_imported(s, &lead);

    if (code != CTL_OK)
        return code;
    assert(lead);
    memcpy(hers, s->lead_id, sizeof hers);
    snprintf(s->lead_id, sizeof s->lead_id, "%s", lead->id);
    code = log_activities(s);
    memcpy(s->lead_id, hers, sizeof hers);
    return code == CTL_OK ? qualify_and_convert(s, lead) : code;
}

/* ---- the program ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct step steps[] = {
    {"import leads of the bank_marketing sample (CSV, mapped, streamed)", import_sample},
    {"list the latest leads",                                           list_leads},
    {"create a lead by hand",                                           create_lead},
    {"create her again, spelled differently: a duplicate",              create_again},
    {"search by a word of the company's name",                          search_lead},
    {"qualify her, with reasons that add up",                           qualify_first},
    {"qualify every new lead in one stream",                            qualify_all},
    {"log what she did",                                                log_activities},
    {"qualify her again",                                               qualify_again},
    {"the best leads now",                                              list_best},
    {"work on the best imported lead until it is a deal",               convert_imported},
    {"watch leads: an update arrives as it is committed",               story_watch},
    {"convert her into a deal",                                         story_convert},
    {"move the deal on too early: refused, and why",                    story_refused},
    {"give the deal what the guard asks for",                           story_complete},
    {"move it through proposal, negotiation, commitment",               story_progress},
    {"win it, with a reason",                                           story_win},
    {"lose another deal, with a reason",                                story_lose},
    {"open three more deals",                                           story_open},
    {"the pipeline",                                                    story_pipeline},
};
/* clang-format on */

static const char *next_calls[] = {
    "lead list --order 'score desc' --limit 10",
    "lead qualify %s",
    "deal list",
    "pipeline --json",
    "--help",
};

static void print_hint(const struct story *s)
{
    FILE *f = s->ctl->out.file;

    if (s->ctl->json)
        return;
    fprintf(f, "\nTry next:\n");
    for (size_t i = 0; i < sizeof next_calls / sizeof *next_calls; i++) {
        str before = str_of(next_calls[i]), call = str_cut(&before, '%');

        fprintf(f, "  salesctl " STR_FMT "%s\n", STR_ARG(call), before.n ? s->lead_id : "");
    }
}

/* The sample lies in client/samples of the source tree; SALES_SAMPLES says where that is elsewhere.
 */
static const char *sample(struct ctl *ctl, const char *name)
{
    const char *folder = getenv("SALES_SAMPLES");
    const char *path;

    path = arena_printf(&ctl->arena, "%s/%s", folder && *folder ? folder : SALES_SAMPLES_DEFAULT,
                        name);
    return path ? path : name;
}

enum exit_code demo_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    const char *file = args_text(args, "file"), *map = args_text(args, "map");
    const char *rows = args_text(args, "rows");
    struct story s = {.ctl = ctl, .client = ctl_client(ctl), .call = ctl_call(ctl)};
    long long n = ROWS_DEFAULT;
    enum exit_code code;

    if (!s.client)
        return CTL_USAGE;
    if (rows && (!str_to_int64(str_of(rows), &n) || n < 1))
        return usage_error(ctl, command, "--rows is a whole number from 1");
    if (file && !map)
        return usage_error(ctl, command, "--file needs --map");
    s.rows = (uint64_t)n;
    s.file = file ? file : sample(ctl, "bank_marketing.csv");
    s.map = map ? map : sample(ctl, "bank_marketing.csvmap");
    story_name(&s);
    code = story_run(&s, steps, sizeof steps / sizeof *steps);
    if (code == CTL_OK)
        print_hint(&s);
    sales_call_release(&s.call);
    return code;
}
