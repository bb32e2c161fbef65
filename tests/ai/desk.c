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
