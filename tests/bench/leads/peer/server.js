// node server.js sqlite:FILE | postgresql://...: the Node peer of salesd on @grpc/grpc-js.
// The same proto, rules, normalisation, look for duplicates, sealed bodies, and the record with its
// outbox event in one durable transaction. Prints "ready ADDRESS API_KEY". SIGTERM ends it.
'use strict';
const crypto = require('crypto');
const grpc = require('@grpc/grpc-js');
const {type, violations, serviceOf} = require('./contract');
const {normalize, toRows, fromRow, idBytes, idText} = require('./records');

const TENANT = 1;
const API_KEY = crypto.randomBytes(24).toString('base64url');
const KEYS = new Map([[crypto.createHash('sha256').update(API_KEY).digest('hex'), {tenant: TENANT}]]);
const PAGE_DEFAULT = 50, PAGE_MAX = 500, ROWS_MAX = 1000;
const REASON = {external_id: 1, email: 2, phone: 3};
const LAST_ID = Buffer.alloc(16, 0xff);
const T = Object.fromEntries(['CreateLeadRequest', 'GetLeadRequest', 'ListLeadsRequest', 'Lead'].map(n => [n, type(n)]));

const fail = (code, details) => Object.assign(new Error(details), {code, details});

function authenticate(call) {
  const header = String(call.metadata.get('authorization')[0] || '');
  const key = KEYS.get(crypto.createHash('sha256').update(header.slice(7)).digest('hex'));
  if (!header.startsWith('Bearer ') || !key) throw fail(grpc.status.UNAUTHENTICATED, 'no valid API key');
  return key;
}

function check(t, message) {
  const found = violations(t, message);
  if (found.length) throw fail(grpc.status.INVALID_ARGUMENT, `${found[0].field} ${found[0].description}`);
}

const unary = handler => async (call, done) => {
  try {
    done(null, await handler(authenticate(call), call.request));
  } catch (e) {
    done(e.code ? e : fail(grpc.status.INTERNAL, e.message));
  }
};

async function main(target) {
  const store = new (require(target.startsWith('sqlite:') ? './sqlite' : './postgres'))();
  await store.open(target.replace(/^sqlite:/, ''));

  async function getLead({tenant}, request) {
    check(T.GetLeadRequest, request);
    const row = await store.get(tenant, idBytes(request.id));
    if (!row) throw fail(grpc.status.NOT_FOUND, 'there is no such lead');
    return {lead: fromRow(tenant, row)};
  }

  async function createLead({tenant}, request) {
    check(T.CreateLeadRequest, request);
    const {lead} = request;
    if (!(lead.full_name || lead.given_name || lead.family_name || lead.email || lead.phone || lead.company || lead.external_id))
      throw fail(grpc.status.INVALID_ARGUMENT, 'lead: one of name, e-mail, phone, company or external_id is needed');
    const changed = normalize(lead);
    const [match] = await store.insert([toRows(tenant, lead, Date.now())]);
    if (!match) return {lead, created: true, normalized_fields: changed};
    const row = await store.get(tenant, match.id);
    return {lead: fromRow(tenant, row), duplicate: {lead_id: idText(match.id), reason: REASON[match.column], confidence: 1}};
  }

  async function listLeads({tenant}, request) {
    check(T.ListLeadsRequest, request);
    if (request.filter || request.order_by || request.search) throw fail(grpc.status.UNIMPLEMENTED, 'the peer lists by time only');
    const size = Math.min(request.page_size || PAGE_DEFAULT, PAGE_MAX);
    const before = request.page_token ? Buffer.from(request.page_token, 'base64url') : LAST_ID;
    const rows = await store.list(tenant, before, size + 1);
    const page = rows.slice(0, size);
    return {leads: page.map(r => fromRow(tenant, r)),
      next_page_token: rows.length > size ? page[size - 1].id.toString('base64url') : ''};
  }

  async function importRows({tenant}, rows) {
    const now = Date.now(), results = [], good = [], seen = {external_id: new Set(), email: new Set(), phone: new Set()};
    for (const {row_number, lead} of rows) {
      const result = {row_number};
      results.push(result);
      const bad = lead ? violations(T.Lead, lead) : [{field: 'lead', description: 'is missing'}];
      if (bad.length) {
        Object.assign(result, {outcome: 4, error: {code: 3, reason: 'INVALID', fields: bad}});
        continue;
      }
      normalize(lead);
      const twin = Object.keys(seen).find(c => lead[c] && seen[c].has(lead[c]));
      if (twin) {
        Object.assign(result, {outcome: 3, match_reason: REASON[twin]});
        continue;
      }
      for (const c of Object.keys(seen)) if (lead[c]) seen[c].add(lead[c]);
      good.push({result, lead, rows: toRows(tenant, lead, now)});
    }
    const matches = good.length ? await store.insert(good.map(g => g.rows)) : [];
    matches.forEach((match, i) => {
      const {result, lead} = good[i];
      if (match) Object.assign(result, {outcome: 3, match_reason: REASON[match.column], lead_id: idText(match.id)});
      else Object.assign(result, {outcome: 1, lead_id: lead.id});
    });
    return results;
  }

  function importLeads(call) {
    const summary = {rows: 0, created: 0, duplicates: 0, failed: 0};
    let principal, tail = Promise.resolve();
    const broken = e => { call.removeAllListeners('data'); call.emit('error', e.code ? e : fail(grpc.status.INTERNAL, e.message)); };
    const onMessage = async m => {
      if (m.open) return call.write({ready: {done_row_number: 0, max_rows_per_message: ROWS_MAX}});
      const rows = m.rows.rows;
      if (rows.length > ROWS_MAX) throw fail(grpc.status.INVALID_ARGUMENT, 'too many rows');
      const results = await importRows(principal, rows);
      for (const r of results) { summary.rows++; summary[['', 'created', '', 'duplicates', 'failed'][r.outcome]]++; }
      call.write({results: {results}});
    };
    try { principal = authenticate(call); } catch (e) { return broken(e); }
    // One batch at a time, in order; the stream is paused meanwhile, which is the backpressure.
    call.on('data', m => { call.pause(); tail = tail.then(() => onMessage(m)).then(() => call.resume()).catch(broken); });
    call.on('end', () => { tail.then(() => { call.write({summary}); call.end(); }); });
    call.on('error', () => {});
  }

  const server = new grpc.Server({'grpc.max_receive_message_length': 4 << 20});
  server.addService(serviceOf(['GetLead', 'CreateLead', 'ListLeads', 'ImportLeads']),
      {GetLead: unary(getLead), CreateLead: unary(createLead), ListLeads: unary(listLeads), ImportLeads: importLeads});
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (e, port) => {
    if (e) throw e;
    console.log(`ready 127.0.0.1:${port} ${API_KEY}`);
  });
  process.on('SIGTERM', () => { server.forceShutdown(); store.close().finally(() => process.exit(0)); });
}

main(process.argv[2]).catch(e => { console.error(e); process.exit(1); });
