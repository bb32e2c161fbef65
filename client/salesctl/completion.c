/* Shells learn the command table by heart: its words and options are written into the script. */
#include "ctl/completion.h"

#include "base/banned.h"
#include "base/buf.h"

enum { SCRIPT_BYTES_MAX = 256 << 10, WHEN_BYTES = 512 };

static void put_options(struct buf *b, const char *before, const struct option *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s--%s", before, rows[i].name);
}

/* The first n words of a command; {0} when it has fewer. */
static str prefix_of(const struct command *c, size_t n)
{
    str rest = str_of(c->name);

    for (size_t i = 0; i < n; i++) {
        if (!rest.n)
            return (str){0};
        str_cut(&rest, ' ');
    }
    return str_trim(str_sub(str_of(c->name), 0, strlen(c->name) - rest.n));
}

/* The word behind the first n. */
static str word_at(const struct command *c, size_t n)
{
    str rest = str_of(c->name);

    for (size_t i = 0; i < n; i++)
        str_cut(&rest, ' ');
    return str_cut(&rest, ' ');
}

/* "'admin key') words='create list revoke' ;;" for what n words may be followed by; rows with the
 * same words stand together. */
static void put_words(struct buf *b, size_t n)
{
    str open = {0}, last = {0};
    bool any = false;

    for (size_t i = 0; i < n_commands; i++) {
        str prefix = prefix_of(&commands[i], n), word = word_at(&commands[i], n);

        if (!word.n)
            continue;
        if (!any || !str_eq(prefix, open)) {
            buf_printf(b, "%s    '" STR_FMT "') words='", any ? "' ;;\n" : "", STR_ARG(prefix));
            last = (str){0};
        }
        if (!str_eq(word, last))
            buf_printf(b, "%s" STR_FMT, last.n ? " " : "", STR_ARG(word));
        any = true;
        open = prefix;
        last = word;
    }
    if (any)
        buf_put(b, STR("' ;;\n"));
}

static void put_option_cases(struct buf *b)
{
    for (size_t i = 0; i < n_commands; i++) {
        buf_printf(b, "      '%s') options=' ", commands[i].name);
        put_options(b, " ", commands[i].options, commands[i].n_options);
        buf_put(b, STR("' ;;\n"));
    }
}

/* The body is the same for bash and zsh: sets `words` and `options` from the words before. */
static void put_tables(struct buf *b)
{
    buf_put(b, STR("_salesctl_words() {\n  words='' options=''\n  local line=\"$1\"\n"
                   "  case \"$line\" in\n"));
    for (size_t n = 0; n < COMMAND_WORDS_MAX; n++)
        put_words(b, n);
    buf_put(b, STR("  esac\n"
                   "  while [ -n \"$line\" ] && [ -z \"$options\" ]; do\n"
                   "    case \"$line\" in\n"));
    put_option_cases(b);
    buf_put(b, STR("    esac\n"
                   "    [ \"$line\" = \"${line% *}\" ] && line='' || line=\"${line% *}\"\n"
                   "  done\n"
                   "  options=\"$options"));
    put_options(b, " ", global_options, n_global_options);
    buf_put(b, STR("\"\n}\n"));
}

static void put_bash(struct buf *b)
{
    buf_put(b, STR("# bash completion of salesctl\n"));
    put_tables(b);
    buf_put(b, STR("_salesctl() {\n"
                   "  local current=\"${COMP_WORDS[COMP_CWORD]}\" words options\n"
                   "  local before=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                   "  _salesctl_words \"$before\"\n"
                   "  COMPREPLY=()\n"
                   "  if [[ $current == -* ]]; then\n"
                   "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
                   "  elif [ -n \"$words\" ]; then\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                   "  else\n"
                   "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
                   "  fi\n}\n"
                   "complete -F _salesctl salesctl\n"));
}

static void put_zsh(struct buf *b)
{
    buf_put(b, STR("#compdef salesctl\n"));
    put_tables(b);
    buf_put(b, STR("_salesctl() {\n"
                   "  local before=\"${(j: :)words[2,CURRENT-1]}\" typed=\"$PREFIX\"\n"
                   "  local words options\n"
                   "  _salesctl_words \"$before\"\n"
                   "  if [[ $typed == -* ]]; then\n"
                   "    compadd -- ${=options}\n"
                   "  elif [ -n \"$words\" ]; then\n"
                   "    compadd -- ${=words}\n"
                   "  else\n"
                   "    _files\n"
                   "  fi\n}\n"
                   "compdef _salesctl salesctl\n"));
}

/* Text inside of single quotes. */
static void put_quoted(struct buf *b, const char *text)
{
    buf_putc(b, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            buf_putc(b, '\\');
        buf_putc(b, *text);
    }
    buf_putc(b, '\'');
}

static void put_fish_options(struct buf *b, const char *when, const struct option *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        buf_printf(b, "complete -c salesctl %s -l %s%s -d ", when, rows[i].name,
                   rows[i].value ? " -r" : "");
        put_quoted(b, rows[i].help);
        buf_putc(b, '\n');
    }
}

/* "-n 'seen a; and seen b'" for the first n words of a command. */
static void put_fish_seen(struct buf *b, const struct command *c, size_t n)
{
    if (n == 0) {
        buf_put(b, STR("-n __fish_use_subcommand"));
        return;
    }
    buf_put(b, STR("-n '"));
    for (size_t i = 0; i < n; i++) {
        str word = word_at(c, i);

        buf_printf(b, "%s__fish_seen_subcommand_from " STR_FMT, i ? "; and " : "", STR_ARG(word));
    }
    buf_putc(b, '\'');
}

static void put_fish(struct buf *b)
{
    buf_put(b, STR("# fish completion of salesctl\n"));
    put_fish_options(b, "", global_options, n_global_options);
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];
        char when[WHEN_BYTES];
        struct buf seen;
        size_t n = 0;

        for (; n < COMMAND_WORDS_MAX && word_at(c, n).n; n++) {
            str word = word_at(c, n);

            buf_put(b, STR("complete -c salesctl -f "));
            put_fish_seen(b, c, n);
            buf_printf(b, " -a " STR_FMT " -d ", STR_ARG(word));
            put_quoted(b, word_at(c, n + 1).n ? "" : c->summary);
            buf_putc(b, '\n');
        }
        buf_init(&seen, b->arena, WHEN_BYTES);
        put_fish_seen(&seen, c, n);
        snprintf(when, sizeof when, "%s", buf_str(&seen).n ? buf_str(&seen).p : "");
        put_fish_options(b, when, c->options, c->n_options);
    }
}

static const struct {
    const char *shell;
    void (*put)(struct buf *b);
} scripts[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

enum exit_code completion_run(struct ctl *ctl, const struct command *command,
                              const struct args *args)
{
    struct buf script, json;

    buf_init(&script, &ctl->arena, SCRIPT_BYTES_MAX);
    buf_init(&json, &ctl->arena, (size_t)2 * SCRIPT_BYTES_MAX);
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (strcmp(args->words[0], scripts[i].shell) != 0)
            continue;
        scripts[i].put(&script);
        if (ctl->json) {
            buf_put(&json, STR("{\"script\":"));
            buf_put_json(&json, buf_str(&script));
            buf_put(&json, STR("}\n"));
        }
        fputs(buf_str(ctl->json ? &json : &script).p, ctl->out.file);
        return CTL_OK;
    }
    return usage_error(ctl, command, "no completion for '%s': bash, zsh or fish", args->words[0]);
}
