/* office: agents over an empty store of either engine, and one person with all that we may know of
 * one. What the calls return lives in o->call. */
#ifndef AGENT_OFFICE_H
#define AGENT_OFFICE_H

#include "agent/context.h"
#include "sales/v1/admin.h"
#include "sales/v1/sales_agent.h"
#include "storage/fixture.h"

/* Texts that occur nowhere else, in whatever spelling we store. */
#define NAME  "Zaphodina Beeblequux"
#define MAIL  "zaphodina@quuxheart.example"
#define PHONE "+4915199887766"
#define NOTE  "prefers xylophonics over pan-galactics"
enum { MARKS = 5 };
extern const char *const marks[MARKS];

struct office {
    struct fixture *f;
    struct call *call;
    struct agents agents;
    Lead *lead;
    Deal *deal;
};

void sit_down(struct office *o, struct fixture *f);
void stand_up(struct office *o);

/* sit_down, then a lead with two notes and a deal. */
void open_office(struct office *o, struct fixture *f);

/* Calls that must succeed. */
Lead *create_lead(struct office *o, char *name, char *mail, char *phone);
void log_note(struct office *o, Lead *lead, char *text);

/* Of long ago: the lead has newer ones, and stays as it is. */
void log_old_note(struct office *o, Lead *lead, char *text);

/* On the deal alone: it names no lead, and is about the deal's all the same. */
void log_deal_note(struct office *o, Deal *deal, char *text);
Deal *create_deal(struct office *o, Lead *lead);

/* Calls that the test checks. */
enum status erase(struct office *o, Subject *who, EraseSubjectResponse *out);
enum status hold(struct office *o, Subject *who, bool on, uint64_t *records);

Subject by_mail(char *mail);
uint64_t erased_of(const EraseSubjectResponse *out, const char *kind);

/* Does a file of the SQLite store hold these bytes? */
bool sqlite_holds(struct fixture *f, str bytes);

/* No mark in any file of the engine: database, log, and what it reports. */
void no_mark_in_files(struct fixture *f);

#endif
