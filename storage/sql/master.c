/* Texts of keys become keys; nothing of them stays behind in memory or in an error. */
#include "sql/master.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/encode.h"

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static bool read_hex(str text, unsigned char out[SEAL_KEY_BYTES])
{
    for (size_t i = 0; i < text.n; i++) {
        int v = hex_digit(text.p[i]);

        if (v < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return text.n == (size_t)2 * SEAL_KEY_BYTES;
}

/* base64 or base64url of 32 bytes, padded or not: 43 characters and perhaps a "=". */
static bool read_base64(struct arena *a, str text, unsigned char out[SEAL_KEY_BYTES])
{
    enum { DIGITS = (SEAL_KEY_BYTES * 4 + 2) / 3 };
    char url[DIGITS];
    bool ok;
    str key;

    if (text.n == DIGITS + 1 && text.p[DIGITS] == '=')
        text.n--;
    if (text.n != DIGITS)
        return false;
    for (size_t i = 0; i < DIGITS; i++)
        url[i] = (char)(text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i]);
    ok = base64url_decode(a, (str){url, DIGITS}, &key) && key.n == SEAL_KEY_BYTES;
    if (ok) {
        memcpy(out, key.p, SEAL_KEY_BYTES);
        seal_wipe((void *)key.p, key.n);
    }
    seal_wipe(url, sizeof url);
    return ok;
}

static uint32_t id_of(const unsigned char key[SEAL_KEY_BYTES])
{
    unsigned char digest[SEAL_DIGEST_BYTES];

    seal_sha256((str){(const char *)key, SEAL_KEY_BYTES}, digest);
    return (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 | (uint32_t)digest[2] << 8 |
           digest[3];
}

static enum status refuse(struct call *c, const char *source, int line, const char *why)
{
    return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY", "the master key %s: line %d %s",
                        source, line, why);
}

static enum status add_line(struct call *c, const char *source, int number, str line,
                            struct master_keys *m)
{
    struct seal_key key;
    str rest = line, label = str_cut(&rest, ':');

    if (label.n == line.n) /* no colon: the key alone */
        rest = line;
    else if (label.n == 0 || label.n > MASTER_LABEL_BYTES)
        return refuse(c, source, number, "has a label of no, or of too many characters");
    if (m->n == MASTER_KEYS_MAX)
        return refuse(c, source, number, "is one key too many");
    rest = str_trim(rest);
    if (!read_hex(rest, key.bytes) && !read_base64(&c->arena, rest, key.bytes))
        return refuse(c, source, number,
                      "is neither 64 hex digits nor base64 of 32 bytes, with or without a label");
    key.id = id_of(key.bytes);
    if (master_find(m, key.id)) {
        seal_wipe(&key, sizeof key);
        return refuse(c, source, number, "has a key that is there already");
    }
    m->keys[m->n++] = key;
    seal_wipe(&key, sizeof key);
    return STATUS_OK;
}

enum status master_parse(struct call *c, const char *source, str text, struct master_keys *out)
{
    *out = (struct master_keys){0};
    for (int number = 1; text.n; number++) {
        str line = str_trim(str_cut(&text, '\n'));
        enum status s =
            line.n && line.p[0] != '#' ? add_line(c, source, number, line, out) : STATUS_OK;

        if (s != STATUS_OK) {
            seal_wipe(out, sizeof *out);
            return s;
        }
    }
    return out->n ? STATUS_OK
                  : call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                                 "the master key %s holds no key", source);
}

enum status master_read(struct call *c, const char *path, struct master_keys *out,
                        struct stat *seen)
{
    char text[MASTER_FILE_MAX + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, seen) ? -1 : read(fd, text, sizeof text);
    enum status s;

    *out = (struct master_keys){0};
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                            "the master key %s cannot be read", path);
    if (n > MASTER_FILE_MAX) {
        s = call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY",
                         "the master key %s is larger than %d bytes", path, MASTER_FILE_MAX);
    } else if (n == SEAL_KEY_BYTES) {
        memcpy(out->keys[0].bytes, text, SEAL_KEY_BYTES);
        out->keys[0].id = id_of(out->keys[0].bytes);
        out->n = 1;
        s = STATUS_OK;
    } else {
        s = master_parse(c, path, (str){text, (size_t)n}, out);
    }
    seal_wipe(text, sizeof text);
    return s;
}

bool master_changed(const char *path, const struct stat *seen)
{
    struct stat now;

    return stat(path, &now) == 0 &&
           (now.st_dev != seen->st_dev || now.st_ino != seen->st_ino ||
            now.st_size != seen->st_size || now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec);
}

enum status master_create(struct call *c, const char *path)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char key[SEAL_KEY_BYTES];
    char text[2 * SEAL_KEY_BYTES + 1];
    char *tmp = arena_printf(&c->arena, "%s.%d.new", path, (int)getpid());
    int fd;
    bool ok;

    if (!tmp)
        return call_nomem(c);
    system_clock.random(&system_clock, key, sizeof key); /* never from a seed */
    for (size_t i = 0; i < sizeof key; i++) {
        text[2 * i] = hex[key[i] >> 4];
        text[2 * i + 1] = hex[key[i] & 15];
    }
    text[sizeof text - 1] = '\n';
    seal_wipe(key, sizeof key);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, text, sizeof text) == (ssize_t)sizeof text && fsync(fd) == 0;
    seal_wipe(text, sizeof text);
    if (fd >= 0)
        close(fd);
    /* link, not rename: when two servers start at once the first key stays */
    ok = ok && (link(tmp, path) == 0 || errno == EEXIST);
    unlink(tmp);
    if (!ok)
        return call_fail_as(c, STATUS_PRECONDITION, "MASTER_KEY", "cannot create the master key %s",
                            path);
    return STATUS_OK;
}

const struct seal_key *master_find(const struct master_keys *m, uint32_t id)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->keys[i].id == id)
            return &m->keys[i];
    return NULL;
}
