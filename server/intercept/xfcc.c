/* Elements are separated by commas, pairs by semicolons, both not inside of quotes. */
#include "intercept/xfcc.h"

/* Cuts at the first sep outside of quotes. False: a quote does not end. */
static bool cut_unquoted(str *rest, char sep, str *out)
{
    bool quoted = false;
    size_t i = 0;

    for (; i < rest->n && (quoted || rest->p[i] != sep); i++) {
        if (quoted && rest->p[i] == '\\')
            i++;
        else if (rest->p[i] == '"')
            quoted = !quoted;
    }
    if (quoted || i > rest->n)
        return false;
    *out = str_sub(*rest, 0, i);
    *rest = str_sub(*rest, i + 1, rest->n);
    return true;
}

static str last_element(str value)
{
    str element = {0};

    while (value.n)
        if (!cut_unquoted(&value, ',', &element))
            return (str){0};
    return element;
}

str xfcc_spiffe_id(str value)
{
    str rest = last_element(value), pair, uri = {0};
    int n_uris = 0;

    while (rest.n) {
        str name;

        if (!cut_unquoted(&rest, ';', &pair))
            return (str){0};
        name = str_trim(str_cut(&pair, '='));
        if (!str_eq_nocase(name, STR("URI")))
            continue;
        uri = pair;
        n_uris++;
    }
    if (uri.n >= 2 && uri.p[0] == '"' && uri.p[uri.n - 1] == '"')
        uri = str_sub(uri, 1, uri.n - 2);
    return n_uris == 1 && str_starts(uri, STR("spiffe://")) ? uri : (str){0};
}

bool xfcc_is_local(str peer)
{
    static const str locals[] = {
        {"ipv4:127.", 9}, {"ipv6:[::1]:", 11}, {"ipv6:%5B::1%5D:", 15}, {"unix:", 5}};

    for (size_t i = 0; i < sizeof locals / sizeof *locals; i++)
        if (str_starts(peer, locals[i]))
            return true;
    return false;
}
