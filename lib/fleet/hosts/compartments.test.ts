import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCompartments, type CompartmentInput } from './compartments';
import type { DesiredState, HostRelation } from './desired';
import { COMMIT, sampleDesired, sampleHost, T0 } from '../testing/samples';
import type { HostRecord, CompartmentReport } from '../records/host-record';
import { LOCK_CHANGED } from '@/lib/protocol/agent/lock-hash';
import { COMPARTMENT_NAMES, type CompartmentName, type CompartmentStatus } from '@/lib/protocol/compartment-names';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';

const HERE = '3c9a808';
const OLD = '2c4ef43';
const said = (status: CompartmentStatus, generation = HERE, message = ''): CompartmentReport => ({
  status,
  message,
  saidAt: 't1',
  at: T0,
  generation,
});

interface Situation {
  host?: Partial<HostRecord>;
  desired?: Partial<DesiredState>;
  relation?: HostRelation['relation'];
  commits?: number;
  running?: OperationId;
}

/** A host that is green in all five compartments, and the differences from it. */
function judge({ host, desired, relation = 'equal', commits, running }: Situation) {
  const input: CompartmentInput = {
    host: sampleHost({
      agentVersion: '4.0.0',
      protocol: 3,
      generation: HERE,
      lockHash: 'lock-a',
      system: said('ok'),
      tests: said('ok'),
      ...host,
    }),
    desired: sampleDesired(desired),
    relation: { relation, commits: commits ?? null },
    version: '4.0.0',
    running: running ?? null,
  };
  return judgeCompartments(input);
}

const failedFetch = { error: { message: 'the server does not answer.', since: T0 } };
const noSource: Partial<DesiredState> = { source: 'none', commit: '', lockHash: '', fetchedAt: null };
const feed: Partial<DesiredState> = { source: 'feed' };

type Row = [rule: string, situation: Situation, expected: Partial<Record<CompartmentName, CompartmentStatus>>];

const TABLE: Row[] = [
  ['everything is proven', {}, { agent: 'ok', git: 'ok', lock: 'ok', system: 'ok', tests: 'ok' }],

  // Agent
  ['no agent version is unknown', { host: { agentVersion: '' } }, { agent: 'unknown' }],
  ['a version other than the dashboard’s is outdated', { host: { agentVersion: '3.1.5' } }, { agent: 'outdated' }],
  ['a version that is not a number is outdated, not green', { host: { agentVersion: 'dev' } }, { agent: 'outdated' }],
  [
    'an outdated agent does not affect the other compartments',
    { host: { agentVersion: '3.1.5' } },
    { git: 'ok', system: 'ok', tests: 'ok' },
  ],

  // Git
  ['the host’s commit is not known', { host: { generation: '' } }, { git: 'unknown' }],
  ['the desired commit', { relation: 'equal' }, { git: 'ok' }],
  ['behind', { relation: 'behind', commits: 3 }, { git: 'outdated' }],
  ['on another branch', { relation: 'diverged' }, { git: 'outdated' }],
  ['with a feed alone, another commit differs', { desired: feed, relation: 'differs' }, { git: 'outdated' }],
  ['a failed fetch says nothing about the host', { desired: failedFetch, relation: 'behind' }, { git: 'unknown' }],
  ['a host that is ahead is not behind', { relation: 'ahead', commits: 2 }, { git: 'ok' }],
  ['a commit that is not in the repository proves nothing', { relation: 'unknown' }, { git: 'unknown' }],
  ['no desired state configured is grey, not red', { desired: noSource, relation: 'unknown' }, { git: 'unknown' }],
  ['not fetched yet is grey', { desired: { commit: '', fetchedAt: null }, relation: 'unknown' }, { git: 'unknown' }],

  // Lock
  ['the desired lock hash', {}, { lock: 'ok' }],
  ['another lock hash', { host: { lockHash: 'lock-b' } }, { lock: 'outdated' }],
  [
    'a lock that is changed and not committed, also on a host that is ahead',
    { host: { lockHash: LOCK_CHANGED }, relation: 'ahead' },
    { lock: 'outdated' },
  ],
  ['the host has not reported its lock hash', { host: { lockHash: '' } }, { lock: 'unknown' }],
  ['a failed fetch says nothing about the lock', { desired: failedFetch }, { lock: 'unknown' }],
  ['a feed without lockHash is unknown, not red', { desired: { ...feed, lockHash: '' } }, { lock: 'unknown' }],
  ['another lock hash on a host that is ahead', { host: { lockHash: 'lock-b' }, relation: 'ahead' }, { lock: 'ok' }],
  [
    'without a desired state, the agent’s report of its lock counts',
    { desired: noSource, host: { lock: said('ok') } },
    { lock: 'ok' },
  ],
  [
    'without a desired state, a bad report of the lock counts as well',
    { desired: noSource, host: { lock: said('outdated') } },
    { lock: 'outdated' },
  ],
  ['without a desired state or a report, the lock is unknown', { desired: noSource }, { lock: 'unknown' }],
  [
    'with a desired state, the agent’s report of its lock does not count',
    { host: { lock: said('ok'), lockHash: 'lock-b' } },
    { lock: 'outdated' },
  ],

  // System
  ['the last switch failed', { host: { system: said('error') } }, { system: 'error', tests: 'outdated' }],
  ['needs a switch', { host: { system: said('outdated') } }, { system: 'outdated', tests: 'outdated' }],
  ['no report of the system, all else green', { host: { system: null } }, { system: 'unknown', tests: 'unknown' }],
  ['the system reported as "unknown"', { host: { system: said('unknown') } }, { system: 'unknown' }],
  [
    'a report for the previous commit proves nothing about the pulled one',
    { host: { system: said('ok', OLD) } },
    { system: 'outdated', tests: 'outdated' },
  ],
  [
    'a report without a commit proves nothing',
    { host: { system: said('ok', '') } },
    { system: 'unknown', tests: 'unknown' },
  ],
  [
    'the same commit, sent with a longer id',
    { host: { system: said('ok', COMMIT), tests: said('ok', COMMIT) } },
    { system: 'ok', tests: 'ok' },
  ],
  ['switched, but behind', { relation: 'behind' }, { system: 'outdated', tests: 'outdated' }],
  ['switched, but the lock differs', { host: { lockHash: 'lock-b' } }, { system: 'outdated', tests: 'outdated' }],
  ['switched, but the fetch failed', { desired: failedFetch }, { system: 'unknown', tests: 'unknown' }],
  [
    'switched, but to an unknown commit',
    { desired: noSource, relation: 'unknown' },
    { system: 'unknown', tests: 'unknown' },
  ],
  [
    'switched, but the feed has no lockHash',
    { desired: { ...feed, lockHash: '' } },
    { system: 'unknown', tests: 'unknown' },
  ],
  ['no report of the system, and behind', { host: { system: null }, relation: 'behind' }, { system: 'outdated' }],
  [
    'no report of the system, and the fetch failed',
    { host: { system: null }, desired: failedFetch },
    { system: 'unknown' },
  ],
  [
    'the system reported as "unknown", and behind',
    { host: { system: said('unknown') }, relation: 'behind' },
    { system: 'outdated' },
  ],
  [
    'a failed switch stays red, whatever the desired state',
    { host: { system: said('error') }, desired: failedFetch },
    { system: 'error' },
  ],
  ['ahead and switched is green', { relation: 'ahead' }, { system: 'ok', tests: 'ok' }],
  [
    'the host’s commit is not known: system and tests',
    { host: { generation: '' } },
    { system: 'unknown', tests: 'outdated' },
  ],

  // Tests
  ['tests passed', {}, { tests: 'ok' }],
  ['tests failed', { host: { tests: said('error') } }, { tests: 'error' }],
  ['tests not run since the switch', { host: { tests: said('outdated') } }, { tests: 'outdated' }],
  ['no test result', { host: { tests: null } }, { tests: 'unknown' }],
  ['tests passed for the previous commit', { host: { tests: said('ok', OLD) } }, { tests: 'outdated' }],
  ['tests failed for the previous commit', { host: { tests: said('error', OLD) } }, { tests: 'outdated' }],
  ['tests passed for an unknown commit', { host: { tests: said('ok', '') } }, { tests: 'outdated' }],
  [
    'failed tests stay red, whatever the desired state',
    { host: { tests: said('error') }, relation: 'behind' },
    { tests: 'error' },
  ],
  ['a test run without tests reported "unknown"', { host: { tests: said('unknown') } }, { tests: 'unknown' }],

  // Running operations
  ['working: pull', { running: 'pull' }, { git: 'working', system: 'ok' }],
  ['working: switch', { running: 'switch' }, { system: 'working', git: 'ok' }],
  ['working: pull-switch', { running: 'pull-switch' }, { git: 'working', system: 'working' }],
  ['working: test', { running: 'test' }, { tests: 'working', system: 'ok' }],
  ['working: rollback', { running: 'rollback' }, { system: 'working' }],
  ['working: refresh-git changes no compartment', { running: 'refresh-git' }, { git: 'ok' }],
  ['"working" ends with the command', {}, { git: 'ok', system: 'ok' }],
];

describe('judgeCompartments', () => {
  it.each(TABLE)('%s', (_rule, situation, expected) => {
    const judged = judge(situation);
    const statuses = Object.fromEntries(COMPARTMENT_NAMES.map((name) => [name, judged[name].status]));
    expect(statuses).toMatchObject(expected);
  });

  it.each([
    [
      'behind',
      { relation: 'behind', commits: 3 },
      'git',
      'Behind by 3 commits (3c9a808 → 3c9a808): flake: update',
      'pull',
    ],
    ['behind by one', { relation: 'behind', commits: 1 }, 'git', /^Behind by 1 commit \(/, 'pull'],
    ['ahead', { relation: 'ahead', commits: 2 }, 'git', /^Ahead of 3c9a808 by 2 commits/, null],
    ['failed fetch, without its cause', { desired: failedFetch }, 'git', /can’t be fetched to compare with\.$/, null],
    [
      'the hint of a feed without lockHash',
      { desired: { lockHash: '', hint: 'Let your workflow write lockHash.' } },
      'lock',
      'Let your workflow write lockHash.',
      null,
    ],
    [
      'pulled, not switched',
      { host: { system: said('ok', OLD) } },
      'system',
      'Runs 2c4ef43; 3c9a808 is pulled but not switched to.',
      'switch',
    ],
    [
      'the agent’s reason',
      { host: { system: said('error', HERE, 'exit status 1') } },
      'system',
      'exit status 1',
      'switch',
    ],
    [
      'tests that did not run',
      { host: { tests: said('outdated') } },
      'tests',
      'The tests have to be run again.',
      'test',
    ],
  ] as const)('says why and suggests an operation: %s', (_name, situation, compartment, message, next) => {
    const view = judge(situation)[compartment];
    if (typeof message === 'string') expect(view.message).toBe(message);
    else expect(view.message).toMatch(message);
    expect(view.next).toBe(next);
  });

  it('"working" keeps the previous message and suggests no operation', () => {
    expect(judge({ running: 'pull', relation: 'behind', commits: 1 }).git).toMatchObject({
      status: 'working',
      message: expect.stringMatching(/^In progress\. Before: Behind by 1 commit/) as string,
      next: null,
    });
  });
});

describe('compartments in any situation', () => {
  const statuses = fc.constantFrom<CompartmentStatus>('ok', 'outdated', 'error', 'unknown');
  const word = fc.option(
    fc.record({
      status: statuses,
      message: fc.constantFrom('', 'said.'),
      saidAt: fc.constant('t1'),
      at: fc.constant(T0),
      generation: fc.constantFrom('', HERE, OLD),
    }),
  );
  const situation = fc.record({
    host: fc.record({
      agentVersion: fc.constantFrom('', '3.1.5', '4.0.0'),
      generation: fc.constantFrom('', HERE),
      lockHash: fc.constantFrom('', 'lock-a', 'lock-b'),
      lock: word,
      system: word,
      tests: word,
    }),
    desired: fc.constantFrom<Partial<DesiredState>>({}, feed, noSource, failedFetch, { lockHash: '' }, { commit: '' }),
    relation: fc.constantFrom<HostRelation['relation']>('equal', 'behind', 'ahead', 'diverged', 'differs', 'unknown'),
  });

  it('System and Tests are green only if Git and Lock are, with a report for the host’s commit', () => {
    fc.assert(
      fc.property(situation, (input) => {
        const { git, lock, system, tests } = judge(input);
        const { host, desired, relation } = input;
        if (git.status === 'ok') {
          expect(['equal', 'ahead']).toContain(relation);
          expect(desired.error).toBeUndefined();
          expect(host.generation).not.toBe('');
        }
        if (lock.status === 'ok' && desired.source !== 'none') {
          expect(host.lockHash === 'lock-a' || relation === 'ahead').toBe(true);
        }
        if (system.status === 'ok') {
          expect([git.status, lock.status]).toEqual(['ok', 'ok']);
          expect(host.system).toMatchObject({ status: 'ok', generation: host.generation });
        }
        if (tests.status === 'ok') {
          expect(system.status).toBe('ok');
          expect(host.tests).toMatchObject({ status: 'ok', generation: host.generation });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('a failed fetch leaves only the agent green', () => {
    fc.assert(
      fc.property(situation, (input) => {
        const { git, lock, system, tests } = judge({ ...input, desired: failedFetch });
        for (const { status } of [git, lock, system, tests]) expect(status).not.toBe('ok');
      }),
    );
  });

  it('every message is a sentence; a green compartment suggests no operation', () => {
    fc.assert(
      fc.property(situation, fc.option(fc.constantFrom(...OPERATION_IDS)), (input, running) => {
        const judged = judge({ ...input, ...(running ? { running } : {}) });
        for (const name of COMPARTMENT_NAMES) {
          const { message, status, next } = judged[name];
          expect(message).not.toBe('');
          expect(message).not.toContain('undefined');
          if (status === 'ok' || status === 'working') expect(next).toBeNull();
        }
      }),
      { numRuns: 500 },
    );
  });
});
