/* email: what is accepted, what is one mailbox, what the host tells. */
#include "domain/email.h"
#include "domain/text.h"
#include "support/table.h"

struct email_case {
    const char *in, *address, *key;
    enum email_kind kind;
    bool role;
};

static const struct email_case accepted[] = {
    {"Ada@Example.COM", "Ada@example.com", "ada@example.com", EMAIL_BUSINESS, false},
    {"  <ada@example.com> ", "ada@example.com", "ada@example.com", EMAIL_BUSINESS, false},
    {"mailto:ada@example.com", "ada@example.com", "ada@example.com", EMAIL_BUSINESS, false},
    {"a.d.a+news@gmail.com", "a.d.a+news@gmail.com", "ada@gmail.com", EMAIL_FREE, false},
    {"Ada@googlemail.com", "Ada@googlemail.com", "ada@gmail.com", EMAIL_FREE, false},
    {"a.d.a@outlook.com", "a.d.a@outlook.com", "a.d.a@outlook.com", EMAIL_FREE, false},
    {"ada+x@acme.com", "ada+x@acme.com", "ada@acme.com", EMAIL_BUSINESS, false},
    {"+x@acme.com", "+x@acme.com", "+x@acme.com", EMAIL_BUSINESS, false},
    {"info@acme.com", "info@acme.com", "info@acme.com", EMAIL_BUSINESS, true},
    {"Sales+eu@acme.com", "Sales+eu@acme.com", "sales@acme.com", EMAIL_BUSINESS, true},
    {"x@mailinator.com", "x@mailinator.com", "x@mailinator.com", EMAIL_DISPOSABLE, false},
    {"x@eu.mailinator.com", "x@eu.mailinator.com", "x@eu.mailinator.com", EMAIL_DISPOSABLE, false},
    {"x@mit.edu", "x@mit.edu", "x@mit.edu", EMAIL_ACADEMIC, false},
    {"x@cs.ox.ac.uk", "x@cs.ox.ac.uk", "x@cs.ox.ac.uk", EMAIL_ACADEMIC, false},
    {"x@unsw.edu.au", "x@unsw.edu.au", "x@unsw.edu.au", EMAIL_ACADEMIC, false},
    {"x@hmrc.gov.uk", "x@hmrc.gov.uk", "x@hmrc.gov.uk", EMAIL_GOVERNMENT, false},
    {"x@nasa.gov", "x@nasa.gov", "x@nasa.gov", EMAIL_GOVERNMENT, false},
    {"x@edu.com", "x@edu.com", "x@edu.com", EMAIL_BUSINESS, false},
    {"o'brien!#$%&*/=?^_`{|}~-@acme.com", "o'brien!#$%&*/=?^_`{|}~-@acme.com",
     "o'brien!#$%&*/=?^_`{|}~-@acme.com", EMAIL_BUSINESS, false},
    {"j\xC3\xB6rg@b\xC3\xBC"
     "cher.de",
     "j\xC3\xB6rg@b\xC3\xBC"
     "cher.de",
     "j\xC3\xB6rg@xn--bcher-kva.de", EMAIL_BUSINESS, false},
};

TABLE_TEST(email, accepts_and_normalises, struct email_case, accepted)
{
    struct arena a;
    struct refusal why;
    struct email e;

    arena_init(&a, 1 << 20);
    cr_assert_eq(email_parse(&a, str_of(row->in), &e, &why), STATUS_OK, "[%s] %s", row->in,
                 why.rule);
    cr_assert(str_eq(email_key(&a, str_of(row->in)), e.key), "[%s]", row->in);
    cr_assert(str_eq(e.address, str_of(row->address)), "[%s] " STR_FMT, row->in,
              STR_ARG(e.address));
    cr_assert(str_eq(e.key, str_of(row->key)), "[%s] " STR_FMT, row->in, STR_ARG(e.key));
    cr_assert_eq(e.kind, row->kind, "[%s] is %s", row->in, email_kind_name(e.kind));
    cr_assert_eq(e.is_role, row->role, "[%s]", row->in);
    arena_release(&a);
}

struct refused_case {
    const char *in, *rule;
};

#define L64 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg"

static const struct refused_case refused[] = {
    {"", "email.at"},
    {"ada", "email.at"},
    {"@acme.com", "email.local_empty"},
    {"ada@", "domain.length"},
    {"ada@@acme.com", "email.at"},
    {"ada@acme.com@acme.com", "email.at"},
    {".ada@acme.com", "email.dots"},
    {"ada.@acme.com", "email.dots"},
    {"a..da@acme.com", "email.dots"},
    {"\"a da\"@acme.com", "email.quoted"},
    {"a da@acme.com", "email.characters"},
    {"a(c)da@acme.com", "email.characters"},
    {"a,b@acme.com", "email.characters"},
    {"ada@acme", "domain.one_label"},
    {"ada@127.0.0.1", "domain.address"},
    {"ada@[127.0.0.1]", "domain.characters"},
    {"ada@acme..com", "domain.empty_label"},
    {"Ada <ada@acme.com>", "email.characters"},
    {"ada\xFF@acme.com", "email.utf8"},
    {L64 "h@acme.com", "email.local_length"},
    {L64 "@" L64 ".com", "domain.label_length"},
    {L64
     "@a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
     "a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789.a23456789."
     "a23456.com",
     "email.length"},
};

TABLE_TEST(email, says_which_rule_refused, struct refused_case, refused)
{
    struct arena a;
    struct refusal why;
    struct email e;

    arena_init(&a, 1 << 20);
    cr_assert_eq(email_parse(&a, str_of(row->in), &e, &why), STATUS_INVALID, "[%s]", row->in);
    cr_assert_eq(email_key(&a, str_of(row->in)).n, 0, "[%s]", row->in);
    cr_assert_str_eq(why.rule, row->rule, "[%s] gave %s", row->in, why.rule);
    cr_assert_eq(e.address.n, 0);
    arena_release(&a);
}

Test(email, only_an_organisation_has_a_company_domain)
{
    struct arena a;
    struct refusal why;
    struct email e;

    arena_init(&a, 1 << 20);
    cr_assert_eq(email_parse(&a, STR("x@eu.mail.acme.co.uk"), &e, &why), STATUS_OK);
    cr_assert(str_eq(email_company_domain(&e), STR("acme.co.uk")));
    cr_assert_eq(email_parse(&a, STR("x@gmail.com"), &e, &why), STATUS_OK);
    cr_assert_eq(email_company_domain(&e).n, 0);
    arena_release(&a);
}

static const char *const lists[][300] = {
#define X(text) text,
    {
#include "domain/free_mail.def"
    },
    {
#include "domain/disposable_mail.def"
    },
    {
#include "domain/role_account.def"
    },
    {
#include "domain/legal_form.def"
    },
#undef X
};

Test(email, every_list_is_sorted_and_without_doubles)
{
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 1; lists[l][i]; i++)
            cr_assert_lt(strcmp(lists[l][i - 1], lists[l][i]), 0, "%s before %s", lists[l][i - 1],
                         lists[l][i]);
}

Test(email, running_out_of_memory_is_clean_at_every_byte)
{
    enum status s = STATUS_EXHAUSTED;
    size_t limit = 0;

    for (; s != STATUS_OK && limit < 1 << 16; limit += 4096) {
        struct arena a;
        struct refusal why;
        struct email e;

        arena_init(&a, limit);
        s = email_parse(&a,
                        STR("j\xC3\xB6rg@b\xC3\xBC"
                            "cher.de"),
                        &e, &why);
        cr_assert(s == STATUS_OK || (why.rule && e.address.n == 0), "limit %zu", limit);
        arena_release(&a);
    }
    cr_assert_eq(s, STATUS_OK);
}
