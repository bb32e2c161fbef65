-- Money that calls to outside providers cost, in millionths of a US dollar, by what limits it (scope:
-- 0 a workflow run, 1 a user's day, 2 a month of the tenant), and what is held for calls under way.
CREATE TABLE spend(
    tenant_id BIGINT NOT NULL, scope BIGINT NOT NULL, name TEXT NOT NULL, period BIGINT NOT NULL,
    spent BIGINT NOT NULL, held BIGINT NOT NULL, update_time BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, scope, name, period));
CREATE INDEX spend_update_time ON spend(update_time);
-- The lines a hold counts in; NULL where it does not.
CREATE TABLE spend_hold(
    tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, amount BIGINT NOT NULL, until_time BIGINT NOT NULL,
    workflow TEXT, actor TEXT, day BIGINT, month BIGINT,
    PRIMARY KEY(tenant_id, id));
CREATE INDEX spend_hold_until ON spend_hold(tenant_id, until_time);
-- postgres:
ALTER TABLE spend ENABLE ROW LEVEL SECURITY;
ALTER TABLE spend FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON spend USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint OR
    NULLIF(current_setting('app.tenant', true), '')::bigint = 0);
ALTER TABLE spend_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE spend_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON spend_hold USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint);
-- both:
