/* The depth is looked at before the parser recurses into it. */
#include "intercept/json_text.h"

static bool is_shallow(str text)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];

        if (quoted && ch == '\\')
            i++;
        else if (ch == '"')
            quoted = !quoted;
        else if (!quoted && (ch == '{' || ch == '['))
            depth++;
        else if (!quoted && (ch == '}' || ch == ']'))
            depth--;
        if (depth > JSON_DEPTH_MAX)
            return false;
    }
    return true;
}

json_t *json_text_object(str text)
{
    json_t *value = NULL;

    if (text.n && is_shallow(text))
        value = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (value && !json_is_object(value)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

str json_text_of(const json_t *value)
{
    return json_is_string(value) ? (str){json_string_value(value), json_string_length(value)}
                                 : (str){0};
}

str json_text_get(const json_t *o, const char *key)
{
    return json_text_of(json_object_get(o, key));
}
