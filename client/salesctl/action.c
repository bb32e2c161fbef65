/* One block per piece of advice: what, why, how sure, when, and the id to answer with. */
#include "ctl/action.h"

#include "base/banned.h"
#include "ctl/ctl.h"
#include "sales/v1/sales_agent.h"

static const struct view_column rows[] = {
    {"why", "rationale", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"action", "action", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"by", "channel", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"from", "timing.start_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"until", "timing.end_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"confidence", "confidence", SHOW_PERCENT, ALIGN_LEFT, 0},
    {"adds", "expected_effect.change", SHOW_PERCENT, ALIGN_LEFT, 0},
    {"to", "expected_effect.metric", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"answers", "expected_effect.sample_size", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"tool", "tool", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"draft", "draft.body", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state", "state", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"note", "response_note", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"decision", "decision_id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"id", "id", SHOW_PLAIN, ALIGN_LEFT, 0},
};

#define N(list) (sizeof(list) / sizeof *(list))

const struct view action_view = {"recommendation", rows, N(rows), "no recommendation"};

static const struct view one_view = {"", rows, N(rows), "no recommendation"};

static void show(struct ctl *ctl, size_t number, const Recommendation *r)
{
    fprintf(ctl->out.file, "%s", term_ink(&ctl->out, INK_BOLD));
    if (number)
        fprintf(ctl->out.file, "%zu. ", number);
    fprintf(ctl->out.file, "%s%s\n", text_clean(&ctl->arena, str_of(r->title), TERM_COLUMNS_PIPE),
            term_ink(&ctl->out, INK_PLAIN));
    show_item(&ctl->arena, &ctl->out, &one_view, &r->base);
}

static void show_all(struct ctl *ctl, const RecommendActionsResponse *answer)
{
    for (size_t i = 0; i < answer->n_recommendations; i++)
        show(ctl, i + 1, answer->recommendations[i]);
    if (!answer->n_recommendations)
        fprintf(ctl->out.file, "nothing to advise\n");
    if (answer->suppressed)
        fprintf(ctl->out.file, "%u left out: dismissed before, and nothing has changed since\n",
                answer->suppressed);
}

enum exit_code action_recommend_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    RecommendActionsRequest *in = (RecommendActionsRequest *)ctl_request(ctl, command, args);
    struct sales_call call = ctl_call(ctl);
    ProtobufCMessage *reply;
    enum exit_code code = CTL_USAGE;

    if (in) {
        if (args_has(args, "no-ai"))
            in->insight_mode = INSIGHT_MODE_OFF;
        code = ctl_unary(ctl, &call, command->method, &in->base, &reply);
    }
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        show_all(ctl, (const RecommendActionsResponse *)reply);
    sales_call_release(&call);
    return code;
}

static RecommendationState state_of(const char *word)
{
    static const struct {
        const char *word;
        RecommendationState state;
    } words[] = {{"accept", RECOMMENDATION_STATE_ACCEPTED},
                 {"dismiss", RECOMMENDATION_STATE_DISMISSED},
                 {"done", RECOMMENDATION_STATE_DONE}};

    for (size_t i = 0; i < N(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].state;
    return RECOMMENDATION_STATE_UNSPECIFIED;
}

enum exit_code action_respond_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args)
{
    RespondToRecommendationRequest *in =
        (RespondToRecommendationRequest *)ctl_request(ctl, command, args);
    struct sales_call call;
    ProtobufCMessage *reply;
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    if ((in->state = state_of(args->words[1])) == RECOMMENDATION_STATE_UNSPECIFIED)
        return usage_error(ctl, command, "'%s' is not accept, dismiss or done", args->words[1]);
    call = ctl_call(ctl);
    code = ctl_unary(ctl, &call, command->method, &in->base, &reply);
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        show(ctl, 0, ((const RespondToRecommendationResponse *)reply)->recommendation);
    sales_call_release(&call);
    return code;
}
