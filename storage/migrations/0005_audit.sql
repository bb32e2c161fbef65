-- The audit trail as records: its entries can be listed, filtered and re-sealed like any others.
--
-- An entry is written with the change that it is about; `sequence` is then 2^63 - 1, above every real
-- one, and `mac` is NULL. The sealer gives both, in the order in which entries became visible: a late
-- commit gets a later number, never one before what is sealed.

DROP TABLE audit;
CREATE TABLE audit(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    sequence BIGINT NOT NULL, time BIGINT, actor_id BYTEA, action TEXT, record_kind TEXT,
    record_id TEXT, code BIGINT, mac BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX audit_chain ON audit(tenant_id, sequence) WHERE sequence < 9223372036854775807;
CREATE INDEX audit_order ON audit(tenant_id, sequence, id);
CREATE INDEX audit_record ON audit(tenant_id, record_id) WHERE record_id IS NOT NULL;

-- The end of each tenant's chain, signed whenever it moves.
CREATE TABLE audit_head(
    tenant_id BIGINT NOT NULL, count BIGINT NOT NULL, time BIGINT NOT NULL,
    mac BYTEA NOT NULL, digest BYTEA NOT NULL, signature BYTEA NOT NULL,
    PRIMARY KEY(tenant_id));

-- Earlier ends, one every so many entries, and what was removed. says: 0 it holds, 1 trimmed up to here.
CREATE TABLE audit_checkpoint(
    tenant_id BIGINT NOT NULL, count BIGINT NOT NULL, says BIGINT NOT NULL, time BIGINT NOT NULL,
    mac BYTEA NOT NULL, digest BYTEA NOT NULL, signature BYTEA NOT NULL,
    PRIMARY KEY(tenant_id, says, count));

-- postgres:
DO $$
DECLARE
    t text;
    mine text := 'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint';
    system text := 'NULLIF(current_setting(''app.tenant'', true), '''')::bigint = 0';
BEGIN
    FOREACH t IN ARRAY ARRAY['audit', 'audit_head', 'audit_checkpoint'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    EXECUTE format('CREATE POLICY tenant ON audit USING (%s OR %s)', mine, system);
    EXECUTE format('CREATE POLICY tenant ON audit_head USING (%s)', mine);
    EXECUTE format('CREATE POLICY tenant ON audit_checkpoint USING (%s)', mine);
END $$;
-- both:
