-- Models of a tenant and their bytes.

CREATE TABLE model(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    kind BIGINT, state BIGINT, algorithm BIGINT, active_kind TEXT,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX model_active_kind_key ON model(tenant_id, active_kind);

CREATE TABLE model_content(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));

-- postgres:
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['model', 'model_content'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING ('
                       'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)', t);
    END LOOP;
END $$;
-- both:
