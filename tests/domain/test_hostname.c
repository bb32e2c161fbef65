/* hostname: names, their ASCII form, and the part that somebody registered. */
#include "domain/hostname.h"
#include "support/table.h"

struct host_case {
    const char *in, *name, *ascii, *registrable, *rule;
};

#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const struct host_case hosts[] = {
    {"Example.COM", "example.com", "example.com", "example.com", NULL},
    {"mail.acme.co.uk", "mail.acme.co.uk", "mail.acme.co.uk", "acme.co.uk", NULL},
    {"co.uk", "co.uk", "co.uk", "", NULL},
    {"a.b.kawasaki.jp", "a.b.kawasaki.jp", "a.b.kawasaki.jp", "a.b.kawasaki.jp", NULL},
    {"B\xC3\xBC"
     "cher.de",
     "b\xC3\xBC"
     "cher.de",
     "xn--bcher-kva.de", "xn--bcher-kva.de", NULL},
    {"xn--bcher-kva.de", "xn--bcher-kva.de", "xn--bcher-kva.de", "xn--bcher-kva.de", NULL},
    {"\xE4\xBE\x8B\xE3\x81\x88.jp", "\xE4\xBE\x8B\xE3\x81\x88.jp", "xn--r8jz45g.jp",
     "xn--r8jz45g.jp", NULL},
    {"fa\xC3\x9F.de", "fass.de", "fass.de", "fass.de", NULL},
    {"", "", "", "", "domain.length"},
    {"localhost", "", "", "", "domain.one_label"},
    {"a..com", "", "", "", "domain.empty_label"},
    {".com", "", "", "", "domain.empty_label"},
    {"com.", "", "", "", "domain.empty_label"},
    {"-a.com", "", "", "", "domain.hyphen"},
    {"a-.com", "", "", "", "domain.hyphen"},
    {"a_b.com", "", "", "", "domain.characters"},
    {"a b.com", "", "", "", "domain.characters"},
    {"192.168.0.1", "", "", "", "domain.address"},
    {"[::1]", "", "", "", "domain.characters"},
    {L50 "ffffffffffgggg.com", "", "", "", "domain.label_length"},
    {"\xFF.com", "", "", "", "domain.utf8"},
};

TABLE_TEST(hostname, names_are_read_or_refused_by_rule, struct host_case, hosts)
{
    struct arena a;
    struct refusal why;
    struct hostname h;

    arena_init(&a, 1 << 20);
    enum status s = hostname_parse(&a, str_of(row->in), &h, &why);

    cr_assert_eq(s, row->rule ? STATUS_INVALID : STATUS_OK, "[%s] %s", row->in, why.rule);
    if (row->rule)
        cr_assert_str_eq(why.rule, row->rule, "[%s]", row->in);
    cr_assert(str_eq(h.name, str_of(row->name)), "[%s] " STR_FMT, row->in, STR_ARG(h.name));
    cr_assert(str_eq(h.ascii, str_of(row->ascii)), "[%s] " STR_FMT, row->in, STR_ARG(h.ascii));
    cr_assert(str_eq(h.registrable, str_of(row->registrable)), "[%s] " STR_FMT, row->in,
              STR_ARG(h.registrable));
    arena_release(&a);
}

static const struct host_case sites[] = {
    {"https://www.Acme.com/about?x=1", "", "acme.com", "acme.com", NULL},
    {"acme.com:8080", "", "acme.com", "acme.com", NULL},
    {"http://user:pw@shop.acme.de#top", "", "shop.acme.de", "acme.de", NULL},
    {" acme.com. ", "", "acme.com", "acme.com", NULL},
    {"www.com", "", "www.com", "www.com", NULL},
    {"https://", "", "", "", "domain.length"},
    {"not a site", "", "", "", "domain.characters"},
};

TABLE_TEST(hostname, pasted_sites_give_their_host, struct host_case, sites)
{
    struct arena a;
    struct refusal why;
    struct hostname h;

    arena_init(&a, 1 << 20);
    enum status s = hostname_parse_site(&a, str_of(row->in), &h, &why);

    cr_assert_eq(s, row->rule ? STATUS_INVALID : STATUS_OK, "[%s] %s", row->in, why.rule);
    if (row->rule)
        cr_assert_str_eq(why.rule, row->rule, "[%s]", row->in);
    cr_assert(str_eq(h.ascii, str_of(row->ascii)), "[%s] " STR_FMT, row->in, STR_ARG(h.ascii));
    cr_assert(str_eq(h.registrable, str_of(row->registrable)), "[%s]", row->in);
    arena_release(&a);
}

Test(hostname, a_host_is_under_itself_and_its_parents_only)
{
    cr_assert(hostname_is_under(STR("a.acme.com"), STR("acme.com")));
    cr_assert(hostname_is_under(STR("acme.com"), STR("acme.com")));
    cr_assert_not(hostname_is_under(STR("notacme.com"), STR("acme.com")));
    cr_assert_not(hostname_is_under(STR("acme.com"), STR("")));
}
