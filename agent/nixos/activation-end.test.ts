import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeActivation, type ActivationFacts } from './activation-end';
import { findCause } from '@/lib/causes/find-cause';

const OLD = '/nix/store/a-nixos-system-h1-1';
const NEW = '/nix/store/b-nixos-system-h1-2';
/** A specialisation of the new system. */
const QUIET = '/nix/store/d-nixos-system-h1-2';
const OTHER = '/nix/store/c-nixos-system-h1-3';
const ended = (exitCode: number, more: { stopped?: boolean; profile?: string } = {}) => ({
  exitCode,
  stopped: false,
  profile: 'set',
  ...more,
});

function judge(facts: Partial<ActivationFacts> & { runs?: string; ran?: string; output?: string }) {
  const { runs = NEW, ran = OLD, output = '', ...more } = facts;
  return judgeActivation({
    action: 'switch',
    targets: [NEW, QUIET],
    before: { running: ran },
    after: { running: runs },
    failedBefore: [],
    failedAfter: [],
    result: ended(0),
    restarted: false,
    cause: findCause(output),
    ...more,
  });
}

type Row = [situation: string, facts: Parameters<typeof judge>[0], kind: string, text: string];
const UNIT_FAILED = 'warning: the following units failed: a.service';

const TABLE: Row[] = [
  ['the new system runs', {}, 'done', ''],
  ['a specialisation of it runs', { runs: QUIET }, 'done', ''],
  ['exit code 0, and another system runs', { runs: OTHER }, 'failed', OTHER],
  [
    'a unit fails that did not before',
    { result: ended(4), failedAfter: ['a.service'] },
    'partial',
    'unit a.service failed',
  ],
  ['a new unit fails, and the exit code is 0', { failedAfter: ['a.service'] }, 'partial', 'unit a.service failed'],
  [
    'only what failed before fails',
    { result: ended(4), failedBefore: ['a.service'], failedAfter: ['a.service'], output: UNIT_FAILED },
    'done',
    '',
  ],
  [
    'a unit could not be reloaded, and none is failed now',
    { result: ended(4), output: UNIT_FAILED },
    'partial',
    'unit a.service failed',
  ],
  [
    'what failed before is not known: what the activation reports counts',
    { result: ended(4), failedBefore: null, failedAfter: ['old.service', 'a.service'], output: UNIT_FAILED },
    'partial',
    'unit a.service failed',
  ],
  [
    'systemd does not say what fails',
    { result: ended(4), failedAfter: null, output: UNIT_FAILED },
    'partial',
    'a.service',
  ],
  ['the activation script failed', { result: ended(2) }, 'partial', 'exit code 2'],
  ['the boot loader failed after the activation', { result: ended(1) }, 'partial', 'exit code 1'],
  ['a check refused it', { result: ended(1, { profile: 'restored' }), runs: OLD }, 'failed', 'exit code 1'],
  [
    'the profile could not be set back',
    { result: ended(1, { profile: 'failed' }), runs: OLD },
    'failed',
    'the next boot may start the new system',
  ],
  ['a check refused what runs already', { result: ended(1), ran: NEW }, 'failed', 'exit code 1'],
  ['another switch holds the lock', { result: ended(11), runs: OLD }, 'failed', 'another switch'],
  ['only a restart can activate it', { result: ended(100), runs: OLD }, 'deferred', 'It takes effect at the next boot'],
  [
    'only a restart can, and it was a test',
    { action: 'test', result: ended(100), runs: OLD },
    'deferred',
    'Nothing has changed',
  ],
  ['it was stopped', { result: ended(143, { stopped: true }), runs: OLD }, 'failed', 'half-way'],
  ['it was killed', { result: null, runs: OLD }, 'failed', 'half-way'],
  ['it was killed late', { result: null }, 'failed', 'half-way'],
  ['the host restarted into the new system', { result: null, restarted: true }, 'partial', 'booted the new system'],
  [
    'the host restarted into a specialisation of the new system',
    { result: null, restarted: true, runs: QUIET },
    'partial',
    'booted the new system',
  ],
  [
    'a check refused it where a specialisation of it runs',
    { result: ended(1), ran: QUIET, runs: QUIET },
    'failed',
    'exit code 1',
  ],
  ['the host restarted into the old system', { result: null, restarted: true, runs: OLD }, 'failed', OLD],
  ['the boot entry was written', { action: 'boot', ran: NEW }, 'done', ''],
  ['the boot entry could not be written', { action: 'boot', ran: NEW, result: ended(1) }, 'failed', 'exit code 1'],
];

describe('the end of an activation', () => {
  it.each(TABLE)('%s', (_situation, facts, kind, text) => {
    const end = judge(facts);
    expect(end.kind).toBe(kind);
    expect('failure' in end ? end.failure : 'message' in end ? end.message : '').toContain(text);
  });

  it('is never "done" or "partial" while another system runs', () => {
    fc.assert(
      fc.property(
        fc.record({
          runs: fc.constantFrom(OLD, OTHER, ''),
          ran: fc.constantFrom(OLD, NEW, OTHER, ''),
          action: fc.constantFrom('switch' as const, 'test' as const),
          result: fc.option(
            fc.record({
              exitCode: fc.constantFrom(0, 1, 2, 4, 11, 100, 137, 143),
              stopped: fc.boolean(),
              profile: fc.constantFrom('kept', 'set', 'restored', 'failed'),
            }),
          ),
          restarted: fc.boolean(),
          failedBefore: fc.constantFrom(null, [], ['a.service']),
          failedAfter: fc.constantFrom(null, [], ['a.service', 'b.service']),
        }),
        (facts) => {
          expect(['failed', 'deferred']).toContain(judge(facts).kind);
        },
      ),
    );
  });
});
