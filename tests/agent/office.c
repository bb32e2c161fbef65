#include "agent/office.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/activity.h"
#include "agent/deal.h"
#include "agent/lead.h"
#include "agent/subject.h"

const char *const marks[MARKS] = {"zaphodina", "beeblequux", "quuxheart", "99887766",
                                  "xylophonics"};

void sit_down(struct office *o, struct fixture *f)
{
    *o = (struct office){.f = f, .call = &f->call};
    f->call.principal.roles = ROLE_BIT_ADMIN;
    snprintf(f->call.principal.subject, sizeof f->call.principal.subject, "ada");
    cr_assert_eq(agents_init(&f->call, &o->agents, f->store), STATUS_OK);
}

void stand_up(struct office *o)
{
    agents_release(&o->agents);
}

Lead *create_lead(struct office *o, char *name, char *mail, char *phone)
{
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    CreateLeadResponse out = CREATE_LEAD_RESPONSE_INIT;
    Lead lead = LEAD_INIT;

    lead.full_name = name;
    lead.email = mail;
    lead.phone = phone;
    in.lead = &lead;
    in.duplicate_policy = DUPLICATE_POLICY_KEEP_BOTH;
    o->call->method = "sales.v1.SalesAgent/CreateLead";
    o->call->answer = (str){0};
    o->call->request_id = uuid_text(&o->call->arena, uuid_new(o->call));
    cr_assert_eq(lead_create(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    o->call->request_id = "";
    return out.lead;
}

void log_note(struct office *o, Lead *lead, char *text)
{
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;
    Activity a = ACTIVITY_INIT;

    a.lead_id = lead->id;
    a.kind = ACTIVITY_KIND_NOTE;
    a.body = text;
    in.activity = &a;
    cr_assert_eq(activity_log(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
}

void log_old_note(struct office *o, Lead *lead, char *text)
{
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;
    Timestamp at = TIMESTAMP_INIT;
    Activity a = ACTIVITY_INIT;

    at.seconds = 1500000000;
    a.lead_id = lead->id;
    a.kind = ACTIVITY_KIND_NOTE;
    a.occurred_at = &at;
    a.body = text;
    in.activity = &a;
    cr_assert_eq(activity_log(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
}

void log_deal_note(struct office *o, Deal *deal, char *text)
{
    LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
    LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;
    Activity a = ACTIVITY_INIT;

    a.deal_id = deal->id;
    a.kind = ACTIVITY_KIND_NOTE;
    a.body = text;
    in.activity = &a;
    o->call->method = "sales.v1.SalesAgent/LogActivity";
    o->call->answer = (str){0};
    o->call->request_id = uuid_text(&o->call->arena, uuid_new(o->call));
    cr_assert_eq(activity_log(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    o->call->request_id = "";
}

Deal *create_deal(struct office *o, Lead *lead)
{
    CreateDealRequest in = CREATE_DEAL_REQUEST_INIT;
    CreateDealResponse out = CREATE_DEAL_RESPONSE_INIT;
    Deal deal = DEAL_INIT;
    Money amount = MONEY_INIT;
    DealContact contact = DEAL_CONTACT_INIT, *contacts[] = {&contact};

    amount.amount_minor = 1250000;
    amount.currency_code = "EUR";
    contact.lead_id = lead->id;
    contact.name = NAME;
    contact.email = MAIL;
    deal.name = "For " NAME;
    deal.lead_id = lead->id;
    deal.amount = &amount;
    deal.expected_close_date = "2031-01-31";
    deal.next_step = NOTE;
    deal.contacts = contacts;
    deal.n_contacts = 1;
    in.deal = &deal;
    cr_assert_eq(deal_create(o->call, &o->agents, &in, &out), STATUS_OK, "%s", o->call->fault.why);
    return out.deal;
}

/* One person with all that we may know of one. */
void open_office(struct office *o, struct fixture *f)
{
    sit_down(o, f);
    o->lead = create_lead(o, NAME, MAIL, PHONE);
    log_note(o, o->lead, NOTE);
    log_note(o, o->lead, "called " PHONE);
    o->deal = create_deal(o, o->lead);
}

enum status erase(struct office *o, Subject *who, EraseSubjectResponse *out)
{
    EraseSubjectRequest in = ERASE_SUBJECT_REQUEST_INIT;

    *out = (EraseSubjectResponse)ERASE_SUBJECT_RESPONSE_INIT;
    in.subject = who;
    in.reason = "request 17";
    return subject_erase(o->call, &o->agents, &in, out);
}

enum status hold(struct office *o, Subject *who, bool on, uint64_t *records)
{
    SetLegalHoldRequest in = SET_LEGAL_HOLD_REQUEST_INIT;
    SetLegalHoldResponse out = SET_LEGAL_HOLD_RESPONSE_INIT;
    enum status s;

    in.subject = who;
    in.hold = on;
    in.reason = "a case";
    s = subject_hold(o->call, &o->agents, &in, &out);
    *records = out.records;
    return s;
}

Subject by_mail(char *mail)
{
    Subject s = SUBJECT_INIT;

    s.key_case = SUBJECT_KEY_EMAIL;
    s.email = mail;
    return s;
}

uint64_t erased_of(const EraseSubjectResponse *out, const char *kind)
{
    for (size_t i = 0; i < out->n_erased; i++)
        if (strcmp(out->erased[i]->key, kind) == 0)
            return out->erased[i]->value;
    return 0;
}

/* Does a file below dir hold these bytes? (memmem: they may be of any kind) */
static bool file_holds(const char *path, str bytes)
{
    FILE *file = fopen(path, "rb");
    size_t n;
    char *all;
    bool found;

    if (!file)
        return false; /* gone meanwhile */
    all = malloc((size_t)1 << 26);
    cr_assert_not_null(all);
    n = fread(all, 1, (size_t)1 << 26, file);
    fclose(file);
    found = memmem(all, n, bytes.p, bytes.n) != NULL;
    free(all);
    return found;
}

bool sqlite_holds(struct fixture *f, str bytes)
{
    DIR *dir = opendir(f->dir);
    bool found = false;
    char path[512];

    cr_assert_not_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", f->dir, e->d_name);
        found |= e->d_type == DT_REG && file_holds(path, bytes);
    }
    closedir(dir);
    return found;
}

/* No mark in any file of the engine: database, log, and what it reports. */
void no_mark_in_files(struct fixture *f)
{
    char command[1024], *dir = f->dir, socket_dir[256] = "";

    if (f->engine == ENGINE_POSTGRES) {
        cr_assert_eq(sscanf(f->super, "host=%255s", socket_dir), 1);
        dir = socket_dir;
        fixture_sql(f, "CHECKPOINT");
    }
    for (size_t i = 0; i < MARKS; i++) {
        snprintf(command, sizeof command, "! grep -raqi '%s' '%s'", marks[i], dir);
        cr_assert_eq(system(command), 0, "%s is in the files of %s", marks[i],
                     engine_names[f->engine]);
    }
}
