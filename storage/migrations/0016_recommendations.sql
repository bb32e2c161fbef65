-- Recommendations, and what people made of them.

CREATE TABLE recommendation(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    lead_id BYTEA, deal_id BYTEA, action BIGINT, state BIGINT, expire_time BIGINT NOT NULL,
    open_key BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX recommendation_open_key_key ON recommendation(tenant_id, open_key);
CREATE INDEX recommendation_lead ON recommendation(tenant_id, lead_id, id);
CREATE INDEX recommendation_deal ON recommendation(tenant_id, deal_id, id);
CREATE INDEX recommendation_changed ON recommendation(tenant_id, update_time, id);

CREATE TABLE recommendation_tally(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));

-- postgres:
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['recommendation', 'recommendation_tally'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING ('
                       'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)', t);
    END LOOP;
END $$;
-- both:
