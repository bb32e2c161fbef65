#include "sales/v1/lead.h"
#include "schema/mask.h"
#include "support/table.h"

static struct call c;
static const char *const locked[] = {"id", "status", NULL};

static void setup(void)
{
    call_init(&c, NULL, 1 << 20);
}

static void teardown(void)
{
    call_release(&c);
}

TestSuite(mask, .init = setup, .fini = teardown);

static Lead lead_of(const char *name, const char *city, Company *company)
{
    Lead l = LEAD_INIT;

    l.full_name = (char *)name;
    l.city = (char *)city;
    l.company = company;
    return l;
}

static Company company_of(const char *name, int employees)
{
    Company k = COMPANY_INIT;

    k.name = (char *)name;
    k.employees = employees;
    return k;
}

static Lead_AttributesEntry entry_of(const char *key, AttributeValue *value)
{
    Lead_AttributesEntry e = LEAD_ATTRIBUTES_ENTRY_INIT;

    e.key = (char *)key;
    e.value = value;
    return e;
}

Test(mask, a_named_path_replaces_and_an_unset_one_empties)
{
    Company new_company = company_of("", 7), old_company = company_of("Acme", 3);
    Lead src = lead_of("New", "", &new_company), dst = lead_of("Old", "Rom", &old_company);
    char *paths[] = {"city", "company.employees"};

    cr_assert_eq(mask_apply(&c, &(struct mask){locked, paths, 2}, &src.base, &dst.base), STATUS_OK,
                 "%s", c.fault.why);
    cr_assert_str_eq(dst.full_name, "Old");
    cr_assert_str_eq(dst.city, "");
    cr_assert_eq(dst.company->employees, 7);
    cr_assert_str_eq(dst.company->name, "Acme");
    cr_assert_eq(old_company.employees, 3, "the sub-message is copied before it is changed");
}

Test(mask, without_paths_every_set_leaf_goes_over_but_locked_ones)
{
    Company new_company = company_of("", 7), old_company = company_of("Acme", 3);
    Lead src = lead_of("New", "", &new_company), dst = lead_of("Old", "Rom", &old_company);

    src.status = LEAD_STATUS_CONVERTED;
    cr_assert_eq(mask_apply(&c, &(struct mask){.locked = locked}, &src.base, &dst.base), STATUS_OK);
    cr_assert_str_eq(dst.full_name, "New");
    cr_assert_str_eq(dst.city, "Rom");
    cr_assert_eq(dst.company->employees, 7);
    cr_assert_str_eq(dst.company->name, "Acme");
    cr_assert_eq(dst.status, LEAD_STATUS_UNSPECIFIED);
}

Test(mask, fill_touches_only_what_is_empty)
{
    Lead src = lead_of("New", "Wien", NULL), dst = lead_of("Old", "", NULL);

    cr_assert_eq(message_fill(&c, locked, &src.base, &dst.base), STATUS_OK);
    cr_assert_str_eq(dst.full_name, "Old");
    cr_assert_str_eq(dst.city, "Wien");
}

Test(mask, map_keys_are_set_replaced_and_removed_one_by_one)
{
    AttributeValue one = ATTRIBUTE_VALUE_INIT, two = ATTRIBUTE_VALUE_INIT;
    Lead_AttributesEntry old_a = entry_of("a.b", &one), old_z = entry_of("z", &one);
    Lead_AttributesEntry new_a = entry_of("a.b", &two), new_q = entry_of("q", &two);
    Lead_AttributesEntry *old[] = {&old_a, &old_z}, *new[] = {&new_a, &new_q};
    Lead src = LEAD_INIT, dst = LEAD_INIT;
    char *paths[] = {"attributes.a.b", "attributes.z"};

    src.attributes = new;
    src.n_attributes = 2;
    dst.attributes = old;
    dst.n_attributes = 2;
    cr_assert_eq(mask_apply(&c, &(struct mask){locked, paths, 2}, &src.base, &dst.base), STATUS_OK,
                 "%s", c.fault.why);
    cr_assert_eq(dst.n_attributes, 1);
    cr_assert_str_eq(dst.attributes[0]->key, "a.b");
    cr_assert_eq(dst.attributes[0]->value, &two);
    cr_assert_eq(mask_apply(&c, &(struct mask){.locked = locked}, &src.base, &dst.base), STATUS_OK);
    cr_assert_eq(dst.n_attributes, 2, "q came with the rest");
    cr_assert_eq(old[0], &old_a, "the old array is left alone");
}

static const char *const bad_paths[] = {
    "",           "nothing",  "status",        "id", "tags.x", "company.nothing", "city.inner",
    "company..x", ".company", "full_name.a.b",
};

TABLE_TEST(mask, refuses_what_it_cannot_change, char *const, bad_paths)
{
    Lead src = LEAD_INIT, dst = lead_of("Old", "Rom", NULL);
    char *paths[] = {"city", (char *)*row};

    cr_assert_eq(mask_apply(&c, &(struct mask){locked, paths, 2}, &src.base, &dst.base),
                 STATUS_INVALID, "\"%s\"", *row);
    cr_assert_eq(c.fault.n_details, 1);
    cr_assert_str_eq(c.fault.details[0].subject.p, "update_mask.paths[1]");
    cr_assert_str_eq(dst.city, "Rom", "nothing changes when one path is bad");
}
