import { describe, expect, it } from 'vitest';
import { addressRejection, addressStatus, progressView, resultOf, shownBy, shownByRegister } from './agent-input';
import { commandStateSchema } from '../records/command-state';
import { RUNNING, sampleCommand } from '../testing/samples';
import { wireName } from '../operations/wire';
import { parseAgentFrame } from '@/lib/protocol/agent/parse-agent-frame';
import type { AgentFrame, AgentFrameType } from '@/lib/protocol/agent/from-agent';

type Payloads = { [F in AgentFrame as F['type']]: F['payload'] };

function payload<T extends AgentFrameType>(type: T, content: object): Payloads[T] {
  const parsed = parseAgentFrame(JSON.stringify({ type, payload: content }));
  if (parsed.kind !== 'frame' || parsed.frame.type !== type) throw new Error(JSON.stringify(parsed));
  return parsed.frame.payload as Payloads[T];
}

const SENT = commandStateSchema.parse({ ...RUNNING, phase: 'sent' });
const STOPPING = commandStateSchema.parse({ ...RUNNING, phase: 'stopping', how: 'stop', disconnected: false });
const PROBING = commandStateSchema.parse({ ...RUNNING, phase: 'verifying', result: null, need: 'probe' });

const pull = sampleCommand('pull', RUNNING);
const test = sampleCommand('test', STOPPING);
const stop = sampleCommand('stop', SENT);
const kill = sampleCommand('kill', SENT);
const probing = sampleCommand('switch', PROBING);

describe('shownBy', () => {
  it.each([
    ['nothing runs', { pending_command: null }, 'none'],
    ['protocol 2: the same name', { pending_command: 'pull' }, 'this'],
    ['protocol 2: another name', { pending_command: 'test' }, 'other'],
    ['protocol 3: the same id', { pending_command: 'pull', command_id: pull.id }, 'this'],
    ['protocol 3: the same name, another id', { pending_command: 'pull', command_id: 'other' }, 'other'],
  ])('%s', (_name, content, expected) => {
    expect(shownBy(payload('heartbeat', content), pull)).toBe(expected);
  });

  it('a kill, which has no name on the wire, never shows as running', () => {
    expect(wireName(kill)).toBe('');
    expect(shownBy(payload('heartbeat', {}), kill)).toBe('none');
    expect(shownBy(payload('heartbeat', { pending_command: 'pull' }), kill)).toBe('other');
  });
});

describe('shownByRegister', () => {
  const running = (id: string) => ({ command_id: id, command: 'pull', pid: 1 });
  it.each([
    ['protocol 2 can’t tell', {}, 'unknown'],
    ['protocol 2 can’t tell, even with a running field', { running: running(pull.id) }, 'unknown'],
    ['protocol 3: nothing', { protocol: 3 }, 'none'],
    ['protocol 3: this one', { protocol: 3, running: running(pull.id) }, 'this'],
    ['protocol 3: another one', { protocol: 3, running: running('x') }, 'other'],
  ])('%s', (_name, content, expected) => {
    expect(shownByRegister(payload('register', { hostname: 'h1', ...content }), pull)).toBe(expected);
  });
});

describe('addressStatus', () => {
  const address = (content: object, active: typeof pull | null, control: typeof pull | null = null) =>
    addressStatus(payload('status', content), { active, control }).map(({ command, input }) => [command.id, input]);
  const result = (status: string, exitCode: number | null, message = '') => ({
    type: 'result',
    result: { status, exitCode, message, restarting: null },
  });

  it('matches by name', () => {
    const status = { status: 'ok', command: 'pull', exit_code: 0, message: 'done' };
    expect(address(status, pull)).toEqual([[pull.id, result('ok', 0, 'done')]]);
    expect(address(status, test)).toEqual([]);
    expect(address(status, null)).toEqual([]);
  });

  it('assigns a status without a name to the running command', () => {
    expect(address({ status: 'ok' }, pull)).toEqual([[pull.id, result('ok', null)]]);
    // A kill has no name on the wire and never gets a status, so this one is not for it.
    expect(address({ status: 'error', exit_code: -1 }, pull, kill)).toEqual([[pull.id, result('error', -1)]]);
  });

  it('"stopped" ends both the stopped command and the stop', () => {
    const status = { status: 'stopped', command: 'test', exit_code: 130, message: 'terminated by user' };
    expect(address(status, test, stop)).toEqual([
      [test.id, result('stopped', 130, 'terminated by user')],
      [stop.id, result('ok', 130)],
    ]);
    expect(address(status, test, kill)).toEqual([[test.id, result('stopped', 130, 'terminated by user')]]);
    expect(address(status, pull)).toEqual([]);
  });

  it('a failed stop leaves its target running', () => {
    const status = { status: 'error', command: 'stop', exit_code: 1, message: 'no command running' };
    expect(address(status, test, stop)).toEqual([
      [stop.id, result('error', 1, 'no command running')],
      [test.id, { type: 'stop-failed', reason: 'no command running' }],
    ]);
    expect(address(status, pull, stop)).toEqual([[stop.id, result('error', 1, 'no command running')]]);
  });

  it('refresh-system answers the probe of a switch without a result', () => {
    expect(address({ status: 'ok', command: 'refresh-system', message: 'outdated' }, probing)).toEqual([
      [probing.id, { type: 'probed', status: 'outdated' }],
    ]);
    const asked = sampleCommand('refresh-system', RUNNING);
    expect(address({ status: 'ok', command: 'refresh-system', message: 'outdated' }, asked)).toEqual([
      [asked.id, result('ok', null, 'outdated')],
    ]);
  });

  it('keeps "restarting" of protocol 3 and ignores it in protocol 2', () => {
    const status = payload('status', { status: 'ok', restarting: true });
    expect(resultOf(status, 3).restarting).toBe(true);
    expect(resultOf(status, 2).restarting).toBeNull();
    expect(resultOf(payload('status', { status: 'ok' }), 3).restarting).toBe(false);
  });
});

describe('addressRejection', () => {
  const address = (content: object, active: typeof pull | null, control: typeof pull | null = null) =>
    addressRejection(payload('command_rejected', content), { active, control }).map(({ command, input }) => ({
      id: command.id,
      ...input,
    }));
  const busy = { reason: 'command already running', current_command: 'test', current_pid: 9931 };

  it.each(['sent', 'running'] as const)(
    'protocol 2 names no command: a refusal belongs to the active one (%s)',
    (phase) => {
      const command = sampleCommand('pull', phase === 'sent' ? SENT : RUNNING);
      expect(address(busy, command)).toEqual([
        {
          id: command.id,
          type: 'rejected',
          isThis: false,
          reason: 'The agent refused it: command already running (it is running "test").',
        },
      ]);
    },
  );

  it('"already running" with the same name is a duplicate, not an error', () => {
    expect(address({ ...busy, current_command: 'pull' }, pull)).toMatchObject([{ isThis: true }]);
  });

  it('matches no command that is being verified, and none when nothing runs', () => {
    expect(address(busy, probing)).toEqual([]);
    expect(address(busy, null, stop)).toEqual([]);
  });

  it('missing fields still give a sentence', () => {
    expect(address({}, pull)).toMatchObject([{ isThis: false, reason: 'The agent refused it: no reason given.' }]);
  });

  it('protocol 3 names both commands', () => {
    const other = { ...busy, command_id: pull.id, current_command_id: 'c-9' };
    expect(address(other, pull)).toMatchObject([{ id: pull.id, isThis: false }]);
    expect(address({ ...other, current_command_id: pull.id }, pull)).toMatchObject([{ isThis: true }]);
    expect(address({ ...other, command_id: 'c-unknown' }, pull)).toEqual([]);
    // The same name under another id is another command.
    expect(address({ ...other, current_command: 'pull', current_command_id: null }, pull)).toMatchObject([
      { isThis: false },
    ]);
  });
});

describe('progressView', () => {
  const progress = (content: object) => progressView(payload('operation_progress', { progress: content }));

  it.each([
    ['pull', 'Pulling'],
    ['evaluate', 'Evaluating'],
    ['fetch', 'Fetching'],
    ['build', 'Building'],
    ['activate', 'Activating'],
    ['system', 'Switching'],
    ['tests', 'Testing'],
    ['lock', 'Checking lock'],
    ['new-phase', 'new-phase'],
  ])('%s is called %s', (phase, label) => {
    expect(progress({ [phase]: { current: 1, total: 4, status: 'in_progress' } })).toEqual({
      label,
      current: 1,
      total: 4,
    });
  });

  it('shows the phase in progress, else the last one', () => {
    const done = { current: 4, total: 4, status: 'complete' };
    const going = { current: 0, total: 3, status: 'in_progress' };
    expect(progress({ system: going, pull: done })).toMatchObject({ label: 'Switching', current: 0 });
    expect(progress({ pull: done, tests: done })).toMatchObject({ label: 'Testing', current: 4 });
    expect(progress({ pull: null })).toBeNull();
    expect(progress({})).toBeNull();
  });

  it('limits the count to the total', () => {
    expect(progress({ tests: { current: 9, total: 8 } })).toMatchObject({ current: 8, total: 8 });
  });

  it.each(['constructor', 'toString', '__proto__', 'valueOf'])('a phase called %s has its name as label', (phase) => {
    const result = progress(JSON.parse(`{"${phase}":{"current":1,"total":2,"status":"in_progress"}}`) as object);
    expect(typeof (result?.label ?? '')).toBe('string');
  });

  it('cleans a phase name from the wire', () => {
    expect(progress({ 'a\n\u202eb': { current: 1, total: 2 } })?.label).toBe('a  b');
  });
});
