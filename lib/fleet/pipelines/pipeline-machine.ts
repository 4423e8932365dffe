/**
 * The life of a pipeline: a pure state machine. Each host goes through the stages by itself, "and then": one that fails
 * drops out, the others go on. At most so many hosts work at the same time. Every stage that waits has a deadline and
 * every stage that runs has a command, which has its own: so every pipeline ends.
 */
import type { CommandOutcome, OperationId, PipelineOutcome } from '@/lib/protocol/live';
import { OPERATIONS } from '../operations/operations';
import { hostStages, isPrelude } from './pipeline-kinds';
import type { PipelineCounts, PipelineHostRecord, PipelineRun, PipelineStep } from '../records/pipeline-state';

/**
 * How long a stage may wait for its host to take it: longer than an agent may take to come back, or a short operation of
 * somebody else takes.
 */
export const STAGE_WAIT_MS = 10 * 60_000;

export type PipelineInput =
  /** It was started: the first hosts begin, unless the dashboard has to do something before. */
  | { type: 'begin' }
  /** What the dashboard does before the hosts was done, or not. */
  | { type: 'prelude-ended'; ok: boolean; reason: string }
  /** The stage that a host waited for has a command. */
  | { type: 'sent'; hostId: string; commandId: string }
  /** The host can't take it now, but may soon. */
  | { type: 'not-ready'; hostId: string; reason: string }
  /** The goal of the stage is met already. */
  | { type: 'nothing-to-do'; hostId: string; reason: string }
  /** The host can't take it. */
  | { type: 'blocked'; hostId: string; reason: string }
  | { type: 'command-ended'; hostId: string; commandId: string; outcome: CommandOutcome; reason: string }
  /** The host, and its commands with it, are no longer known. */
  | { type: 'host-removed'; hostId: string }
  /** An operator ends it: nothing more is begun. What runs ends by itself, or is stopped as any command is. */
  | { type: 'cancel'; by: string }
  /** The dashboard was restarted: no host had a chance to come back while it was away. */
  | { type: 'recovered' }
  /** The wall clock went `ms` further than the time in which the dashboard could work: deadlines move along. */
  | { type: 'time-shifted'; ms: number };

/** Gives what becomes of a pipeline with an input. Pure; never throws. Hosts that did not change stay the same object. */
export function stepPipeline(run: PipelineRun, input: PipelineInput, now: number): PipelineRun {
  if (run.pipeline.phase === 'ended') return run;
  return settle(onInput(run, input, now), now);
}

/** Hosts whose next stage should be sent now, if they can take it. */
export function waitingSteps(run: PipelineRun): PipelineHostRecord[] {
  return run.hosts.filter((host) => host.status === 'running' && host.steps.at(-1)?.status === 'waiting');
}

/** The operation that a host is at. */
export function stageOf({ pipeline }: PipelineRun, host: PipelineHostRecord): OperationId | null {
  return hostStages(pipeline.stages)[host.stage] ?? null;
}

/** The command that a host is busy with for this pipeline, or null. */
export function runningCommand(host: PipelineHostRecord): string | null {
  const step = host.steps.at(-1);
  return host.status === 'running' && step?.status === 'running' ? step.commandId : null;
}

/** True when the host's former stage of this pipeline was a pull that went well: then it has what there is to have. */
export function hasPulled({ pipeline }: PipelineRun, host: PipelineHostRecord): boolean {
  const stages = hostStages(pipeline.stages);
  return host.steps.some((step, index) => stages[index] === 'pull' && step.status === 'done');
}

export function countHosts(hosts: readonly Pick<PipelineHostRecord, 'status'>[]): PipelineCounts {
  const counts: PipelineCounts = { waiting: 0, running: 0, done: 0, failed: 0, skipped: 0 };
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
        return dropsOut(host, step, `${input.reason} It was waited for long enough.`, now);
      });
    case 'nothing-to-do':
      return onWaiting(host, ({ since }) => onwards(run, host, done(since, now, null, 'skipped', input.reason), now));
    case 'blocked':
      return onWaiting(host, (step) => dropsOut(host, step, input.reason, now));
    case 'command-ended': {
      const step = host.steps.at(-1);
      if (host.status !== 'running' || step?.status !== 'running' || step.commandId !== input.commandId) return host;
      const { outcome, reason, commandId } = input;
      if (outcome === 'succeeded' || outcome === 'unchanged') {
        return onwards(run, host, done(step.startedAt, now, commandId, outcome, reason), now);
      }
      const failed = { status: 'failed', startedAt: step.startedAt, endedAt: now, commandId, outcome, reason } as const;
      return {
        ...withStep(host, failed),
        status: 'failed',
        reason: `${labelOf(run, host.stage)}: ${outcome}. ${reason}`.trim(),
      };
    }
    case 'host-removed': {
      if (host.status === 'waiting') return { ...host, status: 'skipped', reason: GONE };
      if (host.status !== 'running') return host;
      const step = host.steps.at(-1);
      if (step?.status === 'waiting') return dropsOut(host, step, GONE, now);
      if (step?.status !== 'running') return host;
      const { startedAt, commandId } = step;
      const failed = { status: 'failed', startedAt, endedAt: now, commandId, outcome: 'lost', reason: GONE } as const;
      return { ...withStep(host, failed), status: 'failed', reason: GONE };
    }
  }
}

const GONE = 'The host was removed from the dashboard.';

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

const labelOf = ({ pipeline }: PipelineRun, stage: number): string => {
  const id = hostStages(pipeline.stages)[stage];
  return id ? OPERATIONS[id].label : 'The next stage';
};

type Waiting = Extract<PipelineStep, { status: 'waiting' }>;

/** Applies to a host that waits to take its next stage; any other one stays. */
function onWaiting(host: PipelineHostRecord, change: (step: Waiting) => PipelineHostRecord): PipelineHostRecord {
  const step = host.steps.at(-1);
  return host.status === 'running' && step?.status === 'waiting' ? change(step) : host;
}

/** A host on which nothing was done yet is passed over; one that was begun has failed. */
function dropsOut(host: PipelineHostRecord, step: Waiting, reason: string, now: number): PipelineHostRecord {
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

/** A stage went well: the next one, or the end. */
function onwards(run: PipelineRun, host: PipelineHostRecord, step: PipelineStep, now: number): PipelineHostRecord {
  const after = withStep(host, step);
  const stage = host.stage + 1;
  if (stage >= hostStages(run.pipeline.stages).length) return { ...after, status: 'done' };
  const { halt } = run.pipeline.state;
  if (halt) return { ...after, status: 'skipped', reason: `${halt.reason} ${labelOf(run, stage)} was not begun.` };
  return { ...after, stage, commandId: null, steps: [...after.steps, waiting(now)] };
}

const waiting = (now: number): Waiting => ({ status: 'waiting', since: now, until: now + STAGE_WAIT_MS, reason: '' });

/** What one host's fate means to the others. */
function afterHost(run: PipelineRun, host: PipelineHostRecord): PipelineRun {
  const { pipeline } = run;
  if (host.status !== 'failed' || !pipeline.stopOnFailure || pipeline.state.halt) return run;
  return halted(run, 'failure', `${host.hostName} failed, and this pipeline stops at the first failure.`);
}

function cancelled(run: PipelineRun, by: string): PipelineRun {
  const { pipeline } = run;
  if (pipeline.phase === 'cancelling') return run;
  return halted({ ...run, pipeline: { ...pipeline, phase: 'cancelling' } }, 'operator', `Cancelled by ${by}.`);
}

/** Begins nothing more: hosts that run nothing now are skipped, the others end what they are at. */
function halted(run: PipelineRun, cause: 'operator' | 'failure', reason: string): PipelineRun {
  const { pipeline } = run;
  return {
    pipeline: { ...pipeline, state: { ...pipeline.state, halt: { cause, reason } } },
    hosts: run.hosts.map((host) => {
      if (host.status === 'waiting') return { ...host, status: 'skipped', reason };
      // A stage that was not sent leaves no trace: the reason says where it stood.
      return onWaiting(host, () => ({
        ...host,
        status: 'skipped',
        steps: host.steps.slice(0, -1),
        reason: `${reason} ${labelOf(run, host.stage)} was not begun.`,
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
  const why = `${first ? OPERATIONS[first].label : 'The first stage'} was not done: ${reason}`;
  return {
    pipeline: next,
    hosts: hosts.map((host) => (host.status === 'waiting' ? { ...host, status: 'skipped', reason: why } : host)),
  };
}

/** Lets waiting hosts begin where there is room, and ends the pipeline when no host is left. */
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

/** "17 done, 2 failed, 1 skipped." with what ended it before, if anything did. */
function summary({ pipeline: { state } }: PipelineRun, counts: PipelineCounts): string {
  const parts = (['done', 'failed', 'skipped'] as const).flatMap((status) =>
    counts[status] > 0 ? [`${counts[status]} ${status}`] : [],
  );
  const why = state.halt?.reason ?? (state.prelude?.status === 'failed' ? state.prelude.reason : '');
  return `${parts.join(', ')}.${why === '' ? '' : ` ${why}`}`;
}
