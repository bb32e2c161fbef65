/* Texts of the status codes, from the one list in status.h. */
#include "base/status.h"

const char *status_name(enum status s)
{
    switch (s) {
#define X(name, code, wire, text)                                                                  \
    case STATUS_##name: return wire;
        STATUS_LIST(X)
#undef X
    }
    return "UNKNOWN";
}

const char *status_text(enum status s)
{
    switch (s) {
#define X(name, code, wire, text)                                                                  \
    case STATUS_##name: return text;
        STATUS_LIST(X)
#undef X
    }
    return "unknown error";
}
