/* Domain names: checked label by label, Unicode labels converted with punycode (RFC 3492), the
 * registrable part looked up in the public suffix list that libpsl carries inside. */
#include "domain/hostname.h"

#include <assert.h>
#include <libpsl.h>

#include "base/buf.h"
#include "domain/text.h"

enum { NAME_BYTES_MAX = 253, LABEL_BYTES_MAX = 63, LABELS_MAX = 127 };

/* Parameters of RFC 3492 section 5. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t adapt(uint32_t delta, uint32_t n_points, bool first)
{
    uint32_t k = 0;

    delta = first ? delta / DAMP : delta / 2;
    delta += delta / n_points;
    for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void put_delta(struct buf *b, uint32_t delta, uint32_t bias)
{
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        uint32_t digit = delta < t ? delta : t + (delta - t) % (BASE - t);

        buf_putc(b, (char)(digit < 26 ? 'a' + digit : '0' + (digit - 26)));
        if (delta < t)
            return;
        delta = (delta - t) / (BASE - t);
    }
}

/* Smallest rune of the label that is >= least; UINT32_MAX when there is none. */
static uint32_t next_rune(const uint32_t *runes, size_t n, uint32_t least)
{
    uint32_t best = UINT32_MAX;

    for (size_t i = 0; i < n; i++)
        if (runes[i] >= least && runes[i] < best)
            best = runes[i];
    return best;
}

/* Appends "xn--" and the label; at most LABEL_BYTES_MAX runes, so nothing here can overflow. */
static void put_punycode(struct buf *b, const uint32_t *runes, size_t n)
{
    uint32_t code = INITIAL_N, delta = 0, bias = INITIAL_BIAS, done = 0, n_basic;

    buf_put(b, STR("xn--"));
    for (size_t i = 0; i < n; i++) {
        if (runes[i] < 0x80) {
            buf_putc(b, (char)runes[i]);
            done++;
        }
    }
    n_basic = done;
    if (n_basic)
        buf_putc(b, '-');
    while (done < n) {
        uint32_t next = next_rune(runes, n, code);

        delta += (next - code) * (done + 1);
        code = next;
        for (size_t i = 0; i < n; i++) {
            delta += runes[i] < code;
            if (runes[i] != code)
                continue;
            put_delta(b, delta, bias);
            bias = adapt(delta, done + 1, done == n_basic);
            delta = 0;
            done++;
        }
        delta++;
        code++;
    }
}

static bool is_label_rune(uint32_t r)
{
    return r == '-' || text_is_word_rune(r);
}

static uint32_t next_byte(str *s)
{
    uint32_t byte = (unsigned char)*s->p;

    *s = str_sub(*s, 1, s->n);
    return byte;
}

/* Appends one label in ascii. */
static enum status put_label(struct buf *b, str label, struct refusal *why)
{
    uint32_t runes[LABEL_BYTES_MAX];
    size_t n = 0, at = b->n;
    bool ascii = text_is_ascii(label);

    if (!label.n)
        return refuse(why, "domain.empty_label", "a domain name without empty parts");
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return refuse(why, "domain.hyphen", "parts that neither start nor end with a hyphen");
    for (str rest = label; rest.n;) {
        if (n == LABEL_BYTES_MAX)
            return refuse(why, "domain.label_length", "parts of at most 63 bytes");
        runes[n] = ascii ? next_byte(&rest) : text_rune(&rest);
        if (!is_label_rune(runes[n++]))
            return refuse(why, "domain.characters", "letters, digits, hyphens and dots only");
    }
    if (ascii)
        buf_put(b, label);
    else
        put_punycode(b, runes, n);
    if (b->n - at > LABEL_BYTES_MAX)
        return refuse(why, "domain.label_length", "parts of at most 63 bytes");
    return STATUS_OK;
}

static bool is_number(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static str registrable(str ascii)
{
    /* psl_builtin is constant data compiled into the library. */
    const char *p = psl_registrable_domain(psl_builtin(), ascii.p);

    return p ? str_sub(ascii, (size_t)(p - ascii.p), ascii.n) : (str){0};
}

/* Fills name, ascii and tld. */
static enum status parse_labels(struct arena *a, str text, struct hostname *h, struct refusal *why)
{
    struct buf ascii;
    size_t n_dots = 0;
    str label;

    h->name = text_fold(a, text);
    if (!h->name.p)
        return refuse_nomem(why);
    buf_init(&ascii, a, NAME_BYTES_MAX + LABEL_BYTES_MAX);
    for (str rest = h->name;; n_dots++) {
        bool last = rest.n == 0 || memchr(rest.p, '.', rest.n) == NULL;

        label = str_cut(&rest, '.');
        TRY(put_label(&ascii, label, why));
        if (last)
            break;
        buf_putc(&ascii, '.');
    }
    h->ascii = buf_str(&ascii);
    if (!h->ascii.p && ascii.n <= NAME_BYTES_MAX)
        return refuse_nomem(why);
    if (ascii.n > NAME_BYTES_MAX)
        return refuse(why, "domain.length", "a domain name of 1 to 253 bytes");
    if (!n_dots)
        return refuse(why, "domain.one_label", "a full domain name, such as example.com");
    if (is_number(label))
        return refuse(why, "domain.address", "a domain name, not an IP address");
    h->tld = str_sub(h->ascii, (size_t)(strrchr(h->ascii.p, '.') - h->ascii.p) + 1, h->ascii.n);
    return STATUS_OK;
}

enum status hostname_spell(struct arena *a, str text, struct hostname *out, struct refusal *why)
{
    struct hostname h = {0};

    *out = (struct hostname){0};
    *why = (struct refusal){0};
    if (!text.n || text.n > NAME_BYTES_MAX)
        return refuse(why, "domain.length", "a domain name of 1 to 253 bytes");
    if (!str_is_text(text))
        return refuse(why, "domain.utf8", "well-formed UTF-8 without NUL");
    TRY(parse_labels(a, text, &h, why));
    *out = h;
    return STATUS_OK;
}

enum status hostname_parse(struct arena *a, str text, struct hostname *out, struct refusal *why)
{
    TRY(hostname_spell(a, text, out, why));
    out->registrable = registrable(out->ascii);
    return STATUS_OK;
}

/* What stands between scheme and port or path. */
static str site_host(str text)
{
    str s = str_trim(text);

    for (size_t i = 0; i + 2 < s.n; i++) {
        if (s.p[i] == ':' && s.p[i + 1] == '/' && s.p[i + 2] == '/') {
            s = str_sub(s, i + 3, s.n);
            break;
        }
    }
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] && strchr("/?#", s.p[i]))
            s = str_sub(s, 0, i);
    for (size_t i = s.n; i > 0; i--) {
        if (s.p[i - 1] == '@')
            return str_sub(s, i, s.n); /* user information is not ours to keep */
        if (s.p[i - 1] == ':')
            s = str_sub(s, 0, i - 1);
    }
    return s;
}

enum status hostname_parse_site(struct arena *a, str text, struct hostname *out,
                                struct refusal *why)
{
    str host = site_host(text);

    if (str_ends(host, STR("."))) /* the root, legal and meaningless */
        host.n--;
    TRY(hostname_parse(a, host, out, why));
    if (str_starts(out->ascii, STR("www.")) && out->registrable.n < out->ascii.n) {
        out->ascii = str_sub(out->ascii, 4, out->ascii.n);
        out->name = str_sub(out->name, 4, out->name.n);
    }
    return STATUS_OK;
}

bool hostname_is_under(str host, str domain)
{
    if (!domain.n || !str_ends(host, domain))
        return false;
    return host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}
