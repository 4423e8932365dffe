import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOME_PHRASES } from '../operations/operation-words';
import {
  countHosts,
  hasPulled,
  runningCommand,
  stageOf,
  STAGE_WAIT_MS,
  stepPipeline,
  waitingSteps,
  type PipelineInput,
} from './pipeline-machine';
import { planPipeline } from './pipeline-plan';
import type { PipelineRun } from '../records/pipeline-state';
import { pipelinePatch, pipelineView } from './pipeline-views';
import { hostStages, isStage, MAX_STAGES, PIPELINES, stagesProblem } from './pipeline-definitions';
import { T0 } from '../testing/samples';
import type { PipelineRequest } from '../records/requests';
import { COMMAND_OUTCOMES } from '@/lib/protocol/command-phases';
import { OPERATION_IDS, type OperationId } from '@/lib/protocol/operation-ids';
import { PIPELINE_KINDS } from '@/lib/protocol/pipeline-kinds';

const BY = { userId: 'u', userName: 'ada', address: '192.0.2.7' };

function start(hostIds: readonly string[], more: Partial<PipelineRequest> = {}): PipelineRun {
  const request: PipelineRequest = {
    kind: 'do-all',
    hostIds,
    requestId: 'r',
    parallelism: 10,
    stopOnFailure: false,
    by: BY,
    ...more,
  };
  const candidates = hostIds.map((hostId) => ({ hostId, host: { name: hostId, online: true }, elsewhere: null }));
  const plan = planPipeline(request, candidates, 'p', T0);
  if (plan.kind === 'refused') throw new Error(plan.reason);
  return stepPipeline(plan.run, { type: 'begin' }, T0);
}

const after = (run: PipelineRun, ...inputs: PipelineInput[]) =>
  inputs.reduce((now, input, index) => stepPipeline(now, input, T0 + index), run);

/** A stage that is sent and ends with this outcome. */
const stage = (hostId: string, commandId: string, outcome: (typeof COMMAND_OUTCOMES)[number]): PipelineInput[] => [
  { type: 'sent', hostId, commandId },
  { type: 'command-ended', hostId, commandId, outcome, reason: `It ${outcome}.` },
];
const statuses = (run: PipelineRun) => Object.fromEntries(run.hosts.map(({ hostId, status }) => [hostId, status]));
const hostOf = (run: PipelineRun, id: string) => {
  const host = run.hosts.find(({ hostId }) => hostId === id);
  if (!host) throw new Error(`no ${id}`);
  return host;
};

describe('the table of pipelines', () => {
  it('holds valid stages, each pipeline with a different label', () => {
    for (const kind of PIPELINE_KINDS) {
      const { stages, kind: own } = PIPELINES[kind];
      expect(own).toBe(kind);
      if (kind !== 'custom') expect(stagesProblem(stages), kind).toBeNull();
    }
    expect(PIPELINES['do-all'].stages).toEqual(['pull', 'switch', 'test']);
    expect(PIPELINES['merge-deploy'].stages).toEqual(['merge-pr', 'pull', 'switch', 'test']);
    expect(PIPELINES['update-agent'].stages).toEqual(['pull', 'switch']);
    expect(PIPELINES['force-rebuild'].stages).toEqual(['force-update', 'restart']);
  });

  it.each([
    [[], 'at least one'],
    [['merge-pr'], 'at least one'],
    [['pull', 'merge-pr'], 'first stage'],
    [['pull', 'stop'], 'stop'],
    [['kill'], 'kill'],
    [['remove-host'], 'removal'],
    [['add-host', 'pull'], 'addition'],
    [['set-color'], 'colour'],
    [Array.from({ length: MAX_STAGES + 1 }, () => 'pull'), 'at most'],
  ] as [OperationId[], string][])('refuses %j', (stages, why) => {
    expect(stagesProblem(stages)).toContain(why);
  });

  it('has a reboot as a possible stage', () => {
    expect(OPERATION_IDS.filter(isStage)).toContain('reboot');
  });
});

describe('planPipeline', () => {
  const ask = (more: Partial<PipelineRequest>): PipelineRequest => ({
    kind: 'do-all',
    hostIds: [],
    requestId: 'r',
    parallelism: 3,
    stopOnFailure: false,
    by: BY,
    ...more,
  });
  const web = { hostId: 'web', host: { name: 'web', online: true }, elsewhere: null };

  it('skips hosts that are offline, unknown or in another pipeline, with the reason', () => {
    const plan = planPipeline(
      ask({}),
      [
        web,
        { hostId: 'away', host: { name: 'away', online: false }, elsewhere: null },
        { hostId: 'gone', host: null, elsewhere: null },
        { hostId: 'other', host: { name: 'other', online: true }, elsewhere: 'Do all by ada' },
      ],
      'p',
      T0,
    );
    if (plan.kind === 'refused') throw new Error(plan.reason);
    expect(plan.run.hosts.map(({ hostId, status, reason }) => [hostId, status, reason])).toEqual([
      ['web', 'waiting', ''],
      ['away', 'skipped', 'away is offline.'],
      ['gone', 'skipped', 'The host is no longer known.'],
      ['other', 'skipped', 'other is in another pipeline: Do all by ada.'],
    ]);
  });

  it('refuses requests without an available host, with invalid stages, or with a merge without a number', () => {
    const away = { hostId: 'a', host: { name: 'a', online: false }, elsewhere: null };
    expect(planPipeline(ask({}), [away], 'p', T0)).toEqual({ kind: 'refused', reason: 'a is offline.' });
    expect(planPipeline(ask({}), [], 'p', T0).kind).toBe('refused');
    expect(planPipeline(ask({ kind: 'custom', stages: ['stop'] }), [web], 'p', T0).kind).toBe('refused');
    expect(planPipeline(ask({ kind: 'custom' }), [web], 'p', T0).kind).toBe('refused');
    expect(planPipeline(ask({ kind: 'merge-deploy' }), [web], 'p', T0)).toMatchObject({ kind: 'refused' });
    expect(
      planPipeline(ask({ kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' } }), [web], 'p', T0),
    ).toMatchObject({
      kind: 'planned',
      run: { pipeline: { args: { pullRequest: 7, seen: 'c0ffee' }, state: { prelude: { status: 'running' } } } },
    });
  });
});

describe('a pipeline', () => {
  it('takes each host through the stages independently; unchanged counts as success', () => {
    let run = after(start(['a', 'b']), ...stage('a', 'a0', 'unchanged'));
    expect(stageOf(run, hostOf(run, 'a'))).toBe('switch');
    expect(stageOf(run, hostOf(run, 'b'))).toBe('pull');
    expect(hasPulled(run, hostOf(run, 'a'))).toBe(true);
    expect(hasPulled(run, hostOf(run, 'b'))).toBe(false);
    run = after(run, ...stage('a', 'a1', 'succeeded'), ...stage('a', 'a2', 'succeeded'));
    expect(statuses(run)).toEqual({ a: 'done', b: 'running' });
    expect(run.pipeline.phase).toBe('running');
    run = after(run, ...['b0', 'b1', 'b2'].flatMap((id) => stage('b', id, 'succeeded')));
    expect(run.pipeline).toMatchObject({ phase: 'ended', outcome: 'succeeded', reason: '2 done.' });
  });

  it.each(COMMAND_OUTCOMES.filter((outcome) => outcome !== 'succeeded' && outcome !== 'unchanged'))(
    'a host whose stage ends as %s is over, the others continue',
    (outcome) => {
      const apart: Partial<Record<typeof outcome, string>> = { 'rolled-back': 'rolled back', refused: 'refused' };
      const [status, word] = outcome in apart ? [outcome, apart[outcome]] : ['failed', 'failed'];
      let run = after(start(['a', 'b']), ...stage('a', 'a0', outcome));
      expect(hostOf(run, 'a')).toMatchObject({ status, stage: 0, commandId: 'a0' });
      expect(hostOf(run, 'a').reason).toBe(`The pull ${OUTCOME_PHRASES[outcome]}. It ${outcome}.`);
      expect(statuses(run).b).toBe('running');
      run = after(run, ...['b0', 'b1', 'b2'].flatMap((id) => stage('b', id, 'succeeded')));
      expect(run.pipeline).toMatchObject({ outcome: 'partial', reason: `1 done, 1 ${word}.` });
    },
  );

  it('runs as many hosts in parallel as allowed, and starts the next when one is done or fails', () => {
    let run = start(['a', 'b', 'c', 'd'], { parallelism: 2, kind: 'custom', stages: ['pull'] });
    expect(statuses(run)).toEqual({ a: 'running', b: 'running', c: 'waiting', d: 'waiting' });
    run = after(run, ...stage('b', 'b0', 'failed'));
    expect(statuses(run)).toEqual({ a: 'running', b: 'failed', c: 'running', d: 'waiting' });
    run = after(run, ...stage('a', 'a0', 'succeeded'));
    expect(statuses(run)).toEqual({ a: 'done', b: 'failed', c: 'running', d: 'running' });
  });

  it('waits for a busy or offline host up to a limit: skipped at its first stage, failed later', () => {
    const busy = (hostId: string): PipelineInput => ({ type: 'not-ready', hostId, reason: `${hostId} is busy.` });
    let run = after(start(['a', 'b']), ...stage('b', 'b0', 'succeeded'), busy('a'), busy('b'));
    expect(waitingSteps(run).map((host) => host.steps.at(-1))).toMatchObject([
      { reason: 'a is busy.' },
      { reason: 'b is busy.' },
    ]);
    const late = T0 + STAGE_WAIT_MS + 10;
    for (const id of ['a', 'b']) run = stepPipeline(run, busy(id), late);
    expect(statuses(run)).toEqual({ a: 'skipped', b: 'failed' });
    expect(hostOf(run, 'a').reason).toBe('a is busy. The stage timed out while waiting.');
    expect(run.pipeline).toMatchObject({ outcome: 'failed', reason: '1 failed, 1 skipped.' });
  });

  it('gives hosts the full waiting time again after a restart of the dashboard', () => {
    const away: PipelineInput = { type: 'not-ready', hostId: 'a', reason: 'a is offline.' };
    const late = T0 + 10 * STAGE_WAIT_MS;
    const run = stepPipeline(stepPipeline(start(['a']), { type: 'recovered' }, late), away, late + STAGE_WAIT_MS - 1);
    expect(statuses(run)).toEqual({ a: 'running' });
    expect(statuses(stepPipeline(run, away, late + STAGE_WAIT_MS))).toEqual({ a: 'skipped' });
  });

  it('continues with the next stage when there is nothing to do, with the reason', () => {
    const run = after(start(['a']), { type: 'nothing-to-do', hostId: 'a', reason: 'It has that commit.' });
    expect(hostOf(run, 'a')).toMatchObject({
      status: 'running',
      stage: 1,
      steps: [{ status: 'done', commandId: null, outcome: 'skipped', reason: 'It has that commit.' }, {}],
    });
  });

  it('skips a host that can’t run its first stage, and fails one that can’t run a later one', () => {
    const no = (hostId: string): PipelineInput => ({ type: 'blocked', hostId, reason: 'It has not pulled.' });
    const run = after(start(['a', 'b']), ...stage('b', 'b0', 'succeeded'), no('a'), no('b'));
    expect(statuses(run)).toEqual({ a: 'skipped', b: 'failed' });
  });

  it('stops at the first failure if requested: running commands end, nothing more starts', () => {
    let run = start(['a', 'b', 'c', 'd'], { parallelism: 3, stopOnFailure: true });
    run = after(run, { type: 'sent', hostId: 'b', commandId: 'b0' }, ...stage('a', 'a0', 'failed'));
    expect(statuses(run)).toEqual({ a: 'failed', b: 'running', c: 'skipped', d: 'skipped' });
    run = after(run, { type: 'command-ended', hostId: 'b', commandId: 'b0', outcome: 'succeeded', reason: '' });
    expect(hostOf(run, 'b')).toMatchObject({ status: 'skipped', steps: [{ status: 'done' }] });
    expect(hostOf(run, 'b').reason).toContain('The switch was not started.');
    expect(run.pipeline).toMatchObject({ outcome: 'failed', phase: 'ended' });
    expect(run.pipeline.reason).toContain('a failed');
  });

  it('can be cancelled: waiting hosts are skipped, running commands continue', () => {
    let run = start(['a', 'b', 'c'], { parallelism: 2 });
    run = after(run, { type: 'sent', hostId: 'a', commandId: 'a0' }, { type: 'cancel', by: 'ada' });
    expect(run.pipeline).toMatchObject({ phase: 'cancelling', outcome: null });
    expect(statuses(run)).toEqual({ a: 'running', b: 'skipped', c: 'skipped' });
    expect(hostOf(run, 'b')).toMatchObject({ steps: [], reason: 'Cancelled by ada. The pull was not started.' });
    run = after(run, { type: 'command-ended', hostId: 'a', commandId: 'a0', outcome: 'stopped', reason: '' });
    expect(run.pipeline).toMatchObject({ outcome: 'cancelled', reason: '1 failed, 2 skipped. Cancelled by ada.' });
  });

  it('succeeds when it is cancelled but everything completes', () => {
    let run = start(['a'], { kind: 'custom', stages: ['pull'] });
    run = after(run, { type: 'sent', hostId: 'a', commandId: 'a0' }, { type: 'cancel', by: 'ada' });
    run = after(run, { type: 'command-ended', hostId: 'a', commandId: 'a0', outcome: 'succeeded', reason: '' });
    expect(run.pipeline.outcome).toBe('succeeded');
  });

  it('starts hosts only after a successful merge', () => {
    const run = start(['a', 'b'], { kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' } });
    expect(statuses(run)).toEqual({ a: 'waiting', b: 'waiting' });
    const merged = after(run, { type: 'prelude-ended', ok: true, reason: '#7 was merged.' });
    expect(statuses(merged)).toEqual({ a: 'running', b: 'running' });
    expect(stageOf(merged, hostOf(merged, 'a'))).toBe('pull');
    const refused = after(run, { type: 'prelude-ended', ok: false, reason: 'The checks failed.' });
    expect(refused.pipeline).toMatchObject({ outcome: 'failed', reason: '2 skipped. The checks failed.' });
    expect(hostOf(refused, 'a').reason).toBe('The merge of the flake update failed: The checks failed.');
  });

  it('waits for the merge when it is cancelled meanwhile, and reports it', () => {
    let run = after(start(['a'], { kind: 'merge-deploy', pullRequest: { number: 7, seen: 'c0ffee' } }), {
      type: 'cancel',
      by: 'ada',
    });
    expect(run.pipeline.phase).toBe('cancelling');
    run = after(run, { type: 'prelude-ended', ok: true, reason: '#7 was merged.' });
    expect(run.pipeline).toMatchObject({ phase: 'ended', outcome: 'cancelled' });
    expect(pipelineView(run).prelude).toMatchObject({ status: 'done', reason: '#7 was merged.' });
  });

  it('continues when a host is removed', () => {
    const gone = (hostId: string): PipelineInput => ({ type: 'host-removed', hostId });
    const run = after(
      start(['a', 'b', 'c'], { parallelism: 2 }),
      { type: 'sent', hostId: 'a', commandId: 'a0' },
      gone('a'),
      gone('b'),
      gone('c'),
    );
    expect(statuses(run)).toEqual({ a: 'failed', b: 'skipped', c: 'skipped' });
    expect(run.pipeline.phase).toBe('ended');
  });

  it('ignores the end of another command', () => {
    const run = after(start(['a']), { type: 'sent', hostId: 'a', commandId: 'a0' });
    const other: PipelineInput = { type: 'command-ended', hostId: 'a', commandId: 'x', outcome: 'failed', reason: '' };
    expect(after(run, other)).toBe(run);
    expect(runningCommand(hostOf(run, 'a'))).toBe('a0');
  });
});

const ids = ['a', 'b', 'c', 'd', 'e', 'nobody'];
const anyHost = fc.constantFrom(...ids);
const reason = fc.constantFrom('', 'Why.');
const anyInput: fc.Arbitrary<PipelineInput> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant('sent' as const), hostId: anyHost, commandId: fc.constant('') }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('command-ended' as const),
      hostId: anyHost,
      commandId: fc.constantFrom('', 'wrong'),
      outcome: fc.constantFrom(...COMMAND_OUTCOMES),
      reason,
    }),
  },
  fc.record({
    type: fc.constantFrom('not-ready' as const, 'nothing-to-do' as const, 'blocked' as const),
    hostId: anyHost,
    reason,
  }),
  fc.record({ type: fc.constant('host-removed' as const), hostId: anyHost }),
  fc.record({ type: fc.constant('prelude-ended' as const), ok: fc.boolean(), reason }),
  fc.constant<PipelineInput>({ type: 'recovered' }),
  fc.constant<PipelineInput>({ type: 'cancel', by: 'ada' }),
);
const anyStart = fc.record({
  kind: fc.constantFrom(...PIPELINE_KINDS),
  parallelism: fc.integer({ min: 1, max: 6 }),
  stopOnFailure: fc.boolean(),
  inputs: fc.array(fc.tuple(anyInput, fc.integer({ min: 0, max: STAGE_WAIT_MS })), { maxLength: 80 }),
});
const OVER = new Set(['done', 'failed', 'rolled-back', 'refused', 'skipped']);

describe('a pipeline with any inputs', () => {
  it('sends each stage at most once, never leaves an end, respects the parallelism, and ends', () => {
    fc.assert(
      fc.property(anyStart, ({ kind, parallelism, stopOnFailure, inputs }) => {
        let now = T0;
        let run = start(['a', 'b', 'c', 'd', 'e'], {
          kind,
          parallelism,
          stopOnFailure,
          pullRequest: { number: 7, seen: 'c0ffee' },
          ...(kind === 'custom' ? { stages: ['pull', 'reboot', 'pull'] as const } : {}),
        });
        const sent = new Map<string, number>();
        let shown = pipelineView(run);
        let commands = 0;
        const feed = (given: PipelineInput) => {
          const before = run;
          const host = 'hostId' in given ? run.hosts.find(({ hostId }) => hostId === given.hostId) : undefined;
          let input = given;
          if (given.type === 'sent') input = { ...given, commandId: `c${(commands += 1)}` };
          if (given.type === 'command-ended' && given.commandId === '') {
            input = { ...given, commandId: (host && runningCommand(host)) ?? 'none' };
          }
          run = stepPipeline(run, input, now);
          if (input.type === 'sent' && host) {
            const taken = runningCommand(run.hosts[host.position] ?? host) === input.commandId;
            const key = `${host.hostId}:${host.stage}`;
            if (taken) sent.set(key, (sent.get(key) ?? 0) + 1);
          }
          expect(countHosts(run.hosts).running).toBeLessThanOrEqual(parallelism);
          expect(run.hosts).toHaveLength(5);
          run.hosts.forEach((next, index) => {
            const old = before.hosts[index];
            if (old && OVER.has(old.status)) expect(next).toBe(old);
            if (old) expect(next.stage).toBeGreaterThanOrEqual(old.stage);
            expect(next.steps.length).toBeLessThanOrEqual(hostStages(run.pipeline.stages).length);
          });
          if (before.pipeline.phase === 'ended') expect(run).toBe(before);
          if (run.pipeline.phase === 'ended') {
            expect(run.hosts.every(({ status }) => OVER.has(status))).toBe(true);
            expect(run.pipeline.outcome).not.toBeNull();
            expect(run.pipeline.reason).toMatch(/\.$/);
          }
          // The patches give pages the same state as the pipeline's.
          const patch = pipelinePatch(before, run);
          const changed = new Map(patch.hosts?.map((one) => [one.hostId, one]));
          shown = { ...shown, ...patch, hosts: shown.hosts.map((one) => changed.get(one.hostId) ?? one) };
          expect(shown).toEqual(pipelineView(run));
        };
        for (const [input, wait] of inputs) {
          now += wait;
          feed(input);
        }
        // From here on only inputs that always arrive: the answer to a merge, ends of commands, and time.
        feed({ type: 'prelude-ended', ok: true, reason: '' });
        for (let turn = 0; turn < 60 && run.pipeline.phase !== 'ended'; turn += 1) {
          now += STAGE_WAIT_MS;
          for (const host of run.hosts) {
            const commandId = runningCommand(host);
            const { hostId } = host;
            feed(
              commandId === null
                ? { type: 'not-ready', hostId, reason: 'Busy.' }
                : { type: 'command-ended', hostId, commandId, outcome: 'succeeded', reason: '' },
            );
          }
        }
        expect(run.pipeline.phase).toBe('ended');
        expect([...sent.values()].every((times) => times === 1)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
