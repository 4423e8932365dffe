import { expect, it } from 'vitest';
import { parseAgentFrame } from './parse-agent-frame';
import { parseServerFrame } from './parse-server-frame';

const payload = {
  command_id: 'c1',
  stage: 'waiting',
  seconds_left: 120,
  system: '/nix/store/new',
  previous: '/nix/store/old',
  checks: [
    { name: 'units', kind: 'units', status: 'passed', before: 'passed', enforced: true, reason: '', took_ms: 4 },
  ],
  reason: '',
};
const parse = (type: string, sent: unknown) => parseAgentFrame(JSON.stringify({ type, payload: sent }));

it('reads what an agent reports of a confirmed switch', () => {
  expect(parse('confirmation', payload)).toMatchObject({ frame: { type: 'confirmation', payload } });
});

it('reads names that only a newer agent knows', () => {
  const check = { ...payload.checks[0], kind: 'smart-card', status: 'flapping', before: 7 };
  expect(parse('confirmation', { ...payload, checks: [check] })).toMatchObject({
    frame: { payload: { checks: [{ kind: 'command', status: 'unknown', before: 'unknown' }] } },
  });
  expect(parse('status', { status: 'error', command: 'switch', rolled_back: 'sunspots' })).toMatchObject({
    frame: { payload: { status: 'error', rolled_back: undefined } },
  });
});

it('refuses a stage that it does not know and more checks than the limit', () => {
  expect(parse('confirmation', { ...payload, stage: 'later' }).kind).toBe('malformed');
  const checks = Array.from({ length: 33 }, () => payload.checks[0]);
  expect(parse('confirmation', { ...payload, checks }).kind).toBe('malformed');
});

it.each([59, 3_601, 90.5, '180'])('an agent reads no command with a window of %s s', (window_s) => {
  const frame = { type: 'command', payload: { command: 'switch', id: 'c1', confirm: { window_s } } };
  expect(parseServerFrame(Buffer.from(JSON.stringify(frame))).kind).toBe('unknown');
});
