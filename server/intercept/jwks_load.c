/* Everything here runs on the thread of an issuer and ends in its log, never before a caller. */
#include "intercept/jwks_load.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "integration/http.h"
#include "intercept/json_text.h"
#include "intercept/jwks_plan.h"

enum { DISCOVERY_BYTES_MAX = 64 << 10, MAX_AGE_DIGITS = 9 };

static enum status read_set(struct call *c, str json, struct jwks_loaded *out)
{
    const char *why = jwk_set_read(&c->arena, json, &out->set, &out->n_left_out);

    return why ? call_fail_as(c, STATUS_INVALID, "KEY_SET", "%s", why) : STATUS_OK;
}

bool jwks_same_stamp(const struct jwks_stamp *a, const struct jwks_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* All of the file. {0}: it cannot be read, or is longer than any set may be. */
static str read_all(struct call *c, int fd)
{
    char *text = arena_take(&c->arena, JWK_SET_BYTES_MAX + 1);
    size_t n = 0;
    ssize_t got = 1;

    while (text && got != 0 && n <= JWK_SET_BYTES_MAX) {
        got = read(fd, text + n, JWK_SET_BYTES_MAX + 1 - n);
        if (got < 0 && errno != EINTR)
            return (str){0};
        n += got > 0 ? (size_t)got : 0;
    }
    return text && n <= JWK_SET_BYTES_MAX ? (str){text, n} : (str){0};
}

enum status jwks_load_file(struct call *c, str path, struct jwks_stamp *stamp,
                           struct jwks_loaded *out)
{
    char *name = arena_cstr(&c->arena, path);
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
    struct jwks_stamp now = {0};
    struct stat st;
    str json;

    *out = (struct jwks_loaded){.max_age_s = -1};
    if (fd < 0 || fstat(fd, &st) != 0) {
        call_fail(c, STATUS_UNAVAILABLE, "the file cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return c->fault.status;
    }
    now = (struct jwks_stamp){st.st_dev, st.st_ino, st.st_size, st.st_ctim};
    if (jwks_same_stamp(&now, stamp)) {
        close(fd);
        return STATUS_OK;
    }
    json = read_all(c, fd);
    close(fd);
    TRY(read_set(c, json, out));
    *stamp = now;
    return STATUS_OK;
}

int64_t jwks_max_age(str cache_control)
{
    str rest = cache_control;

    while (rest.n) {
        str word = str_trim(str_cut(&rest, ','));
        str name = str_cut(&word, '=');
        long long seconds;

        if (str_eq_nocase(name, STR("no-store")) || str_eq_nocase(name, STR("no-cache")))
            return 0;
        if (!str_eq_nocase(name, STR("max-age")))
            continue;
        if (word.n > MAX_AGE_DIGITS)
            return JWKS_FRESH_MAX_S;
        return str_to_int64(word, &seconds) && seconds >= 0 ? seconds : -1;
    }
    return -1;
}

/* "https://host:port" of a URL; {0}: it has no such part. */
static str origin_of(str url)
{
    for (size_t i = 0; i + 3 <= url.n; i++) {
        size_t end = i + 3;

        if (memcmp(url.p + i, "://", 3) != 0)
            continue;
        while (end < url.n && url.p[end] != '/' && url.p[end] != '?' && url.p[end] != '#')
            end++;
        return end > i + 3 ? str_sub(url, 0, end) : (str){0};
    }
    return (str){0};
}

bool jwks_same_origin(str a, str b)
{
    str origin = origin_of(a);

    return origin.n && str_eq_nocase(origin, origin_of(b));
}

static enum status get(struct call *c, struct http_client *http, str url, size_t body_max,
                       struct http_response *out)
{
    static const struct http_field accept[] = {{{"Accept", 6}, {"application/json", 16}}};
    struct http_request q = {.url = url,
                             .reach = HTTP_OPERATOR,
                             .fields = accept,
                             .n_fields = 1,
                             .body_max = body_max,
                             .timeout_ms = JWKS_TIMEOUT_MS};

    TRY(http_send(http, c, &q, out));
    if (out->status != 200)
        return call_fail_as(c, STATUS_UNAVAILABLE, "ISSUER_STATUS", "the issuer answers %d",
                            out->status);
    if (out->cut)
        return call_fail_as(c, STATUS_UNAVAILABLE, "ISSUER_BYTES", "the answer is over %zu bytes",
                            body_max);
    return STATUS_OK;
}

/* OpenID Connect Discovery 1.0, section 4; the document must be about the issuer that was asked. */
static enum status discover(struct call *c, struct http_client *http, str issuer, str *uri_out)
{
    str stem = str_ends(issuer, STR("/")) ? str_sub(issuer, 0, issuer.n - 1) : issuer;
    char *url = arena_printf(&c->arena, STR_FMT "/.well-known/openid-configuration", STR_ARG(stem));
    struct http_response r;
    json_t *o;

    if (!url)
        return call_nomem(c);
    TRY(get(c, http, str_of(url), DISCOVERY_BYTES_MAX, &r));
    o = json_text_object(r.body);
    *uri_out = (str){0};
    if (o && str_eq(json_text_get(o, "issuer"), issuer))
        *uri_out = arena_str(&c->arena, json_text_get(o, "jwks_uri"));
    json_decref(o);
    if (!uri_out->n)
        return call_fail_as(c, STATUS_INVALID, "DISCOVERY",
                            "the discovery document is not of this issuer, or names no jwks_uri");
    return jwks_same_origin(*uri_out, issuer)
               ? STATUS_OK
               : call_fail_as(c, STATUS_INVALID, "DISCOVERY",
                              "the jwks_uri is of another origin than the issuer: configure it");
}

enum status jwks_load_url(struct call *c, struct http_client *http,
                          const struct jwks_source *source, struct jwks_loaded *out)
{
    struct http_response r;
    str uri = source->uri;

    *out = (struct jwks_loaded){.max_age_s = -1};
    if (!uri.n)
        TRY(discover(c, http, source->issuer, &uri));
    TRY(get(c, http, uri, JWK_SET_BYTES_MAX, &r));
    out->max_age_s = jwks_max_age(http_header(&r, STR("Cache-Control")));
    return read_set(c, r.body, out);
}
