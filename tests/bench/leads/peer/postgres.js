// The peer's store on PostgreSQL through pg: a pool, named (prepared) statements, one transaction
// per mutation.
'use strict';
const {Pool} = require('pg');
const {COLUMNS} = require('./records');

const SCHEMA = `
CREATE TABLE IF NOT EXISTS lead (tenant bigint NOT NULL, id bytea NOT NULL, version bigint NOT NULL,
  update_us bigint NOT NULL, created_us bigint NOT NULL, external_id bytea, email bytea, phone bytea, domain bytea,
  status bigint, score bigint, grade bigint, owner_id text, team_id text, country_code text, source text,
  body bytea NOT NULL, PRIMARY KEY (tenant, id));
CREATE UNIQUE INDEX IF NOT EXISTS lead_external ON lead (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS lead_email ON lead (tenant, email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_phone ON lead (tenant, phone) WHERE phone IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_domain ON lead (tenant, domain) WHERE domain IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_score ON lead (tenant, score, id);
CREATE INDEX IF NOT EXISTS lead_created ON lead (tenant, created_us, id);
CREATE INDEX IF NOT EXISTS lead_updated ON lead (tenant, update_us, id);
CREATE TABLE IF NOT EXISTS word (tenant bigint NOT NULL, token bytea NOT NULL, id bytea NOT NULL,
  PRIMARY KEY (tenant, token, id));
CREATE TABLE IF NOT EXISTS event (seq bigserial PRIMARY KEY, tenant bigint NOT NULL, id bytea NOT NULL,
  type text NOT NULL, subject bytea NOT NULL, created_us bigint NOT NULL, data bytea NOT NULL);`;

const TYPES = {tenant: 'bigint', id: 'bytea', version: 'bigint', update_us: 'bigint', created_us: 'bigint',
  external_id: 'bytea', email: 'bytea', phone: 'bytea', domain: 'bytea', status: 'bigint', score: 'bigint',
  grade: 'bigint', owner_id: 'text', team_id: 'text', country_code: 'text', source: 'text', body: 'bytea'};
const GET = 'SELECT id, version, body FROM lead WHERE tenant = $1 AND id = $2';
const LIST = 'SELECT id, version, body FROM lead WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3';
// The matches of any number of leads in one round trip: (column, number of the lead, id on record).
const MATCH = ['external_id', 'email', 'phone'].map((c, i) =>
    `SELECT '${c}' AS column, n, l.id FROM unnest($${i + 2}::bytea[]) WITH ORDINALITY v(x, n)
       JOIN lead l ON l.tenant = $1 AND l.${c} = v.x`).join(' UNION ALL ');
const arrays = (columns, types) => columns.map((c, i) => `$${i + 1}::${types[i]}[]`).join(', ');
const LEADS = `INSERT INTO lead (${COLUMNS}) SELECT * FROM unnest(${arrays(COLUMNS, COLUMNS.map(c => TYPES[c]))})`;
const WORDS = `INSERT INTO word SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])`;
const EVENT_COLUMNS = ['tenant', 'id', 'type', 'subject', 'created_us', 'data'];
const EVENTS = `INSERT INTO event (${EVENT_COLUMNS}) SELECT * FROM unnest(${
  arrays(EVENT_COLUMNS, ['bigint', 'bytea', 'text', 'bytea', 'bigint', 'bytea'])})`;

class PostgresStore {
  async open(target) {
    this.pool = new Pool({connectionString: target, max: 16});
    await this.pool.query(SCHEMA);
  }

  async insert(all) {
    const client = await this.pool.connect();
    const run = (name, text, values) => client.query({name, text, values});
    try {
      await client.query('BEGIN');
      const found = await run('match', MATCH, [all[0].row.tenant, ...['external_id', 'email', 'phone'].map(c => all.map(a => a.row[c]))]);
      const outcome = all.map(() => null);
      for (const m of found.rows) outcome[m.n - 1] = outcome[m.n - 1] || {column: m.column, id: m.id};
      const fresh = all.filter((_, i) => !outcome[i]);
      if (fresh.length) {
        const words = fresh.flatMap(a => a.words.map(token => [a.row.tenant, token, a.row.id]));
        // Sent one after another without waiting: pg queues them on the connection.
        await Promise.all([
          run('leads', LEADS, COLUMNS.map(c => fresh.map(a => a.row[c]))),
          run('words', WORDS, [0, 1, 2].map(i => words.map(w => w[i]))),
          run('events', EVENTS, EVENT_COLUMNS.map(c => fresh.map(a => a.event[c]))),
        ]);
      }
      await client.query('COMMIT');
      return outcome;
    } catch (e) {
      await client.query('ROLLBACK').catch(() => {});
      throw e;
    } finally {
      client.release();
    }
  }

  async get(tenant, id) {
    return (await this.pool.query({name: 'get', text: GET, values: [tenant, id]})).rows[0];
  }
  async list(tenant, before, limit) {
    return (await this.pool.query({name: 'list', text: LIST, values: [tenant, before, limit]})).rows;
  }
  async close() { await this.pool.end(); }
}

module.exports = PostgresStore;
