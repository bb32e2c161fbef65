/* Written beside and renamed, so that nobody reads half of it. */
#include "server/env_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096 };

#define KEY_LINE "export SALES_API_KEY='"

const char *env_file_key(struct call *c, const char *path)
{
    char text[FILE_BYTES_MAX + 1];
    FILE *f = fopen(path, "re");
    const char *key = NULL;
    str rest;

    if (!f)
        return "";
    rest = (str){text, fread(text, 1, FILE_BYTES_MAX, f)};
    fclose(f);
    while (rest.n && !key) {
        str line = str_cut(&rest, '\n');

        if (str_starts(line, STR(KEY_LINE)) && str_ends(line, STR("'")))
            key =
                arena_cstr(&c->arena, str_sub(line, sizeof KEY_LINE - 1, line.n - sizeof KEY_LINE));
    }
    return key ? key : "";
}

static bool write_text(const char *path, const char *address, const char *http, const char *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok;

    if (fd < 0)
        return false;
    ok = fchmod(fd, 0600) == 0 &&
         dprintf(fd, "export SALES_ADDRESS='%s'\nexport SALES_HTTP='%s'\n" KEY_LINE "%s'\n",
                 address, http, key) > 0 &&
         fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

enum status env_file_write(struct call *c, const char *path, const char *address, const char *http,
                           const char *key)
{
    char *beside = arena_printf(&c->arena, "%s.new", path);

    if (!beside)
        return call_nomem(c);
    if (!write_text(beside, address, http, key) || rename(beside, path) != 0)
        return call_fail(c, STATUS_UNAVAILABLE, "%s cannot be written: %s", path, strerror(errno));
    return STATUS_OK;
}
