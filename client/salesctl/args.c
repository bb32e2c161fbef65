/* The command line, taken apart against the rows of the command table. */
#include <stdarg.h>

#include "base/banned.h"
#include "ctl/command.h"
#include "ctl/when.h"

enum { NAME_BYTES = 64, DISTANCE_MAX = 2 };

enum exit_code usage_error(struct ctl *ctl, const struct command *command, const char *fmt, ...)
{
    va_list ap;

    fprintf(ctl->err.file, "%ssalesctl:%s ", term_ink(&ctl->err, INK_BAD),
            term_ink(&ctl->err, INK_PLAIN));
    va_start(ap, fmt);
    vfprintf(ctl->err.file, fmt, ap);
    va_end(ap);
    fprintf(ctl->err.file, "\nsee: salesctl %s%s--help\n", command ? command->name : "",
            command ? " " : "");
    return CTL_USAGE;
}

const char *args_text(const struct args *a, const char *option)
{
    const char *last = NULL;

    for (size_t i = 0; i < a->n_given; i++)
        if (strcmp(a->given[i].option->name, option) == 0)
            last = a->given[i].text;
    return last;
}

bool args_has(const struct args *a, const char *option)
{
    return args_text(a, option) != NULL;
}

/* ---- which command --------------------------------------------------------------------------- */

/* Has the name just n words? */
static bool is_all(const char *name, size_t n)
{
    size_t words = 1;

    for (; *name; name++)
        words += *name == ' ';
    return words == n;
}

const struct command *command_find(const char *const *words, size_t n_words, size_t *n_used)
{
    for (size_t i = 0; i < n_commands; i++) {
        str rest = str_of(commands[i].name);
        size_t n = 0;

        while (rest.n && n < n_words && str_eq(str_cut(&rest, ' '), str_of(words[n])))
            n++;
        if (n > 0 && is_all(commands[i].name, n)) {
            *n_used = n;
            return &commands[i];
        }
    }
    *n_used = 0;
    return NULL;
}

/* ---- did you mean ---------------------------------------------------------------------------- */

static size_t least(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits from a to b (Levenshtein). */
static size_t distance(str a, str b)
{
    size_t row[NAME_BYTES + 1];

    if (a.n > NAME_BYTES || b.n > NAME_BYTES)
        return NAME_BYTES;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t corner = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, corner + (a.p[i - 1] != b.p[j - 1]));
            corner = above;
        }
    }
    return row[b.n];
}

static const struct option *find_option(const struct command *command, str name)
{
    for (size_t i = 0; i < n_global_options; i++)
        if (str_eq(name, str_of(global_options[i].name)))
            return &global_options[i];
    for (size_t i = 0; command && i < command->n_options; i++)
        if (str_eq(name, str_of(command->options[i].name)))
            return &command->options[i];
    return NULL;
}

static void nearest(const struct option *rows, size_t n, str name, size_t *best, const char **found)
{
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(name, str_of(rows[i].name));
        if (d < *best) {
            *best = d;
            *found = rows[i].name;
        }
    }
}

static const char *nearest_option(const struct command *command, str name)
{
    size_t best = DISTANCE_MAX + 1;
    const char *found = NULL;

    nearest(global_options, n_global_options, name, &best, &found);
    if (command)
        nearest(command->options, command->n_options, name, &best, &found);
    return found;
}

static enum exit_code unknown_option(struct ctl *ctl, const struct command *command, str name)
{
    const char *near = nearest_option(command, name);

    if (near)
        return usage_error(ctl, command, "unknown option --" STR_FMT ", did you mean --%s?",
                           STR_ARG(name), near);
    return usage_error(ctl, command, "unknown option --" STR_FMT, STR_ARG(name));
}

static enum exit_code unknown_command(struct ctl *ctl, const char *const *words, size_t n)
{
    const char *near = NULL;
    size_t best = DISTANCE_MAX + 1;
    char typed[NAME_BYTES];

    snprintf(typed, sizeof typed, "%s%s%s", words[0], n > 1 ? " " : "", n > 1 ? words[1] : "");
    for (size_t i = 0; i < n_commands; i++) {
        size_t d = distance(str_of(typed), str_of(commands[i].name));
        if (d < best) {
            best = d;
            near = commands[i].name;
        }
    }
    if (near)
        return usage_error(ctl, NULL, "no command '%s', did you mean '%s'?", typed, near);
    return usage_error(ctl, NULL, "no command '%s'", typed);
}

/* ---- options --------------------------------------------------------------------------------- */

static enum exit_code set_global(struct ctl *ctl, const struct option *o, const char *text)
{
    const struct {
        const char *name;
        const char **to;
    } texts[] = {
        {"address", &ctl->address}, {"api-key", &ctl->api_key},   {"tls-ca", &ctl->tls.ca},
        {"tls-key", &ctl->tls.key}, {"tls-cert", &ctl->tls.cert}, {"tls-name", &ctl->tls.name},
    };
    int64_t us;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(o->name, texts[i].name) == 0) {
            *texts[i].to = text;
            return CTL_OK;
        }
    if (strcmp(o->name, "tls") == 0)
        ctl->tls.on = "true";
    else if (strcmp(o->name, "json") == 0)
        ctl->json = true;
    else if (strcmp(o->name, "help") == 0)
        ctl->wants_help = true;
    else if (!when_span(str_of(text), &us) || us < 1000)
        return usage_error(ctl, NULL, "--timeout is a duration: 500ms, 30s, 5m");
    else
        ctl->timeout_ms = us / 1000;
    return CTL_OK;
}

static bool is_global(const struct option *o)
{
    return o >= global_options && o < global_options + n_global_options;
}

/* One option at argv[*i], with its value, which may be the next word. */
static enum exit_code take_option(struct ctl *ctl, const struct command *command,
                                  const char *const *argv, int *i, struct args *out)
{
    str inline_value = str_of(argv[*i] + 2), name;
    const struct option *o;
    const char *text = "";

    if (strcmp(argv[*i], "-h") == 0)
        inline_value = STR("help");
    name = str_cut(&inline_value, '=');
    if (!(o = find_option(command, name)))
        return unknown_option(ctl, command, name);
    if (!o->value && inline_value.p)
        return usage_error(ctl, command, "--%s takes no value", o->name);
    if (o->value && inline_value.p)
        text = inline_value.p;
    else if (o->value && !(text = argv[++*i]))
        return usage_error(ctl, command, "--%s needs a value: --%s %s", o->name, o->name, o->value);
    if (is_global(o))
        return set_global(ctl, o, text);
    if (out->n_given == GIVEN_MAX)
        return usage_error(ctl, command, "more than %d options", GIVEN_MAX);
    out->given[out->n_given++] = (struct given){o, text};
    return CTL_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static enum exit_code check_words(struct ctl *ctl, const struct command *c, const struct args *a)
{
    size_t most = 0;

    for (size_t i = 0; i < c->n_arguments; i++) {
        enum argument_count count = c->arguments[i].count;

        most = count == ARGUMENT_MANY || count == ARGUMENT_ANY ? WORDS_MAX : most + 1;
        if (i >= a->n_words && count != ARGUMENT_OPTIONAL && count != ARGUMENT_ANY)
            return usage_error(ctl, c, "%s is missing: %s", c->arguments[i].name,
                               c->arguments[i].help);
    }
    if (a->n_words > most)
        return usage_error(ctl, c, "one word too many: '%s'", a->words[most]);
    return CTL_OK;
}

/* The words that come before any option name the command. */
static size_t leading_words(int argc, const char *const *argv)
{
    size_t n = 0;

    while ((int)n + 1 < argc && argv[n + 1][0] != '-')
        n++;
    return n;
}

enum exit_code args_parse(struct ctl *ctl, int argc, const char *const *argv,
                          const struct command **command, struct args *out)
{
    size_t n_leading = leading_words(argc, argv), n_used;
    bool literal = false;

    *out = (struct args){.n_given = 0};
    *command = command_find(argv + 1, n_leading, &n_used);
    for (int i = 1 + (int)n_used; i < argc; i++) {
        enum exit_code code = CTL_OK;

        if (!literal && strcmp(argv[i], "--") == 0)
            literal = true;
        else if (!literal && argv[i][0] == '-' && argv[i][1] &&
                 (argv[i][1] == '-' || strcmp(argv[i], "-h") == 0))
            code = take_option(ctl, *command, argv, &i, out);
        else if (out->n_words == WORDS_MAX)
            code = usage_error(ctl, *command, "more than %d words", WORDS_MAX);
        else
            out->words[out->n_words++] = argv[i];
        if (code != CTL_OK)
            return code;
    }
    if (ctl->wants_help || (!*command && out->n_words == 0))
        return CTL_OK;
    if (!*command)
        return unknown_command(ctl, out->words, out->n_words);
    return check_words(ctl, *command, out);
}
