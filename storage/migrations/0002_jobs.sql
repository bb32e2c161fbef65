-- What the job engine needs beyond the table: why a job failed last, and whether it was asked for
-- again while it ran. Claims are by kind: oldest first, or from tenant to tenant in turn.
ALTER TABLE job ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN again_at BIGINT NOT NULL DEFAULT 0;
DROP INDEX job_due;
DROP INDEX job_lease;
CREATE INDEX job_due ON job(kind, due_at) WHERE state = 0;
CREATE INDEX job_turn ON job(kind, tenant_id, due_at) WHERE state = 0;
CREATE INDEX job_lease ON job(kind, lease_until) WHERE state = 1;
CREATE INDEX job_parked ON job(tenant_id, id) WHERE state = 2;

-- A queue is all updates at the low end of its indexes: vacuum it before scans wade through the dead.
-- postgres:
ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
                     autovacuum_vacuum_cost_delay = 0);
-- both:
