-- What a request id needs: the answer is stored in the transaction of the change, so a row has no
-- states and no leases; whose data the answer holds, so that they can be erased from it; and expired
-- rows of all tenants can be swept by the service (tenant 0).

ALTER TABLE idempotency DROP COLUMN state;
ALTER TABLE idempotency DROP COLUMN lease_until;
ALTER TABLE idempotency ADD COLUMN subject BYTEA;
CREATE INDEX idempotency_subject ON idempotency(tenant_id, subject) WHERE subject IS NOT NULL;
-- postgres:
DROP POLICY tenant ON idempotency;
CREATE POLICY tenant ON idempotency USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint OR
    NULLIF(current_setting('app.tenant', true), '')::bigint = 0);
-- both:
