import { expect, it } from 'vitest';
import type { AgentFrameInput } from '@/lib/protocol/agent/from-agent';
import { createConfirmationLink, type Confirmation } from './confirmation-link';

const REPORT: Confirmation = {
  command_id: 'c1',
  stage: 'waiting',
  seconds_left: 100,
  system: 'new',
  previous: 'old',
  checks: [],
  reason: '',
};

function bench(dialled: number | null) {
  const sent: AgentFrameInput[] = [];
  let reconnects = 0;
  const link = createConfirmationLink({
    send: (frame) => {
      sent.push(frame);
    },
    dialledAt: () => dialled,
    reconnect: () => {
      reconnects++;
    },
    redact: (text) => text.replaceAll('s3cret-1', '***'),
  });
  return {
    link,
    sent,
    reconnects: () => reconnects,
    dialAt(at: number) {
      dialled = at;
    },
  };
}
const answer = (keep: boolean, byOperator = false) => ({ command_id: 'c1', keep, by_operator: byOperator });

it('opens a new connection for an answer, unless the current one is new enough', () => {
  const before = bench(5);
  before.link.awaitAnswer('c1', 10, () => undefined);
  expect(before.reconnects()).toBe(1);
  const after = bench(15);
  after.link.awaitAnswer('c1', 10, () => undefined);
  expect(after.reconnects()).toBe(0);
});

it('counts no answer of an older connection, of another command or after the end', () => {
  const dashboard = bench(5);
  const { link } = dashboard;
  let changes = 0;
  const awaited = link.awaitAnswer('c1', 10, () => {
    changes++;
  });
  link.answered(answer(true));
  dashboard.dialAt(11);
  link.answered({ ...answer(true), command_id: 'c2' });
  expect([awaited.get(), changes]).toEqual([null, 0]);
  link.answered(answer(true));
  expect([awaited.get(), changes]).toEqual([answer(true), 1]);
  awaited.end();
  link.answered(answer(false, true));
  expect(awaited.get()).toEqual(answer(true));
});

it('lets the first answer of an operator count', () => {
  const { link } = bench(11);
  const awaited = link.awaitAnswer('c1', 10, () => undefined);
  link.answered(answer(true));
  link.answered(answer(false, true));
  link.answered(answer(true, true));
  link.answered(answer(true));
  expect(awaited.get()).toEqual(answer(false, true));
});

it('repeats the last report on a new connection until the switch has ended', () => {
  const { link, sent } = bench(null);
  link.report(REPORT);
  link.registered();
  expect(sent).toHaveLength(2);
  expect(sent[1]).toMatchObject({ type: 'confirmation', payload: { stage: 'waiting', seconds_left: 100 } });
  link.ended();
  link.registered();
  expect(sent).toHaveLength(2);
});

it('reports without secrets', () => {
  const { link, sent } = bench(1);
  const check = { name: 'web', kind: 'command', status: 'failed', before: 'unknown', enforced: true } as const;
  link.report({ ...REPORT, checks: [{ ...check, reason: 'no access with s3cret-1' }], reason: 's3cret-1 is wrong' });
  expect(JSON.stringify(sent)).toContain('no access with ***');
  expect(JSON.stringify(sent)).not.toContain('s3cret-1');
});

it('reports what differs in more than the time, each once', () => {
  const { link, sent } = bench(5);
  link.report(REPORT);
  link.report({ ...REPORT, seconds_left: 99 });
  link.report({ ...REPORT, stage: 'going-back', reason: 'a check failed' });
  link.report({ ...REPORT, stage: 'going-back', reason: 'a check failed', seconds_left: 3 });
  expect(sent.map((frame) => (frame.type === 'confirmation' ? frame.payload.stage : ''))).toEqual([
    'waiting',
    'going-back',
  ]);
  link.ended();
  link.report(REPORT);
  expect(sent).toHaveLength(3);
});
