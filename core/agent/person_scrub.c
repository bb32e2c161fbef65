#include "agent/person_scrub.h"

#include <string.h>

#include "agent/person_place.h"

enum { NAME_BYTES_MIN = 4 };

static char none[] = "", erased[] = "(erased)";

bool person_owns(const Lead *lead, const Deal *d)
{
    return *d->lead_id && strcasecmp(d->lead_id, lead->id) == 0;
}

/* Part of a word: letters and digits, and what is not ASCII. */
static bool in_word(char c)
{
    unsigned char u = (unsigned char)c;

    return u >= 0x80 || (u >= '0' && u <= '9') || ((u | 32) >= 'a' && (u | 32) <= 'z');
}

/* Whether the text holds `name` as whole words. ASCII case does not count. */
static bool holds(const char *text, str name)
{
    for (const char *at = text; name.n && *at; at++)
        if (strncasecmp(at, name.p, name.n) == 0 && (at == text || !in_word(at[-1])) &&
            !in_word(at[name.n]))
            return true;
    return false;
}

/* Whether it holds one of these words: particles such as "von" are too short to count. */
static bool holds_word(const char *text, const char *name)
{
    str rest = str_of(name);
    bool found = false;

    while (!found && rest.n) {
        str word = str_cut(&rest, ' ');

        found = word.n >= NAME_BYTES_MIN && holds(text, word);
    }
    return found;
}

static bool mentions(const Lead *lead, const char *text)
{
    bool found = holds(text, str_of(lead->full_name)) || holds_word(text, lead->full_name) ||
                 holds(text, str_of(lead->family_name)) || holds(text, str_of(lead->email)) ||
                 holds(text, str_of(lead->phone));

    for (size_t i = 0; !found && i < lead->n_other_emails; i++)
        found = holds(text, str_of(lead->other_emails[i]));
    for (size_t i = 0; !found && i < lead->n_other_phones; i++)
        found = holds(text, str_of(lead->other_phones[i]));
    return found;
}

/* With NULL for the lead the text goes in any case. */
static void scrub_text(const Lead *lead, char **text, char *instead)
{
    if (!lead || mentions(lead, *text))
        *text = instead;
}

static bool is_them(struct arena *a, const Lead *lead, const DealContact *contact)
{
    return strcasecmp(contact->lead_id, lead->id) == 0 ||
           person_has_mailbox(a, lead, contact->email);
}

static void scrub_attributes(const Lead *lead, Deal *d)
{
    size_t n = 0;

    for (size_t i = 0; lead && i < d->n_attributes; i++) {
        const AttributeValue *v = d->attributes[i]->value;

        if (!v || v->kind_case != ATTRIBUTE_VALUE_KIND_STRING_VALUE ||
            !mentions(lead, v->string_value))
            d->attributes[n++] = d->attributes[i];
    }
    d->n_attributes = n;
}

static void scrub_reason(const Lead *lead, CloseReason *r)
{
    size_t n = 0;

    scrub_text(lead, &r->note, none);
    for (size_t i = 0; lead && i < r->n_evidence; i++)
        if (!mentions(lead, r->evidence[i]->quote))
            r->evidence[n++] = r->evidence[i];
    r->n_evidence = n;
}

void person_scrub_deal(struct arena *a, const Lead *lead, Deal *d)
{
    const Lead *only = person_owns(lead, d) ? NULL : lead;
    size_t n = 0;

    for (size_t i = 0; i < d->n_contacts; i++)
        if (!is_them(a, lead, d->contacts[i]))
            d->contacts[n++] = d->contacts[i];
    d->n_contacts = n;
    scrub_text(lead, &d->name, erased);
    if (d->company)
        scrub_text(lead, &d->company->name, erased);
    scrub_text(only, &d->next_step, none);
    scrub_attributes(only, d);
    for (size_t i = 0; i < d->n_history; i++)
        scrub_text(only, &d->history[i]->note, none);
    if (d->close_reason)
        scrub_reason(only, d->close_reason);
}

Deal *person_excerpt(struct arena *a, const Lead *lead, const Deal *d)
{
    Deal *out = NEW(a, Deal, 1);
    DealContact **contacts = NEW(a, DealContact *, d->n_contacts + 1);

    if (!out || !contacts)
        return NULL;
    *out = (Deal)DEAL_INIT;
    out->id = d->id;
    out->contacts = contacts;
    for (size_t i = 0; i < d->n_contacts; i++)
        if (is_them(a, lead, d->contacts[i]))
            contacts[out->n_contacts++] = d->contacts[i];
    return out;
}
