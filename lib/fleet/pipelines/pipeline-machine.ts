/**
 * The state machine of a pipeline. Each host goes through the stages independently: one that fails stops there, the others
 * continue. At most `parallelism` hosts run at the same time. A waiting stage has a deadline and a running stage has a
 * command with one, so every pipeline ends.
 */
import { endPhrase, nounPhrase } from '../operations/operation-words';
import { hostStages, isPrelude } from './pipeline-definitions';
import type { PipelineCounts, PipelineHostRecord, PipelineRun, PipelineStep } from '../records/pipeline-state';
import type { CommandOutcome } from '@/lib/protocol/command-phases';
import type { OperationId } from '@/lib/protocol/operation-ids';
import type { PipelineOutcome } from '@/lib/protocol/pipeline-kinds';

/**
 * How long a stage may wait for its host: longer than an agent may take to come back, and longer than another operator's
 * short operation.
 */
export const STAGE_WAIT_MS = 10 * 60_000;

export type PipelineInput =
  /** It was started: the first hosts begin, unless a prelude runs first. */
  | { type: 'begin' }
  /** The prelude succeeded or failed. */
  | { type: 'prelude-ended'; ok: boolean; reason: string }
  /** The host's waiting stage was sent as a command. */
  | { type: 'sent'; hostId: string; commandId: string }
  /** The host can't run the stage yet. */
  | { type: 'not-ready'; hostId: string; reason: string }
  /** The goal of the stage is already met. */
  | { type: 'nothing-to-do'; hostId: string; reason: string }
  /** The host can't run the stage. */
  | { type: 'blocked'; hostId: string; reason: string }
  | { type: 'command-ended'; hostId: string; commandId: string; outcome: CommandOutcome; reason: string }
  /** The host was removed, and its commands with it. */
  | { type: 'host-removed'; hostId: string }
  /** An operator cancels it: no further stage starts. Running commands continue, or are stopped like any command. */
  | { type: 'cancel'; by: string }
  /** The dashboard was restarted: hosts could not come back while it was down. */
  | { type: 'recovered' }
  /** The wall clock moved `ms` further than the time in which the dashboard could work: deadlines move with it. */
  | { type: 'time-shifted'; ms: number };

/** The next state of a pipeline after an input. Pure; never throws. Unchanged hosts stay the same object. */
export function stepPipeline(run: PipelineRun, input: PipelineInput, now: number): PipelineRun {
  if (run.pipeline.phase === 'ended') return run;
  return settle(onInput(run, input, now), now);
}

/** Hosts with a stage that is waiting to be sent. */
export function waitingSteps(run: PipelineRun): PipelineHostRecord[] {
  return run.hosts.filter((host) => host.status === 'running' && host.steps.at(-1)?.status === 'waiting');
}

/** The operation of the stage that a host is at. */
export function stageOf({ pipeline }: PipelineRun, host: PipelineHostRecord): OperationId | null {
  return hostStages(pipeline.stages)[host.stage] ?? null;
}

/** The command that runs on a host for this pipeline, or null. */
export function runningCommand(host: PipelineHostRecord): string | null {
  const step = host.steps.at(-1);
  return host.status === 'running' && step?.status === 'running' ? step.commandId : null;
}

/** True when a pull of this pipeline succeeded on the host: it then has the newest configuration. */
export function hasPulled({ pipeline }: PipelineRun, host: PipelineHostRecord): boolean {
  const stages = hostStages(pipeline.stages);
  return host.steps.some((step, index) => stages[index] === 'pull' && step.status === 'done');
}

export function countHosts(hosts: readonly Pick<PipelineHostRecord, 'status'>[]): PipelineCounts {
  const counts: PipelineCounts = {
    waiting: 0,
    running: 0,
    done: 0,
    failed: 0,
    'rolled-back': 0,
    refused: 0,
    skipped: 0,
  };
  for (const { status } of hosts) counts[status] += 1;
  return counts;
}

function onInput(run: PipelineRun, input: PipelineInput, now: number): PipelineRun {
  switch (input.type) {
    case 'begin':
      return run;
    case 'prelude-ended':
      return preludeEnded(run, input.ok, input.reason, now);
    case 'cancel':
      return cancelled(run, input.by);
    case 'recovered':
      return {
        ...run,
        hosts: run.hosts.map((host) =>
          onWaiting(host, (step) => withStep(host, { ...step, until: Math.max(step.until, now + STAGE_WAIT_MS) })),
        ),
      };
    case 'time-shifted':
      return {
        ...run,
        hosts: run.hosts.map((host) =>
          onWaiting(host, (step) => withStep(host, { ...step, until: step.until + input.ms })),
        ),
      };
    case 'sent':
    case 'not-ready':
    case 'nothing-to-do':
    case 'blocked':
    case 'command-ended':
    case 'host-removed': {
      const index = run.hosts.findIndex((host) => host.hostId === input.hostId);
      const host = run.hosts[index];
      if (!host) return run;
      const next = onHost(run, host, input, now);
      return next === host ? run : afterHost({ ...run, hosts: run.hosts.with(index, next) }, next);
    }
  }
}

type HostInput = Extract<PipelineInput, { hostId: string }>;

function onHost(run: PipelineRun, host: PipelineHostRecord, input: HostInput, now: number): PipelineHostRecord {
  switch (input.type) {
    case 'sent':
      return onWaiting(host, () => ({
        ...withStep(host, { status: 'running', startedAt: now, commandId: input.commandId }),
        commandId: input.commandId,
      }));
    case 'not-ready':
      return onWaiting(host, (step) => {
        if (now < step.until)
          return step.reason === input.reason ? host : withStep(host, { ...step, reason: input.reason });
        return stageFailed(host, step, `${input.reason} The stage timed out while waiting.`, now);
      });
    case 'nothing-to-do':
      return onWaiting(host, ({ since }) => stageDone(run, host, done(since, now, null, 'skipped', input.reason), now));
    case 'blocked':
      return onWaiting(host, (step) => stageFailed(host, step, input.reason, now));
    case 'command-ended': {
      const step = host.steps.at(-1);
      if (host.status !== 'running' || step?.status !== 'running' || step.commandId !== input.commandId) return host;
      const { outcome, reason, commandId } = input;
      if (outcome === 'succeeded' || outcome === 'unchanged') {
        return stageDone(run, host, done(step.startedAt, now, commandId, outcome, reason), now);
      }
      const failed = { status: 'failed', startedAt: step.startedAt, endedAt: now, commandId, outcome, reason } as const;
      return {
        ...withStep(host, failed),
        status: outcome === 'rolled-back' || outcome === 'refused' ? outcome : 'failed',
        reason: `${stageName(run, host.stage)} ${endPhrase(outcome, reason)}`,
      };
    }
    case 'host-removed': {
      if (host.status === 'waiting') return { ...host, status: 'skipped', reason: HOST_REMOVED };
      if (host.status !== 'running') return host;
      const step = host.steps.at(-1);
      if (step?.status === 'waiting') return stageFailed(host, step, HOST_REMOVED, now);
      if (step?.status !== 'running') return host;
      const { startedAt, commandId } = step;
      const failed = {
        status: 'failed',
        startedAt,
        endedAt: now,
        commandId,
        outcome: 'lost',
        reason: HOST_REMOVED,
      } as const;
      return { ...withStep(host, failed), status: 'failed', reason: HOST_REMOVED };
    }
  }
}

const HOST_REMOVED = 'The host was removed from the dashboard.';

const done = (
  startedAt: number,
  endedAt: number,
  commandId: string | null,
  outcome: CommandOutcome,
  reason: string,
): PipelineStep => ({ status: 'done', startedAt, endedAt, commandId, outcome, reason });

const withStep = (host: PipelineHostRecord, step: PipelineStep): PipelineHostRecord => ({
  ...host,
  steps: [...host.steps.slice(0, -1), step],
});

const stageName = ({ pipeline }: PipelineRun, stage: number): string => {
  const id = hostStages(pipeline.stages)[stage];
  return id ? `The ${nounPhrase(id)}` : 'The next stage';
};

type Waiting = Extract<PipelineStep, { status: 'waiting' }>;

/** Changes a host whose stage is waiting; any other host stays the same. */
function onWaiting(host: PipelineHostRecord, change: (step: Waiting) => PipelineHostRecord): PipelineHostRecord {
  const step = host.steps.at(-1);
  return host.status === 'running' && step?.status === 'waiting' ? change(step) : host;
}

/** The stage can't run: a host without a finished stage is skipped, any other one has failed. */
function stageFailed(host: PipelineHostRecord, step: Waiting, reason: string, now: number): PipelineHostRecord {
  const failed = {
    status: 'failed',
    startedAt: step.since,
    endedAt: now,
    commandId: null,
    outcome: null,
    reason,
  } as const;
  return { ...withStep(host, failed), status: host.stage === 0 ? 'skipped' : 'failed', reason };
}

/** A stage succeeded: the host continues with the next one, or is done. */
function stageDone(run: PipelineRun, host: PipelineHostRecord, step: PipelineStep, now: number): PipelineHostRecord {
  const after = withStep(host, step);
  const stage = host.stage + 1;
  if (stage >= hostStages(run.pipeline.stages).length) return { ...after, status: 'done' };
  const { halt } = run.pipeline.state;
  if (halt) return { ...after, status: 'skipped', reason: `${halt.reason} ${stageName(run, stage)} was not started.` };
  return { ...after, stage, commandId: null, steps: [...after.steps, waiting(now)] };
}

const waiting = (now: number): Waiting => ({ status: 'waiting', since: now, until: now + STAGE_WAIT_MS, reason: '' });

/** What counts as a failure of a host, after its name. */
const FAILURES = { failed: 'failed', 'rolled-back': 'was rolled back', refused: 'refused it' } as const;

const isFailure = (status: PipelineHostRecord['status']): status is keyof typeof FAILURES =>
  Object.hasOwn(FAILURES, status);

/** Halts the pipeline after a failed host if it stops at the first failure. */
function afterHost(run: PipelineRun, host: PipelineHostRecord): PipelineRun {
  const { pipeline } = run;
  const { hostName, status } = host;
  if (!isFailure(status) || !pipeline.stopOnFailure || pipeline.state.halt) return run;
  return halted(run, 'failure', `${hostName} ${FAILURES[status]}, and this pipeline stops at the first failure.`);
}

function cancelled(run: PipelineRun, by: string): PipelineRun {
  const { pipeline } = run;
  if (pipeline.phase === 'cancelling') return run;
  return halted({ ...run, pipeline: { ...pipeline, phase: 'cancelling' } }, 'operator', `Cancelled by ${by}.`);
}

/** Starts nothing more: hosts without a running command are skipped, the others finish theirs. */
function halted(run: PipelineRun, cause: 'operator' | 'failure', reason: string): PipelineRun {
  const { pipeline } = run;
  return {
    pipeline: { ...pipeline, state: { ...pipeline.state, halt: { cause, reason } } },
    hosts: run.hosts.map((host) => {
      if (host.status === 'waiting') return { ...host, status: 'skipped', reason };
      // A stage that was not sent leaves no step: the reason names it.
      return onWaiting(host, () => ({
        ...host,
        status: 'skipped',
        steps: host.steps.slice(0, -1),
        reason: `${reason} ${stageName(run, host.stage)} was not started.`,
      }));
    }),
  };
}

function preludeEnded(run: PipelineRun, ok: boolean, reason: string, now: number): PipelineRun {
  const { pipeline, hosts } = run;
  const before = pipeline.state.prelude;
  if (before?.status !== 'running') return run;
  const { startedAt } = before;
  const prelude = { status: ok ? ('done' as const) : ('failed' as const), startedAt, endedAt: now, reason };
  const next = { ...pipeline, state: { ...pipeline.state, prelude } };
  if (ok) return { pipeline: next, hosts };
  const first = pipeline.stages[0];
  const why = `The ${first ? nounPhrase(first) : 'first stage'} failed: ${reason}`;
  return {
    pipeline: next,
    hosts: hosts.map((host) => (host.status === 'waiting' ? { ...host, status: 'skipped', reason: why } : host)),
  };
}

/** Starts waiting hosts up to the limit, and ends the pipeline when no host is left. */
function settle(run: PipelineRun, now: number): PipelineRun {
  const { pipeline } = run;
  const { prelude } = pipeline.state;
  if (prelude?.status === 'running') return run;
  const counts = countHosts(run.hosts);
  let room = pipeline.parallelism - counts.running;
  if (counts.waiting > 0 && room > 0) {
    const hosts = run.hosts.map((host): PipelineHostRecord => {
      if (host.status !== 'waiting' || room <= 0) return host;
      room -= 1;
      return { ...host, status: 'running', stage: 0, steps: [waiting(now)] };
    });
    return { pipeline, hosts };
  }
  if (counts.waiting + counts.running > 0) return run;
  const outcome = outcomeOf(run, counts);
  return { ...run, pipeline: { ...pipeline, phase: 'ended', endedAt: now, outcome, reason: summary(run, counts) } };
}

function outcomeOf({ pipeline: { state, stages }, hosts }: PipelineRun, counts: PipelineCounts): PipelineOutcome {
  if (counts.done === hosts.length) return 'succeeded';
  if (state.halt?.cause === 'operator') return 'cancelled';
  const merged = stages.some(isPrelude) && state.prelude?.status === 'done';
  return counts.done > 0 || merged ? 'partial' : 'failed';
}

/** "17 done, 2 failed, 1 rolled back, 1 refused, 1 skipped.", followed by why it was halted, if it was. */
function summary({ pipeline: { state } }: PipelineRun, counts: PipelineCounts): string {
  const parts = (['done', 'failed', 'rolled-back', 'refused', 'skipped'] as const).flatMap((status) =>
    counts[status] > 0 ? [`${counts[status]} ${status === 'rolled-back' ? 'rolled back' : status}`] : [],
  );
  const why = state.halt?.reason ?? (state.prelude?.status === 'failed' ? state.prelude.reason : '');
  return `${parts.join(', ')}.${why === '' ? '' : ` ${why}`}`;
}
