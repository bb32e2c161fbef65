-- The leads of a company, newest first, by one index: without the id in it SQLite walked all leads of
-- the tenant for each look-up.
DROP INDEX lead_domain;
CREATE INDEX lead_domain ON lead(tenant_id, domain, id) WHERE domain IS NOT NULL;
