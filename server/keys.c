/* System records: read before there is a principal, written before there is a tenant. */
#include "server/keys.h"

#include <assert.h>
#include <stdio.h>

#include "agent/api_key.h"
#include "obs/log.h"
#include "store/records.h"

struct look_up {
    struct uuid id;
    struct api_key_record *out;
};

static uint32_t role_bits(const ApiKey *key)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < key->n_roles; i++)
        if (key->roles[i] > 0 && key->roles[i] < 32)
            bits |= 1U << key->roles[i];
    return bits;
}

/* What does not fit is nobody's team. */
static void read_teams(const ApiKey *key, struct team_list *out)
{
    for (size_t i = 0; i < key->n_team_ids; i++)
        if (!team_list_add(out, str_of(key->team_ids[i])))
            return;
}

static int32_t calls_per_second(const TenantRecord *t)
{
    return t->tenant->policy ? t->tenant->policy->max_requests_per_second : 0;
}

/* A record without its parts is nobody's: tenant_id stays 0. */
static void read_record(const ApiKeyRecord *r, const TenantRecord *t, struct api_key_record *out)
{
    *out = (struct api_key_record){0};
    if (!r->api_key || !t->tenant || r->secret_sha256.len != sizeof out->sha256)
        return;
    memcpy(out->sha256, r->secret_sha256.data, sizeof out->sha256);
    out->principal.tenant_id = t->number;
    out->principal.roles = role_bits(r->api_key);
    out->principal.kind = r->api_key->subject_kind == ACTOR_KIND_UNSPECIFIED
                              ? ACTOR_USER
                              : (enum actor_kind)r->api_key->subject_kind;
    out->principal.credential = CREDENTIAL_API_KEY;
    out->principal.calls_per_second = calls_per_second(t);
    snprintf(out->principal.tenant, sizeof out->principal.tenant, "%s", t->tenant->key);
    snprintf(out->principal.subject, sizeof out->principal.subject, "%s", r->api_key->subject);
    out->is_revoked = r->api_key->revoke_time != NULL;
    out->tenant_is_suspended = t->tenant->state == TENANT_STATE_SUSPENDED;
    if (r->api_key->expire_time)
        out->expires_us = r->api_key->expire_time->seconds * 1000000;
    if (r->api_key->last_use_time)
        out->last_use_us = r->api_key->last_use_time->seconds * 1000000;
    read_teams(r->api_key, &out->teams);
}

static enum status look_up_unit(struct call *c, struct tx *tx, void *arg)
{
    struct look_up *k = arg;
    char id[UUID_TEXT_BYTES + 1];
    ApiKeyRecord *record;
    TenantRecord *tenant;

    (void)c;
    uuid_format(k->id, id);
    TRY(tx_get_api_key(tx, str_of(id), &record));
    TRY(tx_get_tenant(tx, str_of(record->tenant_id), &tenant));
    read_record(record, tenant, k->out);
    return STATUS_OK;
}

static enum status find_key(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out)
{
    struct store_keys *k = (struct store_keys *)a;

    *out = (struct api_key_record){0};
    return store_run_system(k->store, c, STORE_READ, look_up_unit, &(struct look_up){id, out});
}

struct tenant_look_up {
    str name;
    struct tenant_record *out;
};

static enum status find_tenant_unit(struct call *c, struct tx *tx, void *arg)
{
    struct tenant_look_up *k = arg;
    struct uuid id;
    TenantRecord *r;

    (void)c;
    *k->out = (struct tenant_record){0};
    TRY(uuid_parse(k->name, &id) ? tx_get_tenant(tx, k->name, &r)
                                 : tx_find_tenant(tx, TENANT_BY_key, k->name, &r));
    if (!r->tenant)
        return STATUS_OK;
    k->out->number = r->number;
    k->out->calls_per_second = calls_per_second(r);
    k->out->is_suspended = r->tenant->state == TENANT_STATE_SUSPENDED;
    snprintf(k->out->key, sizeof k->out->key, "%s", r->tenant->key);
    return STATUS_OK;
}

static enum status find_tenant(struct authenticator *a, struct call *c, str name,
                               struct tenant_record *out)
{
    struct store_keys *k = (struct store_keys *)a;

    return store_run_system(k->store, c, STORE_READ, find_tenant_unit,
                            &(struct tenant_look_up){name, out});
}

static void key_used(struct authenticator *a, struct uuid id, int64_t now_us)
{
    struct store_keys *k = (struct store_keys *)a;

    if (k->use)
        key_use_note(k->use, id, now_us);
}

void store_keys_init(struct store_keys *k, struct store *store, struct key_use *use)
{
    *k = (struct store_keys){{find_key, find_tenant, key_used}, store, use};
}

struct bootstrap {
    const struct first_key *wish;
    bool made_tenant, made_key;
    char *secret_out;
};

static enum status make_tenant(struct call *c, struct tx *tx, const char *name, TenantRecord **out)
{
    TenantRecord *record = NEW(&c->arena, TenantRecord, 1);
    Tenant *tenant = NEW(&c->arena, Tenant, 1);

    if (!record || !tenant)
        return call_nomem(c);
    *tenant = (Tenant)TENANT_INIT;
    tenant->key = arena_cstr(&c->arena, str_of(name));
    tenant->display_name = tenant->key;
    tenant->state = TENANT_STATE_ACTIVE;
    *record = (TenantRecord)TENANT_RECORD_INIT;
    record->tenant = tenant;
    if (!tenant->key)
        return call_nomem(c);
    TRY(tx_counter_next(tx, "tenant", &record->number));
    TRY(tx_insert_tenant(tx, record));
    *out = record;
    return STATUS_OK;
}

static enum status make_key(struct tx *tx, const TenantRecord *tenant, char *secret_out)
{
    static Role roles[] = {ROLE_ADMIN};
    ApiKey wish = API_KEY_INIT, *key;
    struct api_key_secret secret;
    enum status s;

    wish.name = "bootstrap";
    wish.subject = "bootstrap";
    wish.subject_kind = ACTOR_KIND_SERVICE;
    wish.roles = roles;
    wish.n_roles = 1;
    s = api_key_issue(tx, tenant, &wish, &secret, &key);
    if (s == STATUS_OK)
        memcpy(secret_out, secret.text, sizeof secret.text);
    api_key_wipe(&secret);
    return s;
}

/* Whether the secret from before still opens this tenant. */
static enum status still_opens(struct call *c, struct tx *tx, const char *secret,
                               const TenantRecord *tenant, bool *out)
{
    struct api_key_parts parts;
    struct api_key_record found;
    enum status s;

    *out = false;
    if (!api_key_parse(str_of(secret), &parts))
        return STATUS_OK;
    s = look_up_unit(c, tx, &(struct look_up){parts.id, &found});
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return STATUS_OK;
    }
    *out = s == STATUS_OK && api_key_same(found.sha256, parts.sha256) && !found.is_revoked &&
           found.principal.tenant_id == tenant->number &&
           (!found.expires_us || found.expires_us > call_now_us(c));
    return s;
}

static enum status bootstrap_unit(struct call *c, struct tx *tx, void *arg)
{
    struct bootstrap *b = arg;
    TenantRecord *tenant;
    bool opens = false;
    enum status s = tx_find_tenant(tx, TENANT_BY_key, str_of(b->wish->tenant), &tenant);

    b->made_tenant = s == STATUS_NOT_FOUND;
    b->made_key = false;
    b->secret_out[0] = 0;
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        s = make_tenant(c, tx, b->wish->tenant, &tenant);
    }
    if (s != STATUS_OK)
        return s;
    TRY(still_opens(c, tx, b->wish->known, tenant, &opens));
    if (opens)
        memcpy(b->secret_out, b->wish->known, API_KEY_TEXT_BYTES + 1);
    if (opens || (!b->made_tenant && !b->wish->is_wanted))
        return STATUS_OK;
    b->made_key = true;
    return make_key(tx, tenant, b->secret_out);
}

enum status keys_bootstrap(struct call *c, struct store *store, const struct first_key *wish,
                           char secret_out[API_KEY_TEXT_BYTES + 1])
{
    struct bootstrap b = {.wish = wish, .secret_out = secret_out};
    enum status s = store_run_system(store, c, STORE_WRITE, bootstrap_unit, &b);

    if (s != STATUS_OK) {
        secret_out[0] = 0;
        return s;
    }
    if (b.made_tenant)
        log_info(c, LOG_EVENT_TENANT_CREATED, F_ID("name", wish->tenant));
    if (b.made_key)
        log_info(c, LOG_EVENT_KEY_CREATED, F_ID("for_tenant", wish->tenant),
                 F_STR("role", "admin"));
    return STATUS_OK;
}
