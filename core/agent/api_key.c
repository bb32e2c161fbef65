/* Secrets are made inside of the unit and leave in the caller's struct only: no record, event or
 * fault ever holds one. */
#include "agent/api_key.h"

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/mutation.h"
#include "agent/tenant.h"
#include "store/records.h"
#include "store/service.h"

enum {
    PREFIX_BYTES = 11, /* "sk_" and the first eight of the id: shown to recognise a key */
    KEY_PAGES_MAX =
        200, /* 100,000 keys of a tenant are looked through before the last is revoked */
};

static enum status choose_expiry(struct call *c, const Timestamp *wish, Timestamp **out)
{
    int64_t now = call_now_us(c), most = now + API_KEY_LIFE_DAYS * MOMENT_DAY_US;
    int64_t us = moment_us(wish, most);

    if (us > now && us <= most)
        return instant_new(c, us, out);
    call_detail(c, FAULT_FIELD, "api_key.expiry", STR("api_key.expire_time"),
                "ahead, by at most %d days", API_KEY_LIFE_DAYS);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the key cannot expire then");
}

enum status api_key_issue(struct tx *service, const TenantRecord *tenant, const ApiKey *wish,
                          struct api_key_secret *secret_out, ApiKey **out)
{
    struct call *c = tx_call(service);
    struct uuid id = uuid_new(c);
    unsigned char *sha256 = NEW(&c->arena, unsigned char, API_KEY_SHA256_BYTES);
    ApiKeyRecord *record = NEW(&c->arena, ApiKeyRecord, 1);
    ApiKey *key = NEW(&c->arena, ApiKey, 1);

    *out = key;
    if (!sha256 || !record || !key)
        return call_nomem(c);
    api_key_make(c, id, secret_out->text, sha256);
    *key = *wish;
    key->id = uuid_text(&c->arena, id);
    key->create_time = key->revoke_time = key->last_use_time = NULL;
    key->prefix = arena_cstr(&c->arena, str_sub(str_of(secret_out->text), 0, PREFIX_BYTES));
    if (key->subject_kind == ACTOR_KIND_UNSPECIFIED)
        key->subject_kind = ACTOR_KIND_USER;
    if (!key->id || !key->prefix)
        return call_nomem(c);
    TRY(choose_expiry(c, wish->expire_time, &key->expire_time));
    *record = (ApiKeyRecord)API_KEY_RECORD_INIT;
    record->api_key = key;
    record->secret_sha256 = (ProtobufCBinaryData){API_KEY_SHA256_BYTES, sha256};
    record->tenant_id = tenant->tenant->id;
    return tx_insert_api_key(service, record);
}

enum status api_key_show(struct call *c, const struct api_key_secret *secret, char **out)
{
    *out = arena_cstr(&c->arena, str_of(secret->text));
    return *out ? STATUS_OK : call_nomem(c);
}

void api_key_wipe(struct api_key_secret *secret)
{
    explicit_bzero(secret, sizeof *secret);
}

struct create {
    const ApiKey *wish;
    struct api_key_secret secret;
    CreateApiKeyResponse *out;
};

static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    struct create *k = arg;
    TenantRecord *tenant;
    struct tx *service;
    ApiKey *key;

    TRY(tx_service(tx, &service));
    TRY(tenant_of_caller(service, &tenant));
    TRY(api_key_issue(service, tenant, k->wish, &k->secret, &key));
    k->out->api_key = key;
    TRY(api_key_show(c, &k->secret, &k->out->secret));
    return tx_event(tx, EVENT_KEY_CREATED, RECORD_API_KEY, str_of(key->id), &key->base);
}

enum status api_key_create(struct call *c, struct agents *a, const CreateApiKeyRequest *in,
                           CreateApiKeyResponse *out)
{
    struct create k = {.wish = in->api_key, .out = out};
    enum status s;

    if (in->api_key->subject_kind == ACTOR_KIND_SYSTEM ||
        in->api_key->subject_kind == ACTOR_KIND_AI) {
        call_detail(c, FAULT_FIELD, "api_key.kind", STR("api_key.subject_kind"),
                    "a user or a service");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "such a subject shows no key");
    }
    s = mutate(c, a, &(struct mutation){.unit = create_unit, .arg = &k, .answer = &out->base});
    api_key_wipe(&k.secret);
    return s;
}

/* One page of the keys of a tenant. */
static enum status list_page(struct tx *service, const TenantRecord *tenant, int32_t size,
                             const char *token, struct list_page *out)
{
    struct list_where where = {.column = API_KEY_BY_tenant, .text = str_of(tenant->tenant->id)};
    struct list_query q = {
        .page_size = size, .page_token = str_of(token), .where = &where, .n_where = 1};

    return tx_list(service, RECORD_API_KEY, &q, out);
}

struct list {
    const ListApiKeysRequest *in;
    struct list_page page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list *k = arg;
    TenantRecord *tenant;

    (void)c;
    TRY(tenant_of_caller(tx, &tenant));
    return list_page(tx, tenant, k->in->page_size, k->in->page_token, &k->page);
}

enum status api_key_list(struct call *c, struct agents *a, const ListApiKeysRequest *in,
                         ListApiKeysResponse *out)
{
    struct list k = {.in = in};

    TRY(store_run_system(a->store, c, STORE_READ, list_unit, &k));
    out->api_keys = NEW(&c->arena, ApiKey *, k.page.n_items);
    if (!out->api_keys)
        return call_nomem(c);
    for (size_t i = 0; i < k.page.n_items; i++)
        out->api_keys[i] = ((ApiKeyRecord *)k.page.items[i])->api_key;
    out->n_api_keys = k.page.n_items;
    out->next_page_token = k.page.next_page_token;
    return STATUS_OK;
}

static bool opens_as_admin(const ApiKey *key, int64_t now_us)
{
    if (key->revoke_time || moment_us(key->expire_time, INT64_MAX) <= now_us)
        return false;
    for (size_t i = 0; i < key->n_roles; i++)
        if (key->roles[i] == ROLE_ADMIN)
            return true;
    return false;
}

/* Is there another key that administers the tenant? */
static enum status find_other_admin(struct tx *service, const TenantRecord *tenant,
                                    const ApiKey *but, bool *out)
{
    struct call *c = tx_call(service);
    struct list_page page = {.next_page_token = ""};

    *out = false;
    for (int n = 0; n < KEY_PAGES_MAX; n++) {
        TRY(list_page(service, tenant, PAGE_SIZE_MAX, page.next_page_token, &page));
        for (size_t i = 0; i < page.n_items && !*out; i++) {
            const ApiKey *key = ((const ApiKeyRecord *)page.items[i])->api_key;

            *out = strcmp(key->id, but->id) != 0 && opens_as_admin(key, call_now_us(c));
        }
        if (*out || !*page.next_page_token)
            return STATUS_OK;
    }
    return STATUS_OK;
}

static enum status keep_last_admin(struct tx *service, const TenantRecord *tenant,
                                   const ApiKey *key)
{
    struct call *c = tx_call(service);
    bool other;

    if (!opens_as_admin(key, call_now_us(c)))
        return STATUS_OK;
    TRY(find_other_admin(service, tenant, key, &other));
    if (other)
        return STATUS_OK;
    call_detail(c, FAULT_PRECONDITION, "LAST_ADMIN_KEY", str_of(key->id),
                "create another admin key first");
    return call_fail_as(c, STATUS_PRECONDITION, "LAST_ADMIN_KEY",
                        "no other key could administer the tenant");
}

struct revoke {
    const char *id;
    struct uuid uuid;
    RevokeApiKeyResponse *out;
};

/* The caller's tenant and its key of that id. */
static enum status own_key(struct tx *service, const char *id, TenantRecord **tenant,
                           ApiKeyRecord **out)
{
    TRY(tenant_of_caller(service, tenant));
    TRY(tx_get_api_key(service, str_of(id), out));
    if (strcmp((*out)->tenant_id, (*tenant)->tenant->id) == 0)
        return STATUS_OK;
    return call_fail(tx_call(service), STATUS_NOT_FOUND, "no api_key has this id");
}

/* Two of the last two keys at once: the counter makes one of them wait for the other. */
static enum status check_last(struct tx *tx, struct tx *service, const TenantRecord *tenant,
                              const ApiKey *key)
{
    int64_t turn;

    TRY(tx_counter_next(tx, "api_key_revoked", &turn));
    return keep_last_admin(service, tenant, key);
}

static enum status revoke_unit(struct call *c, struct tx *tx, void *arg)
{
    struct revoke *k = arg;
    ApiKeyRecord *record;
    TenantRecord *tenant;
    struct tx *service;
    ApiKey *key;

    TRY(tx_service(tx, &service));
    TRY(own_key(service, k->id, &tenant, &record));
    key = k->out->api_key = record->api_key;
    if (key->revoke_time)
        return STATUS_OK;
    TRY(check_last(tx, service, tenant, key));
    TRY(instant_now(c, &key->revoke_time));
    TRY(tx_update_api_key(service, record));
    return tx_event(tx, EVENT_KEY_REVOKED, RECORD_API_KEY, str_of(key->id), &key->base);
}

enum status api_key_revoke(struct call *c, struct agents *a, const RevokeApiKeyRequest *in,
                           RevokeApiKeyResponse *out)
{
    struct revoke k = {.id = in->id, .out = out};

    if (!uuid_parse(str_of(in->id), &k.uuid))
        return call_fail(c, STATUS_NOT_FOUND, "no api_key has this id");
    TRY(mutate(c, a, &(struct mutation){.unit = revoke_unit, .arg = &k, .answer = &out->base}));
    if (a->forget_key.fn)
        a->forget_key.fn(a->forget_key.context, k.uuid);
    return STATUS_OK;
}
