-- How often a data key has sealed, counted in steps by each server: see sql/data_keys.h.
ALTER TABLE tenant_key ADD COLUMN seals BIGINT NOT NULL DEFAULT 0;
