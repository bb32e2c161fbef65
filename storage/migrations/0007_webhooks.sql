-- Webhooks, and what is on its way to them.

CREATE TABLE webhook(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    slot BIGINT, state BIGINT,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX webhook_slot_key ON webhook(tenant_id, slot);

CREATE TABLE webhook_delivery(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    webhook_id BYTEA, lane BIGINT, state BIGINT, event_type TEXT, next_attempt_time BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));
CREATE INDEX webhook_delivery_webhook ON webhook_delivery(tenant_id, webhook_id, id);
CREATE INDEX webhook_delivery_due
    ON webhook_delivery(tenant_id, webhook_id, lane, state, next_attempt_time, id);

-- postgres:
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['webhook', 'webhook_delivery'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING ('
                       'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)', t);
    END LOOP;
END $$;
-- both:
