/* One row per column: title, path in the record, how to show it. */
#include "ctl/views.h"

#include "base/banned.h"

/* clang-format off */
#define VIEW(name, at, rows, none) \
    const struct view name = {.path = (at), .columns = (rows), \
                              .n_columns = sizeof(rows) / sizeof *(rows), .nothing = (none)}

static const struct view_column lead_list_rows[] = {
    {"ID",       "id",                SHOW_PLAIN,   ALIGN_LEFT,  36},
    {"NAME",     "full_name",         SHOW_PLAIN,   ALIGN_LEFT,  28},
    {"COMPANY",  "company.name",      SHOW_PLAIN,   ALIGN_LEFT,  28},
    {"TITLE",    "job_title",         SHOW_PLAIN,   ALIGN_LEFT,  24},
    {"SOURCE",   "source",            SHOW_PLAIN,   ALIGN_LEFT,  16},
    {"STATUS",   "status",            SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"SCORE",    "score.score",       SHOW_PLAIN,   ALIGN_RIGHT,  0},
    {"GRADE",    "score.grade",       SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"OWNER",    "owner_id",          SHOW_PLAIN,   ALIGN_LEFT,  16},
    {"CREATED",  "created_at",        SHOW_PLAIN,   ALIGN_LEFT,   0},
};
VIEW(lead_list_view, "leads", lead_list_rows, "no leads");

static const struct view_column lead_rows[] = {
    {"id",            "id",                 SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"etag",          "etag",               SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"external id",   "external_id",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"name",          "full_name",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"e-mail",        "email",              SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"other e-mails", "other_emails",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"phone",         "phone",              SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"title",         "job_title",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"seniority",     "seniority",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"function",      "job_function",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"buying role",   "buying_role",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"company",       "company.name",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"domain",        "company.domain",     SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"employees",     "company.employees",  SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"industry",      "company.industry",   SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"revenue",       "company.annual_revenue", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"country",       "country_code",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"city",          "city",               SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"language",      "language",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"source",        "source",             SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"campaign",      "campaign",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"tags",          "tags",               SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"owner",         "owner_id",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"attributes",    "attributes",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"status",        "status",             SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"because",       "status_reason",      SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"score",         "score.score",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"grade",         "score.grade",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"confidence",    "score.confidence",   SHOW_PERCENT, ALIGN_LEFT, 0},
    {"deal",          "converted_deal_id",  SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"outcome",       "outcome",            SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"last activity", "last_activity_time", SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"created",       "created_at",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"updated",       "update_time",        SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(lead_view, "lead", lead_rows, "no lead");

static const struct view_column deal_list_rows[] = {
    {"ID",       "id",                  SHOW_PLAIN,   ALIGN_LEFT,  36},
    {"NAME",     "name",                SHOW_PLAIN,   ALIGN_LEFT,  32},
    {"COMPANY",  "company.name",        SHOW_PLAIN,   ALIGN_LEFT,  24},
    {"STAGE",    "stage",               SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"AMOUNT",   "amount",              SHOW_PLAIN,   ALIGN_RIGHT,  0},
    {"CLOSE",    "expected_close_date", SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"OWNER",    "owner_id",            SHOW_PLAIN,   ALIGN_LEFT,  16},
    {"NEXT",     "next_step",           SHOW_PLAIN,   ALIGN_LEFT,  24},
};
VIEW(deal_list_view, "deals", deal_list_rows, "no deals");

static const struct view_column deal_rows[] = {
    {"id",            "id",                  SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"etag",          "etag",                SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"external id",   "external_id",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"name",          "name",                SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"pipeline",      "pipeline_id",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"stage",         "stage",               SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"since",         "stage_time",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"amount",        "amount",              SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"close date",    "expected_close_date", SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"category",      "category",            SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"lead",          "lead_id",             SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"company",       "company.name",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"owner",         "owner_id",            SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"next step",     "next_step",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"due",           "next_step_date",      SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"competitors",   "competitors",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"segment",       "segment",             SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"tags",          "tags",                SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"attributes",    "attributes",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"reason",        "close_reason.code",   SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"note",          "close_reason.note",   SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"closed",        "closed_at",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"created",       "created_at",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"updated",       "update_time",         SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(deal_view, "deal", deal_rows, "no deal");

static const struct view_column activity_list_rows[] = {
    {"WHEN",      "occurred_at", SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"KIND",      "kind",        SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"EVENT",     "event",       SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"DIRECTION", "direction",   SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"SUBJECT",   "subject",     SHOW_PLAIN,   ALIGN_LEFT,  40},
    {"LEAD",      "lead_id",     SHOW_PLAIN,   ALIGN_LEFT,  36},
    {"DEAL",      "deal_id",     SHOW_PLAIN,   ALIGN_LEFT,  36},
};
VIEW(activity_list_view, "activities", activity_list_rows, "no activities");

static const struct view_column activity_rows[] = {
    {"id",        "id",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"lead",      "lead_id",     SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"deal",      "deal_id",     SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"kind",      "kind",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"event",     "event",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"direction", "direction",   SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"subject",   "subject",     SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"when",      "occurred_at", SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"took",      "duration",    SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(activity_view, "activity", activity_rows, "no activity");

static const struct view_column pipeline_list_rows[] = {
    {"ID",      "id",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"NAME",    "name",       SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"DEFAULT", "is_default", SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(pipeline_list_view, "pipelines", pipeline_list_rows, "no pipelines");

static const struct view_column audit_list_rows[] = {
    {"NO",       "sequence",       SHOW_PLAIN, ALIGN_RIGHT, 0},
    {"TIME",     "time",           SHOW_PLAIN, ALIGN_LEFT,  0},
    {"WHO",      "actor.id",       SHOW_PLAIN, ALIGN_LEFT, 24},
    {"ACTION",   "action",         SHOW_PLAIN, ALIGN_LEFT, 40},
    {"KIND",     "record_kind",    SHOW_PLAIN, ALIGN_LEFT,  0},
    {"RECORD",   "record_id",      SHOW_PLAIN, ALIGN_LEFT, 36},
    {"RECORDS",  "record_count",   SHOW_PLAIN, ALIGN_RIGHT, 0},
    {"CODE",     "code",           SHOW_PLAIN, ALIGN_RIGHT, 0},
    {"CHANGED",  "changed_fields", SHOW_PLAIN, ALIGN_LEFT, 40},
};
VIEW(audit_list_view, "entries", audit_list_rows, "no entries");

static const struct view_column webhook_list_rows[] = {
    {"ID",     "id",          SHOW_PLAIN,   ALIGN_LEFT,  36},
    {"STATE",  "state",       SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"URL",    "url",         SHOW_PLAIN,   ALIGN_LEFT,  48},
    {"EVENTS", "event_types", SHOW_PLAIN,   ALIGN_LEFT,  40},
};
VIEW(webhook_list_view, "webhooks", webhook_list_rows, "no webhooks");

static const struct view_column webhook_rows[] = {
    {"id",          "id",           SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"etag",        "etag",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"url",         "url",          SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"events",      "event_types",  SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"description", "description",  SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"state",       "state",        SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"because",     "state_reason", SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"signature",   "signature",    SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"created",     "create_time",  SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(webhook_view, "webhook", webhook_rows, "no webhook");

static const struct view_column webhook_delivery_list_rows[] = {
    {"ID",       "id",                SHOW_PLAIN,   ALIGN_LEFT,  36},
    {"EVENT",    "event_type",        SHOW_PLAIN,   ALIGN_LEFT,  28},
    {"STATE",    "state",             SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"ATTEMPTS", "attempts",          SHOW_PLAIN,   ALIGN_RIGHT,  0},
    {"HTTP",     "http_status",       SHOW_PLAIN,   ALIGN_RIGHT,  0},
    {"TOOK",     "latency",           SHOW_PLAIN,   ALIGN_RIGHT,  0},
    {"NEXT",     "next_attempt_time", SHOW_PLAIN,   ALIGN_LEFT,   0},
    {"ERROR",    "error",             SHOW_PLAIN,   ALIGN_LEFT,  40},
};
VIEW(webhook_delivery_list_view, "deliveries", webhook_delivery_list_rows, "no deliveries");

static const struct view_column webhook_delivery_rows[] = {
    {"id",         "id",         SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"webhook-id", "event_id",   SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"event",      "event_type", SHOW_PLAIN,   ALIGN_LEFT, 0},
    {"state",      "state",      SHOW_PLAIN,   ALIGN_LEFT, 0},
};
VIEW(webhook_delivery_view, "delivery", webhook_delivery_rows, "no delivery");
/* clang-format on */
