/* The answer of a model against a schema, and the text of a schema: the first line is the schema
 * where it is one, the rest an answer. */
#include "ai/schema.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const char usual[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"a\"],\"properties\":{"
    "\"a\":{\"type\":\"string\",\"maxLength\":9},\"b\":{\"type\":\"integer\",\"minimum\":-2},"
    "\"c\":{\"type\":\"array\",\"maxItems\":2,\"items\":{\"type\":\"string\"}}}}";

static void check(struct call *c, const struct schema *s, str answer)
{
    struct schema_result r;

    if (schema_check(s, c, answer, &r) == STATUS_OK && (r.n_problems == 0) != !!r.answer.json.p)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    str rest = {(const char *)data, n}, line;
    struct schema *s;
    struct call c;

    call_init(&c, NULL, 16 << 20);
    if (schema_open(&c, STR(usual), &s) == STATUS_OK)
        check(&c, s, rest);
    schema_close(s);
    call_clear(&c);
    line = str_cut(&rest, '\n');
    if (schema_open(&c, line, &s) == STATUS_OK)
        check(&c, s, rest);
    schema_close(s);
    call_release(&c);
    return 0;
}
