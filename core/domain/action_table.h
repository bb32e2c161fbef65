/* action_table: the tables of action.def, for action*.c only. */
#ifndef DOMAIN_ACTION_TABLE_H
#define DOMAIN_ACTION_TABLE_H

#include "domain/action.h"

enum action_fact_kind { COUNT, AGE, FLAG, TEXT, STAMP };
enum action_about { ABOUT_LEAD = 1, ABOUT_DEAL = 2, ABOUT_EITHER = 3 };
enum action_op { GE, LE, EQ, NE };

struct action_fact_row {
    const char *name;
    enum action_fact_kind kind;
    EvidenceKind record; /* whose field it is; UNSPECIFIED: no evidence */
    const char *field;
};

struct action_row {
    const char *name;
    RecommendedAction action;
    enum action_about about;
    enum action_metric metric;
    double base, lift, sd, confidence;
    uint32_t channels; /* in order of preference, four bits each; 0: it needs none */
    enum action_when when;
    int days;
    Tone tone;
    Tool tool;
    const char *title, *rationale;
};

struct action_condition {
    enum action_id action;
    enum action_fact_id fact;
    enum action_op op;
    double value;
};

const struct action_row *action_row(enum action_id id);
const struct action_fact_row *action_fact_row(enum action_fact_id id);
const struct action_condition *action_conditions(size_t *n); /* of all actions */
const char *action_metric_name(enum action_metric m);

/* The number of a fact, or `otherwise` where it is not known. */
double action_number(const struct action_facts *f, enum action_fact_id id, double otherwise);

#endif
