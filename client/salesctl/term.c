/* Output for people: widths, colours, and nothing that a stored text could do to a terminal. */
#include "ctl/term.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/banned.h"
#include "base/buf.h"
#include "domain/text.h"

static int columns_of(int fd)
{
    const char *set = getenv("COLUMNS");
    long long n;
    struct winsize w;

    if (set && str_to_int64(str_of(set), &n) && n >= 20 && n <= TERM_COLUMNS_PIPE)
        return (int)n;
    return ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20 ? w.ws_col : TERM_COLUMNS_DEFAULT;
}

struct term term_of(FILE *file)
{
    const char *no_color = getenv("NO_COLOR"), *kind = getenv("TERM");
    bool tty = isatty(fileno(file)) == 1;

    return (struct term){
        .file = file,
        .tty = tty,
        .color = tty && !(no_color && *no_color) && kind && strcmp(kind, "dumb") != 0,
        .columns = tty ? columns_of(fileno(file)) : TERM_COLUMNS_PIPE,
    };
}

const char *term_ink(const struct term *t, enum ink ink)
{
    static const char *const codes[] = {
        [INK_PLAIN] = "\033[0m", [INK_BOLD] = "\033[1m", [INK_DIM] = "\033[2m",
        [INK_GOOD] = "\033[32m", [INK_BAD] = "\033[31m", [INK_WARN] = "\033[33m",
    };

    return t->color ? codes[ink] : "";
}

char text_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}

char text_upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - ('a' - 'A'));
    return c;
}

/* Control characters of ASCII and Latin-1, line separators, and marks that override the reading
 * direction. */
static bool is_harmful(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7F && rune < 0xA0) || (rune >= 0x200E && rune <= 0x200F) ||
           (rune >= 0x2028 && rune <= 0x202E) || (rune >= 0x2066 && rune <= 0x2069);
}

static int rune_width(uint32_t rune)
{
    int w = is_harmful(rune) ? 1 : wcwidth((wchar_t)rune);

    return w >= 0 ? w : 1;
}

int text_width(str s)
{
    int width = 0;

    if (!str_is_text(s))
        return (int)s.n;
    while (s.n)
        width += rune_width(text_rune(&s));
    return width;
}

static void put_clean(struct buf *b, uint32_t rune, str bytes)
{
    if (rune == '\n' || rune == '\t' || rune == '\r')
        buf_putc(b, ' ');
    else if (is_harmful(rune))
        buf_put(b, STR("\xEF\xBF\xBD"));
    else
        buf_put(b, bytes);
}

const char *text_clean(struct arena *a, str s, int columns)
{
    bool cut = text_width(s) > columns;
    int left = cut ? columns - 1 : columns; /* the ellipsis takes one */
    struct buf b;

    assert(columns >= 1);
    if (!str_is_text(s))
        return "\xEF\xBF\xBD";
    buf_init(&b, a, 3 * s.n + 4);
    while (s.n) {
        str before = s;
        uint32_t rune = text_rune(&s);

        left -= rune_width(rune);
        if (left < 0)
            break;
        put_clean(&b, rune, (str){before.p, before.n - s.n});
    }
    if (cut)
        buf_put(&b, STR("\xE2\x80\xA6"));
    return buf_str(&b).n ? buf_str(&b).p : "";
}

const char *text_count(struct arena *a, uint64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    struct buf b;

    buf_init(&b, a, 64);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf_putc(&b, ',');
        buf_putc(&b, digits[i]);
    }
    return buf_str(&b).n ? buf_str(&b).p : "";
}

const char *text_bar(struct arena *a, double share, int columns)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int n = share > 0 ? (int)(share * columns * 8 + 0.5) : 0;
    struct buf b;

    if (n > columns * 8)
        n = columns * 8;
    if (n == 0 && share > 0)
        n = 1; /* something is never nothing */
    buf_init(&b, a, (size_t)columns * 3 + 1);
    for (int i = 0; i < n / 8; i++)
        buf_put(&b, STR("█"));
    buf_put(&b, str_of(eighths[n % 8]));
    for (int i = (n + 7) / 8; i < columns; i++)
        buf_putc(&b, ' ');
    return buf_str(&b).n ? buf_str(&b).p : "";
}
