/* libpq takes connection strings apart; its copies are wiped before they go. */
#include "postgres/login.h"

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
    for (; options && options->keyword; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    return NULL;
}

static void release(PQconninfoOption *options)
{
    for (PQconninfoOption *o = options; o && o->keyword; o++)
        if (o->val)
            explicit_bzero(o->val, strlen(o->val));
    PQconninfoFree(options);
}

void login_read(struct login *out, const char *conninfo, const char *now)
{
    char *why = NULL; /* repeats the text: nobody may see it */

    *out = (struct login){.conninfo = conninfo, .parsed = PQconninfoParse(now, &why)};
    if (why)
        explicit_bzero(why, strlen(why));
    PQfreemem(why);
    out->user = value_of(out->parsed, "user");
    out->password = value_of(out->parsed, "password");
}

bool login_is_another(const struct login *login)
{
    PQconninfoOption *first = PQconninfoParse(login->conninfo, NULL);
    const char *before = value_of(first, "user");
    bool is_another = login->user && (!before || strcmp(before, login->user) != 0);

    release(first);
    return is_another;
}

void login_release(struct login *login)
{
    release(login->parsed);
    *login = (struct login){.conninfo = NULL};
}
