// The peer's store on PostgreSQL through pg: a pool, named (prepared) statements, one transaction
// per mutation.
'use strict';
const {Pool} = require('pg');
const {COLUMNS, EVENT_COLUMNS, schema} = require('./records');

const SCHEMA = schema({
  wordSuffix: '',
  columns: `seq BIGINT GENERATED ALWAYS AS IDENTITY, txid BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint)`,
  key: ', PRIMARY KEY (txid, seq)', index: '',
});
const TEXTS = new Set(['type', 'kind', 'owner_id', 'team_id', 'country_code', 'source']);
const BYTES = new Set(['id', 'subject', 'body', 'tokens', 'external_id', 'email', 'phone', 'domain']);
const typeOf = c => (TEXTS.has(c) ? 'text' : BYTES.has(c) ? 'bytea' : 'bigint');
const GET = 'SELECT id, version, body FROM lead WHERE tenant_id = $1 AND id = $2';
const LIST = 'SELECT id, version, body FROM lead WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3';
// The matches of any number of leads in one round trip: (column, number of the lead, id on record).
const MATCH = ['external_id', 'email', 'phone'].map((c, i) =>
    `SELECT '${c}' AS column, n, l.id FROM unnest($${i + 2}::bytea[]) WITH ORDINALITY v(x, n)
       JOIN lead l ON l.tenant_id = $1 AND l.${c} = v.x`).join(' UNION ALL ');
const arrays = columns => columns.map((c, i) => `$${i + 1}::${typeOf(c)}[]`).join(', ');
const LEADS = `INSERT INTO lead (${COLUMNS}) SELECT * FROM unnest(${arrays(COLUMNS)})`;
const WORDS = `INSERT INTO word SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])`;
const EVENTS = `INSERT INTO outbox (${EVENT_COLUMNS}) SELECT * FROM unnest(${arrays(EVENT_COLUMNS)})`;

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
      const found = await run('match', MATCH, [all[0].row.tenant_id, ...['external_id', 'email', 'phone'].map(c => all.map(a => a.row[c]))]);
      const outcome = all.map(() => null);
      for (const m of found.rows) outcome[m.n - 1] = outcome[m.n - 1] || {column: m.column, id: m.id};
      const fresh = all.filter((_, i) => !outcome[i]);
      if (fresh.length) {
        const words = fresh.flatMap(a => a.words.map(token => [a.row.tenant_id, token, a.row.id]));
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
