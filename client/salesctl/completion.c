/* Shells learn the command table by heart: its words and options are written into the script. */
#include "ctl/completion.h"

#include "base/banned.h"
#include "base/buf.h"

enum { SCRIPT_BYTES_MAX = 256 << 10 };

static void put_options(struct buf *b, const char *before, const struct option *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(b, "%s--%s", before, rows[i].name);
}

/* The first words, each once. */
static void put_groups(struct buf *b)
{
    str last = {0};

    for (size_t i = 0; i < n_commands; i++) {
        str rest = str_of(commands[i].name), word = str_cut(&rest, ' ');

        if (!str_eq(word, last))
            buf_printf(b, " " STR_FMT, STR_ARG(word));
        last = word;
    }
}

/* "lead) words='create get ...' ;;" for every first word that has second ones. */
static void put_seconds(struct buf *b)
{
    str open = {0};

    for (size_t i = 0; i < n_commands; i++) {
        str rest = str_of(commands[i].name), word = str_cut(&rest, ' ');

        if (!rest.n)
            continue;
        if (!str_eq(word, open))
            buf_printf(b, "%s    " STR_FMT ") words='", open.n ? "' ;;\n" : "", STR_ARG(word));
        buf_printf(b, "%s" STR_FMT, str_eq(word, open) ? " " : "", STR_ARG(rest));
        open = word;
    }
    buf_put(b, STR("' ;;\n"));
}

static void put_option_cases(struct buf *b)
{
    for (size_t i = 0; i < n_commands; i++) {
        buf_printf(b, "    '%s') options='", commands[i].name);
        put_options(b, " ", commands[i].options, commands[i].n_options);
        buf_put(b, STR("' ;;\n"));
    }
}

/* The body is the same for bash and zsh: sets `words` and `options` from $1 and $2. */
static void put_tables(struct buf *b)
{
    buf_put(b, STR("_salesctl_words() {\n  words='' options=''\n  case \"$1\" in\n"));
    put_seconds(b);
    buf_put(b, STR("  esac\n  local command=\"$1\"\n"
                   "  [ -z \"$words\" ] || command=\"$1 $2\"\n"
                   "  case \"$command\" in\n"));
    put_option_cases(b);
    buf_put(b, STR("  esac\n  options=\"$options"));
    put_options(b, " ", global_options, n_global_options);
    buf_put(b, STR("\"\n}\n"));
}

static void put_bash(struct buf *b)
{
    buf_put(b, STR("# bash completion of salesctl\n"));
    put_tables(b);
    buf_put(b, STR("_salesctl() {\n"
                   "  local current=\"${COMP_WORDS[COMP_CWORD]}\" words options\n"
                   "  _salesctl_words \"${COMP_WORDS[1]-}\" \"${COMP_WORDS[2]-}\"\n"
                   "  COMPREPLY=()\n"
                   "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
                   "    COMPREPLY=($(compgen -W '"));
    put_groups(b);
    buf_put(b, STR("' -- \"$current\"))\n"
                   "  elif [ \"$COMP_CWORD\" = 2 ] && [ -n \"$words\" ]; then\n"
                   "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
                   "  elif [[ $current == -* ]]; then\n"
                   "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
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
                   "  local second=\"${words[2]}\" third=\"${words[3]}\" at=\"$CURRENT\" "
                   "typed=\"$PREFIX\"\n"
                   "  local words options\n"
                   "  _salesctl_words \"$second\" \"$third\"\n"
                   "  if [ \"$at\" = 2 ]; then\n"
                   "    compadd -- "));
    put_groups(b);
    buf_put(b, STR("\n  elif [ \"$at\" = 3 ] && [ -n \"$words\" ]; then\n"
                   "    compadd -- ${=words}\n"
                   "  elif [[ $typed == -* ]]; then\n"
                   "    compadd -- ${=options}\n"
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

static void put_fish(struct buf *b)
{
    buf_put(b, STR("# fish completion of salesctl\n"));
    put_fish_options(b, "", global_options, n_global_options);
    for (size_t i = 0; i < n_commands; i++) {
        str rest = str_of(commands[i].name), word = str_cut(&rest, ' ');
        char when[160];

        buf_printf(b, "complete -c salesctl -f -n __fish_use_subcommand -a " STR_FMT,
                   STR_ARG(word));
        buf_put(b, STR(" -d "));
        put_quoted(b, rest.n ? "" : commands[i].summary);
        buf_putc(b, '\n');
        if (rest.n) {
            buf_printf(b,
                       "complete -c salesctl -f -n '__fish_seen_subcommand_from " STR_FMT
                       "' -a " STR_FMT " -d ",
                       STR_ARG(word), STR_ARG(rest));
            put_quoted(b, commands[i].summary);
            buf_putc(b, '\n');
        }
        snprintf(when, sizeof when, "-n '__fish_seen_subcommand_from " STR_FMT "%s" STR_FMT "'",
                 STR_ARG(word), rest.n ? "; and __fish_seen_subcommand_from " : "", STR_ARG(rest));
        put_fish_options(b, when, commands[i].options, commands[i].n_options);
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
