// What is stored of a lead, the same as salesd stores: a sealed body, keyed blind indexes for what
// is personal, keyed tokens for the search words, plain columns for what is only queried.
'use strict';
const crypto = require('crypto');
const {type} = require('./contract');

const Lead = type('Lead');
const DATA_KEY = crypto.randomBytes(32);
const INDEX_KEY = crypto.randomBytes(32);
const NONCE_BYTES = 12, TAG_BYTES = 16, BLIND_BYTES = 16;

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

function words(lead) {
  const text = [lead.given_name, lead.family_name, lead.full_name, lead.company && lead.company.name].join(' ');
  const found = text.normalize('NFKC').toLowerCase().match(/[\p{L}\p{N}]+/gu) || [];
  return [...new Set(found)].map(w => blind('word', w));
}

const timestamp = us => ({seconds: Math.floor(us / 1e6), nanos: (us % 1e6) * 1000});
const micros = t => Number(t.seconds) * 1e6 + Math.floor((t.nanos || 0) / 1000);

// Normalises in place, as CreateLead promises, and returns the paths that changed.
function normalize(lead) {
  const changed = [];
  const set = (o, key, path, v) => { if (o[key] !== v) { o[key] = v; changed.push(path); } };
  if (lead.email) {
    const at = lead.email.lastIndexOf('@');
    set(lead, 'email', 'email', lead.email.slice(0, at).trim().toLowerCase() + '@' + lead.email.slice(at + 1).toLowerCase());
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
  const eventId = newId(nowMs);
  lead.etag = `"${version}"`;
  return {
    row: {tenant, id, version, update_us: nowUs, created_us: micros(lead.created_at),
      external_id: blind('external_id', lead.external_id), email: blind('email', lead.email),
      phone: blind('phone', lead.phone), domain: blind('domain', lead.company && lead.company.domain),
      status: 1, score: -1, grade: 0, owner_id: lead.owner_id || null, team_id: lead.team_id || null,
      country_code: lead.country_code || null, source: lead.source || null,
      body: seal('lead', tenant, id, version, plain)},
    words: words(lead).concat(lead.tags.map(t => blind('tag', t))),
    event: {tenant, id: eventId, type: 'sales.lead.created', subject: id, created_us: nowUs,
      data: seal('event', tenant, eventId, 1, plain)},
  };
}

function fromRow(tenant, row) {
  const version = Number(row.version);
  const lead = Lead.decode(open('lead', tenant, row.id, version, row.body));
  lead.etag = `"${version}"`;
  return lead;
}

const COLUMNS = ['tenant', 'id', 'version', 'update_us', 'created_us', 'external_id', 'email', 'phone', 'domain',
  'status', 'score', 'grade', 'owner_id', 'team_id', 'country_code', 'source', 'body'];

module.exports = {COLUMNS, normalize, toRows, fromRow, idBytes, idText, blind};
