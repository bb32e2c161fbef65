/* One guarded question for each of the first few pieces of advice. */
#include "agent/instant.h"
#include "workflow/recommend.h"

enum { RATIONALE_BYTES = 2000, DRAFT_BYTES = 20000, INPUTS_MAX = 8, NAMES_MAX = 4 };

static const char *channel_word(Channel channel)
{
    static const char *const words[] = {"none", "e-mail", "telephone", "meeting",
                                        "text", "social", "live chat"};

    return (size_t)channel < sizeof words / sizeof *words ? words[channel] : "none";
}

static void give(struct ai_input *in, size_t *n, const char *name, const char *text)
{
    if (text && *text)
        in[(*n)++] = (struct ai_input){.name = name, .kind = AI_TEXT, .text = str_of(text)};
}

static const char *tone_word(Tone tone)
{
    static const char *const words[] = {"", "formal", "friendly", "short and direct",
                                        "explaining, for experts"};

    return (size_t)tone < sizeof words / sizeof *words ? words[tone] : "";
}

/* Ours are the sentences of the table; what a record says is in the untrusted ones only. */
static size_t inputs_of(const struct recommendation_scene *s, const struct action_advice *advice,
                        const struct action_words *words, struct ai_input in[INPUTS_MAX])
{
    const Company *company = s->deal && s->deal->company ? s->deal->company
                             : s->lead                   ? s->lead->company
                                                         : NULL;
    size_t n = 0;

    give(in, &n, "action_title", words->title);
    give(in, &n, "action_reason", words->reason);
    give(in, &n, "channel", channel_word(advice->recommendation->channel));
    give(in, &n, "tone", tone_word(action_tone(advice->id)));
    give(in, &n, "company", company ? company->name : "");
    give(in, &n, "person_name", s->lead ? s->lead->full_name : "");
    give(in, &n, "topic", s->deal ? s->deal->name : "");
    return n;
}

static size_t names_of(const Lead *lead, str names[NAMES_MAX])
{
    const char *all[] = {lead ? lead->full_name : "", lead ? lead->given_name : "",
                         lead ? lead->family_name : ""};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (*all[i])
            names[n++] = str_of(all[i]);
    return n;
}

/* A text of the answer, cut to its bound; NULL: no memory. */
static char *text_of(struct arena *a, const struct guard_answer *answer, const char *field,
                     size_t most)
{
    const struct schema_value *v = schema_field(&answer->fields, field);

    return v ? arena_cstr(a, prompt_clean(a, v->text, most)) : (char *)protobuf_c_empty_string;
}

static bool is_written(Channel channel)
{
    return channel == CHANNEL_EMAIL || channel == CHANNEL_SMS || channel == CHANNEL_CHAT ||
           channel == CHANNEL_SOCIAL;
}

/* The local provider only words what the table says, so its reason is not taken; its draft is. */
static enum status keep(struct call *c, const struct guard_answer *answer,
                        const struct recommend_question *q, const struct action_advice *advice,
                        RecommendationWords *out)
{
    bool by_model = answer->end == GUARD_ANSWERED || answer->end == GUARD_CACHED ||
                    answer->end == GUARD_REPAIRED;

    *out = (RecommendationWords)RECOMMENDATION_WORDS_INIT;
    out->action = (char *)action_name(advice->id);
    out->quality = answer->quality;
    if (by_model)
        out->rationale = text_of(&c->arena, answer, "rationale", RATIONALE_BYTES);
    if (!out->rationale)
        return call_nomem(c);
    if (!is_written(advice->recommendation->channel))
        return STATUS_OK;
    if ((out->draft = NEW(&c->arena, TextDraft, 1)) == NULL)
        return call_nomem(c);
    *out->draft = (TextDraft)TEXT_DRAFT_INIT;
    out->draft->tone = action_tone(advice->id);
    out->draft->body = text_of(&c->arena, answer, "draft", DRAFT_BYTES);
    out->draft->language =
        *q->policy->default_language ? q->policy->default_language : (char *)"en";
    if (!out->draft->body)
        return call_nomem(c);
    if (!*out->draft->body)
        out->draft = NULL;
    return STATUS_OK;
}

static void keep_calls(const struct guard_answer *answer, struct recommend_words *out)
{
    for (size_t i = 0; i < answer->n_calls && out->n_calls < RECOMMEND_CALLS_MAX; i++)
        out->calls[out->n_calls++] = answer->calls[i];
    out->prompt_id = answer->prompt_id;
    out->prompt_sha256 = answer->prompt_sha256;
    out->prompt_version = answer->prompt_version;
}

static enum status ask_one(struct call *c, struct guard *guard, const struct recommend_question *q,
                           const struct action_advice *advice, struct recommend_words *out)
{
    struct recommend_word *word = &out->items[out->n];
    struct ai_input inputs[INPUTS_MAX];
    struct action_words words;
    str names[NAMES_MAX];
    struct guard_ask ask = {.task = AI_TASK_NEXT_ACTION,
                            .purpose = GUARD_DRAFTING,
                            .mode = q->mode,
                            .policy = q->policy,
                            .inputs = inputs,
                            .names = names,
                            .timeout_ms = RECOMMEND_WORDS_MS};
    struct guard_answer answer;

    if (!action_words(&c->arena, advice->id, &q->scene->facts, &words))
        return call_nomem(c);
    ask.n_inputs = inputs_of(q->scene, advice, &words, inputs);
    ask.n_names = names_of(q->scene->lead, names);
    TRY(guarded_call(guard, c, &ask, &answer));
    keep_calls(&answer, out);
    word->action = advice->id;
    memcpy(word->digest, advice->digest, sizeof word->digest);
    if ((word->words = NEW(&c->arena, RecommendationWords, 1)) == NULL)
        return call_nomem(c);
    TRY(keep(c, &answer, q, advice, word->words));
    out->n++;
    return STATUS_OK;
}

enum status recommend_word(struct call *c, struct guard *guard, const struct recommend_question *q,
                           struct recommend_words *out)
{
    *out = (struct recommend_words){0};
    for (size_t i = 0; i < q->n && out->n < RECOMMEND_WORDED_MAX; i++)
        if (q->advice[i].recommendation->channel)
            TRY(ask_one(c, guard, q, &q->advice[i], out));
    return STATUS_OK;
}

enum status recommend_say(struct call *c, const RecommendationWords *words, Recommendation *r)
{
    TextDraft *draft;

    if (*words->rationale)
        r->rationale = words->rationale;
    if (words->quality == ANSWER_QUALITY_DEGRADED)
        r->quality = ANSWER_QUALITY_DEGRADED;
    if (!words->draft)
        return STATUS_OK;
    if ((draft = NEW(&c->arena, TextDraft, 1)) == NULL)
        return call_nomem(c);
    *draft = *words->draft;
    draft->facts = r->evidence;
    draft->n_facts = r->n_evidence;
    r->draft = draft;
    return STATUS_OK;
}
