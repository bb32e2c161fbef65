// The peer's store on SQLite through better-sqlite3: WAL, synchronous=FULL, one durable transaction
// per mutation, statements prepared once.
'use strict';
const Database = require('better-sqlite3');
const {COLUMNS} = require('./records');

const SCHEMA = `
CREATE TABLE IF NOT EXISTS lead (tenant INTEGER NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL,
  update_us INTEGER NOT NULL, created_us INTEGER NOT NULL, external_id BLOB, email BLOB, phone BLOB, domain BLOB,
  status INTEGER, score INTEGER, grade INTEGER, owner_id TEXT, team_id TEXT, country_code TEXT, source TEXT,
  body BLOB NOT NULL, PRIMARY KEY (tenant, id));
CREATE UNIQUE INDEX IF NOT EXISTS lead_external ON lead (tenant, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS lead_email ON lead (tenant, email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_phone ON lead (tenant, phone) WHERE phone IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_domain ON lead (tenant, domain) WHERE domain IS NOT NULL;
CREATE INDEX IF NOT EXISTS lead_score ON lead (tenant, score, id);
CREATE INDEX IF NOT EXISTS lead_created ON lead (tenant, created_us, id);
CREATE INDEX IF NOT EXISTS lead_updated ON lead (tenant, update_us, id);
CREATE TABLE IF NOT EXISTS word (tenant INTEGER NOT NULL, token BLOB NOT NULL, id BLOB NOT NULL,
  PRIMARY KEY (tenant, token, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, tenant INTEGER NOT NULL, id BLOB NOT NULL,
  type TEXT NOT NULL, subject BLOB NOT NULL, created_us INTEGER NOT NULL, data BLOB NOT NULL);`;

class SqliteStore {
  async open(target) {
    this.db = new Database(target);
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = FULL');
    this.db.pragma('cache_size = -65536');
    this.db.pragma('mmap_size = 1073741824');
    this.db.exec(SCHEMA);
    const p = sql => this.db.prepare(sql);
    this.getOne = p('SELECT id, version, body FROM lead WHERE tenant = ? AND id = ?');
    this.page = p('SELECT id, version, body FROM lead WHERE tenant = ? AND id < ? ORDER BY id DESC LIMIT ?');
    this.by = Object.fromEntries(['external_id', 'email', 'phone'].map(c =>
        [c, p(`SELECT id FROM lead WHERE tenant = ? AND ${c} = ? LIMIT 1`)]));
    this.insertLead = p(`INSERT INTO lead (${COLUMNS}) VALUES (${COLUMNS.map(() => '?')})`);
    this.insertWord = p('INSERT INTO word VALUES (?, ?, ?)');
    this.insertEvent = p('INSERT INTO event (tenant, id, type, subject, created_us, data) VALUES (?, ?, ?, ?, ?, ?)');
    this.insertAll = this.db.transaction(all => all.map(one => this.insertOne(one)));
  }

  // The match of one lead, or null after it was stored. Inside a transaction.
  insertOne({row, words, event}) {
    for (const column of ['external_id', 'email', 'phone']) {
      const hit = row[column] && this.by[column].get(row.tenant, row[column]);
      if (hit) return {column, id: hit.id};
    }
    this.insertLead.run(COLUMNS.map(c => row[c]));
    for (const token of words) this.insertWord.run(row.tenant, token, row.id);
    this.insertEvent.run(event.tenant, event.id, event.type, event.subject, event.created_us, event.data);
    return null;
  }

  async insert(all) { return this.insertAll.immediate(all); }
  async get(tenant, id) { return this.getOne.get(tenant, id); }
  async list(tenant, before, limit) { return this.page.all(tenant, before, limit); }
  async close() { this.db.close(); }
}

module.exports = SqliteStore;
