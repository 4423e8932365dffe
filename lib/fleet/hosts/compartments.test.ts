import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  COMPARTMENT_NAMES,
  OPERATION_IDS,
  type CompartmentName,
  type CompartmentStatus,
  type OperationId,
} from '@/lib/protocol/live';
import { judgeCompartments, type CompartmentInput } from './compartments';
import type { DesiredState, HostRelation } from './desired';
import { COMMIT, sampleDesired, sampleHost, T0 } from '../testing/samples';
import type { HostRecord, ReportedWord } from '../records/host-record';

const HERE = '3c9a808';
const OLD = '2c4ef43';
const said = (status: CompartmentStatus, generation = HERE, message = ''): ReportedWord => ({
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

/** A host that is green in all five, and what differs from it. */
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
  ['all is proven', {}, { agent: 'ok', git: 'ok', lock: 'ok', system: 'ok', tests: 'ok' }],

  // Agent
  ['46: no version is unknown', { host: { agentVersion: '' } }, { agent: 'unknown' }],
  [
    '46, 1.1/13 another version than the dashboard’s is outdated',
    { host: { agentVersion: '3.1.5' } },
    { agent: 'outdated' },
  ],
  [
    'lesson 65: a version that is no number is outdated, not green',
    { host: { agentVersion: 'dev' } },
    { agent: 'outdated' },
  ],
  [
    'an outdated agent takes no green from the others',
    { host: { agentVersion: '3.1.5' } },
    { git: 'ok', system: 'ok', tests: 'ok' },
  ],

  // Git
  ['47: the host’s commit is not known', { host: { generation: '' } }, { git: 'unknown' }],
  ['47: the desired commit', { relation: 'equal' }, { git: 'ok' }],
  ['47: behind', { relation: 'behind', commits: 3 }, { git: 'outdated' }],
  ['47: of another branch', { relation: 'diverged' }, { git: 'outdated' }],
  ['47: a feed alone can say that it differs', { desired: feed, relation: 'differs' }, { git: 'outdated' }],
  ['47, 1.1/23 a failed fetch is red, not grey', { desired: failedFetch }, { git: 'error' }],
  ['lesson 64: a host that is ahead is not behind', { relation: 'ahead', commits: 2 }, { git: 'ok' }],
  ['a commit that the repository does not know proves nothing', { relation: 'unknown' }, { git: 'unknown' }],
  ['not configured is grey, not red', { desired: noSource, relation: 'unknown' }, { git: 'unknown' }],
  ['not fetched yet is grey', { desired: { commit: '', fetchedAt: null }, relation: 'unknown' }, { git: 'unknown' }],

  // Lock
  ['48: the desired hash', {}, { lock: 'ok' }],
  ['48: another hash', { host: { lockHash: 'lock-b' } }, { lock: 'outdated' }],
  ['48: the host has not said its hash', { host: { lockHash: '' } }, { lock: 'unknown' }],
  ['48, 1.1/23 a failed fetch is red', { desired: failedFetch }, { lock: 'error' }],
  [
    'lesson 63: a feed without lockHash is unknown, not red',
    { desired: { ...feed, lockHash: '' } },
    { lock: 'unknown' },
  ],
  [
    'lesson 64: another hash of a host that is ahead',
    { host: { lockHash: 'lock-b' }, relation: 'ahead' },
    { lock: 'ok' },
  ],
  [
    '48: without a desired state, the agent’s word counts',
    { desired: noSource, host: { lock: said('ok') } },
    { lock: 'ok' },
  ],
  ['48: … also a bad one', { desired: noSource, host: { lock: said('outdated') } }, { lock: 'outdated' }],
  ['48: … and without a word nothing is known', { desired: noSource }, { lock: 'unknown' }],
  [
    'lesson 48: with a desired state, the word does not count',
    { host: { lock: said('ok'), lockHash: 'lock-b' } },
    { lock: 'outdated' },
  ],

  // System
  ['49: the last switch failed', { host: { system: said('error') } }, { system: 'error', tests: 'outdated' }],
  ['49: needs a switch', { host: { system: said('outdated') } }, { system: 'outdated', tests: 'outdated' }],
  ['49: nothing said, all else green', { host: { system: null } }, { system: 'unknown', tests: 'unknown' }],
  ['49: "unknown" said', { host: { system: said('unknown') } }, { system: 'unknown' }],
  [
    'section 4, pull: the word for the commit before proves nothing of the pulled one',
    { host: { system: said('ok', OLD) } },
    { system: 'outdated', tests: 'outdated' },
  ],
  [
    'a word without a commit proves nothing',
    { host: { system: said('ok', '') } },
    { system: 'unknown', tests: 'unknown' },
  ],
  [
    'the same commit, written longer by another agent',
    { host: { system: said('ok', COMMIT), tests: said('ok', COMMIT) } },
    { system: 'ok', tests: 'ok' },
  ],
  ['145: switched, but behind', { relation: 'behind' }, { system: 'outdated', tests: 'outdated' }],
  [
    '145: switched, but the lock is not the desired one',
    { host: { lockHash: 'lock-b' } },
    { system: 'outdated', tests: 'outdated' },
  ],
  ['145: switched, but the fetch failed', { desired: failedFetch }, { system: 'outdated', tests: 'outdated' }],
  [
    '145: switched, but to what is not known',
    { desired: noSource, relation: 'unknown' },
    { system: 'unknown', tests: 'unknown' },
  ],
  [
    '145, lesson 63: switched, but the feed has no lockHash',
    { desired: { ...feed, lockHash: '' } },
    { system: 'unknown', tests: 'unknown' },
  ],
  ['145: nothing said, and behind', { host: { system: null }, relation: 'behind' }, { system: 'outdated' }],
  ['145: nothing said, and the fetch failed', { host: { system: null }, desired: failedFetch }, { system: 'outdated' }],
  [
    '145: "unknown" said, and behind',
    { host: { system: said('unknown') }, relation: 'behind' },
    { system: 'outdated' },
  ],
  [
    'a failed switch stays red, whatever the remote',
    { host: { system: said('error') }, desired: failedFetch },
    { system: 'error' },
  ],
  ['lesson 64: ahead and switched is green', { relation: 'ahead' }, { system: 'ok', tests: 'ok' }],
  ['the host’s own commit is not known', { host: { generation: '' } }, { system: 'unknown', tests: 'outdated' }],

  // Tests
  ['50: passed', {}, { tests: 'ok' }],
  ['50: failed', { host: { tests: said('error') } }, { tests: 'error' }],
  ['50: not run since the switch', { host: { tests: said('outdated') } }, { tests: 'outdated' }],
  ['50: no result', { host: { tests: null } }, { tests: 'unknown' }],
  ['50, 145: of the commit before', { host: { tests: said('ok', OLD) } }, { tests: 'outdated' }],
  ['50: failed, of the commit before', { host: { tests: said('error', OLD) } }, { tests: 'outdated' }],
  ['50: of a commit that nobody knows', { host: { tests: said('ok', '') } }, { tests: 'outdated' }],
  [
    '50: failed stays red, whatever the remote',
    { host: { tests: said('error') }, relation: 'behind' },
    { tests: 'error' },
  ],
  ['1.1/26 an empty run left "unknown"', { host: { tests: said('unknown') } }, { tests: 'unknown' }],

  // What is under way
  ['working: pull', { running: 'pull' }, { git: 'working', system: 'ok' }],
  ['working: switch', { running: 'switch' }, { system: 'working', git: 'ok' }],
  ['working: pull-switch', { running: 'pull-switch' }, { git: 'working', system: 'working' }],
  ['working: test', { running: 'test' }, { tests: 'working', system: 'ok' }],
  ['working: rollback', { running: 'rollback' }, { system: 'working' }],
  ['working: refresh-git works on nothing of the host', { running: 'refresh-git' }, { git: 'ok' }],
  ['1.1/18 working ends with the command', {}, { git: 'ok', system: 'ok' }],
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
    ['failed fetch', { desired: failedFetch }, 'git', /can’t be fetched: the server does not answer\./, 'refresh-git'],
    [
      'lesson 63: the hint',
      { desired: { lockHash: '', hint: 'Let your workflow write lockHash.' } },
      'lock',
      'Let your workflow write lockHash.',
      null,
    ],
    [
      'pulled, not switched',
      { host: { system: said('ok', OLD) } },
      'system',
      'Runs 2c4ef43; 3c9a808 is pulled and waits for a switch.',
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
  ] as const)('says why and what would mend it: %s', (_name, situation, compartment, message, next) => {
    const view = judge(situation)[compartment];
    if (typeof message === 'string') expect(view.message).toBe(message);
    else expect(view.message).toMatch(message);
    expect(view.next).toBe(next);
  });

  it('what is under way keeps what was known before, and offers nothing', () => {
    expect(judge({ running: 'pull', relation: 'behind', commits: 1 }).git).toMatchObject({
      status: 'working',
      message: expect.stringMatching(/^Under way\. Before: Behind by 1 commit/) as string,
      next: null,
    });
  });
});

describe('any situation', () => {
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

  it('green only with proof: System and Tests need Git, Lock and a word for the very commit that the host has', () => {
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

  it('a failed fetch leaves nothing green but the agent', () => {
    fc.assert(
      fc.property(situation, (input) => {
        const { git, lock, system, tests } = judge({ ...input, desired: failedFetch });
        for (const { status } of [git, lock, system, tests]) expect(status).not.toBe('ok');
      }),
    );
  });

  it('every judgement is a sentence; what is green offers nothing to do', () => {
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
