/* records.def and the migrations describe the same tables. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "sql/statement.h"
#include "storage/fixture.h"
#include "support/table.h"

static const enum engine engines[] = {ENGINE_SQLITE, ENGINE_POSTGRES};

TABLE_TEST(records, every_column_is_in_its_table_and_unique_ones_have_their_index, enum engine,
           engines)
{
    struct fixture f;
    char text[512];

    fixture_open(&f, *row);
    for (int k = RECORD_NONE + 1; k < RECORD_KINDS; k++) {
        const struct record_info *info = record_info((enum record_kind)k);

        cr_assert_eq(record_kind_of(str_of(info->table)), (enum record_kind)k);
        for (size_t i = 0; i < info->n_columns; i++) {
            const struct column_info *c = &info->columns[i];

            if (!column_is_stored(c))
                continue;
            snprintf(text, sizeof text, "SELECT COUNT(%s) FROM %s", c->name, info->table);
            cr_assert_eq(fixture_number(&f, text), 0);
            snprintf(text, sizeof text,
                     *row == ENGINE_SQLITE
                         ? "SELECT COUNT(*) FROM sqlite_master WHERE name = '%s_%s_key'"
                         : "SELECT COUNT(*) FROM pg_indexes WHERE schemaname = current_schema() "
                           "AND indexname = '%s_%s_key'",
                     info->table, c->name);
            cr_assert_eq(fixture_number(&f, text),
                         (c->flags & (COLUMN_UNIQUE | COLUMN_DEDUPE)) != 0, "%s.%s", info->table,
                         c->name);
        }
    }
    fixture_close(&f);
}

/* Each table has these and the columns of records.def, no more: nothing personal slips in beside.
 */
TABLE_TEST(records, no_table_has_a_column_of_its_own, enum engine, engines)
{
    enum { FIXED = 8 };
    struct fixture f;
    char text[512];

    fixture_open(&f, *row);
    for (int k = RECORD_NONE + 1; k < RECORD_KINDS; k++) {
        const struct record_info *info = record_info((enum record_kind)k);
        long long want = FIXED + (k == RECORD_AUDIT); /* its MAC */

        for (size_t i = 0; i < info->n_columns; i++)
            want += column_is_stored(&info->columns[i]);
        snprintf(text, sizeof text,
                 *row == ENGINE_SQLITE ? "SELECT COUNT(*) FROM pragma_table_info('%s')"
                                       : "SELECT COUNT(*) FROM information_schema.columns WHERE "
                                         "table_schema = current_schema() AND table_name = '%s'",
                 info->table);
        cr_assert_eq(fixture_number(&f, text), want, "%s", info->table);
    }
    fixture_close(&f);
}
