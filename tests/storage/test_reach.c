/* What a caller may not touch does not exist for it: on every way into the records, on both
 * engines, against a model that knows owner and team of each. */
#include <stdio.h>
#include <stdlib.h>

#include "storage/store_test.h"
#include "store/reach.h"
#include "store/record_info.h"

#define STORE_SUITE store_reach

enum { N_LEADS = 90, N_PEOPLE = 4, N_TEAMS = 3, PAGE = 7 };

/* owner and team of lead i: every pair occurs, also none */
static const char *const people[N_PEOPLE] = {"", "ann", "bob", "cid"};
static const char *const teams[N_TEAMS] = {"", "north", "south"};

static const char *owner_of(int i)
{
    return people[i % N_PEOPLE];
}
static const char *team_of(int i)
{
    return teams[i / N_PEOPLE % N_TEAMS];
}

struct world {
    char lead[N_LEADS][UUID_TEXT_BYTES + 1], deal[N_LEADS][UUID_TEXT_BYTES + 1];
    int at;
};

static enum status fill_unit(struct call *c, struct tx *tx, void *arg)
{
    struct world *w = arg;

    for (int i = 0; i < N_LEADS; i++) {
        Lead *lead = make_lead(c, "Ada", arena_printf(&c->arena, "a%d@example.com", i));
        Deal deal = DEAL_INIT;
        Activity activity = ACTIVITY_INIT;
        LeadScoreSummary score = LEAD_SCORE_SUMMARY_INIT;
        Timestamp when = TIMESTAMP_INIT;

        score.score = i % 11;
        when.seconds = 1700000000 + i;
        lead->owner_id = (char *)owner_of(i);
        lead->team_id = (char *)team_of(i);
        lead->score = &score;
        TRY(tx_insert_lead(tx, lead));
        deal.name = "Deal";
        deal.owner_id = (char *)owner_of(i);
        deal.team_id = (char *)team_of(i);
        TRY(tx_insert_deal(tx, &deal));
        activity.occurred_at = &when;
        if (i % 2)
            activity.lead_id = lead->id;
        else
            activity.deal_id = deal.id;
        activity.external_id = arena_printf(&c->arena, "e%d", i);
        TRY(tx_insert_activity(tx, &activity));
        snprintf(w->lead[i], sizeof w->lead[i], "%s", lead->id);
        snprintf(w->deal[i], sizeof w->deal[i], "%s", deal.id);
    }
    return STATUS_OK;
}

/* Who asks, and what it may. */
struct asker {
    enum reach_scope scope;
    const char *subject;
    const char *teams[2];
    size_t n_teams;
};

static const struct asker askers[] = {
    {REACH_ALL, "ann", {0}, 0},
    {REACH_NONE, "ann", {"north"}, 1},
    {REACH_OWN, "ann", {"north"}, 1},
    {REACH_TEAM, "ann", {0}, 0},
    {REACH_TEAM, "ann", {"north"}, 1},
    {REACH_TEAM, "bob", {"north", "south"}, 2},
    {REACH_TEAM, "nobody", {"south"}, 1},
    {REACH_TEAM, "", {""}, 1}, /* nameless: what has no owner is not its */
};

static void become(struct call *c, const struct asker *a)
{
    snprintf(c->principal.subject, sizeof c->principal.subject, "%s", a->subject);
    c->principal.teams = a->teams;
    c->principal.n_teams = a->n_teams;
    c->reach = (struct reach){a->scope, a->scope, a->scope, "test.rule"};
}

static bool may(const struct asker *a, int i)
{
    if (a->scope == REACH_ALL || a->scope == REACH_NONE)
        return a->scope == REACH_ALL;
    if (*owner_of(i) && strcmp(owner_of(i), a->subject) == 0)
        return true;
    for (size_t t = 0; a->scope == REACH_TEAM && t < a->n_teams; t++)
        if (*team_of(i) && strcmp(team_of(i), a->teams[t]) == 0)
            return true;
    return false;
}

static int number_may(const struct asker *a)
{
    int n = 0;

    for (int i = 0; i < N_LEADS; i++)
        n += may(a, i);
    return n;
}

static int index_of(char ids[N_LEADS][UUID_TEXT_BYTES + 1], const char *id)
{
    for (int i = 0; i < N_LEADS; i++)
        if (strcmp(ids[i], id) == 0)
            return i;
    cr_assert_fail("an unknown id");
    return -1;
}

struct get {
    const char *id;
    enum record_kind kind;
    enum status got;
};

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    struct get *k = arg;
    ProtobufCMessage *m;

    k->got = tx_get(tx, k->kind, str_of(k->id), &m);
    cr_assert_eq(k->got == STATUS_OK, m != NULL);
    call_clear(c);
    return STATUS_OK;
}

static void fill(struct fixture *f, struct world *w)
{
    RUN(f, STORE_WRITE, fill_unit, w, STATUS_OK);
}

STORE_TEST(get_knows_only_what_is_in_reach)
{
    struct world w;

    fill(f, &w);
    for (size_t a = 0; a < sizeof askers / sizeof *askers; a++) {
        become(&f->call, &askers[a]);
        for (int i = 0; i < N_LEADS; i++) {
            struct get lead = {.id = w.lead[i], .kind = RECORD_LEAD};
            struct get deal = {.id = w.deal[i], .kind = RECORD_DEAL};

            RUN(f, STORE_READ, get_unit, &lead, STATUS_OK);
            RUN(f, STORE_READ, get_unit, &deal, STATUS_OK);
            cr_assert_eq(lead.got, may(&askers[a], i) ? STATUS_OK : STATUS_NOT_FOUND);
            cr_assert_eq(deal.got, lead.got);
        }
    }
}

struct list {
    enum record_kind kind;
    const char *order, *filter, *search;
    char (*ids)[UUID_TEXT_BYTES + 1];
    const struct asker *asker;
    int n, pages;
};

/* Walks all pages: each record once, in reach, and in the order that one page would have. */
static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list *k = arg;
    struct list_query q = {.order_by = str_of(k->order),
                           .filter = str_of(k->filter),
                           .search = str_of(k->search),
                           .page_size = PAGE_SIZE_MAX};
    struct list_page all, page = {.next_page_token = ""};

    (void)c;
    TRY(tx_list(tx, k->kind, &q, &all));
    q.page_size = PAGE;
    k->n = 0;
    do {
        q.page_token = str_of(page.next_page_token);
        TRY(tx_list(tx, k->kind, &q, &page));
        for (size_t i = 0; i < page.n_items; i++) {
            const struct record_info *info = record_info(k->kind);
            str id = field_read(page.items[i], &info->id).text;

            cr_assert_lt(k->n, (int)all.n_items);
            cr_assert(str_eq(id, field_read(all.items[k->n], &info->id).text));
            if (k->ids)
                cr_assert(may(k->asker, index_of(k->ids, id.p)), "%s", id.p);
            k->n++;
        }
    } while (*page.next_page_token);
    cr_assert_eq(k->n, (int)all.n_items);
    return STATUS_OK;
}

STORE_TEST(lists_leave_out_what_is_not)
{
    static const char *const orders[] = {"", "create_time", "score desc",
                                         "score, create_time desc"};
    struct world w;

    fill(f, &w);
    for (size_t a = 0; a < sizeof askers / sizeof *askers; a++)
        for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
            struct list k = {RECORD_LEAD, orders[o], "", "", w.lead, &askers[a], 0, 0};
            struct list hostile = {RECORD_LEAD, orders[o], "score >= 0 OR owner_id != \"x\"",
                                   "",          w.lead,    &askers[a],
                                   0,           0};
            struct list words = {RECORD_LEAD, orders[o], "", "ada", w.lead, &askers[a], 0, 0};

            become(&f->call, &askers[a]);
            RUN(f, STORE_READ, list_unit, &k, STATUS_OK);
            RUN(f, STORE_READ, list_unit, &hostile, STATUS_OK);
            RUN(f, STORE_READ, list_unit, &words, STATUS_OK);
            cr_assert_eq(k.n, number_may(&askers[a]), "asker %zu order %zu: %d", a, o, k.n);
            cr_assert_eq(hostile.n, k.n);
            cr_assert_eq(words.n, k.n);
        }
}

STORE_TEST(activities_are_as_their_lead_or_deal)
{
    struct world w;

    fill(f, &w);
    for (size_t a = 0; a < sizeof askers / sizeof *askers; a++) {
        struct list k = {RECORD_ACTIVITY, "", "", "", NULL, &askers[a], 0, 0};

        become(&f->call, &askers[a]);
        RUN(f, STORE_READ, list_unit, &k, STATUS_OK);
        cr_assert_eq(k.n, number_may(&askers[a]), "asker %zu: %d", a, k.n);
    }
}

static enum status group_unit(struct call *c, struct tx *tx, void *arg)
{
    struct group_rows rows;

    (void)c;
    TRY(tx_group(tx, RECORD_DEAL, &(struct group_query){.filter = STR("")}, &rows));
    *(int64_t *)arg = rows.n_rows ? rows.rows[0].count : 0;
    return STATUS_OK;
}

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    int *n = arg;

    *n = 0;
    for (int i = 0; i < N_LEADS; i++) {
        Lead *lead;
        Activity *activity;
        char email[40], external[16];
        enum status by_email, by_id;

        snprintf(email, sizeof email, "a%d@example.com", i);
        snprintf(external, sizeof external, "e%d", i);
        by_email = tx_find_lead(tx, LEAD_BY_email, str_of(email), &lead);
        call_clear(c);
        by_id = tx_find_activity(tx, ACTIVITY_BY_external_id, str_of(external), &activity);
        call_clear(c);
        cr_assert_eq(by_email, by_id, "lead %d", i);
        *n += by_email == STATUS_OK;
    }
    return STATUS_OK;
}

static enum status many_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct world *w = arg;
    ProtobufCMessage *leads[N_LEADS];
    str ids[N_LEADS];
    int n = 0;

    for (int i = 0; i < N_LEADS; i++)
        ids[i] = str_of(w->lead[i]);
    TRY(tx_get_many(tx, RECORD_LEAD, ids, N_LEADS, leads));
    for (int i = 0; i < N_LEADS; i++)
        n += leads[i] != NULL;
    ((struct world *)arg)->at = n;
    (void)c;
    return STATUS_OK;
}

STORE_TEST(counts_and_look_ups_too)
{
    struct world w;

    fill(f, &w);
    for (size_t a = 0; a < sizeof askers / sizeof *askers; a++) {
        int64_t counted;
        int found;

        become(&f->call, &askers[a]);
        RUN(f, STORE_READ, group_unit, &counted, STATUS_OK);
        RUN(f, STORE_READ, find_unit, &found, STATUS_OK);
        RUN(f, STORE_READ, many_unit, &w, STATUS_OK);
        cr_assert_eq(counted, number_may(&askers[a]));
        cr_assert_eq(found, number_may(&askers[a]));
        cr_assert_eq(w.at, number_may(&askers[a]));
    }
}

/* A change in a unit of its own, from a message read by somebody who sees everything. */
struct change {
    const char *id;
    const char *new_owner, *new_team; /* NULL: as it is */
    bool blind;                       /* no read in the unit that writes */
    bool erase, widen;
    Lead *lead;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct change *k = arg;

    (void)c;
    return tx_get_lead(tx, str_of(k->id), &k->lead);
}

static enum status change_unit(struct call *c, struct tx *tx, void *arg)
{
    struct change *k = arg;

    (void)c;
    if (k->widen)
        tx_widen(tx);
    if (!k->blind)
        TRY(tx_get_lead(tx, str_of(k->id), &k->lead));
    if (k->erase)
        return tx_delete_lead(tx, str_of(k->id), STR(""));
    if (k->new_owner)
        k->lead->owner_id = (char *)k->new_owner;
    if (k->new_team)
        k->lead->team_id = (char *)k->new_team;
    return tx_update_lead(tx, k->lead);
}

static int find_lead(const struct asker *a, bool within)
{
    for (int i = 0; i < N_LEADS; i++)
        if (may(a, i) == within)
            return i;
    cr_assert_fail("no such lead");
    return -1;
}

static void expect(struct fixture *f, struct change *k, enum status want)
{
    enum status got = store_run(f->store, &f->call, STORE_WRITE, change_unit, k);

    cr_assert_eq(got, want, "%s: %s, wanted %s", engine_names[f->engine], status_name(got),
                 status_name(want));
    if (want == STATUS_DENIED) {
        cr_assert_str_eq(f->call.fault.reason, "OUT_OF_REACH");
        cr_assert(has_detail(&f->call, "rule", "test.rule"));
    }
    call_clear(&f->call);
}

STORE_TEST(changes_stay_in_reach)
{
    const struct asker *ann = &askers[4];
    struct world w;
    struct change k;

    fill(f, &w);
    become(&f->call, ann);
    k = (struct change){.id = w.lead[find_lead(ann, true)], .new_owner = "ann"};
    expect(f, &k, STATUS_OK);
    k = (struct change){
        .id = w.lead[find_lead(ann, true)], .new_owner = "bob", .new_team = "south"};
    expect(f, &k, STATUS_DENIED); /* out of her hands */
    k = (struct change){.id = w.lead[find_lead(ann, true)], .new_owner = "", .new_team = ""};
    expect(f, &k, STATUS_DENIED); /* nobody's */
    k = (struct change){
        .id = w.lead[find_lead(ann, true)], .new_owner = "bob", .new_team = "north"};
    expect(f, &k, STATUS_OK);
    k = (struct change){.id = w.lead[find_lead(ann, false)]};
    expect(f, &k, STATUS_NOT_FOUND);
    k.widen = true;
    expect(f, &k, STATUS_OK);
    k = (struct change){.id = w.lead[find_lead(ann, false)], .erase = true, .blind = true};
    expect(f, &k, STATUS_DENIED);
}

/* One who sees all and may change its own only: a record that was read may still be out of reach,
 * and one that was not read in the unit is looked at. */
STORE_TEST(seeing_is_not_changing)
{
    const struct asker *ann = &askers[4];
    struct world w;

    fill(f, &w);
    for (int blind = 0; blind < 2; blind++)
        for (int within = 0; within < 2; within++) {
            struct change k = {.id = w.lead[find_lead(ann, within)], .blind = blind};

            f->call.reach = (struct reach){0};
            RUN(f, STORE_READ, read_unit, &k, STATUS_OK);
            become(&f->call, ann);
            f->call.reach.see = REACH_ALL;
            expect(f, &k, within ? STATUS_OK : STATUS_DENIED);
        }
}

static enum status insert_unit(struct call *c, struct tx *tx, void *arg)
{
    struct change *k = arg;
    Lead *lead = make_lead(c, "New", "");
    Activity activity = ACTIVITY_INIT;
    Timestamp when = TIMESTAMP_INIT;

    activity.occurred_at = &when;
    activity.lead_id = (char *)k->id;
    if (k->id)
        return tx_insert_activity(tx, &activity);
    lead->owner_id = (char *)k->new_owner;
    lead->team_id = (char *)k->new_team;
    return tx_insert_lead(tx, lead);
}

STORE_TEST(what_is_made_stays_in_reach)
{
    const struct asker *ann = &askers[4];
    struct world w;

    fill(f, &w);
    become(&f->call, ann);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.new_owner = "ann", .new_team = ""}),
        STATUS_OK);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.new_owner = "bob", .new_team = "north"}),
        STATUS_OK);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.new_owner = "bob", .new_team = "south"}),
        STATUS_DENIED);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.new_owner = "", .new_team = ""}),
        STATUS_DENIED);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.id = w.lead[find_lead(ann, true)]}),
        STATUS_OK);
    RUN(f, STORE_WRITE, insert_unit, (&(struct change){.id = w.lead[find_lead(ann, false)]}),
        STATUS_DENIED);
}

Test(store_reach, copies_are_judged_as_records)
{
    struct call c;
    Lead lead = LEAD_INIT;
    Activity activity = ACTIVITY_INIT;

    call_init(&c, NULL, 1 << 16);
    become(&c, &askers[4]);
    cr_assert_not(reach_sees(&c, RECORD_LEAD, &lead.base));
    lead.team_id = "north";
    cr_assert(reach_sees(&c, RECORD_LEAD, &lead.base));
    cr_assert_not(reach_sees(&c, RECORD_ACTIVITY, &activity.base));
    c.reach.see = REACH_ALL;
    cr_assert(reach_sees(&c, RECORD_ACTIVITY, &activity.base));
    call_release(&c);
}
