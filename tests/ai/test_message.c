/* Answers of the Messages API: whole, as streams, and as errors. */
#include <criterion/criterion.h>

#include "ai/anthropic_body.h"
#include "ai/anthropic_message.h"
#include "ai/sse.h"
#include "support/table.h"

enum { ARENA = 16 << 20 };

#define HEAD "\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m-1\","
#define USAGE                                                                                      \
    "\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":7,"                                \
    "\"cache_creation_input_tokens\":3,\"output_tokens\":5}"
#define TEXT(t)  "{\"type\":\"text\",\"text\":\"" t "\",\"citations\":null}"
#define THINKING "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"c2ln\"}"

struct whole {
    const char *name, *json;
    enum ai_error error;
    enum ai_stop stop;
    const char *text;
};

static const struct whole WHOLES[] = {
    {"text", "{" HEAD "\"content\":[" TEXT("{}") "],\"stop_reason\":\"end_turn\"," USAGE "}", AI_OK,
     AI_STOP_END, "{}"},
    {"thinking first",
     "{" HEAD "\"content\":[" THINKING "," TEXT("a") "],\"stop_reason\":\"end_turn\"," USAGE "}",
     AI_OK, AI_STOP_END, "a"},
    {"two texts",
     "{" HEAD "\"content\":[" TEXT("a") "," THINKING
                                        "," TEXT("b") "],\"stop_reason\":\"end_turn\"," USAGE "}",
     AI_OK, AI_STOP_END, "ab"},
    {"blocks of tomorrow",
     "{" HEAD "\"content\":[{\"type\":\"hologram\",\"text\":7}," TEXT(
         "a") "],\"stop_reason\":\"end_turn\"," USAGE "}",
     AI_OK, AI_STOP_END, "a"},
    {"refusal", "{" HEAD "\"content\":[],\"stop_reason\":\"refusal\"," USAGE "}", AI_OK,
     AI_STOP_REFUSAL, ""},
    {"cut", "{" HEAD "\"content\":[" TEXT("{") "],\"stop_reason\":\"max_tokens\"," USAGE "}", AI_OK,
     AI_STOP_LENGTH, "{"},
    {"reason of tomorrow", "{" HEAD "\"content\":[],\"stop_reason\":\"bored\"," USAGE "}", AI_OK,
     AI_STOP_OTHER, ""},
    {"usage null", "{" HEAD "\"content\":[],\"stop_reason\":\"end_turn\",\"usage\":null}", AI_OK,
     AI_STOP_END, ""},
    {"empty", "", AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"no JSON", "<html>", AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"half", "{" HEAD "\"content\":[", AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"an array", "[]", AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"another type", "{\"type\":\"completion\"}", AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"content no array", "{" HEAD "\"content\":\"x\",\"stop_reason\":\"end_turn\"}",
     AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"text no text",
     "{" HEAD "\"content\":[{\"type\":\"text\",\"text\":1}],\"stop_reason\":\"end_turn\"}",
     AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"no reason to stop", "{" HEAD "\"content\":[],\"stop_reason\":null," USAGE "}",
     AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"a field twice", "{" HEAD HEAD "\"content\":[],\"stop_reason\":\"end_turn\"," USAGE "}",
     AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
};

TABLE_TEST(anthropic_message, whole_answers, struct whole, WHOLES)
{
    struct anthropic_message m;
    struct arena a;

    arena_init(&a, ARENA);
    anthropic_message_init(&m, &a);
    cr_assert_eq(anthropic_message_read(&m, str_of(row->json)), !row->error, "%s", row->name);
    cr_assert_eq(m.error, row->error);
    if (!row->error) {
        cr_assert_eq(m.stop, row->stop, "%s", row->name);
        cr_assert(str_eq((str){m.text.p, m.text.n}, str_of(row->text)), "%s", row->name);
        cr_assert(str_eq(m.model, STR("m-1")) && str_eq(m.id, STR("msg_1")));
    }
    arena_release(&a);
}

Test(anthropic_message, input_tokens_hold_the_cached_ones)
{
    struct anthropic_message m;
    struct arena a;

    arena_init(&a, ARENA);
    anthropic_message_init(&m, &a);
    cr_assert(anthropic_message_read(
        &m, STR("{" HEAD "\"content\":[],\"stop_reason\":\"end_turn\"," USAGE "}")));
    cr_assert_eq(m.usage.input, 20);
    cr_assert_eq(m.usage.cache_read, 7);
    cr_assert_eq(m.usage.cache_write, 3);
    cr_assert_eq(m.usage.output, 5);
    arena_release(&a);
}

#define EVENT(type, rest) "event: " type "\ndata: {\"type\":\"" type "\"" rest "}\n\n"
#define START             EVENT("message_start", ",\"message\":{" HEAD "\"content\":[]," USAGE "}")
#define BLOCK(i, type)                                                                             \
    EVENT("content_block_start",                                                                   \
          ",\"index\":" i ",\"content_block\":{\"type\":\"" type "\",\"text\":\"\"}")
#define DELTA(i, rest) EVENT("content_block_delta", ",\"index\":" i ",\"delta\":{" rest "}")
#define TEXT_DELTA(t)  DELTA("0", "\"type\":\"text_delta\",\"text\":\"" t "\"")
#define END(reason)                                                                                \
    EVENT("message_delta",                                                                         \
          ",\"delta\":{\"stop_reason\":\"" reason "\"},\"usage\":{\"output_tokens\":9}")
#define STOP EVENT("message_stop", "")

struct stream {
    const char *name, *bytes;
    bool is_whole;
    enum ai_error error;
    enum ai_stop stop;
    const char *text;
};

static const struct stream STREAMS[] = {
    {"plain",
     START BLOCK("0", "text") TEXT_DELTA("a\xc3\xa4") TEXT_DELTA("\\u20ac") END("end_turn") STOP,
     true, AI_OK, AI_STOP_END, "a\xc3\xa4\xe2\x82\xac"},
    {"with pings",
     START "event: ping\ndata: {\"type\": \"ping\"}\n\n" TEXT_DELTA("a") EVENT("ping", "")
         END("end_turn") STOP,
     true, AI_OK, AI_STOP_END, "a"},
    {"thinking first",
     START BLOCK("0", "thinking") DELTA("0", "\"type\":\"thinking_delta\",\"thinking\":\"hm\"")
         DELTA("0", "\"type\":\"signature_delta\",\"signature\":\"x\"") EVENT(
             "content_block_stop", "") BLOCK("1", "text") TEXT_DELTA("a") END("end_turn") STOP,
     true, AI_OK, AI_STOP_END, "a"},
    {"events of tomorrow", START EVENT("mood", ",\"mood\":1") TEXT_DELTA("a") END("end_turn") STOP,
     true, AI_OK, AI_STOP_END, "a"},
    {"cut by length", START TEXT_DELTA("{") END("max_tokens") STOP, true, AI_OK, AI_STOP_LENGTH,
     "{"},
    {"refusal", START END("refusal") STOP, true, AI_OK, AI_STOP_REFUSAL, ""},
    {"no end", START TEXT_DELTA("a") END("end_turn"), false, AI_OK, AI_STOP_END, "a"},
    {"nothing", "", false, AI_OK, AI_STOP_OTHER, ""},
    {"end without beginning", STOP, false, AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"text without beginning", TEXT_DELTA("a"), false, AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"two beginnings", START START, false, AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"overloaded",
     START EVENT("error", ",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}"), false,
     AI_ERROR_OVERLOADED, AI_STOP_OTHER, ""},
    {"error of tomorrow", START EVENT("error", ",\"error\":{\"type\":\"sad_error\"}"), false,
     AI_ERROR_SERVER, AI_STOP_OTHER, ""},
    {"half an event", START "data: {\"type\": \"content_block_delta\", \"ind\n\n", false,
     AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"no type", START "data: {}\n\n", false, AI_ERROR_ANSWER, AI_STOP_OTHER, ""},
    {"after the end", START TEXT_DELTA("a") END("end_turn") STOP TEXT_DELTA("b") "data: x\n\n",
     true, AI_OK, AI_STOP_END, "a"},
};

struct pieces {
    struct anthropic_message message;
    struct buf joined;
};

static bool take(void *self, str name, str data)
{
    struct pieces *p = self;
    str piece;

    (void)name;
    if (!anthropic_message_event(&p->message, data, &piece))
        return false;
    buf_put(&p->joined, piece);
    return true;
}

TABLE_TEST(anthropic_message, streams_cut_at_every_byte, struct stream, STREAMS)
{
    str bytes = str_of(row->bytes);

    for (size_t cut = 0; cut <= bytes.n; cut++) {
        struct pieces p;
        struct arena a;
        struct sse s;

        arena_init(&a, ARENA);
        anthropic_message_init(&p.message, &a);
        buf_init(&p.joined, &a, AI_TEXT_BYTES);
        sse_init(&s, &a);
        bool goes_on = sse_feed(&s, str_sub(bytes, 0, cut), take, &p) &&
                       sse_feed(&s, str_sub(bytes, cut, bytes.n), take, &p);

        cr_assert_eq(goes_on, !row->error, "%s", row->name);
        cr_assert_eq(p.message.is_whole, row->is_whole, "%s", row->name);
        cr_assert_eq(p.message.error, row->error, "%s", row->name);
        cr_assert_eq(p.message.stop, row->stop, "%s", row->name);
        cr_assert(str_eq(buf_str(&p.message.text), str_of(row->text)), "%s at %zu", row->name, cut);
        cr_assert(str_eq(buf_str(&p.joined), buf_str(&p.message.text)));
        cr_assert(!row->is_whole || p.message.usage.output == 9);
        arena_release(&a);
    }
}

struct error {
    int http;
    const char *json;
    enum ai_error want;
};

#define ERR(type) "{\"type\":\"error\",\"error\":{\"type\":\"" type "\",\"message\":\"m\"}}"
#define CODE(c)                                                                                    \
    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"details\":{\"error_code\":"    \
    "\"" c "\"}}}"

static const struct error ERRORS[] = {
    {400, ERR("invalid_request_error"), AI_ERROR_REQUEST},
    {401, ERR("authentication_error"), AI_ERROR_KEY},
    {402, "", AI_ERROR_BILLING},
    {403, "<html>", AI_ERROR_PERMISSION},
    {404, ERR("not_found_error"), AI_ERROR_MODEL},
    {405, "", AI_ERROR_REQUEST},
    {408, "", AI_ERROR_PEER_TIMEOUT},
    {409, "", AI_ERROR_CONFLICT},
    {413, "", AI_ERROR_TOO_LARGE},
    {429, ERR("rate_limit_error"), AI_ERROR_RATE},
    {429, CODE("ramp_limit_exceeded"), AI_ERROR_RATE},
    {429, CODE("enforced_spend_limit_reached"), AI_ERROR_SPENT},
    {429, CODE("contract_spend_limit_reached"), AI_ERROR_SPENT},
    {500, "", AI_ERROR_SERVER},
    {502, "<html>", AI_ERROR_SERVER},
    {503, ERR("api_error"), AI_ERROR_SERVER},
    {504, ERR("timeout_error"), AI_ERROR_PEER_TIMEOUT},
    {529, ERR("overloaded_error"), AI_ERROR_OVERLOADED},
    {302, "", AI_ERROR_REQUEST},
    {0, ERR("overloaded_error"), AI_ERROR_OVERLOADED},
    {0, "{}", AI_ERROR_SERVER},
};

TABLE_TEST(anthropic_message, errors_are_known_by_code_and_status, struct error, ERRORS)
{
    cr_assert_eq(anthropic_error(row->http, str_of(row->json)), row->want, "%d", row->http);
}

Test(anthropic_body, says_all_of_a_request_in_the_order_of_the_cache)
{
    static const char WANT[] =
        "{\"model\":\"m\",\"max_tokens\":9,\"system\":[{\"type\":\"text\",\"text\":\"a\"},"
        "{\"type\":\"text\",\"text\":\"b\\n\",\"cache_control\":{\"type\":\"ephemeral\"}},"
        "{\"type\":\"text\",\"text\":\"c\"}],\"messages\":[{\"role\":\"user\",\"content\":"
        "\"\\\"q\\\"\"},"
        "{\"role\":\"assistant\",\"content\":\"r\"},{\"role\":\"user\",\"content\":\"s\"}],"
        "\"output_config\":{\"effort\":\"low\",\"format\":{\"type\":\"json_schema\",\"schema\":{}}}"
        ","
        "\"metadata\":{\"user_id\":\"u\"},\"stream\":true}";
    const str system[] = {STR("a"), STR("b\n"), STR("c")};
    const struct ai_message messages[] = {
        {AI_USER, STR("\"q\"")}, {AI_ASSISTANT, STR("r")}, {AI_USER, STR("s")}};
    struct arena a;
    struct buf b;

    arena_init(&a, ARENA);
    buf_init(&b, &a, ARENA / 4);
    anthropic_put_body(&b, &(struct ai_request){.model = "m",
                                                .system = system,
                                                .n_system = 3,
                                                .n_stable = 2,
                                                .messages = messages,
                                                .n_messages = 3,
                                                .schema = STR("{}"),
                                                .max_tokens = 9,
                                                .effort = AI_EFFORT_LOW,
                                                .user = "u"});
    cr_assert_str_eq(buf_str(&b).p, WANT);
    arena_release(&a);
}
