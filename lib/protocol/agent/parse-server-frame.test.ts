import { describe, expect, it } from 'vitest';
import { parseServerFrame } from './parse-server-frame';

const read = (frame: unknown) => parseServerFrame(Buffer.from(JSON.stringify(frame)));

describe('parseServerFrame', () => {
  it.each([
    ['the host is not named', { type: 'registered', payload: {} }],
    ['the protocol is newer', { type: 'registered', payload: { host_id: 'h', protocol: 4 } }],
    ['the command is not known', { type: 'command', payload: { command: 'later', id: 'c-1' } }],
    ['a generation', { type: 'command', payload: { command: 'switch-generation', generation: 12, id: 'c-1' } }],
    ['the signal is not known', { type: 'kill_command', payload: { signal: 'SIGHUP', pid: 0 } }],
    ['the pid is absent', { type: 'kill_command', payload: { signal: 'SIGTERM' } }],
  ])('reads more than this dashboard sends: %s', (_name, frame) => {
    expect(read(frame)).toEqual({ kind: 'frame', frame });
  });

  it('ignores unknown fields', () => {
    expect(read({ type: 'registered', payload: { host_id: 'h', server_time: 'now' }, more: 1 })).toEqual({
      kind: 'frame',
      frame: { type: 'registered', payload: { host_id: 'h' } },
    });
  });

  it.each([
    [
      ['output_batch', 'preview'],
      ['output_batch', 'preview'],
    ],
    [['Preview', 'preview'], ['preview']],
    ['preview', null],
    [null, null],
  ])('reads a registered whose accepts is %j', (accepts, expected) => {
    expect(read({ type: 'registered', payload: { accepts } })).toEqual({
      kind: 'frame',
      frame: { type: 'registered', payload: { accepts: expected } },
    });
  });

  it.each([
    ['payload.host_id', { type: 'registered', payload: { host_id: 5 } }],
    ['payload.command', { type: 'command', payload: { command: 'x'.repeat(65) } }],
    ['payload.id', { type: 'command', payload: { command: 'pull', id: '../x' } }],
    ['payload.generation', { type: 'command', payload: { command: 'switch-generation', generation: 0 } }],
    ['payload.generation', { type: 'command', payload: { command: 'switch-generation', generation: '12' } }],
    ['payload.pid', { type: 'kill_command', payload: { signal: 'SIGTERM', pid: -1 } }],
    ['payload.output_seq', { type: 'ack', payload: { command_id: 'c-1', output_seq: 1.5 } }],
  ])('names the field that it can’t read: %s', (field, frame) => {
    const parsed = read(frame);
    expect(parsed.kind).toBe('unknown');
    expect(parsed).toHaveProperty('problem', expect.stringContaining(`field "${field}"`));
  });
});
