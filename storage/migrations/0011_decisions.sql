-- What was decided, from what, by which rules and models.

CREATE TABLE decision(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    kind BIGINT, lead_id BYTEA, deal_id BYTEA, record_id BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE INDEX decision_lead ON decision(tenant_id, lead_id, id) WHERE lead_id IS NOT NULL;
CREATE INDEX decision_deal ON decision(tenant_id, deal_id, id) WHERE deal_id IS NOT NULL;

-- postgres:
ALTER TABLE decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE decision FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON decision USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
-- both:
