// Streams: bulk import with its failures, and watching what happens.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { startServer, call, refused, decodeError, Server, RpcError } from './harness';

let s: Server;
before(async () => { s = await startServer(); });
after(async () => { await s.stop(); });

interface Imported { ready?: any; results: any[]; summary?: any; error?: RpcError }

function importRows(open: object, batches: object[][], cutAfter = Infinity): Promise<Imported> {
  return new Promise((resolve) => {
    const out: Imported = { results: [] };
    const stream = s.client.ImportLeads(s.metadata, { deadline: Date.now() + 60000 });
    stream.on('data', (m: any) => {
      if (m.ready) out.ready = m.ready;
      if (m.results) out.results.push(...m.results.results);
      if (m.summary) out.summary = m.summary;
      if (out.results.length >= cutAfter) stream.cancel();
    });
    stream.on('error', (e: grpc.ServiceError) => { out.error = decodeError(e); resolve(out); });
    stream.on('end', () => { if (!out.error) resolve(out); });
    stream.write({ open } as any);
    for (const rows of batches) stream.write({ rows: { rows } } as any);
    stream.end();
  });
}

const row = (row_number: number, lead: object | null) => ({ row_number, lead });

test('good rows go in, bad ones are reported with field and rule', async () => {
  const tag = randomUUID().slice(0, 8);
  const r = await importRows({ import_id: randomUUID(), total_rows: 6 }, [[
    row(1, { external_id: `${tag}-1`, full_name: 'One' }),
    row(2, { external_id: `${tag}-2`, full_name: 'Two', email: 'not an address' }),
    row(3, { external_id: `${tag}-1`, full_name: 'One again' }),
    row(4, null),
  ], [
    row(5, { external_id: `${tag}-5`, full_name: 'x'.repeat(201) }),
    row(6, { external_id: `${tag}-6`, full_name: 'Six' }),
  ]]);
  assert.equal(r.error, undefined);
  assert.deepEqual(r.results.map((x) => x.outcome), [
    'IMPORT_OUTCOME_CREATED', 'IMPORT_OUTCOME_FAILED', 'IMPORT_OUTCOME_DUPLICATE',
    'IMPORT_OUTCOME_FAILED', 'IMPORT_OUTCOME_FAILED', 'IMPORT_OUTCOME_CREATED']);
  assert.equal(r.results[1].error.fields[0].field, 'email');
  assert.equal(r.results[2].match_reason, 'MATCH_REASON_EXTERNAL_ID');
  assert.equal(r.results[2].lead_id, r.results[0].lead_id);
  assert.equal(r.results[4].error.fields[0].field, 'full_name');
  assert.deepEqual([r.summary.rows, r.summary.created, r.summary.failed, r.summary.duplicates], ['6', '2', '3', '1']);
});

test('an import that was cut goes on where it was', async () => {
  const tag = randomUUID().slice(0, 8), import_id = randomUUID();
  const batches = Array.from({ length: 20 }, (_, b) =>
    Array.from({ length: 100 }, (_, i) => row(b * 100 + i + 1, { external_id: `${tag}-${b * 100 + i + 1}`, full_name: `Lead ${i}`, source: tag })));
  const cut = await importRows({ import_id }, batches, 500);
  assert.ok(cut.error, 'the stream was cut');
  const again = await refusedImport({ import_id }, batches);
  assert.equal(again.reason, 'IMPORT_ID_REUSED');
  const rest = await importRows({ import_id, resume: true }, batches);
  assert.equal(rest.error, undefined);
  const done = Number(rest.ready.done_row_number);
  assert.ok(done >= 500, `resumed at ${done}`);
  assert.equal(Number(rest.summary.already_done), done);
  assert.equal(Number(rest.summary.created), 2000 - done);
  const lost = cut.results.filter((x) => x.row_number > done);
  assert.deepEqual(lost, [], 'every acknowledged row is done');
});

async function refusedImport(open: object, batches: object[][]): Promise<RpcError> {
  const r = await importRows(open, batches);
  assert.ok(r.error, 'the import was accepted');
  return r.error!;
}

test('messages out of order are refused', async () => {
  const stream = s.client.ImportLeads(s.metadata, { deadline: Date.now() + 10000 });
  const e = await new Promise<RpcError>((resolve) => {
    stream.on('data', () => {});
    stream.on('error', (x: grpc.ServiceError) => resolve(decodeError(x)));
    stream.write({ rows: { rows: [row(1, { full_name: 'Early' })] } } as any);
  });
  assert.equal(e.reason, 'IMPORT_ORDER');
  const twice = await refusedImport({ import_id: randomUUID() }, [[row(2, { full_name: 'B' }), row(1, { full_name: 'A' })]]);
  assert.equal(twice.code, grpc.status.INVALID_ARGUMENT);
});

test('a watcher sees every change once, in order, and resumes', async () => {
  const tag = randomUUID().slice(0, 8);
  const seen: any[] = [];
  let token = '';
  const watch = (resume_token: string, until: number) => new Promise<void>((resolve, reject) => {
    const stream = s.client.WatchLeads({ filter: `source = "${tag}"`, resume_token, heartbeat_period: { seconds: 1 } } as any, s.metadata, { deadline: Date.now() + 30000 });
    stream.on('data', (m: any) => {
      token = m.resume_token;
      if (m.event) seen.push(m.event);
      if (seen.length >= until) { stream.cancel(); resolve(); }
      if (m.heartbeat && !seen.length && !started) { started = true; void make(0, 3); }
    });
    stream.on('error', (e: grpc.ServiceError) => (e.code === grpc.status.CANCELLED ? resolve() : reject(decodeError(e))));
  });
  let started = false;
  const made: string[] = [];
  const make = async (from: number, to: number) => {
    for (let i = from; i < to; i++) made.push((await call(s, 'createLead', { lead: { external_id: `${tag}-${i}`, full_name: 'W', source: tag } })).lead.id);
    await call(s, 'createLead', { lead: { external_id: `${tag}-other-${from}`, full_name: 'Not watched', source: 'other' } });
  };
  await watch('', 3);
  await make(3, 6);
  await call(s, 'updateLead', { lead: { id: made[0], city: 'Rom' } });
  await watch(token, 7);
  assert.deepEqual(seen.map((e) => e.lead.id), [...made, made[0]]);
  assert.equal(seen[6].type, 'LEAD_EVENT_TYPE_UPDATED');
  const other = await new Promise<RpcError>((resolve) => {
    const stream = s.client.WatchLeads({ filter: '', resume_token: token } as any, s.metadata, { deadline: Date.now() + 10000 });
    stream.on('data', () => {});
    stream.on('error', (e: grpc.ServiceError) => resolve(decodeError(e)));
  });
  assert.deepEqual(other.fields, ['resume_token']);
});

test('a deadline, a cancel and a dead client leave nothing half done', async () => {
  const e = await refused(call(s, 'listLeads', {}, { ms: 0 }));
  assert.equal(e.code, grpc.status.DEADLINE_EXCEEDED);
  const id = randomUUID();
  const cut = await importRows({ import_id: id }, [Array.from({ length: 1000 }, (_, i) => row(i + 1, { external_id: `${id}-${i}`, full_name: 'C' }))], 0);
  assert.ok(cut.error || cut.summary);
  const rest = await importRows({ import_id: id, resume: true }, [Array.from({ length: 1000 }, (_, i) => row(i + 1, { external_id: `${id}-${i}`, full_name: 'C' }))]);
  assert.equal(Number(rest.summary.created) + Number(rest.summary.already_done) + Number(rest.summary.duplicates), 1000);
});
