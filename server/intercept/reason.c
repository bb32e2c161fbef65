#include "intercept/reason.h"

#include <assert.h>

const char *auth_reason_text(enum auth_reason why)
{
    static const char *const texts[AUTH_N_REASONS] = {
#define X(id, text) text,
        AUTH_REASON_LIST(X)
#undef X
    };

    assert((int)why >= 0 && why < AUTH_N_REASONS);
    return texts[why];
}
