/* "sqlite:PATH" or a libpq URI; config_parse refuses anything else. */
#include "server/open_store.h"

#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

/* NULL: it is not SQLite. */
static const char *sqlite_path(const struct config *config)
{
    static const char prefix[] = "sqlite:";

    return str_starts(str_of(config->store), STR(prefix)) ? config->store + sizeof prefix - 1
                                                          : NULL;
}

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

enum status open_store(struct call *c, const struct config *config, struct store **out)
{
    const char *path = sqlite_path(config);

    if (path)
        return sqlite_store_open(
            c,
            &(struct sqlite_options){.path = path,
                                     .master_key_path = text_or_null(config->master_key_file),
                                     .master_keys = text_or_null(config->master_keys),
                                     .n_readers = (size_t)config->store_connections},
            out);
    return postgres_store_open(
        c,
        &(struct postgres_options){.conninfo = config->store,
                                   .master_key_path = config->master_key_file,
                                   .master_keys = text_or_null(config->master_keys),
                                   .role = POSTGRES_ROLE_BOUND,
                                   .pool_max = (size_t)config->store_connections},
        out);
}

enum status migrate_store(struct call *c, const struct config *config)
{
    struct store *s;

    if (!sqlite_path(config))
        return postgres_migrate(c, config->store, text_or_null(config->migrate_role));
    TRY(open_store(c, config, &s));
    store_close(s);
    return STATUS_OK;
}
