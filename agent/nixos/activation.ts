/** Activates a system by nixfleet-root, passes its output on, and judges its end. A later process of the agent goes on with it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createCauseFinder } from '@/lib/causes/find-cause';
import type { OperationContext, OperationHost } from '../operation';
import type { FinalEnd } from '../rebuild';
import type { Shell } from '../shell';
import { EXIT_KILLED, judgeActivation, type ActivationEnd, type ActivationResult } from './activation-end';
import { removeActivation, writeActivation, type ActivationRecord } from './activation-record';
import { followFile } from './followed-file';
import { valuesOf, type RootHelper, type Start } from './root-helper';
import { readBootId, readFailedUnits, readJournal, readSystem, specialisationsOf } from './system-facts';
import { askUntilKnown, OUTPUT_FILE, whatBegan } from './unit-state';

/** How often output and result are looked for. */
const POLL_MS = 200;
/** How often nixfleet-root is asked whether the unit still runs: it may have been killed. */
const STATE_POLLS = 25;
/** Answers in a row without a state of the unit, after which it counts as lost: about two minutes. */
const MAX_UNKNOWN = 24;
/** Lines of the journal that are shown for a unit that failed, and units of which they are. */
const JOURNAL_LINES = 10;
const MAX_SHOWN_UNITS = 3;

/** What is known of an activation before it starts. */
export type PlannedActivation = Pick<
  ActivationRecord,
  'id' | 'commandId' | 'command' | 'purpose' | 'action' | 'target' | 'generation' | 'commit'
>;

/** Starts an activation and follows it to its end. `start` calls nixfleet-root. */
export async function runActivation(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  planned: PlannedActivation,
  start: () => Promise<Start>,
): Promise<FinalEnd> {
  const { shell } = context;
  const { stateDir } = host.config;
  const record: ActivationRecord = {
    version: 1,
    confirm: null,
    ...planned,
    lastSeq: context.lastSeq(),
    running: readSystem(host.config).running,
    failedUnits: await readFailedUnits(shell),
    bootId: readBootId(),
    output: null,
  };
  if (context.stopping()) return { kind: 'failed', exitCode: EXIT_STOPPED, failure: 'stopped before the activation' };
  try {
    writeActivation(stateDir, record);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown reason';
    return { kind: 'failed', exitCode: 1, failure: `nothing was activated: ${stateDir} can't be written (${why})` };
  }
  context.hold(holdOf(shell, helper, record.id));
  const begun = await whatBegan(helper, shell, record.id, await start());
  if (begun.kind !== 'started') {
    context.hold(null);
    // What it had prepared before it failed.
    await tidyUp(stateDir, shell, helper, record.id);
    return begun.kind === 'refused'
      ? { kind: 'failed', exitCode: begun.exitCode, failure: begun.problem }
      : { kind: 'failed', exitCode: EXIT_KILLED, failure: `${NOT_KNOWN}: ${begun.problem}` };
  }
  const { output } = begun;
  try {
    writeActivation(stateDir, { ...record, output });
  } catch {
    // The disk is full. nixfleet-root knows the place as well.
  }
  return follow(host, context, helper, record, output);
}

/** Goes on with the activation of an earlier process. */
export async function resumeActivation(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  record: ActivationRecord,
): Promise<FinalEnd> {
  context.hold(holdOf(context.shell, helper, record.id));
  // Even where nixfleet-root no longer answers, its files say how the activation ended.
  if (record.output !== null) return follow(host, context, helper, record, record.output);
  const { state, folder } = await askUntilKnown(helper, context.shell, record.id);
  if (state !== 'none' && state !== 'unknown') return follow(host, context, helper, record, join(folder, OUTPUT_FILE));
  context.hold(null);
  const settle = (): Promise<void> => tidyUp(host.config.stateDir, context.shell, helper, record.id);
  return state === 'none'
    ? {
        kind: 'failed',
        exitCode: 1,
        failure: 'the agent stopped before the activation started: nothing has changed',
        settle,
      }
    : {
        kind: 'failed',
        exitCode: EXIT_KILLED,
        failure: 'the agent ended during the activation, and nixfleet-root does not say how it ended',
        settle,
      };
}

/** nixfleet-root did not answer the start, nor what became of it. */
export const NOT_KNOWN = 'it is not known whether the activation started';
const RESULT_FILE = 'result';
export const EXIT_STOPPED = 130;

function holdOf(shell: Shell, helper: RootHelper, id: string) {
  return {
    reason:
      'An activation can’t be stopped cleanly: it continues, and its result will follow. Kill interrupts it and may leave the system partly switched.',
    kill: () => helper.stop(shell, id),
  };
}

async function follow(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  record: ActivationRecord,
  output: string,
): Promise<FinalEnd> {
  const { shell } = context;
  const end = await followActivation(host, context, helper, record, output);
  if (end.kind === 'partial') await showUnits(shell, end.newUnits);
  context.hold(null);
  const settle = (): Promise<void> => tidyUp(host.config.stateDir, shell, helper, record.id);
  return { ...rebuildEndOf(end), settle };
}

/** Passes the output of an activation on until it has ended, and judges its end. */
export async function followActivation(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  record: ActivationRecord,
  output: string,
): Promise<ActivationEnd> {
  const { shell } = context;
  if (record.action !== 'boot') context.progress('activate', 0, 0, 'in_progress');
  const causes = createCauseFinder();
  const file = followFile(output, (line) => {
    const clean = shell.redact(line);
    causes.add(clean);
    shell.say(clean);
  });
  const result = await whenEnded(shell, helper, record.id, join(dirname(output), RESULT_FILE), () => file.read());
  file.finish();
  return judgeActivation({
    action: record.action,
    targets: [record.target, ...specialisationsOf(record.target).keys()],
    before: { running: record.running },
    after: readSystem(host.config),
    failedBefore: record.failedUnits,
    failedAfter: await readFailedUnits(shell),
    result,
    restarted: record.bootId !== readBootId(),
    cause: causes.cause(),
  });
}

/** Removes what is kept of an activation. The record goes last: if the agent is killed before that, the next one does it. */
export async function tidyUp(stateDir: string, shell: Shell, helper: RootHelper, id: string): Promise<void> {
  await helper.forget(shell, id);
  removeActivation(stateDir, id);
}

function rebuildEndOf(end: ActivationEnd): FinalEnd {
  switch (end.kind) {
    case 'done':
      return { kind: 'done' };
    case 'partial':
      return { kind: 'partial', exitCode: end.exitCode, failure: end.failure };
    case 'deferred':
      return { kind: 'deferred', exitCode: end.exitCode, message: end.message };
    case 'failed':
      return { kind: 'failed', exitCode: end.exitCode, failure: end.failure };
  }
}

/**
 * Resolves with the unit's result, or with null when it ended without one. On a full disk there is no file with the
 * result, but systemd knows the exit code.
 */
async function whenEnded(
  shell: Shell,
  helper: RootHelper,
  id: string,
  path: string,
  onPoll: () => void,
): Promise<ActivationResult | null> {
  let unknown = 0;
  for (let polls = 1; ; polls++) {
    onPoll();
    const result = readResult(path);
    if (result !== null) return result;
    if (polls % STATE_POLLS === 0) {
      const { state, exitCode } = await helper.stateOf(shell, id);
      unknown = state === 'unknown' ? unknown + 1 : 0;
      if (state === 'lost' || state === 'none' || unknown >= MAX_UNKNOWN)
        return readResult(path) ?? (exitCode === null ? null : { exitCode, stopped: false, profile: '' });
    }
    await pause(POLL_MS);
  }
}

function readResult(path: string): ActivationResult | null {
  let values: ReadonlyMap<string, string>;
  try {
    values = valuesOf(readFileSync(path, 'utf8').split('\n'));
  } catch {
    return null;
  }
  const exitCode = Number(values.get('exit') ?? '');
  return {
    exitCode: Number.isInteger(exitCode) ? exitCode : EXIT_KILLED,
    stopped: values.get('stopped') === 'yes',
    profile: values.get('profile') ?? '',
  };
}

/** The last lines of units from the journal. */
export async function showUnits(shell: Shell, units: readonly string[]): Promise<void> {
  for (const unit of units.slice(0, MAX_SHOWN_UNITS)) {
    const lines = await readJournal(shell, unit, JOURNAL_LINES);
    if (lines.length > 0) shell.say(`Last lines of ${unit}:`, 'stderr');
    for (const line of lines) shell.say(`  ${line}`, 'stderr');
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
