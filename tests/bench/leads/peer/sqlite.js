// The peer's store on SQLite through better-sqlite3: WAL, synchronous=FULL, one durable transaction
// per mutation, statements prepared once.
'use strict';
const Database = require('better-sqlite3');
const {COLUMNS, EVENT_COLUMNS, schema} = require('./records');

const SCHEMA = schema({
  wordSuffix: 'WITHOUT ROWID',
  columns: 'seq INTEGER PRIMARY KEY AUTOINCREMENT, txid BIGINT NOT NULL DEFAULT 0', key: '',
  index: 'CREATE INDEX outbox_order ON outbox (txid, seq);',
});

class SqliteStore {
  async open(target) {
    this.db = new Database(target);
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = FULL');
    this.db.pragma('cache_size = -65536');
    this.db.pragma('mmap_size = 1073741824');
    this.db.exec(SCHEMA);
    const p = sql => this.db.prepare(sql);
    this.getOne = p('SELECT id, version, body FROM lead WHERE tenant_id = ? AND id = ?');
    this.page = p('SELECT id, version, body FROM lead WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?');
    this.by = Object.fromEntries(['external_id', 'email', 'phone'].map(c =>
        [c, p(`SELECT id FROM lead WHERE tenant_id = ? AND ${c} = ? LIMIT 1`)]));
    this.insertLead = p(`INSERT INTO lead (${COLUMNS}) VALUES (${COLUMNS.map(() => '?')})`);
    this.insertWord = p('INSERT INTO word VALUES (?, ?, ?)');
    this.insertEvent = p(`INSERT INTO outbox (${EVENT_COLUMNS}) VALUES (${EVENT_COLUMNS.map(() => '?')})`);
    this.insertAll = this.db.transaction(all => all.map(one => this.insertOne(one)));
  }

  // The match of one lead, or null after it was stored. Inside a transaction.
  insertOne({row, words, event}) {
    for (const column of ['external_id', 'email', 'phone']) {
      const hit = row[column] && this.by[column].get(row.tenant_id, row[column]);
      if (hit) return {column, id: hit.id};
    }
    this.insertLead.run(COLUMNS.map(c => row[c]));
    for (const token of words) this.insertWord.run(row.tenant_id, token, row.id);
    this.insertEvent.run(EVENT_COLUMNS.map(c => event[c]));
    return null;
  }

  async insert(all) { return this.insertAll.immediate(all); }
  async get(tenant, id) { return this.getOne.get(tenant, id); }
  async list(tenant, before, limit) { return this.page.all(tenant, before, limit); }
  async close() { this.db.close(); }
}

module.exports = SqliteStore;
