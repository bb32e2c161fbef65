/* The arithmetic is the domain's; here is the currency's place in the text, and commas to read by.
 */
#include "ctl/amount.h"

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/term.h"
#include "domain/money.h"

enum { CODE_BYTES = 3, AMOUNT_BYTES_MAX = 64 };

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool amount_parse(str text, int64_t *minor, char code[4])
{
    str number, name;
    unsigned digits;

    text = str_trim(text);
    if (text.n <= CODE_BYTES)
        return false;
    if (is_letter(text.p[0])) {
        name = str_sub(text, 0, CODE_BYTES);
        number = str_trim(str_sub(text, CODE_BYTES, text.n));
    } else {
        name = str_sub(text, text.n - CODE_BYTES, CODE_BYTES);
        number = str_trim(str_sub(text, 0, text.n - CODE_BYTES));
    }
    for (size_t i = 0; i < CODE_BYTES; i++)
        code[i] = text_upper(name.p[i]);
    code[CODE_BYTES] = 0;
    return currency_find(str_of(code), &digits) && money_parse(number, digits, minor);
}

const char *amount_text(struct arena *a, int64_t minor, const char *code)
{
    str text = str_of(money_format(a, minor, str_of(code)));
    size_t sign = text.n && text.p[0] == '-', n = sign;
    struct buf b;

    while (n < text.n && text.p[n] >= '0' && text.p[n] <= '9')
        n++;
    buf_init(&b, a, AMOUNT_BYTES_MAX);
    for (size_t i = 0; i < text.n; i++) {
        if (i > sign && i < n && (n - i) % 3 == 0)
            buf_putc(&b, ',');
        buf_putc(&b, text.p[i]);
    }
    return buf_str(&b).n ? buf_str(&b).p : "?";
}
