/* The command table: everything that salesctl can do, one row per command. */
#include "base/banned.h"
#include "ctl/action.h"
#include "ctl/admin.h"
#include "ctl/audit.h"
#include "ctl/completion.h"
#include "ctl/ctl.h"
#include "ctl/decision.h"
#include "ctl/demo.h"
#include "ctl/health.h"
#include "ctl/import.h"
#include "ctl/model.h"
#include "ctl/pipeline.h"
#include "ctl/proposal.h"
#include "ctl/qualify.h"
#include "ctl/subject.h"
#include "ctl/views.h"
#include "ctl/watch.h"
#include "ctl/webhook.h"

#define AGENT(method)    "/sales.v1.SalesAgent/" method
#define ADMIN(method)    "/sales.v1.Admin/" method
#define FORECAST(method) "/sales.v1.Forecast/" method

/* clang-format off */
const struct option global_options[] = {
    {"address", "ADDRESS",  NULL, "server: host:port, unix:/path or dns:///name:port ($SALES_ADDRESS)"},
    {"api-key", "KEY",      NULL, "credential of the tenant ($SALES_API_KEY)"},
    {"tls",      NULL,      NULL, "encrypt and verify the server by the system's issuers ($SALES_TLS=true)"},
    {"tls-ca",   "FILE",    NULL, "... by the issuers in this PEM file ($SALES_TLS_CA)"},
    {"tls-cert", "FILE",    NULL, "own certificate, when the server asks for one ($SALES_TLS_CLIENT_CERT)"},
    {"tls-key",  "FILE",    NULL, "its private key ($SALES_TLS_CLIENT_KEY)"},
    {"tls-name", "NAME",    NULL, "name in the server's certificate, if not the address ($SALES_TLS_NAME)"},
    {"timeout", "DURATION", NULL, "give up after, retries included: 500ms, 30s, 5m (default 30s)"},
    {"json",    NULL,       NULL, "replies and errors as JSON, one object per line"},
    {"help",    NULL,       NULL, "this text (also -h)"},
};
const size_t n_global_options = sizeof global_options / sizeof *global_options;

/* Fields of a lead that people type. */
#define LEAD_FIELDS                                                                                \
    {"name",        "TEXT",    "lead.full_name",            "whole name"},                         \
    {"given-name",  "TEXT",    "lead.given_name",           "first name"},                         \
    {"family-name", "TEXT",    "lead.family_name",          "last name"},                          \
    {"email",       "ADDRESS", "lead.email",                "primary e-mail address"},             \
    {"phone",       "NUMBER",  "lead.phone",                "primary telephone number"},           \
    {"title",       "TEXT",    "lead.job_title",            "job title"},                          \
    {"seniority",   "WORD",    "lead.seniority",            "staff, manager, director, vp, c_level, ..."}, \
    {"function",    "WORD",    "lead.job_function",         "sales, it, finance, operations, ..."}, \
    {"buying-role", "WORD",    "lead.buying_role",          "champion, decision_maker, user, ..."}, \
    {"company",     "TEXT",    "lead.company.name",         "name of the company"},                \
    {"domain",      "DOMAIN",  "lead.company.domain",       "its web or mail domain"},             \
    {"employees",   "N",       "lead.company.employees",    "its full-time employees"},            \
    {"industry",    "TEXT",    "lead.company.industry",     "its industry"},                       \
    {"revenue",     "MONEY",   "lead.company.annual_revenue", "its annual revenue: '12000000 EUR'"}, \
    {"country",     "CC",      "lead.country_code",         "country, ISO 3166 alpha-2"},          \
    {"region",      "TEXT",    "lead.region",               "state or region"},                    \
    {"city",        "TEXT",    "lead.city",                 "city"},                               \
    {"language",    "TAG",     "lead.language",             "BCP 47: de-AT"},                      \
    {"source",      "TEXT",    "lead.source",               "where it came from: webinar"},        \
    {"medium",      "TEXT",    "lead.medium",               "by which medium: cpc"},               \
    {"campaign",    "TEXT",    "lead.campaign",             "by which campaign"},                  \
    {"tag",         "TEXT",    "lead.tags",                 "label; may be given again"},          \
    {"owner",       "USER",    "lead.owner_id",             "user who owns it"},                   \
    {"team",        "TEAM",    "lead.team_id",              "team that owns it"},                  \
    {"attr",        "KEY=VALUE", "lead.attributes",         "custom attribute; may be given again"}

#define DEAL_FIELDS                                                                                \
    {"amount",      "MONEY",   "deal.amount",               "expected amount: '12000.50 EUR'"},   \
    {"close",       "DATE",    "deal.expected_close_date",  "expected close date: 2027-01-31"},    \
    {"owner",       "USER",    "deal.owner_id",             "user who owns it"},                   \
    {"team",        "TEAM",    "deal.team_id",              "team that owns it"},                  \
    {"next-step",   "TEXT",    "deal.next_step",            "what happens next"},                  \
    {"next-date",   "DATE",    "deal.next_step_date",       "when that is due"},                   \
    {"category",    "WORD",    "deal.category",             "commit, best_case, pipeline, omitted"}, \
    {"competitor",  "TEXT",    "deal.competitors",          "in the race; may be given again"},    \
    {"contact",     "WHO",     "deal.contacts",             "'champion:Ada Byron <ada@example.com>' or a lead's ID"}, \
    {"segment",     "TEXT",    "deal.segment",              "for forecasts: enterprise"},          \
    {"tag",         "TEXT",    "deal.tags",                 "label; may be given again"},          \
    {"attr",        "KEY=VALUE", "deal.attributes",         "custom attribute; may be given again"}

#define LIST_FIELDS                                                                                \
    {"filter",      "EXPRESSION", "filter",                 "'status = \"qualified\" AND score >= 80'"}, \
    {"order",       "FIELDS",  "order_by",                  "'score desc, create_time'"},          \
    {"limit",       "N",       "page_size",                 "records per page, 1 to 500 (default 50)"}, \
    {"page-token",  "TOKEN",   "page_token",                "go on where a page ended"},           \
    {"all",         NULL,      NULL,                        "every page"}

#define ETAG         {"etag", "ETAG", "etag", "only if nobody changed it since"}
#define REQUEST_ID   {"request-id", "UUID", "request_id", "make repetitions of this very command harmless"}

static const struct option lead_create_options[] = {
    LEAD_FIELDS,
    {"external-id", "ID",   "lead.external_id",  "its id in another system"},
    {"created-at",  "TIME", "lead.created_at",   "when it came about: 2026-03-01, -3d"},
    {"duplicates",  "WORD", "duplicate_policy",  "return (default), fill, overwrite, fail, keep_both"},
    REQUEST_ID,
};
static const struct option lead_update_options[] = {
    LEAD_FIELDS,
    {"clear",       "FIELD", "update_mask.paths", "empty a field: job_title; may be given again"},
    {"etag",        "ETAG",  "lead.etag",         "only if nobody changed it since"},
    REQUEST_ID,
};
static const struct option lead_list_options[] = {
    {"search",      "WORDS", "search", "words of a name or company"},
    LIST_FIELDS,
};
static const struct option delete_options[] = {
    {"yes",         NULL,    NULL, "yes, erase it"},
    ETAG, REQUEST_ID,
};
static const struct option import_options[] = {
    {"map",         "FILE", NULL, "which column is which field (see docs/salesctl.md)"},
    {"encoding",    "NAME", NULL, "utf-8 (default), windows-1252, latin-1"},
    {"duplicates",  "WORD", NULL, "return (default), fill, overwrite, fail, keep_both"},
    {"dry-run",     NULL,   NULL, "check every row, store nothing"},
    {"resume",      "ID",   NULL, "go on with an import that was cut, as it said"},
    {"rows",        "N",    NULL, "stop after so many rows"},
    {"errors",      "N",    NULL, "row errors printed (default 20)"},
};
static const struct option qualify_options[] = {
    {"filter",      "EXPRESSION", NULL, "all leads that match instead of IDs; '' is all"},
    {"as-of",       "TIME",  NULL, "with the knowledge of then; stores nothing"},
    {"dry-run",     NULL,    NULL, "show the score, store nothing"},
    {"no-ai",       NULL,    NULL, "rules and models only"},
};
static const struct option convert_options[] = {
    {"name",        "TEXT",  "deal.name", "name of the deal"},
    DEAL_FIELDS, ETAG, REQUEST_ID,
};
static const struct option watch_options[] = {
    {"filter",      "EXPRESSION", "filter",       "only leads that match"},
    {"resume",      "TOKEN",      "resume_token", "from where an earlier watch ended"},
    {"count",       "N",          NULL,           "end after so many events"},
};
static const struct option deal_create_options[] = {
    DEAL_FIELDS,
    {"stage",       "KEY",  "deal.stage",        "stage to start in (default: the first)"},
    {"pipeline",    "ID",   "deal.pipeline_id",  "pipeline (default: the default one)"},
    {"lead",        "ID",   "deal.lead_id",      "lead it came from"},
    {"company",     "TEXT", "deal.company.name", "name of the company"},
    {"external-id", "ID",   "deal.external_id",  "its id in another system"},
    {"created-at",  "TIME", "deal.created_at",   "when it came about"},
    REQUEST_ID,
};
static const struct option deal_list_options[] = {
    {"search",      "WORDS", "search", "words of the name or company"},
    LIST_FIELDS,
};
static const struct option deal_update_options[] = {
    {"name",        "TEXT",  "deal.name", "name"},
    DEAL_FIELDS,
    {"clear",       "FIELD", "update_mask.paths", "empty a field: next_step; may be given again"},
    {"etag",        "ETAG",  "deal.etag",         "only if nobody changed it since"},
    REQUEST_ID,
};
static const struct option progress_options[] = {
    {"reason",      "CODE",  "close_reason.code",       "why it was won or lost"},
    {"competitor",  "TEXT",  "close_reason.competitor", "who won or lost"},
    {"reason-note", "TEXT",  "close_reason.note",       "the reason in words"},
    {"note",        "TEXT",  "note",                    "why it moves"},
    {"at",          "TIME",  "occurred_at",             "when it happened (default: now)"},
    {"dry-run",     NULL,    "validate_only",           "show the result, store nothing"},
    ETAG, REQUEST_ID,
};
static const struct option reopen_options[] = {
    {"stage",       "KEY",   "to_stage",    "open stage to return to (default: the last)"},
    {"at",          "TIME",  "occurred_at", "when it happened (default: now)"},
    ETAG, REQUEST_ID,
};
static const struct option activity_log_options[] = {
    {"lead",        "ID",    "activity.lead_id",     "lead it belongs to"},
    {"deal",        "ID",    "activity.deal_id",     "deal it belongs to"},
    {"event",       "WORD",  "activity.event",       "email_replied, demo_requested, meeting_held, ..."},
    {"direction",   "WORD",  "activity.direction",   "inbound, outbound"},
    {"subject",     "TEXT",  "activity.subject",     "headline"},
    {"body",        "TEXT",  "activity.body",        "text"},
    {"url",         "URL",   "activity.url",         "page, form or asset"},
    {"at",          "TIME",  "activity.occurred_at", "when it happened (default: now)"},
    {"duration",    "DURATION", "activity.duration", "how long it took: 25m"},
    {"due",         "TIME",  "activity.due_time",    "when a task is due"},
    {"external-id", "ID",    "activity.external_id", "its id in another system"},
    REQUEST_ID,
};
static const struct option activity_list_options[] = {
    {"lead",        "ID",    "lead_id", "only this lead's"},
    {"deal",        "ID",    "deal_id", "only this deal's"},
    LIST_FIELDS,
};
static const struct option pipeline_options[] = {
    {"pipeline",    "ID",         "pipeline_id", "which (default: the default one)"},
    {"filter",      "EXPRESSION", "filter",      "only deals that match"},
};
static const struct option demo_options[] = {
    {"file",        "FILE", NULL, "leads to import (default: the sample of bank_marketing)"},
    {"map",         "FILE", NULL, "their mapping"},
    {"rows",        "N",    NULL, "rows to import (default 500)"},
};
#define WEBHOOK_FIELDS                                                                             \
    {"event",       "TYPE",  "webhook.event_types", "sales.lead.created, sales.lead.*; may be given again"}, \
    {"description", "TEXT",  "webhook.description", "note for people"},                            \
    {"signature",   "WORD",  "webhook.signature",   "hmac_sha256 (default), ed25519"},             \
    {"state",       "WORD",  "webhook.state",       "enabled, disabled"}

static const struct option webhook_create_options[] = {WEBHOOK_FIELDS, REQUEST_ID};
static const struct option webhook_update_options[] = {
    {"url",         "URL",   "webhook.url",         "another address"},
    WEBHOOK_FIELDS,
    {"clear",       "FIELD", "update_mask.paths",   "empty a field: event_types; may be given again"},
    {"rotate-secret", NULL,  "rotate_secret",       "a new secret; the old one signs too for a day"},
    {"etag",        "ETAG",  "webhook.etag",        "only if nobody changed it since"},
    REQUEST_ID,
};
static const struct option webhook_list_options[] = {
    {"limit",       "N",     "page_size",  "webhooks per page, 1 to 500 (default 50)"},
    {"page-token",  "TOKEN", "page_token", "go on where a page ended"},
    {"all",         NULL,    NULL,         "every page"},
};
static const struct option webhook_deliveries_options[] = {
    {"filter",      "EXPRESSION", "filter", "'state = \"failed\"'; state, event_type, create_time"},
    {"limit",       "N",     "page_size",  "deliveries per page, 1 to 500 (default 50)"},
    {"page-token",  "TOKEN", "page_token", "go on where a page ended"},
    {"all",         NULL,    NULL,         "every page"},
};
static const struct option request_id_option[] = {REQUEST_ID};
static const struct option webhook_verify_options[] = {
    {"secret-file", "FILE",  NULL, "the webhook's secrets, one per line"},
    {"id",          "TEXT",  NULL, "the header webhook-id"},
    {"timestamp",   "N",     NULL, "the header webhook-timestamp"},
    {"signature",   "TEXT",  NULL, "the header webhook-signature"},
    {"any-time",    NULL,    NULL, "however old it is"},
};

static const struct argument webhook_url[] = {{"URL", "webhook.url", "https address", ARGUMENT_ONE}};
static const struct argument webhook_id[] = {{"ID", "id", "id of the webhook", ARGUMENT_ONE}};
static const struct argument webhook_update_id[] = {
    {"ID", "webhook.id", "id of the webhook", ARGUMENT_ONE}};
static const struct argument webhook_of_deliveries[] = {
    {"ID", "webhook_id", "id of the webhook", ARGUMENT_ONE}};
static const struct argument delivery_id[] = {
    {"ID", "delivery_id", "id of the delivery", ARGUMENT_ONE}};
static const struct argument body_file[] = {
    {"FILE", NULL, "the raw body, - is standard input", ARGUMENT_ONE}};
static const struct argument lead_id[] = {{"ID", "id", "id of the lead", ARGUMENT_ONE}};
static const struct argument lead_update_id[] = {{"ID", "lead.id", "id of the lead", ARGUMENT_ONE}};
static const struct argument deal_id[] = {{"ID", "id", "id of the deal", ARGUMENT_ONE}};
static const struct argument deal_update_id[] = {{"ID", "deal.id", "id of the deal", ARGUMENT_ONE}};
static const struct argument deal_name[] = {{"NAME", "deal.name", "name of the deal", ARGUMENT_ONE}};
static const struct argument import_words[] = {{"FILE", NULL, "CSV file, - is standard input", ARGUMENT_ONE}};
static const struct argument decision_id[] = {{"ID", "id", "id of the decision", ARGUMENT_ONE}};
static const struct argument qualify_id[] = {{"ID", NULL, "id of a lead (or use --filter)", ARGUMENT_OPTIONAL}};
static const struct argument progress_words[] = {
    {"ID", "id", "id of the deal", ARGUMENT_ONE},
    {"STAGE", "to_stage", "key of the stage to move to", ARGUMENT_ONE},
};
static const struct argument reopen_words[] = {
    {"ID", "id", "id of the deal", ARGUMENT_ONE},
    {"WHY", "note", "why, one sentence", ARGUMENT_ONE},
};
static const struct argument activity_kind[] = {
    {"KIND", "activity.kind", "email, call, meeting, web, note, chat, task", ARGUMENT_ONE}};
static const struct argument shell_word[] = {{"SHELL", NULL, "bash, zsh or fish", ARGUMENT_ONE}};
static const struct argument service_word[] = {
    {"SERVICE", "service", "service to ask for (default: the server)", ARGUMENT_OPTIONAL}};

static const struct option audit_list_options[] = {LIST_FIELDS};
static const struct option audit_verify_options[] = {
    {"from",        "N",    "from_sequence", "first entry to check (default: the first of all)"},
    {"to",          "N",    "to_sequence",   "last entry to check (default: the last of all)"},
    {"public-key",  "HEX",  NULL, "with FILE: the key that must have signed, known from elsewhere"},
    {"known",       "FILE", NULL, "with FILE: an earlier export, which the trail must go through"},
};
static const struct argument audit_verify_file[] = {
    {"FILE", NULL, "an export to check without a server ('-': standard input)", ARGUMENT_OPTIONAL},
};
static const struct argument audit_export_file[] = {
    {"FILE", NULL, "file to make; it must not exist", ARGUMENT_ONE},
};
#include "ctl/action_options.def"
#include "ctl/admin_options.def"
#include "ctl/model_options.def"
#include "ctl/proposal_options.def"
#include "ctl/subject_options.def"

#define N(rows)         (sizeof(rows) / sizeof *(rows))
#define TAKES(rows)     .arguments = (rows), .n_arguments = N(rows)
#define OPTIONS(rows)   .options = (rows), .n_options = N(rows)
#define ITEM(v)         .shape = VIEW_ITEM, .view = &(v)
#define LIST(v)         .shape = VIEW_LIST, .view = &(v)

const struct command commands[] = {
    {.name = "lead create", .summary = "store a lead; a duplicate is returned, not stored twice",
     .run = call_run, .method = AGENT("CreateLead"), OPTIONS(lead_create_options), ITEM(lead_view),
     .examples = "lead create --name 'Ada Byron' --email ada@example.com --company 'Analytical Ltd'\n"
                 "lead create --email ada@example.com --title CTO --duplicates fill --attr plan=pro"},
    {.name = "lead get", .summary = "show a lead",
     .run = call_run, .method = AGENT("GetLead"), TAKES(lead_id), ITEM(lead_view),
     .examples = "lead get 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80"},
    {.name = "lead list", .summary = "leads by filter, order and search words",
     .run = list_run, .method = AGENT("ListLeads"), OPTIONS(lead_list_options), LIST(lead_list_view),
     .examples = "lead list --filter 'status = \"qualified\" AND score >= 80' --order 'score desc'\n"
                 "lead list --search analytical --limit 10"},
    {.name = "lead update", .summary = "change the fields given",
     .run = call_run, .method = AGENT("UpdateLead"), TAKES(lead_update_id),
     OPTIONS(lead_update_options), ITEM(lead_view), .mask = "lead",
     .examples = "lead update 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --title COO --attr plan=max\n"
                 "lead update 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --clear phone"},
    {.name = "lead delete", .summary = "erase a lead: personal data goes, the audit trail stays",
     .run = delete_run, .method = AGENT("DeleteLead"), TAKES(lead_id), OPTIONS(delete_options),
     .done = "erased",
     .examples = "lead delete 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --yes"},
    {.name = "lead import", .summary = "import leads from a CSV file, with progress, resumable",
     .run = import_run, TAKES(import_words), OPTIONS(import_options),
     .examples = "lead import leads.csv --map leads.csvmap\n"
                 "lead import leads.csv --map leads.csvmap --dry-run\n"
                 "gzip -dc leads.csv.gz | salesctl lead import - --map leads.csvmap"},
    {.name = "lead qualify", .summary = "score leads and route them, with reasons",
     .run = qualify_run, TAKES(qualify_id), OPTIONS(qualify_options),
     .examples = "lead qualify 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80\n"
                 "lead qualify --filter 'status = \"new\"'"},
    {.name = "lead convert", .summary = "make a deal of a qualified lead",
     .run = call_run, .method = AGENT("ConvertLead"), TAKES(lead_id), OPTIONS(convert_options),
     ITEM(deal_view),
     .examples = "lead convert 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --amount '18000 EUR' --close 2027-01-31"},
    {.name = "lead watch", .summary = "print changes of leads as they are committed",
     .run = watch_run, .method = AGENT("WatchLeads"), OPTIONS(watch_options),
     .examples = "lead watch --filter 'score >= 80'\n"
                 "lead watch --json --count 1"},
    {.name = "deal create", .summary = "store a deal",
     .run = call_run, .method = AGENT("CreateDeal"), TAKES(deal_name), OPTIONS(deal_create_options),
     ITEM(deal_view),
     .examples = "deal create 'Analytical, 50 seats' --amount '12000 EUR' --close 2027-01-31"},
    {.name = "deal get", .summary = "show a deal",
     .run = call_run, .method = AGENT("GetDeal"), TAKES(deal_id), ITEM(deal_view),
     .examples = "deal get 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81"},
    {.name = "deal list", .summary = "deals by filter, order and search words",
     .run = list_run, .method = AGENT("ListDeals"), OPTIONS(deal_list_options), LIST(deal_list_view),
     .examples = "deal list --filter 'stage = \"proposal\"' --order 'amount desc'"},
    {.name = "deal update", .summary = "change the fields given; never the stage",
     .run = call_run, .method = AGENT("UpdateDeal"), TAKES(deal_update_id),
     OPTIONS(deal_update_options), ITEM(deal_view), .mask = "deal",
     .examples = "deal update 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81 --next-step 'send offer' --next-date 2026-12-01"},
    {.name = "deal progress", .summary = "move a deal to another stage",
     .run = call_run, .method = AGENT("ProgressDeal"), TAKES(progress_words),
     OPTIONS(progress_options), ITEM(deal_view),
     .examples = "deal progress 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81 proposal\n"
                 "deal progress 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81 lost --reason price --competitor Acme"},
    {.name = "deal reopen", .summary = "open a closed deal again",
     .run = call_run, .method = AGENT("ReopenDeal"), TAKES(reopen_words), OPTIONS(reopen_options),
     ITEM(deal_view),
     .examples = "deal reopen 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81 'they called back'"},
    {.name = "activity log", .summary = "log a mail, call, meeting, visit or note; the past is fine",
     .run = call_run, .method = AGENT("LogActivity"), TAKES(activity_kind),
     OPTIONS(activity_log_options), ITEM(activity_view),
     .examples = "activity log call --lead 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --event call_connected --duration 12m\n"
                 "activity log meeting --deal 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c81 --at -2d --subject Kick-off"},
    {.name = "activity list", .summary = "activities, latest first",
     .run = list_run, .method = AGENT("ListActivities"), OPTIONS(activity_list_options),
     LIST(activity_list_view),
     .examples = "activity list --lead 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --limit 20"},
    {.name = "pipeline", .summary = "deals by stage: count, amount, weighted amount, ageing",
     .run = pipeline_run, .method = AGENT("GetPipelineSummary"), OPTIONS(pipeline_options),
     .examples = "pipeline\n"
                 "pipeline --filter 'owner_id = \"ada\"'"},
    {.name = "audit list", .summary = "who changed what, and who was refused, latest first",
     .run = list_run, .method = ADMIN("ListAuditEntries"), OPTIONS(audit_list_options),
     LIST(audit_list_view),
     .examples = "audit list --filter 'record_id = \"0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80\"'\n"
                 "audit list --filter 'code = 7' --limit 20"},
    {.name = "audit verify", .summary = "check the chain and its signatures, here or on the server",
     .run = audit_verify_run, .method = ADMIN("VerifyAudit"), TAKES(audit_verify_file),
     OPTIONS(audit_verify_options),
     .examples = "audit verify\n"
                 "audit verify trail.audit --public-key $KEY --known last-month.audit"},
    {.name = "audit export", .summary = "write the trail to a file that verifies without a server",
     .run = audit_export_run, .method = ADMIN("ListAuditEntries"), TAKES(audit_export_file),
     .examples = "audit export trail.audit"},
    {.name = "webhook create", .summary = "push events to an address; shows its secret once",
     .run = webhook_run, .method = ADMIN("CreateWebhook"), TAKES(webhook_url),
     OPTIONS(webhook_create_options), ITEM(webhook_view),
     .examples = "webhook create https://hooks.example.com/sales --event 'sales.lead.*'"},
    {.name = "webhook list", .summary = "webhooks and how they stand",
     .run = list_run, .method = ADMIN("ListWebhooks"), OPTIONS(webhook_list_options),
     LIST(webhook_list_view), .examples = "webhook list"},
    {.name = "webhook update", .summary = "change the fields given, enable it again, rotate its secret",
     .run = webhook_run, .method = ADMIN("UpdateWebhook"), TAKES(webhook_update_id),
     OPTIONS(webhook_update_options), ITEM(webhook_view), .mask = "webhook",
     .examples = "webhook update 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c82 --rotate-secret\n"
                 "webhook update 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c82 --state enabled"},
    {.name = "webhook delete", .summary = "delete a webhook with its deliveries",
     .run = delete_run, .method = ADMIN("DeleteWebhook"), TAKES(webhook_id), OPTIONS(delete_options),
     .done = "deleted",
     .examples = "webhook delete 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c82 --yes"},
    {.name = "webhook deliveries", .summary = "what was sent, latest first",
     .run = list_run, .method = ADMIN("ListWebhookDeliveries"), TAKES(webhook_of_deliveries),
     OPTIONS(webhook_deliveries_options), LIST(webhook_delivery_list_view),
     .examples = "webhook deliveries 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c82 --filter 'state = \"failed\"'"},
    {.name = "webhook redeliver", .summary = "send a delivery again, with the same webhook-id",
     .run = call_run, .method = ADMIN("RedeliverWebhook"), TAKES(delivery_id),
     OPTIONS(request_id_option), ITEM(webhook_delivery_view),
     .examples = "webhook redeliver 0193b6f2-7d1c-8a4e-9c55-2f1d3a6b7c83"},
    {.name = "webhook verify", .summary = "check a delivery that was received; asks no server",
     .run = webhook_verify_run, TAKES(body_file), OPTIONS(webhook_verify_options),
     .examples = "webhook verify body.json --secret-file secret --id msg_1 --timestamp 1614265330 --signature v1,..."},
#include "ctl/action_commands.def"
#include "ctl/admin_commands.def"
#include "ctl/decision_commands.def"
#include "ctl/model_commands.def"
#include "ctl/proposal_commands.def"
#include "ctl/subject_commands.def"
    {.name = "demo", .summary = "the main story on real leads, every step with its time",
     .run = demo_run, OPTIONS(demo_options),
     .examples = "demo\n"
                 "demo --rows 5000"},
    {.name = "health", .summary = "is the server, or one service of it, serving?",
     .run = health_run, .method = "/grpc.health.v1.Health/Check", TAKES(service_word),
     .examples = "health\n"
                 "health sales.v1.SalesAgent"},
    {.name = "completion", .summary = "print the completion script of a shell",
     .run = completion_run, TAKES(shell_word),
     .examples = "completion bash > /etc/bash_completion.d/salesctl\n"
                 "completion fish > ~/.config/fish/completions/salesctl.fish"},
};
/* clang-format on */
const size_t n_commands = N(commands);
