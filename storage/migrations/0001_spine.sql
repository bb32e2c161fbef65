-- What the spine needs: keys, records, search words, outbox, and room for jobs, idempotency and audit.
--
-- Written once for both engines: a line "-- sqlite:" or "-- postgres:" opens a section for that one,
-- "-- both:" closes it. BIGINT, TEXT and BYTEA only (SQLite keeps bytes in a BYTEA column as they are).
-- Times are microseconds since 1970 UTC. Every table begins with its tenant; tenant 0 is the service.
--
-- Records: (tenant_id, id, version, create_time, update_time, body, tokens, copy, <index columns>).
--   id      16 bytes, UUIDv7: rows of one time lie together, and "newest first" is the primary key
--   body    the sealed message
--   tokens  keyed digests of the row's words and tags, 8 bytes each: what table word has of this row
--   copy    0, or a number of its own when the row may repeat the value of a DEDUPE column
-- Unique indexes are named <table>_<column>_key: the store tells callers by it which value is taken.

CREATE TABLE tenant_key(
    tenant_id BIGINT NOT NULL, purpose BIGINT NOT NULL, key_id BIGINT NOT NULL,
    wrapped BYTEA NOT NULL, create_time BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, purpose, key_id));

CREATE TABLE lead(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    external_id BYTEA, email BYTEA, phone BYTEA, domain BYTEA,
    status BIGINT, score BIGINT NOT NULL, grade BIGINT,
    owner_id TEXT, team_id TEXT, country_code TEXT, source TEXT, created_at BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX lead_external_id_key ON lead(tenant_id, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX lead_email_key ON lead(tenant_id, email, copy) WHERE email IS NOT NULL;
CREATE INDEX lead_phone ON lead(tenant_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX lead_domain ON lead(tenant_id, domain) WHERE domain IS NOT NULL;
CREATE INDEX lead_status ON lead(tenant_id, status, id);
CREATE INDEX lead_score ON lead(tenant_id, score, id);
CREATE INDEX lead_owner ON lead(tenant_id, owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX lead_created_at ON lead(tenant_id, created_at, id);
CREATE INDEX lead_update_time ON lead(tenant_id, update_time, id);

CREATE TABLE deal(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    external_id BYTEA, lead_id BYTEA, pipeline_id TEXT, stage TEXT, stage_kind BIGINT,
    stage_time BIGINT, category BIGINT, owner_id TEXT, team_id TEXT, segment TEXT,
    amount BIGINT NOT NULL, currency TEXT, expected_close_date TEXT NOT NULL, score BIGINT NOT NULL,
    created_at BIGINT, closed_at BIGINT,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX deal_external_id_key ON deal(tenant_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX deal_lead ON deal(tenant_id, lead_id, id) WHERE lead_id IS NOT NULL;
CREATE INDEX deal_stage ON deal(tenant_id, stage, id);
CREATE INDEX deal_owner ON deal(tenant_id, owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX deal_amount ON deal(tenant_id, amount, id);
CREATE INDEX deal_expected_close_date ON deal(tenant_id, expected_close_date, id);
CREATE INDEX deal_score ON deal(tenant_id, score, id);
CREATE INDEX deal_closed_at ON deal(tenant_id, closed_at, id) WHERE closed_at IS NOT NULL;
CREATE INDEX deal_update_time ON deal(tenant_id, update_time, id);

CREATE TABLE activity(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    external_id BYTEA, lead_id BYTEA, deal_id BYTEA, kind BIGINT, event BIGINT, direction BIGINT,
    occurred_at BIGINT NOT NULL, due_time BIGINT,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX activity_external_id_key ON activity(tenant_id, external_id)
    WHERE external_id IS NOT NULL;
CREATE INDEX activity_lead ON activity(tenant_id, lead_id, occurred_at, id) WHERE lead_id IS NOT NULL;
CREATE INDEX activity_deal ON activity(tenant_id, deal_id, occurred_at, id) WHERE deal_id IS NOT NULL;
CREATE INDEX activity_occurred_at ON activity(tenant_id, occurred_at, id);

CREATE TABLE pipeline(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));

CREATE TABLE import_checkpoint(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));

CREATE TABLE tenant(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    key TEXT, number BIGINT,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX tenant_key_key ON tenant(tenant_id, key);
CREATE UNIQUE INDEX tenant_number_key ON tenant(tenant_id, number);

CREATE TABLE api_key(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    secret_sha256 BYTEA, tenant BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX api_key_secret_sha256_key ON api_key(tenant_id, secret_sha256);
CREATE INDEX api_key_tenant ON api_key(tenant_id, tenant, id);

-- Rows of a word, in the order of ids: a search walks it from the end.
CREATE TABLE word(
    tenant_id BIGINT NOT NULL, token BIGINT NOT NULL, id BYTEA NOT NULL,
    PRIMARY KEY(tenant_id, token, id))
-- sqlite:
    WITHOUT ROWID
-- both:
;

-- Events in commit order. PostgreSQL gives out sequence numbers before it commits, so a later number
-- can appear first; txid orders them, and outbox_visible shows only transactions older than every one
-- still running: what it shows never gains an earlier row. SQLite has one writer: a count is enough.
-- sqlite:
CREATE TABLE outbox(
    txid INTEGER PRIMARY KEY AUTOINCREMENT, seq BIGINT NOT NULL DEFAULT 0,
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
    subject BYTEA NOT NULL, create_time BIGINT NOT NULL, body BYTEA NOT NULL);
CREATE VIEW outbox_visible AS SELECT * FROM outbox;
-- postgres:
CREATE TABLE outbox(
    seq BIGINT GENERATED ALWAYS AS IDENTITY (CACHE 1),
    txid BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, type TEXT NOT NULL, kind TEXT NOT NULL,
    subject BYTEA NOT NULL, create_time BIGINT NOT NULL, body BYTEA NOT NULL,
    PRIMARY KEY(txid, seq));
CREATE VIEW outbox_visible WITH (security_invoker = true) AS
    SELECT * FROM outbox WHERE txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
-- both:
CREATE INDEX outbox_tenant ON outbox(tenant_id, txid, seq);

CREATE TABLE counter(
    tenant_id BIGINT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, name));

-- Things to do later. state: 0 waiting, 1 leased, 2 parked. fence grows with every lease.
CREATE TABLE job(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL,
    state BIGINT NOT NULL, due_at BIGINT NOT NULL, lease_until BIGINT NOT NULL, fence BIGINT NOT NULL,
    attempts BIGINT NOT NULL, create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX job_key_key ON job(tenant_id, kind, key);
CREATE INDEX job_due ON job(due_at, tenant_id, id) WHERE state = 0;
CREATE INDEX job_lease ON job(lease_until, tenant_id, id) WHERE state = 1;

CREATE TABLE idempotency(
    tenant_id BIGINT NOT NULL, method TEXT NOT NULL, request_id BYTEA NOT NULL,
    digest BYTEA NOT NULL, state BIGINT NOT NULL, lease_until BIGINT NOT NULL,
    expire_time BIGINT NOT NULL, body BYTEA NOT NULL,
    PRIMARY KEY(tenant_id, method, request_id));
CREATE INDEX idempotency_expire ON idempotency(expire_time);

-- Rows get their place in the chain (seq, mac) from the sealer; until then both are NULL.
CREATE TABLE audit(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, create_time BIGINT NOT NULL,
    body BYTEA NOT NULL, seq BIGINT, mac BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX audit_seq_key ON audit(tenant_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX audit_unsealed ON audit(tenant_id, id) WHERE seq IS NULL;

-- Isolation a second time, in the engine: also a statement that forgets the tenant sees and writes only
-- the rows of the tenant that the transaction was opened for. System units (tenant 0) reach the queues
-- of all tenants, and the keys that open them, but no tenant's records.
-- postgres:
DO $$
DECLARE
    t text;
    mine text := 'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint';
    system text := 'NULLIF(current_setting(''app.tenant'', true), '''')::bigint = 0';
BEGIN
    FOREACH t IN ARRAY ARRAY['lead', 'deal', 'activity', 'pipeline', 'import_checkpoint', 'tenant',
                             'api_key', 'word', 'counter', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (%s)', t, mine);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['tenant_key', 'outbox', 'job', 'audit'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING (%s OR %s)', t, mine, system);
    END LOOP;
END $$;
-- both:
