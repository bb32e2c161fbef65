/* salesd: reads flags and environment - nobody else does - and runs the server. */
#include <stdio.h>
#include <unistd.h>

#include "commit.h"
#include "server/config.h"
#include "server/serve.h"

enum { PAGE_BYTES = 1 << 18, CONFIG_ARENA_BYTES = 4 << 20 };

static void complain(const struct fault *f)
{
    fprintf(stderr, "salesd: %s\n", f->why);
    for (size_t i = 0; i < f->n_details; i++)
        fprintf(stderr, "  " STR_FMT ": " STR_FMT "\n", STR_ARG(f->details[i].subject),
                STR_ARG(f->details[i].text));
    if (f->n_dropped)
        fprintf(stderr, "  and %zu more\n", f->n_dropped);
    fprintf(stderr, "salesd --help lists all settings\n");
}

static enum exit_code print(struct arena *a, void (*page)(struct buf *b))
{
    struct buf b;

    buf_init(&b, a, PAGE_BYTES);
    page(&b);
    return buf_ok(&b) && fputs(buf_str(&b).p, stdout) >= 0 ? EXIT_OK : EXIT_START;
}

static enum exit_code act(struct call *c, char *const *argv)
{
    enum config_action action;
    struct config config;

    if (config_parse(c, argv, environ, &config, &action) != STATUS_OK) {
        complain(&c->fault);
        return EXIT_CONFIG;
    }
    switch (action) {
    case CONFIG_RUN: return serve(&config, &(struct build){SALESD_VERSION, SALESD_COMMIT});
    case CONFIG_HELP: return print(&c->arena, config_help);
    case CONFIG_DOC: return print(&c->arena, config_doc);
    case CONFIG_VERSION: printf("salesd %s\n", SALESD_VERSION); break;
    case CONFIG_CHECK: puts("the configuration is valid"); break;
    }
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct call c;
    enum exit_code code;

    (void)argc;
    call_init(&c, NULL, CONFIG_ARENA_BYTES);
    code = act(&c, argv);
    call_release(&c);
    return (int)code;
}
