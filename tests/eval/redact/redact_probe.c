/*
 * redact_probe: spans of texts, for an evaluation. Reads, again and again: a line "N M STRICT", N
 * bytes of text, M bytes of names (one per line); writes a line "AT BYTES LABEL" per span and an
 * empty one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "ai/redact.h"

enum { MEMORY = 32 << 20 };

static void die(const struct call *c, const char *what)
{
    fprintf(stderr, "redact_probe: %s: %s\n", what, c->fault.why);
    exit(1);
}

static size_t split(str text, str *names)
{
    size_t n = 0;

    while (text.n && n < REDACT_NAMES_MAX)
        names[n++] = str_cut(&text, '\n');
    return n;
}

static void one(const struct redactor *redactor, str text, str names, enum redact_mode mode)
{
    static struct redact_span spans[REDACT_HITS_MAX];
    static str list[REDACT_NAMES_MAX];
    struct redact_options o = {mode, list, split(names, list)};
    struct redaction r;
    struct call c;
    size_t n = 0;

    call_init(&c, NULL, MEMORY);
    if (redact_begin(&r, redactor, &c, &o) != STATUS_OK ||
        redact_find(&r, text, spans, &n) != STATUS_OK)
        die(&c, "find");
    for (size_t i = 0; i < n; i++)
        printf("%zu %zu %s\n", spans[i].at, spans[i].n, redact_label_name(spans[i].label));
    printf("\n");
    fflush(stdout);
    redact_end(&r);
    call_release(&c);
}

int main(void)
{
    static char text[REDACT_TEXT_BYTES], names[REDACT_TEXT_BYTES];
    struct redactor *redactor;
    size_t n, m;
    int strict;
    struct call c;

    call_init(&c, NULL, MEMORY);
    if (redactor_open(&c, &redactor) != STATUS_OK)
        die(&c, "open");
    while (scanf("%zu %zu %d", &n, &m, &strict) == 3) { // NOLINT(cert-err34-c): our own runner
        (void)getchar();
        if (n > sizeof text || m > sizeof names || fread(text, 1, n, stdin) != n ||
            fread(names, 1, m, stdin) != m)
            die(&c, "short input");
        one(redactor, (str){text, n}, (str){names, m}, strict ? REDACT_STRICT : REDACT_NORMAL);
    }
    redactor_close(redactor);
    call_release(&c);
    return 0;
}
