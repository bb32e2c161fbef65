#include "ai/desk.h"

#include <stdlib.h>

atomic_int desk_n_bad;

struct anthropic_options desk_options(const char *url)
{
    static const char *const models[] = {"claude-sonnet-5-5"};

    return (struct anthropic_options){.url = url,
                                      .version = "2026-10-21",
                                      .key = {"sk-ant-test-key-1", NULL},
                                      .user_agent = "salesd/test",
                                      .models = models,
                                      .n_models = 1,
                                      .in_flight_max = 20,
                                      .queue_max = 2000};
}

struct ai_provider *desk_open(const struct anthropic_options *o)
{
    struct ai_provider *p;
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    if (anthropic_open(&c, o, &p) != STATUS_OK) {
        fprintf(stderr, "no provider: %s\n", c.fault.why);
        exit(1);
    }
    call_release(&c);
    return p;
}

struct ai_request desk_request(const struct ai_message *message)
{
    return (struct ai_request){
        .task = AI_TASK_LEAD_INSIGHT,
        .model = "claude-sonnet-5-5",
        .messages = message,
        .n_messages = 1,
        .schema =
            STR("{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"insight\"],"
                "\"properties\":{\"insight\":{\"type\":\"string\"}}}"),
        .max_tokens = 500,
        .timeout_ms = 10000};
}

static void take_piece(void *self, str text)
{
    struct desk_told *t = self;

    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < text.n && t->n_text < DESK_TEXT; i++)
        t->text[t->n_text++] = text.p[i];
    t->n_pieces++;
    pthread_mutex_unlock(&t->lock);
}

static void take_done(void *self, const struct ai_response *r)
{
    struct desk_told *t = self;

    pthread_mutex_lock(&t->lock);
    t->n_done++;
    t->error = r->error;
    t->n_attempts = r->n_attempts;
    t->is_text_whole = str_eq(r->text, (str){t->text, t->n_text});
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&t->lock);
}

void desk_start(struct ai_provider *p, struct desk_told *t, const char *question, uint64_t *ticket)
{
    const struct ai_message message = {AI_USER, str_of(question)};
    const struct ai_request q = desk_request(&message);
    const struct ai_watch watch = {t, take_piece, take_done};
    struct call c;

    *t = (struct desk_told){.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
    call_init(&c, NULL, DESK_ARENA);
    EXPECT(ai_start(p, &c, &q, &watch, ticket) == STATUS_OK, "%s", c.fault.why);
    call_release(&c);
}

void desk_wait(struct desk_told *t)
{
    pthread_mutex_lock(&t->lock);
    while (!t->n_done)
        pthread_cond_wait(&t->ended, &t->lock);
    pthread_mutex_unlock(&t->lock);
}
