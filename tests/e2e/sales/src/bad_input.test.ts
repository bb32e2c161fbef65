// Bad input: a clear error that names the field and the rule, and a server that goes on.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { startServer, call, refused, Server, RpcError, decodeError } from './harness';

let s: Server;
before(async () => { s = await startServer(); });
after(async () => {
  await call(s, 'listLeads', { page_size: 1 });
  assert.equal(await s.stop(), 0);
});

const long = (n: number) => 'x'.repeat(n);
const lead = (fields: object) => ({ lead: { external_id: randomUUID(), full_name: 'Test', ...fields } });

test('all violations come at once, each with its field', async () => {
  const e = await refused(call(s, 'createLead', lead({
    given_name: long(101), email: 'a@b@c', country_code: long(101), tags: ['a', 'a'], seniority: 99,
    company: { employees: -1, name: long(1000) }, attributes: { 'BAD KEY': { string_value: 'x' }, ok: { string_value: long(1025) } },
  })));
  assert.equal(e.code, grpc.status.INVALID_ARGUMENT);
  for (const field of ['lead.given_name', 'lead.email', 'lead.country_code', 'lead.tags', 'lead.seniority', 'lead.company.employees', 'lead.company.name'])
    assert.ok(e.fields.includes(field), `${field} is missing in ${e.fields}`);
  assert.ok(e.fields.some((f) => f.startsWith('lead.attributes')), String(e.fields));
  assert.ok(!JSON.stringify(e.details).includes('a@b@c'), 'values stay out of errors');
});

for (const [name, id] of [['unknown', randomUUID()], ['foreign', '01932b6e-5f00-7abc-8def-0123456789ab']] as const)
  test(`an ${name} id answers NOT_FOUND in every method`, async () => {
    for (const [method, request] of [
      ['getLead', { id }], ['deleteLead', { id }], ['qualifyLead', { id }], ['convertLead', { id }], ['getDeal', { id }],
      ['updateLead', { lead: { id, city: 'x' } }], ['updateDeal', { deal: { id, name: 'x' } }], ['progressDeal', { id, to_stage: 'proposal' }],
      ['reopenDeal', { id, note: 'x' }], ['logActivity', { activity: { lead_id: id, kind: 'ACTIVITY_KIND_NOTE' } }],
    ] as const) {
      const e = await refused(call(s, method, request));
      assert.equal(e.code, grpc.status.NOT_FOUND, `${method}: ${e.message}`);
    }
  });

test('a malformed id names the field', async () => {
  const e = await refused(call(s, 'getLead', { id: "1' OR '1'='1" }));
  assert.equal(e.code, grpc.status.INVALID_ARGUMENT);
  assert.deepEqual(e.fields, ['id']);
});

// Raw bytes through a method without a codec.
function raw(path: string, body: Buffer, metadata = s.metadata): Promise<RpcError | Buffer> {
  return new Promise((resolve) => {
    s.client.makeUnaryRequest(path, (b: Buffer) => b, (b: Buffer) => b, body, metadata, { deadline: Date.now() + 10000 },
      (e, reply) => resolve(e ? decodeError(e) : reply!));
  });
}
const field = (n: number, bytes: Buffer) => Buffer.concat([Buffer.from([(n << 3) | 2]), varint(bytes.length), bytes]);
const varint = (n: number) => { const out: number[] = []; do { out.push((n & 127) | (n > 127 ? 128 : 0)); n >>>= 7; } while (n); return Buffer.from(out); };

test('bytes that are no message are refused', async () => {
  const create = '/sales.v1.SalesAgent/CreateLead';
  let nested = Buffer.from([8, 1]);
  for (let i = 0; i < 64; i++) nested = field(18, nested);
  const cases: [string, Buffer][] = [
    ['garbage', Buffer.from('ffffffffffffffffffffff', 'hex')],
    ['truncated', field(2, Buffer.from('abc')).subarray(0, 3)],
    ['invalid UTF-8', field(2, field(9, Buffer.from([0xff, 0xfe])))],
    ['a NUL in a text', field(2, field(9, Buffer.from('a\0b')))],
    ['64 levels', nested],
    ['wrong wire type', Buffer.from([0x10, 0x01])],
  ];
  for (const [name, body] of cases) {
    const e = await raw(create, body);
    assert.ok(e instanceof RpcError, `${name} was accepted`);
    assert.equal(e.code, grpc.status.INVALID_ARGUMENT, `${name}: ${e.code} ${e.message}`);
  }
});

test('5 MB, too much metadata and unknown methods are refused', async () => {
  const big = await raw('/sales.v1.SalesAgent/CreateLead', Buffer.alloc(5 << 20));
  assert.equal((big as RpcError).code, grpc.status.RESOURCE_EXHAUSTED);
  const m = s.metadata.clone();
  m.set('x-filler', long(10000));
  const meta = await raw('/sales.v1.SalesAgent/ListLeads', Buffer.alloc(0), m);
  assert.equal((meta as RpcError).code, grpc.status.RESOURCE_EXHAUSTED);
  const unknown = await raw('/sales.v1.SalesAgent/NoSuch', Buffer.alloc(0));
  assert.equal((unknown as RpcError).code, grpc.status.UNIMPLEMENTED);
  const later = await refused(call(s, 'mergeLeads', { primary_id: randomUUID(), duplicate_ids: [randomUUID()] }));
  assert.equal(later.code, grpc.status.UNIMPLEMENTED);
  assert.ok(later.reason, 'with an ErrorInfo');
});

test('without a key, or with a wrong one, nobody gets in', async () => {
  const none = await refused(call(s, 'listLeads', {}, { metadata: new grpc.Metadata() }));
  assert.equal(none.code, grpc.status.UNAUTHENTICATED);
  for (const key of ['sk_wrong', 'x'.repeat(200), s.key.slice(0, -1) + (s.key.endsWith('A') ? 'B' : 'A')]) {
    const m = new grpc.Metadata();
    m.set('authorization', `Bearer ${key}`);
    const e = await refused(call(s, 'listLeads', {}, { metadata: m }));
    assert.equal(e.code, grpc.status.UNAUTHENTICATED);
    assert.ok(!e.message.includes(key), 'the key stays out of the error');
  }
});
