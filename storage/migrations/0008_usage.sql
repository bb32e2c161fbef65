-- Calls of a tenant by day (since 1970, UTC), method and actor: counted by servers, added up here.
CREATE TABLE usage(
    tenant_id BIGINT NOT NULL, day BIGINT NOT NULL, method TEXT NOT NULL, actor TEXT NOT NULL,
    calls BIGINT NOT NULL, failed BIGINT NOT NULL,
    PRIMARY KEY(tenant_id, day, method, actor));
-- postgres:
ALTER TABLE usage ENABLE ROW LEVEL SECURITY;
ALTER TABLE usage FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON usage USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint OR
    NULLIF(current_setting('app.tenant', true), '')::bigint = 0);
-- both:
