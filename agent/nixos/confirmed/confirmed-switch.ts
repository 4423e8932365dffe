/**
 * A switch that takes itself back (docs/switches.md, "Confirmed switches"). A timer of nixfleet-root, which needs neither
 * this agent nor the network nor the new system, activates the old system unless it is disarmed. The new system is
 * activated, but does not become the boot default until it is confirmed: a restart before that boots the previous one.
 * Every step is found again by what is on disk, whatever ended the process before.
 */
import { dirname, join } from 'node:path';
import { checksBefore, type ChecksVerdict } from '../../checks/check-rounds';
import { readCheckConfig } from '../../checks/check-config';
import type { OperationContext, OperationHost } from '../../operation';
import type { RebuildEnd } from '../../rebuild';
import { EXIT_STOPPED, followActivation, NOT_KNOWN, type PlannedActivation } from '../activation';
import { EXIT_KILLED, type ActivationEnd } from '../activation-end';
import { writeActivation } from '../activation-record';
import { agentPackages, otherAgentInstalled, restartsFor } from '../installed-agent';
import type { RolledBackReason } from '@/lib/protocol/agent/confirmation';
import { TOO_LATE, type OperationState, type RootHelper } from '../root-helper';
import { readBootId, readFailedUnits, readSystem, runs } from '../system-facts';
import { askUntilKnown, OUTPUT_FILE, whatBegan, type Begun } from '../unit-state';
import { report, saysFailure, type ConfirmedSwitch } from './confirmation-report';
import { BOOT_SUFFIX, done, failed, noting, partial, whatRuns } from './confirmed-ends';
import { disarm, endUnchanged } from './disarming';
import { afterRestart, backOf, finishBack, goBack, isBack, timerGone, waitForTimer } from './going-back';
import { readTimer } from './timer-files';
import { waitInWindow } from './window';

/** An activation that takes longer hangs: then the timer fires. Activations take up to a minute. */
const MAX_ACTIVATION_S = 600;
const EXIT_AT_NEXT_BOOT = 100;

/** Starts one. `windowS`: seconds from the end of the activation in which it has to be confirmed. */
export async function startConfirmedSwitch(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  planned: Omit<PlannedActivation, 'action'>,
  windowS: number,
): Promise<RebuildEnd> {
  const { shell } = context;
  const { stateDir } = host.config;
  const { running } = readSystem(host.config);
  const { config, problem } = readCheckConfig(planned.target);
  if (problem !== null)
    shell.say(`The checks of the new system can't be read, so its units alone count: ${problem}`, 'stderr');
  const before = await checksBefore(config, shell);
  shell.say(`Activating ${planned.target}. It is taken back unless it is confirmed within ${windowS} s.`);
  const record: ConfirmedSwitch['record'] = {
    ...planned,
    version: 2,
    action: 'test',
    lastSeq: context.lastSeq(),
    running,
    failedUnits: await readFailedUnits(shell),
    bootId: readBootId(),
    output: null,
    confirm: { windowS, stage: 'activating', before, cameBack: false, activation: null, back: null },
  };
  if (context.stopping()) return { kind: 'failed', exitCode: EXIT_STOPPED, failure: 'stopped before the activation' };
  try {
    writeActivation(stateDir, record);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown reason';
    return { kind: 'failed', exitCode: 1, failure: `nothing was activated: ${stateDir} can't be written (${why})` };
  }
  const confirmed: ConfirmedSwitch = { host, context, helper, record, folder: '', since: 0, checks: [] };
  context.hold(holdDuringActivation(confirmed));
  const armed = await helper.arm(shell, record.id, MAX_ACTIVATION_S + windowS, running);
  if (!armed.ok) return endUnchanged(confirmed, armed.exitCode, `nothing was activated: ${armed.problem}`);
  // The next process finds the files by it, even where nixfleet-root no longer answers.
  const guarded = noting({ ...confirmed, folder: armed.folder }, {});
  return activate(guarded);
}

/** The timer is armed: from here on it is disarmed only if it is certain that nothing was activated. */
async function activate(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  const { helper, context, record } = confirmed;
  const start = await helper.activate(context.shell, record.id, 'test', record.target);
  const begun = await whatBegan(helper, context.shell, record.id, start);
  if (begun.kind === 'started') return afterActivation({ ...confirmed, folder: dirname(begun.output) });
  if (begun.kind === 'refused')
    return endUnchanged(confirmed, begun.exitCode, `nothing was activated: ${begun.problem}`);
  // Its files say what the timer does. Without them only nixfleet-root knows.
  if (readTimer(confirmed.folder).state !== 'none') return afterActivation(confirmed);
  return failed(confirmed, EXIT_KILLED, `${NOT_KNOWN}: ${begun.problem}; ${whatRuns(confirmed)}`);
}

/** Goes on with the one that an earlier process of the agent began. */
export async function resumeConfirmedSwitch(
  host: OperationHost,
  context: OperationContext,
  helper: RootHelper,
  record: ConfirmedSwitch['record'],
): Promise<RebuildEnd> {
  const found = await find(helper, context, record);
  const confirmed: ConfirmedSwitch = { host, context, helper, record, folder: found.folder, since: 0, checks: [] };
  context.hold(holdDuringActivation(confirmed));
  if (found.state === 'unknown' && found.timer === 'none')
    return failed(confirmed, EXIT_KILLED, `nixfleet-root does not say how the switch ended; ${whatRuns(confirmed)}`);
  if (found.timer === 'firing' || found.timer === 'fired') return finishBack(confirmed, ...backOf(confirmed));
  const isKept = record.confirm.stage === 'keeping' && runs(readSystem(host.config).running, record.target);
  if (record.bootId !== readBootId() && !isKept) return afterRestart(confirmed);
  switch (record.confirm.stage) {
    case 'activating':
      return found.state === 'none' ? neverBegan(confirmed) : afterActivation(confirmed);
    case 'waiting':
      return found.timer === 'armed' ? openWindow(confirmed) : timerGone(confirmed);
    case 'keeping':
      // The agent ended before or after it disarmed the timer.
      if (found.timer === 'disarmed') return enterForBoot(confirmed, null);
      return found.timer === 'armed' ? openWindow(confirmed) : afterRestart(confirmed);
    case 'going-back':
      return goBack(confirmed, ...backOf(confirmed));
  }
}

/** What nixfleet-root says of it, or else what its files say of the timer. */
async function find(
  helper: RootHelper,
  context: OperationContext,
  record: ConfirmedSwitch['record'],
): Promise<OperationState> {
  const folder = record.output === null ? '' : dirname(record.output);
  // The files don't say whether an activation ever began; of everything else they say enough, and its window passes.
  const hasFiles = record.confirm.stage !== 'activating' && readTimer(folder).state !== 'none';
  const found = await (hasFiles
    ? helper.stateOf(context.shell, record.id)
    : askUntilKnown(helper, context.shell, record.id));
  if (found.state !== 'unknown') return found;
  return { ...found, folder, timer: readTimer(folder).state };
}

/** The process before this one ended before nixfleet-root had started the activation. */
function neverBegan(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  const failure = 'the agent stopped before the activation started: nothing has changed';
  return endUnchanged(confirmed, 1, failure, backOf(confirmed));
}

async function afterActivation(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  const { host, context, helper, record, folder } = confirmed;
  report(confirmed, 'activating');
  const end = await followActivation(host, context, helper, record, join(folder, OUTPUT_FILE));
  if (isBack(confirmed)) return finishBack(confirmed, ...backOf(confirmed));
  const next = whatFollows(end);
  if (next.kind === 'back') return goBack(confirmed, 'activation-failed', next.why);
  if (next.kind === 'unchanged') return endUnchanged(confirmed, next.exitCode, next.why);
  const armed = await helper.arm(context.shell, record.id, record.confirm.windowS, record.running);
  if (!armed.ok && armed.exitCode === TOO_LATE) return finishBack(confirmed, ...backOf(confirmed));
  if (!armed.ok) context.shell.say(`The timer keeps its first delay, which is longer: ${armed.problem}`, 'stderr');
  const activation = 'failure' in end ? { exitCode: end.exitCode, failure: end.failure } : null;
  return openWindow({ ...noting(confirmed, { stage: 'waiting', activation }), since: performance.now() });
}

/** `window`: the system runs, and its units decide. `unchanged`: the previous system runs. */
function whatFollows(
  end: ActivationEnd,
): { kind: 'window' } | { kind: 'back'; why: string } | { kind: 'unchanged'; exitCode: number; why: string } {
  switch (end.kind) {
    case 'done':
      return { kind: 'window' };
    case 'partial':
      // Units that failed are judged with those to ignore, and once they have settled. A failed script is final.
      return end.newUnits.length > 0 ? { kind: 'window' } : { kind: 'back', why: end.failure };
    case 'deferred':
      return { kind: 'unchanged', exitCode: EXIT_AT_NEXT_BOOT, why: `${end.message}. Use Switch at next boot` };
    case 'failed':
      return end.halfWay
        ? { kind: 'back', why: end.failure }
        : { kind: 'unchanged', exitCode: end.exitCode, why: end.failure };
  }
}

/** The activation has ended. The agent that the new system names goes on: this one, or the next process. */
async function openWindow(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  const { host, record } = confirmed;
  const { unit, unitAtStart, program } = host;
  const { own, named } = unit === null ? { own: null, named: null } : agentPackages({ unit, program });
  if (own !== null && named === null) return goBack(confirmed, 'agent-missing', 'the new system has no NixFleet agent');
  const { stateDir } = host.config;
  const other = unit === null ? null : otherAgentInstalled({ unit, program, unitAtStart, stateDir });
  if (other !== null) {
    try {
      restartsFor(stateDir, other);
      return { kind: 'handover' };
    } catch {
      return goBack(
        confirmed,
        'agent-missing',
        `${stateDir} can't be written, so the agent of the new system can't take over`,
      );
    }
  }
  // A restart did not bring the agent of the new system: nobody can confirm for it.
  if (own !== null && own !== named) return waitForTimer(confirmed);
  const here = record.confirm.cameBack ? confirmed : noting(confirmed, { cameBack: true });
  return inWindow(here);
}

async function inWindow(confirmed: ConfirmedSwitch): Promise<RebuildEnd> {
  confirmed.context.shell.say('The new system runs. Waiting for its checks and for the confirmation.');
  const { end, checks } = await waitInWindow(confirmed);
  const checked: ConfirmedSwitch = { ...confirmed, checks };
  switch (end.kind) {
    case 'back':
      return goBack(checked, end.reason, end.why);
    case 'fired':
      return finishBack(checked, ...(unfinishedCheck(checked) ?? backOf(checked)));
    case 'gone':
      return timerGone(checked);
    case 'keep': {
      const keeping = noting(checked, { stage: 'keeping' });
      report(keeping, 'keeping');
      const disarmed = await disarm(keeping);
      if (disarmed.kind === 'none') return timerGone(keeping);
      if (disarmed.kind === 'disarmed') return enterForBoot(keeping, end.verdict);
      if (disarmed.kind === 'too-late') return finishBack(keeping, ...backOf(keeping));
      const text = `the timer could not be disarmed: ${disarmed.problem}`;
      return waitForTimer(noting(keeping, { stage: 'waiting', back: { reason: 'no-contact', text } }));
    }
  }
}

/** The enforced check that had not passed when the timer fired, for which the dashboard waited; null without one. */
function unfinishedCheck({ checks, record }: ConfirmedSwitch): [RolledBackReason, string] | null {
  const check = checks.find(({ enforced, status }) => enforced && status === 'pending');
  if (check === undefined || record.confirm.back !== null) return null;
  const { name, kind } = check;
  const what = kind === 'tests' ? 'the tests of the repository' : kind === 'units' ? 'the units' : `the check ${name}`;
  return ['check-failed', `${what} had not passed within ${record.confirm.windowS} s`];
}

/** The timer is disarmed: the system stays. It becomes the boot default. `verdict`: that of the checks; null: not known. */
async function enterForBoot(confirmed: ConfirmedSwitch, verdict: ChecksVerdict | null): Promise<RebuildEnd> {
  const { host, context, helper, record } = confirmed;
  const { shell } = context;
  const id = `${record.id}${BOOT_SUFFIX}`;
  shell.say(`Confirmed. Making ${record.target} the boot default.`);
  const found = await askUntilKnown(helper, shell, id);
  const begun: Begun =
    found.state === 'none'
      ? await whatBegan(helper, shell, id, await helper.activate(shell, id, 'boot', record.target))
      : found.folder === ''
        ? { kind: 'unknown', exitCode: EXIT_KILLED, problem: 'nixfleet-root does not answer' }
        : { kind: 'started', output: join(found.folder, OUTPUT_FILE) };
  if (begun.kind !== 'started') {
    const what = begun.kind === 'refused' ? 'it could not be made' : 'it is not known whether it was made';
    const exitCode = begun.kind === 'refused' ? begun.exitCode : EXIT_KILLED;
    return partial(confirmed, exitCode, `${what} the boot default: ${begun.problem}`);
  }
  const end = await followActivation(host, context, helper, { ...record, id, action: 'boot' }, begun.output);
  if (end.kind === 'failed')
    return partial(confirmed, end.exitCode, `it could not be made the boot default: ${end.failure}`);
  const { activation } = record.confirm;
  if (!runs(readSystem(host.config).running, record.target))
    return failed(confirmed, 1, `the system was confirmed, but ${whatRuns(confirmed)}`);
  if (verdict?.kind === 'failed')
    return partial(confirmed, activation?.exitCode ?? 0, `an operator kept it although ${saysFailure(verdict.check)}`);
  return done(confirmed);
}

function holdDuringActivation({ context, helper, record }: ConfirmedSwitch) {
  return {
    reason:
      'A switch that waits for its confirmation can’t be stopped: use Revert now. If nobody confirms, the host goes back by itself.',
    kill: () => helper.stop(context.shell, record.id),
  };
}
