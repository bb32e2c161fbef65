-- What providers of enrichment said of mailboxes and companies.

CREATE TABLE enrichment(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    email BYTEA, domain BYTEA, lead_id BYTEA,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX enrichment_email_key ON enrichment(tenant_id, email);
CREATE UNIQUE INDEX enrichment_domain_key ON enrichment(tenant_id, domain);
CREATE INDEX enrichment_lead ON enrichment(tenant_id, lead_id, id);
CREATE INDEX enrichment_changed ON enrichment(tenant_id, update_time, id);

-- postgres:
ALTER TABLE enrichment ENABLE ROW LEVEL SECURITY;
ALTER TABLE enrichment FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON enrichment USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
-- both:
