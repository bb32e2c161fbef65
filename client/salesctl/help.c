/* Help texts. Nothing is said here that the table does not know. */
#include "ctl/help.h"

#include "base/banned.h"

enum { NAME_COLUMNS = 26 };

static void title(const struct term *t, const char *text)
{
    fprintf(t->file, "\n%s%s%s\n", term_ink(t, INK_BOLD), text, term_ink(t, INK_PLAIN));
}

static void print_options(const struct term *t, const struct option *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char name[64];

        snprintf(name, sizeof name, "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
                 rows[i].value ? rows[i].value : "");
        fprintf(t->file, "  %-*s %s\n", NAME_COLUMNS, name, rows[i].help);
    }
}

static void print_examples(const struct term *t, const char *examples)
{
    str rest = str_of(examples);

    title(t, "Examples");
    while (rest.n) {
        str line = str_cut(&rest, '\n');
        bool whole = memchr(line.p, '|', line.n) != NULL; /* a pipe into salesctl spells it out */

        fprintf(t->file, "  %s" STR_FMT "\n", whole ? "" : "salesctl ", STR_ARG(line));
    }
}

static bool is_in_group(const struct command *c, const char *word)
{
    size_t n = strlen(word);

    return strncmp(c->name, word, n) == 0 && c->name[n] == ' ';
}

bool help_is_group(const char *word)
{
    for (size_t i = 0; i < n_commands; i++)
        if (is_in_group(&commands[i], word))
            return true;
    return false;
}

bool help_overview(const struct term *t, const char *prefix)
{
    size_t n = strlen(prefix), shown = 0;

    for (size_t i = 0; i < n_commands; i++) {
        const char *name = commands[i].name;

        if (n && !is_in_group(&commands[i], prefix))
            continue;
        if (!shown++) {
            fprintf(t->file, "usage: salesctl %s%sCOMMAND [arguments] [options]\n", prefix,
                    n ? " " : "");
            title(t, "Commands");
        }
        fprintf(t->file, "  %-*s %s\n", NAME_COLUMNS, name, commands[i].summary);
    }
    if (!shown)
        return false;
    title(t, "Options of every command");
    print_options(t, global_options, n_global_options);
    title(t, "Exit codes");
#define X(name, code, text) fprintf(t->file, "  %3d  %s\n", code, text);
    EXIT_LIST(X)
#undef X
    fprintf(t->file, "\nMore: salesctl COMMAND --help\n");
    return true;
}

void help_command(const struct term *t, const struct command *c)
{
    fprintf(t->file, "usage: salesctl %s", c->name);
    for (size_t i = 0; i < c->n_arguments; i++) {
        const struct argument *a = &c->arguments[i];
        bool optional = a->count == ARGUMENT_OPTIONAL || a->count == ARGUMENT_ANY;

        fprintf(t->file, optional ? " [%s]" : " %s", a->name);
    }
    fprintf(t->file, "%s\n\n%c%s.\n", c->n_options ? " [options]" : "",
            c->summary[0] >= 'a' && c->summary[0] <= 'z' ? c->summary[0] - 32 : c->summary[0],
            c->summary + 1);
    if (c->n_arguments)
        title(t, "Arguments");
    for (size_t i = 0; i < c->n_arguments; i++)
        fprintf(t->file, "  %-*s %s\n", NAME_COLUMNS, c->arguments[i].name, c->arguments[i].help);
    if (c->n_options)
        title(t, "Options");
    print_options(t, c->options, c->n_options);
    title(t, "Options of every command");
    print_options(t, global_options, n_global_options);
    print_examples(t, c->examples);
}
