/* store_test: tests that run once per engine, each on an empty store of its own. */
#ifndef STORAGE_STORE_TEST_H
#define STORAGE_STORE_TEST_H

#include <criterion/criterion.h>

#include "storage/fixture.h"
#include "support/table.h"

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

/* Declares a test with an empty store in f; STORE_SUITE is the suite. */
#define STORE_TEST(name)                                                                           \
    static void name##_body(struct fixture *f);                                                    \
    TABLE_TEST(STORE_SUITE, name, enum engine, engines)                                            \
    {                                                                                              \
        struct fixture f;                                                                          \
                                                                                                   \
        fixture_open(&f, *row);                                                                    \
        name##_body(&f);                                                                           \
        fixture_close(&f);                                                                         \
    }                                                                                              \
    static void name##_body(struct fixture *f)

/* True when the fault has this detail, with this text unless it is NULL. */
bool has_detail(const struct call *c, const char *subject, const char *text);

#endif
