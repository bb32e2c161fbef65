/* Texts of anybody, with the first line as a name: what is redacted is text again, and comes back
 * as it was but for the case of letters. */
#include "ai/redact.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void there_and_back(struct redaction *r, struct call *c, str in)
{
    str out, back;

    if (redact_text(r, in, &out) != STATUS_OK)
        return;
    if (out.n && !str_is_text(out))
        __builtin_trap();
    if (redact_restore(r, c, out, &back) == STATUS_OK && !str_eq_nocase(in, back))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    static struct redactor *redactor;
    str in = {(const char *)data, n}, rest = in, name = str_cut(&rest, '\n');
    const struct redact_options o = {n % 2 ? REDACT_STRICT : REDACT_NORMAL, &name, 1};
    struct redaction r;
    struct call c;

    call_init(&c, NULL, 32 << 20);
    if ((!redactor && redactor_open(&c, &redactor) != STATUS_OK))
        __builtin_trap();
    if (redact_begin(&r, redactor, &c, &o) == STATUS_OK)
        there_and_back(&r, &c, in);
    redact_end(&r);
    call_release(&c);
    return 0;
}
