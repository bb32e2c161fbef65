/* Checking a pipeline definition: names first, then the graph that its moves make. */
#include <assert.h>

#include "domain/guard.h"
#include "domain/pipeline.h"

enum { STAGES_MAX = 30, MOVES_MAX = 900, REASONS_MAX = 100, GUARDS_MAX = 20 };

struct review {
    struct arena *arena;
    const Pipeline *p;
    struct pipeline_problem *out;
    size_t n;
    bool nomem;
};

static void problem(struct review *r, const char *field, const char *rule, const char *text)
{
    if (!field)
        r->nomem = true;
    else if (r->n < PIPELINE_FAILURES_MAX)
        r->out[r->n++] = (struct pipeline_problem){field, {rule, text}};
}

static size_t find(const struct review *r, const char *key)
{
    size_t i = 0;

    while (i < r->p->n_stages && strcmp(r->p->stages[i]->key, key) != 0)
        i++;
    return i;
}

static void review_guards(struct review *r, size_t stage)
{
    const Stage *s = r->p->stages[stage];

    if (s->n_guards > GUARDS_MAX)
        problem(r, arena_printf(r->arena, "stages[%zu].guards", stage), "guards.count",
                "at most 20 guards");
    for (size_t i = 0; i < s->n_guards && i < GUARDS_MAX; i++) {
        const struct refusal *flaw = guard_flaw(s->guards[i]);

        if (flaw)
            problem(r, arena_printf(r->arena, "stages[%zu].guards[%zu].argument", stage, i),
                    flaw->rule, flaw->text);
        for (size_t k = 0; k < i; k++)
            if (strcmp(s->guards[k]->name, s->guards[i]->name) == 0)
                problem(r, arena_printf(r->arena, "stages[%zu].guards[%zu].name", stage, i),
                        "guard.name", "a name that no other guard of the stage has");
    }
}

static void review_stages(struct review *r)
{
    size_t n_kind[4] = {0};

    for (size_t i = 0; i < r->p->n_stages; i++) {
        const Stage *s = r->p->stages[i];

        if ((unsigned)s->kind < 4)
            n_kind[s->kind]++;
        if (find(r, s->key) != i)
            problem(r, arena_printf(r->arena, "stages[%zu].key", i), "stage.key",
                    "a key that no other stage has");
        if ((s->kind == STAGE_KIND_WON && s->probability < 1) ||
            (s->kind == STAGE_KIND_LOST && s->probability > 0) ||
            !(s->probability >= 0 && s->probability <= 1))
            problem(r, arena_printf(r->arena, "stages[%zu].probability", i), "stage.probability",
                    "0 to 1; 1 where deals are won, 0 where they are lost");
        review_guards(r, i);
    }
    if (r->p->stages[0]->kind != STAGE_KIND_OPEN)
        problem(r, "stages[0].kind", "stage.first", "an open stage first: deals begin there");
    if (!n_kind[STAGE_KIND_WON] || !n_kind[STAGE_KIND_LOST] || n_kind[0])
        problem(r, "stages", "stage.kinds", "at least one open, one won and one lost stage");
}

static void review_move(struct review *r, size_t i, size_t from, size_t to)
{
    const StageMove *m = r->p->moves[i];
    const Stage *const *s = (const Stage *const *)r->p->stages;
    bool closed = s[from]->kind != STAGE_KIND_OPEN;

    if (from == to)
        problem(r, arena_printf(r->arena, "moves[%zu]", i), "move.same", "two different stages");
    if (closed != (bool)m->reopen)
        problem(r, arena_printf(r->arena, "moves[%zu].reopen", i), "move.reopen",
                "reopen for moves out of a closed stage, and for no other");
    if (closed && s[to]->kind != STAGE_KIND_OPEN)
        problem(r, arena_printf(r->arena, "moves[%zu].to_stage", i), "move.closed",
                "an open stage: a closed deal is reopened first");
    for (size_t k = 0; k < i; k++)
        if (strcmp(r->p->moves[k]->from_stage, m->from_stage) == 0 &&
            strcmp(r->p->moves[k]->to_stage, m->to_stage) == 0)
            problem(r, arena_printf(r->arena, "moves[%zu]", i), "move.double", "each move once");
}

/* edges[from] bit to. */
static void review_moves(struct review *r, uint32_t edges[STAGES_MAX])
{
    for (size_t i = 0; i < r->p->n_moves; i++) {
        size_t from = find(r, r->p->moves[i]->from_stage), to = find(r, r->p->moves[i]->to_stage);

        if (from == r->p->n_stages || to == r->p->n_stages) {
            problem(r, arena_printf(r->arena, "moves[%zu]", i), "move.stage",
                    "stages of this pipeline");
            continue;
        }
        edges[from] |= 1u << to;
        review_move(r, i, from, to);
    }
}

/* All stages that can be reached from those in `set`. */
static uint32_t closure(const uint32_t edges[STAGES_MAX], uint32_t set)
{
    for (size_t round = 0; round < STAGES_MAX; round++)
        for (size_t i = 0; i < STAGES_MAX; i++)
            if (set >> i & 1)
                set |= edges[i];
    return set;
}

static void review_graph(struct review *r, const uint32_t edges[STAGES_MAX])
{
    uint32_t from_start = closure(edges, 1), won = 0, closed = 0;

    for (size_t i = 0; i < r->p->n_stages; i++) {
        won |= (uint32_t)(r->p->stages[i]->kind == STAGE_KIND_WON) << i;
        closed |= (uint32_t)(r->p->stages[i]->kind != STAGE_KIND_OPEN) << i;
    }
    for (size_t i = 0; i < r->p->n_stages; i++) {
        if (!(from_start >> i & 1))
            problem(r, arena_printf(r->arena, "stages[%zu]", i), "stage.reach",
                    "moves by which a new deal can come here");
        else if (!(closure(edges, 1u << i) & closed))
            problem(r, arena_printf(r->arena, "stages[%zu]", i), "stage.end",
                    "moves by which a deal can be closed from here");
    }
    if (!(from_start & won))
        problem(r, "moves", "pipeline.win", "moves by which a new deal can be won");
}

static void review_reasons(struct review *r)
{
    bool won = false, lost = false;

    for (size_t i = 0; i < r->p->n_reasons; i++) {
        const CloseReasonOption *o = r->p->reasons[i];

        won |= o->kind == STAGE_KIND_WON;
        lost |= o->kind == STAGE_KIND_LOST;
        if (o->kind != STAGE_KIND_WON && o->kind != STAGE_KIND_LOST)
            problem(r, arena_printf(r->arena, "reasons[%zu].kind", i), "reason.kind",
                    "won or lost");
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->p->reasons[k]->code, o->code) == 0)
                problem(r, arena_printf(r->arena, "reasons[%zu].code", i), "reason.code",
                        "a code that no other reason has");
    }
    if (!won || !lost)
        problem(r, "reasons", "reason.kinds", "at least one reason for winning and one for losing");
}

enum status pipeline_validate(struct arena *a, const Pipeline *p,
                              struct pipeline_problem out[PIPELINE_FAILURES_MAX], size_t *n_out)
{
    struct review r = {.arena = a, .p = p, .out = out};
    uint32_t edges[STAGES_MAX] = {0};

    if (p->n_stages < 3 || p->n_stages > STAGES_MAX || p->n_moves > MOVES_MAX ||
        p->n_reasons > REASONS_MAX) {
        problem(&r, "stages", "pipeline.size", "3 to 30 stages, at most 900 moves and 100 reasons");
    } else {
        review_stages(&r);
        review_moves(&r, edges);
        review_graph(&r, edges);
        review_reasons(&r);
    }
    *n_out = r.n;
    if (r.nomem)
        return STATUS_EXHAUSTED;
    return r.n ? STATUS_INVALID : STATUS_OK;
}
