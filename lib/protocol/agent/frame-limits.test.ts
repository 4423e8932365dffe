import { describe, expect, it } from 'vitest';
import { parseAgentFrame } from './parse-agent-frame';
import { parseServerFrame } from './parse-server-frame';
import type { AgentFrameType } from './from-agent';
import { MAX_AGENT_FRAME_BYTES, MAX_FRAME_BYTES, MAX_UNKNOWN_FRAME_BYTES } from './frame-limits';

const MIB = 1024 * 1024;

/** The problem of a frame; empty when it can be parsed. */
function problemOf(frame: string | Buffer): string {
  const parsed = parseAgentFrame(frame);
  return parsed.kind === 'malformed' ? parsed.problem : '';
}

/** A frame of exactly `bytes` bytes, filled up with an unknown field. */
function padded(type: string, payload: Record<string, unknown>, bytes: number): string {
  const bare = JSON.stringify({ type, payload: { ...payload, padding: '' } });
  return JSON.stringify({ type, payload: { ...payload, padding: 'x'.repeat(bytes - Buffer.byteLength(bare)) } });
}

const SMALLEST: Record<AgentFrameType, Record<string, unknown>> = {
  register: { hostname: 'h' },
  heartbeat: {},
  output: { line: '' },
  output_batch: { command_id: 'c', lines: [{ seq: 1, line: '' }] },
  status: { status: 'ok' },
  started: { command_id: 'c' },
  operation_progress: { progress: {} },
  command_rejected: {},
  system_generations: { generations: [], total: 0 },
  confirmation: { command_id: 'c', stage: 'waiting', checks: [] },
  host_policy: { state: 'none' },
};
const TYPES = Object.keys(SMALLEST) as AgentFrameType[];

describe('the size limit of a frame', () => {
  it.each(TYPES)('accepts a %s frame of exactly its limit and refuses one byte more', (type) => {
    const limit = MAX_FRAME_BYTES[type];
    expect(parseAgentFrame(padded(type, SMALLEST[type], limit)).kind).toBe('frame');
    const subject = limit === MAX_AGENT_FRAME_BYTES ? 'the frame' : `a frame of type ${type}`;
    expect(problemOf(padded(type, SMALLEST[type], limit + 1))).toBe(
      `${subject} has ${limit + 1} bytes, more than the limit of ${limit}`,
    );
  });

  it('also holds for unknown types', () => {
    expect(parseAgentFrame(padded('later', {}, MAX_UNKNOWN_FRAME_BYTES))).toEqual({ kind: 'unknown', type: 'later' });
    expect(problemOf(padded('later', {}, MAX_UNKNOWN_FRAME_BYTES + 1))).toContain(
      'a frame of an unknown type has 65537',
    );
  });

  it('counts bytes, not characters', () => {
    const frame = JSON.stringify({ type: 'status', payload: { status: 'ok', message: 'ü'.repeat(40_000) } });
    expect(frame.length).toBeLessThan(MAX_FRAME_BYTES.status);
    expect(problemOf(frame)).toContain('a frame of type status has 80');
    expect(problemOf(Buffer.from(frame))).toBe(problemOf(frame));
  });
});

describe('the largest valid frames are within the limits', () => {
  const escaped = (length: number) => '\u0001'.repeat(length);

  it('a line of 64 Ki characters that take six bytes each', () => {
    expect(problemOf(JSON.stringify({ type: 'output', payload: { line: escaped(65_536), stream: 'stderr' } }))).toBe(
      '',
    );
    const lines = [{ seq: 1, stream: 'stderr', line: escaped(65_536) }];
    expect(problemOf(JSON.stringify({ type: 'output_batch', payload: { command_id: 'c', lines } }))).toBe('');
  });

  it('a batch of 500 lines, each with as many unknown fields as known ones', () => {
    const lines = Array.from({ length: 500 }, (_, index) => ({
      seq: index + 1,
      stream: 'stdout',
      line: '',
      at: 1,
      level: 'info',
      more: null,
    }));
    expect(problemOf(JSON.stringify({ type: 'output_batch', payload: { command_id: 'c', lines } }))).toBe('');
  });

  it('a register with every text at its limit and escaped, and 256 finished commands', () => {
    const payload = {
      ...Object.fromEntries(['repo_url', 'repo_dir', 'store_path'].map((field) => [field, escaped(1_024)])),
      ...Object.fromEntries(
        ['nixpkgs_version', 'generation', 'source_commit', 'binary_hash', 'agent_version', 'os_version'].map(
          (field) => [field, escaped(128)],
        ),
      ),
      hostname: escaped(256),
      host_type: escaped(32),
      location: escaped(64),
      device_type: escaped(64),
      theme_color: escaped(32),
      instance: escaped(64),
      protocol: 3,
      running: { command_id: 'c'.repeat(64) },
      finished: Array<string>(256).fill('c'.repeat(64)),
    };
    expect(problemOf(JSON.stringify({ type: 'register', payload }))).toBe('');
  });

  it('a heartbeat and a result with every text at its limit and escaped', () => {
    const word = { status: escaped(32), message: escaped(1_024), checked_at: escaped(64) };
    const beat = {
      ...Object.fromEntries(
        ['generation', 'nixpkgs_version', 'pending_command', 'source_commit', 'binary_hash', 'lock_hash'].map(
          (field) => [field, escaped(128)],
        ),
      ),
      store_path: escaped(1_024),
      update_status: { git: word, lock: word, system: word, tests: word },
    };
    expect(problemOf(JSON.stringify({ type: 'heartbeat', payload: beat }))).toBe('');
    const result = { status: 'error', command: escaped(64), message: escaped(2_048), generation: escaped(128) };
    expect(problemOf(JSON.stringify({ type: 'status', payload: result }))).toBe('');
  });

  it('64 generations with every text at its limit and escaped', () => {
    const generations = Array.from({ length: 64 }, (_, index) => ({
      number: 999_999_999 - index,
      created_at: 8.64e15,
      nixos_version: escaped(64),
      kernel_version: escaped(64),
      configuration_revision: escaped(80),
      runs: false,
      next_boot: false,
      booted: false,
    }));
    const payload = { generations, total: Number.MAX_SAFE_INTEGER };
    expect(problemOf(JSON.stringify({ type: 'system_generations', payload }))).toBe('');
  });

  it('a confirmation with 32 checks and every text at its limit and escaped', () => {
    const check = {
      name: escaped(64),
      kind: 'command',
      status: 'failed',
      before: 'passed',
      enforced: true,
      reason: escaped(512),
      took_ms: Number.MAX_SAFE_INTEGER,
    };
    const payload = {
      command_id: 'c'.repeat(64),
      stage: 'going-back',
      seconds_left: 3_600,
      system: escaped(256),
      previous: escaped(256),
      checks: Array.from({ length: 32 }, () => check),
      reason: escaped(512),
    };
    expect(problemOf(JSON.stringify({ type: 'confirmation', payload }))).toBe('');
  });

  it('16 phases at their limits', () => {
    const phase = { current: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER, status: escaped(32) };
    const progress = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`${escaped(30)}${index}`, phase]));
    expect(problemOf(JSON.stringify({ type: 'operation_progress', payload: { progress } }))).toBe('');
  });
});

describe('a frame of 1 MB that would be expensive to parse', () => {
  // Each problem names a limit that is checked before the parser runs or before the elements are parsed.
  const filled = (start: string, piece: string, end: string) => {
    const count = Math.floor((MIB - start.length - end.length) / (piece.length + 1));
    return `${start}${Array<string>(count).fill(piece).join(',')}${end}`;
  };
  const TOO_MANY = 'the frame contains more than 4096 values';

  it.each([
    ['500,000 brackets', `{"type":"heartbeat","payload":{"x":${'['.repeat(500_000)}${']'.repeat(500_000)}}}`],
    ['brackets that never close', '['.repeat(MIB)],
    ['objects in each other', '{"type":"output","payload":'.repeat(30_000)],
  ])('is refused for its depth: %s', (_name, frame) => {
    expect(problemOf(frame)).toBe('the frame is nested deeper than 16 levels');
  });

  it.each([
    ['empty lines', filled('{"type":"output_batch","payload":{"command_id":"c","lines":[', '""', ']}}')],
    ['lines that are objects', filled('{"type":"output_batch","payload":{"command_id":"c","lines":[', '{}', ']}}')],
    ['bad ids', filled('{"type":"register","payload":{"hostname":"h","finished":[', '"!"', ']}}')],
    [
      'phases',
      `{"type":"operation_progress","payload":{"progress":{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":null`).join(',')}}}}`,
    ],
    [
      'unknown fields',
      `{"type":"heartbeat","payload":{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join(',')}}}`,
    ],
    ['values of an unknown type', filled('{"type":"later","payload":[', '1', ']}')],
    ['commas', ','.repeat(MIB)],
  ])('is refused for its number of values: %s', (_name, frame) => {
    expect(problemOf(frame)).toBe(TOO_MANY);
  });
});

describe('the limits on depth and number of values', () => {
  it('accept a frame of exactly the limit', () => {
    const nested = (levels: number) =>
      `{"type":"heartbeat","payload":{"x":${'['.repeat(levels - 2)}${']'.repeat(levels - 2)}}}`;
    expect(problemOf(nested(16))).toBe('');
    expect(problemOf(nested(17))).toBe('the frame is nested deeper than 16 levels');
    // The frame, its two members, the payload's one, the list and its elements.
    const holding = (values: number) =>
      JSON.stringify({ type: 'heartbeat', payload: { x: Array<number>(values - 5).fill(1) } });
    expect(problemOf(holding(4_096))).toBe('');
    expect(problemOf(holding(4_200))).toBe('the frame contains more than 4096 values');
  });
});

describe('lengths are checked before elements', () => {
  it.each([
    ['lines', 'output_batch', { command_id: 'c', lines: Array(501).fill('no line') }, '1 to 500 elements'],
    ['no lines', 'output_batch', { command_id: 'c', lines: [] }, '1 to 500 elements'],
    ['finished', 'register', { hostname: 'h', finished: Array(257).fill(0) }, 'at most 256 elements'],
    [
      'progress',
      'operation_progress',
      { progress: Object.fromEntries(Array.from({ length: 17 }, (_, n) => ['k'.repeat(40 + n), 0])) },
      'at most 16 phases',
    ],
  ])('%s: reports the length, whatever the elements are', (_name, type, payload, bound) => {
    expect(problemOf(JSON.stringify({ type, payload }))).toContain(bound);
  });
});

describe('frames of the dashboard', () => {
  it('are parsed from bytes', () => {
    expect(parseServerFrame(Buffer.from('{"type":"registered","payload":{"host_id":"h"}}'))).toEqual({
      kind: 'frame',
      frame: { type: 'registered', payload: { host_id: 'h' } },
    });
    expect(parseServerFrame(Buffer.from('{"type":"later","payload":{}}')).kind).toBe('unknown');
    expect(parseServerFrame(Buffer.from('{"type":')).kind).toBe('malformed');
  });

  it.each([
    ['brackets', `{"type":"registered","payload":${'['.repeat(100_000)}`],
    ['values', `{"type":"registered","payload":[${'1,'.repeat(100_000)}1]}`],
  ])('with too many %s are refused before they are parsed', (_name, frame) => {
    expect(parseServerFrame(Buffer.from(frame))).toEqual({
      kind: 'malformed',
      problem: `a frame of ${frame.length} bytes is nested too deep or contains too many values`,
    });
  });
});
