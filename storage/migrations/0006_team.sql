-- Lists of the records of a team, in the order of ids as those of an owner: see sql/reach.h.
CREATE INDEX lead_team ON lead(tenant_id, team_id, id) WHERE team_id IS NOT NULL;
CREATE INDEX deal_team ON deal(tenant_id, team_id, id) WHERE team_id IS NOT NULL;
