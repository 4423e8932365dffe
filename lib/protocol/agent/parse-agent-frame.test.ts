import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAgentFrame } from './parse-agent-frame';
import { RECORDED_FRAMES, RECORDED_LINES } from './testing/recorded-frames';
import { serverFrameSchema } from './to-agent';
import type { AgentFrame } from './from-agent';
import { WIRE_COMMANDS } from './wire-commands';

function parsed(type: string, payload?: unknown): AgentFrame {
  const result = parseAgentFrame(JSON.stringify({ type, payload }));
  if (result.kind !== 'frame') throw new Error(JSON.stringify(result));
  return result.frame;
}

function problemOf(type: string, payload: unknown): string {
  const result = parseAgentFrame(JSON.stringify({ type, payload }));
  return result.kind === 'malformed' ? result.problem : `not malformed: ${result.kind}`;
}

describe('absent fields', () => {
  it('accepts a register with only a host name', () => {
    expect(parsed('register', { hostname: 'h1' }).payload).toEqual({
      hostname: 'h1',
      host_type: '',
      agent_version: '',
      os_version: '',
      nixpkgs_version: '',
      generation: '',
      theme_color: '',
      heartbeat_interval: 5,
      location: '',
      device_type: '',
      repo_url: '',
      repo_dir: '',
      source_commit: '',
      store_path: '',
      binary_hash: '',
      protocol: 2,
      instance: '',
      running: null,
      finished: [],
      hosts_dashboard: false,
      capabilities: null,
    });
  });

  it('accepts the heartbeat of the first Go agent, which has no update status and no lock hash', () => {
    const payload = { generation: 'abc1234', nixpkgs_version: '', pending_command: null, command_pid: null };
    expect(parsed('heartbeat', payload).payload).toMatchObject({
      generation: 'abc1234',
      pending_command: '',
      command_pid: null,
      metrics: null,
      update_status: null,
      lock_hash: '',
    });
  });

  it.each(['register', 'heartbeat', 'output', 'operation_progress', 'command_rejected'] as const)(
    'treats absent, null and empty text fields of %s alike',
    (type) => {
      const known = RECORDED_LINES.map(
        (line) => JSON.parse(line) as { type: string; payload: Record<string, unknown> },
      );
      const sample = known.find((frame) => frame.type === type);
      expect(sample).toBeDefined();
      for (const field of Object.keys(sample?.payload ?? {})) {
        if (typeof sample?.payload[field] !== 'string') continue;
        const without = Object.fromEntries(Object.entries(sample.payload).filter(([name]) => name !== field));
        const results = [without, { ...sample.payload, [field]: null }, { ...sample.payload, [field]: '' }].map(
          (payload) => parsed(type, payload).payload,
        );
        expect(results[1], field).toEqual(results[0]);
        expect(results[2], field).toEqual(results[0]);
      }
    },
  );

  it('treats an absent or null payload as an empty one', () => {
    expect(parsed('output')).toEqual(parsed('output', {}));
    expect(parsed('heartbeat', null)).toEqual(parsed('heartbeat', {}));
  });

  it('ignores unknown fields', () => {
    expect(parsed('output', { line: 'x', stream: 'stdout', command: 'ignored', later: { a: 1 } }).payload).toEqual({
      line: 'x',
      stream: 'stdout',
    });
  });

  it.each([
    ['names, unknown ones included', ['pull', 'time-travel'], ['pull', 'time-travel']],
    ['none', [], []],
    ['a repeated name once', ['pull', 'pull'], ['pull']],
    [
      'no name that does not fit',
      ['pull', '', 'Pull', 'a b', 'a'.repeat(41), 5, null, {}, 'b'.repeat(40)],
      ['pull', 'b'.repeat(40)],
    ],
    [
      'the first 64 names',
      Array.from({ length: 70 }, (_, i) => `c-${i}`),
      Array.from({ length: 64 }, (_, i) => `c-${i}`),
    ],
    ['null for what is not a list', 'pull', null],
    ['null for an object', { pull: true }, null],
    ['null for a number', 7, null],
    ['null for null', null, null],
  ])('keeps of capabilities: %s', (_name, capabilities, expected) => {
    expect(parsed('register', { hostname: 'h1', capabilities }).payload).toMatchObject({
      hostname: 'h1',
      capabilities: expected,
    });
  });

  it('replaces a heartbeat interval outside 1 to 3600 s by the default', () => {
    for (const [sent, expected] of [
      [0, 5],
      [-1, 5],
      [1, 1],
      [3600, 3600],
      [3601, 5],
      [null, 5],
    ] as const) {
      expect(parsed('register', { hostname: 'h', heartbeat_interval: sent }).payload).toMatchObject({
        heartbeat_interval: expected,
      });
    }
  });

  it.each([
    [1.5, 1.5],
    ['0,75', 0.75],
    ['1.25', 1.25],
    ['', null],
    ['  ', null],
    ['much', null],
    [null, null],
  ])('parses a load of %j as %j', (load, expected) => {
    expect(parsed('heartbeat', { metrics: { cpu: 3, load } }).payload).toMatchObject({
      metrics: { cpu: 3, ram: null, swap: null, load: expected },
    });
  });

  it('treats any stream but stderr as stdout', () => {
    expect(parsed('output', { stream: 'stderr' }).payload).toEqual({ line: '', stream: 'stderr' });
    expect(parsed('output', { stream: 'other' }).payload).toEqual({ line: '', stream: 'stdout' });
  });

  it('refuses an operation_progress with more than 16 phases', () => {
    const phases = (count: number) =>
      JSON.stringify({
        type: 'operation_progress',
        payload: { progress: Object.fromEntries(Array.from({ length: count }, (_, n) => [`phase${n}`, null])) },
      });
    expect(parseAgentFrame(phases(16)).kind).toBe('frame');
    for (const count of [17, 1_000]) {
      expect(parseAgentFrame(phases(count))).toEqual({
        kind: 'malformed',
        problem: 'operation_progress: field "progress": not an object of at most 16 phases',
      });
    }
  });

  it('sets an unreadable phase of operation_progress to null and keeps the others', () => {
    const payload = { progress: { pull: { current: 1.5 }, tests: null, system: { current: 1, total: 3 } } };
    expect(parsed('operation_progress', payload).payload).toEqual({
      progress: { pull: null, tests: null, system: { current: 1, total: 3, status: '' } },
    });
  });
});

describe('protocol 3', () => {
  it('parses ids, line numbers and the running command', () => {
    const running = { command_id: 'c-1' };
    expect(
      parsed('register', { hostname: 'h', protocol: 3, instance: 'i', running, finished: ['c-0'] }).payload,
    ).toMatchObject({ protocol: 3, instance: 'i', running, finished: ['c-0'] });
    expect(parsed('status', { status: 'ok', command_id: 'c-1', last_seq: 9, restarting: true }).payload).toMatchObject({
      command_id: 'c-1',
      last_seq: 9,
      restarting: true,
      exit_code: null,
    });
    expect(parsed('started', { command_id: 'c-1' }).payload).toEqual({ command_id: 'c-1' });
    const lines = [{ seq: 1, stream: 'stderr', line: 'a\u001b[2Jb' }];
    expect(parsed('output_batch', { command_id: 'c-1', lines }).payload).toEqual({
      command_id: 'c-1',
      lines: [{ seq: 1, stream: 'stderr', line: 'ab' }],
    });
  });

  it.each([
    ['no lines', { command_id: 'c', lines: [] }, 'lines'],
    ['more than 500 lines', { command_id: 'c', lines: Array(501).fill({ seq: 1, line: '' }) }, 'lines'],
    ['a line number 0', { command_id: 'c', lines: [{ seq: 0, line: '' }] }, 'lines.0.seq'],
    ['no id', { lines: [{ seq: 1, line: '' }] }, 'command_id'],
    ['an id with a path in it', { command_id: '../x', lines: [{ seq: 1, line: '' }] }, 'command_id'],
  ])('refuses a batch with %s', (_name, payload, field) => {
    expect(problemOf('output_batch', payload)).toContain(`field "${field}"`);
  });
});

describe('malformed frames', () => {
  it.each([
    ['register', { hostname: 42 }, 'field "hostname"'],
    ['register', { hostname: 'h', repo_url: ['secret'] }, 'field "repo_url"'],
    ['register', { hostname: 'h', heartbeat_interval: '5' }, 'field "heartbeat_interval"'],
    ['heartbeat', { command_pid: -1 }, 'field "command_pid"'],
    ['heartbeat', { metrics: { cpu: 'secret' } }, 'field "metrics.cpu"'],
    ['heartbeat', { update_status: { lock: 'secret' } }, 'field "update_status.lock"'],
    ['status', { status: 'secret' }, 'field "status"'],
    ['status', { status: 'ok', exit_code: 'secret' }, 'field "exit_code"'],
    ['operation_progress', { progress: 'secret' }, 'field "progress"'],
    ['command_rejected', { command_id: 'secret!' }, 'field "command_id"'],
    ['output', 'secret', 'output:'],
    ['output', ['secret'], 'output:'],
  ])('%s %j: the problem names the field and repeats no content', (type, payload, expected) => {
    const problem = problemOf(type, payload);
    expect(problem).toContain(expected);
    expect(problem).not.toContain('secret');
    expect(problem).not.toContain('42');
    expect(problem.length).toBeLessThan(400);
  });

  it('text that is not JSON: the problem gives its length and no content', () => {
    expect(parseAgentFrame('{"type":"register","token":"secret"')).toEqual({
      kind: 'malformed',
      problem: 'the frame (35 characters) is not JSON',
    });
  });

  it.each(['null', '1', '"register"', '[]', '[{"type":"register"}]', '{}', '{"type":5}', '{"type":null}'])(
    '%s is not an envelope',
    (data) => {
      expect(parseAgentFrame(data)).toEqual({
        kind: 'malformed',
        problem: 'the frame is not an object with a "type" and a "payload"',
      });
    },
  );

  it('an unknown type is reported without control characters, in at most 64 characters', () => {
    expect(parseAgentFrame('{"type":"test_progress","payload":{}}')).toEqual({
      kind: 'unknown',
      type: 'test_progress',
    });
    expect(parseAgentFrame(JSON.stringify({ type: 'a\n\u202eb', payload: 1 }))).toEqual({
      kind: 'unknown',
      type: 'a  b',
    });
    const long = parseAgentFrame(JSON.stringify({ type: 'x'.repeat(60_000) }));
    expect(long).toEqual({ kind: 'unknown', type: 'x'.repeat(64) });
  });

  it('a type that only resembles a known one is unknown', () => {
    for (const type of [' register', 'register\u200b', 'Register', 'REGISTER']) {
      expect(parseAgentFrame(JSON.stringify({ type, payload: { hostname: 'h' } })).kind).toBe('unknown');
    }
  });
});

describe('hostile input', () => {
  const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

  it.each(PROTOTYPE_KEYS)('%s is not a frame type', (type) => {
    expect(parseAgentFrame(`{"type":"${type}","payload":{}}`)).toEqual({ kind: 'unknown', type });
  });

  it.each(PROTOTYPE_KEYS)('%s as a phase name changes no prototype', (phase) => {
    const frame = parseAgentFrame(
      `{"type":"operation_progress","payload":{"progress":{"${phase}":{"current":1,"total":2,"status":"in_progress"}}}}`,
    );
    expect(frame.kind).toBe('frame');
    expect(({} as Record<string, unknown>)['current']).toBeUndefined();
  });

  it('__proto__ in a payload sets no fields', () => {
    const frame = parseAgentFrame('{"type":"register","payload":{"__proto__":{"hostname":"evil"}}}');
    expect(frame).toMatchObject({ kind: 'frame', frame: { payload: { hostname: '' } } });
  });

  it('cuts long texts', () => {
    const long = 'x'.repeat(20_000);
    expect(parsed('register', { hostname: long, repo_url: long, host_type: long }).payload).toMatchObject({
      hostname: 'x'.repeat(256),
      repo_url: 'x'.repeat(1_024),
      host_type: 'x'.repeat(32),
    });
    expect(parsed('output', { line: 'x'.repeat(400_000) }).payload).toMatchObject({ line: 'x'.repeat(65_536) });
    expect(parsed('status', { status: 'error', message: long }).payload).toMatchObject({ message: 'x'.repeat(2_048) });
  });

  it('replaces control and direction characters: visibly in names, elsewhere by spaces or, if they begin an escape, by nothing', () => {
    const evil = 'a\r\n\u001b[2J\u202eb';
    const { payload } = parsed('register', { hostname: evil, agent_version: evil, generation: evil });
    expect(payload).toMatchObject({
      hostname: 'a\ufffd\ufffd\ufffd[2J\ufffdb',
      agent_version: 'a   b',
      generation: 'a   b',
    });
  });

  it('never throws for any string', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (data) => {
        expect(['frame', 'unknown', 'malformed']).toContain(parseAgentFrame(data).kind);
      }),
    );
  });

  it('never throws for any payload, and every resulting text is one line without control characters', () => {
    const type = fc.constantFrom(...new Set(RECORDED_FRAMES.map((frame) => frame.type)), 'output_batch', 'started');
    const field = fc.constantFrom(
      ...new Set(RECORDED_FRAMES.flatMap((frame) => Object.keys(frame.payload))),
      'command_id',
      'lines',
      'progress',
      '__proto__',
    );
    const payload = fc.dictionary(field, fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxKeys: 8 });
    fc.assert(
      fc.property(type, fc.oneof(payload, fc.jsonValue()), (name, content) => {
        const result = parseAgentFrame(JSON.stringify({ type: name, payload: content }));
        if (result.kind === 'malformed') {
          expect(result.problem).toMatch(/^[^\p{Cc}\u202a-\u202e]{1,500}$/u);
          return;
        }
        const texts: string[] = [];
        JSON.stringify(result, (_key, value: unknown) => {
          if (typeof value === 'string') texts.push(value);
          return value;
        });
        for (const text of texts) expect(text).not.toMatch(/[\n\r\u202e]/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('WIRE_COMMANDS', () => {
  it('all pass the schema of the agent', () => {
    for (const command of WIRE_COMMANDS) {
      expect(serverFrameSchema.safeParse({ type: 'command', payload: { command } }).success).toBe(true);
    }
  });

  it('are exactly the names that the Go agent knows (docs/protocol.md), boot and switch-generation', () => {
    expect(WIRE_COMMANDS.filter((name) => name !== 'boot' && name !== 'switch-generation')).toEqual(
      (
        'pull switch pull-switch test rollback update refresh-git refresh-lock refresh-system refresh-all ' +
        'force-update check-version stop restart reboot'
      ).split(' '),
    );
  });
});
