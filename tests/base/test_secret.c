#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/secret.h"

static char folder[] = "/tmp/test_secret.XXXXXX";
static char path[64], beside[64];
static struct call c;
static struct secret secret;

static void put(const char *at, const char *bytes, size_t n)
{
    FILE *f = fopen(at, "we");

    cr_assert(f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

/* As Kubernetes and Vault do it: another file takes the name. */
static void swap(const char *text)
{
    put(beside, text, strlen(text));
    cr_assert_eq(rename(beside, path), 0);
}

static void expect(const char *want)
{
    char *now = secret_take(&secret);

    cr_assert_str_eq(now, want);
    secret_drop(now);
}

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(beside, sizeof beside, "%s/new", folder);
    call_init(&c, NULL, 1 << 16);
    swap("first\n");
    cr_assert_eq(secret_open(&c, &secret, &(struct secret_source){"given", path}), STATUS_OK);
}

static void end(void)
{
    secret_close(&secret);
    call_release(&c);
    unlink(path);
    rmdir(folder);
}

TestSuite(secret, .init = begin, .fini = end);

Test(secret, a_file_is_read_again_when_it_changes)
{
    expect("first");
    swap("  second \n");
    expect("second");
    put(path, "third", 5); /* in place */
    expect("third");
}

Test(secret, what_is_no_secret_changes_nothing)
{
    static char long_text[SECRET_BYTES_MAX + 2];

    expect("first");
    swap(" \n");
    expect("first");
    put(path, "a\0b", 3);
    expect("first");
    memset(long_text, 'x', sizeof long_text);
    put(path, long_text, sizeof long_text);
    expect("first");
    unlink(path);
    expect("first");
    swap("back");
    expect("back");
}

Test(secret, a_symbolic_link_may_move)
{
    char link[80];

    snprintf(link, sizeof link, "%s/link", folder);
    cr_assert_eq(symlink("s", link), 0);
    secret_close(&secret);
    cr_assert_eq(secret_open(&c, &secret, &(struct secret_source){"given", link}), STATUS_OK);
    expect("first");
    put(beside, "other", 5);
    unlink(link);
    cr_assert_eq(symlink("new", link), 0);
    expect("other");
    unlink(link);
    unlink(beside);
}

Test(secret, a_text_stays)
{
    secret_close(&secret);
    cr_assert_eq(secret_open(&c, &secret, &(struct secret_source){"given", NULL}), STATUS_OK);
    expect("given");
}

Test(secret, a_failure_says_why_and_nothing_of_the_file)
{
    char *text;

    put(path, "hush\0hush", 9);
    cr_assert_str_eq(secret_read(path, &text), "it is too long or no text");
    cr_assert_null(text);
    cr_assert_str_eq(secret_read("/nowhere", &text), "No such file or directory");
    swap("");
    cr_assert_str_eq(secret_read(path, &text), "it is empty");
}
