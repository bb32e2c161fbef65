/*
 * judge: our verdict on messages that somebody else made, for parity.mjs.
 *
 *   in    per message: "<type> <bytes>\n", then that many bytes
 *   out   per message: "<status> <violations kept> <left out>\n", then per violation
 *         "<rule id>\t<field path>\n"
 *
 * A type is the full name of a request of one of our services, or test.rules.Rules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"
#include "rules.rules.h"
#include "sales/v1/admin.service.h"
#include "sales/v1/coaching.service.h"
#include "sales/v1/forecast.service.h"
#include "sales/v1/outreach.service.h"
#include "sales/v1/sales_agent.service.h"
#include "schema/validate.h"
#include "schema/wire.h"

enum { TYPE_BYTES_MAX = 200, INPUT_BYTES_MAX = 8 << 20 };

static const struct service *const services[] = {
    &sales__v1__sales_agent__service, &sales__v1__outreach__service, &sales__v1__coaching__service,
    &sales__v1__forecast__service,    &sales__v1__admin__service,
};

struct type {
    const ProtobufCMessageDescriptor *descriptor;
    const struct message_rules *rules;
};

static bool find_type(const char *name, struct type *out)
{
    if (strcmp(name, RULES_DESCRIPTOR->name) == 0) {
        *out = (struct type){RULES_DESCRIPTOR, RULES_RULES};
        return true;
    }
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        for (size_t j = 0; j < services[i]->n_methods; j++) {
            const struct method *m = &services[i]->methods[j];

            if (strcmp(name, m->input->name) == 0) {
                *out = (struct type){m->input, m->rules};
                return true;
            }
        }
    return false;
}

static void judge(const struct type *type, str bytes)
{
    ProtobufCMessage *m;
    struct call c;
    enum status s;

    call_init(&c, NULL, CALL_ARENA_BYTES);
    s = wire_unpack(&c, &c.arena, type->descriptor, bytes, &m);
    if (s == STATUS_OK)
        s = validate(&c, type->rules, m);
    printf("%s %zu %zu\n", status_name(s), c.fault.n_details, c.fault.n_dropped);
    for (size_t i = 0; i < c.fault.n_details; i++) {
        const struct fault_detail *d = &c.fault.details[i];

        printf(STR_FMT "\t" STR_FMT "\n", STR_ARG(d->type), STR_ARG(d->subject));
    }
    call_release(&c);
}

int main(void)
{
    char name[TYPE_BYTES_MAX + 1], *bytes = malloc(INPUT_BYTES_MAX);
    size_t n;

    while (bytes && scanf("%200s %zu", name, &n) == 2 && getchar() == '\n') {
        struct type type;

        if (!find_type(name, &type) || n > INPUT_BYTES_MAX || fread(bytes, 1, n, stdin) != n) {
            fprintf(stderr, "judge: bad input: %s %zu\n", name, n);
            break;
        }
        judge(&type, (str){bytes, n});
    }
    free(bytes);
    return feof(stdin) && !ferror(stdin) ? EXIT_SUCCESS : EXIT_FAILURE;
}
