/* enrich_offline: what an address, a number and a name tell, and what they do not. */
#include "domain/enrich_offline.h"
#include "support/table.h"

struct offline_case {
    struct {
        const char *email, *phone, *name, *domain, *locale;
    } in;
    const char *key, *value; /* value NULL: no such fact */
    double confidence;       /* 0: not checked */
};

/* clang-format off */
static const struct offline_case cases[] = {
    {{.email = "ada@acme.de"}, "email.valid", "true", 0.95},
    {{.email = "ada@@acme.de"}, "email.valid", "false", 0.95},
    {{.email = "ada@@acme.de"}, "email.kind", NULL, 0},
    {{.email = ""}, "email.valid", NULL, 0},
    {{.email = "ada@acme.de"}, "email.kind", "business", 0},
    {{.email = "ada@gmail.com"}, "email.kind", "free", 0},
    {{.email = "ada@mailinator.com"}, "email.kind", "disposable", 0},
    {{.email = "ada@mit.edu"}, "email.kind", "academic", 0},
    {{.email = "ada@cs.ox.ac.uk"}, "email.kind", "academic", 0},
    {{.email = "ada@nasa.gov"}, "email.kind", "government", 0},
    {{.email = "ada@hmrc.gov.uk"}, "email.kind", "government", 0},
    {{.email = "info@acme.de"}, "email.role", "true", 0},
    {{.email = "ada@acme.de"}, "email.role", "false", 0},

    {{.email = "ada@mail.acme.co.uk"}, "company.domain", "acme.co.uk", 0.8},
    {{.email = "ada@gmail.com"}, "company.domain", NULL, 0},
    {{.email = "ada@mailinator.com"}, "company.domain", NULL, 0},
    {{.email = "ada@mail.blue-sky.co.uk"}, "company.name", "Blue Sky", 0.3},
    {{.email = "ada@b\xC3\xBC" "cher.example"}, "company.name", "B\xC3\xBC" "cher", 0.3},
    {{.email = "ada@xn--bcher-kva.example"}, "company.name", NULL, 0},
    {{.email = "ada@web.de"}, "company.name", NULL, 0},
    {{.email = "a@acme.de", .domain = "acme.de"}, "company.domain_matches_email", "true", 0},
    {{.email = "a@eu.acme.de", .domain = "acme.de"}, "company.domain_matches_email", "true", 0},
    {{.email = "a@acme.de", .domain = "www.acme.de"}, "company.domain_matches_email", "true", 0},
    {{.email = "a@acme.de", .domain = "globex.com"}, "company.domain_matches_email", "false", 0},
    {{.email = "a@acme.de", .domain = "notacme.de"}, "company.domain_matches_email", "false", 0},
    {{.email = "a@acme.de"}, "company.domain_matches_email", NULL, 0},

    {{.phone = "+43 1 58858"}, "geo.country", "AT", 0.5},
    {{.phone = "0664 1234567"}, "geo.country", NULL, 0}, /* at home, wherever that is */
    {{.email = "a@acme.at"}, "geo.country", "AT", 0.4},
    {{.email = "a@acme.co.uk"}, "geo.country", "GB", 0.4},
    {{.email = "a@acme.eu"}, "geo.country", NULL, 0},
    {{.email = "a@acme.io"}, "geo.country", NULL, 0},
    {{.email = "a@acme.com"}, "geo.country", NULL, 0},
    {{.locale = "de-AT"}, "geo.country", "AT", 0.3},
    {{.locale = "de"}, "geo.country", NULL, 0},
    {{.email = "a@acme.at", .locale = "de-AT"}, "geo.country", "AT", 0.5},
    {{.email = "a@acme.de", .phone = "+43 1 58858"}, "geo.country", "AT", 0.5},
    {{.email = "a@acme.de", .locale = "de-AT"}, "geo.country", "DE", 0.4},

    {{.email = "ada.lovelace@acme.de"}, "person.name", "Ada Lovelace", 0.4},
    {{.email = "ADA.LOVELACE@acme.de"}, "person.name", "Ada Lovelace", 0.4},
    {{.email = "ada.lovelace+crm@acme.de"}, "person.name", "Ada Lovelace", 0.4},
    {{.email = "ada_lovelace@acme.de"}, "person.name", "Ada Lovelace", 0.4},
    {{.email = "ada.k.lovelace@acme.de"}, "person.name", "Ada K Lovelace", 0.4},
    {{.email = "anna-lena.meier@acme.de"}, "person.name", "Anna-Lena Meier", 0.4},
    {{.email = "ada@acme.de"}, "person.name", NULL, 0},
    {{.email = "a.lovelace@acme.de"}, "person.name", NULL, 0},
    {{.email = "ada.lovelace2@acme.de"}, "person.name", NULL, 0},
    {{.email = "ada.de.la.cruz@acme.de"}, "person.name", NULL, 0},
    {{.email = "test.user@acme.de"}, "person.name", NULL, 0},
    {{.email = "sales@acme.de"}, "person.name", NULL, 0},
    {{.email = "ada.lovelace@mailinator.com"}, "person.name", NULL, 0},

    {{.name = "Ada Lovelace"}, "person.name_plausible", "true", 0},
    {{.name = "asdf"}, "person.name_plausible", "false", 0},
    {{.email = "ada@acme.de"}, "person.name_plausible", NULL, 0},
};
/* clang-format on */

TABLE_TEST(enrich_offline, tells_what_can_be_told, struct offline_case, cases)
{
    struct enrich_fact facts[ENRICH_OFFLINE_FACTS_MAX];
    const struct enrich_fact *found = NULL;
    struct arena a;
    size_t n;
    struct enrich_subject s = {str_of(row->in.email), str_of(row->in.phone), str_of(row->in.name),
                               str_of(row->in.domain), str_of(row->in.locale)};

    arena_init(&a, 1 << 20);
    cr_assert_eq(enrich_offline(&a, &s, 77, facts, &n), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        cr_assert_str_eq(facts[i].source, "offline");
        cr_assert_eq(facts[i].observed_at_us, 77);
        cr_assert(facts[i].confidence > 0 && facts[i].confidence <= 1 && *facts[i].value);
        if (strcmp(facts[i].key, row->key) == 0)
            found = &facts[i];
    }
    cr_assert_eq(found != NULL, row->value != NULL, "%s of %s: %s", row->key, row->in.email,
                 found ? found->value : "none");
    if (found)
        cr_assert_str_eq(found->value, row->value);
    if (found && row->confidence > 0)
        cr_assert_float_eq(found->confidence, row->confidence, 1e-9, "%g", found->confidence);
    arena_release(&a);
}

Test(enrich_offline, a_full_arena_is_reported_at_every_size)
{
    struct enrich_subject s = {STR("ada.lovelace@mail.acme.at"), STR("+43158858"),
                               STR("Ada Lovelace"), STR("acme.at"), STR("de-AT")};
    enum status status = STATUS_EXHAUSTED;

    for (size_t limit = 0; status != STATUS_OK; limit += 256) {
        struct enrich_fact facts[ENRICH_OFFLINE_FACTS_MAX];
        struct arena small;
        size_t n;

        cr_assert_lt(limit, 1 << 20);
        arena_init(&small, limit);
        status = enrich_offline(&small, &s, 1, facts, &n);
        cr_assert(status == STATUS_OK ? n == 9 : n == 0, "%zu facts", n);
        if (status == STATUS_OK)
            cr_assert_str_eq(facts[8].value, "true");
        arena_release(&small);
    }
}
