/* migrations: the files of storage/migrations, compiled in. */
#ifndef SQL_MIGRATIONS_H
#define SQL_MIGRATIONS_H

#include <stddef.h>

struct migration {
    int version;      /* from 1, without gaps */
    const char *name; /* of the file */
    const char *text; /* [n], NUL-terminated */
    size_t n;
};

extern const struct migration migrations[];
extern const size_t n_migrations;

#endif
