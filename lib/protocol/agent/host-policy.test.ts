import { describe, expect, it } from 'vitest';
import { REFUSED_REASONS } from './host-policy';
import { parseAgentFrame } from './parse-agent-frame';

const parse = (type: string, payload: unknown) => {
  const parsed = parseAgentFrame(JSON.stringify({ type, payload }));
  return parsed.kind === 'frame' ? parsed.frame.payload : parsed.kind;
};
const window = { days: ['mon'], from: 0, to: 1_440 };

describe('a frame with the policy of a host', () => {
  it('may leave out every rule', () => {
    expect(parse('host_policy', { state: 'none' })).toEqual({
      state: 'none',
      source: '',
      problem: '',
      operations: null,
      hours: null,
      branches: null,
      signers: null,
      more_signers: 0,
      oldest_commit: '',
      confirmed: false,
    });
  });

  it('has its operations in one order and each once, without those that are not known', () => {
    expect(parse('host_policy', { state: 'set', operations: ['reboot', 'pull', 'pull', 'stop', 'fly'] })).toMatchObject(
      {
        operations: ['pull', 'reboot'],
      },
    );
    expect(parse('host_policy', { state: 'set', operations: [] })).toMatchObject({ operations: [] });
  });

  it.each([
    ['no state', {}],
    ['another state', { state: 'open' }],
    ['too many branches', { state: 'set', branches: Array.from({ length: 17 }, () => 'b') }],
    ['too many signers', { state: 'set', signers: Array.from({ length: 33 }, () => ({ name: '', key: '' })) }],
    ['too many operations', { state: 'set', operations: Array.from({ length: 65 }, () => 'pull') }],
    ['a signer that is no object', { state: 'set', signers: ['alice'] }],
    ['confirmed as a word', { state: 'set', confirmed: 'yes' }],
    ['too many windows', { state: 'set', hours: { zone: 'UTC', windows: Array.from({ length: 33 }, () => window) } }],
    ['a time beyond the day', { state: 'set', hours: { zone: 'UTC', windows: [{ ...window, to: 1_441 }] } }],
    ['a day that does not exist', { state: 'set', hours: { zone: 'UTC', windows: [{ ...window, days: ['monday'] }] } }],
  ])('is unreadable with %s', (_name, payload) => {
    expect(parse('host_policy', payload)).toBe('malformed');
  });

  it('keeps a zone that this side does not know', () => {
    expect(parse('host_policy', { state: 'set', hours: { zone: 'Mars/Olympus', windows: [window] } })).toMatchObject({
      hours: { zone: 'Mars/Olympus', windows: [window] },
    });
  });
});

describe('a refused result', () => {
  it('names one of the known rules, or none', () => {
    for (const refused of REFUSED_REASONS)
      expect(parse('status', { status: 'error', refused })).toMatchObject({ refused });
    for (const refused of ['', 'of-a-newer-agent', null, undefined])
      expect(parse('status', { status: 'error', refused })).not.toHaveProperty('refused', expect.anything());
  });
});
