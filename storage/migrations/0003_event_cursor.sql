-- Readers of the outbox that remember their place, and what they need to know of an event.
--
-- A cursor belongs to tenant 0, but for the name '.trimmed': the last event of that tenant that was
-- taken out of the outbox. fence grows with every new holder; lease_until is when it may be taken over.
-- note is the reader's own.

CREATE TABLE event_cursor(
    tenant_id BIGINT NOT NULL, name TEXT NOT NULL, txid BIGINT NOT NULL, seq BIGINT NOT NULL,
    fence BIGINT NOT NULL, lease_until BIGINT NOT NULL, update_time BIGINT NOT NULL,
    note BYTEA NOT NULL,
    PRIMARY KEY(tenant_id, name));

-- W3C trace id, span id and flags of the request: 25 bytes, or none.
ALTER TABLE outbox ADD COLUMN trace BYTEA NOT NULL DEFAULT '';
-- sqlite:
DROP VIEW outbox_visible;
CREATE VIEW outbox_visible AS SELECT * FROM outbox;
-- postgres:
CREATE OR REPLACE VIEW outbox_visible WITH (security_invoker = true) AS
    SELECT * FROM outbox WHERE txid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
ALTER TABLE event_cursor ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_cursor FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON event_cursor USING (
    tenant_id = NULLIF(current_setting('app.tenant', true), '')::bigint
    OR NULLIF(current_setting('app.tenant', true), '')::bigint = 0);
-- both:
-- A person is erased from old events by it.
CREATE INDEX outbox_subject ON outbox(tenant_id, subject);
