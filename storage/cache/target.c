/* Cuts a URL into its parts from both ends; each part is decoded into its own bounded field. */
#include "cache/target.h"

static int hex_digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    if (ch >= 'a' && ch <= 'f')
        return ch - 'a' + 10;
    return ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* Percent-decodes into out. False: too long, a bad escape, or a NUL. */
static bool decode(str in, char *out, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < in.n; i++) {
        char ch = in.p[i];

        if (ch == '%') {
            int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            ch = (char)(high * 16 + low);
            i += 2;
        }
        if (!ch || n + 1 >= cap)
            return false;
        out[n++] = ch;
    }
    out[n] = '\0';
    return true;
}

static bool is_number(str s, long long most)
{
    long long n;

    return s.n > 0 && s.p[0] != '-' && str_to_int64(s, &n) && n <= most;
}

/* "host", "host:port", "[v6]:port" */
static bool read_address(str s, struct target *out)
{
    str host, port;

    if (s.n && s.p[0] == '[') {
        if (!memchr(s.p, ']', s.n))
            return false;
        s = str_sub(s, 1, s.n);
        host = str_cut(&s, ']');
        if (s.n && s.p[0] != ':')
            return false;
        port = s.n ? str_sub(s, 1, s.n) : STR("6379");
    } else {
        host = str_cut(&s, ':');
        port = s.n ? s : STR("6379");
    }
    return host.n && is_number(port, 65535) && decode(host, out->host, sizeof out->host) &&
           decode(port, out->port, sizeof out->port);
}

/* "user:password", ":password", "password" */
static bool read_credentials(str s, struct target *out)
{
    bool has_colon = memchr(s.p, ':', s.n) != NULL;
    str user = has_colon ? str_cut(&s, ':') : (str){0};

    return decode(user, out->user, sizeof out->user) &&
           decode(s, out->password, sizeof out->password);
}

static bool parse(str url, struct target *out)
{
    str address, credentials = {0};
    size_t at = 0;

    out->is_tls = str_starts(url, STR("rediss://"));
    if (!out->is_tls && !str_starts(url, STR("redis://")))
        return false;
    url = str_sub(url, out->is_tls ? 9 : 8, url.n);
    address = str_cut(&url, '/');
    for (size_t i = 0; i < address.n; i++)
        if (address.p[i] == '@')
            at = i + 1;
    if (at) {
        credentials = str_sub(address, 0, at - 1);
        address = str_sub(address, at, address.n);
    }
    return (!credentials.n || read_credentials(credentials, out)) && read_address(address, out) &&
           (!url.n || (is_number(url, 9999) && decode(url, out->database, sizeof out->database)));
}

enum status target_parse(struct call *c, str url, struct target *out)
{
    *out = (struct target){.is_tls = false};
    if (parse(url, out))
        return STATUS_OK;
    *out = (struct target){.is_tls = false};
    return call_fail_as(c, STATUS_INVALID, "REDIS_URL",
                        "the Redis URL is not redis[s]://[[user]:password@]host[:port][/db]");
}
