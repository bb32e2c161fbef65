/*
 * provider: one question to a language model and its answer, whoever the model is.
 *
 *   struct ai_request q = {.task = AI_TASK_LEAD_INSIGHT, .model = model, .system = blocks, ...};
 *   struct ai_response r;
 *
 *   TRY(ai_send(provider, c, &q, &r));
 *   if (r.stop == AI_STOP_END) use(r.text);      // JSON by q.schema; its ranges are yours to check
 *
 * A provider does no more than ask: what may be asked, redaction, budget, cache, validation and the
 * ledger are around it. The answer is what the model said: an OK status means that it said it
 * completely, not that it is true, in range, or what the schema asks for (AI_STOP_REFUSAL and
 * AI_STOP_LENGTH have no whole JSON).
 *
 * Nothing asked or answered is ever logged. Thread-safe.
 */
#ifndef AI_PROVIDER_H
#define AI_PROVIDER_H

#include "base/call.h"

enum {
    AI_SENT_BYTES = 1 << 20,   /* of one request; more: INVALID. A prompt is some 20 kB */
    AI_RAW_BYTES = 200000,     /* of request and answer each that are kept for the ledger */
    AI_TEXT_BYTES = 256 << 10, /* of the answer's text: 64,000 tokens */
    AI_MODEL_BYTES = 128,      /* of a model's id */
    AI_ID_BYTES = 128,         /* of the ids that the service gives */
    AI_TOKENS_MAX = 128000,    /* of one answer, as the models say */
    AI_BLOCKS_MAX = 16,        /* system blocks, messages, inputs: a prompt has a few */
    AI_MESSAGES_MAX = 64,
    AI_INPUTS_MAX = 64,
    AI_USER_BYTES = 64,    /* a SHA-256 in hex */
    AI_TIMEOUT_MS = 30000, /* of a request that says none, in a call without deadline */
};

enum ai_task {
#define X(id, name, fields) AI_TASK_##id,
#include "ai/task.def"
#undef X
    AI_TASKS
};

/* "lead.insight"; what metrics and configuration call it. */
const char *ai_task_name(enum ai_task t);
/* Field list of the answer, see task.def. */
const char *ai_task_fields(enum ai_task t);
MUST_CHECK bool ai_task_parse(str name, enum ai_task *out);

enum ai_role { AI_USER, AI_ASSISTANT };

struct ai_message {
    enum ai_role role;
    str text;
};

/* A typed value of the prompt by name: what the text was built from, for a provider that needs no
 * prose. A text that is empty and a number that is NaN count as missing. */
enum ai_kind { AI_TEXT, AI_NUMBER };

struct ai_input {
    const char *name; /* "lead.first_name": the slot's name in the prompt */
    enum ai_kind kind;
    str text;
    double number;
};

enum ai_effort { AI_EFFORT_DEFAULT, AI_EFFORT_LOW, AI_EFFORT_MEDIUM, AI_EFFORT_HIGH };

/* How the answer comes: as it is made, which finds a dead peer sooner and feeds `piece`, or whole.
 */
enum ai_delivery { AI_STREAMED, AI_WHOLE };

/* All of it is borrowed until ai_start or ai_send returns. */
struct ai_request {
    enum ai_task task;
    const char *model;                 /* id, as configured; the local provider ignores it */
    const str *system;                 /* [n_system <= AI_BLOCKS_MAX] */
    size_t n_system, n_stable;         /* the first n_stable are the same in every call of the task:
                                          the service may keep them for less money */
    const struct ai_message *messages; /* [1 <= n_messages <= AI_MESSAGES_MAX], the last AI_USER */
    size_t n_messages;
    const struct ai_input *inputs; /* [n_inputs <= AI_INPUTS_MAX], no name twice */
    size_t n_inputs;
    str schema;         /* JSON Schema of the answer, in the service's dialect; {0}: free text */
    int32_t max_tokens; /* 1 to AI_TOKENS_MAX */
    enum ai_effort effort;
    enum ai_delivery delivery;
    int64_t timeout_ms; /* all attempts and waiting together; 0: AI_TIMEOUT_MS. The call's
                           deadline counts too */
    const char *user;   /* hash of tenant and user, opaque; NULL: none */
};

/* Why the model stopped. OTHER: a reason of tomorrow. */
enum ai_stop { AI_STOP_END, AI_STOP_LENGTH, AI_STOP_REFUSAL, AI_STOP_SEQUENCE, AI_STOP_OTHER };

const char *ai_stop_name(enum ai_stop s);

/* Of error.def; AI_OK is 0. */
enum ai_error {
    AI_OK,
#define X(id, http, wire, retry, alert, breaker, status, reason, why) AI_ERROR_##id,
#include "ai/error.def"
#undef X
    AI_ERRORS
};

struct ai_error_row {
    int http;
    const char *wire;
    bool is_retried, is_alert;
    int breaker;
    enum status status;
    const char *name, *reason, *why; /* name: "OVERLOADED" */
};

/* AI_OK has no row. */
const struct ai_error_row *ai_error_row(enum ai_error e);

/* Tokens. `input` holds the cached ones too: what was neither read from nor written to the
 * service's cache is input - cache_read - cache_write. */
struct ai_usage {
    int64_t input, cache_read, cache_write, output;
};

/* Texts are in the arena of the call, for `done` until it returns. */
struct ai_response {
    enum ai_error error; /* AI_OK: there is an answer */
    enum ai_stop stop;
    str text; /* of all text blocks, thinking left out */
    struct ai_usage usage;
    str model;                  /* that answered, as the service names it */
    str message_id, request_id; /* the service's, of the last attempt; {0}: it gave none */
    str sent, received;         /* bodies of the last attempt, as on the wire, [<= AI_RAW_BYTES];
                                   without header fields and so without the key */
    bool is_sent_cut, is_received_cut; /* there was more than AI_RAW_BYTES */
    bool is_local;             /* made by rules, not by a model: whoever falls back on it marks
                                  the result degraded */
    int http_status;           /* of the last attempt; 0: none */
    int n_attempts;            /* each may have been billed */
    int64_t took_ns, first_ns; /* from ai_start; first_ns: to the first byte of the answer */
};

/* Who is told of a call that was started. Both run on a thread of the provider: they must neither
 * wait nor call the provider back, but for ai_cancel. */
struct ai_watch {
    void *self;
    void (*piece)(void *self, str text); /* each piece of a streamed answer; NULL: not wanted. After
                                            the first one the call is not repeated any more */
    void (*done)(void *self, const struct ai_response *r); /* once, last */
};

struct ai_provider_ops;
struct ai_batch_ops;

struct ai_provider {
    const struct ai_provider_ops *ops;
    const struct ai_batch_ops *batch; /* NULL: it has no batches; see ai/batch.h */
};

struct ai_provider_ops {
    const char *name; /* gen_ai.provider.name: "anthropic", "local" */
    enum status (*start)(struct ai_provider *p, struct call *c, const struct ai_request *q,
                         const struct ai_watch *watch, uint64_t *ticket);
    void (*cancel)(struct ai_provider *p, uint64_t ticket);
    void (*close)(struct ai_provider *p);
};

/*
 * Asks, and waits for the answer, the end of the time, or the caller.
 *
 *   out   in the call's arena. Also after a failure: error, attempts, request_id, sent, received
 *
 * INVALID: the request breaks a bound above, which is a fault of ours. Else as error.def says: the
 * status, ErrorInfo.reason and out->error. EXHAUSTED: the call's arena.
 */
MUST_CHECK enum status ai_send(struct ai_provider *p, struct call *c, const struct ai_request *q,
                               struct ai_response *out);

/*
 * Begins to ask and returns. `done` is called exactly once when this returns OK, maybe before it
 * returns; never otherwise. The call's deadline counts, its cancelling does not: see ai_cancel.
 *
 *   ticket   for ai_cancel; may be NULL
 *
 * INVALID as above. EXHAUSTED AI_MEMORY. UNAVAILABLE AI_BUSY, AI_CLOSED.
 */
MUST_CHECK enum status ai_start(struct ai_provider *p, struct call *c, const struct ai_request *q,
                                const struct ai_watch *watch, uint64_t *ticket);

/* INVALID: the request breaks a bound; ai_start asks by itself. */
MUST_CHECK enum status ai_check(struct call *c, const struct ai_request *q);

/* Ends a call soon, with AI_ERROR_CANCELLED if it is not over. A ticket of a call that is over, and
 * 0, are allowed. */
void ai_cancel(struct ai_provider *p, uint64_t ticket);

/* Ends all calls with AI_ERROR_CLOSED and waits for their `done`. NULL is allowed. */
void ai_close(struct ai_provider *p);

/* Records an error of the table as the fault of the call. */
enum status ai_fail(struct call *c, enum ai_error e);

#endif
