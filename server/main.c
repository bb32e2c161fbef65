/* salesd: reads flags and environment - nobody else does - and runs the server. */
#include <stdio.h>
#include <unistd.h>

#include "commit.h"
#include "server/config.h"
#include "server/memory.h"
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

static enum exit_code run(struct config *config, const struct rlimit *core_limit)
{
    enum exit_code code;

    if (config->core_dumps)
        memory_open(core_limit);
    code = serve(config, &(struct build){SALESD_VERSION, SALESD_COMMIT});
    if (code != EXIT_DRAIN) /* else a handler still runs */
        config_wipe(config);
    return code;
}

static enum exit_code act(struct call *c, char **argv, const struct rlimit *core_limit)
{
    enum config_action action;
    struct config config;
    enum status s = config_parse(c, argv, environ, &config, &action);

    config_hide(argv, environ);
    if (s != STATUS_OK) {
        complain(&c->fault);
        return EXIT_CONFIG;
    }
    switch (action) {
    case CONFIG_RUN: return run(&config, core_limit);
    case CONFIG_HELP: return print(&c->arena, config_help);
    case CONFIG_DOC: return print(&c->arena, config_doc);
    case CONFIG_VERSION: printf("salesd %s\n", SALESD_VERSION); break;
    case CONFIG_CHECK: puts("the configuration is valid"); break;
    }
    return EXIT_OK;
}

int main(int argc, char **argv)
{
    struct rlimit core_limit;
    struct call c;
    enum exit_code code;

    (void)argc;
    memory_close(&core_limit);
    call_init(&c, NULL, CONFIG_ARENA_BYTES);
    code = act(&c, argv, &core_limit);
    call_release(&c);
    return (int)code;
}
