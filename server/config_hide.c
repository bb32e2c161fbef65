/* What remains of secrets where others can look: the command line, the environment, files. */
#include <sys/stat.h>

#include "server/config_table.h"

/* Of clients; salesd does not use it, but a shell that sourced it hands it down. */
#define CLIENT_KEY "SALES_API_KEY"

static void wipe(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
}

/* The value that a secret's flag carries: in the same argument, else in the next one. NULL: there
 * is none to hide. */
static char *secret_of_flag(char *const *argv)
{
    str rest = str_of(argv[0]), name = str_cut(&rest, '=');
    bool is_file;
    size_t i;

    if (!str_starts(name, STR("--")))
        return NULL;
    i = config_find(str_sub(name, 2, name.n), true, &is_file);
    if (i == config_n_rows || is_file || config_rows[i].type != CONFIG_SECRET)
        return NULL;
    return argv[0][name.n] == '=' ? argv[0] + name.n + 1 : argv[1];
}

static char *secret_of_variable(char *variable)
{
    str rest = str_of(variable), name = str_cut(&rest, '=');
    bool is_file, is_secret;
    size_t i = config_find(name, false, &is_file);

    is_secret = i < config_n_rows && !is_file && config_rows[i].type == CONFIG_SECRET;
    if (variable[name.n] != '=' || (!is_secret && !str_eq(name, STR(CLIENT_KEY))))
        return NULL;
    return variable + name.n + 1;
}

void config_hide(char **argv, char **envp)
{
    for (; *argv; argv++)
        wipe(secret_of_flag(argv));
    for (; *envp; envp++)
        wipe(secret_of_variable(*envp));
}

/* The i-th row of config as a secret; NULL: it is none. */
static const config_secret *secret_at(const struct config *config, size_t i)
{
    if (config_rows[i].type != CONFIG_SECRET)
        return NULL;
    return (const config_secret *)((const char *)config + config_rows[i].offset);
}

void config_wipe(struct config *config)
{
    for (size_t i = 0; i < config_n_rows; i++) {
        const config_secret *secret = secret_at(config, i);

        if (secret && secret->text)
            wipe((char *)secret->text); /* a copy of ours, see config_parse */
    }
}

static bool is_exposed(const char *path)
{
    struct stat seen;

    return path && path[0] && stat(path, &seen) == 0 && (seen.st_mode & (S_IROTH | S_IWOTH));
}

void config_find_exposed(const struct config *config, void (*exposed)(const char *path))
{
    const char *const others[] = {config->tls_key, config->master_key_file};

    for (size_t i = 0; i < config_n_rows; i++) {
        const config_secret *secret = secret_at(config, i);

        if (secret && is_exposed(secret->path))
            exposed(secret->path);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (is_exposed(others[i]))
            exposed(others[i]);
}
