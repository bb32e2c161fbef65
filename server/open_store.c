/* "sqlite:PATH" or a libpq URI; config_parse refuses anything else. */
#include "server/open_store.h"

#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

/* NULL: it is not SQLite. */
static const char *sqlite_path(const struct config *config)
{
    static const char prefix[] = "sqlite:";

    return str_starts(str_of(config->store.text), STR(prefix))
               ? config->store.text + sizeof prefix - 1
               : NULL;
}

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

/* Where master keys are from: a text, else a file. */
static const char *master_keys(const struct config *config)
{
    return config->master_keys.path ? NULL : text_or_null(config->master_keys.text);
}

static const char *master_key_path(const struct config *config)
{
    return config->master_keys.path ? config->master_keys.path : config->master_key_file;
}

enum status open_store(struct call *c, const struct config *config, struct store **out)
{
    const char *path = sqlite_path(config);

    if (path)
        return sqlite_store_open(
            c,
            &(struct sqlite_options){.path = path,
                                     .master_key_path = text_or_null(master_key_path(config)),
                                     .master_keys = master_keys(config),
                                     .n_readers = (size_t)config->store_connections},
            out);
    return postgres_store_open(
        c,
        &(struct postgres_options){.conninfo = config->store.text,
                                   .conninfo_path = config->store.path,
                                   .master_key_path = master_key_path(config),
                                   .master_keys = master_keys(config),
                                   .role = POSTGRES_ROLE_BOUND,
                                   .pool_max = (size_t)config->store_connections},
        out);
}

enum status migrate_store(struct call *c, const struct config *config)
{
    struct store *s;

    if (!sqlite_path(config))
        return postgres_migrate(c, config->store.text, text_or_null(config->migrate_role));
    TRY(open_store(c, config, &s));
    store_close(s);
    return STATUS_OK;
}
