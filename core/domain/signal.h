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
    const Lead *record;            /* the lead as it is stored, for hard rules only */
    const Company *record_company; /* never NULL: an empty one if the lead has none */
    const char *record_country;    /* alpha-2 of the person, else of the company; "" unknown */
    Lead own;                      /* inputs of signals only (outcome.h), and facts where a field
                                      is empty */
    Company own_company;           /* the same of its company */
    const Lead *lead;              /* own */
    const Company *company;        /* own_company */
    const char *country;           /* as record_country, of own and own_company */
    const QualificationPolicy *policy;   /* never NULL */
    const struct activity_rollup *r;     /* NULL: not looked up */
    const struct score_account *account; /* NULL: not looked up */
    struct email email;
    struct phone phone;
    bool has_email, email_ok, has_phone, phone_ok;
    enum name_flaw name_flaw;  /* NONE as well where there is no name */
    str title;                 /* job title, folded */
    str source, medium;        /* folded */
    int completeness_permille; /* weight of the signals whose field is known */
};

/* Sets *s in place: it points into itself, so it is never copied. */
MUST_CHECK enum status scene_set(struct scene *s, struct arena *a, const struct score_input *in);

/* What a rule made of the scene. One evaluation serves both the points of the rules and, raw, the
 * learned model (feature.h). */
struct signal_value {
    bool known;       /* false: the input is missing */
    int share;        /* permille of the row's points, -1000 to 1000; 1000 is the yes of a BOOL */
    const char *text; /* the value in words, and that of a CATEGORY; NULL: number says it */
    double number;    /* the magnitude, uncapped, in the row's unit; finite */
};

enum signal_type { SIGNAL_NUMBER, SIGNAL_CATEGORY, SIGNAL_BOOL, SIGNAL_TIME };

/* What "as of" an instant means for a signal. */
enum signal_basis {
    SIGNAL_RECORD,  /* the record as it is stored: the history of fields is not kept */
    SIGNAL_PAST,    /* activities up to the instant */
    SIGNAL_ACCOUNT, /* other leads of the company that existed at the instant */
    SIGNAL_CLOCK,   /* a date of the record against the instant */
    SIGNAL_FACT,    /* enrichment observed by the instant, or a custom attribute */
};

/* What it means that a signal is missing. */
enum signal_missing {
    SIGNAL_UNKNOWN, /* nobody filled it in, or it cannot be read */
    SIGNAL_NO,      /* what is not said is not so: a BOOL that is then false */
    SIGNAL_UNREAD,  /* activities, or the account, were not looked up */
    SIGNAL_NEVER,   /* it has not happened by the instant */
};

struct signal {
    const char *name;
    SignalGroup group;
    enum signal_type type;
    const char *unit; /* "" where there is none */
    enum signal_basis basis;
    enum signal_missing missing;
    int points;        /* at share 1000; 0: no rule, for the learned model only */
    int weight;        /* in the completeness of the record; 0: not asked of people */
    const char *field; /* path to fill in; "" if it is no field */
    struct signal_value (*eval)(const struct scene *s, const struct signal *row);
    int a, b, c;        /* arguments of eval */
    const char *text;   /* argument of eval */
    const char *words;  /* why it counts */
    const char *source; /* evaluator and arguments as written in signal.def, for the rules' hash */
};

const struct signal *signal_rows(size_t *n);

enum { SIGNAL_DIGEST_BYTES = 32, SIGNAL_LINE_BYTES = 512 /* one row of a table as text */ };

/* digest = SHA-256(digest, line): a chain, so that no text has to be held. */
void signal_digest(unsigned char digest[SIGNAL_DIGEST_BYTES], str line);

#endif
