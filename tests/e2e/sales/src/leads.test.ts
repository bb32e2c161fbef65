// Leads through their life: in, found again, changed, scored, converted, erased.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { startServer, call, refused, collect, Server } from './harness';

let s: Server;
before(async () => { s = await startServer(); });
after(async () => { assert.equal(await s.stop(), 0, 'SIGTERM ends the server with 0'); });

const ada = () => ({
  external_id: 'crm-' + randomUUID(), given_name: 'Ada', family_name: 'Lovelace',
  email: `Ada.${randomUUID().slice(0, 8)}+news@Analytical.example`, phone: '0171 ' + Math.floor(1000000 + Math.random() * 8999999), country_code: 'Deutschland',
  job_title: 'Director of Engineering', seniority: 'SENIORITY_DIRECTOR', source: 'webinar',
  company: { name: 'Analytical Engines GmbH', employees: 240, industry: 'manufacturing' },
});

test('a lead is normalised, stored and read back', async () => {
  const made = await call(s, 'createLead', { lead: ada() });
  assert.equal(made.created, true);
  assert.match(made.lead.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.equal(made.lead.full_name, 'Ada Lovelace');
  assert.equal(made.lead.country_code, 'DE');
  assert.match(made.lead.phone, /^\+49171\d{7}$/);
  assert.match(made.lead.email, /@analytical\.example$/);
  assert.equal(made.lead.status, 'LEAD_STATUS_NEW');
  assert.ok(made.normalized_fields.includes('phone'), String(made.normalized_fields));
  const got = await call(s, 'getLead', { id: made.lead.id });
  assert.deepEqual(got.lead, made.lead);
});

test('the same person is found by e-mail in another spelling, and the reason is said', async () => {
  const lead = ada();
  const first = await call(s, 'createLead', { lead });
  const again = await call(s, 'createLead', { lead: { ...lead, external_id: '', phone: '', email: lead.email.replace('+news', '').toUpperCase() } });
  assert.equal(again.created, false);
  assert.equal(again.lead.id, first.lead.id);
  assert.equal(again.duplicate.reason, 'MATCH_REASON_EMAIL');
  const byId = await call(s, 'createLead', { lead: { external_id: lead.external_id, full_name: 'Somebody' } });
  assert.equal(byId.duplicate.reason, 'MATCH_REASON_EXTERNAL_ID');
  const e = await refused(call(s, 'createLead', { lead, duplicate_policy: 'DUPLICATE_POLICY_FAIL' }));
  assert.equal(e.code, grpc.status.ALREADY_EXISTS);
  assert.equal(e.reason, 'DUPLICATE_LEAD');
});

test('a duplicate fills or overwrites the lead on record', async () => {
  const lead = ada();
  const { lead: first } = await call(s, 'createLead', { lead });
  const filled = await call(s, 'createLead', { lead: { external_id: lead.external_id, job_title: 'CEO', city: 'Wien' }, duplicate_policy: 'DUPLICATE_POLICY_FILL' });
  assert.equal(filled.lead.job_title, 'Director of Engineering');
  assert.equal(filled.lead.city, 'Wien');
  const over = await call(s, 'createLead', { lead: { external_id: lead.external_id, job_title: 'CEO' }, duplicate_policy: 'DUPLICATE_POLICY_OVERWRITE' });
  assert.equal(over.lead.job_title, 'CEO');
  assert.equal(over.lead.city, 'Wien');
  assert.equal(over.lead.id, first.id);
  const both = await call(s, 'createLead', { lead: { ...ada(), email: lead.email }, duplicate_policy: 'DUPLICATE_POLICY_KEEP_BOTH' });
  assert.equal(both.created, true);
  assert.notEqual(both.lead.id, first.id);
});

test('updates follow the mask and the etag', async () => {
  const { lead } = await call(s, 'createLead', { lead: ada() });
  const up = await call(s, 'updateLead', {
    lead: { id: lead.id, etag: lead.etag, city: 'Linz', company: { employees: 500 }, attributes: { plan: { string_value: 'gold' } } },
    update_mask: { paths: ['city', 'company.employees', 'attributes.plan', 'job_title'] },
  });
  assert.equal(up.lead.city, 'Linz');
  assert.equal(up.lead.company.employees, 500);
  assert.equal(up.lead.company.name, 'Analytical Engines GmbH');
  assert.equal(up.lead.attributes.plan.string_value, 'gold');
  assert.equal(up.lead.job_title, '', 'a path that is named and not set is emptied');
  assert.notEqual(up.lead.etag, lead.etag);
  const stale = await refused(call(s, 'updateLead', { lead: { id: lead.id, etag: lead.etag, city: 'Graz' } }));
  assert.equal(stale.code, grpc.status.ABORTED);
  assert.equal(stale.reason, 'ETAG_MISMATCH');
  const locked = await refused(call(s, 'updateLead', { lead: { id: lead.id, status: 'LEAD_STATUS_CONVERTED' }, update_mask: { paths: ['status', 'nothing'] } }));
  assert.equal(locked.code, grpc.status.INVALID_ARGUMENT);
  assert.deepEqual(locked.fields, ['update_mask.paths[0]', 'update_mask.paths[1]']);
});

test('lists page by keyset, filter, order and search', async () => {
  const source = 'list-' + randomUUID().slice(0, 8);
  const ids = new Set<string>();
  for (let i = 0; i < 7; i++) {
    const { lead } = await call(s, 'createLead', { lead: { external_id: `${source}-${i}`, full_name: `Zoë Number${i}`, source, country_code: i % 2 ? 'DE' : 'FR' } });
    ids.add(lead.id);
  }
  const seen: string[] = [];
  for (let page_token = ''; ;) {
    const page = await call(s, 'listLeads', { page_size: 3, page_token, filter: `source = "${source}"` });
    seen.push(...page.leads.map((l: any) => l.id));
    page_token = page.next_page_token;
    if (!page_token) break;
  }
  assert.deepEqual(new Set(seen), ids);
  assert.equal(seen.length, 7);
  const french = await call(s, 'listLeads', { filter: `source = "${source}" AND (country_code = "FR" OR country_code = "IT")` });
  assert.equal(french.leads.length, 4);
  const found = await call(s, 'listLeads', { search: 'ZOE number3', filter: `source = "${source}"` });
  assert.equal(found.leads.length, 1);
  for (const [query, field] of [
    [{ filter: 'nonsense = 1' }, 'filter'], [{ filter: 'score >' }, 'filter'], [{ filter: "source = 'x' OR 1=1 --" }, 'filter'],
    [{ order_by: 'email' }, 'order_by'], [{ page_token: 'AAAA' }, 'page_token'], [{ page_size: 501 }, 'page_size'],
  ] as const) {
    const e = await refused(call(s, 'listLeads', query));
    assert.equal(e.code, grpc.status.INVALID_ARGUMENT, JSON.stringify(query));
    assert.ok(e.fields.includes(field), `${JSON.stringify(query)} names ${e.fields}`);
  }
});

test('a score adds up exactly, explains itself and is the same again', async () => {
  const { lead } = await call(s, 'createLead', { lead: ada() });
  await call(s, 'logActivity', { activity: { lead_id: lead.id, kind: 'ACTIVITY_KIND_WEB', direction: 'ACTIVITY_DIRECTION_INBOUND', event: 'ACTIVITY_EVENT_DEMO_REQUESTED' } });
  const q = await call(s, 'qualifyLead', { id: lead.id });
  const sum = q.score.contributions.reduce((n: bigint, c: any) => n + BigInt(c.points_milli), BigInt(q.score.base_points_milli));
  assert.equal(sum, BigInt(q.score.score) * 1000n);
  assert.ok(q.score.score > 0 && q.score.score <= 100);
  assert.ok(q.score.contributions.every((c: any) => c.reason && c.signal));
  assert.ok(q.score.contributions.some((c: any) => /demo/.test(c.signal)), 'the demo request counts');
  assert.match(q.score.provenance.rule_set_sha256, /^[0-9a-f]{64}$/);
  assert.equal(q.lead.score.score, q.score.score);
  assert.notEqual(q.lead.status, 'LEAD_STATUS_NEW');
  const as_of = q.score.as_of;
  const [a, b] = await Promise.all([1, 2].map(() => call(s, 'qualifyLead', { id: lead.id, as_of, validate_only: true })));
  assert.deepEqual(a.score.contributions, b.score.contributions);
  assert.equal(a.score.score, q.score.score);
});

test('a hard rule wins over any number of points', async () => {
  const { lead } = await call(s, 'createLead', { lead: { ...ada(), do_not_contact: true } });
  const q = await call(s, 'qualifyLead', { id: lead.id });
  assert.equal(q.lead.status, 'LEAD_STATUS_DISQUALIFIED');
  assert.equal(q.score.score, 0);
  assert.ok(q.score.disqualifications.length > 0);
  const e = await refused(call(s, 'convertLead', { id: lead.id }));
  assert.equal(e.code, grpc.status.FAILED_PRECONDITION);
});

test('a batch answers every lead, with progress to its end', async () => {
  const source = 'batch-' + randomUUID().slice(0, 8);
  for (let i = 0; i < 30; i++) await call(s, 'createLead', { lead: { external_id: `${source}-${i}`, full_name: 'B', source } });
  const unknown = randomUUID();
  const messages = await collect(s, 'batchQualifyLeads', { filter: `source = "${source}"`, target: 'filter' });
  const results = messages.flatMap((m: any) => m.results?.results ?? []);
  assert.equal(results.length, 30);
  const summary = messages.at(-1)!.summary;
  assert.equal(summary.total, '30');
  const ids = results.slice(0, 2).map((r: any) => r.lead_id).concat(unknown);
  const again = await collect(s, 'batchQualifyLeads', { lead_ids: { ids }, target: 'lead_ids', brief: true });
  const byId = new Map(again.flatMap((m: any) => m.results?.results ?? []).map((r: any) => [r.lead_id, r]));
  assert.equal(byId.get(unknown).error.code, grpc.status.NOT_FOUND);
  assert.equal(byId.get(ids[0]).score.contributions.length, 0);
});

test('a deleted lead is gone with its activities', async () => {
  const { lead } = await call(s, 'createLead', { lead: ada() });
  await call(s, 'logActivity', { activity: { lead_id: lead.id, kind: 'ACTIVITY_KIND_NOTE', body: 'private' } });
  await call(s, 'deleteLead', { id: lead.id });
  const e = await refused(call(s, 'getLead', { id: lead.id }));
  assert.equal(e.code, grpc.status.NOT_FOUND);
  const left = await call(s, 'listActivities', { lead_id: lead.id });
  assert.equal(left.activities.length, 0);
  const again = await call(s, 'createLead', { lead: ada() });
  assert.equal(again.created, true);
});
