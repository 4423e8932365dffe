import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { heartbeatSchema } from './heartbeat';
import { readHeartbeat } from './read-heartbeat';

const ESC = String.fromCharCode(27);
const texts = fc.oneof(
  fc.constantFrom('', 'ok', ' ok ', '3c9a808', `${ESC}[31mred${ESC}[0m`, 'two\nlines', 'é \u202e x', '\ud800'),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.integer({ min: 1, max: 1_100 }).map((length) => 'x'.repeat(length)),
);
const numbers = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, -1, 1.5, 42, 1e308, Infinity, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER + 1),
);
const wrong = fc.constantFrom<unknown>(true, [], ['ok'], {}, { status: 1 }, 7, 'text', '1,5', ' ', Infinity);
/** Mostly what a field is for, at times missing, null or something else. */
const field = (usual: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 12, arbitrary: usual },
    { weight: 2, arbitrary: fc.constantFrom(null, undefined) },
    { weight: 1, arbitrary: wrong },
  );
const record = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record(Object.fromEntries(Object.entries(fields).map(([name, usual]) => [name, field(usual)])), {
    requiredKeys: [],
    noNullPrototype: true,
  });

const report = record({ status: texts, message: texts, checked_at: texts, later: texts });
const heartbeats = record({
  generation: texts,
  nixpkgs_version: texts,
  pending_command: texts,
  command_pid: numbers,
  metrics: record({ cpu: numbers, ram: numbers, swap: numbers, load: fc.oneof(numbers, texts), disk: numbers }),
  update_status: record({ git: report, lock: report, system: report, tests: report }),
  source_commit: texts,
  store_path: texts,
  binary_hash: texts,
  lock_hash: texts,
  command_id: fc.oneof(fc.uuid(), texts),
  added_later: texts,
});

const complete = {
  generation: '3c9a808',
  nixpkgs_version: '25.11',
  pending_command: '',
  command_pid: null,
  metrics: { cpu: 1, ram: 2, swap: 0, load: 0.5 },
  update_status: {
    git: { status: 'ok', message: '', checked_at: 't1' },
    lock: { status: 'ok', message: '', checked_at: 't1' },
    system: { status: 'ok', message: 'switched', checked_at: 't1' },
    tests: null,
  },
  source_commit: '',
  store_path: '/nix/store/x',
  binary_hash: 'b',
  lock_hash: 'l',
  command_id: null,
};

describe('a heartbeat that is read without the schema', () => {
  it('is what the schema makes of it, or is left to the schema', () => {
    let read = 0;
    fc.assert(
      fc.property(fc.oneof(heartbeats, fc.jsonValue(), wrong), (payload) => {
        const beat = readHeartbeat(payload);
        if (beat === null) return;
        read += 1;
        expect(heartbeatSchema.safeParse(payload)).toEqual({ success: true, data: beat });
      }),
      { numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(0);
  });

  it('is every heartbeat of a current agent, and one with fields of a newer one', () => {
    for (const payload of [complete, { ...complete, facts: { boot: 1 } }, {}]) {
      const beat = readHeartbeat(payload);
      expect(beat).not.toBeNull();
      expect(heartbeatSchema.parse(payload)).toEqual(beat);
    }
  });
});
