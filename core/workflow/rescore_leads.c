/* Questions and scores are those of qualification. */
#include "workflow/qualification.h"
#include "workflow/rescore.h"

static enum status ask(void *self, struct call *c, const struct rescore_lead *lead,
                       struct guard_ask *out)
{
    const struct qualify_given in = {lead->id, lead->asked_us, NULL};

    return qualification_question(c, self, &in, out);
}

static enum status apply(void *self, struct call *c, const struct rescore_lead *lead,
                         const struct guard_given *given)
{
    const struct qualify_given in = {lead->id, lead->asked_us, given};
    QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;

    return qualification_given(c, self, &in, &out);
}

const struct rescore_ops rescore_leads = {ask, apply};
