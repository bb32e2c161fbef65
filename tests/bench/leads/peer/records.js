// What is stored of a lead, the same as salesd stores: a sealed body, keyed blind indexes for what
// is personal, keyed tokens for the search words, plain columns for what is only queried.
'use strict';
const crypto = require('crypto');
const {type} = require('./contract');

const Lead = type('Lead');
const DATA_KEY = crypto.randomBytes(32);
const INDEX_KEY = crypto.randomBytes(32);
const NONCE_BYTES = 12, TAG_BYTES = 16, BLIND_BYTES = 16, TOKEN_BYTES = 8;

// UUIDv7: 48 bits of milliseconds, then random bits. `uuid_text` is the form of the contract.
function newId(nowMs) {
  const b = crypto.randomBytes(16);
  b.writeUIntBE(nowMs, 0, 6);
  b[6] = 0x70 | (b[6] & 0x0f);
  b[8] = 0x80 | (b[8] & 0x3f);
  return b;
}
function idText(b) {
  const h = b.toString('hex');
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`;
}
const idBytes = text => Buffer.from(text.replace(/-/g, ''), 'hex');

function aad(table, tenant, id, version) {
  const b = Buffer.alloc(table.length + 16 + id.length);
  b.write(table, 0, 'latin1');
  b.writeBigInt64BE(BigInt(tenant), table.length);
  b.writeBigInt64BE(BigInt(version), table.length + 8);
  id.copy(b, table.length + 16);
  return b;
}
function seal(table, tenant, id, version, plain) {
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const c = crypto.createCipheriv('aes-256-gcm', DATA_KEY, nonce);
  c.setAAD(aad(table, tenant, id, version));
  return Buffer.concat([nonce, c.update(plain), c.final(), c.getAuthTag()]);
}
function open(table, tenant, id, version, sealed) {
  const end = sealed.length - TAG_BYTES;
  const d = crypto.createDecipheriv('aes-256-gcm', DATA_KEY, sealed.subarray(0, NONCE_BYTES));
  d.setAAD(aad(table, tenant, id, version));
  d.setAuthTag(sealed.subarray(end));
  return Buffer.concat([d.update(sealed.subarray(NONCE_BYTES, end)), d.final()]);
}
function blind(column, value) {
  if (!value) return null;
  return crypto.createHmac('sha256', INDEX_KEY).update(column).update('\0').update(value).digest().subarray(0, BLIND_BYTES);
}

// Keyed digests of the words that search finds a lead by, and of its tags, 8 bytes each.
function tokens(lead) {
  const text = [lead.given_name, lead.family_name, lead.full_name, lead.company && lead.company.name].join(' ');
  const found = text.normalize('NFKC').toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
  const digests = [...new Set(found)].map(w => blind('word', w)).concat(lead.tags.map(t => blind('tag', t)));
  return digests.map(d => d.subarray(0, TOKEN_BYTES));
}

const timestamp = us => ({seconds: Math.floor(us / 1e6), nanos: (us % 1e6) * 1000});
const micros = t => Number(t.seconds) * 1e6 + Math.floor((t.nanos || 0) / 1000);

// Normalises in place, as CreateLead promises, and returns the paths that changed.
function normalize(lead) {
  const changed = [];
  const set = (o, key, path, v) => { if (o[key] !== v) { o[key] = v; changed.push(path); } };
  if (lead.email) {
    const at = lead.email.lastIndexOf('@');
    set(lead, 'email', 'email', lead.email.slice(0, at).trim() + '@' + lead.email.slice(at + 1).toLowerCase());
  }
  if (lead.phone) {
    const digits = lead.phone.replace(/[^\d+]/g, '').replace(/^00/, '+');
    if (/^\+[1-9]\d{6,14}$/.test(digits)) set(lead, 'phone', 'phone', digits);
  }
  if (lead.country_code) set(lead, 'country_code', 'country_code', lead.country_code.toUpperCase());
  if (lead.company && lead.company.domain) {
    const d = lead.company.domain.toLowerCase().replace(/^https?:\/\//, '').replace(/^www\./, '').replace(/[/?#].*$/, '');
    set(lead.company, 'domain', 'company.domain', d);
  }
  if (!lead.full_name && (lead.given_name || lead.family_name))
    set(lead, 'full_name', 'full_name', [lead.given_name, lead.family_name].filter(Boolean).join(' '));
  return changed;
}

// Everything that one insert writes: the row, its words, the event of the outbox.
function toRows(tenant, lead, nowMs) {
  const id = newId(nowMs), nowUs = nowMs * 1000, version = 1;
  Object.assign(lead, {id: idText(id), create_time: timestamp(nowUs), update_time: timestamp(nowUs), status: 1,
    status_time: timestamp(nowUs)});
  if (!lead.created_at) lead.created_at = timestamp(nowUs);
  lead.etag = '';
  const plain = Lead.encode(lead).finish();
  const eventId = newId(nowMs), found = tokens(lead);
  lead.etag = `"${version}"`;
  return {
    row: {tenant_id: tenant, id, version, create_time: nowUs, update_time: nowUs,
      body: seal('lead', tenant, id, version, plain), tokens: Buffer.concat(found), copy: 0,
      external_id: blind('external_id', lead.external_id), email: blind('email', lead.email.toLowerCase()),
      phone: blind('phone', lead.phone), domain: blind('domain', lead.company && lead.company.domain),
      status: 1, score: -1, grade: 0, owner_id: lead.owner_id || null, team_id: lead.team_id || null,
      country_code: lead.country_code || null, source: lead.source || null, created_at: micros(lead.created_at)},
    words: found.map(t => t.readBigInt64BE()),
    event: {tenant_id: tenant, id: eventId, type: 'sales.lead.created', kind: 'lead', subject: id,
      create_time: nowUs, body: seal('outbox', tenant, eventId, 1, plain)},
  };
}

function fromRow(tenant, row) {
  const version = Number(row.version);
  const lead = Lead.decode(open('lead', tenant, row.id, version, row.body));
  lead.etag = `"${version}"`;
  return lead;
}

const COLUMNS = ['tenant_id', 'id', 'version', 'create_time', 'update_time', 'body', 'tokens', 'copy', 'external_id',
  'email', 'phone', 'domain', 'status', 'score', 'grade', 'owner_id', 'team_id', 'country_code', 'source', 'created_at'];
const EVENT_COLUMNS = ['tenant_id', 'id', 'type', 'kind', 'subject', 'create_time', 'body'];

// The tables and indexes of storage/migrations; `seq` is the engine's way to number events.
const schema = seq => `
CREATE TABLE lead (tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, version BIGINT NOT NULL, create_time BIGINT NOT NULL,
  update_time BIGINT NOT NULL, body BYTEA NOT NULL, tokens BYTEA NOT NULL, copy BIGINT NOT NULL, external_id BYTEA,
  email BYTEA, phone BYTEA, domain BYTEA, status BIGINT, score BIGINT NOT NULL, grade BIGINT, owner_id TEXT,
  team_id TEXT, country_code TEXT, source TEXT, created_at BIGINT NOT NULL, PRIMARY KEY (tenant_id, id));
CREATE UNIQUE INDEX lead_external_id_key ON lead (tenant_id, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX lead_email_key ON lead (tenant_id, email, copy) WHERE email IS NOT NULL;
CREATE INDEX lead_phone ON lead (tenant_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX lead_domain ON lead (tenant_id, domain) WHERE domain IS NOT NULL;
CREATE INDEX lead_status ON lead (tenant_id, status, id);
CREATE INDEX lead_score ON lead (tenant_id, score, id);
CREATE INDEX lead_owner ON lead (tenant_id, owner_id, id) WHERE owner_id IS NOT NULL;
CREATE INDEX lead_created_at ON lead (tenant_id, created_at, id);
CREATE INDEX lead_update_time ON lead (tenant_id, update_time, id);
CREATE TABLE word (tenant_id BIGINT NOT NULL, token BIGINT NOT NULL, id BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, token, id)) ${seq.wordSuffix};
CREATE TABLE outbox (${seq.columns}, tenant_id BIGINT NOT NULL, id BYTEA NOT NULL, type TEXT NOT NULL,
  kind TEXT NOT NULL, subject BYTEA NOT NULL, create_time BIGINT NOT NULL, body BYTEA NOT NULL ${seq.key});
${seq.index}
CREATE INDEX outbox_tenant ON outbox (tenant_id, txid, seq);`;

module.exports = {COLUMNS, EVENT_COLUMNS, schema, normalize, toRows, fromRow, idBytes, idText};
