/* fixture: a fresh, empty store of either engine for one test. */
#ifndef STORAGE_FIXTURE_H
#define STORAGE_FIXTURE_H

#include "sql/driver.h"
#include "store/records.h"

enum engine { ENGINE_SQLITE, ENGINE_POSTGRES, ENGINES };

extern const char *const engine_names[ENGINES];

struct fixture {
    enum engine engine;
    struct call call; /* of tenant 1, without a deadline */
    struct store *store;
    struct sql_fault fault;
    char dir[128];      /* scratch, removed at the end */
    char conninfo[512]; /* postgres: the app role, in a schema of the test's own */
    char admin[512];    /* the same schema as its owner */
    char super[512];
};

/* Opens; a failure fails the test. */
void fixture_open(struct fixture *f, enum engine e);
void fixture_close(struct fixture *f);

/* Closes the store and opens it again on the same data. */
enum status fixture_reopen(struct fixture *f);

/* Runs SQL behind the store's back, as owner (SQLite: on a connection of its own). */
void fixture_sql(struct fixture *f, const char *text);

/* The same, and the first column of the first row as a number. */
long long fixture_number(struct fixture *f, const char *text);

/* A call of that tenant with its own arena; release it. */
void fixture_call(struct call *c, long long tenant_id);

/* A lead in the call's arena. */
Lead *make_lead(struct call *c, const char *name, const char *email);

/* One operation per unit. */
enum status put_lead(struct fixture *f, struct call *c, Lead *lead);
enum status get_lead(struct fixture *f, struct call *c, const char *id, Lead **out);

/* Runs a unit of the fixture's call and expects this status; the fault is cleared. */
#define RUN(f, mode, fn, arg, want)                                                                \
    do {                                                                                           \
        enum status got_ = store_run((f)->store, &(f)->call, (mode), (fn), (arg));                 \
        cr_assert_eq(got_, (want), "%s: %s (%s), expected %s", engine_names[(f)->engine],          \
                     status_name(got_), (f)->call.fault.why, status_name(want));                   \
        call_clear(&(f)->call);                                                                    \
    } while (0)

#endif
