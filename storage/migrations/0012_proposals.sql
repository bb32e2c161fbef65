-- Proposals, and the mails that wait to be sent.

CREATE TABLE proposal(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    lead_id BYTEA, deal_id BYTEA, state BIGINT, tool BIGINT, required_role BIGINT,
    expire_time BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));
CREATE INDEX proposal_lead ON proposal(tenant_id, lead_id, id);
CREATE INDEX proposal_deal ON proposal(tenant_id, deal_id, id);
CREATE INDEX proposal_state ON proposal(tenant_id, state, id);
CREATE INDEX proposal_changed ON proposal(tenant_id, update_time, id);

CREATE TABLE email(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL,
    create_time BIGINT NOT NULL, update_time BIGINT NOT NULL,
    body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL,
    lead_id BYTEA, deal_id BYTEA, proposal_id BYTEA, state BIGINT, planned_time BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, id));
CREATE UNIQUE INDEX email_proposal_id_key ON email(tenant_id, proposal_id);
CREATE INDEX email_lead ON email(tenant_id, lead_id, id);
CREATE INDEX email_deal ON email(tenant_id, deal_id, id);
CREATE INDEX email_planned ON email(tenant_id, state, planned_time, id);
CREATE INDEX email_changed ON email(tenant_id, update_time, id);

-- postgres:
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['proposal', 'email'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %I USING ('
                       'tenant_id = NULLIF(current_setting(''app.tenant'', true), '''')::bigint)', t);
    END LOOP;
END $$;
-- both:
