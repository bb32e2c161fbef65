/* Answers of a provider of enrichment on any bytes, in both forms, with little memory and much. */
#include <assert.h>
#include <stdint.h>

#include "integration/clearbit_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ARENA_BYTES = 4 << 20, SMALL_ARENA_BYTES = 4096 };

static void check(const struct enrich_fact *f)
{
    double number;

    assert(f->value && *f->value && str_is_text(str_of(f->value)));
    assert(strlen(f->value) <= CLEARBIT_TEXT_BYTES + sizeof "https://www.linkedin.com/");
    assert(f->confidence > 0 && f->confidence <= 1);
    assert(f->type == ENRICH_TEXT || (f->type == ENRICH_NUMBER && enrich_fact_number(f, &number)));
}

static void run(str body, enum clearbit_form form, size_t arena_bytes)
{
    struct enrich_result r = {.reason = ""};
    struct arena a;

    arena_init(&a, arena_bytes);
    bool is_read = clearbit_body_read(
        &a, body, &(struct clearbit_read){.form = form, .source = "fuzz", .at_us = 1}, &r);

    assert(is_read || !r.n_facts);
    assert(r.n_facts <= ENRICH_PROVIDER_FACTS_MAX);
    for (size_t i = 0; i < r.n_facts; i++)
        check(&r.facts[i]);
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    str body = {(const char *)data, n};

    run(body, CLEARBIT_COMBINED, ARENA_BYTES);
    run(body, CLEARBIT_COMPANY, ARENA_BYTES);
    run(body, CLEARBIT_COMPANY, SMALL_ARENA_BYTES);
    return 0;
}
