#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/env_file.h"

static char folder[] = "/tmp/test_env_file.XXXXXX";
static char path[64];
static struct call c;

static void set_up(void)
{
    call_init(&c, NULL, 1 << 20);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/env", folder);
}

static void tear_down(void)
{
    unlink(path);
    rmdir(folder);
    call_release(&c);
}

TestSuite(env_file, .init = set_up, .fini = tear_down);

Test(env_file, a_key_comes_back)
{
    struct stat st;

    cr_assert_str_eq(env_file_key(&c, path), "", "no file, no key");
    cr_assert_eq(env_file_write(&c, path, "127.0.0.1:1", "127.0.0.1:2", "sk_x"), STATUS_OK);
    cr_assert_str_eq(env_file_key(&c, path), "sk_x");
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(env_file, an_open_file_is_closed_to_others)
{
    struct stat st;
    FILE *f = fopen(path, "w");

    fputs("export SALES_API_KEY='old'\n", f);
    fclose(f);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(env_file_write(&c, path, "a", "b", "new"), STATUS_OK);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_str_eq(env_file_key(&c, path), "new");
}

Test(env_file, other_files_hold_no_key)
{
    FILE *f = fopen(path, "w");

    fputs("SALES_API_KEY=sk_x\nexport SALES_API_KEY='", f);
    fclose(f);
    cr_assert_str_eq(env_file_key(&c, path), "");
}

Test(env_file, a_folder_that_is_not_there_is_said)
{
    cr_assert_eq(env_file_write(&c, "/nowhere/at/all", "a", "b", "k"), STATUS_UNAVAILABLE);
    cr_assert_not_null(strstr(c.fault.why, "/nowhere/at/all"));
}
