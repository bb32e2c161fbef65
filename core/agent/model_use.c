/* Two tables under one lock: which model is active (by tenant and kind), and what is parsed (by
 * tenant and id). Reading and parsing happen without the lock; who does it is marked in the
 * table, and whoever wants the same waits for that mark to go. */
#include "agent/model_use.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "agent/model_load.h"
#include "base/wait.h"
#include "domain/feature.h"

enum { WAIT_MS = 50, NS_PER_MS = 1000000, LOADS_MAX = 16 };

/* A parsed model. */
struct slot {
    struct model_use use; /* first: a model_use is a slot */
    int64_t tenant_id;
    size_t n_refs; /* of callers, and one of the table while it is listed */
    uint64_t used; /* the tick of its last use */
    bool is_listed;
    struct arena arena;
};

/* What is known of the active model of a tenant. */
struct active {
    int64_t tenant_id; /* 0: free */
    ModelKind kind;
    int64_t looked_ns;
    bool is_known, is_looking;
    char id[UUID_TEXT_BYTES + 1]; /* "": the tenant has none */
};

/* A load under way. */
struct load {
    int64_t tenant_id; /* 0: free */
    char id[UUID_TEXT_BYTES + 1];
};

struct model_uses {
    struct store *store;
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t changed;
    uint64_t tick;
    size_t n_slots, n_bytes; /* of those listed */
    struct slot *slots[MODEL_USE_MAX];
    struct load loads[LOADS_MAX];
    struct active actives[MODEL_USE_TENANTS_MAX];
};

static char catalogue[SCORE_SHA256_BYTES + 1];
static pthread_once_t catalogue_once = PTHREAD_ONCE_INIT;

static void hash_catalogue(void)
{
    feature_catalogue_sha256(catalogue);
}

bool model_use_fits(const struct model_use *use)
{
    pthread_once(&catalogue_once, hash_catalogue);
    return strcmp(use->catalogue_sha256, catalogue) == 0;
}

struct model_uses *model_uses_new(struct store *s)
{
    struct model_uses *u = calloc(1, sizeof *u);
    pthread_condattr_t attr;

    if (!u)
        return NULL;
    u->store = s;
    pthread_mutex_init(&u->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&u->changed, &attr);
    pthread_condattr_destroy(&attr);
    return u;
}

static void slot_free(struct slot *s)
{
    arena_release(&s->arena);
    free(s);
}

void model_uses_free(struct model_uses *u)
{
    if (!u)
        return;
    for (size_t i = 0; i < u->n_slots; i++) {
        assert(u->slots[i]->n_refs == 1); /* the table's */
        slot_free(u->slots[i]);
    }
    pthread_cond_destroy(&u->changed);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

/* All that follow up to the next mark: with the lock held. */

static void drop_ref(struct slot *s)
{
    if (--s->n_refs == 0)
        slot_free(s);
}

static void unlist(struct model_uses *u, size_t i)
{
    struct slot *s = u->slots[i];

    u->n_bytes -= s->arena.total;
    u->slots[i] = u->slots[--u->n_slots];
    s->is_listed = false;
    drop_ref(s);
}

static void unlist_oldest(struct model_uses *u)
{
    size_t oldest = 0;

    for (size_t i = 1; i < u->n_slots; i++)
        if (u->slots[i]->used < u->slots[oldest]->used)
            oldest = i;
    unlist(u, oldest);
}

static void enlist(struct model_uses *u, struct slot *s)
{
    while (u->n_slots > 0 &&
           (u->n_slots == MODEL_USE_MAX || u->n_bytes + s->arena.total > MODEL_USE_BYTES))
        unlist_oldest(u);
    s->is_listed = true;
    s->n_refs++;
    s->used = ++u->tick;
    u->n_bytes += s->arena.total;
    u->slots[u->n_slots++] = s;
}

/* With a reference for the caller; NULL: it is not parsed. */
static struct slot *find(struct model_uses *u, int64_t tenant_id, const char *id)
{
    for (size_t i = 0; i < u->n_slots; i++) {
        struct slot *s = u->slots[i];

        if (s->tenant_id != tenant_id || strcmp(s->use.id, id) != 0)
            continue;
        s->used = ++u->tick;
        s->n_refs++;
        return s;
    }
    return NULL;
}

static struct load *find_load(struct model_uses *u, int64_t tenant_id, const char *id)
{
    for (size_t i = 0; i < LOADS_MAX; i++)
        if (u->loads[i].tenant_id == tenant_id && strcmp(u->loads[i].id, id) == 0)
            return &u->loads[i];
    return NULL;
}

/* Marks the load as ours; NULL: somebody else does it, or as many as may are under way. */
static struct load *begin_load(struct model_uses *u, int64_t tenant_id, const char *id)
{
    struct load *l = find_load(u, tenant_id, id) ? NULL : find_load(u, 0, "");

    if (!l)
        return NULL;
    l->tenant_id = tenant_id;
    snprintf(l->id, sizeof l->id, "%s", id);
    return l;
}

/* Waits until something changed, a while, or the end of the call. */
static enum status wait_for_change(struct call *c, struct model_uses *u)
{
    int64_t ns = call_left_ns(c, (int64_t)WAIT_MS * NS_PER_MS);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += until.tv_nsec;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    wait_begins();
    pthread_cond_timedwait(&u->changed, &u->lock, &until);
    wait_ends();
    return call_check(c);
}

/* The place of a tenant and kind: another pair of the same place pushes it out. */
static struct active *active_of(struct model_uses *u, int64_t tenant_id, ModelKind kind)
{
    uint64_t at = ((uint64_t)tenant_id * 8 + (uint64_t)kind) % MODEL_USE_TENANTS_MAX;
    struct active *e = &u->actives[at];

    if (e->tenant_id != tenant_id || e->kind != kind)
        *e = (struct active){.tenant_id = tenant_id, .kind = kind};
    return e;
}

/* Without the lock from here on. */

/* Reads and parses one model into a slot with the caller's reference. */
static enum status load_slot(struct call *c, struct model_uses *u, const char *id,
                             struct slot **out)
{
    struct slot *s = calloc(1, sizeof *s);
    enum status r;

    *out = NULL;
    if (!s)
        return call_nomem(c);
    s->tenant_id = c->principal.tenant_id;
    s->n_refs = 1;
    arena_init(&s->arena, MODEL_LOAD_ARENA_BYTES);
    r = model_load(c, u->store, id, &(struct model_loaded){&s->use, &s->arena});
    if (r != STATUS_OK) {
        slot_free(s);
        return r;
    }
    *out = s;
    return STATUS_OK;
}

/* The model with this id, from the table or the store; one caller loads, the others wait. */
static enum status obtain(struct call *c, struct model_uses *u, const char *id, struct slot **out)
{
    struct load *mine = NULL;
    enum status r = STATUS_OK;

    *out = NULL;
    pthread_mutex_lock(&u->lock);
    while (r == STATUS_OK && (*out = find(u, c->principal.tenant_id, id)) == NULL &&
           (mine = begin_load(u, c->principal.tenant_id, id)) == NULL)
        r = wait_for_change(c, u);
    pthread_mutex_unlock(&u->lock);
    if (!mine)
        return r;
    r = load_slot(c, u, id, out);
    pthread_mutex_lock(&u->lock);
    if (*out)
        enlist(u, *out);
    *mine = (struct load){0};
    pthread_cond_broadcast(&u->changed);
    pthread_mutex_unlock(&u->lock);
    return r;
}

/* Whether what is known is fresh, or somebody else is about to refresh it. */
static bool is_usable(const struct call *c, const struct active *e)
{
    return e->is_known && (e->is_looking || call_monotonic_ns(c) - e->looked_ns <
                                                (int64_t)MODEL_USE_TTL_MS * NS_PER_MS);
}

/* The id of the active model as last seen; *mine_out: the caller has to look. */
static enum status recall(struct call *c, struct model_uses *u, ModelKind kind, char *id,
                          bool *mine_out)
{
    enum status r = STATUS_OK;
    struct active *e;

    *mine_out = false;
    pthread_mutex_lock(&u->lock);
    e = active_of(u, c->principal.tenant_id, kind);
    while (r == STATUS_OK && !is_usable(c, e) && e->is_looking) {
        r = wait_for_change(c, u);
        e = active_of(u, c->principal.tenant_id, kind);
    }
    if (r == STATUS_OK && !is_usable(c, e))
        *mine_out = e->is_looking = true;
    snprintf(id, UUID_TEXT_BYTES + 1, "%s", e->id);
    pthread_mutex_unlock(&u->lock);
    return r;
}

/* Notes what a look found; a failed one leaves what was known. */
static void settle(struct call *c, struct model_uses *u, ModelKind kind, const char *id)
{
    struct active *e;

    pthread_mutex_lock(&u->lock);
    e = active_of(u, c->principal.tenant_id, kind);
    e->is_looking = false;
    if (id) {
        e->is_known = true;
        e->looked_ns = call_monotonic_ns(c);
        snprintf(e->id, sizeof e->id, "%s", id);
    }
    pthread_cond_broadcast(&u->changed);
    pthread_mutex_unlock(&u->lock);
}

enum status model_use_active(struct call *c, struct model_uses *u, ModelKind kind,
                             const struct model_use **out)
{
    char id[UUID_TEXT_BYTES + 1];
    struct slot *slot = NULL;
    enum status r;
    bool mine;

    *out = NULL;
    TRY(recall(c, u, kind, id, &mine));
    r = mine ? model_load_active_id(c, u->store, kind, id) : STATUS_OK;
    if (r == STATUS_OK && *id)
        r = obtain(c, u, id, &slot); /* before the others are told of it */
    if (mine)
        settle(c, u, kind, r == STATUS_OK ? id : NULL);
    if (slot)
        *out = &slot->use;
    return r;
}

enum status model_use_by_id(struct call *c, struct model_uses *u, const char *id,
                            const struct model_use **out)
{
    struct slot *slot;
    enum status r;

    *out = NULL;
    if (strlen(id) != UUID_TEXT_BYTES)
        return call_fail(c, STATUS_NOT_FOUND, "no model has this id");
    r = obtain(c, u, id, &slot);
    if (slot)
        *out = &slot->use;
    return r;
}

void model_use_put(struct model_uses *u, const struct model_use *use)
{
    if (!use)
        return;
    pthread_mutex_lock(&u->lock);
    drop_ref((struct slot *)use);
    pthread_mutex_unlock(&u->lock);
}

void model_use_forget(struct model_uses *u, int64_t tenant_id, ModelKind kind)
{
    pthread_mutex_lock(&u->lock);
    active_of(u, tenant_id, kind)->looked_ns = INT64_MIN / 2;
    pthread_mutex_unlock(&u->lock);
}
