/* signal: the inputs of a score, one row per signal; used by score only. */
#ifndef DOMAIN_SIGNAL_H
#define DOMAIN_SIGNAL_H

#include "domain/email.h"
#include "domain/name.h"
#include "domain/phone.h"
#include "domain/score.h"

/* Everything a rule may look at, read once per score. */
struct scene {
    struct arena *arena;
    const struct score_input *in;
    const Lead *lead;
    const Company *company;              /* never NULL: an empty one if the lead has none */
    const QualificationPolicy *policy;   /* never NULL */
    const struct activity_rollup *r;     /* NULL: not looked up */
    const struct score_account *account; /* NULL: not looked up */
    struct email email;
    struct phone phone;
    bool has_email, email_ok, has_phone, phone_ok;
    enum name_flaw name_flaw;  /* NONE as well where there is no name */
    str title;                 /* job title, folded */
    str source, medium;        /* folded */
    const char *country;       /* alpha-2 of the person, else of the company; "" unknown */
    int completeness_permille; /* weight of the signals whose field is known */
};

MUST_CHECK enum status scene_set(struct scene *s, struct arena *a, const struct score_input *in);

/* What a rule made of the scene. */
struct signal_value {
    bool known;       /* false: the input is missing */
    int share;        /* permille of the row's points, -1000 to 1000 */
    const char *text; /* the value in words; NULL: number says it */
    int64_t number;
};

struct signal {
    const char *name;
    SignalGroup group;
    int points;        /* at share 1000 */
    int weight;        /* in the completeness of the record; 0: not asked of people */
    const char *field; /* path to fill in; "" if it is no field */
    struct signal_value (*eval)(const struct scene *s, const struct signal *row);
    int a, b, c;        /* arguments of eval */
    const char *text;   /* argument of eval */
    const char *words;  /* why it counts */
    const char *source; /* evaluator and arguments as written in signal.def, for the rules' hash */
};

const struct signal *signal_rows(size_t *n);

#endif
