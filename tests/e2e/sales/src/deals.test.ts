// Deals: from a lead through the stages, guarded, to won or lost, and back.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { startServer, call, refused, Server } from './harness';

let s: Server;
before(async () => { s = await startServer(); });
after(async () => { await s.stop(); });

const money = (amount_minor: number, currency_code = 'EUR') => ({ amount_minor, currency_code });

async function qualified(): Promise<any> {
  const { lead } = await call(s, 'createLead', { lead: {
    external_id: randomUUID(), given_name: 'Grace', family_name: 'Hopper', email: `grace.${randomUUID()}@navy-systems.example`,
    phone: '+12025550143', country_code: 'US', job_title: 'Chief Technology Officer', seniority: 'SENIORITY_C_LEVEL',
    job_function: 'JOB_FUNCTION_IT', buying_role: 'BUYING_ROLE_DECISION_MAKER', source: 'referral',
    company: { name: 'Navy Systems', domain: 'navy-systems.example', employees: 900, industry: 'software', country_code: 'US' },
    consent: { email: 'CONSENT_STATE_GRANTED', phone: 'CONSENT_STATE_GRANTED' },
  } });
  for (const [kind, event] of [['WEB', 'DEMO_REQUESTED'], ['WEB', 'PRICING_VIEW'], ['MEETING', 'MEETING_HELD'], ['EMAIL', 'EMAIL_REPLIED'], ['WEB', 'TRIAL_STARTED']])
    await call(s, 'logActivity', { activity: { lead_id: lead.id, kind: `ACTIVITY_KIND_${kind}`, direction: 'ACTIVITY_DIRECTION_INBOUND', event: `ACTIVITY_EVENT_${event}` } });
  const q = await call(s, 'qualifyLead', { id: lead.id });
  assert.equal(q.lead.status, 'LEAD_STATUS_QUALIFIED', `score ${q.score.score}`);
  return q.lead;
}

test('the life of a lead: created, qualified, converted, progressed, won', async () => {
  const lead = await qualified();
  const converted = await call(s, 'convertLead', { id: lead.id, deal: { name: 'Compiler licence', amount: money(1200000), expected_close_date: '2027-03-31', next_step: 'Send the offer' } });
  assert.equal(converted.lead.status, 'LEAD_STATUS_CONVERTED');
  assert.equal(converted.lead.converted_deal_id, converted.deal.id);
  assert.equal(converted.deal.lead_id, lead.id);
  assert.equal(converted.deal.stage_kind, 'STAGE_KIND_OPEN');
  const twice = await refused(call(s, 'convertLead', { id: lead.id }));
  assert.equal(twice.code, grpc.status.FAILED_PRECONDITION);

  const { pipelines } = await call(s, 'listPipelines', {});
  const stages = pipelines[0].stages;
  const won = stages.find((x: any) => x.kind === 'STAGE_KIND_WON').key;
  let deal = converted.deal;
  for (const stage of stages.filter((x: any) => x.kind === 'STAGE_KIND_OPEN').slice(1)) {
    const moved = await call(s, 'progressDeal', { id: deal.id, to_stage: stage.key, etag: deal.etag });
    assert.equal(moved.change.to_stage, stage.key);
    deal = moved.deal;
  }
  const noReason = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: won }));
  assert.equal(noReason.code, grpc.status.FAILED_PRECONDITION);
  assert.ok(noReason.preconditions.length > 0 && noReason.preconditions[0].description, 'says what would satisfy it');
  const reason = pipelines[0].reasons.find((r: any) => r.kind === 'STAGE_KIND_WON');
  const closed = await call(s, 'progressDeal', { id: deal.id, to_stage: won, close_reason: { code: reason.code } });
  assert.equal(closed.deal.stage_kind, 'STAGE_KIND_WON');
  assert.ok(closed.deal.closed_at);
  const history = closed.deal.history.map((h: any) => h.to_stage);
  assert.equal(history.at(-1), won);
  assert.equal(history.length, stages.filter((x: any) => x.kind === 'STAGE_KIND_OPEN').length + 1);
  const after = await call(s, 'getLead', { id: lead.id });
  assert.equal(after.lead.outcome, 'LEAD_OUTCOME_WON');

  const back = await call(s, 'reopenDeal', { id: deal.id, note: 'The signature was missing' });
  assert.equal(back.deal.stage_kind, 'STAGE_KIND_OPEN');
  assert.equal(back.change.kind, 'STAGE_CHANGE_KIND_REOPENED');
});

test('a stage that does not exist, or is guarded, is refused and says why', async () => {
  const { deal } = await call(s, 'createDeal', { deal: { name: 'Bare', external_id: randomUUID() } });
  const nowhere = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: 'moon' }));
  assert.ok([grpc.status.INVALID_ARGUMENT, grpc.status.FAILED_PRECONDITION].includes(nowhere.code));
  const { pipelines } = await call(s, 'listPipelines', {});
  const lost = pipelines[0].stages.find((x: any) => x.kind === 'STAGE_KIND_LOST').key;
  const silent = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: lost }));
  assert.equal(silent.code, grpc.status.FAILED_PRECONDITION);
  const open = pipelines[0].stages.filter((x: any) => x.kind === 'STAGE_KIND_OPEN');
  const guarded = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: open.at(-1).key }));
  assert.equal(guarded.code, grpc.status.FAILED_PRECONDITION);
  assert.ok(guarded.preconditions.length > 0);
});

test('event times go forward only', async () => {
  const { deal } = await call(s, 'createDeal', { deal: { name: 'Timed', external_id: randomUUID(), amount: money(100), expected_close_date: '2027-01-31', created_at: { seconds: Math.floor(Date.now() / 1000) - 86400 } } });
  const { pipelines } = await call(s, 'listPipelines', {});
  const second = pipelines[0].stages[1].key;
  const early = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: second, occurred_at: { seconds: 1000 } }));
  assert.ok(early.fields.includes('occurred_at'), String(early.fields));
  const late = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: second, occurred_at: { seconds: Math.floor(Date.now() / 1000) + 86400 } }));
  assert.ok(late.fields.includes('occurred_at'), String(late.fields));
});

test('the summary adds up by stage, owner and currency', async () => {
  const before = await call(s, 'getPipelineSummary', {});
  const own = 'owner-' + randomUUID().slice(0, 8);
  for (const amount of [10000, 20000, 30000])
    await call(s, 'createDeal', { deal: { name: 'Sum', external_id: randomUUID(), owner_id: own, amount: money(amount) } });
  await call(s, 'createDeal', { deal: { name: 'Yen', external_id: randomUUID(), owner_id: own, amount: money(5000, 'JPY') } });
  const sum = await call(s, 'getPipelineSummary', {});
  assert.equal(Number(sum.total.count) - Number(before.total.count), 4);
  const mine = sum.owners.find((o: any) => o.key === own);
  assert.equal(mine.count, '4');
  assert.deepEqual(mine.amount.map((m: any) => [m.currency_code, m.amount_minor]).sort(), [['EUR', '60000'], ['JPY', '5000']]);
  const stages = sum.stages.reduce((n: number, b: any) => n + Number(b.count), 0);
  assert.ok(stages >= Number(sum.total.count));
});

test('a deal with the external id of another is returned, not stored again', async () => {
  const external_id = randomUUID();
  const a = await call(s, 'createDeal', { deal: { name: 'One', external_id } });
  const b = await call(s, 'createDeal', { deal: { name: 'Two', external_id } });
  assert.equal(b.created, false);
  assert.equal(b.deal.id, a.deal.id);
  const up = await call(s, 'updateDeal', { deal: { id: a.deal.id, next_step: 'Call' }, update_mask: { paths: ['next_step'] } });
  assert.equal(up.deal.next_step, 'Call');
  const stage = await refused(call(s, 'updateDeal', { deal: { id: a.deal.id, stage: 'closed_won' }, update_mask: { paths: ['stage'] } }));
  assert.equal(stage.code, grpc.status.INVALID_ARGUMENT);
});

test('a deal with a past keeps its times, counts pushes and tells its lead', async () => {
  const day = (ago: number) => ({ seconds: Math.floor(Date.now() / 1000) - ago * 86400 });
  const { lead } = await call(s, 'createLead', { lead: { external_id: randomUUID(), full_name: 'Alan Turing' } });
  const { deal } = await call(s, 'createDeal', { deal: {
    name: 'Bombe', external_id: randomUUID(), lead_id: lead.id, amount: money(700), expected_close_date: '2026-03-31',
    close_reason: { code: 'competitor', competitor: 'Lorenz' },
    history: [
      { to_stage: 'discovery', occurred_at: day(90), expected_close_date: '2026-01-31' },
      { from_stage: 'discovery', to_stage: 'proposal', occurred_at: day(60), expected_close_date: '2026-02-28' },
      { from_stage: 'proposal', to_stage: 'lost', occurred_at: day(30) },
    ],
  } });
  assert.equal(deal.stage_kind, 'STAGE_KIND_LOST');
  assert.equal(deal.push_count, 2);
  assert.equal(deal.closed_at.seconds, deal.history[2].occurred_at.seconds);
  assert.equal(deal.created_at.seconds, deal.history[0].occurred_at.seconds);
  assert.deepEqual(deal.history.map((h: any) => h.kind), ['STAGE_CHANGE_KIND_CREATED', 'STAGE_CHANGE_KIND_FORWARD', 'STAGE_CHANGE_KIND_CLOSED']);
  const { lead: known } = await call(s, 'getLead', { id: lead.id });
  assert.equal(known.outcome, 'LEAD_OUTCOME_LOST');
  const broken = await refused(call(s, 'createDeal', { deal: { name: 'Gap', history: [
    { to_stage: 'discovery', occurred_at: day(2) }, { from_stage: 'proposal', to_stage: 'negotiation', occurred_at: day(1) }] } }));
  assert.equal(broken.code, grpc.status.INVALID_ARGUMENT);
  assert.ok(broken.fields.includes('deal.history'), String(broken.fields));
});

test('validate_only shows a move, a stale etag stops one, and reasons are checked', async () => {
  const { deal } = await call(s, 'createDeal', { deal: { name: 'Shown', amount: money(100), expected_close_date: '2999-01-31' } });
  const shown = await call(s, 'progressDeal', { id: deal.id, to_stage: 'proposal', validate_only: true });
  assert.equal(shown.deal.stage, 'proposal');
  const { deal: same } = await call(s, 'getDeal', { id: deal.id });
  assert.deepEqual([same.stage, same.etag], ['discovery', deal.etag]);
  await call(s, 'progressDeal', { id: deal.id, to_stage: 'proposal', etag: deal.etag });
  const stale = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: 'discovery', etag: deal.etag }));
  assert.deepEqual([stale.code, stale.reason], [grpc.status.ABORTED, 'ETAG_MISMATCH']);
  const early = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: 'discovery', close_reason: { code: 'price' } }));
  assert.ok(early.fields.includes('close_reason'), String(early.fields));
  const wrong = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: 'lost', close_reason: { code: 'best_fit' } }));
  assert.equal(wrong.code, grpc.status.FAILED_PRECONDITION);
  const nameless = await refused(call(s, 'progressDeal', { id: deal.id, to_stage: 'lost', close_reason: { code: 'competitor' } }));
  assert.equal(nameless.code, grpc.status.FAILED_PRECONDITION);
});

test('deals are found by filter, order and words, page by page', async () => {
  const segment = 'seg-' + randomUUID().slice(0, 8);
  for (const [name, amount] of [['Zeta pump', 300], ['Eta pump', 100], ['Theta valve', 200]] as const)
    await call(s, 'createDeal', { deal: { name, segment, amount: money(amount) } });
  const filter = `segment = "${segment}" AND stage = "discovery"`;
  const names: string[] = [];
  let page_token = '';
  do {
    const page = await call(s, 'listDeals', { filter, order_by: 'amount desc', page_size: 2, page_token });
    names.push(...page.deals.map((d: any) => d.name));
    page_token = page.next_page_token;
  } while (page_token);
  assert.deepEqual(names, ['Zeta pump', 'Theta valve', 'Eta pump']);
  const found = await call(s, 'listDeals', { filter: `segment = "${segment}"`, search: 'PUMP eta' });
  assert.deepEqual(found.deals.map((d: any) => d.name), ['Eta pump']);
  const bad = await refused(call(s, 'listDeals', { filter: 'stage = ' }));
  assert.ok(bad.fields.includes('filter'), String(bad.fields));
});
