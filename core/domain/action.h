/*
 * action: which next steps make sense for a lead or a deal, best first. Advice from a table
 * (action.def), the facts on record, and what people made of earlier advice. Pure.
 *
 *     action_past_init(&past, now_us);           // then action_past_add for each activity
 *     action_facts_read(a, &scene, &facts)       // records -> facts: all that is looked at
 *     action_choose(a, &ask, &out)               // facts -> advice: all that a replay needs
 *
 * An action is advised when every condition of its row holds, a channel is open to the person (or
 * none is needed), the person is not to be left alone, and what is expected of it is better than
 * nothing. Rank = expected effect * confidence; at most one of each RecommendedAction. No row
 * closes or moves anything: these are sentences for people.
 *
 * Equal facts give equal advice and an equal digest. The digest is over the facts that would have
 * to change for dismissed advice to be worth repeating (KEY rows), never over the passing of time.
 */
#ifndef DOMAIN_ACTION_H
#define DOMAIN_ACTION_H

#include "base/call.h"
#include "domain/activity_rollup.h"
#include "domain/pipeline.h"
#include "domain/refusal.h"
#include "sales/v1/lead.h"
#include "sales/v1/policy.h"
#include "sales/v1/recommendation.h"

enum action_fact_id {
#define FACT(name, kind, record, field) ACTION_FACT_##name,
#define FEATURE(name)                   ACTION_FACT_##name,
#include "domain/action.def"
#undef FACT
#undef FEATURE
    ACTION_FACTS,
};

enum action_id {
#define ACTION(id, action, about, metric, base, lift, sd, confidence, channels, when, days, tone,  \
               tool, title, rationale)                                                             \
    ACTION_##id,
#include "domain/action.def"
#undef ACTION
    ACTIONS,
};

enum {
    ACTION_DIGEST_BYTES = 32,
    ACTION_LIMIT_DEFAULT = 3,
    ACTION_LIMIT_MAX = 20,
    ACTION_EVIDENCE_MAX = 8,
    ACTION_QUESTION_BYTES = 20000, /* of a text that is searched for a question */
};

#define ACTION_ALL_CHANNELS 0x7eU /* 1 << enum Channel */

/* How what happened after an answer is measured, in ACTION_WINDOW_DAYS. Each is a share of cases.
 */
enum action_metric {
    ACTION_reply_rate,     /* they turned to us */
    ACTION_meeting_rate,   /* a meeting was agreed or held */
    ACTION_progress_rate,  /* the lead was converted, or the deal went forward */
    ACTION_qualified_rate, /* the lead is qualified or converted */
    ACTION_resolved_rate,  /* the advice does not apply any more */
};
enum { ACTION_WINDOW_DAYS = 14 };

struct action_fact {
    bool known;
    double number; /* an AGE in whole days; a STAMP in microseconds; a TEXT: 1 */
    str text;
    const char *record_id; /* what shows it, for evidence; NULL: nothing does */
};

struct action_facts {
    struct action_fact f[ACTION_FACTS];
};

/* What happened with the lead or deal, as of an instant. Activities are borrowed. */
struct action_past {
    struct activity_rollup rollup;
    const Activity *heard;        /* the last time they turned to us: a page view is none */
    const Activity *written;      /* the last time we turned to them */
    int64_t heard_us, written_us; /* ROLLUP_NEVER */
    int64_t met_us;               /* the last time a meeting was agreed or held; ROLLUP_NEVER */
    uint32_t n_heard, n_written;
    bool is_booked_ahead;
};

void action_past_init(struct action_past *p, int64_t as_of_us);
void action_past_add(struct action_past *p, const Activity *a);

struct action_scene {
    const Lead *lead;         /* that it is about, or the deal's own; NULL: none */
    const Deal *deal;         /* NULL: it is about the lead */
    const Pipeline *pipeline; /* of the deal; NULL: it is gone */
    const TenantPolicy *policy;
    const struct action_past *past;
    int64_t now_us;
};

/* EXHAUSTED: arena full. Texts are in the arena or borrowed. */
MUST_CHECK enum status action_facts_read(struct arena *a, const struct action_scene *s,
                                         struct action_facts *out);

/* Channels that no GATE closes: 1 << enum Channel. Part of the facts (open_channels). */
uint32_t action_open_channels(const struct action_scene *s);

/* Answers of people, and what followed, of one action in one segment of one tenant. */
struct action_tally {
    uint64_t n_right, n_wrong;        /* accepted or done; dismissed */
    uint64_t n_followed, n_good;      /* accepted or done and measured; of these with effect */
    uint64_t n_passed, n_good_anyway; /* dismissed and measured; of these with the same */
};

struct action_estimate {
    double change, low, high; /* of the metric; 80 % interval */
    double confidence;
    uint64_t n; /* answers that it rests on */
};

#define ACTION_INTERVAL_LEVEL 0.8

/* Prior of the row and tally, by Beta-Binomial shrinkage: docs/recommendations.md. */
void action_estimate(enum action_id id, const struct action_tally *t, struct action_estimate *out);

/* The person's clock: minutes east of UTC, and the change ahead of it, if there is one. */
struct action_zone {
    int32_t offset_minutes, later_minutes;
    int64_t change_us; /* INT64_MAX: none in sight */
};

struct action_ask {
    const struct action_facts *facts;
    bool about_deal;
    const char *lead_id, *deal_id;      /* "": none; both may be set for a deal */
    const struct action_tally *tallies; /* [ACTIONS] */
    const TenantPolicy *policy;         /* quiet hours, language; nothing else */
    const char *country;                /* of the person, for quiet hours; "" */
    struct action_zone zone;
    uint32_t channels; /* that the caller wants: 1 << enum Channel; 0: all */
    size_t limit;      /* 1 to ACTION_LIMIT_MAX; 0: ACTION_LIMIT_DEFAULT */
    const unsigned char (*dismissed)[ACTION_DIGEST_BYTES]; /* [n_dismissed] */
    size_t n_dismissed;
    int64_t now_us;
};

struct action_advice {
    enum action_id id;
    unsigned char digest[ACTION_DIGEST_BYTES];
    Recommendation *recommendation; /* without id, state, decision and draft */
};

struct action_set {
    struct action_advice items[ACTION_LIMIT_MAX]; /* [n], best first */
    size_t n;
    uint32_t n_suppressed; /* would be advised, but was dismissed with the same facts */
};

/* EXHAUSTED: arena full. */
MUST_CHECK enum status action_choose(struct arena *a, const struct action_ask *ask,
                                     struct action_set *out);

/* The sentences without any text of others, for a prompt: one line each, title at most 120 bytes
 * and reason at most 300. False: the arena is full. */
struct action_words {
    const char *title, *reason;
};
MUST_CHECK bool action_words(struct arena *a, enum action_id id, const struct action_facts *f,
                             struct action_words *out);

/* Whether the action's conditions hold, and the digest of its keys. */
bool action_applies(enum action_id id, const struct action_facts *f, bool about_deal);
void action_digest(enum action_id id, const struct action_facts *f, const char *subject_id,
                   unsigned char out[ACTION_DIGEST_BYTES]);

const char *action_name(enum action_id id);
/* False: no row has this name. */
MUST_CHECK bool action_of_name(str name, enum action_id *out);
enum action_metric action_metric_of(enum action_id id);
Tone action_tone(enum action_id id); /* of a draft; UNSPECIFIED: there is nothing to write */
const char *action_fact_name(enum action_fact_id id);
MUST_CHECK bool action_fact_of_name(str name, enum action_fact_id *out);

/* Size band of the company, for tallies: "small" ... "unknown". Static. */
const char *action_segment(const Lead *lead, const Deal *deal);

/* SHA-256 over the table, hex. */
enum { ACTION_SHA256_BYTES = 64 };
void action_table_sha256(char out[ACTION_SHA256_BYTES + 1]);

/* When to do it: [start, end) microseconds; no channel: from now on. Used by action.c only. */
enum action_when { ACTION_NOW, ACTION_TODAY, ACTION_WEEK, ACTION_LATER, ACTION_ANY };
struct action_span {
    int64_t start_us, end_us;
};
struct action_span action_time(const struct action_ask *ask, enum action_when when, int days,
                               Channel channel);

#endif
