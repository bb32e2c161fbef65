/* Files that are replaced under us: told apart by stat(), read in one go. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum status secret_open(struct call *c, struct secret *s, const struct secret_source *source)
{
    *s = (struct secret){.text = strdup(source->text)};
    pthread_mutex_init(&s->lock, NULL);
    if (source->path)
        s->path = strdup(source->path);
    if (s->text && (s->path || !source->path))
        return STATUS_OK;
    secret_close(s);
    return call_nomem(c);
}

void secret_drop(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void secret_close(struct secret *s)
{
    if (!s->text && !s->path)
        return;
    secret_drop(s->text);
    free(s->path);
    pthread_mutex_destroy(&s->lock);
    *s = (struct secret){.text = NULL};
}

/* Bytes of the file into out, up to cap; -1 with errno. */
static ssize_t read_all(const char *path, char *out, size_t cap, struct stat *seen)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    int error;

    if (fd < 0)
        return -1;
    if (fstat(fd, seen) == 0)
        n = read(fd, out, cap);
    error = errno;
    close(fd);
    errno = error;
    return n;
}

/* Why what was read is no secret; NULL: it is one, without the white space around it in *out. */
static const char *judge(const char *text, ssize_t n, str *out)
{
    *out = (str){0};
    if (n < 0)
        return strerror(errno);
    if (n > SECRET_BYTES_MAX || memchr(text, 0, (size_t)n))
        return "it is too long or no text";
    *out = str_trim((str){text, (size_t)n});
    return out->n ? NULL : "it is empty";
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static const char *read_file(const char *path, char **out, struct stat *seen)
{
    char text[SECRET_BYTES_MAX + 1];
    str found;
    const char *why = judge(text, read_all(path, text, sizeof text, seen), &found);

    *out = why || !found.p ? NULL : strndup(found.p, found.n);
    explicit_bzero(text, sizeof text);
    return why || *out ? why : "no memory";
}

const char *secret_read(const char *path, char **out)
{
    struct stat seen;

    return read_file(path, out, &seen);
}

/* With the lock held. */
static void refresh(struct secret *s)
{
    struct stat now;
    char *fresh;

    if (stat(s->path, &now) != 0 || same_file(&now, &s->seen) || read_file(s->path, &fresh, &now))
        return;
    secret_drop(s->text);
    s->text = fresh;
    s->seen = now;
}

char *secret_take(struct secret *s)
{
    char *copy;

    pthread_mutex_lock(&s->lock);
    if (s->path)
        refresh(s);
    copy = strdup(s->text);
    pthread_mutex_unlock(&s->lock);
    return copy;
}
